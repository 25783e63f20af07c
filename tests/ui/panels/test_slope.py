"""The slope panel: φ′ as a line on one scale for all, over the histogram of z."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtGui import QColor

from initviz.ui.panels.slope import Slope
from initviz.ui.theme import LIGHT, PROJECTOR, mix


@pytest.fixture
def narrow(shapes):
    """z of every layer within 0.03 of 0."""
    return lambda _step: shapes.histogram([shapes.bell(0.0, 0.01)] * 5)


@pytest.fixture
def wide(shapes):
    """z of every layer between −60 and 60."""
    return lambda _step: shapes.histogram([shapes.bell(0.0, 20.0)] * 5)


@pytest.fixture
def deeper(shapes):
    """z of layer k lies around k."""
    return lambda _step: shapes.histogram([shapes.bell(1.0 + k, 0.01) for k in range(5)])


def _has(image, plot, y, colour):
    """Whether this colour is anywhere on the line y of the plot."""
    across = range(round(plot.left()), round(plot.right()))
    return any(image.pixelColor(x, round(y)) == QColor(colour) for x in across)


def test_the_line_is_the_slope_on_a_scale_that_sigmoid_and_tanh_share(
    make_panel, record, lane, narrow, picture
):
    sigmoid = record(4, activations=narrow, network__activation="sigmoid")
    tanh = record(4, activations=narrow)
    panel = make_panel(Slope, [lane(sigmoid), lane(tanh, index=1)])
    image, layout = picture(panel)
    for row, peak in ((0, 0.25), (1, 1.0)):
        x, y = round(layout.x(0.0)), round(layout.y(row)(peak))
        assert any(image.pixelColor(x, y + i) == QColor(LIGHT.ink) for i in (-1, 0, 1))
    assert layout.y(0)(0.25) - layout.plots[0].top() > 0.6 * layout.plots[0].height()


@pytest.mark.parametrize(
    ("activation", "expected"), [("sigmoid", 0.25), ("tanh", 1.0), ("relu", math.sqrt(0.5))]
)
def test_the_number_is_what_the_slope_does_to_a_norm(
    make_panel, record, lane, narrow, words, activation, expected
):
    run = record(4, activations=narrow, network__activation=activation)
    panel = make_panel(Slope, [lane(run)])
    (sight,) = panel.sights()
    assert sight.transmitted == pytest.approx(expected, rel=0.03)
    assert f"{expected:#.2g}".removesuffix(".") in " ".join(words(panel))


def test_bars_are_full_where_the_activation_is_saturated(
    make_panel, record, lane, wide, narrow, picture
):
    full, pale = (mix(LIGHT.surface, LIGHT.lanes[0], share) for share in (0.8, 0.3))
    for activations, is_full in ((wide, True), (narrow, False)):
        panel = make_panel(Slope, [lane(record(4, activations=activations))])
        image, layout = picture(panel)
        y = layout.plot.bottom() - 5
        assert _has(image, layout.plot, y, full) is is_full
        assert _has(image, layout.plot, y, pale) is not is_full or is_full
        assert panel.sights()[0].is_flat.any() == is_full


def test_it_shows_the_chosen_layer_and_rather_the_highlighted_one(make_panel, record, lane, deeper):
    panel = make_panel(Slope, [lane(record(4, activations=deeper))])
    seen = {}
    for choice in ("middle", "first", "last"):
        panel.set_option("layer", choice)
        seen[choice] = panel.sights()[0].layer, float(panel.sights()[0].centres.mean())
    assert {key: layer for key, (layer, _) in seen.items()} == {"middle": 1, "first": 0, "last": 3}
    assert seen["last"][1] == pytest.approx(4.0)
    panel.set_highlight("hidden 3")
    assert panel.sights()[0].layer == 2
    assert "layer 3" in panel.subtitle()
    panel.set_highlight("")
    assert panel.sights()[0].layer == 3


def test_the_axis_reaches_as_far_as_z_does_and_no_further_than_it_must(
    make_panel, record, lane, wide, narrow
):
    size = QSizeF(640, 480)
    small = make_panel(Slope, [lane(record(4, activations=narrow))])
    large = make_panel(Slope, [lane(record(4, activations=wide))])
    assert small.lay_out(size).half == 3.0
    assert 55.0 <= large.lay_out(size).half <= 80.0


def test_a_layer_with_an_activation_of_its_own_has_its_own_slope(make_panel, record, lane, narrow):
    own = ({"name": "hidden 1", "activation": "relu"},)
    run = record(4, activations=narrow)
    experiment = type(run.experiment).from_dict(run.experiment.to_dict() | {"layers": list(own)})
    run.experiment = experiment
    panel = make_panel(Slope, [lane(run)])
    panel.set_option("layer", "first")
    assert panel.sights()[0].activation.name == "relu"
    panel.set_option("layer", "last")
    assert panel.sights()[0].activation.name == "tanh"


def test_the_pointer_reads_the_function_and_its_slope(make_panel, record, lane, narrow):
    panel = make_panel(Slope, [lane(record(4, activations=narrow))])
    layout = panel.lay_out(QSizeF(640, 480))
    told = panel.describe(QPointF(layout.x(0.0), layout.plot.center().y()), layout)
    assert "φ′(z) = 1" in told
    assert panel.describe(QPointF(0, 0), layout) == ""


def test_the_table_has_every_bin_with_its_slope(make_panel, record, lane, wide):
    header, rows = make_panel(Slope, [lane(record(4, activations=wide))]).table()
    assert len(rows) == 64
    low, high, slope = (header.index(name) for name in ("from z", "to z", "slope"))
    for row in rows:
        middle = (row[low] + row[high]) / 2
        assert row[slope] == pytest.approx(1 - np.tanh(middle) ** 2, abs=1e-9)


def test_before_anything_was_measured_it_says_so(make_panel, record, lane, words):
    empty = record(4, steps=())
    panel = make_panel(Slope, [lane(empty, 0)])
    assert "Nothing has been measured yet." in words(panel)
    assert panel.table()[1] == []


def test_where_there_is_little_room_the_activation_is_left_out(
    make_panel, record, lane, wide, words
):
    run = record(4, activations=wide, network__activation="sigmoid")
    for look, width, expected in ((LIGHT, 640, True), (PROJECTOR, 320, False)):
        panel = make_panel(Slope, [lane(run)])
        panel.set_theme(look)
        panel.resize(width, 400)
        assert any(text.startswith("Sigmoid") for text in words(panel)) is expected
        assert any("RMS" in text for text in words(panel))
