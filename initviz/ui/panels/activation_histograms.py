"""The activations of every layer at once, with how much each still depends on the input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.activations import ACTIVATIONS
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
    pen,
    polygon,
    width_of,
    write,
    write_lane,
)
from initviz.ui.panels.gradient_magnitude import step_text
from initviz.ui.panels.ridges import grown, natural_range, reach, ridges
from initviz.ui.theme import Theme, mix

#: More rows than this are a texture, not histograms.
MOST_ROWS = 24


@dataclass(frozen=True)
class Column:
    """What is shown of one lane: the histograms of its hidden layers and σ (H,) of each."""

    lane: Shown
    measured_at: int
    histogram: Histogram | None
    sigma: Floats


@dataclass(frozen=True)
class Place:
    """Where a column stands: its ridges' axis, the layers shown (K,) and their lines (K,)."""

    x: Axis
    layers: tuple[int, ...]
    bases: tuple[float, ...]
    numbered: bool
    sigma_at: float  # the right end of its σ


@dataclass(frozen=True)
class HistogramLayout:
    """All that the backdrop depends on."""

    theme: Theme
    size: QSizeF
    plot: QRectF
    places: tuple[Place, ...]
    lanes: tuple[tuple[str, int, str], ...]
    sigma_sign: str
    pitch: float
    caption: str


