"""One run, seen from both sides: how far it may go, and what it has said.

Who gives the orders sets the pace and empties the mailbox; the worker's thread takes the steps and
fills it. A job that was replaced is cancelled and its mailbox forgotten, so that nothing can
arrive from the run before.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import Cost
from initviz.lab.schedule import EVERYTHING, NOTHING
from initviz.session.events import Event, Waiting
from initviz.session.news import News

#: Events that may lie unread before the worker waits for the reader.
ROOM = 5000
#: At least this many seconds for each step, and every step is measured wholly.
SLOW = 0.1


class Job:
    """A run of `experiment`; it measures its first step and waits.

    The first step is 0, or that of the checkpoint `beginning`. `bell` is rung whenever something
    changes: the worker sleeps on it while nothing may be trained. `begin` is what takes the job up
    once it is started, and `news` is told of whatever is said.
    """

    def __init__(
        self,
        experiment: Experiment,
        beginning: Checkpoint | None,
        bell: threading.Condition,
        news: News,
        begin: Callable[[Job], None],
    ) -> None:
        self.experiment = experiment
        self.beginning = beginning
        self._news = news
        self._begin = begin
        self.cancel = threading.Event()
        self._bell = bell
        self._mailbox: deque[Event] = deque()
        self._step = (beginning.step if beginning else 0) - 1
        self._is_busy = True
        self._began = 0.0
        self._limit: int | None = self._step + 1
        #: How many orders were given by `train_to`.
        self.orders = 0
        self._answered = -1
        self._interval = 0.0
        self._watched = NOTHING

    # -- the side that gives the orders ------------------------------------------------------

    @property
    def reach(self) -> int:
        """The step that was measured last, or is being computed now."""
        return self._step + self._is_busy

    @property
    def bound(self) -> float:
        """No step after this one will be computed under the orders given; inf without an end."""
        return math.inf if self._limit is None else self._limit

    def start(self) -> None:
        """Begin, beside the other jobs of the same worker."""
        self._begin(self)

    def train_to(self, step: int | None) -> None:
        """Train until this step; None for no end. Never back: a lower one means to stop here."""
        with self._bell:
            self._limit = None if step is None else max(step, self.reach)
            self.orders += 1
            self._began = 0.0  # a step that was asked for comes at once
            self._bell.notify_all()

    def set_speed(self, steps_per_second: float | None) -> None:
        """At most so many steps a second; None for as fast as it goes."""
        with self._bell:
            self._interval = 1.0 / steps_per_second if steps_per_second else 0.0
            self._bell.notify_all()

    def watch(self, costs: frozenset[Cost]) -> None:
        """Somebody looks: measure so much at the next step."""
        self._watched |= costs

    def stop(self) -> None:
        """End the run as soon as the current step is done."""
        self.cancel.set()
        with self._bell:
            self._bell.notify_all()

    def settle(self) -> None:
        """Nothing: what was said is in the mailbox already."""

    def events(self) -> Iterator[Event]:
        """What was said since the last call, oldest first."""
        for _ in range(len(self._mailbox)):
            yield self._mailbox.popleft()

    # -- the worker's side ---------------------------------------------------------------------

    def say(self, event: Event) -> None:
        """Put an event into the mailbox."""
        self._mailbox.append(event)
        self._news.note(event)

    def wanted(self, step: int) -> frozenset[Cost]:
        """What must be measured at this step because somebody looks at it."""
        if step == self._limit or self._interval >= SLOW:
            return EVERYTHING
        watched, self._watched = self._watched, NOTHING
        return watched

    def wait_before_next(self, now: float) -> float | None:
        """Seconds until the next step may begin, 0 if at once; None if it is not allowed.

        To be asked with the bell held. Says once for each order that the run waits.
        """
        if self.cancel.is_set():
            return 0.0
        if self._limit is not None and self._step >= self._limit:
            if self._answered != self.orders:
                self._answered = self.orders
                self.say(Waiting(self.orders))
            return None
        if len(self._mailbox) >= ROOM:
            return 0.01  # the reader is far behind
        return max(0.0, self._began + self._interval - now)

    def begin_step(self) -> None:
        """A step is about to be computed; to be called with the bell held."""
        self._is_busy = True
        self._began = time.perf_counter()

    def end_step(self, step: int) -> None:
        """This step was measured."""
        with self._bell:
            self._step, self._is_busy = step, False
