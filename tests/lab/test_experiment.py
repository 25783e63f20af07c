"""An experiment is a value and a text; the two never disagree."""

import tomllib
from typing import Literal, get_args, get_origin

import annotated_types
import pytest
import tomli_w
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from initviz.lab.datasets import DATASETS
from initviz.lab.experiment import Difference, Experiment, Layer, differences
from initviz.lab.initialisers import ALIASES, SCHEMES
from initviz.lab.settings import Choice, PathText

thorough = settings(derandomize=True, max_examples=150)


def _values(info):
    """Everything that a field allows."""
    found = {type(m): m for m in info.metadata}
    if Choice in found:
        return st.sampled_from(list(found[Choice].options))
    if get_origin(info.annotation) is Literal:
        return st.sampled_from(get_args(info.annotation))
    if info.annotation is bool:
        return st.booleans()
    if info.annotation is str:
        visible = st.characters(exclude_categories=["Cc", "Cs"])
        characters = visible if PathText in found else st.characters(exclude_categories=["Cs"])
        return st.text(characters, max_size=found[annotated_types.MaxLen].max_length)
    low, high = found[annotated_types.Ge].ge, found[annotated_types.Le].le
    return st.integers(low, high) if info.annotation is int else st.floats(low, high)


def _parts(model):
    return st.fixed_dictionaries(
        {}, optional={k: _values(v) for k, v in model.model_fields.items()}
    )


FORMULAS = ["0", "normal(0, sqrt(2 / fan_in))", "uniform(-1, 1) * \\\n\t2".replace("\\", "")]
FORMULAS += ["+".join(["1"] * 20), "normal()" + " " * 400]


def _schemes():
    def fitting(part):
        if "a" in part and "b" in part:
            part["a"], part["b"] = sorted([part["a"], part["b"]])
        if "expression" in part:
            part["expression"] = FORMULAS[len(part["expression"]) % len(FORMULAS)]
        return part

    parts = [
        _parts(model).map(lambda part, name=name: fitting({**part, "scheme": name}))
        for name, model in SCHEMES.items()
    ]
    return st.one_of(parts).filter(lambda p: p["scheme"] != "uniform" or {"a", "b"} <= set(p))


def _layers():
    names = st.sampled_from(["output", "hidden 1", "hidden 2", "hidden 999"])
    settings_ = {k: _values(v) for k, v in Layer.model_fields.items() if k in ("activation",)}
    layer = st.fixed_dictionaries(
        {"name": names},
        optional={**settings_, "width": st.integers(0, 50), "initialiser": _schemes()},
    )
    return st.lists(layer, max_size=3, unique_by=lambda layer: layer["name"])


FIELDS = Experiment.model_fields
tables = st.fixed_dictionaries(
    {},
    optional={
        "version": st.just(1),
        "title": st.text(max_size=200),
        "initialiser": _schemes(),
        "layers": _layers(),
        **{name: _parts(FIELDS[name].annotation) for name in ("network", "training", "run")},
    },
)


def _consistent(table):
    """The same table without what Experiment refuses in the whole: sizes, and data that differ."""
    network, training = {**table.get("network", {})}, {**table.get("training", {})}
    size = network.get("hidden_layers", 10) * network.get("width", 100) ** 2
    if size * training.get("batch_size", 64) > 1e7:
        network["hidden_layers"] = network.get("hidden_layers", 10) % 20 + 1
        network["width"] = network.get("width", 100) % 20 + 1
    training["batch_size"] = 2 + training.get("batch_size", 64) % 500
    wanted = {"mlp": "features", "cnn": "images"}.get(network.get("architecture", "mlp"))
    wanted = wanted or "sequences"
    fitting = [name for name, entry in DATASETS.items() if wanted in entry.read_as]
    if wanted != "features" and training.get("data", "digits") not in fitting:
        training["data"] = fitting[0]
    return {**table, "network": network, "training": training}


@st.composite
def experiments(draw):
    """Any valid experiment."""
    return Experiment.from_dict(_consistent(draw(tables)))


@thorough
@given(experiments())
def test_toml_round_trips_exactly(experiment):
    text = experiment.to_toml()
    again = Experiment.from_toml(text)
    assert again == experiment
    assert again.to_toml() == text
    assert differences(again, experiment) == ()


