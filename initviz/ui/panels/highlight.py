"""How one layer is marked on a chart: a band with its name, and rings around its marks."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from initviz.ui.panels.axes import Axis
from initviz.ui.panels.drawing import CENTRE, Cap, Weight, pen, width_of, write
from initviz.ui.theme import Theme

#: How strong the band is; what lies under it stays legible.
STRENGTH = 0.06
#: The band's name is left out where the plot is lower than this, in heights of a label.
_LEAST_HEIGHT = 7


def column_of(theme: Theme, plot: QRectF, x: Axis, place: int) -> QRectF:
    """The column of a place, at least as wide as a mark."""
    half = max(abs(x(place + 0.5) - x(float(place))), 0.75 * theme.mark)
    column = QRectF(x(float(place)) - half, plot.top(), 2 * half, plot.height())
    return column & plot


def draw_column(
    painter: QPainter,
    theme: Theme,
    plot: QRectF,
    x: Axis,
    place: int,
    heights: Sequence[float],
    number_at: float,
) -> None:
    """The band of a place, under its marks, which are at these heights (pixels).

    Its name stands at that end which the marks are far from; `number_at` is where the numbers of
    the places are written.
    """
    column, label = column_of(theme, plot, x, place), theme.label
    draw_area(painter, theme, column)
    text = f"layer {place}"
    half = width_of(text, label, Weight.DemiBold) / 2
    _frame_number(painter, theme, x(float(place)), number_at, str(place))
    if plot.height() < _LEAST_HEIGHT * label:
        return
    mean = sum(heights) / len(heights) if heights else plot.bottom()
    is_low = mean > plot.center().y()
    y = plot.top() + 0.9 * label if is_low else plot.bottom() - 0.9 * label
    middle = min(max(column.center().x(), plot.left() + half + 4), plot.right() - half - 4)
    at, ground = (middle, y), theme.surface
    write(painter, text, at, theme.ink, label, align=CENTRE, weight=Weight.DemiBold, ground=ground)


def draw_area(painter: QPainter, theme: Theme, area: QRectF) -> None:
    """A shade with an outline, which tells without its colour too."""
    shade = QColor(theme.ink)
    shade.setAlphaF(STRENGTH)
    painter.fillRect(area, shade)
    draw_frame(painter, theme, area)


def draw_frame(painter: QPainter, theme: Theme, area: QRectF) -> None:
    """The outline alone, light beside dark: to be seen on every colour."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((theme.surface, 1.1 * theme.line), (theme.ink, 0.5 * theme.line)):
        painter.setPen(pen(colour, width, Cap.FlatCap))
        painter.drawRect(area)


def draw_rings(painter: QPainter, theme: Theme, x: float, heights: Sequence[float]) -> None:
    """A ring around each mark at a place."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = 0.82 * theme.mark
    for colour, width in ((theme.surface, 1.2 * theme.line), (theme.ink, 0.6 * theme.line)):
        painter.setPen(pen(colour, width))
        for y in heights:
            painter.drawEllipse(QPointF(x, y), radius, radius)


def _frame_number(painter: QPainter, theme: Theme, x: float, y: float, text: str) -> None:
    """A frame around a number on the axis."""
    half, high = width_of(text, theme.label) / 2 + 0.3 * theme.label, 0.65 * theme.label
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(theme.ink, 0.5 * theme.line))
    corner = 0.3 * theme.label
    painter.drawRoundedRect(QRectF(x - half, y - high, 2 * half, 2 * high), corner, corner)
