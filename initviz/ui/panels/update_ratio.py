"""How much each update changes the weights, against the step: ‖ΔW‖ / ‖W‖."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.recording import Recording, Track
from initviz.ui.panels.axes import Axis, Decades, Floats, exact, power, short_power
from initviz.ui.panels.base import Option, Panel, Row, Shown, Table
from initviz.ui.panels.drawing import (
    CENTRE,
    LEFT,
    RIGHT,
    Cap,
    Segments,
    Weight,
    dashed,
    discs,
    elided,
    pen,
    polygon,
    spread,
    width_of,
    wrapped,
    write,
)
from initviz.ui.panels.exponents import exponents
from initviz.ui.panels.loss import thinned
from initviz.ui.panels.presented import name_beside, room_beside
from initviz.ui.panels.time_axis import SPAN, draw_position, draw_steps, end_of_time, shown_until
from initviz.ui.theme import Theme

#: log10 of the ratio that is commonly aimed at.
RULE_OF_THUMB = -3
#: With fewer measurements than this each has a point of its own.
_FEW = 60

#: The locked axes to choose from; all of them have a tick at the rule of thumb.
_AXES: dict[str, Decades] = {
    "usual": Decades(-15, 0),
    "near": Decades(-6, 0),
    "deep": Decades(-30, 0),
}

ALL = "all"
#: Which layer, by the number H of hidden layers: an index, the output layer's being H.
_LAYERS: dict[str, tuple[str, Callable[[int], int]]] = {
    "middle": ("middle layer", lambda hidden: (hidden - 1) // 2),
    "first": ("first layer", lambda _: 0),
    "last": ("last hidden layer", lambda hidden: hidden - 1),
    "output": ("output layer", lambda hidden: hidden),
}


def layer_index(recording: Recording, which: str) -> int:
    """The index of one of the layers to choose from."""
    return _LAYERS[which][1](len(recording.layers) - 1)


class Summary:
    """The least, middle and greatest exponent (n, 3) over all layers, computed once for each row.

    Layers without a ratio are left out; NaN where there is none at all.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._steps = np.empty(0, dtype=np.int64)
        self._values = np.empty((0, 3))

    def update(self, track: Track) -> Floats:
        """The summary of all rows of the track."""
        known = len(self._steps)
        if known > len(track.steps) or not np.array_equal(self._steps, track.steps[:known]):
            known = 0  # the track was thinned out
        fresh = _of_layers(exponents(track.values[known:]))
        self._steps = track.steps.copy()
        self._values = np.concatenate([self._values[:known], fresh])
        return self._values


def _of_layers(powers: Floats) -> Floats:
    """The least, middle and greatest of each row (n, L) that are not NaN."""
    ordered = np.sort(powers, axis=1)  # NaN comes last
    count = (~np.isnan(powers)).sum(axis=1)
    rows, last = np.arange(len(powers)), np.maximum(count - 1, 0)
    with np.errstate(invalid="ignore"):
        middle = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2
    return np.stack([ordered[:, 0], middle, ordered[rows, last]], axis=1)


@dataclass(frozen=True)
class Curve:
    """One lane's exponents (n,) at their steps (n,), within `band` (n, 2) where it is of many.

    −∞ is an exact 0, NaN no ratio; `is_zero` says whether the weights are 0 now.
    """

    lane: Shown
    steps: NDArray[np.int64]
    values: Floats
    band: Floats | None
    is_zero: bool

    @property
    def broken_at(self) -> int:
        """The index from which no value is a number any more; −1 where the last one is."""
        lost = np.isnan(self.values) | np.isposinf(self.values)
        known = np.flatnonzero(~lost)
        first = int(known[-1]) + 1 if len(known) else len(lost)
        return first if first < len(lost) else -1

    @property
    def has_updates(self) -> bool:
        """Whether anything was updated: not at the first step, be it 0 or that of a fork."""
        return bool((self.steps > self.steps[:1]).any())

    @property
    def is_empty(self) -> bool:
        """Whether there is no ratio at all, though there were updates."""
        return bool(np.isnan(self.values).all()) and self.has_updates


