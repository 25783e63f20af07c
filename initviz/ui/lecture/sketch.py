"""The curve that a person draws on a panel before the real one is shown.

    sketch = Sketch(panel, ("hidden 1", …, "hidden 10"), parent, lane="B")
    sketch.submitted.connect(…)     # the values, once Enter or the button hands them in
    …                               # show lane B on the panel
    sketch.reveal()                 # "within a factor of 30 on average", for the text beside it
    sketch.close()                  # takes it away; the panel is as it was

It lies over the chart of a panel with one value for each layer (`Panel.layer_axes`) and follows
it. By mouse: drag over the chart, then the button. By keys, after Tab: ← and → choose the layer, ↑
and ↓ move its point (with Shift faster), Backspace takes the point away, Enter hands it in. Layers
without a point lie on straight lines between those with one. On a panel that has no such axes
(`is_possible` is false) it draws nothing and cannot be handed in; Page Down skips the question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QCloseEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QWidget

from initviz.ui.lecture import sketch_drawing as drawing
from initviz.ui.panels.axes import Floats
from initviz.ui.panels.base import LayerAxes, Panel
from initviz.ui.panels.canvas import SMOOTH

Key = Qt.Key
_LEFT = Qt.MouseButton.LeftButton


class Sketch(QWidget):
    """One value for each of some layers, by hand; afterwards drawn over what was measured.

    Signals:
        submitted: the values, a tuple with one for each layer, in the units of the panel's axis
            (exponents of ten, or shares of 1).
    """

    submitted = Signal(object)

    def __init__(
        self,
        panel: Panel[Any],
        layers: Sequence[str],
        parent: QWidget | None = None,
        *,
        lane: str = "",
    ) -> None:
        """Lie over `panel` within `parent`, the panel itself or a widget that it is in.

        `lane` is the letter of the lane that is to be guessed; without one it is the last that
        is shown when the sketch is revealed.
        """
        super().__init__(parent if parent is not None else panel)
        self._panel, self._layers, self._lane = panel, tuple(layers), lane
        self._points: list[float | None] = [None] * len(self._layers)
        self._at = 0
        self._before: tuple[int, float] | None = None  # where the pointer was
        self._is_submitted = False
        self._words = ""
        self.setObjectName("lecture.sketch")
        self.setAccessibleName(f"Your sketch on “{panel.title}”")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._button = QPushButton("That is my guess", self)
        self._button.setObjectName("lecture.sketch.submit")
        self._button.setAccessibleName("Hand the sketch in (Enter)")
        self._button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Enter does the same
        self._button.clicked.connect(self.submit)
        panel.expect_layers(len(self._layers))
        for watched in (panel, panel.chart_widget):
            watched.installEventFilter(self)
        self._keys: dict[int, Callable[[bool], None]] = {
            Key.Key_Left: lambda _: self._choose(self._at - 1),
            Key.Key_Right: lambda _: self._choose(self._at + 1),
            Key.Key_Up: lambda fast: self._move(1, fast),
            Key.Key_Down: lambda fast: self._move(-1, fast),
            Key.Key_Backspace: lambda _: self._set(self._at, None),
            Key.Key_Return: lambda _: self.submit(),
            Key.Key_Enter: lambda _: self.submit(),
        }
        self._follow()
        self._tell()

    # -- what it holds ---------------------------------------------------------------------------

    @property
    def is_possible(self) -> bool:
        """Whether the panel has axes to draw on."""
        return self._axes is not None

    @property
    def is_submitted(self) -> bool:
        """Whether it was handed in, and cannot be changed any more."""
        return self._is_submitted

    @property
    def values(self) -> tuple[float, ...]:
        """A value for each layer, in the axis's units; empty before anything is drawn."""
        known = [place for place, point in enumerate(self._points) if point is not None]
        if not known:
            return ()
        drawn = [float(self._points[place] or 0.0) for place in known]
        return tuple(np.interp(range(len(self._points)), known, drawn).tolist())

    @property
    def words(self) -> str:
        """How far off it was; empty before it is revealed."""
        return self._words

    def draw(self, values: Sequence[float]) -> None:
        """Show these values, one for each layer, as if they had been drawn.

        Raises:
            ValueError: for another number of values than there are layers.
        """
        if len(values) != len(self._layers):
            raise ValueError(f"{len(self._layers)} layers cannot have {len(values)} values")
        self._points = [float(value) for value in values]
        self._changed()

    def submit(self) -> None:
        """Hand it in; nothing happens before anything is drawn, nor a second time."""
        if self._is_submitted or not self.values or not self.is_possible:
            return
        self._is_submitted = True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.unsetCursor()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.clearFocus()
        self._changed()
        self.submitted.emit(self.values)

    def reveal(self, lane: str = "") -> str:
        """Say in words how far it is from what the panel shows of a lane.

        Returns:
            "within a factor of 30 on average", or nothing where either curve is missing.
        """
        axes = self._axes
        real = self._panel.layer_values(lane or self._lane or self._last_shown())
        if axes is None or real is None or not self.values:
            return ""
        distance = mean_distance(np.array(self.values), real, axes)
        self._words = f"{axes.apart(distance)} on average" if distance is not None else ""
        self._tell()
        self.update()
        return self._words

    def _last_shown(self) -> str:
        return self._panel.shown[-1].letter if self._panel.shown else ""

    @property
    def _axes(self) -> LayerAxes | None:
        return self._panel.layer_axes()

    # -- by keys ---------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """As every widget; a shortcut of the lecture waits where the sketch has the key."""
        is_asked = event.type() == QEvent.Type.ShortcutOverride and not self._is_submitted
        if is_asked and isinstance(event, QKeyEvent) and event.key() in self._keys:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        act = self._keys.get(event.key())
        if act is None or self._is_submitted or not self.is_possible:
            super().keyPressEvent(event)
        else:
            act(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def _choose(self, place: int) -> None:
        self._at = min(max(place, 0), len(self._layers) - 1)
        self._changed()

    def _move(self, way: int, fast: bool) -> None:
        axes = self._axes
        if axes is not None:
            step = axes.stride if fast else axes.step
            self._set(self._at, self._height(axes) + way * step)

    def _height(self, axes: LayerAxes) -> float:
        """Where the point of the layer that is chosen is, or would be."""
        values = self.values
        return values[self._at] if values else min(max(0.0, axes.y.low), axes.y.high)

    def _set(self, place: int, value: float | None) -> None:
        axes = self._axes
        if axes is not None and value is not None:
            value = min(max(value, axes.y.low), axes.y.high)
        self._points[place] = value
        self._changed()

    # -- by mouse --------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == _LEFT:
            self._before = None
            self._draw_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & _LEFT:
            self._draw_to(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._before = None

    def _draw_to(self, at: QPointF) -> None:
        """Put the points of all layers from where the pointer was to where it is."""
        axes = self._axes
        if axes is None or self._is_submitted:
            return
        place = min(max(round(axes.x.value(at.x())), 1), len(self._layers)) - 1
        value = min(max(axes.y.value(at.y()), axes.y.low), axes.y.high)
        first, start = self._before or (place, value)
        way = 1 if place >= first else -1
        for between in range(first, place, way):
            share = (between - first) / (place - first)
            self._points[between] = start + share * (value - start)
        self._before = place, value
        self._at = place
        self._set(place, value)

    # -- as it looks -----------------------------------------------------------------------------

    def _changed(self) -> None:
        self._place_button()
        self._tell()
        self.update()

    def _tell(self) -> None:
        """What is drawn, for who cannot see it."""
        axes, values = self._axes, self.values
        if self._words:
            text = self._words
        elif axes is None or not values:
            text = drawing.HINT
        else:
            text = f"{self._layers[self._at]}: {axes.text(values[self._at])}"
        self.setAccessibleDescription(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        axes, panel = self._axes, self._panel
        if axes is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHints(SMOOTH)
            seen = drawing.Seen(
                points=tuple(self._points),
                values=self.values,
                at=self._at if self.hasFocus() and not self._is_submitted else None,
                name=self._layers[self._at],
                is_submitted=self._is_submitted,
                rows=tuple(panel.layer_rows()) if panel.shown else (),
                taken=(QRectF(self._button.geometry()),) if self._button.isVisible() else (),
            )
            drawing.draw(painter, panel.theme, axes, seen)
            if self.hasFocus():
                drawing.draw_focus(painter, panel.theme, self.rect())

    def _place_button(self) -> None:
        axes, gap = self._axes, self._panel.theme.gap
        wanted = axes is not None and bool(self.values) and not self._is_submitted
        if wanted != self._button.isVisibleTo(self):
            self._button.setVisible(wanted)
        if axes is not None:
            self._button.adjustSize()
            corner = axes.plot.topRight().toPoint()
            self._button.move(corner + QPoint(-self._button.width() - gap // 2, gap // 2))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    # -- where it lies ---------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show):
            self._follow()
        return super().eventFilter(watched, event)

    def _follow(self) -> None:
        """Lie over the chart, wherever that is now."""
        chart, parent = self._panel.chart_widget, self.parentWidget()
        assert parent is not None
        self.setGeometry(QRect(chart.mapTo(parent, QPoint(0, 0)), chart.size()))
        self._place_button()
        self.raise_()
        self.update()

    def closeEvent(self, event: QCloseEvent) -> None:
        for watched in (self._panel, self._panel.chart_widget):
            watched.removeEventFilter(self)
        self._panel.expect_layers(0)
        super().closeEvent(event)


def mean_distance(sketch: Floats, real: Floats, axes: LayerAxes) -> float | None:
    """How far two curves (H,) are apart on average along the axis; None where neither is known.

    What leaves the axis counts as its end, as that is where it is drawn.
    """
    count = min(len(sketch), len(real))
    ends = axes.y.low, axes.y.high
    known = ~np.isnan(real[:count])
    if not known.any():
        return None
    apart = np.clip(sketch[:count], *ends) - np.clip(real[:count], *ends)
    return float(np.abs(apart[known]).mean())
