"""What stands over a panel on the projector: a large title, and which lane is which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from initviz.ui.panels.drawing import (
    Weight,
    elided,
    in_rows,
    lane_width,
    spread,
    width_of,
    write,
    write_lane,
)
from initviz.ui.panels.legend import MOST_BESIDE
from initviz.ui.theme import Theme

if TYPE_CHECKING:
    from initviz.ui.panels.base import Panel, Shown

#: So many lines the title and what is said beside it may take together.
MOST_LINES = 2
#: Heights of a line of the title and of one of the lanes' names, in heights of their letters.
_PITCH = 1.4


@dataclass(frozen=True)
class _Word:
    """A word with the space before it, as it is written."""

    text: str
    pixels: int
    weight: Weight
    colour: str

    @property
    def width(self) -> float:
        return width_of(self.text, self.pixels, self.weight)


_Line = list[_Word]


class PresentedHead(QWidget):
    """Paints the title over the middle of the plot, and the lanes' names where the chart has none.

    It grows with what it has to say and shrinks only with its panel, or when it is told to
    `forget`, so that a chart does not jump while the numbers in its title change.
    """

    def __init__(self, panel: Panel[Any]) -> None:
        super().__init__(panel)
        self._panel = panel
        self._lines: list[_Line] = []
        self._rows: list[list[Shown]] = []
        self._middle = 0.0
        self._least = 0  # pixels that it keeps
        self._kept_for: tuple[object, ...] = ()
        self.setObjectName(f"panel.{panel.name}.head")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def forget(self) -> None:
        """Be only as high as what is said next, whatever was said before."""
        self._least = 0

    def renew(self, title: str, beside: Sequence[str]) -> None:
        """Say `title` in bold, and after it as many of the parts `beside` as there is room for.

        What is left out is left out from the front: the last part says most.
        """
        panel, theme = self._panel, self._panel.theme
        self.setAccessibleName(" · ".join([title, *beside]))
        room = panel.width() - 2 * theme.gap
        self._lines = _fitted(theme, title, beside, room)
        height = (_PITCH * len(self._lines) + 0.4) * theme.title
        chart = QSizeF(panel.width(), max(panel.height() - height, 1.0))
        self._rows = []
        if panel.has_read and not panel.names_lanes(chart):
            lanes = panel.told_lanes()
            widths = [lane_width(lane.letter, lane.label, theme.label) for lane in lanes]
            rows = in_rows(widths, _between(theme), room)
            self._rows = [[lanes[number] for number in row] for row in rows]
        self._middle = panel.middle(chart) if panel.has_read else chart.width() / 2
        self._settle(height + (_PITCH * len(self._rows) + 0.1) * theme.label)
        self.update()

    def _settle(self, height: float) -> None:
        kept_for = (self._panel.width(), self._panel.theme, *self._panel.chosen.values())
        least = self._least if kept_for == self._kept_for else 0
        self._kept_for, self._least = kept_for, max(round(height), least)
        self.setFixedHeight(self._least)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._panel.theme
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.surface))
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            for number, line in enumerate(self._lines):
                self._write_line(painter, line, (0.7 + _PITCH * number) * theme.title)
            top = (_PITCH * len(self._lines) + 0.2) * theme.title
            for number, row in enumerate(self._rows):
                self._write_lanes(painter, row, top + (0.5 + _PITCH * number) * theme.label)

    def _left(self, width: float) -> float:
        """Where something so wide begins: over the middle of the plot, but not cut."""
        gap = self._panel.theme.gap
        return max(min(self._middle - width / 2, self.width() - gap - width), gap)

    def _write_line(self, painter: QPainter, line: _Line, y: float) -> None:
        left = self._left(sum(word.width for word in line))
        for text in _runs(line):
            write(painter, text.text, (left, y), text.colour, text.pixels, weight=text.weight)
            left += text.width

    def _write_lanes(self, painter: QPainter, lanes: Sequence[Shown], y: float) -> None:
        theme, room = self._panel.theme, self.width() - 2 * self._panel.theme.gap
        left = self._left(_row_width(lanes, theme))
        for lane in lanes:
            colour = theme.lane_text[lane.index]
            at = (left, y)
            write_lane(painter, lane.letter, lane.label, at, colour, theme.label, room=room)
            left += lane_width(lane.letter, lane.label, theme.label) + _between(theme)


def room_beside(lanes: Sequence[Shown], theme: Theme, width: float) -> float:
    """The pixels that the lanes' names take beside a plot; 0 where that is too much of `width`."""
    widest = max(lane_width(lane.letter, lane.label, theme.label) for lane in lanes)
    return widest if widest <= MOST_BESIDE * width else 0.0


