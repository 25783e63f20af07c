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

from PySide6.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment, Qt

import initviz
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import Cost
from initviz.session import TRAIN, TRAINER
from initviz.session.events import Ended, Event, Measured, Waiting
from initviz.session.job import Job
from initviz.session.messages import (
    HEADER,
    Begin,
    Instruction,
    Logged,
    Order,
    PauseTogether,
    Report,
    Said,
    packed,
    unpacked,
)
from initviz.session.trainer import Run

log = logging.getLogger(__name__)

#: Milliseconds that a process which was killed may take to be gone.
PATIENCE = 5000
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

    What it says is read while the event loop runs. A process that dies ends its runs with a
    sentence; the next run that begins has a new one. `close` it, or the process lives on.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs: dict[int, DistantRun] = {}
        self._count = 0
        self._is_closed = False
        self._process = self._launched()
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
        self._process.finished.disconnect(self._on_end)
        self._process.errorOccurred.disconnect(self._on_end)
        self._process.kill()
        self._process.waitForFinished(PATIENCE)

    @property
    def is_alive(self) -> bool:
        """Whether there is a process, or soon will be."""
        return self._process.state() is not QProcess.ProcessState.NotRunning

    # -- the process -----------------------------------------------------------------------------

    def _launched(self) -> QProcess:
        process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.ForwardedErrorChannel)
        process.setProcessEnvironment(_environment())
        program, *arguments = _command()
        process.setProgram(program)
        process.setArguments(arguments)
        process.finished.connect(self._on_end)
        # Not before `start` has returned, where it failed at once.
        process.errorOccurred.connect(self._on_end, Qt.ConnectionType.QueuedConnection)
        process.start()
        return process

    def _on_end(self) -> None:
        """Nothing more will come: every run hears that."""
        if self.is_alive:
            return
        self.receive()
        ended = Ended(_last_words(self._process))
        runs, self._runs = self._runs, {}
        if runs:
            log.warning("%s", ended.error)
        for run in runs.values():
            run.take((ended,))

    # -- orders ----------------------------------------------------------------------------------

    def begin(self, run: DistantRun) -> int:
        """Let this run begin, and return the number that it has from now on."""
        if not (self.is_alive or self._is_closed):
            self._process = self._launched()
        self._count += 1
        self._runs[self._count] = run
        self.send(Begin(self._count, run.experiment, run.beginning))
        return self._count

    def send(self, instruction: Instruction) -> None:
        """Write an instruction, unless nobody is there to read it."""
        if self.is_alive:
            self._process.write(packed(instruction))

    # -- what is said ----------------------------------------------------------------------------

    def wait_for(self, run: DistantRun) -> None:
        """Receive until this run has ended, but no longer than `BLINK`."""
        deadline = time.monotonic() + BLINK
        while run in self._runs.values() and (left := deadline - time.monotonic()) > 0:
            if not self._process.waitForReadyRead(math.ceil(1000 * left)):
                return
            self.receive()

    def receive(self) -> None:
        """Hand out what has arrived so far."""
        process = self._process
        while process.bytesAvailable() >= HEADER.size:
            size = HEADER.unpack(process.peek(HEADER.size).data())[0]
            if process.bytesAvailable() < HEADER.size + size:
                return
            process.skip(HEADER.size)
            for report in unpacked(process.read(size).data()):
                self._take(report)

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


def _environment() -> QProcessEnvironment:
    """This process's own, with the place where initviz lies."""
    environment = QProcessEnvironment.systemEnvironment()
    here = str(Path(initviz.__file__).parent.parent)
    known = environment.value("PYTHONPATH", "")
    environment.insert("PYTHONPATH", os.pathsep.join(filter(None, (here, known))))
    return environment


def _last_words(process: QProcess) -> str:
    if process.error() is QProcess.ProcessError.FailedToStart:
        return (
            f"The process that trains could not be started ({process.errorString()}). With "
            f"{TRAINER}=thread in the environment the window trains by itself."
        )
    if process.exitStatus() is QProcess.ExitStatus.CrashExit:
        return (
            "The process that trains was ended from outside or has crashed; it may have wanted "
            "more memory than there is. Reset starts another one."
        )
    return f"The process that trains has ended (status {process.exitCode()}). Reset starts another."
