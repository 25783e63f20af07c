"""Mean-field theory against closed forms, other quadrature, published numbers and real runs."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import integrate, special

from initviz.lab import theory
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.quadrature import rule
from initviz.lab.training import run

LENGTHS = [1e-8, 1e-4, 1e-2, 1.0, 45.62, 1e2, 1e4]
each = pytest.mark.parametrize("name", ACTIVATIONS)
each_length = pytest.mark.parametrize("q", LENGTHS)


# -- moments --------------------------------------------------------------------------------------


def _leaky(slope):
    return lambda q: ((1 + slope**2) * q / 2, (1 + slope**2) / 2)


CLOSED_FORMS = {
    "identity": ({}, lambda q: (q, 1.0)),
    "relu": ({}, _leaky(0.0)),
    "leaky_relu": ({"slope": 0.2}, _leaky(0.2)),
}


@each_length
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_moments_agree_with_closed_forms(name, q):
    how, exact = CLOSED_FORMS[name]
    assert theory.moments(name, q, **how) == pytest.approx(exact(q), rel=1e-13)


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
    h = 1e-4
    above, below = (theory.moments(name, 1.0 + d, slope=slope)[0] for d in (h, -h))
    assert sigma_w**2 * (above - below) / (2 * h) == pytest.approx(stability, abs=6e-6)


@each
def test_at_length_0_moments_are_those_of_the_tangents(name):
    entry = ACTIVATIONS[name]
    h = np.array([-1e-12, 1e-12])
    slopes = entry.derivative(h, 0.01)
    value = float(entry.function(np.zeros(1), 0.01)[0])
    assert theory.moments(name, 0.0) == pytest.approx((value**2, np.mean(slopes**2)), abs=1e-9)


@each
def test_the_second_moment_grows_with_the_length(name):
    lengths = np.logspace(-12, 12, 200)
    second = np.array([theory.moments(name, q)[0] for q in lengths])
    assert (np.diff(second) > 0).all()


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


# -- predictions ----------------------------------------------------------------------------------


def _experiment(**settings):
    experiment = Experiment().with_value("network.width", 300)
    for key, value in settings.items():
        experiment = experiment.with_value(key.replace("__", "."), value)
    return experiment


def _measured(experiment):
    """Second moments of z (H,) and signal gradients relative to the last hidden layer (H,)."""
    recording = run(experiment, 0)
    mean, std, signal = (
        recording.latest(name, 0)[1][:-1]
        for name in ("preactivation_mean", "preactivation_std", "signal_gradient_norm")
    )
    return mean**2 + std**2, signal / signal[-1]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"initialiser__std": 0.1},
        {"initialiser__scheme": "glorot_normal"},
        {"initialiser__scheme": "glorot_uniform", "network__activation": "sigmoid"},
        {"initialiser__scheme": "he_normal", "network__activation": "relu"},
        {"initialiser__scheme": "pytorch_default", "network__activation": "relu"},
        {"initialiser__scheme": "orthogonal"},
        {"initialiser__scheme": "lecun_normal", "network__activation": "selu"},
        {"initialiser__scheme": "glorot_normal", "initialiser__bias": 0.5},
        {"initialiser__scheme": "glorot_normal", "training__scaling": "unit"},
        {"initialiser__scheme": "he_normal", "training__data": "moons"},
    ],
    ids=str,
)
def test_a_wide_network_behaves_as_predicted(settings):
    """Averaged over seeds; the gradient geometrically, as its logarithm is what is normal."""
    seeds = [_experiment(run__seed=seed, **settings) for seed in range(4)]
    measured = [_measured(experiment) for experiment in seeds]
    prediction = theory.predict(seeds[0])
    assert prediction.applies
    length = np.mean([m[0] for m in measured], axis=0)
    ratio = np.exp(np.mean([np.log(m[1]) for m in measured], axis=0))
    np.testing.assert_allclose(prediction.preactivation_second_moment, length, rtol=0.2)
    np.testing.assert_allclose(np.log(prediction.signal_gradient_ratio), np.log(ratio), atol=0.2)


def test_the_prediction_has_one_number_for_each_hidden_layer():
    prediction = theory.predict(Experiment())
    assert prediction.preactivation_second_moment.shape == (10,)
    assert prediction.signal_gradient_ratio.shape == (10,)
    assert prediction.signal_gradient_ratio[-1] == 1.0
    assert prediction.why_not == ""


def test_the_first_layer_uses_the_datas_fan_in():
    prediction = theory.predict(_experiment(initialiser__std=0.1, training__data="moons"))
    assert prediction.preactivation_second_moment[0] == pytest.approx(2 * 0.01)


def test_he_keeps_relu_exactly():
    prediction = theory.predict(
        _experiment(initialiser__scheme="he_normal", network__activation="relu")
    )
    np.testing.assert_allclose(prediction.signal_gradient_ratio, 1.0, rtol=1e-12)
    second = prediction.preactivation_second_moment
    np.testing.assert_allclose(second, second[0], rtol=1e-12)


def test_the_slope_of_leaky_relu_is_the_experiments():
    flat = theory.predict(_experiment(network__activation="leaky_relu", network__slope=1.0))
    linear = theory.predict(_experiment(network__activation="identity"))
    np.testing.assert_allclose(flat.signal_gradient_ratio, linear.signal_gradient_ratio)


def test_one_hidden_layer_is_enough():
    prediction = theory.predict(_experiment(network__hidden_layers=1))
    np.testing.assert_array_equal(prediction.signal_gradient_ratio, [1.0])


@pytest.mark.parametrize("std", [1e-30, 1e30])
def test_no_size_of_the_weights_breaks_the_prediction(std):
    experiment = _experiment(
        initialiser__std=std, network__activation="relu", network__hidden_layers=200
    )
    prediction = theory.predict(experiment)
    assert prediction.applies
    assert prediction.preactivation_second_moment[0] > 0
    assert not np.isnan(prediction.preactivation_second_moment).any()
    assert prediction.signal_gradient_ratio[-1] == 1.0
    assert prediction.signal_gradient_ratio[0] == (0.0 if std < 1 else np.inf)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"network__normalisation": "batch"}, "batch normalisation"),
        ({"network__normalisation": "layer"}, "layer normalisation"),
        ({"network__residual": True}, "residual"),
        ({"network__dropout": 0.5}, "dropout"),
        ({"network__width": 5, "network__hidden_layers": 6}, "wide"),
        ({"initialiser__scheme": "zeros"}, "random"),
        ({"initialiser__std": 0.0}, "random"),
        ({"initialiser__scheme": "constant", "initialiser__value": 0.0}, "random"),
        ({"initialiser__scheme": "constant"}, "mean 0; these have mean 0.5"),
        ({"initialiser__scheme": "uniform", "initialiser__b": 1.0}, "mean"),
    ],
    ids=str,
)
def test_where_the_theory_does_not_apply_it_says_why(settings, word):
    experiment = _experiment(**settings)
    prediction = theory.predict(experiment)
    assert not prediction.applies
    assert word in prediction.why_not
    assert prediction.why_not.endswith(".")
    for numbers in (prediction.preactivation_second_moment, prediction.signal_gradient_ratio):
        assert numbers.shape == (experiment.network.hidden_layers,)
        assert np.isnan(numbers).all()


def test_theory_needs_neither_torch_nor_qt():
    code = (
        "import sys\n"
        "from initviz.lab import theory\n"
        "from initviz.lab.experiment import Experiment\n"
        "assert theory.predict(Experiment()).applies\n"
        "heavy = {'torch', 'scipy', 'PySide6'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
