"""The loss, and how much is classified right, against the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.datasets import DATASETS, describe
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.ui.panels.axes import Axis, Decades, Floats, exact, power, round_ticks, short, step_up
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
    spread,
    width_of,
    write,
)
from initviz.ui.panels.presented import name_beside, room_beside
from initviz.ui.panels.time_axis import SPAN, draw_position, draw_steps, end_of_time, shown_until
from initviz.ui.theme import Theme

#: With fewer measurements than this each has a point of its own.
_FEW = 60
#: How far from its line the word "chance" may stand, in heights of its letters, and at how many
#: places along it.
CHANCE_AWAY = (0.9, 1.5, 2.2)
CHANCE_PLACES = 7


def _classes(recording: Recording) -> int | None:
    """How many classes there are; None where that cannot be told.

    Files are not opened for it: they may be gone, or others by now.
    """
    training = recording.experiment.training
    if not DATASETS[training.data].needs_path:
        return describe(training).classes
    steps = recording.weight_steps
    return len(recording.weights("output", int(steps[0]))) if len(steps) else None


def _chance_loss(experiment: Experiment, classes: int) -> float:
    """The loss of a guess that gives every class the same share."""
    return math.log(classes) if experiment.training.loss == "cross_entropy" else math.nan


def _chance_accuracy(_experiment: Experiment, classes: int) -> float:
    return 1.0 / classes


@dataclass(frozen=True)
class Metric:
    """One of the curves to choose from: what it is, and what guessing would give."""

    label: str
    chance: Callable[[Experiment, int], float]
    chance_label: str
    share: bool  # of 1, shown in per cent


_LOSSES = {"cross_entropy": "cross-entropy", "mse": "mean squared error"}


METRICS: dict[str, Metric] = {
    "loss": Metric("loss", _chance_loss, "chance: ln {}", False),
    "accuracy": Metric("accuracy", _chance_accuracy, "chance: 1 in {}", True),
    "test_accuracy": Metric("test accuracy", _chance_accuracy, "chance: 1 in {}", True),
}


@dataclass(frozen=True)
class Curve:
    """One lane's values (n,) at their steps (n,)."""

    lane: Shown
    steps: NDArray[np.int64]
    values: Floats

    @property
    def broken_at(self) -> int:
        """The index of the first value that is not finite; −1 if there is none."""
        broken = np.flatnonzero(~np.isfinite(self.values))
        return int(broken[0]) if len(broken) else -1


@dataclass(frozen=True)
class LossLayout:
    """All that the backdrop depends on."""

    theme: Theme
    size: QSizeF
    plot: QRectF
    x: Axis
    y: Axis
    logarithmic: bool
    share: bool
    ticks: tuple[float, ...]
    chance: float
    chance_label: str
    names: float  # pixels for the lanes' names at the right; 0 for letters alone
    noted: bool  # whether there is a line about clipped gradients above the plot

    def height(self, values: Floats) -> Floats:
        """The pixels of values; NaN where there is no place for one."""
        if not self.logarithmic:
            return self.y(values)
        with np.errstate(divide="ignore", invalid="ignore"):
            # An exact zero lies below every decade: it is drawn along the lower edge.
            decades: Floats = np.maximum(np.log10(values), self.y.low)
        return self.y(decades)


