"""How many units of each layer are saturated, inactive or dead."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.activations import ACTIVATIONS, Activation
from initviz.lab.wording import share
from initviz.ui.panels.axes import Axis, Floats, layer_ticks, with_number
from initviz.ui.panels.base import LayerAxes, Option, Panel, Row, Shown, Table
from initviz.ui.panels.drawing import (
    CENTRE,
    RIGHT,
    Cap,
    Segments,
    dashed,
    discs,
    edge_marks,
    elided,
    lane_width,
    line_path,
    pen,
    polygon,
    spread,
    width_of,
    wrapped,
    write,
    write_lane,
)
from initviz.ui.panels.highlight import draw_column, draw_rings
from initviz.ui.panels.histograms import earlier
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
from initviz.ui.panels.profile import mark_every, step_text
from initviz.ui.theme import Theme, mix


@dataclass(frozen=True)
class Kind:
    """One of the shares: its quantity, and for which activations it is defined."""

    name: str
    quantity: str
    is_defined: Callable[[Activation], bool]


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("saturated", "saturated_fraction", lambda entry: entry.saturated is not None),
        Kind("inactive", "inactive_fraction", lambda entry: entry.inactive is not None),
        Kind("dead", "dead_fraction", lambda entry: entry.inactive is not None),
    )
}
#: What is said of an activation, by whether saturated and inactive are defined for it.
_UNDEFINED = {
    (True, True): "",
    (True, False): "{} is never inactive, so that no unit can be dead.",
    (False, True): "{} does not saturate.",
    (False, False): "{} neither saturates nor is it ever inactive.",
}
#: What is inactive of a healthy layer, about.
HEALTHY = 0.5
#: On the projector the notes have at most so many lines.
MOST_LINES = 3
_TICKS = (0, 25, 50, 75, 100)


@dataclass(frozen=True)
class Series:
    """One share of one lane's hidden layers (H,), and where it is defined (H,)."""

    lane: Shown
    kind: str
    measured_at: int
    shares: Floats
    defined: NDArray[np.bool_]


@dataclass(frozen=True)
class ShareLayout:
    """All that the backdrop depends on."""

    theme: Theme
    plot: QRectF
    width: float  # of the whole chart
    x: Axis
    y: Axis
    count: int
    numbers: tuple[int, ...]
    every: int  # a mark at every n-th layer
    names: float  # pixels for names at the right; 0 where there is room for letters alone
    titled: bool
    kinds: tuple[str, ...]  # those that are defined for some layer
    notes: tuple[str, ...]
    said: tuple[str, ...]  # the notes above the plot, in lines
    rows: Rows  # of the legend, where it is under the plot
    tight: bool  # whether letters and legend stand side by side, for want of height


