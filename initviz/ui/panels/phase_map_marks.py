"""What stands on the phase map: the pins of schemes and the dots of lanes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter

from initviz.ui.panels.axes import exact
from initviz.ui.panels.drawing import EDGE_MARKS, Cap, Weight, pen, polygon, width_of, write
from initviz.ui.panels.phase_map_drawing import (
    PhaseLayout,
    lay_ground,
    symbols_width,
    write_symbols,
)
from initviz.ui.panels.phase_map_pins import Pin, Point
from initviz.ui.theme import Theme

#: Pins are listed by name on at most so much of the plot's height.
_SHARE_FOR_NAMES = 0.45
_MOST_LEVELS = 9

#: A pin, and where its names are written.
Named = tuple[Pin, QRectF]


@dataclass(frozen=True)
class Dot:
    """A lane on the map; `told` is what is written beside it."""

    letter: str
    index: int
    point: Point
    hollow: bool
    told: str


# -- pins -----------------------------------------------------------------------------------------


def name_pins(
    layout: PhaseLayout, pins: Sequence[Pin], keep_off: Sequence[Point] = ()
) -> list[Named]:
    """Which pins have their names written, and where: no two on one another.

    Where there is no room for all, the schemes that are used least go without. No name lies on a
    dot at one of the points to `keep_off`, such as NaN where a lane has none.
    """
    shown = [pin for pin in pins if layout.holds(pin.point)]
    points = [layout.at(pin.point) for pin in shown]
    dots = [
        _around(layout.at(p), 0.9 * layout.theme.mark)
        for p in keep_off
        if math.isfinite(p[0]) and layout.holds(p)
    ]
    found: list[Named] = []
    for pin in sorted(shown, key=lambda pin: pin.rank):
        stacked = _stacked(layout, [*(p for p, _ in found), pin], points, dots)
        found = stacked or found
    return found


def _stacked(
    layout: PhaseLayout,
    pins: Sequence[Pin],
    points: Sequence[QPointF],
    dots: Sequence[QRectF],
) -> list[Named] | None:
    """A place for each name, from the right to the left, each as low as can be; or None."""
    placed: list[Named] = []
    stems: list[QRectF] = []
    for pin in sorted(pins, key=lambda pin: -pin.sigma_w):
        at = layout.at(pin.point)
        boxes = [box for _, box in placed]
        # A stem may pass its neighbours at its foot, but none further up.
        foot = at.y() - 0.5 * layout.theme.mark
        others = [_around(p, 0.3 * layout.theme.mark) for p in points if p != at]
        above = [_around(p, 0.3 * layout.theme.mark) for p in points if p.y() < foot]
        for box in _places(layout, pin):
            stem = QRectF(at.x() - 1, box.bottom(), 2, at.y() - box.bottom() - 1)
            is_long = stem.height() >= 0.5 * layout.theme.small
            is_free = not _meets(box, (*boxes, *stems, *others, *dots))
            if is_long and is_free and not _meets(stem, (*boxes, *above)):
                placed.append((pin, box))
                stems.append(stem)
                break
        else:
            return None
    return placed


def _places(layout: PhaseLayout, pin: Pin) -> Iterator[QRectF]:
    """Where a pin's names may be written, the lowest first."""
    plot, small = layout.plot, layout.theme.small
    width = width_of(pin_text(layout, pin), small, Weight.Medium) + 0.8 * small
    left = min(layout.x(pin.sigma_w) - 0.4 * small, plot.right() - width - 2)
    levels = min(int(_SHARE_FOR_NAMES * plot.height() / (1.5 * small)), _MOST_LEVELS)
    for level in range(levels):
        bottom = plot.bottom() - (1.1 + 1.5 * level) * small
        yield QRectF(left, bottom - 1.4 * small, width, 1.4 * small)


def _meets(box: QRectF, others: Iterable[QRectF]) -> bool:
    return any(box.intersects(other) for other in others)


