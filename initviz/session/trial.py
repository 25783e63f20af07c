"""Proving a remedy behind the window: two short runs in a thread of their own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from initviz.session.errand import ErrandRunner, Progress

if TYPE_CHECKING:
    from initviz.lab.diagnosis import Finding
    from initviz.lab.experiment import Experiment
    from initviz.lab.thresholds import Thresholds
    from initviz.lab.trial import Trial


class TrialRunner(ErrandRunner):
    """Runs one trial at a time; `finished` brings the `Trial`."""

    thread_name = "initviz trial"

    def start(
        self, experiment: Experiment, finding: Finding, steps: int, rules: Thresholds
    ) -> None:
        """Try the first remedy of `finding`; a trial on its way is cancelled."""

        def work(cancel: threading.Event, progress: Progress) -> Trial | None:
            from initviz.lab.trial import Cancelled, try_remedy

            try:
                return try_remedy(experiment, finding, steps, cancel, progress, rules)
            except Cancelled:
                return None

        self.begin(work)
