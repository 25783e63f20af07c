"""The rules, each on a made-up recording; test_diagnosis_runs.py has them on real runs."""

import math

import numpy as np
import pytest

from initviz.lab import diagnosis
from initviz.lab.diagnosis import RULES, diagnose
from initviz.lab.snapshot import Snapshot
from initviz.lab.thresholds import DEFAULTS, Thresholds
from tests.lab.made_recordings import (
    DEPTH,
    FALLING,
    LOST,
    experiment_with,
    healthy_numbers,
    kinds_found,
    one_layer,
    recording_of,
    the_only,
)

# -- healthy --------------------------------------------------------------------------------------


def test_nothing_measured_is_nothing_found():
    assert diagnose(recording_of(), 0) == []
    only_loss = recording_of()
    only_loss.append(Snapshot(0, {"loss": 2.3}))
    assert diagnose(only_loss, 0) == []


def test_health_is_told_in_the_numbers_that_the_rules_look_at():
    finding = the_only(recording_of({}), "healthy")
    assert finding.message == (
        "Layer 1 gets 0.40 of layer 5's signal; at most 2 % saturated; 100 of 100 units distinct."
    )
    assert finding.value == pytest.approx(0.4)
    assert finding.layer is None
    assert finding.remedy == ""
    assert finding.remedy_settings == {}
    assert finding.numbers == ("0.40", "2 %", "100", "100")


def test_relu_is_healthy_with_half_of_its_units_inactive():
    relu = {
        "saturated_fraction": np.full(6, np.nan),
        "inactive_fraction": np.full(6, 0.5),
        "dead_fraction": np.array([0, 0, 0.002, 0, 0, np.nan]),
    }
    finding = the_only(recording_of(relu), "healthy")
    assert "under 1 % dead" in finding.message
    assert "saturated" not in finding.message


def test_an_activation_without_such_sides_has_no_shares_to_tell():
    finding = the_only(recording_of({"saturated_fraction": np.full(6, np.nan)}), "healthy")
    assert finding.message == "Layer 1 gets 0.40 of layer 5's signal; 100 of 100 units distinct."


def test_one_hidden_layer_is_compared_with_the_output():
    recording = recording_of({}, experiment=experiment_with(network__hidden_layers=1))
    assert (
        "The hidden layer gets 0.33 of the output layer's signal"
        in diagnose(recording, 0)[0].message
    )


def test_a_loss_of_next_to_nothing_is_told_as_such():
    finding = the_only(recording_of({"loss": 3e-8}), "healthy")
    assert finding.message.startswith(
        "The loss is 3.0 × 10⁻⁸: next to nothing is left to learn from this batch; "
    )


def test_a_batch_without_any_error_is_no_vanishing():
    fitted = {"signal_gradient_norm": np.zeros(6), "weight_gradient_norm": np.zeros(6)}
    finding = the_only(recording_of({**fitted, "loss": 0.0}), "healthy")
    assert "exactly 0 at the output" in finding.message


# -- vanishing ------------------------------------------------------------------------------------


def test_vanishing_names_the_ratio_and_the_rule():
    finding = the_only(recording_of({"signal_gradient_norm": FALLING}), "vanishing")
    assert finding.layer == "hidden 1"
    assert finding.value == pytest.approx(1.2e-9)
    assert finding.threshold == diagnosis.VANISHING
    assert finding.message.startswith(
        "The signal gradient of layer 1 is 1.2 × 10⁻⁹ of layer 5's. Rule: below 10⁻³. "
    )
    assert "Each layer passes back 5.9 × 10⁻³ of what it gets" in finding.message


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([0.5] * 6, "The weights of every layer still get a gradient."),
        ([1e-9, 1e-8, 1e-3, 0.1, 0.1, 0.5], "The weights of layers 1–2 cannot learn."),
        ([1e-9, 1, 1, 1e-9, 1, 1], "The weights of layers 1 and 4 cannot learn."),
        ([1e-9, 1, 1, 1, 1, 1], "The weights of layer 1 cannot learn."),
        ([1, 1, 1, 1, 1e-9, 1e-9], "The weights of layer 5 and the output layer cannot learn."),
        ([1e-9] * 5 + [0.5], "Only the output layer's weights can learn."),
        ([1e-9] * 6, "The activations shrink too, so no layer's weights can learn."),
        ([0.0] * 6, "Every weight gradient is exactly 0 too: only the output's biases can learn."),
    ],
)
def test_vanishing_says_whose_weights_cannot_learn(weights, sentence):
    recording = recording_of({"signal_gradient_norm": FALLING, "weight_gradient_norm": weights})
    assert sentence in the_only(recording, "vanishing").message


