"""Where χ₁ = 1: the line between networks whose gradients vanish and those where they explode.

The words are those of Schoenholz et al. 2017: below the line signals forget how inputs differ
("ordered", χ₁ < 1), above it they forget how they are alike ("chaotic", χ₁ > 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import Activation
from initviz.lab.mean_field import (
    CRITICAL,
    DENSE,
    ROUNDING,
    SAMPLES,
    SLOPE,
    check_finite,
    chi,
    crossings,
    entry_of,
    fixed_point,
    moments,
    moments_around,
    root,
    sampled_growth,
    sampled_moments,
)

Array = NDArray[np.float64]
Phase = Literal["ordered", "critical", "chaotic"]

_ONE = int(np.searchsorted(SAMPLES, 1.0))
#: What rounding may do to the σ_w² that makes q a fixed point: where ReLU's q grows for ever, that
#: comes closer and closer to σ_w², and must not be seen to meet it.
_NOISE = 1e-13
#: Halvings of a cell between two samples: until nothing is seen of it.
_HALVINGS = 24


def phase(
    activation: str | Activation, sigma_w: float, sigma_b: float, *, slope: float = SLOPE
) -> Phase | None:
    """On which side of χ₁ = 1 a deep network lies; None if q grows for ever.

    Raises:
        ValueError: for an unknown activation, or a σ that is not finite.
    """
    q = fixed_point(activation, sigma_w, sigma_b, slope=slope)
    if q is None:
        return None
    factor = chi(activation, sigma_w, q, slope=slope)
    if abs(factor - 1.0) <= CRITICAL:
        return "critical"
    return "ordered" if factor < 1.0 else "chaotic"


def critical_sigma_w(
    activation: str | Activation, sigma_b: float, *, slope: float = SLOPE
) -> float | None:
    """The σ_w with χ₁ = 1 at the fixed point that the length map reaches from q = 1.

    None if there is none: no σ_w makes both χ₁ = 1 and q a fixed point (ReLU with biases), or q
    moves away from it (GELU without).

    Raises:
        ValueError: for an unknown activation, or a σ_b that is not finite.
    """
    entry = entry_of(activation)
    check_finite(sigma_b=sigma_b)
    for q in _critical_points(entry, slope, sigma_b):
        sigma_w = 1.0 / math.sqrt(moments_around(entry, slope, 0.0, math.sqrt(q))[1])
        if _is_reached(entry, slope, sigma_w, sigma_b, q):
            return sigma_w
    return None


def critical_line(
    activation: str | Activation, sigma_bs: Sequence[float] | Array, *, slope: float = SLOPE
) -> Array:
    """`critical_sigma_w` for each of several σ_b (N,); NaN where there is none."""
    found = [critical_sigma_w(activation, float(sigma_b), slope=slope) for sigma_b in sigma_bs]
    return np.array([math.nan if sigma_w is None else sigma_w for sigma_w in found])


def chi_map(
    activation: str | Activation,
    sigma_ws: Sequence[float] | Array,
    sigma_bs: Sequence[float] | Array,
    *,
    slope: float = SLOPE,
) -> Array:
    """χ₁ at the fixed point for each σ_b (B,) and σ_w (W,), to 1e-4: an array (B, W).

    NaN where q grows for ever. It is read from the sampled moments; `chi` at `fixed_point` is
    exact, and takes a thousand times as long.

    Raises:
        ValueError: for an unknown activation, or a σ that is not finite.
    """
    entry = entry_of(activation)
    weights, biases = (np.square(np.asarray(s, dtype=np.float64)) for s in (sigma_ws, sigma_bs))
    check_finite(sigma_w=float(weights.sum()), sigma_b=float(biases.sum()))
    cells = np.empty((len(biases), len(weights)), dtype=np.int64)
    for row, bias in enumerate(biases):
        cells[row] = _cells(entry, slope, weights, bias)
    stays, ends, grows = cells == _ONE_EXACTLY, cells == _NOTHING, cells == _FOR_EVER
    cell = np.where(cells < 0, _ONE, cells)
    log_q = _within(entry, slope, cell, weights[None, :], biases[:, None])
    log_q = np.where(stays, 0.0, log_q)
    slopes = np.exp(_interpolated(_cubics(entry, slope)[1][cell], log_q - _LOG_SAMPLES[cell]))
    slopes = np.where(ends, moments(entry, 0.0, slope=slope)[1], slopes)
    return np.where(grows, np.nan, weights * slopes)


# -- critical points ------------------------------------------------------------------------------


def _critical_points(entry: Activation, slope: float, sigma_b: float) -> Iterator[float]:
    """Every q that is a fixed point for the σ_w that makes χ₁ = 1 there.

    That σ_w² is 1/E φ′², so V(q) = q reads E φ²/E φ′² + σ_b² = q.
    """

    def gap(q: float) -> float:
        forward, backward = moments_around(entry, slope, 0.0, math.sqrt(q))
        return 1.0 - (forward / backward + sigma_b * sigma_b) / q

    if abs(gap(1.0)) <= ROUNDING:
        yield 1.0  # an activation like ReLU: every q will do, and the map stays where it starts
    forward, backward = sampled_moments(entry, slope).T
    with np.errstate(divide="ignore", over="ignore"):
        gaps = 1.0 - (forward / backward + sigma_b * sigma_b) / SAMPLES
    for low, high in crossings(SAMPLES, gaps):
        yield root(gap, low, high)
    if sigma_b == 0 and float(entry.function(np.zeros(1), slope)[0]) == 0:
        yield 0.0


def _is_reached(entry: Activation, slope: float, sigma_w: float, sigma_b: float, q: float) -> bool:
    """Whether the length map, started at 1, meets no fixed point before the one at `q`."""
    low, high = sorted((q, 1.0))
    between = SAMPLES[np.searchsorted(SAMPLES, low, "right") : np.searchsorted(SAMPLES, high)]
    growth = sampled_growth(entry, slope, sigma_w, sigma_b, between)
    if len(between):
        return bool(np.all(growth * np.sign(q - 1.0) > -ROUNDING))
    # q lies next to 1, and may repel all the same.
    middle = math.sqrt(q)
    forward, _ = moments_around(entry, slope, 0.0, math.sqrt(middle))
    towards = (sigma_w * sigma_w * forward + sigma_b * sigma_b) / middle - 1.0
    return bool(towards * np.sign(q - 1.0) > -ROUNDING)


# -- the map of χ₁ --------------------------------------------------------------------------------

_LOG_SAMPLES = np.log(SAMPLES)
#: Where the length map ends, if not between two samples.
_ONE_EXACTLY, _NOTHING, _FOR_EVER = -1, -2, -3


def _cells(entry: Activation, slope: float, weights: Array, bias: float) -> NDArray[np.int64]:
    """For each σ_w² (W,) the number of the sample just below the fixed point that q = 1 reaches.

    q moves up where σ_w² is above the one that makes q a fixed point, (q − σ_b²)/E φ².
    """
    second = sampled_moments(entry, slope)[:, 0]
    needed = (SAMPLES - bias) / second
    upwards = np.maximum.accumulate(needed[_ONE:])
    downwards = -np.minimum.accumulate(needed[_ONE::-1])
    up = np.searchsorted(upwards, weights * (1.0 + _NOISE))
    down = np.searchsorted(downwards, -weights * (1.0 - _NOISE))
    above = np.where(up < len(upwards), _ONE + up - 1, _FOR_EVER)
    below = np.where(down < len(downwards), _ONE - down, _NOTHING)
    cells = np.where(weights > needed[_ONE], above, below)
    is_one = np.abs(weights - needed[_ONE]) <= ROUNDING * weights
    return np.where(is_one, _ONE_EXACTLY, cells).astype(np.int64)


def _within(
    entry: Activation, slope: float, cell: NDArray[np.int64], weights: Array, biases: Array
) -> Array:
    """The fixed point's ln q in each cell, where V(q) − q changes its sign once."""
    cubics, start = _cubics(entry, slope)[0][cell], _LOG_SAMPLES[cell]
    low, high = np.zeros(cell.shape), _LOG_SAMPLES[cell + 1] - start

    def grows(offset: Array) -> NDArray[np.bool_]:
        second = np.exp(_interpolated(cubics, offset) - offset - start)
        grown: NDArray[np.bool_] = weights * second + biases * np.exp(-offset - start) > 1.0
        return grown

    at_low = grows(low)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        is_low = grows(middle) == at_low
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    found: Array = start + 0.5 * (low + high)
    return found


