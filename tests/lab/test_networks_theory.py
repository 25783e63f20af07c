"""What is known exactly, or to a known error, of the signals in these networks (THEORY 2, 4, 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from initviz import run
from initviz.lab import networks
from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.lab.network_settings import layer_names
from initviz.lab.networks.parts import Net
from initviz.lab.observers import cross
from initviz.lab.probe import Probe, watch
from initviz.lab.schedule import CHEAP


def experiment(text: str, **values: Any) -> Experiment:
    e = Experiment.from_toml(text).with_value("run.precision", "float64")
    return e.with_values({key.replace("__", "."): value for key, value in values.items()})


def build(
    e: Experiment, shape: tuple[int, ...], inputs: Tensor | None = None, seed: int = 0
) -> Net:
    return networks.build(
        e,
        Description(shape, 10),
        initial=torch.Generator().manual_seed(seed),
        dropout=torch.Generator(),
        device=torch.device("cpu"),
        inputs=inputs,
    )


def random(samples: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(1000 + seed)
    return torch.randn(samples, width, generator=generator, dtype=torch.float64)


def measured(e: Experiment, network: Net, inputs: Tensor) -> Mapping[str, np.ndarray]:
    """What the probe finds at a random linear loss, the mean over the samples."""
    probe = Probe(watch(network, layer_names(e.network)))
    probe.listen(CHEAP)
    direction = random(len(inputs), 10, seed=99).to(inputs.dtype)
    (network(inputs) * direction).sum(1).mean().backward()
    return cross(probe.read())


@pytest.mark.parametrize(
    ("architecture", "shape", "more"),
    [
        ("mlp", (12,), ""),
        ("mlp", (12,), 'activation = "leaky_relu"\nslope = 0.3'),
        ("cnn", (2, 5, 4), ""),
        ("cnn", (2, 5, 4), 'padding = "zeros"'),
    ],
)
def test_weight_times_its_gradient_is_the_same_at_every_layer_of_a_homogeneous_network(
    architecture: str, shape: tuple[int, ...], more: str
) -> None:
    activation = "" if "activation" in more else 'activation = "relu"'
    e = experiment(
        f'[network]\narchitecture = "{architecture}"\n{activation}\n{more}\nwidth = 9\n'
        '[initialiser]\nscheme = "normal"\nstd = 0.2'
    )
    network = build(e, shape)
    network(random(20, math.prod(shape))).logsumexp(1).mean().backward()
    products = [(w.weight * w.weight.grad).sum().item() for w in network.weighted()]
    assert len(products) == 11
    assert products == pytest.approx([products[0]] * 11, rel=1e-10)
    assert products[0] != 0


@pytest.mark.slow
@pytest.mark.parametrize("batch", [8, 16])
def test_the_gradient_of_a_batch_normalised_linear_network_grows_as_is_known(batch: int) -> None:
    """The squared norm by (B − 2) / (B − 3) a layer (Yang et al. 2019)."""
    e = experiment(
        '[network]\nactivation = "identity"\nnormalisation = "batch"\nhidden_layers = 22\n'
        'width = 512\n[initialiser]\nscheme = "lecun_normal"',
        run__precision="float32",
    )
    growths = []
    for seed in range(12):
        # Inputs of many features: the batch starts out as evenly spread as layers make it.
        inputs = random(batch, 512, seed).float()
        found = measured(e, build(e, (512,), seed=seed), inputs)
        squared = found["signal_gradient_norm"][:-1] ** 2
        # The first step back takes off what normalisation cannot pass: it is left out.
        growths.append(np.mean(squared[:-2] / squared[1:-1]))
    error = float(np.std(growths, ddof=1)) / math.sqrt(len(growths))
    assert error < 0.005
    assert np.mean(growths) == pytest.approx((batch - 2) / (batch - 3), abs=3 * error)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 2.0])
def test_an_lstm_without_weights_passes_the_forget_gate_to_the_power_of_time(bias: float) -> None:
    e = experiment(
        '[network]\narchitecture = "lstm"\nhidden_layers = 1\nwidth = 5\n'
        '[initialiser]\nscheme = "zeros"\n'
        '[[layers]]\nname = "output"\ninitialiser = { scheme = "glorot_normal" }'
    )
    network = build(e, (100, 3))
    with torch.no_grad():
        network.layers[0].bias[5:10] = bias
    norms = measured(e, network, random(7, 300))["cell_gradient_norm"]
    kept = 1.0 / (1.0 + math.exp(-bias))
    assert norms.shape == (100,)
    assert norms[0] / norms[-1] == pytest.approx(kept**99, rel=1e-10)
    assert norms[:-1] / norms[1:] == pytest.approx(np.full(99, kept), rel=1e-12)


def test_the_state_of_an_orthogonal_linear_rnn_keeps_its_gradient() -> None:
    e = experiment(
        '[network]\narchitecture = "rnn"\nactivation = "identity"\nhidden_layers = 1\nwidth = 16\n'
        '[initialiser]\nscheme = "orthogonal"'
    )
    norms = measured(e, build(e, (60, 3)), random(5, 180))["state_gradient_norm"]
    assert norms == pytest.approx(np.full(60, norms[0]), rel=1e-10)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_a_residual_network_with_branch_scale_0_is_the_identity_on_its_stream(
    architecture: str,
) -> None:
    e = experiment(
        f'[network]\narchitecture = "{architecture}"\nresidual = true\nbranch_scale = 0.0\n'
        '[initialiser]\nscheme = "glorot_normal"\nbias = 0.2'
    )
    shape = (2, 4, 4)
    network, seen = build(e, shape), []
    for layer in network.layers:
        layer.activate.register_forward_hook(lambda _m, given, _out: seen.append(given[0]))
    found = measured(e, network, random(6, 32))
    assert len(seen) == 10
    assert all(torch.equal(z, seen[0]) for z in seen)
    signal = found["signal_gradient_norm"][:-1]
    assert signal == pytest.approx(np.full(10, signal[0]), rel=1e-12)
    assert (found["weight_gradient_norm"][1:-1] == 0).all()


def test_residual_branches_add_variances_as_is_known() -> None:
    """Each adds its share: the squared norms grow by 1 + α² a layer."""
    e = experiment(
        '[network]\nactivation = "identity"\nresidual = true\nbranch_scale = 0.5\nwidth = 400\n'
        '[initialiser]\nscheme = "lecun_normal"'
    )
    found = measured(e, build(e, (400,)), random(30, 400))
    stds = found["preactivation_std"][:-1]
    assert 2 * math.log(stds[-1] / stds[0]) / 9 == pytest.approx(math.log(1.25), abs=0.03)
    signal = found["signal_gradient_norm"][:-1]
    assert 2 * math.log(signal[0] / signal[-1]) / 9 == pytest.approx(math.log(1.25), abs=0.03)


@pytest.mark.parametrize("padding", ["circular", "zeros"])
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_deep_linear_orthogonal_networks_keep_every_norm(architecture: str, padding: str) -> None:
    scheme = "orthogonal" if architecture == "mlp" else "delta_orthogonal"
    e = experiment(
        f'[network]\narchitecture = "{architecture}"\nactivation = "identity"\n'
        f'hidden_layers = 40\nwidth = 24\npadding = "{padding}"\n'
        f'[initialiser]\nscheme = "{scheme}"\n'
        # An image's output layer is no convolution and has fewer units than channels.
        '[[layers]]\nname = "output"\ninitialiser = { scheme = "orthogonal" }'
    )
    shape = (2, 3, 4)
    network, inputs, seen = build(e, shape), random(6, 24), []
    for layer in network.layers:
        layer.activate.register_forward_hook(lambda _m, given, _out: seen.append(given[0]))
    signal = measured(e, network, inputs)["signal_gradient_norm"][:-1]
    for z in seen:
        assert torch.allclose(z.flatten(1).norm(dim=1), inputs.norm(dim=1), rtol=1e-10)
    assert signal == pytest.approx(np.full(40, signal[0]), rel=1e-10)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_lsuv_gives_every_layer_unit_variance_within_two_rescalings(
    architecture: str, activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    e = experiment(
        f'[network]\narchitecture = "{architecture}"\nactivation = "{activation}"\nwidth = 30\n'
        'hidden_layers = 8\n[initialiser]\nscheme = "lsuv"'
    )
    looks: list[str] = []
    adjust = SCHEMES["lsuv"].adjust

    def counted(self: Any, weight: Tensor, place: Any, measure: Any) -> None:
        def look() -> Tensor:
            looks.append(place.name)
            return measure()

        adjust(self, weight, place, look)

    monkeypatch.setattr(SCHEMES["lsuv"], "adjust", counted)
    inputs = random(600, 32)
    network = build(e, (2, 4, 4), inputs)
    variances = [u().var(correction=0).item() for u in network.linear_maps(inputs)]
    assert variances == pytest.approx([1.0] * 9, abs=0.02)
    # A look before each rescaling, and one that finds it good.
    assert max(looks.count(name) for name in set(looks)) <= 3
    assert len(set(looks)) == 9


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_lsuv_shows_unit_variance_at_step_0(architecture: str) -> None:
    wanted = {
        "network.architecture": architecture,
        "network.width": 20,
        "initialiser.scheme": "lsuv",
    }
    recording = run(Experiment().with_values(wanted), steps=0)
    variances = recording.series("preactivation_std")[0] ** 2
    assert variances.tolist() == pytest.approx([1.0] * 11, abs=0.02)
