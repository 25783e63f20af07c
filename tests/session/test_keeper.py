"""Recordings that are kept while a window is open: a thread writes them, bounds hold, and what a
crash left is found again."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from initviz import load
from initviz.lab.experiment import Experiment
from initviz.lab.files import RecordingFile, journals
from initviz.lab.quantities import QUANTITIES
from initviz.lab.recording import Environment, Recording
from initviz.lab.snapshot import Snapshot
from initviz.session import autosave as autosave_module
from initviz.session.autosave import Autosave
from initviz.session.keeper import Keeper

EXPERIMENT = Experiment().with_value("network.hidden_layers", 1)


def recorded(last):
    """A recording of so many steps."""
    return go_on(Recording(EXPERIMENT, ("hidden 1", "output"), Environment("CPU", 1)), last)


def go_on(recording, last):
    for step in range(recording.last_step + 1, last + 1):
        row = np.array([step, -step], dtype=float)
        recording.append(Snapshot(step, {"loss": 1.0 / (step + 1)}, dict.fromkeys(QUANTITIES, row)))
    return recording


def assert_holds(path, recording):
    loaded = load(path)
    np.testing.assert_array_equal(loaded.steps, recording.steps)
    np.testing.assert_array_equal(loaded.scalar("loss"), recording.scalar("loss"))
    np.testing.assert_array_equal(loaded.series("weight_std"), recording.series("weight_std"))


def last_step(path):
    return load(path).last_step if path.exists() else -1


@pytest.fixture
def keeper(qapp):
    keeper = Keeper()
    yield keeper
    keeper.close()


# -- the keeper -----------------------------------------------------------------------------------


def test_what_a_recording_gets_is_written_while_it_grows(keeper, qtbot, tmp_path):
    recording, path = recorded(3), tmp_path / "a.initviz"
    keeper.keep(path, recording)
    qtbot.waitUntil(lambda: last_step(path) == 3)
    go_on(recording, 50)
    qtbot.waitUntil(lambda: last_step(path) == 50)
    go_on(recording, 70)
    keeper.release(path)
    keeper.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.initviz"]
    assert_holds(path, recording)


def test_several_recordings_are_kept_at_once(keeper, tmp_path):
    kept = {tmp_path / f"{letter}.initviz": recorded(4) for letter in "ABCD"}
    for path, recording in kept.items():
        keeper.keep(path, recording)
        go_on(recording, 30)
        keeper.look()
    assert set(keeper.paths) == set(kept)
    assert sum(thread.name == "initviz keeper" for thread in threading.enumerate()) == 1
    keeper.close()
    assert keeper.paths == ()
    for path, recording in kept.items():
        assert_holds(path, recording)


def test_a_disk_that_is_behind_is_not_given_more(keeper, qtbot, tmp_path, monkeypatch):
    """What is new waits in the recording, and not in a queue that grows."""
    gate, writes, write = threading.Event(), [], RecordingFile.write

    def slow(file, changes):
        writes.append(changes.last_step)
        gate.wait()
        write(file, changes)

    monkeypatch.setattr(RecordingFile, "write", slow)
    recording, path = recorded(1), tmp_path / "a.initviz"
    keeper.keep(path, recording)
    qtbot.waitUntil(lambda: last_step(path) == 1)
    try:
        for last in range(2, 40):
            go_on(recording, last)
            keeper.look()
        qtbot.waitUntil(lambda: bool(writes))
        assert len(writes) == 1
    finally:
        gate.set()
    keeper.close()
    assert len(writes) <= 3
    assert_holds(path, recording)


def test_a_file_that_cannot_be_written_is_told_and_the_others_go_on(keeper, qtbot, tmp_path):
    bad, good = tmp_path / "none" / "a.initviz", tmp_path / "b.initviz"
    recording = recorded(2)
    with qtbot.waitSignal(keeper.failed) as told:
        keeper.keep(bad, recorded(2))
        keeper.keep(good, recording)
    path, sentence = told.args
    assert path == bad
    assert sentence.startswith(f"{bad}: ")
    assert keeper.paths == (good,)
    go_on(recording, 9)
    keeper.close()
    assert_holds(good, recording)


def test_what_is_deleted_leaves_nothing(keeper, tmp_path):
    path = tmp_path / "a.initviz"
    keeper.keep(path, recorded(5))
    keeper.release(path, delete=True)
    keeper.release(path)  # known no longer: harmless
    keeper.close()
    assert list(tmp_path.iterdir()) == []


def test_a_look_costs_the_window_next_to_nothing(keeper, tmp_path):
    """The median of a hundred looks at a long recording, each with thirty new steps."""
    recording, taken = recorded(20_000), []
    keeper.keep(tmp_path / "a.initviz", recording)
    for _ in range(100):
        go_on(recording, recording.last_step + 30)
        began = time.thread_time()
        keeper.look()
        taken.append(time.thread_time() - began)
    assert sorted(taken)[50] < 0.002


# -- the autosave ---------------------------------------------------------------------------------


class Time:
    """A clock that goes when it is told."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def open_session(qapp, tmp_path):
    """Begin sessions in one folder; all are closed in the end."""
    opened = []

    def begin(now=time.monotonic):
        opened.append(Autosave(tmp_path / "recordings", now=now))
        return opened[-1]

    yield begin
    for session in opened:
        session.close()


