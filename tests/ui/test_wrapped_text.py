"""Text of several lines that changes often and rarely asks for room."""

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QVBoxLayout, QWidget

from initviz.ui.wrapped_text import WrappedText

LINE = "one line"
LINES = " ".join(["a text of several lines"] * 12)


class Requests(QObject):
    """Counts how often a widget was to be laid out anew."""

    def __init__(self, watched):
        super().__init__(watched)
        self.count = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


@pytest.fixture
def column(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    body = QVBoxLayout(made)
    body.setContentsMargins(0, 0, 0, 0)
    made.text = WrappedText()
    body.addWidget(made.text)
    body.addStretch(1)
    made.text.say(LINE)
    made.resize(200, 600)
    made.show()
    qtbot.waitExposed(made)
    settle()
    return made


def settle():
    QCoreApplication.sendPostedEvents()
    QCoreApplication.processEvents()


def test_a_text_as_high_as_the_one_before_asks_nothing_of_what_is_around_it(column):
    requests = Requests(column)
    for number in range(10):
        column.text.say(f"one line {number}")
        settle()
    assert column.text.label.text() == "one line 9"
    assert requests.count == 0


def test_a_higher_text_has_the_room_it_needs_and_a_lower_one_gives_it_back(column):
    low = column.text.height()
    column.text.say(LINES)
    settle()
    assert column.text.height() == column.text.label.heightForWidth(200) > 3 * low
    column.text.say(LINE)
    settle()
    assert column.text.height() == low


def test_in_a_narrower_column_there_are_more_lines(column):
    column.text.say(LINES)
    settle()
    wide = column.text.height()
    column.resize(120, 600)
    settle()
    assert column.text.height() > 1.4 * wide
    assert column.text.label.size() == column.text.size()


def test_larger_letters_have_more_room(column):
    column.text.say(LINES)
    settle()
    before = column.text.height()
    column.setStyleSheet("QLabel { font-size: 20px; }")
    settle()
    assert column.text.height() > 1.3 * before
    assert column.text.height() == column.text.label.heightForWidth(200)


def test_a_text_that_came_while_it_was_hidden_has_its_room(column):
    column.text.hide()
    column.text.say(LINES)
    settle()
    column.text.show()
    settle()
    assert column.text.height() == column.text.label.heightForWidth(200)


def test_what_is_selected_stays_while_the_text_does(column):
    column.text.say(LINE)
    column.text.label.setSelection(0, 3)
    column.text.say(LINE)
    assert column.text.label.selectedText() == "one"
