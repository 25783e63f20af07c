"""The diagnosis for all in a window who ask: what was answered a moment ago is not found again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from weakref import ref

from initviz.lab.diagnosis import Finding, diagnose
from initviz.lab.recording import Recording
from initviz.lab.thresholds import Thresholds

#: So many answers are kept: a few for each of the lanes.
MOST = 16


@dataclass(frozen=True)
class _Answer:
    recording: ref[Recording]
    step: int
    seen: int  # the newest step at or before that, as far as the recording went
    thresholds: Thresholds
    findings: tuple[Finding, ...]


class Diagnoses:
    """Keeps the newest answers. A recording only grows, so what was found at a step stays true."""

    def __init__(self) -> None:
        self._answers: deque[_Answer] = deque(maxlen=MOST)

    def of(self, recording: Recording, step: int, thresholds: Thresholds) -> tuple[Finding, ...]:
        """What the rules find in a recording at `step` under these thresholds."""
        seen = min(step, recording.last_step)
        for known in self._answers:
            if (
                (known.step, known.seen) == (step, seen)
                and known.recording() is recording
                and known.thresholds == thresholds
            ):
                return known.findings
        findings = tuple(diagnose(recording, step, thresholds))
        self._answers.appendleft(_Answer(ref(recording), step, seen, thresholds, findings))
        return findings
