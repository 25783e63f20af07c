"""A whole session: one worker, one clock, its lanes and the timeline over them."""

from __future__ import annotations

from PySide6.QtCore import QObject

from initviz.lab.experiment import Experiment
from initviz.session.clock import Clock
from initviz.session.lane import Lane, State
from initviz.session.timeline import Timeline
from initviz.session.worker import Worker


class Laboratory(QObject):
    """Everything that runs behind a window. `close` it, or its thread lives on."""

    def __init__(
        self, experiment: Experiment, threads: int = 1, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.clock = Clock(self)
        self._worker = Worker(threads)
        lane = Lane("A", experiment, self._worker, self.clock, self)
        self.lanes = (lane,)
        self.timeline = Timeline(self.lanes, self)
        for lane in self.lanes:
            lane.state_changed.connect(self._rest_if_idle)

    def lane(self, letter: str) -> Lane:
        """The lane of this letter.

        Raises:
            KeyError: if there is none.
        """
        for lane in self.lanes:
            if lane.letter == letter:
                return lane
        raise KeyError(f"there is no lane {letter!r}")

    def close(self) -> None:
        """End every run and the worker's thread."""
        self.clock.stop()
        for lane in self.lanes:
            lane.close()
        self._worker.close()

    def _rest_if_idle(self, _state: State) -> None:
        if all(lane.is_idle for lane in self.lanes):
            self.clock.stop()
