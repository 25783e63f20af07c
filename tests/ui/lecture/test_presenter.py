"""The presenter's window: what the lecturer sees, and the same keys."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from initviz.lab.lectures import Stop
from initviz.ui.lecture.player import displays
from initviz.ui.lecture.presenter import NO_NOTES
from tests.ui.lecture.lectures import play, settle

Key = Qt.Key


@pytest.fixture
def player(qtbot):
    made = play(qtbot)
    settle(qtbot, made)
    return made


@pytest.fixture
def presenter(qtbot, player):
    QTest.keyClick(player, Key.Key_N)
    window = player.presenter
    qtbot.waitUntil(window.isActiveWindow)
    return window


def press(presenter, *keys):
    for key in keys:
        QTest.keyClick(QApplication.focusWidget() or presenter, key)


def test_it_shows_notes_place_time_and_what_comes_next(player, presenter):
    assert presenter.notes.markdown == "Say hello first."
    assert presenter.place.text() == "Scene 1 of 3, part 1 of 3 · One network"
    assert presenter.coming.markdown == "It trains."
    assert presenter.elapsed.text().endswith(" of 5 min")
    assert presenter.clock.text().count(":") == 1


def test_it_follows_the_lecture(player, presenter):
    press(player, Key.Key_PageDown, Key.Key_PageDown)
    assert presenter.notes.markdown == NO_NOTES
    assert presenter.coming.markdown.startswith("**And Glorot**\n\nWhich one keeps more of it?")
    press(player, Key.Key_PageDown)
    assert presenter.place.text().endswith("question · And Glorot")
    assert presenter.coming.markdown == "**The answer: 2, more**\n\nThe variance is kept."
    player.go(len(player.course.stops))
    assert presenter.coming.markdown == "The lecture ends here."


def test_the_time_since_the_start_goes_on(qtbot, player, presenter):
    before = presenter.elapsed.text()
    qtbot.waitUntil(lambda: presenter.elapsed.text() != before)


def test_the_same_keys_work_in_it(player, presenter):
    press(presenter, Key.Key_PageDown, Key.Key_Right, Key.Key_Space)
    assert player.course.stop == Stop(1, 0)
    press(presenter, Key.Key_2)
    assert player.course.chosen == 2
    press(presenter, Key.Key_Home)
    assert player.course.index == 0


def test_the_keys_work_after_a_click_on_the_notes(player, presenter):
    QTest.mouseClick(presenter.notes.viewport(), Qt.MouseButton.LeftButton)
    press(presenter, Key.Key_PageDown)
    assert player.course.index == 1


def test_b_blanks_the_audience_s_display_and_any_key_brings_it_back(player, presenter):
    press(presenter, Key.Key_B)
    assert player.overlay.objectName() == "lecture.blank"
    press(presenter, Key.Key_PageDown)
    assert player.overlay is None
    assert player.course.index == 0


def test_the_list_of_scenes_obeys_the_keys_pressed_here(player, presenter):
    press(presenter, Key.Key_G, Key.Key_Down, Key.Key_Return)
    assert player.overlay is None
    assert player.course.stop == Stop(1, 0)


def test_esc_twice_leaves_and_closes_both(qtbot, player, presenter):
    with qtbot.waitSignal(player.closed):
        press(presenter, Key.Key_Escape, Key.Key_Escape)
    assert not presenter.isVisible()
    assert not player.isVisible()


def test_n_closes_it_and_opens_it_again(player, presenter):
    press(presenter, Key.Key_N)
    assert not presenter.isVisible()
    player.toggle_notes()
    assert presenter.isVisible()


def test_closing_it_leaves_the_lecture_open(player, presenter):
    presenter.close()
    assert player.isVisible()
    player.toggle_notes()
    assert presenter.isVisible()


def test_its_controls_have_names(presenter):
    for widget in presenter.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible():
            assert widget.objectName(), widget
            assert widget.accessibleName(), widget


class Screen:
    pass


def test_with_two_displays_the_audience_has_the_one_that_is_not_the_lecturer_s():
    own, projector = Screen(), Screen()
    assert displays([own, projector], own) == (projector, own)
    assert displays([projector, own], own) == (projector, own)


def test_with_one_display_it_is_the_audience_s():
    own = Screen()
    assert displays([own], own) == (own, None)
