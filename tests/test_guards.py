"""The guards of conftest.py and of the pytest settings, each broken on purpose.

The tests in the two texts run in a process of their own, under this project's own conftest.py
and pytest settings.
"""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent

BROKEN = """
import logging, threading, time, warnings
import pytest
from PySide6.QtCore import QObject, QThread, QTimer, qDebug, qWarning
from PySide6.QtWidgets import QApplication, QWidget

kept = []

def test_log():
    logging.getLogger("somewhere").warning("nobody expected this")

@pytest.mark.allow_log("something else")
def test_log_other():
    logging.getLogger("somewhere").error("nobody expected this")

def test_thread():
    threading.Thread(target=time.sleep, args=(4,), name="sleeper", daemon=True).start()

def test_qthread(qapp):
    class Sleeper(QThread):
        def run(self):
            time.sleep(2.2)
    kept.append(Sleeper())
    kept[-1].start()

def test_timer(qapp):
    kept.append(QTimer())
    kept[-1].start(10_000)

def test_timer_subclass(qapp):
    class Clock(QTimer):
        def __init__(self, parent):
            super().__init__(parent)
            self.setInterval(10_000)
    parent = QObject()
    kept.append(parent)
    Clock(parent).start()

def test_widget(qapp):
    kept.append(QWidget(windowTitle="forgotten"))
    kept[-1].show()

def test_widget_hidden(qapp):
    kept.append(QWidget())

class Fragile(QWidget):
    def paintEvent(self, event):
        raise RuntimeError("in an override")

def test_override_in_the_event_loop(qtbot):
    widget = Fragile()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.wait(50)

def test_override_called_directly(qtbot):
    widget = Fragile()
    qtbot.addWidget(widget)
    widget.grab()

def test_slot(qtbot):
    def slot():
        raise RuntimeError("in a slot")
    timer = QTimer(singleShot=True, interval=0)
    timer.timeout.connect(slot)
    timer.start()
    qtbot.wait(20)

def test_qt_message(qapp):
    qWarning("Qt says something")

def test_qt_debug_message(qapp):
    qDebug("Qt says something")

def test_warning():
    warnings.warn("careful")

def test_thread_exception():
    def target():
        raise RuntimeError("in a thread")
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
"""

CLEAN = r"""
import logging, os, threading
from pathlib import Path
import platformdirs
import pytest
import pyqtgraph
from hypothesis import given, strategies as st
from PySide6.QtCore import QThread, QTimer, qWarning
from PySide6.QtWidgets import QWidget

@pytest.mark.allow_log("^WARNING somewhere: expected")
def test_announced_log():
    logging.getLogger("somewhere").warning("expected")

def test_info_log():
    logging.getLogger("somewhere").info("nobody minds")

def test_thread_that_ends():
    threading.Timer(0.1, lambda: None).start()

def test_closed_widget_and_its_timer(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    QTimer(widget).start(10_000)
    widget.show()

def test_plot(qtbot):
    widget = pyqtgraph.PlotWidget()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.wait(20)

def test_cycle(qapp):
    widget = QWidget()
    widget.me = widget

def test_qthread_that_ends(qapp):
    class Short(QThread):
        def run(self):
            logging.getLogger("somewhere").info("leaves a dummy thread")
    thread = Short()
    thread.start()
    assert thread.wait(5000)

def test_the_one_message_to_ignore(qapp):
    qWarning("This plugin does not support propagateSizeHints()")

@given(st.integers())
def test_property(number):
    assert number == number

def test_settings_are_nobodys(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    assert Path(platformdirs.user_config_dir("initviz")).is_relative_to(base)
    assert Path(platformdirs.user_data_dir("initviz")).is_relative_to(base)
    assert Path.home().is_relative_to(base)

def test_no_screen(qapp):
    assert qapp.platformName() == os.environ["QT_QPA_PLATFORM"] == "offscreen"

def test_one_thread():
    import torch

def test_one_thread_afterwards():
    import torch
    assert torch.get_num_threads() == 1
"""


@pytest.fixture
def outcome(pytester, monkeypatch):
    """Run a text as a test module; return {test: (outcomes)} and the whole output."""
    monkeypatch.delenv("QT_QPA_PLATFORM")
    pytester.makepyprojecttoml((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    pytester.makeconftest((HERE / "conftest.py").read_text(encoding="utf-8"))

    def run(text):
        pytester.makepyfile(test_inner=text)
        done = pytester.runpytest_subprocess("-rA", "-p", "no:randomly", "test_inner.py")
        output = done.stdout.str()
        seen = {}
        for word, name in re.findall(r"^(PASSED|FAILED|ERROR) test_inner\.py::(\w+)", output, re.M):
            seen.setdefault(name, set()).add(word)
        return seen, output

    return run


def test_every_guard_bites(outcome):
    seen, output = outcome(BROKEN)
    names = re.findall(r"^def (test_\w+)", BROKEN, re.M)
    spared = [name for name in names if not seen.get(name, set()) & {"FAILED", "ERROR"}]
    assert not spared, output
    for sentence in (
        "WARNING somewhere: nobody expected this",
        "threads left alive: sleeper",
        "QThread still running",
        "QTimer still active",
        "top-level widget left: .* 'forgotten'",
        "RuntimeError: in an override",
        "RuntimeError: in a slot",
        "RuntimeError: in a thread",
    ):
        assert re.search(sentence, output), sentence


def test_no_guard_bites_the_innocent(outcome):
    seen, output = outcome(CLEAN)
    names = re.findall(r"^def (test_\w+)", CLEAN, re.M)
    assert seen == {name: {"PASSED"} for name in names}, output
