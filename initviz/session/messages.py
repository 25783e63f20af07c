"""What a window and the process that trains for it write to each other.

Each message is a pickle, with the large arrays of its checkpoints behind it: whoever moves those
copies them nowhere else, and lets the rest of the program go on meanwhile. Both ends are one
program, and nobody else can write into the pipes between them: what people share is never read in
this way.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.session.events import Event

#: What stands before a message: how many parts it has, and then how many bytes each of them.
COUNT, SIZE = struct.Struct("<I"), struct.Struct("<Q")

#: A message as it is moved: the pickle, and what lies behind it.
Parts = Sequence[memoryview]


@dataclass(frozen=True)
class Begin:
    """Make a job under this number, and start it."""

    number: int
    experiment: Experiment
    beginning: Checkpoint | None


@dataclass(frozen=True)
class Order:
    """Call this method of a job with these arguments."""

    number: int
    method: Callable[..., None]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class PauseTogether:
    """Pause these jobs, those in lock-step at the same step."""

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Said:
    """What a job said, oldest first."""

    number: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Logged:
    """A record of the log, as `logging.makeLogRecord` takes it."""

    record: dict[str, Any]


Instruction = Begin | Order | PauseTogether
Report = Said | Logged


def packed(message: Instruction | list[Report]) -> Parts:
    """The message as it is moved; its checkpoints' arrays are copied."""
    stream, apart = io.BytesIO(), list[pickle.PickleBuffer]()
    _Pickler(stream, protocol=5, buffer_callback=apart.append).dump(message)
    return [stream.getbuffer(), *(buffer.raw() for buffer in apart)]


def unpacked(parts: Parts) -> Any:
    """The message that was packed; its checkpoints' arrays are these parts, not copied."""
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301 (of this very program)


def write(stream: IO[bytes], message: Instruction | list[Report]) -> None:
    """Write a message.

    Raises:
        OSError: if the other end is gone.
    """
    parts = packed(message)
    sizes = [SIZE.pack(part.nbytes) for part in parts]
    stream.write(b"".join([COUNT.pack(len(parts)), *sizes]))
    for part in parts:
        stream.write(part)
    stream.flush()


def read(stream: IO[bytes]) -> Parts:
    """The next message as it was moved, once it is there.

    Raises:
        EOFError: if the other end is gone.
    """
    count = COUNT.unpack(_bytes(stream, COUNT.size))[0]
    sizes = SIZE.iter_unpack(_bytes(stream, count * SIZE.size))
    return [_bytes(stream, size) for (size,) in sizes]


def _bytes(stream: IO[bytes], size: int) -> memoryview:
    """So many bytes, in memory that is not touched before they come."""
    found: memoryview = np.empty(size, dtype=np.uint8).data
    if stream.readinto(found) < size:  # type: ignore[attr-defined]
        raise EOFError
    return found


# -- pickles --------------------------------------------------------------------------------------


def _flattened(checkpoint: Checkpoint) -> tuple[Callable[..., Checkpoint], tuple[Any, ...]]:
    arrays, facts = checkpoint.to_arrays()
    moved = {name: (a.dtype.str, pickle.PickleBuffer(a.data)) for name, a in arrays.items()}
    return _restored, (checkpoint.experiment, moved, facts)


def _restored(
    experiment: Experiment, moved: Mapping[str, tuple[str, Any]], facts: Mapping[str, Any]
) -> Checkpoint:
    arrays = {name: np.frombuffer(buffer, dtype) for name, (dtype, buffer) in moved.items()}
    return Checkpoint.from_arrays(experiment, arrays, facts)


class _Pickler(pickle.Pickler):
    """Leaves checkpoints' arrays apart, and no others.

    Of those there are many: as protocol 5 writes them, each would give the collector of garbage two
    objects to look at.
    """

    dispatch_table = copyreg.dispatch_table | {
        Checkpoint: _flattened,
        np.ndarray: np.ndarray.__reduce__,
    }
