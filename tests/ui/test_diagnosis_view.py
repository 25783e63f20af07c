"""The diagnosis: a card for each finding, told by sign, word and sentence."""

from html import unescape

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton

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
    view.remedy_wanted.connect(lambda letter, finding: wanted.append(finding))
    QTest.mouseClick(button(card, "Try Glorot normal"), Qt.MouseButton.LeftButton)
    assert [f.remedy_settings["initialiser.scheme"] for f in wanted] == ["glorot_normal"]


def test_another_remedy_can_be_chosen_and_then_is_what_is_tried(view, vanishing):
    card = shown(view, vanishing)
    finding = vanishing.findings(0)[0]
    others = button(card, "Or")
    actions = others.menu().actions()
    assert [a.data() for a in actions] == [advice.name for advice in finding.remedies]
    assert [a.isChecked() for a in actions] == [True] + [False] * (len(actions) - 1)
    wanted = []
    view.remedy_wanted.connect(lambda letter, finding: wanted.append(finding))
    actions[-1].trigger()
    button(card, "Try 5 hidden layers").click()
    assert wanted[0].advice == finding.remedies[-1]
    assert {a.name for a in wanted[0].remedies} == {a.name for a in finding.remedies}
    shown(view, vanishing, 1)
    assert button(card, "Try 5 hidden layers")  # the choice stays while the numbers move


def test_a_proof_is_asked_for_with_the_lane_and_the_chosen_remedy(view, vanishing):
    card = shown(view, vanishing)
    wanted = []
    view.proof_wanted.connect(lambda *what: wanted.append(what))
    button(card, "Or").menu().actions()[1].trigger()
    button(card, "Prove it").click()
    ((letter, finding),) = wanted
    assert letter == "A"
    assert finding.advice == vanishing.findings(0)[0].remedies[1]


def test_a_running_proof_shows_how_far_it_is_and_can_be_cancelled(view, vanishing):
    card = shown(view, vanishing)
    finding = card.finding
    cancelled = []
    view.cancel_wanted.connect(lambda: cancelled.append(True))
    bar = card.findChild(QProgressBar)
    view.show_progress("A", finding, None)
    assert not button(card, "Prove it").isEnabled()
    assert not bar.isVisibleTo(card)  # a moment yet
    view.show_progress("A", finding, 0.25)
    assert bar.isVisibleTo(card)
    assert bar.value() / bar.maximum() == 0.25
    button(card, "Cancel").click()
    assert cancelled == [True]
    view.end_progress()
    assert not bar.isVisibleTo(card)
    assert button(card, "Prove it").isEnabled()


def test_what_was_proved_stands_in_the_card_of_that_remedy_until_it_is_forgotten(view, vanishing):
    card = shown(view, vanishing)
    view.show_proof("A", card.finding, "Cured.", "With Glorot normal < and so on.")
    assert "Cured." in words(card)
    assert "With Glorot normal < and so on." in words(card)
    shown(view, vanishing, 1)
    assert "Cured." in words(card)
    actions = button(card, "Or").menu().actions()
    actions[1].trigger()
    assert "Cured." not in words(card)
    actions[0].trigger()
    assert "Cured." in words(card)
    view.forget_proofs("B")
    assert "Cured." in words(card)
    view.forget_proofs("A")
    assert "Cured." not in words(card)


def test_buttons_that_do_not_fit_into_a_line_stand_in_the_next(qtbot, view, vanishing):
    view.resize(220, 600)
    card = shown(view, vanishing)
    qtbot.waitUntil(lambda: card.width() <= 220)
    seen = [b for b in card.findChildren(QPushButton) if b.isVisibleTo(card)]
    assert all(b.geometry().right() <= card.width() for b in seen)
    assert all(b.width() >= b.sizeHint().width() for b in seen)
    assert len({b.y() for b in seen}) > 1


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
    seen = [b.text() for b in card.findChildren(QPushButton) if b.isVisibleTo(card)]
    assert seen == ["Why?"]


def test_an_unfolded_rule_stays_while_the_numbers_move(view, vanishing):
    card = shown(view, vanishing, 0)
    button(card, "Why?").click()
    assert shown(view, vanishing, 1) is card
    assert vanishing.findings(1)[0].source in words(card)


def test_a_card_comes_back_with_its_finding_as_it_was_left(view, vanishing, healthy):
    """What is found may come and go at every step: nothing is made anew for that."""
    card = shown(view, vanishing)
    button(card, "Why?").click()
    shown(view, healthy)
    assert not card.isVisibleTo(view)
    view.set_theme(DARK)
    assert shown(view, vanishing, 1) is card
    assert card.isVisibleTo(view)
    assert vanishing.findings(1)[0].source in words(card)
    assert DARK.ink in card.findChildren(QLabel)[1].text()


def test_cards_stand_in_the_order_of_the_lanes_whichever_came_first(view, vanishing, healthy):
    bad, good = vanishing.findings(0)[0], healthy.findings(0)[0]
    for letters in ("B", "AB", "CBA", "AC"):
        view.show_findings(0, [(letter, bad if letter == "B" else good) for letter in letters])
        assert [card.objectName().split(".")[1] for card in view.cards] == list(letters)
        view.layout().activate()
        heights = [card.y() for card in view.cards]
        assert heights == sorted(heights)
        assert len(set(heights)) == len(heights)


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
