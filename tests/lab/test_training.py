"""Training: reproducible, unchanged by measuring, and honest about what each step means."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.datasets import DATASETS
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.lab.network_settings import layer_names
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, TIME_QUANTITIES, Cost
from initviz.lab.recording import Recording
from initviz.lab.schedule import BATCH, CHEAP, EVERYTHING, NOTHING, Schedule, always
from initviz.lab.settings import Field
from initviz.lab.training import last_step, planned_steps, run, train

SMALL = Experiment.from_toml("[network]\nhidden_layers = 3\nwidth = 16")


def final_weights(experiment: Experiment, steps: int, *, probed: bool) -> dict[str, np.ndarray]:
    *_, last = train(experiment, last=steps, probed=probed)
    assert last.checkpoint is not None
    names = layer_names(experiment.network)
    return {name: last.checkpoint.weights(name) for name in names}


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[network]\nactivation = "relu"\nnormalisation = "batch"\ndropout = 0.2\nresidual = true',
        '[network]\nactivation = "gelu"\nnormalisation = "layer"\n[training]\noptimiser = "adam"',
        '[training]\nmomentum = 0.9\nloss = "mse"\n[run]\nprecision = "float64"',
    ],
)
def test_weights_after_200_steps_are_the_same_bit_for_bit_with_and_without_the_probe(
    text: str,
) -> None:
    experiment = Experiment.from_toml(text).with_value("network.width", 32)
    with_probe = final_weights(experiment, 200, probed=True)
    without = final_weights(experiment, 200, probed=False)
    for layer, weights in with_probe.items():
        assert np.array_equal(weights, without[layer]), layer


def test_measuring_everything_at_every_step_gives_the_same_weights_as_the_schedule() -> None:
    dense = run(SMALL, 150, wanted=always(EVERYTHING)).weights("hidden 2", 150)
    assert np.array_equal(dense, run(SMALL, 150).weights("hidden 2", 150))


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    first, again = run(SMALL, 20), run(SMALL, 20)
    other = run(SMALL.with_value("run.seed", 1), 20)
    assert np.array_equal(first.scalar("loss"), again.scalar("loss"))
    assert np.array_equal(first.series("weight_norm"), again.series("weight_norm"), equal_nan=True)
    assert not np.array_equal(first.scalar("loss"), other.scalar("loss"))


def test_training_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    run(SMALL.with_value("network.dropout", 0.5), 5)
    assert torch.equal(torch.get_rng_state(), before)


def test_signal_gradient_of_ten_small_sigmoid_layers_falls_by_fourteen_orders_of_magnitude() -> (
    None
):
    experiment = Experiment.from_toml(
        '[network]\nactivation = "sigmoid"\nwidth = 128\n[initialiser]\nstd = 0.01'
    )
    signal = run(experiment, 0).series("signal_gradient_norm")[0]
    ratio = signal[0] / signal[-2]
    assert 1.16e-14 / 2 < ratio < 1.16e-14 * 2


def test_a_recording_begins_at_step_0_and_ends_measured_wholly_at_the_last_step() -> None:
    recording = run(SMALL, 137)
    assert recording.steps[0] == 0
    assert recording.steps[-1] == 137
    for quantity in QUANTITIES:
        assert recording.measured(quantity)[[0, -1]].all(), quantity
    for name in HISTOGRAMS:
        counts, edges = recording.histogram(name, 137)
        assert counts.shape == (4, 64)
        assert (np.diff(edges, axis=1) > 0).all()
    assert recording.weights("output", 137).shape == (10, 16)
    assert recording.weights("hidden 1", 0).shape == (16, 64)


def test_the_loss_is_measured_at_every_step() -> None:
    recording = run(SMALL, 150)
    assert np.array_equal(recording.steps, np.arange(151))
    assert np.isfinite(recording.scalar("loss")).all()


def test_snapshot_k_describes_the_parameters_after_k_updates() -> None:
    experiment = SMALL.with_value("training.learning_rate", 0.5)
    zero, one = run(experiment, 0), run(experiment, 1)
    assert np.array_equal(zero.weights("hidden 1", 0), one.weights("hidden 1", 0))
    before, after = one.weights("hidden 1", 0), one.weights("hidden 1", 1)
    ratio = np.linalg.norm(after.astype(float) - before) / np.linalg.norm(before.astype(float))
    assert np.isnan(one.series("update_ratio")[0]).all()
    assert one.series("update_ratio")[1, 0] == pytest.approx(ratio, rel=1e-4)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(
    "change",
    [
        {"training.learning_rate": 0.5},
        {"training.learning_rate": 3e-6},  # the step is lost in the rounding of most weights
        {"training.momentum": 0.9},
        {"training.optimiser": "adam"},
        {"initialiser.std": 0.3, "training.learning_rate": 0.1},
    ],
)
def test_update_ratio_is_that_of_the_step_really_applied(
    change: dict[str, object], precision: str
) -> None:
    experiment = SMALL.with_value("run.precision", precision)
    for key, value in change.items():
        experiment = experiment.with_value(key, value)  # type: ignore[arg-type]
    for steps in (1, 2, 5, 150, 151):
        before, after = (final_weights(experiment, k, probed=False) for k in (steps - 1, steps))
        exact = [
            np.linalg.norm(after[layer].astype(float) - before[layer])
            / np.linalg.norm(before[layer].astype(float))
            for layer in before
        ]
        assert run(experiment, steps).series("update_ratio")[-1] == pytest.approx(exact, rel=1e-3)


def test_update_ratio_is_undefined_where_the_weights_were_zero() -> None:
    zeros = SMALL.with_value("initialiser.scheme", "zeros").with_value(
        "network.activation", "sigmoid"
    )
    ratio = run(zeros, 3).series("update_ratio")
    assert np.isnan(ratio[1]).all()
    assert np.isfinite(ratio[3, -1])


def test_training_stops_between_two_steps_once_cancelled() -> None:
    cancel = threading.Event()
    seen = []
    for snapshot in train(SMALL, cancel):
        seen.append(snapshot.step)
        if snapshot.step == 3:
            cancel.set()
    assert seen == [0, 1, 2, 3]


def test_the_default_schedule_measures_densely_first_and_then_at_every_fiftieth_step() -> None:
    schedule = Schedule()
    assert schedule.costs(0, 0.0) == EVERYTHING
    assert schedule.costs(3, 0.0) == BATCH
    assert schedule.costs(100, 1.0) == EVERYTHING
    assert schedule.costs(101, 1.0) == NOTHING
    assert schedule.costs(120, 1.0) == NOTHING
    assert schedule.costs(150, 1.0) == EVERYTHING
    schedule.add("probe", 0.03, 150)
    assert schedule.costs(150, 1.0) == EVERYTHING - {"probe"}
    assert schedule.costs(200, 2.0) == EVERYTHING


def test_the_state_is_copied_within_a_share_of_the_time_and_ever_less_often() -> None:
    schedule = Schedule()
    schedule.add("state", 0.02, 1000)
    assert schedule.costs(1050, 1.0) == EVERYTHING - {"state"}
    assert schedule.costs(1050, 2.0) == EVERYTHING
    schedule.add("state", 0.0, 100_000)
    assert schedule.costs(100_050, 1e9) == EVERYTHING - {"state"}
    assert schedule.costs(103_150, 1e9) == EVERYTHING


def test_what_is_wanted_is_measured_beyond_the_schedule() -> None:
    recording = run(SMALL, 130, wanted=lambda step: CHEAP if step == 117 else NOTHING)
    measured = recording.steps[recording.measured("signal_gradient_norm")]
    assert set(range(101, 131)) & set(measured.tolist()) == {117, 130}
    assert 117 not in recording.steps[recording.measured("sample_std")]


def test_a_diverged_run_goes_on_and_keeps_its_history() -> None:
    relu = SMALL.with_value("network.activation", "relu")
    recording = run(relu.with_value("training.learning_rate", 1e30), 5)
    assert np.isfinite(recording.series("weight_norm")[0]).all()
    assert not np.isfinite(recording.scalar("loss")[-1])
    outside = recording.histogram_outside("weight", 5)
    assert outside[:, 2:].sum() > 0


def test_the_step_at_which_the_loss_becomes_non_finite_is_measured_whatever_the_schedule() -> None:
    class Never(Schedule):
        def costs(self, step: int, elapsed: float) -> frozenset[Cost]:
            return NOTHING

    relu = SMALL.with_value("network.activation", "relu")
    diverging = relu.with_value("training.learning_rate", 1e12)
    recording = run(diverging, 12, schedule=Never())
    first = int(recording.steps[~np.isfinite(recording.scalar("loss"))][0])
    measured = recording.steps[recording.measured("preactivation_std")]
    assert measured.tolist() == [0, first, 12]
    assert [finding.kind for finding in recording.findings(first)] == ["diverged"]
    with_probe = run(diverging, 12).weights("hidden 1", 12)
    assert np.array_equal(with_probe, recording.weights("hidden 1", 12), equal_nan=True)


def test_zero_weights_have_exactly_zero_gradients_and_one_distinct_unit() -> None:
    recording = run(SMALL.with_value("initialiser.scheme", "zeros"), 2)
    assert (recording.series("weight_gradient_norm") == 0).all()
    assert (recording.series("distinct_units")[:, :-1] == 1).all()


def test_a_missing_device_is_an_error_that_names_what_there_is() -> None:
    missing = "cuda" if not torch.cuda.is_available() else "mps"
    with pytest.raises(ValueError, match=rf"run\.device = '{missing}'.*auto.*cpu"):
        run(SMALL.with_value("run.device", missing), 1)


# -- warm-up, and where a run ends ----------------------------------------------------------------


def test_the_learning_rate_grows_in_equal_parts_while_it_warms_up() -> None:
    warming = SMALL.with_values({"training.warmup_steps": 4, "training.learning_rate": 0.4})
    recording = run(warming, 6)
    expected = [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4]
    assert recording.scalar("learning_rate").tolist() == pytest.approx(expected)


def test_each_update_of_a_warm_up_is_made_with_its_own_learning_rate() -> None:
    warming = SMALL.with_values({"training.warmup_steps": 10, "training.learning_rate": 0.5})
    recording = run(warming, 12)
    gradient, ratio = recording.series("weight_gradient_norm"), recording.series("update_ratio")
    moved = ratio[1:] * recording.series("weight_norm")[:-1]
    rates = 0.5 * np.minimum(1.0, np.arange(1, 13) / 10)
    assert moved == pytest.approx(rates[:, None] * gradient[:-1], rel=1e-3)


def test_a_warm_up_of_one_step_changes_nothing() -> None:
    warming = final_weights(SMALL.with_value("training.warmup_steps", 1), 30, probed=True)
    plain = final_weights(SMALL, 30, probed=True)
    assert all(np.array_equal(warming[layer], plain[layer]) for layer in plain)


def test_a_run_ends_by_itself_at_the_length_of_the_experiment() -> None:
    snapshots = list(islice(train(SMALL.with_value("training.length", 120)), 200))
    assert [snapshot.step for snapshot in snapshots] == list(range(121))
    assert [snapshot.is_last for snapshot in snapshots] == [False] * 120 + [True]
    assert set(snapshots[-1].layers) == set(QUANTITIES)
    checkpoint = snapshots[-1].checkpoint
    assert checkpoint is not None
    assert checkpoint.weights("hidden 3").shape == (16, 16)
    assert snapshots[-1].stopped == ""


def test_an_epoch_is_as_many_whole_batches_as_the_training_part_has() -> None:
    epochs = SMALL.with_values({"training.unit": "epochs", "training.length": 3})
    # 1 437 of the 1 797 digits are there to train on.
    for size, steps in ((64, 3 * 22), (1437, 3), (4096, 3), (1000, 3)):
        sized = epochs.with_value("training.batch_size", size)
        assert [snapshot.step for snapshot in islice(train(sized, probed=False), 99)][-1] == steps
        assert planned_steps(sized) == steps
    assert planned_steps(SMALL) is None
    assert planned_steps(SMALL.with_value("training.length", 5)) == 5
    assert last_step(epochs.with_value("training.batch_size", 10), 105) == 30


@pytest.mark.parametrize("length", [3, 30])
def test_an_explicit_number_of_steps_outdoes_the_length_of_the_experiment(length: int) -> None:
    assert run(SMALL.with_value("training.length", length), steps=10).last_step == 10


def test_a_scheme_that_looks_at_data_is_shown_the_training_inputs() -> None:
    deep = SMALL.with_values({"initialiser.scheme": "lsuv", "training.batch_size": 1437})
    assert run(deep, 0).series("preactivation_std")[0] == pytest.approx(1.0, abs=0.1)


# -- along time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "gates", "along_time"),
    [
        ("rnn", 1, {"state_gradient_norm"}),
        ("lstm", 4, set(TIME_QUANTITIES)),
        ("gru", 3, {"state_gradient_norm"}),
    ],
)
def test_a_recurrent_network_is_recorded_along_time_with_its_whole_weights(
    architecture: str, gates: int, along_time: set[str]
) -> None:
    experiment = SMALL.with_values(
        {"network.architecture": architecture, "network.hidden_layers": 2, "network.width": 6}
    )
    recording = run(experiment, 3)
    assert recording.times == 8  # the rows of a digit
    for name in TIME_QUANTITIES:
        series = recording.time_series(name)
        assert series.shape == (4, 8)
        assert np.isfinite(series).all() == (name in along_time)
    # What reaches the last state reaches the weights of the output: it cannot be 0 there alone.
    assert (recording.time_series("state_gradient_norm")[:, -1] > 0).all()
    assert recording.weights("hidden 1", 3).shape == (gates * 6, 8 + 6)
    assert recording.weights("hidden 2", 0).shape == (gates * 6, 6 + 6)
    assert recording.weights("output", 0).shape == (10, 6)


def test_a_convolution_is_recorded_with_its_weights_as_a_matrix() -> None:
    recording = run(SMALL.with_values({"network.architecture": "cnn", "network.width": 4}), 1)
    assert recording.weights("hidden 1", 0).shape == (4, 1 * 9)
    assert recording.weights("hidden 2", 1).shape == (4, 4 * 9)
    assert recording.times == 0


# -- whatever a person may choose ------------------------------------------------------------------

#: Fields whose whole range would take too long, or that name what is not there.
SMALLER: dict[str, st.SearchStrategy[Any]] = {
    "network.hidden_layers": st.integers(1, 5),
    "network.width": st.integers(1, 12),
    "training.batch_size": st.integers(2, 150),
    "training.sequence_length": st.integers(2, 12),
    "training.length": st.integers(0, 2),
    "training.warmup_steps": st.integers(0, 5),
    "training.patience": st.integers(10, 20),
    "run.seed": st.integers(0, 2**31 - 1),
    "run.device": st.sampled_from(["auto", "cpu"]),
    "training.data": st.sampled_from(
        [name for name, entry in DATASETS.items() if not entry.needs_path]
    ),
}
#: Texts that a field of this name may hold.
TEXTS = {"expression": st.sampled_from(["normal(0, sqrt(2 / fan_in))", "0.5 * orthogonal() + 0.1"])}


def values_of(fields: Iterable[Field]) -> dict[str, st.SearchStrategy[Any]]:
    """A strategy for the value of each field that can be chosen freely, by key."""
    found = {}
    for field in fields:
        name = field.key.rpartition(".")[2]
        if field.key in SMALLER:
            found[field.key] = SMALLER[field.key]
        elif field.kind == "choice":
            found[field.key] = st.sampled_from([value for value, _ in field.choices])
        elif field.kind == "flag":
            found[field.key] = st.booleans()
        elif field.kind == "number":
            found[field.key] = st.floats(field.minimum, field.maximum)
        elif field.kind == "integer":
            found[field.key] = st.integers(int(field.minimum or 0), int(field.maximum or 100))
        elif name in TEXTS:
            found[field.key] = TEXTS[name]
    return found


@st.composite
def schemes(draw: st.DrawFn) -> dict[str, Any]:
    """Any scheme with some of its parameters, as a table."""
    name = draw(st.sampled_from(sorted(SCHEMES)))
    plain = Experiment().with_value("initialiser.scheme", name)
    own = values_of(f for f in plain.fields() if f.key.startswith("initialiser."))
    own.pop("initialiser.scheme")
    chosen = draw(st.fixed_dictionaries({}, optional=own))
    return {"scheme": name, **{key.rpartition(".")[2]: value for key, value in chosen.items()}}


def layers() -> st.SearchStrategy[dict[str, Any]]:
    """Settings of one layer's own."""
    return st.fixed_dictionaries(
        {"name": st.sampled_from(["output", "hidden 1", "hidden 2", "hidden 9"])},
        optional={
            "width": st.integers(0, 12),
            "activation": st.sampled_from(["", *ACTIVATIONS]),
            "initialiser": schemes(),
        },
    )


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Any valid experiment without files, small enough to train three steps of it at once."""
    own = values_of(Experiment().fields())
    own = {key: value for key, value in own.items() if not key.startswith("initialiser.")}
    architecture = draw(own.pop("network.architecture"))
    data = draw(own.pop("training.data"))
    wanted = {"mlp": "features", "cnn": "images"}.get(architecture, "sequences")
    chosen: dict[str, dict[str, Any]] = {
        "network": {"architecture": architecture, "hidden_layers": 3, "width": 8},
        "training": {"data": data if wanted in DATASETS[data].read_as else "digits"},
        "run": {},
    }
    for key, value in draw(st.fixed_dictionaries({}, optional=own)).items():
        section, _, name = key.partition(".")
        chosen[section][name] = value
    chosen["initialiser"] = draw(schemes())
    unique = st.lists(layers(), max_size=2, unique_by=lambda layer: layer["name"])
    try:
        return Experiment.from_dict(chosen | {"layers": draw(unique)})
    except ValueError:  # parameters that do not go together
        reject()


@pytest.mark.slow
@settings(max_examples=150, derandomize=True, deadline=None)
@given(experiments())
def test_any_valid_experiment_trains_three_steps_without_an_exception(
    experiment: Experiment,
) -> None:
    recording = run(experiment, 3)
    depth = experiment.network.hidden_layers + 1
    assert recording.last_step == 3
    assert recording.series("signal_gradient_norm").shape == (4, depth)
    assert (recording.times > 0) == experiment.network.is_recurrent


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@pytest.mark.parametrize("extreme", ["[network]\nhidden_layers = 1\nwidth = 1", ""])
def test_every_scheme_trains(scheme: str, extreme: str) -> None:
    experiment = Experiment.from_toml(extreme).with_value("initialiser.scheme", scheme)
    assert isinstance(run(experiment, 2), Recording)


def test_a_thousand_layers_of_one_unit_train() -> None:
    experiment = Experiment.from_toml("[network]\nhidden_layers = 1000\nwidth = 1")
    assert len(run(experiment, 1).layers) == 1001
