"""The grey box: what each layer really gets."""

import re

import pytest
from PySide6.QtWidgets import QLabel

from initviz.lab.datasets import describe
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.ui.scheme_note import MOST_GROUPS, SchemeNote, layers_of, listed, spreads

DEFAULT = Experiment()
LSTM = DEFAULT.with_values(
    {"network.architecture": "lstm", "network.hidden_layers": 2, "training.data": "digit_rows"}
)


def text_of(note):
    plain = re.sub(r"<[^>]+>", "", note.findChild(QLabel, "scheme_note").text())
    return plain.replace("&nbsp;", " ").replace("\u00a0", " ").replace("\u200b", "")


def rows_of(experiment):
    layers = layers_of(experiment, describe(experiment.training))
    found = spreads(layers, is_recurrent=experiment.network.is_recurrent)
    return [(row.layers.replace("\u00a0", " "), row.sigma, row.beside) for row in found]


@pytest.fixture
def note(qtbot):
    made = SchemeNote()
    qtbot.addWidget(made)
    yield made
    made.stop()


def test_the_sigma_of_each_size_of_layer_stands_beside_glorots(note):
    note.set_experiment(Experiment.from_toml("[initialiser]\nscheme = 'normal'\nstd = 0.05"))
    text = text_of(note)
    assert re.search(r"layer 1 +0\.0500 +0\.110", text)
    assert re.search(r"layers 2–10 +0\.0500 +0\.100", text)
    assert re.search(r"output +0\.0500 +0\.135", text)


def test_glorots_own_sigma_is_not_written_twice(note):
    note.set_experiment(DEFAULT.with_value("initialiser.scheme", "glorot_normal"))
    assert "Glorot's" not in text_of(note)


def test_the_scale_stands_beside_the_critical_value(qtbot, note):
    note.set_experiment(DEFAULT)
    assert "n·E w2 = 0.0100" in text_of(note)
    qtbot.waitUntil(lambda: "critical for tanh: 1.00" in text_of(note))
    relu = DEFAULT.with_value("network.activation", "relu")
    note.set_experiment(relu.with_value("initialiser.scheme", "he_normal"))
    assert "n·E w2 = 2.00" in text_of(note)
    qtbot.waitUntil(lambda: "critical for ReLU: 2.00" in text_of(note))


def test_a_constant_start_counts_its_mean(note):
    note.set_experiment(
        DEFAULT.with_values({"initialiser.scheme": "constant", "network.width": 16})
    )
    assert "n·E w2 = 4.00" in text_of(note)


@pytest.mark.parametrize(
    ("depth", "names"), [(1, ["layer 1", "output"]), (2, ["layer 1", "layer 2", "output"])]
)
def test_few_layers_are_named_one_by_one(depth, names):
    rows = rows_of(DEFAULT.with_value("network.hidden_layers", depth))
    assert [name for name, *_ in rows] == names


def test_layers_that_get_the_same_are_one_line(note):
    rows = rows_of(DEFAULT.with_value("network.width", 64))  # as wide as the data
    assert [name for name, *_ in rows] == ["layers 1–10", "output"]


def test_a_layer_with_a_scheme_of_its_own_has_a_line_of_its_own():
    own = DEFAULT.with_layer("hidden 10").with_layer("output")
    own = own.with_values(
        {"layers.0.initialiser.scheme": "he_normal", "layers.1.initialiser.scheme": "zeros"}
    )
    assert rows_of(own) == [
        ("layer 1", "0.0100", "0.110"),
        ("layers 2–9", "0.0100", "0.100"),
        ("layer 10 (own scheme)", "0.141", "0.100"),
        ("output (own scheme)", "0", "0.135"),
    ]


def test_a_layer_of_another_width_changes_its_neighbour_too():
    wide = DEFAULT.with_layer("hidden 10").with_value("layers.0.width", 400)
    assert rows_of(wide.with_value("initialiser.scheme", "he_normal")) == [
        ("layer 1", "0.177", "0.110"),
        ("layers 2–9", "0.141", "0.100"),
        ("layer 10", "0.141", "0.0632"),
        ("output", "0.0707", "0.0698"),
    ]


def test_of_many_different_layers_only_the_first_are_listed():
    many = DEFAULT
    for index, width in enumerate((10, 20, 30, 40, 50, 60, 70)):
        many = many.with_layer(f"hidden {index + 1}").with_value(f"layers.{index}.width", width)
    rows = rows_of(many)
    assert len(rows) == MOST_GROUPS + 1
    assert rows[-2] == ("…", "", "")
    assert rows[-1][0] == "output"


