"""The gradient over time panel: locked colours, right steps."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QToolButton

from initviz.ui.panels.axes import DECADES
from initviz.ui.panels.exponents import colour_table, to_cells
from initviz.ui.panels.gradient_over_time import GradientOverTime
from initviz.ui.panels.over_time import MOST_COLUMNS
from initviz.ui.theme import LIGHT


def _colour(exponent, axis="usual"):
    decades = DECADES[axis]
    cell = to_cells(np.array([float(exponent)]), decades)[0]
    return QColor.fromRgb(colour_table(LIGHT, decades)[cell])


def _at(image, layout, step, layer):
    return image.pixelColor(round(layout.x(float(step))), round(layout.y(float(layer))))


@pytest.fixture
def panel(make_panel, record, lane):
    """The signal falls tenfold a layer; measured at every step to 20, then rarely to 400."""
    steps = [*range(21), 50, 100, 200, 400]
    return make_panel(GradientOverTime, [lane(record(steps=steps))])


def test_layers_go_down_and_colours_are_relative_to_the_last(panel, picture):
    image, layout = picture(panel)
    for layer in range(1, 11):
        assert _at(image, layout, 200, layer) == _colour(layer - 10)


def test_a_column_shows_the_newest_measurement_at_or_before_its_step(
    make_panel, record, lane, picture
):
    def signal(layers, step):
        return np.concatenate([[10.0 ** -(step / 100)], np.ones(layers)])

    panel = make_panel(GradientOverTime, [lane(record(steps=(0, 100, 200, 400), signal=signal))])
    image, layout = picture(panel)
    shown = {step: _at(image, layout, step, 1) for step in (50, 150, 250, 390)}
    assert shown == {50: _colour(0), 150: _colour(-1), 250: _colour(-2), 390: _colour(-2)}


def test_what_is_not_recorded_yet_is_blank(make_panel, record, lane, picture):
    panel = make_panel(GradientOverTime, [lane(record(steps=range(5)))])
    image, layout = picture(panel)
    assert layout.x.high == 10
    assert _at(image, layout, 3, 10) == _colour(0)
    assert _at(image, layout, 9, 10) == QColor(LIGHT.surface)


def test_an_exploding_signal_has_colours_of_its_own(make_panel, record, lane, picture):
    def signal(layers, step):
        return 10.0 ** np.arange(layers, -1.0, -1.0)

    image, layout = picture(make_panel(GradientOverTime, [lane(record(4, signal=signal))]))
    colours = [_at(image, layout, 0, layer).name() for layer in (1, 2, 3, 4)]
    assert len(set(colours)) == 4
    assert QColor(colours[0]).red() > QColor(colours[0]).green() + 60


def test_colours_do_not_rescale(make_panel, record, lane, picture):
    def signal(layers, step):
        return np.full(layers + 1, 1e-3)

    image, layout = picture(make_panel(GradientOverTime, [lane(record(4, signal=signal))]))
    assert _at(image, layout, 0, 1) == _colour(0)


def test_the_bar_says_that_the_ends_are_open(panel, words):
    found = words(panel)
    assert "≥ 10⁴" in found
    assert "≤ 10⁻¹⁴" in found
    assert "10⁰" in found
    assert "step" in found


@pytest.mark.parametrize(("value", "word"), [(0.0, "0"), (np.nan, "NaN or ∞")])
def test_cells_that_are_no_value_have_a_look_and_a_word(
    make_panel, record, lane, picture, words, value, word
):
    def signal(layers, step):
        return np.concatenate([[value], np.ones(layers)])

    panel = make_panel(GradientOverTime, [lane(record(4, steps=range(5), signal=signal))])
    image, layout = picture(panel)
    table = colour_table(LIGHT, DECADES["usual"])
    row = round(layout.y(1.0))
    span = range(round(layout.x(0.0)), round(layout.x(3.0)))
    seen = {image.pixel(x, y) for x in span for y in range(row - 5, row + 6)}
    assert not seen & set(table[3:])
    assert (len(seen) > 1) == math.isnan(value)  # a hatch, or one quiet colour
    before = words(make_panel(GradientOverTime, [lane(record(4))]))
    assert words(panel).count(word) == before.count(word) + 1


def test_a_long_run_has_a_bounded_number_of_columns(make_panel, record, lane, picture):
    steps = [*range(100), *range(100, 100_000, 500)]
    panel = make_panel(GradientOverTime, [lane(record(3, steps=steps))])
    picture(panel)
    assert panel._heat.cells.shape == (3, MOST_COLUMNS)


def test_the_position_is_a_line_where_the_whole_run_is_shown(make_panel, record, lane, picture):
    recording = record(steps=range(401))
    panel = make_panel(GradientOverTime, [lane(recording, 100)])
    panel.set_option("span", "run")
    image, layout = picture(panel)
    at_end, _ = picture(make_panel(GradientOverTime, [lane(recording, 400)]))
    x = round(layout.x(100.0))
    y = round(layout.y(5.0))
    assert any(image.pixel(x + i, y) != at_end.pixel(x + i, y) for i in (-1, 0, 1))
    assert image.pixel(x + 20, y) == at_end.pixel(x + 20, y)


def test_weights_are_shown_on_request(panel, picture):
    panel.set_option("of", "weights")
    image, layout = picture(panel)
    assert _at(image, layout, 200, 1) == _colour(0)
    assert "∂L/∂W" in panel.subtitle()


def test_the_lane_is_picked_by_its_letter(make_panel, record, lane, picture):
    def level(layers, step):
        return np.ones(layers + 1)

    lanes = [lane(record()), lane(record(signal=level), index=1)]
    panel = make_panel(GradientOverTime, lanes)
    panel.show()
    image, layout = picture(panel)
    assert _at(image, layout, 0, 1) == _colour(-9)
    panel.findChild(QToolButton, "panel.gradient_over_time.lane_b").click()
    image, layout = picture(panel)
    assert _at(image, layout, 0, 1) == _colour(0)
    assert "B" in panel.subtitle()
    panel.show_data(lanes[:1])
    assert panel.picked.letter == "A"


def test_the_readout_names_the_step_that_was_measured(panel):
    panel.show()
    layout = panel.lay_out(panel._canvas.size().toSizeF())
    told = panel.values_at(QPointF(layout.x(150.0), layout.y(3.0)))
    assert told.startswith("A  hidden layer 3, step 100\n")
    assert "relative 1.0e-7" in told


def test_a_single_recurrent_layer_has_its_time_steps_as_rows(make_panel, record, lane, picture):
    panel = make_panel(GradientOverTime, [lane(record(layers=1, steps=range(21), times=8))])
    image, layout = picture(panel)
    for time in (1, 4, 8):
        assert _at(image, layout, 10, time) == _colour((time - 8) * math.log10(2))
    assert panel.subtitle() == "relative to the last time step · A · state ∂L/∂hₜ"
    assert "time step 4, step 10" in panel.describe(QPointF(layout.x(10.0), layout.y(4.0)), layout)
    header, rows = panel.table()
    assert header[3] == "time step"
    assert len(rows) == 21 * 8


def test_stacked_recurrent_layers_stay_rows(make_panel, record, lane, picture):
    panel = make_panel(GradientOverTime, [lane(record(layers=3, steps=range(21), times=8))])
    image, layout = picture(panel)
    assert _at(image, layout, 10, 1) == _colour(-2)
    assert "last hidden layer" in panel.subtitle()
