"""The horizontal axis of steps that panels over time share."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from initviz.ui.panels.axes import Axis, step_ticks, step_up
from initviz.ui.panels.base import Option, Shown
from initviz.ui.panels.drawing import CENTRE, RIGHT, Cap, pen, width_of, write
from initviz.ui.theme import Theme

#: The axis is never shorter than this many steps.
SHORTEST = 10


#: Which steps a panel over time shows: as it was at the step looked at, or all, with a line there.
SPAN = Option("span", "Steps", {"step": "up to the step", "run": "the whole run"})


def shown_until(lane: Shown, span: str) -> int:
    """The last step that is shown of a lane, by the chosen value of `SPAN`."""
    last = lane.recording.last_step
    return last if span == "run" else min(lane.step, last)


def end_of_time(shown: Sequence[Shown], span: str) -> int:
    """The step at the right end: round, and past what is shown of any lane."""
    last = max((shown_until(lane, span) for lane in shown), default=0)
    return round(step_up(float(max(last, SHORTEST))))


def draw_steps(painter: QPainter, theme: Theme, plot: QRectF, axis: Axis, titled: bool) -> None:
    """Step numbers under the plot, and what they are."""
    label = theme.label
    end = round(axis.high)
    most = max(2, int(plot.width() / (width_of(f"{end:,}", label) + 2.5 * label)) + 1)
    y = plot.bottom() + 1.15 * label
    for tick in step_ticks(end, most):
        x = axis(float(tick))
        text = f"{tick:,}".replace(",", " ")
        # The last number ends with the plot where it would run out of the card.
        align = RIGHT if tick == end and width_of(text, label) > 3 * label else CENTRE
        write(painter, text, (x, y), theme.ink_soft, label, align=align)
    if titled:
        at = (plot.center().x(), plot.bottom() + 2.6 * label)
        write(painter, "step", at, theme.ink_soft, label, align=CENTRE)


def draw_position(
    painter: QPainter, theme: Theme, plot: QRectF, axis: Axis, shown: Sequence[Shown], span: str
) -> None:
    """A line at the step that is looked at, where more is shown."""
    step = max(lane.step for lane in shown)
    if step < max(shown_until(lane, span) for lane in shown):
        x = axis(float(step))
        # Light beside dark: to be seen on every colour.
        for colour, width in ((theme.surface, 1.5 * theme.line), (theme.ink, 0.5 * theme.line)):
            painter.setPen(pen(colour, width, Cap.FlatCap))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
