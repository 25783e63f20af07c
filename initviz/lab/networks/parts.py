"""What every network is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from initviz.lab.initialisers import Scheme
from initviz.lab.initialisers.place import Place


class Linear(nn.Linear):
    """A linear layer that leaves its weights, and the global random state, to `initialise`."""

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


class Weighted(Protocol):
    """A module with a weight (fan_out, fan_in, …) and a bias (fan_out,)."""

    @property
    def weight(self) -> torch.Tensor: ...

    @property
    def bias(self) -> torch.Tensor: ...


class Net(nn.Module):
    """What every network offers beside its forward pass, logits (N, classes) of inputs (N, D)."""

    def weighted(self) -> Sequence[Weighted]:
        """The modules that have a weight and a bias, input side first, as `layer_names` says."""
        raise NotImplementedError

    def blocks(self) -> tuple[Block, ...]:
        """Everything that is drawn, in the order of drawing."""
        raise NotImplementedError
