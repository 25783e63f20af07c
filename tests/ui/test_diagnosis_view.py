"""The diagnosis: a card for each finding, told by sign, word and sentence."""

from html import unescape

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from initviz import Experiment, run
from initviz.lab.wording import SIGNS
from initviz.ui.diagnosis_view import COLOURS, DiagnosisView
from initviz.ui.theme import DARK, LIGHT


@pytest.fixture(scope="module")
def vanishing():
    return run(Experiment(), steps=1)


@pytest.fixture(scope="module")
def healthy():
    glorot = Experiment().with_value("initialiser.scheme", "glorot_normal")
    return run(glorot, steps=0)


@pytest.fixture
def view(qtbot):
    made = DiagnosisView()
    qtbot.addWidget(made)
    made.set_theme(LIGHT)
    made.resize(290, 600)
    made.show()
    return made


def shown(view, recording, step=0):
    view.show_findings(step, [("A", finding) for finding in recording.findings(step)])
    return view.cards[0]


def words(card):
    labels = [label for label in card.findChildren(QLabel) if label.isVisibleTo(card)]
    return unescape(" ".join(label.text() for label in labels)).replace("\u00a0", " ")


def button(card, text):
    return next(b for b in card.findChildren(QPushButton) if text in b.text())


def test_a_card_tells_its_verdict_by_sign_word_and_sentence(view, vanishing):
    card = shown(view, vanishing)
    finding = vanishing.findings(0)[0]
    assert finding.kind == "vanishing"
    assert "▼ A" in words(card)
    assert finding.label in words(card)
    assert finding.label in card.accessibleName()
    assert card.accessibleDescription() == finding.message
    assert card.objectName() == "finding.A.vanishing"


def test_measured_values_are_set_off_and_layer_numbers_are_not(view, vanishing):
    card = shown(view, vanishing)
    text = words(card)
    finding = vanishing.findings(0)[0]
    assert finding.numbers
    for value in finding.numbers:
        assert f"> {value} </span>" in text
    assert "layer 1 is" in text


def test_a_limit_is_not_set_off_where_it_is_the_number_of_a_layer(view):
    exploding = Experiment().with_value("initialiser.scheme", "orthogonal")
    recording = run(exploding.with_value("initialiser.gain", 8.0), steps=0)
    assert "10" in recording.findings(0)[0].numbers
    text = words(shown(view, recording))
    assert "layer 10's" in text
    assert "> 10 </span>" in text


def test_the_remedy_is_one_click(qtbot, view, vanishing):
    card = shown(view, vanishing)
    wanted = []
    view.remedy_wanted.connect(wanted.append)
    QTest.mouseClick(button(card, "Try Glorot normal"), Qt.MouseButton.LeftButton)
    assert [f.remedy_settings["initialiser.scheme"] for f in wanted] == ["glorot_normal"]


def test_why_unfolds_the_rule_with_its_limit_and_source(view, vanishing):
    card = shown(view, vanishing)
    finding = vanishing.findings(0)[0]
    assert finding.source not in words(card)
    button(card, "Why?").click()
    assert finding.source in words(card)
    assert "10⁻³" in words(card)
    button(card, "Why?").click()
    assert finding.source not in words(card)


def test_a_healthy_lane_has_nothing_to_try(view, healthy):
    card = shown(view, healthy)
    assert "● A" in words(card)
    assert not [
        b for b in card.findChildren(QPushButton) if "Try" in b.text() and b.isVisibleTo(card)
    ]


def test_an_unfolded_rule_stays_while_the_numbers_move(view, vanishing):
    card = shown(view, vanishing, 0)
    button(card, "Why?").click()
    assert shown(view, vanishing, 1) is card
    assert vanishing.findings(1)[0].source in words(card)


def test_another_verdict_is_another_card(view, vanishing, healthy):
    before = shown(view, vanishing)
    after = shown(view, healthy)
    assert after is not before
    assert len(view.cards) == 1


def test_the_step_is_said(view, vanishing):
    shown(view, vanishing, 1)
    assert "STEP 1" in view.findChild(QLabel).text()


def test_text_can_be_selected(view, vanishing):
    card = shown(view, vanishing)
    selectable = Qt.TextInteractionFlag.TextSelectableByMouse
    assert all(label.textInteractionFlags() & selectable for label in card.findChildren(QLabel))


def test_every_kind_of_finding_has_a_look(view):
    from typing import get_args

    from initviz.lab.diagnosis import Kind

    assert set(SIGNS) == set(get_args(Kind))
    assert set(SIGNS.values()) == set(COLOURS) == {"▼", "●", "▲", "■"}
    for colour in COLOURS.values():
        assert getattr(LIGHT, colour).startswith("#")


def test_the_edge_has_the_colour_of_the_kind_in_every_theme(view, vanishing):
    card = shown(view, vanishing)
    for theme in (LIGHT, DARK):
        view.set_theme(theme)
        image = card.grab().toImage()
        colour = image.pixelColor(2, image.height() // 2).name()
        assert colour == theme.vanishing


def test_trouble_is_told_in_a_sentence(view):
    view.show_trouble("There is not enough memory.")
    texts = [label.text() for label in view.findChildren(QLabel) if label.isVisibleTo(view)]
    assert "There is not enough memory." in texts
    view.show_trouble("")
    texts = [label.text() for label in view.findChildren(QLabel) if label.isVisibleTo(view)]
    assert "There is not enough memory." not in texts