@thorough
@given(experiments())
def test_what_is_written_is_all_there_is(experiment):
    written = tomllib.loads(experiment.to_toml())
    # A layer without a scheme of its own has a field for it, and nothing in the file.
    fields = {f.key: f.value for f in experiment.fields() if f.value != "" or "scheme" not in f.key}
    assert fields == dict(_flat(written, "", skip=("version", "title")))


def _flat(table, prefix, skip=()):
    items = table.items() if isinstance(table, dict) else enumerate(table)
    for name, value in items:
        if isinstance(value, dict | list):
            yield from _flat(value, f"{prefix}{name}.")
        elif name not in skip:
            yield f"{prefix}{name}", value


def _one_line_or_experiment(text):
    try:
        result = Experiment.from_toml(text)
    except ValueError as error:
        message = str(error)
        assert message
        assert len(message.splitlines()) == 1
        assert "pydantic" not in message
    else:
        assert Experiment.from_toml(result.to_toml()) == result


@thorough
@given(st.text(st.characters(), max_size=400))
def test_any_text_gives_an_experiment_or_one_line(text):
    _one_line_or_experiment(text)


KEYS = ["version", "title", *FIELDS, "scheme", "std", "width", "activation", "a", "b", "name"]
scalars = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from([*KEYS, *SCHEMES, *ALIASES]),
    st.dates(),
    st.times(),
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


@thorough
@given(st.dictionaries(st.sampled_from(KEYS), trees, max_size=5))
def test_any_table_gives_an_experiment_or_one_line(table):
    _one_line_or_experiment(tomli_w.dumps(table))


@thorough
@given(tables, st.data())
def test_one_wrong_value_in_a_valid_file_gives_an_experiment_or_one_line(table, data):
    sections = [name for name, part in table.items() if isinstance(part, dict) and part]
    assume(sections)
    part = table[data.draw(st.sampled_from(sections))]
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(trees)
    _one_line_or_experiment(tomli_w.dumps(table))


def test_version_alone_is_an_experiment():
    assert Experiment.from_toml("version = 1") == Experiment.from_toml("") == Experiment()


def test_whole_numbers_stand_for_numbers():
    experiment = Experiment.from_toml("[initialiser]\nstd = 1\n[training]\nlearning_rate = 0")
    assert experiment.initialiser.std == 1.0
    assert experiment.training.learning_rate == 0.0


@pytest.mark.parametrize("alias", ALIASES)
def test_names_of_other_libraries_are_understood(alias):
    text = f'[initialiser]\nscheme = "{alias}"'
    assert Experiment.from_toml(text).initialiser.name == ALIASES[alias]


def test_spellings_that_mean_the_same_are_the_same():
    a = Experiment.from_toml('[network]\nactivation = "linear"\n[training]\nscaling="standardized"')
    b = Experiment.from_toml('[network]\nactivation = "identity"')
    assert a == b


@thorough
@given(experiments())
def test_setting_every_field_to_its_own_value_changes_nothing(experiment):
    for field in experiment.fields():
        assert experiment.with_value(field.key, field.value) == experiment


def test_with_value_changes_one_setting():
    experiment = Experiment()
    changed = experiment.with_value("network.width", 7)
    assert experiment.network.width == 100
    assert differences(experiment, changed) == (Difference("network.width", 100, 7),)


def test_a_new_scheme_keeps_the_parameters_it_shares():
    experiment = Experiment.from_toml(
        '[initialiser]\nscheme = "glorot_normal"\ngain = 2.0\nbias = 0.5'
    )
    changed = experiment.with_value("initialiser.scheme", "xavier_uniform")
    assert (changed.initialiser.name, changed.initialiser.gain) == ("glorot_uniform", 2.0)
    assert experiment.with_value("initialiser.scheme", "zeros").initialiser.bias == 0.5


