"""What every network is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from initviz.lab.initialisers import Scheme
from initviz.lab.initialisers.place import Place

#: Gives u = W x + b of a layer in the pass that is under way, with the weights of this moment.
Measure = Callable[[], torch.Tensor]


class Linear(nn.Linear):
    """A linear layer that leaves its weights, and the global random state, to `initialise`."""

    def reset_parameters(self) -> None:
        """Draw nothing."""


class Convolution(nn.Conv2d):
    """A convolution that leaves its weights, and the global random state, to `initialise`."""

    bias: nn.Parameter

    def reset_parameters(self) -> None:
        """Draw nothing."""


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


@dataclass(frozen=True)
class Block:
    """A weight that one scheme draws, all gates together, and the bias that belongs to it.

    `is_branch` says that the layer adds to what it was given (a residual connection).
    """

    weight: torch.Tensor
    bias: torch.Tensor
    place: Place
    scheme: Scheme
    is_branch: bool = False

    @property
    def starts_at_zero(self) -> bool:
        """Whether it is a residual branch that adds nothing at first, whatever is drawn."""
        return self.is_branch and self.scheme.zero_branches


class Weighted(Protocol):
    """A module with a weight (fan_out, fan_in, …) and a bias (fan_out,)."""

    @property
    def weight(self) -> torch.Tensor: ...

    @property
    def bias(self) -> torch.Tensor: ...


class Net(nn.Module):
    """What every network offers beside its forward pass, logits (N, classes) of inputs (N, D)."""

    def linear_maps(self, x: torch.Tensor) -> Iterator[Measure]:
        """One pass over inputs (N, D), layer by layer.

        What is given for a layer computes its u = W x + b. The pass itself computes it when it
        goes on: whoever changes the layer's weights before that has changed what comes after.
        """
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, classes) of inputs (N, D)."""
        return deque(self.linear_maps(x), maxlen=1).pop()()

    def weighted(self) -> Sequence[Weighted]:
        """The modules that have a weight and a bias, input side first, as `layer_names` says."""
        raise NotImplementedError

    def blocks(self) -> tuple[Block, ...]:
        """Everything that is drawn, in the order of drawing."""
        raise NotImplementedError
