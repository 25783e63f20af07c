"""The window as people start it: what trains is a process beside it."""

import os
import signal

import psutil
import pytest
from PySide6.QtWidgets import QLabel

from initviz.app.main import create_window
from initviz.lab.lectures import find, read_lecture
from initviz.session.lane import State
from initviz.session.worker import Worker
from initviz.session.worker_process import WorkerProcess


@pytest.fixture
def window(qtbot, monkeypatch):
    monkeypatch.setenv("INITVIZ_TRAINER", "process")
    made = create_window([])
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: made.laboratory.is_idle, timeout=30_000)
    return made


def trainer(window):
    return psutil.Process(window.laboratory.trainer.number)


def test_it_trains_in_one_process_which_ends_with_it(qtbot, window):
    assert isinstance(window.laboratory.trainer, WorkerProcess)
    beside = trainer(window)
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.recording("A").last_step > 20, timeout=30_000)
    assert window.recording("A").findings()[0].kind == "vanishing"
    window.close()
    assert not beside.is_running()


def test_a_lecture_is_trained_for_by_the_same_process(qtbot, window):
    beside = trainer(window)
    window.lectures.play(read_lecture(find("03-too-small")))
    player = window.lectures.player
    qtbot.waitUntil(lambda: not player.hand.is_busy, timeout=30_000)
    assert [child.pid for child in psutil.Process().children()] == [beside.pid]
    player.close()
    assert beside.is_running()


@pytest.mark.allow_log("The process that trains was ended from outside")
def test_a_process_that_is_ended_leaves_the_window_and_says_so_once_for_all_lanes(qtbot, window):
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.recording("B").last_step > 20, timeout=30_000)
    os.kill(trainer(window).pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.laboratory.is_idle, timeout=30_000)
    assert {lane.state for lane in window.laboratory.lanes} == {State.FAILED}
    said = [label.text() for label in window.side.findChildren(QLabel) if label.isVisible()]
    (trouble,) = [text for text in said if "has crashed" in text]
    assert trouble.startswith("A, B: The process that trains")
    assert trouble.count("Reset") == 1
    assert window.recording("B").last_step > 20
    window.action("reset").trigger()
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=30_000)
    assert window.recording("A").last_step == 0


def test_a_thread_trains_where_the_environment_says_so(qtbot, monkeypatch):
    monkeypatch.setenv("INITVIZ_TRAINER", "thread")
    made = create_window([])
    qtbot.addWidget(made)
    assert isinstance(made.laboratory.trainer, Worker)
