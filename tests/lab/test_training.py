"""Training: reproducible, unchanged by measuring, and honest about what each step means."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, Cost
from initviz.lab.recording import Recording
from initviz.lab.schedule import BATCH, CHEAP, EVERYTHING, NOTHING, Schedule, always
from initviz.lab.training import run, train

SMALL = Experiment.from_toml("[network]\nhidden_layers = 3\nwidth = 16")


def final_weights(experiment: Experiment, steps: int, *, probed: bool) -> dict[str, np.ndarray]:
    *_, last = train(experiment, last=steps, probed=probed)
    return dict(last.weights)


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
    schedule.add(0.03)
    assert schedule.costs(150, 1.0) == BATCH
    assert schedule.costs(200, 2.0) == EVERYTHING


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


def experiments() -> st.SearchStrategy[Experiment]:
    """Any valid experiment, small enough to train three steps of it at once."""
    base = Experiment()

    def apply(changes: dict[str, object]) -> Experiment:
        experiment = base
        for key, value in changes.items():
            experiment = experiment.with_value(key, value)  # type: ignore[arg-type]
        return experiment

    values: dict[str, st.SearchStrategy[object]] = {}
    for field in base.fields():
        if field.kind == "choice":
            values[field.key] = st.sampled_from([value for value, _ in field.choices])
        elif field.kind == "flag":
            values[field.key] = st.booleans()
        elif field.kind == "number":
            values[field.key] = st.floats(field.minimum, field.maximum)
    values |= {
        "network.hidden_layers": st.integers(1, 12),
        "network.width": st.integers(1, 24),
        "training.batch_size": st.integers(2, 2000),
        "run.seed": st.integers(0, 2**31 - 1),
        "run.device": st.sampled_from(["auto", "cpu"]),
    }
    scheme = values.pop("initialiser.scheme")
    del values["initialiser.std"]
    return st.builds(
        lambda name, changes: apply({"initialiser.scheme": name, **changes}),
        scheme,
        st.fixed_dictionaries({}, optional=values),
    )


@settings(max_examples=60)
@given(experiments())
def test_any_valid_experiment_trains_three_steps_without_an_exception(
    experiment: Experiment,
) -> None:
    recording = run(experiment, 3)
    assert recording.last_step == 3
    assert recording.series("signal_gradient_norm").shape == (
        4,
        experiment.network.hidden_layers + 1,
    )


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@pytest.mark.parametrize("extreme", ["[network]\nhidden_layers = 1\nwidth = 1", ""])
def test_every_scheme_trains(scheme: str, extreme: str) -> None:
    experiment = Experiment.from_toml(extreme).with_value("initialiser.scheme", scheme)
    assert isinstance(run(experiment, 2), Recording)


def test_a_thousand_layers_of_one_unit_train() -> None:
    experiment = Experiment.from_toml("[network]\nhidden_layers = 1000\nwidth = 1")
    assert len(run(experiment, 1).layers) == 1001
