"""The history of a run: appended to, read at any step, never larger than its room."""

import numpy as np
import pytest

from initviz.lab import thinning
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.recording import Environment, Recording, Track
from initviz.lab.snapshot import Histogram, Snapshot

LAYERS = ("hidden 1", "hidden 2", "output")


def _empty():
    experiment = Experiment().with_value("network.hidden_layers", 2)
    return Recording(experiment, LAYERS, Environment("CPU", 1))


def _histogram(value=0.0):
    counts = np.full((3, BINS), int(value), dtype=np.int64)
    return Histogram(counts, np.full(3, -1.0), np.full(3, 1.0), np.zeros((3, 4), dtype=np.int64))


def _snapshot(step, **what):
    return Snapshot(step, {"loss": 10.0 - step}, **what)


@pytest.fixture
def sparse():
    """Loss at every step; the norm at 0, 1, 4; histograms at 0, 3; checkpoints at 0, 2, 5."""
    recording = _empty()
    for step in range(6):
        what = {}
        if step in (0, 1, 4):
            what["layers"] = {"weight_norm": np.arange(3.0) + step}
        if step == 4:
            what["layers"]["dead_fraction"] = np.array([0.25, np.nan, np.nan])
        if step in (0, 3):
            what["histograms"] = {name: _histogram(step) for name in HISTOGRAMS}
        if step in (0, 2, 5):
            weights = {name: np.full((2, 2), float(step)) for name in LAYERS}
            what["checkpoint"] = Checkpoint.of_weights(recording.experiment, step, weights)
        recording.append(_snapshot(step, **what))
    return recording


def test_an_empty_recording_has_nothing_and_says_so():
    recording = _empty()
    assert recording.last_step == -1
    assert recording.steps.shape == (0,)
    assert recording.series("weight_norm").shape == (0, 3)
    assert recording.measured("weight_norm").shape == (0,)
    assert recording.scalar("loss").shape == (0,)
    assert recording.latest("weight_norm", 5)[0] == -1
    assert np.isnan(recording.latest("weight_norm", 5)[1]).all()
    assert np.isnan(recording.latest_scalar("loss", 5))
    assert recording.latest_histogram("weight", 5) is None
    assert recording.kept_step(5) == 0
    with pytest.raises(KeyError, match="no histograms were kept"):
        recording.histogram("weight", 0)


def test_a_series_is_nan_where_nothing_was_measured(sparse):
    series = sparse.series("weight_norm")
    assert series.shape == (6, 3)
    np.testing.assert_array_equal(series[[0, 1, 4]], [[0, 1, 2], [1, 2, 3], [4, 5, 6]])
    assert np.isnan(series[[2, 3, 5]]).all()
    np.testing.assert_array_equal(sparse.scalar("loss"), 10.0 - np.arange(6))


def test_measured_tells_not_measured_from_undefined(sparse):
    assert np.isnan(sparse.series("dead_fraction")[:, 1]).all()
    np.testing.assert_array_equal(sparse.measured("dead_fraction"), np.arange(6) == 4)


def test_steps_increase_and_series_follow_them():
    recording = _empty()
    recording.append(_snapshot(0, layers={"weight_norm": np.ones(3)}))
    recording.append(_snapshot(7))
    recording.append(Snapshot(9, {}, {"weight_norm": np.full(3, 9.0)}))
    np.testing.assert_array_equal(recording.steps, [0, 7, 9])
    np.testing.assert_array_equal(recording.series("weight_norm")[:, 0], [1, np.nan, 9])
    np.testing.assert_array_equal(recording.scalar("loss"), [10, 3, np.nan])


def test_every_quantity_and_scalar_can_be_asked_for(sparse):
    for name in QUANTITIES:
        assert sparse.series(name).shape == (6, 3)
    for name in SCALARS:
        assert sparse.scalar(name).shape == (6,)


@pytest.mark.parametrize("ask", ["series", "measured", "scalar", "track", "scalar_track"])
def test_an_unknown_name_is_a_key_error(sparse, ask):
    with pytest.raises(KeyError, match="nonsense"):
        getattr(sparse, ask)("nonsense")


def test_a_step_that_does_not_come_later_is_refused(sparse):
    for step in (5, 3):
        with pytest.raises(ValueError, match=f"step {step} comes after step 5"):
            sparse.append(_snapshot(step))
    assert sparse.last_step == 5
    assert len(sparse.scalar("loss")) == 6


def test_latest_is_the_newest_at_or_before_a_step(sparse):
    for step, expected in [(0, 0), (1, 1), (3, 1), (4, 4), (99, 4)]:
        found, row = sparse.latest("weight_norm", step)
        assert found == expected
        np.testing.assert_array_equal(row, np.arange(3.0) + expected)
    assert sparse.latest("dead_fraction", 3)[0] == -1
    assert sparse.latest_scalar("loss", 3) == 7.0
    assert sparse.latest_histogram("weight", 2)[0] == 0
    assert sparse.latest_histogram("weight", 99)[0] == 3


