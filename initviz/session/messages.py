"""What a window and the process that trains for it write to each other.

Each message is a pickle behind its length. Both ends are one program, and nobody else can write
into the pipes between them: what people share is never read in this way.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.session.events import Event

#: What stands before a message: how many bytes it has.
HEADER = struct.Struct("<Q")


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


def packed(message: Instruction | list[Report]) -> bytes:
    """The message as it is written."""
    data = pickle.dumps(message, protocol=4)
    return HEADER.pack(len(data)) + data


def unpacked(data: bytes | bytearray | memoryview) -> Any:
    """The message, from what stands behind its length."""
    return pickle.loads(data)  # noqa: S301 (of this very program, from a pipe of its own)


def read(stream: BinaryIO) -> Any:
    """The next message, once it is there.

    Raises:
        EOFError: if the other end is gone.
    """
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        raise EOFError
    return unpacked(stream.read(HEADER.unpack(header)[0]))
