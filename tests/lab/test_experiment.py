"""An experiment is a value and a text; the two never disagree."""

import tomllib
from typing import Literal, get_args, get_origin

import annotated_types
import pytest
import tomli_w
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from initviz.lab.experiment import MAX_PARAMETERS, Difference, Experiment, differences
from initviz.lab.initialisers import ALIASES, SCHEMES
from initviz.lab.settings import Choice

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
        return st.text(max_size=found[annotated_types.MaxLen].max_length)
    low, high = found[annotated_types.Ge].ge, found[annotated_types.Le].le
    return st.integers(low, high) if info.annotation is int else st.floats(low, high)


def _parts(model):
    return st.fixed_dictionaries(
        {}, optional={k: _values(v) for k, v in model.model_fields.items()}
    )


def _schemes():
    def ordered(part):
        if "a" in part and "b" in part:
            part["a"], part["b"] = sorted([part["a"], part["b"]])
        return part

    parts = [
        _parts(model).map(lambda part, name=name: ordered({**part, "scheme": name}))
        for name, model in SCHEMES.items()
    ]
    return st.one_of(parts).filter(lambda p: p["scheme"] != "uniform" or {"a", "b"} <= set(p))


FIELDS = Experiment.model_fields
tables = st.fixed_dictionaries(
    {},
    optional={
        "version": st.just(1),
        "title": st.text(max_size=200),
        "initialiser": _schemes(),
        **{name: _parts(FIELDS[name].annotation) for name in ("network", "training", "run")},
    },
)


@st.composite
def experiments(draw):
    """Any valid experiment."""
    table = draw(tables)
    network, training = table.get("network", {}), table.get("training", {})
    size = network.get("hidden_layers", 10) * network.get("width", 100) ** 2
    assume(size <= MAX_PARAMETERS)
    assume(network.get("normalisation") != "batch" or training.get("batch_size", 64) > 1)
    return Experiment.from_dict(table)


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
    fields = {field.key: field.value for field in experiment.fields()}
    sections = {k: v for k, v in written.items() if isinstance(v, dict)}
    assert fields == {f"{s}.{k}": v for s, part in sections.items() for k, v in part.items()}


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


KEYS = ["version", "title", *FIELDS, "scheme", "std", "width", "activation", "a", "b"]
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


def test_what_has_no_effect_is_not_visible():
    def visible(experiment):
        return {f.key for f in experiment.fields() if experiment.is_visible(f)}

    plain = visible(Experiment())
    assert "network.slope" not in plain
    assert "network.branch_scale" not in plain
    assert "training.momentum" in plain
    leaky = Experiment().with_value("network.activation", "leaky_relu")
    assert "network.slope" in visible(leaky)
    assert "network.branch_scale" in visible(Experiment().with_value("network.residual", True))
    assert "training.momentum" not in visible(Experiment().with_value("training.optimiser", "adam"))
