"""One experiment from several seeds: how much of a run is chance.

Norms of gradients of a deep network are log-normal over seeds: an average is dominated by
outliers. So what is told is the median, and the band in which eight of ten runs lie, both taken
of logarithms.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from initviz.lab.experiment import Experiment
from initviz.lab.quantities import Cost
from initviz.lab.schedule import NOTHING, Schedule
from initviz.session.errand import ErrandRunner, Progress

Floats = NDArray[np.float64]

#: How many seeds, and how many updates of each run: as many as a person has seen, within limits.
COUNT = 10
SHORTEST, LONGEST = 100, 1000
#: The ends of the band and its middle, as shares of the runs.
QUANTILES = (0.1, 0.5, 0.9)
#: What is kept of every layer, at the start and at the end of each run.
GRADIENTS = ("signal_gradient_norm", "weight_gradient_norm")
MOMENTS = ("start", "end")


def steps_for(seen: int) -> int:
    """How many updates are made from each seed where so many were seen of the run."""
    return min(max(seen, SHORTEST), LONGEST)


def without_seed(experiment: Experiment) -> Experiment:
    """What experiments have in common that differ in nothing but seed and title."""
    return experiment.with_values({"run.seed": 0, "title": ""})


@dataclass(frozen=True, eq=False)
class SeedRuns:
    """What came of each of n runs, in the order of `seeds`.

    `losses` (n, steps + 1); `gradients` maps a quantity and "start" or "end" to the norms (n, H)
    of the hidden layers. NaN stands where a run had no number.
    """

    experiment: Experiment
    seeds: tuple[int, ...]
    steps: int
    losses: Floats
    gradients: Mapping[tuple[str, str], Floats] = field(repr=False)

    def is_of(self, experiment: Experiment) -> bool:
        """Whether these are runs of that experiment, whatever its seed."""
        return without_seed(self.experiment) == without_seed(experiment)

    @property
    def diverged(self) -> int:
        """How many of the runs ended without a finite loss."""
        return int((~np.isfinite(self.losses[:, -1])).sum())


def quantiles(values: Floats, shares: tuple[float, ...] = QUANTILES) -> Floats:
    """The values (q, …) below which these shares of the n runs (n, …) lie.

    Between two runs as far as the share is, except where one of them is infinite: then the nearer
    of the two. NaN counts as worse than any number, and is what is found where such a run is.
    """
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    found = []
    for share in shares:
        at = share * (len(ordered) - 1)
        below = int(at)
        one, other = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        part = at - below
        with np.errstate(invalid="ignore"):
            between = one + part * (other - one)
        nearer = other if part > 0.5 else one
        found.append(np.where(np.isfinite(one) & np.isfinite(other), between, nearer))
    result = np.stack(found)
    is_lost = np.isposinf(result) & ~np.isposinf(values).any(axis=0)
    return np.where(is_lost, np.nan, result)


def run_seeds(
    experiment: Experiment,
    steps: int,
    cancel: threading.Event,
    progress: Progress | None = None,
    count: int = COUNT,
) -> SeedRuns | None:
    """Train from `count` seeds, beginning with the experiment's own; None if `cancel` was set.

    No run ends sooner than the others by itself. Raises what training raises.
    """
    first = experiment.run.seed
    seeds = tuple((first + i) % 2**31 for i in range(count))
    whole = experiment.with_values({"training.length": 0, "training.early_stopping": False})
    losses = np.full((count, steps + 1), np.nan)
    rows: dict[tuple[str, str], list[Floats]] = {(q, m): [] for q in GRADIENTS for m in MOMENTS}
    for number, seed in enumerate(seeds):
        run = whole.with_value("run.seed", seed)
        if not _follow(run, steps, cancel, losses[number], rows, _Told(progress, number, count)):
            return None
    gradients = {key: np.array(found) for key, found in rows.items()}
    return SeedRuns(experiment, seeds, steps, losses, gradients)


class _Told:
    """Tells how far all runs together are."""

    def __init__(self, progress: Progress | None, number: int, count: int) -> None:
        self._progress, self._number, self._count = progress, number, count

    def __call__(self, step: int, steps: int) -> None:
        if self._progress is not None:
            done = self._number * (steps + 1) + step + 1
            self._progress(done, self._count * (steps + 1))


class _Bare(Schedule):
    """Nothing but the loss between the start and the end, where everything is measured."""

    def costs(self, step: int, elapsed: float) -> frozenset[Cost]:
        return NOTHING


def _follow(
    experiment: Experiment,
    steps: int,
    cancel: threading.Event,
    losses: Floats,
    rows: Mapping[tuple[str, str], list[Floats]],
    told: _Told,
) -> bool:
    """Train one run to its end, and keep what is wanted of it; returns whether it got there."""
    from initviz.lab.training import train

    reached = -1
    for snapshot in train(experiment, cancel, last=steps, schedule=_Bare()):
        reached = snapshot.step
        losses[reached] = snapshot.scalars["loss"]
        for moment, step in zip(MOMENTS, (0, steps), strict=True):
            if reached == step:
                for quantity in GRADIENTS:
                    rows[quantity, moment].append(snapshot.layers[quantity][:-1].copy())
        told(reached, steps)
    return reached == steps


class SeedRunner(ErrandRunner):
    """Runs one experiment from several seeds at a time; `finished` brings the `SeedRuns`."""

    thread_name = "initviz seeds"

    def start(self, experiment: Experiment, steps: int) -> None:
        """Run this experiment; what is on its way is cancelled."""

        def work(cancel: threading.Event, progress: Progress) -> SeedRuns | None:
            return run_seeds(experiment, steps, cancel, progress)

        self.begin(work)
