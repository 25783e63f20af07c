"""Arrays in a NumPy archive: inputs in one, labels in another, and never a pickled object.

What a file declares is checked before memory is taken for it: its list of contents, the size of
each array, and the shape in the array's own header.
"""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from initviz.lab.datasets.tables import (
    MAX_NAME,
    Table,
    check_counts,
    classes_of,
    first_unusable,
    unusable,
)
from initviz.lab.settings import shown

INPUT_NAMES = ("X", "x", "inputs", "data", "images", "x_train")
LABEL_NAMES = ("y", "Y", "labels", "label", "target", "targets", "y_train")
#: The longest header of an array, as NumPy has it.
MAX_HEADER = 10_000
MAX_LABEL_BYTES = 2**26
#: No more is read at once: the list of what an archive holds is one piece.
PIECE = 2**22

#: What may be wrong inside an archive, beyond what it says of itself.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    struct.error,
    NotImplementedError,
)


class _InPieces:
    """A file of which no reader can ask for more at once than a piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        found = self._stream.read(min(size, PIECE + 1) if size >= 0 else PIECE + 1)
        if len(found) > PIECE:
            raise zipfile.BadZipFile("too long a list of contents")
        return found


@dataclass(frozen=True)
class _Header:
    """What an array says of itself."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_fortran: bool

    @property
    def size(self) -> int:
        """Bytes that its numbers need."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npz(file: Path) -> Table:
    """The inputs and labels in a NumPy archive.

    Raises:
        ValueError: one sentence that names the file, the array and what is wrong.
        OSError: if the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return _table(_Archive(stream), file)
    except _DAMAGE as error:
        raise ValueError(f"{file}: no sound NumPy archive ({_first_line(error)})") from None


class _Archive:
    """A ZIP archive of arrays, whatever is wrong with it told by one of `_DAMAGE`."""

    def __init__(self, stream: BinaryIO) -> None:
        with _sound():
            self._zip = zipfile.ZipFile(_InPieces(stream))
        self.names = [entry.removesuffix(".npy") for entry in self._zip.namelist()]

    @contextmanager
    def open(self, name: str) -> Iterator[tuple[IO[bytes], int]]:
        """An array's bytes, and how many they are said to be."""
        with _sound():
            entry = self._zip.infolist()[self.names.index(name)]
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile("packed in a way that NumPy never packs")
            stream = self._zip.open(entry)
        with stream:
            yield stream, entry.file_size


@contextmanager
def _sound() -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:  # names that are no text, places before the beginning
        raise zipfile.BadZipFile(_first_line(error)) from None


def _table(archive: _Archive, file: Path) -> Table:
    name, label = _pick(archive, file, INPUT_NAMES), _pick(archive, file, LABEL_NAMES)
    inputs = _inputs(archive, file, name)
    values = _labels(archive, file, label, len(inputs))
    codes, classes = classes_of(f"{file}, array {label!r}", values)
    shape = inputs.shape[1:]
    # Samples of two dimensions are sequences, or images of one channel: few measure in bytes.
    if len(shape) == 2 and (name == "images" or inputs.dtype == np.uint8):
        shape = (1, *shape)
    return Table(inputs.reshape(len(inputs), -1), codes, shape, classes, label=label)


def _pick(archive: _Archive, file: Path, names: tuple[str, ...]) -> str:
    there = archive.names
    for name in names:
        if there.count(name) > 1:
            raise ValueError(f"{file}: {there.count(name)} arrays are called {name!r}; one is")
        if name in there:
            return name
    found = ", ".join(map(shown, there[:10])) or "nothing"
    raise ValueError(f"{file}: no array is called {', '.join(names)}; there is {found}")


def _inputs(archive: _Archive, file: Path, name: str) -> NDArray[Any]:
    where = f"{file}, array {name!r}"
    with archive.open(name) as (stream, size):
        header = _header(stream, size, where)
        if header.dtype.kind not in "biuf":
            raise ValueError(f"{where}: {header.dtype} is no type of real numbers")
        if not 2 <= len(header.shape) <= 4:
            raise ValueError(
                f"{where}: its shape is {header.shape}: (samples, features), (samples, time, "
                "features) or (samples, channels, height, width) is needed"
            )
        check_counts(where, header.shape[0], math.prod(header.shape[1:]))
        inputs = _numbers(stream, header)
    wrong = first_unusable(inputs)
    if wrong is not None:
        place = ", ".join(map(str, wrong))
        raise ValueError(f"{where}: {name}[{place}] = {unusable(float(inputs[wrong]))}")
    return inputs


