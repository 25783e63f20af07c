"""Expectations over the Gaussian pre-activations of a whole batch (NumPy only).

In wide layers a unit's z, seen over the units of one layer, is Gaussian: for sample a it is
m + s_a Z_a with Z_a ~ N(0, 1), and for two samples Z_a and Z_b correlate. The products
E φ(z_a) φ(z_b) follow from Mehler's formula, Σ_k c^k A_k(s_a) A_k(s_b), where A_k(s) is the
coefficient of φ(m + s Z) at the Hermite polynomial of degree k (normalised). A kink or a jump
makes the coefficients fall slowly; what is beyond the last one is summed as a power law.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import Activation
from initviz.lab.quadrature import rule

Array = NDArray[np.float64]

_DEGREES = 48
#: Standard deviations at which the integrals are taken; between them they are interpolated.
_GRID = 14
#: A standard deviation of so many periods is as good as any larger one.
_ROUND_A_CIRCLE = 8.0
#: Squares of anything inside these are numbers.
_SMALLEST, _LARGEST = 1e-140, 1e150
#: A standard deviation below this share of the mean, or of the batch's largest one, is as good as
#: none.
_NEGLIGIBLE = 1e-8
#: Ranges of ln s below this are one point.
_ONE_POINT = 1e-9


@dataclass(frozen=True, eq=False)
class Expectations:
    """What φ makes of the z of one layer, for each standard deviation that was given (…,).

    `mean` E φ, `second` E φ², `slope_second` E φ′²; `fourth` and `slope_fourth` are E φ⁴ and
    E φ′⁴ over the square of the second moments.
    """

    mean: Array
    second: Array
    slope_second: Array
    fourth: Array
    slope_fourth: Array
    _values: _Series
    _slopes: _Series
    _weights: Array
    _slope_weights: Array

    def products(self, correlations: Array) -> tuple[Array, Array]:
        """E φ(z_a) φ(z_b) and E φ′(z_a) φ′(z_b), (M, M), for correlations (M, M) of the z."""
        values = self._values.products(self._weights, correlations)
        slopes = self._slopes.products(self._slope_weights, correlations)
        np.fill_diagonal(values, self.second)
        np.fill_diagonal(slopes, self.slope_second)
        return values, slopes


def expectations(entry: Activation, slope: float, mean: float, stds: Array) -> Expectations:
    """The expectations for z = mean + std Z at every one of `stds` (any shape)."""
    largest = _LARGEST if entry.period is None else _ROUND_A_CIRCLE * entry.period
    grid, weights = _interpolation(np.clip(stds.ravel(), _SMALLEST, largest), abs(mean))
    points, density = rule(mean, float(grid[-1]), _cuts(entry, mean, grid))
    unit = (points - mean) / grid[-1]
    hermite = _hermite(unit) * density
    # φ relative to this is what is interpolated: for ReLU and its like it is the same for all.
    at_mean = float(entry.function(np.array([mean]), slope)[0])
    unit_of_grid, unit_of_stds = np.hypot(at_mean, grid), np.hypot(at_mean, stds)
    here, mirrored = mean + np.outer(grid, unit), mean - np.outer(grid, unit)
    values = entry.function(here, slope) / unit_of_grid[:, None]
    slopes = entry.derivative(here, slope)
    second, slope_second = _mean(values**2, density), _mean(slopes**2, density)
    with np.errstate(invalid="ignore", divide="ignore"):
        fourth = _mean((values / np.sqrt(second)[:, None]) ** 4, density)
        slope_fourth = _mean((slopes / np.sqrt(slope_second)[:, None]) ** 4, density)

    def at(on_grid: Array) -> Array:
        return _mean(weights, on_grid).reshape(stds.shape)

    def values_mirrored() -> Array:
        return entry.function(mirrored, slope) / unit_of_grid[:, None]

    return Expectations(
        at(_mean(values, density)) * unit_of_stds,
        np.maximum(at(second), 0.0) * unit_of_stds**2,
        np.maximum(at(slope_second), 0.0),
        at(fourth),
        at(slope_fourth),
        _Series.of(values, values_mirrored, hermite, density, 2.5),
        _Series.of(slopes, lambda: entry.derivative(mirrored, slope), hermite, density, 1.5),
        weights * unit_of_stds.reshape(-1, 1),
        weights,
    )


def _cuts(entry: Activation, mean: float, stds: Array) -> list[float]:
    """Where panels must end beside those of any Gaussian, for z with the largest of `stds`."""
    top = float(stds[-1])
    deviations = [(kink - mean) / float(std) for kink in entry.kinks for std in stds]
    # Hermite polynomials swing several times over a standard deviation.
    deviations += np.arange(-12.0, 13.0).tolist()
    if entry.period is not None:
        halves = math.ceil(24.0 * top / entry.period)
        deviations += (np.arange(-halves, halves + 1) * (0.5 * entry.period / top)).tolist()
    return [mean + top * deviation for deviation in deviations]


@dataclass(frozen=True, eq=False)
class _Series:
    """Mehler's series for functions f_g of one standard normal variable.

    `coefficients` (G, K); `same` and `opposite` (G, G) are what the first K terms leave of the sum
    at c = 1 and at c = −1; `power` is how the squared coefficients fall beyond.
    """

    coefficients: Array
    same: Array
    opposite: Array
    power: float

    @classmethod
    def of(
        cls,
        values: Array,
        mirrored: Callable[[], Array],
        hermite: Array,
        density: Array,
        power: float,
    ) -> _Series:
        """Of values (G, N) at points whose weights are `density`; `mirrored` gives those at −Z."""
        coefficients = _sums(values, hermite)
        signs = (-1.0) ** np.arange(len(hermite))
        weighted = values * density
        same = _sums(weighted, values) - _sums(coefficients, coefficients)
        opposite = _sums(weighted, mirrored()) - _sums(coefficients * signs, coefficients)
        return cls(coefficients, same, opposite, power)

    def products(self, weights: Array, correlations: Array) -> Array:
        """E f_a(Z_a) f_b(Z_b) (M, M), f_a = Σ_g weights (M, G) f_g."""
        own = _sums(weights, self.coefficients.T)
        total = np.zeros_like(correlations)
        for column in own.T[::-1]:
            total = total * correlations + np.outer(column, column)
        left = np.where(
            correlations >= 0,
            _sums(_sums(weights, self.same), weights),
            _sums(_sums(weights, self.opposite.T), weights),
        )
        result: Array = total + left * _tail(np.abs(correlations), self.power)
        return result


def _sums(a: Array, b: Array) -> Array:
    """Σ_n a_in b_jn. Not by BLAS: its threads would wait for cores that training is using."""
    sums: Array = np.einsum("in,jn->ij", a, b)
    return sums


def _mean(values: Array, density: Array) -> Array:
    sums: Array = np.einsum("in,n->i", values, density)
    return sums


def _hermite(x: Array) -> Array:
    """The Hermite polynomials of degree 0 to K − 1 at x (N,), E of their squares 1: (K, N)."""
    found = [np.ones_like(x), x]
    for k in range(1, _DEGREES - 1):
        found.append((x * found[-1] - math.sqrt(k) * found[-2]) / math.sqrt(k + 1))
    return np.array(found)


def _tail(c: Array, power: float) -> Array:
    """Σ c^k k^−power over k ≥ K, relative to c = 1, for c in [0, 1] and power 1.5 or 2.5."""
    with np.errstate(divide="ignore"):
        roots = np.sqrt(-_DEGREES * np.log(np.minimum(c, 1.0)))
    table = _tails(power)
    found: Array = np.interp(roots, np.linspace(0.0, _END, len(table)), table, right=0.0)
    return found


#: The tail is below 1e-20 where K |ln c| is above the square of this.
_END = 6.5


@lru_cache(maxsize=2)
def _tails(power: float) -> Array:
    """(p − 1) E_p(x²), the exponential integral, for x from 0 to `_END`."""
    x = np.linspace(0.0, _END, 1000)
    erfc = np.array([math.erfc(value) for value in x])
    steps: Array = np.exp(-x * x) - math.sqrt(math.pi) * x * erfc
    return steps if power == 1.5 else np.exp(-x * x) - 2.0 * x * x * steps


def _interpolation(stds: Array, mean: float) -> tuple[Array, Array]:
    """A grid of standard deviations (G,), increasing, and weights (M, G) that interpolate in ln s.

    Chebyshev points and the barycentric formula (Berrut & Trefethen 2004).
    """
    high = max(float(stds.max()), mean * _NEGLIGIBLE)
    logs = np.log(np.maximum(stds, high * _NEGLIGIBLE))
    low, top = float(logs.min()), max(float(logs.max()), math.log(high))
    if top - low < _ONE_POINT:
        return np.array([math.exp(top)]), np.ones((len(stds), 1))
    angles = math.pi * np.arange(_GRID - 1, -1, -1) / (_GRID - 1)
    points = low + (top - low) * (0.5 + 0.5 * np.cos(angles))
    weights = (-1.0) ** np.arange(_GRID)
    weights[[0, -1]] *= 0.5
    gaps = logs[:, None] - points
    hits = np.abs(gaps) < 1e-14 * (top - low)
    terms = weights / np.where(hits, 1.0, gaps)
    shares = terms / terms.sum(axis=1, keepdims=True)
    return np.exp(points), np.where(hits.any(axis=1, keepdims=True), hits, shares)
