"""The proof of a remedy: both runs, the change in numbers, and the verdict."""

from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from initviz.lab import trial
from initviz.lab.experiment import Experiment
from initviz.lab.experiment_files import read_experiment
from initviz.lab.remedies import Advice
from initviz.lab.rules import RULES
from initviz.lab.thresholds import DEFAULTS
from initviz.lab.training import run
from initviz.lab.trial import Cancelled, try_remedy

SMALL = Experiment().with_values(
    {"network.hidden_layers": 5, "network.width": 16, "training.data": "blobs"}
)
GLOROT = Advice("Glorot normal", {"initialiser.scheme": "glorot_normal"})


def first(experiment, step=0):
    return run(experiment, step).findings(step)[0]


def test_the_first_preset_is_cured_with_numbers():
    from initviz import resources

    preset = read_experiment(resources.path("presets", "small-weights.toml"))
    proof = try_remedy(preset, first(preset))
    assert proof.cured
    assert proof.verdict == "cured"
    before, after = (
        float(np.divide(*r.series("signal_gradient_norm")[0][[0, -2]]))
        for r in (proof.before, proof.after)
    )
    assert 1e-10 < before < 1e-8
    assert 0.3 < after < 0.5
    losses = [r.latest_scalar("loss", 100) for r in (proof.after, proof.before)]
    assert losses[0] < 1.0 < 2.29 < losses[1]
    assert proof.sentence == (
        "With Glorot normal the signal gradient of layer 1 rises from 1.1 × 10⁻⁹ to 0.40 of layer "
        f"10's; after 100 steps the loss is {losses[0]:.3g} instead of 2.30. One run each, seed 0."
    )


def test_both_runs_are_the_runs_that_they_claim_to_be():
    proof = try_remedy(SMALL, first(SMALL), steps=5)
    assert proof.before.experiment == SMALL
    assert proof.after.experiment == GLOROT.apply(SMALL)
    for recording in (proof.before, proof.after):
        again = run(recording.experiment, 5)
        assert np.array_equal(again.scalar("loss"), recording.scalar("loss"))


def test_neither_run_ends_sooner_by_itself():
    short = SMALL.with_values(
        {"training.length": 3, "training.early_stopping": True, "training.patience": 10}
    )
    proof = try_remedy(short, first(short), steps=40)
    assert (proof.before.last_step, proof.after.last_step) == (40, 40)


def test_an_advice_is_held_against_what_is_found_first():
    assert try_remedy(SMALL, GLOROT, steps=3).cured


def test_what_does_not_help_is_not_called_a_cure():
    finding = first(Experiment())
    clip = Advice("gradients clipped at 1", {"training.clip_norm": 1.0})
    proof = try_remedy(Experiment(), replace(finding, remedies=(clip,)), steps=3)
    assert proof.verdict == "not cured"
    assert "the signal gradient of layer 1 stays at 1.1 × 10⁻⁹ of layer 10's;" in proof.sentence
    assert "Still found: vanishing signal." in proof.sentence


def test_another_illness_is_no_cure():
    finding = first(SMALL)
    huge = Advice("a std of 3", {"initialiser.std": 3.0})
    proof = try_remedy(SMALL, replace(finding, remedies=(huge,)), steps=3)
    assert proof.verdict == "not cured"
    assert "Found instead: " in proof.sentence


def test_nothing_to_cure_is_not_called_a_cure():
    dead = replace(first(SMALL), kind="dead", label="Dead units")
    proof = try_remedy(SMALL, dead, steps=3)
    assert proof.verdict == "nothing to cure"
    assert "does not show “Dead units”" in proof.sentence


def test_a_divergence_is_judged_at_the_end():
    fast = SMALL.with_values(
        {"training.learning_rate": 1e30, "initialiser.scheme": "glorot_normal"}
    )
    proof = try_remedy(fast, first(fast, 5), steps=20)
    assert proof.cured
    assert proof.sentence.startswith("With a learning rate of 0.01, after 20 steps the loss is ")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"initialiser.scheme": "zeros"},
            "the smallest number of distinct units in a layer rises from 1 to 16;",
        ),
        (
            {"network.activation": "relu", "initialiser.std": 4.0},
            "the signal gradient of layer 1 falls from ",
        ),
        (
            {"network.activation": "relu", "initialiser.bias": -50.0},
            "the signal gradient of layer 1 rises from 0 to ",
        ),
        (
            {"network.hidden_layers": 1, "initialiser.std": 5.0, "network.activation": "tanh"},
            "the largest saturated share of a layer falls from ",
        ),
    ],
)
def test_the_change_is_told_in_the_number_that_the_finding_is_about(settings, said):
    sick = SMALL.with_values(settings)
    proof = try_remedy(sick, first(sick), steps=2)
    assert said in proof.sentence
    assert proof.cured


def test_every_rule_has_its_number():
    assert set(trial._MEASURES) == {rule.label for rule in RULES} - {"Diverged"}


def test_the_persons_thresholds_decide_what_is_cured():
    rules = DEFAULTS.with_threshold("vanishing", 0.9)
    finding = first(SMALL)
    assert try_remedy(SMALL, finding, steps=2).cured
    assert not try_remedy(SMALL, finding, steps=2, rules=rules).cured


def test_progress_is_told_step_by_step():
    told = []
    try_remedy(SMALL, GLOROT, steps=4, progress=lambda *share: told.append(share))
    assert told == [(done, 10) for done in range(1, 11)]


@pytest.mark.parametrize("at", [0, 3, 8])
def test_a_trial_can_be_cancelled(at):
    cancel, told = Event(), []

    def tell(done, _total):
        told.append(done)
        if done == at:
            cancel.set()

    if at == 0:
        cancel.set()
    with pytest.raises(Cancelled):
        try_remedy(SMALL, GLOROT, steps=4, cancel=cancel, progress=tell)
    assert len(told) == at


def test_an_empty_advice_is_refused():
    with pytest.raises(ValueError, match="nothing to try"):
        try_remedy(SMALL, Advice())


# -- through time --------------------------------------------------------------------------------

RECALL = {
    "training.data": "recall",
    "training.sequence_length": 100,
    "network.hidden_layers": 1,
    "network.width": 16,
    "training.batch_size": 16,
}


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
def test_what_forgets_is_cured_by_an_lstm_that_remembers(architecture):
    forgetful = Experiment().with_values({"network.architecture": architecture, **RECALL})
    finding = first(forgetful)
    assert finding.label == "Vanishing through time"
    assert finding.advice.name.endswith("forget-gate bias of 3")
    proof = try_remedy(forgetful, finding, steps=2)
    assert proof.cured, proof.sentence
    assert "the gradient of the state at time step 1 rises from " in proof.sentence
    assert "of time step 100's;" in proof.sentence


def test_fewer_time_steps_are_held_against_their_own_last_one():
    forgetful = Experiment().with_values({"network.architecture": "lstm", **RECALL})
    half = Advice("sequences of 50", {"training.sequence_length": 50})
    sentence = try_remedy(forgetful, half, steps=1).sentence
    assert "of time step 100's to " in sentence
    assert "of time step 50's;" in sentence
