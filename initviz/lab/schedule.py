"""When what is measured.

The loss is measured at every step. Everything that the batch gives is measured at each of the
first hundred steps, and then at every `EVERY`-th, or when somebody looks. What needs a pass of its
own, and the copy of the whole state, come at fixed early steps and then within their `SHARES` of
the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from initviz.lab.quantities import Cost

NOTHING: frozenset[Cost] = frozenset()
CHEAP: frozenset[Cost] = frozenset({"cheap"})
BATCH: frozenset[Cost] = frozenset({"cheap", "full"})
STATE: frozenset[Cost] = frozenset({"state"})
EVERYTHING: frozenset[Cost] = frozenset({"cheap", "full", "probe", "state"})

#: Steps at whose beginning everything of the batch is measured.
DENSE = 100
#: After those, every how many steps.
EVERY = 50
#: Steps at which everything is always done.
PROBE_STEPS = frozenset({0, 1, 2, 5, 10, 20, 50, 100})
#: The shares of the time that later probe passes, and later copies of the state, may take.
SHARES: Mapping[Cost, float] = {"probe": 0.02, "state": 0.01}
#: The state is copied again when the run has become longer by this share: half of the gap that
#: thinning leaves. More often would be for nothing.
STATE_GAP = 1 / 32

Wanted = Callable[[int], frozenset[Cost]]


def nothing_wanted(_step: int) -> frozenset[Cost]:
    """Nobody looks: the schedule alone decides."""
    return NOTHING


def always(costs: frozenset[Cost]) -> Wanted:
    """The same at every step, for benchmarks and for watching step by step."""
    return lambda _step: costs


@dataclass
class Schedule:
    """The schedule of one run; it learns how long the dear things take."""

    _spent: dict[Cost, float] = field(default_factory=dict, init=False)
    _copied: int = field(default=0, init=False)

    def costs(self, step: int, elapsed: float) -> frozenset[Cost]:
        """What is measured at `step`, `elapsed` seconds of training after the start."""
        if step in PROBE_STEPS:
            return EVERYTHING
        if step <= DENSE:
            return BATCH
        if step % EVERY:
            return NOTHING
        return BATCH | {cost for cost in SHARES if self._may(cost, step, elapsed)}

    def _may(self, cost: Cost, step: int, elapsed: float) -> bool:
        if cost == "state" and step < (1.0 + STATE_GAP) * self._copied:
            return False
        return self._spent.get(cost, 0.0) <= SHARES[cost] * elapsed

    def add(self, cost: Cost, seconds: float, step: int) -> None:
        """Count the time of a probe pass, or of copying the state, at `step`."""
        self._spent[cost] = self._spent.get(cost, 0.0) + seconds
        if cost == "state":
            self._copied = step
