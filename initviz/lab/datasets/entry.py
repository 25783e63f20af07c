"""What a data set is, and what a network may read it as."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from initviz.lab.datasets.tables import Files

if TYPE_CHECKING:
    from initviz.lab.training_settings import Training

Inputs = NDArray[np.float64]
Labels = NDArray[np.int64]
#: Unscaled inputs (N, D) of any real type and labels (N,), for given settings.
Draw = Callable[["Training", np.random.Generator], tuple[NDArray[Any], Labels]]

#: What a network can read a data set as.
ReadAs = Literal["features", "images", "sequences"]
#: The shape of one input: features (D,), a sequence (time, features) or an image (channels,
#: height, width). Inputs are kept flat, (N, D); a network that wants the shape restores it.
Shape = tuple[int, ...]

ANY: frozenset[ReadAs] = frozenset({"features", "images", "sequences"})
SEQUENCES: frozenset[ReadAs] = frozenset({"features", "sequences"})


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
    """One data set. `draw` gives unscaled inputs (N, D) and labels (N,) from 0 to classes − 1.

    `find` describes a set whose shape depends on the settings; `shape` is empty then. `classes` is
    0 where only the file tells. `files` are those that a set is read from, if they are not ours.
    """

    name: str
    label: str
    source: str
    shape: Shape
    classes: int
    draw: Draw
    read_as: frozenset[ReadAs] = frozenset({"features"})
    find: Callable[[Training], Description] | None = None
    files: Files | None = None

    @property
    def needs_path(self) -> bool:
        """Whether `training.path` says where it is."""
        return self.files is not None


@dataclass(frozen=True)
class Data:
    """Scaled data, split: inputs (N, D) float64 and labels (N,) for training and for test."""

    train_inputs: Inputs
    train_labels: Labels
    test_inputs: Inputs
    test_labels: Labels
    classes: int
    shape: Shape


def positions_of(shape: Shape, read_as: ReadAs = "images") -> int:
    """Steps of a sequence or pixels of an image; an image read row by row has a step for each row.

    Features are a sequence of single numbers.
    """
    if read_as == "features":
        return 1
    if len(shape) == 3:
        return shape[1] * shape[2] if read_as == "images" else shape[1]
    if len(shape) == 2:
        return shape[0] * shape[1] if read_as == "images" else shape[0]
    return shape[0]
