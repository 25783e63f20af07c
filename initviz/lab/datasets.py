"""Seeded data: handwritten digits and four sets of points in the plane.

A generator of points takes how many and a seeded NumPy generator, and gives inputs (N, D) and
labels (N,). A new data set is one more entry in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initviz import resources

Inputs = NDArray[np.float64]
Labels = NDArray[np.int64]
Draw = Callable[[np.random.Generator], tuple[Inputs, Labels]]

#: Points in a generated set: enough for a fixed probe set of 512 in the training part.
POINTS = 2000
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Dataset:
    """One data set. `draw` gives unscaled inputs (N, D) and labels (N,) from 0 to classes − 1."""

    name: str
    label: str
    source: str
    features: int
    classes: int
    draw: Draw


@dataclass(frozen=True)
class Scaling:
    """One way to scale inputs: (shift (D,), factor (D,)) from the training part (N, D)."""

    name: str
    label: str
    fit: Callable[[Inputs], tuple[Inputs, Inputs]]


@dataclass(frozen=True)
class Data:
    """Scaled data, split: inputs (N, D) float64 and labels (N,) for training and for test."""

    train_inputs: Inputs
    train_labels: Labels
    test_inputs: Inputs
    test_labels: Labels
    classes: int


def _digits(_generator: np.random.Generator) -> tuple[Inputs, Labels]:
    with np.load(resources.path("data", "digits.npz"), allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    return images.reshape(len(images), -1).astype(np.float64), labels.astype(np.int64)


def _two_classes(
    first: Inputs, second: Inputs, noise: float, generator: np.random.Generator
) -> tuple[Inputs, Labels]:
    points = np.concatenate([first, second])
    labels = np.repeat(np.array([0, 1], dtype=np.int64), [len(first), len(second)])
    return points + noise * generator.standard_normal(points.shape), labels


def _moons(generator: np.random.Generator) -> tuple[Inputs, Labels]:
    angle = generator.uniform(0.0, np.pi, POINTS // 2)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)])
    return _two_classes(upper, lower, 0.1, generator)


def _circles(generator: np.random.Generator) -> tuple[Inputs, Labels]:
    angle = generator.uniform(0.0, 2.0 * np.pi, POINTS // 2)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    return _two_classes(circle, 0.5 * circle, 0.08, generator)


def _spirals(generator: np.random.Generator) -> tuple[Inputs, Labels]:
    radius = np.sqrt(generator.uniform(0.01, 1.0, POINTS // 2))
    angle = 3.0 * np.pi * radius
    arm = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return _two_classes(arm, -arm, 0.02, generator)


def _blobs(generator: np.random.Generator) -> tuple[Inputs, Labels]:
    angle = 2.0 * np.pi * np.arange(4) / 4.0
    labels = np.arange(POINTS, dtype=np.int64) % 4
    centres = 2.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    return centres[labels] + 0.6 * generator.standard_normal((POINTS, 2)), labels


def _raw(inputs: Inputs) -> tuple[Inputs, Inputs]:
    return np.zeros(inputs.shape[1]), np.ones(inputs.shape[1])


def _unit(inputs: Inputs) -> tuple[Inputs, Inputs]:
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    return low, _inverse(high - low)


def _standardised(inputs: Inputs) -> tuple[Inputs, Inputs]:
    return inputs.mean(axis=0), _inverse(inputs.std(axis=0))


def _inverse(spread: Inputs) -> Inputs:
    """1 / spread; a feature that never changes is only shifted (to 0)."""
    return 1.0 / np.where(spread > 0, spread, 1.0)


_DIGITS_SOURCE = "Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits"

DATASETS: dict[str, Dataset] = {
    entry.name: entry
    for entry in (
        Dataset("digits", "Digits (1 797 real 8×8 scans)", _DIGITS_SOURCE, 64, 10, _digits),
        Dataset("moons", "Two moons", "generated", 2, 2, _moons),
        Dataset("circles", "Circles", "generated", 2, 2, _circles),
        Dataset("spirals", "Spirals", "generated", 2, 2, _spirals),
        Dataset("blobs", "Gaussian blobs", "generated", 2, 4, _blobs),
    )
}

SCALINGS: dict[str, Scaling] = {
    entry.name: entry
    for entry in (
        Scaling("standardised", "Standardised", _standardised),
        Scaling("unit", "To [0, 1]", _unit),
        Scaling("raw", "Raw", _raw),
    )
}


def generator(seed: int) -> np.random.Generator:
    """The generator from which a run with this seed draws its data."""
    state = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return np.random.Generator(np.random.PCG64(int(state[0])))


def load(data: str, scaling: str, generator: np.random.Generator) -> Data:
    """The data set `data`, drawn, shuffled and split 80/20 by `generator`, then scaled.

    Scaling is fitted on the training part alone, feature by feature.
    """
    entry = DATASETS[data]
    inputs, labels = entry.draw(generator)
    order = generator.permutation(len(inputs))
    cut = int(TRAIN_SHARE * len(inputs))
    train, test = order[:cut], order[cut:]
    shift, factor = SCALINGS[scaling].fit(inputs[train])
    scaled = (inputs - shift) * factor
    return Data(scaled[train], labels[train], scaled[test], labels[test], entry.classes)
