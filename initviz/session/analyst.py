"""The analyst: closer looks that take tens of milliseconds, computed beside the window.

Panels ask it what must be computed anew from whole weights. One thread answers, one question
after the other, so that looking never takes more than one core from the runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from initviz.session.worker import explain

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Question:
    """What was asked, and what came of it: the thread writes, the window's thread reads."""

    key: Hashable
    compute: Callable[[], Any]
    answer: Callable[[Any], None]
    fail: Callable[[str], None] | None
    found: Any = None
    error: str = ""
    is_wanted: bool = True


class Analyst(QObject):
    """Answers questions on a thread of its own. `close` it, or the thread lives on.

    A question takes the place of one with the same key that has not been begun. `threads` is how
    many threads PyTorch may use: it knows only one number for the whole program, so that this must
    be the worker's too.
    """

    _answered = Signal(object)

    def __init__(self, threads: int = 1, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads = threads
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, _Question] = {}
        self._under_way: set[_Question] = set()
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._answered.connect(self._deliver)

    def ask(
        self,
        key: Hashable,
        compute: Callable[[], Answer],
        answer: Callable[[Answer], None],
        fail: Callable[[str], None] | None = None,
    ) -> None:
        """Compute something, and hand it to `answer` on this thread.

        If that fails, `fail` gets a sentence. It is computed soon, not now, and both are called
        from the event loop; after `close` neither is.
        """
        with self._changed:
            if self._is_closed:
                return
            self._waiting[key] = _Question(key, compute, answer, fail)
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="initviz analyst")
            self._thread.start()

    def forget(self, key: Hashable) -> None:
        """Whatever was asked under this key will not be answered: nobody listens any more."""
        with self._changed:
            self._waiting.pop(key, None)
            for question in self._under_way:
                if question.key == key:
                    question.is_wanted = False

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still to come."""
        with self._changed:
            return bool(self._waiting or self._under_way)

    def close(self) -> None:
        """Answer nothing more, and wait for what is being computed."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    # -- the thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        import torch

        torch.set_num_threads(self._threads)
        while (question := self._next()) is not None:
            try:
                question.found = question.compute()
            except Exception as failure:
                log.info("a closer look failed", exc_info=True)
                question.error = explain(failure)
            self._answered.emit(question)

    def _next(self) -> _Question | None:
        """The oldest question, once there is one; None when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return None
            question = self._waiting.pop(next(iter(self._waiting)))
            self._under_way.add(question)
            return question

    # -- the window's thread ---------------------------------------------------------------------

    def _deliver(self, question: _Question) -> None:
        with self._changed:
            self._under_way.discard(question)
            if self._is_closed or not question.is_wanted:
                return
        if not question.error:
            question.answer(question.found)
        elif question.fail is not None:
            question.fail(question.error)
