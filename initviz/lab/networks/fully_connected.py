"""The fully connected network.

Layer l computes u = W a_{l−1} + b, or u = u_{l−1} + α (W a_{l−1} + b) where it is residual, then
z = normalise(u) and a = φ(z), or z = u and a = normalise(φ(z)). Dropout acts on a on its way to
the next layer.
"""

from __future__ import annotations

import torch
from torch import nn

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment, LayerPlan
from initviz.lab.initialisers.place import Place
from initviz.lab.network_settings import Network as NetworkSettings
from initviz.lab.networks.parts import Block, Dropout, Linear, Net


class HiddenLayer(nn.Module):
    """One hidden layer; the parts stand in the order in which they act."""

    def __init__(self, settings: NetworkSettings, plan: LayerPlan, fan_in: int) -> None:
        super().__init__()
        self.linear = Linear(fan_in, plan.width)
        is_before = settings.normalisation_place == "before"
        normalise = _normalisation(settings.normalisation, plan.width)
        self.normalise = normalise if is_before else None
        self.activate = ACTIVATIONS[plan.activation].module(settings.slope)
        self.normalise_after = None if is_before else normalise


class FullyConnected(Net):
    """Hidden layers, then a linear output layer.

    Batch normalisation has no running statistics: it always uses the batch's own, in a probe
    pass too, so that measuring leaves no trace.
    """

    def __init__(
        self, experiment: Experiment, features: int, classes: int, dropout: torch.Generator
    ) -> None:
        super().__init__()
        settings, self._experiment = experiment.network, experiment
        plans = experiment.hidden
        sizes = [features, *(plan.width for plan in plans)]
        pairs = zip(plans, sizes[:-1], strict=True)
        self.layers = tuple(HiddenLayer(settings, plan, fan_in) for plan, fan_in in pairs)
        self.hidden = nn.ModuleList(self.layers)
        self.output = Linear(sizes[-1], classes)
        self.dropout = Dropout(settings.dropout, dropout) if settings.dropout else None
        self.branch_scale = settings.branch_scale if settings.has_branches else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, classes) of inputs (N, features)."""
        stream: torch.Tensor | None = None
        for layer in self.layers:
            u = layer.linear(x)
            if self.branch_scale is not None:
                is_branch = stream is not None and stream.shape == u.shape
                u = stream + self.branch_scale * u if is_branch else u
                stream = u
            x = layer.activate(u if layer.normalise is None else layer.normalise(u))
            if layer.normalise_after is not None:
                x = layer.normalise_after(x)
            if self.dropout is not None:
                x = self.dropout(x)
        logits: torch.Tensor = self.output(x)
        return logits

    def weighted(self) -> tuple[nn.Linear, ...]:
        return (*(layer.linear for layer in self.layers), self.output)

    def blocks(self) -> tuple[Block, ...]:
        experiment, depth = self._experiment, len(self.layers)
        names = [*(plan.name for plan in experiment.hidden), "output"]
        schemes = [*(plan.scheme for plan in experiment.hidden), experiment.output_scheme]
        widths = [plan.width for plan in experiment.hidden]
        blocks = []
        for index, (layer, name) in enumerate(zip(self.weighted(), names, strict=True)):
            shape = tuple(layer.weight.shape)
            place = Place(shape, name, index + 1, depth, experiment.network.width)
            is_branch = (
                self.branch_scale is not None
                and 0 < index < depth
                and widths[index] == widths[index - 1]
            )
            blocks.append(Block(layer.weight, layer.bias, place, schemes[index], is_branch))
        return tuple(blocks)


def _normalisation(name: str, width: int) -> nn.Module | None:
    if name == "batch":
        return nn.BatchNorm1d(width, track_running_stats=False)
    return nn.LayerNorm(width) if name == "layer" else None
