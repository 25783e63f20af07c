"""Wakes whoever passes on what jobs say."""

from __future__ import annotations

import threading
import time

from initviz.session.events import Event, Measured

#: Seconds between two times that steps are passed on: no window looks more often, and each time
#: takes the interpreter from the run.
PERIOD = 0.02


class News:
    """Heard by one thread: of steps at intervals, of whatever somebody waits for at once."""

    def __init__(self) -> None:
        self._any, self._urgent = threading.Event(), threading.Event()
        self._heard = -PERIOD

    def note(self, event: Event) -> None:
        """A job has said this."""
        self._any.set()
        if not isinstance(event, Measured):
            self._urgent.set()

    def wait(self) -> None:
        """Return once something was said that has not been waited for."""
        self._any.wait()
        self._urgent.wait(max(0.0, self._heard + PERIOD - time.monotonic()))
        self._any.clear()
        self._urgent.clear()
        self._heard = time.monotonic()
