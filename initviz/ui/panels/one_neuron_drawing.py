"""The drawing of one step: boxes, edges with their numbers, and equations below."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from initviz.ui.panels.closer_look import LookLayout
from initviz.ui.panels.drawing import CENTRE, RIGHT, Weight, pen, width_of, write
from initviz.ui.panels.one_neuron_plan import BOX_ROW, LINE, ROW, Plan, Written
from initviz.ui.panels.one_neuron_words import PHASES, Box
from initviz.ui.theme import mix


class Drawing:
    """Paints a phase of a step of one lane."""

    def __init__(self, painter: QPainter, layout: LookLayout, phase: str, lane: int) -> None:
        self._painter, self._layout, self._phase = painter, layout, phase
        theme = layout.theme
        self._theme, self._label = theme, theme.label
        self._strong, self._strong_text = theme.lanes[lane], theme.lane_text[lane]
        self._weak = mix(theme.ink_soft, theme.surface, 0.4)
        self._goes_back = phase == "backward"

    def phases(self) -> None:
        """The names of the phases in a row, this one's strong; it alone where there is no room."""
        theme, label = self._theme, self._label
        names = {key: f"{number} {text}" for number, (key, text) in enumerate(PHASES.items(), 1)}
        widths = [width_of(text, label, Weight.DemiBold) for text in names.values()]
        pause = 1.2 * label
        if sum(widths) + 3 * pause > self._layout.size.width() - 2 * theme.gap:
            names = {self._phase: names[self._phase]}
        x = float(theme.gap)
        for key, text in names.items():
            is_here = key == self._phase
            weight = Weight.DemiBold if is_here else Weight.Normal
            ink = theme.ink if is_here else theme.ink_soft
            box = write(self._painter, text, (x, 0.9 * label), ink, label, weight=weight)
            if is_here:
                self._painter.setPen(pen(self._strong, theme.line))
                y = 1.75 * label
                self._painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            x = box.right() + pause

    def everything(self, plan: Plan) -> None:
        """The network, and the equations."""
        for heading, places in zip(plan.picture.headings, plan.boxes, strict=True):
            at = (places[0].center().x(), 2.9 * self._label)
            write(self._painter, heading, at, self._theme.ink_soft, self._label, align=CENTRE)
        # What the equations are of lies on top, and numbers on all lines.
        for written in sorted(plan.edges, key=lambda written: written.edge.is_followed):
            self._edge(written)
        self._into_loss(plan)
        for written in plan.edges:
            self._numbers(written)
        for boxes, places in zip(plan.picture.columns, plan.boxes, strict=True):
            for box, place in zip(boxes, places, strict=True):
                self._box(box, place, is_strong=places is plan.boxes[-1] and self._phase == "cost")
        first = self._layout.size.height() - (len(plan.lines) * LINE - 0.55) * self._label
        for row, text in enumerate(plan.lines):
            at = (float(self._theme.gap), first + row * LINE * self._label)
            write(self._painter, text, at, self._theme.ink, self._label)

    def _edge(self, written: Written) -> None:
        colour = self._strong if written.edge.is_followed else self._weak
        width = self._theme.line * (0.4 + 0.9 * written.edge.share)
        middle = written.text.center()
        away = written.text.width() / 2 + 0.15 * self._label
        left, right = QPointF(middle.x() - away, middle.y()), QPointF(middle.x() + away, middle.y())
        self._painter.setPen(pen(colour, width))
        self._painter.drawLine(written.start, left)
        self._painter.drawLine(right, written.end)
        self._tip(*((written.start, left) if self._goes_back else (written.end, right)), colour)

    def _into_loss(self, plan: Plan) -> None:
        """The lines between the outputs and the loss, which carry no number."""
        colour = self._strong if self._phase == "cost" else self._weak
        loss = plan.boxes[-1][0]
        for box in plan.boxes[-2]:
            start = QPointF(box.right(), box.center().y())
            end = QPointF(loss.left(), loss.center().y())
            self._painter.setPen(pen(colour, 0.6 * self._theme.line))
            self._painter.drawLine(start, end)
            self._tip(*((start, end) if self._goes_back else (end, start)), colour)

    def _tip(self, tip: QPointF, tail: QPointF, colour: str) -> None:
        """The point of an arrow that comes from `tail`."""
        along = tip - tail
        length = max((along.x() ** 2 + along.y() ** 2) ** 0.5, 1e-9)
        size = 0.55 * self._label
        along = along / length
        across = QPointF(-along.y(), along.x()) * (0.4 * size)
        base = tip - along * size
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(QColor(colour))
        self._painter.drawPolygon(QPolygonF([tip, base + across, base - across]))

    def _numbers(self, written: Written) -> None:
        """What an edge carries, on ground that hides the lines of others."""
        theme, label = self._theme, self._label
        inks = {"forward": theme.ink, "cost": theme.ink_soft}
        ink = inks.get(self._phase, self._strong_text)
        weight = Weight.DemiBold if written.edge.is_followed else Weight.Normal
        for row, text in enumerate(written.rows):
            at = (written.text.center().x(), written.text.top() + (row + 0.5) * ROW * label)
            colour = ink if row == len(written.rows) - 1 else theme.ink_soft
            write(
                self._painter,
                text,
                at,
                colour,
                label,
                align=CENTRE,
                weight=weight,
                ground=theme.surface,
            )

    def _box(self, box: Box, place: QRectF, *, is_strong: bool) -> None:
        theme, label, painter = self._theme, self._label, self._painter
        outline = self._strong if is_strong else theme.axis
        painter.setPen(pen(outline, theme.line if is_strong else theme.line / 2))
        painter.setBrush(QColor(theme.note))
        painter.drawRoundedRect(place, theme.radius, theme.radius)
        for row, (symbol, number) in enumerate(box.lines):
            y = place.top() + ((row + 0.5) * BOX_ROW + 0.25) * label
            if not symbol:
                write(painter, number, (place.center().x(), y), theme.ink, label, align=CENTRE)
                continue
            write(painter, symbol, (place.left() + 0.4 * label, y), theme.ink_soft, label)
            at = (place.right() - 0.4 * label, y)
            write(painter, number, at, theme.ink, label, align=RIGHT, weight=Weight.Medium)
