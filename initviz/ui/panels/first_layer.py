"""The weights of the first layer: before training, now, and what has changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from initviz.lab import datasets
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.snapshot import Floats
from initviz.ui.panels.axes import exact, short
from initviz.ui.panels.base import Option, Row, Shown, Table
from initviz.ui.panels.closer_look import CloserLook, LookLayout, signed
from initviz.ui.panels.colour_bar import Ticked, rounded_up
from initviz.ui.panels.drawing import CENTRE, RIGHT, Weight, elided, width_of, write

#: Units whose weights are kept for the drawing: the first ones.
MOST_UNITS = 100
#: A filter is drawn at least so large, in heights of a label.
LEAST_FILTER = 2.4
#: With less than this, in heights of a label, there are no bars on the projector.
LEAST_WIDTH = 26.0
#: The share of the width that two bars of colours may take together.
MOST_BARS = 0.35
NAMES = ("Before", "Now", "Change")


@dataclass(frozen=True)
class Weights:
    """W of the first units of a layer, three times: before, after, and the difference.

    `pictures` (3, units, inputs) are those; `shape` is that of the picture that a unit's weights
    make, None where they make none. `channels` were averaged for it. `norms` are ‖W‖ before and
    after and ‖ΔW‖, over all `units` of the layer. In a recurrent layer what stands for a unit is
    a row, and the last `states` of the inputs are what comes back.
    """

    steps: tuple[int, int]
    pictures: Floats
    shape: tuple[int, int] | None
    channels: int
    units: int
    states: int
    norms: tuple[float, float, float]

    @property
    def relative(self) -> float:
        """‖ΔW‖ / ‖W‖, W being the weights before; NaN where that is 0."""
        return self.norms[2] / self.norms[0] if self.norms[0] else math.nan

    def as_pictures(self) -> Floats:
        """(3, pictures, height, width): one for each unit, the channels averaged, or one of all."""
        if self.shape is None:
            return self.pictures[:, None]
        by_channel = self.pictures.reshape(3, -1, self.channels, *self.shape)
        return np.asarray(by_channel.mean(2))


def find(first: Checkpoint, now: Checkpoint) -> Weights:
    """The first layer's weights at two checkpoints of one run."""
    before, after = (c.weights("hidden 1").astype(np.float64) for c in (first, now))
    change = after - before
    old, new, moved = (float(np.linalg.norm(matrix)) for matrix in (before, after, change))
    few = np.stack([matrix[:MOST_UNITS] for matrix in (before, after, change)])
    shape, channels = _picture(now.experiment, before.shape[1])
    states = now.experiment.hidden[0].width if now.experiment.network.is_recurrent else 0
    steps, norms = (first.step, now.step), (old, new, moved)
    return Weights(steps, few, shape, channels, len(before), states, norms)


def _picture(experiment: Experiment, inputs: int) -> tuple[tuple[int, int] | None, int]:
    """Height and width of the picture that a unit's weights make, and its channels."""
    network = experiment.network
    if network.architecture == "cnn":
        size = network.kernel_size
        return (size, size), inputs // size**2
    try:
        shape = datasets.describe(experiment.training).shape
    except (OSError, ValueError):  # a file that is gone: numbers without a shape
        return None, 1
    if network.is_recurrent or len(shape) != 3 or math.prod(shape) != inputs:
        return None, 1
    return (shape[1], shape[2]), shape[0]


