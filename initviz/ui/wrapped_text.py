"""Text of several lines that changes many times a second while nothing around it moves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


class WrappedText(QWidget):
    """Rich text that wraps and can be selected; it asks for room only when its height changes.

    A `QLabel` in a layout has all around it laid out anew at every new text, and its text is
    broken into lines some six times for that. Here the label is in no layout: a new text is broken
    into lines once, and mostly it is as high as the one before.
    """

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self.label = QLabel(self)
        self.label.setProperty("role", role)
        self.label.setTextFormat(Qt.TextFormat.RichText)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.label.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._heights: dict[int, int] = {}  # of the text that is shown, by width

    def say(self, html: str) -> None:
        """Show a text; the same text again would throw away what is selected in it."""
        if html == self.label.text():
            return
        width = self.width()
        before = self._heights.get(width)
        self.label.setText(html)
        self._heights.clear()
        if self.isHidden() or before is None or self.heightForWidth(width) != before:
            self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if width not in self._heights:
            self.label.ensurePolished()
            self._heights[width] = self.label.heightForWidth(width)
        return self._heights[width]

    def sizeHint(self) -> QSize:
        return QSize(self.width(), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._heights.clear()
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.label.resize(event.size())
