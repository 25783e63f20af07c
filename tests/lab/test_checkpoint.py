"""Checkpoints: training goes on from one as if nothing had been, and a fork says what it keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.schedule import NOTHING, STATE, Schedule
from initviz.lab.training import run, train

SMALL = Experiment().with_values(
    {
        "network.hidden_layers": 2,
        "network.width": 12,
        "training.batch_size": 100,  # an epoch has 14 steps
        "initialiser.scheme": "glorot_normal",
    }
)
IMAGES = {"network.architecture": "cnn", "network.width": 3}
ROWS = {"training.data": "digit_rows"}

EXPERIMENTS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum": {"training.momentum": 0.9},
    "nesterov": {"training.momentum": 0.9, "training.nesterov": True},
    "weight decay": {"training.weight_decay": 0.01, "training.momentum": 0.5},
    "adam": {"training.optimiser": "adam", "training.learning_rate": 0.01},
    "adamw": {"training.optimiser": "adamw", "training.weight_decay": 0.1},
    "rmsprop": {"training.optimiser": "rmsprop", "training.learning_rate": 0.003},
    "rmsprop with momentum": {
        "training.optimiser": "rmsprop",
        "training.learning_rate": 0.003,
        "training.momentum": 0.9,
    },
    "dropout": {"network.dropout": 0.3},
    "batch normalisation": {"network.normalisation": "batch"},
    "layer normalisation": {"network.normalisation": "layer", "network.residual": True},
    "prelu": {"network.activation": "prelu"},
    "clipping": {"training.clip_norm": 0.1},
    "warm-up": {"training.warmup_steps": 25, "training.optimiser": "adam"},
    "mse in float64": {"training.loss": "mse", "run.precision": "float64"},
    "cnn": IMAGES,
    "cnn with everything": {
        **IMAGES,
        "network.normalisation": "batch",
        "network.dropout": 0.2,
        "training.optimiser": "adam",
    },
    "rnn": {**ROWS, "network.architecture": "rnn"},
    "lstm": {**ROWS, "network.architecture": "lstm", "network.dropout": 0.2},
    "gru": {**ROWS, "network.architecture": "gru", "training.optimiser": "rmsprop"},
    "lsuv": {"initialiser.scheme": "lsuv"},
    "points": {"training.data": "moons"},
}


class AtStep(Schedule):
    """Everything at the first step, and the state alone at one other."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self._at = step

    def costs(self, step: int, elapsed: float) -> Any:
        return STATE if step == self._at else NOTHING


def checkpoint_at(experiment: Experiment, step: int) -> Checkpoint:
    snapshots = islice(train(experiment, schedule=AtStep(step)), step + 2)
    (found,) = [s.checkpoint for s in snapshots if s.checkpoint and s.step == step]
    return found


def through_a_file(checkpoint: Checkpoint) -> Checkpoint:
    arrays, facts = checkpoint.to_arrays()
    return Checkpoint.from_arrays(checkpoint.experiment, arrays, json.loads(json.dumps(facts)))


def assert_equal(a: Checkpoint, b: Checkpoint) -> None:
    (arrays, facts), (others, other_facts) = a.to_arrays(), b.to_arrays()
    assert facts == other_facts
    assert set(arrays) == set(others)
    for name, array in arrays.items():
        assert np.array_equal(array, others[name], equal_nan=True), name
        assert array.dtype == others[name].dtype, name


