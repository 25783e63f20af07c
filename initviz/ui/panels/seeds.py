"""How much is chance: gradients and loss of one experiment from ten seeds, median and band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import cast

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QCloseEvent, QColor, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.experiment import Experiment
from initviz.session.seeds import COUNT, QUANTILES, SeedRunner, SeedRuns, quantiles, steps_for
from initviz.ui.panels import seeds_loss
from initviz.ui.panels.axes import Floats, exact, layer_ticks, short_power
from initviz.ui.panels.base import LayerAxes, Option, Row, Shown, Table
from initviz.ui.panels.drawing import CENTRE, Cap, elided, pen, polygon, width_of, wrapped, write
from initviz.ui.panels.exponents import exponents, relative_exponents
from initviz.ui.panels.gradient_magnitude import KINDS
from initviz.ui.panels.profile import Profile, ProfileLayout, Series, mark_every
from initviz.ui.panels.seeds_loss import LossPart, LossSpread
from initviz.ui.panels.seeds_offer import SeedsOffer
from initviz.ui.theme import Theme, mix

#: Results that are kept: an undo brings an experiment back, and its results with it.
MOST_KEPT = 12

#: In widths of a label's height: where both charts fit, and where the lanes' names do too.
_TIGHT, _ROOMY = 30, 68

_NOTHING = (
    "One run is one draw of the weights.",
    "Ten seeds show what is typical, and how much is chance.",
)


@dataclass(frozen=True)
class _Run:
    """What is being run: of which lane, how many steps, of which experiment."""

    letter: str
    steps: int
    experiment: Experiment

    @property
    def text(self) -> str:
        return f"{COUNT} seeds of {self.letter}, {self.steps} steps each"


@dataclass(frozen=True)
class Spread(Series):
    """The middle of the runs is what is drawn as a series; `low` and `high` (H,) bound the band."""

    low: Floats
    high: Floats


@dataclass(frozen=True)
class SeedsLayout(ProfileLayout):
    """The chart of the gradients, and that of the loss; either can be missing."""

    words: tuple[str, ...]  # a sentence, where there is no chart at all
    has_gradients: bool
    loss: LossPart | None
    size: QSizeF


class Seeds(Profile):
    """log10 of gradient norms against the layers, and the loss, over ten seeds."""

    name = "seeds"
    title = "Seeds"
    group = "Training"
    how_to_read = (
        "The same experiment from ten seeds: other initial weights, another data order, and "
        "nothing else. The line is the median of the runs; eight of ten lie in the shaded band "
        "(10 % to 90 %). Gradients are treated as logarithms, because their norms are log-normal: "
        "a mean would be the outliers'. In a deep and narrow network of ReLU units the band is "
        "wide even where the start is the right one: the spread of the logarithm grows like "
        "depth over width (Hanin 2018). So one run is not the rule: two schemes differ only where "
        "their bands do. A run that diverged counts as above everything."
    )
    every = 6
    is_qualified = False
    kinds = KINDS
    column = "layer"
    place = "hidden layer"
    direction = "input side is left"
    reference = "the last hidden layer"
    options = (
        Option("when", "Gradients", {"start": "at step 0", "end": "at the end"}),
        Option("of", "Of", {"signal": "signal ∂L/∂z", "weights": "weights ∂L/∂W"}),
        Option(
            "show",
            "Charts",
            {"both": "gradients and loss", "gradients": "gradients", "loss": "loss"},
        ),
        *Profile.options,
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept: list[SeedRuns] = []
        self._found: dict[str, SeedRuns] = {}
        self._losses: list[LossSpread] = []
        self._queue: list[str] = []
        self._running: _Run | None = None
        self._trouble = ""
        self._left: set[str] = set()  # letters of lanes that have other experiments by now
        self._runner = SeedRunner(self)
        self._runner.progressed.connect(self._show_progress)
        self._runner.finished.connect(self._finish)
        self._runner.failed.connect(self._fail)
        self._offer = SeedsOffer(self)
        self._offer.wanted.connect(partial(self.run, ""))
        self._offer.cancelled.connect(self.cancel)
        self._settle()

    # -- running -----------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether seeds are being run."""
        return self._running is not None

    def run(self, letter: str = "") -> None:
        """Run ten seeds of this lane; without a letter, of every lane that has none yet."""
        lanes = [lane.letter for lane in self.shown]
        if letter:
            wanted = [letter] if letter in lanes else []
        else:
            wanted = [one for one in lanes if one not in self._found]
        at_work = self._running.letter if self._running else ""
        self._queue += [one for one in wanted if one not in self._queue and one != at_work]
        self._trouble = ""
        if self._running is None:
            self._begin_next()

    def cancel(self) -> None:
        """End what runs; nothing is kept of it."""
        self._queue.clear()
        self._runner.cancel()
        self._running = None
        self._renew()

    def stop(self) -> None:
        self._queue.clear()
        self._running = None
        self._runner.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop()
        super().closeEvent(event)

    def _begin_next(self) -> None:
        self._running = None
        lanes = {lane.letter: lane for lane in self.shown}
        while self._queue and self._running is None:
            letter = self._queue.pop(0)
            if letter in lanes:
                recording = lanes[letter].recording
                run = _Run(letter, steps_for(recording.last_step), recording.experiment)
                self._running = run
                self._offer.progress.set_share(0.0)
                self._runner.start(run.experiment, run.steps)
        self._renew()

    def _show_progress(self, share: float) -> None:
        self._offer.progress.set_share(share)

    def _finish(self, runs: SeedRuns) -> None:
        others = [one for one in self._kept if not one.is_of(runs.experiment)]
        self._kept = [runs, *others][:MOST_KEPT]
        self._begin_next()

    def _fail(self, sentence: str) -> None:
        self._trouble = sentence
        self._queue.clear()
        self._begin_next()

    def _renew(self) -> None:
        self._settle()
        if self.shown:
            self.show_data(self.shown)

    # -- reading -----------------------------------------------------------------------------

    def count(self, lane: Shown) -> int:
        return len(lane.recording.layers) - 1

    def row(self, lane: Shown, quantity: str) -> tuple[int, Floats]:
        """The geometric middle of the runs."""
        low_middle_high = self._powers(lane, quantity, relative=False)
        return self._step_of(lane), 10.0 ** low_middle_high[1]

    def read(self) -> None:
        before = set(self._found)
        self._found = {}
        for lane in self.shown:
            runs = (one for one in self._kept if one.is_of(lane.recording.experiment))
            found = next(runs, None)
            if found is not None:
                self._found[lane.letter] = found
        letters = {lane.letter for lane in self.shown}
        self._left = ((self._left | before) - set(self._found)) & letters
        self._leave_what_changed()
        super().read()
        self._losses = [
            LossSpread(lane, quantiles(_or_infinite(self._found[lane.letter].losses)))
            for lane in self.shown
            if lane.letter in self._found
        ]
        self._settle()

    def _leave_what_changed(self) -> None:
        """End runs of an experiment that its lane has no more."""
        if self._running is None:
            return
        run = self._running
        now = next((lane for lane in self.shown if lane.letter == run.letter), None)
        if now is None or now.recording.experiment != run.experiment:
            self._left |= {run.letter} if now is not None else set()
            self._queue.clear()
            self._runner.cancel()
            self._running = None

    def _read_series(self, lane: Shown, kind: str, relative: bool) -> Series:
        nothing = np.empty(0)
        if lane.letter not in self._found or kind != self.option("of"):
            return Series(lane, kind, -1, nothing, nothing)
        quantity = self.kinds[kind][0]
        step, norms = self.row(lane, quantity)
        low, middle, high = self._powers(lane, quantity, relative=relative)
        return Spread(lane, kind, step, norms, middle, low, high)

    def _powers(self, lane: Shown, quantity: str, *, relative: bool) -> Floats:
        """log10 of the norms: (3, H), the lower end, the middle and the upper end."""
        norms = self._found[lane.letter].gradients[quantity, self.option("when")]
        return quantiles(relative_exponents(norms) if relative else exponents(norms))

    def _step_of(self, lane: Shown) -> int:
        return 0 if self.option("when") == "start" else self._found[lane.letter].steps

    @property
    def _drawn_kinds(self) -> dict[str, str]:
        return {}  # there is only one, named above the chart

    def _is_main(self, kind: str) -> bool:
        return True

    def subtitle(self) -> str:
        if not self._found:
            return ""
        told = []
        for lane in self.shown:
            runs = self._found.get(lane.letter)
            if runs is not None and runs.diverged:
                told.append(f"{lane.letter}: {runs.diverged} of {len(runs.seeds)} diverged")
        what = f"median and 10–90 % of {COUNT} runs"
        if self.option("scale") == "relative" and self.option("show") != "loss":
            what = f"relative to {self.reference} · {what}"
        return " · ".join([what, *told])

    # -- the controls --------------------------------------------------------------------------

    def _settle(self) -> None:
        """Let the controls say what can be done now, and put them where they belong."""
        centred = not self._found
        missing = [lane.letter for lane in self.shown if lane.letter not in self._found]
        if self._running is not None:
            self._offer.show_progress(self._running.text, centred=centred)
        else:
            whose = "" if centred else f" of {' and '.join(missing)}"
            self._offer.offer(f"Run {COUNT} seeds{whose}", self._note(), centred=centred)
        self._offer.setVisible(bool(self.shown) and (bool(missing) or self._running is not None))
        self._place_offer()

    def _note(self) -> str:
        if self._trouble:
            return self._trouble
        if self._left:
            who = " and ".join(sorted(self._left))
            verb = "has" if len(self._left) == 1 else "have"
            return f"{who} {verb} changed since: those runs are shown no more."
        return ""

    def _place_offer(self) -> None:
        chart, hint = self._canvas.geometry(), self._offer.sizeHint()
        if self._found:
            top = chart.bottom() - hint.height() + 1
        else:
            top = chart.top() + round(
                self._words_bottom(self._words(chart.width()), chart.height())
            )
        self._offer.setGeometry(chart.left(), top, chart.width(), hint.height())
        self._offer.raise_()

    def layer_axes(self) -> LayerAxes | None:
        return None  # what would be drawn by hand is one run

    def chart_resized(self) -> None:
        self._place_offer()

    def middle(self, size: QSizeF) -> float:
        return size.width() / 2  # there may be two charts, or none

    def names_lanes(self, size: QSizeF) -> bool:
        """The chart of the loss has letters alone."""
        return False

    def _refresh(self) -> None:
        super()._refresh()
        self._place_offer()

    # -- words where there is nothing to show ----------------------------------------------------

    def _words(self, width: float) -> tuple[str, ...]:
        """What to say, in lines that fit; nothing once there are results."""
        if self._found:
            return ()
        note = self._note()
        if self._running is not None:
            sentences: Sequence[str] = [f"{self._running.text}."]
        else:
            sentences = [note, _NOTHING[1]] if note else _NOTHING
        room = width - 4 * self.theme.label
        return tuple(line for text in sentences for line in wrapped(text, self.theme.label, room))

    def _words_bottom(self, lines: tuple[str, ...], height: float) -> float:
        return height / 2 + (0.85 * len(lines) - 0.2) * self.theme.label

    # -- layout ------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> SeedsLayout:
        label = self.theme.label
        strip = self._offer.sizeHint().height() if self._found and self._offer.isVisible() else 0
        inner = QRectF(0, 0, size.width(), max(size.height() - strip, 40))
        left, right = self._shared_out(inner)
        base = super().lay_out((left or inner).size())
        if right is not None and inner.width() < _ROOMY * label:
            base = _with_letters_alone(base, (left or inner).width())
        top = 1.7 * label  # for the words above the plot
        plot = base.plot.adjusted(0, top, 0, 0)
        titled = base.titled and plot.width() > width_of(self.place, label) + 8 * label
        y = replace(base.y, start=plot.bottom(), end=plot.top())
        base = replace(base, plot=plot, y=y, titled=titled)
        loss = None
        if right is not None:
            box = right.adjusted(0, top, 0, 0)
            loss = seeds_loss.lay_out(self.theme, box, self._losses)
        return SeedsLayout(
            **{field.name: getattr(base, field.name) for field in fields(base)},
            words=self._words(size.width()),
            has_gradients=left is not None,
            loss=loss,
            size=size,
        )

    def _shared_out(self, box: QRectF) -> tuple[QRectF | None, QRectF | None]:
        """The boxes of the two charts: side by side, or the first alone where room is short."""
        show = self.option("show")
        if show == "loss":
            return None, box.adjusted(self.theme.gap, 0, 0, 0)
        if show == "gradients" or box.width() < _TIGHT * self.theme.label:
            return box, None
        middle = round(0.53 * box.width())
        return box.adjusted(0, 0, middle - box.width(), 0), box.adjusted(middle, 0, 0, 0)

    def draw_backdrop(self, painter: QPainter, layout: ProfileLayout) -> None:
        whole, theme = cast(SeedsLayout, layout), layout.theme
        if not self._found:
            self._draw_words(painter, whole)
            return
        if whole.has_gradients:
            super().draw_backdrop(painter, layout)
            self._draw_caption(painter, theme, layout.plot, self._gradient_caption())
        if whole.loss is not None:
            seeds_loss.draw_backdrop(painter, theme, whole.loss)
            self._draw_caption(painter, theme, whole.loss.plot, "loss of the batch")

    def _gradient_caption(self) -> str:
        when = dict(self.options[0].choices)[self.option("when")]
        return f"{self.kinds[self.option('of')][1]} {when}"

    @staticmethod
    def _draw_caption(painter: QPainter, theme: Theme, plot: QRectF, text: str) -> None:
        at = (plot.left(), plot.top() - 1.35 * theme.label)
        write(painter, elided(text, theme.label, plot.width()), at, theme.ink, theme.label)

    def _draw_words(self, painter: QPainter, layout: SeedsLayout) -> None:
        theme = layout.theme
        pitch = 1.7 * theme.label
        middle = layout.size.height() / 2 - 0.85 * len(layout.words) * theme.label
        for number, line in enumerate(layout.words):
            at = (layout.size.width() / 2, middle + number * pitch)
            write(painter, line, at, theme.ink_soft, theme.label, align=CENTRE)

    # -- marks -------------------------------------------------------------------------------

    def draw_words(self, painter: QPainter, layout: ProfileLayout) -> None:
        if self._found and cast(SeedsLayout, layout).has_gradients:
            super().draw_words(painter, layout)

    def draw_marks(self, painter: QPainter, layout: ProfileLayout) -> None:
        whole = cast(SeedsLayout, layout)
        if whole.has_gradients and self._found:
            painter.save()
            painter.setClipRect(layout.plot)
            for one in reversed(self._series):
                self._draw_band(painter, cast(Spread, one), layout)
            painter.restore()
            super().draw_marks(painter, layout)
        if whole.loss is not None:
            seeds_loss.draw_marks(painter, layout.theme, whole.loss, self._losses)

    def _draw_band(self, painter: QPainter, one: Spread, layout: ProfileLayout) -> None:
        """Where eight of ten runs lie; what leaves the axis lies beyond its edge."""
        theme, beyond = layout.theme, 1.0
        reach = layout.y.low - beyond, layout.y.high + beyond
        low, high = (layout.y(np.clip(edge, *reach)) for edge in (one.low, one.high))
        x = layout.x(np.arange(1.0, len(low) + 1))
        known = ~np.isnan(low + high)
        colour = QColor(theme.lanes[one.lane.index])
        painter.setPen(pen(mix(theme.surface, colour.name(), 0.45), 1.0, Cap.FlatCap))
        colour.setAlphaF(0.18)
        painter.setBrush(colour)
        x, low, high = x[known], low[known], high[known]
        around = np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])
        painter.drawPolygon(polygon(*around))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    # -- read-out ----------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: ProfileLayout) -> str:
        whole = cast(SeedsLayout, layout)
        if whole.loss is not None and (told := seeds_loss.describe(at, whole.loss, self._losses)):
            return told
        inside = whole.has_gradients and self._found and at.x() <= layout.plot.right() + 20
        return super().describe(at, layout) if inside else ""

    def _line(self, series: Series, index: int) -> str:
        one = cast(Spread, series)
        low, middle, high = (_of_power(edge[index]) for edge in (one.low, one.exponents, one.high))
        return f"{one.lane.letter}  {self.kinds[one.kind][1]} {middle}, 10–90 %: {low} … {high}"

    def table(self) -> Table:
        ends = [f"{100 * share:.0f} %" for share in QUANTILES]
        header = ["lane", "label", "what", "step", "layer", *ends]
        rows: list[Row] = []
        for series in self._series:
            one = cast(Spread, series)
            what = f"log10 of {self.kinds[one.kind][0]}, {self.option('scale')}"
            for layer, values in enumerate(zip(one.low, one.exponents, one.high, strict=True), 1):
                numbers = map(float, values)
                rows.append(
                    [one.lane.letter, one.lane.label, what, one.measured_at, layer, *numbers]
                )
        for loss in self._losses:
            for step, values in enumerate(loss.values.T.tolist()):
                rows.append([loss.lane.letter, loss.lane.label, "loss", step, "", *values])
        return header, rows


def _with_letters_alone(layout: ProfileLayout, width: float) -> ProfileLayout:
    """The layout with a wider plot, without room for the lanes' names beside it."""
    theme, plot = layout.theme, QRectF(layout.plot)
    plot.setRight(width - 2 * theme.gap - theme.label)
    number = width_of(str(layout.count), theme.label) + 0.8 * theme.label
    return replace(
        layout,
        plot=plot,
        names=0.0,
        x=replace(layout.x, end=plot.right()),
        numbers=tuple(layer_ticks(layout.count, max(2, int(plot.width() / number)))),
        every=mark_every(layout.count, plot.width(), theme.mark),
    )


def _of_power(power: float) -> str:
    return exact(10.0**power) if -4 < power < 4 else short_power(power)


def _or_infinite(losses: Floats) -> Floats:
    """A loss that is no number counts as above everything."""
    return np.where(np.isnan(losses), np.inf, losses)
