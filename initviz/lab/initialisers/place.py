"""Where in a network a weight stands: all that a scheme may know before it draws."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

#: "feed": from the layer below (or the input); "recurrent": from the step before.
Role = Literal["feed", "recurrent"]


@dataclass(frozen=True)
class Place:
    """One weight of shape (fan_out, fan_in, *receptive field).

    `layer` counts from 1 at the input side, the output layer is `depth` + 1; `width` is that of
    the hidden layers. A recurrent layer's weight holds `gates` blocks of rows, one for each gate:
    LSTM input, forget, cell and output gate; GRU reset and update gate, then the candidate.
    """

    shape: tuple[int, ...]
    name: str = "hidden 1"
    layer: int = 1
    depth: int = 1
    width: int = 1
    role: Role = "feed"
    gates: int = 1

    @property
    def fan_in(self) -> int:
        """Inputs of a unit: in · receptive field, as in PyTorch and Keras."""
        return self.shape[1] * math.prod(self.shape[2:])

    @property
    def fan_out(self) -> int:
        """Units that an input reaches: out · receptive field."""
        return self.shape[0] * math.prod(self.shape[2:])

    @property
    def is_output(self) -> bool:
        """Whether this is the output layer."""
        return self.layer > self.depth

    def one_gate(self) -> Place:
        """The block of a single gate."""
        shape = (self.shape[0] // self.gates, *self.shape[1:])
        return replace(self, shape=shape, gates=1)