@pytest.mark.parametrize("change", EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_seventeen_steps_a_checkpoint_and_thirteen_more_are_thirty_steps(change) -> None:
    experiment = SMALL.with_values(change)
    straight = run(experiment, 30)
    start = through_a_file(checkpoint_at(experiment, 17))
    forked = run(experiment, 30, start=start)
    assert forked.steps.tolist() == list(range(17, 31))
    assert np.array_equal(forked.scalar("loss"), straight.scalar("loss")[17:], equal_nan=True)
    assert_equal(forked.checkpoint(30), straight.checkpoint(30))


@pytest.mark.parametrize("step", [0, 1, 13, 14, 15])
def test_a_fork_at_the_edge_of_an_epoch_is_no_different(step) -> None:
    experiment = SMALL.with_value("training.momentum", 0.9)
    forked = run(experiment, 30, start=checkpoint_at(experiment, step))
    assert_equal(forked.checkpoint(30), run(experiment, 30).checkpoint(30))


def test_taking_checkpoints_changes_no_bit_of_training() -> None:
    experiment = SMALL.with_values({"network.dropout": 0.3, "training.optimiser": "adam"})
    taken = run(experiment, 40, wanted=lambda _: STATE)
    without = run(experiment, 40, schedule=AtStep(-1))
    assert_equal(taken.checkpoint(40), without.checkpoint(40))
    assert len(taken.checkpoint_steps) == 41
    assert without.checkpoint_steps.tolist() == [0, 40]


def test_a_state_that_is_wanted_alone_measures_nothing_else() -> None:
    recording = run(SMALL, 120, schedule=AtStep(110))
    assert recording.checkpoint_steps.tolist() == [0, 110, 120]
    assert not recording.measured("weight_norm")[110]


def test_a_run_keeps_its_first_and_last_state_and_those_of_the_schedule() -> None:
    kept = run(SMALL, 30).checkpoint_steps.tolist()
    assert kept == [0, 1, 2, 5, 10, 20, 30]


def test_a_checkpoint_does_not_change_when_training_goes_on() -> None:
    recording = run(SMALL.with_value("training.momentum", 0.9), 30)
    for step in recording.checkpoint_steps.tolist():
        alone = run(SMALL.with_value("training.momentum", 0.9), step)
        assert_equal(recording.checkpoint(step), alone.checkpoint(step))


def test_early_stopping_goes_on_where_it_was() -> None:
    starved = SMALL.with_values(
        {
            "network.hidden_layers": 5,
            "initialiser.scheme": "zeros",
            "training.early_stopping": True,
            "training.patience": 40,
        }
    )
    straight = run(starved, 200)
    assert (straight.stopped, straight.last_step) == ("early", 56)
    forked = run(starved, 200, start=through_a_file(checkpoint_at(starved, 17)))
    assert (forked.stopped, forked.last_step) == ("early", 56)
    (only,) = train(starved, start=straight.checkpoint(56))
    assert (only.step, only.is_last, only.stopped) == (56, True, "early")
    slower = starved.with_value("training.learning_rate", 0.01)
    assert run(slower, 200, start=checkpoint_at(starved, 17)).last_step > 56


def test_a_run_that_starts_at_or_behind_its_end_measures_that_step_and_ends() -> None:
    start = checkpoint_at(SMALL, 17)
    for length in (5, 17):
        (only,) = train(SMALL.with_value("training.length", length), start=start)
        assert (only.step, only.is_last) == (17, True)


# -- forks with a change --------------------------------------------------------------------------


def test_a_fork_with_another_learning_rate_starts_from_the_same_weights() -> None:
    start = checkpoint_at(SMALL, 17)
    slow = SMALL.with_value("training.learning_rate", 0.0)
    forked = run(slow, 20, start=start)
    for name, array in start.parameters.items():
        assert np.array_equal(forked.checkpoint(20).parameters[name], array)


def test_another_optimiser_starts_with_an_empty_memory() -> None:
    start = checkpoint_at(SMALL.with_value("training.momentum", 0.9), 17)
    adam = SMALL.with_value("training.optimiser", "adam")
    forked = run(adam, 18, start=start)
    assert not any(moment.any() for moment in forked.checkpoint(17).optimiser.values())
    assert forked.checkpoint(18).updates == 1


def test_momentum_that_is_switched_off_and_on_is_forgotten() -> None:
    heavy = SMALL.with_value("training.momentum", 0.9)
    start = checkpoint_at(heavy, 17)
    plain = run(SMALL, 20, start=start).checkpoint(20)
    assert plain.optimiser == {}
    again = run(heavy, 20, start=plain).checkpoint(20)
    assert again.optimiser == {}  # there is no velocity before the first update


def test_another_seed_brings_another_order_and_the_same_seed_the_same() -> None:
    start = checkpoint_at(SMALL, 17)
    again = run(SMALL, 19, start=start).scalar("loss")
    same = run(SMALL.with_value("training.momentum", 0.5), 17, start=start).scalar("loss")
    other = run(SMALL.with_value("run.seed", 1), 17, start=start).scalar("loss")
    assert same[0] == again[0]
    assert other[0] != again[0]


def test_a_fork_may_be_computed_in_another_precision() -> None:
    forked = run(SMALL.with_value("run.precision", "float64"), 19, start=checkpoint_at(SMALL, 17))
    straight = run(SMALL, 19)
    assert forked.weights("output", 19).dtype == np.float64
    np.testing.assert_allclose(
        forked.weights("output", 19), straight.weights("output", 19), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"network.width": 13}, "network.width"),
        ({"network.hidden_layers": 3}, "network.hidden_layers"),
        ({"network.activation": "relu"}, "network.activation"),
        ({"initialiser.scheme": "zeros"}, "initialiser.scheme"),
    ],
)
def test_a_fork_with_another_network_is_refused_in_a_sentence(change, key) -> None:
    start = checkpoint_at(SMALL, 2)
    with pytest.raises(ValueError, match=f"^A fork keeps the network: {key} differs$"):
        next(train(SMALL.with_values(change), start=start))


def test_a_fork_may_change_dropout() -> None:
    start = checkpoint_at(SMALL, 2)
    assert next(train(SMALL.with_value("network.dropout", 0.5), start=start)).step == 2


