"""Gaussian expectations E f(m + s Z), Z ~ N(0, 1), to close to double precision.

Gauss–Hermite quadrature is wrong here: it cannot see a kink, and under a wide Gaussian its nodes
lie further apart than the few units of z within which an activation bends. So the line is cut into
panels that are short on both scales, that of the Gaussian and that of f, with a cut at every kink,
and each panel gets a Gauss–Legendre rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES = 24
#: In standard deviations; what lies beyond 12 of them weighs 4e-33.
_GAUSSIAN_CUTS = np.arange(-12.0, 13.0)
#: In units of z, mirrored at 0: dense where activations bend, ever wider in their tails, and so
#: far out that no standard deviation that is a double reaches beyond.
_FUNCTION_CUTS = np.concatenate([[0.0], 0.5 * 2.0 ** np.arange(520)])
#: Stands for a standard deviation of 0: squares of z underflow to 0, but z keeps its sign.
_LEAST_STD = 1e-170


def rule(mean: float, std: float, kinks: Sequence[float] = ()) -> tuple[Array, Array]:
    """Points z (N,) and weights (N,) such that E f(z) = Σ weight · f(point) for z ~ N(mean, std²).

    But for jumps and kinks at `kinks`, f must be smooth on the scale of 1 near 0 and like a power
    of z far from it (it may not oscillate). At std = 0 this is the limit std → 0: a jump at the
    mean counts half from either side.
    """
    std = max(std, _LEAST_STD)
    cuts = _cuts(mean, std, kinks)
    half = 0.5 * np.diff(cuts)[:, None]
    unit, legendre = _legendre()
    deviations = cuts[:-1, None] + half * (1.0 + unit)
    density = np.exp(-0.5 * deviations * deviations) / math.sqrt(2.0 * math.pi)
    return (mean + std * deviations).ravel(), (half * legendre * density).ravel()


def _cuts(mean: float, std: float, kinks: Sequence[float]) -> Array:
    """Where the panels end, in standard deviations from the mean, increasing."""
    low, high = mean + std * _GAUSSIAN_CUTS[0], mean + std * _GAUSSIAN_CUTS[-1]
    own = np.concatenate([-_FUNCTION_CUTS, _FUNCTION_CUTS, np.asarray(kinks)])
    own = own[(own > low) & (own < high)]
    cuts: Array = np.union1d(_GAUSSIAN_CUTS, (own - mean) / std)
    return cuts


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    unit, weights = np.polynomial.legendre.leggauss(_NODES)
    return unit, weights
