"""Expectations over a batch, against closed forms and against the maps of one layer."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.gaussian_batch import expectations
from initviz.lab.mean_field import mean_around, moments_around

each = pytest.mark.parametrize("name", ACTIVATIONS)
STDS = np.exp(np.linspace(-3.0, 1.0, 9))


def _pair(name, std, other, c, mean=0.0, slope=0.3):
    correlations = np.array([[1.0, c], [c, 1.0]])
    found = expectations(ACTIVATIONS[name], slope, mean, np.array([std, other]))
    values, slopes = found.products(correlations)
    return float(values[0, 1]), float(slopes[0, 1])


@each
@pytest.mark.parametrize("mean", [0.0, 0.4, -2.0])
def test_single_samples_have_the_moments_of_one_layer(name, mean):
    entry, slope = ACTIVATIONS[name], 0.3
    found = expectations(entry, slope, mean, STDS)
    moments = np.array([moments_around(entry, slope, mean, std) for std in STDS])
    means = [mean_around(entry, slope, mean, std) for std in STDS]
    pairs = zip((found.second, found.slope_second, found.mean), (*moments.T, means), strict=True)
    for interpolated, exact in pairs:
        tolerance = 3e-3 * np.max(np.abs(exact)) + 1e-12
        np.testing.assert_allclose(interpolated, exact, rtol=1e-3, atol=tolerance)


@each
@pytest.mark.parametrize("std", [1e-3, 0.7, 3.0])
def test_equal_lengths_have_exact_moments(name, std):
    entry = ACTIVATIONS[name]
    found = expectations(entry, 0.3, 0.0, np.full(3, std))
    exact = moments_around(entry, 0.3, 0.0, std)
    assert found.second[0] == pytest.approx(exact[0], rel=1e-10)
    assert found.slope_second[0] == pytest.approx(exact[1], rel=1e-10)


@given(c=st.floats(-1.0, 1.0), std=st.floats(0.1, 5.0), other=st.floats(0.1, 5.0))
def test_pairs_of_relu_follow_the_arc_cosine_kernel(c, std, other):
    """Cho & Saul 2009."""
    values, slopes = _pair("relu", std, other, c)
    angle = math.acos(c)
    exact = (math.sin(angle) + (math.pi - angle) * c) / (2 * math.pi)
    assert values / (std * other) == pytest.approx(exact, abs=1e-4)
    assert slopes == pytest.approx((math.pi - angle) / (2 * math.pi), abs=2e-4)


@given(c=st.floats(-1.0, 1.0), std=st.floats(0.05, 4.0), other=st.floats(0.05, 4.0))
def test_pairs_of_sines_follow_their_closed_form(c, std, other):
    values, slopes = _pair("sine", std, other, c)
    decay, cross = -0.5 * (std**2 + other**2), c * std * other
    assert values == pytest.approx(
        0.5 * (math.exp(decay + cross) - math.exp(decay - cross)), abs=1e-3
    )
    assert slopes == pytest.approx(
        0.5 * (math.exp(decay + cross) + math.exp(decay - cross)), abs=1e-3
    )


@each
@pytest.mark.parametrize("mean", [0.0, 0.6])
def test_independent_samples_have_the_product_of_the_means(name, mean):
    entry = ACTIVATIONS[name]
    values, _ = _pair(name, 0.8, 1.7, 0.0, mean)
    expected = mean_around(entry, 0.3, mean, 0.8) * mean_around(entry, 0.3, mean, 1.7)
    assert values == pytest.approx(expected, abs=1e-5)


@each
@pytest.mark.parametrize("c", [-0.9, 0.3, 0.97])
def test_pairs_agree_with_random_numbers(name, c):
    entry, generator = ACTIVATIONS[name], np.random.default_rng(0)
    first = generator.standard_normal(200_000)
    second = c * first + math.sqrt(1 - c * c) * generator.standard_normal(200_000)
    z, other = 0.2 + 0.9 * first, 0.2 + 1.6 * second
    for f, found in zip(
        (entry.function, entry.derivative), _pair(name, 0.9, 1.6, c, 0.2), strict=True
    ):
        products = f(z, 0.3) * f(other, 0.3)
        error = products.std() / math.sqrt(len(products))
        assert found == pytest.approx(products.mean(), abs=5 * error + 1e-4)


@each
@pytest.mark.parametrize("std", [0.0, 1e-200, 1e-60, 1e60, 1e150])
def test_no_length_is_too_small_or_too_large(name, std):
    found = expectations(ACTIVATIONS[name], 0.3, 0.0, np.array([std, std]))
    values, slopes = found.products(np.array([[1.0, 0.5], [0.5, 1.0]]))
    for numbers in (found.mean, found.second, found.slope_second, values, slopes):
        assert np.isfinite(numbers).all()


def test_any_shape_of_lengths_keeps_it():
    found = expectations(ACTIVATIONS["tanh"], 0.0, 0.0, np.linspace(0.1, 2.0, 24).reshape(2, 3, 4))
    assert found.second.shape == found.mean.shape == found.slope_fourth.shape == (2, 3, 4)
    assert (np.diff(found.second.ravel()) > 0).all()
