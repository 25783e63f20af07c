"""Message boxes: never more than one at a time, and never one that blocks."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


class Messages:
    """Shows one box; another message that comes while it is open joins it."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent
        self._box: QMessageBox | None = None

    def error(self, headline: str, sentence: str) -> None:
        """Say what went wrong (`headline`) and what to change (`sentence`)."""
        if self._box is not None:
            self._box.setInformativeText(sentence)
            self._box.setText(headline)
            return
        box = QMessageBox(self._parent)
        box.setObjectName("error_box")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("initviz")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText(headline)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(sentence)
        box.setStandardButtons(QMessageBox.StandardButton.Ok)
        box.finished.connect(self._forget)
        self._box = box
        box.open()

    def _forget(self) -> None:
        self._box = None