def _labels(archive: _Archive, file: Path, name: str, samples: int) -> list[Any]:
    where = f"{file}, array {name!r}"
    with archive.open(name) as (stream, size):
        header = _header(stream, size, where)
        is_long = header.dtype.itemsize > 4 * MAX_NAME or header.size > MAX_LABEL_BYTES
        if header.dtype.kind not in "biufU" or is_long:
            raise ValueError(
                f"{where}: {header.size} bytes of {header.dtype}; labels are numbers, or texts of "
                f"at most {MAX_NAME} characters"
            )
        if header.shape not in ((samples,), (samples, 1)):
            raise ValueError(
                f"{where}: its shape is {header.shape}; one label for each of the {samples} "
                f"samples is ({samples},)"
            )
        values = _numbers(stream, header).reshape(-1)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"{where}: {name}[{at}] = {values[at]:g} is no class")
    try:
        found: list[Any] = values.tolist()
    except ValueError:  # numbers that stand for no character
        raise ValueError(f"{where}: its texts are damaged") from None
    if values.dtype.kind == "U" and not all(text.strip() for text in found):
        at = next(index for index, text in enumerate(found) if not text.strip())
        raise ValueError(f"{where}: {name}[{at}] is empty")
    return found


def _header(stream: IO[bytes], declared: int, where: str) -> _Header:
    """The header of an array of so many bytes, if it says the same of itself."""
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY" or len(start) < 8:
        raise ValueError(f"{where}: no NumPy array")
    is_short = start[6] == 1
    length = int.from_bytes(stream.read(2 if is_short else 4), "little")
    if length > MAX_HEADER:
        raise ValueError(f"{where}: a header of {length} bytes, of at most {MAX_HEADER}")
    header = _parsed(stream.read(length), where)
    size = len(start) + (2 if is_short else 4) + length + header.size
    if size != declared:
        raise ValueError(
            f"{where}: {declared} bytes, but its shape {shown(header.shape)} needs {size}"
        )
    return header


def _parsed(text: bytes, where: str) -> _Header:
    try:
        found = ast.literal_eval(text.decode("latin-1").strip())
        kind, shape, order = found["descr"], found["shape"], found["fortran_order"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise ValueError(f"{where}: its header is damaged") from None
    if isinstance(kind, str) and kind.strip("|<>=") == "O":
        raise ValueError(
            f"{where}: it holds pickled objects, which are never opened; save plain numbers"
        )
    if not (isinstance(kind, str) and re.fullmatch(r"[<>|=]?([biu][1248]|f[248]|U\d{1,6})", kind)):
        raise ValueError(f"{where}: values of type {shown(kind)} are neither numbers nor texts")
    sizes_are_sound = (
        isinstance(shape, tuple)
        and len(shape) <= 32
        and all(type(side) is int and 0 <= side <= 2**48 for side in shape)
    )
    if not sizes_are_sound or type(order) is not bool:
        raise ValueError(f"{where}: its header is damaged")
    try:
        return _Header(np.dtype(kind), shape, order)
    except TypeError:
        raise ValueError(f"{where}: values of type {kind!r} are not known") from None


def _numbers(stream: IO[bytes], header: _Header) -> NDArray[Any]:
    """The values of an array whose size was found good."""
    content = bytearray()
    while piece := stream.read(PIECE // 4):
        content += piece
    if len(content) != header.size:
        raise EOFError(f"{len(content)} bytes, of {header.size}")
    flat = np.frombuffer(content, header.dtype)
    ordered = flat.reshape(header.shape, order="F" if header.is_fortran else "C")
    # The processor's own byte order, whatever the file's.
    return np.ascontiguousarray(ordered, header.dtype.newbyteorder("="))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
