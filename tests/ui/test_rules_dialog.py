"""The table of rules: every rule is there, thresholds are changed, refused and reset."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget

from initviz.lab.rules import RULES
from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.ui import theme
from initviz.ui.rules_dialog import RulesDialog


@pytest.fixture
def parent(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def dialog(qtbot, parent):
    made = RulesDialog(parent, DEFAULTS)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.open()
    made.got = []
    made.changed.connect(made.got.append)
    return made


def box(dialog, name):
    return dialog.findChild(QLineEdit, f"rules.{name}")


def enter(dialog, name, text):
    field = box(dialog, name)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def error(dialog, name):
    label = dialog.findChild(QLabel, f"rules.{name}.error")
    return label.text() if label.isVisibleTo(dialog) else ""


def test_every_rule_stands_there_with_why_and_source(dialog):
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    for rule in RULES:
        assert any(text.endswith(rule.label) for text in texts)
        assert any(rule.measured in text for text in texts)
        assert f"{rule.why}\nSource: {rule.source}." in texts


def test_every_threshold_can_be_edited_and_has_a_name(dialog):
    fields = {name: box(dialog, name) for name in Thresholds.model_fields}
    assert all(field.accessibleName() for field in fields.values())
    shown = {name: float(field.text()) for name, field in fields.items()}
    assert shown["dead"] == 50  # per cent
    assert shown["vanishing"] == 1e-3


def test_a_changed_number_counts_at_once(dialog):
    enter(dialog, "vanishing", "0,02")
    enter(dialog, "saturated", "12.5")
    assert [t.different() for t in dialog.got] == [
        {"vanishing": 0.02},
        {"vanishing": 0.02, "saturated": 0.125},
    ]
    assert dialog.isVisible()  # Enter is for the number


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("dead", "150", "Dead units: 150 % is not allowed: a number from 0 to 100 %."),
        ("exploding", "0.1", "Exploding signal: 0.1 is not allowed: a number from 1 to 1e+30."),
        ("starved", "few", "“few” is no number."),
        ("starved", "nan", "Starved weights: nan is not allowed: a number from 0 to 1."),
        ("starved", "", "“” is no number."),
    ],
)
def test_a_bad_number_is_refused_in_a_sentence(dialog, name, text, sentence):
    field = box(dialog, name)
    field.clear()
    enter(dialog, name, text)
    assert error(dialog, name) == sentence
    assert field.text() == text  # to be mended
    assert dialog.got == []


def test_a_mended_number_takes_the_sentence_away(dialog):
    enter(dialog, "dead", "150")
    enter(dialog, "dead", "15")
    assert error(dialog, "dead") == ""
    assert dialog.got[-1].dead == 0.15
    enter(dialog, "dead", "-1")
    enter(dialog, "dead", "15")
    assert error(dialog, "dead") == ""
    assert len(dialog.got) == 1


def test_the_defaults_come_back(dialog):
    enter(dialog, "dead", "15")
    enter(dialog, "vanishing", "7")
    dialog.findChild(QPushButton, "rules.reset").click()
    assert dialog.got[-1] == DEFAULTS
    assert box(dialog, "dead").text() == "50"
    assert error(dialog, "vanishing") == ""


def test_it_opens_on_the_thresholds_that_stand(qtbot, parent):
    made = RulesDialog(parent, DEFAULTS.with_threshold("dead", 0.07))
    qtbot.addWidget(made)
    assert box(made, "dead").text() == "7"


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=lambda look: look.name)
def test_it_wears_every_theme_and_no_text_is_cut(qtbot, parent, look):
    app = QApplication.instance()
    theme.apply(app, look)
    made = RulesDialog(parent, DEFAULTS)
    qtbot.addWidget(made)
    made.resize(made.sizeHint())
    made.show()
    image = made.grab().toImage()
    assert image.pixelColor(3, 3).name() == look.window
    for label in made.findChildren(QLabel):
        if label.isVisibleTo(made) and label.text():
            words = max(label.text().split(), key=len)
            assert label.width() >= label.fontMetrics().horizontalAdvance(words), label.text()
            assert label.height() >= label.heightForWidth(label.width()), label.text()
    theme.apply(app, theme.LIGHT)