def test_an_exact_0_is_called_so():
    signal = np.array([0, 0, 1e-8, 1e-4, 0.1, 0.12])
    finding = the_only(recording_of({"signal_gradient_norm": signal}), "vanishing")
    assert "The signal gradient of layers 1–2 is exactly 0." in finding.message
    assert finding.value == 0.0


def test_no_gradient_at_all_is_told_without_dividing_by_0():
    signal = np.array([0, 0, 0, 0, 0, 0.12])
    finding = the_only(recording_of({"signal_gradient_norm": signal}), "vanishing")
    assert "∂L/∂z is exactly 0 in all 5." in finding.message
    assert (finding.value, finding.layer) == (0.0, "hidden 1")


def test_starved_weights_are_found_where_the_signal_is_even():
    recording = recording_of({"weight_gradient_norm": [3e-9] * 5 + [0.5]})
    finding = the_only(recording, "vanishing")
    assert finding.threshold == DEFAULTS.starved
    assert finding.value == pytest.approx(3e-9 / 0.12)
    assert "Only the output layer's weights can learn." in finding.message


def test_one_card_tells_of_vanishing_not_two():
    recording = recording_of({"signal_gradient_norm": FALLING, "weight_gradient_norm": [1e-9] * 6})
    assert kinds_found(recording) == ["vanishing"]


@pytest.mark.parametrize(("ratio", "kind"), [(1.01e-3, "healthy"), (0.99e-3, "vanishing")])
def test_vanishing_begins_at_its_threshold(ratio, kind):
    recording = recording_of(one_layer(0, 0.1 * ratio, "signal_gradient_norm"))
    assert kinds_found(recording) == [kind]


def test_a_tiny_z_is_told_apart_from_saturation():
    tiny = {"signal_gradient_norm": FALLING, "preactivation_std": [0.1, 1e-3, 1e-5, 1e-7, 1e-9, 1]}
    message = the_only(recording_of(tiny), "vanishing").message
    assert message.endswith(
        "z of layer 5 has std 10⁻⁹: φ is not saturated there, it sees next to nothing."
    )
    relu = experiment_with(network__hidden_layers=DEPTH, network__activation="relu")
    message = the_only(recording_of(tiny, experiment=relu), "vanishing").message
    assert message.endswith("z of layer 5 has std 10⁻⁹: φ sees next to nothing.")


def test_activations_that_do_not_depend_on_the_input_are_told():
    blind = {"signal_gradient_norm": FALLING, "sample_std": [0.1, 0.1, 1e-5, 2e-7, 1e-6, 1]}
    message = the_only(recording_of(blind), "vanishing").message
    assert "From sample to sample the activations of layer 4 differ by 4.0 × 10⁻⁷ of" in message
    blind["sample_std"][3] = 0
    message = the_only(recording_of(blind), "vanishing").message
    assert message.endswith("The activations of layer 4 are the same for every sample.")


# -- exploding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "kind"), [(9.9, "healthy"), (10.1, "exploding")])
def test_exploding_begins_at_its_threshold(ratio, kind):
    recording = recording_of(one_layer(0, 0.1 * ratio, "signal_gradient_norm"))
    assert kinds_found(recording) == [kind]


def test_exploding_names_the_ratio_and_the_rule():
    signal = np.array([3e6, 1e5, 1e3, 10, 0.1, 0.12])
    finding = the_only(recording_of({"signal_gradient_norm": signal}), "exploding")
    assert finding.message.startswith(
        "The signal gradient of layer 1 is 3.0 × 10⁷ times layer 5's. Rule: over 10."
    )
    assert "Each layer passes back 74 times what it gets" in finding.message
    assert finding.layer == "hidden 1"


def test_outputs_of_no_measure_are_exploding_too():
    finding = the_only(recording_of(one_layer(-1, 4e7, "preactivation_std")), "exploding")
    assert finding.layer == "output"
    assert "The outputs are of size 4.0 × 10⁷" in finding.message


# -- saturated, dead, identical -------------------------------------------------------------------


