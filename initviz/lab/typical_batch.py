"""A few samples of the training part that stand for a batch, for the theory (NumPy only)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab import datasets
from initviz.lab.experiment import Experiment
from initviz.lab.training_settings import Training

Array = NDArray[np.float64]

_SAMPLES = 64


@dataclass(frozen=True, eq=False)
class TypicalBatch:
    """M samples from every part of the distribution of mean x², which averages as in the data.

    `products` (M, M) are mean x_a x_b over the features. `same` (M, M) tells pairs of one label;
    in the data a share `same_share` of all pairs is. `inputs` are (M, D), `size` is how many
    samples a batch has.
    """

    products: Array
    same: NDArray[np.bool_]
    same_share: float
    inputs: Array
    shape: datasets.Shape
    size: int

    @property
    def energies(self) -> Array:
        """The mean over channels of x² at every position of an image: (M, height, width)."""
        energies: Array = np.mean(self.inputs.reshape(-1, *self.shape) ** 2, axis=1)
        return energies

    def mean_over_pairs(self, of_pairs: Array) -> float:
        """Σ_ab f_ab / B² over a batch of B samples, of f (M, M)."""
        itself = float(np.mean(np.diagonal(of_pairs)))
        return (itself + (self.size - 1) * self.mean_over_others(of_pairs)) / self.size

    def mean_over_others(self, of_pairs: Array) -> float:
        """The mean of f (M, M) over two different samples.

        Whether labels are equal weighs so much that the shares of the data are taken for it.
        """
        others = ~np.eye(len(of_pairs), dtype=bool)
        alike, different = of_pairs[self.same & others], of_pairs[~self.same]
        if not len(alike) or not len(different):
            return float(np.mean(of_pairs[others])) if others.any() else 0.0
        share = self.same_share
        return float(share * np.mean(alike) + (1.0 - share) * np.mean(different))


def typical_batch(experiment: Experiment) -> TypicalBatch:
    """The samples that stand for a batch of this experiment.

    Raises:
        ValueError: one sentence on what is wrong with a data file of one's own.
    """
    # Of all that training is, only these decide the batch; the rest must not read the data again.
    given = experiment.training
    names = ("data", "path", "sequence_length", "scaling", "batch_size")
    training = Training(**{name: getattr(given, name) for name in names})
    files = datasets.DATASETS[given.data].files
    return _typical_batch(
        training, experiment.run.seed, files.stamps(training) if files is not None else ()
    )


@lru_cache(maxsize=16)
def _typical_batch(training: Training, seed: int, _stamps: Any) -> TypicalBatch:
    data = datasets.load(training, datasets.generator(seed))
    inputs, labels = data.train_inputs, data.train_labels
    squares = np.einsum("ij,ij->i", inputs, inputs)
    strata = np.array_split(np.argsort(squares, kind="stable"), min(_SAMPLES, len(inputs)))
    chosen = np.array([stratum[len(stratum) // 2] for stratum in strata])
    # One sample of each stratum, made as long as its stratum is on average.
    wanted = np.array([np.mean(squares[stratum]) for stratum in strata])
    wanted *= np.mean(squares) / (np.mean(wanted) or 1.0)
    own = squares[chosen]
    samples = inputs[chosen] * np.sqrt(wanted / np.where(own > 0, own, 1.0))[:, None]
    shares = np.bincount(labels) / len(labels)
    return TypicalBatch(
        samples @ samples.T / inputs.shape[1],
        labels[chosen][:, None] == labels[chosen],
        float(shares @ shares),
        samples,
        data.shape,
        min(training.batch_size, len(inputs)),
    )
