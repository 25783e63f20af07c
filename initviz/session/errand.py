"""Something that takes a while, done once behind the window in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from initviz.session.worker import explain

log = logging.getLogger(__name__)

#: Seconds between two looks at how far it is.
PERIOD = 0.1
#: Seconds that it may take before anything is said of its progress.
UNSAID = 0.5

Progress = Callable[[int, int], None]
#: What is to be done: it asks the event between its steps whether to end, and tells how many of
#: how many steps are done. It returns what came of it, or None if it was ended.
Work = Callable[[threading.Event, Progress], Any]


class _Errand:
    """One piece of work on its way: the thread writes, the window's thread reads."""

    def __init__(self, work: Work, name: str, threads: int | None) -> None:
        self.cancel = threading.Event()
        self.began = time.perf_counter()
        self.share = 0.0
        self.result: Any = None
        self.error = ""
        self._work, self._threads = work, threads
        self.thread = threading.Thread(target=self._run, name=name)
        self.thread.start()

    def _run(self) -> None:
        try:
            if self._threads is not None:
                import torch

                torch.set_num_threads(self._threads)
            self.result = self._work(self.cancel, self._tell)
        except Exception as failure:
            log.info("%s failed", self.thread.name, exc_info=True)
            self.error = explain(failure)

    def _tell(self, done: int, total: int) -> None:
        self.share = done / total


class ErrandRunner(QObject):
    """Does one piece of work at a time. `close` it, or its thread lives on.

    Signals:
        progressed: with the share that is done, once it takes longer than a moment.
        finished: with what came of it.
        failed: with a sentence.

    Work that is cancelled says nothing more.
    """

    progressed = Signal(float)
    finished = Signal(object)
    failed = Signal(str)

    #: What its threads are called.
    thread_name = "initviz errand"
    #: Seconds before it says how far it is.
    unsaid = UNSAID

    def __init__(self, parent: QObject | None = None, threads: int | None = 1) -> None:
        """`threads` is how many PyTorch uses; None where the work needs none of it."""
        super().__init__(parent)
        self._threads = threads
        self._current: _Errand | None = None
        self._ending: list[_Errand] = []
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * PERIOD))
        self._timer.timeout.connect(self._look)

    @property
    def is_running(self) -> bool:
        """Whether work is on its way."""
        return self._current is not None

    @property
    def is_ending(self) -> bool:
        """Whether there is a thread yet of work that was cancelled."""
        return any(errand.thread.is_alive() for errand in self._ending)

    def begin(self, work: Work) -> None:
        """Do this; what is on its way is cancelled."""
        self.cancel()
        self._current = _Errand(work, self.thread_name, self._threads)
        self._timer.start()

    def cancel(self) -> None:
        """End the work after the step that is being computed."""
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

    def finish(self) -> None:
        """Wait for the work that is on its way, and say what came of it."""
        if self._current is not None:
            self._current.thread.join()
            self._look()

    def _look(self) -> None:
        errand = self._current
        if errand is None:
            return
        if errand.thread.is_alive():
            if time.perf_counter() - errand.began > self.unsaid:
                self.progressed.emit(errand.share)
            return
        self._timer.stop()
        self._current = None
        errand.thread.join()
        if errand.error:
            self.failed.emit(errand.error)
        elif errand.result is not None:
            self.finished.emit(errand.result)