def test_saturated_names_the_worst_layer():
    recording = recording_of({"saturated_fraction": [0.1, 0.3, 0.47, 0.2, 0.1, np.nan]})
    finding = the_only(recording, "saturated")
    assert finding.message == (
        "47 % of layer 3 lies where φ′ is under 5 % of its maximum. Rule: over 20 %."
    )
    assert (finding.layer, finding.value, finding.threshold) == ("hidden 3", 0.47, 0.20)


def test_saturated_tells_of_a_gradient_that_grows_nevertheless():
    recording = recording_of(
        {
            "saturated_fraction": [0.47] * 5 + [np.nan],
            "signal_gradient_norm": [3.0, 2.0, 1.0, 0.5, 0.1, 0.12],
        }
    )
    exploding, saturated = diagnose(recording, 0)
    assert (exploding.kind, saturated.kind) == ("exploding", "saturated")
    assert "The rest carries a gradient that grows 30 ×." in saturated.message


def test_a_share_just_over_the_rule_does_not_read_like_the_rule():
    recording = recording_of({"saturated_fraction": [0.2003, 0, 0, 0, 0, np.nan]})
    assert the_only(recording, "saturated").message.startswith("20.03 % of layer 1")


def test_dead_is_not_inactive():
    relu = experiment_with(network__hidden_layers=DEPTH, network__activation="relu")
    dead = {
        "saturated_fraction": np.full(6, np.nan),
        "dead_fraction": [0.0, 0.1, 0.2, 0.4, 0.6, np.nan],
    }
    finding = the_only(recording_of(dead, experiment=relu), "dead")
    assert finding.layer == "hidden 5"
    assert finding.message == (
        "60 % of the units of layer 5 are inactive on every probe sample. Rule: over 50 %."
    )


def test_identical_units_in_all_layers():
    finding = the_only(recording_of({"distinct_units": np.ones(6)}), "identical")
    assert finding.message == (
        "Each of the 5 hidden layers has 1 distinct unit of 100, all the others are its copies. "
        "Rule: at most 50 %."
    )
    assert finding.value == 1.0


def test_identical_units_in_one_layer():
    finding = the_only(recording_of(one_layer(2, 12, "distinct_units")), "identical")
    assert finding.layer == "hidden 3"
    assert "Layer 3 has 12 distinct units of 100, the others are copies." in finding.message


@pytest.mark.parametrize(("count", "kind"), [(51, "healthy"), (50, "identical")])
def test_identical_begins_at_half_of_the_width(count, kind):
    assert kinds_found(recording_of(one_layer(1, count, "distinct_units"))) == [kind]


def test_each_layer_is_held_against_its_own_width():
    narrow = experiment_with(network__hidden_layers=DEPTH).with_layer("hidden 2")
    narrow = narrow.with_value("layers.0.width", 4)
    units = [100, 4, 100, 100, 100, 10]
    assert kinds_found(recording_of({"distinct_units": units}, experiment=narrow)) == ["healthy"]
    units[1] = 2
    finding = the_only(recording_of({"distinct_units": units}, experiment=narrow), "identical")
    assert "Layer 2 has 2 distinct units of 4, the others are copies." in finding.message


def test_a_convolution_has_channels_for_units():
    cnn = experiment_with(network__hidden_layers=DEPTH, network__architecture="cnn")
    finding = the_only(recording_of({"distinct_units": np.ones(6)}, experiment=cnn), "identical")
    assert "has 1 distinct channel of 100" in finding.message
    relu = cnn.with_value("network.activation", "relu")
    dead = {"dead_fraction": [0.9] * 5 + [np.nan]}
    finding = the_only(recording_of(dead, experiment=relu), "dead")
    assert "90 % of the channels" in finding.message
    assert "at every position" in finding.message


def test_a_layer_of_one_unit_is_no_copy():
    narrow = experiment_with(network__hidden_layers=DEPTH, network__width=1)
    assert kinds_found(recording_of({"distinct_units": np.ones(6)}, experiment=narrow)) == [
        "healthy"
    ]


