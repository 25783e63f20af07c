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

_NODES = 16
#: In standard deviations; what lies beyond 12 of them weighs 4e-33.
_GAUSSIAN_CUTS = np.linspace(-12.0, 12.0, 11)
#: In units of z, mirrored at 0: dense where activations bend, ever wider in their tails, and so
#: far out that no standard deviation that is a double reaches beyond.
_FUNCTION_CUTS = np.concatenate([[0.0], 0.5 * 2.0 ** np.arange(520)])
#: Stands for a standard deviation of 0: squares of z underflow to 0, but z keeps its sign.
LEAST_STD = 1e-170
#: A Gaussian of this many radians spreads over a circle as evenly as doubles can tell:
#: e^{−9²/2} = 3e-18.
_ROUND_A_CIRCLE = 9.0
#: Squared deviations beyond which a weight stays as small as it is: subnormal numbers are slow.
_NO_WEIGHT = 600.0
#: Points on a circle: exact for sums of up to 63 harmonics.
_ON_A_CIRCLE = 64


def rule(
    mean: float, std: float, kinks: Sequence[float] = (), period: float | None = None
) -> tuple[Array, Array]:
    """Points z (N,) and weights (N,) such that E f(z) = Σ weight · f(point) for z ~ N(mean, std²).

    But for jumps and kinks at `kinks`, f must be smooth on the scale of 1 near 0 and like a power
    of z far from it; or, with a `period`, a sum of its first few harmonics. At std = 0 this is the
    limit std → 0: a jump at the mean counts half from either side.
    """
    z, weights = rules(np.array([mean]), std, kinks, period)
    return z[0], weights[0]


def rules(
    means: Array,
    std: float,
    kinks: Sequence[float] = (),
    period: float | None = None,
) -> tuple[Array, Array]:
    """`rule` for each of several means (M,): points (M, N) and weights (M, N)."""
    if period is not None and covers_circle(std, period):
        return _on_a_circle(means, period)
    std = max(std, LEAST_STD)
    reach = _GAUSSIAN_CUTS[-1] * std
    low, high = float(means.min()) - reach, float(means.max()) + reach
    own = np.concatenate([_function_cuts(low, high, period), kinks])
    own = own[(own > low) & (own < high)]
    with np.errstate(over="ignore"):
        own = np.clip((own - means[:, None]) / std, _GAUSSIAN_CUTS[0], _GAUSSIAN_CUTS[-1])
    both = [np.broadcast_to(_GAUSSIAN_CUTS, (len(means), len(_GAUSSIAN_CUTS))), own]
    # A cut that a mean does not need falls on another, and the panel between weighs nothing.
    deviations, panels = _panels(np.sort(np.concatenate(both, axis=1), axis=1))
    weights = panels * np.exp(-0.5 * deviations * deviations) / math.sqrt(2.0 * math.pi)
    return means[:, None] + std * deviations, weights


def covers_circle(std: float, period: float) -> bool:
    """Whether a function of this period cannot tell the Gaussian from an even spread.

    Then a rule's points lie within one period, and say nothing of z itself.
    """
    return std * 2.0 * math.pi >= _ROUND_A_CIRCLE * period


def shared_rule(stds: Array, kinks: Sequence[float] = ()) -> tuple[Array, Array]:
    """Points z (N,) and weights (M, N) for N(0, std²) with each of several stds (M,) alike.

    A function is then evaluated once for all of them. The conditions are those of `rule`.
    """
    # Octaves from below the narrowest to beyond the widest; they hold the cuts of functions too.
    first = math.floor(math.log2(0.5 * float(stds.min())))
    last = math.ceil(math.log2(_GAUSSIAN_CUTS[-1] * float(stds.max())))
    octaves = 2.0 ** np.arange(first, last + 1)
    cuts = np.unique(np.concatenate([-octaves, [0.0, *kinks], octaves]))
    z, panels = _panels(cuts[None, :])
    squares = np.minimum(np.square(z / stds[:, None]), _NO_WEIGHT)
    weights = panels * np.exp(-0.5 * squares)
    return z[0], weights / (stds[:, None] * math.sqrt(2.0 * math.pi))


def expect(weights: Array, values: Array) -> float:
    """Σ weight · value, on one thread: those of a BLAS cost milliseconds where cores are busy."""
    return float(np.einsum("i,i->", weights, values))


def _function_cuts(low: float, high: float, period: float | None) -> Array:
    """Where a smooth f must be cut between two points."""
    if period is None:
        return np.concatenate([-_FUNCTION_CUTS, _FUNCTION_CUTS])
    half = 0.5 * period
    cuts: Array = half * np.arange(math.floor(low / half), math.ceil(high / half) + 1.0)
    return cuts


def _on_a_circle(means: Array, period: float) -> tuple[Array, Array]:
    around = period * np.arange(_ON_A_CIRCLE) / _ON_A_CIRCLE
    z: Array = means[:, None] + around
    return z, np.full(z.shape, 1.0 / _ON_A_CIRCLE)


def _panels(cuts: Array) -> tuple[Array, Array]:
    """Points and weights (M, N) that integrate from the first to the last of the cuts (M, K)."""
    unit, legendre = _legendre()
    half = 0.5 * np.diff(cuts, axis=1)[:, :, None]
    points = cuts[:, :-1, None] + half * (1.0 + unit)
    return points.reshape(len(cuts), -1), (half * legendre).reshape(len(cuts), -1)


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    unit, weights = np.polynomial.legendre.leggauss(_NODES)
    return unit, weights
