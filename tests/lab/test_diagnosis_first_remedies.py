"""Which remedy is advised first for each finding."""

import itertools

import numpy as np
import pytest

from initviz.lab.diagnosis import diagnose
from initviz.lab.training import run
from tests.lab.made_recordings import (
    DEPTH,
    FALLING,
    LOST,
    experiment_with,
    recording_of,
    the_only,
)

SICK = {
    "vanishing": {"signal_gradient_norm": FALLING},
    "exploding": {"signal_gradient_norm": [30, 10, 3, 1, 0.1, 0.12]},
    "saturated": {"saturated_fraction": [0.9] * 5 + [np.nan]},
    "dead": {"dead_fraction": [0.9] * 5 + [np.nan]},
    "identical": {"distinct_units": np.ones(6)},
    "diverged": LOST,
}


def _remedy(kind, step=0, **settings):
    experiment = experiment_with(network__hidden_layers=DEPTH, **settings)
    recording = recording_of(*[{}] * step, SICK[kind], experiment=experiment)
    finding = the_only(recording, kind, step)
    return finding.remedy, dict(finding.remedy_settings)


@pytest.mark.parametrize(
    ("activation", "sentence", "scheme"),
    [
        ("tanh", "Try Glorot normal.", "glorot_normal"),
        ("identity", "Try Glorot normal.", "glorot_normal"),
        ("relu", "Try He normal.", "he_normal"),
        ("gelu", "Try He normal.", "he_normal"),
        ("selu", "Try LeCun normal.", "lecun_normal"),
    ],
)
@pytest.mark.parametrize("kind", ["vanishing", "exploding", "identical"])
def test_the_scheme_that_suits_the_activation_is_advised(kind, activation, sentence, scheme):
    assert _remedy(kind, network__activation=activation) == (
        sentence,
        {"initialiser.scheme": scheme},
    )


def test_he_is_advised_with_the_slope_of_the_leaky_relu():
    assert _remedy("vanishing", network__activation="leaky_relu", network__slope=0.2)[1] == {
        "initialiser.scheme": "he_normal",
        "initialiser.slope": 0.2,
    }


def test_glorot_does_not_save_a_deep_sigmoid():
    deep = experiment_with(network__activation="sigmoid", network__hidden_layers=10)
    recording = run(deep, 0)
    finding = diagnose(recording, 0)[0]
    assert finding.remedy == "Try tanh and Glorot normal."
    assert finding.remedy_settings == {
        "network.activation": "tanh",
        "initialiser.scheme": "glorot_normal",
    }
    assert "0.25" in finding.why


def test_a_deep_sigmoid_with_glorot_is_told_to_change_its_activation():
    deep = experiment_with(network__activation="sigmoid", initialiser__scheme="glorot_normal")
    (finding,) = run(deep, 0).findings()
    assert finding.remedy_settings == {"network.activation": "tanh"}


def test_a_shallow_sigmoid_may_stay():
    assert _remedy("vanishing", network__activation="sigmoid")[0] == "Try Glorot normal."


def test_a_gain_or_a_bias_that_is_to_blame_is_reset():
    settings = {"initialiser__scheme": "glorot_uniform", "initialiser__gain": 1e-3}
    assert _remedy("vanishing", **settings)[1] == {
        "initialiser.scheme": "glorot_normal",
        "initialiser.gain": 1.0,
    }
    assert _remedy("saturated", initialiser__bias=5.0) == (
        "Try Glorot normal without biases.",
        {"initialiser.scheme": "glorot_normal", "initialiser.bias": 0.0},
    )


@pytest.mark.parametrize("scheme", ["glorot_normal", "glorot_uniform", "lecun_normal"])
def test_another_scheme_of_the_same_variance_is_no_remedy(scheme):
    sentence, settings = _remedy("vanishing", initialiser__scheme=scheme)
    assert sentence == "Try residual connections with branch scale 0.45."
    assert settings == {"network.residual": True, "network.branch_scale": 0.45}


def test_with_everything_else_right_fewer_layers_are_advised():
    settings = {"network__residual": True, "network__branch_scale": 0.1}
    assert _remedy("vanishing", initialiser__scheme="glorot_normal", **settings) == (
        "Try 2 hidden layers.",
        {"network.hidden_layers": 2},
    )


def test_a_residual_or_normalised_explosion_is_met_where_it_comes_from():
    suited = {"initialiser__scheme": "glorot_normal"}
    assert _remedy("exploding", network__residual=True, **suited)[1] == {
        "network.branch_scale": 0.45
    }
    assert _remedy("exploding", network__normalisation="batch", **suited)[1] == {
        "network.normalisation": "none"
    }


def test_saturation_by_the_inputs_is_met_at_the_inputs():
    settings = {"initialiser__scheme": "glorot_normal", "training__scaling": "raw"}
    assert _remedy("saturated", **settings)[1] == {"training.scaling": "standardised"}


def test_dead_units_get_he_then_a_slower_rate_then_leaky_relu():
    relu = {"network__activation": "relu"}
    assert _remedy("dead", **relu)[1] == {"initialiser.scheme": "he_normal"}
    suited = {**relu, "initialiser__scheme": "he_normal"}
    assert _remedy("dead", 1, **suited)[0] == "Try a learning rate of 0.005."
    assert _remedy("dead", **suited)[0] == "Try leaky ReLU."


def test_divergence_is_met_with_smaller_steps_unless_the_weights_are_too_large():
    rate = {"training__learning_rate": 1e30}
    assert _remedy("diverged", 1, **rate)[1] == {"training.learning_rate": 0.01}
    assert _remedy("diverged", 1, initialiser__std=1.0, **rate)[1] == {
        "initialiser.scheme": "glorot_normal"
    }


@pytest.mark.parametrize("kind", SICK)
@pytest.mark.parametrize("step", [0, 1])
def test_every_remedy_of_a_finding_is_an_experiment(kind, step):
    for activation, scheme, residual in itertools.product(
        ("tanh", "relu", "sigmoid"), ("normal", "glorot_normal", "he_normal"), (False, True)
    ):
        experiment = experiment_with(
            network__hidden_layers=DEPTH,
            network__activation=activation,
            initialiser__scheme=scheme,
            network__residual=residual,
        )
        recording = recording_of(*[{}] * step, SICK[kind], experiment=experiment)
        for advice in the_only(recording, kind, step).remedies:
            assert advice.apply(experiment) != experiment
            assert advice.sentence == f"Try {advice.name}."
