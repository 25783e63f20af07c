"""The probe: what every layer does during one step, heard through hooks.

It attaches to any `nn.Module` whose layers are named (`watch` finds them), reads what a forward
and backward pass computes anyway, and changes nothing: with and without it, training gives the
same weights, bit for bit.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from initviz.lab.activations import ACTIVATIONS, Activation
from initviz.lab.observers import DeviceObserver, HostObserver, Observer
from initviz.lab.quantities import Cost
from initviz.lab.snapshot import Floats

#: Rows of [W b] closer than this, relative to their norm, are the same unit.
SAME_UNIT = 1e-6


@dataclass(frozen=True)
class Watched:
    """One layer: its weight (and bias), and the module that computes a = φ(z).

    Where `activate` is None (an output layer), z and a are what `linear` gives. `activation` is
    the table's entry for φ, None where φ is not in the table: then what needs φ′ is NaN.
    """

    name: str
    linear: nn.Module
    activate: nn.Module | None
    activation: Activation | None


def watch(module: nn.Module, names: Sequence[str] | None = None) -> tuple[Watched, ...]:
    """The layers of any module, in the order of registration.

    A layer is a module with a weight of two or more dimensions; φ is the first activation module
    registered after it and before the next layer. Without `names`, layers are called "hidden 1",
    …, and "output" for the last.
    """
    found: list[tuple[nn.Module, nn.Module | None]] = []
    for part in _leaves(module):
        weight = getattr(part, "weight", None)
        if isinstance(weight, Tensor) and weight.dim() >= 2:
            found.append((part, None))
        elif found and found[-1][1] is None and type(part).__name__ in _ENTRY_OF_MODULE:
            found[-1] = (found[-1][0], part)
    if names is None:
        names = [*(f"hidden {i}" for i in range(1, len(found))), "output"]
    return tuple(
        Watched(name, linear, activate, _ENTRY_OF_MODULE.get(type(activate).__name__))
        for name, (linear, activate) in zip(names, found, strict=True)
    )


def _leaves(module: nn.Module) -> Iterator[nn.Module]:
    return (part for part in module.modules() if not list(part.children()))


_ENTRY_OF_MODULE: Mapping[str, Activation] = {
    type(entry.module(0.01)).__name__: entry for entry in ACTIVATIONS.values()
}


class Probe:
    """Measures the quantities of `initviz.lab.quantities` at every watched layer."""

    def __init__(self, layers: Sequence[Watched]) -> None:
        self.layers = tuple(layers)
        self._modules = [layer.activate or layer.linear for layer in self.layers]
        weights = [_weight(layer) for layer in self.layers]
        on_host = all(weight.device.type == "cpu" for weight in weights)
        entries = [layer.activation for layer in self.layers]
        observer = HostObserver if on_host else DeviceObserver
        self._observer: Observer = observer(weights, entries)
        self._hooks: list[RemovableHandle] = []

    def listen(self, costs: frozenset[Cost]) -> None:
        """Hear the next passes as far as `costs` asks; nothing where it is empty.

        Hooks cost a step a few per cent, so they hang only while somebody measures.
        """
        self._observer.full = "full" in costs
        if costs and not self._hooks:
            hooks = [self._hook(i, layer.activate is None) for i, layer in enumerate(self.layers)]
            pairs = zip(self._modules, hooks, strict=True)
            self._hooks = [module.register_forward_hook(hook) for module, hook in pairs]
        elif not costs:
            for handle in self._hooks:
                handle.remove()
            self._hooks = []
            self._observer.forget()

    def _hook(self, index: int, is_output: bool) -> Callable[..., None]:
        observer = self._observer

        def on_gradient(gradient: Tensor) -> None:
            observer.signal(index, gradient)

        def on_forward(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            z = output if is_output else inputs[0]
            observer.layer(index, z, output)
            if z.requires_grad:
                z.register_hook(on_gradient)

        return on_forward

    def before_update(self, step_size: float | None = None) -> None:
        """Get ready to tell what the optimiser changes.

        `step_size` is η where the update will be −η ∂L/∂W up to rounding (plain gradient descent).
        """
        self._observer.before_update(step_size)

    def after_update(self) -> None:
        """Measure ‖ΔW‖ / ‖W‖ of the update since `before_update`, W being the weights before."""
        self._observer.after_update()

    def read(self) -> dict[str, Any]:
        """What the last heard step gives, still where it was computed (see `cross`).

        Quantities (L,) and histograms under their names in `initviz.lab.quantities`, histograms
        as "histogram of …". Call it after the backward pass.
        """
        return self._observer.finish()

    def read_units(self, forward: Callable[[Tensor], Tensor], inputs: Tensor) -> dict[str, Any]:
        """Dead and distinct units, by a forward pass of `inputs` (N, D) without gradients.

        A unit is dead if it is inactive on every one of the inputs.
        """
        dead: list[Tensor] = []
        limits = [entry.inactive if (entry := layer.activation) else None for layer in self.layers]

        def count(z: Tensor, limit: float | None) -> None:
            share = (z.flatten(1).amax(0) <= limit).to(z.dtype).mean() if limit is not None else nan
            dead.append(share)

        nan = torch.full((), torch.nan, dtype=inputs.dtype, device=inputs.device)
        handles = [
            module.register_forward_hook(
                lambda _m, inp, out, limit=limit, last=layer.activate is None: count(
                    out if last else inp[0], limit
                )
            )
            for module, layer, limit in zip(self._modules, self.layers, limits, strict=True)
        ]
        try:
            with torch.no_grad():
                forward(inputs)
        finally:
            for handle in handles:
                handle.remove()
        distinct = np.array([float(distinct_rows(rows)) for rows in _all_rows(self.layers)])
        return {"dead_fraction": torch.stack(dead), "distinct_units": distinct}


def distinct_rows(rows: Floats) -> int:
    """How many of the rows (n, d) differ by more than `SAME_UNIT`, relative to the larger norm.

    Rows are ordered along one fixed direction first: equal rows lie together there, so that only
    neighbours need a second look. A row with NaN or infinity equals no other.
    """
    finite = np.isfinite(rows).all(axis=1)
    strange, rows = int((~finite).sum()), rows[finite]
    largest = np.abs(rows).max(initial=0.0)
    if largest == 0.0:
        return strange + min(len(rows), 1)
    rows = rows / largest
    direction = np.cos(np.arange(rows.shape[1]) + 1.0)
    place = rows @ (direction / np.linalg.norm(direction))
    rows = rows[np.argsort(place, kind="stable")]
    place = np.sort(place, kind="stable")
    # Rows that are the same unit have the same norm up to SAME_UNIT, hence the small allowance.
    reach = 1.001 * SAME_UNIT * np.sqrt(np.einsum("ij,ij->i", rows, rows))
    kept: list[int] = []
    for row in range(len(rows)):
        first = int(np.searchsorted(place, place[row] - reach[row]))
        near = kept[bisect.bisect_left(kept, first) :]
        if not any(_same(rows[row], rows[other]) for other in reversed(near)):
            kept.append(row)
    return strange + len(kept)


def _same(a: Floats, b: Floats) -> bool:
    difference = a - b
    larger = max(float(np.vdot(a, a)), float(np.vdot(b, b)))
    return float(np.vdot(difference, difference)) <= SAME_UNIT**2 * larger


def _weight(layer: Watched) -> Tensor:
    weight = layer.linear.weight
    assert isinstance(weight, Tensor)
    return weight


def _all_rows(layers: Sequence[Watched]) -> list[Floats]:
    """[W b] of every layer, (fan_out, fan_in + 1) or without a bias; they cross in one piece."""
    found = [_rows(layer) for layer in layers]
    flat = torch.cat([rows.flatten() for rows in found]).cpu().double().numpy()
    ends = np.cumsum([rows.numel() for rows in found])[:-1]
    parts = zip(np.split(flat, ends), found, strict=True)
    return [part.reshape(tuple(rows.shape)) for part, rows in parts]


def _rows(layer: Watched) -> Tensor:
    weight = _weight(layer).detach().flatten(1)
    bias = layer.linear.bias
    return torch.cat([weight, bias.detach()[:, None]], 1) if isinstance(bias, Tensor) else weight
