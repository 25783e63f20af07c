"""Backprop in slow motion: the numbers are those of one sample, and the beats can be played."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from initviz import Experiment, run
from initviz.lab.replay import Replay
from initviz.ui.controls import WholeBox
from initviz.ui.panels import slow_motion
from initviz.ui.panels.slow_motion import MOST_UNITS, SlowMotionPanel, largest_units, norm

EXPERIMENT = Experiment().with_values(
    {"network.hidden_layers": 4, "network.width": 30, "initialiser.std": 0.05}
)


@pytest.fixture(scope="module")
def recording():
    return run(EXPERIMENT, 10)


@pytest.fixture
def panel(make_panel, lane, recording):
    made = make_panel(SlowMotionPanel, [lane(recording)])
    made.show()
    made.catch_up()
    yield made
    made.stop()


def button(panel, name):
    return panel.findChild(QToolButton, f"panel.slow_motion.{name}")


def test_the_first_beat_is_the_loss(panel, words, recording):
    motion = Replay(EXPERIMENT, recording.checkpoint(10)).one_sample(0)
    z, shares, target, delta = panel.columns(panel.found)
    assert z.numbers == tuple(range(10))
    assert shares.values == pytest.approx(motion.probabilities.tolist())
    assert [
        number for number, value in zip(target.numbers, target.values, strict=True) if value
    ] == [motion.label]
    np.testing.assert_allclose(delta.values, np.subtract(shares.values, target.values), atol=1e-12)
    assert "from the loss to the output" in words(panel)
    assert panel.subtitle() == (
        f"sample 0, class {motion.label}, loss {motion.loss:.2g} · output · step 10"
    )


def test_each_further_beat_multiplies_what_arrives_by_the_slope(panel, words):
    beats = panel.found.beats
    for at in range(1, 5):
        panel.advance(1)
        here, above = beats[4 - at], beats[5 - at]
        before, arrives, slope, delta = panel.columns(panel.found)
        assert len(delta.numbers) == MOST_UNITS
        places = [number - 1 for number in delta.numbers]
        assert arrives.numbers == slope.numbers == delta.numbers
        np.testing.assert_array_equal(arrives.values, (above.weight.T @ above.delta)[places])
        np.testing.assert_array_equal(np.multiply(arrives.values, slope.values), delta.values)
        np.testing.assert_array_equal(before.values, above.delta[np.array(before.numbers) - 1])
        assert before.name == f"δ of {above.layer}"
        assert f"into {here.layer}" in words(panel)
        assert f"beat {at + 1} of 5" in words(panel)
    assert panel.beat == 4
    panel.advance(1)
    assert panel.beat == 4


def test_the_product_of_the_factors_is_the_norm_that_is_left(panel, words):
    panel.advance(3)
    sizes = [np.linalg.norm(beat.delta) for beat in panel.found.beats]
    line = "".join("".join(words(panel)).split("so far")[1:])
    left = f"{norm(panel.found.beats[1].delta):.2g}".replace("e-0", "e-")
    assert f"={left}" in line.replace(" ", "")
    factors = [sizes[k] / sizes[k + 1] for k in (3, 2, 1)]
    assert "×".join(f"{factor:.2g}" for factor in factors) in line.replace(" ", "")


def test_bars_share_a_scale_within_a_beat_or_over_all(panel):
    panel.advance(4)
    last, above = panel.found.beats[0], panel.found.beats[1]
    largest = max(np.abs(row).max() for row in (above.delta, last.arriving, last.delta))
    assert {column.reach for column in panel.columns(panel.found)[::3]} == {largest}
    panel.set_option("bars", "all")
    largest = max(np.abs(beat.delta).max() for beat in panel.found.beats)
    assert panel.columns(panel.found)[3].reach >= largest


def test_the_units_are_those_with_the_largest_delta():
    delta = np.zeros(40)
    delta[[3, 30, 17]] = (-5.0, 2.0, 1e-9)
    assert {3, 17, 30} <= set(largest_units(delta, delta))
    assert largest_units(delta, delta) == sorted(largest_units(delta, delta))
    arriving = np.arange(40.0)
    assert largest_units(np.zeros(40), arriving) == list(range(28, 40))


def test_a_norm_neither_underflows_nor_overflows():
    assert norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200)
    assert norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert norm(np.zeros(3)) == 0.0
    assert norm(np.array([1.0, math.inf])) == math.inf


def test_the_sample_can_be_chosen_within_the_training_part(panel):
    box = panel.findChild(WholeBox, "panel.slow_motion.sample")
    assert (box.minimum(), box.maximum()) == (0, 1436)
    box.setValue(17)
    assert panel.found.index == 17
    assert panel.chosen == {"bars": "beat", "sample": "17"}
    panel.set_option("sample", "99999")
    assert panel.found.index == 1436
    assert box.value() == 1436


def test_buttons_and_keys_of_the_focused_chart_move_the_beats(panel):
    QTest.mouseClick(button(panel, "on"), Qt.MouseButton.LeftButton)
    assert panel.beat == 1
    panel._canvas.setFocus()
    QTest.keyClick(panel._canvas, Qt.Key.Key_Right)
    assert panel.beat == 2
    QTest.keyClick(panel._canvas, Qt.Key.Key_Left)
    QTest.mouseClick(button(panel, "back"), Qt.MouseButton.LeftButton)
    assert panel.beat == 0
    assert not button(panel, "back").isEnabled()
    assert button(panel, "on").isEnabled()


def test_it_plays_to_the_first_layer_and_stops(qtbot, make_panel, lane, recording, monkeypatch):
    monkeypatch.setattr(slow_motion, "BEAT", 1)
    panel = make_panel(SlowMotionPanel, [lane(recording)])
    panel.show()
    panel.catch_up()
    assert not panel.is_playing
    button(panel, "play").click()
    assert panel.is_playing
    assert button(panel, "play").text() == "Pause"
    qtbot.waitUntil(lambda: panel.beat == 4)
    assert not panel.is_playing
    assert button(panel, "play").text() == "Play"
    button(panel, "play").click()
    assert panel.beat == 0
    assert panel.is_playing
    panel.advance(1)
    assert not panel.is_playing


def test_nothing_plays_that_cannot_be_seen(panel):
    panel.toggle()
    assert panel.is_playing
    panel.hide()
    assert not panel.is_playing


def test_a_network_that_is_not_plain_says_why(make_panel, lane, words):
    residual = run(EXPERIMENT.with_value("network.residual", True), 0)
    panel = make_panel(SlowMotionPanel, [lane(residual)])
    assert "residual connections" in " ".join(words(panel))
    panel.show()
    assert not panel.is_playing
    panel.toggle()
    panel.stop()


def test_the_beat_stays_where_a_shallower_lane_has_one(panel, lane):
    panel.advance(4)
    shallow = run(EXPERIMENT.with_value("network.hidden_layers", 1), 0)
    panel.show_data([lane(shallow)])
    assert panel.beat == 1
    assert panel.subtitle().endswith("hidden 1 · step 0")


def test_the_read_out_tells_a_number_of_a_unit(panel, picture):
    panel.advance(2)
    _, layout = picture(panel)
    place = panel._places(layout, panel.found)[3]
    column = panel.columns(panel.found)[3]
    rows = panel._rows(layout, place, len(column.numbers))
    text = panel.describe(QPointF(place.left() + 5, rows.top + 1.5 * rows.pitch), layout)
    assert text.startswith(f"A  unit {column.numbers[1]}\n= δ of hidden 3: ")
    assert panel.describe(QPointF(place.left() + 5, 2), layout) == ""


def test_the_table_has_every_unit_of_every_layer(panel):
    header, rows = panel.table()
    assert len(rows) == 4 * 30 + 10
    row = dict(zip(header, rows[31], strict=True))
    assert (row["layer"], row["unit"]) == ("hidden 2", 2)
    assert row["delta"] == row["arriving"] * row["slope"]


def test_a_network_that_has_diverged_draws_and_says_so(make_panel, lane, words):
    diverging = EXPERIMENT.with_values(
        {"training.learning_rate": 1e30, "network.activation": "relu", "initialiser.std": 1.0}
    )
    panel = make_panel(SlowMotionPanel, [lane(run(diverging, 4))])
    panel.catch_up()
    panel.advance(2)
    assert "is not finite here: the network has diverged" in " ".join(words(panel))


@pytest.mark.parametrize("size", [(240, 180), (420, 320), (900, 600)])
@pytest.mark.parametrize("beat", [0, 3])
def test_the_columns_stay_on_the_chart(panel, picture, size, beat):
    panel.advance(beat)
    _, layout = picture(panel, *size)
    places = panel._places(layout, panel.found)
    assert places[-1].right() <= size[0]
    rows = panel._rows(layout, places[0], MOST_UNITS)
    assert rows.count >= 1


def test_where_columns_cannot_be_read_the_product_alone_is_told(panel, picture):
    panel.advance(2)
    size = (170, 110)
    image, layout = picture(panel, *size)
    assert not panel._are_readable(layout, panel._places(layout, panel.found))
    lines = [
        y
        for y in range(size[1])
        if any(image.pixel(x, y) != image.pixel(0, 0) for x in range(size[0]))
    ]
    clear = [y for y in range(20, 70) if y not in lines]
    assert clear == list(range(20, 70))  # nothing between the heading and the two lines below
    assert panel.describe(QPointF(30, 45), layout) == ""
