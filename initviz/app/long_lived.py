"""Spares the collector of garbage what stays for as long as the program runs.

PyTorch, Qt and the tables of this program are some 200 000 objects. Whenever a quarter as many have
been added, the collector walks through all of them: 0.12 s on a quiet machine, in which the window
answers nobody. Once everything is loaded they are put where it does not look.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject

from initviz.session.laboratory import Laboratory


class LongLived(QObject):
    """Waits until the first step has been measured, so that all is loaded, and does it once."""

    def __init__(self, laboratory: Laboratory, parent: QObject) -> None:
        super().__init__(parent)
        self._laboratory = laboratory
        laboratory.state_changed.connect(self._look)

    def _look(self) -> None:
        if self._laboratory.is_idle:
            self._laboratory.state_changed.disconnect(self._look)
            if gc.get_freeze_count() == 0:  # a second window in one process finds it done
                gc.freeze()
            self.deleteLater()
