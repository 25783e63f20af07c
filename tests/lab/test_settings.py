"""Settings that describe themselves: one sentence for each mistake, one Field for each form row."""

import datetime as dt

import pytest
from pydantic import Field as Limits
from pydantic import ValidationError

from initviz.lab.experiment import Experiment
from initviz.lab.settings import Choice, Part, Setting, did_you_mean, fields_of, shown

MISTAKES = {
    # what the file says: what the message must contain
    "width = 3": ["width = 3", "unknown key", "allowed are version, title, network"],
    "[netwrok]\nwidth = 3": ["netwrok", "did you mean 'network'?"],
    "[network]\nwdith = 3": ["network.wdith = 3", "unknown key", "did you mean 'width'?"],
    "[network]\nwidth = 0": ["network.width = 0", "a whole number from 1 to 4096"],
    "[network]\nwidth = 4097": ["network.width = 4097", "a whole number from 1 to 4096"],
    "[network]\nwidth = 1.5": ["network.width = 1.5", "a whole number"],
    "[network]\nwidth = true": ["network.width = True", "a whole number"],
    '[network]\nwidth = "8"': ["network.width = '8'", "a whole number"],
    "[network]\nwidth = 2026-01-01": ["network.width = datetime.date(2026, 1, 1)"],
    "[network]\nwidth = [1]": ["network.width = [1]", "a whole number"],
    "[network.width]\na = 1": ["network.width = {'a': 1}", "a whole number"],
    "[network]\nresidual = 1": ["network.residual = 1", "true or false"],
    "[network]\ndropout = nan": ["network.dropout = nan", "a number from 0 to 0.99"],
    "[network]\ndropout = -inf": ["network.dropout = -inf", "a number from 0 to 0.99"],
    '[network]\nactivation = "tahn"': ["'tahn'", "one of sigmoid, tanh", "did you mean 'tanh'?"],
    '[network]\nactivation = "LeakyReLU"': ["'LeakyReLU'", "did you mean 'leakyrelu'?"],
    '[training]\nunit = "epoch"': ["'epoch'", "one of steps, epochs", "did you mean 'epochs'?"],
    "[network]\nactivation = 3": ["network.activation = 3", "one of sigmoid, tanh"],
    '[network]\narchitecture = "resnet"': ["network.architecture = 'resnet'", "mlp"],
    '[initialiser]\nscheme = "glorot_nromal"': ["'glorot_nromal'", "did you mean 'glorot_normal'?"],
    '[initialiser]\nscheme = "xavier"': ["'xavier'", "did you mean 'xavier_"],
    "[initialiser]\nscheme = 3": ["initialiser.scheme = 3", "one of normal, glorot_normal"],
    "[initialiser.scheme]\na = 1": ["initialiser.scheme = {'a': 1}", "one of normal"],
    '[initialiser]\nscheme = "normal"\ngain = 1.0': ["initialiser.gain = 1.0", "std, scheme"],
    '[initialiser]\nscheme = "xavier_normal"\ngian = 1': ["did you mean 'gain'?"],
    "[initialiser]\nstd = -1": ["initialiser.std = -1.0", "a number from 0 to 1e+30"],
    '[initialiser]\nstd = "a"': ["initialiser.std = 'a'", "a number from 0 to 1e+30"],
    '[initialiser]\nscheme = "he_normal"\nmode = "fan"': [
        "'fan'",
        "one of fan_in, fan_out, fan_avg",
    ],
    '[initialiser]\nscheme = "uniform"\na = 2.0': ["initialiser", "a = 2", "b = 0.05", "a ≤ b"],
    "network = 3": ["network = 3", "a section of keys"],
    'initialiser = "normal"': ["initialiser = 'normal'", "a section of keys"],
    "[[network]]\nwidth = 3": ["network = [{'width': 3}]", "a section of keys"],
    "title = 3": ["title = 3", "a text of at most 200 characters"],
    'title = "' + "x" * 201 + '"': ["title = 'xxx", "a text of at most 200 characters"],
    "version = 2": ["version = 2", "newer", "at most 1"],
    "version = 0": ["version = 0", "only 1"],
    'version = "1"': ["version = '1'", "only 1"],
    '[run]\nprecision = "float16"': ["'float16'", "one of float32, float64"],
    "[run]\nseed = -1": ["run.seed = -1", "a whole number from 0 to 2147483647"],
    "[training]\nlearning_rate = 1e31": ["1e+31", "a number from 0 to 1e+30"],
    f"[training]\nlearning_rate = {'1' * 400}": ["training.learning_rate", "from 0 to 1e+30"],
    "[training]\nbatch_size = 1\n[network]\nnormalisation = 'batch'": ["batch_size = 1", "least 2"],
    "[network]\nwidth = 4096\nhidden_layers = 1000": ["width = 4096", "hidden_layers = 1000"],
    "[network]\nwidth = 1 2": ["not valid TOML", "line 2"],
    "width = ": ["not valid TOML"],
    f"width = {'1' * 5000}": ["not valid TOML"],
    "#\n" * 100_001: ["200002 characters", "at most 200000"],
    "#" * 13_001: ["a line of 13001 characters", "at most 13000"],
    ("#" * 5000 + "\n") * 8: ["a line of 5000 characters", "fewer where there are several"],
    "layers = 3": ["layers = 3", "a list of at most 100 sections"],
    "[layers]\nwidth = 3": ["layers = {'width': 3}", "a list of at most 100 sections"],
    "[[layers]]\n" * 101: ["layers = ", "a list of at most 100 sections"],
    "layers = [3]": ["layers.0 = 3", "a section of keys"],
    "[[layers]]\nname = 'layer 1'": ["layers.0.name = 'layer 1'", "'output', or 'hidden 1'"],
    "[[layers]]\nnaem = 'output'": ["layers.0.naem", "unknown key", "did you mean 'name'?"],
    "[[layers]]\n[[layers]]": ["layers: 'output' is there 2 times"],
    "[[layers]]\nactivation = 'tahn'": ["layers.0.activation = 'tahn'", "one of '', sigmoid"],
    "[[layers]]\ninitialiser = 3": ["layers.0.initialiser = 3", "a section of keys"],
    "[[layers]]\n[layers.initialiser]\nscheme = 'glort_normal'": [
        "layers.0.initialiser.scheme = 'glort_normal'",
        "did you mean 'glorot_normal'?",
    ],
    "[[layers]]\n[layers.initialiser]\ngain = 3": ["layers.0.initialiser.gain = 3", "unknown key"],
    "[[layers]]\n[layers.initialiser]\nscheme = 'formula'\nexpression = 'fanin'": [
        "layers.0.initialiser.expression: unknown name 'fanin'",
        "did you mean 'fan_in'?",
    ],
    "[training]\ndata = 'file'\npath = \"a\\u0000b\"": ["training.path = ", "a path on one line"],
    "[training]\npath = '" + "x" * 4001 + "'": ["training.path", "a path of at most 4000"],
    "[training]\npath = 3": ["training.path = 3", "a path of at most 4000"],
    "[network]\narchitecture = 'cnn'\n[training]\ndata = 'moons'": ["'cnn'", "reads images"],
    # keys and values that are strange enough to break a message
    '[network]\n"wi\\ndth" = 3': ["'wi\\ndth' = 3", "unknown key"],
    '[network]\nactivation = "a\\nb"': ["'a\\nb'", "one of sigmoid"],
    "x." + ".".join(["a"] * 2000) + " = 1": ["x = {'a':", "unknown key"],
    "network.width." + ".".join(["a"] * 2000) + " = 1": ["network.width = {'a':"],
    "initialiser.scheme." + ".".join(["a"] * 2000) + " = 1": ["initialiser.scheme = {'a':"],
    "x = " + "[" * 3000: ["not valid TOML"],
    "version = " + "9" * 4000: ["version = 999", "newer"],
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: repr(text[:40]))
def test_a_mistake_is_answered_by_one_line_with_key_value_and_what_is_allowed(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the sentence is checked below)
        Experiment.from_toml(text)
    message = str(caught.value)
    assert not isinstance(caught.value, ValidationError)
    for part in MISTAKES[text]:
        assert part in message
    assert "\n" not in message
    assert len(message) < 700