class Loss(Panel[LossLayout]):
    """Loss, accuracy or test accuracy of every lane."""

    name = "loss"
    title = "Loss and accuracy"
    short_title = "Loss"
    how_to_read = (
        "Each line is a lane, at every step as it was measured, without smoothing. A loss that "
        "stays on the dashed line is no better than guessing; one that goes down learns. Where a "
        "run diverges its line ends, with the step in words. The lines go up to the step that the "
        "other panels show; where the whole run is chosen, a thin upright line marks it."
    )
    options = (
        Option("of", "Curve", {key: metric.label for key, metric in METRICS.items()}),
        Option("scale", "Scale", {"linear": "linear", "logarithmic": "logarithmic"}),
        SPAN,
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments = Segments()

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        self._curves = [self._read_curve(lane) for lane in self.shown]
        self._end = end_of_time(self.shown, self.option("span"))
        self._classes = _classes(self.shown[0].recording)
        several = len(self.shown) > 1
        texts = ((lane.letter if several else "", clipped_text(lane)) for lane in self.shown)
        self._clipped = [f"{letter} {text}".strip() for letter, text in texts if text]

    def _read_curve(self, lane: Shown) -> Curve:
        track = lane.recording.scalar_track(self.option("of"))
        rows = track.row_before(shown_until(lane, self.option("span"))) + 1
        return Curve(lane, track.steps[:rows], track.values[:rows, 0])

    def subtitle(self) -> str:
        of = self.option("of")
        names = {_LOSSES[lane.recording.experiment.training.loss] for lane in self.shown}
        texts = {
            "loss": f"{' and '.join(sorted(names))} of the batch",
            "accuracy": "share of the batch classified right",
            "test_accuracy": "share of the test set classified right",
        }
        values = [
            f"{lane.letter} {exact(lane.recording.latest_scalar(of, lane.step))}"
            for lane in self.shown
        ]
        return f"{texts[of]} · step {self.shown[0].step}: {', '.join(values)}"

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> LossLayout:
        theme, label = self.theme, self.theme.label
        metric = METRICS[self.option("of")]
        logarithmic = self.option("scale") == "logarithmic" and not metric.share
        experiment = self.shown[0].recording.experiment
        tall = size.height() > 12 * label
        bottom = max(size.height() - (3.5 if tall else 2.0) * label, 2.7 * label)
        noted = bool(self._clipped) and tall
        top = (0.7 + 1.6 * noted) * label
        if logarithmic:
            decades = self._decades()
            low, high = float(decades.low), float(decades.high)
            ticks = [float(tick) for tick in decades.ticks(bottom - top, 2.0 * label)]
        else:
            low, high = 0.0, self._highest(metric)
            ticks = round_ticks(high, max(2, int((bottom - top) / (2.4 * label)) + 1))
        widest = max(width_of(tick_text(t, logarithmic, metric.share), label) for t in ticks)
        left = theme.gap + widest + 0.8 * label
        names = room_beside(self.shown, theme, size.width()) if self.is_presented else 0.0
        right = names + 1.4 * label if names else 2.4 * label
        plot = QRectF(left, top, max(size.width() - left - right, 20), bottom - top)
        return LossLayout(
            theme=theme,
            size=size,
            plot=plot,
            x=Axis(0, self._end, plot.left(), plot.right()),
            y=Axis(low, high, plot.bottom(), plot.top()),
            logarithmic=logarithmic,
            share=metric.share,
            ticks=tuple(ticks),
            chance=metric.chance(experiment, self._classes) if self._classes else math.nan,
            chance_label=metric.chance_label.format(self._classes),
            names=names,
            noted=noted,
        )

    def names_lanes(self, size: QSizeF) -> bool:
        return self.lay_out(size).names > 0

    def _finite(self) -> Floats:
        values = np.concatenate([curve.values for curve in self._curves])
        finite: Floats = values[np.isfinite(values)]
        return finite

    def _highest(self, metric: Metric) -> float:
        if metric.share:
            return 1.0
        highest = float(self._finite().max(initial=0.0))
        return step_up(highest) if highest > 0 else 1.0

    def _decades(self) -> Decades:
        positive = self._finite()
        positive = positive[positive > 0]
        if not len(positive):
            return Decades(-1, 0)
        low = math.floor(math.log10(float(positive.min())))
        return Decades(low, max(math.ceil(math.log10(float(positive.max()))), low + 1))

    def draw_backdrop(self, painter: QPainter, layout: LossLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        for tick in layout.ticks:
            y = round(layout.y(tick)) + 0.5
            painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            text = tick_text(tick, layout.logarithmic, layout.share)
            write(painter, text, (plot.left() - 0.8 * label, y), theme.ink_soft, label, align=RIGHT)
        draw_steps(painter, theme, plot, layout.x, titled=layout.size.height() > 12 * label)

    # -- marks ---------------------------------------------------------------------------------

    def draw_words(self, painter: QPainter, layout: LossLayout) -> None:
        """What the gradients were and are cut to, in the room kept above the plot."""
        if layout.noted:
            theme, plot = layout.theme, layout.plot
            room = layout.size.width() - plot.left() - theme.gap
            text = elided(" · ".join(self._clipped), theme.small, room)
            at = (plot.left(), plot.top() - 1.4 * theme.label)
            write(painter, text, at, theme.ink_soft, theme.small)

    def draw_marks(self, painter: QPainter, layout: LossLayout) -> None:
        self._draw_chance(painter, layout)
        span = self.option("span")
        draw_position(painter, layout.theme, layout.plot, layout.x, self.shown, span)
        lines = [self._line_of(curve, layout) for curve in self._curves]
        for curve, (x, y) in zip(reversed(self._curves), reversed(lines), strict=True):
            self._draw_curve(painter, curve, x, y, layout)
        self._name_chance(painter, layout, lines)
        self._draw_breaks(painter, layout)
        self._draw_letters(painter, layout)

    def _draw_chance(self, painter: QPainter, layout: LossLayout) -> None:
        theme, plot = layout.theme, layout.plot
        y = float(layout.height(np.array([layout.chance]))[0])
        if not plot.top() <= y <= plot.bottom():
            return
        painter.setPen(dashed(theme.axis, 0.5 * theme.line))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))

    def _name_chance(
        self, painter: QPainter, layout: LossLayout, lines: Sequence[tuple[Floats, Floats]]
    ) -> None:
        """What the dashed line is, near it and where nothing else is; over curves if need be."""
        theme, plot = layout.theme, layout.plot
        y = float(layout.height(np.array([layout.chance]))[0])
        if not plot.top() <= y <= plot.bottom():
            return
        width, height = width_of(layout.chance_label, theme.small), 1.3 * theme.small
        places = [
            QRectF(left, middle - height / 2, width, height)
            for away in CHANCE_AWAY
            for middle in (y - away * theme.small, y + away * theme.small)
            if plot.top() <= middle - height / 2 and middle + height / 2 <= plot.bottom()
            for left in np.linspace(plot.right() - 2 - width, plot.left() + 2, CHANCE_PLACES)
        ]
        reach = theme.line + (0.2 * theme.mark if len(lines[0][0]) < _FEW else 0.0)
        side = 1.3 * theme.label
        taken = [QRectF(x - side / 2, y - side / 2, side, side) for _, x, y in self._ends(layout)]
        free = (one for one in places if not any(map(one.intersects, taken)))
        box = next((one for one in free if not _crossed(one, lines, reach)), None)
        ground = "" if box is not None else theme.surface
        box = box or (places[0] if places else QRectF(plot.right() - width, y, width, height))
        at = (box.left(), box.center().y())
        write(painter, layout.chance_label, at, theme.ink_soft, theme.small, ground=ground)

    @staticmethod
    def _line_of(curve: Curve, layout: LossLayout) -> tuple[Floats, Floats]:
        """The points of a curve in pixels; NaN where it is broken."""
        x = layout.x(curve.steps.astype(np.float64))
        x, values = thinned(x, curve.values, layout.plot.left(), layout.plot.width())
        return x, layout.height(np.where(np.isfinite(values), values, np.nan))

    def _draw_curve(
        self, painter: QPainter, curve: Curve, x: Floats, y: Floats, layout: LossLayout
    ) -> None:
        theme = layout.theme
        colour = theme.lanes[curve.lane.index]
        self._segments.draw(painter, x, y, pen(colour, theme.line, Cap.SquareCap))
        if len(curve.steps) < _FEW:
            shown = np.isfinite(y)
            discs(painter, x[shown], y[shown], colour, 0.4 * theme.mark)

    def _draw_breaks(self, painter: QPainter, layout: LossLayout) -> None:
        """Where a run diverged: a mark at the step, and words."""
        theme, plot = layout.theme, layout.plot
        row = 0
        for curve in self._curves:
            index = curve.broken_at
            if index < 0:
                continue
            x = layout.x(float(curve.steps[index]))
            width = max(1.0, 0.5 * theme.line)
            painter.setPen(pen(theme.lanes[curve.lane.index], width, Cap.FlatCap))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            word = short(float(curve.values[index]))
            text = f"{curve.lane.letter}: {word} from step {curve.steps[index]}"
            right = x + width_of(text, theme.label) + 8 < plot.right()
            at = (x + (6 if right else -6), plot.top() + (0.9 + 1.5 * row) * theme.label)
            align = LEFT if right else RIGHT
            colour, ground = theme.lane_text[curve.lane.index], theme.surface
            write(painter, text, at, colour, theme.label, align=align, ground=ground)
            row += 1

    def _draw_letters(self, painter: QPainter, layout: LossLayout) -> None:
        """Each lane's letter at the right end of its line, unless the words of a break name it."""
        theme, plot = layout.theme, layout.plot
        if layout.names:
            name_beside(
                painter, theme, plot, [(c.lane, self._end_of(c, layout)) for c in self._curves]
            )
            return
        for lane, x, y in self._ends(layout):
            ink, ground = theme.lane_text[lane.index], theme.surface
            write(
                painter,
                lane.letter,
                (x, y),
                ink,
                theme.label,
                align=CENTRE,
                weight=Weight.Bold,
                ground=ground,
            )

    def _ends(self, layout: LossLayout) -> list[tuple[Shown, float, float]]:
        """The middles of the letters at the ends of the curves; none where names are beside."""
        theme, plot = layout.theme, layout.plot
        ends = []
        for curve in () if layout.names else self._curves:
            finite = np.flatnonzero(np.isfinite(curve.values))
            if len(finite) and curve.broken_at < 0:
                last = finite[-1]
                y = float(layout.height(curve.values[last : last + 1])[0])
                ends.append((curve.lane, layout.x(float(curve.steps[last])), y))
        wanted = [y for _, _, y in ends]
        inset = 0.5 * theme.label
        places = spread(wanted, 1.3 * theme.label, plot.top() + inset, plot.bottom() - inset)
        return [
            (lane, x + 0.9 * theme.label, y) for (lane, x, _), y in zip(ends, places, strict=True)
        ]

    @staticmethod
    def _end_of(curve: Curve, layout: LossLayout) -> float:
        """The height at which a curve ends; the top where it never was a number."""
        finite = curve.values[np.isfinite(curve.values)]
        return float(layout.height(finite[-1:])[0]) if len(finite) else layout.plot.top()

    # -- read-out ------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: LossLayout) -> str:
        if not layout.plot.adjusted(-4, 0, 4, 0).contains(at):
            return ""
        step, span = round(layout.x.value(at.x())), self.option("span")
        lines = []
        for curve in self._curves:
            row = int(np.searchsorted(curve.steps, step, side="right")) - 1
            if row >= 0 and step <= shown_until(curve.lane, span):
                value = exact(float(curve.values[row]))
                label = METRICS[self.option("of")].label
                lines.append(f"{curve.lane.letter}  step {curve.steps[row]}: {label} {value}")
        return "\n".join(lines)

    def table(self) -> Table:
        header = ["lane", "label", "step", METRICS[self.option("of")].label]
        rows: list[Row] = [
            [curve.lane.letter, curve.lane.label, int(step), float(value)]
            for curve in self._curves
            for step, value in zip(curve.steps, curve.values, strict=True)
        ]
        return header, rows


