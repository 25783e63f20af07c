"""The fully connected network: every unit sees all units of the layer before."""

from __future__ import annotations

from torch import nn

from initviz.lab.network_settings import Network as NetworkSettings
from initviz.lab.networks.feedforward import FeedForward
from initviz.lab.networks.parts import Linear


class FullyConnected(FeedForward):
    """Inputs and activations are (N, units)."""

    def _linear(self, _settings: NetworkSettings, fan_in: int, width: int) -> Linear:
        return Linear(fan_in, width)

    def _normalisation(self, name: str, width: int) -> nn.Module | None:
        if name == "batch":
            return nn.BatchNorm1d(width, track_running_stats=False)
        return nn.LayerNorm(width) if name == "layer" else None
