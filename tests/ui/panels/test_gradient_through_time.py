"""The gradient through time: a recurrent network's, on the same locked axis as that of depth."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from initviz.ui.board import PanelBoard
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.panels.gradient_through_time import GradientThroughTime
from initviz.ui.theme import LIGHT

TIMES = 8


def level(times, step):
    """A cell that forgets nothing."""
    return np.full(times, 0.02)


def near(image, layout, time, exponent, colour, reach=2):
    x, y = round(layout.x(float(time))), round(layout.y(float(exponent)))
    around = [(x + i, y + j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]
    return any(image.pixelColor(*point) == QColor(colour) for point in around)


@pytest.fixture
def recurrent(record, lane):
    """A lane whose state gradient halves with each step back, and whose cell's is level."""
    return lane(record(layers=1, steps=range(3), times=TIMES, cell=level))


@pytest.fixture
def panel(make_panel, recurrent):
    return make_panel(GradientThroughTime, [recurrent])


def test_the_state_is_drawn_relative_to_the_last_time_step(panel, picture):
    image, layout = picture(panel)
    for time in range(1, TIMES + 1):
        exponent = (time - TIMES) * math.log10(2)
        assert near(image, layout, time, exponent, LIGHT.lanes[0])
    assert layout.count == TIMES


def test_the_cell_is_drawn_as_hollow_squares(panel, picture):
    image, layout = picture(panel)
    x, y, reach = round(layout.x(2.0)), round(layout.y(0.0)), round(0.5 * LIGHT.mark)
    blue = [i for i in range(-reach, reach + 1) if image.pixelColor(x + i, y + 3).blue() > 150]
    red = [i for i in blue if image.pixelColor(x + i, y + 3).red() < 100]
    assert red
    assert min(red) < -2 < 2 < max(red)
    assert not any(-2 <= i <= 2 for i in red)


def test_a_line_joins_the_squares_too(panel, picture, monkeypatch):
    def between(panel):
        image, layout = picture(panel)
        x, y = round(layout.x(2.5)), round(layout.y(0.0))
        return [image.pixelColor(x, y + i).name() for i in range(-2, 3)]

    joined = between(panel)
    monkeypatch.setattr(GradientThroughTime, "lines_for_all", False)
    assert between(panel) != joined


def test_absolute_norms_are_drawn_on_request(panel, picture):
    panel.set_option("scale", "absolute")
    image, layout = picture(panel)
    assert near(image, layout, TIMES, -2, LIGHT.lanes[0])
    assert "relative" not in panel.subtitle()


@pytest.mark.parametrize("factor", [1e-20, 1.0, 1e20])
def test_the_axis_is_locked_whatever_is_measured(make_panel, record, lane, factor):
    def state(times, step):
        return factor ** np.linspace(1, 0, times)

    panel = make_panel(GradientThroughTime, [lane(record(times=TIMES, state=state))])
    panel.show()
    layout = panel.lay_out(panel.size().toSizeF())
    assert (layout.y.low, layout.y.high) == (-14, 4)


def test_what_the_axes_and_marks_are_is_in_words(panel, words):
    found = words(panel)
    for text in ("state ∂L/∂hₜ", "cell ∂L/∂cₜ", "time step (the loss is read at the right)"):
        assert text in found
    assert panel.subtitle() == "relative to the last time step · step 2"


def test_without_a_cell_there_is_no_word_of_one(make_panel, record, lane, words):
    panel = make_panel(GradientThroughTime, [lane(record(times=TIMES))])
    assert not any("cell" in text for text in words(panel))


def test_the_readout_tells_both(panel):
    panel.show()
    layout = panel.lay_out(panel._canvas.size().toSizeF())
    told = panel.values_at(QPointF(layout.x(7.0), layout.plot.center().y()))
    assert told.splitlines() == [
        "time step 7",
        "A  state ∂L/∂hₜ = 0.005,  relative 0.50",
        "A  cell ∂L/∂cₜ = 0.02,  relative 1.0",
    ]


def test_the_table_has_a_row_for_each_time_and_kind(panel):
    panel.catch_up()
    header, rows = panel.table()
    assert header[3] == "time step"
    assert len(rows) == 2 * TIMES
    assert rows[0][:6] == ["A", "normal, std 0.01", 2, 1, "state", pytest.approx(0.01 * 2**-7)]


def test_what_was_measured_earlier_says_when(make_panel, recurrent):
    panel = make_panel(GradientThroughTime, [recurrent])
    panel.show_data([type(recurrent)("A", 0, "x", recurrent.recording, 1)])
    panel.catch_up()
    assert panel.subtitle().endswith("step 1")


# -- on the board ----------------------------------------------------------------------------------


@pytest.fixture
def board(qtbot, _fonts):
    """A board, and the list of lanes that it shows."""
    lanes = []
    made = PanelBoard(lambda: lanes)
    qtbot.addWidget(made)
    made.set_theme(LIGHT)
    made.resize(900, 600)
    made.show()
    return made, lanes


def seen(board):
    return [panel.name for panel in board.panels if panel.isVisible()]


def test_time_takes_the_place_of_depth_where_all_lanes_are_recurrent(board, record, lane):
    made, lanes = board
    deep = lane(record(), index=1)
    recurrent = lane(record(layers=1, times=TIMES))
    others = ["activation_histograms", "gradient_over_time", "loss", "update_ratio"]
    assert seen(made) == ["gradient_magnitude", *others]
    for shown, first in (
        ([deep], ["gradient_magnitude"]),
        ([recurrent], ["gradient_through_time"]),
        ([recurrent, deep], ["gradient_magnitude", "gradient_through_time"]),
        ([deep], ["gradient_magnitude"]),
    ):
        lanes[:] = shown
        made.draw_now()
        assert seen(made) == [*first, *others]


def test_both_stand_in_one_place_whose_size_stays(board, record, lane):
    made, lanes = board
    lanes[:] = [lane(record())]
    made.draw_now()
    before = made.rows[0].sizes()
    lanes[:] = [lane(record(layers=1, times=TIMES))]
    made.draw_now()
    assert made.rows[0].sizes() == before
    assert made.rows[0].count() == 2


def test_which_panels_suit_is_said_of_lanes(record, lane):
    deep, recurrent = lane(record()), lane(record(times=TIMES))
    assert GradientMagnitude.suits(())
    assert not GradientThroughTime.suits(())
    assert GradientMagnitude.suits([deep])
    assert not GradientThroughTime.suits([deep])
    assert not GradientMagnitude.suits([recurrent])
    assert GradientThroughTime.suits([recurrent])
