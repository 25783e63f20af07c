"""What theory needs to know of every layer of an experiment: fans, σ, biases, branches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import Activation
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import Scheme
from initviz.lab.initialisers.place import Place
from initviz.lab.mean_field import entry_of
from initviz.lab.places import places

Array = NDArray[np.float64]

#: Schemes of convolutions that leave all weights but those of a kernel's centre at 0.
_CENTRE_ONLY = ("delta_orthogonal", "dirac")


@dataclass(frozen=True)
class DrawnLayer:
    """One layer as it is drawn: `weight_scale` is fan_in · Var W.

    `branch` is α where the layer adds to what it was given, otherwise None. A unit of a
    convolution gets its numbers from `kernel_size` × `kernel_size` positions.
    """

    activation: Activation
    width: int
    fan_in: int
    weight_scale: float
    bias_mean: float
    bias_std: float
    branch: float | None = None
    kernel_size: int = 1

    @property
    def branch_squared(self) -> float:
        """α², 1 where there is nothing to add to."""
        return 1.0 if self.branch is None else self.branch**2

    def slope_factor(self, slope_second: Array) -> Array:
        """What ‖∂L/∂z‖² gains on its way back through this layer, from E φ′² below it."""
        through = self.branch_squared * self.weight_scale * slope_second
        return through if self.branch is None else 1.0 + through


@dataclass(frozen=True)
class Standing:
    """A layer's place and scheme; `is_branch` says that it adds to what it was given.

    `activation` names its φ, that of the output layer being the identity.
    """

    place: Place
    scheme: Scheme
    activation: str
    is_branch: bool

    @property
    def starts_at_zero(self) -> bool:
        """Whether it is a branch that adds nothing at first, whatever its scheme would draw."""
        return self.is_branch and self.scheme.zero_branches


def standings(experiment: Experiment) -> Iterator[Standing]:
    """Every layer, the output layer last.

    Raises:
        ValueError: one sentence on what is wrong with a data file of one's own.
    """
    found, plans, network = places(experiment), experiment.hidden, experiment.network
    width = 0
    for place, plan in zip(found, plans, strict=False):
        is_branch = network.has_branches and plan.width == width
        yield Standing(place, plan.scheme, plan.activation, is_branch)
        width = plan.width
    yield Standing(found[-1], experiment.output_scheme, "identity", False)


def drawn_layers(experiment: Experiment) -> list[DrawnLayer]:
    """Every layer as its scheme draws it, the output layer last.

    Raises:
        ValueError: one sentence on what is wrong with a data file of one's own.
    """
    alpha, drawn = experiment.network.branch_scale, []
    for layer in standings(experiment):
        place, share = layer.place, 0.0 if layer.starts_at_zero else 1.0
        is_spread = len(place.shape) > 2 and layer.scheme.name not in _CENTRE_ONLY
        drawn.append(
            DrawnLayer(
                activation=entry_of(layer.activation),
                width=place.units,
                fan_in=place.fan_in,
                weight_scale=share * place.fan_in * layer.scheme.weight_std(place) ** 2,
                bias_mean=share * layer.scheme.bias_mean(place),
                bias_std=share * layer.scheme.bias_std(place),
                branch=alpha if layer.is_branch else None,
                kernel_size=place.shape[2] if is_spread else 1,
            )
        )
    return drawn
