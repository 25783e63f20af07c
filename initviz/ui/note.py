"""What notes under a row of the form have in common."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from initviz.lab.experiment import Experiment
from initviz.ui.theme import Theme


class Note(QFrame):
    """Explains a setting, given the whole experiment."""

    #: It no longer `holds` the experiment.
    freed = Signal()

    def set_experiment(self, experiment: Experiment) -> None:
        """Explain this experiment."""
        raise NotImplementedError

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of another theme."""
        raise NotImplementedError

    def look_again(self) -> None:
        """What could not be read before can be read now."""

    def controls(self) -> list[QWidget]:
        """What Tab reaches here, in order."""
        return []

    @property
    def holds(self) -> bool:
        """Whether the experiment cannot run yet; the note says why."""
        return False

    def stop(self) -> None:
        """Wait for what it is still finding out."""
        raise NotImplementedError
