"""Proving a remedy behind the window: two short runs in a thread of their own."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from initviz.session.worker import explain

if TYPE_CHECKING:
    from initviz.lab.diagnosis import Finding
    from initviz.lab.experiment import Experiment
    from initviz.lab.thresholds import Thresholds
    from initviz.lab.trial import Trial

log = logging.getLogger(__name__)

#: Seconds between two looks at how far it is.
PERIOD = 0.1
#: Seconds that a trial may take before anything is said of its progress.
UNSAID = 0.5


class _Errand:
    """One trial on its way: the thread writes, the window's thread reads."""

    def __init__(
        self, experiment: Experiment, finding: Finding, steps: int, rules: Thresholds, threads: int
    ) -> None:
        self.cancel = threading.Event()
        self.began = time.perf_counter()
        self.share = 0.0
        self.trial: Trial | None = None
        self.error = ""
        self._what = (experiment, finding, steps, rules)
        self._threads = threads
        self.thread = threading.Thread(target=self._work, name="initviz trial")
        self.thread.start()

    def _work(self) -> None:
        try:
            self.trial = self._try()
        except Exception as failure:
            log.info("the trial failed", exc_info=True)
            self.error = explain(failure)

    def _try(self) -> Trial | None:
        import torch

        from initviz.lab.trial import Cancelled, try_remedy

        torch.set_num_threads(self._threads)
        experiment, finding, steps, rules = self._what
        try:
            return try_remedy(experiment, finding, steps, self.cancel, self._tell, rules)
        except Cancelled:
            return None

    def _tell(self, done: int, total: int) -> None:
        self.share = done / total


class TrialRunner(QObject):
    """Runs one trial at a time. `close` it, or its thread lives on.

    Signals:
        progressed: with the share that is done, once a trial takes longer than a moment.
        finished: with the `Trial`.
        failed: with a sentence.

    A trial that is cancelled says nothing more.
    """

    progressed = Signal(float)
    finished = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None, threads: int = 1) -> None:
        super().__init__(parent)
        self._threads = threads
        self._current: _Errand | None = None
        self._ending: list[_Errand] = []
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * PERIOD))
        self._timer.timeout.connect(self._look)

    @property
    def is_running(self) -> bool:
        """Whether a trial is on its way."""
        return self._current is not None

    def start(
        self, experiment: Experiment, finding: Finding, steps: int, rules: Thresholds
    ) -> None:
        """Try the first remedy of `finding`; a trial on its way is cancelled."""
        self.cancel()
        self._current = _Errand(experiment, finding, steps, rules, self._threads)
        self._timer.start()

    def cancel(self) -> None:
        """End the trial after the step that is being computed."""
        self._timer.stop()
        self._ending = [errand for errand in self._ending if errand.thread.is_alive()]
        if self._current is not None:
            self._current.cancel.set()
            self._ending.append(self._current)
            self._current = None

    def close(self) -> None:
        """Cancel, and wait for the thread."""
        self.cancel()
        for errand in self._ending:
            errand.thread.join()

    def _look(self) -> None:
        errand = self._current
        if errand is None:
            return
        if errand.thread.is_alive():
            if time.perf_counter() - errand.began > UNSAID:
                self.progressed.emit(errand.share)
            return
        self._timer.stop()
        self._current = None
        errand.thread.join()
        if errand.trial is not None:
            self.finished.emit(errand.trial)
        else:
            self.failed.emit(errand.error)
