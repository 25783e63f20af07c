"""Observers: what becomes of the tensors that a probe hears, on the CPU and on a GPU.

On the CPU each tensor is measured the moment it passes, while it is still in the cache and its
memory can be used again; on a GPU all are kept until the pass is over and measured in stacks, so
that few kernels start and nothing waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from initviz.lab.activations import Activation
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES
from initviz.lab.statistics import (
    Array,
    Bins,
    DeviceStatistics,
    HostStatistics,
    histogram_from_device,
    joined,
    view,
)

Entries = Sequence[Activation | None]

_CHEAP_ROWS = tuple(name for name, entry in QUANTITIES.items() if entry.cost == "cheap")
_FULL_ROWS = tuple(name for name, entry in QUANTITIES.items() if entry.cost == "full")
_NO_BINS = Bins(np.zeros(BINS, dtype=np.int64), 0.0, 1.0)


class Observer(Protocol):
    """Is told of every layer's tensors, in any order, and sums them up."""

    #: Whether the dearer statistics and the histograms are wanted too.
    full: bool

    def layer(self, index: int, z: Tensor, a: Tensor) -> None:
        """Layer `index` computed a = φ(z), both (samples, units, …)."""

    def signal(self, index: int, gradient: Tensor) -> None:
        """∂L/∂z of layer `index` arrived."""

    def remember_weights(self) -> None:
        """Keep a copy of the weights, unless the copy made last is still what they are."""

    def measure_update(self) -> None:
        """The weights changed since they were remembered: measure by how much."""

    def finish(self) -> dict[str, Any]:
        """All quantities (L,) and histograms of the pass."""


def gradient_of(weight: Tensor) -> Tensor:
    """∂L/∂W, 0 where the loss does not depend on it."""
    return torch.zeros_like(weight) if weight.grad is None else weight.grad


def matrix(tensor: Tensor) -> Tensor:
    """The tensor as (first dimension, all others)."""
    return tensor if tensor.dim() == 2 else tensor.flatten(1)


class HostObserver:
    """Measures each tensor at once, on the CPU.

    `weights` are the parameters themselves: NumPy sees every change that an optimiser makes.
    """

    def __init__(self, weights: Sequence[Tensor], entries: Entries) -> None:
        self.full = True
        self._entries = tuple(entries)
        self._statistics = HostStatistics()
        self._parameters = tuple(weights)
        self._weights = [view(matrix(weight)) for weight in weights]
        self._before = [np.empty_like(weight) for weight in self._weights]
        self._remembered: list[int] = []
        self._weight_norms: list[float] = []
        self._update_ratios: list[float] = []
        self._clear()

    def _clear(self) -> None:
        nowhere = [math.nan] * len(self._entries)
        self._rows = {name: nowhere.copy() for name in (*_CHEAP_ROWS, *_FULL_ROWS)}
        self._bins = {name: [_NO_BINS] * len(self._entries) for name in HISTOGRAMS}

    def layer(self, index: int, z: Tensor, a: Tensor) -> None:
        rows, moments = self._rows, self._statistics.moments
        z_values, a_values = view(matrix(z)), view(matrix(a))
        rows["preactivation_mean"][index], rows["preactivation_std"][index] = moments(z_values)
        rows["activation_mean"][index], rows["activation_std"][index] = moments(a_values)
        if self.full:
            self._full(index, z_values, a_values)

    def _full(self, index: int, z: Array, a: Array) -> None:
        s, rows, entry = self._statistics, self._rows, self._entries[index]
        rows["sample_std"][index] = s.unit_std(a)
        rows["sample_correlation"][index] = s.mean_cosine(a)
        if entry is not None and entry.saturated is not None:
            rows["saturated_fraction"][index] = s.share_outside(z, entry.saturated)
        if entry is not None and entry.inactive is not None:
            rows["inactive_fraction"][index] = s.share_at_most(z, entry.inactive)
        self._bins["preactivation"][index] = s.histogram(z)
        self._bins["activation"][index] = s.histogram(a)

    def signal(self, index: int, gradient: Tensor) -> None:
        self._rows["signal_gradient_norm"][index] = self._statistics.norm(gradient.numpy())

    def remember_weights(self) -> None:
        versions = self._versions()
        if self._remembered != versions:
            for before, weight in zip(self._before, self._weights, strict=True):
                np.copyto(before, weight)
            self._weight_norms = [self._statistics.norm(weight) for weight in self._weights]
            self._remembered = versions

    def _versions(self) -> list[int]:
        """How often each weight was changed in place: what was remembered may be out of date."""
        return [weight._version for weight in self._parameters]

    def measure_update(self) -> None:
        # One layer after the other, so that each weight is fetched from memory once only.
        norm, old_norms = self._statistics.norm, self._weight_norms
        self._update_ratios, self._weight_norms = [], []
        for weight, before, old in zip(self._weights, self._before, old_norms, strict=True):
            change = norm(np.subtract(weight, before, out=before))
            self._update_ratios.append(change / old if old else math.nan)
            self._weight_norms.append(norm(weight))
            np.copyto(before, weight)
        self._remembered = self._versions()

    def finish(self) -> dict[str, Any]:
        s, rows = self._statistics, self._rows
        gradients = [view(matrix(gradient_of(weight))) for weight in self._parameters]
        self.remember_weights()
        rows["weight_norm"] = self._weight_norms
        rows["weight_gradient_norm"] = [s.norm(gradient) for gradient in gradients]
        rows["update_ratio"] = self._update_ratios or rows["update_ratio"]
        if self.full:
            rows["weight_std"] = [s.moments(weight)[1] for weight in self._weights]
            self._bins["weight"] = [s.histogram(weight) for weight in self._weights]
            self._bins["weight_gradient"] = [s.histogram(gradient) for gradient in gradients]
        names = (*_CHEAP_ROWS, *_FULL_ROWS) if self.full else _CHEAP_ROWS
        found: dict[str, Any] = {name: np.array(rows[name]) for name in names}
        if self.full:
            found |= {f"histogram of {name}": joined(bins) for name, bins in self._bins.items()}
        self._update_ratios = []
        self._clear()
        return found


