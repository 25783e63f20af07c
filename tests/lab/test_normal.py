"""Φ and ϕ against SciPy, far into both tails."""

import math

import numpy as np
from scipy import special, stats

from initviz.lab import normal


def test_the_distribution_function_has_no_error_but_rounding():
    z = np.linspace(-37.0, 9.0, 200_003)
    # e^{−z²/2} itself is off by z² roundings.
    wrong = np.abs(normal.cdf(z) / special.ndtr(z) - 1.0)
    assert (wrong < 4e-15 + 3e-16 * z * z).all()
    assert (wrong[np.abs(z) < 3] < 4e-15).all()


def test_it_is_0_at_minus_infinity_1_at_infinity_and_nan_at_nan():
    z = np.array([-math.inf, -1e300, 0.0, 1e300, math.inf, math.nan])
    np.testing.assert_allclose(normal.cdf(z), [0.0, 0.0, 0.5, 1.0, 1.0, math.nan], rtol=1e-15)


def test_the_shape_is_kept():
    assert normal.cdf(np.zeros((3, 4))).shape == (3, 4)
    assert normal.cdf(np.zeros((0,))).shape == (0,)
    assert normal.cdf(np.array(0.0)).shape == ()


def test_the_density_is_the_slope():
    z = np.linspace(-20, 20, 101)
    np.testing.assert_allclose(normal.pdf(z), stats.norm.pdf(z), rtol=1e-13)
