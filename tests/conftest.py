"""What holds for every test: no screen, no settings of the person, and nothing left behind.

The guards below fail a test that logged a warning it did not announce, or left a thread, an
active QTimer or a top-level widget behind. tests/test_guards.py breaks each of them on purpose.
"""

import gc
import logging
import os
import re
import sys
import threading
import time
import weakref

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt
# A process for each window would import PyTorch anew for each test. The same worker trains in a
# thread here; what a process changes is tested where it is asked for, and with this variable set
# to "process" by everything else.
os.environ.setdefault("INITVIZ_TRAINER", "thread")

import pytest
from hypothesis import settings
from pytestqt.qtbot import QtBot

settings.register_profile(
    "initviz", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True
)
settings.load_profile("initviz")

PATIENCE = 2.0  # seconds that a thread is given to end by itself

# Waiting for what comes costs nothing, and a machine that is busy may need four times as long.
for _wait in (QtBot.waitUntil, QtBot.waitSignal, QtBot.waitSignals, QtBot.waitExposed):
    _wait.__kwdefaults__["timeout"] = 20_000


@pytest.fixture(autouse=True)
def _settings_of_nobody(monkeypatch, tmp_path_factory):
    """Give every test a home directory of its own, on every platform."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in ("APPDATA", "LOCAL_APPDATA"):
        folder = str(home / name.lower())
        monkeypatch.setenv(name.replace("_", ""), folder)
        monkeypatch.setenv(f"WIN_PD_OVERRIDE_{name}", folder)


@pytest.fixture(autouse=True)
def _one_thread():
    """Let torch, where something has loaded it, use one thread: tests run side by side."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


# ---------------------------------------------------------------- log records


class _Collector(logging.Handler):
    """Keeps the records of level WARNING and above."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def _no_unexpected_log(request):
    """Fail on a warning in the log that no `allow_log` marker announced."""
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    yield
    logging.getLogger().removeHandler(collector)
    allowed = [p for mark in request.node.iter_markers("allow_log") for p in mark.args]
    unexpected = [text for text in collector.texts if not any(re.search(p, text) for p in allowed)]
    if unexpected:
        pytest.fail("unexpected log records:\n" + "\n".join(unexpected), pytrace=False)


# ---------------------------------------------------------------- threads


@pytest.fixture(autouse=True)
def _no_thread_left():
    """Fail on a Python thread that outlives its test."""
    before = set(threading.enumerate())
    yield
    left = [
        thread
        for thread in threading.enumerate()
        # A dummy stands for a thread of Qt, and stays when that one has long ended.
        if thread not in before and not isinstance(thread, threading._DummyThread)
    ]
    deadline = time.monotonic() + PATIENCE
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    alive = [thread.name for thread in left if thread.is_alive()]
    if alive:
        pytest.fail(f"threads left alive: {', '.join(alive)}", pytrace=False)


# ---------------------------------------------------------------- Qt


def _watch(cls):
    """Keep a weak reference to every instance of *cls* that Python makes from now on."""
    made = weakref.WeakSet()
    original = cls.__init__

    def __init__(self, *arguments, **keywords):  # noqa: N807
        original(self, *arguments, **keywords)
        made.add(self)

    cls.__init__ = __init__
    return made


@pytest.fixture(scope="session")
def _watched():
    """The timers and threads of Qt that were made, or None where Qt is not loaded."""
    core = sys.modules.get("PySide6.QtCore")
    return core and (_watch(core.QTimer), _watch(core.QThread))


def _active(timers):
    import shiboken6

    return [timer for timer in list(timers) if shiboken6.isValid(timer) and timer.isActive()]


def _running(threads):
    import shiboken6

    return [t for t in list(threads) if shiboken6.isValid(t) and t.isRunning()]


def _top_level():
    """The top-level widgets by address, without Qt's own tooltip."""
    import shiboken6
    from PySide6.QtWidgets import QApplication

    if QApplication.instance() is None:
        return {}
    return {
        shiboken6.getCppPointer(widget)[0]: widget
        for widget in QApplication.topLevelWidgets()
        if widget.metaObject().className() != "QTipLabel"
    }


def _delete_what_was_closed():
    """Carry out deleteLater, which outside an event loop waits for ever."""
    from PySide6.QtCore import QCoreApplication, QEvent

    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def _left_in_qt(timers, widgets_before, timers_before):
    """Return the widgets and timers that came since, after a collection if there are any."""
    for attempt in range(2):
        _delete_what_was_closed()
        widgets = {p: w for p, w in _top_level().items() if p not in widgets_before}
        active = [timer for timer in _active(timers) if timer not in timers_before]
        if attempt or not (widgets or active):
            break
        widgets, active = {}, []  # or these very references keep them alive
        gc.collect()
    return list(widgets.values()), active


@pytest.fixture(autouse=True)
def _nothing_left_in_qt(_watched):
    """Fail on a running QThread, an active QTimer or a top-level widget left behind."""
    if not _watched:
        yield
        return
    timers, threads = _watched
    widgets_before = set(_top_level())
    timers_before = weakref.WeakSet(_active(timers))
    threads_before = weakref.WeakSet(_running(threads))
    yield
    faults = []
    for thread in _running(threads):
        if thread not in threads_before and not thread.wait(int(PATIENCE * 1000)):
            faults.append(f"QThread still running: {thread!r}")
    widgets, active = _left_in_qt(timers, widgets_before, timers_before)
    for timer in active:
        faults.append(f"QTimer still active: {timer!r}, child of {timer.parent()!r}")
        timer.stop()
    for widget in widgets:
        faults.append(f"top-level widget left: {widget!r} {widget.windowTitle()!r}")
        widget.close()
        widget.deleteLater()
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
