"""The lines of an `expect` block: what they mean, and what they refuse."""

import math
import re

import numpy as np
import pytest

from initviz import run
from initviz.lab import theory
from initviz.lab.experiment import Experiment
from initviz.lab.lectures.expectations import parse
from initviz.lab.lectures.subjects import SUBJECTS, selector_names


def holds(line, reading):
    return parse(line, 1).holds(reading)


@pytest.mark.parametrize(
    ("line", "inside", "outside"),
    [
        ("loss < 2", [1.9, -math.inf], [2.0, 2.1, math.nan]),
        ("loss <= 2", [2.0], [2.1]),
        ("loss ≥ 2", [2.0, math.inf], [1.9, math.nan]),
        ("loss > −2", [-1.9], [-2.0]),
        ("loss = 2", [2.0], [2.001, math.nan]),
        ("loss != 2", [2.001], [2.0, math.nan]),
        ("loss in 0.4 to 1.3", [0.4, 1.3], [0.39, 1.31]),
        ("loss ~ 1.1e-9 within a factor 2", [0.56e-9, 2.1e-9], [0.5e-9, 2.3e-9]),
        ("loss ~ -4 within a factor of 2", [-2.0, -8.0], [-1.9, 4.0]),
        ("loss ~ 2.30 within 1 %", [2.28, 2.32], [2.27, 2.33]),
        ("saturated_fraction.first > 95 %", [0.951], [0.95, 0.94]),
        ("saturated_fraction.first in 20 to 30 %", [0.25], [0.31, 25.0]),
        ("test_accuracy ~ 97% within 1 %", [0.97, 0.961], [0.95]),
        ("test_accuracy = 97 %", [0.97], [0.971]),
        ("distinct_units.first = 1 unit", [1.0], [2.0]),
        ("finding.diverged.step < 20 steps", [12.0], [20.0, math.nan]),
    ],
)
def test_a_number_is_held_against_its_bounds(line, inside, outside):
    assert all(holds(line, reading) for reading in inside)
    assert not any(holds(line, reading) for reading in outside)


