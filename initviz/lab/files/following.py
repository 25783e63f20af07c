"""What a recording has become since it was asked last.

A `Follower` lives in the thread that the recording grows in, and takes little of its time; what it
takes is plain data of its own, which another thread may write down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.files.format import Array, Key
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.recording import Recording, Track
from initviz.lab.snapshot import Histogram

#: Bytes of checkpoints that may be taken at once, and bytes more each second: large ones are
#: copied from the training more often than a disk should be bothered with them.
BURST, RATE = 64 * 2**20, 16 * 2**20


@dataclass(frozen=True)
class Changes:
    """What happened to a recording between two looks.

    `rows` is what is new of the tracks, `histograms` the new ones by step; `kept` has all steps
    that there are now, of those things of which older ones have gone. `checkpoint_steps` are all
    that there are now, `checkpoints` the new ones.
    """

    last_step: int
    stopped: str
    kept: Mapping[Key, Array]
    rows: Mapping[Key, Mapping[str, Array]]
    histograms: Mapping[int, Mapping[str, Histogram]]
    checkpoint_steps: frozenset[int]
    checkpoints: tuple[Checkpoint, ...]


class Follower:
    """Looks at a recording again and again; each time it takes what is new."""

    def __init__(self, recording: Recording, now: Callable[[], float] = time.monotonic) -> None:
        self.recording = recording
        #: How many rows of a thing were taken and are still there, and the step of the newest.
        self._taken: dict[Key, tuple[int, int]] = {}
        self._checkpoints: set[int] = set()
        self._last = -2
        self._now = now
        self._allowance, self._since = float(BURST), now()

    @property
    def has_news(self) -> bool:
        """Whether the recording has grown since."""
        return self.recording.last_step != self._last

    def take(self, *, everything: bool = False) -> Changes:
        """What is new; large checkpoints may have to wait, unless `everything` is asked for."""
        recording = self.recording
        kept: dict[Key, Array] = {}
        rows: dict[Key, Mapping[str, Array]] = {}
        for key, track in _tracks(recording):
            start = self._look(key, track.steps, kept)
            if start < len(track.steps):
                # Copies: what a track shows is valid only until the next append.
                steps, values = track.steps[start:].copy(), track.values[start:].copy()
                rows[key] = {"steps": steps, "values": values}
        checkpoints = self._new_checkpoints(everything)
        self._last = recording.last_step
        return Changes(
            recording.last_step,
            recording.stopped,
            kept,
            rows,
            self._new_histograms(kept),
            frozenset(recording.checkpoints),
            checkpoints,
        )

    def _look(self, key: Key, steps: Array, kept: dict[Key, Array]) -> int:
        """The index of the first new row; where older ones have gone, says so in `kept`."""
        count, last = self._taken.get(key, (0, -1))
        start = int(np.searchsorted(steps, last, side="right"))
        if start != count:
            kept[key] = steps.copy()
        if len(steps):
            self._taken[key] = len(steps), int(steps[-1])
        return start

    def _new_histograms(self, kept: dict[Key, Array]) -> dict[int, Mapping[str, Histogram]]:
        steps, start = self.recording.histogram_steps, 0
        for name in HISTOGRAMS:  # all at the same steps
            start = self._look(Key("histogram", name), steps, kept)
        found: dict[int, Mapping[str, Histogram]] = {}
        for step in steps[start:].tolist():
            taken = {name: self.recording.latest_histogram(name, step) for name in HISTOGRAMS}
            found[step] = {name: pair[1] for name, pair in taken.items() if pair is not None}
        return found

    def _new_checkpoints(self, everything: bool) -> tuple[Checkpoint, ...]:
        there = self.recording.checkpoints
        self._checkpoints &= set(there)
        now = self._now()
        self._allowance = min(self._allowance + RATE * (now - self._since), BURST)
        self._since = now
        taken: list[Checkpoint] = []
        for step in sorted(set(there) - self._checkpoints, reverse=True):
            if not everything and self._allowance <= 0:
                break
            self._allowance -= there[step].bytes
            self._checkpoints.add(step)
            taken.append(there[step])
        return tuple(taken)


def _tracks(recording: Recording) -> list[tuple[Key, Track]]:
    return [
        *((Key("scalar", name), recording.scalar_track(name)) for name in SCALARS),
        *((Key("quantity", name), recording.track(name)) for name in QUANTITIES),
        *((Key("time", name), recording.time_track(name)) for name in TIME_QUANTITIES),
    ]
