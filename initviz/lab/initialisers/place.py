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

    `cell` is "rnn", "lstm" or "gru" in a recurrent layer and empty elsewhere, in the output layer
    too. `activation` (with its `slope`) is the function that the numbers read by this weight have
    passed through: "identity" where it reads the data.
    """

    shape: tuple[int, ...]
    name: str = "hidden 1"
    layer: int = 1
    depth: int = 1
    width: int = 1
    role: Role = "feed"
    gates: int = 1
    cell: str = ""
    activation: str = "identity"
    slope: float = 0.01

    @property
    def fan_in(self) -> int:
        """Inputs of a unit: in · receptive field, as in PyTorch and Keras."""
        return self.shape[1] * math.prod(self.shape[2:])

    @property
    def fan_out(self) -> int:
        """Units that an input reaches: out · receptive field."""
        return self.shape[0] * math.prod(self.shape[2:])

    @property
    def size(self) -> int:
        """How many entries the weight has."""
        return math.prod(self.shape)

    @property
    def units(self) -> int:
        """Units of the layer; each has a row in every gate."""
        return self.shape[0] // self.gates

    @property
    def is_output(self) -> bool:
        """Whether this is the output layer."""
        return self.layer > self.depth

    def one_gate(self) -> Place:
        """The block of a single gate."""
        return replace(self, shape=(self.units, *self.shape[1:]), gates=1)
