"""Density ϕ and distribution function Φ of the standard normal distribution, on arrays.

NumPy has no error function, and Python's takes one number at a time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Chebyshev coefficients of (1 + 2x) e^{x²} erfc x over t = (x − c)/(x + c), x ≥ 0, with c as
#: below (Shepherd & Laframboise 1981); what is left out is below 1e-16.
_COEFFICIENTS = (
    1.1775789345674017541,
    -0.0045900545806464773309,
    -0.084249133366517915584,
    0.059209939998191890498,
    -0.026658668435305752277,
    0.0090749976707052650939,
    -0.0024131635404176081909,
    0.00049077583652580863229,
    -0.000069169733025012063671,
    4.1390279860730101675e-6,
    7.7403830661984906686e-7,
    -2.1886401049234395661e-7,
    1.0764999465670910377e-8,
    4.5219598112182868979e-9,
    -7.7544002088313511065e-10,
    -6.3180883408866844944e-11,
    2.8687950109306698981e-11,
    1.945586854577734723e-13,
    -9.6546967484334389059e-13,
    3.2525481481487398415e-14,
    3.3478119482868053878e-14,
    -1.8645628804193131015e-15,
    -1.2507950530688647085e-15,
    7.4182352566240434629e-17,
)
_CENTRE = 3.75
#: Φ(−40) is no double any more.
_FAR = 40.0
#: So many values at once stay in the processor's cache.
_BLOCK = 8192


def pdf(z: Array) -> Array:
    """The density ϕ(z)."""
    return np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def cdf(z: Array) -> Array:
    """The distribution function Φ(z), exact to rounding in both tails."""
    flat = np.ravel(z)
    found = np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK):
        found[start : start + _BLOCK] = _cdf(flat[start : start + _BLOCK])
    return found.reshape(np.shape(z))


def _cdf(z: Array) -> Array:
    away = np.minimum(np.abs(z), _FAR)
    x = away / math.sqrt(2.0)
    t = (x - _CENTRE) / (x + _CENTRE)
    # Clenshaw's recurrence, in place.
    twice, last, before, spare = 2.0 * t, np.zeros_like(t), np.zeros_like(t), np.empty_like(t)
    for coefficient in _COEFFICIENTS[:0:-1]:
        np.multiply(twice, last, out=spare)
        spare -= before
        spare += coefficient
        last, before, spare = spare, last, before
    scaled = t * last - before + _COEFFICIENTS[0]
    tail = 0.5 * scaled / (1.0 + 2.0 * x) * np.exp(-0.5 * away * away)
    return np.where(z > 0, 1.0 - tail, tail)
