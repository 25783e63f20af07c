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
from initviz.lab.quantities import HISTOGRAMS
from initviz.lab.snapshot import Floats
from initviz.lab.statistics.compiled import host_statistics
from initviz.lab.statistics.device import DeviceStatistics, histogram_from_device
from initviz.lab.statistics.host import Description, HistogramRows, view

Entries = Sequence[Activation | None]
Row = tuple[float, float, float, float, float]
_Value = TypeVar("_Value")

#: What `HostStatistics.passed` gives of a layer, in its order.
_PASSED = (
    "preactivation_mean",
    "preactivation_std",
    "activation_mean",
    "activation_std",
    "weight_norm",
)
#: The dearer statistics of a layer, in the order of `HostObserver._shares`, and one more.
_DEARER = (
    "sample_std",
    "sample_correlation",
    "saturated_fraction",
    "inactive_fraction",
    "weight_std",
)
#: Ratios of update to weight above which rounding, of half a unit in the last place of W, changes
#: an update by less than a thousandth; by the bytes of a value.
_FAR_ABOVE_ROUNDING = {4: 2.0**-24 / 1e-3, 8: 2.0**-53 / 1e-3}
_NOTHING: Row = (math.nan,) * 5


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

    `weights` are the parameters themselves: every change that an optimiser makes is seen.
    """

    def __init__(self, weights: Sequence[Tensor], entries: Entries) -> None:
        self.full = True
        self._entries = tuple(entries)
        self._statistics = host_statistics()
        self._parameters = tuple(weights)
        # Whatever their order in memory, these are no copies: a copy would not see an update.
        self._weights = [weight.detach() for weight in weights]
        self._before = [torch.empty_like(weight) for weight in self._weights]
        self._is_copied = False
        self._far_above_rounding = [_FAR_ABOVE_ROUNDING[weight.itemsize] for weight in weights]
        self._norms: _Norms | None = None
        self._old_norms: list[float] = []
        self._update_ratios: list[float] = []
        self._clear()

    def _clear(self) -> None:
        layers = len(self._entries)
        self._passed = [_NOTHING] * layers
        self._dearer = [_NOTHING] * layers
        self._signals = [math.nan] * layers
        self._histograms: dict[str, HistogramRows] = {}
        self._states: dict[str, dict[int, float]] = {}

    def forget(self) -> None:
        self._norms = None

    def layer(self, index: int, z: Tensor, a: Tensor) -> None:
        # The weight was used a moment ago: now it is in the cache, after the pass it is not.
        weight = self._weights[index]
        self._norms = None
        if not self.full:
            self._passed[index] = self._statistics.passed(z, a, weight)
            return
        z_mean, z_std, _ = self._describe("preactivation", index, z)
        a_mean, a_std, _ = self._describe("activation", index, a)
        _, weight_std, norm = self._describe("weight", index, weight)
        self._passed[index] = z_mean, z_std, a_mean, a_std, norm
        self._dearer[index] = *self._shares(self._entries[index], z, a), weight_std

    def _describe(self, name: str, index: int, values: Tensor) -> Description:
        rows = self._histograms.get(name)
        if rows is None:
            rows = self._histograms[name] = HistogramRows(len(self._entries))
        return self._statistics.describe(values, rows, index)

    def _shares(
        self, entry: Activation | None, z: Tensor, a: Tensor
    ) -> tuple[float, float, float, float]:
        """How much a depends on the sample, in two ways, and the saturated and inactive shares."""
        s, saturated, inactive = self._statistics, math.nan, math.nan
        if entry is not None and entry.saturated is not None:
            saturated = s.share_outside(z, entry.saturated)
        if entry is not None and entry.inactive is not None:
            inactive = s.share_at_most(z, entry.inactive)
        return *s.dependence(a), saturated, inactive

    def signal(self, index: int, gradient: Tensor) -> None:
        self._signals[index] = self._statistics.norm(gradient)

    def state(self, name: str, time: int, gradient: Tensor) -> None:
        self._states.setdefault(name, {})[time] = self._statistics.norm(gradient)

    def before_update(self, step_size: float | None) -> None:
        norms = self._norms or _Norms([self._statistics.norm(w) for w in self._weights], [])
        self._old_norms, self._update_ratios = norms.weights, []
        self._is_copied = True
        if step_size is None or not norms.gradients:
            torch._foreach_copy_(self._before, self._weights)
            return
        self._is_copied = False
        for index, (old, gradient) in enumerate(zip(norms.weights, norms.gradients, strict=True)):
            change = step_size * gradient
            if not change > self._far_above_rounding[index] * old:
                change = self._change(index, step_size)
            self._update_ratios.append(change / old if old else math.nan)

    def _change(self, index: int, step_size: float) -> float:
        """What plain gradient descent is about to change, as it is rounded."""
        gradient = gradient_of(self._parameters[index])
        return self._statistics.change(self._weights[index], gradient, step_size)

    def after_update(self) -> None:
        if self._is_copied:
            pairs = zip(self._weights, self._before, self._old_norms, strict=True)
            self._update_ratios = [
                self._statistics.distance(weight, before) / old if old else math.nan
                for weight, before, old in pairs
            ]

    def finish(self) -> dict[str, Any]:
        norms = [self._gradient_norm(index) for index in range(len(self._parameters))]
        self._norms = _Norms([row[-1] for row in self._passed], norms)
        nowhere = [math.nan] * len(norms)
        found: dict[str, Any] = {
            **_columns(_PASSED, self._passed),
            "signal_gradient_norm": np.array(self._signals),
            "weight_gradient_norm": np.array(norms),
            "update_ratio": np.array(self._update_ratios or nowhere),
        }
        found |= {name: np.array(_in_order(norms)) for name, norms in self._states.items()}
        if self.full:
            found |= _columns(_DEARER, self._dearer)
            counted = self._histograms.items()
            found |= {f"histogram of {name}": rows.histogram() for name, rows in counted}
        self._update_ratios = []
        self._clear()
        return found

    def _gradient_norm(self, index: int) -> float:
        gradient = gradient_of(self._parameters[index])
        if self.full:
            return self._describe("weight_gradient", index, gradient)[2]
        return self._statistics.norm(gradient)


def _columns(names: Sequence[str], rows: Sequence[Row]) -> dict[str, Floats]:
    """What the rows have in each place, by its name."""
    columns: Floats = np.ascontiguousarray(np.array(rows).T)
    return dict(zip(names, columns, strict=True))


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
