"""Axes: pixels, ticks and numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.ui.panels import axes
from initviz.ui.panels.axes import Axis, Decades


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1e6), st.floats(-1e6, 1e6))
def test_an_axis_finds_its_way_back(low, span, value):
    axis = Axis(low, low + span, 400.0, 20.0)
    assert axis.value(axis(value)) == pytest.approx(value, rel=1e-6, abs=1e-6 * span)


def test_an_axis_takes_arrays():
    axis = Axis(0, 10, 0.0, 100.0)
    assert axis(np.array([0.0, 5.0, 10.0])).tolist() == [0.0, 50.0, 100.0]


@pytest.mark.parametrize("decades", axes.DECADES.values())
@pytest.mark.parametrize("pixels", [40, 100, 200, 412, 900])
def test_exponents_keep_their_distance_and_name_both_ends(decades, pixels):
    ticks = decades.ticks(pixels, 28)
    assert ticks[0] == decades.low
    assert ticks[-1] == decades.high
    gaps = np.diff(ticks) * pixels / (decades.high - decades.low)
    assert len(ticks) == 2 or gaps.min() >= 0.65 * 28


def test_the_usual_axis_is_labelled_every_second_decade():
    assert Decades(-14, 4).ticks(412, 28) == list(range(-14, 5, 2))


@pytest.mark.parametrize(("exponent", "text"), [(4, "10⁴"), (-14, "10⁻¹⁴"), (0, "10⁰")])
def test_powers_are_written_with_raised_digits(exponent, text):
    assert axes.power(exponent) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0077, "0.0077"),
        (0.3, "0.30"),
        (8.4e-5, "8.4e-5"),
        (12.0, "12"),
        (0.0, "0"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_two_digits(value, text):
    assert axes.two_digits(value) == text


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        (-9.0, "1.0e-9"),
        (-400.5, "3.2e-401"),
        (math.log10(9.96e-9), "1.0e-8"),
        (math.log10(0.38), "0.38"),
        (-math.inf, "0"),
        (math.inf, "∞"),
        (math.nan, "NaN"),
    ],
)
def test_powers_in_two_digits_reach_beyond_what_a_float_holds(exponent, text):
    assert axes.short_power(exponent) == text


@given(st.floats(1e-300, 1e300))
def test_a_range_that_grows_is_round_and_never_a_third_too_long(value):
    end = axes.step_up(value)
    assert value * (1 - 1e-8) <= end <= value * 1.34


@given(st.floats(1e-30, 1e30), st.integers(2, 20))
def test_round_ticks_start_at_0_and_stay_within_their_range(high, most):
    ticks = axes.round_ticks(high, most)
    assert ticks[0] == 0.0
    assert 2 <= len(ticks) <= most
    assert max(ticks) <= high * (1 + 1e-6)
    assert np.allclose(np.diff(ticks), ticks[-1] / max(len(ticks) - 1, 1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("layers", [1, 2, 10, 24, 60, 137, 1000])
@pytest.mark.parametrize("most", [2, 5, 10, 30])
def test_layer_numbers_thin_out_but_keep_both_ends(layers, most):
    ticks = axes.layer_ticks(layers, most)
    assert ticks[0] == 1
    assert ticks[-1] == layers
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= most + 1


@pytest.mark.parametrize(("layers", "most"), [(1, 24), (10, 24), (1000, 24), (50, 7)])
def test_layers_are_picked_at_even_distances_with_both_ends(layers, most):
    picked = axes.spaced_layers(layers, most)
    assert picked[0] == 0
    assert picked[-1] == layers - 1
    assert len(picked) == min(layers, most)
    assert len(picked) < 3 or np.ptp(np.diff(picked)) <= 1


def test_steps_are_labelled_with_whole_numbers():
    assert axes.step_ticks(400, 5) == [0, 100, 200, 300, 400]
    assert axes.step_ticks(1, 5) == [0, 1]
