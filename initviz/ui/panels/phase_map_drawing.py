"""How the ground of the phase map is painted: its axes, its colours, and the words on them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath

from initviz.ui.panels.axes import Axis, round_ticks
from initviz.ui.panels.drawing import (
    CENTRE,
    LEFT,
    RIGHT,
    Cap,
    Weight,
    line_path,
    pen,
    polygon,
    width_of,
    write,
)
from initviz.ui.panels.phase_map_chart import (
    COLUMNS,
    DECADES,
    ROWS,
    Chart,
    colours,
    middles,
    painted,
)
from initviz.ui.panels.phase_map_pins import Point
from initviz.ui.theme import Theme, mix

#: A subscript is written so much smaller.
_SMALLER = 0.75


@dataclass(frozen=True)
class PhaseLayout:
    """All that the axes depend on."""

    theme: Theme
    size: QSizeF
    plot: QRectF
    bar: QRectF
    x: Axis
    y: Axis

    def at(self, point: Point) -> QPointF:
        """Where a point lies."""
        return QPointF(self.x(point[0]), self.y(point[1]))

    def point(self, at: QPointF) -> Point:
        """The point that lies there, of those that there are."""
        sigma_w, sigma_b = self.x.value(at.x()), self.y.value(at.y())
        return min(max(sigma_w, 0.0), self.x.high), min(max(sigma_b, 0.0), self.y.high)

    def holds(self, point: Point) -> bool:
        """Whether the axes reach that far."""
        return point[0] <= self.x.high and point[1] <= self.y.high

    def shown_at(self, point: Point) -> QPointF:
        """Where a point is marked: at the edge, where it lies beyond it."""
        return self.at((min(point[0], self.x.high), min(point[1], self.y.high)))

    def near(self, at: QPointF) -> bool:
        """Whether that is in the plot, or so near that marks on its edge are meant."""
        room = self.theme.mark
        return self.plot.adjusted(-room, -room, room, room).contains(at)

    @property
    def steps(self) -> Point:
        """By how much a dot moves at once: round, and about a pixel."""
        return _step(self.x.high), _step(self.y.high)

    def snapped(self, point: Point) -> Point:
        """The nearest point that reads well, not below 0."""
        step_w, step_b = self.steps
        return _snap(point[0], step_w), _snap(point[1], step_b)


def _step(reach: float) -> float:
    return 10.0 ** math.floor(math.log10(reach / 50))


def _snap(value: float, step: float) -> float:
    return max(round(round(value / step) * step, 9), 0.0)


# -- layout and axes ------------------------------------------------------------------------------


def lay_out(theme: Theme, size: QSizeF, reach: Point) -> PhaseLayout:
    """Where everything goes on a chart of this size, for axes that reach so far."""
    label = theme.label
    left = theme.gap + 0.7 * label + max(width_of(f"{t:g}", label) for t in (0.5, reach[1]))
    bar = 0.5 * theme.gap + 0.7 * label
    right = theme.gap + width_of("≥ 10", label) + 0.5 * label + bar + 1.3 * theme.gap
    if size.width() < 24 * label:
        right, bar = 1.5 * theme.gap, 0.0
    tall = size.height() > 12 * label
    plot = QRectF(left, 2.0 * label, max(size.width() - left - right, 20), 0.0)
    plot.setBottom(max(size.height() - (3.5 if tall else 2.0) * label, plot.top() + 20))
    return PhaseLayout(
        theme=theme,
        size=size,
        plot=plot,
        bar=QRectF(plot.right() + 1.3 * theme.gap, plot.top(), bar, plot.height()),
        x=Axis(0.0, reach[0], plot.left(), plot.right()),
        y=Axis(0.0, reach[1], plot.bottom(), plot.top()),
    )


def draw_axes(painter: QPainter, layout: PhaseLayout) -> None:
    """Numbers and names of both axes, and the scale of the colours."""
    theme, plot, label = layout.theme, layout.plot, layout.theme.label
    for tick in round_ticks(layout.x.high, max(2, int(plot.width() / (4.5 * label)))):
        at = (layout.x(tick), plot.bottom() + 1.15 * label)
        write(painter, f"{tick:g}", at, theme.ink_soft, label, align=CENTRE)
    for tick in round_ticks(layout.y.high, max(2, int(plot.height() / (3.0 * label)))):
        at = (plot.left() - 0.6 * label, layout.y(tick))
        write(painter, f"{tick:g}", at, theme.ink_soft, label, align=RIGHT)
    top = plot.top() - 1.25 * label
    write_symbols(painter, "σ_b", (plot.left() - 0.6 * label, top), theme.ink_soft, label, RIGHT)
    if layout.size.height() > 12 * label:
        at = (plot.center().x(), plot.bottom() + 2.6 * label)
        write_symbols(painter, "σ_w = √(fan-in · Var W)", at, theme.ink_soft, label, CENTRE)
    if layout.bar.width() > 0:
        _draw_bar(painter, layout)


def _draw_bar(painter: QPainter, layout: PhaseLayout) -> None:
    theme, bar, label = layout.theme, layout.bar, layout.theme.label
    _draw_image(painter, colours(theme)[::-1][:, None], bar)
    scale = Axis(-DECADES, DECADES, bar.bottom(), bar.top())
    texts = {-DECADES: "≤ 0.1", 0.0: "1", DECADES: "≥ 10"}
    if bar.height() > 12 * label:
        texts |= {math.log10(0.3): "0.3", math.log10(3.0): "3"}
    for exponent, text in texts.items():
        y = scale(exponent)
        painter.setPen(pen(theme.axis, 1, Cap.FlatCap))
        painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y))
        write(painter, text, (bar.right() + 0.5 * label, y), theme.ink_soft, label, align=LEFT)
    at = (bar.left(), bar.top() - 1.25 * label)
    write(painter, "χ₁", at, theme.ink_soft, label, align=LEFT)


def write_symbols(
    painter: QPainter,
    text: str,
    at: tuple[float, float],
    colour: str,
    pixels: int,
    align: float = LEFT,
    weight: Weight = Weight.Normal,
) -> None:
    """A line of text in which σ_w and σ_b have a subscript."""
    left = at[0] - align * symbols_width(text, pixels, weight)
    for piece, size in _pieces(text, pixels):
        lower = 0.3 * pixels if size < pixels else 0.0
        write(painter, piece, (left, at[1] + lower), colour, size, weight=weight)
        left += width_of(piece, size, weight)


def symbols_width(text: str, pixels: int, weight: Weight = Weight.Normal) -> float:
    """The width of such a line."""
    return sum(width_of(piece, size, weight) for piece, size in _pieces(text, pixels))


def _pieces(text: str, pixels: int) -> Iterator[tuple[str, int]]:
    for number, piece in enumerate(re.split(r"(?<=σ)_([wb])", text)):
        yield piece, round(_SMALLER * pixels) if number % 2 else pixels


# -- the map --------------------------------------------------------------------------------------


def draw_map(
    painter: QPainter,
    layout: PhaseLayout,
    chart: Chart | None,
    taken: Sequence[QRectF],
) -> None:
    """Colours, the critical line, and what they mean in words: not where it is `taken`."""
    theme, plot = layout.theme, layout.plot
    if chart is not None:
        _draw_image(painter, painted(chart.chi, theme)[::-1], plot)
        _draw_growth(painter, layout, chart)
        _draw_line(painter, layout, chart)
        _draw_words(painter, layout, chart, taken)
    else:
        write(painter, "…", (plot.center().x(), plot.center().y()), theme.ink_soft, theme.label)
    painter.setPen(pen(theme.axis, 1, Cap.FlatCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(plot)


def _draw_image(painter: QPainter, pixels: NDArray[np.uint32], target: QRectF) -> None:
    kept = np.ascontiguousarray(pixels)
    height, width = kept.shape
    image = QImage(kept.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, width > 1)
    painter.drawImage(target, image)


def _draw_growth(painter: QPainter, layout: PhaseLayout, chart: Chart) -> None:
    """Hatch where q grows for ever; on blank ground, but where χ₁ is known all the same."""
    theme, plot = layout.theme, layout.plot
    grows = np.minimum(chart.grows, layout.x.high)
    if not np.any(grows < layout.x.high):
        return
    heights = middles(layout.y.high, ROWS)
    heights[0], heights[-1] = 0.0, layout.y.high
    edge_x, edge_y = layout.x(grows), layout.y(heights)
    x = np.concatenate([edge_x, [plot.right(), plot.right()]])
    y = np.concatenate([edge_y, [plot.top(), plot.bottom()]])
    area = QPainterPath()
    area.addPolygon(polygon(x, y))
    area.closeSubpath()
    if not chart.scale_free:
        painter.fillPath(area, QColor(theme.blank))
    lines = QColor(mix(theme.blank, theme.axis, 0.5))
    lines.setAlphaF(0.5)
    painter.fillPath(area, QBrush(lines, Qt.BrushStyle.BDiagPattern))


def _draw_line(painter: QPainter, layout: PhaseLayout, chart: Chart) -> None:
    theme, plot = layout.theme, layout.plot
    x, y = layout.x(chart.line[:, 0]), layout.y(chart.line[:, 1])
    path = line_path(x, np.where(np.isfinite(x), y, math.nan))
    painter.save()
    painter.setClipRect(plot)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((theme.surface, 2.2 * theme.line), (theme.ink, theme.line)):
        painter.setPen(pen(colour, width, Cap.FlatCap))
        painter.drawPath(path)
    painter.restore()
    if math.isfinite(x[-1]) and x[-1] <= plot.right():
        room = 0.5 * width_of("χ₁ = 1", theme.label)
        middle = min(max(float(x[-1]), plot.left() + room), plot.right() - room)
        at = (middle, plot.top() - 1.1 * theme.label)
        write(painter, "χ₁ = 1", at, theme.ink, theme.label, align=CENTRE, weight=Weight.Medium)


# -- words on the map -----------------------------------------------------------------------------


def _draw_words(
    painter: QPainter, layout: PhaseLayout, chart: Chart, taken: Sequence[QRectF]
) -> None:
    """What each part of the map means, where there is room for it."""
    grows = middles(layout.x.high, COLUMNS)[None, :] >= chart.grows[:, None]
    known = ~np.isnan(chart.chi)
    with np.errstate(invalid="ignore"):
        vanishes, explodes = known & (chart.chi < 1.0), known & (chart.chi > 1.0) & ~grows
    wild = (
        ("gradients explode,", "q grows for ever") if chart.scale_free else ("q grows", "for ever")
    )
    free = ~_covered(layout, chart, taken)
    for area, words, is_hatched in (
        (vanishes & ~grows, ("ordered:", "gradients vanish"), False),
        (explodes, ("chaotic:", "gradients explode"), False),
        (grows, wild, True),
    ):
        _write_in(painter, layout, area & free, words, is_hatched)


def _covered(layout: PhaseLayout, chart: Chart, taken: Sequence[QRectF]) -> NDArray[np.bool_]:
    """The cells under other words, and close to the critical line."""
    covered = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    plot = layout.plot
    for box in taken:
        columns = np.clip(
            [(e - plot.left()) / plot.width() for e in (box.left(), box.right())], 0, 1
        )
        rows = np.clip(
            [(plot.bottom() - e) / plot.height() for e in (box.bottom(), box.top())], 0, 1
        )
        (left, right), (low, high) = columns * COLUMNS, rows * ROWS
        covered[int(low) : math.ceil(high), int(left) : math.ceil(right)] = True
    with np.errstate(invalid="ignore"):
        covered |= np.abs(chart.chi - 1.0) < 0.02
    return covered


def _write_in(
    painter: QPainter,
    layout: PhaseLayout,
    area: NDArray[np.bool_],
    words: tuple[str, ...],
    is_hatched: bool,
) -> None:
    """The words on one line, on two, or only the first, wherever in the area there is room."""
    theme, label = layout.theme, layout.theme.label
    for lines in ((" ".join(words),), words, (words[0].strip(":,"),)):
        width = max(width_of(line, label, Weight.Medium) for line in lines) + label
        size = QSizeF(width, (1.4 * len(lines) + 0.3) * label)
        middle = _room_for(layout, area, size)
        if middle is None:
            continue
        if is_hatched:
            box = QRectF(middle - QPointF(size.width() / 2, size.height() / 2), size)
            lay_ground(painter, theme, box, 0.6)
        for number, line in enumerate(lines):
            at = (middle.x(), middle.y() + (number - (len(lines) - 1) / 2) * 1.4 * label)
            write(painter, line, at, theme.ink, label, align=CENTRE, weight=Weight.Medium)
        return


def lay_ground(painter: QPainter, theme: Theme, box: QRectF, share: float) -> None:
    """Something of the surface under words, that they can be read on anything."""
    ground = QColor(theme.surface)
    ground.setAlphaF(share)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 0.3 * theme.label, 0.3 * theme.label)


def _room_for(layout: PhaseLayout, area: NDArray[np.bool_], size: QSizeF) -> QPointF | None:
    """The middle of a box of this size that lies in the area, a third down if there is one."""
    plot = layout.plot
    wide = math.ceil(size.width() / plot.width() * COLUMNS)
    high = math.ceil(size.height() / plot.height() * ROWS)
    if wide >= COLUMNS or high >= ROWS:
        return None
    sums = np.pad(area.astype(np.int64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    fits = inside == wide * high
    rows = np.flatnonzero(fits.any(axis=1))
    if not len(rows):
        return None
    wanted = ROWS * 2 // 3 - high // 2
    row = int(rows[np.argmin(np.abs(rows - wanted))])
    edges = np.flatnonzero(np.diff(np.pad(fits[row], 1).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    first, last = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    column = (first + last - 1) / 2 + wide / 2
    x = plot.left() + column / COLUMNS * plot.width()
    return QPointF(x, plot.bottom() - (row + high / 2) / ROWS * plot.height())
