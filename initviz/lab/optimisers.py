"""Optimisers: one table entry for each, on PyTorch's functional form of them.

`torch.optim.Optimizer` imports PyTorch's compiler when it is made: two seconds and eight hundred
modules before the first step, for nothing that is used here. The functions below it, which do the
arithmetic, need none of that; a test compares them with the classes bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from initviz.lab.training_settings import Training


class Optimiser(Protocol):
    """Changes parameters in place, along their gradients."""

    #: η of the next step; it starts as the settings have it and may be changed between steps.
    learning_rate: float

    @property
    def step_size(self) -> float | None:
        """η where the next update is −η times the gradient and nothing else, otherwise None."""

    @property
    def updates(self) -> int:
        """How many updates were made, where the next one depends on that; otherwise 0."""

    def step(self) -> None:
        """One update."""

    def moments(self) -> dict[str, list[Tensor]]:
        """What is kept from update to update, by its name: one tensor for each parameter."""

    def restore(self, moments: Mapping[str, Sequence[Tensor]], updates: int) -> None:
        """Go on from what another optimiser of this kind has kept, as far as that is used here."""


@dataclass(frozen=True)
class OptimiserEntry:
    """One optimiser: how it is made for these parameters, and where it comes from."""

    name: str
    label: str
    source: str
    build: Callable[[Sequence[Tensor], Training], Optimiser]


class Sgd:
    """Stochastic gradient descent: v ← μ v + g, W ← W − η v (μ = 0: v = g).

    With Nesterov's momentum W ← W − η (g + μ v); weight decay adds λ W to g.
    """

    updates = 0

    def __init__(self, parameters: Sequence[Tensor], settings: Training) -> None:
        self._parameters = list(parameters)
        self._buffers: list[Tensor | None] = [None] * len(self._parameters)
        self._settings = settings
        self.learning_rate = settings.learning_rate
        self._fused = _has_kernels(self._parameters)

    @property
    def step_size(self) -> float | None:
        is_plain = self._settings.momentum == 0.0 and self._settings.weight_decay == 0.0
        return self.learning_rate if is_plain else None

    def step(self) -> None:
        import torch
        from torch.optim.sgd import sgd

        with torch.no_grad():
            sgd(
                self._parameters,
                _gradients(self._parameters),
                self._buffers,
                fused=self._fused,
                weight_decay=self._settings.weight_decay,
                momentum=self._settings.momentum,
                lr=self.learning_rate,
                dampening=0.0,
                # Without momentum there is nothing to look ahead with: PyTorch allows it not.
                nesterov=self._settings.nesterov and self._settings.momentum > 0.0,
                maximize=False,
            )

    def moments(self) -> dict[str, list[Tensor]]:
        buffers = [buffer for buffer in self._buffers if buffer is not None]
        return {"velocities": buffers} if buffers and self._settings.momentum else {}

    def restore(self, moments: Mapping[str, Sequence[Tensor]], updates: int) -> None:
        if self._settings.momentum and "velocities" in moments:
            self._buffers = [velocity.clone() for velocity in moments["velocities"]]


class Adam:
    """Adam with β₁ = 0.9, β₂ = 0.999, ε = 1e-8 (Kingma & Ba 2015, algorithm 1).

    Weight decay adds λ W to the gradient, before the moments are taken.
    """

    step_size: float | None = None
    _is_decoupled = False

    def __init__(self, parameters: Sequence[Tensor], settings: Training) -> None:
        import torch

        self._parameters = list(parameters)
        self._means = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self._squares = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self._steps = [torch.zeros((), dtype=torch.float32, device=p.device) for p in parameters]
        self._settings = settings
        self.learning_rate = settings.learning_rate
        self._fused = _has_kernels(self._parameters)

    def step(self) -> None:
        import torch
        from torch.optim.adam import adam
        from torch.optim.adamw import adamw

        with torch.no_grad():
            (adamw if self._is_decoupled else adam)(
                self._parameters,
                _gradients(self._parameters),
                self._means,
                self._squares,
                [],
                self._steps,
                fused=self._fused,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self.learning_rate,
                weight_decay=self._settings.weight_decay,
                eps=1e-8,
                maximize=False,
            )

    @property
    def updates(self) -> int:
        return int(self._steps[0])

    def moments(self) -> dict[str, list[Tensor]]:
        return {"means": self._means, "squares": self._squares}

    def restore(self, moments: Mapping[str, Sequence[Tensor]], updates: int) -> None:
        _fill(self.moments(), moments)
        for steps in self._steps:
            steps.fill_(updates)


class AdamW(Adam):
    """Adam whose weight decay is decoupled: W ← W − η λ W beside Adam's own step."""

    _is_decoupled = True


