"""From an experiment to a network whose layers have stable, human names.

Layer l computes u = W a_{l−1} + b, or u = u_{l−1} + α (W a_{l−1} + b) where it is residual, then
z = normalise(u) and a = φ(z). Dropout acts on a on its way to the next layer.
"""

from __future__ import annotations

import torch
from torch import nn

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.experiment import Network as NetworkSettings
from initviz.lab.initialisers import Scheme, fans


def layer_names(experiment: Experiment) -> tuple[str, ...]:
    """The names of the layers that have weights, input side first: "hidden 1", …, "output"."""
    hidden = range(1, experiment.network.hidden_layers + 1)
    return (*(f"hidden {number}" for number in hidden), "output")


class Dropout(nn.Module):
    """Inverted dropout (Srivastava et al. 2014) with a generator of its own."""

    def __init__(self, probability: float, generator: torch.Generator) -> None:
        super().__init__()
        self.probability = probability
        self.generator = generator

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        keep = 1.0 - self.probability
        return x * torch.empty_like(x).bernoulli_(keep, generator=self.generator) / keep


class Linear(nn.Linear):
    """A linear layer that leaves its weights, and the global random state, to `initialise`."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class HiddenLayer(nn.Module):
    """One hidden layer; the parts stand in the order in which they act."""

    def __init__(self, settings: NetworkSettings, fan_in: int) -> None:
        super().__init__()
        self.linear = Linear(fan_in, settings.width)
        self.normalise = _normalisation(settings.normalisation, settings.width)
        self.activate = ACTIVATIONS[settings.activation].module(settings.slope)


class FullyConnected(nn.Module):
    """`hidden_layers` layers of one width, then a linear output layer.

    Batch normalisation has no running statistics: it always uses the batch's own, in a probe
    pass too, so that measuring leaves no trace.
    """

    def __init__(
        self, settings: NetworkSettings, features: int, classes: int, dropout: torch.Generator
    ) -> None:
        super().__init__()
        sizes = [features, *[settings.width] * (settings.hidden_layers - 1)]
        self.layers = tuple(HiddenLayer(settings, fan_in) for fan_in in sizes)
        self.hidden = nn.ModuleList(self.layers)
        self.output = Linear(settings.width, classes)
        self.dropout = Dropout(settings.dropout, dropout) if settings.dropout else None
        self.branch_scale = settings.branch_scale if settings.residual else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, classes) of inputs (N, features)."""
        stream: torch.Tensor | None = None
        for layer in self.layers:
            u = layer.linear(x)
            if self.branch_scale is not None:
                u = u if stream is None else stream + self.branch_scale * u
                stream = u
            z = u if layer.normalise is None else layer.normalise(u)
            x = layer.activate(z)
            if self.dropout is not None:
                x = self.dropout(x)
        logits: torch.Tensor = self.output(x)
        return logits

    def weighted(self) -> tuple[nn.Linear, ...]:
        """The layers that have weights, input side first."""
        return (*(layer.linear for layer in self.layers), self.output)


def _normalisation(name: str, width: int) -> nn.Module | None:
    if name == "batch":
        return nn.BatchNorm1d(width, track_running_stats=False)
    return nn.LayerNorm(width) if name == "layer" else None


@torch.no_grad()
def initialise(network: FullyConnected, scheme: Scheme, generator: torch.Generator) -> None:
    """Draw every weight and bias, input side first, on the CPU."""
    for layer in network.weighted():
        scheme.draw(layer.weight, generator)
        fan_in, _ = fans(tuple(layer.weight.shape))
        scheme.draw_bias(layer.bias, fan_in, generator)


def build(
    experiment: Experiment,
    features: int,
    classes: int,
    *,
    initial: torch.Generator,
    dropout: torch.Generator,
    device: torch.device,
) -> FullyConnected:
    """The network of an experiment on `device`, initialised from the generator `initial`.

    The weights are drawn on the CPU and moved: the same seed gives the same network everywhere.
    `dropout` must live on `device`.
    """
    network = FullyConnected(experiment.network, features, classes, dropout)
    network = network.to(dtype=getattr(torch, experiment.run.precision))
    initialise(network, experiment.initialiser, initial)
    return network.to(device)
