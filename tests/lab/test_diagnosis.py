"""The rules, each on a made-up recording; test_diagnosis_runs.py has them on real runs."""

import itertools
import math

import numpy as np
import pytest

from initviz.lab import diagnosis
from initviz.lab.diagnosis import RULES, diagnose
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Environment, Recording
from initviz.lab.snapshot import Snapshot
from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.lab.training import run

DEPTH = 5
NAMES = (*(f"hidden {i}" for i in range(1, DEPTH + 1)), "output")


def _experiment(**settings):
    experiment = Experiment()
    for key, value in settings.items():
        experiment = experiment.with_value(key.replace("__", "."), value)
    return experiment


def _healthy():
    """What a healthy tanh network of five layers of 100 measures (L,)."""
    return {
        "weight_gradient_norm": np.full(6, 0.5),
        "signal_gradient_norm": np.array([0.04, 0.05, 0.07, 0.08, 0.1, 0.12]),
        "preactivation_mean": np.zeros(6),
        "preactivation_std": np.full(6, 0.7),
        "activation_mean": np.zeros(6),
        "activation_std": np.full(6, 0.5),
        "weight_norm": np.full(6, 10.0),
        "saturated_fraction": np.array([0.02, 0, 0, 0, 0, np.nan]),
        "inactive_fraction": np.full(6, np.nan),
        "dead_fraction": np.full(6, np.nan),
        "distinct_units": np.array([100.0, 100, 100, 100, 100, 10]),
    }


def _recording(*steps, experiment=None):
    """A recording of these steps, each given as what differs from a healthy one (loss 2.3)."""
    experiment = experiment or _experiment(network__hidden_layers=DEPTH)
    depth = experiment.network.hidden_layers
    names = NAMES if depth == DEPTH else (*NAMES[:depth], "output")
    recording = Recording(experiment, names, Environment("CPU", 1))
    for step, different in enumerate(steps):
        different = dict(different)
        scalars = {"loss": different.pop("loss", 2.3)}
        layers = {k: np.asarray(v, dtype=float) for k, v in (_healthy() | different).items()}
        layers = {
            k: v if len(v) == depth + 1 else v[[*range(depth), -1]] for k, v in layers.items()
        }
        recording.append(Snapshot(step, scalars, layers))
    return recording


def _one(recording, kind, step=0):
    """The only finding, which must be of this kind."""
    (finding,) = diagnose(recording, step)
    assert finding.kind == kind
    return finding


def _kinds(recording, step=0):
    return [finding.kind for finding in diagnose(recording, step)]


def _layer(index, value, quantity):
    """The healthy values of a quantity with one changed."""
    row = _healthy()[quantity]
    row[index] = value
    return {quantity: row}


# -- healthy --------------------------------------------------------------------------------------


def test_nothing_measured_is_nothing_found():
    assert diagnose(_recording(), 0) == []
    only_loss = _recording()
    only_loss.append(Snapshot(0, {"loss": 2.3}))
    assert diagnose(only_loss, 0) == []


def test_health_is_told_in_the_numbers_that_the_rules_look_at():
    finding = _one(_recording({}), "healthy")
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
    finding = _one(_recording(relu), "healthy")
    assert "under 1 % dead" in finding.message
    assert "saturated" not in finding.message


def test_an_activation_without_such_sides_has_no_shares_to_tell():
    finding = _one(_recording({"saturated_fraction": np.full(6, np.nan)}), "healthy")
    assert finding.message == "Layer 1 gets 0.40 of layer 5's signal; 100 of 100 units distinct."


def test_one_hidden_layer_is_compared_with_the_output():
    recording = _recording({}, experiment=_experiment(network__hidden_layers=1))
    assert (
        "The hidden layer gets 0.33 of the output layer's signal"
        in diagnose(recording, 0)[0].message
    )


def test_a_loss_of_next_to_nothing_is_told_as_such():
    finding = _one(_recording({"loss": 3e-8}), "healthy")
    assert finding.message.startswith(
        "The loss is 3.0 × 10⁻⁸: next to nothing is left to learn from this batch; "
    )