def pin_text(layout: PhaseLayout, pin: Pin) -> str:
    """The names at a pin, as many as there is room for."""
    room, small = max(0.42 * layout.plot.width(), 9.0 * layout.theme.small), layout.theme.small
    names = pin.names
    for count in range(len(names), 1, -1):
        more = f" +{len(names) - count}" if count < len(names) else ""
        text = ", ".join(names[:count]) + more
        if width_of(text, small, Weight.Medium) <= room:
            return text
    return names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "")


def draw_pins(
    painter: QPainter,
    layout: PhaseLayout,
    pins: Sequence[Pin],
    named: Sequence[Named],
) -> None:
    """The points of all schemes, and the names of those that have room, on stems."""
    theme, small = layout.theme, layout.theme.small
    for pin, box in named:
        at = layout.at(pin.point)
        painter.setPen(pen(theme.ink_soft, max(1.0, 0.5 * theme.line), Cap.FlatCap))
        painter.drawLine(at, QPointF(at.x(), box.bottom()))
    for pin, box in named:
        lay_ground(painter, theme, box, 0.82)
        place = (box.left() + 0.4 * small, box.center().y())
        text = pin_text(layout, pin)
        write(painter, text, place, theme.ink, small, weight=Weight.Medium)
    for pin in pins:
        if layout.holds(pin.point):
            at = layout.at(pin.point)
            _diamond(painter, at, 0.36 * theme.mark, theme)


def _diamond(painter: QPainter, at: QPointF, radius: float, theme: Theme) -> None:
    painter.setPen(pen(theme.surface, 0.5 * theme.line))
    painter.setBrush(QColor(theme.ink))
    x, y = np.array(EDGE_MARKS["zero"]).T * radius
    painter.drawPolygon(polygon(at.x() + x, at.y() + y))


def pin_at(
    pins: Sequence[Pin], named: Sequence[Named], at: QPointF, layout: PhaseLayout
) -> Pin | None:
    """The pin under the pointer, by its point or by its name."""
    shown = [pin for pin in pins if layout.holds(pin.point)]
    for pin, box in named:
        if box.contains(at):
            return pin
    reached = [p for p in shown if _distance(layout.at(p.point), at) <= 0.7 * layout.theme.mark]
    return min(reached, key=lambda p: _distance(layout.at(p.point), at), default=None)


# -- dots -----------------------------------------------------------------------------------------


def draw_dots(
    painter: QPainter,
    layout: PhaseLayout,
    dots: Sequence[Dot],
    pins: Sequence[Pin],
    named: Sequence[Named],
) -> None:
    """Each lane's dot with its letter; the last one lies on top."""
    theme = layout.theme
    diameters = _diameters(layout, dots)
    for dot, diameter in zip(dots, diameters, strict=True):
        at, colour = layout.shown_at(dot.point), theme.lanes[dot.index]
        if not layout.holds(dot.point):
            _draw_beyond(painter, layout, dot)
            continue
        painter.setPen(pen(theme.surface, diameter + theme.line))
        painter.drawPoint(at)
        painter.setPen(pen(colour, diameter))
        painter.drawPoint(at)
        if dot.hollow:
            painter.setPen(pen(theme.surface, max(diameter - 2.4 * theme.line, 2.0)))
            painter.drawPoint(at)
    taken = [
        _around(layout.shown_at(dot.point), 0.5 * d) for dot, d in zip(dots, diameters, strict=True)
    ]
    taken += [box for _, box in named]
    points = [_around(layout.at(pin.point), 2.0) for pin in pins]
    for dot in reversed(dots):
        taken.append(_write_dot(painter, layout, dot, taken, points))


def _diameters(layout: PhaseLayout, dots: Sequence[Dot]) -> list[float]:
    """Dots at one point are rings around each other: what lies below is larger."""
    places = [layout.shown_at(dot.point) for dot in dots]
    theme = layout.theme
    return [
        1.35 * theme.mark + 3.0 * theme.line * sum(_distance(at, o) < 3 for o in places[n + 1 :])
        for n, at in enumerate(places)
    ]


