"""φ and φ′ over the pre-activations that a layer really gets: where it works on its function."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from initviz.lab.activations import ACTIVATIONS, Activation
from initviz.lab.network_settings import GATES
from initviz.lab.snapshot import Floats
from initviz.lab.wording import share as percent
from initviz.ui.controls import ComboBox
from initviz.ui.panels.base import Shown
from initviz.ui.panels.drawing import polygon
from initviz.ui.theme import LIGHT, Theme, font, mix

#: One number or many.
Number = TypeVar("Number", float, Floats)

#: Half-widths of the z axis: it moves in these steps, so that it stands still while z moves.
_HALF_WIDTHS = tuple(
    factor * 10.0**power for power in range(31) for factor in (3.0, 6.0, 10.0, 20.0)
)
_CURVE_POINTS = 241
_MOST_KEPT = 4


@dataclass(frozen=True)
class Sight:
    """What is drawn: one layer's histogram of z, with the activation that it enters.

    In a gated layer z is the candidate's, and `slope` is where that of PReLU starts.
    """

    letter: str
    index: int
    layer: str
    activation: Activation
    slope: float
    is_gated: bool
    counts: Floats
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """How far the axis goes to either side of 0."""
        centres, total = self.centres, max(self.counts.sum(), 1.0)
        share = np.cumsum(self.counts) / total
        seen = centres[(share > 0.002) & (share < 0.998)]
        reach = float(np.abs(seen).max()) if seen.size else 0.0
        return next((w for w in _HALF_WIDTHS if w >= reach), _HALF_WIDTHS[-1])

    @cached_property
    def centres(self) -> Floats:
        """The middle of each bin (bins,)."""
        edges = np.linspace(self.low, self.high, len(self.counts) + 1)
        return np.asarray((edges[:-1] + edges[1:]) / 2)

    def saturated(self) -> float:
        """The share of the histogram where abs φ′ is below 5 % of its maximum; NaN if undefined."""
        if self.activation.saturated is None:
            return math.nan
        low, high = self.activation.saturated
        outside = (self.centres < low) | (self.centres > high)
        return float(self.counts[outside].sum() / max(self.counts.sum(), 1.0))

    @property
    def caption(self) -> str:
        """What is seen, in words."""
        number = self.layer.removeprefix("hidden ")
        whose = f"of layer {number}'s candidate" if self.is_gated else f"of layer {number}"
        lines = [f"pre-activation z {whose}"]
        if self.activation.has_slope:
            at = f"slope {self.slope:g} for z < 0"
            lines.append(f"{at} at the start; it is learned" if self.learns_slope else at)
        saturated = self.saturated()
        if not math.isnan(saturated):
            lines.append(f"{percent(saturated)} of it where φ′ is nearly 0")
        return "\n".join(lines)

    @property
    def learns_slope(self) -> bool:
        """Whether the slope that is drawn is only the one that training started from."""
        return self.activation.name == "prelu"


def sight(shown: Shown, layer: int) -> Sight | None:
    """What a lane shows of its layer number `layer`; None before the first histogram."""
    recording = shown.recording
    found = recording.latest_histogram("preactivation", shown.step)
    if found is None or layer >= len(recording.layers):
        return None
    histogram = found[1]
    experiment = recording.experiment
    own = {one.name: one.activation for one in experiment.layers if one.activation}
    activation = own.get(recording.layers[layer], experiment.network.activation)
    return Sight(
        shown.letter,
        shown.index,
        recording.layers[layer],
        ACTIVATIONS[activation],
        experiment.network.slope,
        GATES.get(experiment.network.architecture, 1) > 1,
        histogram.counts[layer].astype(np.float64),
        float(histogram.low[layer]),
        float(histogram.high[layer]),
    )


class Canvas(QWidget):
    """The drawing itself."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme = LIGHT
        self._sight: Sight | None = None
        self._kept: dict[object, QPixmap] = {}

    def set_theme(self, theme: Theme) -> None:
        """Draw in the colours of another theme."""
        self._theme = theme
        self.updateGeometry()
        self.update()

    def show_sight(self, seen: Sight | None) -> None:
        """Draw this."""
        self._sight = seen
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, round(15 * self._theme.text))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            area = self._area
            text = self.values_at((event.pos().x() - area.left()) / area.width())
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    # -- geometry: z to pixels ---------------------------------------------------------------

    @property
    def _area(self) -> QRectF:
        bottom = 1.9 * self._theme.text
        return QRectF(8, 20, self.width() - 16, self.height() - 20 - bottom)

    def _x(self, z: Number, half: float) -> Number:
        area = self._area
        return area.left() + (z + half) / (2 * half) * area.width()

    def values_at(self, share: float) -> str:
        """The exact values at a share of the axis, 0 at its left end."""
        seen = self._sight
        if seen is None:
            return ""
        z = np.array([(2 * share - 1) * seen.half_width])
        value = seen.activation.function(z, seen.slope)[0]
        slope = seen.activation.derivative(z, seen.slope)[0]
        return f"z = {z[0]:.3g}   φ(z) = {value:.3g}   φ′(z) = {slope:.3g}"

    # -- drawing -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(self._theme.text * 0.92))
        if self._sight is None:
            return
        half = self._sight.half_width
        self._draw_bars(painter, self._sight, half)
        painter.drawPixmap(0, 0, self._curves(self._sight, half))
        self._draw_axis(painter, half)

    def _draw_bars(self, painter: QPainter, seen: Sight, half: float) -> None:
        colour = self._theme.lanes[seen.index]
        low, high = seen.activation.saturated or (-math.inf, math.inf)
        top = max(float(seen.counts.max(initial=0.0)), 1.0)
        edges = np.linspace(seen.low, seen.high, len(seen.counts) + 1)
        left, right = edges[:-1], edges[1:]
        area = self._area
        x0, x1 = (self._x(np.clip(side, -half, half), half) for side in (left, right))
        heights = 0.86 * area.height() * seen.counts / top
        middle = (left + right) / 2
        is_steep = (middle >= low) & (middle <= high)
        is_seen = (seen.counts > 0) & (right >= -half) & (left <= half)
        painter.setPen(Qt.PenStyle.NoPen)
        for steep, strength in ((True, 0.3), (False, 0.75)):
            painter.setBrush(QColor(mix(self._theme.surface, colour, strength)))
            chosen = is_seen & (is_steep == steep)
            columns = (values[chosen].tolist() for values in (x0, x1, heights))
            painter.drawRects(
                [
                    QRectF(a, area.bottom() - height, max(1.0, b - a - 1.0), height)
                    for a, b, height in zip(*columns, strict=True)
                ]
            )

    def _curves(self, seen: Sight, half: float) -> QPixmap:
        """Both curves on a clear ground, kept for the last few axes: dashes are dear to draw."""
        ratio = self.devicePixelRatioF()
        key = (seen.activation.name, seen.slope, half, self.size(), ratio, self._theme)
        if key not in self._kept:
            if len(self._kept) == _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            drawn = QPixmap((QSizeF(self.size()) * ratio).toSize())
            drawn.setDevicePixelRatio(ratio)
            drawn.fill(Qt.GlobalColor.transparent)
            painter = QPainter(drawn)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(font(self._theme.text * 0.92))
            self._draw_curves(painter, seen, half)
            painter.end()
            self._kept[key] = drawn
        return self._kept[key]

    def _draw_curves(self, painter: QPainter, seen: Sight, half: float) -> None:
        theme = self._theme
        z = np.linspace(-half, half, _CURVE_POINTS)
        curves = (
            ("φ(z)", seen.activation.function(z, seen.slope), theme.ink_soft, True),
            ("φ′(z)", seen.activation.derivative(z, seen.slope), theme.ink, False),
        )
        places: list[QRectF] = []
        for name, values, colour, dashed in curves:
            x, y = self._x(z, half), self._y(values, from_zero=not dashed)
            pen = QPen(QColor(colour), 2.0)
            if dashed:
                pen.setDashPattern([3.0, 2.4])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(polygon(x, y))
            named = -1 if dashed else int(np.argmin(y))
            self._draw_name(painter, name, (x[named], y[named]), places, at_end=dashed)

    def _y(self, values: Floats, *, from_zero: bool) -> Floats:
        low = min(0.0, float(values.min())) if from_zero else float(values.min())
        high = float(values.max())
        spread = high - low or 1.0
        area = self._area
        return np.asarray(area.bottom() - 0.96 * area.height() * (values - low) / spread)

    def _draw_name(
        self,
        painter: QPainter,
        name: str,
        at: tuple[float, float],
        places: list[QRectF],
        *,
        at_end: bool,
    ) -> None:
        metrics = painter.fontMetrics()
        width, height = metrics.horizontalAdvance(name), metrics.height()
        x = at[0] - width if at_end else min(at[0] + 8, self._area.right() - width)
        y = at[1] - height - 2
        place = QRectF(x, max(0.0, y), width, height)
        while any(place.intersects(other) for other in places):
            place.translate(-width - 12, 0)
        places.append(place)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, name)

    def _draw_axis(self, painter: QPainter, half: float) -> None:
        area = self._area
        painter.setPen(QPen(QColor(self._theme.axis), 1.0))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(QColor(self._theme.ink_soft))
        metrics = painter.fontMetrics()
        for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
            text = f"{share * half:g}".replace("-", "−")
            width = metrics.horizontalAdvance(text)
            x = min(max(self._x(share * half, half) - width / 2, 0), self.width() - width)
            painter.drawText(QPointF(x, area.bottom() + 4 + metrics.ascent()), text)


