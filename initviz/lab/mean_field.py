"""Mean-field theory of one layer of a wide network at step 0 (NumPy only).

A layer is z = W φ(z of the layer before) + b with independent entries, E W = 0,
Var W = σ_w² / fan_in, Var b = σ_b². In wide layers z is Gaussian and q = E z² follows the length
map q ↦ V(q) = σ_w² E φ(√q Z)² + σ_b², Z ~ N(0, 1). The squared norm of ∂L/∂z gains a factor
χ₁ = σ_w² E φ′(√q Z)² for each layer that it passes backwards.

Sources: Poole et al. 2016 (length map), Schoenholz et al. 2017 (χ₁ and the gradient), Hanin 2018
(fluctuations). What two inputs do is in `correlation`, where χ₁ = 1 lies in `criticality`.

`activation` is a name or an alias of `initviz.lab.activations`, or an entry like those there;
`slope` is that of leaky ReLU and PReLU, and has no effect on the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import ACTIVATIONS, ALIASES, Activation
from initviz.lab.quadrature import covers_circle, expect, rule, shared_rule
from initviz.lab.settings import did_you_mean

Array = NDArray[np.float64]

SLOPE = 0.01

#: Relative differences below this are rounding: q = 1 is then a fixed point exactly.
ROUNDING = 1e-14
#: A factor per layer that is closer to 1 than this is 1: no network is 1e9 layers deep.
CRITICAL = 1e-9
#: The largest variance whose moments are taken: beyond it activations are scale-free or flat.
LARGEST = 1e300
#: A mean of the weights adds |mean| · n to their largest singular value, of about 2 σ √n; weights
#: whose √n · |mean| / σ is below this count as centred.
CENTRED = 0.01

_DENSE = np.logspace(-10, 12, 22 * 16 + 1)
#: Where the maps are sampled to find their roots: densely where activations bend; elsewhere they
#: behave like powers of q.
SAMPLES = np.concatenate([np.logspace(-300, -11, 17), _DENSE, np.logspace(13, 300, 17)])
#: The part of `SAMPLES` that is dense, evenly in ln q.
DENSE = slice(17, 17 + len(_DENSE))
#: Below this standard deviation a map that does not vanish at 0 is its tangent, and differences
#: of its values are rounding.
_TANGENT_STD = 1e-5
#: Below this one squares of φ would underflow.
_LEAST_STD = 1e-150


# -- the maps -----------------------------------------------------------------------------------


def moments(activation: str | Activation, q: float, *, slope: float = SLOPE) -> tuple[float, float]:
    """(E φ(√q Z)², E φ′(√q Z)²); at q = 0 the limit q → 0.

    Raises:
        ValueError: for an unknown activation, or a q that is negative or not finite.
    """
    return moments_around(entry_of(activation), slope, 0.0, std_of(q))


def gain(activation: str | Activation, *, slope: float = SLOPE) -> float:
    """1/√E φ(Z)²: the σ_w that keeps q = 1 (without biases)."""
    return 1.0 / math.sqrt(moments(activation, 1.0, slope=slope)[0])


def chi(activation: str | Activation, sigma_w: float, q: float, *, slope: float = SLOPE) -> float:
    """χ₁ = σ_w² E φ′(√q Z)²: what a layer multiplies the squared norm of ∂L/∂z by.

    Schoenholz et al. 2017, eq. 5.
    """
    return sigma_w * sigma_w * moments(activation, q, slope=slope)[1]


def length_map(
    activation: str | Activation,
    sigma_w: float,
    sigma_b: float,
    q: float,
    *,
    slope: float = SLOPE,
) -> float:
    """V(q) = σ_w² E φ(√q Z)² + σ_b²: E z² of the next layer (Poole et al. 2016, eq. 3)."""
    check_finite(sigma_w=sigma_w, sigma_b=sigma_b)
    return sigma_w * sigma_w * moments(activation, q, slope=slope)[0] + sigma_b * sigma_b


def length_slope(
    activation: str | Activation, sigma_w: float, q: float, *, slope: float = SLOPE
) -> float:
    """dV/dq, the factor by which a layer multiplies a small deviation from a fixed point q.

    It is σ_w² E φ²(Z² − 1)/(2q) = σ_w² E φφ′Z/√q, also where φ has kinks; the second form, which
    is taken here, cancels less (Poole et al. 2016, below eq. 3; one integration by parts).
    """
    entry, std = entry_of(activation), max(std_of(q), _LEAST_STD)
    if entry.function(np.zeros(1), slope)[0] != 0:
        std = max(std, _TANGENT_STD)
    if entry.period is not None and covers_circle(std, entry.period):
        return 0.0  # φ is as even as it can be
    z, weights = _rule(entry, 0.0, std)
    product = entry.function(z, slope) / std * entry.derivative(z, slope)
    return sigma_w * sigma_w * expect(weights, product * (z / std))


def is_stable(
    activation: str | Activation, sigma_w: float, q: float, *, slope: float = SLOPE
) -> bool:
    """Whether lengths near the fixed point q come closer to it: |dV/dq| < 1.

    ReLU and the identity are not stable anywhere: they keep every deviation or none.
    """
    return abs(length_slope(activation, sigma_w, q, slope=slope)) < 1.0 - CRITICAL


def fluctuations(
    activation: str | Activation, q: float, *, slope: float = SLOPE
) -> tuple[float, float]:
    """(κ_f, κ_b): a layer of n units adds κ/n to the relative variance of a squared norm.

    κ_f = E φ⁴/(E φ²)² − 1 forwards, κ_b = 3 E φ′⁴/(E φ′²)² − 1 backwards, for Gaussian weights;
    both are 5 for ReLU (Hanin 2018; Hanin & Nica 2020).
    """
    entry = entry_of(activation)
    z, weights = _rule(entry, 0.0, max(std_of(q), _LEAST_STD))
    forward, backward = (f(z, slope) ** 2 for f in (entry.function, entry.derivative))
    forward, backward = forward / expect(weights, forward), backward / expect(weights, backward)
    return expect(weights, forward**2) - 1.0, 3.0 * expect(weights, backward**2) - 1.0


def fixed_point(
    activation: str | Activation, sigma_w: float, sigma_b: float, *, slope: float = SLOPE
) -> float | None:
    """The limit of the length map from q = 1, or None if q grows for ever.

    V increases with q for every activation of the table (sin: (1 − e^{−2q})/2), so q moves in one
    direction until V(q) = q.

    Raises:
        ValueError: for an unknown activation, or a σ that is not finite.
    """
    entry = entry_of(activation)
    check_finite(sigma_w=sigma_w, sigma_b=sigma_b)

    def growth(q: float) -> float:
        forward, _ = moments_around(entry, slope, 0.0, math.sqrt(q))
        return (sigma_w * sigma_w * forward + sigma_b * sigma_b) / q - 1.0

    start = growth(1.0)
    if abs(start) <= ROUNDING:
        return 1.0
    upwards = start > 0
    way = SAMPLES[SAMPLES >= 1.0] if upwards else SAMPLES[SAMPLES <= 1.0][::-1]
    for low, high in crossings(way, sampled_growth(entry, slope, sigma_w, sigma_b, way)):
        return root(growth, low, high)
    return None if upwards else 0.0


# -- what the maps are made of ------------------------------------------------------------------


def entry_of(activation: str | Activation) -> Activation:
    """The table's entry of a name or an alias; an entry stands for itself.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(activation, Activation):
        return activation
    name = ALIASES.get(activation, activation)
    if name not in ACTIVATIONS:
        near = did_you_mean(activation, [*ACTIVATIONS, *ALIASES])
        raise ValueError(
            f"activation = {activation!r} is not allowed: one of {', '.join(ACTIVATIONS)}{near}"
        )
    return ACTIVATIONS[name]


