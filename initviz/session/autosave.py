"""Running lanes are kept on disk, so that a crash costs a second of them.

Every session has a folder of its own, with a lock that tells whether its program still lives. A
session that ends well removes its folder; what is found of another that does not live was left by
a crash. All of it together stays within bounds.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal

from initviz.lab.files import journals
from initviz.lab.recording import Recording
from initviz.session.keeper import Keeper

#: So many files are kept, the newest ones, and so many bytes of them.
MOST_FILES, MOST_BYTES = 10, 500_000_000
#: Seconds between two looks at how large the files have become.
PATROL = 10.0

_SESSION, _SETTLED = "session-", "kept-"


class Autosave(QObject):
    """Keeps the recordings of this session in `folder` until it is closed.

    Signals:
        failed: with a sentence, when a recording cannot be kept any longer.
    """

    failed = Signal(str)

    def __init__(
        self,
        folder: Path,
        parent: QObject | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._home: Path | None = None
        self._locks: dict[Path, QLockFile] = {}
        self._keeper = Keeper(self)
        self._keeper.failed.connect(lambda _path, sentence: self.failed.emit(sentence))
        #: What is kept of each lane, and where; None where that could not be begun.
        self._lanes: dict[str, tuple[Recording, Path | None]] = {}
        self._count = 0
        self._now = now
        self._patrolled = now()

    # -- this session ------------------------------------------------------------------------

    def follow(self, letter: str, recording: Recording) -> None:
        """Keep what lane `letter` records; to be called whenever it grows.

        A run is kept from its first update on, and the one before it in the lane is closed then;
        that one too stays until the session ends.
        """
        if recording.last_step < 1:
            return
        known = self._lanes.get(letter)
        if known is None or known[0] is not recording:
            self.forget(letter)
            self._begin(letter, recording)
        elif self._now() >= self._patrolled + PATROL:
            self._patrol()

    def forget(self, letter: str) -> None:
        """The lane is gone, or will run something else: close its file."""
        _, path = self._lanes.pop(letter, (None, None))
        if path is not None:
            self._keeper.release(path)

    def look(self) -> None:
        """Take what is new now and not at the next look: a run pauses."""
        self._keeper.look()

    def close(self) -> None:
        """The session ends well: nothing of it is left, and what it found is free again."""
        for path in self._keeper.paths:
            self._keeper.release(path, delete=True)
        self._keeper.close()
        for lock in self._locks.values():
            lock.unlock()
        self._locks.clear()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _begin(self, letter: str, recording: Recording) -> None:
        self._count += 1
        try:
            path = self._own_home() / f"{self._count:04d}-{letter}.initviz"
        except OSError as error:
            self.failed.emit(f"{self._folder}: {error.strerror or error}")
            self._lanes[letter] = recording, None
            return
        self._lanes[letter] = recording, path
        self._keeper.keep(path, recording)
        self._patrol()

    def _own_home(self) -> Path:
        if self._home is None:
            home = self._folder / f"{_SESSION}{secrets.token_hex(8)}"
            home.mkdir(parents=True, mode=0o700)
            self._home = home
            self._lock(home)
        return self._home

    def _patrol(self) -> None:
        """Delete what is too much: the oldest first, and of this session only if it must be."""
        self._patrolled = self._now()
        written = set(self._keeper.paths)
        files = [(path, *_measured(path)) for path in _recordings(self._folder)]
        files.sort(key=lambda file: (file[0] not in written, -file[1]))
        count = total = 0
        for path, _, size in files:
            count, total = count + 1, total + size
            if (count > MOST_FILES or total > MOST_BYTES) and self._may_delete(path):
                count, total = count - 1, total - size
                self._delete(path)

    def _delete(self, path: Path) -> None:
        if path in self._keeper.paths:
            self._keeper.release(path, delete=True)
            self.failed.emit(
                f"This run is kept for a crash no longer: more than {MOST_BYTES:.0e} B"
            )
            return
        self._keeper.discard(path)

    def _may_delete(self, path: Path) -> bool:
        """Whether no other program that lives is writing there."""
        home = path.parent
        if home == self._home or home in self._locks or not home.name.startswith(_SESSION):
            return True
        if not self._lock(home):
            return False
        self._locks.pop(home).unlock()
        return True

    def _lock(self, home: Path) -> bool:
        """Take the lock of a session, if its program does not live."""
        lock = QLockFile(str(home / "lock"))
        lock.setStaleLockTime(0)  # however old it is: what counts is whether the program lives
        if not lock.tryLock(0):
            return False
        self._locks[home] = lock
        return True

    # -- what a crash left -------------------------------------------------------------------

    def left_over(self) -> tuple[Path, ...]:
        """The recordings of sessions that did not end well, the newest first.

        They are this session's to offer, no other's, until it is closed or settles them.
        """
        for home in _homes(self._folder, _SESSION):
            if home not in self._locks and self._lock(home) and not any(home.glob("*.initviz")):
                self._locks.pop(home).unlock()
                shutil.rmtree(home, ignore_errors=True)
        found = [
            path for home in self._locks if home != self._home for path in home.glob("*.initviz")
        ]
        return tuple(sorted(found, key=_measured, reverse=True))

    def settle(self) -> None:
        """They were offered: never again. They stay in the folder, as long as there is room."""
        for home in [home for home in self._locks if home != self._home]:
            self._locks.pop(home).unlock()
            with contextlib.suppress(OSError):
                home.rename(home.with_name(_SETTLED + home.name.removeprefix(_SESSION)))
        self._patrol()


def _homes(folder: Path, prefix: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return [home for home in folder.iterdir() if home.name.startswith(prefix) and home.is_dir()]


def _recordings(folder: Path) -> Iterator[Path]:
    for prefix in (_SESSION, _SETTLED):
        for home in _homes(folder, prefix):
            yield from home.glob("*.initviz")


def _measured(path: Path) -> tuple[float, int]:
    """When a file or its journal was written last, and the bytes of both."""
    newest, size = 0.0, 0
    for place in (path, *journals(path)):
        with contextlib.suppress(OSError):
            found = place.stat()
            newest, size = max(newest, found.st_mtime), size + found.st_size
    return newest, size
