"""A tap: where a probe hears a layer whose z and a are no module's input and output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn


class Heard(NamedTuple):
    """What a layer did in one pass.

    `z` and `a` have samples in their first dimension. The gradient of the loss with respect to
    `source`, of its last dimension only the part `block` where that is given, is ∂L/∂z. `states`
    and `cells` are h_t and c_t of a recurrent layer, from its first time step to its last.
    """

    z: Tensor
    a: Tensor
    source: Tensor
    block: slice | None = None
    states: Sequence[Tensor] = ()
    cells: Sequence[Tensor] = ()


class Tap(nn.Module):
    """Is called with a `Heard` once a pass, but only while it `is_heard`."""

    @property
    def is_heard(self) -> bool:
        """Whether anything listens: what it is called with costs memory and time to make."""
        return bool(self._forward_hooks)

    def forward(self, heard: Heard) -> Heard:
        """Nothing: listening is done by hooks."""
        return heard
