"""Optimisers: one table entry for each, on PyTorch's functional form of them.

`torch.optim.Optimizer` imports PyTorch's compiler when it is made: two seconds and eight hundred
modules before the first step, for nothing that is used here. The functions below it, which do the
arithmetic, need none of that; a test compares them with the classes bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from initviz.lab.training_settings import Training


class Optimiser(Protocol):
    """Changes parameters in place, along their gradients."""

    #: η where the update is −η times the gradient and nothing else, otherwise None.
    step_size: float | None

    def step(self) -> None:
        """One update; every parameter must have its gradient."""


@dataclass(frozen=True)
class OptimiserEntry:
    """One optimiser: how it is made for these parameters, and where it comes from."""

    name: str
    label: str
    source: str
    build: Callable[[Sequence[Tensor], Training], Optimiser]


class Sgd:
    """Stochastic gradient descent: v ← μ v + g, W ← W − η v (μ = 0: v = g)."""

    def __init__(self, parameters: Sequence[Tensor], settings: Training) -> None:
        self._parameters = list(parameters)
        self._buffers: list[Tensor | None] = [None] * len(self._parameters)
        self._settings = settings
        self.step_size: float | None = None if settings.momentum else settings.learning_rate
        self._fused = _can_fuse(self._parameters)

    def step(self) -> None:
        import torch
        from torch.optim.sgd import sgd

        with torch.no_grad():
            sgd(
                self._parameters,
                _gradients(self._parameters),
                self._buffers,
                fused=self._fused,
                weight_decay=0.0,
                momentum=self._settings.momentum,
                lr=self._settings.learning_rate,
                dampening=0.0,
                nesterov=False,
                maximize=False,
            )


class Adam:
    """Adam with β₁ = 0.9, β₂ = 0.999, ε = 1e-8 (Kingma & Ba 2015, algorithm 1)."""

    def __init__(self, parameters: Sequence[Tensor], settings: Training) -> None:
        import torch

        self._parameters = list(parameters)
        self._means = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self._squares = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self._steps = [torch.zeros((), dtype=torch.float32, device=p.device) for p in parameters]
        self._settings = settings
        self.step_size: float | None = None
        self._fused = _can_fuse(self._parameters)

    def step(self) -> None:
        import torch
        from torch.optim.adam import adam

        with torch.no_grad():
            adam(
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
                lr=self._settings.learning_rate,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )


OPTIMISERS: dict[str, OptimiserEntry] = {
    entry.name: entry
    for entry in (
        OptimiserEntry("sgd", "SGD", "Robbins & Monro 1951; momentum: Polyak 1964", Sgd),
        OptimiserEntry("adam", "Adam", "Kingma & Ba 2015", Adam),
    )
}


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def _can_fuse(parameters: Sequence[Tensor]) -> bool:
    """One kernel for all tensors, where there is one: a loop in Python costs twice as much."""
    return parameters[0].device.type in ("cpu", "cuda")
