"""The first layer's weights: before, now and the change, as pictures and as numbers."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz import Experiment, run
from initviz.lab.checkpoint import Checkpoint
from initviz.ui.panels.first_layer import MOST_UNITS, FirstLayer, find

DIGITS = Experiment().with_values(
    {
        "network.hidden_layers": 2,
        "network.width": 6,
        "initialiser.scheme": "glorot_normal",
        "training.learning_rate": 0.3,
    }
)
MOONS = DIGITS.with_value("training.data", "moons")


def pixel(place):
    """The middle of the pixel in row 4 and column 6 of a filter."""
    x, y = place.left() + 5.5 * place.width() / 8, place.top() + 3.5 * place.height() / 8
    return QPointF(x, y)


@pytest.fixture(scope="module")
def digits():
    return run(DIGITS, 40)


@pytest.fixture(scope="module")
def moons():
    return run(MOONS, 20)


def test_the_change_is_now_minus_before_and_its_share_is_said(make_panel, lane, digits, words):
    panel = make_panel(FirstLayer, [lane(digits)])
    panel.catch_up()
    before, now = (digits.weights("hidden 1", step).astype(float) for step in (0, 40))
    np.testing.assert_array_equal(panel.found.pictures, [before, now, now - before])
    share = np.linalg.norm(now - before) / np.linalg.norm(before)
    assert panel.found.relative == pytest.approx(share)
    assert panel.subtitle() == f"‖ΔW‖ / ‖W‖ = {share:.2g} since step 0 · step 40"
    found = words(panel)
    assert {"Before", "Now", "Change", "· step 0", "· step 40", "6 units"} <= set(found)
    assert f"‖W‖ = {np.linalg.norm(before):.2g}" in found


def test_a_change_of_nothing_is_said_once(make_panel, lane, digits, words):
    panel = make_panel(FirstLayer, [lane(digits, 0)])
    assert "W‖ = 0" in words(panel)  # Qt writes Latin and Greek letters apart


def test_a_narrow_panel_keeps_the_numbers_of_the_norms(make_panel, lane, digits, words):
    panel = make_panel(FirstLayer, [lane(digits)], size=(420, 320))
    panel.setMinimumSize(0, 0)
    norm = np.linalg.norm(digits.weights("hidden 1", 0).astype(float))
    assert any(text.endswith(f"{norm:.2g}") for text in words(panel))


def test_between_checkpoints_the_nearest_is_shown(make_panel, lane, digits):
    panel = make_panel(FirstLayer, [lane(digits, 26)])
    panel.catch_up()
    assert panel.found.steps == (0, 20)
    assert panel.subtitle().endswith("nearest kept: step 20")


@pytest.mark.parametrize(
    ("change", "shape", "channels"),
    [
        ({}, (8, 8), 1),
        ({"training.data": "moons"}, None, 1),
        ({"network.architecture": "cnn", "network.kernel_size": 5}, (5, 5), 1),
        ({"network.architecture": "lstm", "training.data": "digit_rows"}, None, 1),
        ({"network.architecture": "rnn"}, None, 1),
        ({"training.data": "digit_rows"}, None, 1),
    ],
)
def test_weights_of_images_are_pictures_and_others_a_heat_map(change, shape, channels) -> None:
    checkpoint = run(DIGITS.with_values(change), 0).checkpoint(0)
    found = find(checkpoint, checkpoint)
    assert (found.shape, found.channels) == (shape, channels)
    assert found.relative == 0.0


def test_the_channels_of_a_colour_image_are_averaged() -> None:
    experiment = DIGITS.with_values({"network.architecture": "cnn", "network.width": 4})
    weights = np.arange(4 * 27, dtype=float).reshape(4, 27)
    checkpoint = Checkpoint.of_weights(experiment, 0, {"hidden 1": weights})
    found = find(checkpoint, checkpoint)
    assert (found.shape, found.channels) == ((3, 3), 3)
    expected = weights.reshape(4, 3, 3, 3).mean(1)
    np.testing.assert_array_equal(found.as_pictures()[0], expected)


def test_of_a_wide_layer_the_first_units_are_shown_and_the_norms_are_of_all() -> None:
    recording = run(DIGITS.with_value("network.width", 300), 1)
    found = find(recording.checkpoint(0), recording.checkpoint(1))
    assert found.pictures.shape == (3, MOST_UNITS, 64)
    assert found.units == 300
    assert found.norms[1] == pytest.approx(recording.series("weight_norm")[1, 0], rel=1e-5)


def test_a_layer_that_starts_at_zero_has_no_relative_change() -> None:
    recording = run(DIGITS.with_value("initialiser.scheme", "zeros"), 1)
    assert np.isnan(find(recording.checkpoint(0), recording.checkpoint(1)).relative)


def test_all_three_share_one_scale_unless_the_change_gets_its_own(make_panel, lane, digits):
    panel = make_panel(FirstLayer, [lane(digits)])
    panel.catch_up()
    scales = panel._scales(panel.found)
    assert scales[0] is scales[1] is scales[2]
    assert scales[0].colours.limit >= np.abs(panel.found.pictures[:2]).max()
    panel.set_option("change", "own")
    panel.catch_up()
    before, now, change = panel._scales(panel.found)
    assert before is now
    largest = np.abs(panel.found.pictures[2]).max()
    assert largest <= change.colours.limit <= 1.5 * largest


def test_a_pixel_of_a_filter_has_the_colour_of_its_weight(make_panel, lane, digits, picture):
    panel = make_panel(FirstLayer, [lane(digits)])
    image, layout = picture(panel, 900, 600)
    colours = panel._scales(panel.found)[0].colours
    for number, area in enumerate(panel._areas(layout, panel.found)):
        for unit, place in enumerate(panel._places(layout, panel.found, area)):
            value = panel.found.pictures[number, unit, 8 * 3 + 5]
            at = QPointF(
                place.left() + 5.5 * place.width() / 8, place.top() + 3.5 * place.height() / 8
            )
            entry = int(colours.cells(np.array([value]))[0])
            expected = colours.table(panel.theme)[entry] & 0xFFFFFF
            assert image.pixel(at.toPoint()) & 0xFFFFFF == expected, (number, unit)


def test_the_read_out_tells_a_weight_three_times(make_panel, lane, digits, moons, picture):
    panel = make_panel(FirstLayer, [lane(digits)])
    _, layout = picture(panel, 900, 600)
    area = panel._areas(layout, panel.found)[2]
    place = panel._places(layout, panel.found, area)[2]
    at = pixel(place)
    text = panel.describe(at, layout)
    before, now, _ = panel.found.pictures[:, 2, 8 * 3 + 5]
    assert text.startswith("A  unit 3, row 4, column 6\nbefore ")
    assert f"{abs(before):.4g}" in text
    assert f"{abs(now):.4g}" in text
    assert panel.describe(QPointF(0, 0), layout) == ""
    panel = make_panel(FirstLayer, [lane(moons)])
    _, layout = picture(panel, 900, 600)
    area = panel._areas(layout, panel.found)[0]
    at = QPointF(area.left() + 0.75 * area.width(), area.top() + 1.5 * area.height() / 6)
    assert panel.describe(at, layout).startswith("A  unit 2, input 2\n")


def test_numbers_are_written_out_as_far_as_they_fit(
    make_panel, lane, digits, moons, words, picture
):
    panel = make_panel(FirstLayer, [lane(moons)], (900, 600))
    panel.set_option("as", "numbers")
    found = words(panel)
    assert "6 units, 2 inputs" in found
    weight = float(moons.weights("hidden 1", 0)[4, 1])
    digits_ = 3 if abs(weight) >= 0.1 else 4
    assert f"{weight:.{digits_}f}".replace("-", "−") in found
    _, layout = picture(panel, 900, 600)
    area = panel._areas(layout, panel.found)[0]
    at = QPointF(area.left() + panel._margin(layout, panel.found) + 5, area.top() + 1.5 * 18)
    assert panel.describe(at, layout).startswith("A  unit 1, input 1")
    panel = make_panel(FirstLayer, [lane(digits)], (420, 320))
    panel.set_option("as", "numbers")
    assert any("of 64" in text for text in words(panel))


def test_the_table_has_every_weight_shown(make_panel, lane, moons):
    panel = make_panel(FirstLayer, [lane(moons)])
    panel.catch_up()
    header, rows = panel.table()
    assert len(rows) == 6 * 2
    row = dict(zip(header, rows[3], strict=True))
    assert (row["unit"], row["input"], row["step"]) == (2, 2, 20)
    assert row["now"] - row["before"] == row["change"]


@pytest.mark.parametrize("size", [(240, 180), (420, 320), (900, 600)])
@pytest.mark.parametrize("shown_as", ["pictures", "numbers"])
def test_nothing_leaves_the_chart(make_panel, lane, digits, moons, picture, size, shown_as):
    for recording in (digits, moons):
        panel = make_panel(FirstLayer, [lane(recording)])
        panel.set_option("as", shown_as)
        panel.set_option("change", "own")
        _, layout = picture(panel, *size)
        areas = panel._areas(layout, panel.found)
        assert areas[2].right() <= size[0]
        for area in areas:
            places = panel._places(layout, panel.found, area)
            assert all(place.right() <= area.right() + 1 for place in places)
            assert all(place.bottom() <= area.bottom() + 1 for place in places)


def test_a_run_whose_file_is_gone_still_has_its_weights(make_panel, lane, tmp_path):
    path = tmp_path / "mine.csv"
    rows = (f"{x % 7},{x % 3},{x % 2}" for x in range(40))
    path.write_text("\n".join(["x,y,label", *rows]))
    recording = run(DIGITS.with_values({"training.data": "file", "training.path": str(path)}), 0)
    path.unlink()
    panel = make_panel(FirstLayer, [lane(recording)])
    panel.catch_up()
    assert panel.found.shape is None
