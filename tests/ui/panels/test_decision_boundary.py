"""The decision boundary: what the colours say is what the network says."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz import Experiment, run
from initviz.lab.boundary import SIDE, plane, refined, seams
from initviz.ui.panels.decision_boundary import (
    DecisionBoundary,
    class_colours,
    round_values,
)
from initviz.ui.theme import LIGHT, channels

MOONS = Experiment().with_values(
    {
        "network.hidden_layers": 2,
        "network.width": 16,
        "training.data": "moons",
        "training.learning_rate": 0.5,
        "initialiser.scheme": "glorot_normal",
    }
)


@pytest.fixture(scope="module")
def moons():
    return run(MOONS, 150)


def test_the_share_that_is_right_is_that_of_the_training_part(moons) -> None:
    found = plane(moons.checkpoint(150))
    assert found.probabilities.shape == (SIDE, SIDE, 2)
    np.testing.assert_allclose(found.probabilities.sum(axis=2), 1.0, rtol=1e-5)
    assert found.right == pytest.approx(moons.scalar("test_accuracy")[-1], abs=0.05)
    assert found.right > 0.8
    assert (found.low < found.points.min(axis=0)).all()
    assert (found.high > found.points.max(axis=0)).all()


def test_the_first_row_is_the_upper_edge(moons) -> None:
    found = plane(moons.checkpoint(150))
    upper, lower = found.probabilities[0, :, 0].mean(), found.probabilities[-1, :, 0].mean()
    assert upper > 0.5 > lower  # the upper moon is class 0


def test_a_finer_grid_keeps_the_corners_and_lies_between() -> None:
    values = np.random.default_rng(0).uniform(size=(5, 7, 3))
    fine = refined(values, 4)
    assert fine.shape == (20, 28, 3)
    np.testing.assert_allclose(
        fine[[0, 0, -1, -1], [0, -1, 0, -1]], values[[0, 0, -1, -1], [0, -1, 0, -1]]
    )
    assert fine.min() >= values.min()
    assert fine.max() <= values.max()
    level = np.tile(np.arange(5.0)[:, None, None], (1, 7, 1))
    np.testing.assert_allclose(refined(level, 4)[:, 3, 0], np.linspace(0, 4, 20))


def test_a_seam_lies_where_the_likeliest_class_changes() -> None:
    values = np.zeros((3, 4, 2))
    values[:, :2, 0] = values[:, 2:, 1] = 1.0
    assert np.flatnonzero(seams(values)[0]).tolist() == [1]


def test_other_data_have_a_calm_sentence(make_panel, lane, words) -> None:
    recording = run(MOONS.with_value("training.data", "digits"), 0)
    panel = make_panel(DecisionBoundary, [lane(recording)])
    assert "These data have 64 features: a boundary can be drawn for 2." in words(panel)
    assert panel.subtitle() == ""
    assert panel.table()[1] == []


def test_the_ground_has_the_colour_of_the_likeliest_class(make_panel, lane, moons, picture) -> None:
    panel = make_panel(DecisionBoundary, [lane(moons)])
    image, layout = picture(panel)
    plot = panel._plot(layout)
    for row, column in ((1, 20), (62, 40)):
        at = QPointF(
            plot.left() + (column + 0.5) / SIDE * plot.width(),
            plot.top() + (row + 0.5) / SIDE * plot.height(),
        )
        seen = np.array(image.pixelColor(at.toPoint()).getRgb()[:3], dtype=float)
        likeliest = int(panel.found.probabilities[row, column].argmax())
        colours = [np.array(channels(colour)) for colour in class_colours(LIGHT, 2)]
        distances = [np.linalg.norm(seen - colour) for colour in colours]
        assert int(np.argmin(distances)) == likeliest


def test_the_read_out_tells_the_place_and_the_probabilities(
    make_panel, lane, moons, picture
) -> None:
    panel = make_panel(DecisionBoundary, [lane(moons)])
    _, layout = picture(panel)
    plot = panel._plot(layout)
    text = panel.describe(plot.center(), layout).split("\n")
    middle = (panel.found.low + panel.found.high) / 2
    assert text[0] == f"A  x₁ = {middle[0]:.4g}, x₂ = {middle[1]:.4g}".replace("-", "−")
    assert {line.split(":")[0] for line in text[1:]} == {"class 0", "class 1"}
    assert panel.describe(QPointF(1, 1), layout) == ""


def test_the_samples_can_be_hidden(make_panel, lane, moons, picture) -> None:
    panel = make_panel(DecisionBoundary, [lane(moons)])
    with_samples, _ = picture(panel)
    panel.set_option("points", "hidden")
    without, _ = picture(panel)
    assert with_samples != without


def test_the_subtitle_says_what_of_which_step(make_panel, lane, moons) -> None:
    panel = make_panel(DecisionBoundary, [lane(moons, 60)])
    panel.catch_up()
    assert panel.subtitle().startswith("class probability · Two moons · ")
    assert panel.subtitle().endswith(f"nearest kept: step {moons.nearest_checkpoint(60).step}")


def test_each_class_has_its_own_colour_and_is_named(make_panel, lane, words) -> None:
    recording = run(MOONS.with_value("training.data", "blobs"), 0)
    found = words(make_panel(DecisionBoundary, [lane(recording)]))
    assert {"class 0", "class 1", "class 2", "class 3"} <= set(found)
    for classes in (2, 4, 9):
        assert len(set(class_colours(LIGHT, classes))) == classes


def test_a_network_that_has_diverged_is_hatched_and_said(make_panel, lane, picture) -> None:
    diverging = MOONS.with_values(
        {
            "training.learning_rate": 1e30,
            "network.activation": "relu",
            "initialiser.scheme": "he_normal",
        }
    )
    panel = make_panel(DecisionBoundary, [lane(run(diverging, 5))])
    picture(panel)
    assert panel.subtitle() == "Two moons · the network answers NaN everywhere · step 5"


def test_the_table_has_every_place_of_the_grid(make_panel, lane, moons) -> None:
    panel = make_panel(DecisionBoundary, [lane(moons)])
    panel.catch_up()
    header, rows = panel.table()
    assert header[-2:] == ["class 0", "class 1"]
    assert len(rows) == SIDE * SIDE
    assert rows[0][3:5] == [panel.found.low[0], panel.found.high[1]]
    assert rows[-1][3:5] == [panel.found.high[0], panel.found.low[1]]
    assert rows[-1][-2:] == panel.found.probabilities[-1, -1].tolist()


@pytest.mark.parametrize(("low", "high"), [(-1.3, 1.3), (0.0, 1e-9), (-2e6, 3e6), (5.01, 5.02)])
@pytest.mark.parametrize("most", [2.0, 5.0, 12.0])
def test_axis_labels_are_round_and_inside(low, high, most) -> None:
    values = round_values(low, high, most)
    assert 1 <= len(values) <= most + 1
    assert all(low <= value <= high for value in values)


@pytest.mark.parametrize("size", [(240, 180), (420, 320), (900, 600)])
def test_it_draws_at_any_size(make_panel, lane, moons, picture, size) -> None:
    panel = make_panel(DecisionBoundary, [lane(moons)])
    _, layout = picture(panel, *size)
    assert panel._plot(layout).right() <= size[0]
