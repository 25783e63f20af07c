"""What two inputs become, against closed forms, another quadrature and published numbers."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, special

from initviz.lab import theory
from initviz.lab.activations import ACTIVATIONS, Activation

CORRELATIONS = [-1.0, -0.9999, -0.4, 0.0, 1e-9, 0.3, 0.9, 0.999999, 1.0 - 1e-12, 1.0]
each = pytest.mark.parametrize("name", ACTIVATIONS)
each_correlation = pytest.mark.parametrize("c", CORRELATIONS)

ERF = Activation(
    name="erf",
    label="erf",
    formula="",
    derivative_formula="",
    source="Williams 1997",
    function=lambda z, _: special.erf(z),
    derivative=lambda z, _: 2 / math.sqrt(math.pi) * np.exp(-z * z),
    module=lambda _: None,
)


# -- moments of pairs -----------------------------------------------------------------------------


def _relu(q, c):
    angle = math.acos(c)
    together = q * (math.sin(angle) + (math.pi - angle) * c) / (2 * math.pi)
    return together, (math.pi - angle) / (2 * math.pi)


def _erf(q, c):
    together = 2 / math.pi * math.asin(2 * q * c / (1 + 2 * q))
    # (1 + 2q)² − (2qc)² without loss where q is large and c near 1.
    rest = 1 + 4 * q + 4 * q * q * (1 - c) * (1 + c)
    return together, 4 / math.pi / math.sqrt(rest)


def _sine(q, c):
    apart, opposite = math.exp(-q * (1 - c)), math.exp(-q * (1 + c))
    return (apart - opposite) / 2, (apart + opposite) / 2


CLOSED_FORMS = {"relu": ("relu", _relu), "erf": (ERF, _erf), "sine": ("sine", _sine)}


@pytest.mark.parametrize("q", [1e-4, 1.0, 70.0, 1e4])
@each_correlation
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_pairs_agree_with_closed_forms(name, q, c):
    activation, exact = CLOSED_FORMS[name]
    found = theory.pair_moments(activation, q, c)
    # ReLU of opposite inputs is 0, and its closed form cancels there.
    assert found == pytest.approx(exact(q, c), rel=1e-9, abs=1e-11 * min(q, 1.0))


@pytest.mark.parametrize("q", [0.5, 30.0])
@each_correlation
def test_pairs_of_the_identity_and_of_leaky_relu(c, q):
    """Leaky ReLU is (1 + s)/2 z + (1 − s)/2 |z|."""
    assert theory.pair_moments("identity", q, c) == pytest.approx((c * q, 1.0), rel=1e-12)
    relu, relu_slope = _relu(q, c)
    s = 0.2
    expected = (s * c * q + (1 - s) ** 2 * relu, s + (1 - s) ** 2 * relu_slope)
    assert theory.pair_moments("leaky_relu", q, c, slope=s) == pytest.approx(expected, rel=1e-8)


def _by_hermite_series(entry, q, c):
    """Σ_k c^k (E φ(√q Z) he_k(Z))² with orthonormal Hermite polynomials he_k (Mehler 1866)."""
    z = np.arange(-12.0, 12.001, 2e-3)
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) * 2e-3
    totals = []
    for function in (entry.function, entry.derivative):
        weighted = function(math.sqrt(q) * z, 0.3) * density
        before, here, total = np.zeros_like(z), np.ones_like(z), 0.0
        for k in range(60):
            total += c**k * float(here @ weighted) ** 2
            before, here = here, (z * here - math.sqrt(k) * before) / math.sqrt(k + 1)
        totals.append(total)
    return totals


@pytest.mark.parametrize("c", [-0.5, 0.35, 0.6])
@pytest.mark.parametrize("q", [0.2, 3.0])
@pytest.mark.parametrize("name", [n for n, entry in ACTIVATIONS.items() if not entry.kinks])
def test_pairs_of_smooth_ones_agree_with_their_hermite_series(name, q, c):
    """At c = 0.6 sixty terms leave 1e-13."""
    expected = _by_hermite_series(ACTIVATIONS[name], q, c)
    assert theory.pair_moments(name, q, c, slope=0.3) == pytest.approx(expected, rel=1e-10)


def _one_after_the_other(entry, function, q, c):
    """The integral over u₁, and in it that over u₂ given u₁, cut where either meets a kink."""
    std, rest = math.sqrt(q), math.sqrt(1 - c * c)

    def value(x):
        return function(np.asarray(std * x), 0.3) * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)

    def given(x):
        def integrand(y):
            density = np.exp(-0.5 * y * y) / math.sqrt(2 * math.pi)
            return function(std * (c * x + rest * y), 0.3) * density

        kinks = [(kink / std - c * x) / rest for kink in entry.kinks]
        return _in_pieces(integrand, [*kinks, *np.arange(-11.0, 12.0, 2.0)], 24)

    bends = [kink / std / c + rest / c * k for kink in entry.kinks for k in range(-8, 9)]
    own = [kink / std for kink in entry.kinks]
    cuts = [*bends, *own, *np.arange(-11.0, 12.0, 2.0)]
    return _in_pieces(lambda x: value(x) * np.array([given(one) for one in x]), cuts, 24)


def _in_pieces(function, cuts, n):
    pieces = itertools.pairwise(sorted({cut for cut in cuts if -11 <= cut <= 11}))
    return math.fsum(integrate.fixed_quad(function, a, b, n=n)[0] for a, b in pieces)


@pytest.mark.slow
@pytest.mark.parametrize("c", [0.3, 0.99])
@each
def test_pairs_agree_with_one_integral_in_another(name, c):
    q, entry = 2.0, ACTIVATIONS[name]
    functions = (entry.function, entry.derivative)
    expected = [_one_after_the_other(entry, function, q, c) for function in functions]
    assert theory.pair_moments(name, q, c, slope=0.3) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("q", [0.0, 1e-300, 1e-8, 1.0, 45.62, 1e6])
@each
def test_equal_inputs_have_the_moments_of_one(name, q):
    single = theory.moments(name, q, slope=0.3)
    assert theory.pair_moments(name, q, 1.0, slope=0.3) == single
    nearly = theory.pair_moments(name, q, 1.0 - 1e-15, slope=0.3)
    assert nearly == pytest.approx(single, rel=1e-3 if q > 1e5 else 1e-6, abs=1e-280)


@each
def test_the_slope_of_a_pair_is_that_of_its_derivatives(name):
    """d/dc E φ(u₁)φ(u₂) = q E φ′(u₁)φ′(u₂) (Price 1958)."""
    q, c, h = 1.7, 0.55, 1e-3

    def together(c):
        return theory.pair_moments(name, q, c, slope=0.3)[0]

    quotient = 8 * (together(c + h) - together(c - h)) - together(c + 2 * h) + together(c - 2 * h)
    slope = q * theory.pair_moments(name, q, c, slope=0.3)[1]
    assert quotient / (12 * h) == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize("c", [-1.1, 1.0000001, math.nan])
def test_a_correlation_that_is_none_is_refused(c):
    with pytest.raises(ValueError, match="a number from -1 to 1"):
        theory.pair_moments("tanh", 1.0, c)


def test_a_length_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a finite number of at least 0"):
        theory.pair_moments("tanh", -1.0, 0.5)


# -- the correlation map --------------------------------------------------------------------------


def test_he_weights_make_inputs_of_relu_alike_algebraically():
    """The first layer's correlation is that of the inputs: it has no φ before it."""
    c, seen = 0.0, {1: 0.0}
    for layer in range(2, 51):
        c = theory.correlation_map("relu", math.sqrt(2), 0.0, 1.0, c)
        seen[layer] = c
    assert seen[20] == pytest.approx(0.9445, abs=5e-5)
    assert seen[50] == pytest.approx(0.9874, abs=5e-5)