def test_a_fork_onto_data_of_another_shape_says_what_does_not_fit() -> None:
    moons = SMALL.with_value("training.data", "moons")
    with pytest.raises(ValueError, match=r"'moons' its hidden\.0\.linear\.weight is 12 × 2 and"):
        next(train(moons, start=checkpoint_at(SMALL, 2)))


def test_weights_alone_can_be_looked_at_and_are_no_start() -> None:
    whole = checkpoint_at(SMALL, 2)
    weights = {name: whole.weights(name) for name in ("hidden 1", "hidden 2", "output")}
    bare = Checkpoint.of_weights(SMALL, 2, weights)
    assert np.array_equal(bare.weights("hidden 2"), whole.weights("hidden 2"))
    with pytest.raises(ValueError, match="Of step 2 only the weights were kept"):
        next(train(SMALL, start=bare))


# -- in a file ------------------------------------------------------------------------------------


def test_a_whole_checkpoint_comes_back_bit_for_bit() -> None:
    experiment = SMALL.with_values(
        {"training.optimiser": "adam", "training.early_stopping": True, "network.dropout": 0.1}
    )
    checkpoint = checkpoint_at(experiment, 5)
    assert set(checkpoint.optimiser) == {"means", "squares"}
    assert len(checkpoint.stopping) == 2 + 5
    assert_equal(through_a_file(checkpoint), checkpoint)
    assert {n: a.shape for n, a in through_a_file(checkpoint).parameters.items()} == {
        n: a.shape for n, a in checkpoint.parameters.items()
    }


def test_its_bytes_are_those_of_its_arrays() -> None:
    checkpoint = checkpoint_at(SMALL, 1)
    arrays, _ = checkpoint.to_arrays()
    assert checkpoint.bytes == sum(array.nbytes for array in arrays.values())


KNOWN = ["step", "updates", "position", "device", "shapes"]
NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(max_value=-1),
    st.floats(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.lists(st.integers(), max_size=3), max_size=3),
)


@pytest.fixture(scope="module")
def parts():
    return checkpoint_at(SMALL.with_value("training.optimiser", "adam"), 1).to_arrays()


@settings(derandomize=True)
@given(name=st.sampled_from(KNOWN), value=NONSENSE)
def test_nonsense_among_the_facts_is_a_sentence(parts, name, value) -> None:
    arrays, facts = parts
    with pytest.raises(ValueError, match="a checkpoint is damaged"):
        Checkpoint.from_arrays(SMALL, arrays, {**facts, name: value})


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": np.zeros(3, dtype=np.float32)},
        {"parameters": np.zeros((3, 3), dtype=np.float32)},
        {"optimiser.means": np.zeros(3, dtype=np.float32)},
        {"optimiser.a": np.zeros(0), "optimiser.b": np.zeros(0)},
        {"order": np.zeros(3)},
        {"dropout": np.zeros((2, 2), dtype=np.uint8)},
        {"stopping": np.zeros(3, dtype=np.float32)},
        {"stopping": np.array([1.0, np.nan])},
        {"anything": np.zeros(3)},
    ],
)
def test_arrays_that_do_not_fit_are_a_sentence(parts, change) -> None:
    arrays, facts = parts
    with pytest.raises(ValueError, match="a checkpoint is damaged"):
        Checkpoint.from_arrays(SMALL, {**arrays, **change}, facts)


def test_a_checkpoint_of_another_network_than_the_experiments_is_a_sentence(parts) -> None:
    arrays, facts = parts
    for change in ({"network.width": 13}, {"network.hidden_layers": 3}):
        with pytest.raises(ValueError, match=r"damaged \(its hidden \d does not fit\)"):
            Checkpoint.from_arrays(SMALL.with_values(change), arrays, facts)
    renamed = {name.replace("output", "outputs"): s for name, s in facts["shapes"].items()}
    with pytest.raises(ValueError, match="its output does not fit"):
        Checkpoint.from_arrays(SMALL, arrays, {**facts, "shapes": renamed})


def test_a_damaged_generator_is_a_sentence() -> None:
    checkpoint = checkpoint_at(SMALL, 1)
    for order in (checkpoint.order[:100], np.full_like(checkpoint.order, 255)):
        with pytest.raises(ValueError, match="a generator's state is none"):
            next(train(SMALL, start=replace(checkpoint, order=order)))


def test_a_state_taken_on_another_kind_of_device_starts_the_masks_anew() -> None:
    experiment = SMALL.with_value("network.dropout", 0.3)
    checkpoint = checkpoint_at(experiment, 17)
    elsewhere = replace(checkpoint, device="cuda", dropout=checkpoint.dropout[:16])
    first = next(train(experiment, start=elsewhere)).scalars["loss"]
    assert first != next(train(experiment, start=checkpoint)).scalars["loss"]
    assert np.isfinite(first)
