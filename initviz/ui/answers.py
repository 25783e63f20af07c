"""Questions whose answers take a while: asked once each, answered in a thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class _Voice(QObject):
    """Carries an answer from the pool's thread; outlives whoever asked."""

    found = Signal(object, object)


class _Search(QRunnable):
    def __init__(self, find: Callable[[], object], key: Hashable, voice: _Voice) -> None:
        super().__init__()
        self._find, self._key, self._voice = find, key, voice

    def run(self) -> None:
        answer = self._find()
        with suppress(RuntimeError):  # Qt has gone down meanwhile: nobody is left to be told
            self._voice.found.emit(self._key, answer)


class Answers(QObject, Generic[Key, Answer]):
    """What `find` says of each key, once it is known. `find` raises nothing."""

    #: One more is known.
    grew = Signal()

    def __init__(self, find: Callable[[Key], Answer], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._find = find
        self._known: dict[Key, Answer] = {}
        self._asked: set[Key] = set()
        self._voice = _Voice()
        self._voice.found.connect(self._keep)
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)

    def knows(self, key: Key) -> bool:
        """Whether `value` has the answer; if not, it is sought, and `grew` will tell."""
        if key not in self._asked:
            self._asked.add(key)
            self._pool.start(_Search(partial(self._find, key), key, self._voice))
        return key in self._known

    def value(self, key: Key) -> Answer:
        """The answer."""
        return self._known[key]

    def forget(self, key: Key) -> None:
        """Seek the answer anew, when it is asked for."""
        self._known.pop(key, None)
        self._asked.discard(key)

    def close(self) -> None:
        """Wait for the thread to end."""
        self._pool.clear()
        self._pool.waitForDone()

    def _keep(self, key: Key, answer: Answer) -> None:
        self._known[key] = answer
        self.grew.emit()
