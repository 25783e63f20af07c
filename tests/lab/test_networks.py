"""Networks: the same numbers as PyTorch's own, drawn where and as they should be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from initviz.lab import networks
from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import Normal
from initviz.lab.initialisers.place import Place
from initviz.lab.network_settings import GATES
from initviz.lab.networks.parts import Net
from initviz.lab.places import places
from initviz.lab.probe import watch

SHAPES = {"mlp": (7,), "cnn": (2, 4, 3), "rnn": (5, 2), "lstm": (5, 2), "gru": (5, 2)}


def experiment(architecture: str, **changes: Any) -> Experiment:
    """A small network in float64; keywords are settings of the network."""
    values = {f"network.{name}": value for name, value in changes.items()}
    sizes = {"network.hidden_layers": 3, "network.width": 6, "run.precision": "float64"}
    default = {"network.architecture": architecture, "initialiser.scheme": "pytorch_default"}
    return Experiment().with_values({**default, **sizes, **values})


def build(
    e: Experiment,
    shape: tuple[int, ...] | None = None,
    *,
    seed: int = 0,
    dropout: torch.Generator | None = None,
    inputs: Tensor | None = None,
) -> Net:
    """Its network, for random data of 3 classes."""
    return networks.build(
        e,
        Description(shape or SHAPES[e.network.architecture], 3),
        initial=torch.Generator().manual_seed(seed),
        dropout=dropout or torch.Generator().manual_seed(1),
        device=torch.device("cpu"),
        inputs=inputs,
    )


def random_inputs(e: Experiment, samples: int = 9, seed: int = 2) -> Tensor:
    width = math.prod(SHAPES[e.network.architecture])
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, width, generator=generator, dtype=torch.float64)


# -- recurrent layers ------------------------------------------------------------------------


def twin_of(network: Net, kind: str, activation: str) -> nn.RNNBase:
    """PyTorch's own layers with the same weights."""
    layers = network.hidden
    width, features = layers[0].width, layers[0].fan_in
    how = {"nonlinearity": activation} if kind == "rnn" else {}
    made = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind](
        features, width, len(layers), batch_first=True, dtype=torch.float64, **how
    )
    with torch.no_grad():
        for number, layer in enumerate(layers):
            fan_in = layer.weight.shape[1] - width
            getattr(made, f"weight_ih_l{number}").copy_(layer.weight[:, :fan_in])
            getattr(made, f"weight_hh_l{number}").copy_(layer.weight[:, fan_in:])
            getattr(made, f"bias_ih_l{number}").copy_(layer.bias)
            getattr(made, f"bias_hh_l{number}").copy_(layer.recurrent_bias)
    return made


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    ("kind", "activation"), [("rnn", "tanh"), ("rnn", "relu"), ("lstm", "tanh"), ("gru", "tanh")]
)
def test_recurrent_networks_are_those_of_pytorch(kind: str, activation: str, layers: int) -> None:
    e = experiment(kind, activation=activation, hidden_layers=layers)
    network, inputs = build(e), random_inputs(e)
    twin = twin_of(network, kind, activation)
    states, _ = twin(inputs.view(9, 5, 2))
    logits = states[:, -1] @ network.output.weight.T + network.output.bias
    mine = network(inputs)
    assert mine.shape == (9, 3)
    assert torch.allclose(mine, logits, rtol=0, atol=1e-12)
    mine.square().mean().backward()
    logits.square().mean().backward()
    for number, layer in enumerate(network.hidden):
        expected = [
            torch.cat([getattr(twin, f"weight_{of}_l{number}").grad for of in ("ih", "hh")], 1),
            getattr(twin, f"bias_ih_l{number}").grad,
            getattr(twin, f"bias_hh_l{number}").grad,
        ]
        for found, wanted in zip(layer.parameters(recurse=False), expected, strict=True):
            assert torch.allclose(found.grad, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_an_image_is_read_row_by_row_with_all_channels_of_a_row(kind: str) -> None:
    e = experiment(kind, hidden_layers=1)
    as_image, as_rows = build(e, (1, 5, 2)), build(e, (5, 2))
    assert torch.equal(as_image(random_inputs(e)), as_rows(random_inputs(e)))


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_dropout_of_recurrent_networks_acts_between_layers_and_before_the_output(
    kind: str,
) -> None:
    e = experiment(kind, hidden_layers=2, dropout=0.5)
    generator = torch.Generator().manual_seed(4)
    network, inputs = build(e, dropout=generator), random_inputs(e)
    first, second = network.hidden
    found = network(inputs)
    masks = torch.Generator().manual_seed(4)
    between = torch.empty(5, 9, 6).double().bernoulli_(0.5, generator=masks) * 2
    after = torch.empty(9, 6).double().bernoulli_(0.5, generator=masks) * 2
    sequence = torch.stack(first(first.feed(inputs.view(9, 5, 2).transpose(0, 1))))
    states = second(second.feed(sequence * between))
    assert torch.allclose(found, network.output(states[-1] * after), rtol=0, atol=1e-14)
    network.eval()
    assert torch.equal(network(inputs), network(inputs))


# -- convolutions ----------------------------------------------------------------------------


@settings(max_examples=20, derandomize=True)
@given(
    down=st.integers(0, 3),
    right=st.integers(0, 2),
    kernel=st.sampled_from([1, 3, 5, 7]),
    normalisation=st.sampled_from(["none", "batch", "layer"]),
    residual=st.booleans(),
)
def test_a_circular_network_sees_all_positions_alike(
    down: int, right: int, kernel: int, normalisation: str, residual: bool
) -> None:
    e = experiment("cnn", kernel_size=kernel, normalisation=normalisation, residual=residual)
    network, inputs = build(e), random_inputs(e)
    moved = inputs.view(9, 2, 4, 3).roll((down, right), (2, 3)).reshape(9, -1)
    assert torch.allclose(network(moved), network(inputs), atol=1e-12)


def test_zeros_beyond_the_edge_tell_positions_apart() -> None:
    e = experiment("cnn", padding="zeros")
    network, inputs = build(e), random_inputs(e)
    moved = inputs.view(9, 2, 4, 3).roll(1, 2).reshape(9, -1)
    assert not torch.allclose(network(moved), network(inputs), atol=1e-3)


def test_a_kernel_that_wraps_an_image_twice_is_refused_with_what_to_change() -> None:
    e = experiment("cnn", kernel_size=7)
    with pytest.raises(ValueError, match=r"network\.kernel_size = 7.*4 × 2: at most 5.*'zeros'"):
        build(e, (1, 4, 2))
    assert build(e, (1, 4, 3))(torch.zeros(2, 12).double()).shape == (2, 3)
    zeros = build(e.with_value("network.padding", "zeros"), (1, 4, 2))
    assert zeros(torch.zeros(2, 8).double()).shape == (2, 3)


def test_a_convolution_over_what_is_no_image_is_refused_with_what_to_change() -> None:
    with pytest.raises(ValueError, match=r"'cnn' needs images.*\(30,\).*'mlp'"):
        build(experiment("cnn"), (30,))


# -- drawing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", list(SHAPES))
def test_every_parameter_stands_in_a_block_whose_place_tells_where(architecture: str) -> None:
    e = experiment(architecture, activation="relu").with_layer("hidden 2")
    e = e.with_values({"layers.0.width": 4, "layers.0.activation": "sigmoid"})
    network, gated = build(e), e.network.is_recurrent
    blocks = network.blocks()
    with torch.no_grad():
        for number, block in enumerate(blocks):
            block.weight.fill_(number)
            block.bias.fill_(number)
    values = {float(v) for p in network.parameters() for v in p.detach().unique()}
    assert values == set(map(float, range(len(blocks))))
    for block in blocks:
        assert tuple(block.weight.shape) == block.place.shape
        assert block.bias.shape == block.weight.shape[:1]
    feeds = [block.place for block in blocks if block.place.role == "feed"]
    assert tuple(feeds) == places(e, Description(SHAPES[architecture], 3))
    assert [p.name for p in feeds] == ["hidden 1", "hidden 2", "hidden 3", "output"]
    assert [p.layer for p in feeds] == [1, 2, 3, 4]
    # What the weight reads has passed through the layer before.
    assert [p.activation for p in feeds] == ["identity", "relu", "sigmoid", "relu"]
    assert [p.cell for p in feeds] == [architecture if gated else ""] * 3 + [""]
    assert {(p.depth, p.width) for p in feeds} == {(3, 6)}
    gates = GATES.get(architecture, 1)
    assert [p.gates for p in feeds] == [gates] * 3 + [1]
    again = [block.place for block in blocks if block.place.role == "recurrent"]
    wanted = [(gates * n, n) for n in (6, 4, 6)] if gated else []
    assert [p.shape for p in again] == wanted
    assert [p.activation for p in again] == (["relu", "sigmoid", "relu"] if gated else [])


@pytest.mark.parametrize("architecture", list(SHAPES))
def test_each_block_is_drawn_as_a_tensor_of_its_own_would_be(architecture: str) -> None:
    e = experiment(architecture, width=11).with_value("initialiser.scheme", "he_normal")
    network, generator = build(e, seed=8), torch.Generator().manual_seed(8)
    for block in network.blocks():
        alone = torch.empty(block.place.shape, dtype=torch.float64)
        block.scheme.draw_gates(alone, block.place, generator)
        assert torch.equal(block.weight, alone)


@pytest.mark.parametrize("architecture", list(SHAPES))
def test_building_leaves_the_global_random_state_alone(architecture: str) -> None:
    before = torch.get_rng_state()
    build(experiment(architecture, normalisation="batch", activation="prelu"))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
@pytest.mark.parametrize("normalisation", ["none", "batch"])
def test_branches_that_start_at_zero_leave_the_stream_as_it_is(
    architecture: str, normalisation: str
) -> None:
    e = experiment(architecture, residual=True, normalisation=normalisation)
    e = e.with_values({"initialiser.bias": 0.3, "initialiser.zero_branches": True})
    e = e.with_layer("hidden 2").with_value("layers.0.width", 4)  # not a branch, nor the next
    network = build(e)
    is_zero = [not layer.weight.any() and not layer.bias.any() for layer in network.weighted()]
    assert is_zero == [False, False, False, False]
    e = e.without_layer(0)
    network = build(e)
    is_zero = [not layer.weight.any() and not layer.bias.any() for layer in network.weighted()]
    assert is_zero == [False, True, True, False]
    inputs, seen = random_inputs(e), []
    for layer in network.layers:
        layer.activate.register_forward_hook(lambda _m, given, _out: seen.append(given[0]))
    network(inputs)
    assert torch.equal(seen[0], seen[2])


class UnitVariance(Normal):
    """Divides each weight by the std of what it gives, and notes what it saw."""

    is_data_dependent: ClassVar[bool] = True
    seen: ClassVar[list[tuple[str, Tensor]]] = []

    def adjust(self, weight: Tensor, place: Place, measure: Callable[[], Tensor]) -> None:
        self.seen.append((place.name, measure().clone()))
        weight.div_(measure().std(correction=0))


@pytest.mark.parametrize("architecture", list(SHAPES))
def test_schemes_that_look_at_data_see_each_layer_after_those_before_were_adjusted(
    architecture: str,
) -> None:
    e = experiment(architecture, dropout=0.5)
    e = e.model_copy(update={"initialiser": UnitVariance(std=3.0)})
    inputs, dropout = random_inputs(e, 40), torch.Generator().manual_seed(1)
    before, state = torch.get_rng_state(), dropout.get_state()
    UnitVariance.seen.clear()
    network = build(e, dropout=dropout, inputs=inputs)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(dropout.get_state(), state)
    assert network.training
    assert [name for name, _ in UnitVariance.seen] == [layer.name for layer in watch(network)]
    network.eval()
    with torch.no_grad():
        spreads = [u().std(correction=0).item() for u in network.linear_maps(inputs)]
    assert spreads == pytest.approx([1.0] * 4)
    untouched = build(e)
    stds = [block.weight.std().item() for block in untouched.blocks()]
    assert min(stds) > 2.0
    if e.network.is_recurrent:
        again = [b.weight.std().item() for b in network.blocks() if b.place.role == "recurrent"]
        assert min(again) > 2.0


def test_a_branch_that_starts_at_zero_is_not_adjusted_to_the_data() -> None:
    e = experiment("mlp", residual=True)
    scheme = UnitVariance(std=3.0, zero_branches=True)
    e = e.model_copy(update={"initialiser": scheme})
    UnitVariance.seen.clear()
    network = build(e, inputs=random_inputs(e))
    assert [name for name, _ in UnitVariance.seen] == ["hidden 1", "output"]
    assert not network.layers[1].linear.weight.any()
    assert all(p.isfinite().all() for p in network.parameters())
