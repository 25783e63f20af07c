"""What a person sees of a data set before it is used: its head, its classes, and what is odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab.datasets.entry import Dataset, Description
from initviz.lab.datasets.tables import Table

if TYPE_CHECKING:
    from initviz.lab.training_settings import Training

#: Samples, features, and names in a sentence that are shown.
ROWS, COLUMNS, NAMES = 5, 8, 3
#: A class with fewer samples has hardly one to test on.
FEW = 5
#: A guess that is right more often than this needs no network.
LOPSIDED = 0.9


@dataclass(frozen=True)
class Preview:
    """A data set in plain text and numbers.

    `rows` are the first samples under `columns`: the first features, "…" if there are more, and
    the label. `classes` pairs each class with how many samples it has. Of all `samples`, `used` go
    into a run.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    samples: int
    used: int
    shape: tuple[int, ...]
    classes: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Samples, shape and classes in a line."""
        inputs = {
            1: "{0} features",
            2: "sequences of {0} steps of {1} features",
            3: "images of {1}×{2} pixels in {0} channels",
        }[len(self.shape)].format(*self.shape)
        return f"{self.samples} samples, {inputs}, {len(self.classes)} classes"


def preview_of(entry: Dataset, known: Description, training: Training, most: int) -> Preview:
    """The preview of a data set of which at most `most` samples are used."""
    table = _table(entry, known, training)
    counts = np.bincount(table.labels, minlength=len(table.classes)).tolist()
    samples = len(table.labels)
    used = min(samples, most)
    many = table.inputs.shape[1] > COLUMNS
    names = [_name(table, at) for at in range(min(COLUMNS, table.inputs.shape[1]))]
    rows = tuple(
        (
            *(f"{value:g}" for value in table.inputs[row, :COLUMNS].tolist()),
            *(["…"] * many),
            table.classes[table.labels[row]],
        )
        for row in range(min(ROWS, samples))
    )
    return Preview(
        (*names, *(["…"] * many), table.label),
        rows,
        samples,
        used,
        table.shape,
        tuple(zip(table.classes, counts, strict=True)),
        tuple(_warnings(table, counts, used)),
    )


def _table(entry: Dataset, known: Description, training: Training) -> Table:
    if entry.files is not None:
        return entry.files.table(training)
    inputs, labels = entry.draw(training, np.random.default_rng(0))
    return Table(inputs, labels, known.shape, tuple(map(str, range(known.classes))))


def _name(table: Table, at: int) -> str:
    return (table.columns[at] if table.columns else "") or f"x{at + 1}"


# -- what is odd ---------------------------------------------------------------------------


def _warnings(table: Table, counts: list[int], used: int) -> Iterator[str]:
    samples = len(table.labels)
    if used < samples:
        yield f"Of {samples} samples {used} are used, drawn by the seed."
    few = [
        f"{name!r} has {count}"
        for name, count in zip(table.classes, counts, strict=True)
        if count < FEW
    ]
    if few:
        yield f"Classes with hardly a sample to test on: {_some(few)}."
    most = int(np.argmax(counts))
    if counts[most] > LOPSIDED * samples:
        share = 100 * counts[most] / samples
        yield f"A guess of {table.classes[most]!r} is right for {share:.0f} % of the samples."
    # A feature of a sequence stands at each of its steps.
    features = table.inputs.reshape(-1, table.shape[1]) if len(table.shape) == 2 else table.inputs
    low, high = features.min(axis=0), features.max(axis=0)
    still = np.flatnonzero(low == high).tolist()
    if still:
        names = _some([_name(table, at) for at in still])
        yield f"{len(still)} of {len(low)} features never change, and tell nothing: {names}."
    counting = [at for at in range(len(low)) if _counts_samples(features[:, at])]
    if counting and len(table.shape) == 1:
        names = _some([_name(table, at) for at in counting])
        yield f"Only the number of the sample, it seems, and no feature: {names}."
    copies = samples - len({hash(row.tobytes()) for row in table.inputs})
    if copies:
        yield f"{copies} samples are copies of others: some may be trained on and tested on."


def _counts_samples(feature: NDArray[Any]) -> bool:
    """Whether a column goes 0, 1, 2, … from wherever it starts."""
    start = float(feature[0])
    if float(feature[1]) - start != 1:
        return False
    return np.array_equal(feature.astype(np.float64) - start, np.arange(len(feature)))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
