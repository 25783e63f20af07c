"""Observers: what becomes of the tensors that a probe hears, on the CPU and on a GPU.

On the CPU each tensor is measured the moment it passes, while it is still in the cache and its
memory can be used again; on a GPU all are kept until the pass is over and measured in stacks, so
that few kernels start and nothing waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

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
_Value = TypeVar("_Value")

_CHEAP_ROWS = tuple(name for name, entry in QUANTITIES.items() if entry.cost == "cheap")
_FULL_ROWS = tuple(name for name, entry in QUANTITIES.items() if entry.cost == "full")
#: Ratios of update to weight above which rounding changes an update by less than a thousandth,
#: by the bytes of a value.
_FAR_ABOVE_ROUNDING = {4: 1e-4, 8: 1e-12}
_NO_BINS = Bins(np.zeros(BINS, dtype=np.int64), 0.0, 1.0)


class Observer(Protocol):
    """Is told of every layer's tensors, in any order, and sums them up."""

    #: Whether the dearer statistics and the histograms are wanted too.
    full: bool

    def forget(self) -> None:
        """Nothing is heard from now on: what was measured last says nothing of what comes."""

    def layer(self, index: int, z: Tensor, a: Tensor) -> None:
        """Layer `index` computed a = φ(z), both (samples, units, …)."""

    def signal(self, index: int, gradient: Tensor) -> None:
        """∂L/∂z of layer `index` arrived."""

    def state(self, name: str, time: int, gradient: Tensor) -> None:
        """The gradient whose norm is the quantity `name` at this time step arrived."""

    def before_update(self, step_size: float | None) -> None:
        """The weights are about to change; by −step_size · ∂L/∂W and rounding, if it is given."""

    def after_update(self) -> None:
        """The weights changed: measure ‖ΔW‖ / ‖W‖, W being the weights before."""

    def finish(self) -> dict[str, Any]:
        """All quantities (L,), those along time (T,), and histograms of the pass."""


def gradient_of(weight: Tensor) -> Tensor:
    """∂L/∂W, 0 where the loss does not depend on it."""
    return torch.zeros_like(weight) if weight.grad is None else weight.grad


def values_of(tensor: Tensor) -> Array:
    """The tensor as a matrix, (first dimension, all others): its own memory where it can be."""
    # Called for every tensor of every measured step: nothing is done that need not be.
    array: Array = tensor.detach().numpy()
    return array if array.ndim == 2 else array.reshape(len(array), -1)


def matrix(tensor: Tensor) -> Tensor:
    """The tensor as (first dimension, all others)."""
    return tensor if tensor.dim() == 2 else tensor.flatten(1)


@dataclass(frozen=True)
class _Norms:
    """Norms of all weights, and of their gradients if these are known."""

    weights: list[float]
    gradients: list[float]