# -- diverged -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "layer", "symbol"),
    [
        (one_layer(2, math.inf, "preactivation_std"), "hidden 3", "z in layer 3"),
        (one_layer(-1, math.nan, "preactivation_mean"), "output", "z in the output layer"),
        (one_layer(1, math.nan, "weight_norm"), "hidden 2", "W in layer 2"),
        (one_layer(3, math.inf, "signal_gradient_norm"), "hidden 4", "∂L/∂z in layer 4"),
        (one_layer(0, math.inf, "weight_gradient_norm"), "hidden 1", "∂L/∂W in layer 1"),
        (
            {"signal_gradient_norm": [math.nan] * 4 + [0.1, 0.1]},
            "hidden 4",
            "∂L/∂z in layer 4",
        ),
        (
            {"weight_norm": [1, 1, math.inf, 1, 1, 1], "preactivation_std": [1] + [math.inf] * 5},
            "hidden 2",
            "z in layer 2",
        ),
    ],
)
def test_diverged_names_the_first_layer_and_the_step(broken, layer, symbol):
    recording = recording_of({}, {}, broken, LOST, LOST)
    for step in (2, 3, 4):
        finding = the_only(recording, "diverged", step)
        assert finding.layer == layer
        assert finding.message == (
            f"Since step 2 numbers are no longer finite; the first was {symbol}."
        )
        assert not math.isfinite(finding.value)
        assert finding.threshold == math.inf
    assert kinds_found(recording, 1) == ["healthy"]


def test_a_loss_that_alone_is_not_finite_is_told_without_a_layer():
    recording = recording_of({}, {"loss": math.inf})
    finding = the_only(recording, "diverged", 1)
    assert finding.layer is None
    assert finding.message == "Since step 1 the loss is infinite."


def test_a_loss_lost_between_two_measurements_is_told_without_a_layer():
    recording = recording_of({})
    for step in (1, 2, 3):
        recording.append(Snapshot(step, {"loss": math.nan}))
    recording.append(Snapshot(4, {"loss": math.nan}, {"weight_norm": np.full(6, math.nan)}))
    for step in (1, 3, 4):
        finding = the_only(recording, "diverged", step)
        assert finding.message == "Since step 1 the loss is not a number (NaN)."


def test_layers_that_were_never_measured_are_not_blamed():
    recording = recording_of()
    recording.append(Snapshot(0, {"loss": math.nan}))
    assert the_only(recording, "diverged").layer is None


def test_what_recovered_is_not_diverged():
    recording = recording_of({}, one_layer(0, math.inf, "weight_gradient_norm"), {})
    assert kinds_found(recording, 1) == ["diverged"]
    assert kinds_found(recording, 2) == ["healthy"]


def test_a_finite_loss_can_have_diverged():
    grown = {"loss": 4e4, "preactivation_std": [1.0, 1.0, 900.0, 5e3, 5e3, 5e5]}
    recording = recording_of({}, grown)
    finding = the_only(recording, "diverged", 1)
    assert finding.layer == "hidden 3"
    assert finding.message == (
        "The loss is 4.0 × 10⁴; at step 0 it was 2.3. Rule: over 1000 times as much. "
        "Layer 3 is the first whose z has grown as much."
    )


def test_a_large_loss_from_the_start_is_no_divergence():
    recording = recording_of({"loss": 1e9}, {"loss": 1e9})
    assert kinds_found(recording, 1) == ["healthy"]


# -- the table ------------------------------------------------------------------------------------


def test_every_threshold_belongs_to_a_rule_and_every_rule_to_a_quantity():
    from initviz.lab.quantities import QUANTITIES, SCALARS, TIME_QUANTITIES

    assert {rule.threshold for rule in RULES} == {"", *Thresholds.model_fields}
    assert {rule.quantity for rule in RULES} <= {*QUANTITIES, *SCALARS, *TIME_QUANTITIES}


def test_the_most_severe_comes_first():
    everything = {
        "distinct_units": np.ones(6),
        "signal_gradient_norm": FALLING,
        "preactivation_std": [1.0] * 5 + [1e9],
        "saturated_fraction": np.full(6, 0.9),
        "dead_fraction": np.full(6, 0.9),
    }
    expected = ["identical", "vanishing", "exploding", "saturated", "dead"]
    assert kinds_found(recording_of(everything)) == expected
    assert kinds_found(recording_of(everything, {**everything, **LOST}), 1) == ["diverged"]


def test_a_finding_is_about_its_step_and_not_about_later_ones():
    recording = recording_of({}, {"signal_gradient_norm": FALLING})
    assert kinds_found(recording, 0) == ["healthy"]
    assert kinds_found(recording, 1) == ["vanishing"]
    assert kinds_found(recording, 99) == ["vanishing"]


