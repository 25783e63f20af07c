"""Seeded data: handwritten digits and four sets of points in the plane.

A generator of points takes how many and a seeded NumPy generator, and gives inputs (N, D) and
labels (N,). A new data set is one more entry in the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from initviz import resources

if TYPE_CHECKING:
    from initviz.lab.training_settings import Training

Inputs = NDArray[np.float64]
Labels = NDArray[np.int64]
Draw = Callable[[np.random.Generator], tuple[Inputs, Labels]]

#: Points in a generated set: enough for a fixed probe set of 512 in the training part.
POINTS = 2000
TRAIN_SHARE = 0.8


#: What a network can read a data set as.
ReadAs = Literal["features", "images", "sequences"]
#: The shape of one input: features (D,), a sequence (time, features) or an image (channels,
#: height, width). Inputs are kept flat, (N, D); a network that wants the shape restores it.
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Description:
    """What is known of a data set before it is used."""

    shape: Shape
    classes: int

    @property
    def features(self) -> int:
        """Numbers in one input."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Dataset:
    """One data set. `draw` gives unscaled inputs (N, D) and labels (N,) from 0 to classes − 1."""

    name: str
    label: str
    source: str
    shape: Shape
    classes: int
    draw: Draw
    read_as: frozenset[ReadAs] = frozenset({"features"})
    needs_path: bool = False

    @property
    def features(self) -> int:
        """Numbers in one input."""
        return math.prod(self.shape)


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
    shape: Shape


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


ANY: frozenset[ReadAs] = frozenset({"features", "images", "sequences"})

_DIGITS_SOURCE = "Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits"

DATASETS: dict[str, Dataset] = {
    entry.name: entry
    for entry in (
        Dataset(
            "digits", "Digits (1 797 real 8×8 scans)", _DIGITS_SOURCE, (1, 8, 8), 10, _digits, ANY
        ),
        Dataset("moons", "Two moons", "generated", (2,), 2, _moons),
        Dataset("circles", "Circles", "generated", (2,), 2, _circles),
        Dataset("spirals", "Spirals", "generated", (2,), 2, _spirals),
        Dataset("blobs", "Gaussian blobs", "generated", (2,), 4, _blobs),
    )
}

#: Further spellings of the names.
ALIASES: dict[str, str] = {}
#: What a file dialog offers for data of one's own.
FILE_FILTERS = "Data (*.csv *.npz);;All files (*)"


def is_path(name: str) -> bool:
    """Whether a text that stands where the name of a data set stands is the path of a file."""
    return name.lower().endswith((".csv", ".npz"))


def describe(training: Training) -> Description:
    """Shape and classes of the data that an experiment's training uses.

    Raises:
        ValueError: one sentence on what is wrong with a file of one's own.
    """
    entry = DATASETS[training.data]
    return Description(entry.shape, entry.classes)


def positions(training: Training) -> int:
    """Pixels of an image or steps of a sequence; 1 where inputs are neither, or not known yet."""
    shape = DATASETS[training.data].shape
    return math.prod(shape[1:]) if len(shape) == 3 else shape[0] if len(shape) == 2 else 1


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


def load(training: Training, generator: np.random.Generator) -> Data:
    """The data of `training`, drawn, shuffled and split 80/20 by `generator`, then scaled.

    Scaling is fitted on the training part alone, feature by feature.

    Raises:
        ValueError: one sentence on what is wrong with a file of one's own.
        OSError: if a file cannot be read.
    """
    entry, scaling = DATASETS[training.data], training.scaling
    inputs, labels = entry.draw(generator)
    order = generator.permutation(len(inputs))
    cut = int(TRAIN_SHARE * len(inputs))
    train, test = order[:cut], order[cut:]
    shift, factor = SCALINGS[scaling].fit(inputs[train])
    scaled = (inputs - shift) * factor
    return Data(
        scaled[train], labels[train], scaled[test], labels[test], entry.classes, entry.shape
    )