def name_beside(
    painter: QPainter, theme: Theme, plot: QRectF, ends: Sequence[tuple[Shown, float]]
) -> None:
    """Each lane's letter and name at the right of a plot, about where its line ends (pixels)."""
    inset = 0.7 * theme.label
    heights = [y for _, y in ends]
    places = spread(heights, 1.5 * theme.label, plot.top() + inset, plot.bottom() - inset)
    for (lane, _), y in zip(ends, places, strict=True):
        at, colour = (plot.right() + 0.8 * theme.label, y), theme.lane_text[lane.index]
        room = lane_width(lane.letter, lane.label, theme.label)
        write_lane(painter, lane.letter, lane.label, at, colour, theme.label, room=room)


def _fitted(theme: Theme, title: str, beside: Sequence[str], room: float) -> list[_Line]:
    heading = list(_words(title, theme.title, Weight.DemiBold, theme.ink))
    for first in range(len(beside) + 1):
        rest: list[_Word] = []
        for part in beside[first:]:
            whole = _Word(f" · {part}", theme.label, Weight.Normal, theme.ink_soft)
            pieces = _words(whole.text, whole.pixels, whole.weight, whole.colour)
            rest += [whole] if whole.width <= room else pieces
        lines = _wrapped([*heading, *rest], room)
        apart = [*_wrapped(heading, room), *_wrapped(rest, room)] if rest else lines
        if len(lines) > 1 and len(apart) <= MOST_LINES:
            return apart  # a line for the title and one for the rest, rather than a last word alone
        if len(lines) <= MOST_LINES:
            return lines
    cut = elided(title, theme.title, MOST_LINES * room - 4 * theme.title, Weight.DemiBold)
    return _wrapped(list(_words(cut, theme.title, Weight.DemiBold, theme.ink)), room)


def _words(text: str, pixels: int, weight: Weight, colour: str) -> Iterator[_Word]:
    # A dot belongs to the word after it, which begins a line with it then.
    return (_Word(piece, pixels, weight, colour) for piece in re.findall(r"\s*(?:· )?\S+", text))


def _wrapped(words: Sequence[_Word], room: float) -> list[_Line]:
    lines: list[_Line] = [[]]
    for word in words:
        if lines[-1] and sum(w.width for w in lines[-1]) + word.width > room:
            lines.append([])
        if not lines[-1]:
            word = _Word(word.text.lstrip(" ·"), word.pixels, word.weight, word.colour)
        lines[-1].append(word)
    return lines


def _runs(line: _Line) -> Iterator[_Word]:
    """The words of a line that look the same, as one text."""
    run: _Word | None = None
    for word in line:
        if run is not None and (run.pixels, run.weight) == (word.pixels, word.weight):
            run = _Word(run.text + word.text, run.pixels, run.weight, run.colour)
        else:
            if run is not None:
                yield run
            run = word
    if run is not None:
        yield run


def _between(theme: Theme) -> float:
    return 1.6 * theme.label


def _row_width(lanes: Sequence[Shown], theme: Theme) -> float:
    widths = sum(lane_width(lane.letter, lane.label, theme.label) for lane in lanes)
    return widths + (len(lanes) - 1) * _between(theme)