class Sample(Part):
    """One field of every kind."""

    count: int = Limits(default=2, ge=1)
    hidden: float = 1.0


def test_a_field_without_a_setting_makes_no_form_row():
    assert list(fields_of(Sample(), "sample")) == []


def test_every_setting_of_an_experiment_has_a_field_fit_for_a_form():
    for field in Experiment().fields():
        assert field.setting.label
        assert field.setting.help
        assert field.kind in ("integer", "number", "flag", "text", "path", "choice")
        assert field.allowed
        if field.kind == "choice":
            assert field.value in [value for value, _ in field.choices]
            assert all(label for _, label in field.choices)
        if field.kind in ("integer", "number"):
            assert field.minimum <= field.value <= field.maximum
        if field.setting.usual is not None:
            low, high = field.setting.usual
            assert field.minimum <= low < high <= field.maximum
            assert low > 0 or not field.setting.logarithmic


def test_a_field_says_what_is_allowed():
    allowed = {field.key: field.allowed for field in Experiment().fields()}
    assert allowed["network.width"] == "a whole number from 1 to 4096"
    assert allowed["network.residual"] == "true or false"
    assert allowed["training.loss"] == "one of cross_entropy, mse"
    assert allowed["initialiser.std"] == "a number from 0 to 1e+30"


def test_a_part_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Experiment().network.width = 3


def test_a_setting_is_visible_unless_it_says_otherwise():
    assert Setting("Anything").visible(None, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tahn", " (did you mean 'tanh'?)"),
        ("Tanh", " (did you mean 'tanh'?)"),
        ("LeakyReLU", " (did you mean 'leaky_relu'?)"),
        ("leaky", " (did you mean 'leaky_relu'?)"),
        ("zzzz", ""),
        ("", ""),
        ("tanh" * 100, ""),
    ],
)
def test_did_you_mean_names_a_near_miss_only(name, expected):
    assert did_you_mean(name, ["tanh", "leaky_relu"]) == expected


def test_a_choice_resolves_names_and_aliases_alone():
    choice = Choice({"tanh": "tanh"}, {"tangens": "tanh"})
    assert choice.resolve("tanh") == choice.resolve("tangens") == "tanh"
    with pytest.raises(ValueError, match="one of tanh"):
        choice.resolve("relu")


@pytest.mark.parametrize(
    "value",
    [3, "a\nb", "x" * 10_000, [[[[[[1]]]]]], {"a": {"b": {"c": {}}}}, 10**4000, dt.time()],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_quoted_on_one_short_line(value):
    assert len(shown(value)) <= 70
    assert "\n" not in shown(value)