def test_a_word_holds_if_any_finding_has_it():
    found = ("saturated", "vanishing")
    assert holds('finding = "vanishing"', found)
    assert holds("finding = saturated", found)
    assert not holds("finding = healthy", found)
    assert holds("finding != healthy", found)
    assert not holds("finding != vanishing", found)
    assert holds('finding.vanishing.layer = "hidden 3"', ("hidden 3",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "is no expectation"),
        ("loss", "is no expectation"),
        ("E: loss < 1", "'E' is no lane: one of A, B, C, D"),
        ("los < 1", "did you mean 'loss'?"),
        ("signal_gradient_nrom.first < 1", "did you mean 'signal_gradient_norm'?"),
        ("signal_gradient_norm < 1", "is a row: signal_gradient_norm.SELECTOR"),
        ("signal_gradient_norm.frist < 1", "unknown selector (did you mean 'first'?)"),
        ("state_gradient_norm.output < 1", "unknown selector"),
        ("loss.first < 1", "loss has no .first"),
        ("loss < one", "'one' is no value"),
        ("loss < 1 and more", "not measured in and more"),
        ("loss < 1 %", "loss is not measured in %: it has no unit"),
        ("saturated_fraction.first > 95 steps", "its unit is %"),
        ("loss in 2 to 1", "the first number is the smaller one"),
        ("loss in 2", "in A to B"),
        ("loss ~ 2", "within a factor F"),
        ("loss ~ 2 within a factor 0.5", "F is at least 1"),
        ("loss < 1e999", "too large a number"),
        ("loss at step x < 1", "a whole number of at least 0"),
        ("loss at step -1 < 1", "a whole number of at least 0"),
        ("finding < 1", "finding is a word: = or !="),
        ("finding = vanish", "did you mean 'vanishing'?"),
        ("finding.vanishing.layer = layer 1", "one of all, output"),
        ("B over A: finding = dead", "there is no ratio"),
        ("loss < __import__('os')", "is no value"),
    ],
)
def test_a_line_that_cannot_be_read_says_what_is_allowed(line, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(line, 1)


# -- what is measured -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recording():
    experiment = Experiment.from_dict(
        {
            "network": {"hidden_layers": 3, "width": 8, "activation": "tanh"},
            "initialiser": {"scheme": "glorot_normal"},
            "training": {"data": "blobs"},
        }
    )
    return run(experiment, 5)


def measured(line, recording, step=5):
    return parse(f"{line} = 0", 1).read(recording, step)


def test_a_layer_s_number_is_that_of_the_recording(recording):
    row = recording.series("signal_gradient_norm")[-1]
    hidden = row[:-1]
    for selector, value in {
        "first": row[0],
        "last": row[2],
        "output": row[3],
        "hidden_2": row[1],
        "first_over_last": row[0] / row[2],
        "last_over_first": row[2] / row[0],
        "min": hidden.min(),
        "mean": hidden.mean(),
        "median": np.median(hidden),
        "max_over_min": hidden.max() / hidden.min(),
        "all_max": row.max(),
    }.items():
        assert measured(f"signal_gradient_norm.{selector}", recording) == pytest.approx(value)
    assert math.isnan(measured("signal_gradient_norm.hidden_4", recording))


def test_a_scalar_is_measured_at_the_step_that_is_asked_for(recording):
    losses = recording.scalar("loss")
    assert measured("loss", recording) == losses[5]
    assert measured("loss at step 2", recording) == losses[2]


def test_weights_are_compared_with_those_of_step_0(recording):
    start, end = (recording.weights("hidden 1", step) for step in (0, 5))
    change = np.linalg.norm(end - start) / np.linalg.norm(start)
    assert measured("weight_change.first", recording) == pytest.approx(change)
    assert measured("weight_change.first", recording, step=0) == 0.0
    assert measured("weight_largest.first", recording) == pytest.approx(np.abs(end).max())


def test_theory_and_scheme_say_what_they_say_elsewhere(recording):
    sigma_w = math.sqrt(8) * math.sqrt(2 / (8 + 8))
    q = theory.fixed_point("tanh", sigma_w, 0.0)
    for line, value in {
        "activation.largest_slope": 1.0,
        "activation.slope_at_zero": 1.0,
        "theory.sigma_w": sigma_w,
        "theory.sigma_b": 0.0,
        "theory.chi": theory.chi("tanh", sigma_w, q),
        "theory.gain": theory.gain("tanh"),
        "theory.critical_sigma_w": theory.critical_sigma_w("tanh", 0.0),
        "initialiser.std.first": math.sqrt(2 / (2 + 8)),
        "initialiser.fan_in.first": 2,
        "initialiser.fan_out.output": 4,
        "classes": 4,
        "inputs": 2,
        "class_entropy": math.log(4),
    }.items():
        assert measured(line, recording) == pytest.approx(value, rel=1e-2)


def test_the_largest_slope_of_the_sigmoid_is_a_quarter(recording):
    sigmoid = recording.experiment.with_value("network.activation", "sigmoid")
    assert measured("activation.largest_slope", run(sigmoid, 0), 0) == pytest.approx(0.25)


def test_a_run_that_diverges_names_step_and_layer():
    experiment = Experiment.from_dict(
        {
            "network": {"hidden_layers": 2, "width": 8, "activation": "relu"},
            "training": {"data": "blobs", "learning_rate": 1e30},
        }
    )
    recording = run(experiment, 30)
    finding = next(f for f in recording.findings() if f.kind == "diverged")
    losses = recording.scalar("loss")
    step = measured("diverged.step", recording, 30)
    assert 0 < step <= int(np.flatnonzero(~np.isfinite(losses))[0])
    assert parse("diverged.layer = output", 1).read(recording, 30) == (finding.layer,)
    assert measured("finding.diverged.step", recording, 30) <= step
    assert math.isnan(measured("diverged.step", recording, 0))
    assert math.isnan(measured("stopped.step", recording, 30))


#: Networks of every kind, some of which theory says nothing about.
KINDS = [
    {
        "network": {"architecture": "lstm", "hidden_layers": 1, "width": 6},
        "training": {"data": "recall", "sequence_length": 5},
    },
    {"network": {"architecture": "cnn", "hidden_layers": 2, "width": 4}},
    {
        "network": {"hidden_layers": 1, "width": 1, "activation": "sine"},
        "initialiser": {"scheme": "lsuv"},
        "training": {"data": "moons"},
    },
    {
        "network": {"hidden_layers": 2, "width": 5, "activation": "identity"},
        "initialiser": {"scheme": "zeros"},
    },
    {
        "network": {"hidden_layers": 3, "width": 5, "activation": "relu", "residual": True},
        "training": {"data": "blobs", "learning_rate": 1e30},
    },
]


@pytest.mark.parametrize("kind", KINDS, ids=["lstm", "cnn", "lsuv", "zeros", "diverging"])
def test_every_subject_with_every_selector_can_be_read_of_any_network(kind):
    recording = run(Experiment.from_dict(kind), 3)
    for name, subject in SUBJECTS.items():
        names = [f".{s}" for s in selector_names(subject.row) if s != "…"] if subject.row else [""]
        for selector in names:
            line = f"{name}{selector} = {subject.words[0] if subject.words else 0}"
            expectation = parse(line, 1)
            reading = expectation.read(recording, 3)
            assert isinstance(reading, tuple if subject.words else float), line
            assert expectation.shown(reading)
            assert expectation.holds(reading) in (True, False)
