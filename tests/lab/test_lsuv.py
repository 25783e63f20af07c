"""LSUV on a small network: what it makes of the variances, and when it stops."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from initviz.lab.initialisers import SCHEMES, Place


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def _initialise(scheme, widths, activation, inputs):
    """The variances of all layers, and how often each was measured."""
    layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
    variances, calls, x = [], [], inputs
    for index, layer in enumerate(layers):
        place, count = Place(tuple(layer.weight.shape), layer=index + 1), [0]

        def measure(x=x, layer=layer, count=count):
            count[0] += 1
            return layer(x)

        scheme.draw(layer.weight, place, _generator(index))
        layer.bias.zero_()
        scheme.adjust(layer.weight, place, measure)
        u = layer(x)
        variances.append(u.var(correction=0).item())
        calls.append(count[0])
        x = activation(u)
    return variances, calls


@pytest.mark.parametrize(
    "activation",
    [torch.tanh, torch.relu, torch.sigmoid, nn.Identity()],
    ids=["tanh", "relu", "sigmoid", "identity"],
)
def test_every_layer_gets_variance_1_after_at_most_two_rescalings(activation):
    inputs = 3.0 * torch.randn(256, 40, generator=_generator(9))
    widths = [40, 60, 20, 100, 100, 7]
    variances, calls = _initialise(SCHEMES["lsuv"](), widths, activation, inputs)
    assert variances == pytest.approx([1.0] * 5, abs=0.02)
    assert max(calls) <= 3  # a rescaling more than measured the last time


def test_a_layer_that_puts_out_nothing_is_left_alone():
    weight = torch.eye(3)
    SCHEMES["lsuv"]().adjust(weight, Place((3, 3)), lambda: torch.zeros(5, 3))
    assert torch.equal(weight, torch.eye(3))


def test_a_layer_whose_output_is_not_finite_is_left_alone():
    weight = torch.eye(3)
    SCHEMES["lsuv"]().adjust(weight, Place((3, 3)), lambda: torch.full((5, 3), math.inf))
    assert torch.equal(weight, torch.eye(3))


def test_tiny_outputs_do_not_underflow():
    weight, x = torch.eye(3), 1e-25 * torch.randn(100, 3, generator=_generator())
    SCHEMES["lsuv"]().adjust(weight, Place((3, 3)), lambda: x @ weight.T)
    assert (x @ weight.T).var(correction=0).item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("most", [1, 4])
def test_a_layer_that_cannot_be_brought_to_1_is_left_after_the_most_rescalings(most):
    calls = []

    def measure():
        calls.append(1)
        return torch.tensor([0.0, 10.0])

    SCHEMES["lsuv"](max_iterations=most).adjust(torch.eye(2), Place((2, 2)), measure)
    assert len(calls) == most


def test_its_spread_is_not_known_before_the_data_are_seen():
    assert math.isnan(SCHEMES["lsuv"]().weight_std(Place((3, 3))))
    assert [name for name, scheme in SCHEMES.items() if scheme.is_data_dependent] == ["lsuv"]


def test_all_other_schemes_leave_the_weights_as_drawn():
    for name, scheme in SCHEMES.items():
        if name != "lsuv":
            weight = torch.eye(2)
            scheme().adjust(weight, Place((2, 2)), lambda: torch.full((4, 2), 9.0))
            assert torch.equal(weight, torch.eye(2))
