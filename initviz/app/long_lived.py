"""Spares the collector of garbage what stays for as long as the program runs.

PyTorch, Qt and the tables of this program are some 200 000 objects. Whenever a quarter as many have
been added, the collector walks through all of them: 0.12 s on a quiet machine, in which the window
answers nobody. Once everything is loaded they are put where it does not look.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject

from initviz.session.analyst import Analyst
from initviz.session.laboratory import Laboratory


class LongLived(QObject):
    """Waits until the first step is measured, lets the analyst load what it needs, and does it.

    What closer looks need is loaded then, and not when somebody asks for the first of them: that
    holds the window up for a fifth of a second, which nobody notices at the start.
    """

    def __init__(self, laboratory: Laboratory, analyst: Analyst, parent: QObject) -> None:
        super().__init__(parent)
        self._laboratory, self._analyst = laboratory, analyst
        laboratory.state_changed.connect(self._look)

    def _look(self) -> None:
        if self._laboratory.is_idle:
            self._laboratory.state_changed.disconnect(self._look)
            self._analyst.ask("long lived", load, self._freeze)

    def _freeze(self, _loaded: None) -> None:
        if gc.get_freeze_count() == 0:  # a second window in one process finds it done
            gc.freeze()
        self.deleteLater()


def load() -> None:
    """Import what closer looks need; to be called beside the window."""
    import initviz.lab.replay  # noqa: F401
