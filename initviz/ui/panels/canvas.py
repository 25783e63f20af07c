"""The part of a panel that is painted: a kept backdrop with words, and marks on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

if TYPE_CHECKING:
    from initviz.ui.panels.base import Panel

SMOOTH = QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing
#: How far the values stand from the pointer, in pixels.
_ASIDE = 14


class Canvas(QWidget):
    """Paints its panel's chart, tells the values under the pointer, and hands on what is done.

    Where the panel answers to keys Tab reaches the chart, and a frame shows that it has the focus.
    """

    def __init__(self, panel: Panel[Any]) -> None:
        super().__init__(panel)
        self._panel = panel
        self._backdrop = QPixmap()
        self._ground = QPixmap()
        self._said: object = None
        self._layout: object = None
        self._laid_out = QSize()
        self._pointer: QPointF | None = None
        self._is_held = False
        self._readout = _Readout(self)
        self._keeper = _KeepsKeys(panel, self)
        self.setMouseTracking(True)
        self.setObjectName(f"panel.{panel.name}.chart")
        self.let_focus()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def let_focus(self) -> None:
        """Let it have the focus where its panel answers to keys, as it looks now."""
        panel, policy = self._panel, Qt.FocusPolicy.NoFocus
        if panel.keys:
            policy = Qt.FocusPolicy.StrongFocus
        elif panel.is_presented and (panel.stage_keys or panel.picks_lane):
            policy = Qt.FocusPolicy.TabFocus  # a click would take the arrows from the lecture
        self.setFocusPolicy(policy)
        if panel.is_presented:
            self.installEventFilter(self._keeper)
        else:
            self.removeEventFilter(self._keeper)
        if policy != Qt.FocusPolicy.NoFocus:
            self.setAccessibleName(f"{panel.title}: chart")
            self.setAccessibleDescription(panel.how_to_read)

    def forget(self) -> None:
        """Paint the backdrop again at the next redraw."""
        self._layout = None

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHints(SMOOTH)
            if not self._panel.shown:
                painter.fillRect(self.rect(), QColor(self._panel.theme.surface))
                if self._panel.expected:
                    self._panel.draw_empty(painter, QSizeF(self.size()))
                return
            self._panel.catch_up()
            layout = self._current_layout()
            self._keep_ground(layout)
            painter.drawPixmap(0, 0, self._ground)
            self._panel.draw_marks(painter, layout)
            if self.hasFocus():
                self._draw_focus(painter)
        self._panel.drawn()

    def _draw_focus(self, painter: QPainter) -> None:
        painter.setPen(QPen(QColor(self._panel.theme.accent), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2.5, 0.5, -2.5, -0.5), 4, 4)

    def _current_layout(self) -> object:
        """Where everything goes. It moves when words are renewed, not at every redraw."""
        is_kept = self._layout is not None and self._laid_out == self.size()
        if is_kept and not self._panel.words_due:
            return self._layout
        self._laid_out = self.size()
        return self._panel.lay_out(QSizeF(self._laid_out))

    def _keep_ground(self, layout: object) -> None:
        """Paint what lies under the marks, as far as it has changed: the backdrop, and words.

        Each line of text takes four calls into Qt, and at each of them the worker's thread and
        this one hand the interpreter over: words are painted only when they are renewed.
        """
        is_new = self._keep_backdrop(layout)
        if not (is_new or self._panel.words_due):
            return
        self._panel.words_due = False
        before, self._said = self._said, self._panel.words_say(layout)
        if not is_new and self._said is not None and self._said == before:
            return
        self._ground = self._backdrop.copy()
        with QPainter(self._ground) as painter:
            painter.setRenderHints(SMOOTH)
            self._panel.draw_words(painter, layout)

    def _keep_backdrop(self, layout: object) -> bool:
        """Paint the backdrop if it has changed; returns whether it has."""
        ratio = self.devicePixelRatioF()
        size = (QSizeF(self.size()) * ratio).toSize()
        if layout == self._layout and size == self._backdrop.size():
            return False
        self._layout = layout
        self._backdrop = QPixmap(size)
        self._backdrop.setDevicePixelRatio(ratio)
        self._backdrop.fill(QColor(self._panel.theme.surface))
        with QPainter(self._backdrop) as painter:
            painter.setRenderHints(SMOOTH)
            self._panel.draw_backdrop(painter, layout)
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._panel.chart_resized()

    # -- the pointer ---------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        is_main = event.button() == Qt.MouseButton.LeftButton
        if is_main and self._panel.shown and self._panel.pressed(event.position()):
            self._is_held = True
            self._readout.hide()
            self._show_cursor(event.position())
        else:
            super().mousePressEvent(event)  # whoever is behind may have a use for it

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._is_held:
            self._panel.dragged(self._pointer)
        else:
            self.tell_values()
            self._show_cursor(self._pointer)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._is_held and event.button() == Qt.MouseButton.LeftButton:
            self._let_go()
            self._show_cursor(event.position())
        else:
            super().mouseReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._forget_pointer()

    def hideEvent(self, event: QHideEvent) -> None:
        self._let_go()
        self._forget_pointer()

    def _let_go(self) -> None:
        if self._is_held:
            self._is_held = False
            self._panel.released()

    def _show_cursor(self, at: QPointF) -> None:
        if self._panel.shown:
            self.setCursor(self._panel.cursor_at(at))

    # -- keys ----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._panel.shown and self._panel.answers_to(event.key()):
            self._panel.press(event)
        else:
            super().keyPressEvent(event)

    # -- values --------------------------------------------------------------------------------

    def tell_values(self) -> None:
        """Tell the values under the pointer, if it is here and holds nothing."""
        if self._pointer is not None and not self._is_held:
            self._readout.tell(self._panel.values_at(self._pointer), self, self._pointer)

    def _forget_pointer(self) -> None:
        self._pointer = None
        self._readout.hide()


class _KeepsKeys(QObject):
    """Lets a chart on the projector have the keys that it answers to, although they are shortcuts.

    A filter, and only there: as a method of the chart it would be called at every redraw.
    """

    def __init__(self, panel: Panel[Any], parent: QObject) -> None:
        super().__init__(parent)
        self._panel = panel

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_asked = event.type() == QEvent.Type.ShortcutOverride and self._panel.shown
        if is_asked and isinstance(event, QKeyEvent) and self._panel.answers_to(event.key()):
            event.accept()
            return True
        return super().eventFilter(watched, event)


class _Readout(QLabel):
    """Exact values beside the pointer: at once, and anew while they change."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("readout")
        self.setProperty("role", "readout")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def tell(self, text: str, beside: QWidget, at: QPointF) -> None:
        """Show the text near a point of a widget, within the window; hide without one."""
        self.setVisible(bool(text))
        if not text:
            return
        window = beside.window()
        if self.parentWidget() is not window:
            self.setParent(window)
            self.show()
        self.setText(text)
        self.adjustSize()
        pointer = beside.mapTo(window, at.toPoint())
        left, top = pointer.x() + _ASIDE, pointer.y() + _ASIDE
        if left + self.width() > window.width():
            left = max(pointer.x() - _ASIDE - self.width(), 0)
        if top + self.height() > window.height():
            top = max(pointer.y() - _ASIDE - self.height(), 0)
        self.move(left, top)
        self.raise_()
