"""Measures the first step of what comes next, so that nobody has to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject

from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.session.errand import ErrandRunner, Progress
from initviz.ui.lecture.kept import Kept, Run


class Prefetch(ErrandRunner):
    """Puts what it measures among what is kept; what fails is left to the lane to tell of."""

    thread_name = "initviz prefetch"

    def __init__(self, kept: Kept, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept = kept
        self.finished.connect(self._keep)

    def fetch(self, experiments: Sequence[Experiment]) -> None:
        """Measure step 0 of these, those excepted that are kept already."""
        new = [one for one in experiments if self._kept.get(Run(one, 0)) is None]
        if new:
            self.begin(partial(_measure, new))

    def _keep(self, recordings: Sequence[Recording]) -> None:
        for recording in recordings:
            self._kept.put(Run(recording.experiment, 0), recording)


def _measure(
    experiments: Sequence[Experiment], cancel: threading.Event, _tell: Progress
) -> list[Recording]:
    from initviz.lab.training import run

    recordings = []
    for experiment in experiments:
        recording = run(experiment, 0, cancel=cancel)
        if cancel.is_set():
            break  # it may have been ended before it measured anything
        recordings.append(recording)
    return recordings
