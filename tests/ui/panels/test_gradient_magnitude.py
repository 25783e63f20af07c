"""The gradient magnitude panel: a locked axis that never lies."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtGui import QColor, QImage, QPainter

from initviz.lab.diagnosis import EXPLODING, VANISHING
from initviz.lab.thresholds import Thresholds
from initviz.ui.panels import profile
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.panels.profile import mark_every
from initviz.ui.theme import LIGHT, THEMES


def _near(image, at, colour, reach=2):
    """Whether a colour stands within some pixels of a point."""
    x, y = round(at.x()), round(at.y())
    around = [(x + i, y + j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]
    return any(image.pixelColor(*point) == QColor(colour) for point in around)


def _point(layout, layer, exponent):
    return QPointF(layout.x(float(layer)), layout.y(float(exponent)))


@pytest.fixture
def panel(make_panel, record, lane):
    """One lane of ten layers: the signal falls tenfold a layer, the weights' gradient is level."""
    return make_panel(GradientMagnitude, [lane(record())])


def test_the_signal_is_drawn_relative_to_the_last_hidden_layer(panel, picture):
    image, layout = picture(panel)
    for layer in range(1, 11):
        assert _near(image, _point(layout, layer, layer - 10), LIGHT.lanes[0])
    assert not _near(image, _point(layout, 1, -5), LIGHT.lanes[0], reach=8)


def test_the_weights_are_hollow_squares(panel, picture):
    image, layout = picture(panel)
    middle = _point(layout, 2, 0)
    half = 0.4 * LIGHT.mark
    assert _near(image, middle + QPointF(half, 0), LIGHT.lanes[0])
    assert image.pixelColor(middle.toPoint()) != QColor(LIGHT.lanes[0])


def test_absolute_norms_are_drawn_on_request(panel, picture):
    panel.set_option("scale", "absolute")
    image, layout = picture(panel)
    assert _near(image, _point(layout, 10, -3), LIGHT.lanes[0])
    assert not layout.band
    assert "step 0" in panel.subtitle()
    assert "relative" not in panel.subtitle()


def test_layer_1_is_left_and_the_output_layer_is_not_drawn(panel, picture):
    _, layout = picture(panel)
    assert layout.count == 10
    assert layout.x(1.0) < layout.x(10.0)


@pytest.mark.parametrize("factor", [1e-20, 1.0, 1e20])
def test_the_axis_is_locked_whatever_is_measured(make_panel, record, lane, factor):
    def signal(layers, step):
        return factor ** np.linspace(1, 0, layers + 1)

    panel = make_panel(GradientMagnitude, [lane(record(signal=signal))])
    panel.show()
    layout = panel.lay_out(panel.size().toSizeF())
    assert (layout.y.low, layout.y.high) == (-14, 4)


@pytest.mark.parametrize(("key", "ends"), [("deep", (-30, 4)), ("both", (-30, 30))])
def test_another_range_is_a_persons_choice(panel, picture, key, ends):
    panel.set_option("axis", key)
    _, layout = picture(panel)
    assert (layout.y.low, layout.y.high) == ends


def test_the_healthy_band_is_that_of_the_diagnosis(panel, picture, words):
    image, layout = picture(panel)
    band = QColor(LIGHT.healthy_band)
    x = layout.x(1.5)
    inside = [math.log10(VANISHING) + 0.1, math.log10(EXPLODING) - 0.1]
    outside = [math.log10(VANISHING) - 0.1, math.log10(EXPLODING) + 0.1]
    assert all(image.pixelColor(round(x), round(layout.y(e))) == band for e in inside)
    assert all(image.pixelColor(round(x), round(layout.y(e))) != band for e in outside)
    assert "healthy" in words(panel)


def test_the_legend_and_the_direction_are_in_words(panel, words):
    found = words(panel)
    assert "signal ∂L/∂z" in found
    assert "weights ∂L/∂W" in found
    assert "hidden layer (input side is left)" in found
    assert {str(layer) for layer in range(1, 11)} <= set(found)


@pytest.mark.parametrize(
    ("norm", "word", "edge"),
    [
        (1e-16, "1.0e-16", "bottom"),
        (2e7, "2.0e7", "top"),
        (0.0, "0", "bottom"),
        (math.nan, "NaN", "top"),
        (math.inf, "∞", "top"),
    ],
)
def test_what_leaves_the_axis_is_marked_at_its_edge_with_what_it_is(
    make_panel, record, lane, picture, words, norm, word, edge
):
    def signal(layers, step):
        return np.concatenate([[norm], np.ones(layers)])

    panel = make_panel(GradientMagnitude, [lane(record(signal=signal))])
    image, layout = picture(panel)
    line = layout.plot.top() if edge == "top" else layout.plot.bottom()
    inwards = 1 if edge == "top" else -1
    at = QPointF(layout.x(1.0), line + inwards * 0.45 * LIGHT.mark)
    assert _near(image, at, LIGHT.lanes[0])
    assert not _near(image, QPointF(layout.x(5.0), at.y()), LIGHT.lanes[0])
    assert word in words(panel)


def test_a_row_of_zeros_says_so_once_for_each_gradient(make_panel, record, lane, words):
    def nothing(layers, step):
        return np.zeros(layers + 1)

    panel = make_panel(GradientMagnitude, [lane(record(signal=nothing, weights=nothing))])
    assert words(panel).count("0") == 2


@pytest.fixture
def label_heights(monkeypatch, picture):
    """Paint a panel; returns how far down each lane's label stands, by letter."""

    def paint(panel):
        found = {}
        real = profile.write_lane

        def spy(painter, letter, label, at, *rest, **more):
            found[letter] = at[1]
            real(painter, letter, label, at, *rest, **more)

        monkeypatch.setattr(profile, "write_lane", spy)
        picture(panel)
        return found

    return paint


