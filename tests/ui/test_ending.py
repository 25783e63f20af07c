"""What the window says once a run has come to its own end."""

import pytest
from PySide6.QtWidgets import QLabel

from initviz.app.main import create_window
from initviz.lab.diagnosis import on_early_stop
from initviz.session.lane import State
from tests.ui.windows import leave_lane_a_alone

PATIENCE = 20_000


@pytest.fixture
def window(qtbot):
    """A small network in a window, step 0 measured."""
    made = create_window([])
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: made.lane.state is State.PAUSED, timeout=PATIENCE)
    leave_lane_a_alone(qtbot, made)
    made.lane.set_experiment(
        made.lane.experiment.with_values({"network.width": 8, "training.length": 15})
    )
    qtbot.waitUntil(lambda: made.lane.state is State.PAUSED, timeout=PATIENCE)
    return made


def said(window):
    """All sentences that the diagnosis shows."""
    labels = window.side.diagnosis.findChildren(QLabel)
    return [label.text() for label in labels if label.isVisibleTo(window)]


def finish(qtbot, window):
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.lane.state is State.FINISHED, timeout=PATIENCE)


def test_a_run_that_is_as_long_as_it_was_to_be_says_so(qtbot, window):
    finish(qtbot, window)
    assert "Finished: this experiment ends after 15 steps." in said(window)
    assert window.toolbar.status.text().endswith("finished: 15 steps")
    assert window.action("run").text() == "Run"


def test_a_run_that_was_stopped_early_says_why(qtbot, window):
    window.lane.set_experiment(
        window.lane.experiment.with_values(
            {
                "training.length": 0,
                "training.early_stopping": True,
                "training.patience": 30,
            }
        )
    )
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=PATIENCE)
    finish(qtbot, window)
    recording = window.recording("A")
    assert on_early_stop(recording) in said(window)
    assert window.toolbar.status.text().endswith(f"stopped early: {recording.last_step} steps")


def test_keys_do_no_harm_after_the_end_and_a_reset_takes_the_sentence_away(qtbot, window):
    finish(qtbot, window)
    for name in ("run", "step", "back", "step", "step", "run"):
        window.action(name).trigger()
        assert window.lane.state is State.FINISHED
    assert window.recording("A").last_step == 15
    window.action("reset").trigger()
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=PATIENCE)
    assert not any(text.startswith("Finished") for text in said(window))
    assert window.recording("A").last_step == 0
    window.action("step").trigger()
    qtbot.waitUntil(lambda: window.recording("A").last_step == 1, timeout=PATIENCE)