@lru_cache(maxsize=64)
def _cubics(entry: Activation, slope: float) -> Array:
    """The logarithms of both moments as cubics in ln q from each sample on: (2, N − 1, 4).

    A cubic goes through the two samples at either side; far out, where the moments are powers of
    q, it is a line.
    """
    values = np.log(sampled_moments(entry, slope)).T
    cubics = np.zeros((2, len(SAMPLES) - 1, 4))
    steps = np.diff(_LOG_SAMPLES)
    cubics[:, :, 0] = values[:, :-1]
    cubics[:, :, 1] = np.diff(values, axis=1) / steps
    inner = np.arange(DENSE.start + 1, DENSE.stop - 2)
    before, here, after, beyond = (values[:, inner + k] for k in (-1, 0, 1, 2))
    h = steps[inner]
    cubics[:, inner, 1] = (-2.0 * before - 3.0 * here + 6.0 * after - beyond) / (6.0 * h)
    cubics[:, inner, 2] = (before - 2.0 * here + after) / (2.0 * h**2)
    cubics[:, inner, 3] = (beyond - 3.0 * after + 3.0 * here - before) / (6.0 * h**3)
    return cubics


def _interpolated(cubics: Array, offset: Array) -> Array:
    a, b, c, d = np.moveaxis(cubics, -1, 0)
    value: Array = a + offset * (b + offset * (c + offset * d))
    return value
