"""What fully connected and convolutional networks share: the layers one after the other.

Layer l computes u = W a_{l−1} + b, or u = u_{l−1} + α (W a_{l−1} + b) where it is residual, then
z = normalise(u) and a = φ(z), or z = u and a = φ(z), of which it hands on normalise(a). Dropout
acts on its way to the next layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import nn

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment, LayerPlan
from initviz.lab.network_settings import Network as NetworkSettings
from initviz.lab.networks.parts import Block, Convolution, Dropout, Linear, Measure, Net
from initviz.lab.places import places

LinearPart = Linear | Convolution
Parts = tuple[LinearPart, nn.Module | None, nn.Module, nn.Module | None]


class HiddenLayer(nn.Module):
    """One hidden layer; the parts stand in the order in which they act."""

    def __init__(
        self,
        settings: NetworkSettings,
        plan: LayerPlan,
        linear: LinearPart,
        normalise: nn.Module | None,
    ) -> None:
        super().__init__()
        is_before = settings.normalisation_place == "before"
        self.linear = linear
        self.normalise = normalise if is_before else None
        self.activate = ACTIVATIONS[plan.activation].module(settings.slope)
        self.normalise_after = None if is_before else normalise

    def parts(self) -> Parts:
        """What acts, in its order: W and b, normalisation before φ, φ, normalisation after it."""
        # Asked for as attributes, each is looked for in three places, for half a microsecond.
        own: dict[str, Any] = self._modules
        return own["linear"], own.get("normalise"), own["activate"], own.get("normalise_after")


class FeedForward(Net):
    """Hidden layers, then a linear output layer.

    Batch normalisation has no running statistics: it always uses the batch's own, in a probe
    pass too, so that measuring leaves no trace.
    """

    def __init__(self, experiment: Experiment, data: Description, dropout: torch.Generator) -> None:
        super().__init__()
        settings, self._experiment = experiment.network, experiment
        self._places = places(experiment, data)
        self.layers = tuple(
            HiddenLayer(
                settings,
                plan,
                self._linear(settings, place.shape[1], plan.width),
                self._normalisation(settings.normalisation, plan.width),
            )
            for plan, place in zip(experiment.hidden, self._places[:-1], strict=True)
        )
        self.hidden = nn.ModuleList(self.layers)
        self.output = Linear(self._places[-1].fan_in, data.classes)
        self.dropout = Dropout(settings.dropout, dropout) if settings.dropout else None
        self.branch_scale = settings.branch_scale if settings.has_branches else None

    def _linear(self, settings: NetworkSettings, fan_in: int, width: int) -> LinearPart:
        """The linear part of a hidden layer."""
        raise NotImplementedError

    def _normalisation(self, name: str, width: int) -> nn.Module | None:
        """The normalisation of a hidden layer, by its name in the settings."""
        raise NotImplementedError

    def _arranged(self, x: torch.Tensor) -> torch.Tensor:
        """Inputs (N, D) as the first layer reads them."""
        return x

    def _pooled(self, x: torch.Tensor) -> torch.Tensor:
        """What the last hidden layer hands on, (N, units), as the output layer reads it."""
        return x

    def linear_maps(self, x: torch.Tensor) -> Iterator[Measure]:
        stream: torch.Tensor | None = None
        x = self._arranged(x)
        for layer in self.layers:
            linear, normalise, activate, normalise_after = layer.parts()
            yield partial(linear, x)
            u = linear(x)
            if self.branch_scale is not None:
                is_branch = stream is not None and stream.shape == u.shape
                u = stream + self.branch_scale * u if is_branch else u
                stream = u
            x = activate(u if normalise is None else normalise(u))
            if normalise_after is not None:
                x = normalise_after(x)
            if self.dropout is not None:
                x = self.dropout(x)
        yield partial(self.output, self._pooled(x))

    def weighted(self) -> tuple[LinearPart, ...]:
        return (*(layer.linear for layer in self.layers), self.output)

    def blocks(self) -> tuple[Block, ...]:
        experiment, widths = self._experiment, [plan.width for plan in self._experiment.hidden]
        schemes = [*(plan.scheme for plan in experiment.hidden), experiment.output_scheme]
        blocks = []
        for index, (layer, place) in enumerate(zip(self.weighted(), self._places, strict=True)):
            is_branch = (
                self.branch_scale is not None
                and 0 < index < len(widths)
                and widths[index] == widths[index - 1]
            )
            blocks.append(Block(layer.weight, layer.bias, place, schemes[index], is_branch))
        return tuple(blocks)
