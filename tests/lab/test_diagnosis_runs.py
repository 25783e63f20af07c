"""The rules on real runs of what they are for."""

import pytest

from initviz.lab.experiment import Experiment
from initviz.lab.training import run


def _experiment(**settings):
    experiment = Experiment()
    for key, value in settings.items():
        experiment = experiment.with_value(key.replace("__", "."), value)
    return experiment


def _found(steps=0, **settings):
    return {f.kind: f for f in run(_experiment(**settings), steps).findings()}


UNIFORM = {
    "initialiser__scheme": "uniform",
    "initialiser__b": 1.0,
    "initialiser__a": 0.0,
    "training__scaling": "unit",
}


def test_small_tanh_weights_vanish_and_starve_every_layer():
    found = _found(initialiser__std=0.01)
    assert list(found) == ["vanishing"]
    assert 1e-10 < found["vanishing"].value < 1e-8
    assert "no layer's weights can learn" in found["vanishing"].message
    assert "Each layer passes back 0.10 of what it gets" in found["vanishing"].message


def test_following_the_remedy_heals_it():
    sick = _experiment(initialiser__std=0.01)
    (finding,) = run(sick, 0).findings()
    for key, value in finding.remedy_settings.items():
        sick = sick.with_value(key, value)
    assert [f.kind for f in run(sick, 50).findings()] == ["healthy"]


def test_small_sigmoid_weights_starve_the_first_layers_alone():
    message = _found(network__activation="sigmoid")["vanishing"].message
    assert "The weights of layers 1–6 cannot learn." in message


@pytest.mark.parametrize(
    ("activation", "scheme"),
    [("tanh", "glorot_normal"), ("relu", "he_normal"), ("selu", "lecun_normal")],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_start_that_suits_the_activation_is_healthy(activation, scheme, seed):
    settings = {"network__activation": activation, "initialiser__scheme": scheme}
    assert list(_found(run__seed=seed, **settings)) == ["healthy"]


def test_he_is_healthy_at_thirty_layers():
    settings = {"network__activation": "relu", "initialiser__scheme": "he_normal"}
    assert list(_found(network__hidden_layers=30, network__width=128, **settings)) == ["healthy"]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_zeros_are_identical_and_only_the_output_bias_learns(activation):
    found = _found(initialiser__scheme="zeros", network__activation=activation)
    assert list(found)[:2] == ["identical", "vanishing"]
    assert found["identical"].value == 1.0
    assert "only the output's biases can learn" in found["vanishing"].message


def test_a_constant_start_stays_identical():
    found = _found(5, initialiser__scheme="constant", run__precision="float64")
    assert next(iter(found)) == "identical"


def test_relu_weights_of_std_1_explode():
    found = _found(initialiser__std=1.0, network__activation="relu")
    assert list(found) == ["exploding"]
    assert found["exploding"].value > 1e6


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_positive_weights_saturate_and_so_vanish(activation):
    found = _found(network__activation=activation, **UNIFORM)
    assert list(found) == ["vanishing", "saturated"]
    assert found["saturated"].value == 1.0
    assert "exactly 0" in found["vanishing"].message


def test_positive_relu_weights_explode():
    assert list(_found(network__activation="relu", **UNIFORM)) == ["exploding"]


def test_large_centred_tanh_weights_explode_although_saturated():
    assert list(_found(initialiser__std=0.35)) == ["exploding", "saturated"]


@pytest.mark.parametrize(
    ("activation", "scheme"), [("relu", "he_normal"), ("tanh", "glorot_normal")]
)
def test_a_huge_learning_rate_diverges_and_the_layer_is_named(activation, scheme):
    found = _found(
        3,
        training__learning_rate=1e30,
        network__activation=activation,
        initialiser__scheme=scheme,
    )
    assert list(found) == ["diverged"]
    assert found["diverged"].layer in ("hidden 1", "hidden 2")
    assert found["diverged"].remedy == "Try a learning rate of 0.01."


def test_weights_beyond_float32_diverge_at_step_0():
    found = _found(initialiser__std=1e30, network__activation="relu")
    assert list(found) == ["diverged"]
    assert "Since step 0" in found["diverged"].message
    assert found["diverged"].remedy == "Try He normal."


def test_a_tall_stack_of_default_relu_layers_vanishes():
    found = _found(
        network__hidden_layers=20,
        network__activation="relu",
        initialiser__scheme="pytorch_default",
    )
    assert found["vanishing"].value < 1e-6
    assert found["vanishing"].remedy_settings == {"initialiser.scheme": "he_normal"}
