"""The help: everything that the program has a name for can be looked up, without a mouse."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.lab.lectures.mathematics import check
from initviz.lab.quantities import QUANTITIES
from initviz.ui.help.topics import topics
from initviz.ui.help.window import HelpWindow
from initviz.ui.panels import PANELS
from initviz.ui.theme import LIGHT

ALL = topics()
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)


@pytest.fixture
def sheet(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    made = HelpWindow(ALL, LIGHT, window)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    window.close()


def titles(section):
    return {topic.title for topic in ALL if topic.section == section}


def test_every_panel_setting_scheme_activation_and_quantity_can_be_looked_up():
    assert titles("Panels") == {panel.title for panel in PANELS}
    assert titles("Initialisers") == {scheme.label for scheme in SCHEMES.values()}
    assert titles("Activations") == {one.label for one in ACTIVATIONS.values()}
    assert titles("What is measured") >= {one.label for one in QUANTITIES.values()}
    settings = {f.setting.label for f in Experiment().fields() if f.setting.help}
    assert titles("Settings") >= settings


def test_the_words_that_the_program_uses_are_in_the_glossary():
    words = {
        "Pre-activation",
        "Fan-in, fan-out",
        "Gain",
        "Frobenius norm",
        "Dead unit",
        "Saturated",
    }
    assert titles("Glossary") >= words
    assert len(titles("Glossary")) >= 35


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: f"{topic.section}: {topic.title}")
def test_every_formula_can_be_drawn(topic):
    assert topic.text.strip()
    for display, inline in FORMULA.findall(topic.text):
        check(display or inline)


def test_search_shows_what_is_called_so_first_and_the_arrows_go_on(sheet):
    QTest.keyClicks(QApplication.focusWidget(), "xavier")
    assert "Glorot" in sheet.shown.title or "Xavier" in sheet.shown.text
    first = sheet.shown
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert sheet.shown is not first
    assert sheet.shown.matches("xavier")


def test_a_title_comes_before_a_mention(sheet):
    sheet.look_up("orthogonal")
    assert "rthogonal" in sheet.shown.title


def test_words_that_are_nowhere_are_said_to_be(sheet):
    sheet.look_up("zebra crossing")
    assert sheet.shown is None
    assert "zebra crossing" in sheet.findChild(QWidget, "help.text").markdown
    sheet.look_up("")
    assert sheet.shown is not None
