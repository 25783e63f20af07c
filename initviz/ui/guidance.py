"""One sentence and one key for a person who sees the window for the first time."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

SENTENCE = "Press <b>Space</b>: <b>A</b> stands still, <b>B</b> learns. Why?"


class Guidance(QFrame):
    """A quiet box above the form; it goes for good once anything was changed."""

    def __init__(self) -> None:
        super().__init__()
        label = QLabel(SENTENCE)
        label.setObjectName("guidance")
        label.setProperty("role", "note")
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.RichText)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(label)