@pytest.mark.parametrize(
    ("key", "value", "parts"),
    [
        ("network.width", 0, ["network.width = 0", "from 1 to 4096"]),
        ("network.wdith", 1, ["network.wdith", "did you mean 'width'?"]),
        ("netwrok.width", 1, ["netwrok.width", "unknown key"]),
        ("width", 1, ["width = 1", "unknown key"]),
        ("", 1, ["unknown key"]),
        ("network", 1, ["network = 1", "section"]),
        ("title.x", 1, ["title.x"]),
        ("initialiser.scheme", "he", ["'he'", "did you mean 'he_normal'?"]),
        ("initialiser.scheme", 3, ["initialiser.scheme = "]),
        ("initialiser.gain", 1.0, ["initialiser.gain", "unknown key"]),
    ],
)
def test_with_value_names_what_is_wrong(key, value, parts):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Experiment().with_value(key, value)
    for part in parts:
        assert part in str(caught.value)


def test_the_title_is_no_difference():
    assert differences(Experiment(title="A"), Experiment(title="B")) == ()


def test_different_schemes_are_one_difference():
    a = Experiment()
    b = a.with_value("initialiser.scheme", "glorot_normal").with_value("initialiser.gain", 2.0)
    assert differences(a, b) == (Difference("initialiser.scheme", "normal", "glorot_normal"),)


def test_a_parameter_of_the_same_scheme_is_a_difference():
    a = Experiment()
    assert differences(a, a.with_value("initialiser.std", 1.0)) == (
        Difference("initialiser.std", 0.01, 1.0),
    )


def _visible(experiment):
    return {field.key for field in experiment.fields() if field.is_visible}


def test_what_has_no_effect_is_not_visible():
    plain = _visible(Experiment())
    assert "network.slope" not in plain
    assert "network.branch_scale" not in plain
    assert "training.momentum" in plain
    leaky = Experiment().with_value("network.activation", "leaky_relu")
    assert "network.slope" in _visible(leaky)
    assert "network.branch_scale" in _visible(Experiment().with_value("network.residual", True))
    adam = Experiment().with_value("training.optimiser", "adam")
    assert "training.momentum" not in _visible(adam)


def test_the_slope_is_visible_where_one_layer_alone_has_it():
    one = Experiment.from_toml('[[layers]]\nname = "hidden 2"\nactivation = "leaky_relu"')
    assert "network.slope" in _visible(one)


# -- layers of their own ------------------------------------------------------------------------

OWN = """
[network]
hidden_layers = 3
width = 20
[initialiser]
std = 0.5
[[layers]]
name = "hidden 2"
width = 7
activation = "relu"
[layers.initialiser]
scheme = "xavier_uniform"
gain = 2
[[layers]]
name = "output"
[layers.initialiser]
scheme = "zeros"
[[layers]]
name = "hidden 9"
width = 99
"""


def test_a_layer_can_have_width_activation_and_scheme_for_itself():
    experiment = Experiment.from_toml(OWN)
    plans = experiment.hidden
    assert [plan.name for plan in plans] == ["hidden 1", "hidden 2", "hidden 3"]
    assert [plan.width for plan in plans] == [20, 7, 20]
    assert [plan.activation for plan in plans] == ["tanh", "relu", "tanh"]
    assert [plan.scheme.name for plan in plans] == ["normal", "glorot_uniform", "normal"]
    assert plans[1].scheme.gain == 2.0
    assert experiment.output_scheme.name == "zeros"
    assert Experiment().output_scheme == Experiment().initialiser


def test_a_layer_beyond_the_depth_waits_for_it():
    deeper = Experiment.from_toml(OWN).with_value("network.hidden_layers", 9)
    assert [plan.width for plan in deeper.hidden] == [20, 7, 20, 20, 20, 20, 20, 20, 99]


def test_layers_come_and_go_one_by_one():
    experiment = Experiment().with_layer("hidden 2").with_layer("output")
    assert [layer.name for layer in experiment.layers] == ["hidden 2", "output"]
    changed = experiment.with_values(
        {"layers.0.width": 5, "layers.1.initialiser.scheme": "constant"}
    )
    changed = changed.with_value("layers.1.initialiser.value", 0.25)
    assert changed.hidden[1].width == 5
    assert changed.output_scheme.value == 0.25
    assert [layer.name for layer in changed.without_layer(0).layers] == ["output"]
    assert changed.without_layer(1).without_layer(0) == Experiment()


