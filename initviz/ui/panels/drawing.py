"""Drawing with NumPy arrays: a path for each kind of mark, never an item for each layer.

Everything here draws on any QPainter: the screen, a picture or an SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QPaintEngine,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QStaticText,
    QTextLayout,
)
from shiboken6 import VoidPtr, wrapInstance

from initviz.ui.theme import font

Floats = NDArray[np.float64]
Weight = QFont.Weight

LEFT, CENTRE, RIGHT = 0.0, 0.5, 1.0


@lru_cache(maxsize=64)
def typeface(pixels: int, weight: Weight = Weight.Normal) -> tuple[QFont, QFontMetricsF]:
    """Inter and its metrics; made once for each size and weight."""
    made = font(pixels, weight)
    return made, QFontMetricsF(made)


@lru_cache(maxsize=64)
def capital_height(pixels: int, weight: Weight) -> float:
    """The height of a capital letter in pixels."""
    return typeface(pixels, weight)[1].capHeight()


@lru_cache(maxsize=4096)
def width_of(text: str, pixels: int, weight: Weight = Weight.Normal) -> float:
    """The width of a line of text in pixels; asking Qt takes as long as painting it."""
    return typeface(pixels, weight)[1].horizontalAdvance(text)


@lru_cache(maxsize=4096)
def _set(text: str, pixels: int, weight: Weight) -> tuple[QStaticText, float]:
    """A line of text with its letters in their places, and how far down its base line is.

    To find the places takes several times as long as to paint the letters.
    """
    face = typeface(pixels, weight)[0]
    line = QStaticText(text)
    line.setTextFormat(Qt.TextFormat.PlainText)
    line.prepare(font=face)
    layout = QTextLayout(text, face)  # QStaticText does not tell where its base line is
    layout.beginLayout()
    first = layout.createLine()
    layout.endLayout()
    return line, first.ascent()


def write(
    painter: QPainter,
    text: str,
    at: tuple[float, float],
    colour: str,
    pixels: int,
    *,
    align: float = LEFT,
    weight: Weight = Weight.Normal,
    ground: str = "",
) -> QRectF:
    """One line of text, its capitals centred on `at`; `ground` is laid under it.

    Returns:
        The rectangle that it takes.
    """
    face, capitals = typeface(pixels, weight)[0], capital_height(pixels, weight)
    width = width_of(text, pixels, weight)
    left, base = at[0] - align * width, at[1] + capitals / 2
    box = QRectF(left, base - capitals - 2, width, capitals + 4)
    if ground:
        painter.fillRect(box.adjusted(-2, 0, 2, 1), QColor(ground))
    line, ascent = _set(text, pixels, weight)
    painter.setFont(face)
    painter.setPen(QColor(colour))
    painter.drawStaticText(QPointF(left, base - ascent), line)
    return box


def elided(text: str, pixels: int, width: float, weight: Weight = Weight.Normal) -> str:
    """The text, cut with an ellipsis where it is wider than `width`."""
    metrics = typeface(pixels, weight)[1]
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0.0))


def wrapped(text: str, pixels: int, room: float) -> list[str]:
    """The text in lines of at most so many pixels, cut between words; a word may be wider."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, pixels) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def write_lane(
    painter: QPainter,
    letter: str,
    label: str,
    at: tuple[float, float],
    colour: str,
    pixels: int,
    *,
    room: float,
    align: float = LEFT,
) -> None:
    """A lane's letter in bold and, where there is room (see `lane_width`), its label."""
    bold = width_of(letter + " ", pixels, Weight.Bold)
    shown = elided(label, pixels, room - bold, Weight.Medium) if room > 3 * bold else ""
    taken = bold + width_of(shown, pixels, Weight.Medium)
    left = at[0] - align * taken
    write(painter, letter, (left, at[1]), colour, pixels, weight=Weight.Bold)
    if shown:
        write(painter, shown, (left + bold, at[1]), colour, pixels, weight=Weight.Medium)


def lane_width(letter: str, label: str, pixels: int) -> float:
    """The pixels that a lane's letter and its whole label take."""
    bold = width_of(letter + " ", pixels, Weight.Bold)
    return bold + width_of(label, pixels, Weight.Medium) + 1


