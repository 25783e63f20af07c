"""A whole session: one worker, one clock, up to four lanes and the timeline over them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.session.clock import Clock
from initviz.session.lane import Lane, State
from initviz.session.timeline import Timeline
from initviz.session.trainer import Trainer
from initviz.session.worker import Worker

LETTERS = "ABCD"


class Laboratory(QObject):
    """Everything that runs behind a window. `close` it, or its worker lives on.

    The lanes are trained in lock-step: the one furthest behind goes first. To pause, to run and to
    step is said to all of them; an experiment is one lane's own. A `trainer` that is lent is used
    beside others and not closed; without one there is a worker thread.

    Signals:
        added: with a lane that is new.
        removed: with the letter of a lane that is no more.
        state_changed: a lane's state is another, so that `state` may be.
    """

    added = Signal(object)
    removed = Signal(str)
    state_changed = Signal()

    def __init__(
        self,
        experiment: Experiment,
        parent: QObject | None = None,
        *,
        trainer: Trainer | None = None,
    ) -> None:
        super().__init__(parent)
        self.clock = Clock(self)
        self.lanes: tuple[Lane, ...] = ()
        self.timeline = Timeline(self)
        self._is_lent = trainer is not None
        self.trainer: Trainer = trainer or Worker()
        self._speed: float | None = None
        self.add(experiment)

    # -- lanes -------------------------------------------------------------------------------

    def lane(self, letter: str) -> Lane:
        """The lane of this letter.

        Raises:
            KeyError: if there is none.
        """
        for lane in self.lanes:
            if lane.letter == letter:
                return lane
        raise KeyError(f"there is no lane {letter!r}")

    @property
    def is_full(self) -> bool:
        """Whether there is no room for one more lane."""
        return len(self.lanes) == len(LETTERS)

    def add(
        self, experiment: Experiment, letter: str = "", start: Checkpoint | None = None
    ) -> Lane:
        """A new lane under this letter, or the first that is free; all others pause.

        It begins at step 0, or goes on from the state `start`.

        Raises:
            ValueError: if the letter is taken or none is free.
        """
        taken = {lane.letter for lane in self.lanes}
        letter = letter or next((one for one in LETTERS if one not in taken), "")
        if letter in taken or letter not in LETTERS or not letter:
            raise ValueError(f"there is no room for a lane {letter!r}: at most {len(LETTERS)}")
        self.pause()
        lane = Lane(letter, experiment, self.trainer, self.clock, self, start=start)
        lane.set_speed(self._speed)
        lane.state_changed.connect(self._on_state_changed)
        self.lanes = tuple(sorted((*self.lanes, lane), key=lambda one: one.letter))
        self.timeline.watch(lane)
        self.added.emit(lane)
        return lane

    def remove(self, letter: str) -> None:
        """End a lane's run and forget it.

        Raises:
            KeyError: if there is none of this letter.
            ValueError: if it is the only one.
        """
        lane = self.lane(letter)
        if len(self.lanes) == 1:
            raise ValueError("the only lane cannot be removed")
        lane.close()
        self.lanes = tuple(one for one in self.lanes if one is not lane)
        self.timeline.forget(lane)
        self.removed.emit(letter)
        lane.deleteLater()
        self._on_state_changed()

    def set_experiment(
        self, letter: str, experiment: Experiment, start: Checkpoint | None = None
    ) -> None:
        """Start another experiment in one lane, paused at its first step; all others pause."""
        self.pause()
        self.lane(letter).set_experiment(experiment, start)

    def take_back(self, letter: str, recording: Recording, start: Checkpoint | None) -> None:
        """Bring a run of before back into one lane, paused at its last step; all others pause."""
        self.pause()
        self.lane(letter).take_back(recording, start)

    # -- all lanes together --------------------------------------------------------------------

    @property
    def state(self) -> State:
        """RUNNING or LOADING while any lane is; else PAUSED if any may go on."""
        states = {lane.state for lane in self.lanes}
        order = (State.RUNNING, State.LOADING, State.PAUSED, State.FINISHED, State.FAILED)
        return next(state for state in order if state in states)

    @property
    def is_idle(self) -> bool:
        """Nothing will arrive until somebody does something."""
        return all(lane.is_idle for lane in self.lanes)

    def run(self) -> None:
        """Train every lane until paused; those behind catch up first."""
        for lane in self.lanes:
            lane.run()

    def pause(self) -> None:
        """Stop all lanes, those that go together at the same step."""
        self.trainer.pause([run for lane in self.lanes for run in lane.halt()])

    def toggle(self) -> None:
        """Run if nothing runs, else pause."""
        if any(lane.may_go_on for lane in self.lanes):
            self.pause()
        else:
            self.run()

    def step(self) -> None:
        """Train one step; where lanes are behind, bring them to the front instead."""
        open_lanes = [lane for lane in self.lanes if lane.can_train]
        if not open_lanes:
            return
        reaches = {lane.reach for lane in open_lanes}
        target = max(reaches) + (len(reaches) == 1)
        for lane in open_lanes:
            lane.train_to(target)

    def reset(self) -> None:
        """Start every lane again, with the same seeds."""
        for lane in self.lanes:
            lane.reset()

    @property
    def speed(self) -> float | None:
        """Steps a second at most; None for as fast as it goes."""
        return self._speed

    def set_speed(self, steps_per_second: float | None) -> None:
        """At most so many steps a second in each lane; None for as fast as it goes."""
        self._speed = steps_per_second
        for lane in self.lanes:
            lane.set_speed(steps_per_second)

    def close(self) -> None:
        """End every run, and the worker unless it was lent."""
        self.clock.stop()
        for lane in self.lanes:
            lane.close()
        if not self._is_lent:
            self.trainer.close()

    def _on_state_changed(self, _state: State | None = None) -> None:
        if self.is_idle:
            self.clock.stop()
        self.state_changed.emit()
