"""Mean-field theory against closed forms, other quadrature, and published numbers."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from scipy import integrate, special

from initviz.lab import theory
from initviz.lab.activations import ACTIVATIONS, SELU_ALPHA, SELU_SCALE, Activation
from initviz.lab.mean_field import mean_around, moments_around
from initviz.lab.quadrature import rule

LENGTHS = [1e-8, 1e-4, 1e-2, 1.0, 45.62, 1e2, 1e4]
each = pytest.mark.parametrize("name", ACTIVATIONS)
each_length = pytest.mark.parametrize("q", LENGTHS)


# -- moments --------------------------------------------------------------------------------------


def _leaky(slope):
    return lambda q: ((1 + slope**2) * q / 2, (1 + slope**2) / 2)


def _gelu(q):
    """E (zΦ)²; E φ′² = E [Φ² + 2zΦϕ + z²ϕ²] by the same integrals."""
    angle, root = math.asin(q / (1 + q)), math.sqrt(1 + 2 * q)
    forward = q / 4 + q / (2 * math.pi) * (angle + 2 * q / ((1 + q) * root))
    backward = 0.25 + angle / (2 * math.pi) + q / (math.pi * (1 + q) * root)
    return forward, backward + q / (2 * math.pi * root**3)


def _elu(alpha, scale):
    def exact(q):
        s = math.sqrt(q)
        # e^{2q} Φ(−2s) and e^{q/2} Φ(−s), which underflow and overflow apart.
        twice, once = (special.erfcx(k * s / math.sqrt(2)) / 2 for k in (2, 1))
        below = (twice - 2 * once + 0.5) * alpha**2
        return scale**2 * (q / 2 + below), scale**2 * (0.5 + twice * alpha**2)

    return exact


def _clipped(limit, share):
    """φ = z up to ±limit; `share` of it on the side that counts."""

    def exact(q):
        x = limit / math.sqrt(q)
        inside, density = special.erf(x / math.sqrt(2)), math.exp(-x * x / 2)
        forward = q * (inside - x * density * math.sqrt(2 / math.pi))
        return share * (forward + limit**2 * special.erfc(x / math.sqrt(2))), share * inside

    return exact


def _sine(q):
    return -math.expm1(-2 * q) / 2, (1 + math.exp(-2 * q)) / 2


CLOSED_FORMS = {
    "identity": ({}, lambda q: (q, 1.0)),
    "relu": ({}, _leaky(0.0)),
    "leaky_relu": ({"slope": 0.2}, _leaky(0.2)),
    "prelu": ({"slope": -0.5}, _leaky(-0.5)),
    "relu6": ({}, _clipped(6.0, 0.5)),
    "hardtanh": ({}, _clipped(1.0, 1.0)),
    "elu": ({}, _elu(1.0, 1.0)),
    "selu": ({}, _elu(SELU_ALPHA, SELU_SCALE)),
    "gelu": ({}, _gelu),
    "sine": ({}, _sine),
}


@each_length
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_moments_agree_with_closed_forms(name, q):
    how, exact = CLOSED_FORMS[name]
    # The closed forms of (S)ELU and of the clipped ones cancel where q is small.
    assert theory.moments(name, q, **how) == pytest.approx(exact(q), rel=1e-9, abs=1e-15)


#: Not in the table: everything about it is known in closed form.
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


@each_length
def test_an_entry_that_is_not_in_the_table_agrees_with_its_closed_forms(q):
    second = 2 / math.pi * math.asin(2 * q / (1 + 2 * q))
    slope = 4 / math.pi / math.sqrt(1 + 4 * q)
    assert theory.moments(ERF, q) == pytest.approx((second, slope), rel=1e-12)
    growth = 2 / math.pi * 2 / ((1 + 2 * q) * math.sqrt(1 + 4 * q))
    assert theory.length_slope(ERF, 1.3, q) == pytest.approx(1.69 * growth, rel=1e-12)
    assert theory.chi(ERF, 1.3, q) == pytest.approx(1.69 * slope, rel=1e-12)


@each_length
def test_moments_that_are_those_of_another_activation(q):
    """tanh z = 2σ(2z) − 1, and the slope of softplus is the sigmoid."""
    tanh, sigmoid = theory.moments("tanh", q), theory.moments("sigmoid", 4 * q)
    assert tanh[0] == pytest.approx(4 * sigmoid[0] - 1, rel=1e-9, abs=1e-14)
    assert tanh[1] == pytest.approx(16 * sigmoid[1], rel=1e-12)
    sigmoid = theory.moments("sigmoid", q)
    assert theory.moments("softplus", q)[1] == pytest.approx(sigmoid[0], rel=1e-12)


@pytest.mark.parametrize("mean", [-3.0, 0.7, 40.0])
@each_length
def test_moments_of_the_sine_around_any_mean(mean, q):
    wide, std = math.exp(-2 * q) if q < 300 else 0.0, math.sqrt(q)
    expected = ((1 - wide * math.cos(2 * mean)) / 2, (1 + wide * math.cos(2 * mean)) / 2)
    found = moments_around(ACTIVATIONS["sine"], 0.0, mean, std)
    assert found == pytest.approx(expected, rel=1e-11)
    shift = math.exp(-q / 2) * math.sin(mean)
    assert mean_around(ACTIVATIONS["sine"], 0.0, mean, std) == pytest.approx(shift, abs=1e-12)


@pytest.mark.parametrize("mean", [-3.0, 0.0, 5.0])
def test_the_mean_of_relu(mean):
    exact = mean * special.ndtr(mean / 2) + 2 * math.exp(-(mean**2) / 8) / math.sqrt(2 * math.pi)
    assert mean_around(ACTIVATIONS["relu"], 0.0, mean, 2.0) == pytest.approx(exact, rel=1e-12)


#: The table again, in another library's arithmetic.
IN_MPMATH = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, 0),
    "leaky_relu": lambda z: z if z > 0 else mpmath.mpf("0.3") * z,
    "prelu": lambda z: z if z > 0 else mpmath.mpf("0.3") * z,
    "relu6": lambda z: min(max(z, 0), 6),
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
    "selu": lambda z: SELU_SCALE * (z if z > 0 else SELU_ALPHA * mpmath.expm1(z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "softsign": lambda z: z / (1 + abs(z)),
    "hardtanh": lambda z: min(max(z, -1), 1),
    "sine": mpmath.sin,
}


@pytest.mark.slow
@pytest.mark.parametrize("q", [0.3, 40.0])
@each
def test_second_moments_agree_with_tanh_sinh_quadrature(name, q):
    function, std = IN_MPMATH[name], mpmath.sqrt(q)
    cuts = sorted({-1.0, 0.0, 1.0, 6.0, *(float(std) * k for k in range(-10, 11, 2))})
    total = mpmath.quad(lambda z: function(z) ** 2 * mpmath.npdf(z, 0, std), cuts)
    assert theory.moments(name, q, slope=0.3)[0] == pytest.approx(float(total), rel=1e-8)


def _by_scipy(function, q):
    """E f(√q Z)² by adaptive quadrature, cut at points that have nothing to do with ours."""
    std = math.sqrt(q)

    def integrand(z):
        density = math.exp(-0.5 * (z / std) ** 2) / (std * math.sqrt(2 * math.pi))
        return float(function(np.array([z]))[0]) ** 2 * density

    own = [k for k in (0.3, 1.0, 2.3, 5.0, 9.0, 17.0, 33.0) if k < 11 * std]
    cuts = sorted({0.0, *own, *(std * k for k in (0.2, 0.7, 1.5, 2.5, 4.0, 6.0, 8.0, 11.0))})
    cuts = [*(-cut for cut in reversed(cuts[1:])), *cuts]
    return math.fsum(
        integrate.quad(integrand, a, b, epsabs=1e-14, epsrel=1e-10, limit=50)[0]
        for a, b in itertools.pairwise(cuts)
    )


@each_length
@each
def test_moments_agree_with_an_independent_quadrature(name, q):
    entry, slope = ACTIVATIONS[name], 0.3
    expected = [
        _by_scipy(lambda z, f=f: f(z, slope), q) for f in (entry.function, entry.derivative)
    ]
    assert theory.moments(name, q, slope=slope) == pytest.approx(expected, rel=1e-8)


#: E φ², E φ′² at q = 1, the gain, χ₁ and dV/dq there, as the table of the theory sheet gives them.
TABLE = {
    "identity": (1.0, 1.0, 1.0, 1.0, 1.0),
    "sigmoid": (0.2933790, 0.0448362, 1.846229, 0.15283, 0.10634),
    "tanh": (0.3942945, 0.4644029, 1.592537, 1.17781, 0.46107),
    "relu": (0.5, 0.5, 1.414214, 1.0, 1.0),
    "leaky_relu": (0.52, 0.52, 1.386750, 1.0, 1.0),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_table_at_unit_length(name):
    forward, backward, gain, chi, stability = TABLE[name]
    slope = 0.2
    assert theory.moments(name, 1.0, slope=slope) == pytest.approx((forward, backward), abs=6e-8)
    assert theory.gain(name, slope=slope) == pytest.approx(gain, abs=6e-7)
    sigma_w = theory.gain(name, slope=slope)
    assert theory.chi(name, sigma_w, 1.0, slope=slope) == pytest.approx(chi, abs=6e-6)
    slope_of_map = theory.length_slope(name, sigma_w, 1.0, slope=slope)
    assert slope_of_map == pytest.approx(stability, abs=6e-6)


#: The NFNet gamma table (Brock et al. 2021): 1/std φ(Z), by Monte Carlo.
GAMMA = {
    "elu": 1.2716004848480225,
    "gelu": 1.7015043497085571,
    "identity": 1.0,
    "leaky_relu": 1.70590341091156,
    "relu": 1.7139588594436646,
    "relu6": 1.7131484746932983,
    "selu": 1.0008515119552612,
    "sigmoid": 4.803835391998291,
    "silu": 1.7881293296813965,
    "softplus": 1.9203323125839233,
    "softsign": 2.338853120803833,
    "tanh": 1.5939117670059204,
}


@pytest.mark.parametrize("name", GAMMA)
def test_the_spread_agrees_with_the_gains_that_were_measured_for_nfnets(name):
    mean = mean_around(ACTIVATIONS[name], 0.01, 0.0, 1.0)
    spread = math.sqrt(theory.moments(name, 1.0)[0] - mean**2)
    assert 1 / spread == pytest.approx(GAMMA[name], rel=9e-4)


@each
def test_at_length_0_moments_are_those_of_the_tangents(name):
    entry = ACTIVATIONS[name]
    h = np.array([-1e-12, 1e-12])
    slopes = entry.derivative(h, 0.01)
    value = float(entry.function(np.zeros(1), 0.01)[0])
    assert theory.moments(name, 0.0) == pytest.approx((value**2, np.mean(slopes**2)), abs=1e-9)


@each
def test_the_second_moment_grows_with_the_length(name):
    """What `fixed_point` relies on."""
    lengths = np.logspace(-12, 12, 400)
    second = np.array([theory.moments(name, q, slope=0.3)[0] for q in lengths])
    assert (np.diff(second) > -1e-13 * second[1:]).all()
    assert min(theory.length_slope(name, 1.0, q, slope=0.3) for q in lengths) > -1e-12


@pytest.mark.parametrize("q", [0.0, 5e-324, 1e-300, 1e-100, 1e-30, 1e12, 1e30, 1e100, 1e300])
@each
def test_no_length_gives_a_moment_that_is_no_number(name, q):
    forward, backward = theory.moments(name, q, slope=0.3)
    for number in (forward, backward, *theory.fluctuations(name, q, slope=0.3)):
        assert math.isfinite(number)
        assert number >= -1e-12
    assert forward <= 1.01 * max(q, 1.0)
    assert backward <= 2.5
    assert math.isfinite(theory.length_slope(name, 1.0, q, slope=0.3))


# -- the slope of the length map ------------------------------------------------------------------


@pytest.mark.parametrize("q", [1e-4, 1e-2, 0.3, 1.0, 6.434, 45.62, 1e3])
@each
def test_the_slope_of_the_length_map_is_its_difference_quotient(name, q):
    def length(q):
        return theory.length_map(name, 1.7, 0.4, q, slope=0.3)

    h = 1e-3 * q
    # Five points: the error is of order (h/q)⁴.
    quotient = (8 * (length(q + h) - length(q - h)) - length(q + 2 * h) + length(q - 2 * h)) / 12
    found = theory.length_slope(name, 1.7, q, slope=0.3)
    assert found == pytest.approx(quotient / h, rel=1e-8, abs=1e-13 * length(q) / h)


@pytest.mark.parametrize("q", [0.3, 1.0, 45.62])
@each
def test_both_forms_of_the_slope_agree(name, q):
    """E φ²(Z² − 1)/(2q), as the theory sheet has it."""
    entry = ACTIVATIONS[name]
    z, weights = rule(0.0, math.sqrt(q), entry.kinks, entry.period)
    first = weights @ (entry.function(z, 0.3) ** 2 * (z * z / q - 1.0)) / (2 * q)
    assert theory.length_slope(name, 1.0, q, slope=0.3) == pytest.approx(first, rel=1e-10)


@pytest.mark.parametrize(
    ("name", "slope_at_0"), [("tanh", 1.0), ("relu", 0.5), ("sigmoid", 1 / 16), ("gelu", 0.25)]
)
def test_the_slope_at_length_0(name, slope_at_0):
    """E φ′² + φφ″ there; σ″(0) = 0."""
    for q in (0.0, 1e-300, 1e-20):
        assert theory.length_slope(name, 1.0, q) == pytest.approx(slope_at_0, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "sigma_w", "q", "stable"),
    [
        ("tanh", 5 / 3, 1.1785, True),
        ("relu", math.sqrt(2), 1.0, False),
        ("identity", 1.0, 3.0, False),
        ("selu", 1.0, 1.0, True),
        ("gelu", 1.5335, 1.0, False),
        ("silu", 1.6765, 1.0, False),
        ("mish", 1.4820, 1.0, False),
        ("gelu", 1.39987, 6.434, True),
        ("tanh", 1.0, 0.0, False),
        ("tanh", 0.9, 0.0, True),
    ],
)
def test_where_the_length_is_stable(name, sigma_w, q, stable):
    assert theory.is_stable(name, sigma_w, q) is stable


def test_the_slope_at_the_fixed_point_of_selu():
    assert theory.length_slope("selu", 1.0, 1.0) == pytest.approx(0.783, abs=6e-4)
    assert theory.chi("selu", 1.0, 1.0) == pytest.approx(1.0716, abs=6e-5)


# -- fluctuations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "forward", "backward"),
    [("relu", 5.0, 5.0), ("identity", 2.0, 2.0)],
)
@pytest.mark.parametrize("q", [0.0, 1e-300, 0.3, 1e6])
def test_fluctuations_in_closed_form(name, forward, backward, q):
    assert theory.fluctuations(name, q) == pytest.approx((forward, backward), rel=1e-12)


@each_length
def test_fluctuations_of_the_sine(q):
    (second, slope), (twice, fourth) = _sine(q), (math.exp(-2 * q), math.exp(-8 * q))
    forward, backward = theory.fluctuations("sine", q)
    assert backward == pytest.approx(3 * (3 + 4 * twice + fourth) / 8 / slope**2 - 1, rel=1e-11)
    if q >= 0.01:
        assert forward == pytest.approx((3 - 4 * twice + fourth) / 8 / second**2 - 1, rel=1e-9)


def test_an_activation_that_is_nearly_flat_does_not_fluctuate():
    assert theory.fluctuations("sigmoid", 1e-12)[0] == pytest.approx(0.0, abs=1e-10)
    assert theory.fluctuations("tanh", 1e-12) == pytest.approx((2.0, 2.0), rel=1e-9)


@pytest.mark.parametrize("q", [-1.0, math.nan, math.inf])
def test_a_length_that_is_none_is_refused(q):
    with pytest.raises(ValueError, match="a finite number of at least 0"):
        theory.moments("tanh", q)


def test_an_alias_is_an_activation():
    assert theory.moments("swish", 2.0) == theory.moments("silu", 2.0)


def test_an_unknown_activation_names_the_nearest():
    with pytest.raises(ValueError, match=r"'tahn' is not allowed: one of sigmoid.*mean 'tanh'"):
        theory.gain("tahn")


def test_the_slope_changes_leaky_relu_alone():
    assert theory.gain("leaky_relu", slope=1.0) == pytest.approx(1.0)
    assert theory.gain("leaky_relu") == theory.gain("leaky_relu", slope=0.01)
    assert theory.gain("relu", slope=1.0) == theory.gain("relu")


# -- fixed points ---------------------------------------------------------------------------------


def _iterated(name, sigma_w, sigma_b, layers=3000):
    q = 1.0
    for _ in range(layers):
        following = sigma_w**2 * theory.moments(name, q)[0] + sigma_b**2
        if not math.isfinite(following) or following > 1e100:
            return None
        if abs(following - q) <= 1e-14 * q:
            break
        q = following
    return q


@pytest.mark.parametrize("sigma_b", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("sigma_w", [0.3, 1.1, 1.47, 3.0])
@each
def test_a_fixed_point_is_where_the_iterated_map_ends(name, sigma_w, sigma_b):
    expected = _iterated(name, sigma_w, sigma_b)
    found = theory.fixed_point(name, sigma_w, sigma_b)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-90)


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "expected"),
    [
        ("relu", math.sqrt(2), 0.0, 1.0),
        ("identity", 1.0, 0.0, 1.0),
        ("identity", 0.0, 0.3, 0.09),
        ("identity", 0.5, 3.0, 12.0),
        ("identity", 2.0, 0.0, None),
        ("relu", math.sqrt(2), 0.1, None),
        ("relu", 1.5, 0.0, None),
        ("relu", 1.4, 0.0, 0.0),
        ("tanh", 1.0, 0.0, 0.0),
        ("tanh", 0.5, 0.0, 0.0),
        ("tanh", 5 / 3, 0.0, 1.1785),
        ("tanh", 1e30, 0.0, 1e60),
        ("selu", 1.0, 0.0, 1.0),
        ("selu", 0.75, 0.0, 0.02303),
        ("sigmoid", 0.0, 0.0, 0.0),
    ],
)
def test_known_fixed_points(name, sigma_w, sigma_b, expected):
    found = theory.fixed_point(name, sigma_w, sigma_b)
    assert found == (expected if expected is None else pytest.approx(expected, rel=5e-4, abs=0))


@pytest.mark.parametrize("sigma", [math.nan, math.inf])
def test_a_sigma_that_is_no_number_is_refused(sigma):
    with pytest.raises(ValueError, match=r"sigma_w = .* a finite number"):
        theory.fixed_point("tanh", sigma, 0.0)
    with pytest.raises(ValueError, match=r"sigma_b = .* a finite number"):
        theory.critical_sigma_w("tanh", sigma)


@each
def test_the_gain_keeps_unit_length(name):
    assert theory.fixed_point(name, theory.gain(name), 0.0) == pytest.approx(1.0, rel=1e-12)
