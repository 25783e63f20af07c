"""A lane: one experiment, its run and its recording."""

from __future__ import annotations

import math
import time
from collections import deque
from enum import Enum

from PySide6.QtCore import QObject, Signal

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.lab.schedule import BATCH, STATE
from initviz.lab.snapshot import Snapshot
from initviz.session.clock import Clock
from initviz.session.events import Began, Ended, Event, Measured, Waiting
from initviz.session.trainer import Run, Trainer

#: Steps a second are averaged over this many seconds.
AVERAGED = 1.0
#: Measuring is asked for at every so many ticks, as often as the quickest panels draw.
WATCHED = 2
#: And a copy of the whole state at every so many, where it is shown.
WATCHED_STATE = 6


class State(Enum):
    """What a lane is doing."""

    LOADING = "loading"
    PAUSED = "paused"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Lane(QObject):
    """One experiment being run by a trainer.

    Signals:
        restarted: `recording` is a new one and holds step 0.
        grew: snapshots were appended; at most once a tick of the clock.
        state_changed: with the new `State`.
        failed: with a sentence; what was recorded stays.

    A run that has come to its own end is FINISHED: to run and to step do nothing then, and what
    starts it again is a reset or another experiment.
    """

    restarted = Signal()
    grew = Signal()
    state_changed = Signal(State)
    failed = Signal(str)

    def __init__(
        self,
        letter: str,
        experiment: Experiment,
        trainer: Trainer,
        clock: Clock,
        parent: QObject | None = None,
        *,
        start: Checkpoint | None = None,
    ) -> None:
        super().__init__(parent)
        self.letter = letter
        self.experiment = experiment
        #: The state that the run goes on from; None if it is drawn anew.
        self.start = start
        self.recording: Recording | None = None
        #: The first step of the recording: that at which a fork begins.
        self.begins = 0
        self.state = State.LOADING
        self.error = ""
        self.speed: float | None = None
        self._trainer = trainer
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._coming: Recording | None = None
        self._is_known = False  # the recording is of before; it only grows
        self._is_asleep = False  # the run of before goes on once it is asked to
        self._may_go_on = False  # the last order, whether or not the worker has got to it
        #: Kept out of the panels, though it is trained like the others.
        self.is_hidden = False
        #: Whether a panel shows whole weights, so that the state is wanted too.
        self.shows_weights = False
        self._job = trainer.job(experiment, start)
        clock.tick.connect(self._on_tick)
        self._start()

    # -- what a person does ------------------------------------------------------------------

    def set_experiment(self, experiment: Experiment, start: Checkpoint | None = None) -> None:
        """Drop the run and measure the first step of `experiment`, paused."""
        self.experiment, self.start = experiment, start
        self._start()

    def take_back(self, recording: Recording, start: Checkpoint | None) -> None:
        """Show a run of before, and let it go on from where it was.

        Once it is to go on, it is trained again from its last whole state; what was recorded
        already is left out.
        """
        self.experiment, self.start = recording.experiment, start
        whole = [kept for kept in recording.checkpoints.values() if kept.is_whole]
        self._prepare(whole[-1] if whole else start)
        self.recording, self._is_known, self._is_asleep = recording, True, True
        self.begins = recording.kept_step(0)
        self._enter(State.FINISHED if recording.is_finished else State.PAUSED)
        self.restarted.emit()

    def reset(self) -> None:
        """Start the same experiment again, with the same seed."""
        self._start()

    def new_seed(self) -> None:
        """Start the same experiment again with the next seed."""
        seed = (self.experiment.run.seed + 1) % 2**31
        self.set_experiment(self.experiment.with_value("run.seed", seed))

    def run(self) -> None:
        """Train until paused."""
        self._allow(None)

    def pause(self) -> None:
        """Stop after the step that is being computed."""
        for run in self.halt():
            run.train_to(0)

    def halt(self) -> tuple[Run, ...]:
        """It is not to go on: what must be paused for that, by whoever pauses all lanes at once."""
        self._may_go_on = False
        return () if self._is_asleep else (self._job,)

    def train_to(self, step: int) -> None:
        """Train until this step and pause there; where it is past that, pause at once."""
        if step > self.reach:
            self._allow(step)
        else:
            self.pause()

    def toggle(self) -> None:
        """Run if paused, pause if running, or take back what was asked for while loading."""
        if self._may_go_on:
            self.pause()
        else:
            self.run()

    def step(self) -> None:
        """Train one step, measured wholly."""
        self._allow(self.reach + 1)

    def set_speed(self, steps_per_second: float | None) -> None:
        """At most so many steps a second; None for as fast as it goes."""
        self.speed = steps_per_second
        self._job.set_speed(steps_per_second)

    def close(self) -> None:
        """End the run; nothing arrives after this."""
        self._clock.tick.disconnect(self._on_tick)
        self._job.stop()

    # -- what it knows ---------------------------------------------------------------------------

    @property
    def steps_per_second(self) -> float:
        """The average over the last second; NaN while it does not run."""
        if self.state is not State.RUNNING or len(self._seen) < 2:
            return math.nan
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) / (ended - began) if ended > began else math.nan

    @property
    def reach(self) -> int:
        """The step that it is at, or is computing, as far as that is known."""
        if self._is_asleep and self.recording is not None:
            return self.recording.last_step
        return self._job.reach

    @property
    def bound(self) -> float:
        """No step after this one will be computed under the orders given; inf without an end."""
        return self._job.bound if self.can_train and not self._is_asleep else self.reach

    @property
    def may_go_on(self) -> bool:
        """Whether the last order was to train, even if the worker has not got to it."""
        return self._may_go_on

    @property
    def can_train(self) -> bool:
        """Whether there are steps left: it has neither failed nor come to its end."""
        return self.state not in (State.FINISHED, State.FAILED)

    @property
    def is_idle(self) -> bool:
        """Nothing will arrive until somebody does something."""
        return self.state in (State.PAUSED, State.FINISHED, State.FAILED)

    # -- how it goes on --------------------------------------------------------------------------

    def _start(self) -> None:
        self._prepare(self.start)
        self._enter(State.LOADING)
        self._job.start()

    def _prepare(self, state: Checkpoint | None) -> None:
        """End the run that there is, and get another one ready."""
        self._job.stop()
        self._read_to_the_end()
        self._job = self._trainer.job(self.experiment, state)
        self._job.set_speed(self.speed)
        self._coming = None
        self._is_known = self._is_asleep = False
        self._may_go_on = False
        self.error = ""

    def _read_to_the_end(self) -> None:
        """Give the run that is replaced the steps since the last tick: it may be taken back."""
        if self.recording is None or self._coming is not None:
            return
        self._job.settle()
        for event in self._job.events():
            match event:
                case Began() if not self._is_known:
                    return  # what follows is of a run that nobody has seen yet
                case Measured(snapshot) if snapshot.step > self.recording.last_step:
                    self.recording.append(snapshot)
                case Ended(_, has_finished):
                    self.recording.has_ended |= has_finished

    def _allow(self, until: int | None) -> None:
        if not self.can_train:
            return
        self._may_go_on = True
        if self._is_asleep:
            self._is_asleep = False
            self._job.start()
        self._job.train_to(until)
        if self.state is State.PAUSED:
            self._enter(State.RUNNING)

    def _enter(self, state: State) -> None:
        if state is not State.RUNNING:
            self._seen.clear()
        if state in (State.LOADING, State.RUNNING) and not self._clock.is_running:
            self._clock.start()
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)

    def _on_tick(self, count: int) -> None:
        if count % WATCHED == 0:
            self._job.watch(BATCH)
        if self.shows_weights and count % WATCHED_STATE == 0:
            self._job.watch(STATE)
        before = self.recording.last_step if self.recording else -1
        for event in self._job.events():
            self._take(event)
        recording = self.recording
        if recording is not None and recording.last_step != before:
            now = time.perf_counter()
            self._seen.append((now, recording.last_step))
            while self._seen[0][0] < now - AVERAGED and len(self._seen) > 2:
                self._seen.popleft()
            self.grew.emit()

    def _take(self, event: Event) -> None:
        match event:
            case Began(layers, environment):
                if not self._is_known:
                    self._coming = Recording(self.experiment, layers, environment)
            case Measured(snapshot):
                self._append(snapshot)
            case Waiting(order):
                if order == self._job.orders:
                    self._may_go_on = False
                    self._enter(State.PAUSED)
            case Ended(error, has_finished):
                self._may_go_on = False
                self.error = error
                if error:
                    self._enter(State.FAILED)
                    self.failed.emit(error)
                elif has_finished:
                    if self.recording is not None and self._coming is None:
                        self.recording.has_ended = True
                    self._enter(State.FINISHED)

    def _append(self, snapshot: Snapshot) -> None:
        # The run before stays in view until this one has something to show.
        is_new = self._coming is not None
        if self._coming is not None:
            self.recording, self._coming = self._coming, None
            self.begins = snapshot.step
            self._seen.clear()
        assert self.recording is not None
        if snapshot.step > self.recording.last_step:
            self.recording.append(snapshot)
        if is_new:
            self.restarted.emit()
        if self.state is State.LOADING and self._may_go_on:
            self._enter(State.RUNNING)
