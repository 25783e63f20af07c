"""The one thread that trains. PyTorch is imported here, behind the window."""

from __future__ import annotations

import logging
import threading
import time

from initviz.session.events import Began, Ended, Measured
from initviz.session.job import Job

log = logging.getLogger(__name__)


class Worker:
    """Runs one job at a time; a new job replaces the one before.

    `threads` is how many threads PyTorch may use. One worker serves a whole session: `close` it.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._changed = threading.Condition()
        self._current: Job | None = None
        self._next: Job | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="initviz worker")
        self._thread.start()

    def start(self, job: Job) -> None:
        """Run `job` as soon as the step that is being computed is done."""
        with self._changed:
            for replaced in (self._current, self._next):
                if replaced is not None:
                    replaced.stop()
            self._next = job
            self._changed.notify_all()

    def close(self) -> None:
        """End the current run after its step, and wait for the thread."""
        with self._changed:
            self._is_closed = True
            for job in (self._current, self._next):
                if job is not None:
                    job.stop()
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._current = None
                self._changed.wait_for(lambda: self._next is not None or self._is_closed)
                if self._is_closed:
                    return
                self._current, self._next = self._next, None
            assert self._current is not None
            self._run(self._current)

    def _run(self, job: Job) -> None:
        error = ""
        try:
            self._train(job)
        except Exception as failure:
            log.info("the run failed", exc_info=True)
            error = explain(failure)
        finally:
            job.say(Ended(error))

    def _train(self, job: Job) -> None:
        import torch

        from initviz.lab.network_settings import layer_names
        from initviz.lab.training import environment, train

        torch.set_num_threads(self._threads)
        if job.cancel.is_set():
            return
        job.say(Began(layer_names(job.experiment.network), environment(job.experiment)))
        began = time.perf_counter()
        for snapshot in train(job.experiment, job.cancel, wanted=job.wanted):
            job.say(Measured(snapshot))
            job.wait_for_turn(began)
            began = time.perf_counter()


def explain(error: Exception) -> str:
    """A sentence that says what to change."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    lowered = text.lower()
    if isinstance(error, MemoryError) or "alloc" in lowered or "out of memory" in lowered:
        return (
            "There is not enough memory for this network: fewer or narrower layers, or a smaller "
            "batch, will fit."
        )
    if "cuda" in lowered or "mps" in lowered:
        return f"The device failed ({text}). Choose run.device = 'cpu', or start again."
    return text
