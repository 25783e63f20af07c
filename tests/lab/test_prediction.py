"""What theory predicts of whole experiments, against real runs and closed forms."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab import datasets, theory
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.typical_batch import typical_batch

NUMBERS = (
    "preactivation_second_moment",
    "signal_gradient_ratio",
    "activation_mean",
    "activation_std",
    "weight_gradient_ratio",
    "band",
)


def _experiment(**settings):
    experiment = Experiment().with_value("network.width", 300)
    for key, value in settings.items():
        experiment = experiment.with_value(key.replace("__", "."), value)
    return experiment


def test_the_prediction_has_one_number_for_each_hidden_layer():
    prediction = theory.predict(Experiment())
    for name in NUMBERS:
        assert getattr(prediction, name).shape == (10,)
        assert np.isfinite(getattr(prediction, name)).all()
    assert prediction.signal_gradient_ratio[-1] == prediction.weight_gradient_ratio[-1] == 1.0
    assert prediction.band[-1] == 1.0
    assert prediction.step == 0
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
    # E relu(z)² = q/2 and (E relu(z))² = q/(2π), of lengths that differ from sample to sample.
    rms = np.hypot(prediction.activation_mean, prediction.activation_std)
    np.testing.assert_allclose(rms**2, second / 2, rtol=1e-12)
    assert (prediction.activation_mean < np.sqrt(second / (2 * np.pi))).all()
    np.testing.assert_allclose(prediction.activation_mean, np.sqrt(second / 6.283), rtol=0.1)


@pytest.mark.parametrize(
    ("mode", "forward"), [("fan_in", [2, 2, 2, 2]), ("fan_out", [0.25, 1, 0.5, 2])]
)
def test_fans_decide_where_widths_differ(mode, forward):
    """64-512-128-256-64 (He et al. 2015): the forward signal follows fan_in or fan_out."""
    experiment = _experiment(
        initialiser__scheme="he_normal",
        initialiser__mode=mode,
        network__activation="relu",
        network__hidden_layers=4,
    )
    for index, width in enumerate([512, 128, 256, 64]):
        experiment = experiment.with_layer(f"hidden {index + 1}")
        experiment = experiment.with_value(f"layers.{index}.width", width)
    prediction = theory.predict(experiment)
    size = datasets.second_moment(experiment.training, 0)
    second = prediction.preactivation_second_moment / size
    np.testing.assert_allclose(second, forward, rtol=1e-9)
    # Norms over all units are kept by fan_in; fan_out keeps what each unit gets.
    squared = {"fan_in": [1, 1, 1, 1], "fan_out": [8, 2, 4, 1]}[mode]
    np.testing.assert_allclose(prediction.signal_gradient_ratio**2, squared, rtol=1e-9)


def test_weight_gradients_of_relu_are_flat_where_its_signals_are_not():
    """⟨W, ∂L/∂W⟩ is the same at every layer, whatever the scale."""
    prediction = theory.predict(_experiment(initialiser__std=0.05, network__activation="relu"))
    assert prediction.signal_gradient_ratio[0] < 0.05
    assert (np.abs(np.log(prediction.weight_gradient_ratio[1:])) < 0.5).all()


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_the_weight_gradient_of_one_sample_is_that_of_its_signals(loss):
    """‖∂L/∂W‖² = ‖g‖² ‖h‖², exactly."""
    experiment = _experiment(
        initialiser__scheme="he_normal",
        network__activation="identity",
        network__hidden_layers=3,
        training__batch_size=1,
        training__loss=loss,
    )
    prediction = theory.predict(experiment)
    # 2 per layer for ‖g‖² on its way back, and for E z² forwards; 64 inputs, 300 units.
    expected = np.sqrt([64 / 300, 1, 1])
    np.testing.assert_allclose(prediction.weight_gradient_ratio, expected, rtol=1e-6)


def test_the_band_of_relu_is_e_to_the_root_of_5_depth_over_width():
    """Of squared norms; that of norms is its root."""
    prediction = theory.predict(
        _experiment(initialiser__scheme="he_normal", network__activation="relu")
    )
    layers = np.arange(9, -1, -1)
    np.testing.assert_allclose(prediction.band**2, np.exp(np.sqrt(5 * layers / 300)), rtol=1e-9)


def test_a_branch_scale_of_0_changes_nothing_from_layer_to_layer():
    experiment = _experiment(network__residual=True, network__branch_scale=0.0)
    prediction = theory.predict(experiment)
    second = prediction.preactivation_second_moment
    np.testing.assert_allclose(second, second[0], rtol=1e-12)
    np.testing.assert_allclose(prediction.signal_gradient_ratio, 1.0, rtol=1e-12)


def test_zero_branches_may_be_0():
    values = {"network__residual": True, "initialiser__scheme": "he_normal"}
    prediction = theory.predict(_experiment(**values, initialiser__zero_branches=True))
    assert prediction.applies
    np.testing.assert_allclose(prediction.signal_gradient_ratio, 1.0, rtol=1e-12)
    # They learn nevertheless: their gradient does not pass through them.
    np.testing.assert_allclose(prediction.weight_gradient_ratio[1:], 1.0, rtol=1e-9)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_residual_networks_grow_by_1_plus_alpha_squared(activation):
    scheme = {"relu": "he_normal", "identity": "lecun_normal"}[activation]
    prediction = theory.predict(
        _experiment(
            network__residual=True,
            network__branch_scale=0.5,
            network__activation=activation,
            initialiser__scheme=scheme,
        )
    )
    layers = np.arange(10)
    second = prediction.preactivation_second_moment
    np.testing.assert_allclose(second / second[0], 1.25**layers, rtol=1e-9)
    np.testing.assert_allclose(prediction.signal_gradient_ratio**2, 1.25 ** layers[::-1], rtol=1e-9)


def test_a_single_layer_has_its_own_activation():
    experiment = _experiment(initialiser__scheme="glorot_normal").with_layer("hidden 4")
    experiment = experiment.with_value("layers.0.activation", "sigmoid")
    means = theory.predict(experiment).activation_mean
    assert means[3] == pytest.approx(0.5)
    np.testing.assert_allclose(np.delete(means, 3), 0.0, atol=1e-12)


def test_convolutions_are_like_full_layers_of_their_fan_in():
    """ReLU keeps E z² at every position, so that what a unit sees averages to the same."""
    prediction = theory.predict(
        _experiment(
            network__architecture="cnn",
            initialiser__scheme="he_normal",
            network__activation="relu",
        )
    )
    second = prediction.preactivation_second_moment
    np.testing.assert_allclose(second, second[0], rtol=1e-4)
    np.testing.assert_allclose(prediction.signal_gradient_ratio, 1.0, rtol=1e-4)
    assert np.isnan(prediction.weight_gradient_ratio).all()
    assert prediction.applies


def test_the_slope_of_leaky_relu_is_the_experiments():
    flat = theory.predict(_experiment(network__activation="leaky_relu", network__slope=1.0))
    linear = theory.predict(_experiment(network__activation="identity"))
    np.testing.assert_allclose(flat.signal_gradient_ratio, linear.signal_gradient_ratio)


@given(
    activation=st.sampled_from(list(ACTIVATIONS)),
    architecture=st.sampled_from(["mlp", "cnn"]),
    residual=st.booleans(),
    alpha=st.sampled_from([1.0, -0.3, 0.0, 1e3]),
    std=st.sampled_from([1e-30, 1e-5, 0.1, 3.0, 1e20]),
    bias=st.sampled_from([0.0, 0.5, -3.0, 1e6]),
    spread=st.sampled_from([0.0, 0.1, 1e5]),
    loss=st.sampled_from(["cross_entropy", "mse"]),
    batch=st.integers(1, 64),
    width=st.sampled_from([3, 50]),
)
@pytest.mark.slow
@settings(max_examples=60)
def test_every_prediction_is_a_number_or_beyond_all_numbers(
    activation, architecture, residual, alpha, std, bias, spread, loss, batch, width
):
    """0 and infinity are answers to weights of 1e-30 and 1e20; NaN is only 0/0 of gradients."""
    prediction = theory.predict(
        _experiment(
            network__activation=activation,
            network__architecture=architecture,
            network__residual=residual,
            network__branch_scale=alpha,
            network__hidden_layers=3,
            network__width=width,
            initialiser__std=std,
            initialiser__bias=bias,
            initialiser__bias_distribution="normal",
            initialiser__bias_spread=spread,
            training__loss=loss,
            training__batch_size=batch,
        )
    )
    assert prediction.applies
    for name in ("preactivation_second_moment", "activation_mean", "activation_std", "band"):
        assert not np.isnan(getattr(prediction, name)).any(), name
    assert (prediction.preactivation_second_moment >= 0).all()
    assert (prediction.band >= 1).all()


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
        ({"network__architecture": "rnn", "training__data": "digit_rows"}, "recurrent"),
        ({"network__architecture": "lstm", "training__data": "digit_rows"}, "recurrent"),
        ({"network__architecture": "cnn", "network__padding": "zeros"}, "padding"),
        ({"initialiser__scheme": "lsuv"}, "hidden 1 are drawn; here the scheme fits them"),
        ({"network__dropout": 0.5}, "dropout"),
        ({"network__width": 5, "network__hidden_layers": 6}, "wide"),
        ({"initialiser__scheme": "zeros"}, "random"),
        ({"initialiser__std": 0.0}, "random"),
        ({"initialiser__scheme": "constant", "initialiser__value": 0.0}, "random"),
        ({"initialiser__scheme": "constant"}, "mean 0; those of hidden 1 have mean 0.5"),
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
    for name in NUMBERS:
        assert getattr(prediction, name).shape == (experiment.network.hidden_layers,)
        assert np.isnan(getattr(prediction, name)).all()


def test_a_layer_that_the_theory_cannot_deal_with_is_named():
    experiment = _experiment().with_layer("hidden 7")
    experiment = experiment.with_value("layers.0.initialiser.scheme", "constant")
    assert "those of hidden 7 have mean 0.5" in theory.predict(experiment).why_not


def test_what_does_not_decide_the_data_does_not_read_them_again():
    first = typical_batch(_experiment())
    assert typical_batch(_experiment(training__learning_rate=0.3, network__width=7)) is first
    assert typical_batch(_experiment(training__scaling="unit")) is not first


@pytest.mark.parametrize("data", ["digits", "moons", "blobs", "digit_rows"])
def test_a_typical_batch_is_as_long_as_the_data_on_average(data):
    experiment = _experiment(training__data=data)
    batch = typical_batch(experiment)
    expected = datasets.second_moment(experiment.training, 0)
    assert np.mean(np.diagonal(batch.products)) == pytest.approx(expected, rel=1e-9)
    assert batch.mean_over_others(np.ones_like(batch.products)) == pytest.approx(1.0)


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