def test_a_batch_without_any_error_is_no_vanishing():
    fitted = {"signal_gradient_norm": np.zeros(6), "weight_gradient_norm": np.zeros(6)}
    finding = _one(_recording({**fitted, "loss": 0.0}), "healthy")
    assert "exactly 0 at the output" in finding.message


# -- vanishing ------------------------------------------------------------------------------------

FALLING = np.array([1.2e-10, 1e-8, 1e-6, 1e-4, 0.1, 0.12])


def test_vanishing_names_the_ratio_and_the_rule():
    finding = _one(_recording({"signal_gradient_norm": FALLING}), "vanishing")
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
    recording = _recording({"signal_gradient_norm": FALLING, "weight_gradient_norm": weights})
    assert sentence in _one(recording, "vanishing").message


def test_an_exact_0_is_called_so():
    signal = np.array([0, 0, 1e-8, 1e-4, 0.1, 0.12])
    finding = _one(_recording({"signal_gradient_norm": signal}), "vanishing")
    assert "The signal gradient of layers 1–2 is exactly 0." in finding.message
    assert finding.value == 0.0


def test_no_gradient_at_all_is_told_without_dividing_by_0():
    signal = np.array([0, 0, 0, 0, 0, 0.12])
    finding = _one(_recording({"signal_gradient_norm": signal}), "vanishing")
    assert "∂L/∂z is exactly 0 in all 5." in finding.message
    assert (finding.value, finding.layer) == (0.0, "hidden 1")


def test_starved_weights_are_found_where_the_signal_is_even():
    recording = _recording({"weight_gradient_norm": [3e-9] * 5 + [0.5]})
    finding = _one(recording, "vanishing")
    assert finding.threshold == DEFAULTS.starved
    assert finding.value == pytest.approx(3e-9 / 0.12)
    assert "Only the output layer's weights can learn." in finding.message


def test_one_card_tells_of_vanishing_not_two():
    recording = _recording({"signal_gradient_norm": FALLING, "weight_gradient_norm": [1e-9] * 6})
    assert _kinds(recording) == ["vanishing"]


@pytest.mark.parametrize(("ratio", "kind"), [(1.01e-3, "healthy"), (0.99e-3, "vanishing")])
def test_vanishing_begins_at_its_threshold(ratio, kind):
    recording = _recording(_layer(0, 0.1 * ratio, "signal_gradient_norm"))
    assert _kinds(recording) == [kind]


def test_a_tiny_z_is_told_apart_from_saturation():
    tiny = {"signal_gradient_norm": FALLING, "preactivation_std": [0.1, 1e-3, 1e-5, 1e-7, 1e-9, 1]}
    message = _one(_recording(tiny), "vanishing").message
    assert message.endswith(
        "z of layer 5 has std 10⁻⁹: φ is not saturated there, it sees next to nothing."
    )
    relu = _experiment(network__hidden_layers=DEPTH, network__activation="relu")
    message = _one(_recording(tiny, experiment=relu), "vanishing").message
    assert message.endswith("z of layer 5 has std 10⁻⁹: φ sees next to nothing.")


def test_activations_that_do_not_depend_on_the_input_are_told():
    blind = {"signal_gradient_norm": FALLING, "sample_std": [0.1, 0.1, 1e-5, 2e-7, 1e-6, 1]}
    message = _one(_recording(blind), "vanishing").message
    assert "From sample to sample the activations of layer 4 differ by 4.0 × 10⁻⁷ of" in message
    blind["sample_std"][3] = 0
    message = _one(_recording(blind), "vanishing").message
    assert message.endswith("The activations of layer 4 are the same for every sample.")


# -- exploding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "kind"), [(9.9, "healthy"), (10.1, "exploding")])
def test_exploding_begins_at_its_threshold(ratio, kind):
    recording = _recording(_layer(0, 0.1 * ratio, "signal_gradient_norm"))
    assert _kinds(recording) == [kind]