class RmsProp:
    """RMSprop with α = 0.99 and ε = 1e-8, PyTorch's own values (Hinton's lecture has α = 0.9).

    s ← α s + (1 − α) g², v ← μ v + g / (√s + ε), W ← W − η v; weight decay adds λ W to g.
    """

    step_size: float | None = None

    def __init__(self, parameters: Sequence[Tensor], settings: Training) -> None:
        import torch

        self._parameters = list(parameters)
        self._squares = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        with_buffers = parameters if settings.momentum else ()
        self._buffers = [torch.zeros_like(p, requires_grad=False) for p in with_buffers]
        self._steps = [torch.zeros((), dtype=torch.float32, device=p.device) for p in parameters]
        self._settings = settings
        self.learning_rate = settings.learning_rate
        # There is no fused kernel of it: the lists of tensors at once are what comes next.
        self._foreach = _has_kernels(self._parameters)

    def step(self) -> None:
        import torch
        from torch.optim.rmsprop import rmsprop

        with torch.no_grad():
            rmsprop(
                self._parameters,
                _gradients(self._parameters),
                self._squares,
                [],
                self._buffers,
                self._steps,
                foreach=self._foreach,
                lr=self.learning_rate,
                alpha=0.99,
                eps=1e-8,
                weight_decay=self._settings.weight_decay,
                momentum=self._settings.momentum,
                centered=False,
            )

    @property
    def updates(self) -> int:
        return int(self._steps[0])

    def moments(self) -> dict[str, list[Tensor]]:
        velocities = {"velocities": self._buffers} if self._buffers else {}
        return {"squares": self._squares, **velocities}

    def restore(self, moments: Mapping[str, Sequence[Tensor]], updates: int) -> None:
        _fill(self.moments(), moments)
        for steps in self._steps:
            steps.fill_(updates)


OPTIMISERS: dict[str, OptimiserEntry] = {
    entry.name: entry
    for entry in (
        OptimiserEntry(
            "sgd",
            "SGD",
            "Robbins & Monro 1951; momentum: Polyak 1964; Nesterov's: Sutskever et al. 2013",
            Sgd,
        ),
        OptimiserEntry("adam", "Adam", "Kingma & Ba 2015", Adam),
        OptimiserEntry("adamw", "AdamW", "Loshchilov & Hutter 2019", AdamW),
        OptimiserEntry("rmsprop", "RMSprop", "Hinton 2012, lecture 6e", RmsProp),
    )
}


def _fill(own: Mapping[str, list[Tensor]], given: Mapping[str, Sequence[Tensor]]) -> None:
    """Copy what is given into what is there, by name."""
    for name in own.keys() & given.keys():
        for tensor, other in zip(own[name], given[name], strict=True):
            tensor.copy_(other)


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Every parameter's gradient, 0 where the loss does not depend on it."""
    return [p.new_zeros(p.shape) if p.grad is None else p.grad for p in parameters]


def _has_kernels(parameters: Sequence[Tensor]) -> bool:
    """Whether many tensors go through one call here: a loop in Python costs twice as much."""
    return parameters[0].device.type in ("cpu", "cuda")
