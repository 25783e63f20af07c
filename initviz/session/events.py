"""What a worker says of a run, in the order in which it happens: one typed union.

A run begins with `Began`, unless it fails before; measures any number of steps; waits whenever it
may not go on; and always ends with `Ended`.
"""

from __future__ import annotations

from dataclasses import dataclass

from initviz.lab.recording import Environment
from initviz.lab.snapshot import Snapshot


@dataclass(frozen=True)
class Began:
    """The network stands; its layers are named, input side first."""

    layers: tuple[str, ...]
    environment: Environment


@dataclass(frozen=True)
class Measured:
    """One more step."""

    snapshot: Snapshot


@dataclass(frozen=True)
class Waiting:
    """Every step that was allowed by this order is done: the run is paused.

    Orders are counted; where a newer one has been given, this says nothing of it.
    """

    order: int


@dataclass(frozen=True)
class Ended:
    """Nothing more will come.

    `error` says in a sentence why the run failed, or is empty; `has_finished` is true where the
    run came to its own end: its length was reached, or its loss stood still.
    """

    error: str = ""
    has_finished: bool = False


Event = Began | Measured | Waiting | Ended