def test_a_histogram_is_counts_edges_and_what_lay_outside(sparse):
    counts, edges = sparse.histogram("activation", step=3)
    assert counts.shape == (3, BINS)
    assert (counts == 3).all()
    assert edges.shape == (3, BINS + 1)
    np.testing.assert_array_equal(edges[:, [0, BINS // 2, -1]], [[-1.0, 0.0, 1.0]] * 3)
    assert (np.diff(edges) > 0).all()
    assert sparse.histogram_outside("activation", step=3).shape == (3, 4)


@pytest.mark.parametrize(("step", "nearest"), [(1, 0), (2, 3), (500, 3), (-7, 0)])
def test_a_histogram_that_was_not_kept_names_the_nearest(sparse, step, nearest):
    sentence = f"step {step} were not kept; the nearest is step {nearest}"
    with pytest.raises(KeyError, match=sentence):
        sparse.histogram("activation", step)
    with pytest.raises(KeyError, match=sentence):
        sparse.histogram_outside("activation", step)


def test_an_unknown_histogram_names_those_that_there_are(sparse):
    with pytest.raises(KeyError, match="'actvation'; there are activation, preactivation"):
        sparse.histogram("actvation", 0)


def test_weights_are_read_from_the_checkpoints(sparse):
    assert sparse.weight_steps.tolist() == sparse.checkpoint_steps.tolist() == [0, 2, 5]
    assert (sparse.weights("hidden 1", 0) == 0.0).all()
    assert (sparse.weights("output", 5) == 5.0).all()
    with pytest.raises(KeyError, match="weights of step 1 were not kept; the nearest is step 0"):
        sparse.weights("hidden 1", 1)
    with pytest.raises(KeyError, match="hidden 9"):
        sparse.weights("hidden 9", 0)


def test_weights_are_a_copy(sparse):
    sparse.weights("output", 5)[:] = 7.0
    assert (sparse.weights("output", 5) == 5.0).all()


def test_a_checkpoint_is_found_by_its_step_or_near_it(sparse):
    assert sparse.checkpoint(2).step == 2
    assert list(sparse.checkpoints) == [0, 2, 5]
    with pytest.raises(KeyError, match=r"checkpoints of step 4 were not kept; .* is step 5"):
        sparse.checkpoint(4)
    found = [sparse.nearest_checkpoint(step).step for step in (-3, 0, 1, 3, 4, 99)]
    assert found == [0, 0, 0, 2, 5, 5]
    assert _empty().nearest_checkpoint(0) is None


@pytest.mark.parametrize("large", [1, 1_500_000, 10_000_000])
def test_checkpoints_of_a_long_run_fit_their_room(large):
    """Checkpoints of 8 bytes, 12 MB and 80 MB; the memory behind them is one number."""
    recording = _empty()
    weights = {"output": np.broadcast_to(np.zeros(1), (1, large))}
    for step in range(0, 3000, 3):
        checkpoint = Checkpoint.of_weights(recording.experiment, step, weights)
        recording.append(_snapshot(step, checkpoint=checkpoint))
    steps = recording.checkpoint_steps.tolist()
    assert steps[0] == 0
    assert steps[-1] == 2997
    assert len(steps) == {1: 64, 1_500_000: 4, 10_000_000: 3}[large]
    assert steps == sorted(steps)


def test_kept_step_moves_among_kept_steps_within_range():
    recording = _empty()
    for step in (0, 1, 10, 20):
        recording.append(_snapshot(step))
    assert [recording.kept_step(s) for s in (0, 5, 10, 99)] == [0, 1, 10, 20]
    assert [recording.kept_step(10, o) for o in (-5, -1, 1, 5)] == [0, 1, 20, 20]


# -- along time -----------------------------------------------------------------------------------


@pytest.fixture
def recurrent():
    """Gradients along four time steps at 0, 1 and 3 of five steps; no cell."""
    recording = _empty()
    for step in range(5):
        times = {"state_gradient_norm": np.arange(4.0) + step} if step in (0, 1, 3) else {}
        recording.append(_snapshot(step, times=times))
    return recording


def test_a_network_that_reads_no_sequences_has_no_times(sparse):
    assert sparse.times == 0
    for name in TIME_QUANTITIES:
        assert sparse.time_series(name).shape == (6, 0)
        assert sparse.time_track(name).values.shape == (0, 0)
        assert sparse.latest_time(name, 5)[0] == -1
        assert sparse.latest_time(name, 5)[1].shape == (0,)


def test_a_quantity_along_time_is_nan_where_it_was_not_measured(recurrent):
    assert recurrent.times == 4
    series = recurrent.time_series("state_gradient_norm")
    assert series.shape == (5, 4)
    np.testing.assert_array_equal(series[3], [3, 4, 5, 6])
    assert np.isnan(series[[2, 4]]).all()
    assert recurrent.time_track("state_gradient_norm").steps.tolist() == [0, 1, 3]
    assert np.isnan(recurrent.time_series("cell_gradient_norm")).all()
    assert recurrent.time_series("cell_gradient_norm").shape == (5, 4)


def test_latest_time_is_the_newest_at_or_before_a_step(recurrent):
    for step, expected in [(0, 0), (2, 1), (3, 3), (99, 3)]:
        found, row = recurrent.latest_time("state_gradient_norm", step)
        assert found == expected
        np.testing.assert_array_equal(row, np.arange(4.0) + expected)
    found, row = recurrent.latest_time("cell_gradient_norm", 99)
    assert found == -1
    assert np.isnan(row).all()
    assert row.shape == (4,)


def test_a_step_of_which_only_the_times_are_kept_is_a_step(recurrent):
    recurrent.append(Snapshot(9, {}, times={"state_gradient_norm": np.ones(4)}))
    assert recurrent.steps.tolist() == [0, 1, 2, 3, 4, 9]
    assert recurrent.time_series("state_gradient_norm")[-1].tolist() == [1.0] * 4


@pytest.mark.parametrize("ask", ["time_series", "time_track"])
def test_an_unknown_quantity_along_time_is_a_key_error(recurrent, ask):
    with pytest.raises(KeyError, match="weight_norm"):
        getattr(recurrent, ask)("weight_norm")


def test_a_recording_knows_whether_its_run_was_stopped(sparse):
    assert sparse.stopped == ""
    sparse.append(_snapshot(6, is_last=True, stopped="early"))
    assert sparse.stopped == "early"


def test_findings_are_those_of_the_end_unless_asked_otherwise(sparse):
    assert sparse.findings() == sparse.findings(step=5)


def test_a_track_is_read_without_a_copy():
    track = Track(2, 100)
    track.append(3, np.zeros(2))
    assert np.shares_memory(track.values, track.values)
    assert [track.row_before(step) for step in (-1, 2, 3, 7)] == [-1, -1, 0, 0]


def test_a_track_of_any_length_keeps_the_first_and_the_newest_rows():
    room = 500
    track = Track(1, room)
    for step in range(20_000):
        track.append(step, float(step))
        assert len(track.steps) <= room
    np.testing.assert_array_equal(track.values[:, 0], track.steps)
    assert (np.diff(track.steps) > 0).all()
    np.testing.assert_array_equal(track.steps[: thinning.FIRST], np.arange(thinning.FIRST))
    np.testing.assert_array_equal(track.steps[-room // 4 :], 20_000 - np.arange(room // 4, 0, -1))


@pytest.fixture
def cramped(monkeypatch):
    """A recording with the smallest room that there is."""
    monkeypatch.setattr(thinning, "LAYER_NUMBERS", 0)
    monkeypatch.setattr(thinning, "HISTOGRAM_NUMBERS", 0)
    monkeypatch.setattr(thinning, "TIME_NUMBERS", 0)
    monkeypatch.setattr(thinning, "SCALAR_ROWS", 300)
    return _empty()


def test_a_long_run_needs_bounded_memory(cramped):
    last = 1000
    for step in range(last + 1):
        cramped.append(
            _snapshot(
                step,
                layers={"weight_norm": np.full(3, float(step))},
                histograms={"weight": _histogram(step)},
                times={"state_gradient_norm": np.full(5, float(step))},
            )
        )
    room = 2 * thinning.FIRST
    kept = cramped.track("weight_norm").steps
    assert len(kept) <= room
    assert cramped.time_track("state_gradient_norm").steps.tolist() == kept.tolist()
    assert cramped.time_series("state_gradient_norm").shape == (len(cramped.steps), 5)
    assert len(cramped.scalar_track("loss").steps) <= 300
    assert len(cramped.steps) <= 300 + room
    held = [s for s in range(last + 1) if cramped.latest_histogram("weight", s)[0] == s]
    assert len(held) <= room
    for steps in (kept, held, cramped.scalar_track("loss").steps):
        assert set(range(thinning.FIRST)) <= set(steps)
        assert last in steps


def test_what_was_thinned_is_nan_in_the_series_and_not_measured(cramped):
    for step in range(1000):
        cramped.append(_snapshot(step, layers={"weight_norm": np.full(3, float(step))}))
    measured = cramped.measured("weight_norm")
    series = cramped.series("weight_norm")
    assert not measured.all()
    np.testing.assert_array_equal(~np.isnan(series[:, 0]), measured)
    np.testing.assert_array_equal(series[measured, 0], cramped.steps[measured])
