"""`initviz --smoke-test`: whether this installation opens its window, trains and draws."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

STEPS = 30
#: Seconds after which the window is given up.
PATIENCE = 50.0
#: Seconds after which the process ends itself: what hangs in Qt or PyTorch hears no exception.
LIMIT = 60.0

#: What Qt says of the system and not of this program: what talks to the screen, and a folder that
#: is missing where nobody has logged in.
_OF_THE_SYSTEM = "qt.qpa."
_HARMLESS = ("propagateSizeHints", "XDG_RUNTIME_DIR")


class _SmokeError(Exception):
    """What the test has to tell, as a sentence."""


def smoke_test() -> int:
    """Open the window, train, check that every visible panel drew; returns the exit status."""
    guard = threading.Timer(LIMIT, _give_up, [f"it hung for {LIMIT:g} s"])
    guard.daemon = True
    guard.start()
    try:
        with tempfile.TemporaryDirectory() as folder, _listening() as troubles:
            _use_window(Path(folder), troubles)
            if troubles:
                raise _SmokeError(troubles[0])
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what this test is for)
        print(_told(error), file=sys.stderr)
        return 1
    finally:
        guard.cancel()
    print("smoke test passed")
    return 0


def _use_window(folder: Path, troubles: list[str]) -> None:
    """All that is done with a window; it ends as soon as there is trouble."""
    from PySide6.QtCore import QCoreApplication

    from initviz.app.main import create_window

    deadline = time.monotonic() + PATIENCE
    # Settings of its own: a person's are neither read nor changed.
    window = create_window([], settings_file=folder / "settings.toml")

    def wait(condition: Callable[[], bool], missing: Callable[[], str]) -> None:
        while not condition():
            QCoreApplication.processEvents()
            for trouble in (*troubles, window.lane.error):
                if trouble:
                    raise _SmokeError(trouble)
            if time.monotonic() > deadline:
                raise _SmokeError(f"after {PATIENCE:g} s {missing()}")
            time.sleep(0.01)

    def last_step() -> int:
        recording = window.recording("A")
        return -1 if recording is None else recording.last_step

    try:
        wait(lambda: last_step() >= 0, lambda: "step 0 was not measured")
        window.action("run").trigger()
        wait(lambda: last_step() >= STEPS, lambda: f"it had trained {last_step()} steps")
        for panel in window.board.panels:
            panel.has_drawn = False
        window.board.draw_now()
        wait(
            lambda: not window.board.undrawn(),
            lambda: f"panels had not drawn: {', '.join(window.board.undrawn())}",
        )
        if not any(panel.isVisible() for panel in window.board.panels):
            raise _SmokeError("no panel can be seen")
    finally:
        window.close()


@contextmanager
def _listening() -> Iterator[list[str]]:
    """A list to which every message of Qt and every uncaught exception is added."""
    from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

    troubles: list[str] = []

    def message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if kind == QtMsgType.QtFatalMsg:
            _give_up(text)  # Qt would abort the process
        is_of_the_system = (context.category or "").startswith(_OF_THE_SYSTEM)
        if not (is_of_the_system or any(words in text for words in _HARMLESS)):
            troubles.append(text)

    def uncaught(_kind: type[BaseException], error: BaseException, _trace: object) -> None:
        troubles.append(_described(error))

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            troubles.append(_described(args.exc_value))

    before = qInstallMessageHandler(message), sys.excepthook, threading.excepthook
    sys.excepthook, threading.excepthook = uncaught, uncaught_in_thread
    try:
        yield troubles
    finally:
        handler, sys.excepthook, threading.excepthook = before
        qInstallMessageHandler(handler)


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def _told(trouble: BaseException | str) -> str:
    if isinstance(trouble, BaseException) and not isinstance(trouble, _SmokeError):
        trouble = _described(trouble)
    return f"smoke test failed: {' '.join(str(trouble).split())}"


def _give_up(reason: str) -> NoReturn:
    print(_told(reason), file=sys.stderr, flush=True)
    os._exit(1)
