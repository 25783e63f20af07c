"""Spares the collector of garbage what stays for as long as the program runs.

PyTorch, Qt and the tables of this program are some 200 000 objects. Whenever a quarter as many have
been added, the collector walks through all of them: 0.12 s on a quiet machine, in which the window
answers nobody. Once everything is loaded they are put where it does not look.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from initviz.session.analyst import Analyst
from initviz.session.laboratory import Laboratory

#: Milliseconds between two looks whether the first step is drawn, and how many there are: a window
#: that is hidden, or whose run has failed, draws none.
GLANCE, MOST_GLANCES = 20, 50


class LongLived(QObject):
    """Waits for the first step to be drawn, lets the analyst load what it needs, and does it.

    What closer looks need is loaded then, and not when somebody asks for the first of them: that
    holds the window up for a fifth of a second, which nobody notices at the start. Before that it
    would delay the first picture by as much.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        analyst: Analyst,
        is_drawn: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._laboratory, self._analyst, self._is_drawn = laboratory, analyst, is_drawn
        self._glances = 0
        self._timer = QTimer(self)
        self._timer.setInterval(GLANCE)
        self._timer.timeout.connect(self._look)
        laboratory.state_changed.connect(self._wait)

    def _wait(self) -> None:
        if self._laboratory.is_idle:
            self._laboratory.state_changed.disconnect(self._wait)
            self._timer.start()

    def _look(self) -> None:
        self._glances += 1
        if self._is_drawn() or self._glances == MOST_GLANCES:
            self._timer.stop()
            self._analyst.ask("long lived", load, self._freeze)

    def _freeze(self, _loaded: None) -> None:
        if gc.get_freeze_count() == 0:  # a second window in one process finds it done
            gc.freeze()
        self.deleteLater()


def load() -> None:
    """Import what closer looks need; to be called beside the window."""
    import initviz.lab.replay  # noqa: F401
