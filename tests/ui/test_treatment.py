"""What can be done about findings, in the window: remedies, proofs and thresholds."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from initviz.app import settings
from initviz.app.main import create_window
from initviz.session.lane import State
from initviz.ui.rules_dialog import RulesDialog

PATIENCE = 60_000


@pytest.fixture
def window(qtbot):
    made = create_window([])
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: made.lane.state is State.PAUSED, timeout=PATIENCE)
    yield made
    made.close()


def card(window):
    return window.side.diagnosis.cards[0]


def button(window, text):
    return next(b for b in card(window).findChildren(QPushButton) if text in b.text())


def words(window):
    labels = card(window).findChildren(QLabel)
    return " ".join(label.text() for label in labels if label.isVisibleTo(card(window)))


def test_prove_it_trains_behind_the_window_and_shows_the_sentence(qtbot, window):
    button(window, "Prove it").click()
    assert not button(window, "Prove it").isEnabled()
    qtbot.waitUntil(lambda: "Cured." in words(window), timeout=PATIENCE)
    assert "With Glorot normal the signal gradient of layer 1 rises from" in words(window)
    assert button(window, "Prove it").isEnabled()
    assert window.recording("A").last_step == 0  # the run itself was left alone
    assert window.lane.experiment.initialiser.name == "normal"


def test_a_proof_ends_with_a_reset_and_its_words_go(qtbot, window):
    button(window, "Prove it").click()
    qtbot.waitUntil(lambda: "Cured." in words(window), timeout=PATIENCE)
    window.action("reset").trigger()
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=PATIENCE)
    assert "Cured." not in words(window)
    button(window, "Prove it").click()
    window.action("reset").trigger()
    assert not window.treatment._runner.is_running
    assert button(window, "Prove it").isEnabled()


def test_a_proof_can_be_cancelled_in_the_card(qtbot, window):
    window.side.diagnosis.step = 1000  # as many updates as are proved
    button(window, "Prove it").click()
    qtbot.waitUntil(lambda: button(window, "Cancel").isVisible(), timeout=PATIENCE)
    button(window, "Cancel").click()
    assert not window.treatment._runner.is_running
    assert not button(window, "Cancel").isVisible()
    assert button(window, "Prove it").isEnabled()


def test_closing_during_a_proof_leaves_nothing_behind(window):
    button(window, "Prove it").click()
    window.close()


def test_the_title_says_which_remedy_was_followed(qtbot, window):
    before = window.lane.experiment.title
    button(window, "Try Glorot normal").click()
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=PATIENCE)
    assert window.lane.experiment.title == f"{before}, the same with Glorot normal"
    window.action("undo").trigger()
    assert window.lane.experiment.title == before


def test_a_changed_threshold_changes_the_diagnosis_at_once_and_is_kept(qtbot, window):
    assert window.action("rules").shortcuts()
    window.action("rules").trigger()
    dialog = window.findChild(RulesDialog)
    field = dialog.findChild(QLineEdit, "rules.vanishing")
    field.selectAll()
    QTest.keyClicks(field, "1e-12")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert card(window).finding.label == "Starved weights"
    field = dialog.findChild(QLineEdit, "rules.starved")
    field.selectAll()
    QTest.keyClicks(field, "0")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert card(window).finding.kind == "healthy"
    dialog.close()
    window.close()
    kept = settings.load(settings.default_path()).thresholds
    assert kept.different() == {"vanishing": 1e-12, "starved": 0.0}
    again = create_window([])
    qtbot.addWidget(again)
    qtbot.waitUntil(lambda: again.lane.state is State.PAUSED, timeout=PATIENCE)
    assert card(again).finding.kind == "healthy"
    again.close()
