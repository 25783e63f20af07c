"""Where in the recordings one looks: a step, or the end that moves along."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from initviz.lab.recording import Recording
from initviz.session.lane import Lane


class Timeline(QObject):
    """The position that all panels share.

    It follows the end until one goes back, and again once one goes to the end. Where a fork begins,
    one looks at its first step, wherever the others are.

    Signals:
        moved: with the new step, for whatever reason.
        jumped: with the new step, where it is not that a run has grown or begun again.
    """

    moved = Signal(int)
    jumped = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes: list[Lane] = []
        self._step = 0
        self.follows_end = True

    def watch(self, lane: Lane) -> None:
        """Count in the steps of this lane."""
        self._lanes.append(lane)
        lane.grew.connect(self._on_grew)
        lane.restarted.connect(partial(self._on_restarted, lane))

    def forget(self, lane: Lane) -> None:
        """A lane is no more."""
        self._lanes.remove(lane)
        if self.follows_end or self._step > self.last:
            self.follow()

    @property
    def step(self) -> int:
        """The step that is looked at."""
        return self._step

    @property
    def last(self) -> int:
        """The newest step of any lane; 0 while there is none."""
        return max((recording.last_step for recording in self._recordings()), default=0)

    @property
    def kept(self) -> int:
        """How many steps of the longest recording are kept."""
        recordings = self._recordings()
        return max((len(one.scalar_track("loss").steps) for one in recordings), default=0)

    def go(self, step: int) -> None:
        """Look at the newest step at or before `step` that any lane has kept.

        Before all of them, as where every lane is a fork, at the first that there is.
        """
        kept = [recording.kept_step(step) for recording in self._recordings()]
        found = max((one for one in kept if one <= step), default=min(kept, default=0))
        self.follows_end = found >= self.last
        self._jump(found)

    def move(self, offset: int) -> None:
        """Look so many kept steps later or, if negative, earlier, whichever lane has kept them."""
        recordings, step = self._recordings(), self._step
        for _ in range(abs(offset)):
            if offset > 0:
                later = (recording.kept_step(step, 1) for recording in recordings)
                step = min((one for one in later if one > step), default=step)
            else:
                earlier = (recording.kept_step(step - 1) for recording in recordings)
                step = max((one for one in earlier if one < step), default=step)
        self.go(step)

    def follow(self) -> None:
        """Look at the end from now on."""
        self.follows_end = True
        self._jump(self.last)

    def _recordings(self) -> list[Recording]:
        return [lane.recording for lane in self._lanes if lane.recording is not None]

    def _on_restarted(self, lane: Lane) -> None:
        recording = lane.recording
        first = recording.kept_step(0) if recording is not None else 0
        is_new_fork = recording is not None and 0 < first == recording.last_step
        step = first if is_new_fork else self.last
        self.follows_end = step >= self.last
        self._move(step)

    def _on_grew(self) -> None:
        if self.follows_end:
            self._move(self.last)

    def _jump(self, step: int) -> None:
        if step != self._step:
            self._move(step)
            self.jumped.emit(step)

    def _move(self, step: int) -> None:
        if step != self._step:
            self._step = step
            self.moved.emit(step)