@dataclass(frozen=True)
class RatioLayout:
    """All that the backdrop depends on."""

    theme: Theme
    plot: QRectF
    x: Axis
    y: Axis
    ticks: tuple[int, ...]
    tall: bool
    names: float  # pixels for the lanes' names at the right; 0 for letters alone

    def height(self, powers: Floats) -> Floats:
        """The pixels of exponents; what leaves the axis lies along its edge."""
        return self.y(np.clip(powers, self.y.low, self.y.high))


class UpdateRatio(Panel[RatioLayout]):
    """log10 of ‖ΔW‖ / ‖W‖ of one layer, or of all, in every lane."""

    name = "update_ratio"
    title = "Update : weight"
    short_title = "Updates"
    group = "Weights"
    how_to_read = (
        "How much an update changes a layer's weights, relative to their size: log₁₀ of "
        "‖ΔW‖ / ‖W‖, of the update that the optimiser really made. −3 means by a thousandth, "
        "which is a common rule of thumb and no law: far above it training is rough or diverges, "
        "far below it the layer hardly learns. With all layers the line is the middle one and "
        "the shade goes from the least to the greatest. What leaves the axis runs along its edge "
        "with its number; where W is 0 there is no ratio."
    )
    options = (
        Option(
            "layer", "Layer", {k: label for k, (label, _) in _LAYERS.items()} | {ALL: "all layers"}
        ),
        Option("axis", "Axis", {key: decades.label for key, decades in _AXES.items()}),
        SPAN,
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments = Segments()
        self._summaries: dict[str, Summary] = {}
        self._curves: list[Curve] = []

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        kept = self._summaries
        self._summaries = {
            lane.letter: kept[lane.letter]
            if lane.letter in kept and kept[lane.letter].recording is lane.recording
            else Summary(lane.recording)
            for lane in self.shown
        }
        self._curves = [self._read_curve(lane) for lane in self.shown]
        self._end = end_of_time(self.shown, self.option("span"))

    def _read_curve(self, lane: Shown) -> Curve:
        track = lane.recording.track("update_ratio")
        _, norms = lane.recording.latest("weight_norm", lane.step)
        rows = track.row_before(shown_until(lane, self.option("span"))) + 1
        if self._is_all:
            found = self._summaries[lane.letter].update(track)[:rows]
            return Curve(lane, track.steps[:rows], found[:, 1], found[:, ::2], not norms.any())
        index = layer_index(lane.recording, self.option("layer"))
        powers = exponents(track.values[:rows, index])
        return Curve(lane, track.steps[:rows], powers, None, norms[index] == 0.0)

    @property
    def _is_all(self) -> bool:
        return self.option("layer") == ALL

    def _layer_text(self) -> str:
        chosen = self.option("layer")
        if chosen in (ALL, "output"):
            return "all layers" if self._is_all else "output layer"
        numbers = {layer_index(lane.recording, chosen) + 1 for lane in self.shown}
        return f"layer {numbers.pop()}" if len(numbers) == 1 else _LAYERS[chosen][0]

    def subtitle(self) -> str:
        values = []
        for curve in self._curves:
            row = int(np.searchsorted(curve.steps, curve.lane.step, side="right")) - 1
            known = row >= 0 and not math.isnan(curve.values[row])
            write_out = short_power if self.is_presented else _decimal
            values += [f"{curve.lane.letter} {write_out(curve.values[row])}"] if known else []
        at = f"step {self.shown[0].step}"
        unit = "" if self.is_presented else ", log₁₀"
        return f"{self._layer_text()}{unit} · {at}{': ' if values else ''}{', '.join(values)}"

    def _tick(self, exponent: int) -> str:
        """How an exponent stands on the axis: on the projector as the power that it is of."""
        return power(exponent) if self.is_presented else _minus(exponent)

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> RatioLayout:
        theme, label = self.theme, self.theme.label
        decades = _AXES[self.option("axis")]
        tall = size.height() > 12 * label
        top = 0.7 * label
        bottom = max(size.height() - (3.5 if tall else 2.0) * label, top + 20)
        ticks = _ticks(decades, bottom - top, 2.3 * label)
        left = theme.gap + max(width_of(self._tick(tick), label) for tick in ticks) + 0.8 * label
        names = room_beside(self.shown, theme, size.width()) if self.is_presented else 0.0
        right = names + 1.4 * label if names else 2.4 * label
        plot = QRectF(left, top, max(size.width() - left - right, 20), bottom - top)
        return RatioLayout(
            theme=theme,
            plot=plot,
            x=Axis(0, self._end, plot.left(), plot.right()),
            y=Axis(decades.low, decades.high, plot.bottom(), plot.top()),
            ticks=tuple(ticks),
            tall=tall,
            names=names,
        )

    def names_lanes(self, size: QSizeF) -> bool:
        return self.lay_out(size).names > 0

    def draw_backdrop(self, painter: QPainter, layout: RatioLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        for tick in layout.ticks:
            y = round(layout.y(float(tick))) + 0.5
            painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            at = (plot.left() - 0.8 * label, y)
            write(painter, self._tick(tick), at, theme.ink_soft, label, align=RIGHT)
        y = round(layout.y(RULE_OF_THUMB)) + 0.5
        painter.setPen(dashed(theme.axis, 0.5 * theme.line))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        draw_steps(painter, theme, plot, layout.x, titled=layout.tall)

    # -- marks ---------------------------------------------------------------------------------

    def draw_marks(self, painter: QPainter, layout: RatioLayout) -> None:
        theme, plot = layout.theme, layout.plot
        for curve in reversed(self._curves):
            self._draw_band(painter, curve, layout)
        draw_position(painter, theme, plot, layout.x, self.shown, self.option("span"))
        for curve in reversed(self._curves):
            self._draw_curve(painter, curve, layout)
        self._name_rule(painter, layout)
        self._draw_notes(painter, layout)
        self._draw_letters(painter, layout)

    def _name_rule(self, painter: QPainter, layout: RatioLayout) -> None:
        """The words at the dashed line, on that side of it where fewer curves end."""
        theme, plot = layout.theme, layout.plot
        if plot.height() < 8 * theme.label:
            return
        text, line = f"{self._tick(RULE_OF_THUMB)}: rule of thumb", layout.y(RULE_OF_THUMB)
        left = layout.x.value(plot.right() - width_of(text, theme.small))
        powers = [curve.values[curve.steps >= left] for curve in self._curves]
        heights = layout.height(np.concatenate([[RULE_OF_THUMB], *powers])) - line
        near = heights[np.abs(heights) < 1.6 * theme.small]
        side = -1 if (near > 0).sum() > (near < 0).sum() else 1
        at = (plot.right() - 2, line + side * 0.95 * theme.small)
        write(painter, text, at, theme.ink_soft, theme.small, align=RIGHT, ground=theme.surface)

    def _draw_band(self, painter: QPainter, curve: Curve, layout: RatioLayout) -> None:
        if curve.band is None:
            return
        known = ~np.isnan(curve.band).any(axis=1)
        steps = curve.steps[known].astype(np.float64)
        if len(steps) < 2:
            return
        plot, band = layout.plot, curve.band[known]
        x, low, high = _envelope(layout.x(steps), band[:, 0], band[:, 1], plot.left(), plot.width())
        filling = QColor(layout.theme.lanes[curve.lane.index])
        filling.setAlphaF(0.16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(filling)
        edge = np.concatenate([layout.height(high), layout.height(low)[::-1]])
        # Its edge need not be smooth, which would be dear.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawPolygon(polygon(np.concatenate([x, x[::-1]]), edge))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _draw_curve(self, painter: QPainter, curve: Curve, layout: RatioLayout) -> None:
        theme, plot = layout.theme, layout.plot
        colour = theme.lanes[curve.lane.index]
        powers = np.where(np.isposinf(curve.values), np.nan, curve.values)
        powers = np.clip(powers, layout.y.low, layout.y.high)
        x, powers = thinned(
            layout.x(curve.steps.astype(np.float64)), powers, plot.left(), plot.width()
        )
        y = layout.height(powers)
        self._segments.draw(painter, x, y, pen(colour, theme.line, Cap.SquareCap))
        if len(curve.steps) < _FEW:
            shown = np.isfinite(y)
            discs(painter, x[shown], y[shown], colour, 0.4 * theme.mark)

    def _draw_notes(self, painter: QPainter, layout: RatioLayout) -> None:
        """What the curves cannot show: no update yet, no ratio, runs that diverged."""
        theme, plot = layout.theme, layout.plot
        if not any(curve.has_updates for curve in self._curves):
            self._write_waiting(painter, layout)
        row = 0
        for curve in self._curves:
            note = _note(curve)
            if not note:
                continue
            text = f"{curve.lane.letter}: {note}"
            colour, ground = theme.lane_text[curve.lane.index], theme.surface
            x = layout.x(float(curve.steps[max(curve.broken_at, 0)]))
            if not curve.is_empty:
                width = max(1.0, 0.5 * theme.line)
                painter.setPen(pen(theme.lanes[curve.lane.index], width, Cap.FlatCap))
                painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            right = x + width_of(text, theme.label) + 8 < plot.right()
            at = (x + (6 if right else -6), plot.top() + (0.9 + 1.5 * row) * theme.label)
            align = LEFT if right else RIGHT
            write(painter, text, at, colour, theme.label, align=align, ground=ground)
            row += 1

    @staticmethod
    def _write_waiting(painter: QPainter, layout: RatioLayout) -> None:
        """That there is nothing to see yet, within the plot and under the rule of thumb."""
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        lines = wrapped("No update has been made yet.", label, plot.width() - label)
        pitch = 1.4 * label
        last = plot.bottom() - 0.8 * label - (len(lines) - 1) * pitch
        top = max(min(layout.y(RULE_OF_THUMB) + 3 * label, last), plot.top() + 0.7 * label)
        for row, line in enumerate(lines):
            at = (plot.center().x(), top + row * pitch)
            text = elided(line, label, plot.width())
            write(painter, text, at, theme.ink_soft, label, align=CENTRE)

    def _draw_letters(self, painter: QPainter, layout: RatioLayout) -> None:
        """Each lane's letter at the right end of its line, with its number if it left the axis."""
        theme, plot, inset = layout.theme, layout.plot, 0.5 * layout.theme.label
        ends = []
        for curve in self._curves:
            known = np.flatnonzero(~np.isnan(curve.values))
            if len(known) and curve.broken_at < 0:
                ends.append((curve, int(known[-1])))
        if layout.names:
            name_beside(
                painter, theme, plot, [(c.lane, self._end_of(c, layout)) for c in self._curves]
            )
        wanted = [float(layout.height(curve.values[[last]])[0]) for curve, last in ends]
        places = spread(wanted, 1.3 * theme.label, plot.top() + inset, plot.bottom() - inset)
        for (curve, last), y in zip(ends, places, strict=True):
            colour, x = theme.lane_text[curve.lane.index], layout.x(float(curve.steps[last]))
            at, weight, ground = (x + 0.9 * theme.label, y), Weight.Bold, theme.surface
            letter, value = curve.lane.letter, float(curve.values[last])
            if not layout.names:
                size = theme.label
                write(painter, letter, at, colour, size, align=CENTRE, weight=weight, ground=ground)
            if not layout.y.low <= value <= layout.y.high:
                sign, inwards = ("↓", -1) if value < layout.y.low else ("↑", 1)
                at = (x - 0.5 * theme.label, y + inwards * theme.small)
                text = f"{short_power(value)} {sign}"
                write(painter, text, at, colour, theme.small, align=RIGHT, ground=ground)

    @staticmethod
    def _end_of(curve: Curve, layout: RatioLayout) -> float:
        """The height at which a curve ends; the middle where it has no value yet."""
        known = curve.values[~np.isnan(curve.values)]
        return float(layout.height(known[-1:])[0]) if len(known) else layout.plot.center().y()

    # -- read-out ------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: RatioLayout) -> str:
        if not layout.plot.adjusted(-4, 0, 4, 0).contains(at):
            return ""
        step, span = round(layout.x.value(at.x())), self.option("span")
        lines = []
        for curve in self._curves:
            row = int(np.searchsorted(curve.steps, step, side="right")) - 1
            if row >= 0 and step <= shown_until(curve.lane, span):
                lines.append(
                    f"{curve.lane.letter}  step {curve.steps[row]}: {self._text(curve, row)}"
                )
        return "\n".join(lines)

    def _text(self, curve: Curve, row: int) -> str:
        ratios = curve.lane.recording.track("update_ratio").values[row]
        if curve.steps[row] == 0:
            return "no update yet"
        if not self._is_all:
            index = layer_index(curve.lane.recording, self.option("layer"))
            name = _layer_name(curve.lane.recording, index)
            ratio = float(ratios[index])
            return f"{name}, ‖ΔW‖ / ‖W‖ = {exact(ratio)}, log₁₀ {_decimal(curve.values[row])}"
        if np.isnan(ratios).all():
            return "no ratio"
        ends = [(int(np.nanargmin(ratios)), "from"), (int(np.nanargmax(ratios)), "to")]
        texts = [
            f"{word} {exact(float(ratios[index]))} ({_layer_name(curve.lane.recording, index)})"
            for index, word in ends
        ]
        return f"middle {short_power(float(curve.values[row]))}, {', '.join(texts)}"

    def table(self) -> Table:
        header = ["lane", "label", "step", "layer", "update : weight", "log10"]
        rows: list[Row] = []
        for curve in self._curves:
            lane, layers = curve.lane, curve.lane.recording.layers
            only = range(len(layers))
            if not self._is_all:
                index = layer_index(lane.recording, self.option("layer"))
                only = range(index, index + 1)
            values = lane.recording.track("update_ratio").values[: len(curve.steps)]
            powers = exponents(values)
            rows += [
                [lane.letter, lane.label, int(step), layers[i], float(ratio[i]), float(power[i])]
                for step, ratio, power in zip(curve.steps, values, powers, strict=True)
                for i in only
            ]
        return header, rows


def _layer_name(recording: Recording, index: int) -> str:
    return recording.layers[index].replace("hidden", "layer").replace("output", "output layer")


def _note(curve: Curve) -> str:
    """Why a curve ends, or never begins."""
    if curve.is_empty:
        return "no ratio, as W is 0" if curve.is_zero else "no ratio"
    if curve.broken_at < 0 or curve.steps[curve.broken_at] == 0:
        return ""
    word = "∞" if np.isposinf(curve.values[curve.broken_at]) else "NaN"
    return f"{word} from step {curve.steps[curve.broken_at]}"


def _ticks(decades: Decades, pixels: float, spacing: float) -> list[int]:
    """Every third exponent, or every sixth, …: the rule of thumb is one where there is room."""
    span = decades.high - decades.low
    steps = [step for step in (1, 3, 6, 15, span) if span % step == 0]
    step = next((step for step in steps if pixels * step / span >= spacing), span)
    return list(range(decades.low, decades.high + 1, step))


def _envelope(
    x: Floats, low: Floats, high: Floats, left: float, width: float
) -> tuple[Floats, Floats, Floats]:
    """At most one point a pixel: the lowest of `low` and the highest of `high` of each."""
    if len(x) <= width:
        return x, low, high
    pixel = (x - left).astype(np.int64)
    starts = np.flatnonzero(np.diff(pixel, prepend=pixel[0] - 1))
    return x[starts], np.fmin.reduceat(low, starts), np.fmax.reduceat(high, starts)


def _minus(number: int) -> str:
    return str(number).replace("-", "−")


def _decimal(power: float) -> str:
    """An exponent with one decimal: "−3.1"; "0" stands for an exact zero's."""
    if not math.isfinite(power):
        return "exactly 0" if power == -math.inf else "∞"
    return f"{power:.1f}".replace("-", "−")
