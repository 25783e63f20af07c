"""What heat maps over a run share: layers down, steps along, a number as colour."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPaintEngine, QPainter, QPainterPath
from PySide6.QtWidgets import QWidget

from initviz.lab.recording import Track
from initviz.ui.panels.axes import Axis, Floats, exact, layer_ticks, with_number
from initviz.ui.panels.base import Panel, Row, Table
from initviz.ui.panels.drawing import CENTRE, LEFT, RIGHT, Cap, hatch, pen, width_of, write
from initviz.ui.panels.exponents import FIRST_COLOUR, UNDEFINED, ZERO, Cells, HeatMap
from initviz.ui.panels.heat_colours import Colours
from initviz.ui.panels.highlight import draw_frame
from initviz.ui.panels.time_axis import draw_position, draw_steps, end_of_time, shown_until
from initviz.ui.theme import Theme

#: More columns than this cost time and show nothing more.
MOST_COLUMNS = 300


@dataclass(frozen=True)
class Rows:
    """What the rows of a map are: `count` places, and the measured numbers of each.

    `name` is that of the number, `place` that of a row, `last` what others are relative to.
    """

    track: Track
    name: str
    place: str
    last: str
    count: int


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
    colours: Colours
    rows: str  # what the rows are; empty where there is no room for it


class OverTime(Panel[HeatLayout]):
    """A heat map with locked colours and a bar that says what they are."""

    picks_lane = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heat: HeatMap
        self._heat_for: tuple[object, ...] = ()

    @abstractmethod
    def rows(self) -> Rows:
        """The rows of the picked lane."""

    @abstractmethod
    def colours(self) -> Colours:
        """The chosen scale of colours."""

    @abstractmethod
    def to_draw(self, values: Floats) -> Floats:
        """What is coloured, on the scale of the colours, of measured rows (n, count)."""

    def number_column(self) -> str:
        """What the measured number is called in the table."""
        return "norm"

    @abstractmethod
    def drawn_column(self) -> str:
        """What is coloured is called in the table; empty where it is the number itself."""

    def drawn_text(self, _value: float) -> str:
        """What the read-out adds to a measured number; often nothing."""
        return ""

    # -- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        lane, rows, colours = self.picked, self.rows(), self.colours()
        heat_for = (lane.recording, rows.count, *self.chosen.values())
        if heat_for != self._heat_for:
            self._heat_for = heat_for
            self._heat = HeatMap(rows.count, lambda values: colours.cells(self.to_draw(values)))
        self._end = end_of_time([lane], self.option("span"))
        columns = min(MOST_COLUMNS, self._end + 1)
        self._steps = np.linspace(0, self._end, columns).round().astype(np.int64)
        self._heat.update(rows.track, self._steps, self._last)

    # -- layout --------------------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> HeatLayout:
        theme, label = self.theme, self.theme.label
        colours, layers = self.colours(), len(self._heat.cells)
        tall = size.height() > 12 * label
        named = self.is_presented and tall  # what the rows are
        left = theme.gap + (0.8 + 1.5 * named) * label + width_of(str(layers), label)
        bar = 0.5 * theme.gap + 0.7 * label
        plot = QRectF(left, 0.7 * label, 0.0, 0.0)
        plot.setBottom(max(size.height() - (3.5 if tall else 2.0) * label, plot.top() + 20))
        texts = [text for _, text in colours.ticks(plot.height(), 2.2 * label)]
        scale = max(width_of(text, label) for text in texts) + 0.5 * label
        right = theme.gap + scale + bar + 1.3 * theme.gap
        plot.setWidth(max(size.width() - left - right, 20))
        half = 0.5 * plot.width() / len(self._steps)
        return HeatLayout(
            theme=theme,
            size=size,
            plot=plot,
            bar=QRectF(plot.right() + 1.3 * theme.gap, plot.top(), bar, plot.height()),
            x=Axis(0, self._end, plot.left() + half, plot.right() - half),
            y=Axis(0.5, layers + 0.5, plot.top(), plot.bottom()),
            numbers=with_number(
                layer_ticks(layers, max(2, int(plot.height() / (1.5 * label)))),
                self._marked_row if self._marked_row <= layers else 0,
            ),
            colours=colours,
            rows=self.rows().place if named else "",
        )

    def draw_backdrop(self, painter: QPainter, layout: HeatLayout) -> None:
        theme, label = layout.theme, layout.theme.label
        for number in layout.numbers:
            at = (layout.plot.left() - 0.7 * label, layout.y(float(number)))
            write(painter, str(number), at, theme.ink_soft, label, align=RIGHT)
        tall = layout.size.height() > 12 * label
        draw_steps(painter, theme, layout.plot, layout.x, titled=tall)
        self._draw_bar(painter, layout)
        if layout.rows:
            write_upwards(painter, layout.rows, layout.plot, theme)

    def _draw_bar(self, painter: QPainter, layout: HeatLayout) -> None:
        theme, bar, label = layout.theme, layout.bar, layout.theme.label
        entries = np.arange(255, FIRST_COLOUR - 1, -1, dtype=np.uint8)[:, None]
        draw_cells(painter, entries, layout.colours.table(theme), bar)
        scale = Axis(*layout.colours.ends, bar.bottom(), bar.top())
        for value, text in layout.colours.ticks(bar.height(), 2.2 * label):
            y = scale(value)
            painter.setPen(pen(theme.axis, 1, Cap.FlatCap))
            painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y))
            at = (bar.right() + 0.5 * label, y)
            write(painter, text, at, theme.ink_soft, label, align=LEFT)

    @property
    def _last(self) -> int:
        """The last step that is shown."""
        return shown_until(self.picked, self.option("span"))

    @property
    def _marked_row(self) -> int:
        """The row of the layer that is marked; 0 where there is none."""
        return self.marked_place if self.rows().place == "hidden layer" else 0

    # -- marks ---------------------------------------------------------------------------------

    def draw_marks(self, painter: QPainter, layout: HeatLayout) -> None:
        theme, cells = layout.theme, self._heat.cells
        draw_cells(painter, cells, layout.colours.table(theme), layout.plot)
        undefined, zero = cells == UNDEFINED, cells == ZERO
        if undefined.any():
            hatch(painter, cell_area(undefined, layout.plot), theme.surface, theme.axis)
        names = [("0", theme.blank)] if zero.any() else []
        names += [("NaN or ∞", "")] if undefined.any() else []
        if self.highlight and 0 < self._marked_row <= len(cells):
            top, bottom = layout.y(self._marked_row - 0.5), layout.y(self._marked_row + 0.5)
            left, width = layout.plot.left(), layout.plot.width()
            draw_frame(painter, theme, QRectF(left, top, width, bottom - top))
        self._draw_names(painter, layout, names)
        span = self.option("span")
        draw_position(painter, theme, layout.plot, layout.x, [self.picked], span)

    def _draw_names(
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
        place, step = round(layout.y.value(at.y())), round(layout.x.value(at.x()))
        place, rows = min(max(place, 1), len(self._heat.cells)), self.rows()
        measured = rows.track.row_before(step)
        if step > self._last or measured < 0:
            return ""
        values = rows.track.values[measured, : rows.count]
        return (
            f"{self.picked.letter}  {rows.place} {place}, step {rows.track.steps[measured]}\n"
            f"{rows.name} = {exact(float(values[place - 1]))}"
            f"{self.drawn_text(float(self.to_draw(values)[place - 1]))}"
        )

    def table(self) -> Table:
        lane, rows, drawn = self.picked, self.rows(), self.drawn_column()
        measured = rows.track.row_before(self._last) + 1
        values = rows.track.values[:measured, : rows.count]
        column = rows.place.removeprefix("hidden ")
        header = [
            "lane",
            "label",
            "step",
            column,
            self.number_column(),
            *([drawn] if drawn else []),
        ]
        shown = self.to_draw(values)
        made: list[Row] = [
            [lane.letter, lane.label, int(step), place + 1, number, *([seen] if drawn else [])]
            for step, numbers, row in zip(
                rows.track.steps[:measured], values.tolist(), shown.tolist(), strict=True
            )
            for place, (number, seen) in enumerate(zip(numbers, row, strict=True))
        ]
        return header, made


def write_upwards(painter: QPainter, text: str, plot: QRectF, theme: Theme) -> None:
    """What the rows of a plot are, along the left edge of the chart."""
    painter.save()
    painter.translate(theme.gap + 0.3 * theme.label, plot.center().y())
    painter.rotate(-90)
    write(painter, text, (0, 0), theme.ink_soft, theme.label, align=CENTRE)
    painter.restore()


def draw_cells(painter: QPainter, cells: Cells, colours: list[int], target: QRectF) -> None:
    """An image of cells (rows, columns) with hard edges between them."""
    kept = np.ascontiguousarray(cells)
    height, width = kept.shape
    image = QImage(kept.data, width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(colours)
    if painter.paintEngine().type() == QPaintEngine.Type.SVG:
        # What shows an SVG smooths small images: give it one with edges of its own.
        image = image.scaled((target.size() * 2).toSize())
    # The same pixels as of indexed ones, for which Qt looks up each pixel of the target: ten times
    # as long.
    image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
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
