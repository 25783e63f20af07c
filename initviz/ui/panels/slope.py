"""The slope φ′ of a layer's activation, over the pre-activations that the layer really gets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.activations import ACTIVATIONS, Activation
from initviz.lab.snapshot import Floats, Histogram
from initviz.ui.panels.axes import LADDER, Axis, exact, round_ticks, two_digits
from initviz.ui.panels.base import Option, Panel, Row, Shown, Table
from initviz.ui.panels.drawing import (
    CENTRE,
    RIGHT,
    Cap,
    Segments,
    lane_width,
    pen,
    width_of,
    write,
    write_lane,
)
from initviz.ui.panels.histograms import earlier
from initviz.ui.panels.profile import step_text
from initviz.ui.theme import Theme, mix

#: Of the values of z so many lie within the axis, at the least.
_SEEN = 0.998
#: How high the fullest bar is, as a share of its row.
_FULLEST = 0.9
_POINTS = 241

_LAYERS = {"middle": "middle layer", "first": "layer 1", "last": "last layer"}


@dataclass(frozen=True)
class Sight:
    """One lane's layer: `edges` (n + 1,) and `counts` (n,) of z, and the φ′ that it enters.

    `transmitted` is the root mean square of φ′ over the histogram: by this factor, on average,
    the slope changes the norm of a gradient on its way back.
    """

    lane: Shown
    measured_at: int
    layer: int
    activation: Activation
    slope: float
    edges: Floats
    counts: Floats

    @property
    def centres(self) -> Floats:
        return np.asarray((self.edges[:-1] + self.edges[1:]) / 2)

    def derivative(self, z: Floats) -> Floats:
        """φ′ at z of any shape."""
        return self.activation.derivative(z, self.slope)

    @property
    def transmitted(self) -> float:
        total = float(self.counts.sum())
        if not total:
            return math.nan
        return math.sqrt(float((self.counts * self.derivative(self.centres) ** 2).sum()) / total)

    @property
    def reach(self) -> float:
        """How far from 0 nearly all of z lies."""
        total = max(float(self.counts.sum()), 1.0)
        share = np.cumsum(self.counts) / total
        margin = (1.0 - _SEEN) / 2
        seen = (share > margin) & (share - self.counts / total < 1.0 - margin)
        return float(np.abs(self.centres[seen]).max()) if seen.any() else 0.0

    @property
    def is_flat(self) -> Floats:
        """1 where φ′ is under 5 % of its maximum (n,), else 0; nowhere if that is undefined."""
        low, high = self.activation.saturated or (-math.inf, math.inf)
        return np.asarray((self.centres < low) | (self.centres > high), dtype=np.float64)


@dataclass(frozen=True)
class SlopeLayout:
    """All that the backdrop depends on: a row for each lane, all with the same two axes."""

    theme: Theme
    plots: tuple[QRectF, ...]
    sights: tuple[tuple[str, float], ...]  # activation and its slope, for each row
    half: float
    steepest: float
    titled: bool

    @property
    def plot(self) -> QRectF:
        """All rows together."""
        return self.plots[0].united(self.plots[-1])

    @property
    def x(self) -> Axis:
        return Axis(-self.half, self.half, self.plot.left(), self.plot.right())

    def y(self, row: int) -> Axis:
        """φ′ to pixels in a row."""
        plot = self.plots[row]
        return Axis(0.0, self.steepest, plot.bottom(), plot.top())


class Slope(Panel[SlopeLayout]):
    """A row for each lane: φ′ as a line, and what enters φ as a histogram behind it."""

    name = "slope"
    title = "Slope φ′ where z lies"
    short_title = "Slope φ′"
    group = "Activations"
    how_to_read = (
        "The line is φ′, the slope of the layer's activation: by this much a gradient is "
        "multiplied there on its way back. The bars behind it are what the layer really gets, "
        "the histogram of z over all samples and units. Where the bars lie under a high line the "
        "gradient passes; where they lie under a low one it is lost. Full bars are saturated: "
        "φ′ is under 5 % of its maximum there. All rows have the same axes, so a sigmoid, whose "
        "slope is at most 0.25, stays low beside tanh, whose slope reaches 1. The number is the "
        "root mean square of φ′ over the histogram: the factor that the slope contributes to the "
        "gradient's norm, on average. It shows the middle layer, another one by the menu, or the "
        "one that is highlighted."
    )
    options = (Option("layer", "Layer", _LAYERS),)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments = Segments()
        self._seen: tuple[object, list[Sight]] = (None, [])

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        """Forget what was seen before; what is seen depends on the highlight too."""
        self._seen = (None, [])

    def sights(self) -> list[Sight]:
        """What is seen of each lane that has been measured."""
        known_for = self.shown, self.marked_place, self.option("layer")
        if self._seen[0] != known_for:
            found = (self._sight(lane) for lane in self.shown)
            self._seen = known_for, [sight for sight in found if sight is not None]
        return self._seen[1]

    def _sight(self, lane: Shown) -> Sight | None:
        latest = lane.recording.latest_histogram("preactivation", lane.step)
        if latest is None:
            return None
        step, histogram = latest
        experiment = lane.recording.experiment
        hidden = lane.recording.plans
        layer = self._layer(len(hidden))
        return Sight(
            lane,
            step,
            layer,
            ACTIVATIONS[hidden[layer].activation],
            experiment.network.slope,
            _edges(histogram, layer),
            histogram.counts[layer].astype(np.float64),
        )

    def _layer(self, depth: int) -> int:
        """Which layer of so many, from 0."""
        if 0 < self.marked_place <= depth:
            return self.marked_place - 1
        return {"first": 0, "middle": (depth - 1) // 2, "last": depth - 1}[self.option("layer")]

    def subtitle(self) -> str:
        sights = self.sights()
        numbers = sorted({sight.layer + 1 for sight in sights})
        where = f"layer {' and '.join(map(str, numbers))} · " if numbers else ""
        measured = earlier((sight.lane, sight.measured_at) for sight in sights)
        return f"{where}{step_text(self.shown, measured)}"

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> SlopeLayout:
        theme, label = self.theme, self.theme.label
        sights = self.sights()
        rows = max(len(sights), 1)
        titled = size.height() > (6 + 5 * rows) * label
        left = 2 * theme.gap + width_of("0.25", label)
        width = max(size.width() - left - 2 * theme.gap, 20.0)
        head, below = 2.2 * label, (3.7 if titled else 1.9) * label
        height = max((size.height() - below) / rows - head, 12.0)
        plots = tuple(
            QRectF(left, row * (head + height) + head, width, height) for row in range(rows)
        )
        steepest = max((self._steepest(sight) for sight in sights), default=1.0)
        return SlopeLayout(
            theme=theme,
            plots=plots,
            sights=tuple((sight.activation.name, sight.slope) for sight in sights),
            half=_half_width(max((sight.reach for sight in sights), default=0.0)),
            steepest=max(1.0, steepest) * 1.06,
            titled=titled,
        )

    @staticmethod
    def _steepest(sight: Sight) -> float:
        return float(np.abs(sight.derivative(np.linspace(-6.0, 6.0, 481))).max())

    # -- drawing -------------------------------------------------------------------------------

    def draw_backdrop(self, painter: QPainter, layout: SlopeLayout) -> None:
        theme, label = layout.theme, layout.theme.label
        for row, plot in enumerate(layout.plots):
            y = layout.y(row)
            for tick in (0.0, 0.25, 0.5, 1.0) if plot.height() > 6 * label else (0.0, 1.0):
                height = round(y(tick)) + 0.5
                painter.setPen(pen(theme.axis if tick == 0 else theme.grid, 1, Cap.FlatCap))
                painter.drawLine(QPointF(plot.left(), height), QPointF(plot.right(), height))
                at = (plot.left() - 0.6 * label, height)
                write(painter, f"{tick:g}", at, theme.ink_soft, label, align=RIGHT)
        plot = layout.plot
        side = round_ticks(layout.half, max(2, int(plot.width() / (9 * label))))
        for tick in (*(-value for value in reversed(side[1:])), *side):
            at = (layout.x(tick), plot.bottom() + 1.2 * label)
            text = f"{tick:g}".replace("-", "−")
            write(painter, text, at, theme.ink_soft, label, align=CENTRE)
        if layout.titled:
            at = (plot.center().x(), plot.bottom() + 2.9 * label)
            write(painter, "pre-activation z", at, theme.ink_soft, label, align=CENTRE)

    def draw_words(self, painter: QPainter, layout: SlopeLayout) -> None:
        theme, label = layout.theme, layout.theme.label
        sights = self.sights()
        if not sights:
            at = (layout.plot.center().x(), layout.plot.center().y())
            text = "Nothing has been measured yet."
            write(painter, text, at, theme.ink_soft, label, align=CENTRE)
        for plot, sight in zip(layout.plots, sights, strict=False):
            y, lane = plot.top() - 0.9 * label, sight.lane
            said = _said(sight, two_digits(sight.transmitted))
            if width_of(said, label) + 2.5 * label > plot.width():
                said = said.partition(": ")[2]
            taken = width_of(said, label)
            colour = theme.lane_text[lane.index]
            write(painter, said, (plot.right(), y), theme.ink, label, align=RIGHT)
            room = plot.width() - taken - label
            whole = lane_width(lane.letter, lane.label, label) <= room
            at = (plot.left(), y)
            write_lane(
                painter, lane.letter, lane.label, at, colour, label, room=room if whole else 0.0
            )

    def draw_marks(self, painter: QPainter, layout: SlopeLayout) -> None:
        theme = layout.theme
        for row, sight in enumerate(self.sights()):
            painter.save()
            painter.setClipRect(layout.plots[row])
            self._draw_bars(painter, layout, row, sight)
            z = np.linspace(-layout.half, layout.half, _POINTS)
            x, y = layout.x(z), layout.y(row)(sight.derivative(z))
            self._segments.draw(painter, x, y, pen(theme.ink, theme.line, Cap.SquareCap))
            painter.restore()

    def _draw_bars(self, painter: QPainter, layout: SlopeLayout, row: int, sight: Sight) -> None:
        theme, plot = layout.theme, layout.plots[row]
        colour = theme.lanes[sight.lane.index]
        fills = QColor(mix(theme.surface, colour, 0.3)), QColor(mix(theme.surface, colour, 0.8))
        tall = _FULLEST * plot.height() / max(float(sight.counts.max(initial=0.0)), 1.0)
        edges = layout.x(sight.edges)
        painter.setPen(Qt.PenStyle.NoPen)
        bars = zip(
            edges[:-1].tolist(),
            edges[1:].tolist(),
            (tall * sight.counts).tolist(),
            sight.is_flat.tolist(),
            strict=True,
        )
        for left, right, height, flat in bars:
            if height > 0:
                width = max(right - left, 1.0)
                painter.setBrush(fills[int(flat)])
                painter.drawRect(QRectF(left, plot.bottom() - height, width, height))

    # -- in words and numbers ------------------------------------------------------------------

    def names_lanes(self, size: QSizeF) -> bool:
        layout = self.lay_out(size)
        label = layout.theme.label
        return all(
            lane_width(sight.lane.letter, sight.lane.label, label)
            + width_of(_said(sight, "0.000"), label)
            + label
            <= layout.plot.width()
            for sight in self.sights()
        )

    def describe(self, at: QPointF, layout: SlopeLayout) -> str:
        sights, plot = self.sights(), layout.plot
        if not sights or not plot.contains(at):
            return ""
        row = min(range(len(sights)), key=lambda row: abs(layout.plots[row].center().y() - at.y()))
        sight, z = sights[row], np.array([layout.x.value(at.x())])
        value, slope = sight.activation.function(z, sight.slope), sight.derivative(z)
        return (
            f"{sight.lane.letter}  layer {sight.layer + 1}\n"
            f"z = {exact(float(z[0]))}\n"
            f"φ(z) = {exact(float(value[0]))}\nφ′(z) = {exact(float(slope[0]))}"
        )

    def table(self) -> Table:
        header = ("lane", "label", "step", "layer", "from z", "to z", "count", "slope")
        rows: list[Row] = [
            [s.lane.letter, s.lane.label, s.measured_at, s.layer + 1, low, high, int(count), slope]
            for s in self.sights()
            for low, high, count, slope in zip(
                s.edges[:-1].tolist(),
                s.edges[1:].tolist(),
                s.counts.tolist(),
                s.derivative(s.centres).tolist(),
                strict=True,
            )
        ]
        return header, rows


def _said(sight: Sight, number: str) -> str:
    return f"{sight.activation.label}: RMS of φ′ {number}"


def _edges(histogram: Histogram, layer: int) -> Floats:
    bins = histogram.counts.shape[1]
    return np.linspace(float(histogram.low[layer]), float(histogram.high[layer]), bins + 1)


def _half_width(reach: float) -> float:
    """A round number at or above `reach`, at least 3: the axis stands still while z moves."""
    if not reach > 3.0:
        return 3.0
    power = 10.0 ** math.floor(math.log10(reach))
    return next(step * power for step in LADDER if step * power >= reach)
