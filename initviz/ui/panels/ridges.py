"""Histograms of many layers as ridges: one path for all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.snapshot import Counts, Histogram
from initviz.ui.panels.axes import Axis, Floats

#: A ridge is never narrower than this on the screen, or it could not be seen.
LEAST_PIXELS = 2.0
# Where an activation that goes on for ever has long left every range that it could be bound to.
_FAR = 1e6
_UNBOUNDED = 100.0


@lru_cache(maxsize=64)
def natural_range(activation: str, slope: float) -> tuple[float, float]:
    """The values that φ can take; −∞ and ∞ where there is no bound."""
    ends = np.sinh(np.linspace(-math.asinh(_FAR), math.asinh(_FAR), 4001))
    with np.errstate(over="ignore"):
        values = ACTIVATIONS[activation].function(ends, slope)
    low, high = float(values.min()), float(values.max())
    return (
        low if low > -_UNBOUNDED else -math.inf,
        high if high < _UNBOUNDED else math.inf,
    )


@dataclass(frozen=True)
class Ridges:
    """What is drawn of some layers' histograms.

    `x` and `y` (K, P) are the points of their outlines; `below` and `above` (K,) count the
    values that lie beyond the axis, `broken` (K, 2) those that are NaN and infinite.
    """

    x: Floats
    y: Floats
    below: NDArray[np.int64]
    above: NDArray[np.int64]
    broken: Counts


def ridges(
    histogram: Histogram,
    layers: NDArray[np.int64],
    x: Axis,
    bases: Floats,
    height: float,
    units: Floats | float = 1.0,
) -> Ridges:
    """The histograms of `layers` (K,) on the lines `bases` (K,), each as high as `height`.

    Each ridge is scaled by its own fullest bin and at least `LEAST_PIXELS` wide. Its values are
    measured in `units`, which may be one for each layer (K,).
    """
    counts = histogram.counts[layers]
    bins = counts.shape[1]
    low, high = histogram.low[layers] / units, histogram.high[layers] / units
    centres = low[:, None] + (high - low)[:, None] * ((np.arange(bins) + 0.5) / bins)
    least = LEAST_PIXELS / 2 * (x.high - x.low) / (x.end - x.start)
    # What is less than a pixel beyond the axis lies on it: so do bins around its very end.
    outer_low, outer_high = x.low - least, x.high + least
    inside = (centres >= outer_low) & (centres <= outer_high)
    shown = np.where(inside, counts, 0)
    fullest = np.maximum(shown.max(axis=1), 1)
    middle, half = (low + high) / 2, np.fmax((high - low) / 2, least)
    # From the left end of the line up to the ridge, over it, and down to the right end.
    share = np.concatenate([[-1.0], (np.arange(bins) + 0.5) / bins * 2 - 1, [1.0]])
    known = np.where(np.isfinite(middle), middle, 0.0)[:, None] + half[:, None] * share
    points = np.empty((len(layers), bins + 4))
    points[:, 0], points[:, -1] = x.start, x.end
    points[:, 1:-1] = x(np.clip(known, x.low, x.high))
    heights = np.repeat(bases[:, None], bins + 4, axis=1)
    heights[:, 2:-2] -= height * shown / fullest[:, None]
    outside = histogram.outside[layers]
    below = outside[:, 0] + np.where(centres < outer_low, counts, 0).sum(axis=1)
    above = outside[:, 1] + np.where(centres > outer_high, counts, 0).sum(axis=1)
    return Ridges(points, heights, below, above, outside[:, 2:])
