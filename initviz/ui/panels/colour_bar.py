"""Pictures of numbers of either sign, and the bar that says what their colours mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from initviz.ui.panels.axes import Axis, Floats, step_up
from initviz.ui.panels.drawing import Cap, hatch, pen, width_of, write
from initviz.ui.panels.exponents import FIRST_COLOUR, UNDEFINED
from initviz.ui.panels.heat_colours import SignedColours
from initviz.ui.panels.over_time import cell_area, draw_cells
from initviz.ui.theme import Theme


@dataclass(frozen=True)
class Ticked:
    """A scale with the values that are written beside its bar."""

    colours: SignedColours
    ticks: tuple[tuple[float, str], ...]

    @classmethod
    def up_to(cls, limit: float) -> Ticked:
        """A scale from −limit to limit with five labels; nothing lies beyond."""
        values = (-limit, -limit / 2, 0.0, limit / 2, limit)
        texts = (f"{value:.3g}".replace("-", "−") for value in values)
        return cls(SignedColours(limit), tuple(zip(values, texts, strict=True)))

    def width(self, theme: Theme) -> float:
        """The pixels that a bar takes with its labels."""
        widest = max(width_of(text, theme.label) for _, text in self.ticks)
        return 1.7 * theme.label + widest

    def draw(self, painter: QPainter, theme: Theme, left: float, top: float, high: float) -> None:
        """The bar, from `top` down, so high."""
        label = theme.label
        bar = QRectF(left, top, 0.9 * label, high)
        entries = np.arange(255, FIRST_COLOUR - 1, -1, dtype=np.uint8)[:, None]
        draw_cells(painter, entries, self.colours.table(theme), bar)
        scale = Axis(*self.colours.ends, bar.bottom(), bar.top())
        few = self.ticks if high > 8 * label else self.ticks[::2]
        for value, text in few:
            y = scale(value)
            painter.setPen(pen(theme.axis, 1, Cap.FlatCap))
            painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y))
            at = (bar.right() + 0.6 * label, min(max(y, top + 0.4 * label), top + high))
            write(painter, text, at, theme.ink_soft, label)

    def draw_picture(
        self, painter: QPainter, theme: Theme, values: Floats, place: QRectF, *, framed: bool = True
    ) -> None:
        """Values (rows, columns) as colours; what is not finite is hatched."""
        cells = self.colours.cells(values)
        draw_cells(painter, cells, self.colours.table(theme), place)
        undefined = cells == UNDEFINED
        if undefined.any():
            hatch(painter, cell_area(undefined, place), theme.surface, theme.axis)
        if framed:
            painter.setPen(pen(theme.grid, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place)


def rounded_up(value: float) -> float:
    """The end of a scale for numbers up to this one; 1 for 0 and what is no number."""
    return step_up(value) if math.isfinite(value) and value > 0 else 1.0