def _draw_beyond(painter: QPainter, layout: PhaseLayout, dot: Dot) -> None:
    """An arrow at the edge, towards a dot beyond it."""
    theme, at = layout.theme, layout.shown_at(dot.point)
    painter.save()
    painter.translate(at)
    is_right, is_above = dot.point[0] > layout.x.high, dot.point[1] > layout.y.high
    painter.rotate(90.0 * is_right - 45.0 * (is_right and is_above))
    half = 0.6 * theme.mark
    x, y = np.array(EDGE_MARKS["above"]).T * half
    painter.setPen(pen(theme.lanes[dot.index], 0.75 * theme.line))
    painter.setBrush(QColor(theme.surface if dot.hollow else theme.lanes[dot.index]))
    painter.drawPolygon(polygon(x, y + half))
    painter.restore()


def _write_dot(
    painter: QPainter,
    layout: PhaseLayout,
    dot: Dot,
    taken: Sequence[QRectF],
    points: Sequence[QRectF],
) -> QRectF:
    """A dot's letter, and what is told of it, beside it where nothing else is."""
    theme, label = layout.theme, layout.theme.label
    bold = width_of(dot.letter, label, Weight.Bold)
    told = dot.told
    if not told and not layout.holds(dot.point):
        told = f"σ_w {exact(dot.point[0])}" if dot.point[0] > layout.x.high else ""
        told = told or f"σ_b {exact(dot.point[1])}"
    width = bold + (0.5 * label + symbols_width(told, label) if told else 0.0) + 0.6 * label
    if width > layout.plot.width():  # it would lie over the axis
        told, width = "", bold + 0.6 * label
    box = _beside(layout, layout.shown_at(dot.point), QSizeF(width, 1.35 * label), taken, points)
    lay_ground(painter, theme, box, 0.88)
    left, middle = box.left() + 0.3 * label, box.center().y()
    colour = theme.lane_text[dot.index]
    write(painter, dot.letter, (left, middle), colour, label, weight=Weight.Bold)
    if told:
        write_symbols(painter, told, (left + bold + 0.5 * label, middle), theme.ink, label)
    return box


def _beside(
    layout: PhaseLayout,
    at: QPointF,
    size: QSizeF,
    taken: Sequence[QRectF],
    points: Sequence[QRectF],
) -> QRectF:
    """A box near a point on nothing that is `taken`, and on no pin's point if it can be helped."""
    plot, away = layout.plot, 0.9 * layout.theme.mark
    width, height = size.width(), size.height()
    right, left, middle = at.x() + away, at.x() - away - width, at.x() - width / 2
    beside, above, below = at.y() - height / 2, at.y() - away - height, at.y() + away
    lines = (beside, above, above - 1.2 * height, below)
    places = [(x, y) for y in lines for x in (right, left, middle)]
    field = plot.adjusted(-2, -2, 2, 0.6 * height)
    boxes = [QRectF(x, y, width, height) for x, y in places]
    free = [box for box in boxes if field.contains(box) and not _meets(box, taken)]
    best = next((box for box in free if not _meets(box, points)), (free or boxes)[0])
    best.moveLeft(min(max(best.left(), plot.left() - 2), layout.size.width() - width))
    return best


def _around(at: QPointF, radius: float) -> QRectF:
    return QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())


def dot_at(dots: Sequence[Dot], at: QPointF, layout: PhaseLayout) -> Dot | None:
    """The dot under the pointer, the uppermost of those that are equally near."""
    reach = max(layout.theme.mark, 10.0)
    near = [dot for dot in dots if _distance(layout.shown_at(dot.point), at) <= reach]
    return min(reversed(near), key=lambda d: _distance(layout.shown_at(d.point), at), default=None)
