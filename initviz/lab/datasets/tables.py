"""Data read from files: what a table is, what one may hold, and the few that are kept."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab.settings import shown

if TYPE_CHECKING:
    from initviz.lab.training_settings import Training

#: A file beyond this size is not opened.
MAX_BYTES = 512 * 2**20
#: With fewer, a fifth to test on would be one sample.
MIN_SAMPLES = 10
MAX_SAMPLES = 1_000_000
MAX_FEATURES = 20_000
#: Numbers in all inputs together: 200 MB as float64.
MAX_NUMBERS = 25_000_000
MAX_CLASSES = 1000
#: Characters in the name of a class.
MAX_NAME = 100
#: Beyond this, squares and their sums would leave what a float64 can hold.
MAX_VALUE = 1e100


@dataclass(frozen=True, eq=False)
class Table:
    """What files hold: inputs (N, D) of any real type, labels (N,), and what they are called.

    `columns` names the features if the file does, and is empty otherwise; `label` is what the
    labels are called. Tables are kept and shared: both arrays are read-only.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    columns: tuple[str, ...] = ()
    label: str = "label"

    def __post_init__(self) -> None:
        self.inputs.setflags(write=False)
        self.labels.setflags(write=False)


@dataclass(frozen=True)
class Files:
    """Where the files of a data set are, and how they are read."""

    find: Callable[[str], tuple[Path, ...]]
    read: Callable[[tuple[Path, ...]], Table]

    def table(self, training: Training) -> Table:
        """What the files hold now; read again only if one of them has changed.

        Raises:
            ValueError: one sentence that names the file, the place and what is wrong.
        """
        return _read(self.read, self.stamps(training))

    def shape_and_classes(self, training: Training) -> tuple[tuple[int, ...], int]:
        """What is known of far more files than are kept.

        Raises:
            ValueError: as `table`.
        """
        return _shape_and_classes(self.read, self.stamps(training))

    def stamps(self, training: Training) -> tuple[Stamp, ...]:
        """Name, time and size of each file: what tells it from how it was before.

        Raises:
            ValueError: one sentence that names what is missing.
        """
        try:
            return tuple(_stamp(file) for file in self.find(training.path))
        except OSError as error:
            raise ValueError(f"{error.filename}: {error.strerror or error}") from None


Stamp = tuple[str, int, int]


# The largest two need 400 MB; more would be felt.
@lru_cache(maxsize=2)
def _read(read: Callable[[tuple[Path, ...]], Table], stamps: tuple[Stamp, ...]) -> Table:
    try:
        return read(tuple(Path(name) for name, *_ in stamps))
    except OSError as error:
        raise ValueError(f"{error.filename or stamps[0][0]}: {error.strerror or error}") from None


@lru_cache(maxsize=256)
def _shape_and_classes(
    read: Callable[[tuple[Path, ...]], Table], stamps: tuple[Stamp, ...]
) -> tuple[tuple[int, ...], int]:
    table = _read(read, stamps)
    return table.shape, len(table.classes)


def _stamp(file: Path) -> Stamp:
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):  # a device or a pipe has no end, or makes one wait for it
        raise ValueError(f"{file}: not a file")
    if found.st_size > MAX_BYTES:
        raise ValueError(
            f"{file}: {found.st_size / 2**20:.0f} MiB, of at most {MAX_BYTES / 2**20:.0f} MiB"
        )
    return str(file), found.st_mtime_ns, found.st_size


def located(text: str) -> Path:
    """The path that a setting names; `~` is the home directory."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # a home that is not known
        return Path(text)


# -- what a table of one's own may hold ----------------------------------------------------


def check_counts(where: str, samples: int, features: int) -> None:
    """Refuse sizes beyond what the program is made for, before memory is taken for them.

    Raises:
        ValueError: one sentence that begins with `where`.
    """
    limits = (
        (
            samples < MIN_SAMPLES,
            f"{samples} sample{'' if samples == 1 else 's'}, of at least {MIN_SAMPLES}",
        ),
        (samples > MAX_SAMPLES, f"{samples} samples, of at most {MAX_SAMPLES}"),
        (features < 1, "no features: inputs need at least one number each"),
        (features > MAX_FEATURES, f"{features} features, of at most {MAX_FEATURES}"),
        (
            samples * features > MAX_NUMBERS,
            f"{samples} samples × {features} features, of at most {MAX_NUMBERS} numbers",
        ),
    )
    for is_broken, text in limits:
        if is_broken:
            raise ValueError(f"{where}: {text}")


def first_unusable(inputs: NDArray[Any]) -> tuple[int, ...] | None:
    """Where the first number stands that is not finite, or too large to be squared."""
    if inputs.dtype.kind != "f":
        return None
    # Comparing with NaN is false, and no second array is needed to find that all is well.
    if float(inputs.min()) >= -MAX_VALUE and float(inputs.max()) <= MAX_VALUE:
        return None
    flat = ~(np.abs(inputs.astype(np.float64)) <= MAX_VALUE).reshape(-1)
    return tuple(int(i) for i in np.unravel_index(int(flat.argmax()), inputs.shape))


def unusable(value: float) -> str:
    """Why a number cannot be an input, as the end of a sentence."""
    return f"{value:g} is not allowed: inputs are finite, from −{MAX_VALUE:g} to {MAX_VALUE:g}"


def classes_of(where: str, values: Sequence[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Classes numbered from 0 in the order of their values, and the name of each.

    Raises:
        ValueError: one sentence that begins with `where`, if this is no sensible set of classes.
    """
    ordered = sorted(set(values))
    if len(ordered) < 2:
        name = shown(_name(ordered[0]))
        raise ValueError(f"{where}: every label is {name}; at least 2 classes are needed")
    if len(ordered) > MAX_CLASSES:
        raise ValueError(
            f"{where}: {len(ordered)} different labels, of at most {MAX_CLASSES}; a label is the "
            "class of a sample, not a quantity"
        )
    if len(values) < 2 * len(ordered):
        raise ValueError(
            f"{where}: {len(ordered)} different labels of {len(values)} samples; a label is the "
            "class of a sample, not a quantity, and most are there at least twice"
        )
    number = {value: index for index, value in enumerate(ordered)}
    codes = np.fromiter((number[value] for value in values), np.int64, len(values))
    return codes, tuple(map(_name, ordered))


def _name(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