class DeviceObserver:
    """Keeps every tensor until the pass is over, then measures all layers at once."""

    def __init__(self, weights: Sequence[Tensor], entries: Entries) -> None:
        self.full = True
        self._entries = tuple(entries)
        self._statistics = DeviceStatistics()
        self._weights = tuple(weights)
        self._before = [torch.empty_like(weight) for weight in weights]
        self._update_ratios: Tensor | None = None
        self._clear()

    def _clear(self) -> None:
        self._z: dict[int, Tensor] = {}
        self._a: dict[int, Tensor] = {}
        self._signal: dict[int, Tensor] = {}

    def layer(self, index: int, z: Tensor, a: Tensor) -> None:
        self._z[index], self._a[index] = matrix(z.detach()), matrix(a.detach())

    def signal(self, index: int, gradient: Tensor) -> None:
        self._signal[index] = matrix(gradient)

    @torch.no_grad()
    def remember_weights(self) -> None:
        torch._foreach_copy_(self._before, self._weights)

    @torch.no_grad()
    def measure_update(self) -> None:
        norm = self._statistics.norm
        old = norm([matrix(before) for before in self._before])
        torch._foreach_sub_(self._before, self._weights)
        change = norm([matrix(before) for before in self._before])
        self._update_ratios = torch.where(old > 0, change / old, torch.nan)

    @torch.no_grad()
    def finish(self) -> dict[str, Any]:
        s = self._statistics
        values = {
            "preactivation": _in_order(self._z),
            "activation": _in_order(self._a),
            "weight": [matrix(weight.detach()) for weight in self._weights],
            "weight_gradient": [matrix(gradient_of(weight)) for weight in self._weights],
        }
        norms = s.norm(values["weight"])
        found: dict[str, Any] = {
            "signal_gradient_norm": s.norm(_in_order(self._signal)),
            "weight_norm": norms,
            "weight_gradient_norm": s.norm(values["weight_gradient"]),
            "update_ratio": self._update_ratios,
        }
        if self._update_ratios is None:
            found["update_ratio"] = torch.full_like(norms, torch.nan)
        for name in ("preactivation", "activation"):
            found[f"{name}_mean"], found[f"{name}_std"] = s.moments(values[name])
        if self.full:
            found |= self._full(values)
        self._update_ratios = None
        self._clear()
        return found

    def _full(self, values: Mapping[str, list[Tensor]]) -> dict[str, Any]:
        s, z, a = self._statistics, values["preactivation"], values["activation"]
        saturated = [entry.saturated if entry else None for entry in self._entries]
        inactive = [entry.inactive if entry else None for entry in self._entries]
        histograms = {f"histogram of {name}": s.histogram(values[name]) for name in HISTOGRAMS}
        return histograms | {
            "sample_std": s.unit_std(a),
            "sample_correlation": s.mean_cosine(a),
            "saturated_fraction": s.share_outside(z, saturated),
            "inactive_fraction": s.share_at_most(z, inactive),
            "weight_std": s.moments(values["weight"])[1],
        }


def _in_order(tensors: Mapping[int, Tensor]) -> list[Tensor]:
    return [tensors[index] for index in sorted(tensors)]


def cross(found: Mapping[str, Any], *, force: bool = False) -> dict[str, Any]:
    """Everything as NumPy arrays and `Histogram`s; what is on a device crosses in one piece.

    Tensors that are on the CPU already are only looked at, unless `force` packs them too.
    """
    tensors = {name: value for name, value in found.items() if isinstance(value, Tensor)}
    result = {name: value for name, value in found.items() if name not in tensors}
    if not force and all(tensor.device.type == "cpu" for tensor in tensors.values()):
        return result | {name: view(tensor) for name, tensor in tensors.items()}
    dtype = next(iter(tensors.values())).dtype
    flat = torch.cat([t.detach().to(dtype).reshape(-1) for t in tensors.values()]).cpu().double()
    ends = np.cumsum([tensor.numel() for tensor in tensors.values()])[:-1]
    for (name, tensor), part in zip(tensors.items(), np.split(flat.numpy(), ends), strict=True):
        shaped = part.reshape(tuple(tensor.shape))
        result[name] = histogram_from_device(shaped) if shaped.ndim == 2 else shaped
    return result
