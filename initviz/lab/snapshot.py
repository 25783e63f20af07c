"""What was measured at one step: plain NumPy, no live tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from initviz.lab.checkpoint import Checkpoint

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]


@dataclass(frozen=True)
class Histogram:
    """Histograms of all layers at one step.

    `counts` (L, bins) with bin i of layer l from `low[l] + i · (high[l] − low[l]) / bins`;
    `outside` (L, 4) counts the values below, above, NaN and infinite.
    """

    counts: Counts
    low: Floats
    high: Floats
    outside: Counts

    @property
    def edges(self) -> Floats:
        """(L, bins + 1), increasing along each row."""
        share = _shares(self.counts.shape[1] + 1)
        return np.asarray(self.low[:, None] * (1.0 - share) + self.high[:, None] * share)


@lru_cache
def _shares(count: int) -> Floats:
    """So many numbers from 0 to 1 at equal distances."""
    return np.linspace(0.0, 1.0, count)


@dataclass(frozen=True)
class Snapshot:
    """One step. Step k describes the parameters after k updates, on the batch of update k + 1.

    Only what was measured at this step is in the mappings: `scalars` by name, `layers` by name
    with one number for each layer (L,), `histograms` by name, `times` by name with one number for
    each step of the sequence (T,). `checkpoint` is the whole state of training, where it was kept.
    `is_last` says that the run ends here, and `stopped` is "early" where that is because the loss
    stood still.
    """

    step: int
    scalars: Mapping[str, float]
    layers: Mapping[str, Floats] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    times: Mapping[str, Floats] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None
    is_last: bool = False
    stopped: str = ""