def check_finite(**given: float) -> None:
    """Refuse a number that is none, by its name."""
    for name, value in given.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} = {value!r} is not allowed: a finite number")


def moments_around(entry: Activation, slope: float, mean: float, std: float) -> tuple[float, float]:
    """(E φ(z)², E φ′(z)²) for z ~ N(mean, std²)."""
    z, weights = _rule(entry, mean, std)
    forward, backward = entry.function(z, slope), entry.derivative(z, slope)
    return expect(weights, forward * forward), expect(weights, backward * backward)


def mean_around(entry: Activation, slope: float, mean: float, std: float) -> float:
    """E φ(z) for z ~ N(mean, std²)."""
    z, weights = _rule(entry, mean, std)
    return expect(weights, entry.function(z, slope))


def _rule(entry: Activation, mean: float, std: float) -> tuple[Array, Array]:
    return rule(mean, std, entry.kinks, entry.period)


def std_of(q: float) -> float:
    """√q; refuses a q that is negative or not finite."""
    if not (math.isfinite(q) and q >= 0):
        raise ValueError(f"q = {q!r} is not allowed: a finite number of at least 0")
    return math.sqrt(q)


# -- roots ----------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def sampled_moments(entry: Activation, slope: float) -> Array:
    """The moments (N, 2) at `SAMPLES` (N,)."""
    found = np.full((len(SAMPLES), 2), np.nan)
    if entry.period is None:
        z, weights = shared_rule(np.sqrt(_DENSE), entry.kinks)
        values = np.stack([entry.function(z, slope), entry.derivative(z, slope)], axis=1)
        found[DENSE] = np.einsum("mn,nk->mk", weights, values * values)
    for index in np.flatnonzero(np.isnan(found[:, 0])):
        found[index] = moments_around(entry, slope, 0.0, math.sqrt(SAMPLES[index]))
    return found


def sampled_growth(
    entry: Activation, slope: float, sigma_w: float, sigma_b: float, samples: Array
) -> Array:
    """V(q)/q − 1 at some of `SAMPLES`: above 0 where the length map moves q up."""
    second = sampled_moments(entry, slope)[np.searchsorted(SAMPLES, samples), 0]
    with np.errstate(over="ignore"):
        growth: Array = (sigma_w * sigma_w * second + sigma_b * sigma_b) / samples - 1.0
    return growth


def crossings(samples: Array, values: Array) -> Iterator[tuple[float, float]]:
    """The neighbouring samples between which `values` change sign by more than rounding."""
    clear = np.abs(values) > ROUNDING
    samples, positive = samples[clear], values[clear] > 0
    for i in np.flatnonzero(positive[:-1] != positive[1:]):
        yield float(samples[i]), float(samples[i + 1])


def root(function: Callable[[float], float], a: float, b: float) -> float:
    """Where `function` changes sign between two positive numbers, by bisecting their ratio."""
    positive = function(b) > 0
    for _ in range(200):
        middle = math.sqrt(a) * math.sqrt(b)
        if middle in (a, b):
            break
        if (function(middle) > 0) == positive:
            b = middle
        else:
            a = middle
    return b