class HostObserver:
    """Measures each tensor at once, on the CPU.

    `weights` are the parameters themselves: NumPy sees every change that an optimiser makes.
    """

    def __init__(self, weights: Sequence[Tensor], entries: Entries) -> None:
        self.full = True
        self._entries = tuple(entries)
        self._statistics = HostStatistics()
        self._parameters = tuple(weights)
        # Whatever their order in memory, these are no copies: a copy would not see an update.
        self._weights = [view(weight) for weight in weights]
        self._before = [np.empty_like(weight) for weight in self._weights]
        self._is_copied = [False] * len(weights)
        self._norms: _Norms | None = None
        self._old_norms: list[float] = []
        self._update_ratios: list[float] = []
        self._clear()

    def _clear(self) -> None:
        nowhere = [math.nan] * len(self._entries)
        self._rows = {name: nowhere.copy() for name in (*_CHEAP_ROWS, *_FULL_ROWS)}
        self._bins = {name: [_NO_BINS] * len(self._entries) for name in HISTOGRAMS}
        self._states: dict[str, dict[int, float]] = {}

    def forget(self) -> None:
        self._norms = None

    def layer(self, index: int, z: Tensor, a: Tensor) -> None:
        self._norms = None
        rows, moments = self._rows, self._statistics.moments
        z_values, a_values = values_of(z), values_of(a)
        rows["preactivation_mean"][index], rows["preactivation_std"][index] = moments(z_values)
        rows["activation_mean"][index], rows["activation_std"][index] = moments(a_values)
        # The weight was used a moment ago: now it is in the cache, after the pass it is not.
        rows["weight_norm"][index] = self._statistics.norm(self._weights[index])
        if self.full:
            self._full(index, z_values, a_values)

    def _full(self, index: int, z: Array, a: Array) -> None:
        s, rows, entry = self._statistics, self._rows, self._entries[index]
        rows["sample_std"][index], rows["sample_correlation"][index] = s.dependence(a)
        if entry is not None and entry.saturated is not None:
            rows["saturated_fraction"][index] = s.share_outside(z, entry.saturated)
        if entry is not None and entry.inactive is not None:
            rows["inactive_fraction"][index] = s.share_at_most(z, entry.inactive)
        self._bins["preactivation"][index] = s.histogram(z)
        self._bins["activation"][index] = s.histogram(a)

    def signal(self, index: int, gradient: Tensor) -> None:
        self._rows["signal_gradient_norm"][index] = self._statistics.norm(gradient.numpy())

    def state(self, name: str, time: int, gradient: Tensor) -> None:
        self._states.setdefault(name, {})[time] = self._statistics.norm(gradient.numpy())

    def before_update(self, step_size: float | None) -> None:
        norms = self._norms or _Norms([self._statistics.norm(w) for w in self._weights], [])
        gradients, self._update_ratios = norms.gradients, []
        for index, (weight, old) in enumerate(zip(self._weights, norms.weights, strict=True)):
            # Where the step is known and far larger than the rounding of W, there is no need to
            # copy W, subtract, and drive everything else out of the cache.
            known = step_size * gradients[index] if step_size is not None and gradients else 0.0
            self._update_ratios.append(known / old if old else math.nan)
            self._is_copied[index] = not known > _FAR_ABOVE_ROUNDING[weight.itemsize] * old
            if self._is_copied[index]:
                np.copyto(self._before[index], weight)
        self._old_norms = norms.weights

    def after_update(self) -> None:
        norm = self._statistics.norm
        for index, old in enumerate(self._old_norms):
            if self._is_copied[index] and old:
                before = self._before[index]
                change = norm(np.subtract(self._weights[index], before, out=before))
                self._update_ratios[index] = change / old

    def finish(self) -> dict[str, Any]:
        s, rows = self._statistics, self._rows
        gradients = [values_of(gradient_of(weight)) for weight in self._parameters]
        rows["weight_gradient_norm"] = [s.norm(gradient) for gradient in gradients]
        self._norms = _Norms(rows["weight_norm"], rows["weight_gradient_norm"])
        rows["update_ratio"] = self._update_ratios or rows["update_ratio"]
        if self.full:
            rows["weight_std"] = [s.moments(weight)[1] for weight in self._weights]
            self._bins["weight"] = [s.histogram(weight) for weight in self._weights]
            self._bins["weight_gradient"] = [s.histogram(gradient) for gradient in gradients]
        names = (*_CHEAP_ROWS, *_FULL_ROWS) if self.full else _CHEAP_ROWS
        found: dict[str, Any] = {name: np.array(rows[name]) for name in names}
        found |= {name: np.array(_in_order(norms)) for name, norms in self._states.items()}
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
        self._states: dict[str, dict[int, Tensor]] = {}

    def forget(self) -> None:
        pass  # nothing is kept from one pass to the next

    def layer(self, index: int, z: Tensor, a: Tensor) -> None:
        self._z[index], self._a[index] = matrix(z.detach()), matrix(a.detach())

    def signal(self, index: int, gradient: Tensor) -> None:
        self._signal[index] = matrix(gradient)

    def state(self, name: str, time: int, gradient: Tensor) -> None:
        self._states.setdefault(name, {})[time] = matrix(gradient)

    @torch.no_grad()
    def before_update(self, step_size: float | None) -> None:
        torch._foreach_copy_(self._before, self._weights)

    @torch.no_grad()
    def after_update(self) -> None:
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
        found |= {name: s.norm(_in_order(states)) for name, states in self._states.items()}
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
        sample_std, sample_correlation = s.dependence(a)
        histograms = {f"histogram of {name}": s.histogram(values[name]) for name in HISTOGRAMS}
        return histograms | {
            "sample_std": sample_std,
            "sample_correlation": sample_correlation,
            "saturated_fraction": s.share_outside(z, saturated),
            "inactive_fraction": s.share_at_most(z, inactive),
            "weight_std": s.moments(values["weight"])[1],
        }


def _in_order(values: Mapping[int, _Value]) -> list[_Value]:
    return [values[index] for index in sorted(values)]


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
