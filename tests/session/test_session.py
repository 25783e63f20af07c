"""The session: real worker threads, driven through an event loop as a window drives them."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from initviz.lab.quantities import QUANTITIES
from initviz.session import worker as worker_module
from initviz.session.events import Began, Ended, Measured, Waiting
from initviz.session.job import Job
from initviz.session.laboratory import Laboratory
from initviz.session.lane import Lane, State
from initviz.session.worker import Worker, explain
from tests.session.lanes import BIG, EITHER, SMALL, last_step, quickest, wait


def test_a_lane_starts_paused_at_step_0_with_everything_measured(lane: Lane) -> None:
    assert last_step(lane) == 0
    assert lane.recording is not None
    assert all(lane.recording.measured(quantity)[0] for quantity in QUANTITIES)


@EITHER
def test_run_trains_until_pause_and_nothing_moves_afterwards(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    lane.run()
    assert lane.state is State.RUNNING
    assert lane.bound == float("inf")
    wait(qtbot, lambda: last_step(lane) > 50)
    assert lane.steps_per_second > 0
    lane.pause()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    assert not laboratory.clock.is_running
    assert lane.bound == last_step(lane)
    assert list(lane._job.events()) == []


def test_a_single_step_trains_one_step_measured_wholly(qtbot: QtBot, lane: Lane) -> None:
    for expected in (1, 2, 3):
        lane.step()
        wait(qtbot, lambda: lane.state is State.PAUSED)
        assert last_step(lane) == expected
    assert lane.recording is not None
    assert lane.recording.measured("dead_fraction").all()


def test_toggle_runs_and_pauses(qtbot: QtBot, lane: Lane) -> None:
    lane.toggle()
    assert lane.state is State.RUNNING
    lane.toggle()
    wait(qtbot, lambda: lane.state is State.PAUSED)


def test_a_run_that_was_asked_for_while_loading_runs_and_can_be_paused(
    qtbot: QtBot, lane: Lane
) -> None:
    lane.reset()
    lane.toggle()
    assert lane.state is State.LOADING
    wait(qtbot, lambda: lane.state is State.RUNNING)
    wait(qtbot, lambda: last_step(lane) > 3)
    lane.toggle()
    wait(qtbot, lambda: lane.state is State.PAUSED)


def test_a_pause_that_is_taken_back_at_once_leaves_the_lane_running(
    qtbot: QtBot, lane: Lane
) -> None:
    lane.run()
    wait(qtbot, lambda: last_step(lane) > 3)
    lane.toggle()
    # The worker has answered the pause, and nobody has read that yet.
    while not any(isinstance(event, Waiting) for event in list(lane._job._mailbox)):
        lane._job.cancel.wait(0.001)
    lane.toggle()
    seen = last_step(lane)
    wait(qtbot, lambda: last_step(lane) > seen + 10)
    assert lane.state is State.RUNNING
    lane.toggle()
    wait(qtbot, lambda: lane.state is State.PAUSED)


def test_a_run_that_was_taken_back_while_loading_stays_at_step_0(qtbot: QtBot, lane: Lane) -> None:
    lane.reset()
    lane.toggle()
    lane.toggle()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    assert last_step(lane) == 0


def test_reset_repeats_the_run_and_keeps_the_old_recording_until_step_0(
    qtbot: QtBot, lane: Lane
) -> None:
    lane.step()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    old = lane.recording
    assert old is not None
    with qtbot.waitSignal(lane.restarted, timeout=30_000):
        lane.reset()
        assert lane.recording is old
    assert lane.recording is not None
    assert lane.recording is not old
    assert lane.recording.latest_scalar("loss", 0) == old.latest_scalar("loss", 0)


def test_new_seed_changes_the_seed_alone(qtbot: QtBot, lane: Lane) -> None:
    with qtbot.waitSignal(lane.restarted, timeout=30_000):
        lane.new_seed()
    assert lane.experiment == SMALL.with_value("run.seed", 1)


@EITHER
def test_nothing_arrives_after_a_change_from_the_run_before(qtbot: QtBot, lane: Lane) -> None:
    lane.run()
    wait(qtbot, lambda: last_step(lane) > 5)
    for width in (9, 10, 11, 12):
        lane.set_experiment(SMALL.with_value("network.width", width))
        lane.run()
    wait(qtbot, lambda: lane.recording.experiment.network.width == 12)
    wait(qtbot, lambda: last_step(lane) > 5)
    assert lane.recording is not None
    assert lane.recording.weights("hidden 2", 0).shape == (12, 12)
    steps = lane.recording.steps
    assert steps[0] == 0
    assert (steps[1:] - steps[:-1] == 1).all()


@EITHER
def test_a_changed_setting_shows_step_0_of_twenty_layers_within_200_ms(
    qtbot: QtBot, lane: Lane
) -> None:
    lane.set_experiment(BIG)
    wait(qtbot, lambda: lane.state is State.PAUSED)

    def restart(seed: int) -> float:
        began = time.perf_counter()
        with qtbot.waitSignal(lane.restarted, timeout=30_000):
            lane.set_experiment(BIG.with_value("run.seed", seed))
        took = time.perf_counter() - began
        wait(qtbot, lambda: lane.state is State.PAUSED)
        return took

    assert quickest(restart, 0.2) < 0.2


@EITHER
def test_stop_is_effective_within_a_step(qtbot: QtBot, lane: Lane) -> None:
    lane.set_experiment(BIG)
    wait(qtbot, lambda: lane.state is State.PAUSED)

    def stop(_number: int) -> float:
        lane.run()
        seen = last_step(lane)
        wait(qtbot, lambda: last_step(lane) > seen + 2)
        began = time.perf_counter()
        lane.pause()
        wait(qtbot, lambda: lane.state is State.PAUSED)
        return time.perf_counter() - began

    assert quickest(stop, 0.1) < 0.1


@EITHER
def test_speed_limits_the_steps_and_measures_each_one(qtbot: QtBot, lane: Lane) -> None:
    lane.set_speed(10.0)
    began = time.perf_counter()
    lane.run()
    wait(qtbot, lambda: last_step(lane) >= 4)
    assert time.perf_counter() - began >= 0.25
    assert lane.recording is not None
    assert lane.recording.measured("distinct_units")[:4].all()
    lane.set_speed(None)
    wait(qtbot, lambda: last_step(lane) > 200)


def test_a_slow_run_can_be_paused_at_once(qtbot: QtBot, lane: Lane) -> None:
    lane.set_speed(0.05)
    lane.run()
    began = time.perf_counter()
    lane.pause()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    assert time.perf_counter() - began < 5.0


def test_a_missing_device_fails_the_lane_in_a_sentence_and_a_change_heals_it(
    qtbot: QtBot, lane: Lane
) -> None:
    import torch

    missing = "cuda" if not torch.cuda.is_available() else "mps"
    with qtbot.waitSignal(lane.failed, timeout=30_000) as failed:
        lane.set_experiment(SMALL.with_value("run.device", missing))
    assert "run.device" in failed.args[0]
    assert lane.state is State.FAILED
    assert lane.recording is not None  # what was recorded before is still there
    with qtbot.waitSignal(lane.restarted, timeout=30_000):
        lane.set_experiment(SMALL)
    assert lane.error == ""


def test_the_timeline_follows_the_end_until_one_goes_back(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    timeline = laboratory.timeline
    lane.run()
    wait(qtbot, lambda: last_step(lane) > 20)
    assert timeline.step == last_step(lane)
    timeline.go(7)
    assert (timeline.step, timeline.follows_end) == (7, False)
    seen = last_step(lane)
    wait(qtbot, lambda: last_step(lane) > seen)
    assert timeline.step == 7
    timeline.move(-1)
    assert timeline.step == 6
    timeline.move(3)
    assert timeline.step == 9
    lane.pause()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    timeline.go(10**9)
    assert timeline.follows_end
    assert timeline.step == timeline.last == last_step(lane)


def test_closing_in_the_middle_of_a_run_ends_the_thread(qtbot: QtBot) -> None:
    made = Laboratory(BIG)
    wait(qtbot, lambda: made.lanes[0].state is State.PAUSED)
    made.lanes[0].run()
    made.close()
    assert not made.trainer._thread.is_alive()


def drained(job: Job, until: type) -> list[object]:
    found: list[object] = []
    while not found or not isinstance(found[-1], until):
        found.extend(job.events())
        job.cancel.wait(0.001)
    return found


def test_a_run_begins_measures_waits_and_always_ends() -> None:
    worker = Worker()
    job = worker.job(SMALL)
    job.start()
    began, measured, waiting = drained(job, Waiting)
    assert isinstance(began, Began)
    assert isinstance(measured, Measured)
    assert isinstance(waiting, Waiting)
    job.stop()
    worker.close()
    assert list(job.events()) == [Ended()]


def test_a_run_that_comes_to_its_own_end_says_so() -> None:
    worker = Worker()
    job = worker.job(SMALL.with_value("training.length", 7))
    job.train_to(None)
    job.start()
    *events, ended = drained(job, Ended)
    worker.close()
    assert ended == Ended(has_finished=True)
    snapshots = [event.snapshot for event in events if isinstance(event, Measured)]
    assert [snapshot.is_last for snapshot in snapshots] == [False] * 7 + [True]
    assert not any(isinstance(event, Waiting) for event in events)


def test_a_failure_while_training_ends_the_run_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("initviz.lab.training.train", fail)
    worker = Worker()
    job = worker.job(SMALL)
    job.start()
    *_, ended = drained(job, Ended)
    worker.close()
    assert ended == Ended(explain(MemoryError()))
    assert "memory" in ended.error


def test_a_reader_that_is_far_behind_makes_the_worker_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("initviz.session.job.ROOM", 5)
    worker = Worker()
    job = worker.job(SMALL)
    job.train_to(None)
    job.start()
    seen = -1
    while seen < 40:
        while len(job._mailbox) < 5:
            job.cancel.wait(0.001)
        events = list(job.events())
        assert len(events) <= 6  # the first step brings two
        seen = max(event.snapshot.step for event in events if isinstance(event, Measured))
    worker.close()


TWO = SMALL.with_value("run.seed", 1)


def in_step(laboratory: Laboratory) -> bool:
    return laboratory.is_idle and len({last_step(lane) for lane in laboratory.lanes}) == 1


@EITHER
def test_lanes_run_in_lock_step_and_pause_at_the_same_step(
    qtbot: QtBot, laboratory: Laboratory
) -> None:
    laboratory.add(TWO)
    laboratory.add(BIG)
    wait(qtbot, lambda: all(lane.state is State.PAUSED for lane in laboratory.lanes))
    for _ in range(5):
        before = last_step(laboratory.lane("A"))
        laboratory.run()
        wait(qtbot, lambda before=before: last_step(laboratory.lane("C")) > before + 10)
        apart = [lane.reach for lane in laboratory.lanes]
        assert max(apart) - min(apart) <= 1
        laboratory.pause()
        wait(qtbot, lambda: laboratory.is_idle)
        assert in_step(laboratory)
    assert not laboratory.clock.is_running


@EITHER
def test_a_lane_that_is_behind_catches_up_before_the_others_go_on(
    qtbot: QtBot, laboratory: Laboratory
) -> None:
    first = laboratory.lane("A")
    laboratory.run()
    wait(qtbot, lambda: last_step(first) > 50)
    second = laboratory.add(TWO)  # pauses the first
    wait(qtbot, lambda: laboratory.is_idle)
    front = last_step(first)
    laboratory.step()
    wait(qtbot, lambda: second.state is State.PAUSED and laboratory.is_idle)
    assert last_step(first) == last_step(second) == front
    laboratory.step()
    wait(qtbot, lambda: last_step(second) == front + 1 and laboratory.is_idle)
    assert in_step(laboratory)


def test_lanes_with_the_same_seed_see_the_same_data_in_the_same_order(
    qtbot: QtBot, laboratory: Laboratory
) -> None:
    other = laboratory.add(SMALL)
    wait(qtbot, lambda: other.state is State.PAUSED)
    for _ in range(3):
        laboratory.step()
        wait(qtbot, lambda: laboratory.is_idle)
    a, b = (lane.recording for lane in laboratory.lanes)
    assert a is not None
    assert b is not None
    assert (a.scalar("loss") == b.scalar("loss")).all()


def test_a_change_of_one_lane_pauses_all_and_resets_only_that_one(
    qtbot: QtBot, laboratory: Laboratory
) -> None:
    laboratory.add(SMALL)
    laboratory.run()
    wait(qtbot, lambda: last_step(laboratory.lane("A")) > 5)
    laboratory.set_experiment("B", TWO)
    wait(qtbot, lambda: laboratory.is_idle)
    assert last_step(laboratory.lane("A")) > 5
    assert last_step(laboratory.lane("B")) == 0


def test_a_lane_that_fails_leaves_the_others_running(qtbot: QtBot, laboratory: Laboratory) -> None:
    nowhere = SMALL.with_values({"training.data": "file", "training.path": "/nowhere.csv"})
    failing = laboratory.add(nowhere)
    wait(qtbot, lambda: failing.state is State.FAILED)
    assert "/nowhere.csv" in failing.error
    laboratory.run()
    wait(qtbot, lambda: last_step(laboratory.lane("A")) > 5)
    laboratory.step()


def test_lanes_come_and_go_by_letter(qtbot: QtBot, laboratory: Laboratory) -> None:
    said: list[str] = []
    laboratory.removed.connect(said.append)
    for _ in range(3):
        laboratory.add(SMALL)
    assert [lane.letter for lane in laboratory.lanes] == ["A", "B", "C", "D"]
    assert laboratory.is_full
    with pytest.raises(ValueError, match="no room"):
        laboratory.add(SMALL)
    laboratory.remove("B")
    assert said == ["B"]
    assert laboratory.add(TWO).letter == "B"
    for letter in "ABC":
        laboratory.remove(letter)
    with pytest.raises(ValueError, match="only lane"):
        laboratory.remove("D")
    with pytest.raises(KeyError, match="no lane"):
        laboratory.lane("A")
    wait(qtbot, lambda: laboratory.is_idle)


@EITHER
def test_nothing_arrives_from_a_lane_that_was_removed(qtbot: QtBot, laboratory: Laboratory) -> None:
    gone = laboratory.add(TWO)
    wait(qtbot, lambda: gone.state is State.PAUSED)
    laboratory.run()
    wait(qtbot, lambda: last_step(gone) > 3)
    grown: list[int] = []
    gone.grew.connect(lambda: grown.append(1))
    laboratory.remove("B")
    first = laboratory.lane("A")
    seen = last_step(first)
    laboratory.run()
    wait(qtbot, lambda: last_step(first) > seen + 20)
    assert grown == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "fewer or narrower layers"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate"), "fewer or narrower"),
        (RuntimeError("CUDA error: device-side assert\nmore"), "run.device = 'cpu'"),
        (ValueError("run.device = 'cuda' is not available here"), "not available here"),
        (ValueError("/allocated/cuda.csv: no numbers"), "/allocated/cuda.csv: no numbers"),
        (FileNotFoundError(2, "No such file", "cuda.csv"), "cuda.csv: No such file"),
    ],
)
def test_errors_are_told_as_sentences(error: Exception, says: str) -> None:
    assert says in explain(error)
    assert "\n" not in explain(error)


def test_the_worker_module_needs_no_torch_to_be_imported() -> None:
    assert not hasattr(worker_module, "torch")
    assert issubclass(Laboratory, QObject)


def trained(qtbot: QtBot, laboratory: Laboratory, steps: int) -> None:
    for lane in laboratory.lanes:
        lane.train_to(steps)
    wait(qtbot, lambda: laboratory.is_idle)


@EITHER
def test_a_fork_goes_on_from_a_kept_state_bit_for_bit(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    trained(qtbot, laboratory, 20)
    assert lane.recording is not None
    fork = laboratory.add(SMALL, start=lane.recording.checkpoint(10))
    wait(qtbot, lambda: laboratory.is_idle)
    assert fork.recording is not None
    assert fork.recording.steps.tolist() == [10]
    laboratory.step()  # brings the fork to the front
    wait(qtbot, lambda: laboratory.is_idle)
    assert (fork.recording.scalar("loss") == lane.recording.scalar("loss")[10:]).all()
    fork.reset()
    wait(qtbot, lambda: fork.state is State.PAUSED)
    assert last_step(fork) == 10


@EITHER
def test_a_run_that_was_replaced_can_be_taken_back_and_goes_on_as_if_nothing_had_been(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    other = laboratory.add(SMALL)
    trained(qtbot, laboratory, 13)
    kept = lane.recording
    assert kept is not None
    lane.set_experiment(BIG)
    wait(qtbot, lambda: laboratory.is_idle)
    laboratory.take_back("A", kept, None)
    assert lane.recording is kept
    wait(qtbot, lambda: laboratory.is_idle)
    assert last_step(lane) == 13
    trained(qtbot, laboratory, 30)
    assert other.recording is not None
    assert (kept.scalar("loss") == other.recording.scalar("loss")).all()


def test_the_state_is_kept_where_a_run_pauses_after_a_step(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    trained(qtbot, laboratory, 37)
    assert lane.recording is not None
    assert 37 in lane.recording.checkpoint_steps