def test_lane_labels_do_not_overlap_though_all_lines_end_at_one(
    make_panel, record, lane, label_heights
):
    lanes = [lane(record(), index=i) for i in range(4)]
    heights = label_heights(make_panel(GradientMagnitude, lanes))
    assert sorted(heights) == ["A", "B", "C", "D"]
    assert np.diff(sorted(heights.values())).min() > LIGHT.label


def test_lane_labels_stand_in_the_order_of_their_lines(make_panel, record, lane, label_heights):
    def rising(layers, step):
        return 10.0 ** np.arange(layers, -1.0, -1.0)

    lanes = [lane(record()), lane(record(signal=rising), index=1)]
    heights = label_heights(make_panel(GradientMagnitude, lanes))
    assert heights["B"] < heights["A"]


def test_lane_labels_keep_off_the_legend(make_panel, record, lane, picture, label_heights):
    def nothing(layers, step):
        return np.zeros(layers + 1)

    panel = make_panel(GradientMagnitude, [lane(record(signal=nothing))])
    heights = label_heights(panel)
    _, layout = picture(panel)
    assert layout.names
    assert heights["A"] < layout.plot.bottom() - 2 * 1.9 * LIGHT.label - LIGHT.label


def test_a_narrow_panel_keeps_the_letters(make_panel, record, lane, picture):
    panel = make_panel(GradientMagnitude, [lane(record())])
    panel.catch_up()
    _, wide = picture(panel, 640, 480)
    _, narrow = picture(panel, 280, 190)
    assert wide.names > 0
    assert narrow.names == 0
    assert narrow.plot.width() > 0.6 * 280


@pytest.mark.parametrize(("layers", "pixels"), [(10, 400), (60, 400), (1000, 400), (1000, 60)])
def test_marks_thin_out_before_they_touch(layers, pixels):
    every = mark_every(layers, pixels, LIGHT.mark)
    assert every == 1 or pixels / layers * every >= LIGHT.mark
    assert layers / every >= 1


def test_a_thousand_layers_are_a_line_with_some_marks(make_panel, record, lane, picture):
    def slope(layers, step):
        return 10.0 ** np.linspace(-9, 0, layers + 1)

    panel = make_panel(GradientMagnitude, [lane(record(1000, signal=slope))])
    _, layout = picture(panel)
    assert layout.every >= 20
    assert len(layout.numbers) < 30
    assert layout.numbers[-1] == 1000


def test_the_step_of_the_measurement_is_told_where_it_is_another(make_panel, record, lane):
    panel = make_panel(GradientMagnitude, [lane(record(steps=(0, 1, 50)), 70)])
    panel.catch_up()
    assert panel.subtitle().endswith("measured at 50 · step 70")


def test_nothing_is_drawn_of_what_was_not_measured(make_panel, record, lane, words):
    panel = make_panel(GradientMagnitude, [lane(record(steps=(5,)), 2)])
    assert "NaN" not in words(panel)


def test_the_readout_is_exact(panel):
    panel.show()
    layout = panel.lay_out(panel._canvas.size().toSizeF())
    told = panel.values_at(QPointF(layout.x(3.0), layout.plot.center().y()))
    assert told.splitlines()[0] == "hidden layer 3"
    assert "A  signal ∂L/∂z = 1e-10,  relative 1.0e-7" in told


def test_the_table_has_both_gradients_of_every_hidden_layer(panel):
    panel.catch_up()
    header, rows = panel.table()
    assert len(rows) == 20
    first = dict(zip(header, rows[0], strict=True))
    assert first["layer"] == 1
    assert first["norm"] == pytest.approx(1e-12)
    assert first["log10 of what is drawn"] == pytest.approx(-9)


def test_a_projector_draws_large_marks(panel, picture):
    panel.set_theme(THEMES["projector"])
    image, layout = picture(panel, 1200, 800)
    at = _point(layout, 3, -7)
    assert _near(image, at + QPointF(10, 0), THEMES["projector"].lanes[0], reach=1)


def test_the_healthy_band_lies_between_the_limits_of_ones_own_rules(panel, picture):
    _, usual = picture(panel)
    panel.thresholds = Thresholds(vanishing=1e-6, exploding=1e3)
    _, own = picture(panel)
    assert usual.band == pytest.approx((-3.0, 1.0))
    assert own.band == pytest.approx((-6.0, 3.0))


@pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("width", [260, 300, 340, 380, 420, 460, 520, 640, 900, 1300])
def test_the_arrow_at_the_axis_does_not_strike_the_words_through(panel, monkeypatch, width, look):
    """The words are left out, to see what else there is where they would stand."""
    panel.set_theme(look)
    panel.catch_up()
    boxes = {}
    real = profile.write

    def write(painter, text, *more, **how):
        painter.save()
        painter.setOpacity(0.0)
        boxes[text.partition(" (")[0]] = real(painter, text, *more, **how)
        painter.restore()
        return boxes[text.partition(" (")[0]]

    monkeypatch.setattr(profile, "write", write)
    image = QImage(width, 700, QImage.Format.Format_RGB32)
    image.fill(QColor(look.surface))
    with QPainter(image) as painter:
        panel.draw_backdrop(painter, panel.lay_out(QSizeF(width, 700)))
    area = boxes["hidden layer"].toAlignedRect() & image.rect()
    shown = {
        image.pixelColor(x, area.center().y()).name() for x in range(area.left(), area.right())
    }
    assert shown == {look.surface}
