"""Recordings of the stops that were visited, so that going back shows just what was seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from initviz.lab.experiment import Experiment
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.recording import Recording, Steps, Track
from initviz.lab.snapshot import Floats

#: How many recordings are kept, and how many bytes their checkpoints may take together.
MOST, MOST_BYTES = 200, 1 << 30


@dataclass(frozen=True)
class Run:
    """What a lane has done at a stop: an experiment, trained to a step.

    `file` is the recording that it is read from, None where it is trained here.
    """

    experiment: Experiment
    step: int
    file: Path | None = None


class Kept:
    """Recordings by what was run; those that were not asked for longest go when room is short."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._recordings: OrderedDict[Run, Recording] = OrderedDict()

    def __len__(self) -> int:
        return len(self._recordings)

    def get(self, run: Run) -> Recording | None:
        """The recording of this run; None if there is none (any more)."""
        if run in self._recordings:
            self._recordings.move_to_end(run)
        return self._recordings.get(run)

    def put(self, run: Run, recording: Recording) -> None:
        """Keep a recording, which must not grow any more."""
        self._recordings[run] = recording
        self._recordings.move_to_end(run)
        while len(self._recordings) > 1 and self._is_too_much():
            self._recordings.popitem(last=False)

    def beginning(self, run: Run) -> Recording | None:
        """The longest recording of the same experiment that ends before `run` does."""
        steps = [
            one.step
            for one in self._recordings
            if one.experiment == run.experiment and one.file == run.file and one.step < run.step
        ]
        return self._recordings[Run(run.experiment, max(steps), run.file)] if steps else None

    def _is_too_much(self) -> bool:
        # Recordings of one run share the checkpoints of its beginning.
        checkpoints = {
            id(checkpoint): checkpoint.bytes
            for recording in self._recordings.values()
            for checkpoint in recording.checkpoints.values()
        }
        return len(self._recordings) > self._most or sum(checkpoints.values()) > self._most_bytes


def cut(recording: Recording, step: int) -> Recording:
    """A recording of its own, with all that was kept up to `step`.

    Histograms and checkpoints, which never change, are shared.
    """
    tracks = {name: recording.scalar_track(name) for name in SCALARS}
    tracks |= {name: recording.track(name) for name in QUANTITIES}
    times = {name: recording.time_track(name) for name in TIME_QUANTITIES}
    histograms = {}
    for at in map(int, recording.histogram_steps):
        if at <= step:
            found = {name: recording.latest_histogram(name, at) for name in HISTOGRAMS}
            histograms[at] = {name: one[1] for name, one in found.items() if one is not None}
    return Recording.restore(
        recording.experiment,
        recording.layers,
        recording.environment,
        _rows(tracks, step),
        histograms,
        {at: kept for at, kept in recording.checkpoints.items() if at <= step},
        _rows(times, step),
        recording.stopped if step >= recording.last_step else "",
    )


def _rows(tracks: Mapping[str, Track], step: int) -> dict[str, tuple[Steps, Floats]]:
    """What the tracks hold up to `step`; those that hold nothing are left out."""
    ends = {name: track.row_before(step) + 1 for name, track in tracks.items()}
    return {
        name: (track.steps[: ends[name]], track.values[: ends[name]])
        for name, track in tracks.items()
        if ends[name]
    }
