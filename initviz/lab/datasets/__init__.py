"""Seeded data: what there is to choose from, and how it is drawn, split and scaled.

A new data set is one more entry in the table `DATASETS`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab.datasets import own_files, points, published, sequences
from initviz.lab.datasets.entry import (
    ANY,
    SEQUENCES,
    Data,
    Dataset,
    Description,
    Draw,
    Inputs,
    Labels,
    ReadAs,
    Shape,
    positions_of,
)
from initviz.lab.datasets.points import POINTS
from initviz.lab.datasets.preview import Preview, preview_of
from initviz.lab.datasets.scaling import SCALINGS, Scaling
from initviz.lab.datasets.tables import Files, Table

if TYPE_CHECKING:
    from initviz.lab.training_settings import Training

__all__ = [
    "ALIASES",
    "DATASETS",
    "FILE_FILTERS",
    "MOST_USED",
    "POINTS",
    "SCALINGS",
    "Data",
    "Dataset",
    "Description",
    "Inputs",
    "Labels",
    "Preview",
    "ReadAs",
    "Scaling",
    "Shape",
    "Table",
    "describe",
    "generator",
    "is_path",
    "load",
    "positions",
    "positions_of",
    "preview",
    "second_moment",
]

TRAIN_SHARE = 0.8
#: Of a larger set so many samples are used, drawn by the seed: a run looks at its whole test part
#: again and again, and four lanes hold their data at once.
MOST_USED = 10_000

_DIGITS_SOURCE = "Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits"


def _whole(files: Files) -> Draw:
    """All that files hold, as they hold it."""

    def draw(training: Training, _: np.random.Generator) -> tuple[NDArray[Any], Labels]:
        table = files.table(training)
        return table.inputs, table.labels

    return draw


def _images(kind: published.Published) -> Dataset:
    files = kind.files
    return Dataset(
        kind.name,
        kind.label,
        kind.source,
        kind.shape,
        len(kind.classes),
        _whole(files),
        ANY,
        files=files,
    )


def _find(training: Training) -> Description:
    return Description(*own_files.FILES.shape_and_classes(training))


DATASETS: dict[str, Dataset] = {
    entry.name: entry
    for entry in (
        Dataset(
            "digits",
            "Digits (1 797 real 8×8 scans)",
            _DIGITS_SOURCE,
            (1, 8, 8),
            10,
            sequences.digits,
            ANY,
        ),
        Dataset(
            "digit_rows",
            "Digits row by row (8 steps of 8)",
            _DIGITS_SOURCE,
            (8, 8),
            10,
            sequences.digits,
            SEQUENCES,
        ),
        Dataset(
            "recall",
            "Recall the first token",
            "generated, after Hochreiter & Schmidhuber 1997, task 2b",
            (),
            sequences.LETTERS,
            sequences.recall,
            SEQUENCES,
            find=sequences.describe_recall,
        ),
        Dataset("moons", "Two moons", "generated", (2,), 2, points.moons),
        Dataset("circles", "Circles", "generated", (2,), 2, points.circles),
        Dataset("spirals", "Spirals", "generated", (2,), 2, points.spirals),
        Dataset("blobs", "Gaussian blobs", "generated", (2,), 4, points.blobs),
        *map(_images, published.KINDS),
        Dataset(
            "file",
            "File of one's own (CSV, NPZ)",
            "a file of one's own",
            (),
            0,
            _whole(own_files.FILES),
            ANY,
            find=_find,
            files=own_files.FILES,
        ),
    )
}

#: Further spellings of the names.
ALIASES: dict[str, str] = {
    "fashion-mnist": "fashion_mnist",
    "cifar-10": "cifar10",
    "csv": "file",
    "npz": "file",
}
#: What a file dialog offers for data of one's own.
FILE_FILTERS = "Data (*.csv *.npz);;All files (*)"


def is_path(name: str) -> bool:
    """Whether a text that stands where the name of a data set stands is the path of a file."""
    return name.lower().endswith((".csv", ".npz"))


def describe(training: Training) -> Description:
    """Shape and classes of the data that an experiment's training uses.

    A file of one's own is read for it, unless it was and has not changed since.

    Raises:
        ValueError: one sentence on what is wrong with a file of one's own.
    """
    entry = DATASETS[training.data]
    if entry.find is not None:
        return entry.find(training)
    return Description(entry.shape, entry.classes)


def preview(training: Training) -> Preview:
    """What a person sees of the data before a run uses them.

    Raises:
        ValueError: one sentence on what is wrong with files that are not ours.
    """
    return preview_of(DATASETS[training.data], describe(training), training, MOST_USED)


def positions(training: Training, read_as: ReadAs | None = None) -> int:
    """Pixels of an image or steps of a sequence; 1 where inputs are neither, or not known yet.

    No file is opened. An image that is read row by row has as many steps as rows; where `read_as`
    does not say, its pixels are counted.
    """
    if DATASETS[training.data].classes == 0:
        return 1
    shape = describe(training).shape
    return positions_of(shape, read_as or ("features", "sequences", "images")[len(shape) - 1])


def generator(seed: int) -> np.random.Generator:
    """The generator from which a run with this seed draws its data."""
    state = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return np.random.Generator(np.random.PCG64(int(state[0])))


def load(training: Training, generator: np.random.Generator) -> Data:
    """The data of `training`, drawn, shuffled and split 80/20 by `generator`, then scaled.

    Of more than `MOST_USED` samples so many are used. Scaling is fitted on the training part alone.

    Raises:
        ValueError: one sentence on what is wrong with files that are not ours.
    """
    inputs, labels = DATASETS[training.data].draw(training, generator)
    known = describe(training)
    order = generator.permutation(len(inputs))[:MOST_USED]
    cut = int(TRAIN_SHARE * len(order))
    train, test = order[:cut], order[cut:]
    scaled = SCALINGS[training.scaling].apply(inputs[train], inputs[test], known.shape)
    return Data(scaled[0], labels[train], scaled[1], labels[test], known.classes, known.shape)


def second_moment(training: Training, seed: int) -> float:
    """The mean of x² over the training part of a run with this seed: theory's m₀.

    Raises:
        ValueError: one sentence on what is wrong with files that are not ours.
    """
    files = DATASETS[training.data].files
    data_alone = type(training)(
        data=training.data,
        path=training.path,
        sequence_length=training.sequence_length,
        scaling=training.scaling,
    )
    return _second_moment(data_alone, seed, files.stamps(training) if files else ())


@lru_cache(maxsize=64)
def _second_moment(training: Training, seed: int, _stamps: Any) -> float:
    inputs = load(training, generator(seed)).train_inputs.reshape(-1)
    return float(np.dot(inputs, inputs)) / inputs.size
