"""The plain deep convolutional network (as in Xiao et al. 2018).

Every layer has k × k kernels and stride 1 and keeps the image's size, so that depth is all that
distinguishes the layers. The output layer reads each channel's mean over the positions.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment
from initviz.lab.network_settings import Network as NetworkSettings
from initviz.lab.networks.feedforward import FeedForward
from initviz.lab.networks.parts import Convolution


class Convolutional(FeedForward):
    """Inputs (N, D) are read as images; activations are (N, channels, height, width)."""

    def __init__(self, experiment: Experiment, data: Description, dropout: torch.Generator) -> None:
        super().__init__(experiment, data, dropout)
        self._shape = data.shape
        _check_reach(experiment.network, data.shape)

    def _linear(self, settings: NetworkSettings, fan_in: int, width: int) -> Convolution:
        size = settings.kernel_size
        mode: Literal["circular", "zeros"] = (
            "circular" if settings.padding == "circular" else "zeros"
        )
        return Convolution(fan_in, width, size, padding=size // 2, padding_mode=mode)

    def _normalisation(self, name: str, width: int) -> nn.Module | None:
        if name == "batch":
            return nn.BatchNorm2d(width, track_running_stats=False)
        # One group of all channels: each sample's layer is normalised over channels and positions.
        return nn.GroupNorm(1, width) if name == "layer" else None

    def _arranged(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1, *self._shape)

    def _pooled(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


def _check_reach(settings: NetworkSettings, shape: tuple[int, ...]) -> None:
    """Circular padding can wrap an image around once, not more often."""
    smallest = min(shape[1:])
    if settings.padding == "circular" and settings.kernel_size // 2 > smallest:
        raise ValueError(
            f"network.kernel_size = {settings.kernel_size} is not allowed with network.padding = "
            f"'circular' on images of {shape[1]} × {shape[2]}: at most {2 * smallest + 1}, or "
            "network.padding = 'zeros'"
        )
