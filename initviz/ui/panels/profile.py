"""What panels share that draw gradients on an axis of powers of ten that never rescales itself.

A profile is one row of norms for each lane and kind: over the layers, or over time.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from initviz.ui.panels.axes import (
    DECADES,
    Axis,
    Floats,
    exact,
    layer_ticks,
    power,
    short_power,
    with_number,
)
from initviz.ui.panels.base import LayerAxes, Option, Panel, Row, Shown, Table
from initviz.ui.panels.drawing import (
    CENTRE,
    RIGHT,
    Cap,
    discs,
    edge_marks,
    lane_width,
    line_path,
    pen,
    spread,
    squares,
    width_of,
    write,
    write_lane,
)
from initviz.ui.panels.exponents import exponents, relative_exponents
from initviz.ui.panels.healthy_band import band_of, name_band, name_band_beside
from initviz.ui.panels.highlight import column_of, draw_column, draw_rings
from initviz.ui.panels.legend import (
    LETTERS,
    PITCH,
    Rows,
    is_tight,
    places_below,
    room_beside,
    rows_below,
    text_after,
)
from initviz.ui.theme import Theme, mix


@dataclass(frozen=True)
class Series:
    """One kind of gradient of one lane.

    `norms` (N,) of the layers or times; `exponents` (N,) is log10 of what is drawn: NaN where
    that is undefined, −∞ for exact zeros, +∞ for infinity.
    """

    lane: Shown
    kind: str
    measured_at: int
    norms: Floats
    exponents: Floats


@dataclass(frozen=True)
class ProfileLayout:
    """All that the backdrop depends on."""

    theme: Theme
    plot: QRectF
    x: Axis
    y: Axis
    count: int
    exponents: tuple[int, ...]
    numbers: tuple[int, ...]
    every: int  # a mark at every n-th place
    band: tuple[float, float] | None  # powers of ten between which a signal is healthy
    names: float  # pixels for names at the right; 0 where there is room for letters alone
    titled: bool
    kinds: tuple[tuple[str, str], ...]  # those that are there, with their names
    rows: Rows  # of the legend, where it is under the plot
    tight: bool  # whether letters and legend stand side by side, for want of height


def mark_every(count: int, pixels: float, diameter: float) -> int:
    """1 where marks of this diameter fit at every place, else every how many places they do."""
    most = max(1, int(pixels / (1.25 * diameter)))
    return next(n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, count) if count <= n * most)


class Profile(Panel[ProfileLayout]):
    """log10 of gradient norms against a place: a layer or a time step."""

    #: The kinds of gradient: quantity, and its name in the legend. The first is drawn as discs
    #: with a line, and has the lane's letter at its end; the other as hollow squares.
    kinds: ClassVar[Mapping[str, tuple[str, str]]]
    #: Whether the squares have a line too.
    lines_for_all: ClassVar[bool] = False
    #: Where the word in the band is: at its upper edge, or at the lower one.
    word_on_top: ClassVar[bool] = False
    #: What a place is: in the table, on the axis, and more at length where there is room.
    column: ClassVar[str]
    place: ClassVar[str]
    direction: ClassVar[str]
    #: What "relative" is relative to.
    reference: ClassVar[str]

    every = 2
    is_qualified = True
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "scale",
            "Gradient",
            {"relative": "relative", "absolute": "absolute"},
        ),
        Option("axis", "Axis", {key: decades.label for key, decades in DECADES.items()}),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._series: list[Series] = []

    # -- reading ---------------------------------------------------------------------------------

    @abstractmethod
    def count(self, lane: Shown) -> int:
        """How many places a lane has."""

    @abstractmethod
    def row(self, lane: Shown, quantity: str) -> tuple[int, Floats]:
        """The step of the newest measurement (−1: none), and its norms (N,)."""

    def read(self) -> None:
        relative = self.option("scale") == "relative"
        lanes = [lane for lane in self.shown if self.count(lane)]
        series = [self._read_series(lane, kind, relative) for lane in lanes for kind in self.kinds]
        self._series = [one for one in series if one.measured_at >= 0]

    def _read_series(self, lane: Shown, kind: str, relative: bool) -> Series:
        step, row = self.row(lane, self.kinds[kind][0])
        norms = row.copy()
        drawn = relative_exponents(norms) if relative else exponents(norms)
        return Series(lane, kind, step, norms, drawn)

    @property
    def _drawn_kinds(self) -> dict[str, str]:
        """The kinds that some lane has, each with its name."""
        there = {series.kind for series in self._series}
        return {kind: name for kind, (_, name) in self.kinds.items() if kind in there}

    def subtitle(self) -> str:
        relative = self.option("scale") == "relative"
        what = f"relative to {self.reference}" if relative else "Frobenius norm"
        return f"{what} · {step_text(self.shown, {s.measured_at for s in self._series})}"

    # -- layout ----------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> ProfileLayout:
        theme, decades = self.theme, DECADES[self.option("axis")]
        count = max([1, self.expected, *(self.count(lane) for lane in self.shown)])
        kinds = self._drawn_kinds
        label, titled = theme.label, size.height() > 14 * theme.label
        left = 2 * theme.gap + width_of(power(decades.low), label)
        names = max([0.0, *(lane_width(s.letter, s.label, label) for s in self.shown)])
        entries, presented = tuple(kinds.values()), self.is_presented
        room = room_beside(theme, names, entries, size.width(), presented=presented)
        below = entries if presented and titled and not room else ()
        rows = rows_below(theme, below, size.width() - 2 * theme.gap)
        right = 2 * theme.gap + (room or label)
        bottom = ((3.9 if titled else 1.9) + PITCH * len(rows)) * label
        plot = QRectF(left, 0.9 * label, size.width() - left - right, 0.0)
        plot.setBottom(max(size.height() - bottom, plot.top() + 20))
        number = width_of(str(count), label) + 0.8 * label
        return ProfileLayout(
            theme=theme,
            plot=plot,
            x=Axis(0.5, count + 0.5, plot.left(), plot.right()),
            y=Axis(decades.low, decades.high, plot.bottom(), plot.top()),
            count=count,
            exponents=tuple(decades.ticks(plot.height(), 2.3 * label)),
            numbers=self._with_marked(
                layer_ticks(count, max(2, int(plot.width() / number))), count
            ),
            every=mark_every(count, plot.width(), theme.mark),
            band=self._healthy() if self.option("scale") == "relative" else None,
            names=room,
            titled=titled,
            kinds=tuple(kinds.items()),
            rows=rows,
            tight=self.is_presented and is_tight(theme, len(self.shown), len(kinds), plot, room),
        )

    def _with_marked(self, numbers: list[int], count: int) -> tuple[int, ...]:
        """The numbers with that of the place that is marked, in the place of its neighbours."""
        place = self.marked_place if self.column == "layer" else 0
        return with_number(numbers, place) if place <= count else tuple(numbers)

    def draw_backdrop(self, painter: QPainter, layout: ProfileLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        if layout.band is not None:
            painter.fillRect(band_of(layout), QColor(theme.healthy_band))
        for exponent in layout.exponents:
            y = round(layout.y(float(exponent))) + 0.5
            painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            at = (plot.left() - 0.8 * label, y)
            write(painter, power(exponent), at, theme.ink_soft, label, align=RIGHT)
        if layout.band is not None and not self.is_presented:
            # Over the grid, which would strike it through.
            name_band(painter, layout, on_top=self.word_on_top)
        y = plot.bottom() + 1.25 * label
        for number in layout.numbers:
            at = (layout.x(float(number)), y)
            write(painter, str(number), at, theme.ink_soft, label, align=CENTRE)
        if layout.titled:
            self._draw_axis_title(painter, layout)
        self._draw_legend(painter, layout)

    def _healthy(self) -> tuple[float, float]:
        """Between the limits that the person's own rules have; 0 lies below every axis."""
        limits = self.thresholds.vanishing, self.thresholds.exploding
        low, high = (math.log10(max(limit, 1e-300)) for limit in limits)
        return low, high

    def _draw_axis_title(self, painter: QPainter, layout: ProfileLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        y = plot.bottom() + 3.1 * label
        every = "" if layout.every == 1 else f", a mark for {layout.every} {self.column}s"
        long = f"{self.place} ({self.direction}{every})"
        arrow = 3.2 * label
        fits = width_of(long, label) < plot.width() - 2.4 * arrow
        text = long if fits else self.place
        write(painter, text, (plot.center().x(), y), theme.ink_soft, label, align=CENTRE)
        if (plot.width() - width_of(text, label)) / 2 < 1.15 * arrow:
            return  # it would strike the words through
        painter.setPen(pen(theme.axis, max(1.3, 0.65 * theme.line)))
        tip, tail, head = plot.left() + 4, plot.left() + arrow, 0.45 * label
        painter.drawLine(QPointF(tip, y), QPointF(tail, y))
        painter.drawPolyline(
            [
                QPointF(tip + 1.6 * head, y - head),
                QPointF(tip, y),
                QPointF(tip + 1.6 * head, y + head),
            ]
        )

    def _draw_legend(self, painter: QPainter, layout: ProfileLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        if layout.rows:
            self._draw_legend_below(painter, layout)
            return
        pitch = 1.9 * label
        widest = max([0.0, *(width_of(name, label) for _, name in layout.kinds)])
        inside = plot.right() - widest - 2.2 * label
        left = plot.right() + theme.gap if layout.names else inside
        if layout.tight:
            left += LETTERS * label
            pitch = min(pitch, plot.height() / len(layout.kinds))
        top = plot.bottom() - pitch * (len(layout.kinds) - (0.1 if layout.names else 0.4))
        if not layout.names and plot.height() < 12 * label:
            return
        for row, (kind, name) in enumerate(layout.kinds):
            y = top + row * pitch
            at = np.array([left + 0.5 * theme.mark]), np.array([y])
            self._draw_kind(painter, kind, *at, theme.axis)
            write(painter, name, (left + theme.mark + 0.7 * label, y), theme.ink_soft, label)

    def _draw_legend_below(self, painter: QPainter, layout: ProfileLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        names = [name for _, name in layout.kinds]
        top = plot.bottom() + 4.7 * label
        for number, x, y in places_below(theme, names, layout.rows, plot, top):
            kind, name = layout.kinds[number]
            self._draw_kind(painter, kind, np.array([x]), np.array([y]), theme.axis)
            write(painter, name, (text_after(theme, x), y), theme.ink_soft, label)

    # -- marks -----------------------------------------------------------------------------------

    def draw_words(self, painter: QPainter, layout: ProfileLayout) -> None:
        place = self._place_in(layout)
        if self.is_presented and layout.band is not None:
            rows = [series.exponents for series in self._series]
            taken = column_of(layout.theme, layout.plot, layout.x, place) if place else QRectF()
            name_band_beside(painter, layout, rows, taken, on_top=self.word_on_top)
        self._draw_lanes(painter, layout)
        if place:
            theme, plot, number_at = layout.theme, layout.plot, self._number_height(layout)
            heights = self._heights(layout, place)
            draw_column(painter, theme, plot, layout.x, place, heights, number_at)

    @staticmethod
    def _number_height(layout: ProfileLayout) -> float:
        return layout.plot.bottom() + 1.25 * layout.theme.label

    def _place_in(self, layout: ProfileLayout) -> int:
        """The place that is marked; 0 where there is none."""
        place = self.marked_place if self.column == "layer" else 0
        return place if place <= layout.count else 0

    def _heights(self, layout: ProfileLayout, place: int) -> list[float]:
        """Where the main marks of a place are, as far as the axis shows them."""
        mains = [one.exponents for one in self._series if self._is_main(one.kind)]
        powers = [float(row[place - 1]) for row in mains if place <= len(row)]
        return [layout.y(one) for one in powers if layout.y.low <= one <= layout.y.high]

    def draw_marks(self, painter: QPainter, layout: ProfileLayout) -> None:
        painter.save()
        grown = 0.5 * layout.theme.mark + 1
        painter.setClipRect(layout.plot.adjusted(-grown, -grown, grown, grown))
        for series in reversed(self._series):
            self._draw_line(painter, series, layout)
        self.draw_between(painter, layout)
        for series in reversed(self._series):
            self._draw_places(painter, series, layout)
        if self.highlight and (place := self._place_in(layout)):
            draw_rings(painter, layout.theme, layout.x(place), self._heights(layout, place))
        painter.restore()
        self._draw_leavers(painter, layout)

    def draw_between(self, painter: QPainter, layout: ProfileLayout) -> None:
        """Paint what lies over the lines and under the marks; often nothing."""

    def _draw_line(self, painter: QPainter, series: Series, layout: ProfileLayout) -> None:
        theme = layout.theme
        colour = theme.lanes[series.lane.index]
        x = layout.x(np.arange(1.0, len(series.exponents) + 1))
        finite = np.where(np.isfinite(series.exponents), series.exponents, np.nan)
        y = layout.y(finite)
        if self._is_main(series.kind) or self.lines_for_all or layout.every > 1:
            # Opaque, though it looks see-through: Qt strokes wide translucent lines slowly.
            width = theme.line if self._is_main(series.kind) else 0.5 * theme.line
            painter.setPen(pen(mix(colour, theme.surface, 0.45), width))
            painter.save()
            painter.setClipRect(layout.plot)
            painter.drawPath(line_path(x, y))
            painter.restore()

    def _draw_places(self, painter: QPainter, series: Series, layout: ProfileLayout) -> None:
        colour = layout.theme.lanes[series.lane.index]
        x = layout.x(np.arange(1.0, len(series.exponents) + 1))
        y = layout.y(np.where(np.isfinite(series.exponents), series.exponents, np.nan))
        shown = self._on_axis(series, layout)
        if layout.every > 1:
            number = np.arange(1, len(x) + 1)
            ends = (number == 1) | (number == len(x))
            marked = number == (self._place_in(layout) if self.highlight else 0)
            shown &= (number % layout.every == 0) | ends | marked
        self._draw_kind(painter, series.kind, x[shown], y[shown], colour)

    def _is_main(self, kind: str) -> bool:
        return kind == next(iter(self.kinds))

    def _draw_kind(self, painter: QPainter, kind: str, x: Floats, y: Floats, colour: str) -> None:
        """The marks of one kind: discs for the first, hollow squares for the other."""
        if self._is_main(kind):
            discs(painter, x, y, colour, self.theme.mark)
        else:
            outline = pen(colour, 0.85 * self.theme.line)
            squares(painter, x, y, outline, 0.8 * self.theme.mark)

    @staticmethod
    def _on_axis(
        series: Series, layout: ProfileLayout
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        with np.errstate(invalid="ignore"):
            inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
                series.exponents >= layout.y.low
            ) & (series.exponents <= layout.y.high)
        return inside

    def _draw_leavers(self, painter: QPainter, layout: ProfileLayout) -> None:
        """What is not on the axis: a mark at its edge, and what it is in a word or a number.

        Each series that leaves an edge has a row of its own there.
        """
        theme = layout.theme
        size = 0.75 * theme.mark
        rows = {"top": 0, "bottom": 0}
        pitch = size + 1.3 * theme.small
        for series in self._series:
            for edge, inwards in (("top", 1.0), ("bottom", -1.0)):
                leavers = list(self._leavers(series, layout, edge))
                if not leavers:
                    continue
                line = layout.plot.top() if edge == "top" else layout.plot.bottom()
                y = line + inwards * (0.6 * size + rows[edge] * pitch)
                rows[edge] += 1
                self._draw_row(painter, series, leavers, (y, y + inwards * size * 1.25), layout)

    def _draw_row(
        self,
        painter: QPainter,
        series: Series,
        leavers: list[tuple[int, str, str]],
        heights: tuple[float, float],
        layout: ProfileLayout,
    ) -> None:
        theme = layout.theme
        marks_end = words_end = -math.inf
        last_word = ""
        size = 0.75 * theme.mark
        colour = theme.lanes[series.lane.index]
        fill = colour if self._is_main(series.kind) else theme.surface
        line = pen(colour, max(1.0, 0.6 * theme.line))
        marks: dict[str, list[float]] = {}
        for place, kind, word in leavers:
            x = layout.x(float(place))
            if x - 0.5 * size >= marks_end:
                marks.setdefault(kind, []).append(x)
                marks_end = x + 0.55 * size
            half = width_of(word, theme.small) / 2
            middle = max(x, layout.plot.left() + half + 2)
            if word != last_word and middle - half >= words_end:
                ink, ground = theme.lane_text[series.lane.index], theme.surface
                at = (middle, heights[1])
                write(painter, word, at, ink, theme.small, align=CENTRE, ground=ground)
                words_end, last_word = middle + half + 0.6 * theme.small, word
        for kind, places in marks.items():
            edge_marks(painter, kind, places, heights[0], size, fill, line)

    @staticmethod
    def _leavers(
        series: Series, layout: ProfileLayout, edge: str
    ) -> Iterator[tuple[int, str, str]]:
        """(place, mark, word) of what leaves the axis at "top" or "bottom"."""
        low, high = layout.y.low, layout.y.high
        for place, exponent in enumerate(series.exponents.tolist(), start=1):
            at_top = math.isnan(exponent) or exponent > high
            if at_top != (edge == "top") or low <= exponent <= high:
                continue
            if math.isnan(exponent):
                mark = "undefined"
            elif at_top:
                mark = "above"
            else:
                mark = "zero" if exponent == -math.inf else "below"
            yield place, mark, short_power(exponent)

    def _draw_lanes(self, painter: QPainter, layout: ProfileLayout) -> None:
        """Each lane's letter and label, at the right end of its line."""
        theme, plot = layout.theme, layout.plot
        signals = [series for series in self._series if self._is_main(series.kind)]
        wanted = [self._end(series, layout) for series in signals]
        inset = 0.8 * theme.label
        bottom = plot.bottom() - inset
        if layout.names and not layout.tight:
            bottom -= 1.9 * theme.label * (len(layout.kinds) + 0.5)  # where the legend is
        places = spread(wanted, 1.9 * theme.label, plot.top() + inset, bottom)
        room = layout.names if not self.is_presented or self._are_named(layout) else 0.0
        for lane, y in zip((series.lane for series in signals), places, strict=True):
            at = (plot.right() + theme.gap, y)
            colour = theme.lane_text[lane.index]
            write_lane(painter, lane.letter, lane.label, at, colour, theme.label, room=room)

    def _are_named(self, layout: ProfileLayout) -> bool:
        """Whether there is room for the lanes' names as they are."""
        widths = (lane_width(s.letter, s.label, layout.theme.label) for s in self.shown)
        return max(widths) <= layout.names and not layout.tight

    def names_lanes(self, size: QSizeF) -> bool:
        return self._are_named(self.lay_out(size))

    @staticmethod
    def _end(series: Series, layout: ProfileLayout) -> float:
        """Where a series ends, in pixels; ends that coincide differ by a hair, as their lines."""
        finite = series.exponents[np.isfinite(series.exponents)]
        if len(finite):
            return layout.y(float(finite[-1])) - 1e-3 * float(finite.mean())
        lost = np.isnan(series.exponents).any()
        return layout.plot.top() if lost else layout.plot.bottom()

    # -- drawn by hand ---------------------------------------------------------------------------

    def layer_axes(self) -> LayerAxes | None:
        if self.column != "layer" or not (self.shown or self.expected):
            return None
        self.catch_up()
        layout = self.lay_out(QSizeF(self._canvas.size()))
        taken = (band_of(layout),) if layout.band is not None else ()
        pace = 0.5, 2.0
        return LayerAxes(layout.plot, layout.x, layout.y, *pace, short_power, factor_apart, taken)

    def layer_rows(self) -> Sequence[Floats]:
        self.catch_up()
        return [series.exponents for series in self._series]

    def draw_empty(self, painter: QPainter, size: QSizeF) -> None:
        layout = self.lay_out(size)
        self.draw_backdrop(painter, layout)
        if self.is_presented and layout.band is not None:
            name_band(painter, layout, on_top=self.word_on_top)

    def layer_values(self, letter: str) -> Floats | None:
        self.catch_up()
        mains = (one for one in self._series if self._is_main(one.kind))
        found = next((one for one in mains if one.lane.letter == letter), None)
        return None if found is None else found.exponents

    # -- read-out --------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: ProfileLayout) -> str:
        place = round(layout.x.value(at.x()))
        if not 1 <= place <= layout.count or at.y() > layout.plot.bottom() + 4:
            return ""
        lines = [f"{self.place} {place}"]
        lines += [self._line(s, place - 1) for s in self._series if place <= len(s.norms)]
        return "\n".join(lines)

    def _line(self, series: Series, index: int) -> str:
        name, norm = self.kinds[series.kind][1], float(series.norms[index])
        text = f"{series.lane.letter}  {name} = {exact(norm)}"
        if self.option("scale") == "relative":
            text += f",  relative {short_power(float(series.exponents[index]))}"
        return text

    def table(self) -> Table:
        header = [
            "lane",
            "label",
            "step",
            self.column,
            "gradient",
            "norm",
            "log10 of what is drawn",
        ]
        rows: list[Row] = [
            [
                s.lane.letter,
                s.lane.label,
                s.measured_at,
                place,
                s.kind,
                float(norm),
                float(exponent),
            ]
            for s in self._series
            for place, (norm, exponent) in enumerate(
                zip(s.norms, s.exponents, strict=True), start=1
            )
        ]
        return header, rows


def factor_apart(decades: float) -> str:
    """How far off a mean distance of so many powers of ten is: "within a factor of 30"."""
    factor = 10.0 ** min(decades, 300.0)
    if factor >= 1e6:
        return f"within {decades:.0f} powers of ten"
    digits = float(f"{factor:.2g}")
    number = f"{digits:,.0f}".replace(",", " ") if digits >= 10 else f"{digits:.1f}"
    return f"within a factor of {number}"


def step_text(shown: tuple[Shown, ...], measured: set[int]) -> str:
    """The step that is shown, and that of the measurement where it is an earlier one."""
    step = shown[0].step
    if measured == {step} or not measured or max(measured) < 0:
        return f"step {step}"
    return f"measured at {max(measured)} · step {step}"