def kept(tmp_path):
    return sorted((tmp_path / "recordings").glob("*/*.initviz"))


def kept_steps(tmp_path):
    """The last steps of the files, in the order in which they were begun."""
    return [last_step(path) for path in kept(tmp_path)]


CRASH = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from initviz.session.autosave import Autosave
import test_keeper
application = QCoreApplication([])
session = Autosave(Path({folder!r}))
for letter, last in (("A", 40), ("B", 30)):
    recording = test_keeper.recorded(5)
    session.follow(letter, recording)
    test_keeper.go_on(recording, last)
    session.forget(letter)
session.follow("A", test_keeper.recorded(7))
path = session._keeper.paths[0]
while test_keeper.last_step(path) < 7:
    pass
os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
"""


def crash(tmp_path):
    """A session with two lanes and three runs ends like this."""
    tests, folder = os.path.dirname(__file__), str(tmp_path / "recordings")  # noqa: PTH120
    script = CRASH.format(tests=tests, folder=folder)
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode


def test_a_lane_is_kept_once_it_runs(open_session, tmp_path, qtbot):
    session, recording = open_session(), recorded(0)
    session.follow("A", recording)
    assert not (tmp_path / "recordings").exists()  # step 0 alone is not worth it
    for last in range(1, 30):
        session.follow("A", go_on(recording, last))
    qtbot.waitUntil(lambda: kept_steps(tmp_path) == [29])


def test_a_new_run_of_a_lane_gets_a_new_file_and_the_one_before_stays(
    open_session, tmp_path, qtbot
):
    session, before, after = open_session(), recorded(9), recorded(4)
    session.follow("A", before)
    go_on(before, 20)
    session.follow("A", after)
    qtbot.waitUntil(lambda: kept_steps(tmp_path) == [20, 4])
    assert not journals(kept(tmp_path)[0])[0].exists()


def test_a_session_that_ends_well_leaves_nothing(open_session, tmp_path):
    session = open_session()
    for letter in "ABC":
        session.follow(letter, recorded(5))
    session.forget("B")
    session.close()
    assert list((tmp_path / "recordings").iterdir()) == []
    assert open_session().left_over() == ()


def test_what_a_crash_left_is_offered_once(open_session, tmp_path):
    crash(tmp_path)
    session = open_session()
    left = session.left_over()
    assert [load(path).last_step for path in left] == [7, 30, 40]  # the newest first
    assert open_session().left_over() == ()  # by one window only
    session.settle()
    assert session.left_over() == ()
    assert open_session().left_over() == ()
    assert sorted(load(path).last_step for path in kept(tmp_path)) == [7, 30, 40]


def test_an_offer_that_was_not_answered_is_made_again(open_session, tmp_path):
    crash(tmp_path)
    session = open_session()
    assert len(session.left_over()) == 3
    session.close()
    assert len(open_session().left_over()) == 3


def test_a_session_that_lives_is_not_taken_for_a_crash(open_session, tmp_path):
    open_session().follow("A", recorded(5))
    for lock in (tmp_path / "recordings").glob("*/lock"):
        os.utime(lock, (0, 0))  # however long it has been running
    assert open_session().left_over() == ()


def test_only_so_many_files_are_kept(open_session, tmp_path, monkeypatch, qtbot):
    monkeypatch.setattr(autosave_module, "MOST_FILES", 3)
    session = open_session()
    for last in range(10, 18):
        session.follow("A", recorded(last))
        qtbot.waitUntil(
            lambda last=last: kept_steps(tmp_path)[-1:] == [last] and len(kept(tmp_path)) <= 4
        )
    assert kept_steps(tmp_path)[-3:] == [15, 16, 17]


def test_the_thread_that_draws_deletes_no_file(open_session, tmp_path, monkeypatch, qtbot):
    """To delete some hundred megabytes takes longer than a frame."""
    threads, unlink = set(), Path.unlink

    def told(path, *, missing_ok=False):
        threads.add(threading.current_thread())
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", told)
    monkeypatch.setattr(autosave_module, "MOST_FILES", 1)
    session = open_session()
    for last in (5, 6, 7):
        session.follow("A", recorded(last))
        qtbot.waitUntil(lambda last=last: last in kept_steps(tmp_path))
    qtbot.waitUntil(lambda: 5 not in kept_steps(tmp_path))
    assert {thread.name for thread in threads} == {"initviz keeper"}


def test_only_so_many_bytes_are_kept(open_session, tmp_path, monkeypatch, qtbot):
    """The oldest goes first; the run that is being kept only if it is too large by itself."""
    now = Time()
    session = open_session(now)
    told = []
    session.failed.connect(told.append)
    session.follow("A", recorded(300))
    first = recorded(200)
    session.follow("A", first)
    qtbot.waitUntil(lambda: kept_steps(tmp_path) == [300, 200])
    both = sum(path.stat().st_size for path in kept(tmp_path))  # a journal may come and go
    monkeypatch.setattr(autosave_module, "MOST_BYTES", both - 1)
    now.seconds = autosave_module.PATROL
    session.follow("A", first)
    qtbot.waitUntil(lambda: kept_steps(tmp_path) == [200])
    assert told == []
    monkeypatch.setattr(autosave_module, "MOST_BYTES", 1000)
    now.seconds *= 2
    session.follow("A", first)
    qtbot.waitUntil(lambda: kept(tmp_path) == [])
    assert len(told) == 1
    session.follow("A", go_on(first, 210))  # and it is not begun again
    assert kept(tmp_path) == []


def test_the_files_of_another_session_that_lives_are_not_deleted(
    open_session, tmp_path, monkeypatch, qtbot
):
    open_session().follow("A", recorded(5))
    qtbot.waitUntil(lambda: len(kept(tmp_path)) == 1)
    monkeypatch.setattr(autosave_module, "MOST_FILES", 1)
    session = open_session()
    session.follow("A", recorded(6))
    session.follow("A", recorded(7))
    assert len(kept(tmp_path)) >= 1
    qtbot.waitUntil(lambda: sorted(map(last_step, kept(tmp_path)))[0] == 5)


def test_a_folder_that_cannot_be_made_is_told_once(open_session, tmp_path):
    (tmp_path / "recordings").write_text("in the way")
    session, recording, told = open_session(), recorded(5), []
    session.failed.connect(told.append)
    for last in range(6, 20):
        session.follow("A", go_on(recording, last))
    assert len(told) == 1
    assert "recordings" in told[0]
    assert session.left_over() == ()
