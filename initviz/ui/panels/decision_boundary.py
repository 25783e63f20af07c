"""The decision boundary: what the network says of every place of data with two features."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPolygonF

from initviz.lab.boundary import SIDE, Plane, plane, refined, seams
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.datasets import DATASETS
from initviz.lab.replay_limits import not_in_the_plane
from initviz.ui.panels.axes import Axis, Floats, exact, step_up
from initviz.ui.panels.base import Option, Row, Shown, Table
from initviz.ui.panels.closer_look import CloserLook, LookLayout, signed
from initviz.ui.panels.drawing import CENTRE, RIGHT, Cap, hatch, pen, write
from initviz.ui.panels.over_time import cell_area
from initviz.ui.theme import Theme, channels, mix

#: Points that are drawn: more would hide what is under them.
MOST_POINTS = 400
#: Between the places of the grid so many are drawn along each side.
FINER = 4
#: How strong the colours are where a class is certain.
STRENGTH = 0.62
#: The marks of the classes, one after the other, as polygons around 0; the first is a disc.
MARKS: tuple[tuple[tuple[float, float], ...], ...] = (
    (),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((-1.1, 0.9), (0.0, -1.1), (1.1, 0.9)),
    ((-1.2, 0.0), (0.0, -1.2), (1.2, 0.0), (0.0, 1.2)),
)


class DecisionBoundary(CloserLook[Plane]):
    """Class probabilities as colours, with the training points on top."""

    name = "decision_boundary"
    is_upright = True
    title = "Decision boundary"
    short_title = "Boundary"
    how_to_read = (
        "The plane of the two inputs, unscaled, as the network sees it at this step: each place "
        "has the colour of the class that it is given there, the stronger the more certain, and "
        "dark lines run where the likeliest class changes. The marks are samples of the training "
        "part, each class with its own colour and shape; a mark on ground of another colour is "
        "classified wrong. Ground of one even pale colour says that the network answers the same "
        "everywhere: it does not see its inputs. A straight line says that its layers act as one "
        "linear map. Batch normalisation uses the training part's statistics, and there is no "
        "dropout here."
    )
    group = "Network"
    options = (Option("points", "Samples", {"shown": "samples shown", "hidden": "no samples"}),)

    # -- looking -----------------------------------------------------------------------------------

    def why_not(self, lane: Shown) -> str:
        return not_in_the_plane(lane.recording.experiment)

    def subject(self, lane: Shown) -> Hashable:
        return ()

    def question(self, lane: Shown, checkpoint: Checkpoint) -> Callable[[], Plane]:
        return partial(plane, checkpoint)

    def what(self, found: Plane) -> str:
        data = DATASETS[self.picked.recording.experiment.training.data].label
        if np.isnan(found.probabilities).all():
            return f"{data} · the network answers NaN everywhere"
        return f"class probability · {data} · {100 * found.right:.3g} % right"

    # -- drawing -----------------------------------------------------------------------------------

    def draw_found(self, painter: QPainter, layout: LookLayout, found: Plane) -> None:
        theme, plot = layout.theme, self._plot(layout)
        self._draw_ground(painter, theme, found, plot)
        painter.save()
        painter.setClipRect(plot)
        if self.option("points") == "shown":
            self._draw_points(painter, theme, found, plot)
        painter.restore()
        painter.setPen(pen(theme.axis, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(plot)
        self._draw_axes(painter, layout, found, plot)
        self._draw_legend(painter, layout, found)

    @staticmethod
    def _plot(layout: LookLayout) -> QRectF:
        theme, label, size = layout.theme, layout.theme.label, layout.size
        left, top = theme.gap + 3.2 * label, 0.7 * label
        width = max(size.width() - left - 1.5 * theme.gap, 20.0)
        return QRectF(left, top, width, max(size.height() - top - 4.1 * label, 20.0))

    def _draw_ground(self, painter: QPainter, theme: Theme, found: Plane, plot: QRectF) -> None:
        fine = refined(found.probabilities, FINER)
        unknown: NDArray[np.bool_] = np.isnan(fine.sum(axis=2))
        of_classes = np.array([channels(c) for c in class_colours(theme, found.classes)])
        ground = np.array(channels(theme.surface), dtype=np.float64)
        with np.errstate(invalid="ignore"):
            sure = STRENGTH * certainty(fine)[:, :, None]
            mixed = ground + sure * (fine @ of_classes.astype(np.float64) - ground)
        mixed[seams(np.nan_to_num(fine)) & ~unknown] = channels(theme.ink)
        mixed[unknown] = ground
        pixels = np.ascontiguousarray(mixed.round().astype(np.uint8))
        high, wide = pixels.shape[:2]
        image = QImage(pixels.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(plot, image)
        painter.restore()
        if unknown.any():
            hatch(painter, cell_area(unknown, plot), theme.surface, theme.axis)

    def _draw_points(self, painter: QPainter, theme: Theme, found: Plane, plot: QRectF) -> None:
        size = max(2.6, 0.26 * theme.mark)
        x, y = self._axes(found, plot)
        outline = pen(theme.surface, 0.9)
        few = np.unique(np.linspace(0, len(found.points) - 1, MOST_POINTS).astype(np.int64))
        colours = class_colours(theme, found.classes)
        painter.setPen(outline)
        for point, label in zip(
            found.points[few].tolist(), found.labels[few].tolist(), strict=True
        ):
            painter.setBrush(QColor(mix(colours[label], theme.ink, 0.25)))
            draw_mark(painter, label, QPointF(x(point[0]), y(point[1])), size)

    @staticmethod
    def _axes(found: Plane, plot: QRectF) -> tuple[Axis, Axis]:
        (left, low), (right, high) = found.low.tolist(), found.high.tolist()
        return Axis(left, right, plot.left(), plot.right()), Axis(
            low, high, plot.bottom(), plot.top()
        )

    def _draw_axes(self, painter: QPainter, layout: LookLayout, found: Plane, plot: QRectF) -> None:
        theme, label = layout.theme, layout.theme.label
        x, y = self._axes(found, plot)
        for value in round_values(x.low, x.high, plot.width() / (4 * label)):
            at = (x(value), plot.bottom() + 1.0 * label)
            write(painter, written(value), at, theme.ink_soft, label, align=CENTRE)
            self._tick(painter, theme, QPointF(x(value), plot.bottom()), QPointF(0, 3))
        for value in round_values(y.low, y.high, plot.height() / (2.5 * label)):
            at = (plot.left() - 0.6 * label, y(value))
            write(painter, written(value), at, theme.ink_soft, label, align=RIGHT)
            self._tick(painter, theme, QPointF(plot.left(), y(value)), QPointF(-3, 0))
        at = (plot.right(), plot.bottom() + 2.1 * label)
        write(painter, "→ x₁,  ↑ x₂", at, theme.ink_soft, label, align=RIGHT)

    @staticmethod
    def _tick(painter: QPainter, theme: Theme, at: QPointF, way: QPointF) -> None:
        painter.setPen(pen(theme.axis, 1, Cap.FlatCap))
        painter.drawLine(at, at + way)

    def _draw_legend(self, painter: QPainter, layout: LookLayout, found: Plane) -> None:
        theme, label = layout.theme, layout.theme.label
        x, y = layout.theme.gap + 0.5 * label, layout.size.height() - 0.9 * label
        for number, colour in enumerate(class_colours(theme, found.classes)):
            painter.setPen(pen(theme.surface, 0.9))
            painter.setBrush(QColor(mix(colour, theme.ink, 0.25)))
            draw_mark(painter, number, QPointF(x, y), 0.4 * label)
            box = write(painter, f"class {number}", (x + 0.8 * label, y), theme.ink_soft, label)
            x = box.right() + 1.6 * label
            if x + 4 * label > layout.size.width() and number + 1 < found.classes:
                write(painter, "…", (x - 0.6 * label, y), theme.ink_soft, label)
                return

    # -- read-out ----------------------------------------------------------------------------------

    def describe_found(self, at: QPointF, layout: LookLayout, found: Plane) -> str:
        plot = self._plot(layout)
        if not plot.contains(at):
            return ""
        x, y = self._axes(found, plot)
        column = min(round((at.x() - plot.left()) / plot.width() * (SIDE - 1)), SIDE - 1)
        row = min(round((at.y() - plot.top()) / plot.height() * (SIDE - 1)), SIDE - 1)
        shares = found.probabilities[row, column]
        across, up = signed(exact(x.value(at.x()))), signed(exact(y.value(at.y())))
        place = f"x₁ = {across}, x₂ = {up}"
        order = np.argsort(-shares)[:4].tolist()
        lines = [f"class {number}: {exact(float(shares[number]))}" for number in order]
        return "\n".join([f"{self.picked.letter}  {place}", *lines])

    def table(self) -> Table:
        found, lane = self.found, self.picked
        classes = [f"class {number}" for number in range(found.classes if found else 0)]
        header = ["lane", "label", "step", "x1", "x2", *classes]
        if found is None or self._look is None:
            return header, []
        across = np.linspace(found.low[0], found.high[0], SIDE).tolist()
        down = np.linspace(found.high[1], found.low[1], SIDE).tolist()
        step = self._look.step
        rows: list[Row] = [
            [lane.letter, lane.label, step, x, y, *shares]
            for y, row in zip(down, found.probabilities.tolist(), strict=True)
            for x, shares in zip(across, row, strict=True)
        ]
        return header, rows


def certainty(probabilities: Floats) -> Floats:
    """How far the likeliest class is above a guess, from 0 to 1."""
    guess = 1.0 / probabilities.shape[2]
    span = max(1.0 - guess, 1e-9)
    return np.asarray(0.25 + 0.75 * (probabilities.max(axis=2) - guess) / span)


def class_colours(theme: Theme, classes: int) -> list[str]:
    """A colour for each class."""
    if classes <= len(theme.lanes):
        return list(theme.lanes[:classes])
    at = np.linspace(0, len(theme.heat_below) - 1, classes).round().astype(int).tolist()
    return [theme.heat_below[place] for place in at]


def draw_mark(painter: QPainter, number: int, at: QPointF, size: float) -> None:
    """The mark of a class, with the pen and brush as they are."""
    outline = MARKS[number % len(MARKS)]
    if not outline:
        painter.drawEllipse(at, size, size)
        return
    corners = [QPointF(at.x() + size * a, at.y() + size * b) for a, b in outline]
    painter.drawPolygon(QPolygonF(corners))


def round_values(low: float, high: float, most: float) -> list[float]:
    """Round numbers between two, at most about so many, at least two where they fit."""
    span = step_up((high - low) / max(most, 2.0))
    unit = 10.0 ** np.floor(np.log10(span))
    span = next(s for s in (1.0, 2.0, 5.0, 10.0) if s * unit >= span * 0.999) * unit
    first = int(np.ceil(low / span))
    return [span * k for k in range(first, int(np.floor(high / span)) + 1)]


def written(value: float) -> str:
    """A number on an axis."""
    return signed(f"{value + 0.0:.4g}")
