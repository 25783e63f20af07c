"""What a session asks of whatever trains: a thread of this process, or another process.

The window's side alone stands here. `Worker` is the thread; `WorkerProcess` has one of those in a
process of its own and passes on what is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import Cost
from initviz.session.events import Event


class Run(Protocol):
    """One run of an experiment, as who gives the orders sees it. It begins when `start` is called.

    Whatever is ordered before that holds from the beginning. A run measures its first step and
    waits, until `train_to` lets it go on.
    """

    #: How many orders were given to go on or to pause.
    orders: int

    @property
    def reach(self) -> int:
        """The newest step that is known to be measured, or to be under way."""

    @property
    def bound(self) -> float:
        """No step after this one will be computed under the orders given; inf without an end."""

    def start(self) -> None:
        """Begin, beside the other runs of the same trainer."""

    def train_to(self, step: int | None) -> None:
        """Train until this step; None for no end. Never back: a lower one means to stop here."""

    def set_speed(self, steps_per_second: float | None) -> None:
        """At most so many steps a second; None for as fast as it goes."""

    def watch(self, costs: frozenset[Cost]) -> None:
        """Somebody looks: measure so much at the next step."""

    def stop(self) -> None:
        """End the run as soon as the current step is done."""

    def settle(self) -> None:
        """After `stop`: let what it has still to say arrive, if that takes but a blink."""

    def events(self) -> Iterator[Event]:
        """What was said since the last call, oldest first."""


class Trainer(Protocol):
    """Takes the steps of all its runs in turn. `close` it, or it lives on."""

    def job(self, experiment: Experiment, start: Checkpoint | None = None) -> Run:
        """A run that has not begun: of step 0 on, or from the checkpoint `start` on."""

    def pause(self, runs: Collection[Run]) -> None:
        """Pause these runs; one that is a single step behind the foremost takes that step yet."""

    def close(self) -> None:
        """End every run, and wait for that."""
