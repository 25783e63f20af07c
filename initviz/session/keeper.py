"""Recordings written to files while the window goes on: one thread writes, none waits for it.

The window's thread looks at each recording twice a second and takes a copy of what is new, which
costs it less than a millisecond; the keeper's own thread owns the files and writes it down.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from PySide6.QtCore import QObject, QTimer, Signal

from initviz.lab.files import PERIOD, Changes, Follower, RecordingFile, journals
from initviz.lab.recording import Recording

log = logging.getLogger(__name__)


@dataclass
class _Kept:
    """One recording and its file, as the window's thread sees them."""

    path: Path
    follower: Follower
    #: Whether everything that was taken is written; set by the other thread.
    is_idle: threading.Event = field(default_factory=threading.Event)


class Keeper(QObject):
    """Writes recordings as they grow, each to a file of its own.

    Signals:
        failed: with the path of a file that cannot be written any more, and a sentence. It stays
            as it was last; the recording is kept no longer.
    """

    failed = Signal(Path, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: dict[Path, _Kept] = {}
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._failures: SimpleQueue[tuple[Path, str]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * PERIOD))
        self._timer.timeout.connect(self.look)
        #: The open files; the other thread's alone.
        self._files: dict[Path, RecordingFile] = {}

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are written."""
        return tuple(self._kept)

    def keep(self, path: Path, recording: Recording) -> None:
        """Write what `recording` has to a new file, and from now on whatever it gets."""
        assert path not in self._kept
        self._start()
        self._timer.start()
        kept = self._kept[path] = _Kept(path, Follower(recording))
        changes = kept.follower.take()
        self._order(kept, lambda: self._begin(path, recording, changes))

    def look(self) -> None:
        """Take what is new of every recording, unless its file is still behind; tell failures."""
        while not self._failures.empty():
            path, sentence = self._failures.get()
            self._kept.pop(path, None)
            self.failed.emit(path, sentence)
        for kept in self._kept.values():
            if kept.is_idle.is_set() and kept.follower.has_news:
                self._write(kept, kept.follower.take())
        if not self._kept:
            self._timer.stop()

    def release(self, path: Path, *, delete: bool = False) -> None:
        """Write what is missing and close the file, which stands alone then; or delete it."""
        kept = self._kept.pop(path, None)
        if kept is None:
            return
        if not delete:
            self._write(kept, kept.follower.take(everything=True))
        self._order(kept, lambda: self._end(path, delete))

    def discard(self, path: Path) -> None:
        """Delete a recording that is written no more: a large one takes longer than a frame."""
        self._start()
        self._orders.put(lambda: _delete(path))

    def close(self) -> None:
        """Release every file and wait until all is written; failures are told."""
        for path in self.paths:
            self.release(path)
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()
            self._thread = None
        self.look()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="initviz keeper")
            self._thread.start()

    def _write(self, kept: _Kept, changes: Changes) -> None:
        self._order(kept, lambda: self._go_on(kept.path, changes))

    def _order(self, kept: _Kept, order: Callable[[], None]) -> None:
        def obey() -> None:
            try:
                order()
            except OSError as error:
                log.info("a recording is kept no longer: %s", error)
                self._files.pop(kept.path, None)
                self._failures.put((kept.path, str(error)))
            finally:
                kept.is_idle.set()

        kept.is_idle.clear()
        self._orders.put(obey)

    # -- the keeper's thread -----------------------------------------------------------------

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            order()

    def _begin(self, path: Path, recording: Recording, changes: Changes) -> None:
        self._files[path] = RecordingFile(path, recording, changes)

    def _go_on(self, path: Path, changes: Changes) -> None:
        if path in self._files:  # it has failed before otherwise
            self._files[path].write(changes)

    def _end(self, path: Path, delete: bool) -> None:
        file = self._files.pop(path, None)
        if file is not None:
            file.close()
        if delete:
            _delete(path)


def _delete(path: Path) -> None:
    for place in (path, *journals(path)):
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)
