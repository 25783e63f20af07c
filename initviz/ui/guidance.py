"""One sentence and one key for a person who sees the window for the first time."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from initviz.lab.experiment import Experiment

SENTENCE = "Press <b>Space</b>: the loss stands still. Then choose <b>Glorot normal</b>."


class Guidance(QFrame):
    """A quiet box above the form; it goes for good once the experiment was changed."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        self._first = experiment
        label = QLabel(SENTENCE)
        label.setObjectName("guidance")
        label.setProperty("role", "note")
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.RichText)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(label)

    def follow(self, experiment: Experiment) -> None:
        """Go away once it has been followed, or something else was done."""
        if experiment != self._first:
            self.hide()
