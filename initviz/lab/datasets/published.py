"""MNIST, Fashion-MNIST and CIFAR-10, read from a folder with the files as they were published.

The files that people train on are read, and split as all data are here: what was published as the
test part is not used.

IDX files (http://yann.lecun.com/exdb/mnist) begin with two zero bytes, a type (8: unsigned bytes),
the number of dimensions, and each dimension as a big-endian whole number of 4 bytes. A record of
CIFAR-10's binary version is a label and 3072 bytes: red, green and blue of 32 rows of 32 pixels.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab.datasets.tables import MIN_SAMPLES, Files, Table, located

Bytes = NDArray[np.uint8]

#: Images in one file: MNIST has 60 000.
MAX_IMAGES = 100_000
#: One byte for the label, then the pixels.
CIFAR_RECORD = 1 + 3 * 32 * 32
CIFAR_BATCH = 10_000
PIXELS = 28

DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CIFAR_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@dataclass(frozen=True)
class Published:
    """One published set: what it is, and which files in which folders it is read from.

    Each of `wanted` is one file, by all the names it goes by.
    """

    name: str
    label: str
    source: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    folders: tuple[str, ...]
    wanted: tuple[tuple[str, ...], ...]
    reader: Callable[[tuple[str, ...], tuple[Path, ...]], Table]

    @property
    def files(self) -> Files:
        """Where its files are, and how they are read."""
        return Files(self._find, partial(self.reader, self.classes))

    @property
    def title(self) -> str:
        """Its name as people write it."""
        return self.label.split(" (")[0]

    def _find(self, path: str) -> tuple[Path, ...]:
        if not path:
            raise ValueError(
                f"training.path is empty: choose the folder with {self.wanted[0][0]} and the other "
                f"files of {self.title}"
            )
        root = located(path)
        if root.is_file():  # one of the files stands for all of them
            root = root.parent
        if not root.is_dir():
            raise ValueError(f"{root}: no such folder")
        partly: list[Path | None] = []
        for folder in (root, *(root / name for name in self.folders)):
            found = [_first(folder, names) for names in self.wanted]
            there = tuple(file for file in found if file is not None)
            if len(there) == len(found):
                return there
            partly = found if there else partly
        raise ValueError(f"{root}: {self._missing(root, partly)}")

    def _missing(self, root: Path, found: list[Path | None]) -> str:
        lacking = self.wanted
        if found:
            pairs = zip(self.wanted, found, strict=True)
            lacking = tuple(names for names, file in pairs if file is None)
        text = f"no {' and no '.join(names[0] for names in lacking)}"
        gz = " (or .gz)" if lacking[0][0] + ".gz" in lacking[0] else ""
        text += f"{gz}, neither here nor in {', '.join(self.folders)}: {self.title} is read from "
        text += "its published files"
        return text + _hint(root)


def _hint(root: Path) -> str:
    """What is there in place of the files that are wanted."""
    python = [root / "data_batch_1", root / "cifar-10-batches-py"]
    if root.name == "cifar-10-batches-py" or any(file.exists() for file in python):
        return (
            "; here is the Python version, a pickle, which is never opened: take the binary "
            "version (cifar-10-binary.tar.gz)"
        )
    packed = next(iter(sorted(root.glob("*.tar.gz"))), None)
    return f"; {packed.name} has to be unpacked first" if packed else ""


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


# -- IDX -----------------------------------------------------------------------------------


def _read_idx(classes: tuple[str, ...], files: tuple[Path, ...]) -> Table:
    images = _idx(files[0], "images", (PIXELS, PIXELS))
    labels = _idx(files[1], "labels", ())
    if len(labels) != len(images):
        raise ValueError(f"{files[1]}: {len(labels)} labels for {len(images)} images")
    _check_labels(files[1], labels, len(classes))
    inputs = images.reshape(len(images), -1)
    return Table(inputs, labels.astype(np.int64), (1, PIXELS, PIXELS), classes)


def _idx(file: Path, what: str, sides: tuple[int, ...]) -> Bytes:
    """The array (N, *sides) in an IDX file, packed by gzip or not."""
    with file.open("rb") as stream:
        is_packed = stream.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(file) if is_packed else file.open("rb") as stream:
            return _idx_from(stream, file, what, sides)
    except EOFError:
        raise ValueError(f"{file}: truncated: the gzip data end too early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{file}: damaged: {error}") from None


def _idx_from(stream: IO[bytes] | Any, file: Path, what: str, sides: tuple[int, ...]) -> Bytes:
    dimensions = 1 + len(sides)
    header, magic = stream.read(4 + 4 * dimensions), bytes([0, 0, 8, dimensions])
    if header[:4] != magic:
        raise ValueError(
            f"{file}: begins with {header[:4].hex() or 'nothing'}, not {magic.hex()}: no IDX file "
            f"of {what}"
        )
    if len(header) < 4 + 4 * dimensions:
        raise ValueError(f"{file}: truncated: its header ends after {len(header)} bytes")
    count, *found = struct.unpack(f">{dimensions}I", header[4:])
    if tuple(found) != sides:
        raise ValueError(
            f"{file}: {what} of {'×'.join(map(str, found))} pixels, not {PIXELS}×{PIXELS}"
        )
    if not MIN_SAMPLES <= count <= MAX_IMAGES:
        raise ValueError(
            f"{file}: its header says {count} {what}: from {MIN_SAMPLES} to {MAX_IMAGES} are "
            "allowed"
        )
    size = count * math.prod(sides)
    content = stream.read(size + 1)
    if len(content) != size:
        end = f"ends after {len(content)}" if len(content) < size else f"goes on after {size}"
        raise ValueError(f"{file}: {end} bytes of {what}; its header says {size}")
    return np.frombuffer(content, np.uint8).reshape(count, *sides)


def _check_labels(file: Path, labels: Bytes, classes: int) -> None:
    wrong = np.flatnonzero(labels >= classes)
    if wrong.size:
        raise ValueError(
            f"{file}: label {wrong[0] + 1} is {labels[wrong[0]]}: from 0 to {classes - 1} is "
            "allowed"
        )


# -- CIFAR-10 ------------------------------------------------------------------------------


def _read_cifar(classes: tuple[str, ...], files: tuple[Path, ...]) -> Table:
    counts = [_cifar_images(file) for file in files]
    if sum(counts) < MIN_SAMPLES:
        raise ValueError(f"{files[0].parent}: {sum(counts)} images: at least {MIN_SAMPLES}")
    inputs = np.empty((sum(counts), CIFAR_RECORD - 1), np.uint8)
    labels = np.empty(len(inputs), np.int64)
    start = 0
    for file, count in zip(files, counts, strict=True):
        with file.open("rb") as stream:
            content = stream.read(count * CIFAR_RECORD)
        records = np.frombuffer(content, np.uint8).reshape(-1, CIFAR_RECORD)
        _check_labels(file, records[:, 0], len(classes))
        inputs[start : start + count], labels[start : start + count] = records[:, 1:], records[:, 0]
        start += count
    return Table(inputs, labels, (3, 32, 32), classes)


def _cifar_images(file: Path) -> int:
    """Images in a batch, from its size alone."""
    size = file.stat().st_size
    if size % CIFAR_RECORD or not 1 <= size // CIFAR_RECORD <= CIFAR_BATCH:
        raise ValueError(
            f"{file}: {size} bytes are not from 1 to {CIFAR_BATCH} records of "
            f"{CIFAR_RECORD} bytes: truncated, or not a batch of CIFAR-10's binary version"
        )
    return size // CIFAR_RECORD


# -- what there is -------------------------------------------------------------------------


def _names(part: str, kind: str) -> tuple[str, ...]:
    """The names of an IDX file: as published, and as some programs unpack it."""
    plain = (f"train-{part}-{kind}-ubyte", f"train-{part}.{kind}-ubyte")
    return (*plain, *(name + ".gz" for name in plain))


_IDX = (_names("images", "idx3"), _names("labels", "idx1"))

KINDS = (
    Published(
        "mnist",
        "MNIST (28×28 scans, from a folder)",
        "LeCun, Cortes & Burges 1998, The MNIST database of handwritten digits",
        (1, 28, 28),
        DIGIT_NAMES,
        ("raw", "MNIST/raw", "MNIST", "mnist"),
        _IDX,
        _read_idx,
    ),
    Published(
        "fashion_mnist",
        "Fashion-MNIST (28×28, from a folder)",
        "Xiao, Rasul & Vollgraf 2017, Fashion-MNIST",
        (1, 28, 28),
        FASHION_NAMES,
        ("raw", "FashionMNIST/raw", "FashionMNIST", "fashion", "data/fashion", "fashion-mnist"),
        _IDX,
        _read_idx,
    ),
    Published(
        "cifar10",
        "CIFAR-10 (32×32 in colour, from a folder)",
        "Krizhevsky 2009, Learning multiple layers of features from tiny images",
        (3, 32, 32),
        CIFAR_NAMES,
        ("cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar10", "cifar-10"),
        tuple((f"data_batch_{number}.bin",) for number in range(1, 6)),
        _read_cifar,
    ),
)
