"""The application: what a desktop says to a program rather than to a window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class Application(QApplication):
    """Hears that a file is to be opened: macOS says so by an event, not on the command line.

    What comes before somebody listens waits in `waiting`.
    """

    file_wanted = Signal(str)

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.waiting: list[str] = []

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent):
            if self.receivers("2file_wanted(QString)"):
                self.file_wanted.emit(event.file())
            else:
                self.waiting.append(event.file())
            return True
        return super().event(event)
