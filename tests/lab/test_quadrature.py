"""Gaussian expectations against closed forms: kinks, jumps, wide and narrow, waves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from initviz.lab.quadrature import expect, rule, rules, shared_rule

each_length = pytest.mark.parametrize("q", [1e-8, 1e-4, 1e-2, 1.0, 45.62, 1e2, 1e4])


@each_length
def test_the_rule_agrees_with_the_closed_form_for_erf(q):
    z, weights = rule(0.0, math.sqrt(q))
    second = 2 / math.pi * math.asin(2 * q / (1 + 2 * q))
    slope = 4 / math.pi / math.sqrt(1 + 4 * q)
    assert weights @ special.erf(z) ** 2 == pytest.approx(second, rel=1e-12)
    assert weights @ (4 / math.pi * np.exp(-2 * z**2)) == pytest.approx(slope, rel=1e-12)


@each_length
@pytest.mark.parametrize("mean", [-3.0, 0.7, 40.0])
def test_the_rule_agrees_with_the_closed_form_for_a_shifted_relu(mean, q):
    std = math.sqrt(q)
    z, weights = rule(mean, std, (0.0,))
    share, density = special.ndtr(mean / std), math.exp(-((mean / std) ** 2) / 2)
    exact = (mean**2 + q) * share + mean * std * density / math.sqrt(2 * math.pi)
    assert weights @ np.maximum(z, 0.0) ** 2 == pytest.approx(exact, rel=1e-12, abs=1e-30)


@each_length
def test_the_rule_is_cut_at_a_kink_anywhere(q):
    std = math.sqrt(q)
    z, weights = rule(0.0, std, (-0.7 * std,))
    share, density = special.ndtr(0.7), math.exp(-0.245) / math.sqrt(2 * math.pi)
    exact = q * (1.49 * share + 0.7 * density)
    assert weights @ np.maximum(z + 0.7 * std, 0.0) ** 2 == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("q", [0.0, 1e-300, 1.0, 1e300])
def test_weights_sum_to_1_and_points_have_the_variance(q):
    z, weights = rule(0.0, math.sqrt(q))
    assert weights.sum() == pytest.approx(1.0, rel=1e-13)
    assert weights @ z**2 == pytest.approx(q, rel=1e-12)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.floats(-30, 30), st.floats(1e-3, 1e3), st.floats(-20, 20))
def test_a_jump_anywhere_is_seen(mean, std, jump):
    z, weights = rule(mean, std, (jump,))
    exact = special.ndtr((mean - jump) / std)
    assert weights @ (z > jump) == pytest.approx(exact, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("std", [0.0, 1e-100, 1e-3, 0.3, 1.0, 5.0, 8.9, 9.1, 1e3, 1e150])
@pytest.mark.parametrize("mean", [0.0, 0.4, -2.0, 1e4])
def test_waves_of_a_period_are_followed(mean, std):
    z, weights = rule(mean, std, period=2 * math.pi)
    for harmonic in (1, 2, 4):
        damped = math.exp(-0.5 * min(harmonic * std, 100.0) ** 2)
        expected = np.array([math.cos(harmonic * mean), math.sin(harmonic * mean)]) * damped
        found = weights @ np.cos(harmonic * z), weights @ np.sin(harmonic * z)
        assert found == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("std", [0.0, 1e-150, 1e-6, 0.3, 4.0, 1e4])
@pytest.mark.parametrize("period", [None, 2 * math.pi])
def test_several_means_at_once_are_as_one_at_a_time(std, period):
    means = np.array([-7.0, -1.0, 0.0, 0.3, 1.0, 60.0])
    z, weights = rules(means, std, (0.0, 1.0), period)

    def function(z):
        return np.sin(z) ** 2 if period else np.where(z > 1.0, 1.0, np.maximum(z, 0.0)) ** 2

    alone = [rule(mean, std, (0.0, 1.0), period) for mean in means]
    expected = [w @ function(points) for points, w in alone]
    assert np.sum(weights * function(z), axis=1) == pytest.approx(expected, rel=1e-13, abs=1e-300)


def test_one_set_of_points_serves_many_widths():
    stds, kinks = np.logspace(-5, 6, 45), (-1.0, 0.0, 0.7)
    z, weights = shared_rule(stds, kinks)
    for function in (
        lambda z: z * z,
        np.tanh,
        lambda z: np.tanh(z) ** 2,
        lambda z: np.where(z > 0.7, 1.0, 0.0),
        lambda z: 1.0 / (1.0 + np.abs(z)) ** 2,
        lambda z: np.maximum(z, -1.0) ** 2,
    ):
        expected = [np.dot(w, function(x)) for x, w in (rule(0.0, std, kinks) for std in stds)]
        assert weights @ function(z) == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_expect_is_the_weighted_sum():
    assert expect(np.array([0.25, 0.75]), np.array([4.0, 8.0])) == 7.0
