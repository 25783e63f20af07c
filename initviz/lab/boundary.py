"""What a network makes of the plane: class probabilities on a grid, and the samples on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.snapshot import Floats

#: Places along each side of the grid: one batch of them all.
SIDE = 64
#: What the grid reaches beyond the samples on each side, as a share of theirs.
BEYOND = 0.12


@dataclass(frozen=True)
class Plane:
    """Probabilities (SIDE, SIDE, classes) of each class, rows from the largest x₂ down.

    `low` and `high` (2,) are the corners; `points` (N, 2) and `labels` (N,) are the training part,
    unscaled, and `right` the share of it that the network classifies right.
    """

    probabilities: Floats
    low: Floats
    high: Floats
    points: Floats
    labels: NDArray[np.int64]
    right: float

    @property
    def classes(self) -> int:
        classes: int = self.probabilities.shape[2]
        return classes


def plane(checkpoint: Checkpoint) -> Plane:
    """The plane as the network saw it at a checkpoint.

    Raises:
        ValueError: where the data have not two features, or as `Replay`.
        OSError: if the data cannot be read.
    """
    from initviz.lab.replay import Replay

    replay = Replay(checkpoint.experiment, checkpoint)
    samples = replay.points()
    points = samples.inputs.astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, BEYOND * (high - low), 1.0)
    low, high = low - margin, high + margin
    x, y = np.linspace(low[0], high[0], SIDE), np.linspace(high[1], low[1], SIDE)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    with np.errstate(all="ignore"):
        found = replay.boundary(np.concatenate([grid, points]))
    of_points = found[len(grid) :]
    known = np.isfinite(of_points).all(axis=1)
    right = float((known & (of_points.argmax(axis=1) == samples.labels)).mean())
    probabilities = found[: len(grid)].reshape(SIDE, SIDE, -1)
    return Plane(probabilities, low, high, points, samples.labels, right)


def refined(probabilities: Floats, factor: int) -> Floats:
    """The grid (rows, columns, classes) with `factor` times as many places, straight between."""
    for _ in range(2):  # down, and then across
        rows = len(probabilities)
        at = np.linspace(0.0, rows - 1.0, factor * rows)
        probabilities = _stretched(probabilities, at).transpose(1, 0, 2)
    return probabilities


def _stretched(values: Floats, at: Floats) -> Floats:
    """Values between the rows, at fractional rows."""
    below = np.minimum(at.astype(np.int64), len(values) - 2)
    share = (at - below)[:, None, None]
    return np.asarray(values[below] * (1.0 - share) + values[below + 1] * share)


def seams(probabilities: Floats) -> NDArray[np.bool_]:
    """Where the likeliest class of a place (rows, columns) is not that of the next one."""
    winner = probabilities.argmax(axis=2)
    found = np.zeros(winner.shape, dtype=np.bool_)
    found[:-1] |= winner[:-1] != winner[1:]
    found[:, :-1] |= winner[:, :-1] != winner[:, 1:]
    return found