class ActivationHistograms(Panel[HistogramLayout]):
    """A column for each lane, in it a ridge for each hidden layer, layer 1 on top."""

    name = "activation_histograms"
    title = "Activation histograms"
    how_to_read = (
        "Each ridge is the histogram of one hidden layer over all samples and units, layer 1 on "
        "top, as high as its own fullest bin. A needle at 0 is a layer that has fallen silent; "
        "walls at both ends are saturation. σ tells how much the layer still depends on the "
        "input: the spread over samples of each unit. Where σ is tiny and the ridge is wide, the "
        "units differ from each other but say the same whatever they are shown."
    )
    every = 2
    options = (
        Option(
            "of",
            "Histograms of",
            {"activation": "activations", "preactivation": "pre-activations"},
        ),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments = Segments()
        self._known_reach = 0.0
        self._known_for: tuple[str, tuple[Recording, ...]] = ("", ())

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        self._columns = [self._read_column(lane) for lane in self.shown]
        known_for = (self.option("of"), tuple(lane.recording for lane in self.shown))
        if known_for != self._known_for:
            self._known_for, self._known_reach = known_for, 0.0
        for column in self._columns:
            if column.histogram is not None:
                needed = reach(column.histogram, len(column.sigma))
                self._known_reach = grown(self._known_reach, needed)

    def _read_column(self, lane: Shown) -> Column:
        hidden = len(lane.recording.layers) - 1
        found = lane.recording.latest_histogram(self.option("of"), lane.step)
        _, sigma = lane.recording.latest("sample_std", lane.step)
        step, histogram = found if found else (-1, None)
        return Column(lane, step, histogram, sigma[:hidden])

    def subtitle(self) -> str:
        return step_text(self.shown, {column.measured_at for column in self._columns})

    def value_range(self) -> tuple[float, float]:
        """The range of values on the horizontal axis, the same for all columns."""
        far = self._known_reach or 1.0
        if self.option("of") == "preactivation":
            return -far, far
        ranges = [
            natural_range(network.activation, network.slope)
            for network in (lane.recording.experiment.network for lane in self.shown)
        ]
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        return (low if math.isfinite(low) else -far), (high if math.isfinite(high) else far)

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> HistogramLayout:
        theme = self.theme
        label, small = theme.label, theme.small
        tall = size.height() > 16 * label
        plot = QRectF(theme.gap, 2.1 * label, size.width() - 1.6 * theme.gap, 0.0)
        plot.setBottom(max(size.height() - (4.0 if tall else 2.0) * label, plot.top() + 30))
        depths = [len(column.sigma) for column in self._columns]
        most = min(MOST_ROWS, int(plot.height() / (1.2 * small)))
        gutter = width_of(str(max(depths)), label) + 0.7 * label
        title = 1.6 * label if tall and size.width() > 34 * label else 0.0
        numbered = [i == 0 or len(set(depths)) > 1 for i in range(len(depths))]
        gap = 1.2 * theme.gap
        free = plot.width() - title - sum(numbered) * gutter - (len(depths) - 1) * gap
        width = free / len(depths)
        wide = width > 15 * small
        sign = "σ " if wide else ""
        sigma = max(width_of(sign + most, small) for most in ("8.8e-88", "0.00088")) + 0.6 * small
        left = plot.left() + title
        low, high = self.value_range()
        places = []
        for depth, has_numbers in zip(depths, numbered, strict=True):
            left += gutter if has_numbers else 0.0
            layers = spaced_layers(depth, most)
            pitch = plot.height() / len(layers)
            # On the middle of a pixel, or every second line would look bold.
            bases = np.floor(plot.top() + pitch * np.arange(1, len(layers) + 1)) + 0.5
            axis = Axis(low, high, left, left + max(width - sigma, 0.4 * width))
            places.append(
                Place(
                    axis, tuple(layers.tolist()), tuple(bases.tolist()), has_numbers, left + width
                )
            )
            left += width + gap
        return HistogramLayout(
            theme=theme,
            size=size,
            plot=plot,
            places=tuple(places),
            lanes=tuple((lane.letter, lane.index, lane.label) for lane in self.shown),
            sigma_sign=sign,
            pitch=plot.height() / max(len(place.layers) for place in places),
            caption=self._caption(wide) if tall else "",
        )

    def _caption(self, signed: bool) -> str:
        sigma = "σ =" if signed else "at the right σ:"
        if self.option("of") == "preactivation":
            return f"pre-activation z; {sigma} std of a over samples, per unit"
        names = {lane.recording.experiment.network.activation for lane in self.shown}
        formula = f"{ACTIVATIONS[names.pop()].label}(z)" if len(names) == 1 else "φ(z)"
        return f"activation a = {formula}; {sigma} std over samples, per unit"

    def draw_backdrop(self, painter: QPainter, layout: HistogramLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        for place, (letter, index, text) in zip(layout.places, layout.lanes, strict=True):
            room = place.sigma_at - place.x.start
            ridge = place.x.end - place.x.start
            fits = width_of(f"{letter} {text}", label, Weight.Bold) < ridge
            at = (place.x.start + (ridge if fits else room) / 2, plot.top() - 1.25 * label)
            colour = theme.lane_text[index]
            write_lane(painter, letter, text, at, colour, label, room=room, align=CENTRE)
            self._draw_values(painter, place, layout)
            if place.numbered:
                self._draw_numbers(painter, place, layout)
        if layout.caption:
            self._draw_captions(painter, layout)

    def _draw_values(self, painter: QPainter, place: Place, layout: HistogramLayout) -> None:
        theme, label = layout.theme, layout.theme.label
        y = layout.plot.bottom() + 1.2 * label
        ends = {place.x.low: LEFT, place.x.high: RIGHT}
        widest = max(width_of(short(value), label) for value in ends)
        if (
            place.x(0.0) - place.x.start > 2.2 * widest
            and place.x.end - place.x(0.0) > 2.2 * widest
        ):
            ends[0.0] = CENTRE
        for value, align in ends.items():
            x = place.x(value)
            if value == 0.0:
                painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
                x = round(x) + 0.5
                painter.drawLine(QPointF(x, layout.plot.top()), QPointF(x, layout.plot.bottom()))
            text = short(value).replace("-", "−")
            write(painter, text, (x, y), theme.ink_soft, label, align=align)

    def _draw_numbers(self, painter: QPainter, place: Place, layout: HistogramLayout) -> None:
        theme = layout.theme
        size = theme.label if layout.pitch > 1.3 * theme.label else theme.small
        for layer, base in zip(place.layers, place.bases, strict=True):
            at = (place.x.start - 0.6 * theme.label, base - 0.4 * size)
            write(painter, str(layer + 1), at, theme.ink_soft, size, align=RIGHT)

    def _draw_captions(self, painter: QPainter, layout: HistogramLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        caption = layout.caption
        if width_of(caption, label) > plot.width():
            caption = caption.partition(";")[0]
        at = (plot.center().x(), plot.bottom() + 3.0 * label)
        write(painter, caption, at, theme.ink_soft, label, align=CENTRE)
        if layout.size.width() > 34 * label:
            painter.save()
            painter.translate(plot.left() + 0.4 * label, plot.center().y())
            painter.rotate(-90)
            write(painter, "hidden layer", (0, 0), theme.ink_soft, label, align=CENTRE)
            painter.restore()

    # -- marks ---------------------------------------------------------------------------------

    def draw_words(self, painter: QPainter, layout: HistogramLayout) -> None:
        for column, place in zip(self._columns, layout.places, strict=True):
            if column.histogram is not None:
                self._write_sigma(painter, column, place, layout)

    def draw_marks(self, painter: QPainter, layout: HistogramLayout) -> None:
        for column, place in zip(self._columns, layout.places, strict=True):
            if column.histogram is not None:
                self._draw_column(painter, column, column.histogram, place, layout)

    def _draw_column(
        self,
        painter: QPainter,
        column: Column,
        histogram: Histogram,
        place: Place,
        layout: HistogramLayout,
    ) -> None:
        theme = layout.theme
        colour = theme.lanes[column.lane.index]
        layers, bases = np.array(place.layers), np.array(place.bases)
        made = ridges(histogram, layers, place.x, bases, 0.9 * layout.pitch)
        # The outline covers the edge of the filling, which need not be smooth then: that is dear.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(theme.surface, colour, 0.27)))
        # One polygon for all: from one base line to the next it goes down the left edge, and at
        # the end up there again, which encloses nothing.
        down = np.column_stack([made.x, made.x[:, 0]])
        up = np.column_stack([made.y, made.y[:, 0]])
        painter.drawPolygon(polygon(down.ravel(), up.ravel()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = pen(colour, max(1.2, 0.6 * theme.line), Cap.SquareCap)
        self._segments.draw(painter, made.x, made.y, line)
        for row in np.flatnonzero(made.below + made.above + made.broken.sum(axis=1)).tolist():
            y = place.bases[row] - 0.42 * layout.pitch
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

    def _write_sigma(
        self, painter: QPainter, column: Column, place: Place, layout: HistogramLayout
    ) -> None:
        theme = layout.theme
        lift = min(0.42 * layout.pitch, 0.9 * theme.small)
        for layer, base in zip(place.layers, place.bases, strict=True):
            text = f"{layout.sigma_sign}{two_digits(float(column.sigma[layer]))}"
            at = (place.sigma_at, base - lift)
            write(painter, text, at, theme.ink_soft, theme.small, align=RIGHT)

    # -- read-out ------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: HistogramLayout) -> str:
        for column, place in zip(self._columns, layout.places, strict=True):
            if place.x.start <= at.x() <= place.sigma_at:
                row = int((at.y() - layout.plot.top()) / (place.bases[0] - layout.plot.top()))
                if 0 <= row < len(place.layers) and at.y() >= layout.plot.top():
                    return self._lines(column, place.layers[row], place.x.value(at.x()))
        return ""

    def _lines(self, column: Column, layer: int, value: float) -> str:
        lines = [f"{column.lane.letter}  hidden layer {layer + 1}"]
        histogram = column.histogram
        if histogram is not None:
            low, high = float(histogram.low[layer]), float(histogram.high[layer])
            counts = histogram.counts[layer]
            lines.append(f"from {exact(low)} to {exact(high)}")
            if low <= value <= high and high > low:
                bin_ = min(int((value - low) / (high - low) * len(counts)), len(counts) - 1)
                lines.append(f"{counts[bin_]} of {counts.sum()} values near {exact(value)}")
        lines.append(f"σ over samples {exact(float(column.sigma[layer]))}")
        return "\n".join(lines)

    def table(self) -> Table:
        header = ["lane", "label", "step", "layer", "from", "to", "count"]
        rows: list[Row] = []
        for column in self._columns:
            if column.histogram is None:
                continue
            lane, edges = column.lane, column.histogram.edges
            for layer in range(len(column.sigma)):
                start: Row = [lane.letter, lane.label, column.measured_at, layer + 1]
                counts = column.histogram.counts[layer].tolist()
                ends = zip(
                    edges[layer, :-1].tolist(), edges[layer, 1:].tolist(), counts, strict=True
                )
                rows += [[*start, low, high, count] for low, high, count in ends]
                outside = column.histogram.outside[layer].tolist()
                names = (
                    ("-inf", "lowest edge"),
                    ("highest edge", "inf"),
                    ("NaN", ""),
                    ("infinite", ""),
                )
                rows += [
                    [*start, low, high, count]
                    for (low, high), count in zip(names, outside, strict=True)
                    if count
                ]
        return header, rows
