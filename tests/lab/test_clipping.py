"""Clipping: PyTorch's arithmetic, with a norm that holds where PyTorch's own does not."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab.clipping import Clipping, norm_on_device, norm_on_host
from initviz.lab.experiment import Experiment
from initviz.lab.schedule import EVERYTHING, always
from initviz.lab.training import run, train


def parameters(scale=1.0, dtype=torch.float32, seed=0):
    """Weights of several shapes whose gradients are random, times `scale`."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for shape in ((5, 3), (5,), (1,), (2, 3, 3, 3)):
        parameter = torch.zeros(shape, dtype=dtype, requires_grad=True)
        parameter.grad = torch.randn(shape, generator=generator, dtype=dtype) * scale
        made.append(parameter)
    return made


def exact_norm(tensors):
    return math.hypot(*(float(value) for p in tensors for value in p.grad.flatten().double()))


@settings(derandomize=True, max_examples=50)
@given(st.floats(1e-3, 1e3), st.floats(1e-4, 1e4), st.sampled_from([torch.float32, torch.float64]))
def test_gradients_are_clipped_as_pytorch_does(limit, scale, dtype) -> None:
    ours, theirs = parameters(scale, dtype), parameters(scale, dtype)
    found = Clipping(ours, limit).clip()
    norm = torch.nn.utils.clip_grad_norm_(theirs, limit)
    assert found.norm == pytest.approx(float(norm), rel=1e-5)
    assert found.clipped_norm == pytest.approx(exact_norm(ours), rel=1e-5)
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-5, atol=0.0)


def test_a_gradient_that_is_short_enough_stays_as_it_is() -> None:
    ours, before = parameters(), parameters()
    found = Clipping(ours, 1e3).clip()
    assert found.factor == 1.0
    assert found.norm == found.clipped_norm
    assert all(torch.equal(p.grad, q.grad) for p, q in zip(ours, before, strict=True))


@pytest.mark.parametrize("norm", [norm_on_host, norm_on_device])
@pytest.mark.parametrize("scale", [0.0, 1e-40, 1e-30, 1e-20, 1e-9, 1.0, 1e17, 1e20, 1e36])
def test_both_ways_to_the_norm_are_exact(norm, scale) -> None:
    made = parameters(scale)
    assert norm([p.grad for p in made]) == pytest.approx(exact_norm(made), rel=1e-5, abs=0.0)


@pytest.mark.parametrize("norm", [norm_on_host, norm_on_device])
def test_both_ways_tell_an_infinite_gradient_from_a_nan(norm) -> None:
    gradients = [p.grad for p in parameters()]
    gradients[1][0] = -math.inf
    assert norm(gradients) == math.inf
    gradients[0][0, 0] = math.nan
    assert math.isnan(norm(gradients))


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e-20, 1e20, 1e36])
def test_the_norm_neither_underflows_nor_overflows(scale) -> None:
    made = parameters(scale)
    expected = exact_norm(made)
    found = Clipping(made, 1.0).clip()
    assert found.norm == pytest.approx(expected, rel=1e-5)
    assert exact_norm(made) == pytest.approx(min(expected, 1.0), rel=1e-4)


def test_one_large_layer_does_not_hide_that_all_are_clipped_alike() -> None:
    made = parameters(1e-15)
    made[1].grad *= 1e25
    before = [p.grad.clone() for p in made]
    factor = Clipping(made, 1.0).clip().factor
    for p, old in zip(made, before, strict=True):
        torch.testing.assert_close(p.grad, old * factor)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_becomes_what_pytorch_makes_of_it(value) -> None:
    ours, theirs = parameters(), parameters()
    ours[0].grad[0, 0] = theirs[0].grad[0, 0] = value
    found = Clipping(ours, 1.0).clip()
    torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    assert not math.isfinite(found.norm)
    assert math.isnan(found.clipped_norm)
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.grad, q.grad, equal_nan=True)


# -- in a run -------------------------------------------------------------------------------

CLIPPED = Experiment.from_toml(
    """
    [network]
    hidden_layers = 3
    width = 16
    [initialiser]
    scheme = "glorot_normal"
    [training]
    clip_norm = 0.3
    learning_rate = 0.5
    """
)


def test_norms_before_and_after_clipping_are_recorded_at_every_step() -> None:
    recording = run(CLIPPED, 200)
    before, after = recording.scalar("gradient_norm"), recording.scalar("clipped_gradient_norm")
    assert len(before) == 201
    assert (before > 0.3).any()
    assert (before < 0.3).any()
    assert after == pytest.approx(before.clip(max=0.3), rel=1e-4)
    # All gradients at once, biases too: more than those of the weights, which are not clipped.
    weights = (recording.series("weight_gradient_norm")[:100] ** 2).sum(1) ** 0.5
    assert (before[:100] >= weights * 0.999).all()
    assert (before[:100] <= weights * 1.2).all()


def test_an_update_is_as_long_as_the_clipped_gradient() -> None:
    experiment = CLIPPED.with_value("training.clip_norm", 1e-3)
    recording = run(experiment, 1)
    moved = [
        ((recording.weights(name, 1).astype(float) - recording.weights(name, 0)) ** 2).sum()
        for name in recording.layers
    ]
    # Weights alone move; the gradients of the biases are part of the norm.
    assert 0.5 * 0.9e-3 < math.sqrt(sum(moved)) <= 0.5 * 1.001e-3
    gradient = recording.series("weight_gradient_norm")[0]
    assert (gradient**2).sum() ** 0.5 > 0.1  # as they were before
    ratio = recording.series("update_ratio")[1]
    norms = recording.series("weight_norm")[0]
    assert (ratio * norms).tolist() == pytest.approx([m**0.5 for m in moved], rel=1e-3)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw", "rmsprop"])
def test_measuring_changes_nothing_where_gradients_are_clipped(optimiser) -> None:
    experiment = CLIPPED.with_values(
        {"training.optimiser": optimiser, "training.warmup_steps": 20, "network.dropout": 0.1}
    )
    weights = []
    for how in ({"probed": False}, {"probed": True}, {"wanted": always(EVERYTHING)}):
        *_, last = train(experiment, last=130, **how)
        weights.append(last.checkpoint.parameters)
    for layer, expected in weights[0].items():
        for other in weights[1:]:
            assert (other[layer] == expected).all(), layer


def test_without_clipping_no_norm_is_recorded() -> None:
    recording = run(CLIPPED.with_value("training.clip_norm", 0.0), 3)
    for name in ("gradient_norm", "clipped_gradient_norm", "learning_rate"):
        assert len(recording.scalar_track(name).steps) == 0
