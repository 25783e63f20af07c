"""How the gradients of all layers fare over a run: layers down, steps along, size as colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPaintEngine, QPainter, QPainterPath
from PySide6.QtWidgets import QWidget

from initviz.lab.recording import Track
from initviz.ui.panels.axes import DECADES, Axis, exact, layer_ticks, power, short_power
from initviz.ui.panels.base import Option, Panel, Row, Table
from initviz.ui.panels.drawing import LEFT, RIGHT, Cap, hatch, pen, width_of, write
from initviz.ui.panels.exponents import (
    FIRST_COLOUR,
    UNDEFINED,
    ZERO,
    Cells,
    HeatMap,
    colour_table,
    relative_exponents,
)
from initviz.ui.panels.gradient_magnitude import KINDS
from initviz.ui.panels.time_axis import draw_position, draw_steps, end_of_time
from initviz.ui.theme import Theme

#: More columns than this cost time and show nothing more.
MOST_COLUMNS = 300


@dataclass(frozen=True)
class HeatLayout:
    """All that the backdrop depends on."""

    theme: Theme
    size: QSizeF
    plot: QRectF
    bar: QRectF
    x: Axis
    y: Axis
    numbers: tuple[int, ...]
    axis: str


class GradientOverTime(Panel[HeatLayout]):
    """A heat map with locked colours: log10 of a gradient over that of the last hidden layer."""

    name = "gradient_over_time"
    title = "Gradient over time"
    how_to_read = (
        "Each row is a hidden layer, layer 1 on top, each column a step. The colour is the size "
        "of the gradient there, relative to the last hidden layer, on colours that never rescale "
        "themselves: dark blue has vanished, yellow is as large as at the last layer, red "
        "explodes. A layer that learns late brightens on its way to the right. Cells that are "
        "exactly 0, or no number, have a look of their own."
    )
    options = (
        Option("of", "Gradient", {"signal": "signal", "weights": "weights"}),
        Option("axis", "Colours", {key: decades.label for key, decades in DECADES.items()}),
    )
    picks_lane = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heat: HeatMap
        self._heat_for: tuple[object, ...] = ()

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        lane, decades = self.picked, DECADES[self.option("axis")]
        recording = lane.recording
        heat_for = (recording, self.option("of"), self.option("axis"))
        if heat_for != self._heat_for:
            self._heat_for = heat_for
            self._heat = HeatMap(len(recording.layers) - 1, decades)
        self._end = end_of_time([lane])
        columns = min(MOST_COLUMNS, self._end + 1)
        self._steps = np.linspace(0, self._end, columns).round().astype(np.int64)
        self._heat.update(self._track, self._steps, recording.last_step)

    @property
    def _track(self) -> Track:
        return self.picked.recording.track(KINDS[self.option("of")][0])

    def subtitle(self) -> str:
        what = KINDS[self.option("of")][1]
        return f"relative to the last hidden layer · {self.picked.letter} · {what}"

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> HeatLayout:
        theme, label = self.theme, self.theme.label
        decades = DECADES[self.option("axis")]
        layers = len(self._heat.cells)
        left = theme.gap + 0.8 * label + width_of(str(layers), label)
        scale = width_of("≤ " + power(decades.low), label) + 0.5 * label
        bar = 0.5 * theme.gap + 0.7 * label
        right = theme.gap + scale + bar + 1.3 * theme.gap
        tall = size.height() > 12 * label
        plot = QRectF(left, 0.7 * label, max(size.width() - left - right, 20), 0.0)
        plot.setBottom(max(size.height() - (3.5 if tall else 2.0) * label, plot.top() + 20))
        half = 0.5 * plot.width() / len(self._steps)
        return HeatLayout(
            theme=theme,
            size=size,
            plot=plot,
            bar=QRectF(plot.right() + 1.3 * theme.gap, plot.top(), bar, plot.height()),
            x=Axis(0, self._end, plot.left() + half, plot.right() - half),
            y=Axis(0.5, layers + 0.5, plot.top(), plot.bottom()),
            numbers=tuple(layer_ticks(layers, max(2, int(plot.height() / (1.5 * label))))),
            axis=self.option("axis"),
        )

    def draw_backdrop(self, painter: QPainter, layout: HeatLayout) -> None:
        theme, label = layout.theme, layout.theme.label
        for number in layout.numbers:
            at = (layout.plot.left() - 0.7 * label, layout.y(float(number)))
            write(painter, str(number), at, theme.ink_soft, label, align=RIGHT)
        tall = layout.size.height() > 12 * label
        draw_steps(painter, theme, layout.plot, layout.x, titled=tall)
        self._draw_bar(painter, layout)

    def _draw_bar(self, painter: QPainter, layout: HeatLayout) -> None:
        theme, bar, label = layout.theme, layout.bar, layout.theme.label
        decades = DECADES[layout.axis]
        colours = np.arange(255, FIRST_COLOUR - 1, -1, dtype=np.uint8)[:, None]
        draw_cells(painter, colours, colour_table(theme, decades), bar)
        scale = Axis(decades.low, decades.high, bar.bottom(), bar.top())
        beyond = {decades.low: "≤ ", decades.high: "≥ "}
        for exponent in decades.ticks(bar.height(), 2.2 * label):
            y = scale(float(exponent))
            painter.setPen(pen(theme.axis, 1, Cap.FlatCap))
            painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y))
            at = (bar.right() + 0.5 * label, y)
            text = beyond.get(exponent, "") + power(exponent)
            write(painter, text, at, theme.ink_soft, label, align=LEFT)

    # -- marks ---------------------------------------------------------------------------------

    def draw_marks(self, painter: QPainter, layout: HeatLayout) -> None:
        theme, cells = layout.theme, self._heat.cells
        draw_cells(painter, cells, colour_table(theme, DECADES[layout.axis]), layout.plot)
        undefined, zero = cells == UNDEFINED, cells == ZERO
        if undefined.any():
            hatch(painter, cell_area(undefined, layout.plot), theme.surface, theme.axis)
        names = [("0", theme.blank)] if zero.any() else []
        names += [("NaN or ∞", "")] if undefined.any() else []
        self._draw_words(painter, layout, names)
        draw_position(painter, theme, layout.plot, layout.x, [self.picked])

    def _draw_words(
        self, painter: QPainter, layout: HeatLayout, names: list[tuple[str, str]]
    ) -> None:
        """What the colours mean that are no values; only those that are there."""
        theme, label = layout.theme, layout.theme.label
        right, y = layout.size.width() - theme.gap, layout.size.height() - 0.8 * label
        for name, colour in reversed(names):
            box = write(painter, name, (right, y), theme.ink_soft, theme.small, align=RIGHT)
            swatch = QRectF(box.left() - 1.3 * label, y - 0.4 * label, 0.8 * label, 0.8 * label)
            path = QPainterPath()
            path.addRect(swatch)
            if colour:
                painter.fillPath(path, QColor(colour))
            else:
                hatch(painter, path, theme.surface, theme.axis)
            painter.setPen(pen(theme.axis, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
            right = swatch.left() - label

    # -- read-out ------------------------------------------------------------------------------

    def describe(self, at: QPointF, layout: HeatLayout) -> str:
        if not layout.plot.contains(at):
            return ""
        layer, step = round(layout.y.value(at.y())), round(layout.x.value(at.x()))
        quantity, name = KINDS[self.option("of")]
        recording = self.picked.recording
        if step > recording.last_step:
            return ""
        measured, row = recording.latest(quantity, step)
        hidden = row[: len(self._heat.cells)]
        relative = short_power(float(relative_exponents(hidden)[layer - 1]))
        return (
            f"{self.picked.letter}  hidden layer {layer}, step {measured}\n"
            f"{name} = {exact(float(hidden[layer - 1]))},  relative {relative}"
        )

    def table(self) -> Table:
        lane, track = self.picked, self._track
        hidden = track.values[:, : len(self._heat.cells)]
        powers = relative_exponents(hidden)
        header = ["lane", "label", "step", "layer", "norm", "log10 relative to the last layer"]
        rows: list[Row] = [
            [lane.letter, lane.label, int(step), layer + 1, float(norm), float(exponent)]
            for step, norms, row in zip(track.steps, hidden, powers, strict=True)
            for layer, (norm, exponent) in enumerate(zip(norms, row, strict=True))
        ]
        return header, rows


def draw_cells(painter: QPainter, cells: Cells, colours: list[int], target: QRectF) -> None:
    """An image of cells (rows, columns) with hard edges between them."""
    kept = np.ascontiguousarray(cells)
    height, width = kept.shape
    image = QImage(kept.data, width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(colours)
    if painter.paintEngine().type() == QPaintEngine.Type.SVG:
        # What shows an SVG smooths small images: give it one with edges of its own.
        image = image.scaled((target.size() * 2).toSize())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(target, image)


def cell_area(which: np.ndarray[tuple[int, int], np.dtype[np.bool_]], plot: QRectF) -> QPainterPath:
    """The area of some cells: a rectangle for each run along a row."""
    path = QPainterPath()
    rows, columns = which.shape
    width, height = plot.width() / columns, plot.height() / rows
    edges = np.diff(np.pad(which, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    for (row, first), (_, last) in zip(np.argwhere(edges > 0), np.argwhere(edges < 0), strict=True):
        left, top = plot.left() + first * width, plot.top() + row * height
        path.addRect(QRectF(left, top, (last - first) * width, height))
    return path
