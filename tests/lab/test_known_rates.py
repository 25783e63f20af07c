"""The rates that are known without a prediction; test_prediction_against_measurement measures."""

import math

import pytest

from initviz.lab.experiment import Experiment
from initviz.lab.known_rates import known_rate


def _rate(**settings):
    return known_rate(
        Experiment().with_values({key.replace("__", "."): v for key, v in settings.items()})
    )


HE = {"initialiser__scheme": "he_normal"}
BATCH = {"network__normalisation": "batch"}
ROWS = {"training__data": "digit_rows", "initialiser__scheme": "zeros"}


@pytest.mark.parametrize(
    ("activation", "squared"),
    [("relu", math.pi / (math.pi - 1)), ("tanh", 0.4644029 / 0.3942945)],
)
def test_batch_normalisation_makes_gradients_grow(activation, squared):
    rate = _rate(**HE, **BATCH, network__activation=activation)
    assert rate.squared == pytest.approx(squared, rel=1e-6)
    assert rate.quantity == "signal_gradient_norm"
    assert rate.sentence.endswith(".")
    assert "Yang" in rate.source


@pytest.mark.parametrize("size", [4, 8, 64])
@pytest.mark.parametrize("place", ["before", "after"])
def test_linear_batch_normalisation_depends_on_the_batch_alone(size, place):
    rate = _rate(
        **HE,
        **BATCH,
        network__activation="identity",
        network__normalisation_place=place,
        training__batch_size=size,
    )
    assert rate.squared == pytest.approx((size - 2) / (size - 3), rel=1e-12)


def test_the_scale_of_the_weights_drops_out_of_batch_normalisation():
    small, large = (_rate(initialiser__std=std, **BATCH) for std in (1e-3, 10.0))
    assert small.factor == large.factor


def test_layer_normalisation_keeps_relu():
    rate = _rate(**HE, network__normalisation="layer", network__activation="relu")
    assert rate.factor == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("alpha", [1.0, 0.5, -0.5, 0.0])
def test_residual_connections_of_branches_that_keep_variance(alpha):
    rate = _rate(
        **HE,
        network__residual=True,
        network__branch_scale=alpha,
        network__activation="relu",
    )
    assert rate.squared == pytest.approx(1 + alpha**2, rel=1e-12)


def test_residual_branches_that_start_at_0_change_nothing():
    rate = _rate(
        **HE,
        network__residual=True,
        network__activation="relu",
        initialiser__zero_branches=True,
    )
    assert rate.factor == 1.0


@pytest.mark.parametrize("bias", [-1.0, 0.0, 3.0])
def test_an_lstm_without_weights_keeps_what_its_forget_gate_lets_through(bias):
    rate = _rate(**ROWS, network__architecture="lstm", initialiser__forget_bias=bias)
    assert rate.factor == pytest.approx(1 / (1 + math.exp(-bias)), rel=1e-12)
    assert rate.quantity == "cell_gradient_norm"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        BATCH | {"initialiser__scheme": "zeros"},
        BATCH | {"network__dropout": 0.5},
        BATCH | {"network__residual": True},
        BATCH | {"initialiser__scheme": "constant"},
        BATCH | {"network__activation": "identity", "training__batch_size": 3},
        BATCH | {"network__hidden_layers": 1},
        BATCH | {"network__normalisation_place": "after", "initialiser__bias": 0.1},
        {"network__residual": True},
        {"network__residual": True, "network__activation": "relu", "initialiser__bias": 0.1},
        ROWS | {"network__architecture": "rnn"},
        ROWS | {"network__architecture": "lstm", "initialiser__scheme": "glorot_normal"},
        ROWS | {"network__architecture": "lstm", "initialiser__bias_distribution": "normal"},
    ],
    ids=str,
)
def test_elsewhere_no_rate_is_known(settings):
    assert _rate(**settings) is None


def test_layers_that_differ_have_no_common_rate():
    experiment = Experiment().with_values(
        {"network.normalisation": "batch", "initialiser.scheme": "he_normal"}
    )
    assert known_rate(experiment) is not None
    other = experiment.with_layer("hidden 5").with_value("layers.0.activation", "relu")
    assert known_rate(other) is None
