"""One run, seen from both sides: what it may do, and what it has said.

The window's thread sets the pace and empties the mailbox; the worker's thread waits for its turn
and fills it. A job that was replaced is cancelled and its mailbox forgotten, so that nothing can
arrive from the run before.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator

from initviz.lab.experiment import Experiment
from initviz.lab.quantities import Cost
from initviz.lab.schedule import BATCH, EVERYTHING, NOTHING
from initviz.session.events import Event, Waiting

#: Events that may lie unread before the worker waits for the reader.
ROOM = 5000
#: At least this many seconds for each step, and every step is measured wholly.
SLOW = 0.1


class Job:
    """A run of `experiment`; it starts paused, measures step 0 and waits."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.cancel = threading.Event()
        self._mailbox: deque[Event] = deque()
        self._changed = threading.Condition()
        self._allowed: int | None = 0
        #: How many orders were given by `allow`.
        self.orders = 0
        self._interval = 0.0
        self._is_watched = False

    # -- the window's side -----------------------------------------------------------------

    def allow(self, steps: int | None) -> None:
        """Let so many more steps be trained; None for no end, 0 to pause after this step."""
        with self._changed:
            self._allowed = steps
            self.orders += 1
            self._changed.notify_all()

    def set_speed(self, steps_per_second: float | None) -> None:
        """At most so many steps a second; None for as fast as it goes."""
        with self._changed:
            self._interval = 1.0 / steps_per_second if steps_per_second else 0.0
            self._changed.notify_all()

    def watch(self) -> None:
        """Somebody looks: measure the next step."""
        self._is_watched = True

    def stop(self) -> None:
        """End the run as soon as the current step is done."""
        self.cancel.set()
        with self._changed:
            self._changed.notify_all()

    def events(self) -> Iterator[Event]:
        """What was said since the last call, oldest first."""
        for _ in range(len(self._mailbox)):
            yield self._mailbox.popleft()

    # -- the worker's side ---------------------------------------------------------------------

    def say(self, event: Event) -> None:
        """Put an event into the mailbox; waits while the reader is far behind."""
        while len(self._mailbox) >= ROOM and not self.cancel.is_set():
            self.cancel.wait(0.01)
        self._mailbox.append(event)

    def wanted(self, _step: int) -> frozenset[Cost]:
        """What must be measured at the next step because somebody looks at it."""
        if self._allowed is not None or self._interval >= SLOW:
            return EVERYTHING
        watched, self._is_watched = self._is_watched, False
        return BATCH if watched else NOTHING

    def wait_for_turn(self, since: float) -> None:
        """Return when the next step may be trained, or the job is cancelled.

        `since` is when the step before began, on `time.perf_counter`.
        """
        with self._changed:
            while not self.cancel.is_set():
                rest = since + self._interval - time.perf_counter()
                if self._allowed == 0:
                    self._wait_for_order()
                    since = -self._interval  # a step that was asked for comes at once
                elif rest > 0:
                    self._changed.wait(rest)
                else:
                    break
            if self._allowed:
                self._allowed -= 1

    def _wait_for_order(self) -> None:
        """Say that the run waits, and return at the next order, be it to wait again."""
        answered = self.orders
        # Not by `say`, which may wait for the reader: the reader may be waiting for this lock.
        self._mailbox.append(Waiting(answered))
        self._changed.wait_for(lambda: self.orders != answered or self.cancel.is_set())