def test_what_was_not_measured_trips_nothing():
    recording = recording_of({"distinct_units": np.full(6, np.nan)})
    assert kinds_found(recording) == ["healthy"]


@pytest.mark.parametrize("rule", [*RULES, diagnosis.HEALTHY], ids=lambda rule: rule.label)
def test_every_rule_says_why_and_from_where(rule):
    assert rule.label
    assert rule.why.endswith((".", ")"))
    assert any(character.isdigit() for character in rule.source)


# -- a person's thresholds ------------------------------------------------------------------------

#: For each threshold, what is measured just short of it, and a limit that it trips.
STRICTER = {
    "diverged": ({"loss": 23.0}, 5.0, "5.0"),
    "identical": ({"distinct_units": [60.0] * 6}, 0.75, "75 %"),
    "vanishing": ({}, 0.45, "0.45"),
    "starved": ({"weight_gradient_norm": [0.05] * 6}, 0.5, "0.50"),
    "exploding": ({"signal_gradient_norm": [0.9, 0.5, 0.3, 0.2, 0.1, 0.1]}, 8.5, "8.5"),
    "exploding_output": ({"preactivation_std": [1.0] * 5 + [150.0]}, 123.0, "123"),
    "saturated": ({"saturated_fraction": [0.15] * 5 + [np.nan]}, 0.125, "12.5 %"),
    "dead": ({"dead_fraction": [0.2] * 5 + [np.nan]}, 0.1, "10 %"),
}


@pytest.mark.parametrize("name", STRICTER)
def test_a_changed_threshold_changes_the_finding_and_is_printed(name):
    different, limit, printed = STRICTER[name]
    recording = recording_of({}, different)
    assert [f.kind for f in diagnose(recording, 1)] == ["healthy"]
    rules = DEFAULTS.with_threshold(name, limit)
    (finding,) = diagnose(recording, 1, rules=rules)
    (rule,) = (rule for rule in RULES if rule.threshold == name)
    assert (finding.kind, finding.label) == (rule.kind, rule.label)
    assert printed in finding.numbers
    assert f"{printed}" in finding.message.partition("Rule: ")[2]


def test_whose_weights_starve_is_said_under_the_persons_threshold():
    different = {"signal_gradient_norm": FALLING, "weight_gradient_norm": [0.01] * 5 + [0.5]}
    recording = recording_of(different)
    usual, strict = DEFAULTS, DEFAULTS.with_threshold("starved", 0.5)
    assert "every layer still get" in diagnose(recording, 0, usual)[0].message
    assert "Only the output layer's weights" in diagnose(recording, 0, strict)[0].message


def test_a_rule_can_be_silenced():
    recording = recording_of({"signal_gradient_norm": FALLING})
    assert kinds_found(recording) == ["vanishing"]
    silent = DEFAULTS.with_threshold("vanishing", 0.0)
    assert [f.kind for f in diagnose(recording, 0, silent)] == ["healthy"]


# -- early stopping ------------------------------------------------------------------------------


def _stopped_early(losses, **last):
    recording = recording_of({"loss": losses[0]})
    for step, loss in enumerate(losses[1:-1], 1):
        recording.append(Snapshot(step, {"loss": loss}))
    layers = {k: np.asarray(v, dtype=float) for k, v in (healthy_numbers() | last).items()}
    end = len(losses) - 1
    recording.append(Snapshot(end, {"loss": losses[-1]}, layers, stopped="early"))
    return recording


def test_whether_a_run_that_learnt_and_then_starved_has_converged_is_left_open():
    recording = _stopped_early([2.3] * 30 + [0.2] * 30, signal_gradient_norm=FALLING)
    sentence = diagnosis.on_early_stop(recording)
    assert sentence == (
        "Stopped early: the loss has not fallen for 200 steps. It fell from 2.30 to 0.200 before, "
        "but whether the network has converged or starves now is open. The signal gradient of "
        "layer 1 is 1.2 × 10⁻⁹ of layer 5's."
    )
    starves = _stopped_early([2.3] * 30 + [2.2] * 30, signal_gradient_norm=FALLING)
    assert "has not converged, it starves." in diagnosis.on_early_stop(starves)


def test_the_persons_thresholds_decide_what_starves():
    recording = _stopped_early([2.3] * 60, signal_gradient_norm=FALLING)
    rules = DEFAULTS.with_threshold("vanishing", 0.0)
    assert "starves." not in diagnosis.on_early_stop(recording, rules)
