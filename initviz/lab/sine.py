"""The sine as a module: PyTorch has none."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Sine(nn.Module):
    """sin z."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.sin(z)
