"""Remedies are experiments: whatever is advised is allowed, and changes what it says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab import remedies, rules
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.datasets import DATASETS
from initviz.lab.experiment import Experiment, differences
from initviz.lab.initialisers import SCHEMES
from initviz.lab.network_settings import ARCHITECTURES
from initviz.lab.remedies import Advice, all_of
from initviz.lab.rules import RULES
from initviz.lab.symptoms import Moment
from initviz.lab.training import run

EVERY = tuple(dict.fromkeys(remedy for rule in RULES for remedy in rule.remedies))
READS = {"mlp": "digits", "cnn": "digits"}
#: Without these a scheme means nothing.
NEEDED = {"formula": {"initialiser.expression": "normal(0, 0.01)"}}


def experiment(architecture="mlp", activation="tanh", scheme="normal", **more):
    return Experiment().with_values(
        {
            "network.architecture": architecture,
            "network.activation": activation,
            "training.data": READS.get(architecture, "recall"),
            "initialiser.scheme": scheme,
            **(NEEDED.get(scheme, {})),
            **{key.replace("__", "."): value for key, value in more.items()},
        }
    )


def advised(remedy, given_, step=0):
    return all_of((remedy,), given_, step)


def assert_is_an_experiment(advice, before):
    assert advice.sentence == f"Try {advice.name}."
    after = advice.apply(before)
    changed = {difference.key for difference in differences(before, after)}
    assert changed, advice
    # Layers go by their names there, and by their places here.
    assert {key for key in changed if not key.startswith("layers.")} <= set(advice.settings), advice
    assert Experiment.from_toml(after.to_toml()) == after


def test_every_activation_has_a_start_that_suits_it():
    assert set(remedies._SUITED) == set(ACTIVATIONS)


def test_there_is_a_remedy_of_every_kind():
    written = {
        remedy
        for name, remedy in vars(remedies).items()
        if callable(remedy) and getattr(remedy, "__annotations__", {}).get("_step", "") == "int"
    }
    assert {remedies.slower, remedies.clipped, remedies.warmed_up} <= set(EVERY)
    assert written <= set(EVERY)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_remedy_of_every_start_is_an_experiment(architecture, activation):
    for scheme in SCHEMES:
        before = experiment(architecture, activation, scheme)
        for advice in all_of(EVERY, before, 1):
            assert_is_an_experiment(advice, before)


@settings(derandomize=True, max_examples=60)
@given(
    st.sampled_from(list(ARCHITECTURES)),
    st.sampled_from(list(ACTIVATIONS)),
    st.lists(
        st.tuples(
            st.sampled_from(["output", "hidden 1", "hidden 3", "hidden 9"]),
            st.sampled_from(["", *ACTIVATIONS]),
            st.sampled_from(["", "zeros", "normal", "he_normal", "orthogonal"]),
            st.sampled_from([0, 1, 7]),
        ),
        max_size=3,
        unique_by=lambda layer: layer[0],
    ),
    st.integers(1, 12),
    st.sampled_from([1, 3, 50]),
)
def test_no_remedy_fails_whatever_the_layers_have_for_themselves(
    architecture, activation, layers, depth, width
):
    before = experiment(
        architecture, activation, network__hidden_layers=depth, network__width=width
    )
    for index, (name, own, scheme, units) in enumerate(layers):
        before = before.with_layer(name).with_values(
            {
                f"layers.{index}.activation": own,
                f"layers.{index}.initialiser.scheme": scheme,
                f"layers.{index}.width": units,
            }
        )
    for advice in all_of(EVERY, before, 1):
        assert_is_an_experiment(advice, before)


def test_a_remedy_that_is_not_allowed_is_no_remedy():
    def too_wide(_experiment, _step):
        return Advice("a wide network", {"network.width": 10**6})

    def nothing(_experiment, _step):
        return Advice("what is there", {"network.width": 100})

    def unknown(_experiment, _step):
        return Advice("nonsense", {"nonsense": 1})

    assert all_of((too_wide, nothing, unknown, remedies.fewer_layers), Experiment(), 0) == (
        Advice("5 hidden layers", {"network.hidden_layers": 5}),
    )


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.needs_path])
def test_a_data_file_that_is_missing_costs_no_advice(name):
    before = Experiment().with_values(
        {"training.data": name, "training.path": "/nowhere/at.all", "network.activation": "relu"}
    )
    assert advised(remedies.suited_scheme, before)[0].name == "He normal"


# -- titles -----------------------------------------------------------------------------------


def test_the_title_says_what_differs():
    before = Experiment(title="Small weights")
    glorot = Advice("Glorot normal", {"initialiser.scheme": "glorot_normal"})
    slower = Advice("a learning rate of 0.01", {"training.learning_rate": 0.01})
    after = glorot.apply(before)
    assert after.title == "Small weights, the same with Glorot normal"
    assert slower.apply(after).title == (
        "Small weights, the same with Glorot normal and a learning rate of 0.01"
    )
    assert glorot.apply(Experiment()).title == "The same with Glorot normal"
    assert glorot.apply(Experiment(title="x" * 190)).title == "The same with Glorot normal"


def test_an_empty_advice_changes_nothing():
    assert Advice().apply(Experiment()) == Experiment()
    assert Advice().sentence == ""


def test_an_advice_that_no_longer_fits_is_refused():
    gone = Advice("a std of 1", {"initialiser.std": 1.0})
    with pytest.raises(ValueError, match=r"initialiser\.std"):
        gone.apply(experiment(scheme="glorot_normal"))


# -- the start that suits ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "activation", "scheme", "more"),
    [
        ("mlp", "prelu", "he_normal", {"slope": 0.25}),
        ("mlp", "mish", "he_normal", {"slope": 0.0}),
        ("mlp", "softplus", "he_normal", {"slope": 0.0}),
        ("mlp", "relu6", "he_normal", {"slope": 0.0}),
        ("mlp", "softsign", "glorot_normal", {"gain": 1.0}),
        ("mlp", "hardtanh", "glorot_normal", {"gain": 1.0}),
        ("mlp", "sine", "glorot_normal", {"gain": 1.0}),
        ("cnn", "tanh", "delta_orthogonal", {"gain": 1.0}),
        ("cnn", "relu", "he_normal", {"slope": 0.0}),
        ("rnn", "tanh", "orthogonal", {"gain": 1.0}),
        ("rnn", "relu", "orthogonal", {"gain": 1.414}),
        ("lstm", "tanh", "orthogonal", {"gain": 1.0}),
        ("gru", "relu", "orthogonal", {"gain": 1.0}),
    ],
)
def test_the_scheme_suits_activation_and_architecture(architecture, activation, scheme, more):
    before = experiment(architecture, activation, network__slope=0.25)
    after = advised(remedies.suited_scheme, before)[0].apply(before)
    assert after.initialiser.name == scheme
    assert {key: getattr(after.initialiser, key) for key in more} == more
    assert after.network.activation == activation
    assert advised(remedies.suited_scheme, after) == ()


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru", "mlp"])
def test_sigmoid_is_not_kept_where_no_scheme_saves_it(architecture):
    before = experiment(architecture, "sigmoid")
    after = advised(remedies.suited_scheme, before)[0].apply(before)
    assert after.network.activation == "tanh"


def test_narrowing_convolutions_get_glorot():
    before = experiment("cnn", network__width=8).with_layer("hidden 2")
    before = before.with_value("layers.0.width", 4)
    assert advised(remedies.suited_scheme, before)[0].name == "Glorot normal"


def test_biases_that_are_drawn_are_taken_away():
    before = experiment(scheme="glorot_normal", initialiser__bias_distribution="normal")
    (advice,) = advised(remedies.suited_scheme, before)
    assert advice == Advice(
        "Glorot normal without biases", {"initialiser.bias_distribution": "scheme"}
    )


def test_layers_with_a_scheme_of_their_own_follow():
    before = experiment().with_layer("hidden 2").with_layer("output")
    before = before.with_values(
        {"layers.0.initialiser.scheme": "zeros", "layers.1.initialiser.scheme": "constant"}
    )
    (advice,) = advised(remedies.suited_scheme, before)
    assert advice.name == "Glorot normal in every layer"
    after = advice.apply(before)
    assert {layer.scheme.name for layer in after.hidden} == {"glorot_normal"}
    assert after.output_scheme.name == "glorot_normal"


def test_a_single_bad_layer_in_a_good_network_is_found():
    before = experiment(scheme="glorot_normal").with_layer("hidden 4")
    before = before.with_value("layers.0.initialiser.scheme", "zeros")
    (advice,) = advised(remedies.suited_scheme, before)
    assert advice.settings == {"layers.0.initialiser.scheme": ""}


def test_layers_with_an_activation_of_their_own_get_what_suits_it():
    before = experiment().with_layer("hidden 3").with_layer("hidden 4")
    before = before.with_values({"layers.0.activation": "relu", "layers.1.activation": "mish"})
    (advice,) = advised(remedies.suited_scheme, before)
    assert advice.name == "Glorot normal, He normal in layers 3–4"
    names = [layer.scheme.name for layer in advice.apply(before).hidden]
    assert names == ["glorot_normal"] * 2 + ["he_normal"] * 2 + ["glorot_normal"] * 6


# -- through time --------------------------------------------------------------------------------


@pytest.mark.parametrize(("times", "bias"), [(10, 1.0), (50, 2.3), (100, 3.0), (200, 3.7)])
def test_forget_gates_stay_open_for_as_long_as_a_sequence_lasts(times, bias):
    before = experiment("lstm", training__sequence_length=times)
    (advice,) = advised(remedies.forget_bias, before)
    assert advice.settings == {"initialiser.forget_bias": bias}
    after = advice.apply(before)
    assert advised(remedies.forget_bias, after) == ()
    assert advised(remedies.less_forget_bias, after) == ()
    wide_open = before.with_value("initialiser.forget_bias", 9.0)
    assert advised(remedies.less_forget_bias, wide_open)[0].apply(wide_open) == after.model_copy(
        update={"title": "The same with " + advice.name}
    )


def test_the_forget_bias_of_kerass_default_counts():
    before = experiment("lstm", scheme="keras_default", training__sequence_length=10)
    assert advised(remedies.forget_bias, before) == ()
    longer = before.with_value("training.sequence_length", 100)
    (advice,) = advised(remedies.forget_bias, longer)
    assert advice == Advice("a forget-gate bias of 3", {"initialiser.forget_bias": 2.0})


@pytest.mark.parametrize("architecture", ["rnn", "gru"])
def test_an_lstm_is_advised_in_place_of_what_forgets(architecture):
    before = experiment(architecture, training__sequence_length=100)
    (advice,) = advised(remedies.remembering_lstm, before)
    assert advice.name == "an LSTM with a forget-gate bias of 3"
    assert advice.apply(before).network.architecture == "lstm"


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_what_is_not_recurrent_has_no_remedy_of_time(architecture):
    for remedy in (remedies.remembering_lstm, remedies.forget_bias, remedies.shorter_sequences):
        assert advised(remedy, experiment(architecture)) == ()


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
def test_what_is_recurrent_has_no_branches_and_nothing_normalised(architecture):
    before = experiment(architecture, network__residual=True, network__normalisation="batch")
    for remedy in (
        remedies.scaled_branches,
        remedies.scaled_existing_branches,
        remedies.no_batch_normalisation,
    ):
        assert advised(remedy, before) == ()


# -- divergence ------------------------------------------------------------------------------------


def test_against_divergence_there_are_slower_steps_clipping_and_warm_up():
    before = experiment(scheme="glorot_normal", training__learning_rate=3.0)
    (rule, *_) = (rule for rule in RULES if rule.kind == "diverged")
    names = [advice.name for advice in all_of(rule.remedies, before, 5)]
    assert names == [
        "a learning rate of 0.01",
        "gradients clipped at 1",
        "a warm-up of 100 steps",
        "5 hidden layers",
    ]
    assert [a.name for a in all_of(rule.remedies, before, 0)] == ["5 hidden layers"]


def test_what_is_there_already_is_not_advised():
    before = experiment(training__clip_norm=0.5, training__warmup_steps=10)
    assert advised(remedies.clipped, before, 1) == ()
    assert advised(remedies.clipped_updates, before, 1) == ()
    assert advised(remedies.warmed_up, before, 1) == ()


# -- what the reasons say of the experiment ------------------------------------------------------


def why(kind, **settings_):
    recording = run(experiment(**settings_), 0)
    (finding,) = (f for f in recording.findings() if f.kind == kind)
    return finding.why


def test_the_known_rate_of_batch_normalisation_is_that_which_is_measured():
    settings_ = {
        "activation": "relu",
        "scheme": "he_normal",
        "network__normalisation": "batch",
        "network__hidden_layers": 20,
        "network__width": 128,
        "training__batch_size": 128,
    }
    said = why("exploding", **settings_)
    assert "Batch normalisation itself makes gradients grow with depth" in said
    assert "That is 1.21 for the norm" in said
    recording = run(experiment(**settings_), 0)
    assert Moment(recording, 0).signal_ratio ** (1 / 19) == pytest.approx(1.21, abs=0.03)


def test_the_known_rate_of_branches_is_that_which_is_measured():
    settings_ = {
        "activation": "relu",
        "scheme": "he_normal",
        "network__residual": True,
        "network__hidden_layers": 15,
    }
    assert "That is 1.41 for the norm" in why("exploding", **settings_)
    recording = run(experiment(**settings_), 0)
    assert Moment(recording, 0).signal_ratio ** (1 / 14) == pytest.approx(1.41, abs=0.06)


def test_no_reason_repeats_what_popular_articles_get_wrong():
    everything = " ".join(
        [*(rule.why for rule in (*RULES, rules.HEALTHY))]
        + [
            note(experiment(architecture, activation, scheme, **more))
            for notes in rules._NOTES.values()
            for note in notes
            for architecture in ("mlp", "lstm")
            for activation in ("sigmoid", "relu")
            for scheme in ("glorot_normal", "pytorch_default")
            for more in ({}, {"network__residual": True}, {"network__normalisation": "batch"})
        ]
    )
    assert "at most 0.25" in everything  # not 2.5
    assert "neither Glorot's nor He's scheme makes up for that" in everything
    assert "about half of the units are inactive, and that is healthy" in everything
    assert "PyTorch's default is not He's scheme" in everything
    for wrong in ("2.5:", "suits sigmoid", "expected value", "linear model", "no training"):
        assert wrong not in everything
