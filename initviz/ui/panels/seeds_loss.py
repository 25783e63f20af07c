"""The loss over several seeds against the step: the middle of the runs, and the band around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from initviz.ui.panels.axes import Axis, Floats, exact, round_ticks, step_up
from initviz.ui.panels.base import Shown
from initviz.ui.panels.drawing import (
    CENTRE,
    RIGHT,
    Cap,
    Weight,
    line_path,
    pen,
    polygon,
    spread,
    width_of,
    write,
)
from initviz.ui.panels.loss import thinned
from initviz.ui.panels.time_axis import draw_steps
from initviz.ui.theme import Theme, mix


@dataclass(frozen=True)
class LossSpread:
    """The loss of one lane's runs at steps 0, 1, …: low, middle and high (3, n); ∞ if diverged."""

    lane: Shown
    values: Floats

    @property
    def last(self) -> int:
        """The last step."""
        return len(self.values[0]) - 1


@dataclass(frozen=True)
class LossPart:
    """Where the chart is, and its axes."""

    plot: QRectF
    x: Axis
    y: Axis
    ticks: tuple[float, ...]
    titled: bool


def lay_out(theme: Theme, box: QRectF, spreads: Sequence[LossSpread]) -> LossPart:
    """The chart within a box."""
    label = theme.label
    titled = box.height() > 14 * label
    bottom = max(box.bottom() - (3.9 if titled else 1.9) * label, box.top() + 20)
    low_label = box.top() + 0.9 * label
    finite = np.concatenate([[0.0], *(s.values[np.isfinite(s.values)] for s in spreads)])
    highest = float(finite.max())
    high = step_up(highest) if highest > 0 else 1.0
    ticks = round_ticks(high, max(2, int((bottom - low_label) / (2.4 * label)) + 1))
    left = box.left() + max(width_of(f"{t:g}", label) for t in ticks) + 1.2 * label
    right = box.right() - 2.0 * label
    plot = QRectF(left, low_label, max(right - left, 20), bottom - low_label)
    last = max((s.last for s in spreads), default=1)
    return LossPart(
        plot=plot,
        x=Axis(0, last, plot.left(), plot.right()),
        y=Axis(0.0, high, plot.bottom(), plot.top()),
        ticks=tuple(ticks),
        titled=titled,
    )


def draw_backdrop(painter: QPainter, theme: Theme, part: LossPart) -> None:
    """Axes and grid."""
    plot, label = part.plot, theme.label
    for tick in part.ticks:
        y = round(part.y(tick)) + 0.5
        painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        at = (plot.left() - 0.8 * label, y)
        write(painter, f"{tick:g}", at, theme.ink_soft, label, align=RIGHT)
    draw_steps(painter, theme, plot, part.x, titled=part.titled)


def draw_marks(
    painter: QPainter, theme: Theme, part: LossPart, spreads: Sequence[LossSpread]
) -> None:
    """Bands, lines, and the letters at their ends."""
    for one in reversed(spreads):
        draw_band(painter, theme, part, one)
    for one in reversed(spreads):
        _draw_middle(painter, theme, part, one)
    plot, inset = part.plot, 0.5 * theme.label
    ends = [float(part.y(min(one.values[1, -1], part.y.high))) for one in spreads]
    places = spread(ends, 1.3 * theme.label, plot.top() + inset, plot.bottom() - inset)
    for one, y in zip(spreads, places, strict=True):
        at = (part.x(float(one.last)) + 0.9 * theme.label, y)
        ink, ground = theme.lane_text[one.lane.index], theme.surface
        letter, size, weight = one.lane.letter, theme.label, Weight.Bold
        write(painter, letter, at, ink, size, align=CENTRE, weight=weight, ground=ground)


def draw_band(painter: QPainter, theme: Theme, part: LossPart, one: LossSpread) -> None:
    """Where eight of ten runs lie; a run that diverged is above everything."""
    x, low = _thinned(part, one.values[0])
    _, high = _thinned(part, one.values[2])
    colour = theme.lanes[one.lane.index]
    painter.setPen(pen(mix(theme.surface, colour, 0.45), 1.0, Cap.FlatCap))
    painter.setBrush(_filling(colour))
    low, high = (part.y(np.minimum(edge, part.y.high)) for edge in (low, high))
    painter.drawPolygon(polygon(np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])))


def _filling(colour: str) -> QColor:
    filling = QColor(colour)
    filling.setAlphaF(0.18)
    return filling


def _draw_middle(painter: QPainter, theme: Theme, part: LossPart, one: LossSpread) -> None:
    x, middle = _thinned(part, np.where(np.isfinite(one.values[1]), one.values[1], np.nan))
    painter.setBrush(QColor(0, 0, 0, 0))
    painter.setPen(pen(theme.lanes[one.lane.index], theme.line))
    painter.drawPath(line_path(x, part.y(middle)))


def _thinned(part: LossPart, values: Floats) -> tuple[Floats, Floats]:
    x = part.x(np.arange(len(values), dtype=np.float64))
    if len(values) <= 2 * part.plot.width():
        return x, values
    finite = np.where(np.isposinf(values), part.y.high, values)
    return thinned(x, finite, part.plot.left(), part.plot.width())


def describe(at: QPointF, part: LossPart, spreads: Sequence[LossSpread]) -> str:
    """The values at a point; empty beside the chart."""
    if not part.plot.adjusted(-4, 0, 4, 0).contains(at):
        return ""
    step = max(round(part.x.value(at.x())), 0)
    lines = [f"step {step}"]
    for one in spreads:
        if step <= one.last:
            low, middle, high = map(exact, one.values[:, step].tolist())
            lines.append(f"{one.lane.letter}  loss {middle}, 10–90 %: {low} … {high}")
    return "\n".join(lines) if len(lines) > 1 else ""