@pytest.mark.parametrize("q", [0.3, 2.0])
@each
def test_equal_inputs_stay_equal_and_the_map_leaves_them_with_slope_chi(name, q):
    sigma_w, h = 1.3, 1e-6
    assert theory.correlation_map(name, sigma_w, 0.2, q, 1.0, slope=0.3) == 1.0
    slope = theory.correlation_slope(name, sigma_w, q, 1.0, slope=0.3)
    assert slope == theory.chi(name, sigma_w, q, slope=0.3)
    following = theory.length_map(name, sigma_w, 0.2, q, slope=0.3)
    fallen = 1.0 - theory.correlation_map(name, sigma_w, 0.2, q, 1.0 - h, slope=0.3)
    # A jump of φ′ makes the map leave 1 like (1 − c)^{3/2}.
    assert fallen / h * following / q == pytest.approx(slope, rel=5e-3)


def test_a_layer_that_is_all_0_has_no_correlation():
    assert math.isnan(theory.correlation_map("tanh", 0.0, 0.0, 1.0, 0.5))


def _iterated(name, sigma_w, sigma_b, q, layers=400):
    c = 0.5
    for _ in range(layers):
        following = theory.correlation_map(name, sigma_w, sigma_b, q, c)
        if abs(following - c) < 1e-13:
            break
        c = min(following, 1.0)
    return c


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [
        ("tanh", 2.0, 0.3),
        ("tanh", 1.5, 0.0),
        ("hardtanh", 2.0, 0.5),
        ("sine", 1.6, 0.2),
        ("softsign", 3.0, 0.1),
        ("sigmoid", 12.0, 0.5),
        ("sigmoid", 4.0, 0.5),
        ("tanh", 0.8, 0.4),
    ],
)
def test_two_inputs_end_where_the_iterated_map_does(name, sigma_w, sigma_b):
    q = theory.fixed_point(name, sigma_w, sigma_b)
    found = theory.correlation_fixed_point(name, sigma_w, sigma_b)
    assert found == pytest.approx(_iterated(name, sigma_w, sigma_b, q), abs=1e-9)
    is_chaotic = theory.phase(name, sigma_w, sigma_b) == "chaotic"
    assert (found < 1.0) == is_chaotic
    assert theory.correlation_slope(name, sigma_w, q, found) < 1.0


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.1, 0.05), (1.7, 0.2), (3.0, 0.4), (30.0, 0.1)])
def test_the_correlation_that_is_left_in_closed_form(sigma_w, sigma_b):
    """For erf: σ_w² 2/π asin(2qc/(1 + 2q)) + σ_b² = cq."""
    q = theory.fixed_point(ERF, sigma_w, sigma_b)
    c = theory.correlation_fixed_point(ERF, sigma_w, sigma_b)
    assert sigma_w**2 * _erf(q, 1.0)[0] + sigma_b**2 == pytest.approx(q, rel=1e-9)
    assert sigma_w**2 * _erf(q, c)[0] + sigma_b**2 == pytest.approx(c * q, rel=1e-9)
    assert c < 1.0 or theory.chi(ERF, sigma_w, q) <= 1.0


