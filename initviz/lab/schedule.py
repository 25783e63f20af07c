"""When what is measured.

The loss is measured at every step. Everything that the batch gives is measured at each of the
first hundred steps, and then at every `EVERY`-th, or when somebody looks. What needs a pass of its
own comes at fixed early steps and then within `PROBE_SHARE` of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from initviz.lab.quantities import Cost

NOTHING: frozenset[Cost] = frozenset()
CHEAP: frozenset[Cost] = frozenset({"cheap"})
BATCH: frozenset[Cost] = frozenset({"cheap", "full"})
EVERYTHING: frozenset[Cost] = frozenset({"cheap", "full", "probe"})

#: Steps at whose beginning everything of the batch is measured.
DENSE = 100
#: After those, every how many steps.
EVERY = 50
#: Steps at which the probe passes are always made.
PROBE_STEPS = frozenset({0, 1, 2, 5, 10, 20, 50, 100})
#: The share of the time that later probe passes may take.
PROBE_SHARE = 0.02

Wanted = Callable[[int], frozenset[Cost]]


def nothing_wanted(_step: int) -> frozenset[Cost]:
    """Nobody looks: the schedule alone decides."""
    return NOTHING


def always(costs: frozenset[Cost]) -> Wanted:
    """The same at every step, for benchmarks and for watching step by step."""
    return lambda _step: costs


@dataclass
class Schedule:
    """The schedule of one run; it learns how long probe passes take."""

    spent: float = field(default=0.0, init=False)

    def costs(self, step: int, elapsed: float) -> frozenset[Cost]:
        """What is measured at `step`, `elapsed` seconds of training after the start."""
        if step in PROBE_STEPS:
            return EVERYTHING
        if step <= DENSE:
            return BATCH
        if step % EVERY:
            return NOTHING
        return EVERYTHING if self.spent <= PROBE_SHARE * elapsed else BATCH

    def add(self, seconds: float) -> None:
        """Count the time of one probe pass."""
        self.spent += seconds
