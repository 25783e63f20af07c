"""The start screen: what there is to begin with, chosen without a mouse."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from initviz.lab.lectures import shipped, shipped_challenges
from initviz.lab.lectures.outline import outline
from initviz.ui.start_screen import StartScreen
from initviz.ui.theme import LIGHT, apply, load_fonts

LECTURE = """# A lecture

```toml lecture
version = 1
number = 7
minutes = 5
summary = "What it is about."
```

## One scene

## Another
"""


@pytest.fixture
def heard():
    return []


@pytest.fixture
def window(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(1280, 720)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def sheet(qtbot, tmp_path, heard, window):
    load_fonts()
    apply(QApplication.instance(), LIGHT)  # as the window does: the cards are as large as its text
    recent = tmp_path / ("very-" * 20) / "deep.toml"
    made = StartScreen(
        [outline(path) for path in shipped()],
        [outline(path) for path in shipped_challenges()],
        [recent],
        LIGHT,
        window,
    )
    made.when(
        lecture=lambda path: heard.append(("lecture", path)),
        challenge=lambda path: heard.append(("challenge", path)),
        file=lambda path: heard.append(("file", path)),
        new=lambda: heard.append(("new", None)),
        ask=lambda: heard.append(("ask", None)),
    )
    made.open()
    qtbot.waitExposed(made)
    return made


def press(key):
    QTest.keyClick(QApplication.focusWidget(), key)


def test_the_head_of_a_file_is_read_without_its_scenes(tmp_path):
    path = tmp_path / "one.md"
    path.write_text(LECTURE)
    head = outline(path)
    assert (head.title, head.number, head.minutes, head.scenes) == ("A lecture", 7, 5, 2)
    assert head.summary == "What it is about."


@pytest.mark.parametrize("text", ["", "no heading", "# x\n\n```toml lecture\n= =\n```", "\0" * 99])
def test_a_head_that_is_damaged_is_shown_by_its_name_or_title(tmp_path, text):
    path = tmp_path / "one.md"
    path.write_text(text)
    assert outline(path).title in ("one", "x")


def test_every_lecture_has_a_number_a_summary_and_a_picture():
    assert len(shipped()) == 13
    for number, path in enumerate(shipped()):
        head = outline(path)
        assert head.number == number
        assert head.summary
        assert head.picture is not None, path.name


def test_enter_opens_the_lecture_that_has_the_focus(sheet, heard):
    assert QApplication.focusWidget().objectName() == f"start.lecture.{shipped()[0].stem}"
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Return)
    assert heard == [("lecture", shipped()[1])]


def test_the_arrows_reach_every_card(sheet, heard):
    cards = len(shipped()) + len(shipped_challenges()) + 1
    seen = {QApplication.focusWidget().objectName()}
    for _ in range(cards):
        press(Qt.Key.Key_Right)
        seen.add(QApplication.focusWidget().objectName())
    assert len(seen) == cards
    press(Qt.Key.Key_Space)
    assert heard[0][0] == "file"


def test_down_and_up_go_to_the_next_line_and_back(sheet):
    first = QApplication.focusWidget()
    press(Qt.Key.Key_Down)
    below = QApplication.focusWidget()
    assert below.geometry().top() > first.geometry().top()
    assert below.geometry().left() == first.geometry().left()
    press(Qt.Key.Key_Up)
    assert QApplication.focusWidget() is first


@pytest.mark.parametrize(("button", "what"), [("start.new", "new"), ("start.open", "ask")])
def test_the_buttons_above_do_what_they_say(sheet, heard, button, what):
    sheet.findChild(QPushButton, button).click()
    assert heard == [(what, None)]


def test_escape_closes_it_and_does_nothing(sheet, heard, qtbot):
    press(Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not sheet.isVisible())
    assert heard == []


def test_no_words_are_cut_on_any_card(sheet):
    for card in sheet.findChildren(QPushButton):
        layout = card.layout()
        if layout is not None:
            assert layout.heightForWidth(card.width()) <= card.height(), card.objectName()
