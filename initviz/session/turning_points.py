"""Where findings began and ended in a run, found little by little.

To diagnose takes milliseconds, too much for every recorded step. So a few steps are diagnosed, and
between two that differ the change is searched for by halving. A change that came and went between
two of them is missed; that is the price.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from initviz.lab.recording import Recording
from initviz.lab.thresholds import Thresholds
from initviz.session.diagnoses import Diagnoses

#: The newest step is diagnosed when the run has become longer by this share.
GROWTH = 1 / 32


@dataclass(frozen=True)
class TurningPoint:
    """At `step`, measured after one where it was otherwise, findings began or ended, by kind."""

    step: int
    began: frozenset[str]
    ended: frozenset[str]


class TurningPoints:
    """The turning points of one recording; each `advance` makes at most one diagnosis."""

    def __init__(
        self, recording: Recording, thresholds: Thresholds, diagnoses: Diagnoses | None = None
    ) -> None:
        """`diagnoses` is whom to ask, where others ask too."""
        self.recording, self.thresholds = recording, thresholds
        self._diagnoses = diagnoses or Diagnoses()
        self._steps: list[int] = []
        self._kinds: list[frozenset[str]] = []

    @property
    def points(self) -> tuple[TurningPoint, ...]:
        """What is known so far, oldest first."""
        pairs = zip(self._steps[1:], self._kinds[:-1], self._kinds[1:], strict=True)
        return tuple(
            TurningPoint(step, after - before, before - after)
            for step, before, after in pairs
            if before != after
        )

    def advance(self) -> bool:
        """Diagnose one more step; False where there is nothing to do."""
        step = self._next()
        if step is None:
            return False
        kinds = frozenset(
            finding.kind
            for finding in self._diagnoses.of(self.recording, step, self.thresholds)
            if finding.kind != "healthy"
        )
        place = bisect.bisect_left(self._steps, step)
        self._steps.insert(place, step)
        self._kinds.insert(place, kinds)
        return True

    def _next(self) -> int | None:
        measured = self.recording.track("signal_gradient_norm").steps
        if not len(measured):
            return None
        newest = int(measured[-1])
        if not self._steps:
            return int(measured[0])
        if newest > self._steps[-1] * (1.0 + GROWTH) + 1:
            return newest
        return self._between()

    def _between(self) -> int | None:
        """The measured step in the middle of two neighbours that differ."""
        measured = self.recording.track("signal_gradient_norm").steps
        for place in range(len(self._steps) - 1, 0, -1):
            if self._kinds[place - 1] == self._kinds[place]:
                continue
            low = int(measured.searchsorted(self._steps[place - 1], side="right"))
            high = int(measured.searchsorted(self._steps[place]))
            if high > low:
                return int(measured[(low + high) // 2])
        return None
