"""One step written out: its numbers are autograd's, and its update is what training makes."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from initviz import Experiment, run
from initviz.lab.one_neuron import not_small, one_step
from initviz.lab.replay import samples_of

SMALL = Experiment().with_values(
    {
        "network.hidden_layers": 1,
        "network.width": 2,
        "initialiser.std": 0.7,
        "training.data": "moons",
        "training.learning_rate": 0.5,
        "training.batch_size": 16,
        "run.precision": "float64",
        "run.device": "cpu",
    }
)
TWO_LAYERS = SMALL.with_values({"network.hidden_layers": 2, "network.activation": "sigmoid"})
SQUARED = SMALL.with_values({"training.loss": "mse", "network.activation": "relu"})
EXPERIMENTS = pytest.mark.parametrize(
    "experiment", [SMALL, TWO_LAYERS, SQUARED], ids=["tanh", "two layers", "squared error"]
)
FUNCTIONS = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}


def by_autograd(experiment, layers, inputs, labels):
    """Loss and ∂L/∂[W b] of each layer, by PyTorch alone."""
    weights = [torch.tensor(layer.weight, requires_grad=True) for layer in layers]
    phi = FUNCTIONS[experiment.network.activation]
    passed = torch.tensor(inputs)
    for at, weight in enumerate(weights):
        z = passed @ weight[:, :-1].T + weight[:, -1]
        passed = phi(z) if at < len(weights) - 1 else z
    if experiment.training.loss == "mse":
        loss = functional.mse_loss(passed, functional.one_hot(torch.tensor(labels), 2).double())
    else:
        loss = functional.cross_entropy(passed, torch.tensor(labels))
    loss.backward()
    return float(loss.detach()), [weight.grad.numpy() for weight in weights]


@EXPERIMENTS
@pytest.mark.parametrize("index", [0, 7, 1599])
def test_the_gradients_of_a_sample_are_those_of_autograd(experiment, index):
    found = one_step(experiment, run(experiment, 2).checkpoint(2), index)
    data = samples_of(experiment)
    loss, gradients = by_autograd(
        experiment, found.layers, data.inputs[[index]], data.labels[[index]]
    )
    assert found.loss == pytest.approx(loss, abs=1e-9)
    assert (found.index, found.count, found.label) == (index, 1, data.labels[index])
    for layer, gradient in zip(found.layers, gradients, strict=True):
        np.testing.assert_allclose(layer.gradient, gradient, rtol=0, atol=1e-9)
        np.testing.assert_allclose(layer.moved, layer.weight - 0.5 * gradient, rtol=0, atol=1e-9)


@EXPERIMENTS
def test_the_step_of_a_batch_is_the_one_that_training_makes(experiment):
    recording = run(experiment, 6)
    for step in (0, 1, 5):
        found = one_step(experiment, recording.checkpoint(step))
        assert found.is_batch
        assert found.count == 16
        assert found.loss == pytest.approx(recording.scalar("loss")[step], abs=1e-9)
        after = recording.checkpoint(step + 1)
        for layer in found.layers:
            np.testing.assert_allclose(
                layer.moved[:, :-1], after.weights(layer.layer), rtol=0, atol=1e-9
            )
            np.testing.assert_allclose(
                layer.moved[:, -1], after.biases(layer.layer)[0], rtol=0, atol=1e-9
            )


def test_what_a_layer_says_of_a_sample_fits_together():
    found = one_step(SMALL, run(SMALL, 0).checkpoint(0), 3)
    hidden, output = found.layers
    np.testing.assert_allclose(hidden.z, hidden.weight @ [*found.inputs, 1.0], atol=1e-12)
    np.testing.assert_allclose(hidden.a, np.tanh(hidden.z), atol=1e-12)
    np.testing.assert_allclose(hidden.arriving, output.weight[:, :-1].T @ output.delta, atol=1e-12)
    np.testing.assert_allclose(hidden.delta, hidden.arriving * hidden.slope, atol=1e-12)
    np.testing.assert_allclose(output.delta, found.answer - found.target, atol=1e-12)
    assert found.loss == pytest.approx(-np.log(found.answer[found.label]))


def test_a_batch_of_one_is_that_sample():
    single = SMALL.with_value("training.batch_size", 1)
    checkpoint = run(single, 0).checkpoint(0)
    found = one_step(single, checkpoint)
    assert not found.is_batch
    again = one_step(single, checkpoint, found.index)
    assert (again.loss, again.label) == (found.loss, found.label)


def test_a_sample_beyond_the_last_is_the_last():
    assert one_step(SMALL, run(SMALL, 0).checkpoint(0), 10**6).index == 1599


def test_warm_up_makes_the_first_steps_short():
    warming = SMALL.with_value("training.warmup_steps", 5)
    assert one_step(warming, run(warming, 1).checkpoint(1), 0).learning_rate == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network.width": 30}, "too large to be written out"),
        ({"network.hidden_layers": 3}, "too large to be written out"),
        ({"training.data": "digits"}, "too large to be written out"),
        ({"network.dropout": 0.5}, "dropout"),
        ({"network.normalisation": "batch"}, "normalisation"),
    ],
)
def test_what_cannot_be_written_out_says_why_in_a_sentence(changes, words):
    experiment = SMALL.with_values(changes)
    assert words in not_small(experiment)
    with pytest.raises(ValueError, match=words):
        one_step(experiment, run(experiment, 0).checkpoint(0), 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training.optimiser": "adam"}, "adam does not step by"),
        ({"training.momentum": 0.9, "training.clip_norm": 1.0}, "momentum and clipping too"),
    ],
)
def test_where_training_steps_otherwise_that_is_said(changes, words):
    experiment = SMALL.with_values(changes)
    assert words in one_step(experiment, run(experiment, 0).checkpoint(0), 0).why_not
    assert one_step(SMALL, run(SMALL, 0).checkpoint(0), 0).why_not == ""
