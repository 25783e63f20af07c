"""The grey box: what each layer really gets."""

import re

import pytest
from PySide6.QtWidgets import QLabel

from initviz.lab.experiment import Experiment
from initviz.ui.scheme_note import SchemeNote, spreads


def text_of(note):
    plain = re.sub(r"<[^>]+>", "", note.findChild(QLabel, "scheme_note").text())
    return plain.replace("&nbsp;", " ").replace("\u00a0", " ")


@pytest.fixture
def note(qtbot):
    made = SchemeNote()
    qtbot.addWidget(made)
    return made


def test_the_sigma_of_each_size_of_layer_stands_beside_glorots(note):
    note.set_experiment(Experiment.from_toml("[initialiser]\nscheme = 'normal'\nstd = 0.05"))
    text = text_of(note)
    assert re.search(r"layer 1 +0\.0500 +0\.110", text)
    assert re.search(r"layers 2–10 +0\.0500 +0\.100", text)
    assert re.search(r"output +0\.0500 +0\.135", text)


def test_glorots_own_sigma_is_not_written_twice(note):
    note.set_experiment(Experiment().with_value("initialiser.scheme", "glorot_normal"))
    assert "Glorot's" not in text_of(note)


def test_the_scale_stands_beside_the_critical_value(qtbot, note):
    note.set_experiment(Experiment())
    assert "n·E w2 = 0.0100" in text_of(note)
    qtbot.waitUntil(lambda: "critical for tanh: 1.00" in text_of(note))
    relu = Experiment().with_value("network.activation", "relu")
    note.set_experiment(relu.with_value("initialiser.scheme", "he_normal"))
    assert "n·E w2 = 2.00" in text_of(note)
    qtbot.waitUntil(lambda: "critical for ReLU: 2.00" in text_of(note))


def test_a_constant_start_counts_its_mean(note):
    note.set_experiment(
        Experiment().with_value("initialiser.scheme", "constant").with_value("network.width", 16)
    )
    assert "n·E w2 = 4.00" in text_of(note)


@pytest.mark.parametrize(
    ("depth", "names"), [(1, ["layer 1", "output"]), (2, ["layer 1", "layer 2", "output"])]
)
def test_few_layers_are_named_one_by_one(depth, names):
    found = spreads(Experiment().with_value("network.hidden_layers", depth))
    assert [spread.layers.replace("\u00a0", " ") for spread in found] == names