def in_rows(widths: Sequence[float], between: float, room: float) -> list[list[int]]:
    """The numbers of things so wide, in rows that fit with this much between two of them.

    One that is wider than `room` has a row of its own.
    """
    rows: list[list[int]] = []
    taken = room
    for number, width in enumerate(widths):
        if rows and taken + between + width <= room:
            rows[-1].append(number)
            taken += between + width
        else:
            rows.append([number])
            taken = width
    return rows


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, in their order, at least `gap` apart within low … high.

    Where there is no room for that the gap shrinks.
    """
    count = len(wanted)
    if count > 1:
        gap = min(gap, (high - low) / (count - 1))
    order = sorted(range(count), key=lambda i: wanted[i])
    # Groups of neighbours that touch: their members, and the position of the first.
    groups: list[tuple[list[int], float]] = []
    for index in order:
        members, top = [index], min(max(wanted[index], low), high)
        while groups and groups[-1][1] + len(groups[-1][0]) * gap > top:
            members = [*groups.pop()[0], *members]
            middle = sum(wanted[i] - k * gap for k, i in enumerate(members)) / len(members)
            top = min(max(middle, low), high - (len(members) - 1) * gap)
        groups.append((members, top))
    placed = [0.0] * count
    for members, top in groups:
        for k, index in enumerate(members):
            placed[index] = top + k * gap
    return placed


def polygon(x: Floats, y: Floats) -> QPolygonF:
    """The points (n,), (n,) as Qt has them, without a Python object for each."""
    made = QPolygonF()
    made.resize(len(x))
    if len(x):
        # What shiboken's stubs say of VoidPtr and data() is not what they are.
        memory: Any = VoidPtr(made.data(), 16 * len(x), True)  # type: ignore[call-arg, arg-type]
        points = np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)
        points[:, 0], points[:, 1] = x, y
    return made


class Segments:
    """Draws wide lines of many points quickly, as segments of their own.

    Qt strokes a line wider than a pixel as one big outline, which is dear; it has a quick way
    for straight pieces. The pieces live in an array that is kept and wrapped once.
    """

    def __init__(self) -> None:
        self._numbers = np.empty((0, 4))
        self._lines: list[QLineF] = []

    def draw(self, painter: QPainter, x: Floats, y: Floats, outline: QPen) -> None:
        """The lines through points (n,) or (k, n), with a gap wherever y is not finite."""
        painter.setPen(outline)
        if painter.paintEngine().type() == QPaintEngine.Type.SVG:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for row_x, row_y in zip(np.atleast_2d(x), np.atleast_2d(y), strict=True):
                painter.drawPath(line_path(row_x, row_y))
            return
        x, y = _joined(x), _joined(y)
        # Level stretches become one piece: the seams of many would show.
        bends = np.ones(len(y), dtype=np.bool_)
        bends[1:-1] = (y[1:-1] != y[:-2]) | (y[1:-1] != y[2:])
        x, y = x[bends], y[bends]
        whole = np.flatnonzero(np.isfinite(y[:-1] + y[1:]))
        count = len(whole)
        self._make_room(count)
        self._numbers[:count] = np.stack([x[whole], y[whole], x[whole + 1], y[whole + 1]], axis=1)
        painter.drawLines(self._lines[:count])

    def _make_room(self, count: int) -> None:
        if count > len(self._lines):
            size = max(256, 2 * count)
            self._numbers = np.empty((size, 4))
            first, stride = self._numbers.ctypes.data, 4 * self._numbers.itemsize
            self._lines = [
                cast(QLineF, wrapInstance(first + i * stride, QLineF)) for i in range(size)
            ]


def _joined(values: Floats) -> Floats:
    """The rows one after the other, with a NaN after each."""
    rows = np.atleast_2d(values)
    joined: Floats = np.hstack([rows, np.full((len(rows), 1), np.nan)]).ravel()
    return joined


def line_path(x: Floats, y: Floats) -> QPainterPath:
    """One path through the points, with a gap wherever y is not finite."""
    path = QPainterPath()
    finite = np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2).tolist():
        path.addPolygon(polygon(x[first:last], y[first:last]))
    return path


Cap = Qt.PenCapStyle


@lru_cache(maxsize=512)
def pen(colour: str, width: float, cap: Qt.PenCapStyle = Cap.RoundCap) -> QPen:
    """A solid pen; anything else is dear above a width of 1. `Segments` want square caps."""
    return QPen(QColor(colour), width, Qt.PenStyle.SolidLine, cap, Qt.PenJoinStyle.RoundJoin)


def dashed(colour: str, width: float) -> QPen:
    """A dashed pen, for reference lines."""
    made = QPen(QColor(colour), width)
    made.setDashPattern([4.0, 3.0])
    return made


def discs(painter: QPainter, x: Floats, y: Floats, colour: str, diameter: float) -> None:
    """Filled circles."""
    painter.setPen(pen(colour, diameter))
    painter.drawPoints(polygon(x, y))


def squares(painter: QPainter, x: Floats, y: Floats, outline: QPen, side: float) -> None:
    """Hollow squares."""
    painter.setPen(outline)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    half = side / 2
    painter.drawRects(
        [
            QRectF(a - half, b - half, side, side)
            for a, b in zip(x.tolist(), y.tolist(), strict=True)
        ]
    )


#: Marks for what an axis cannot show, as polygons around 0 of a radius of 1, y downwards.
EDGE_MARKS: dict[str, tuple[tuple[float, float], ...]] = {
    "above": ((-1.0, 0.8), (0.0, -1.0), (1.0, 0.8)),
    "below": ((-1.0, -0.8), (0.0, 1.0), (1.0, -0.8)),
    "zero": ((-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)),
    "undefined": (
        *((-1.0, -0.65), (-0.65, -1.0), (0.0, -0.35), (0.65, -1.0), (1.0, -0.65), (0.35, 0.0)),
        *((1.0, 0.65), (0.65, 1.0), (0.0, 0.35), (-0.65, 1.0), (-1.0, 0.65), (-0.35, 0.0)),
    ),
}


@lru_cache(maxsize=32)
def _edge_mark(kind: str, size: float) -> QPolygonF:
    """One of `EDGE_MARKS` around 0, `size` across."""
    return QPolygonF([QPointF(x * size / 2, y * size / 2) for x, y in EDGE_MARKS[kind]])


def edge_marks(
    painter: QPainter, kind: str, x: Sequence[float], y: float, size: float, fill: str, line: QPen
) -> None:
    """Some of one kind of `EDGE_MARKS`, `size` across and at least that far apart, at one height.

    They are one path, as each call into Qt takes longer than to draw one more.
    """
    path, shape = QPainterPath(), _edge_mark(kind, size)
    for each in x:
        path.addPolygon(shape.translated(each, y))
        path.closeSubpath()
    painter.setPen(line)
    painter.setBrush(QColor(fill))
    painter.drawPath(path)


def hatch(painter: QPainter, area: QPainterPath, ground: str, lines: str) -> None:
    """Fill an area with a hatch: "nothing can be said here"."""
    painter.fillPath(area, QColor(ground))
    painter.fillPath(area, QBrush(QColor(lines), Qt.BrushStyle.BDiagPattern))