def test_exploding_names_the_ratio_and_the_rule():
    signal = np.array([3e6, 1e5, 1e3, 10, 0.1, 0.12])
    finding = _one(_recording({"signal_gradient_norm": signal}), "exploding")
    assert finding.message.startswith(
        "The signal gradient of layer 1 is 3.0 × 10⁷ times layer 5's. Rule: over 10."
    )
    assert "Each layer passes back 74 times what it gets" in finding.message
    assert finding.layer == "hidden 1"


def test_outputs_of_no_measure_are_exploding_too():
    finding = _one(_recording(_layer(-1, 4e7, "preactivation_std")), "exploding")
    assert finding.layer == "output"
    assert "The outputs are of size 4.0 × 10⁷" in finding.message


# -- saturated, dead, identical -------------------------------------------------------------------


def test_saturated_names_the_worst_layer():
    recording = _recording({"saturated_fraction": [0.1, 0.3, 0.47, 0.2, 0.1, np.nan]})
    finding = _one(recording, "saturated")
    assert finding.message == (
        "47 % of layer 3 lies where φ′ is under 5 % of its maximum. Rule: over 20 %."
    )
    assert (finding.layer, finding.value, finding.threshold) == ("hidden 3", 0.47, 0.20)


def test_saturated_tells_of_a_gradient_that_grows_nevertheless():
    recording = _recording(
        {
            "saturated_fraction": [0.47] * 5 + [np.nan],
            "signal_gradient_norm": [3.0, 2.0, 1.0, 0.5, 0.1, 0.12],
        }
    )
    exploding, saturated = diagnose(recording, 0)
    assert (exploding.kind, saturated.kind) == ("exploding", "saturated")
    assert "The rest carries a gradient that grows 30 ×." in saturated.message


def test_a_share_just_over_the_rule_does_not_read_like_the_rule():
    recording = _recording({"saturated_fraction": [0.2003, 0, 0, 0, 0, np.nan]})
    assert _one(recording, "saturated").message.startswith("20.03 % of layer 1")


def test_dead_is_not_inactive():
    relu = _experiment(network__hidden_layers=DEPTH, network__activation="relu")
    dead = {
        "saturated_fraction": np.full(6, np.nan),
        "dead_fraction": [0.0, 0.1, 0.2, 0.4, 0.6, np.nan],
    }
    finding = _one(_recording(dead, experiment=relu), "dead")
    assert finding.layer == "hidden 5"
    assert finding.message == (
        "60 % of the units of layer 5 are inactive on every probe sample. Rule: over 50 %."
    )


def test_identical_units_in_all_layers():
    finding = _one(_recording({"distinct_units": np.ones(6)}), "identical")
    assert finding.message == (
        "Each of the 5 hidden layers has 1 distinct unit of 100, all the others are its copies. "
        "Rule: at most 50 %."
    )
    assert finding.value == 1.0


def test_identical_units_in_one_layer():
    finding = _one(_recording(_layer(2, 12, "distinct_units")), "identical")
    assert finding.layer == "hidden 3"
    assert "Layer 3 has 12 distinct units of 100, the others are copies." in finding.message


@pytest.mark.parametrize(("count", "kind"), [(51, "healthy"), (50, "identical")])
def test_identical_begins_at_half_of_the_width(count, kind):
    assert _kinds(_recording(_layer(1, count, "distinct_units"))) == [kind]


def test_each_layer_is_held_against_its_own_width():
    narrow = _experiment(network__hidden_layers=DEPTH).with_layer("hidden 2")
    narrow = narrow.with_value("layers.0.width", 4)
    units = [100, 4, 100, 100, 100, 10]
    assert _kinds(_recording({"distinct_units": units}, experiment=narrow)) == ["healthy"]
    units[1] = 2
    finding = _one(_recording({"distinct_units": units}, experiment=narrow), "identical")
    assert "Layer 2 has 2 distinct units of 4, the others are copies." in finding.message


def test_a_convolution_has_channels_for_units():
    cnn = _experiment(network__hidden_layers=DEPTH, network__architecture="cnn")
    finding = _one(_recording({"distinct_units": np.ones(6)}, experiment=cnn), "identical")
    assert "has 1 distinct channel of 100" in finding.message
    relu = cnn.with_value("network.activation", "relu")
    dead = {"dead_fraction": [0.9] * 5 + [np.nan]}
    finding = _one(_recording(dead, experiment=relu), "dead")
    assert "90 % of the channels" in finding.message
    assert "at every position" in finding.message


