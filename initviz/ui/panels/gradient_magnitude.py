"""How large the gradients of every layer are: the signal ∂L/∂z and the weights' ∂L/∂W."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter

from initviz.lab.diagnosis import EXPLODING, VANISHING
from initviz.ui.panels.axes import DECADES, Axis, Floats, exact, layer_ticks, power, short_power
from initviz.ui.panels.base import Option, Panel, Row, Shown, Table
from initviz.ui.panels.drawing import (
    CENTRE,
    RIGHT,
    Cap,
    Weight,
    discs,
    edge_mark,
    line_path,
    pen,
    spread,
    squares,
    width_of,
    write,
    write_lane,
)
from initviz.ui.panels.exponents import exponents, relative_exponents
from initviz.ui.theme import Theme, mix

#: The two kinds of gradient: quantity, how it is drawn, and its name in the legend.
KINDS: dict[str, tuple[str, str]] = {
    "signal": ("signal_gradient_norm", "signal ∂L/∂z"),
    "weights": ("weight_gradient_norm", "weights ∂L/∂W"),
}
_BAND = (math.log10(VANISHING), math.log10(EXPLODING))


@dataclass(frozen=True)
class Series:
    """One kind of gradient of one lane.

    `norms` (H,) of the hidden layers; `exponents` (H,) is log10 of what is drawn: NaN where that
    is undefined, −∞ for exact zeros, +∞ for infinity.
    """

    lane: Shown
    kind: str
    measured_at: int
    norms: Floats
    exponents: Floats


@dataclass(frozen=True)
class GradientLayout:
    """All that the backdrop depends on."""

    theme: Theme
    plot: QRectF
    x: Axis
    y: Axis
    layers: int
    exponents: tuple[int, ...]
    numbers: tuple[int, ...]
    every: int  # a mark at every n-th layer
    band: bool
    names: float  # pixels for names at the right; 0 where there is room for letters alone
    titled: bool


def mark_every(layers: int, pixels: float, diameter: float) -> int:
    """1 where marks of this diameter fit at every layer, else every how many layers they do."""
    most = max(1, int(pixels / (1.25 * diameter)))
    return next(n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, layers) if layers <= n * most)


class GradientMagnitude(Panel[GradientLayout]):
    """log10 of the gradient norms against the hidden layers."""

    name = "gradient_magnitude"
    title = "Gradient magnitude"
    how_to_read = (
        "Each point is the size of a gradient at one hidden layer, on an axis of powers of ten "
        "that never rescales itself. Circles are the signal ∂L/∂z that is sent back from the "
        "loss; read it from right to left. Where it falls towards the left it vanishes, where it "
        "rises it explodes; in the shaded band it is healthy. Squares are ∂L/∂W, what the "
        "weights of that layer learn from: the signal times what came forward. What leaves the "
        "axis is marked at its edge with its value."
    )
    every = 2
    options = (
        Option(
            "scale",
            "Gradient",
            {"relative": "relative", "absolute": "absolute"},
        ),
        Option("axis", "Axis", {key: decades.label for key, decades in DECADES.items()}),
    )

    # -- reading ---------------------------------------------------------------------------------

    def read(self) -> None:
        relative = self.option("scale") == "relative"
        series = [self._read_series(lane, kind, relative) for lane in self.shown for kind in KINDS]
        self._series = [one for one in series if one.measured_at >= 0]

    def _read_series(self, lane: Shown, kind: str, relative: bool) -> Series:
        step, row = lane.recording.latest(KINDS[kind][0], lane.step)
        norms = row[: len(lane.recording.layers) - 1].copy()
        drawn = relative_exponents(norms) if relative else exponents(norms)
        return Series(lane, kind, step, norms, drawn)

    def subtitle(self) -> str:
        relative = self.option("scale") == "relative"
        what = "relative to the last hidden layer" if relative else "Frobenius norm"
        return f"{what} · {step_text(self.shown, {s.measured_at for s in self._series})}"

    # -- layout ----------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> GradientLayout:
        theme, decades = self.theme, DECADES[self.option("axis")]
        layers = max(len(lane.recording.layers) for lane in self.shown) - 1
        label, titled = theme.label, size.height() > 14 * theme.label
        left = 2 * theme.gap + width_of(power(decades.low), label)
        names = max(width_of(f"{s.letter} {s.label}", label, Weight.Medium) for s in self.shown)
        legend = width_of(KINDS["weights"][1], label) + 1.8 * label
        room = min(max(names, legend), 0.3 * size.width())
        if room < legend:
            room = 0.0
        right = 2 * theme.gap + (room or label)
        bottom = (3.9 if titled else 1.9) * label
        plot = QRectF(left, 0.9 * label, size.width() - left - right, 0.0)
        plot.setBottom(max(size.height() - bottom, plot.top() + 20))
        number = width_of(str(layers), label) + 0.8 * label
        return GradientLayout(
            theme=theme,
            plot=plot,
            x=Axis(0.5, layers + 0.5, plot.left(), plot.right()),
            y=Axis(decades.low, decades.high, plot.bottom(), plot.top()),
            layers=layers,
            exponents=tuple(decades.ticks(plot.height(), 2.3 * label)),
            numbers=tuple(layer_ticks(layers, max(2, int(plot.width() / number)))),
            every=mark_every(layers, plot.width(), theme.mark),
            band=self.option("scale") == "relative",
            names=room,
            titled=titled,
        )

    def draw_backdrop(self, painter: QPainter, layout: GradientLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        if layout.band:
            self._draw_band(painter, layout)
        for exponent in layout.exponents:
            y = round(layout.y(float(exponent))) + 0.5
            painter.setPen(pen(theme.grid, 1, Cap.FlatCap))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            at = (plot.left() - 0.8 * label, y)
            write(painter, power(exponent), at, theme.ink_soft, label, align=RIGHT)
        y = plot.bottom() + 1.25 * label
        for number in layout.numbers:
            at = (layout.x(float(number)), y)
            write(painter, str(number), at, theme.ink_soft, label, align=CENTRE)
        if layout.titled:
            self._draw_axis_title(painter, layout)
        self._draw_legend(painter, layout)

    def _draw_band(self, painter: QPainter, layout: GradientLayout) -> None:
        theme, plot = layout.theme, layout.plot
        top, bottom = layout.y(_BAND[1]), layout.y(_BAND[0])
        band = QRectF(plot.left(), top, plot.width(), bottom - top)
        painter.fillRect(band, QColor(theme.healthy_band))
        if band.height() > 1.6 * theme.label:
            at = (plot.left() + 0.6 * theme.label, bottom - 0.9 * theme.label)
            write(
                painter, "healthy", at, theme.healthy_text, theme.label, ground=theme.healthy_band
            )

    def _draw_axis_title(self, painter: QPainter, layout: GradientLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        y = plot.bottom() + 3.1 * label
        every = "" if layout.every == 1 else f", a mark for {layout.every} layers"
        long = f"hidden layer (input side is left{every})"
        arrow = 3.2 * label
        fits = width_of(long, label) < plot.width() - 2 * arrow
        text = long if fits else "hidden layer"
        write(painter, text, (plot.center().x(), y), theme.ink_soft, label, align=CENTRE)
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

    def _draw_legend(self, painter: QPainter, layout: GradientLayout) -> None:
        theme, plot, label = layout.theme, layout.plot, layout.theme.label
        pitch = 1.9 * label
        widest = max(width_of(name, label) for _, name in KINDS.values())
        inside = plot.right() - widest - 2.2 * label
        left = plot.right() + theme.gap if layout.names else inside
        top = plot.bottom() - pitch * (len(KINDS) - (0.1 if layout.names else 0.4))
        if not layout.names and plot.height() < 8 * label:
            return
        for row, (kind, (_, name)) in enumerate(KINDS.items()):
            y = top + row * pitch
            at = np.array([left + 0.5 * theme.mark]), np.array([y])
            draw_series_marks(painter, kind, *at, theme.axis, theme)
            write(painter, name, (left + theme.mark + 0.7 * label, y), theme.ink_soft, label)

    # -- marks -----------------------------------------------------------------------------------

    def draw_words(self, painter: QPainter, layout: GradientLayout) -> None:
        self._draw_lanes(painter, layout)

    def draw_marks(self, painter: QPainter, layout: GradientLayout) -> None:
        painter.save()
        grown = 0.5 * layout.theme.mark + 1
        painter.setClipRect(layout.plot.adjusted(-grown, -grown, grown, grown))
        for series in reversed(self._series):
            self._draw_series(painter, series, layout)
        painter.restore()
        self._draw_leavers(painter, layout)

    def _draw_series(self, painter: QPainter, series: Series, layout: GradientLayout) -> None:
        theme = layout.theme
        colour = theme.lanes[series.lane.index]
        x = layout.x(np.arange(1.0, len(series.exponents) + 1))
        finite = np.where(np.isfinite(series.exponents), series.exponents, np.nan)
        y = layout.y(finite)
        if series.kind == "signal" or layout.every > 1:
            # Opaque, though it looks see-through: Qt strokes wide translucent lines slowly.
            width = theme.line if series.kind == "signal" else 0.5 * theme.line
            painter.setPen(pen(mix(colour, theme.surface, 0.45), width))
            painter.save()
            painter.setClipRect(layout.plot)
            painter.drawPath(line_path(x, y))
            painter.restore()
        shown = self._on_axis(series, layout)
        if layout.every > 1:
            number = np.arange(1, len(x) + 1)
            shown &= (number % layout.every == 0) | (number == 1) | (number == len(x))
        draw_series_marks(painter, series.kind, x[shown], y[shown], colour, theme)

    @staticmethod
    def _on_axis(
        series: Series, layout: GradientLayout
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        with np.errstate(invalid="ignore"):
            inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
                series.exponents >= layout.y.low
            ) & (series.exponents <= layout.y.high)
        return inside

    def _draw_leavers(self, painter: QPainter, layout: GradientLayout) -> None:
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
        layout: GradientLayout,
    ) -> None:
        theme = layout.theme
        marks_end = words_end = -math.inf
        last_word = ""
        size = 0.75 * theme.mark
        colour = theme.lanes[series.lane.index]
        fill = colour if series.kind == "signal" else theme.surface
        line = pen(colour, max(1.0, 0.6 * theme.line))
        for layer, kind, word in leavers:
            x = layout.x(float(layer))
            if x - 0.5 * size >= marks_end:
                edge_mark(painter, kind, QPointF(x, heights[0]), size, fill, line)
                marks_end = x + 0.55 * size
            half = width_of(word, theme.small) / 2
            middle = max(x, layout.plot.left() + half + 2)
            if word != last_word and middle - half >= words_end:
                ink, ground = theme.lane_text[series.lane.index], theme.surface
                at = (middle, heights[1])
                write(painter, word, at, ink, theme.small, align=CENTRE, ground=ground)
                words_end, last_word = middle + half + 0.6 * theme.small, word

    @staticmethod
    def _leavers(
        series: Series, layout: GradientLayout, edge: str
    ) -> Iterator[tuple[int, str, str]]:
        """(layer, mark, word) of what leaves the axis at "top" or "bottom"."""
        low, high = layout.y.low, layout.y.high
        for layer, exponent in enumerate(series.exponents.tolist(), start=1):
            at_top = math.isnan(exponent) or exponent > high
            if at_top != (edge == "top") or low <= exponent <= high:
                continue
            if math.isnan(exponent):
                mark = "undefined"
            elif at_top:
                mark = "above"
            else:
                mark = "zero" if exponent == -math.inf else "below"
            yield layer, mark, short_power(exponent)

    def _draw_lanes(self, painter: QPainter, layout: GradientLayout) -> None:
        """Each lane's letter and label, at the right end of its line."""
        theme, plot = layout.theme, layout.plot
        signals = [series for series in self._series if series.kind == "signal"]
        wanted = [self._end(series, layout) for series in signals]
        inset = 0.8 * theme.label
        bottom = plot.bottom() - inset
        if layout.names:
            bottom -= 1.9 * theme.label * (len(KINDS) + 0.5)  # where the legend is
        places = spread(wanted, 1.9 * theme.label, plot.top() + inset, bottom)
        for lane, y in zip((series.lane for series in signals), places, strict=True):
            at = (plot.right() + theme.gap, y)
            colour, room = theme.lane_text[lane.index], layout.names
            write_lane(painter, lane.letter, lane.label, at, colour, theme.label, room=room)

    @staticmethod
    def _end(series: Series, layout: GradientLayout) -> float:
        """Where a series ends, in pixels; ends that coincide differ by a hair, as their lines."""
        finite = series.exponents[np.isfinite(series.exponents)]
        if len(finite):
            return layout.y(float(finite[-1])) - 1e-3 * float(finite.mean())
        lost = np.isnan(series.exponents).any()
        return layout.plot.top() if lost else layout.plot.bottom()

    # -- read-out --------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: GradientLayout) -> str:
        layer = round(layout.x.value(at.x()))
        if not 1 <= layer <= layout.layers or at.y() > layout.plot.bottom() + 4:
            return ""
        lines = [f"hidden layer {layer}"]
        lines += [self._line(s, layer - 1) for s in self._series if layer <= len(s.norms)]
        return "\n".join(lines)

    def _line(self, series: Series, layer: int) -> str:
        name, norm = KINDS[series.kind][1], float(series.norms[layer])
        text = f"{series.lane.letter}  {name} = {exact(norm)}"
        if self.option("scale") == "relative":
            text += f",  relative {short_power(float(series.exponents[layer]))}"
        return text

    def table(self) -> Table:
        header = ["lane", "label", "step", "layer", "gradient", "norm", "log10 of what is drawn"]
        rows: list[Row] = [
            [
                s.lane.letter,
                s.lane.label,
                s.measured_at,
                layer,
                s.kind,
                float(norm),
                float(exponent),
            ]
            for s in self._series
            for layer, (norm, exponent) in enumerate(
                zip(s.norms, s.exponents, strict=True), start=1
            )
        ]
        return header, rows


def draw_series_marks(
    painter: QPainter, kind: str, x: Floats, y: Floats, colour: str, theme: Theme
) -> None:
    """The marks of one kind of gradient: discs for the signal, hollow squares for the weights."""
    if kind == "signal":
        discs(painter, x, y, colour, theme.mark)
    else:
        squares(painter, x, y, pen(colour, 0.85 * theme.line), 0.8 * theme.mark)


def step_text(shown: tuple[Shown, ...], measured: set[int]) -> str:
    """The step that is shown, and that of the measurement where it is an earlier one."""
    step = shown[0].step
    if measured == {step} or not measured or max(measured) < 0:
        return f"step {step}"
    return f"measured at {max(measured)} · step {step}"