def test_the_correlation_just_above_the_edge():
    """c* leaves 1 continuously."""
    edge = theory.critical_sigma_w("tanh", 0.3)
    left = [theory.correlation_fixed_point("tanh", edge * (1 + x), 0.3) for x in (0, 1e-5, 1e-3)]
    assert left[0] == 1.0
    assert 0.99 < left[2] < left[1] < 1.0
    assert (1 - left[2]) / (1 - left[1]) == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.5, 0.0), (1.5, 0.3), (0.5, 0.0)])
def test_without_a_length_there_is_no_correlation(sigma_w, sigma_b):
    assert theory.correlation_fixed_point("relu", sigma_w, sigma_b) is None


# -- depth scales ---------------------------------------------------------------------------------


def test_depth_scales_are_those_of_the_slopes():
    q = theory.fixed_point("tanh", 2.0, 0.3)
    c = theory.correlation_fixed_point("tanh", 2.0, 0.3)
    scales = theory.depth_scales("tanh", 2.0, 0.3)
    assert scales.length == pytest.approx(-1 / math.log(theory.length_slope("tanh", 2.0, q)))
    slope = theory.correlation_slope("tanh", 2.0, q, c)
    assert scales.correlation == pytest.approx(-1 / math.log(slope))
    assert scales.gradient == pytest.approx(-1 / math.log(theory.chi("tanh", 2.0, q)))
    assert scales.gradient < 0 < scales.correlation


def test_in_the_ordered_phase_signal_and_gradient_reach_equally_deep():
    scales = theory.depth_scales("tanh", 1.0, 0.4)
    assert scales.correlation == scales.gradient > 0


@pytest.mark.parametrize("sigma_b", [0.1, 0.3, math.sqrt(0.05)])
def test_at_criticality_signals_and_gradients_reach_for_ever(sigma_b):
    scales = theory.depth_scales("tanh", theory.critical_sigma_w("tanh", sigma_b), sigma_b)
    assert scales.correlation == scales.gradient == math.inf
    assert 0 < scales.length < math.inf


def test_he_weights_are_critical_in_every_respect():
    scales = theory.depth_scales("relu", math.sqrt(2), 0.0)
    assert (scales.length, scales.correlation, scales.gradient) == (math.inf,) * 3


def test_a_signal_that_vanishes_has_no_correlation():
    scales = theory.depth_scales("tanh", 0.5, 0.0)
    assert (scales.length, scales.gradient) == pytest.approx((-1 / math.log(0.25),) * 2)
    assert math.isnan(scales.correlation)


def test_nothing_passes_weights_of_0():
    scales = theory.depth_scales("tanh", 0.0, 0.5)
    assert (scales.length, scales.correlation, scales.gradient) == (0.0, 0.0, 0.0)


def test_a_length_that_grows_for_ever_has_no_scales():
    assert theory.depth_scales("relu", 1.5, 0.0) is None
