"""What is kept of a failure that nobody caught, so that the person can tell us of it.

Each process has a file of its own in the folder of logs. What fails in Python is written there
with its traceback, in whichever thread it was; what kills the process (a fault in Qt or PyTorch)
is written by faulthandler, and found at the next start. Nothing is ever sent anywhere.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TextIO

import platformdirs
from PySide6.QtCore import QLockFile

from initviz.lab.versions import versions

_PREFIX, _ENDING = "fault-", ".txt"
#: So much of a report is read: a failure that comes again and again must not fill a window.
LONGEST = 20_000


def log_folder() -> Path:
    """Where logs and reports lie on this platform."""
    return Path(platformdirs.user_log_dir("initviz", appauthor=False))


class CrashReports:
    """Writes down what fails until `close`; a folder that refuses is no reason to stop.

    `failed` is told of each exception that nobody caught, with the report, in the thread in which
    it was raised.
    """

    def __init__(self, folder: Path, failed: Callable[[str], None] | None = None) -> None:
        self._folder = folder
        self.failed = failed
        self._file: TextIO | None = None
        self._lock: QLockFile | None = None
        self._before = sys.excepthook, threading.excepthook

    def begin(self) -> None:
        """From now on whatever fails is written down."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{_PREFIX}{os.getpid()}{_ENDING}"
            self._lock = _lock_of(path)
            if self._lock.tryLock(0):
                self._file = path.open("w", encoding="utf-8")
                faulthandler.enable(self._file)
        self._before = sys.excepthook, threading.excepthook
        sys.excepthook, threading.excepthook = self._uncaught, self._uncaught_in_thread

    def close(self) -> None:
        """The program ends well: nothing of it is left, unless something failed unseen."""
        sys.excepthook, threading.excepthook = self._before
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._forget(Path(self._file.name))
            self._file = None
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def left_over(self) -> str:
        """What failed in programs that live no more, the newest last; it is told once."""
        found = []
        for path in sorted(self._folder.glob(f"{_PREFIX}*{_ENDING}"), key=_written):
            lock = _lock_of(path)
            if not lock.tryLock(0):
                continue  # that program lives
            with contextlib.suppress(OSError):
                found.append(path.read_text(encoding="utf-8", errors="replace")[:LONGEST].strip())
            self._forget(path)
            lock.unlock()
        told = "\n\n".join(text for text in found if text)
        return f"{_heading()}\n\n{told}" if told else ""

    @staticmethod
    def _forget(path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def _uncaught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._before[0](kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        if sys.stderr is not None:  # a program without a console has none
            print(text, file=sys.stderr, end="")
        self._tell(text)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    def _tell(self, text: str) -> None:
        if self.failed is not None:
            self.failed(f"{_heading()}\n\n{text}"[:LONGEST])
        elif self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._file.write(text)
                self._file.flush()


def _lock_of(path: Path) -> QLockFile:
    lock = QLockFile(str(path.with_suffix(".lock")))
    lock.setStaleLockTime(0)  # what counts is whether the program lives
    return lock


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _heading() -> str:
    return (
        ", ".join(f"{name} {number}" for name, number in versions().items()) + f", {sys.platform}"
    )