def test_a_layer_gives_up_its_scheme_by_an_empty_name():
    own = Experiment().with_layer("output").with_value("layers.0.initialiser.scheme", "zeros")
    assert own.output_scheme.name == "zeros"
    same = own.with_value("layers.0.initialiser.scheme", "")
    assert same.layers[0].initialiser is None
    assert same == Experiment().with_layer("output")


def test_a_new_scheme_of_a_layer_keeps_the_parameters_it_shares():
    own = (
        Experiment()
        .with_layer("output")
        .with_values(
            {"layers.0.initialiser.scheme": "glorot_normal", "layers.0.initialiser.gain": 2.0}
        )
    )
    other = own.with_value("layers.0.initialiser.scheme", "orthogonal")
    assert other.output_scheme.gain == 2.0


def test_several_values_are_changed_at_once():
    changed = Experiment().with_values(
        {"network.architecture": "lstm", "training.data": "recall", "title": "T"}
    )
    assert (changed.network.architecture, changed.training.data) == ("lstm", "recall")
    assert changed.title == "T"


def test_values_that_fit_only_together_may_come_in_any_order():
    moons = Experiment().with_value("training.data", "moons")
    changes = {"network.architecture": "cnn", "training.data": "digits"}
    assert moons.with_values(changes).network.architecture == "cnn"
    with pytest.raises(ValueError, match="reads images"):
        moons.with_value("network.architecture", "cnn")


def test_differences_of_layers_are_named_by_the_layer_not_by_its_place():
    a = Experiment().with_layer("hidden 2").with_layer("output")
    b = Experiment().with_layer("output").with_layer("hidden 2")
    assert differences(a, b) == ()
    wider = b.with_value("layers.1.width", 5)
    assert differences(a, wider) == (Difference("layers.hidden 2.width", 0, 5),)


def test_a_layers_scheme_is_one_difference():
    a = Experiment().with_layer("output")
    b = a.with_value("layers.0.initialiser.scheme", "glorot_normal")
    assert differences(a, b) == (
        Difference("layers.output.initialiser.scheme", None, "glorot_normal"),
    )


@pytest.mark.parametrize(
    ("key", "value", "parts"),
    [
        ("layers.0.width", -1, ["layers.0.width = -1", "from 0 to 4096"]),
        ("layers.0.wdith", 1, ["layers.0.wdith = 1", "did you mean 'width'?"]),
        ("layers.1.width", 1, ["layers.1.width", "unknown key"]),
        ("layers.x.width", 1, ["layers.x.width", "unknown key"]),
        ("layers.0.name", "hidden 0", ["'hidden 0'", "'output', or 'hidden 1'"]),
        ("layers.0.initialiser.scheme", "he", ["'he'", "did you mean 'he_normal'?"]),
        ("layers.0.initialiser.std", 1.0, ["layers.0.initialiser", "std"]),
    ],
)
def test_a_wrong_value_for_a_layer_is_named(key, value, parts):
    experiment = (
        Experiment().with_layer("output").with_value("layers.0.initialiser.scheme", "zeros")
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        experiment.with_value(key, value)
    for part in parts:
        assert part in str(caught.value)


def test_a_hundred_layers_with_formulas_survive_a_file():
    formula = "normal()" + "\n" * 492
    own = {"scheme": "formula", "expression": formula}
    layers = [{"name": f"hidden {i}", "initialiser": own} for i in range(1, 101)]
    experiment = Experiment.from_dict({"layers": layers, "training": {"path": "\\" * 4000}})
    assert Experiment.from_toml(experiment.to_toml()) == experiment


@pytest.mark.parametrize(
    ("architecture", "data", "reads"),
    [
        ("cnn", "moons", "images"),
        ("cnn", "recall", "images"),
        ("lstm", "moons", "sequences"),
        ("rnn", "circles", "sequences"),
    ],
)
def test_data_that_the_architecture_cannot_read_is_refused_with_what_fits(
    architecture, data, reads
):
    table = {"network": {"architecture": architecture}, "training": {"data": data}}
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Experiment.from_dict(table)
    message = str(caught.value)
    assert f"network.architecture = '{architecture}' is not allowed" in message
    assert f"training.data = '{data}': it reads {reads}" in message
    for name in message.rsplit("one of ")[-1].split(", "):
        table["training"]["data"] = name
        assert Experiment.from_dict(table).training.data == name
