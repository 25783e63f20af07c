"""Histograms of every layer at once, newest in full colour, with the outline of step 0."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.recording import Recording
from initviz.lab.snapshot import Counts, Histogram
from initviz.ui.panels.axes import Axis, Floats, exact, short, spaced_layers, two_digits
from initviz.ui.panels.base import Option, Panel, Row, Shown, Table
from initviz.ui.panels.drawing import (
    CENTRE,
    LEFT,
    RIGHT,
    Cap,
    Segments,
    Weight,
    elided,
    lane_width,
    pen,
    polygon,
    width_of,
    write,
    write_lane,
)
from initviz.ui.panels.highlight import draw_area
from initviz.ui.panels.profile import step_text
from initviz.ui.panels.reaches import Reaches, reaches
from initviz.ui.panels.ridges import Ridges, ridges
from initviz.ui.theme import Theme, mix

#: More rows than this are a texture, not histograms.
MOST_ROWS = 24
#: How much of the lane's colour the filling has; the rest is what lies under it.
FILLING = 0.27

#: Whether all layers and lanes share one range, or each layer has one of its own.
COMMON, OWN = "common", "own"


def range_option(default: str) -> Option:
    """The choice between one range for all and a range of its own for each layer."""
    labels = {COMMON: "one range", OWN: "own ranges"}
    return Option("range", "Range", {default: labels.pop(default), **labels})


@dataclass(frozen=True)
class Values:
    """What histograms are taken of, and the number that stands beside each of them.

    `spread` (L,) is that number: of a recording, at the step of its histograms.
    """

    histogram: str
    label: str
    sign: str
    meaning: str
    of_output: bool
    spread: Callable[[Recording, int, Histogram], Floats]


@dataclass(frozen=True)
class Column:
    """What is shown of one lane: the newest histograms of its first `count` layers.

    `first` are those of step 0, where these are others; `reach` (2, L) and `own` (L,) say how far
    the newest go and the run has gone, `spread` (L,) is the number beside each.
    """

    lane: Shown
    measured_at: int
    histogram: Histogram | None
    first: Histogram | None
    count: int
    reach: Floats
    own: Floats
    spread: Floats

    @property
    def is_broken(self) -> bool:
        """Whether some of the values are no numbers."""
        shown = None if self.histogram is None else self.histogram.outside[: self.count, 2:]
        return shown is not None and bool(shown.any())


@dataclass(frozen=True)
class Place:
    """Where a column stands: its ridges' axis, the layers shown (K,) and their lines (K,).

    `units` (K,) are what the axis counts in: 1, or the end of each layer's own range.
    """

    x: Axis
    layers: tuple[int, ...]
    names: tuple[str, ...]
    bases: tuple[float, ...]
    pitch: float
    units: tuple[float, ...]
    number_at: float  # the right end of the number beside each ridge
    numbered: bool = True  # whether the layers' numbers stand at the left
    has_room: bool = True  # for the numbers at the right


@dataclass(frozen=True)
class HistogramLayout:
    """All that the backdrop depends on."""

    theme: Theme
    size: QSizeF
    plot: QRectF
    places: tuple[Place, ...]
    lanes: tuple[tuple[str, int, str], ...]
    sign: str
    captions: tuple[str, ...]  # from the longest to the shortest; none where there is no room
    rows: str  # what the rows are
    named: bool  # whether the lanes' names are written, beside their letters


class Histograms(Panel[HistogramLayout]):
    """A column for each lane, in it a ridge for each layer, layer 1 on top."""

    every = 2

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments = Segments()
        self._columns: list[Column] = []
        self._reaches: dict[str, tuple[str, Reaches]] = {}

    @abstractmethod
    def values(self) -> Values:
        """What the histograms are of."""

    def what(self) -> str:
        """The values in words and symbols."""
        return self.values().label

    def bounds(self) -> tuple[float, float]:
        """What the values cannot leave; infinite where nothing bounds them."""
        return -np.inf, np.inf

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        self._reaches = {lane.letter: self._reaches_of(lane) for lane in self.shown}
        self._columns = [self._read_column(lane) for lane in self.shown]
        # A run that has diverged would make needles of all others.
        sound = [column for column in self._columns if not column.is_broken] or self._columns
        far = max(self._common(column) for column in sound) or 1.0
        low, high = self.bounds()
        self._range = (low if low > -np.inf else -far), (high if high < np.inf else far)

    def _reaches_of(self, lane: Shown) -> tuple[str, Reaches]:
        """What is known of a lane's run; a new one where another run is shown, or other values."""
        histogram = self.values().histogram
        name, known = self._reaches.get(lane.letter, ("", None))
        if known is None or name != histogram or known.recording is not lane.recording:
            return histogram, Reaches(lane.recording, histogram)
        return name, known

    def _read_column(self, lane: Shown) -> Column:
        values, recording = self.values(), lane.recording
        layers = len(recording.layers)
        count = layers if values.of_output else layers - 1
        found = recording.latest_histogram(values.histogram, lane.step)
        if found is None:
            nothing = np.full(layers, np.nan)
            reach = np.zeros((2, layers))
            return Column(lane, -1, None, None, count, reach, reach[0], nothing)
        step, histogram = found
        first = recording.latest_histogram(values.histogram, 0) if step > 0 else None
        reach = reaches(histogram)
        own = self._reaches[lane.letter][1].own(lane.step, reach)
        spread = values.spread(recording, step, histogram)
        return Column(lane, step, histogram, first[1] if first else None, count, reach, own, spread)

    def _common(self, column: Column) -> float:
        known = self._reaches[column.lane.letter][1]
        return known.common(column.lane.step, column.reach, column.count)

    def subtitle(self) -> str:
        text = step_text(self.shown, earlier((c.lane, c.measured_at) for c in self._columns))
        has_first = any(column.first is not None for column in self._columns)
        return f"thin line: step 0 · {text}" if has_first else text

    @property
    def _is_own(self) -> bool:
        return self.option("range") == OWN

    def value_range(self) -> tuple[float, float]:
        """The ends of the horizontal axis: in values, or in ends of each layer's own range."""
        if not self._is_own:
            return self._range
        return (0.0 if self.bounds()[0] >= 0 else -1.0), 1.0

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> HistogramLayout:
        theme = self.theme
        label, small = theme.label, theme.small
        tall = size.height() > 16 * label
        plot = QRectF(theme.gap, 2.1 * label, size.width() - 1.6 * theme.gap, 0.0)
        plot.setBottom(max(size.height() - (4.0 if tall else 2.0) * label, plot.top() + 30))
        depths = [column.count for column in self._columns]
        most = min(MOST_ROWS, int(plot.height() / (1.2 * small)))
        names = [str(max(depths)), *(["out"] if self.values().of_output else [])]
        gutter = max(width_of(name, label) for name in names) + 0.7 * label
        title = 1.6 * label if tall and size.width() > 34 * label else 0.0
        numbered = [i == 0 or len(set(depths)) > 1 for i in range(len(depths))]
        gap = 1.2 * theme.gap
        free = plot.width() - title - sum(numbered) * gutter - (len(depths) - 1) * gap
        width = free / len(depths)
        wide = width > 15 * small
        sign = "r " if self._is_own else f"{self.values().sign} "
        sign = sign if wide else ""
        number = max(width_of(sign + most, small) for most in ("8.8e-88", "0.00088")) + 0.6 * small
        has_room = width - number > 0.3 * width
        left = plot.left() + title
        low, high = self.value_range()
        places = []
        for column, has_numbers in zip(self._columns, numbered, strict=True):
            left += gutter if has_numbers else 0.0
            axis = Axis(low, high, left, left + width - (number if has_room else 0.0))
            place = self._place(column, axis, plot, most, left + width)
            places.append(
                replace(place, numbered=has_numbers and bool(column.histogram), has_room=has_room)
            )
            left += width + gap
        return HistogramLayout(
            theme=theme,
            size=size,
            plot=plot,
            places=tuple(places),
            lanes=tuple((lane.letter, lane.index, lane.label) for lane in self.shown),
            sign=sign,
            captions=self._captions(wide, has_room) if tall else (),
            rows="layer" if self.values().of_output else "hidden layer",
            named=not self.is_presented or self._are_named(width),
        )

    def _are_named(self, width: float) -> bool:
        """Whether there is room for the lanes' names as they are, over columns so wide."""
        label = self.theme.label
        return max(lane_width(s.letter, s.label, label) for s in self.shown) <= width

    def names_lanes(self, size: QSizeF) -> bool:
        return self.lay_out(size).named

    def _place(self, column: Column, x: Axis, plot: QRectF, most: int, number_at: float) -> Place:
        layers = self._with_marked(spaced_layers(column.count, most), column.count)
        pitch = plot.height() / len(layers)
        # On the middle of a pixel, or every second line would look bold.
        bases = np.floor(plot.top() + pitch * np.arange(1, len(layers) + 1)) + 0.5
        last = len(column.lane.recording.layers) - 1
        names = tuple("out" if layer == last else str(layer + 1) for layer in layers.tolist())
        own = np.where(column.own > 0, column.own, 1.0)[layers]
        return Place(
            x=x,
            layers=tuple(layers.tolist()),
            names=names,
            bases=tuple(bases.tolist()),
            pitch=pitch,
            units=tuple((own if self._is_own else np.ones(len(layers))).tolist()),
            number_at=number_at,
        )

    def _with_marked(self, layers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """The layers with the one that is marked, in the place of the nearest between the ends."""
        layer = self.marked_place - 1
        if not 0 <= layer < count or layer in layers or len(layers) < 3:
            return layers
        chosen = layers.copy()
        chosen[1 + int(np.argmin(np.abs(layers[1:-1] - layer)))] = layer
        return chosen

    def _captions(self, signed: bool, has_room: bool) -> tuple[str, ...]:
        if not has_room:
            return (self.what(),)
        if self._is_own:
            ends = "0 to r" if self.value_range()[0] == 0 else "−r to r"
            return f"{self.what()} from {ends}; r, at the right, is each layer's own", self.what()
        values = self.values()
        sign = f"{values.sign} =" if signed else f"at the right {values.sign}:"
        return f"{self.what()}; {sign} {values.meaning}", self.what()

    def draw_backdrop(self, painter: QPainter, layout: HistogramLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        for place, (letter, index, text) in zip(layout.places, layout.lanes, strict=True):
            room = place.number_at - place.x.start
            ridge = place.x.end - place.x.start
            fits = width_of(f"{letter} {text}", label, Weight.Bold) < ridge
            at = (place.x.start + (ridge if fits else room) / 2, plot.top() - 1.25 * label)
            colour = theme.lane_text[index]
            shown = text if layout.named else ""
            write_lane(painter, letter, shown, at, colour, label, room=room, align=CENTRE)
            self._draw_values(painter, place, layout)
            if place.numbered:
                self._draw_numbers(painter, place, layout)
        if layout.captions:
            self._draw_captions(painter, layout)

    def _draw_values(self, painter: QPainter, place: Place, layout: HistogramLayout) -> None:
        theme, label = layout.theme, layout.theme.label
        y = layout.plot.bottom() + 1.2 * label
        ends = {place.x.low: LEFT, place.x.high: RIGHT}
        texts = {value: short(value).replace("-", "−") for value in (*ends, 0.0)}
        if self._is_own:
            texts |= {-1.0: "−r", 1.0: "r"}
        widest = max(width_of(texts[value], label) for value in ends)
        room = min(place.x(0.0) - place.x.start, place.x.end - place.x(0.0))
        if room > 2.2 * widest:
            ends[0.0] = CENTRE
        if place.x.low < 0.0 < place.x.high:
            x = round(place.x(0.0)) + 0.5
            painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
            painter.drawLine(QPointF(x, layout.plot.top()), QPointF(x, layout.plot.bottom()))
        if sum(width_of(texts[value], label) for value in ends) > place.x.end - place.x.start:
            low, high = texts[place.x.low], texts[place.x.high]
            both = f"±{high}" if low == f"−{high}" else f"{low} … {high}"
            at = ((place.x.start + place.x.end) / 2, y)
            write(painter, both, at, theme.ink_soft, label, align=CENTRE)
            return
        for value, align in ends.items():
            at = (place.x(value), y)
            write(painter, texts[value], at, theme.ink_soft, label, align=align)

    def _draw_numbers(self, painter: QPainter, place: Place, layout: HistogramLayout) -> None:
        theme = layout.theme
        size = self._number_size(place, theme)
        for name, base in zip(place.names, place.bases, strict=True):
            at = (place.x.start - 0.6 * theme.label, base - 0.4 * size)
            write(painter, name, at, theme.ink_soft, size, align=RIGHT)

    def _draw_captions(self, painter: QPainter, layout: HistogramLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        fitting = [text for text in layout.captions if width_of(text, label) <= plot.width()]
        caption = fitting[0] if fitting else elided(layout.captions[-1], label, plot.width())
        at = (plot.center().x(), plot.bottom() + 3.0 * label)
        write(painter, caption, at, theme.ink_soft, label, align=CENTRE)
        if layout.size.width() > 34 * label:
            painter.save()
            painter.translate(plot.left() + 0.4 * label, plot.center().y())
            painter.rotate(-90)
            write(painter, layout.rows, (0, 0), theme.ink_soft, label, align=CENTRE)
            painter.restore()

    # -- marks ---------------------------------------------------------------------------------

    def draw_words(self, painter: QPainter, layout: HistogramLayout) -> None:
        """The numbers beside the ridges, and the outlines of step 0, which stay as they are."""
        for column, place in zip(self._columns, layout.places, strict=True):
            if column.histogram is None:
                self._write_waiting(painter, place, layout)
                continue
            if place.has_room:
                self._write_numbers(painter, column, place, layout)
            if column.first is not None:
                self._draw_first(painter, column.first, place, layout)
            if self.highlight:
                self._draw_marked(painter, place, layout)

    def _draw_marked(self, painter: QPainter, place: Place, layout: HistogramLayout) -> None:
        """A band around the ridge of the layer that is marked, from its number to its end."""
        layer = self.marked_place - 1
        if layer in place.layers:
            row, label = place.layers.index(layer), layout.theme.label
            base, air = place.bases[row], 0.35 * label
            number = width_of(place.names[row], self._number_size(place, layout.theme))
            left = place.x.start - (0.6 * label + number + air if place.numbered else air)
            right = min(max(place.number_at, place.x.end) + air, layout.size.width() - 2)
            # Below the number of the layer above, which stands on that one's line.
            top = max(base - place.pitch + 0.5 * air, layout.plot.top() - 0.5 * label)
            bottom = base + min(0.14 * place.pitch, 0.5 * air)
            draw_area(painter, layout.theme, QRectF(left, top, right - left, bottom - top))

    @staticmethod
    def _number_size(place: Place, theme: Theme) -> int:
        """Of the letters of a row's number."""
        return theme.label if place.pitch > 1.3 * theme.label else theme.small

    @staticmethod
    def _write_waiting(painter: QPainter, place: Place, layout: HistogramLayout) -> None:
        theme, room = layout.theme, place.number_at - place.x.start
        at = place.x.start + room / 2, layout.plot.center().y()
        text = elided("not measured yet", theme.label, room)
        write(painter, text, at, theme.ink_soft, theme.label, align=CENTRE)

    def draw_marks(self, painter: QPainter, layout: HistogramLayout) -> None:
        for column, place in zip(self._columns, layout.places, strict=True):
            if column.histogram is not None:
                self._draw_column(painter, column, column.histogram, place, layout)

    @staticmethod
    def _ridges(histogram: Histogram, place: Place) -> Ridges:
        layers, bases, units = (np.array(row) for row in (place.layers, place.bases, place.units))
        return ridges(histogram, layers, place.x, bases, 0.9 * place.pitch, units)

    def _draw_first(
        self, painter: QPainter, first: Histogram, place: Place, layout: HistogramLayout
    ) -> None:
        """The outline of step 0. It lies on the ground, so that it costs nothing at a redraw."""
        theme, made = layout.theme, self._ridges(first, place)
        line = pen(mix(theme.axis, theme.surface, 0.2), max(1.0, 0.4 * theme.line), Cap.SquareCap)
        self._segments.draw(painter, made.x, made.y, line)

    def _draw_column(
        self,
        painter: QPainter,
        column: Column,
        histogram: Histogram,
        place: Place,
        layout: HistogramLayout,
    ) -> None:
        theme, colour = layout.theme, layout.theme.lanes[column.lane.index]
        made = self._ridges(histogram, place)
        filling = QColor(colour)
        filling.setAlphaF(FILLING)  # the outline of step 0 lies under it
        # The outline covers the edge of the filling, which need not be smooth then: that is dear.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(filling)
        # One polygon for all: from one base line to the next it goes down the left edge, and at
        # the end up there again, which encloses nothing.
        down = np.column_stack([made.x, made.x[:, 0]])
        up = np.column_stack([made.y, made.y[:, 0]])
        painter.drawPolygon(polygon(down.ravel(), up.ravel()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = pen(colour, max(1.2, 0.6 * theme.line), Cap.SquareCap)
        self._segments.draw(painter, made.x, made.y, line)
        for row in np.flatnonzero(made.below + made.above + made.broken.sum(axis=1)).tolist():
            y = place.bases[row] - 0.42 * place.pitch
            self._write_outside(painter, place, y, layout, (made.below[row], made.above[row]))
            self._write_broken(painter, place, y, layout, made.broken[row])

    def _write_outside(
        self,
        painter: QPainter,
        place: Place,
        y: float,
        layout: HistogramLayout,
        counts: tuple[int, int],
    ) -> None:
        """How many values lie beyond either end."""
        theme = layout.theme
        for count, x, align, text in (
            (counts[0], place.x.start, LEFT, "← {:,}"),
            (counts[1], place.x.end, RIGHT, "{:,} →"),
        ):
            if count:
                words = text.format(int(count)).replace(",", " ")
                ground = theme.surface
                write(painter, words, (x, y), theme.ink, theme.small, align=align, ground=ground)

    def _write_broken(
        self,
        painter: QPainter,
        place: Place,
        y: float,
        layout: HistogramLayout,
        counts: Counts,
    ) -> None:
        """How many values are no numbers."""
        theme = layout.theme
        names = zip(("NaN", "infinite"), counts.tolist(), strict=True)
        words = " · ".join(f"{count:,} {name}".replace(",", " ") for name, count in names if count)
        if words:
            at = ((place.x.start + place.x.end) / 2, y)
            ground = theme.surface
            write(painter, words, at, theme.ink, theme.small, align=CENTRE, ground=ground)

    def _write_numbers(
        self, painter: QPainter, column: Column, place: Place, layout: HistogramLayout
    ) -> None:
        """Beside each ridge how wide it is, or where its own axis ends."""
        theme = layout.theme
        lift = min(0.42 * place.pitch, 0.9 * theme.small)
        for layer, base in zip(place.layers, place.bases, strict=True):
            number = exact(column.own[layer]) if self._is_own else two_digits(column.spread[layer])
            at = (place.number_at, base - lift)
            text = f"{layout.sign}{number}"
            write(painter, text, at, theme.ink_soft, theme.small, align=RIGHT)

    # -- read-out ------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: HistogramLayout) -> str:
        for column, place in zip(self._columns, layout.places, strict=True):
            if place.x.start <= at.x() <= place.number_at:
                row = int((at.y() - layout.plot.top()) / (place.bases[0] - layout.plot.top()))
                if 0 <= row < len(place.layers) and at.y() >= layout.plot.top():
                    value = place.x.value(at.x()) * place.units[row]
                    return "\n".join(self.lines(column, place.layers[row], value))
        return ""

    def lines(self, column: Column, layer: int, value: float) -> list[str]:
        """What is read out of one layer, where the axis has this value."""
        name = column.lane.recording.layers[layer].replace("hidden", "hidden layer")
        lines = [f"{column.lane.letter}  {name.replace('output', 'output layer')}"]
        histogram, values = column.histogram, self.values()
        if histogram is None:
            return [*lines, "not measured yet"]
        low, high = float(histogram.low[layer]), float(histogram.high[layer])
        counts = histogram.counts[layer]
        lines.append(f"from {exact(low)} to {exact(high)}")
        if low <= value <= high and high > low:
            bin_ = min(int((value - low) / (high - low) * len(counts)), len(counts) - 1)
            lines.append(f"{counts[bin_]} of {counts.sum()} values near {exact(value)}")
        broken = zip(("NaN", "infinite"), histogram.outside[layer, 2:].tolist(), strict=True)
        lines += [f"{count} {word}" for word, count in broken if count]
        lines.append(f"{values.sign}, {values.meaning}: {exact(float(column.spread[layer]))}")
        if column.first is not None:
            low, high = (float(end[layer]) for end in (column.first.low, column.first.high))
            lines.append(f"at step 0 from {exact(low)} to {exact(high)}")
        return lines

    def table(self) -> Table:
        header = ["lane", "label", "step", "layer", "from", "to", "count"]
        rows: list[Row] = []
        for column in self._columns:
            for step, histogram in ((0, column.first), (column.measured_at, column.histogram)):
                if histogram is not None:
                    rows += _rows(column, step, histogram)
        return header, rows


def _rows(column: Column, step: int, histogram: Histogram) -> Iterator[Row]:
    """Every bin of every layer, and what lies outside."""
    lane, edges = column.lane, histogram.edges
    ends = (("-inf", "lowest edge"), ("highest edge", "inf"), ("NaN", ""), ("infinite", ""))
    for layer in range(column.count):
        name: str | int = layer + 1 if layer < len(lane.recording.layers) - 1 else "output"
        start: Row = [lane.letter, lane.label, step, name]
        bounds = zip(edges[layer, :-1].tolist(), edges[layer, 1:].tolist(), strict=True)
        for (low, high), count in zip(bounds, histogram.counts[layer].tolist(), strict=True):
            yield [*start, low, high, count]
        for (below, above), count in zip(ends, histogram.outside[layer].tolist(), strict=True):
            if count:
                yield [*start, below, above, count]


def earlier(measured: Iterable[tuple[Shown, int]]) -> set[int]:
    """The steps of what was not measured at the step that its lane shows; else that step."""
    pairs = list(measured)
    behind = {at for lane, at in pairs if at not in (lane.step, -1)}
    return behind or {lane.step for lane, _ in pairs[:1]}
