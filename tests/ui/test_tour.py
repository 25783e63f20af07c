"""The tour of the window: five beats beside what they are about, in nobody's way."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from initviz.app.main import create_window
from initviz.ui.tour import BEATS, Tour
from tests.ui.windows import wait_until_idle


@pytest.fixture
def window(qtbot):
    made = create_window([])
    qtbot.addWidget(made)
    wait_until_idle(qtbot, made)
    made.resize(1280, 720)
    return made


def card(window):
    return next(w for w in window.findChildren(QWidget, "tour") if w.isVisible())


def is_on(window):
    return any(w.isVisible() for w in window.findChildren(QWidget, "tour"))


def test_there_are_at_most_five_beats_and_each_is_about_a_part_that_is_there(window):
    assert 1 <= len(BEATS) <= 5
    for beat in BEATS:
        assert getattr(window, beat.part).isVisible()


def test_return_goes_through_it_and_it_is_not_offered_again(window, qtbot):
    window.help.welcome()
    for number, beat in enumerate(BEATS, start=1):
        qtbot.waitUntil(lambda text=beat.text: text in card(window).accessibleDescription())
        assert f"{number} of {len(BEATS)}" in [
            label.text() for label in card(window).findChildren(QLabel)
        ]
        QTest.keyClick(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not is_on(window))
    assert window.state().has_seen_tour
    window.help.welcome()
    assert not is_on(window)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (1000, 640)])
def test_every_card_lies_inside_the_window_and_shows_all_of_its_words(window, size, qtbot):
    window.resize(*size)
    window.help.show_tour()
    for _ in BEATS:
        shown = card(window)
        place = QRect(shown.mapTo(window, QPoint(0, 0)), shown.size())
        assert window.rect().contains(place)
        text = shown.findChild(QLabel, "tour.text")
        assert text.heightForWidth(text.width()) <= text.height()
        shown.findChild(QPushButton, "tour.on").click()


def test_escape_ends_it_and_the_keys_of_the_window_work_meanwhile(window, qtbot):
    window.help.show_tour()
    QTest.keyClick(window, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: window.recording("A").last_step == 1)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not is_on(window)
    assert window.help.has_seen_tour


def test_it_begins_anew_when_it_is_asked_for_again(window, qtbot):
    window.help.show_tour()
    card(window).findChild(QPushButton, "tour.on").click()
    window.action("tour").trigger()
    assert BEATS[0].text in card(window).accessibleDescription()
    qtbot.waitUntil(lambda: len(window.findChildren(Tour)) == 1)


def test_the_first_beat_has_no_way_back_and_the_last_one_says_so(window):
    window.help.show_tour()
    assert not card(window).findChild(QPushButton, "tour.back").isVisible()
    for _ in BEATS[1:]:
        card(window).findChild(QPushButton, "tour.on").click()
    assert card(window).findChild(QPushButton, "tour.on").text() == "Done"
    card(window).findChild(QPushButton, "tour.back").click()
    assert BEATS[-2].text in card(window).accessibleDescription()
