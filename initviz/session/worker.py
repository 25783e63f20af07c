"""The one thread that trains. PyTorch is imported here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.snapshot import Snapshot
from initviz.session.events import Began, Ended, Measured
from initviz.session.job import Job
from initviz.session.news import News
from initviz.session.trainer import Run

log = logging.getLogger(__name__)


class Worker:
    """Takes the steps of all jobs in turn, the job furthest behind first: so they stay in step.

    `threads` is how many threads PyTorch may use. One worker serves a whole session: `close` it.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        #: What any job says.
        self.news = News()
        #: Rung when a job is added, may go on, or must end.
        self._bell = threading.Condition()
        self._jobs: list[Job] = []
        self._runs: dict[Job, Iterator[Snapshot]] = {}
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="initviz worker")
        self._thread.start()

    def job(self, experiment: Experiment, start: Checkpoint | None = None) -> Job:
        """A run that has not begun: of step 0 on, or from the checkpoint `start` on."""
        return Job(experiment, start, self._bell, self.news, self._begin)

    def pause(self, runs: Collection[Run]) -> None:
        """Pause these runs; one that is a single step behind the foremost takes that step yet."""
        with self._bell:
            jobs = [job for job in self._jobs if job in runs]
            front = max((job.reach for job in jobs), default=0)
            for job in jobs:
                has_turn = job.bound > job.reach == front - 1
                job.train_to(front if has_turn else 0)

    def close(self) -> None:
        """End every run after its step, and wait for the thread."""
        with self._bell:
            self._is_closed = True
            for job in self._jobs:
                job.cancel.set()
            self._bell.notify_all()
        self._thread.join()

    def _begin(self, job: Job) -> None:
        with self._bell:
            self._jobs.append(job)
            self._bell.notify_all()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            self._take_step(job)

    def _next_job(self) -> Job | None:
        """The job whose turn it is, once there is one; None after `close`."""
        with self._bell:
            while True:
                if self._is_closed and not self._jobs:
                    return None
                now = time.perf_counter()
                waits = {job: job.wait_before_next(now) for job in self._jobs}
                ready = [job for job, wait in waits.items() if wait == 0.0]
                if ready:
                    # An ended run first, for it is in the way of nothing; then who is behind.
                    job = min(ready, key=lambda job: (not job.cancel.is_set(), job.reach))
                    job.begin_step()
                    return job
                self._bell.wait(min((w for w in waits.values() if w is not None), default=None))

    def _take_step(self, job: Job) -> None:
        """Train one step of a job, or end it; whatever happens, its last event is `Ended`."""
        try:
            snapshot = None if job.cancel.is_set() else next(self._run_of(job), None)
        except Exception as failure:
            log.info("the run failed", exc_info=True)
            self._end(job, Ended(explain(failure)))
            return
        if snapshot is None:
            self._end(job, Ended())
            return
        job.say(Measured(snapshot))
        job.end_step(snapshot.step)
        if snapshot.is_last:
            self._end(job, Ended(has_finished=True))

    def _run_of(self, job: Job) -> Iterator[Snapshot]:
        if job not in self._runs:
            import torch

            from initviz.lab.network_settings import layer_names
            from initviz.lab.training import environment, train

            torch.set_num_threads(self._threads)
            job.say(Began(layer_names(job.experiment.network), environment(job.experiment)))
            self._runs[job] = train(
                job.experiment, job.cancel, wanted=job.wanted, start=job.beginning
            )
        return self._runs[job]

    def _end(self, job: Job, ended: Ended) -> None:
        with self._bell:
            self._jobs.remove(job)
        self._runs.pop(job, None)
        job.say(ended)


def explain(error: Exception) -> str:
    """A sentence that says what to change."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, ValueError):
        return text  # it is a sentence already, whatever words stand in the name of a file
    lowered = text.lower()
    if isinstance(error, MemoryError) or "alloc" in lowered or "out of memory" in lowered:
        return (
            "There is not enough memory for this network: fewer or narrower layers, or a smaller "
            "batch, will fit."
        )
    if "cuda" in lowered or "mps" in lowered:
        return f"The device failed ({text}). Choose run.device = 'cpu', or start again."
    return text
