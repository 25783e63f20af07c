"""The probe: what every layer does during one step, heard through hooks.

It attaches to any `nn.Module` whose layers are named (`watch` finds them), reads what a forward
and backward pass computes anyway, and changes nothing: with and without it, training gives the
same weights, bit for bit.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from initviz.lab.activations import ACTIVATIONS, Activation
from initviz.lab.networks.recurrent import RecurrentLayer
from initviz.lab.networks.tap import Heard, Tap
from initviz.lab.observers import DeviceObserver, HostObserver, Observer
from initviz.lab.quantities import Cost
from initviz.lab.snapshot import Floats

#: Units whose weights and biases are closer than this, relative to their norm, are the same.
SAME_UNIT = 1e-6


@dataclass(frozen=True)
class Watched:
    """One layer: its weight (and biases), and the module that computes a = φ(z).

    Where `activate` is None (an output layer), z and a are what `linear` gives. Where there is a
    `tap`, the layer tells z and a there. `activation` is the table's entry for φ, None where φ is
    not in the table: then what needs φ′ is NaN. A unit is `gates` rows of the weight.
    """

    name: str
    linear: nn.Module
    activate: nn.Module | None
    activation: Activation | None
    tap: Tap | None = None
    gates: int = 1

    @property
    def heard_at(self) -> nn.Module:
        """The module whose forward pass is to be hooked."""
        return self.tap or self.activate or self.linear

    def heard(self, inputs: tuple[Any, ...], output: Any) -> Heard:
        """What `heard_at` was given and gave."""
        if self.tap is not None:
            heard: Heard = output
            return heard
        z = output if self.activate is None else inputs[0]
        return Heard(z, output, z)

    @property
    def weight(self) -> Tensor:
        """The parameter W itself."""
        weight = self.linear.weight
        assert isinstance(weight, Tensor)
        return weight

    def units(self) -> Tensor:
        """All weights and biases of each unit: (units, numbers)."""
        rows = self.weight.detach().flatten(1)
        own = self.linear.parameters(recurse=False)
        biases = [p.detach()[:, None] for p in own if p.shape == rows.shape[:1]]
        whole: Tensor = torch.cat([rows, *biases], 1)
        by_gate = whole.reshape(self.gates, -1, whole.shape[1])
        return by_gate.transpose(0, 1).flatten(1)

    def dead_share(self, z: Tensor) -> Tensor:
        """The share of units that are inactive in all of z; NaN where that is not defined."""
        limit = self.activation.inactive if self.activation is not None else None
        if limit is None:
            return torch.full((), torch.nan, dtype=z.dtype, device=z.device)
        # Channels stand first after the samples, other units last.
        axis = 1 if self.weight.dim() > 2 else z.dim() - 1
        greatest = z.amax([dim for dim in range(z.dim()) if dim != axis])
        return (greatest <= limit).to(z.dtype).mean()


def watch(module: nn.Module, names: Sequence[str] | None = None) -> tuple[Watched, ...]:
    """The layers of any module, in the order of registration.

    A layer is a module with a weight of two or more dimensions that does not normalise; φ is the
    first activation module registered after it and before the next layer. PyTorch's own RNN, LSTM
    and GRU hide what happens inside and are passed over; those of `initviz.lab.networks` are
    layers. Without `names`, layers are called "hidden 1", …, and "output" for the last.

    Raises:
        ValueError: where an activation overwrites its input: z would be gone.
    """
    found: list[_Found] = []
    for part in module.modules():
        weight = getattr(part, "weight", None)
        if isinstance(part, RecurrentLayer):
            found.append(_Found(part, part.activate, part.tap, part.gates))
        elif any(part.children()) or isinstance(part, nn.LayerNorm | nn.RMSNorm):
            continue
        elif isinstance(weight, Tensor) and weight.dim() >= 2:
            found.append(_Found(part))
        elif found and found[-1].activate is None and type(part).__name__ in _ENTRY_OF_MODULE:
            if getattr(part, "inplace", False):
                raise ValueError(f"{part} overwrites what it is given: use inplace=False")
            found[-1] = found[-1]._replace(activate=part)
    if names is None:
        names = [*(f"hidden {i}" for i in range(1, len(found))), "output"]
    return tuple(
        Watched(name, linear, activate, _entry_of(activate), tap, gates)
        for name, (linear, activate, tap, gates) in zip(names, found, strict=True)
    )


class _Found(NamedTuple):
    linear: nn.Module
    activate: nn.Module | None = None
    tap: Tap | None = None
    gates: int = 1


_ENTRY_OF_MODULE: Mapping[str, Activation] = {
    type(entry.module(0.01)).__name__: entry for entry in ACTIVATIONS.values()
}


def _entry_of(activate: nn.Module | None) -> Activation | None:
    return _ENTRY_OF_MODULE.get(type(activate).__name__)


class Probe:
    """Measures the quantities of `initviz.lab.quantities` at every watched layer."""

    def __init__(self, layers: Sequence[Watched]) -> None:
        self.layers = tuple(layers)
        weights = [layer.weight for layer in self.layers]
        on_host = all(weight.device.type == "cpu" for weight in weights)
        entries = [layer.activation for layer in self.layers]
        observer = HostObserver if on_host else DeviceObserver
        self._observer: Observer = observer(weights, entries)
        tapped = [index for index, layer in enumerate(self.layers) if layer.tap is not None]
        #: The layer whose states are followed through time.
        self._last_tapped = tapped[-1] if tapped else None
        self._hooks: list[RemovableHandle] = []

    def listen(self, costs: frozenset[Cost]) -> None:
        """Hear the next passes with gradients, as far as `costs` asks; nothing where it is empty.

        Hooks cost a step a few per cent, so they hang only while somebody measures.
        """
        self._observer.full = "full" in costs
        if costs and not self._hooks:
            hooks = [self._hook(index, layer) for index, layer in enumerate(self.layers)]
            pairs = zip(self.layers, hooks, strict=True)
            self._hooks = [layer.heard_at.register_forward_hook(hook) for layer, hook in pairs]
        elif not costs:
            for handle in self._hooks:
                handle.remove()
            self._hooks = []
            self._observer.forget()

    def _hook(self, index: int, layer: Watched) -> Callable[..., None]:
        return self._hook_of_module(index, layer) if layer.tap is None else self._hook_of_tap(index)

    def _hook_of_module(self, index: int, layer: Watched) -> Callable[..., None]:
        # Called for every layer of every measured step: nothing is done that need not be.
        hear, hear_signal = self._observer.layer, self._observer.signal
        is_measured, is_linear = torch.is_grad_enabled, layer.activate is None

        def on_gradient(gradient: Tensor | None) -> None:
            if gradient is not None:  # nothing comes where only its neighbour in a node is used
                hear_signal(index, gradient)

        def on_gradients(gradients: tuple[Tensor | None, ...]) -> None:
            on_gradient(gradients[0])

        def on_forward(_module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            if not is_measured():
                return  # a look at other samples between two steps
            z = output if is_linear else inputs[0]
            hear(index, z, output)
            node = z.grad_fn
            # What made z is told the same gradient as z, and is told of a hook in half the time.
            if node is not None and z.output_nr == 0:
                node.register_prehook(on_gradients)
            elif z.requires_grad:
                z.register_hook(on_gradient)

        return on_forward

    def _hook_of_tap(self, index: int) -> Callable[..., None]:
        observer, follows_states = self._observer, index == self._last_tapped

        def on_forward(_module: nn.Module, _inputs: tuple[Any, ...], heard: Heard) -> None:
            if not torch.is_grad_enabled():
                return
            observer.layer(index, heard.z, heard.a)
            if not heard.source.requires_grad:
                return
            block = heard.block

            def on_gradient(gradient: Tensor) -> None:
                observer.signal(index, gradient if block is None else gradient[..., block])

            heard.source.register_hook(on_gradient)
            if follows_states:
                self._follow("state_gradient_norm", heard.states)
                self._follow("cell_gradient_norm", heard.cells)

        return on_forward

    def _follow(self, name: str, states: Sequence[Tensor]) -> None:
        for time, state in enumerate(states):
            state.register_hook(partial(self._observer.state, name, time))

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
        as "histogram of …"; of recurrent networks also the quantities along time (T,). Call it
        after the backward pass.
        """
        return self._observer.finish()

    def read_units(self, forward: Callable[[Tensor], Tensor], inputs: Tensor) -> dict[str, Any]:
        """Dead and distinct units, by a forward pass of `inputs` (N, D) without gradients.

        A unit is dead if it is inactive on every one of the inputs; a channel at all positions
        too, a recurrent unit at all times.
        """
        dead: list[Tensor] = []

        def hear(layer: Watched) -> RemovableHandle:
            def on_forward(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
                dead.append(layer.dead_share(layer.heard(inputs, output).z))

            return layer.heard_at.register_forward_hook(on_forward)

        handles = [hear(layer) for layer in self.layers]
        try:
            with torch.no_grad():
                forward(inputs)
        finally:
            for handle in handles:
                handle.remove()
        distinct = np.array([float(distinct_rows(rows)) for rows in _all_units(self.layers)])
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


def _all_units(layers: Sequence[Watched]) -> list[Floats]:
    """The units of every layer; they cross in one piece."""
    found = [layer.units() for layer in layers]
    flat = torch.cat([units.flatten() for units in found]).cpu().double().numpy()
    ends = np.cumsum([units.numel() for units in found])[:-1]
    parts = zip(np.split(flat, ends), found, strict=True)
    return [part.reshape(tuple(units.shape)) for part, units in parts]
