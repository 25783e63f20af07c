"""Backprop in slow motion: one sample, layer by layer from the loss back to the input."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.replay_limits import not_plain
from initviz.ui.panels.axes import Floats, exact, short
from initviz.ui.panels.base import Option, Row, Shown, Table
from initviz.ui.panels.closer_look import LookLayout, SampleLook, signed
from initviz.ui.panels.drawing import RIGHT, Weight, elided, pen, width_of, wrapped, write
from initviz.ui.theme import Theme, mix

if TYPE_CHECKING:
    from initviz.lab.replay import Beat, SlowMotion

#: Units that are shown of a layer: those with the largest |δ|.
MOST_UNITS = 12
#: Milliseconds for each beat while it plays.
BEAT = 1400
#: The columns between the two δ of a beat, and those of the first one, which starts from the loss.
_COLUMNS = ("Wᵀδ arrives", "× φ′(z)")
_FIRST = ("logit z", "probability", "target", "δ = ∂L/∂z")
#: Which of the four are shown where there is room for so many.
_FEWER = {4: (0, 1, 2, 3), 3: (1, 2, 3), 2: (0, 3), 1: (3,)}
#: On the projector a column is at least so wide, in heights of a label.
LEAST_COLUMN = 7.0


@dataclass(frozen=True)
class Column:
    """Numbers of some units under a name: bars up to `reach` to either side, and a line below.

    `numbers` are those of the units, or of the classes, as people count them; `below` is said at
    length or, where there is no room, shortly.
    """

    name: str
    numbers: tuple[int, ...]
    values: tuple[float, ...]
    reach: float
    below: tuple[str, ...]
    is_delta: bool
    counts: str = "unit"

    @property
    def short(self) -> str:
        """The name, as short as it can be."""
        return self.name.replace("hidden ", "").replace("probability", "p").replace(" arrives", "")


def find(experiment: Experiment, checkpoint: Checkpoint, index: int) -> SlowMotion:
    """One sample's way through the network and back."""
    from initviz.lab.replay import Replay

    replay = Replay(experiment, checkpoint)
    return replay.one_sample(min(index, replay.samples - 1))