def test_recurrent_layers_show_both_weights():
    rows = rows_of(LSTM.with_value("initialiser.scheme", "he_normal"))
    # 8 numbers in a step, 100 units; a gate of the LSTM is a weight of its own.
    assert rows == [
        ("layer 1", "0.500", "0.141"),
        ("layer 2", "0.141", "0.141"),
        ("output", "0.141", ""),
    ]


def test_gates_have_no_critical_value_and_plain_recurrence_has_one(qtbot, note):
    note.set_experiment(LSTM)
    assert "the gates have a say" in text_of(note)
    note.set_experiment(LSTM.with_value("network.architecture", "rnn"))
    qtbot.waitUntil(lambda: "critical for tanh without inputs: 1.00" in text_of(note))
    assert "of Wh = n·E w2" in text_of(note)


def test_convolutions_count_their_taps(note):
    note.set_experiment(
        DEFAULT.with_values({"network.architecture": "cnn", "initialiser.scheme": "he_normal"})
    )
    assert "n·k2·E w2 = 2.00" in text_of(note)


def test_biases_move_the_critical_value(qtbot, note):
    biased = DEFAULT.with_value("initialiser.bias", 0.1)
    note.set_experiment(biased)
    qtbot.waitUntil(lambda: "critical for tanh with σb = 0.1: 1.42" in text_of(note))
    note.set_experiment(biased.with_value("network.activation", "relu"))
    qtbot.waitUntil(lambda: "ReLU has no critical value with σb = 0.1" in text_of(note))


def test_normalised_and_residual_networks_are_told_apart_from_plain_ones(qtbot, note):
    for key, value in (("network.normalisation", "batch"), ("network.residual", True)):
        note.set_experiment(DEFAULT.with_value(key, value))
        qtbot.waitUntil(lambda: "critical for tanh in plain layers: 1.00" in text_of(note))


def test_the_activation_is_that_of_most_layers(qtbot, note):
    mixed = DEFAULT.with_value("network.activation", "relu")
    for index in range(2):
        mixed = mixed.with_layer(f"hidden {index + 3}")
        mixed = mixed.with_value(f"layers.{index}.activation", "tanh")
    note.set_experiment(mixed)
    qtbot.waitUntil(lambda: "critical for ReLU: 2.00" in text_of(note))


def test_the_scale_says_of_which_layers_it_is_where_others_differ(note):
    own = DEFAULT.with_layer("hidden 10").with_value("layers.0.initialiser.scheme", "he_normal")
    note.set_experiment(own)
    assert "n·E w2 = 0.0100 in layers 2–9" in text_of(note)


def test_what_is_not_known_before_the_data_is_said(note):
    note.set_experiment(DEFAULT.with_value("initialiser.scheme", "lsuv"))
    assert re.search(r"layers 2–10 +\? +0\.100", text_of(note))
    assert "? is not known before it is drawn" in text_of(note)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("architecture", ["mlp", "cnn", "rnn", "lstm", "gru"])
def test_every_scheme_can_be_told_of_every_architecture(note, scheme, architecture):
    e = DEFAULT.with_values({"network.architecture": architecture, "initialiser.scheme": scheme})
    note.set_experiment(e)
    assert "output" in text_of(note)
    assert "\\" not in text_of(note)


def test_the_calls_of_other_libraries_and_the_source_are_a_tooltip(note):
    note.set_experiment(DEFAULT.with_value("initialiser.scheme", "he_normal"))
    label = note.findChild(QLabel, "scheme_note")
    for word in ("PyTorch: nn.init.kaiming_normal_", "Keras: ", "Source: He, Zhang, Ren"):
        assert word in label.toolTip()
        assert word in label.accessibleDescription()


def test_a_bad_data_file_is_told_and_not_a_fault(qtbot, note, tmp_path):
    bad = DEFAULT.with_values(
        {"training.data": "file", "training.path": str(tmp_path / "nowhere.csv")}
    )
    note.set_experiment(bad)
    qtbot.waitUntil(lambda: "nowhere.csv" in text_of(note))
    assert "W" in text_of(note)


def test_a_file_that_came_later_is_read_when_told_to_look_again(qtbot, note, tmp_path):
    path = tmp_path / "late.csv"
    late = DEFAULT.with_values({"training.data": "file", "training.path": str(path)})
    note.set_experiment(late)
    qtbot.waitUntil(lambda: "late.csv" in text_of(note))
    path.write_text("a,b,y\n" + "1,2,x\n3,4,z\n" * 8)
    note.look_again()
    qtbot.waitUntil(lambda: "layers 2–10" in text_of(note))


def test_layers_are_named_as_a_person_would():
    assert listed([3]) == "layer\u00a03"
    assert listed([2, 3, 4]) == "layers\u00a02–4"
    assert listed([2, 5]) == "2 of the layers"