def test_a_layer_of_one_unit_is_no_copy():
    narrow = _experiment(network__hidden_layers=DEPTH, network__width=1)
    assert _kinds(_recording({"distinct_units": np.ones(6)}, experiment=narrow)) == ["healthy"]


# -- diverged -------------------------------------------------------------------------------------

LOST = {
    name: np.full(6, np.nan)
    for name in (
        "weight_norm",
        "preactivation_mean",
        "preactivation_std",
        "signal_gradient_norm",
        "weight_gradient_norm",
    )
} | {"loss": math.nan}


@pytest.mark.parametrize(
    ("broken", "layer", "symbol"),
    [
        (_layer(2, math.inf, "preactivation_std"), "hidden 3", "z in layer 3"),
        (_layer(-1, math.nan, "preactivation_mean"), "output", "z in the output layer"),
        (_layer(1, math.nan, "weight_norm"), "hidden 2", "W in layer 2"),
        (_layer(3, math.inf, "signal_gradient_norm"), "hidden 4", "∂L/∂z in layer 4"),
        (_layer(0, math.inf, "weight_gradient_norm"), "hidden 1", "∂L/∂W in layer 1"),
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
    recording = _recording({}, {}, broken, LOST, LOST)
    for step in (2, 3, 4):
        finding = _one(recording, "diverged", step)
        assert finding.layer == layer
        assert finding.message == (
            f"Since step 2 numbers are no longer finite; the first was {symbol}."
        )
        assert not math.isfinite(finding.value)
        assert finding.threshold == math.inf
    assert _kinds(recording, 1) == ["healthy"]


def test_a_loss_that_alone_is_not_finite_is_told_without_a_layer():
    recording = _recording({}, {"loss": math.inf})
    finding = _one(recording, "diverged", 1)
    assert finding.layer is None
    assert finding.message == "Since step 1 the loss is infinite."


def test_a_loss_lost_between_two_measurements_is_told_without_a_layer():
    recording = _recording({})
    for step in (1, 2, 3):
        recording.append(Snapshot(step, {"loss": math.nan}))
    recording.append(Snapshot(4, {"loss": math.nan}, {"weight_norm": np.full(6, math.nan)}))
    for step in (1, 3, 4):
        finding = _one(recording, "diverged", step)
        assert finding.message == "Since step 1 the loss is not a number (NaN)."


def test_layers_that_were_never_measured_are_not_blamed():
    recording = _recording()
    recording.append(Snapshot(0, {"loss": math.nan}))
    assert _one(recording, "diverged").layer is None


def test_what_recovered_is_not_diverged():
    recording = _recording({}, _layer(0, math.inf, "weight_gradient_norm"), {})
    assert _kinds(recording, 1) == ["diverged"]
    assert _kinds(recording, 2) == ["healthy"]


def test_a_finite_loss_can_have_diverged():
    grown = {"loss": 4e4, "preactivation_std": [1.0, 1.0, 900.0, 5e3, 5e3, 5e5]}
    recording = _recording({}, grown)
    finding = _one(recording, "diverged", 1)
    assert finding.layer == "hidden 3"
    assert finding.message == (
        "The loss is 4.0 × 10⁴; at step 0 it was 2.3. Rule: over 1000 times as much. "
        "Layer 3 is the first whose z has grown as much."
    )


def test_a_large_loss_from_the_start_is_no_divergence():
    recording = _recording({"loss": 1e9}, {"loss": 1e9})
    assert _kinds(recording, 1) == ["healthy"]


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
    assert _kinds(_recording(everything)) == expected
    assert _kinds(_recording(everything, {**everything, **LOST}), 1) == ["diverged"]


def test_a_finding_is_about_its_step_and_not_about_later_ones():
    recording = _recording({}, {"signal_gradient_norm": FALLING})
    assert _kinds(recording, 0) == ["healthy"]
    assert _kinds(recording, 1) == ["vanishing"]
    assert _kinds(recording, 99) == ["vanishing"]


def test_what_was_not_measured_trips_nothing():
    recording = _recording({"distinct_units": np.full(6, np.nan)})
    assert _kinds(recording) == ["healthy"]


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
    recording = _recording({}, different)
    assert [f.kind for f in diagnose(recording, 1)] == ["healthy"]
    rules = DEFAULTS.with_threshold(name, limit)
    (finding,) = diagnose(recording, 1, rules=rules)
    (rule,) = (rule for rule in RULES if rule.threshold == name)
    assert (finding.kind, finding.label) == (rule.kind, rule.label)
    assert printed in finding.numbers
    assert f"{printed}" in finding.message.partition("Rule: ")[2]


def test_whose_weights_starve_is_said_under_the_persons_threshold():
    different = {"signal_gradient_norm": FALLING, "weight_gradient_norm": [0.01] * 5 + [0.5]}
    recording = _recording(different)
    usual, strict = DEFAULTS, DEFAULTS.with_threshold("starved", 0.5)
    assert "every layer still get" in diagnose(recording, 0, usual)[0].message
    assert "Only the output layer's weights" in diagnose(recording, 0, strict)[0].message


def test_a_rule_can_be_silenced():
    recording = _recording({"signal_gradient_norm": FALLING})
    assert _kinds(recording) == ["vanishing"]
    silent = DEFAULTS.with_threshold("vanishing", 0.0)
    assert [f.kind for f in diagnose(recording, 0, silent)] == ["healthy"]


# -- early stopping ------------------------------------------------------------------------------


def _stopped_early(losses, **last):
    recording = _recording({"loss": losses[0]})
    for step, loss in enumerate(losses[1:-1], 1):
        recording.append(Snapshot(step, {"loss": loss}))
    layers = {k: np.asarray(v, dtype=float) for k, v in (_healthy() | last).items()}
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


# -- remedies -------------------------------------------------------------------------------------

SICK = {
    "vanishing": {"signal_gradient_norm": FALLING},
    "exploding": {"signal_gradient_norm": [30, 10, 3, 1, 0.1, 0.12]},
    "saturated": {"saturated_fraction": [0.9] * 5 + [np.nan]},
    "dead": {"dead_fraction": [0.9] * 5 + [np.nan]},
    "identical": {"distinct_units": np.ones(6)},
    "diverged": LOST,
}


def _remedy(kind, step=0, **settings):
    experiment = _experiment(network__hidden_layers=DEPTH, **settings)
    recording = _recording(*[{}] * step, SICK[kind], experiment=experiment)
    finding = _one(recording, kind, step)
    return finding.remedy, dict(finding.remedy_settings)


@pytest.mark.parametrize(
    ("activation", "sentence", "scheme"),
    [
        ("tanh", "Try Glorot normal.", "glorot_normal"),
        ("identity", "Try Glorot normal.", "glorot_normal"),
        ("relu", "Try He normal.", "he_normal"),
        ("gelu", "Try He normal.", "he_normal"),
        ("selu", "Try LeCun normal.", "lecun_normal"),
    ],
)
@pytest.mark.parametrize("kind", ["vanishing", "exploding", "identical"])
def test_the_scheme_that_suits_the_activation_is_advised(kind, activation, sentence, scheme):
    assert _remedy(kind, network__activation=activation) == (
        sentence,
        {"initialiser.scheme": scheme},
    )


def test_he_is_advised_with_the_slope_of_the_leaky_relu():
    assert _remedy("vanishing", network__activation="leaky_relu", network__slope=0.2)[1] == {
        "initialiser.scheme": "he_normal",
        "initialiser.slope": 0.2,
    }


def test_glorot_does_not_save_a_deep_sigmoid():
    deep = _experiment(network__activation="sigmoid", network__hidden_layers=10)
    recording = run(deep, 0)
    finding = diagnose(recording, 0)[0]
    assert finding.remedy == "Try tanh and Glorot normal."
    assert finding.remedy_settings == {
        "network.activation": "tanh",
        "initialiser.scheme": "glorot_normal",
    }
    assert "0.25" in finding.why


def test_a_deep_sigmoid_with_glorot_is_told_to_change_its_activation():
    deep = _experiment(network__activation="sigmoid", initialiser__scheme="glorot_normal")
    (finding,) = run(deep, 0).findings()
    assert finding.remedy_settings == {"network.activation": "tanh"}


def test_a_shallow_sigmoid_may_stay():
    assert _remedy("vanishing", network__activation="sigmoid")[0] == "Try Glorot normal."


def test_a_gain_or_a_bias_that_is_to_blame_is_reset():
    settings = {"initialiser__scheme": "glorot_uniform", "initialiser__gain": 1e-3}
    assert _remedy("vanishing", **settings)[1] == {
        "initialiser.scheme": "glorot_normal",
        "initialiser.gain": 1.0,
    }
    assert _remedy("saturated", initialiser__bias=5.0) == (
        "Try Glorot normal without biases.",
        {"initialiser.scheme": "glorot_normal", "initialiser.bias": 0.0},
    )


@pytest.mark.parametrize("scheme", ["glorot_normal", "glorot_uniform", "lecun_normal"])
def test_another_scheme_of_the_same_variance_is_no_remedy(scheme):
    sentence, settings = _remedy("vanishing", initialiser__scheme=scheme)
    assert sentence == "Try residual connections with branch scale 0.45."
    assert settings == {"network.residual": True, "network.branch_scale": 0.45}


def test_with_everything_else_right_fewer_layers_are_advised():
    settings = {"network__residual": True, "network__branch_scale": 0.1}
    assert _remedy("vanishing", initialiser__scheme="glorot_normal", **settings) == (
        "Try 2 hidden layers.",
        {"network.hidden_layers": 2},
    )


def test_a_residual_or_normalised_explosion_is_met_where_it_comes_from():
    suited = {"initialiser__scheme": "glorot_normal"}
    assert _remedy("exploding", network__residual=True, **suited)[1] == {
        "network.branch_scale": 0.45
    }
    assert _remedy("exploding", network__normalisation="batch", **suited)[1] == {
        "network.normalisation": "none"
    }


def test_saturation_by_the_inputs_is_met_at_the_inputs():
    settings = {"initialiser__scheme": "glorot_normal", "training__scaling": "raw"}
    assert _remedy("saturated", **settings)[1] == {"training.scaling": "standardised"}


def test_dead_units_get_he_then_a_slower_rate_then_leaky_relu():
    relu = {"network__activation": "relu"}
    assert _remedy("dead", **relu)[1] == {"initialiser.scheme": "he_normal"}
    suited = {**relu, "initialiser__scheme": "he_normal"}
    assert _remedy("dead", 1, **suited)[0] == "Try a learning rate of 0.005."
    assert _remedy("dead", **suited)[0] == "Try leaky ReLU."


def test_divergence_is_met_with_smaller_steps_unless_the_weights_are_too_large():
    rate = {"training__learning_rate": 1e30}
    assert _remedy("diverged", 1, **rate)[1] == {"training.learning_rate": 0.01}
    assert _remedy("diverged", 1, initialiser__std=1.0, **rate)[1] == {
        "initialiser.scheme": "glorot_normal"
    }


@pytest.mark.parametrize("kind", SICK)
@pytest.mark.parametrize("step", [0, 1])
def test_every_remedy_of_a_finding_is_an_experiment(kind, step):
    for activation, scheme, residual in itertools.product(
        ("tanh", "relu", "sigmoid"), ("normal", "glorot_normal", "he_normal"), (False, True)
    ):
        experiment = _experiment(
            network__hidden_layers=DEPTH,
            network__activation=activation,
            initialiser__scheme=scheme,
            network__residual=residual,
        )
        recording = _recording(*[{}] * step, SICK[kind], experiment=experiment)
        for advice in _one(recording, kind, step).remedies:
            assert advice.apply(experiment) != experiment
            assert advice.sentence == f"Try {advice.name}."
