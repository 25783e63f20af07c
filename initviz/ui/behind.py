"""Files that are read and written behind the window, each with a bar that calls it off."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from initviz.lab.watching import CalledOff, Told, unwatched
from initviz.session.errand import ErrandRunner, Progress
from initviz.ui.progress_bar import ProgressBar

log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Outcome:
    """What came of it: a result, or what was wrong with a file or a disk."""

    result: Any
    error: Exception | None = None


class _FileErrand(ErrandRunner):
    thread_name = "initviz files"
    unsaid = 0.25  # with the time between two looks: a third of a second


class _Bar(QFrame):
    """What is being done, how far that is, and a button that calls it off."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("errand")
        self.setProperty("role", "bar")
        self.setAccessibleName(title)
        self.progress = ProgressBar()
        self.progress.setAccessibleName(title)
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("errand.cancel")
        self.cancel.setAccessibleName(f"{title}: cancel")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 14, 6)
        row.setSpacing(12)
        row.addWidget(QLabel(f"{title}…"))
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel)


class _Errand(QObject):
    """One file on its way."""

    def __init__(
        self,
        title: str,
        work: Callable[[Told], Any],
        ended: Callable[[_Errand, _Outcome | None], None],
        strip: QVBoxLayout,
        parent: QObject,
        *,
        instead_of: str,
        outlives_window: bool,
    ) -> None:
        super().__init__(parent)
        self.instead_of, self.outlives_window = instead_of, outlives_window
        self.runner = _FileErrand(self, threads=None)
        self._title, self._strip = title, strip
        self._bar: _Bar | None = None
        self.runner.progressed.connect(self._show)
        self.runner.finished.connect(partial(ended, self))
        self.runner.failed.connect(
            lambda text: ended(self, _Outcome(None, RuntimeError(text)))  # no fault of a file
        )
        self._call_off = partial(ended, self, None)
        self.runner.begin(partial(_do, work))

    def _show(self, share: float) -> None:
        if self._bar is None:
            self._bar = _Bar(self._title)
            self._bar.cancel.clicked.connect(lambda: self._call_off())
            self._strip.addWidget(self._bar)
        self._bar.progress.set_share(share)

    def put_away(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._strip.removeWidget(self._bar)
            self._bar.hide()
            self._bar.deleteLater()
            self._bar = None


def _do(work: Callable[[Told], Any], cancel: threading.Event, tell: Progress) -> _Outcome:
    def told(share: float) -> None:
        if cancel.is_set():
            raise CalledOff
        tell(round(1000 * share), 1000)

    try:
        return _Outcome(work(told))
    except (ValueError, OSError) as error:
        return _Outcome(None, error)


class Behind(QObject):
    """Does things with files behind a window. `close` it with the window."""

    def __init__(self, strip: QVBoxLayout, window: QWidget) -> None:
        """`strip` is where the bars stand of what takes longer than a moment."""
        super().__init__(window)
        self._strip = strip
        self._errands: list[_Errand] = []
        self._ending: list[_Errand] = []
        self._is_closed = False

    @property
    def is_busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._errands)

    def do(
        self,
        title: str,
        work: Callable[[Told], Result],
        done: Callable[[Result], None],
        failed: Callable[[Exception], None],
        *,
        at_once: bool = False,
        instead_of: str = "",
        outlives_window: bool = False,
    ) -> None:
        """Do this, and call `done` with what came of it, or `failed`; neither if it is called off.

        Args:
            title: what is done, in a few words: "Opening run.initviz".
            work: is given whom to tell how far it is, from a thread of its own.
            done: is called in the window's thread, as is `failed`.
            failed: is given a ValueError or OSError of the work, or a sentence about another.
            at_once: do it now, as it takes no longer than a moment.
            instead_of: what is on its way under this name, if any, is called off.
            outlives_window: a window that closes waits for it, rather than calling it off.
        """
        self.call_off(instead_of)
        if at_once:
            try:
                result = work(unwatched)
            except (ValueError, OSError) as error:
                failed(error)
            else:
                done(result)
            return

        def ended(errand: _Errand, outcome: _Outcome | None) -> None:
            self._end(errand)
            if outcome is not None and outcome.error is not None:
                if self._is_closed:  # nobody sees a message any more
                    log.warning("%s failed: %s", title, outcome.error)
                else:
                    failed(outcome.error)
            elif outcome is not None:
                done(outcome.result)

        self._errands.append(
            _Errand(
                title,
                work,
                ended,
                self._strip,
                self,
                instead_of=instead_of,
                outlives_window=outlives_window,
            )
        )

    def call_off(self, name: str) -> None:
        """End what is on its way under this name (`instead_of`); "" is none."""
        for errand in [one for one in self._errands if name and one.instead_of == name]:
            self._end(errand)

    def close(self) -> None:
        """Call off what is only read, and wait for everything."""
        self._is_closed = True
        for errand in list(self._errands):
            if errand.outlives_window:
                errand.runner.finish()
            else:
                self._end(errand)
        for errand in self._ending:
            errand.runner.close()

    def _end(self, errand: _Errand) -> None:
        """It is over, or is not wanted any more; its thread ends by itself."""
        errand.put_away()
        errand.runner.cancel()
        self._errands.remove(errand)
        for over in [one for one in self._ending if not one.runner.is_ending]:
            self._ending.remove(over)
            over.deleteLater()
        self._ending.append(errand)
