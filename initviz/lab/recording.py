"""The history of a run: the only one that panels, diagnosis and export ever read.

A `Recording` is appended to, snapshot by snapshot, and read at any step. A live run is a
recording that is still growing; there is no second way to look at it.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from initviz.lab import thinning
from initviz.lab.experiment import Experiment, LayerPlan
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.snapshot import Counts, Floats, Histogram, Snapshot

if TYPE_CHECKING:
    from initviz.lab.checkpoint import Checkpoint
    from initviz.lab.diagnosis import Finding

Steps = NDArray[np.int64]


@dataclass(frozen=True)
class Environment:
    """What a run was computed with: bit-identity holds only where all of it is equal."""

    device: str
    threads: int
    versions: Mapping[str, str] = field(default_factory=dict)


class Track:
    """The measured rows of one quantity: steps (n,) and values (n, width), oldest first.

    `steps` and `values` are views that stay valid until the next append.
    """

    def __init__(self, width: int, capacity: int) -> None:
        self._steps = np.empty(64, dtype=np.int64)
        self._values = np.empty((64, width))
        self._capacity = capacity
        self._rows = 0

    def append(self, step: int, row: Floats | float) -> None:
        """Add what was measured at `step`, which must lie after all steps before."""
        if self._rows == self._capacity:
            self._thin()
        if self._rows == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty_like(self._steps)])
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._steps[self._rows] = step
        self._values[self._rows] = row
        self._rows += 1

    def extend(self, steps: Steps, values: Floats) -> None:
        """Add many rows (n,) and (n, width) at once, all after those before.

        Raises:
            ValueError: if there is not room for so many.
        """
        if self._rows + len(steps) > self._capacity:
            raise ValueError(f"{self._rows + len(steps)} rows are more than {self._capacity}")
        room = np.empty(len(self._steps), dtype=np.int64)
        self._steps = np.concatenate([self.steps, steps, room])
        self._values = np.concatenate([self.values, values, np.empty((len(room), values.shape[1]))])
        self._rows += len(steps)

    @property
    def steps(self) -> Steps:
        return self._steps[: self._rows]

    @property
    def values(self) -> Floats:
        return self._values[: self._rows]

    def row_before(self, step: int) -> int:
        """The index of the newest row at or before `step`; −1 if there is none."""
        if self._rows and step >= self._steps[self._rows - 1]:
            return self._rows - 1  # who follows a run asks for this, many times a second
        return int(np.searchsorted(self.steps, step, side="right")) - 1

    def _thin(self) -> None:
        mask = thinning.keep(self._rows)
        kept = int(mask.sum())
        self._steps[:kept] = self.steps[mask]
        self._values[:kept] = self.values[mask]
        self._rows = kept


class Recording:
    """What one run of `experiment` measured, on layers with these names, input side first."""

    def __init__(
        self, experiment: Experiment, layers: Sequence[str], environment: Environment
    ) -> None:
        self.experiment = experiment
        self.layers = tuple(layers)
        self.environment = environment
        depth = len(self.layers)
        rows = thinning.rows_for(thinning.LAYER_NUMBERS, depth * len(QUANTITIES))
        self._scalars = {name: Track(1, thinning.SCALAR_ROWS) for name in SCALARS}
        self._layers = {name: Track(depth, rows) for name in QUANTITIES}
        self._histograms: dict[int, Mapping[str, Histogram]] = {}
        self._histogram_steps: list[int] = []
        self._histogram_rows = thinning.rows_for(
            thinning.HISTOGRAM_NUMBERS, depth * (BINS + 6) * len(HISTOGRAMS)
        )
        self._checkpoints: dict[int, Checkpoint] = {}
        self._times = _time_tracks(0)
        self._last = -1
        self._known_steps: Steps | None = None  # until there are more
        #: "early" where the run was ended because the loss stood still.
        self.stopped = ""
        #: Whether it was seen to come to the end that its experiment has. A file does not tell.
        self.has_ended = False

    def append(self, snapshot: Snapshot) -> None:
        """Add the next snapshot.

        Raises:
            ValueError: if its step does not lie after every step before.
        """
        if snapshot.step <= self._last:
            raise ValueError(f"step {snapshot.step} comes after step {self._last}")
        self._last = snapshot.step
        self._known_steps = None
        for name, value in snapshot.scalars.items():
            self._scalars[name].append(snapshot.step, value)
        for name, row in snapshot.layers.items():
            self._layers[name].append(snapshot.step, row)
        for name, row in snapshot.times.items():
            self._time_track_for(name, len(row)).append(snapshot.step, row)
        if snapshot.histograms:
            self._append_histograms(snapshot.step, snapshot.histograms)
        if snapshot.checkpoint is not None:
            self._keep(snapshot.checkpoint)
        self.stopped = snapshot.stopped

    def _time_track_for(self, name: str, times: int) -> Track:
        if self.times == 0:  # how long the sequences are is known from the first of them
            self._times = _time_tracks(times)
        return self._times[name]

    def _keep(self, checkpoint: Checkpoint) -> None:
        self._checkpoints[checkpoint.step] = checkpoint
        room = thinning.checkpoints_for(max(kept.bytes for kept in self._checkpoints.values()))
        while len(self._checkpoints) > room:
            steps = list(self._checkpoints)
            del self._checkpoints[steps[thinning.superfluous(steps)]]

    def _append_histograms(self, step: int, histograms: Mapping[str, Histogram]) -> None:
        if len(self._histogram_steps) == self._histogram_rows:
            mask = thinning.keep(self._histogram_rows)
            for dropped in np.array(self._histogram_steps)[~mask]:
                del self._histograms[int(dropped)]
            self._histogram_steps = sorted(self._histograms)
        self._histograms[step] = histograms
        self._histogram_steps.append(step)

    @classmethod
    def restore(
        cls,
        experiment: Experiment,
        layers: Sequence[str],
        environment: Environment,
        tracks: Mapping[str, tuple[Steps, Floats]],
        histograms: Mapping[int, Mapping[str, Histogram]],
        checkpoints: Mapping[int, Checkpoint],
        times: Mapping[str, tuple[Steps, Floats]],
        stopped: str = "",
    ) -> Recording:
        """A recording from all its parts: tracks and times by name, the others by step.

        Of too many checkpoints those are dropped that would have been while it grew.

        Raises:
            ValueError: if there are more rows of a track than a recording keeps, or the times are
                not of one length.
        """
        recording = cls(experiment, layers, environment)
        for name, (steps, values) in tracks.items():
            known = recording._scalars if name in recording._scalars else recording._layers
            known[name].extend(steps, values)
        for name, (steps, values) in times.items():
            recording._time_track_for(name, values.shape[1]).extend(steps, values)
        recording._histograms = {step: histograms[step] for step in sorted(histograms)}
        recording._histogram_steps = list(recording._histograms)
        for step in sorted(checkpoints):
            recording._keep(checkpoints[step])
        ends = (int(steps[-1]) for steps, _ in (*tracks.values(), *times.values()))
        recording._last = max((*histograms, *checkpoints, *ends), default=-1)
        recording.stopped = stopped
        return recording

    # -- what a notebook reads -------------------------------------------------------------

    @property
    def steps(self) -> Steps:
        """The steps of which anything is kept, increasing (S,)."""
        if self._known_steps is None:
            tracks = [*self._scalars.values(), *self._layers.values(), *self._times.values()]
            self._known_steps = np.unique(np.concatenate([track.steps for track in tracks]))
            self._known_steps.flags.writeable = False  # everybody is given the same ones
        return self._known_steps

    @property
    def last_step(self) -> int:
        """The newest step, −1 while there is none."""
        return self._last

    def copy(self) -> Recording:
        """What there is now, which does not grow: what never changes is shared."""
        tracks = {**self._scalars, **self._layers}
        copied = Recording.restore(
            self.experiment,
            self.layers,
            self.environment,
            {name: (t.steps, t.values) for name, t in tracks.items() if len(t.steps)},
            self._histograms,
            self._checkpoints,
            {name: (t.steps, t.values) for name, t in self._times.items() if len(t.steps)},
            self.stopped,
        )
        copied.has_ended = self.has_ended
        return copied

    @property
    def size(self) -> int:
        """How many numbers it holds, about."""
        histograms = len(self._histogram_steps) * len(self.layers) * (BINS + 6) * len(HISTOGRAMS)
        weights = sum(kept.bytes for kept in self._checkpoints.values()) // 4
        return self.measured_size + histograms + weights

    @property
    def measured_size(self) -> int:
        """How many numbers it holds besides histograms and weights."""
        tracks = (*self._scalars.values(), *self._layers.values(), *self._times.values())
        return sum(track.values.size for track in tracks)

    @property
    def is_finished(self) -> bool:
        """Whether its run has come to its own end, as far as that is known without its data."""
        training = self.experiment.training
        length = training.length if training.unit == "steps" else 0
        return bool(self.stopped) or self.has_ended or 0 < length <= self.last_step

    @cached_property
    def plans(self) -> tuple[LayerPlan, ...]:
        """What each hidden layer is to be (H,)."""
        return self.experiment.hidden

    def series(self, quantity: str) -> Floats:
        """One quantity over all kept steps (S, L); NaN where not measured or not defined.

        Raises:
            KeyError: for a name that is no quantity.
        """
        return self._spread(self.track(quantity))

    def measured(self, quantity: str) -> NDArray[np.bool_]:
        """At which of the kept steps `quantity` was measured (S,)."""
        return np.isin(self.steps, self.track(quantity).steps)

    def scalar(self, name: str) -> Floats:
        """One scalar over all kept steps (S,); NaN where it was not measured."""
        return self._spread(self.scalar_track(name))[:, 0]

    @property
    def times(self) -> int:
        """T, how many steps the sequences have; 0 where the network reads none."""
        width: int = next(iter(self._times.values())).values.shape[1]
        return width

    def time_series(self, name: str) -> Floats:
        """One quantity along time over all kept steps (S, T); NaN where it was not measured.

        Raises:
            KeyError: for a name that is no quantity along time.
        """
        return self._spread(self.time_track(name))

    def _spread(self, track: Track) -> Floats:
        steps = self.steps
        values = np.full((len(steps), track.values.shape[1]), np.nan)
        values[np.searchsorted(steps, track.steps)] = track.values
        return values

    def histogram(self, name: str, step: int) -> tuple[Counts, Floats]:
        """Counts (L, bins) and edges (L, bins + 1) of the histograms taken at `step`.

        Raises:
            KeyError: for an unknown name, or a step not kept (naming the nearest one).
        """
        histogram = self._histogram_at(name, step)
        return histogram.counts, histogram.edges

    def histogram_outside(self, name: str, step: int) -> Counts:
        """How many values (L, 4) were below and above the bins, NaN and infinite, at `step`."""
        return self._histogram_at(name, step).outside

    def weights(self, layer: str, step: int) -> Floats:
        """A copy of W (fan_out, fan_in) of one layer, read from the checkpoint of that step.

        Kept for the first step and the last one that has come, and for some between.

        Raises:
            KeyError: for an unknown layer, or a step not kept (naming the nearest one).
        """
        if step not in self._checkpoints:
            raise _not_kept("weights", step, list(self._checkpoints))
        return self._checkpoints[step].weights(layer)

    def checkpoint(self, step: int) -> Checkpoint:
        """The whole state of training at `step`: `train(experiment, start=…)` goes on from it.

        Raises:
            KeyError: for a step not kept (naming the nearest one).
        """
        if step not in self._checkpoints:
            raise _not_kept("checkpoints", step, list(self._checkpoints))
        return self._checkpoints[step]

    def nearest_checkpoint(self, step: int) -> Checkpoint | None:
        """The kept checkpoint whose step is nearest, the earlier of two; None if there is none."""
        steps = list(self._checkpoints)
        if not steps:
            return None
        return self._checkpoints[min(steps, key=lambda kept: abs(kept - step))]

    @property
    def histogram_steps(self) -> Steps:
        """The steps of which histograms are kept, increasing."""
        return np.array(self._histogram_steps, dtype=np.int64)

    @property
    def weight_steps(self) -> Steps:
        """The steps of which weights are kept, increasing: those of the checkpoints."""
        return self.checkpoint_steps

    @property
    def checkpoints(self) -> Mapping[int, Checkpoint]:
        """The kept checkpoints by step, increasing; it changes as the recording grows."""
        return MappingProxyType(self._checkpoints)

    @property
    def checkpoint_steps(self) -> Steps:
        """The steps of which checkpoints are kept, increasing."""
        return np.array(list(self._checkpoints), dtype=np.int64)

    def findings(self, step: int | None = None) -> list[Finding]:
        """The diagnosis at `step`, by default at the end."""
        from initviz.lab.diagnosis import diagnose

        return diagnose(self, self._last if step is None else step)

    # -- what a panel reads, at every frame --------------------------------------------------

    def track(self, quantity: str) -> Track:
        """The measured rows alone of one quantity, without a copy."""
        return self._layers[quantity]

    def scalar_track(self, name: str) -> Track:
        """The measured values alone of one scalar, without a copy."""
        return self._scalars[name]

    def time_track(self, name: str) -> Track:
        """The measured rows (n, T) alone of one quantity along time, without a copy.

        Ask for it anew after the first snapshot: only then is T known.
        """
        return self._times[name]

    def latest(self, quantity: str, step: int) -> tuple[int, Floats]:
        """The newest measurement (L,) at or before `step`, and its step.

        Before the first measurement: step −1 and NaN.
        """
        return _latest(self.track(quantity), step)

    def latest_time(self, name: str, step: int) -> tuple[int, Floats]:
        """The newest measurement (T,) along time at or before `step`, and its step, as `latest`."""
        return _latest(self.time_track(name), step)

    def latest_scalar(self, name: str, step: int) -> float:
        """The newest value of a scalar at or before `step`; NaN before the first."""
        track = self.scalar_track(name)
        row = track.row_before(step)
        return float(track.values[row, 0]) if row >= 0 else float("nan")

    def latest_histogram(self, name: str, step: int) -> tuple[int, Histogram] | None:
        """The newest histograms at or before `step`, and their step."""
        row = bisect.bisect_right(self._histogram_steps, step) - 1
        if row < 0:
            return None
        found = self._histogram_steps[row]
        return found, self._histograms[found][name]

    def kept_step(self, step: int, offset: int = 0) -> int:
        """The newest kept step at or before `step`, moved by `offset` kept steps, within range."""
        steps = self.scalar_track("loss").steps
        row = int(np.searchsorted(steps, step, side="right")) - 1 + offset
        return int(steps[min(max(row, 0), len(steps) - 1)]) if len(steps) else 0

    def _histogram_at(self, name: str, step: int) -> Histogram:
        if name not in HISTOGRAMS:
            raise KeyError(f"no histogram of {name!r}; there are {', '.join(HISTOGRAMS)}")
        if step not in self._histograms:
            raise _not_kept("histograms", step, self._histogram_steps)
        return self._histograms[step][name]

    # -- files -------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write everything to a recording file; an existing file is replaced when all is well."""
        from initviz.lab.files import save

        save(self, Path(path))


def _time_tracks(times: int) -> dict[str, Track]:
    rows = thinning.rows_for(thinning.TIME_NUMBERS, times * len(TIME_QUANTITIES))
    return {name: Track(times, rows) for name in TIME_QUANTITIES}


def _latest(track: Track, step: int) -> tuple[int, Floats]:
    row = track.row_before(step)
    if row < 0:
        return -1, np.full(track.values.shape[1], np.nan)
    return int(track.steps[row]), track.values[row]


def load(path: str | Path) -> Recording:
    """Read a recording file.

    Raises:
        ValueError: one sentence saying what is wrong with the file.
        OSError: if it cannot be read.
    """
    from initviz.lab.files import load as read

    return read(Path(path))


def _not_kept(what: str, step: int, kept: Sequence[int]) -> KeyError:
    if not kept:
        return KeyError(f"no {what} were kept")
    nearest = min(kept, key=lambda k: abs(k - step))
    return KeyError(f"{what} of step {step} were not kept; the nearest is step {nearest}")
