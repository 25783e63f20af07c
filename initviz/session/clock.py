"""The window's clock: thirty ticks a second while anything moves, none while nothing does."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal

#: Ticks a second.
RATE = 30


class Clock(QObject):
    """`tick` counts up while the clock is held by `start`; after `stop` it is silent."""

    tick = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(1000 / RATE))
        self._timer.timeout.connect(self._advance)

    @property
    def is_running(self) -> bool:
        return self._timer.isActive()

    def start(self) -> None:
        """Tick from now on."""
        if not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def _advance(self) -> None:
        self._count += 1
        self.tick.emit(self._count)
