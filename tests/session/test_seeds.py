"""One experiment from ten seeds: what is kept of each run, and how it is put together."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz import Experiment, run
from initviz.session.seeds import (
    COUNT,
    LONGEST,
    SHORTEST,
    SeedRunner,
    quantiles,
    run_seeds,
    steps_for,
)

SMALL = Experiment().with_values(
    {"network.hidden_layers": 4, "network.width": 16, "training.data": "blobs", "run.seed": 7}
)


@pytest.fixture(scope="module")
def runs():
    return run_seeds(SMALL, 12, threading.Event())


@pytest.fixture
def runner():
    made = SeedRunner()
    yield made
    made.close()


def alive():
    return [thread for thread in threading.enumerate() if thread.name == "initviz seeds"]


def test_each_run_is_the_run_of_its_seed(runs):
    assert runs.seeds == tuple(range(7, 7 + COUNT))
    for number, seed in ((0, 7), (3, 10)):
        alone = run(SMALL.with_value("run.seed", seed), steps=12)
        assert np.array_equal(runs.losses[number], alone.scalar("loss"))
        for quantity in ("signal_gradient_norm", "weight_gradient_norm"):
            norms = alone.series(quantity)[:, :-1]
            assert np.array_equal(runs.gradients[quantity, "start"][number], norms[0])
            assert np.array_equal(runs.gradients[quantity, "end"][number], norms[-1])


def test_the_runs_differ(runs):
    signal = runs.gradients["signal_gradient_norm", "start"]
    assert len({tuple(row) for row in signal}) == COUNT
    assert runs.losses.shape == (COUNT, 13)
    assert runs.gradients["signal_gradient_norm", "end"].shape == (COUNT, 4)
    assert runs.diverged == 0


def test_no_run_ends_before_the_others():
    short = SMALL.with_values({"training.length": 3, "training.early_stopping": True})
    found = run_seeds(short, 6, threading.Event(), count=2)
    assert np.isfinite(found.losses).all()
    assert found.is_of(short)


def test_a_run_that_diverges_is_counted():
    wild = SMALL.with_values(
        {"training.learning_rate": 1e30, "training.loss": "mse", "network.activation": "relu"}
    )
    found = run_seeds(wild, 8, threading.Event(), count=3)
    assert found.diverged == 3


def test_results_are_of_an_experiment_whatever_its_seed(runs):
    assert runs.is_of(SMALL)
    assert runs.is_of(SMALL.with_values({"run.seed": 3, "title": "another"}))
    assert not runs.is_of(SMALL.with_value("network.width", 17))


def test_progress_goes_from_nothing_to_all():
    told = []
    run_seeds(SMALL, 4, threading.Event(), lambda done, all_: told.append((done, all_)), count=3)
    assert told == [(done, 15) for done in range(1, 16)]


def test_seeds_do_not_run_out():
    last = SMALL.with_value("run.seed", 2**31 - 1)
    assert run_seeds(last, 0, threading.Event(), count=2).seeds == (2**31 - 1, 0)


@pytest.mark.parametrize(("seen", "steps"), [(0, SHORTEST), (400, 400), (10**6, LONGEST)])
def test_as_many_steps_are_made_as_were_seen_within_limits(seen, steps):
    assert steps_for(seen) == steps


# -- quantiles -----------------------------------------------------------------------------------


@settings(derandomize=True)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_quantiles_of_numbers_are_numpys(values):
    found = quantiles(np.array(values)[:, None])[:, 0]
    assert found == pytest.approx(np.quantile(values, [0.1, 0.5, 0.9]), abs=1e-6)


@settings(derandomize=True)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=True, width=32), min_size=1, max_size=12))
def test_quantiles_are_in_order_and_among_the_values(values):
    low, middle, high = quantiles(np.array(values)[:, None])[:, 0]
    assert min(values) <= low <= middle <= high <= max(values)


def test_a_run_without_a_number_is_worse_than_any_other():
    one_lost = quantiles(np.array([*range(9), np.nan])[:, None].astype(float))[:, 0]
    assert one_lost[1] == 4.5
    assert one_lost[2] == 8.0  # nine of ten are not above that
    assert np.isnan(quantiles(np.full((10, 1), np.nan))).all()
    assert quantiles(np.full((10, 1), -np.inf))[1, 0] == -np.inf


# -- behind the window -----------------------------------------------------------------------------


def test_the_runs_are_made_behind_the_window(qtbot, runner):
    with qtbot.waitSignal(runner.finished, timeout=60_000) as done:
        runner.start(SMALL, 5)
        assert runner.is_running
    assert done.args[0].losses.shape == (COUNT, 6)
    assert not runner.is_running
    assert not alive()


def test_cancelled_runs_say_nothing_and_end(qtbot, runner):
    said = []
    for signal in (runner.finished, runner.failed):
        signal.connect(said.append)
    with qtbot.waitSignal(runner.progressed, timeout=60_000) as told:
        runner.start(SMALL, 100_000)
    assert 0 <= told.args[0] < 1
    runner.cancel()
    qtbot.waitUntil(lambda: not alive(), timeout=60_000)
    assert said == []


def test_runs_that_fail_say_why(qtbot, runner, tmp_path):
    lost = SMALL.with_values({"training.data": "csv", "training.path": str(tmp_path / "gone.csv")})
    with qtbot.waitSignal(runner.failed, timeout=60_000) as said:
        runner.start(lost, 5)
    assert "gone.csv" in said.args[0]
