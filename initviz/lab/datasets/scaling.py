"""How inputs are scaled. It is a setting, since it decides what the first layer is given.

A feature is scaled with the training part's statistics: each pixel of an image by itself, each
feature of a sequence over all its steps together, since it means the same at each. A feature that
never changes is only shifted, to 0; raw inputs stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab.datasets.entry import Inputs, Shape


@dataclass(frozen=True)
class Scaling:
    """One way to scale inputs: (shift (D,), factor (D,)) from the training part (N, D)."""

    name: str
    label: str
    fit: Callable[[Inputs], tuple[Inputs, Inputs]]

    def apply(self, train: NDArray[Any], test: NDArray[Any], shape: Shape) -> tuple[Inputs, Inputs]:
        """Both parts (N, D) of inputs of this shape scaled, fitted on the first alone."""
        columns = shape[1] if len(shape) == 2 else math.prod(shape)
        parts = [np.array(part, np.float64).reshape(-1, columns) for part in (train, test)]
        shift, factor = self.fit(parts[0])
        for part in parts:
            part -= shift
            part *= factor
        return parts[0].reshape(train.shape), parts[1].reshape(test.shape)


def _raw(inputs: Inputs) -> tuple[Inputs, Inputs]:
    return np.zeros(inputs.shape[1]), np.ones(inputs.shape[1])


def _unit(inputs: Inputs) -> tuple[Inputs, Inputs]:
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    return low, _inverse(high - low)


def _standardised(inputs: Inputs) -> tuple[Inputs, Inputs]:
    low, changes = inputs.min(axis=0), inputs.min(axis=0) < inputs.max(axis=0)
    # The mean of equal numbers is rounded: their spread about it would be tiny, but not 0.
    return (
        np.where(changes, inputs.mean(axis=0), low),
        _inverse(np.where(changes, inputs.std(axis=0), 0.0)),
    )


def _inverse(spread: Inputs) -> Inputs:
    """1 / spread; 1 where a feature never changes, or by less than has a finite inverse."""
    return 1.0 / np.where(spread >= np.finfo(np.float64).tiny, spread, 1.0)


SCALINGS: dict[str, Scaling] = {
    entry.name: entry
    for entry in (
        Scaling("standardised", "Standardised", _standardised),
        Scaling("unit", "To [0, 1]", _unit),
        Scaling("raw", "Raw", _raw),
    )
}