class FirstLayer(CloserLook[Weights]):
    """Three groups side by side, on one scale of colours: before, now, change."""

    name = "first_layer"
    title = "First-layer weights"
    short_title = "First layer"
    how_to_read = (
        "The weights of the first layer: as they were drawn, as they are now, and now minus "
        "before. Where the data are images each unit's weights are a picture of what it looks "
        "for; otherwise each row is a unit and each column an input. Orange is positive, blue "
        "negative, grey 0, all on one scale, so that a change that is small beside the weights "
        "looks small; by the menu it gets a scale of its own, with its own bar. Under the names "
        "are the Frobenius norms over the whole layer. A network that does not learn has no "
        "change; one that learns features shows strokes in it. As numbers, the first units and "
        "inputs are written out."
    )
    group = "Weights"
    options = (
        Option("as", "Shown as", {"pictures": "pictures", "numbers": "numbers"}),
        Option("change", "Change", {"same": "on the same scale", "own": "on its own scale"}),
    )

    # -- looking -----------------------------------------------------------------------------------

    def subject(self, lane: Shown) -> Hashable:
        return ()

    def question(self, lane: Shown, checkpoint: Checkpoint) -> Callable[[], Weights]:
        first = next(iter(lane.recording.checkpoints.values()))
        return partial(find, first, checkpoint)

    def what(self, found: Weights) -> str:
        return f"‖ΔW‖ / ‖W‖ = {short(found.relative)} since step {found.steps[0]}"

    # -- drawing -----------------------------------------------------------------------------------

    def draw_found(self, painter: QPainter, layout: LookLayout, found: Weights) -> None:
        self._draw_names(painter, layout, found)
        if self.option("as") == "numbers":
            self._draw_numbers(painter, layout, found)
            return
        scales = self._scales(found)
        groups = found.as_pictures()
        for scale, group, area in zip(scales, groups, self._areas(layout, found), strict=True):
            places = self._places(layout, found, area)
            for picture, place in zip(group, places, strict=False):
                scale.draw_picture(painter, layout.theme, picture, place)
        self._draw_bars(painter, layout, found)
        self._draw_units(painter, layout, found)

    def _scales(self, found: Weights) -> tuple[Ticked, Ticked, Ticked]:
        largest = [float(np.abs(p).max(initial=0.0, where=np.isfinite(p))) for p in found.pictures]
        common = Ticked.up_to(rounded_up(max(largest[:2])))
        own = self.option("change") == "own"
        return common, common, Ticked.up_to(rounded_up(largest[2])) if own else common

    def _areas(self, layout: LookLayout, found: Weights) -> list[QRectF]:
        """The three areas, the change a little apart."""
        theme, label, size = layout.theme, layout.theme.label, layout.size
        top, bottom = 3.6 * label, 1.9 * label
        numbers = self.option("as") == "numbers"
        bars = 0.0 if numbers else self._bars_width(layout, found)
        gap = 1.2 * theme.gap
        width = (size.width() - 2 * theme.gap - bars - 2 * gap) / 3
        height = max(20.0, size.height() - top - bottom)
        return [
            QRectF(theme.gap + number * (width + gap), top, max(width, 10.0), height)
            for number in range(3)
        ]

    def _bars(self, layout: LookLayout, found: Weights) -> list[tuple[str, Ticked]]:
        """The bars that are drawn, with their names: of two only the first where room is short."""
        scales = self._scales(found)
        if self._is_tight(layout):
            return []
        if self.option("change") == "same":
            return [("", scales[0])]
        both = [("W", scales[0]), ("ΔW", scales[2])]
        taken = sum(scale.width(layout.theme) + layout.theme.gap for _, scale in both)
        return both if taken < MOST_BARS * layout.size.width() else both[:1]

    def _is_tight(self, layout: LookLayout) -> bool:
        """Whether names would be cut for the bars on the projector: words say it then."""
        return self.is_presented and layout.size.width() < LEAST_WIDTH * layout.theme.label

    def _bars_width(self, layout: LookLayout, found: Weights) -> float:
        theme = layout.theme
        return sum(scale.width(theme) + theme.gap for _, scale in self._bars(layout, found))

    def _draw_bars(self, painter: QPainter, layout: LookLayout, found: Weights) -> None:
        theme, label = layout.theme, layout.theme.label
        area = self._areas(layout, found)[2]
        left = area.right() + theme.gap
        for name, scale in self._bars(layout, found):
            write(painter, name, (left, area.top() - 0.9 * label), theme.ink_soft, label)
            scale.draw(painter, theme, left, area.top(), area.height())
            left += scale.width(theme) + theme.gap

    def _draw_names(self, painter: QPainter, layout: LookLayout, found: Weights) -> None:
        theme, label = layout.theme, layout.theme.label
        steps = (f" · step {found.steps[0]}", f" · step {found.steps[1]}", "")
        norms = ("‖W‖", "‖W‖", "‖ΔW‖")
        for number, area in enumerate(self._areas(layout, found)):
            at = (area.left(), 0.9 * label)
            name = elided(NAMES[number], label, area.width(), Weight.DemiBold)
            write(painter, name, at, theme.ink, label, weight=Weight.DemiBold)
            taken = width_of(name, label, Weight.DemiBold)
            if taken + width_of(steps[number], label) <= area.width():
                write(painter, steps[number], (at[0] + taken, at[1]), theme.ink_soft, label)
            size = short(found.norms[number])
            texts = [f"{norms[number]} = {size}", size]
            if number == 2 and found.relative > 0:
                texts.insert(0, f"{texts[0]} = {short(found.relative)} ‖W‖")
            fitting = [text for text in texts if width_of(text, label) <= area.width()]
            below = fitting[0] if fitting else elided(size, label, area.width())
            write(painter, below, (area.left(), 2.4 * label), theme.ink_soft, label)

    # -- pictures ----------------------------------------------------------------------------------

    def _places(self, layout: LookLayout, found: Weights, area: QRectF) -> list[QRectF]:
        """Where each picture of an area goes: a grid of filters, or one heat map."""
        if found.shape is None:
            return [area]
        columns, rows = self._grid(layout, found, area)
        height, width = found.shape
        gap = 0.25 * layout.theme.label
        across, down = area.width() / columns, area.height() / rows
        cell = min((across - gap) / width, (down - gap) / height)
        count = min(found.pictures.shape[1], columns * rows)
        pitch_x, pitch_y = cell * width + gap, cell * height + gap
        return [
            QRectF(
                area.left() + unit % columns * pitch_x,
                area.top() + unit // columns * pitch_y,
                cell * width,
                cell * height,
            )
            for unit in range(count)
        ]

    @staticmethod
    def _grid(layout: LookLayout, found: Weights, area: QRectF) -> tuple[int, int]:
        """Columns and rows of filters: as many as fit, and no more than there are units."""
        assert found.shape is not None
        height, width = found.shape
        least = LEAST_FILTER * layout.theme.label
        units = found.pictures.shape[1]
        best = (1, 1)
        for columns in range(1, units + 1):
            across = area.width() / columns
            down = across * height / width
            rows = min(max(1, int(area.height() / down)), math.ceil(units / columns))
            best = columns, rows
            if columns * rows >= units or area.width() / (columns + 1) < least:
                break
        return best

    def _draw_units(self, painter: QPainter, layout: LookLayout, found: Weights) -> None:
        theme, label, size = layout.theme, layout.theme.label, layout.size
        area = self._areas(layout, found)[0]
        at = (theme.gap, size.height() - 0.9 * label)
        text = self._units_text(found, len(self._places(layout, found, area)))
        scales = self._scales(found)
        if self.option("change") == "own" and len(self._bars(layout, found)) < 2:
            text = f"ΔW: ±{short(scales[2].colours.limit)}; {text}"
        if self._is_tight(layout):
            text = f"±{short(scales[0].colours.limit)}; {text}"
        room = size.width() - 2 * theme.gap
        write(painter, elided(text, label, room), at, theme.ink_soft, label)

    @staticmethod
    def _units_text(found: Weights, filters: int) -> str:
        kept = found.pictures.shape[1]
        inputs = found.pictures.shape[2] - found.states
        if found.states:
            rows = _counted("row", kept, found.units)
            return f"{rows}, gate by gate; columns: {inputs} inputs and {found.states} states"
        if found.shape is None:
            rows = _counted("unit", kept, found.units)
            return f"rows: {rows}, columns: {inputs} inputs"
        averaged = f", each the mean of {found.channels} channels" if found.channels > 1 else ""
        return f"{_counted('unit', filters, found.units)}{averaged}"

    # -- numbers -----------------------------------------------------------------------------------

    def _draw_numbers(self, painter: QPainter, layout: LookLayout, found: Weights) -> None:
        theme, label = layout.theme, layout.theme.label
        areas = self._areas(layout, found)
        rows, columns = self._fitting(layout, found)
        pitch, margin = 1.5 * label, self._margin(layout, found)
        column = width_of(_LONGEST, label) + 0.8 * label
        for number, area in enumerate(areas):
            for row in range(rows):
                y = area.top() + (row + 1.5) * pitch
                unit = (area.left() + margin - 0.8 * label, y)
                write(painter, str(row + 1), unit, theme.ink_soft, label, align=RIGHT)
                for place in range(columns):
                    value = _number(float(found.pictures[number, row, place]))
                    at = (area.left() + margin + (place + 1) * column - 0.4 * label, y)
                    write(painter, value, at, theme.ink, label, align=RIGHT)
            for place in range(columns):
                at = (area.left() + margin + (place + 0.5) * column, area.top() + 0.5 * pitch)
                name = f"x{place + 1}"
                write(painter, name, at, theme.ink_soft, label, align=CENTRE)
        inputs = found.pictures.shape[2]
        text = f"{_counted('unit', rows, found.units)}, {_counted('input', columns, inputs)}"
        at = (theme.gap, layout.size.height() - 0.9 * label)
        write(painter, text, at, theme.ink_soft, label)

    @staticmethod
    def _margin(layout: LookLayout, found: Weights) -> float:
        return width_of(str(found.pictures.shape[1]), layout.theme.label) + 0.8 * layout.theme.label

    def _fitting(self, layout: LookLayout, found: Weights) -> tuple[int, int]:
        """How many units and inputs there is room for as numbers, in each area."""
        area, label = self._areas(layout, found)[0], layout.theme.label
        column = width_of(_LONGEST, label) + 0.8 * label
        rows = min(found.pictures.shape[1], max(1, int(area.height() / (1.5 * label) - 1)))
        room = area.width() - self._margin(layout, found)
        return rows, min(found.pictures.shape[2], max(1, int(room / column)))

    # -- read-out ----------------------------------------------------------------------------------

    def describe_found(self, at: QPointF, layout: LookLayout, found: Weights) -> str:
        place = self._weight_at(at, layout, found)
        if place is None:
            return ""
        unit, inputs, where = place
        before, now, change = found.pictures[:, unit, inputs].mean(1).tolist()
        return (
            f"{self.picked.letter}  unit {unit + 1}, {where}\n"
            f"before {signed(exact(before))}, now {signed(exact(now))}, "
            f"change {signed(exact(change))}"
        )

    def _weight_at(
        self, at: QPointF, layout: LookLayout, found: Weights
    ) -> tuple[int, list[int], str] | None:
        """The unit at a point of the chart, its inputs there, and what they are called."""
        for area in self._areas(layout, found):
            if not area.contains(at):
                continue
            if self.option("as") == "numbers":
                return self._number_at(at, layout, found, area)
            for number, place in enumerate(self._places(layout, found, area)):
                if place.contains(at):
                    across = (at.x() - place.left()) / place.width()
                    down = (at.y() - place.top()) / place.height()
                    return _weight_in(found, number, across, down)
        return None

    def _number_at(
        self, at: QPointF, layout: LookLayout, found: Weights, area: QRectF
    ) -> tuple[int, list[int], str] | None:
        label = layout.theme.label
        rows, columns = self._fitting(layout, found)
        column = width_of(_LONGEST, label) + 0.8 * label
        row = int((at.y() - area.top()) / (1.5 * label)) - 1
        place = int((at.x() - area.left() - self._margin(layout, found)) // column)
        inside = 0 <= row < rows and 0 <= place < columns
        return (row, [place], f"input {place + 1}") if inside else None

    def table(self) -> Table:
        header = ["lane", "label", "step", "unit", "input", "before", "now", "change"]
        found, lane = self.found, self.picked
        if found is None:
            return header, []
        rows: list[Row] = [
            [lane.letter, lane.label, found.steps[1], unit + 1, place + 1, *numbers]
            for unit, inputs in enumerate(found.pictures.transpose(1, 2, 0).tolist())
            for place, numbers in enumerate(inputs)
        ]
        return header, rows


#: As wide as a weight is written.
_LONGEST = "−0.01234"


def _weight_in(
    found: Weights, number: int, across: float, down: float
) -> tuple[int, list[int], str]:
    """The unit, inputs and name at a share of the way across and down one picture."""
    if found.shape is None:
        _, units, inputs = found.pictures.shape
        unit, place = min(int(down * units), units - 1), min(int(across * inputs), inputs - 1)
        return unit, [place], f"input {place + 1}"
    height, width = found.shape
    row, column = min(int(down * height), height - 1), min(int(across * width), width - 1)
    inputs = [c * height * width + row * width + column for c in range(found.channels)]
    return number, inputs, f"row {row + 1}, column {column + 1}"


def _counted(what: str, shown: int, there: int) -> str:
    """As in "4 units" or "units 1 to 4 of 9"."""
    if shown >= there:
        return f"{there} {what}{'s' * (there != 1)}"
    return f"{what}s 1 to {shown} of {there}"


def _number(value: float) -> str:
    """A weight in few letters: "0.123", "−0.0123", "−1.2e-5"."""
    size = abs(value)
    if 0.001 <= size < 100:
        text = f"{value:.{3 if size >= 0.1 else 4}f}"
    else:
        text = short(value)
    return signed(text)
