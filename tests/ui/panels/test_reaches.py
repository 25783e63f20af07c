"""Axes that grow: from the run and the step alone, whatever was looked at before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.lab.quantities import BINS
from initviz.lab.snapshot import Histogram, Snapshot
from initviz.ui.panels.axes import LADDER, step_up
from initviz.ui.panels.reaches import LOOKOUTS, Reaches, reaches, steps_up


def _histogram(low, high, counts=None):
    row = np.full(BINS, 10) if counts is None else counts
    none = np.zeros((1, 4), dtype=np.int64)
    return Histogram(np.array([row], dtype=np.int64), np.array([low]), np.array([high]), none)


def test_few_far_out_values_do_not_make_the_others_a_needle():
    counts = np.zeros(BINS)
    counts[32], counts[-1] = 9999, 1
    most, every = reaches(_histogram(-100.0, 100.0, counts))[:, 0]
    assert most < 5
    assert every == 100


def test_the_tails_of_a_bell_are_not_far_out(shapes):
    most, every = reaches(shapes.histogram([shapes.bell(0.0, 1.0)]))[:, 0]
    assert most == every == 3.0


@pytest.mark.parametrize("low", [0.0, -1e-12, np.nan])
def test_nothing_and_all_zeros_reach_nowhere(low):
    counts = np.zeros(BINS)
    assert (reaches(_histogram(low, -low, counts)) == 0).all()
    counts[BINS // 2] = 64
    assert (reaches(_histogram(-1e-12, 1e-12, counts)) == 0).all()


def test_equal_values_reach_where_they_are():
    counts = np.zeros(BINS)
    counts[BINS // 2] = 64
    assert reaches(_histogram(0.4995, 0.5005, counts)) == pytest.approx(0.5, rel=1e-2)


@given(st.floats(1e-300, 1e300))
def test_steps_up_are_those_of_the_other_axes(value):
    assert steps_up(np.array([value]))[0] == pytest.approx(step_up(value), rel=1e-9)


def test_steps_are_never_smaller_than_the_value():
    values = np.array([1.0, 1.26, 3.0000001, 9.99, 0.0, 7e-45])
    ends = steps_up(values)
    assert (ends >= values * (1 - 1e-8)).all()
    assert ends[4] == 0
    assert all(np.isclose(LADDER, end / 10 ** np.floor(np.log10(end))).any() for end in ends[:4])


def test_one_looks_at_every_early_step_and_often_enough_later():
    assert LOOKOUTS[:21] == tuple(range(21))
    gaps = np.diff(LOOKOUTS[20:])
    assert (gaps > 0).all()
    assert (gaps <= 0.07 * np.array(LOOKOUTS[20:-1]) + 2).all()
    assert len([step for step in LOOKOUTS if step < 1e6]) < 200


@pytest.fixture
def wild(record, shapes):
    """A run whose histograms vary a lot, as wide as its steps have it."""
    spreads = np.exp(np.random.default_rng(0).normal(0, 0.5, 80))

    def activations(step):
        return shapes.histogram([shapes.bell(0.0, spreads[step])] * 3)

    return record(2, steps=range(80), activations=activations)


def _ends(recording, known, step):
    now = reaches(recording.latest_histogram("weight", step)[1])
    return known.common(step, now, 3), known.own(step, now).tolist()


def test_a_replay_has_the_axes_of_the_live_run(wild):
    live = Reaches(wild, "weight")
    forward = [_ends(wild, live, step) for step in range(80)]
    again = [_ends(wild, live, step) for step in reversed(range(80))]
    afresh = [_ends(wild, Reaches(wild, "weight"), step) for step in range(80)]
    assert forward == again[::-1] == afresh


def test_all_values_are_within_a_range_of_ones_own(wild):
    known = Reaches(wild, "weight")
    for step in range(80):
        now = reaches(wild.latest_histogram("weight", step)[1])
        first = reaches(wild.latest_histogram("weight", 0)[1])
        assert (known.own(step, now) >= np.maximum(now, first)[1] * (1 - 1e-8)).all()


def test_a_burst_between_two_looks_is_within_the_range_at_once(record, shapes):
    burst = next(step for step in range(30, 80) if step not in LOOKOUTS)

    def activations(step):
        return shapes.histogram([shapes.bell(0.0, 100.0 if step == burst else 1.0)] * 3)

    run = record(2, steps=range(80), activations=activations)
    known = Reaches(run, "weight")
    assert _ends(run, known, burst - 1) == (3.0, [4.0] * 3)
    assert _ends(run, known, burst) == (300.0, [300.0] * 3)
    assert _ends(run, known, burst + 1) == (3.0, [4.0] * 3)


def test_a_range_of_ones_own_follows_but_keeps_step_0_in_it(record, shapes):
    def run(spreads):
        taken = {
            s: shapes.histogram([shapes.bell(0.0, spreads.get(s, 1.0))] * 3) for s in range(80)
        }
        made = record(2, steps=range(80), activations=taken.get)
        return _ends(made, Reaches(made, "weight"), 79)

    assert run({5: 100.0}) == (300.0, [4.0] * 3)
    assert run({0: 100.0}) == (300.0, [400.0] * 3)


def test_the_common_range_does_not_shrink(wild):
    known = Reaches(wild, "weight")
    nothing = np.zeros((2, 3))
    ends = [known.common(step, nothing, 3) for step in range(80)]
    assert ends == sorted(ends)


def test_what_comes_later_is_not_known_before(record, shapes):
    run, nothing = record(2, steps=()), np.zeros((2, 3))
    known = Reaches(run, "weight")
    assert known.common(0, nothing, 3) == 0
    run.append(Snapshot(0, {}, {}, {"weight": shapes.shrinking(2)}))
    assert known.common(0, nothing, 3) > 0
