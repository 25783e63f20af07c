"""Replay: what is computed again from a checkpoint is what training computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.replay import AT_ONCE, Replay, samples_of
from initviz.lab.replay_limits import not_plain
from initviz.lab.training import run

SMALL = Experiment().with_values(
    {"network.hidden_layers": 3, "network.width": 12, "initialiser.scheme": "glorot_normal"}
)
MOONS = SMALL.with_values({"training.data": "moons", "training.learning_rate": 0.3})


def replayed(experiment: Experiment, step: int = 5) -> Replay:
    return Replay(experiment, run(experiment, step).checkpoint(step))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"network.dropout": 0.3},
        {"network.normalisation": "batch", "run.precision": "float64"},
        {"network.architecture": "cnn", "network.width": 3},
        {"network.architecture": "lstm", "training.data": "digit_rows"},
        {"training.loss": "mse", "training.optimiser": "adam"},
        {"training.data": "moons", "training.scaling": "unit"},
    ],
)
def test_the_gradients_are_those_that_training_measured_at_that_step(change) -> None:
    experiment = SMALL.with_values(change)
    recording = run(experiment, 20)
    for step in (0, 10, 20):
        replay = Replay(experiment, recording.checkpoint(step))
        gradients = replay.gradients()
        assert list(gradients) == list(recording.layers)
        norms = [np.linalg.norm(gradient) for gradient in gradients.values()]
        row = recording.series("weight_gradient_norm")[recording.steps.tolist().index(step)]
        np.testing.assert_allclose(norms, row, rtol=1e-5)
        again = replay.gradients()
        assert all(np.array_equal(gradients[name], again[name]) for name in gradients)
        assert gradients["hidden 2"].shape == recording.weights("hidden 2", step).shape


def test_replaying_leaves_the_checkpoint_and_the_global_random_state_alone() -> None:
    experiment = MOONS.with_value("network.dropout", 0.3)
    checkpoint = run(experiment, 3).checkpoint(3)
    before = {name: array.copy() for name, array in checkpoint.parameters.items()}
    torch.manual_seed(7)
    state = torch.get_rng_state()
    replay = Replay(experiment, checkpoint)
    replay.gradients()
    replay.boundary(np.zeros((3, 2)))
    replay.one_sample(0)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(np.array_equal(before[name], checkpoint.parameters[name]) for name in before)


def test_the_replayed_network_is_as_often_right_as_was_measured() -> None:
    recording = run(MOONS, 50)
    replay = Replay(MOONS, recording.checkpoint(50))
    samples = samples_of(MOONS)
    right = (replay.logits(samples.inputs).argmax(axis=1) == samples.labels).mean()
    assert right == pytest.approx(recording.scalar("test_accuracy")[-1], abs=0.06)
    assert right > 0.8


# -- the boundary ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scaling", ["standardised", "unit", "raw"])
@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
def test_the_boundary_at_the_places_of_the_samples_is_what_the_network_says_of_them(
    scaling, normalisation
) -> None:
    replay = replayed(
        MOONS.with_values(
            {"training.scaling": scaling, "network.normalisation": normalisation},
        )
    )
    points = replay.points()
    assert points.inputs[:, 0].max() > 1.5  # as they were drawn
    logits = replay.logits(samples_of(replay.experiment).inputs)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(replay.boundary(points.inputs), expected, atol=2e-3)


def test_each_place_is_judged_on_its_own() -> None:
    replay = replayed(MOONS.with_value("network.normalisation", "batch"))
    grid = np.random.default_rng(0).normal(size=(AT_ONCE + 10, 2))
    whole = replay.boundary(grid)
    assert whole.shape == (AT_ONCE + 10, 2)
    np.testing.assert_allclose(whole.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(replay.boundary(grid[-3:]), whole[-3:], rtol=1e-5)


def test_other_data_have_no_boundary_and_a_sentence_says_why() -> None:
    with pytest.raises(ValueError, match=r"^These data have 64 features: a boundary can be drawn"):
        replayed(SMALL, 0).boundary(np.zeros((3, 2)))


# -- slow motion ----------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_every_factor_of_delta_is_that_of_autograd(activation, loss) -> None:
    experiment = SMALL.with_values(
        {
            "network.activation": activation,
            "training.loss": loss,
            "network.slope": 0.2,
            "run.precision": "float64",
        }
    )
    replay = replayed(experiment)
    motion = replay.one_sample(7)
    zs = []
    network = replay._network.eval()
    for layer in network.layers:
        layer.activate.register_forward_hook(lambda _m, given, _r: zs.append(given[0]))
    logits = network(torch.tensor(motion.inputs[None]))
    wanted = replay._loss(logits, np.array([motion.label]))
    expected = torch.autograd.grad(wanted, [*zs, logits])
    assert motion.loss == pytest.approx(float(wanted.detach()), rel=1e-12)
    assert [beat.layer for beat in motion.beats] == ["hidden 1", "hidden 2", "hidden 3", "output"]
    for beat, z, delta in zip(motion.beats, [*zs, logits], expected, strict=True):
        np.testing.assert_allclose(beat.z, z[0].detach().numpy(), rtol=1e-12, atol=1e-14)
        size = np.abs(beat.delta).max()
        np.testing.assert_allclose(beat.delta, delta[0].numpy(), rtol=1e-12, atol=1e-12 * size)
        np.testing.assert_array_equal(beat.delta, beat.arriving * beat.slope)
    for before, after in zip(motion.beats[:-1], motion.beats[1:], strict=True):
        np.testing.assert_array_equal(before.arriving, after.weight.T @ after.delta)


def test_a_float32_run_is_followed_in_float64() -> None:
    motion = replayed(SMALL).one_sample(0)
    beat = motion.beats[0]
    assert {array.dtype for array in (beat.weight, beat.z, beat.slope, beat.delta)} == {
        np.dtype(np.float64)
    }
    assert motion.probabilities.sum() == pytest.approx(1.0)
    assert motion.inputs.shape == (64,)


def test_layers_of_their_own_width_and_activation_are_followed() -> None:
    experiment = Experiment.from_toml(
        "[network]\nhidden_layers = 3\nwidth = 8\n"
        '[[layers]]\nname = "hidden 2"\nwidth = 5\nactivation = "relu"'
    )
    motion = replayed(experiment, 0).one_sample(3)
    assert [len(beat.delta) for beat in motion.beats] == [8, 5, 8, 10]
    assert set(motion.beats[1].slope.tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network.architecture": "cnn"}, "only a fully connected network"),
        ({"network.normalisation": "layer"}, "With normalisation"),
        ({"network.residual": True}, "With residual connections"),
    ],
)
def test_a_network_that_is_not_plain_says_why_not(change, words) -> None:
    experiment = SMALL.with_values(change)
    assert words in not_plain(experiment)
    with pytest.raises(ValueError, match=words):
        replayed(experiment, 0).one_sample(0)


@pytest.mark.parametrize("index", [-1, 10_000])
def test_a_sample_that_is_not_there_is_a_sentence(index) -> None:
    with pytest.raises(ValueError, match=rf"There is no sample {index}: the last is 1436\."):
        replayed(SMALL, 0).one_sample(index)


def test_a_checkpoint_of_another_network_or_of_weights_alone_is_refused() -> None:
    checkpoint = run(SMALL, 0).checkpoint(0)
    with pytest.raises(ValueError, match=r"network\.width differs"):
        Replay(SMALL.with_value("network.width", 13), checkpoint)
    with pytest.raises(ValueError, match="only the weights were kept"):
        Replay(SMALL, Checkpoint.of_weights(SMALL, 0, {"output": checkpoint.weights("output")}))
    cut = {name: array[:1] for name, array in checkpoint.parameters.items()}
    with pytest.raises(ValueError, match=r"network: with training\.data"):
        Replay(SMALL, replace(checkpoint, parameters=cut)).gradients()