def norm(values: Floats) -> float:
    """The Euclidean norm, which neither underflows nor overflows."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(values / largest))


def largest_units(delta: Floats, arriving: Floats) -> list[int]:
    """The units with the largest |δ|, in their order; by what arrives where δ says nothing."""
    size = np.abs(delta)
    size = size if size.any() else np.abs(arriving)
    return sorted(np.argsort(-np.nan_to_num(size, nan=np.inf), kind="stable")[:MOST_UNITS].tolist())


class SlowMotionPanel(SampleLook["SlowMotion"]):
    """The factors of δ as numbers, one layer for each beat."""

    name = "slow_motion"
    title = "Backprop in slow motion"
    short_title = "Backprop"
    how_to_read = (
        "One sample's error on its way back, one layer for each beat, from the loss towards the "
        "input: press ▶ or the right arrow key. The first beat is the loss: δ = ∂L/∂z of the "
        "output. In each further one δ of the layer above goes back through that layer's weights "
        "(Wᵀδ), is multiplied unit by unit by the slope φ′(z) of this layer's activation, and is "
        "this layer's δ. Bars of δ and Wᵀδ share a scale within a beat or, by the menu, over all "
        "beats, where vanishing is seen as shrinking. Norms are written below, with the factor "
        "that W and φ′ each contribute. The line at the bottom multiplies the factors up: where "
        "each is a little below 1, the product vanishes with depth; where each is above, it "
        "explodes. Wide layers show the twelve units with the largest |δ|. δ is that of the "
        "sample alone, without dropout, in float64. Rumelhart, Hinton & Williams 1986."
    )
    group = "Gradients"
    options = (
        Option("bars", "Bars of δ", {"beat": "each beat its scale", "all": "one scale for all"}),
    )
    keys = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right})
    stage_keys = frozenset({Qt.Key.Key_Space})  # what the button "Play" does

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        #: 0 is the loss; each further beat is one layer nearer to the input.
        self._beat = 0
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT)
        self._timer.timeout.connect(self._play_on)
        add, go = self.add_button, self.advance
        self._back = add("◀", "back", "One layer back, towards the loss (←)", partial(go, -1))
        self._play = add("Play", "play", "Play beat by beat", self.toggle)
        self._on = add("▶", "on", "One layer on, towards the input (→)", partial(go, 1))

    # -- the beats ---------------------------------------------------------------------------------

    @property
    def beat(self) -> int:
        """Which beat is shown: 0 is the loss, the last one the first hidden layer."""
        return min(self._beat, self._last)

    @property
    def _last(self) -> int:
        return len(self.found.beats) - 1 if self.found is not None else 0

    def advance(self, by: int) -> None:
        """Show a beat further on or, if negative, further back; what plays is paused."""
        self.pause()
        self._go(self.beat + by)

    def _go(self, beat: int) -> None:
        self._beat = min(max(beat, 0), self._last)
        self._renew()

    def _renew(self) -> None:
        self.words_due = True
        self._show_buttons()
        if self.shown:
            self.show_subtitle()
        self._canvas.update()

    @property
    def is_playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._timer.isActive()

    def toggle(self) -> None:
        """Play, from the loss if it stands at the end; or pause."""
        if self.is_playing:
            self.pause()
            return
        if self.beat == self._last:
            self._go(0)
        self._timer.start()
        self._show_buttons()

    def show_beat(self, beat: int) -> None:
        """Show the beat of this number, 0 being the loss, also if it is not found out yet."""
        self.pause()
        self._beat = max(beat, 0)
        self._renew()

    def play(self) -> None:
        """Go on by itself from the loss, as soon as what is shown is found."""
        self.show_beat(0)
        self._timer.start()
        self._show_buttons()

    def pause(self) -> None:
        """Stay at this beat."""
        self._timer.stop()
        self._show_buttons()

    def _play_on(self) -> None:
        if self.found is None:
            return
        self._go(self.beat + 1)
        if self.beat == self._last:
            self.pause()

    def _show_buttons(self) -> None:
        self._play.setText("Pause" if self.is_playing else "Play")
        self._back.setEnabled(self.beat > 0)
        self._on.setEnabled(self.beat < self._last)
        self._play.setEnabled(self._last > 0)

    def key(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.toggle()
        else:
            self.advance(1 if event.key() == Qt.Key.Key_Right else -1)

    def stop(self) -> None:
        self.pause()
        super().stop()

    def hideEvent(self, event: QHideEvent) -> None:
        self.pause()
        super().hideEvent(event)

    # -- looking -----------------------------------------------------------------------------------

    def why_not(self, lane: Shown) -> str:
        return not_plain(lane.recording.experiment)

    def subject(self, lane: Shown) -> Hashable:
        return self.sample

    def question(self, lane: Shown, checkpoint: Checkpoint) -> Callable[[], SlowMotion]:
        return partial(find, lane.recording.experiment, checkpoint, self.sample)

    def found_changed(self) -> None:
        if self.found is not None:
            self.show_sample(self.found.index, self.found.samples)
        self._show_buttons()

    def what(self, found: SlowMotion) -> str:
        sample = f"sample {found.index}, class {found.label}, loss {short(found.loss)}"
        return f"{sample} · {self._here(found).layer}"

    def _here(self, found: SlowMotion) -> Beat:
        return found.beats[self._last - self.beat]

    # -- drawing -----------------------------------------------------------------------------------

    def draw_found(self, painter: QPainter, layout: LookLayout, found: SlowMotion) -> None:
        theme, label = layout.theme, layout.theme.label
        here = self._here(found)
        heading = "from the loss to the output" if self.beat == 0 else f"into {here.layer}"
        step = f"beat {self.beat + 1} of {self._last + 1}"
        at = (theme.gap, 0.9 * label)
        write(painter, heading, at, theme.ink, label, weight=Weight.DemiBold)
        taken = width_of(heading, label, Weight.DemiBold) + 0.8 * label
        if theme.gap + taken + width_of(step, label) < layout.size.width() - theme.gap:
            write(painter, step, (at[0] + taken, at[1]), theme.ink_soft, label)
        places = self._places(layout, found)
        if self._are_readable(layout, places):
            for column, place in zip(self._few(found, len(places)), places, strict=True):
                self._draw_column(painter, layout, column, place)
        lines = self._said(found, layout)
        for row, (text, colour) in enumerate(reversed(lines)):
            y = layout.size.height() - (0.9 + 1.5 * row) * label
            write(painter, text, (theme.gap, y), colour, label)

    def _said(self, found: SlowMotion, layout: LookLayout) -> list[tuple[str, str]]:
        """The lines below the columns, with their colours; on the projector none is cut."""
        theme, label = layout.theme, layout.theme.label
        room = layout.size.width() - 2 * theme.gap
        texts = (self._equation(found), theme.ink_soft), (self._product(found, layout), theme.ink)
        if not self.is_presented:
            return [(elided(text, label, room), colour) for text, colour in texts]
        return [(line, colour) for text, colour in texts for line in wrapped(text, label, room)]

    def _places(self, layout: LookLayout, found: SlowMotion) -> list[QRectF]:
        """Where the columns go: all four or, on the projector, as many as can be read."""
        theme, label, size = layout.theme, layout.theme.label, layout.size
        top, bottom = 2.0 * label, (0.6 + 1.5 * len(self._said(found, layout))) * label
        room, count = size.width() - 2 * theme.gap, 4
        while self.is_presented and count > 1 and room / count < LEAST_COLUMN * label:
            count -= 1
        width, height = room / count, max(size.height() - top - bottom, 20.0)
        return [QRectF(theme.gap + i * width, top, width, height) for i in range(count)]

    @staticmethod
    def _are_readable(layout: LookLayout, places: Sequence[QRectF]) -> bool:
        """Whether a column has room for a number and a row; else the two lines below say it."""
        label = layout.theme.label
        return places[0].width() > 4 * label and places[0].height() > 4.4 * label

    def columns(self, found: SlowMotion) -> tuple[Column, ...]:
        """What the four columns of this beat say."""
        here = self._here(found)
        return self._loss_columns(found, here) if self.beat == 0 else self._factors(found, here)

    def _few(self, found: SlowMotion, count: int) -> list[Column]:
        """So many of the columns, those that say most."""
        columns = self.columns(found)
        return [columns[number] for number in _FEWER[count]]

    def _loss_columns(self, found: SlowMotion, here: Beat) -> tuple[Column, ...]:
        units = largest_units(here.delta, here.delta)
        target = np.zeros_like(here.delta)
        target[found.label] = 1.0
        sizes = norm(here.z), norm(here.delta)
        rows = (
            (here.z, float(np.abs(here.z).max()), (f"‖z‖ = {short(sizes[0])}",), False),
            (found.probabilities, 1.0, ("softmax of z",), False),
            (target, 1.0, (f"class {found.label}",), False),
            (here.delta, self._reach(found, here), (f"‖δ‖ = {short(sizes[1])}",), True),
        )
        return tuple(
            Column(
                name, tuple(units), tuple(values[units].tolist()), reach, below, is_delta, "class"
            )
            for name, (values, reach, below, is_delta) in zip(_FIRST, rows, strict=True)
        )

    def _reach(self, found: SlowMotion, *beats: Beat) -> float:
        """The largest δ, or Wᵀδ, of these beats, or of all where they share one scale."""
        among = beats if self.option("bars") == "beat" else found.beats
        # What arrives at the upper one of two layers is not shown with the lower one.
        arriving = among[-1:] if self.option("bars") == "beat" else among
        rows = [*(beat.delta for beat in among), *(beat.arriving for beat in arriving)]
        return max(float(np.abs(row).max()) for row in rows)

    def _factors(self, found: SlowMotion, here: Beat) -> tuple[Column, ...]:
        above = found.beats[self._last - self.beat + 1]
        units = largest_units(here.delta, here.arriving)
        others = largest_units(above.delta, above.delta)
        sizes = norm(above.delta), norm(here.arriving), norm(here.delta)
        reach = self._reach(found, above, here)
        steep = max(1.0, float(np.abs(here.slope).max()))
        mean = short(float(here.slope.mean()))
        rows = (
            (others, above.delta, reach, (f"‖δ‖ = {short(sizes[0])}",), True),
            (units, here.arriving, reach, _grown("‖Wᵀδ‖", *sizes[:2]), False),
            (units, here.slope, steep, (f"mean φ′ = {mean}", mean), False),
            (units, here.delta, reach, _grown("‖δ‖", *sizes[1:]), True),
        )
        names = (f"δ of {above.layer}", *_COLUMNS, f"= δ of {here.layer}")
        return tuple(
            Column(
                name, tuple(u + 1 for u in of), tuple(values[of].tolist()), reach, below, is_delta
            )
            for name, (of, values, reach, below, is_delta) in zip(names, rows, strict=True)
        )

    def _draw_column(
        self, painter: QPainter, layout: LookLayout, column: Column, place: QRectF
    ) -> None:
        theme, label = layout.theme, layout.theme.label
        inner = place.width() - 0.8 * label
        fits = width_of(column.name, label, Weight.Medium) <= inner
        name = column.name if fits or not self.is_presented else column.short
        name = elided(name, label, inner, Weight.Medium)
        at = (place.left(), place.top() + 0.8 * label)
        write(painter, name, at, theme.ink, label, weight=Weight.Medium)
        fitting = [text for text in column.below if width_of(text, label) <= inner]
        below = fitting[0] if fitting else elided(column.below[-1], label, inner)
        at = (place.left(), place.bottom() - 0.7 * label)
        write(painter, below, at, theme.ink_soft, label)
        rows = self._rows(layout, place, len(column.numbers))
        size = min(label, int(0.82 * rows.pitch))
        numbers = [str(number) for number in column.numbers[: rows.count]]
        values = [signed(short(value)) for value in column.values[: rows.count]]
        left = place.left() + max(width_of(text, size) for text in numbers)
        right = place.left() + inner - max(width_of(text, size) for text in values)
        for row, (number, value) in enumerate(zip(numbers, values, strict=True)):
            y = rows.top + (row + 0.5) * rows.pitch
            if left < right:
                write(painter, number, (left, y), theme.ink_soft, size, align=RIGHT)
            write(painter, value, (place.left() + inner, y), theme.ink, size, align=RIGHT)
            bar = QRectF(left + 0.5 * label, y - 0.32 * rows.pitch, 0, 0.64 * rows.pitch)
            bar.setRight(right - 0.5 * label)
            if bar.width() > label:
                self._draw_bar(painter, theme, column, row, bar)

    def _draw_bar(
        self, painter: QPainter, theme: Theme, column: Column, row: int, area: QRectF
    ) -> None:
        """One bar, from the middle to either side."""
        middle = area.center().x()
        painter.setPen(pen(theme.grid, 1))
        painter.drawLine(QPointF(middle, area.top() - 2), QPointF(middle, area.bottom() + 2))
        value = column.values[row]
        if not math.isfinite(value) or not column.reach > 0 or not math.isfinite(column.reach):
            return
        length = 0.5 * area.width() * max(-1.0, min(1.0, value / column.reach))
        lane = theme.lanes[self.picked.index]
        colour = lane if column.is_delta else mix(theme.ink_soft, theme.surface, 0.35)
        bar = QRectF(min(middle, middle + length), area.top(), abs(length), area.height())
        painter.fillRect(bar, QColor(colour))

    @staticmethod
    def _rows(layout: LookLayout, place: QRectF, units: int) -> _Rows:
        """Where the rows of a column go, as many as can be read."""
        label = layout.theme.label
        top, room = place.top() + 1.8 * label, place.height() - 3.4 * label
        count = max(1, min(units, int(room / (0.95 * label))))
        return _Rows(top, min(2.6 * label, max(room, label) / count), count)

    def _equation(self, found: SlowMotion) -> str:
        """The largest unit's δ as a product of numbers."""
        here = self._here(found)
        shown, there = min(MOST_UNITS, len(here.delta)), len(here.delta)
        some = "" if shown == there else f"   ({shown} of {there} units: the largest |δ|)"
        if not np.isfinite(here.delta).all():
            return "δ is not finite here: the network has diverged"
        unit = int(np.abs(here.delta).argmax())
        if self.beat == 0:
            return f"class {unit}: δ = {_signed(here.delta[unit])}{some}"
        parts = f"{_signed(here.arriving[unit])} × {_signed(here.slope[unit])}"
        return f"unit {unit + 1}: δ = (Wᵀδ) φ′(z) = {parts} = {_signed(here.delta[unit])}{some}"

    def _product(self, found: SlowMotion, layout: LookLayout) -> str:
        """The factors of all beats so far and what they multiply to, as many as there is room."""
        sizes = [norm(beat.delta) for beat in reversed(found.beats)][: self.beat + 1]
        whole = _factor(sizes[0], sizes[-1])
        if self.beat == 0:
            return f"‖δ‖ = {short(sizes[0])}: the product starts here"
        factors = [_factor(a, b) for a, b in pairwise(sizes)]
        room = layout.size.width() - 2 * layout.theme.gap
        left = 0
        while True:
            shown = " × ".join(["…", *factors[left:]] if left else factors)
            text = f"‖δ‖ so far: {short(sizes[0])} × {shown} = {short(sizes[-1])}   (×{whole})"
            if width_of(text, layout.theme.label) <= room or left == len(factors) - 1:
                return text
            left += 1

    # -- read-out ----------------------------------------------------------------------------------

    def describe_found(self, at: QPointF, layout: LookLayout, found: SlowMotion) -> str:
        places = self._places(layout, found)
        if not self._are_readable(layout, places):
            return ""
        for column, place in zip(self._few(found, len(places)), places, strict=True):
            rows = self._rows(layout, place, len(column.numbers))
            row = math.floor((at.y() - rows.top) / rows.pitch)
            if place.left() <= at.x() < place.right() and 0 <= row < rows.count:
                value, what = signed(exact(column.values[row])), column.counts
                return f"{self.picked.letter}  {what} {column.numbers[row]}\n{column.name}: {value}"
        return ""

    def table(self) -> Table:
        header = ["lane", "label", "step", "sample", "layer", "unit"]
        header += ["z", "slope", "a", "arriving", "delta"]
        found, lane = self.found, self.picked
        if found is None or self._look is None:
            return header, []
        rows: list[Row] = [
            [lane.letter, lane.label, self._look.step, found.index, beat.layer, unit + 1, *numbers]
            for beat in found.beats
            for unit, numbers in enumerate(
                np.stack([beat.z, beat.slope, beat.a, beat.arriving, beat.delta], axis=1).tolist()
            )
        ]
        return header, rows


@dataclass(frozen=True)
class _Rows:
    """The rows of a column: where the first begins, how high each is, and how many."""

    top: float
    pitch: float
    count: int


def _grown(name: str, before: float, after: float) -> tuple[str, str]:
    """A norm and by how much it was multiplied, at length and shortly."""
    factor = f"×{_factor(before, after)}"
    return f"{name} = {short(after)} ({factor})", factor


def _factor(before: float, after: float) -> str:
    """By how much a norm was multiplied; "?" where it was 0 or not finite."""
    if before == 0.0 or not math.isfinite(before):
        return "?"
    return short(after / before)


def _signed(value: float) -> str:
    return signed(short(float(value)))
