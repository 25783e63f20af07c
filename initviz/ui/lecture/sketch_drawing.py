"""How a sketch is painted over the panel that it lies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from initviz.ui.panels.axes import Floats
from initviz.ui.panels.base import LayerAxes
from initviz.ui.panels.drawing import (
    EDGE_MARKS,
    Weight,
    dashed,
    line_path,
    pen,
    polygon,
    width_of,
    wrapped,
    write,
)
from initviz.ui.panels.profile import mark_every
from initviz.ui.theme import Theme

HINT = "Draw your guess: drag, or ← → ↑ ↓ and Enter"
NAME = "your sketch"
#: The heights at which words may stand, of all there are: so many rows and columns are tried.
_ROWS, _COLUMNS = 12, 7
#: To lie over something else is as bad as to lie over so many points of curves.
_TAKEN = 1000


@dataclass(frozen=True)
class Seen:
    """A sketch as it is painted.

    `points` (H,) are those that were drawn, `values` all of them (empty before the first), `at`
    is the place of the cursor and `name` its layer; `rows` are the curves of the panel under it,
    and in what is `taken` of the plot other things stand.
    """

    points: tuple[float | None, ...]
    values: tuple[float, ...]
    at: int | None
    name: str
    is_submitted: bool
    rows: tuple[Floats, ...]
    taken: tuple[QRectF, ...]


def draw(painter: QPainter, theme: Theme, axes: LayerAxes, seen: Seen) -> None:
    """The curve, and what is said of it."""
    if seen.values:
        _draw_curve(painter, theme, axes, seen)
    elif not seen.is_submitted:
        _write_hint(painter, theme, axes, seen)
    if seen.at is not None:
        _draw_cursor(painter, theme, axes, seen)
    if seen.is_submitted:
        _write_name(painter, theme, axes, seen)


def draw_focus(painter: QPainter, theme: Theme, area: QRect) -> None:
    """The frame that shows where keys go."""
    painter.setPen(QPen(QColor(theme.accent), max(2.0, 0.5 * theme.line)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(area).adjusted(2.5, 1.5, -2.5, -1.5), 4, 4)


def _draw_curve(painter: QPainter, theme: Theme, axes: LayerAxes, seen: Seen) -> None:
    x = axes.x(np.arange(1.0, len(seen.values) + 1))
    y = axes.y(np.array(seen.values))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in (pen(theme.surface, 1.8 * theme.line), dashed(theme.ink, theme.line)):
        painter.setPen(line)
        painter.drawPath(line_path(x, y))
    every = mark_every(len(seen.values), axes.plot.width(), 0.8 * theme.mark)
    for number, (across, up, point) in enumerate(
        zip(x.tolist(), y.tolist(), seen.points, strict=True)
    ):
        if number % every == 0 or number in (len(seen.values) - 1, seen.at):
            _diamond(painter, theme, QPointF(across, up), is_drawn=point is not None)


def _diamond(painter: QPainter, theme: Theme, at: QPointF, *, is_drawn: bool) -> None:
    """A point: full where it was drawn, hollow between."""
    across, down = np.array(EDGE_MARKS["zero"]).T * (0.5 if is_drawn else 0.32) * theme.mark
    painter.setPen(pen(theme.surface if is_drawn else theme.ink, 0.5 * theme.line))
    painter.setBrush(QColor(theme.ink if is_drawn else theme.surface))
    painter.drawPolygon(polygon(at.x() + across, at.y() + down))


def _draw_cursor(painter: QPainter, theme: Theme, axes: LayerAxes, seen: Seen) -> None:
    """A ring at the layer that the keys move, and its value near it."""
    at = _cursor(axes, seen)
    painter.setPen(pen(theme.accent, 0.75 * theme.line))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at, 0.8 * theme.mark, 0.8 * theme.mark)
    if seen.values and seen.at is not None:
        text = f"{seen.name}: {axes.text(seen.values[seen.at])}"
        _write_near(painter, theme, axes, seen, at, [text])


def _cursor(axes: LayerAxes, seen: Seen) -> QPointF:
    place = seen.at or 0
    value = seen.values[place] if seen.values else min(max(0.0, axes.y.low), axes.y.high)
    return QPointF(axes.x(place + 1.0), axes.y(value))


def _write_hint(painter: QPainter, theme: Theme, axes: LayerAxes, seen: Seen) -> None:
    plot = axes.plot
    lines = wrapped(HINT, theme.label, 0.9 * plot.width())
    _write_near(painter, theme, axes, seen, plot.center(), lines)


def _write_name(painter: QPainter, theme: Theme, axes: LayerAxes, seen: Seen) -> None:
    """What the dashed line is; how far off it was stands in the text."""
    label, sample = theme.label, 1.6 * theme.mark
    x, y = _sampled(axes, np.array(seen.values))
    near = QPointF(x[len(x) // 2], y[len(y) // 2])
    box = _write_near(painter, theme, axes, seen, near, [NAME], before=sample + 0.4 * label)
    middle, left = box.top() + 0.8 * label, box.left() + 0.3 * label
    painter.setPen(dashed(theme.ink, theme.line))
    painter.drawLine(QPointF(left, middle), QPointF(left + sample, middle))


# -- where words go -------------------------------------------------------------------------------


def _write_near(
    painter: QPainter,
    theme: Theme,
    axes: LayerAxes,
    seen: Seen,
    near: QPointF,
    lines: Sequence[str],
    *,
    before: float = 0.0,
) -> QRectF:
    """Some lines in the plot, where they hide the least, with a space `before` them."""
    label = theme.label
    width = max(width_of(line, label, Weight.Medium) for line in lines) + before + 0.8 * label
    height = (1.4 * len(lines) + 0.2) * label
    box = _freest(theme, axes, seen, near, width, height)
    painter.fillRect(box, QColor(theme.surface))
    for row, line in enumerate(lines):
        at = (box.left() + before + 0.5 * label, box.top() + (0.8 + 1.4 * row) * label)
        write(painter, line, at, theme.ink, label, weight=Weight.Medium)
    return box


def _freest(
    theme: Theme, axes: LayerAxes, seen: Seen, near: QPointF, width: float, height: float
) -> QRectF:
    """A place for words in the plot: on as few curves as can be, and then near a point."""
    taken = [*axes.taken, *seen.taken]
    if seen.at is not None:
        cursor, ring = _cursor(axes, seen), 0.9 * theme.mark
        taken.append(QRectF(cursor.x() - ring, cursor.y() - ring, 2 * ring, 2 * ring))
    left, top = _corners(axes.plot, width, height)
    curves = [_sampled(axes, row) for row in (np.array(seen.values), *seen.rows)]
    x, y = (np.concatenate(part) for part in zip(*curves, strict=True))
    reach = 0.6 * theme.mark
    hits = (
        (x > left[:, None] - reach)
        & (x < left[:, None] + width + reach)
        & (y > top[:, None] - reach)
        & (y < top[:, None] + height + reach)
    ).sum(axis=1)
    for area in taken:
        across = (left < area.right()) & (left + width > area.left())
        hits += _TAKEN * (across & (top < area.bottom()) & (top + height > area.top()))
    away = np.hypot(left + width / 2 - near.x(), top + height / 2 - near.y())
    best = np.lexsort((away, hits))[0]
    return QRectF(float(left[best]), float(top[best]), width, height)


def _corners(plot: QRectF, width: float, height: float) -> tuple[Floats, Floats]:
    """The upper left corners (n,), (n,) of the places in a plot where so large a box may be."""
    inner = plot.adjusted(4, 4, -4, -4)
    left = inner.left() + np.linspace(0.0, max(inner.width() - width, 0.0), _COLUMNS)
    top = inner.top() + np.linspace(0.0, max(inner.height() - height, 0.0), _ROWS)
    lefts, tops = np.meshgrid(left, top)
    return lefts.ravel(), tops.ravel()


def _sampled(axes: LayerAxes, values: Floats) -> tuple[Floats, Floats]:
    """Points in pixels along a curve; none where it is not finite."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.empty(0), np.empty(0)
    at = np.linspace(known[0], known[-1], 200)
    heights = np.clip(np.interp(at, known, values[known]), axes.y.low, axes.y.high)
    return axes.x(at + 1.0), axes.y(heights)
