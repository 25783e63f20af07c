"""What a wide network makes of two inputs: the correlation map, and how deep a signal reaches.

Two inputs of the same length give u₁ and u₂ in a layer, both N(0, q) with correlation c, and in
the next layer the correlation (σ_w² E φ(u₁)φ(u₂) + σ_b²)/V(q) (Poole et al. 2016, eq. 5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import Activation
from initviz.lab.mean_field import (
    CRITICAL,
    SLOPE,
    check_finite,
    chi,
    entry_of,
    fixed_point,
    length_map,
    length_slope,
    moments_around,
    std_of,
)
from initviz.lab.quadrature import expect, rule, rules

Array = NDArray[np.float64]

#: Stands for a standard deviation of 0: the limit is reached, and squares do not underflow.
_LEAST_STD = 1e-145
#: Around a kink of φ its mean over a narrow Gaussian bends within a few standard deviations.
_BEND = np.array([-12.0, -6.0, -3.0, -1.5, 0.0, 1.5, 3.0, 6.0, 12.0])


@dataclass(frozen=True)
class DepthScales:
    """Over how many layers something changes by a factor e, at the fixed point of the length.

    `length` ξ_q: deviations of q from its fixed point; `correlation` ξ_c: deviations of the
    correlation of two inputs from its own; `gradient` ξ_∇: the squared norm of ∂L/∂z on its way
    back, negative where that grows. Infinite at criticality, NaN where undefined.
    """

    length: float
    correlation: float
    gradient: float


def pair_moments(
    activation: str | Activation, q: float, c: float, *, slope: float = SLOPE
) -> tuple[float, float]:
    """(E φ(u₁)φ(u₂), E φ′(u₁)φ′(u₂)) for u₁, u₂ ~ N(0, q) with correlation c; q = 0 is q → 0.

    With c ≥ 0, u = √(cq) X + √((1 − c)q) Y has a part X that both share and a part of its own, so
    that E φ(u₁)φ(u₂) = E g(√(cq) X)² with g(m) = E φ(m + √((1 − c)q) Y): two nested integrals,
    and g has no kinks. With c < 0 the second has −X.

    Raises:
        ValueError: for an unknown activation, a q that is negative or not finite, or a c that is
            not between −1 and 1.
    """
    if not -1.0 <= c <= 1.0:
        raise ValueError(f"c = {c!r} is not allowed: a number from -1 to 1")
    entry, std = entry_of(activation), max(std_of(q), _LEAST_STD)
    if c == 1.0:
        return moments_around(entry, slope, 0.0, std_of(q))
    shared, own = math.sqrt(abs(c)) * std, math.sqrt(1.0 - abs(c)) * std
    sides = (1.0,) if c >= 0 else (1.0, -1.0)
    bends = [side * kink + own * bend for side in sides for kink in entry.kinks for bend in _BEND]
    means, weights = rule(0.0, shared, bends, entry.period)
    first = _smoothed(entry, slope, means, own)
    second = first if c >= 0 else _smoothed(entry, slope, -means, own)
    forward, backward = (expect(weights, a * b) for a, b in zip(first, second, strict=True))
    return forward, backward


def _smoothed(entry: Activation, slope: float, means: Array, std: float) -> tuple[Array, Array]:
    """E φ(z) and E φ′(z) for z ~ N(mean, std²), for each mean (M,)."""
    z, weights = rules(means, std, entry.kinks, entry.period)
    functions = (entry.function, entry.derivative)
    value, derivative = (np.einsum("ij,ij->i", weights, f(z, slope)) for f in functions)
    return value, derivative


def correlation_map(
    activation: str | Activation,
    sigma_w: float,
    sigma_b: float,
    q: float,
    c: float,
    *,
    slope: float = SLOPE,
) -> float:
    """The correlation of two inputs in the next layer, where this one gives both length q.

    Poole et al. 2016, eq. 5. NaN where the next layer is all 0.

    Raises:
        ValueError: as `pair_moments`, or for a σ that is not finite.
    """
    following = length_map(activation, sigma_w, sigma_b, q, slope=slope)
    together, _ = pair_moments(activation, q, c, slope=slope)
    if following == 0.0:
        return math.nan
    return (sigma_w * sigma_w * together + sigma_b * sigma_b) / following


def correlation_slope(
    activation: str | Activation, sigma_w: float, q: float, c: float, *, slope: float = SLOPE
) -> float:
    """The slope of the correlation map at a fixed point q of the length: σ_w² E φ′(u₁)φ′(u₂).

    At c = 1 it is χ₁ (Schoenholz et al. 2017, eq. 5).
    """
    return sigma_w * sigma_w * pair_moments(activation, q, c, slope=slope)[1]


def correlation_fixed_point(
    activation: str | Activation, sigma_w: float, sigma_b: float, *, slope: float = SLOPE
) -> float | None:
    """The correlation c* that two different inputs end with, deep in the network.

    c = 1 is a fixed point always. The map's Taylor series in c has no negative coefficient, so it
    is convex: 1 attracts where χ₁ ≤ 1, and elsewhere there is one more fixed point in [0, 1),
    which does. None where q grows for ever or ends at 0, since then no length stands still.

    Raises:
        ValueError: for an unknown activation, or a σ that is not finite.
    """
    q = fixed_point(activation, sigma_w, sigma_b, slope=slope)
    if not q:
        return None
    return _correlation_at(entry_of(activation), slope, sigma_w, sigma_b, q)


def _correlation_at(
    entry: Activation, slope: float, sigma_w: float, sigma_b: float, q: float
) -> float:
    above = chi(entry, sigma_w, q, slope=slope) - 1.0
    if above <= CRITICAL:
        return 1.0

    def approach(away: float) -> float:
        """(C(c) − c)/(1 − c) at c = 1 − away: it increases with `away`, from 1 − χ₁."""
        c = 1.0 - away
        return (correlation_map(entry, sigma_w, sigma_b, q, c, slope=slope) - c) / (1.0 - c)

    at_zero = approach(1.0)
    # Of an odd φ without biases, uncorrelated inputs stay so; what is left of C(0) is rounding.
    if at_zero <= 1e-14:
        return 0.0
    low, high, at_low, at_high = 0.0, 1.0, -above, at_zero
    side = 0
    while high - low > 1e-13:
        # The Illinois form of false position: an end that stays twice counts half.
        away = (low * at_high - high * at_low) / (at_high - at_low)
        value = approach(away)
        if abs(value) <= 1e-14:
            return 1.0 - away
        if value < 0:
            low, at_low = away, value
            at_high *= 0.5 if side < 0 else 1.0
            side = -1
        else:
            high, at_high = away, value
            at_low *= 0.5 if side > 0 else 1.0
            side = 1
    return 1.0 - 0.5 * (low + high)


def depth_scales(
    activation: str | Activation, sigma_w: float, sigma_b: float, *, slope: float = SLOPE
) -> DepthScales | None:
    """ξ_q, ξ_c and ξ_∇ = −1/ln of dV/dq, χ_c and χ₁; None if q grows for ever.

    Signals and gradients were seen to train up to about 6 ξ_c deep (Schoenholz et al. 2017). Where
    q ends at 0, c has no limit of its own and ξ_c is NaN.

    Raises:
        ValueError: for an unknown activation, or a σ that is not finite.
    """
    check_finite(sigma_w=sigma_w, sigma_b=sigma_b)
    entry = entry_of(activation)
    q = fixed_point(entry, sigma_w, sigma_b, slope=slope)
    if q is None:
        return None
    correlation = math.nan
    if q > 0:
        c = _correlation_at(entry, slope, sigma_w, sigma_b, q)
        correlation = _scale(correlation_slope(entry, sigma_w, q, c, slope=slope))
    return DepthScales(
        _scale(abs(length_slope(entry, sigma_w, q, slope=slope))),
        correlation,
        _scale(chi(entry, sigma_w, q, slope=slope)),
    )


def _scale(factor: float) -> float:
    """−1/ln of a factor per layer: 0 where nothing is left after one layer."""
    if factor <= 0.0:
        return 0.0
    return math.inf if abs(factor - 1.0) <= CRITICAL else -1.0 / math.log(factor)
