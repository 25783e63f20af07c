"""Drawing with arrays."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage, QPainter

from initviz.ui.panels import drawing


@given(st.lists(st.floats(0, 100), max_size=8), st.floats(1, 30))
def test_labels_are_spread_without_overlap_and_in_their_order(wanted, gap):
    placed = drawing.spread(wanted, gap, 0.0, 100.0)
    assert len(placed) == len(wanted)
    assert all(-1e-6 <= p <= 100 + 1e-6 for p in placed)
    least = min(gap, 100 / max(len(wanted) - 1, 1))
    ordered = sorted(placed)
    assert all(b - a >= least - 1e-6 for a, b in itertools.pairwise(ordered))
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert [placed[i] for i in order] == ordered


def test_labels_that_do_not_touch_stay_where_they_are():
    assert drawing.spread([80.0, 10.0, 40.0], 20, 0, 100) == [80.0, 10.0, 40.0]


def test_labels_that_touch_part_around_their_middle():
    assert drawing.spread([50.0, 50.0], 20, 0, 100) == [40.0, 60.0]


def test_a_polygon_has_the_points_of_its_arrays():
    made = drawing.polygon(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    assert [(p.x(), p.y()) for p in made] == [(1, 4), (2, 5), (3, 6)]
    assert len(drawing.polygon(np.empty(0), np.empty(0))) == 0


def test_a_line_has_a_gap_where_a_value_is_missing():
    x = np.arange(5.0)
    path = drawing.line_path(x, np.array([0.0, 1.0, np.nan, 3.0, 4.0]))
    moves = [path.elementAt(i).isMoveTo() for i in range(path.elementCount())]
    assert moves == [True, False, True, False]


@pytest.fixture
def canvas(qapp):
    image = QImage(100, 40, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    return image


def test_segments_draw_rows_of_points_with_gaps(canvas):
    pen = drawing.pen("#0072b2", 3, drawing.Cap.FlatCap)
    x = np.tile(np.array([10.0, 30.0, 50.0, 70.0, 90.0]), (2, 1))
    y = np.array([[10.0] * 5, [30.0, 30.0, np.nan, 30.0, 30.0]])
    segments = drawing.Segments()
    with QPainter(canvas) as painter:
        segments.draw(painter, x, y, pen)
    blue, white = QColor("#0072b2"), QColor("white")
    assert [canvas.pixelColor(at, 10) for at in (20, 40, 60, 80)] == [blue] * 4
    assert [canvas.pixelColor(at, 30) for at in (20, 40, 60, 80)] == [blue, white, white, blue]
    assert canvas.pixelColor(50, 20) == white


def test_segments_are_kept_for_the_next_time_and_grow(canvas):
    segments = drawing.Segments()
    pen = drawing.pen("#d55e00", 2)
    for count in (3, 2000, 2):
        canvas.fill(QColor("white"))
        with QPainter(canvas) as painter:
            segments.draw(painter, np.linspace(5, 95, count), np.full(count, 20.0), pen)
        assert canvas.pixelColor(50, 20) == QColor("#d55e00")


def test_no_segments_draw_nothing(canvas):
    with QPainter(canvas) as painter:
        drawing.Segments().draw(painter, np.empty(0), np.empty(0), drawing.pen("#000000", 2))
    assert canvas.pixelColor(50, 20) == QColor("white")