def clipped_text(lane: Shown) -> str:
    """The norm of the gradient before and after clipping; empty where nothing is clipped."""
    before, after = (
        lane.recording.latest_scalar(name, lane.step)
        for name in ("gradient_norm", "clipped_gradient_norm")
    )
    if math.isnan(before) and math.isnan(after):
        return ""
    if after < before:
        return f"gradient norm {shorter(before)}, clipped to {shorter(after)}"
    return f"gradient norm {shorter(before)}, not clipped"


def shorter(value: float) -> str:
    """A number in three digits."""
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def tick_text(tick: float, logarithmic: bool, share: bool) -> str:
    """How a number of the vertical axis is written."""
    if logarithmic:
        return power(round(tick))
    return f"{100 * tick:.0f} %" if share else f"{tick:g}".replace("e+", "e")


def thinned(x: Floats, values: Floats, left: float, width: float) -> tuple[Floats, Floats]:
    """At most about two points a pixel, the lowest and the highest of each: no spike is lost.

    A pixel's points are NaN only where none of its values is finite.
    """
    if len(x) <= 2 * width:
        return x, values
    pixel = (x - left).astype(np.int64)
    starts = np.flatnonzero(np.diff(pixel, prepend=pixel[0] - 1))
    finite = np.where(np.isfinite(values), values, np.nan)
    low, high = np.fmin.reduceat(finite, starts), np.fmax.reduceat(finite, starts)
    return np.repeat(x[starts], 2), np.stack([low, high], axis=1).ravel()


def _crossed(box: QRectF, lines: Sequence[tuple[Floats, Floats]], reach: float) -> bool:
    """Whether a line through some points (N,), (N,) comes nearer to a box than `reach`."""
    left, right = box.left() - reach, box.right() + reach
    top, bottom = box.top() - reach, box.bottom() + reach
    for x, y in lines:
        # Those between the points left and right of the box, as a single point has no line.
        first = max(int(np.searchsorted(x, left)) - 1, 0)
        last = int(np.searchsorted(x, right)) + 1
        near = y[first:last]
        if len(near) == 1:
            near = np.repeat(near, 2) if left <= x[first] <= right else near[:0]
        lower, upper = np.fmax(near[1:], near[:-1]), np.fmin(near[1:], near[:-1])
        if ((lower > top) & (upper < bottom)).any():
            return True
    return False
