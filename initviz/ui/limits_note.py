"""Says over the form that some of its settings are locked or hidden, and lifts that."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout

from initviz.ui.form import ExperimentForm


class LimitsNote(QFrame):
    """A quiet box that stands there as long as the form is limited."""

    def __init__(self, form: ExperimentForm) -> None:
        super().__init__()
        self._form = form
        self._label = QLabel()
        self._label.setObjectName("limits")
        self._label.setProperty("role", "note")
        self._label.setWordWrap(True)
        self._unlock = QPushButton("Unlock all settings")
        self._unlock.setObjectName("limits.unlock")
        self._unlock.setAccessibleName("Unlock all settings")
        self._unlock.setProperty("role", "small")
        self._unlock.clicked.connect(self.lift)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(self._label)
        body.addWidget(self._unlock)
        self.hide()

    def set(self, what: str, locked: Sequence[str], hidden: Sequence[str]) -> None:
        """Limit the form as `what`, such as a scene, wants it; without any limits free it."""
        self._form.set_limits(locked, hidden, reason=f"Locked by {what}.")
        self._label.setText(f"This is {what}: settings that would lead away from it are locked.")
        self.setVisible(bool(locked or hidden))

    def set_free(self, free: Sequence[str], reason: str) -> None:
        """Lock all but these settings, without a word here: somebody else explains it."""
        self._form.set_limits(free=free, reason=reason)
        self.hide()

    def lift(self) -> None:
        """Free all settings."""
        self._form.set_limits()
        self.hide()
