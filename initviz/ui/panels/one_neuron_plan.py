"""Where the boxes, numbers and equations of one step go, and whether they can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF

from initviz.ui.panels.closer_look import LookLayout
from initviz.ui.panels.drawing import Weight, spread, width_of, wrapped
from initviz.ui.panels.one_neuron_words import Box, Edge, Picture

#: Lines of equations that there is always room for.
MOST_LINES = 3
#: Heights of the labels: of a line of equations, of a row on an edge, and of one in a box.
LINE, ROW, BOX_ROW = 1.45, 1.2, 1.3
#: The same of what stands above the columns, and between them and the equations.
_TOP, _BOTTOM = 3.8, 0.4


@dataclass(frozen=True)
class Written:
    """An edge as it is drawn: from one box through its number to the other."""

    edge: Edge
    start: QPointF
    end: QPointF
    text: QRectF
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Where everything of a picture goes, and in what size; `fits` is false where it is too large.

    The `layout` may have larger labels than the one that was asked for.
    """

    layout: LookLayout
    picture: Picture
    boxes: tuple[tuple[QRectF, ...], ...]
    edges: tuple[Written, ...]
    lines: tuple[str, ...]
    fits: bool

    @property
    def is_terse(self) -> bool:
        """Whether an edge is written in its shortest form, where it has longer ones."""
        return any(
            len(written.edge.forms) > 1 and written.rows == written.edge.forms[-1]
            for written in self.edges
        )


def largest(
    layout: LookLayout,
    pictures: Sequence[Mapping[str, Picture]],
    phase: str,
    sizes: Sequence[float],
) -> Plan:
    """The plan of a phase in the largest of these sizes, and the first of these pictures, that fit.

    Every one of `pictures` has all phases, written in its own way. What is taken fits in all of
    them, so that no phase moves or resizes what the others show too. What is larger than it must
    be leaves nothing out for it.
    """
    tried = [(size, every) for size in sizes for every in pictures[:1]]
    tried += [(sizes[-1], every) for every in pictures[1:]]
    plans: dict[str, Plan] = {}
    for size, every in tried:
        resized = LookLayout(layout.theme.scaled(size), layout.size) if size != 1.0 else layout
        plans = {name: _plan(resized, every, name) for name in every}
        leaves_out = size > 1.0 and any(made.is_terse for made in plans.values())
        if all(made.fits for made in plans.values()) and not leaves_out:
            break
    return plans[phase]


def _plan(layout: LookLayout, every: Mapping[str, Picture], phase: str) -> Plan:
    label, room = layout.theme.label, layout.size.width() - 2 * layout.theme.gap
    shown = every[phase]
    lines = tuple(row for text in shown.equations for row in wrapped(text, label, room))
    boxes, space, is_high = _boxes(layout, shown, tuple(every.values()), len(lines))
    edges = _written(shown, boxes, space, label)
    widest = max(written.text.width() for written in edges)
    fits = is_high and space >= widest + 0.35 * label and _are_apart(edges)
    return Plan(layout, shown, boxes, edges, lines, fits)


def _boxes(
    layout: LookLayout, shown: Picture, every: Sequence[Picture], lines: int
) -> tuple[tuple[tuple[QRectF, ...], ...], float, bool]:
    """The boxes of each column, the space between two columns, and whether all is readable.

    A box is as wide as in whichever phase needs it widest, so that no phase moves it.
    """
    theme, label, size = layout.theme, layout.theme.label, layout.size
    widths = [
        max(
            width_of(heading, label),
            *(_box_width(box, label) for one in every for box in one.columns[at]),
        )
        for at, heading in enumerate(shown.headings)
    ]
    last = 0.9 * label  # to the loss goes no number
    gaps = len(widths) - 2
    space = (size.width() - 2 * theme.gap - sum(widths) - last) / gaps
    top = _TOP * label
    bottom = size.height() - (max(lines, MOST_LINES) * LINE + _BOTTOM) * label
    columns, x, is_high = [], float(theme.gap), True
    for at, width in enumerate(widths):
        heights = [_box_height(box, label) for box in shown.columns[at]]
        free = bottom - top - sum(heights)
        gap = min(free / max(len(heights) - 1, 1), 5.0 * label)
        is_high = is_high and gap >= 0.2 * label
        y = top + (free - gap * (len(heights) - 1)) / 2
        column = []
        for height in heights:
            column.append(QRectF(x, y, width, height))
            y += height + gap
        columns.append(tuple(column))
        x += width + (space if at < gaps else last)
    return tuple(columns), space, is_high


def _box_width(box: Box, label: int) -> float:
    inner = max(
        width_of(symbol, label)
        + (0.4 * label if symbol else 0)
        + width_of(number, label, Weight.Medium)
        for symbol, number in box.lines
    )
    return inner + 0.8 * label


def _box_height(box: Box, label: int) -> float:
    return (BOX_ROW * len(box.lines) + 0.5) * label


def _written(
    shown: Picture, boxes: Sequence[Sequence[QRectF]], space: float, label: int
) -> tuple[Written, ...]:
    """The edges with their numbers: under one another in a column, so that none hides another."""
    made: list[Written] = []
    for column in range(len(boxes) - 2):
        edges = [edge for edge in shown.edges if edge.column == column]
        starts = [_side(boxes[column][edge.source], right=True) for edge in edges]
        ends = [_side(boxes[column + 1][edge.target], right=False) for edge in edges]
        # Nearer to where they end, so that the edges into one unit stand together.
        wanted = [0.35 * a.y() + 0.65 * b.y() for a, b in zip(starts, ends, strict=True)]
        low, high = (
            4.3 * label,
            max(max(box.bottom() for box in boxes[at]) for at in (column, column + 1)),
        )
        form, rows = _form(edges, space - 0.6 * label, (high - low) / max(len(edges), 1), label)
        height = ROW * label * rows
        placed = spread(wanted, height + 0.1 * label, low + height / 2, max(high - height / 2, low))
        x = starts[0].x() + space / 2
        for edge, start, end, y in zip(edges, starts, ends, placed, strict=True):
            texts = edge.forms[min(form, len(edge.forms) - 1)]
            width = max(width_of(text, label, Weight.DemiBold) for text in texts)
            text = QRectF(x - width / 2, y - height / 2, width, height)
            made.append(Written(edge, start, end, text, texts))
    return tuple(made)


def _form(edges: Sequence[Edge], room: float, pitch: float, label: int) -> tuple[int, int]:
    """The fullest form that all edges have room for, and how many rows it has."""
    forms = len(edges[0].forms)
    for form in range(forms):
        rows = len(edges[0].forms[form])
        widths = (
            width_of(text, label, Weight.DemiBold) for edge in edges for text in edge.forms[form]
        )
        if max(widths) <= room and (rows == 1 or pitch >= (ROW * rows + 0.1) * label):
            return form, rows
    return forms - 1, len(edges[0].forms[forms - 1])


def _are_apart(edges: Sequence[Written]) -> bool:
    """Whether no number lies on another."""
    by_column: dict[int, list[QRectF]] = {}
    for written in edges:
        by_column.setdefault(written.edge.column, []).append(written.text)
    for texts in by_column.values():
        tops = sorted(text.top() for text in texts)
        height = texts[0].height()
        if any(b - a < 0.95 * height for a, b in pairwise(tops)):
            return False
    return True


def _side(box: QRectF, *, right: bool) -> QPointF:
    return QPointF(box.right() if right else box.left(), box.center().y())
