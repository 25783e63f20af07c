"""The controls on the panel "Seeds": what starts the runs, how far they are, and what ends them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from initviz.ui.progress_bar import ProgressBar


class SeedsOffer(QWidget):
    """Either a button that starts, with a word beside it, or progress and a button that ends."""

    wanted = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._label = QLabel()
        self._label.setObjectName("panel.seeds.note")
        self._label.setProperty("role", "label")
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.progress = ProgressBar()
        self.progress.setObjectName("panel.seeds.progress")
        self.progress.setAccessibleName("How much of the runs is done")
        self.progress.setMaximumWidth(220)
        self.run = QPushButton("Run 10 seeds")
        self.run.setObjectName("panel.seeds.run")
        self.run.clicked.connect(self.wanted)
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("panel.seeds.cancel")
        self.cancel.clicked.connect(self.cancelled)
        for button in (self.run, self.cancel):
            button.setProperty("role", "small")
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 2, 14, 4)
        row.setSpacing(10)
        self._lead, self._tail = QWidget(), QWidget()  # stretch to either side
        for part in (self._lead, self._tail):
            part.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        row.addWidget(self._lead, 1)
        row.addWidget(self._label, 8)
        row.addWidget(self.progress, 6)
        for part in (self.run, self.cancel):
            row.addWidget(part)
        row.addWidget(self._tail, 1)

    def offer(self, text: str, note: str, *, centred: bool) -> None:
        """Offer to run."""
        self.run.setText(text)
        self.run.setAccessibleName(text)
        self._show(note, running=False, centred=centred)

    def show_progress(self, note: str, *, centred: bool) -> None:
        """Say what runs."""
        self._show(note, running=True, centred=centred)

    def _show(self, note: str, *, running: bool, centred: bool) -> None:
        self._label.setText(note)
        self._label.setToolTip(note)
        self._label.setVisible(bool(note) and not centred)
        had_focus = self.run.hasFocus() or self.cancel.hasFocus()
        self.run.setVisible(not running)
        self.cancel.setVisible(running)
        self.progress.setVisible(running)
        if had_focus:
            (self.cancel if running else self.run).setFocus()
        self._lead.setVisible(centred or not note)
        self._tail.setVisible(centred)
