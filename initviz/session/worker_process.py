"""A worker in a process of its own, as the window sees it.

Two threads of one process share one interpreter: each call of the window into Qt would take it
from the run, and each operation of the run from the window. Two processes share nothing but pipes.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal

import initviz
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import Cost
from initviz.session import TRAIN, TRAINER
from initviz.session.child_process import ChildProcess
from initviz.session.events import Ended, Event, Measured, Waiting
from initviz.session.job import Job
from initviz.session.messages import (
    Begin,
    Instruction,
    Logged,
    Order,
    PauseTogether,
    Report,
    Said,
)
from initviz.session.trainer import Run

log = logging.getLogger(__name__)

#: From here on a status under Windows says that a process has crashed.
CRASHED = 0xC0000000
#: Seconds for which the window waits for the last steps of a run that gives way to another.
BLINK = 0.05


class DistantRun:
    """A run of the other process: orders go there, and what it said lies here."""

    def __init__(
        self,
        experiment: Experiment,
        beginning: Checkpoint | None,
        process: WorkerProcess,
    ) -> None:
        self.experiment = experiment
        self.beginning = beginning
        self.orders = 0
        #: Its name in the other process, once it has begun.
        self.number: int | None = None
        self._process = process
        self._step = beginning.step if beginning else 0
        self._bound: float = self._step
        self._mailbox: deque[Event] = deque()
        #: What was ordered before it began.
        self._early: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    @property
    def reach(self) -> int:
        """The newest step that has been told, or the first."""
        self._process.receive()
        return self._step

    @property
    def bound(self) -> float:
        """No step after this one will be computed under the orders given; inf without an end."""
        return self._bound

    def start(self) -> None:
        """Begin, and then do what was ordered before."""
        self.number = self._process.begin(self)
        for method, arguments in self._early:
            self._order(method, *arguments)
        self._early.clear()

    def train_to(self, step: int | None) -> None:
        """Train until this step; None for no end. Never back: a lower one means to stop here."""
        self.count_order(math.inf if step is None else step)
        self._order(Job.train_to, step)

    def count_order(self, bound: float = 0) -> None:
        """An order to go on or to pause is given; what was allowed before may be done by now."""
        self.orders += 1
        self._bound = max(self._bound, bound)

    def set_speed(self, steps_per_second: float | None) -> None:
        """At most so many steps a second; None for as fast as it goes."""
        self._order(Job.set_speed, steps_per_second)

    def watch(self, costs: frozenset[Cost]) -> None:
        """Somebody looks: measure so much at the next step."""
        if self._bound > self._step:
            self._order(Job.watch, costs)

    def stop(self) -> None:
        """End the run as soon as the current step is done."""
        if self.number is not None:
            self._order(Job.stop)

    def settle(self) -> None:
        """After `stop`: wait until it has ended, for `BLINK` at most, unless it was paused.

        Another run of the process could not begin before that either.
        """
        if self.number is not None and self._bound > self._step:
            self._process.wait_for(self)

    def events(self) -> Iterator[Event]:
        """What was said since the last call, oldest first."""
        self._process.receive()
        for _ in range(len(self._mailbox)):
            yield self._mailbox.popleft()

    def take(self, events: Collection[Event]) -> None:
        """What the other process says of it."""
        self._mailbox.extend(events)
        for event in events:
            match event:
                case Measured(snapshot):
                    self._step = snapshot.step
                case Waiting(order) if order == self.orders:
                    self._bound = self._step

    def _order(self, method: Callable[..., None], *arguments: Any) -> None:
        if self.number is None:
            self._early.append((method, arguments))
        else:
            self._process.send(Order(self.number, method, arguments))


class WorkerProcess(QObject):
    """Takes the steps of all runs in turn, in a process that is started at once.

    What it says lies ready until a run is asked for it. A process that dies ends its runs with a
    sentence; the next run that begins has a new one. `close` it, or the process lives on.
    """

    #: Said by another thread: from this child (None: there is none) nothing more will come.
    _has_ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs: dict[int, DistantRun] = {}
        self._count = 0
        self._is_closed = False
        self._failure = ""
        # Queued: not before who begins a run knows of it, where there is no process at all.
        self._has_ended.connect(self._on_end, Qt.ConnectionType.QueuedConnection)
        self._child = self._launched()
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.close)  # whoever forgets to close the window

    def job(self, experiment: Experiment, start: Checkpoint | None = None) -> DistantRun:
        """A run that has not begun: of step 0 on, or from the checkpoint `start` on."""
        return DistantRun(experiment, start, self)

    def pause(self, runs: Collection[Run]) -> None:
        """Pause these runs; one that is a single step behind the foremost takes that step yet."""
        paused = {number: run for number, run in self._runs.items() if run in runs}
        for run in paused.values():
            run.count_order()
        self.send(PauseTogether(tuple(paused)))

    def close(self) -> None:
        """End every run and the process, at once; a second time does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._has_ended.disconnect(self._on_end)
        if self._child is not None:
            self._child.close()

    @property
    def number(self) -> int | None:
        """What the operating system calls the process, if there is one."""
        return self._child.number if self._child is not None else None

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self._child is not None and self._child.is_alive

    # -- the process -----------------------------------------------------------------------------

    def _launched(self) -> ChildProcess | None:
        try:
            return ChildProcess(_command(), _environment(), self._has_ended.emit)
        except OSError as error:
            self._failure = str(error)
            self._has_ended.emit(None)
            return None

    def _on_end(self, child: ChildProcess | None) -> None:
        """Nothing more will come: every run hears that."""
        if child is not self._child:
            return  # it heard that before, when another process was started in its place
        last_words = _not_started(self._failure) if child is None else _ended(child.status())
        self.receive()
        runs, self._runs = self._runs, {}
        if runs:
            log.warning("%s", last_words)
        for run in runs.values():
            run.take((Ended(last_words),))

    # -- orders ----------------------------------------------------------------------------------

    def begin(self, run: DistantRun) -> int:
        """Let this run begin, and return the number that it has from now on."""
        if not (self.is_alive or self._is_closed):
            self._on_end(self._child)
            self._child = self._launched()
        self._count += 1
        self._runs[self._count] = run
        self.send(Begin(self._count, run.experiment, run.beginning))
        return self._count

    def send(self, instruction: Instruction) -> None:
        """Give an instruction, unless nobody is there to follow it."""
        if self._child is not None:
            self._child.send(instruction)

    # -- what is said ----------------------------------------------------------------------------

    def wait_for(self, run: DistantRun) -> None:
        """Receive until this run has ended, but no longer than `BLINK`."""
        deadline = time.monotonic() + BLINK
        while run in self._runs.values() and (left := deadline - time.monotonic()) > 0:
            self._take_next(left)

    def receive(self) -> None:
        """Hand out what has arrived so far."""
        while self._take_next():
            pass

    def _take_next(self, patience: float = 0.0) -> bool:
        """Hand out the next message; whether one has come within so many seconds."""
        reports = self._child.received(patience) if self._child is not None else None
        for report in reports or ():
            self._take(report)
        return reports is not None

    def _take(self, report: Report) -> None:
        match report:
            case Logged(record):
                made = logging.makeLogRecord(record)
                logging.getLogger(made.name).handle(made)
            case Said(number, events):
                if number in self._runs:
                    self._runs[number].take(events)
                if isinstance(events[-1], Ended):
                    self._runs.pop(number, None)


def _command() -> tuple[str, ...]:
    """What starts the other process."""
    if getattr(sys, "frozen", False):
        return sys.executable, TRAIN
    return sys.executable, "-P", "-m", "initviz.session.worker_main"


def _environment() -> dict[str, str]:
    """This process's own, with the place where initviz lies."""
    here, known = str(Path(initviz.__file__).parent.parent), os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, known)))}


def _not_started(failure: str) -> str:
    return (
        f"The process that trains could not be started ({failure}). With {TRAINER}=thread in the "
        "environment the window trains by itself."
    )


def _ended(status: int) -> str:
    if status < 0 or status >= CRASHED:
        return (
            "The process that trains was ended from outside or has crashed; it may have wanted "
            "more memory than there is. Reset starts another one."
        )
    return f"The process that trains has ended (status {status}). Reset starts another."
