"""What a recording file is made of: docs/recording-file.md, as tables.

`meta` holds texts: the version of this format, an identity drawn for the file, the experiment as
TOML, the names of the layers and the environment as JSON, the last step, whether the run was
stopped early, and how many arrays there are. `arrays` holds numbers as little-endian bytes. A
measured thing, told by its `kind` and `name`, has several parts, such as its steps and its values;
each part is cut into pieces of whole rows, which follow one another by `id`.

Version 1 knew neither runs that were stopped early nor quantities along time. Version 2 kept the
weights of two steps where there are checkpoints now, and was never written as a run went.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from initviz.lab.quantities import BINS

VERSION = 3
#: "init" in ASCII: what tells a recording from other SQLite files.
APPLICATION_ID = 0x696E6974
MAGIC = b"SQLite format 3\0"

SCHEMA = {
    "meta": (
        "CREATE TABLE meta (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL, "
        "checksum INTEGER NOT NULL)"
    ),
    "arrays": (
        "CREATE TABLE arrays (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, "
        "part TEXT NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, checksum INTEGER NOT NULL, "
        "data BLOB NOT NULL)"
    ),
}
#: The texts of a file, each with the version that brought it.
TEXTS = {
    "version": 1,
    "experiment": 1,
    "layers": 1,
    "environment": 1,
    "last_step": 1,
    "arrays": 1,
    "stopped": 2,
    "identity": 3,
}

Array = NDArray[Any]


class Key(NamedTuple):
    """What tells one measured thing from another."""

    kind: str
    name: str


@dataclass(frozen=True)
class Part:
    """One array of a measured thing.

    `dtypes` are how it may be stored, narrow ones first; whole numbers are read back as the last.
    `shape` says from the number of layers what a row looks like; None there is any length.
    """

    dtypes: tuple[str, ...]
    shape: Callable[[int], tuple[int | None, ...]]

    @property
    def wide(self) -> np.dtype[Any] | None:
        """What whole numbers are kept as in memory; None for floats, which stay as they are."""
        widest = np.dtype(self.dtypes[-1])
        return None if widest.kind == "f" else widest.newbyteorder("=")


_FLOATS = ("<f4", "<f8")
_COUNTS = ("<u2", "<i4")
_STEPS = Part(("<i8",), lambda _: ())
_BYTES = Part(("|u1",), lambda _: ())
_FLAT = Part(_FLOATS, lambda _: ())
_PARTS: dict[str, dict[str, Part]] = {
    "scalar": {"steps": _STEPS, "values": Part(_FLOATS, lambda _: (1,))},
    "quantity": {"steps": _STEPS, "values": Part(_FLOATS, lambda layers: (layers,))},
    "time": {"steps": _STEPS, "values": Part(_FLOATS, lambda _: (None,))},
    "histogram": {
        "steps": _STEPS,
        "counts": Part(_COUNTS, lambda layers: (layers, BINS)),
        "low": Part(_FLOATS, lambda layers: (layers,)),
        "high": Part(_FLOATS, lambda layers: (layers,)),
        "outside": Part(_COUNTS, lambda layers: (layers, 4)),
    },
    "checkpoint": {
        "facts": _BYTES,
        "parameters": _FLAT,
        "order": _BYTES,
        "dropout": _BYTES,
        "stopping": Part(("<f8",), lambda _: ()),
    },
    "weights": {"steps": _STEPS, "values": Part(_FLOATS, lambda _: (None, None))},
}
#: Beside the parts above a checkpoint has one for each thing that its optimiser keeps.
_MOMENT = re.compile(r"optimiser\.[a-z_]{1,40}")
#: The versions that have a kind, where those are not all.
_VERSIONS = {"time": (2, VERSION), "checkpoint": (3, VERSION), "weights": (1, 2)}


def part_of(kind: str, part: str) -> Part | None:
    """The entry of a part; None if there is no such kind, or no such part of it."""
    if kind == "checkpoint" and _MOMENT.fullmatch(part):
        return _FLAT
    return _PARTS.get(kind, {}).get(part)


def parts_of(kind: str) -> frozenset[str]:
    """The names of the parts that all things of a kind may have."""
    return frozenset(_PARTS[kind])


def has_kind(version: int, kind: str) -> bool:
    """Whether files of this version hold things of this kind."""
    first, last = _VERSIONS.get(kind, (1, VERSION))
    return kind in _PARTS and first <= version <= last


def checksum(*texts: str, data: bytes = b"") -> int:
    """CRC-32 over texts, parted by zeros, and the bytes that follow."""
    return zlib.crc32(data, zlib.crc32("\0".join(texts).encode()))


def encoded(key: Key, part: str, array: Array) -> tuple[str, str, str, str, str, int, bytes]:
    """A row of `arrays`, without its id: every bit of the array, as narrow as that goes."""
    found = part_of(key.kind, part)
    assert found is not None, f"{key} has no {part}"
    stored = narrowed(array, found.dtypes)
    data = stored.tobytes()
    shape = f"[{', '.join(map(str, stored.shape))}]"
    label = (key.kind, key.name, part, stored.dtype.str, shape)
    return *label, checksum(*label, data=data), data


def decoded(part: Part, dtype: str, shape: tuple[int, ...], data: bytes) -> Array:
    """The opposite, of bytes whose number was checked; in this machine's byte order."""
    array = np.frombuffer(data, dtype=dtype).reshape(shape)
    return array.astype(part.wide or array.dtype.newbyteorder("="))


def narrowed(array: Array, dtypes: tuple[str, ...]) -> Array:
    """The array in the first of `dtypes` that keeps every bit of it, little-endian."""
    if array.dtype.kind == "f":
        return array.astype(f"<f{array.dtype.itemsize}", copy=False)
    if len(dtypes) == 1:
        return array.astype(dtypes[0], casting="safe", copy=False)
    least, greatest = int(array.min(initial=0)), int(array.max(initial=0))
    limits = ((dtype, *_limits(dtype)) for dtype in dtypes)
    fits = next(dtype for dtype, low, high in limits if low <= least and greatest <= high)
    return array.astype(fits, copy=False)


@lru_cache
def _limits(dtype: str) -> tuple[int, int]:
    """The least and the greatest number of a type of whole numbers."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def row_bytes(parts: Mapping[str, Array]) -> int:
    """The bytes of a row of the largest part."""
    return max(a.itemsize * math.prod(a.shape[1:]) for a in parts.values())