class UnitShares(Panel[ShareLayout]):
    """The three shares against the hidden layers, from 0 to 100 %."""

    name = "unit_shares"
    title = "Saturated, inactive, dead"
    short_title = "Unit shares"
    group = "Activations"
    how_to_read = (
        "Each mark is a share of one hidden layer. Squares are saturated: of all samples and "
        "units, how many lie where φ′ is under 5 % of its maximum, so that hardly any gradient "
        "passes. Circles are inactive: how many lie where φ′ is 0. For ReLU about half is "
        "healthy, as the dashed line says: that is how it bends. Crosses are dead units, which "
        "are inactive on every single sample of a fixed set and never learn again unless the "
        "layers before them change. Dead units are counted less often than the rest. A share "
        "that is not defined for an activation is left out, which is said in words."
    )

    options = (Option("of", "Shares", {"all": "all three"} | {kind: kind for kind in KINDS}),)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments = Segments()
        self._series: list[Series] = []

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        chosen = self.option("of")
        kinds = [kind for name, kind in KINDS.items() if chosen in ("all", name)]
        self._series = [self._read_series(lane, kind) for lane in self.shown for kind in kinds]

    def _read_series(self, lane: Shown, kind: Kind) -> Series:
        entries = _entries(lane)
        step, row = lane.recording.latest(kind.quantity, lane.step)
        defined = np.array([kind.is_defined(entry) for entry in entries], dtype=np.bool_)
        return Series(lane, kind.name, step, row[: len(entries)].copy(), defined)

    def _drawn(self) -> Iterator[Series]:
        return (one for one in self._series if one.measured_at >= 0 and one.defined.any())

    def subtitle(self) -> str:
        measured = earlier((s.lane, s.measured_at) for s in self._drawn() if s.kind != "dead")
        return f"share of a layer · {step_text(self.shown, measured)}"

    def _notes(self) -> tuple[str, ...]:
        """What is not defined, a sentence for each activation."""
        entries = {entry.name: entry for lane in self.shown for entry in _entries(lane)}
        texts = [
            _UNDEFINED[entry.saturated is not None, entry.inactive is not None].format(entry.label)
            for entry in entries.values()
        ]
        if any(s.kind == "inactive" for s in self._drawn()):
            texts.append("Dashed: about half inactive is healthy.")
        return tuple(text for text in texts if text)

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> ShareLayout:
        theme, label = self.theme, self.theme.label
        depths = [len(lane.recording.layers) - 1 for lane in self.shown]
        count = max(self.expected, *depths)
        kinds = tuple(kind for kind in KINDS if any(s.kind == kind for s in self._drawn()))
        titled = size.height() > 14 * label
        names = max(lane_width(s.letter, s.label, label) for s in self.shown)
        presented = self.is_presented
        room = room_beside(theme, names, kinds, size.width(), presented=presented)
        notes = self._notes() if titled or not kinds else ()
        left = 2 * theme.gap + width_of("100 %", label)
        said = self._said(notes, size.width() - left - theme.gap) if kinds else ()
        below = kinds if self.is_presented and titled and not room else ()
        rows = rows_below(theme, below, size.width() - 2 * theme.gap)
        top = (0.9 + (0.3 + 1.5 * len(said)) * bool(said)) * label
        bottom = ((3.9 if titled else 1.9) + PITCH * len(rows)) * label
        plot = QRectF(left, top, 0.0, max(size.height() - bottom - top, 20))
        tight = is_tight(theme, len(self.shown), len(kinds), plot, room)
        if tight and not presented:  # letters before the legend, or no legend
            room = room_beside(theme, 0.0, kinds, size.width(), presented=True)
            tight = room > 0
        plot.setRight(size.width() - 2 * theme.gap - (room or label))
        number = width_of(str(count), label) + 0.8 * label
        return ShareLayout(
            theme=theme,
            plot=plot,
            width=size.width(),
            x=Axis(0.5, count + 0.5, plot.left(), plot.right()),
            y=Axis(0.0, 1.0, plot.bottom(), plot.top()),
            count=count,
            numbers=with_number(
                layer_ticks(count, max(2, int(plot.width() / number))),
                self.marked_place if self.marked_place <= count else 0,
            ),
            every=mark_every(count, plot.width(), theme.mark),
            names=room,
            titled=titled,
            kinds=kinds,
            notes=notes,
            said=said,
            rows=rows,
            tight=tight,
        )

    def _said(self, notes: tuple[str, ...], room: float) -> tuple[str, ...]:
        """The notes on one line, cut where need be; on the projector whole, in a few lines."""
        small = self.theme.small
        if not self.is_presented:
            return (elided(" ".join(notes), small, room),) if notes else ()
        for count in range(len(notes), 0, -1):
            lines = wrapped(" ".join(notes[:count]), small, room)
            if len(lines) <= MOST_LINES:
                return tuple(lines)
        return ()

    def draw_backdrop(self, painter: QPainter, layout: ShareLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        if not layout.kinds:
            self._write_middle(painter, layout)
            return
        for row, text in enumerate(reversed(layout.said)):
            at = (plot.left(), plot.top() - (1.6 + 1.4 * row) * label)
            write(painter, text, at, theme.ink_soft, theme.small)
        spaced = _TICKS if plot.height() > 8 * label else _TICKS[::2]
        for tick in spaced:
            y = round(layout.y(tick / 100)) + 0.5
            painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            at = (plot.left() - 0.8 * label, y)
            write(painter, f"{tick} %", at, theme.ink_soft, label, align=RIGHT)
        if "inactive" in layout.kinds:
            self._draw_guide(painter, layout)
        y = plot.bottom() + 1.25 * label
        for number in layout.numbers:
            at = (layout.x(float(number)), y)
            write(painter, str(number), at, theme.ink_soft, label, align=CENTRE)
        if layout.titled:
            every = "" if layout.every == 1 else f", a mark for {layout.every} layers"
            at = (plot.center().x(), plot.bottom() + 3.1 * label)
            text = f"hidden layer (input side is left{every})"
            text = text if width_of(text, label) < plot.width() else "hidden layer"
            write(painter, text, at, theme.ink_soft, label, align=CENTRE)
        self._draw_legend(painter, layout)

    def _draw_guide(self, painter: QPainter, layout: ShareLayout) -> None:
        theme, plot = layout.theme, layout.plot
        y = round(layout.y(HEALTHY)) + 0.5
        faint = 0.0 if self.is_presented else 0.4
        painter.setPen(dashed(mix(theme.axis, theme.surface, faint), 0.5 * theme.line))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))

    def _write_middle(self, painter: QPainter, layout: ShareLayout) -> None:
        """Why there is nothing to see."""
        theme, plot = layout.theme, layout.plot
        known = any(series.measured_at >= 0 for series in self._series)
        lines = layout.notes if known else ("Nothing has been measured yet.",)
        pitch = 1.8 * theme.label
        room = layout.plot.right() - theme.gap
        if self.is_presented:
            room = layout.width - 2 * theme.gap
            lines = tuple(part for line in lines for part in wrapped(line, theme.label, room))
        for row, line in enumerate(lines):
            y = plot.center().y() + (row - (len(lines) - 1) / 2) * pitch
            at = (layout.width / 2 if self.is_presented else (plot.right() + theme.gap) / 2, y)
            text = elided(line, theme.label, room)
            write(painter, text, at, theme.ink_soft, theme.label, align=CENTRE)

    def _draw_legend(self, painter: QPainter, layout: ShareLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        if layout.rows:
            top = plot.bottom() + 4.7 * label
            for number, x, y in places_below(theme, layout.kinds, layout.rows, plot, top):
                kind = layout.kinds[number]
                self._draw_kind(painter, kind, np.array([x]), np.array([y]), theme.axis)
                write(painter, kind, (text_after(theme, x), y), theme.ink_soft, label)
            return
        if not layout.names and plot.height() < 8 * label:
            return
        pitch = 1.9 * label
        widest = max(width_of(kind, label) for kind in layout.kinds)
        inside = plot.right() - widest - 2.2 * label
        left = plot.right() + theme.gap if layout.names else inside
        if layout.tight:
            left += LETTERS * label
            pitch = min(pitch, plot.height() / len(layout.kinds))
        top = plot.bottom() - pitch * (len(layout.kinds) - (0.1 if layout.names else 0.4))
        for row, kind in enumerate(layout.kinds):
            y = top + row * pitch
            at = np.array([left + 0.5 * theme.mark]), np.array([y])
            self._draw_kind(painter, kind, *at, theme.axis)
            write(painter, kind, (left + theme.mark + 0.7 * label, y), theme.ink_soft, label)

    # -- marks ---------------------------------------------------------------------------------

    def draw_words(self, painter: QPainter, layout: ShareLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        firsts = {series.lane.letter: series for series in reversed(list(self._drawn()))}
        ends = [firsts[lane.letter] for lane in self.shown if lane.letter in firsts]
        inset = 0.8 * label
        bottom = plot.bottom() - inset
        if layout.names and not layout.tight:
            bottom -= 1.9 * label * (len(layout.kinds) + 0.5)  # where the legend is
        wanted = [self._end(series, layout) for series in ends]
        places = spread(wanted, 1.9 * label, plot.top() + inset, bottom)
        for lane, y in zip((series.lane for series in ends), places, strict=True):
            at, colour = (plot.right() + theme.gap, y), theme.lane_text[lane.index]
            letters = layout.tight or (self.is_presented and not self._are_named(layout))
            room = 0.0 if letters else layout.names
            write_lane(painter, lane.letter, lane.label, at, colour, label, room=room)
        place = self._place_in(layout)
        if place:
            number_at, heights = plot.bottom() + 1.25 * label, self._heights(layout, place)
            draw_column(painter, theme, plot, layout.x, place, heights, number_at)

    def _are_named(self, layout: ShareLayout) -> bool:
        """Whether every lane has a place, and room for its name as it is."""
        label, drawn = layout.theme.label, {series.lane.letter for series in self._drawn()}
        widths = [lane_width(s.letter, s.label, label) for s in self.shown]
        fits = max(widths) <= layout.names and not layout.tight
        return fits and len(drawn) == len(self.shown)

    def names_lanes(self, size: QSizeF) -> bool:
        return self._are_named(self.lay_out(size))

    def _place_in(self, layout: ShareLayout) -> int:
        place = self.marked_place if layout.kinds else 0
        return place if place <= layout.count else 0

    def _heights(self, layout: ShareLayout, place: int) -> list[float]:
        """Where the marks of a place are."""
        rows = [one.shares for one in self._drawn() if place <= len(one.shares)]
        values = [float(row[place - 1]) for row in rows]
        return [layout.y(value) for value in values if math.isfinite(value)]

    @staticmethod
    def _end(series: Series, layout: ShareLayout) -> float:
        known = series.shares[np.isfinite(series.shares)]
        return layout.y(float(known[-1])) if len(known) else layout.plot.top()

    def draw_marks(self, painter: QPainter, layout: ShareLayout) -> None:
        for series in reversed(list(self._drawn())):
            self._draw_series(painter, series, layout)
        self._draw_lost(painter, layout)
        if self.highlight and (place := self._place_in(layout)):
            draw_rings(painter, layout.theme, layout.x(place), self._heights(layout, place))

    def _draw_series(self, painter: QPainter, series: Series, layout: ShareLayout) -> None:
        theme = layout.theme
        colour = theme.lanes[series.lane.index]
        number = np.arange(1, len(series.shares) + 1)
        x, y = layout.x(number.astype(np.float64)), layout.y(series.shares)
        # Opaque, though it looks see-through: Qt strokes wide translucent lines slowly.
        painter.setPen(pen(mix(colour, theme.surface, 0.45), 0.5 * theme.line))
        painter.drawPath(line_path(x, y))
        shown = np.isfinite(y)
        if layout.every > 1:
            ends = (number == 1) | (number == len(number))
            marked = number == (self._place_in(layout) if self.highlight else 0)
            shown &= (number % layout.every == 0) | ends | marked
        self._draw_kind(painter, series.kind, x[shown], y[shown], colour)

    def _draw_kind(self, painter: QPainter, kind: str, x: Floats, y: Floats, colour: str) -> None:
        """Squares for saturated, circles for inactive, crosses for dead."""
        mark, line = self.theme.mark, self.theme.line
        if kind == "saturated":
            painter.setPen(pen(colour, 0.75 * mark, Cap.SquareCap))
            painter.drawPoints(polygon(x, y))
        elif kind == "inactive":
            discs(painter, x, y, colour, 0.95 * mark)
            discs(painter, x, y, self.theme.surface, 0.95 * mark - 1.7 * line)
        else:
            half = 0.36 * mark
            arms = (
                np.array([[-half, half], [-half, half]]),
                np.array([[-half, half], [half, -half]]),
            )
            across, down = (arm[:, None, :] for arm in arms)
            self._segments.draw(
                painter,
                (x[None, :, None] + across).reshape(-1, 2),
                (y[None, :, None] + down).reshape(-1, 2),
                pen(colour, 0.95 * line, Cap.SquareCap),
            )

    def _draw_lost(self, painter: QPainter, layout: ShareLayout) -> None:
        """A mark at the upper edge for each share that is no number though it is defined."""
        theme = layout.theme
        size, end = 0.75 * theme.mark, -np.inf
        for series in self._drawn():
            colour = theme.lanes[series.lane.index]
            line = pen(colour, max(1.0, 0.6 * theme.line))
            lost = []
            for place in np.flatnonzero(series.defined & np.isnan(series.shares)).tolist():
                x = layout.x(place + 1.0)
                if x - size > end or place == 0:
                    lost.append(x)
                    end = x
            height = layout.plot.top() + 0.6 * size
            edge_marks(painter, "undefined", lost, height, size, colour, line)

    # -- drawn by hand -------------------------------------------------------------------------

    def layer_axes(self) -> LayerAxes | None:
        if not self.shown:
            return None
        self.catch_up()
        layout = self.lay_out(QSizeF(self._canvas.size()))
        if not layout.kinds:
            return None
        return LayerAxes(layout.plot, layout.x, layout.y, 0.05, 0.2, _per_cent, points_apart)

    def layer_rows(self) -> Sequence[Floats]:
        self.catch_up()
        return [series.shares for series in self._drawn()]

    def layer_values(self, letter: str) -> Floats | None:
        self.catch_up()
        series = (one for one in self._drawn() if one.lane.letter == letter)
        return next((one.shares for one in series), None)

    # -- read-out ------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: ShareLayout) -> str:
        place = round(layout.x.value(at.x()))
        if not 1 <= place <= layout.count or not -4 <= at.y() <= layout.plot.bottom() + 4:
            return ""
        found = [series for series in self._drawn() if place <= len(series.shares)]
        lines = [
            f"{s.lane.letter}  {s.kind} {_per_cent(float(s.shares[place - 1]))}{_when(s)}"
            for s in found
            if s.defined[place - 1]
        ]
        return "\n".join([f"hidden layer {place}", *lines]) if lines else ""

    def table(self) -> Table:
        header = ["lane", "label", "step", "layer", "of units", "share"]
        rows: list[Row] = [
            [s.lane.letter, s.lane.label, s.measured_at, place, s.kind, float(value)]
            for s in self._drawn()
            for place, value in enumerate(s.shares, start=1)
        ]
        return header, rows


def _entries(lane: Shown) -> list[Activation]:
    """The activation of each hidden layer."""
    return [ACTIVATIONS[plan.activation] for plan in lane.recording.plans]


def _per_cent(value: float) -> str:
    return "NaN" if math.isnan(value) else share(value, 1)


def points_apart(distance: float) -> str:
    """How far off a mean distance of shares is: "within 12 percentage points"."""
    points = max(round(100 * distance), 1)
    return f"within {points} percentage point{'s' * (points > 1)}"


def _when(series: Series) -> str:
    """When it was measured, where that is not the step that is looked at."""
    same = series.measured_at == series.lane.step
    return "" if same else f", at step {series.measured_at}"
