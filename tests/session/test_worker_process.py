"""The worker in a process of its own: what `EITHER` does not ask of a thread just as well."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from pytestqt.qtbot import QtBot

from initviz.lab.recording import Recording
from initviz.lab.training import run
from initviz.session import TRAIN, worker_process
from initviz.session.events import Began, Ended, Event, Measured, Waiting
from initviz.session.laboratory import Laboratory
from initviz.session.lane import State
from initviz.session.messages import COUNT, SIZE, Said, packed, read, unpacked, write
from initviz.session.news import PERIOD, News
from initviz.session.worker import Worker
from initviz.session.worker_process import DistantRun, WorkerProcess
from tests.session.lanes import BIG, SMALL, last_step, wait


@pytest.fixture
def trainer(qtbot: QtBot) -> Iterator[WorkerProcess]:
    made = WorkerProcess()
    yield made
    made.close()


def assert_same(found: Recording | None, expected: Recording) -> None:
    """Whether two recordings hold the same numbers, wherever both measured."""
    assert found is not None
    assert found.steps.tolist() == expected.steps.tolist()
    np.testing.assert_array_equal(found.scalar("loss"), expected.scalar("loss"))
    both = found.measured("weight_norm") & expected.measured("weight_norm")
    for quantity in ("weight_norm", "signal_gradient_norm", "distinct_units", "update_ratio"):
        np.testing.assert_array_equal(
            found.series(quantity)[both], expected.series(quantity)[both], err_msg=quantity
        )
    counts, edges = expected.histogram("activation", 7)
    np.testing.assert_array_equal(found.histogram("activation", 7)[0], counts)
    np.testing.assert_array_equal(found.histogram("activation", 7)[1], edges)
    np.testing.assert_array_equal(found.weights("hidden 1", 0), expected.weights("hidden 1", 0))


def process_of(trainer: WorkerProcess) -> psutil.Process:
    return psutil.Process(trainer.number)


# -- runs ----------------------------------------------------------------------


def test_a_run_gives_the_numbers_that_it_gives_here_bit_for_bit(
    qtbot: QtBot, laboratory: Laboratory
) -> None:
    lane = laboratory.lane("A")
    lane.train_to(150)
    wait(qtbot, lambda: lane.state is State.PAUSED and last_step(lane) > 0)
    assert last_step(lane) == lane.reach == lane.bound == 150
    assert_same(lane.recording, run(SMALL, 150))


def test_single_steps_and_a_changed_speed_arrive_in_their_order(
    qtbot: QtBot, laboratory: Laboratory
) -> None:
    lane = laboratory.lane("A")
    for expected in (1, 2, 3):
        laboratory.step()
        wait(qtbot, lambda: laboratory.is_idle)
        assert last_step(lane) == expected
    laboratory.set_speed(10.0)
    began = time.perf_counter()
    laboratory.run()
    wait(qtbot, lambda: last_step(lane) >= 6)
    assert time.perf_counter() - began >= 0.15
    laboratory.set_speed(None)
    wait(qtbot, lambda: last_step(lane) > 100)


def test_a_run_that_gives_way_keeps_every_step_that_it_took(
    qtbot: QtBot, laboratory: Laboratory
) -> None:
    laboratory.add(SMALL.with_value("run.seed", 1))
    wait(qtbot, lambda: laboratory.is_idle)
    lane, other = laboratory.lanes
    for width in range(9, 14):
        target = last_step(other) + 50
        laboratory.run()
        wait(qtbot, lambda target=target: last_step(lane) > target)  # it has caught up
        before = lane.recording
        assert before is not None
        laboratory.set_experiment("A", SMALL.with_value("network.width", width))
        wait(qtbot, lambda: laboratory.is_idle)
        assert last_step(other) - before.last_step <= 1  # it may not have had its turn


def test_a_run_that_fails_says_so_here_and_in_the_log_and_the_others_go_on(
    qtbot: QtBot, laboratory: Laboratory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "initviz")
    nowhere = SMALL.with_values({"training.data": "file", "training.path": "/nowhere.csv"})
    failing = laboratory.add(nowhere)
    wait(qtbot, lambda: failing.state is State.FAILED)
    assert "/nowhere.csv" in failing.error
    assert "Traceback" in caplog.text
    laboratory.run()
    wait(qtbot, lambda: last_step(laboratory.lane("A")) > 5)


def test_a_run_that_comes_to_its_own_end_is_finished(
    qtbot: QtBot, laboratory: Laboratory, trainer: WorkerProcess
) -> None:
    laboratory.set_experiment("A", SMALL.with_value("training.length", 7))
    laboratory.run()
    wait(qtbot, lambda: laboratory.lane("A").state is State.FINISHED)
    assert last_step(laboratory.lane("A")) == laboratory.lane("A").bound == 7
    assert trainer._runs == {}


def test_two_sessions_share_a_process_and_one_may_end(
    qtbot: QtBot, laboratory: Laboratory, trainer: WorkerProcess
) -> None:
    other = Laboratory(BIG, trainer=trainer)
    wait(qtbot, lambda: other.is_idle)
    other.run()
    wait(qtbot, lambda: last_step(other.lane("A")) > 3)
    other.close()
    laboratory.run()
    wait(qtbot, lambda: last_step(laboratory.lane("A")) > 20)
    assert trainer.is_alive


# -- what only a process does ---------------------------------------------------------------------


@pytest.mark.allow_log("The process that trains was ended from outside")
def test_a_process_that_is_killed_fails_its_lanes_in_a_sentence_and_a_reset_starts_another(
    qtbot: QtBot, laboratory: Laboratory, trainer: WorkerProcess
) -> None:
    lane = laboratory.lane("A")
    laboratory.run()
    wait(qtbot, lambda: last_step(lane) > 5)
    os.kill(trainer.number, signal.SIGKILL)
    wait(qtbot, lambda: lane.state is State.FAILED)
    assert "more memory than there is" in lane.error
    assert lane.recording is not None  # what was recorded is still there
    laboratory.reset()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    assert (last_step(lane), lane.error) == (0, "")
    laboratory.run()
    wait(qtbot, lambda: last_step(lane) > 5)


@pytest.mark.allow_log("The process that trains")
def test_a_process_that_dies_while_nothing_runs_is_noticed_once_something_should(
    qtbot: QtBot, laboratory: Laboratory, trainer: WorkerProcess
) -> None:
    lane = laboratory.lane("A")
    os.kill(trainer.number, signal.SIGKILL)
    wait(qtbot, lambda: not trainer.is_alive)
    assert lane.state is State.PAUSED
    laboratory.run()
    wait(qtbot, lambda: lane.state is State.FAILED)
    laboratory.reset()
    wait(qtbot, lambda: lane.state is State.PAUSED)


@pytest.mark.allow_log("could not be started")
def test_a_process_that_cannot_be_started_is_told_in_a_sentence(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "_command", lambda: ("/no/such/program",))
    trainer = WorkerProcess()
    laboratory = Laboratory(SMALL, trainer=trainer)
    lane = laboratory.lane("A")
    wait(qtbot, lambda: lane.state is State.FAILED)
    assert "could not be started" in lane.error
    assert "INITVIZ_TRAINER=thread" in lane.error
    laboratory.close()
    trainer.close()


def test_closing_ends_the_process_at_once_in_the_midst_of_a_step(qtbot: QtBot) -> None:
    trainer = WorkerProcess()
    laboratory = Laboratory(BIG.with_value("network.width", 1024), trainer=trainer)
    wait(qtbot, lambda: laboratory.is_idle)
    laboratory.run()
    process = process_of(trainer)
    began = time.perf_counter()
    laboratory.close()
    trainer.close()
    assert time.perf_counter() - began < 1.0
    assert not process.is_running()


WINDOW_THAT_IS_LEFT_OPEN = """
from PySide6.QtCore import QCoreApplication, QTimer
from initviz.lab.experiment import Experiment
from initviz.session.laboratory import Laboratory
from initviz.session.worker_process import WorkerProcess
application = QCoreApplication([])
trainer = WorkerProcess()
laboratory = Laboratory(Experiment(), trainer=trainer)
laboratory.run()
print(trainer.number, flush=True)
QTimer.singleShot(200, application.quit)
application.exec()
"""


def test_a_program_that_ends_without_closing_ends_the_process_in_silence() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WINDOW_THAT_IS_LEFT_OPEN],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stderr == ""
    assert not psutil.pid_exists(int(ended.stdout))


WINDOW_THAT_DIES = """
import os, signal, sys
from PySide6.QtCore import QCoreApplication, QTimer
from initviz.lab.experiment import Experiment
from initviz.session.laboratory import Laboratory
from initviz.session.worker_process import WorkerProcess
application = QCoreApplication([])
trainer = WorkerProcess()
laboratory = Laboratory(Experiment(), trainer=trainer)
laboratory.run()
def look():
    recording = laboratory.lane("A").recording
    if recording is not None and recording.last_step > 5:
        print(trainer.number, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
timer = QTimer()
timer.timeout.connect(look)
timer.start(10)
application.exec()
"""


def test_no_process_outlives_a_window_that_was_killed() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WINDOW_THAT_DIES], capture_output=True, text=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert "Traceback" not in ended.stderr
    number = int(ended.stdout)
    if psutil.pid_exists(number):
        psutil.Process(number).wait(timeout=10)


def test_the_packaged_program_is_called_with_a_word_that_makes_it_train(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert worker_process._command() == (sys.executable, TRAIN)


def test_the_word_makes_the_program_train_and_end_with_its_input() -> None:
    program = "import sys; from initviz.app.main import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", program, TRAIN], input=b"", capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_what_a_run_prints_does_not_get_into_the_pipe(tmp_path: Path) -> None:
    """PyTorch and NumPy may print from anywhere, from below Python too."""
    program = (
        "import os\n"
        "from initviz.session import worker_main\n"
        "serve = worker_main.serve\n"
        "def loud(*pipes):\n"
        "    print('from Python', flush=True)\n"
        "    os.write(1, b'from below')\n"
        "    serve(*pipes)\n"
        "worker_main.serve = loud\n"
        "worker_main.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], input=b"", capture_output=True, check=False
    )
    assert ended.stdout == b""
    assert b"from Python" in ended.stderr
    assert b"from below" in ended.stderr


def test_a_process_that_makes_no_sense_of_its_orders_ends() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "initviz.session.worker_main"],
        input=COUNT.pack(1) + SIZE.pack(3) + b"abc",
        capture_output=True,
        text=False,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert b"UnpicklingError" in ended.stderr


# -- what is written ------------------------------------------------------------------------------


def said_by_a_run(steps: int) -> tuple[Event, ...]:
    worker = Worker()
    job = worker.job(SMALL)
    job.train_to(steps)
    job.start()
    found: list[Event] = []
    while not found or not isinstance(found[-1], Waiting):
        found.extend(job.events())
        job.cancel.wait(0.001)
    worker.close()
    return tuple(found)


def test_what_is_said_is_read_without_pytorch(tmp_path: Path) -> None:
    """To import it would hold the window up for a second, just when the first step comes."""
    file = tmp_path / "message"
    with file.open("wb") as stream:
        write(stream, [Said(1, said_by_a_run(2))])
    program = (
        "import sys\n"
        "from initviz.session.messages import read, unpacked\n"
        f"(said,) = unpacked(read(open({str(file)!r}, 'rb')))\n"
        "assert len(said.events) == 5 and said.events[1].snapshot.checkpoint is not None\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_read_is_nothing_that_the_collector_of_garbage_walks_through_for_ever() -> None:
    """Pickles of protocol 5 give each array two objects that it has to look at each time."""
    message = packed([Said(1, said_by_a_run(30))])
    gc.collect()
    before = len(gc.get_objects())
    reports = unpacked(message)
    arrays = 31 * 30  # more than that are in there
    assert len(gc.get_objects()) - before < arrays / 2
    snapshot = reports[0].events[1].snapshot
    assert snapshot.layers["weight_norm"].flags.writeable == True  # noqa: E712 (NumPy's own bool)


def test_the_arrays_of_a_checkpoint_are_not_copied_on_their_way_out_of_a_pipe() -> None:
    """Of a thousand layers they have 66 MB, which no window can copy between two frames."""
    pickled, *apart = packed([Said(1, said_by_a_run(0))])
    reports = unpacked([pickled, *apart])
    found = reports[0].events[1].snapshot.checkpoint
    assert sum(part.nbytes for part in apart) == found.bytes
    assert pickled.nbytes < 100_000
    for array in (*found.parameters.values(), found.order):
        assert any(np.shares_memory(array, np.frombuffer(part, np.uint8)) for part in apart)


def test_a_pipe_that_ends_within_a_header_has_ended(tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_bytes(COUNT.pack(1) + SIZE.pack(3)[:5])
    with file.open("rb") as stream, pytest.raises(EOFError):
        read(stream)


def test_steps_are_passed_on_at_intervals_and_what_somebody_waits_for_at_once() -> None:
    step = next(event for event in said_by_a_run(0) if isinstance(event, Measured))
    news = News()
    news.note(step)
    news.wait()
    began = time.monotonic()
    news.note(step)
    news.wait()
    assert time.monotonic() - began >= 0.9 * PERIOD
    # The least of several: what another process takes from this machine says nothing of this one.
    waits = []
    for event in (Began((), step.snapshot), Waiting(0), Ended()) * 3:  # type: ignore[arg-type]
        began = time.monotonic()
        news.note(event)
        news.wait()
        waits.append(time.monotonic() - began)
    assert min(waits) < PERIOD / 2


def test_orders_that_were_given_before_a_run_begins_hold(
    qtbot: QtBot, trainer: WorkerProcess
) -> None:
    early = trainer.job(SMALL)
    assert isinstance(early, DistantRun)
    early.train_to(9)
    assert (early.reach, early.bound, early.orders) == (0, 9, 1)
    early.stop()  # nothing has begun that could be stopped
    early.start()
    events: list[Event] = []

    def has_paused() -> bool:
        events.extend(early.events())
        return bool(events) and events[-1] == Waiting(1)

    wait(qtbot, has_paused)
    assert [event.snapshot.step for event in events if isinstance(event, Measured)] == [*range(10)]
    assert (early.reach, early.bound) == (9, 9)
