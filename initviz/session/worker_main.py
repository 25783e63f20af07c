"""The process that trains for a window: a worker between two pipes.

It reads its orders from the standard input and writes what is said to the standard output. When
the input ends, because the window has closed or is no more, it ends too, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import signal
import sys
import threading
import traceback
from queue import SimpleQueue
from typing import IO, NoReturn

from initviz.session.events import Ended
from initviz.session.job import Job
from initviz.session.messages import (
    Begin,
    Instruction,
    Logged,
    Order,
    PauseTogether,
    Report,
    Said,
    read,
    unpacked,
    write,
)
from initviz.session.worker import Worker


class _Service:
    """One worker, its jobs by the numbers that the window gave them, and who tells of them."""

    def __init__(self, replies: IO[bytes]) -> None:
        self._replies = replies
        self._worker = Worker()
        self._jobs: dict[int, Job] = {}
        self._records: SimpleQueue[logging.LogRecord] = SimpleQueue()
        logger = logging.getLogger("initviz")
        logger.addHandler(logging.handlers.QueueHandler(self._records))
        logger.setLevel(logging.INFO)
        threading.Thread(target=self._tell, name="initviz replies", daemon=True).start()

    def obey(self, instruction: Instruction) -> None:
        """Do what the window says; of a job that has ended it may not know that yet."""
        match instruction:
            case Begin(number, experiment, beginning):
                self._jobs[number] = self._worker.job(experiment, beginning)
                self._jobs[number].start()
            case Order(number, method, arguments):
                if number in self._jobs:
                    method(self._jobs[number], *arguments)
            case PauseTogether(numbers):
                self._worker.pause([self._jobs[n] for n in numbers if n in self._jobs])

    def _tell(self) -> None:
        try:
            while True:
                self._tell_news()
        except OSError:
            return  # the window is gone: the orders end as well
        except Exception:  # noqa: BLE001 (or the window would wait for ever)
            _give_up()

    def _tell_news(self) -> None:
        """Wait until something was said, and write it."""
        self._worker.news.wait()
        reports: list[Report] = []
        for number, job in list(self._jobs.items()):
            events = tuple(job.events())
            if events:
                reports.append(Said(number, events))
            if any(isinstance(event, Ended) for event in events):
                del self._jobs[number]
        while not self._records.empty():
            reports.append(Logged(self._records.get().__dict__))
        if reports:
            write(self._replies, reports)


def serve(orders: IO[bytes], replies: IO[bytes]) -> None:
    """Obey until there are no more orders."""
    with contextlib.suppress(ImportError):  # the first job will say what is missing
        import initviz.lab.training  # noqa: F401 (most of the time until the first step)

    service = _Service(replies)
    with contextlib.suppress(EOFError):
        while True:
            service.obey(unpacked(read(orders)))


def main() -> None:
    """Serve on the standard pipes, which nothing else may use, and leave without ceremony."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the window is asked, and closes the pipe
    orders, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    is_heard = sys.stderr is not None  # a program without a console has none
    os.dup2(2 if is_heard else os.open(os.devnull, os.O_WRONLY), 1)  # nobody prints into the pipe
    if is_heard:
        faulthandler.enable()
    try:
        serve(orders, replies)
    except Exception:  # noqa: BLE001 (it is printed, and the window told)
        _give_up()
    os._exit(0)  # the worker may be in the midst of a step


def _give_up() -> NoReturn:
    """End with a traceback: the window says that there is no process any more."""
    if sys.stderr is not None:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
