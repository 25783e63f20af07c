"""Mean-field theory of wide, fully connected networks at step 0 (NumPy only).

A layer is z = W φ(z of the layer before) + b with independent entries, E W = 0,
Var W = σ_w² / fan_in, Var b = σ_b². In wide layers z is Gaussian and q = E z² follows the length
map q ↦ V(q) = σ_w² E φ(√q Z)² + σ_b², Z ~ N(0, 1). The squared norm of ∂L/∂z gains a factor
χ₁ = σ_w² E φ′(√q Z)² for each layer that it passes backwards.

Sources: Poole et al. 2016 (length map), Schoenholz et al. 2017 (χ₁ and the gradient).

`activation` is a name or an alias of `initviz.lab.activations`; `slope` is that of leaky ReLU and
has no effect on the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import ACTIVATIONS, ALIASES, Activation
from initviz.lab.quadrature import rule
from initviz.lab.settings import did_you_mean

Array = NDArray[np.float64]

SLOPE = 0.01

#: Relative differences below this are rounding: q = 1 is then a fixed point exactly.
_ROUNDING = 1e-14
#: The largest variance whose moments are taken: beyond it activations are scale-free or flat.
LARGEST = 1e300
#: A mean of the weights adds |mean| · n to their largest singular value, of about 2 σ √n; weights
#: whose √n · |mean| / σ is below this count as centred.
CENTRED = 0.01
#: Where the maps are sampled to find their roots: densely where activations bend; elsewhere they
#: behave like powers of q.
_SAMPLES = np.unique(
    np.concatenate(
        [np.logspace(-300, -10, 30), np.logspace(-10, 12, 22 * 32 + 1), np.logspace(12, 300, 30)]
    )
)


# -- the maps -----------------------------------------------------------------------------------


def moments(activation: str, q: float, *, slope: float = SLOPE) -> tuple[float, float]:
    """(E φ(√q Z)², E φ′(√q Z)²); at q = 0 the limit q → 0.

    Raises:
        ValueError: for an unknown activation, or a q that is negative or not finite.
    """
    if not (math.isfinite(q) and q >= 0):
        raise ValueError(f"q = {q!r} is not allowed: a finite number of at least 0")
    return moments_around(entry_of(activation), slope, 0.0, math.sqrt(q))


def gain(activation: str, *, slope: float = SLOPE) -> float:
    """1/√E φ(Z)²: the σ_w that keeps q = 1 (without biases)."""
    return 1.0 / math.sqrt(moments(activation, 1.0, slope=slope)[0])


def chi(activation: str, sigma_w: float, q: float, *, slope: float = SLOPE) -> float:
    """χ₁ = σ_w² E φ′(√q Z)²: what a layer multiplies the squared norm of ∂L/∂z by."""
    return sigma_w * sigma_w * moments(activation, q, slope=slope)[1]


def fixed_point(
    activation: str, sigma_w: float, sigma_b: float, *, slope: float = SLOPE
) -> float | None:
    """The limit of the length map from q = 1, or None if q grows for ever.

    V increases with q for every activation here, so q moves in one direction until V(q) = q.

    Raises:
        ValueError: for an unknown activation, or a σ that is not finite.
    """
    entry = entry_of(activation)
    _check_finite(sigma_w=sigma_w, sigma_b=sigma_b)

    def growth(q: float) -> float:
        forward, _ = moments_around(entry, slope, 0.0, math.sqrt(q))
        return (sigma_w * sigma_w * forward + sigma_b * sigma_b) / q - 1.0

    start = growth(1.0)
    if abs(start) <= _ROUNDING:
        return 1.0
    upwards = start > 0
    way = _SAMPLES[_SAMPLES >= 1.0] if upwards else _SAMPLES[_SAMPLES <= 1.0][::-1]
    for low, high in _crossings(way, _sampled_growth(entry, slope, sigma_w, sigma_b, way)):
        return _root(growth, low, high)
    return None if upwards else 0.0


def critical_sigma_w(activation: str, sigma_b: float, *, slope: float = SLOPE) -> float | None:
    """The σ_w with χ₁ = 1 at the fixed point that the length map reaches from q = 1.

    None if there is none: no σ_w makes both χ₁ = 1 and q a fixed point (ReLU with biases), or q
    moves away from it (GELU without).

    Raises:
        ValueError: for an unknown activation, or a σ_b that is not finite.
    """
    entry = entry_of(activation)
    _check_finite(sigma_b=sigma_b)
    for q in _critical_points(entry, slope, sigma_b):
        sigma_w = 1.0 / math.sqrt(moments_around(entry, slope, 0.0, math.sqrt(q))[1])
        if _is_reached(entry, slope, sigma_w, sigma_b, q):
            return sigma_w
    return None


def _check_finite(**given: float) -> None:
    for name, value in given.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} = {value!r} is not allowed: a finite number")


def entry_of(activation: str) -> Activation:
    """The table's entry of a name or an alias.

    Raises:
        ValueError: if there is none.
    """
    name = ALIASES.get(activation, activation)
    if name not in ACTIVATIONS:
        near = did_you_mean(activation, [*ACTIVATIONS, *ALIASES])
        raise ValueError(
            f"activation = {activation!r} is not allowed: one of {', '.join(ACTIVATIONS)}{near}"
        )
    return ACTIVATIONS[name]


def moments_around(entry: Activation, slope: float, mean: float, std: float) -> tuple[float, float]:
    """(E φ(z)², E φ′(z)²) for z ~ N(mean, std²)."""
    z, weights = rule(mean, std, entry.kinks)
    forward, backward = entry.function(z, slope), entry.derivative(z, slope)
    return float(weights @ (forward * forward)), float(weights @ (backward * backward))


@lru_cache(maxsize=64)
def _sampled_moments(entry: Activation, slope: float) -> Array:
    """The moments (N, 2) at `_SAMPLES` (N,)."""
    return np.array([moments_around(entry, slope, 0.0, math.sqrt(q)) for q in _SAMPLES])


def _sampled_growth(
    entry: Activation, slope: float, sigma_w: float, sigma_b: float, samples: Array
) -> Array:
    """V(q)/q − 1 at some of `_SAMPLES`: above 0 where the length map moves q up."""
    second = _sampled_moments(entry, slope)[np.searchsorted(_SAMPLES, samples), 0]
    with np.errstate(over="ignore"):
        growth: Array = (sigma_w * sigma_w * second + sigma_b * sigma_b) / samples - 1.0
    return growth


def _critical_points(entry: Activation, slope: float, sigma_b: float) -> Iterator[float]:
    """Every q that is a fixed point for the σ_w that makes χ₁ = 1 there.

    That σ_w² is 1/E φ′², so V(q) = q reads E φ²/E φ′² + σ_b² = q.
    """

    def gap(q: float) -> float:
        forward, backward = moments_around(entry, slope, 0.0, math.sqrt(q))
        return 1.0 - (forward / backward + sigma_b * sigma_b) / q

    if abs(gap(1.0)) <= _ROUNDING:
        yield 1.0  # an activation like ReLU: every q will do, and the map stays where it starts
    forward, backward = _sampled_moments(entry, slope).T
    with np.errstate(divide="ignore", over="ignore"):
        gaps = 1.0 - (forward / backward + sigma_b * sigma_b) / _SAMPLES
    for low, high in _crossings(_SAMPLES, gaps):
        yield _root(gap, low, high)
    if sigma_b == 0 and float(entry.function(np.zeros(1), slope)[0]) == 0:
        yield 0.0


def _is_reached(entry: Activation, slope: float, sigma_w: float, sigma_b: float, q: float) -> bool:
    """Whether the length map, started at 1, meets no fixed point before the one at `q`."""
    low, high = sorted((q, 1.0))
    between = _SAMPLES[np.searchsorted(_SAMPLES, low, "right") : np.searchsorted(_SAMPLES, high)]
    growth = _sampled_growth(entry, slope, sigma_w, sigma_b, between)
    return bool(np.all(growth * np.sign(q - 1.0) > -_ROUNDING))


def _crossings(samples: Array, values: Array) -> Iterator[tuple[float, float]]:
    """The neighbouring samples between which `values` change sign by more than rounding."""
    clear = np.abs(values) > _ROUNDING
    samples, positive = samples[clear], values[clear] > 0
    for i in np.flatnonzero(positive[:-1] != positive[1:]):
        yield float(samples[i]), float(samples[i + 1])


def _root(function: Callable[[float], float], a: float, b: float) -> float:
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
