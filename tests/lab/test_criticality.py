"""Where χ₁ = 1, against published numbers, closed forms and the exact maps."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab import theory
from initviz.lab.activations import ACTIVATIONS

each = pytest.mark.parametrize("name", ACTIVATIONS)


# -- critical points ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_b", "sigma_w", "q"),
    [
        ("sigmoid", 0.0, 10.14926, 45.62),
        ("sigmoid", 0.1, 10.15046, 45.65),
        ("sigmoid", 0.3, 10.15997, 45.82),
        ("tanh", 0.0, 1.0, 0.0),
        ("tanh", 0.1, 1.19340, 0.27330),
        ("tanh", 0.3, 1.39558, 0.76347),
        ("tanh", math.sqrt(0.05), math.sqrt(1.76095), None),
        ("relu", 0.0, math.sqrt(2), 1.0),
        ("identity", 0.0, 1.0, 1.0),
        ("leaky_relu", 0.0, math.sqrt(2 / 1.0001), 1.0),
        ("gelu", 0.5, 1.39987, 6.434),
        ("hardtanh", 0.0, 1.0, None),
        ("sine", 0.0, 1.0, 0.0),
        ("prelu", 0.0, math.sqrt(2 / 1.0001), 1.0),
    ],
)
def test_known_critical_points(name, sigma_b, sigma_w, q):
    found = theory.critical_sigma_w(name, sigma_b)
    assert found == pytest.approx(sigma_w, abs=6e-6)
    if q is not None:
        assert theory.fixed_point(name, found, sigma_b) == pytest.approx(q, abs=5.1e-3)


@pytest.mark.parametrize(
    ("name", "sigma_b"), [("relu", 0.1), ("relu", 1e-3), ("identity", 0.3), ("gelu", 0.0)]
)
def test_there_may_be_no_critical_point(name, sigma_b):
    assert theory.critical_sigma_w(name, sigma_b) is None


@pytest.mark.parametrize("sigma_b", [1e-6, 0.05, 0.2, 0.5, 1.0, 2.0])
@each
def test_at_a_critical_point_chi_is_1_at_the_fixed_point(name, sigma_b):
    sigma_w = theory.critical_sigma_w(name, sigma_b)
    if sigma_w is not None:
        q = theory.fixed_point(name, sigma_w, sigma_b)
        assert theory.chi(name, sigma_w, q) == pytest.approx(1.0, rel=1e-6)


def test_sigmoid_needs_far_larger_weights_than_any_scheme_gives():
    assert theory.chi("sigmoid", 1.0, theory.fixed_point("sigmoid", 1.0, 0.0)) < 0.06


@pytest.mark.parametrize("sigma_b", [0.03, 0.3, 1.0, 3.0])
def test_the_critical_point_of_the_sine_in_closed_form(sigma_b):
    """χ₁ = 1 and V(q) = q say tanh q + σ_b² = q and σ_w² (1 + e^{−2q}) = 2."""
    sigma_w = theory.critical_sigma_w("sine", sigma_b)
    q = theory.fixed_point("sine", sigma_w, sigma_b)
    assert math.tanh(q) + sigma_b**2 == pytest.approx(q, rel=1e-9)
    assert sigma_w**2 * (1 + math.exp(-2 * q)) == pytest.approx(2.0, rel=1e-12)


def test_the_critical_line_is_made_of_the_critical_points():
    sigma_bs = [0.0, 0.1, 0.3]
    assert theory.critical_line("tanh", sigma_bs) == pytest.approx([1, 1.1934, 1.39558], abs=6e-6)
    np.testing.assert_array_equal(np.isnan(theory.critical_line("relu", sigma_bs)), [0, 1, 1])
    assert theory.critical_line("tanh", []).shape == (0,)


# -- phases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "expected"),
    [
        ("tanh", 0.9, 0.0, "ordered"),
        ("tanh", 1.0, 0.0, "critical"),
        ("tanh", 1.1, 0.0, "chaotic"),
        ("tanh", 1.1, 0.3, "ordered"),
        ("relu", math.sqrt(2), 0.0, "critical"),
        ("relu", 1.4, 1.0, "ordered"),
        ("relu", 1.5, 0.0, None),
        ("sigmoid", 1.0, 0.0, "ordered"),
        ("selu", 1.0, 0.0, "chaotic"),
        ("identity", 1.0, 0.0, "critical"),
    ],
)
def test_phases(name, sigma_w, sigma_b, expected):
    assert theory.phase(name, sigma_w, sigma_b) == expected


@pytest.mark.parametrize("sigma_b", [0.1, 0.5])
@each
def test_the_critical_point_parts_order_from_chaos(name, sigma_b):
    sigma_w = theory.critical_sigma_w(name, sigma_b)
    if sigma_w is not None:
        assert theory.phase(name, sigma_w, sigma_b) == "critical"
        assert theory.phase(name, 0.999 * sigma_w, sigma_b) == "ordered"
        assert theory.phase(name, 1.001 * sigma_w, sigma_b) in ("chaotic", None)


# -- the map of χ₁ --------------------------------------------------------------------------------


def _exact_chi(name, sigma_w, sigma_b, slope):
    q = theory.fixed_point(name, sigma_w, sigma_b, slope=slope)
    return math.nan if q is None else theory.chi(name, sigma_w, q, slope=slope)


@pytest.mark.parametrize("slope", [0.01, 0.5])
@each
def test_the_map_is_that_of_the_exact_functions(name, slope):
    sigma_ws = [0.0, 0.05, 0.7, 1.0, 1.2, math.sqrt(2), 1.5, 1.8, 2.5, 10.2, 300.0]
    sigma_bs = [0.0, 1e-4, 0.1, 0.7, 2.0, 50.0]
    found = theory.chi_map(name, sigma_ws, sigma_bs, slope=slope)
    exact = [[_exact_chi(name, w, b, slope) for w in sigma_ws] for b in sigma_bs]
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-12)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ACTIVATIONS)), st.floats(0.0, 5.0), st.floats(0.0, 3.0))
def test_one_point_of_the_map_is_that_of_the_exact_functions(name, sigma_w, sigma_b):
    found = theory.chi_map(name, [sigma_w], [sigma_b])[0, 0]
    exact = _exact_chi(name, sigma_w, sigma_b, 0.01)
    assert found == pytest.approx(exact, rel=1e-4, abs=1e-12, nan_ok=True)


def test_the_map_has_a_row_for_each_bias():
    assert theory.chi_map("tanh", np.linspace(0.5, 2, 7), np.linspace(0, 1, 3)).shape == (3, 7)
    assert theory.chi_map("tanh", [1.0], []).shape == (0, 1)
    assert theory.chi_map("tanh", [], [0.1, 0.2]).shape == (2, 0)


def test_a_map_of_no_numbers_is_refused():
    with pytest.raises(ValueError, match="sigma_w"):
        theory.chi_map("tanh", [1.0, math.nan], [0.0])
    with pytest.raises(ValueError, match="sigma_b"):
        theory.chi_map("tanh", [1.0], [math.inf])


@each
def test_a_map_of_ten_thousand_points_comes_at_once(name):
    """10 ms on a free core; ten times that on a busy one."""
    sigma_ws, sigma_bs = np.linspace(0, 4, 100), np.linspace(0, 2, 100)
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        theory.chi_map(name, sigma_ws, sigma_bs)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.1


@pytest.mark.parametrize("activation", ["gelu", "silu", "mish"])
def test_a_critical_point_next_to_1_that_repels_is_none(activation):
    assert theory.critical_sigma_w(activation, 0.25) is None
