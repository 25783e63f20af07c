"""Runs that come to their own end, and runs that are replaced before."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from initviz.lab.settings import Value
from initviz.session.events import Ended
from initviz.session.laboratory import Laboratory
from initviz.session.lane import Lane, State
from tests.session.lanes import SMALL, last_step, wait

# -- runs that come to their own end ------------------------------------------------------------

SHORT = SMALL.with_value("training.length", 7)
STARVED = SMALL.with_values(
    {
        "network.hidden_layers": 5,
        "training.early_stopping": True,
        "training.patience": 40,
    }
)


def test_a_run_ends_by_itself_after_its_length(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    lane.set_experiment(SHORT)
    lane.run()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    assert last_step(lane) == 7
    assert lane.recording is not None
    assert lane.recording.measured("dead_fraction")[-1]
    assert lane.recording.weight_steps[[0, -1]].tolist() == [0, 7]
    assert lane.recording.stopped == ""
    assert lane.error == ""
    assert lane.is_idle
    assert not laboratory.clock.is_running


def test_a_run_whose_loss_stands_still_is_stopped_early(qtbot: QtBot, lane: Lane) -> None:
    lane.set_experiment(STARVED)
    lane.run()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    assert lane.recording is not None
    assert lane.recording.stopped == "early"
    assert lane.recording.measured("dead_fraction")[-1]


def test_single_steps_end_with_the_last_one_and_not_a_step_after(qtbot: QtBot, lane: Lane) -> None:
    lane.set_experiment(SHORT.with_value("training.length", 2))
    wait(qtbot, lambda: lane.state is State.PAUSED)
    lane.step()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    lane.step()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    assert last_step(lane) == 2


def test_a_finished_run_stays_finished_whatever_is_asked_of_it(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    lane.set_experiment(SHORT)
    lane.run()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    for ask in (lane.run, lane.step, lane.pause, lane.toggle, lane.toggle):
        ask()
        assert lane.state is State.FINISHED
    assert not laboratory.clock.is_running
    assert list(lane._job.events()) == []
    assert last_step(lane) == 7


@pytest.mark.parametrize(
    "changes", [{}, {"training.length": 1, "training.unit": "epochs", "training.batch_size": 512}]
)
def test_a_finished_run_that_is_taken_back_is_still_finished(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane, changes: dict[str, Value]
) -> None:
    lane.set_experiment(SHORT.with_values(changes))
    lane.run()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    kept = lane.recording
    assert kept is not None
    lane.reset()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    laboratory.take_back("A", kept, None)
    assert lane.state is State.FINISHED
    lane.run()
    assert lane.state is State.FINISHED


def test_an_unfinished_run_that_is_taken_back_goes_on_to_its_end(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    lane.set_experiment(SHORT)
    wait(qtbot, lambda: lane.state is State.PAUSED)
    lane.step()
    wait(qtbot, lambda: lane.state is State.PAUSED and last_step(lane) == 1)
    kept = lane.recording
    assert kept is not None
    lane.reset()
    wait(qtbot, lambda: lane.state is State.PAUSED and lane.recording is not kept)
    laboratory.take_back("A", kept, None)
    assert lane.state is State.PAUSED
    lane.run()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    assert last_step(lane) == 7


def test_a_finished_run_starts_again_after_a_reset(qtbot: QtBot, lane: Lane) -> None:
    lane.set_experiment(SHORT)
    lane.run()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    old = lane.recording
    lane.reset()
    wait(qtbot, lambda: lane.state is State.PAUSED)
    assert lane.recording is not old
    assert last_step(lane) == 0
    lane.run()
    wait(qtbot, lambda: lane.state is State.FINISHED)
    assert last_step(lane) == 7


def test_the_end_of_a_run_that_was_replaced_says_nothing_of_the_new_one(
    qtbot: QtBot, lane: Lane
) -> None:
    lane.set_experiment(SHORT)
    lane.run()
    # The old run has ended, and nobody has read that yet.
    while not any(isinstance(event, Ended) for event in list(lane._job._mailbox)):
        lane._job.cancel.wait(0.001)
    lane.set_experiment(SMALL)
    wait(qtbot, lambda: lane.state is State.PAUSED)
    lane.run()
    wait(qtbot, lambda: last_step(lane) > 20)
    assert lane.state is State.RUNNING


def test_a_run_that_nobody_has_seen_leaves_nothing_in_the_one_before_it(
    qtbot: QtBot, laboratory: Laboratory, lane: Lane
) -> None:
    seen = lane.recording
    assert seen is not None
    lane.set_experiment(SMALL.with_value("network.hidden_layers", 5))
    lane.train_to(3)
    laboratory.clock.stop()  # what comes is not read
    wait(qtbot, lambda: len(lane._job._mailbox) > 4)
    lane.set_experiment(SMALL)
    assert seen.steps.tolist() == [0]
    wait(qtbot, lambda: lane.state is State.PAUSED)
