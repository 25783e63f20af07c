"""The proof behind the window: it never blocks, can be ended at any moment, and leaves nothing."""

import threading

import pytest

from initviz import Experiment, run
from initviz.lab.remedies import Advice
from initviz.lab.thresholds import DEFAULTS
from initviz.session.trial import TrialRunner

SMALL = Experiment().with_values(
    {"network.hidden_layers": 4, "network.width": 16, "training.data": "blobs"}
)


@pytest.fixture(scope="module")
def finding():
    return run(SMALL, 0).findings()[0]


@pytest.fixture
def runner():
    made = TrialRunner()
    yield made
    made.close()


def alive():
    return [thread for thread in threading.enumerate() if thread.name == "initviz trial"]


def test_a_proof_is_finished_with_what_came_of_it(qtbot, runner, finding):
    with qtbot.waitSignal(runner.finished, timeout=60_000) as done:
        runner.start(SMALL, finding, 5, DEFAULTS)
        assert runner.is_running
    (proof,) = done.args
    assert proof.cured
    assert proof.before.last_step == proof.after.last_step == 5
    assert not runner.is_running
    assert not alive()


def test_a_long_proof_tells_how_far_it_is(qtbot, runner, finding):
    with qtbot.waitSignal(runner.progressed, timeout=60_000) as told:
        runner.start(SMALL, finding, 100_000, DEFAULTS)
    assert 0 <= told.args[0] < 1
    with qtbot.waitSignal(
        runner.progressed, timeout=60_000, check_params_cb=lambda share: share > told.args[0]
    ):
        pass


def test_a_cancelled_proof_says_nothing_and_ends(qtbot, runner, finding):
    said = []
    for signal in (runner.finished, runner.failed):
        signal.connect(said.append)
    runner.start(SMALL, finding, 100_000, DEFAULTS)
    runner.cancel()
    assert not runner.is_running
    qtbot.waitUntil(lambda: not alive(), timeout=60_000)
    assert said == []


def test_a_second_proof_takes_the_place_of_the_first(qtbot, runner, finding):
    runner.start(SMALL, finding, 100_000, DEFAULTS)
    with qtbot.waitSignal(runner.finished, timeout=60_000) as done:
        runner.start(SMALL, finding, 3, DEFAULTS)
    assert done.args[0].before.last_step == 3


def test_closing_waits_for_the_thread(finding):
    runner = TrialRunner()
    runner.start(SMALL, finding, 100_000, DEFAULTS)
    runner.close()
    assert not alive()


def test_a_proof_that_fails_says_why(qtbot, runner, finding):
    from dataclasses import replace

    wrong = replace(finding, remedies=(Advice("a std of −1", {"initialiser.std": -1.0}),))
    with qtbot.waitSignal(runner.failed, timeout=60_000) as said:
        runner.start(SMALL, wrong, 3, DEFAULTS)
    assert "initialiser.std = -1.0 is not allowed" in said.args[0]
