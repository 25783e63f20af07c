"""Four sets of points in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from initviz.lab.datasets.entry import Inputs, Labels

if TYPE_CHECKING:
    from initviz.lab.training_settings import Training

#: Samples in a generated set: enough for a fixed probe set of 512 in the training part.
POINTS = 2000


def _two_classes(
    first: Inputs, second: Inputs, noise: float, generator: np.random.Generator
) -> tuple[Inputs, Labels]:
    points = np.concatenate([first, second])
    labels = np.repeat(np.array([0, 1], dtype=np.int64), [len(first), len(second)])
    return points + noise * generator.standard_normal(points.shape), labels


def moons(_: Training, generator: np.random.Generator) -> tuple[Inputs, Labels]:
    """Two half circles, each with an end inside the other."""
    angle = generator.uniform(0.0, np.pi, POINTS // 2)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)])
    return _two_classes(upper, lower, 0.1, generator)


def circles(_: Training, generator: np.random.Generator) -> tuple[Inputs, Labels]:
    """A circle inside another."""
    angle = generator.uniform(0.0, 2.0 * np.pi, POINTS // 2)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    return _two_classes(circle, 0.5 * circle, 0.08, generator)


def spirals(_: Training, generator: np.random.Generator) -> tuple[Inputs, Labels]:
    """Two arms that wind around each other."""
    radius = np.sqrt(generator.uniform(0.01, 1.0, POINTS // 2))
    angle = 3.0 * np.pi * radius
    arm = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return _two_classes(arm, -arm, 0.02, generator)


def blobs(_: Training, generator: np.random.Generator) -> tuple[Inputs, Labels]:
    """Four normal clouds."""
    angle = 2.0 * np.pi * np.arange(4) / 4.0
    labels = np.arange(POINTS, dtype=np.int64) % 4
    centres = 2.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    return centres[labels] + 0.6 * generator.standard_normal((POINTS, 2)), labels
