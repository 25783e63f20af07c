"""Gradient clipping by the norm over all parameters (Pascanu, Mikolov & Bengio 2013).

The same as `torch.nn.utils.clip_grad_norm_`, except that the norm is honest: float32 squares lose
everything below about 1e-22 and above 1e19, so that PyTorch's own would take tiny gradients for 0
and large ones for infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from initviz.lab.observers import matrix
from initviz.lab.statistics.compiled import host_statistics
from initviz.lab.statistics.device import DeviceStatistics

#: Between these, a norm that was taken by float32 squares has lost nothing that counts.
_SAFE = (1e-12, 1e18)
#: What PyTorch adds to the norm before it divides by it.
_EPSILON = 1e-6


class Clipped(NamedTuple):
    """The norm over all gradients before and after clipping, and what all were multiplied by."""

    norm: float
    clipped_norm: float
    factor: float


class Clipping:
    """Shortens the gradients of these parameters to at most `limit`.

    A non-finite norm does what it does in PyTorch (`error_if_nonfinite=False`): with an infinite
    gradient all finite ones become 0, and with a NaN all become NaN.
    """

    def __init__(self, parameters: Sequence[Tensor], limit: float) -> None:
        self._parameters = tuple(parameters)
        self._limit = limit

    @torch.no_grad()
    def clip(self) -> Clipped:
        """Clip the gradients that the parameters have now, in place."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        on_host = all(gradient.device.type == "cpu" for gradient in gradients)
        norm = (norm_on_host if on_host else norm_on_device)(gradients)
        factor = self._limit / (norm + _EPSILON)
        if factor >= 1.0:
            return Clipped(norm, norm, 1.0)
        torch._foreach_mul_(gradients, factor)
        return Clipped(norm, norm * factor, factor)


def norm_on_host(tensors: list[Tensor]) -> float:
    """The norm over all tensors, which are on the CPU."""
    statistics = host_statistics()
    norms = [statistics.norm(tensor) for tensor in tensors]
    return statistics.norm(torch.tensor(norms, dtype=torch.float64))


def norm_on_device(tensors: list[Tensor]) -> float:
    """The same, wherever they are: few kernels first, and more only where those are not enough."""
    norm = _over(torch.stack(torch._foreach_norm(tensors)))
    if _SAFE[0] < norm < _SAFE[1] or math.isnan(norm):
        return norm
    rows = [matrix(torch.atleast_2d(tensor)) for tensor in tensors]
    exact = _over(DeviceStatistics().norm(rows))
    return math.inf if math.isnan(exact) else exact  # there infinity over infinity is NaN


def _over(norms: Tensor) -> float:
    return host_statistics().norm(norms.cpu().double())
