"""How alike the units of a layer are: cosines between their weights, or their gradients.

A unit whose weights are those of another computes the same and gets the same gradient: it stays
the same for ever, and the layer is as good as a narrower one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.network_settings import GATES
from initviz.lab.snapshot import Floats

#: Units that are compared one by one; of more, so many are taken evenly.
MOST_UNITS = 128


@dataclass(frozen=True)
class Alike:
    """The cosine of each two of the units `places` (m,), counted from 1, of all `units`.

    It is NaN with a unit that is all zeros, or not finite. `distinct` counts the different units,
    `zeros` those that are all zeros.
    """

    cosines: Floats
    places: tuple[int, ...]
    units: int
    distinct: int
    zeros: int


def weights_alike(checkpoint: Checkpoint, layer: str) -> Alike:
    """The incoming weights of a layer's units; `distinct` counts their biases in."""
    from initviz.lab.probe import distinct_rows

    gates = _gates(checkpoint, layer)
    weights = checkpoint.weights(layer).astype(np.float64)
    biases = [bias[:, None] for bias in checkpoint.biases(layer)]
    return _alike(weights, gates, distinct_rows(_units(np.hstack([weights, *biases]), gates)))


def gradients_alike(checkpoint: Checkpoint, layer: str) -> Alike:
    """∂L/∂W of a layer's units, on the batch that training used at that step.

    Raises:
        ValueError, OSError: as `Replay`.
    """
    from initviz.lab.probe import distinct_rows
    from initviz.lab.replay import Replay

    gates = _gates(checkpoint, layer)
    gradient = Replay(checkpoint.experiment, checkpoint).gradients()[layer]
    return _alike(gradient, gates, distinct_rows(_units(gradient, gates)))


def _gates(checkpoint: Checkpoint, layer: str) -> int:
    """How many rows of the weight make one unit."""
    gates = GATES.get(checkpoint.experiment.network.architecture, 1)
    return gates if layer != "output" else 1


def _units(rows: Floats, gates: int) -> Floats:
    """All numbers of each unit, its gates one after the other."""
    by_gate = rows.reshape(gates, -1, rows.shape[1])
    return by_gate.transpose(1, 0, 2).reshape(by_gate.shape[1], -1)


def _alike(rows: Floats, gates: int, distinct: int) -> Alike:
    units = _units(rows, gates)
    count = len(units)
    places = np.arange(count)
    if count > MOST_UNITS:
        places = np.linspace(0, count - 1, MOST_UNITS).round().astype(np.int64)
    chosen = units[places]
    largest = np.abs(chosen).max(axis=1, keepdims=True)  # or squares would underflow
    with np.errstate(all="ignore"):
        scaled = chosen / largest
        directions = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
        cosines = np.clip(directions @ directions.T, -1.0, 1.0)
    zeros = int((~units.any(axis=1)).sum())
    return Alike(cosines, tuple((places + 1).tolist()), count, distinct, zeros)
