"""Early stopping: what stands still is stopped after a while, what still learns is not."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz import run
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES
from initviz.lab.stopping import LEAST_FALL, EarlyStopping
from initviz.lab.training import train

SMALL = Experiment.from_toml(
    """
    [network]
    hidden_layers = 5
    width = 16
    [training]
    early_stopping = true
    patience = 60
    """
)


def stopped_after(losses, patience=100, epoch=20, limit=20_000):
    """After how many losses training was to end; None if it was not."""
    watch = EarlyStopping(patience, epoch)
    for count, loss in enumerate(itertools.islice(losses, limit), 1):
        if watch.stands_still(loss):
            return count
    return None


def noisy(level, spread=0.1, seed=0):
    """The level of each step, each loss off by some share."""
    chance = random.Random(seed)
    for step in itertools.count():
        yield level(step) * (1.0 + spread * chance.uniform(-1.0, 1.0))


@pytest.mark.parametrize("level", [math.log(10), 1e-7, 0.0, math.inf, math.nan])
def test_a_constant_loss_is_stopped_once_patience_is_over(level) -> None:
    assert stopped_after(itertools.repeat(level)) in (100, 120)


@settings(derandomize=True)
@given(st.integers(10, 500), st.integers(1, 2000))
def test_a_flat_loss_is_stopped_within_patience_and_two_windows(patience, epoch) -> None:
    count = stopped_after(itertools.repeat(2.3), patience, epoch)
    assert patience <= count <= patience + 2 * min(patience, epoch)


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_only_flickers_is_stopped(seed) -> None:
    count = stopped_after(noisy(lambda _: 2.3, seed=seed))
    assert 100 <= count <= 800


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_falls_under_noise_is_not_stopped(seed) -> None:
    falling = noisy(lambda step: 2.3 * math.exp(-1e-3 * step), seed=seed)
    assert stopped_after(falling, limit=5000) is None


@pytest.mark.parametrize("start", [1e6, 1.0, 1e-6])
@pytest.mark.parametrize(("falls", "is_stopped"), [(1.5, False), (0.5, True)])
def test_what_counts_as_a_fall_is_a_share_of_the_loss(start, falls, is_stopped) -> None:
    share = 1.0 - falls * LEAST_FALL
    losses = (start * share ** (step / 100) for step in itertools.count())
    assert (stopped_after(losses, limit=3000) is not None) == is_stopped


def test_a_loss_that_rises_is_stopped() -> None:
    assert stopped_after(1.0 + step / 100 for step in itertools.count()) == 120


def test_a_fall_after_a_while_is_waited_for_as_long_as_patience_says() -> None:
    def plateau(length):
        return itertools.chain(itertools.repeat(2.3, length), itertools.repeat(1.0))

    assert stopped_after(plateau(99)) == 220  # the window of the fall ends at step 120
    assert stopped_after(plateau(150)) == 120


# -- in a run -------------------------------------------------------------------------------


def test_a_starved_network_is_stopped_at_the_loss_of_guessing() -> None:
    recording = run(SMALL, 1000)
    assert recording.stopped == "early"
    assert 60 <= recording.last_step <= 150
    assert recording.latest_scalar("loss", recording.last_step) == pytest.approx(2.3, abs=0.02)


def test_the_last_snapshot_of_a_stopped_run_has_everything() -> None:
    *_, before, last = itertools.islice(train(SMALL), 500)
    assert (before.is_last, before.stopped) == (False, "")
    assert (last.is_last, last.stopped) == (True, "early")
    assert set(last.layers) == set(QUANTITIES)
    assert set(last.histograms) == set(HISTOGRAMS)
    assert {"loss", "accuracy", "test_accuracy"} <= set(last.scalars)
    assert last.checkpoint.step == last.step


def test_a_network_that_learns_is_not_stopped() -> None:
    learning = SMALL.with_value("initialiser.scheme", "glorot_normal")
    recording = run(learning, 600)
    assert (recording.last_step, recording.stopped) == (600, "")


def test_a_run_that_has_diverged_is_stopped() -> None:
    diverging = SMALL.with_values(
        {"network.activation": "relu", "training.learning_rate": 1e30, "initialiser.std": 1.0}
    )
    recording = run(diverging, 1000)
    assert recording.stopped == "early"
    assert 60 <= recording.last_step <= 150
    assert not math.isfinite(recording.latest_scalar("loss", recording.last_step))


def test_without_early_stopping_nothing_is_stopped() -> None:
    recording = run(SMALL.with_value("training.early_stopping", False), 200)
    assert (recording.last_step, recording.stopped) == (200, "")


def test_an_end_that_comes_as_soon_is_no_early_stop() -> None:
    stopped_at = run(SMALL, 1000).last_step
    assert run(SMALL, stopped_at).stopped == ""
    assert run(SMALL, stopped_at + 1).stopped == "early"


def test_stopping_early_changes_nothing_that_was_measured_before() -> None:
    stopped = run(SMALL, 1000)
    alone = run(SMALL.with_value("training.early_stopping", False), stopped.last_step)
    assert alone.scalar("loss").tolist() == stopped.scalar("loss").tolist()