class ActivationView(QWidget):
    """The drawing with its heading, the choice of a layer, and what it says in words."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("activation_view")
        self._shown: Shown | None = None
        self._suggested = 0
        self._layers: tuple[str, ...] = ()
        self._heading = QLabel()
        self._heading.setWordWrap(True)
        self._heading.setProperty("role", "heading")
        self._layer = ComboBox()
        self._layer.setObjectName("activation_view.layer")
        self._layer.setAccessibleName("Layer")
        self._layer.setToolTip("The layer whose pre-activations are shown; auto: the diagnosed one")
        self._layer.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._layer.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self._layer.currentIndexChanged.connect(self._draw)
        self._canvas = Canvas()
        self._caption = QLabel()
        self._caption.setProperty("role", "label")
        self._caption.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._caption.setWordWrap(True)
        head = QHBoxLayout()
        head.addWidget(self._heading, 1)
        head.addWidget(self._layer)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(6)
        body.addLayout(head)
        body.addWidget(self._canvas)
        body.addWidget(self._caption)
        self._draw()

    def set_theme(self, theme: Theme) -> None:
        """Draw in the colours of another theme."""
        self._canvas.set_theme(theme)

    def show_lane(self, shown: Shown | None, suggested: str | None = None) -> None:
        """Show this lane at its step: the suggested layer, unless a person has chosen one.

        Without a suggestion that is the layer in the middle.
        """
        self._shown = shown
        hidden = () if shown is None else shown.recording.layers[:-1]
        if hidden != self._layers:
            self._fill(hidden)
        known = suggested in self._layers
        self._suggested = self._layers.index(suggested) if known else len(self._layers) // 2
        self._draw()

    def _fill(self, layers: tuple[str, ...]) -> None:
        self._layers = layers
        self._layer.blockSignals(True)
        self._layer.clear()
        self._layer.addItem("auto")
        self._layer.addItems([name.replace("hidden", "layer") for name in layers])
        self._layer.blockSignals(False)

    def values_at(self, share: float) -> str:
        """The exact values at a share of the axis, 0 at its left end."""
        return self._canvas.values_at(share)

    @property
    def layer(self) -> int:
        """The number, from 0, of the layer that is shown."""
        chosen = self._layer.currentIndex()
        return chosen - 1 if chosen > 0 else self._suggested

    def _draw(self) -> None:
        seen = None if self._shown is None else sight(self._shown, self.layer)
        self._canvas.show_sight(seen)
        self._layer.setVisible(bool(self._layers))
        if seen is None:
            self._heading.setText("φ OVER WHAT A LAYER GETS")
            self._caption.setText("")
            return
        number = seen.layer.removeprefix("hidden ")
        label = seen.activation.label.upper()
        self._heading.setText(f"{label} OVER WHAT LAYER {number} OF {seen.letter} GETS")
        self._caption.setText(seen.caption)
        self._canvas.setAccessibleName(f"{seen.activation.label}: {self._caption.text()}")
