"""The player with the keys of a keyboard and of a presenter's remote, in its real window."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from initviz.lab.lectures import Stop, read_lecture, shipped
from initviz.ui.lecture.keys import ENTRIES
from initviz.ui.lecture.player import LecturePlayer
from tests.ui.lecture.lectures import THREE, play, settle

Key = Qt.Key
LAST = Stop(2, 1)


@pytest.fixture
def player(qtbot):
    made = play(qtbot)
    settle(qtbot, made)
    return made


def press(player, *pressed, modifier=Qt.KeyboardModifier.NoModifier):
    """Press keys wherever the focus is."""
    for key in pressed:
        QTest.keyClick(QApplication.focusWidget() or player, key, modifier)


def walk(player, key):
    """Press a key until the lecture's last stop; return the stops on the way, the first too."""
    seen = [player.course.stop]
    while not player.course.is_at_end:
        press(player, key)
        assert player.course.index == len(seen)
        seen.append(player.course.stop)
    return seen


# -- through the lecture ---------------------------------------------------------------------


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_Right, Key.Key_PageDown])
def test_each_of_three_keys_goes_through_every_stop_in_order(player, key):
    assert walk(player, key) == list(player.course.stops)


@pytest.mark.parametrize("key", [Key.Key_Left, Key.Key_PageUp])
def test_each_of_two_keys_goes_back_through_every_stop(player, key):
    player.go(len(player.course.stops))
    for index in reversed(range(len(player.course.stops) - 1)):
        press(player, key)
        assert player.course.index == index
    press(player, key)
    assert player.course.index == 0


def test_a_remote_gets_through_with_page_keys_and_b_alone(qtbot, player):
    stops = player.course.stops
    for index in range(1, len(stops)):
        press(player, Key.Key_B)
        assert player.overlay is not None
        press(player, Key.Key_PageDown)  # any key brings the picture back, and does no more
        assert player.overlay is None
        assert player.course.index == index - 1
        press(player, Key.Key_PageDown)
        assert player.course.index == index
        settle(qtbot, player)
    assert player.course.stop == LAST
    press(player, Key.Key_PageDown)
    assert "ends here" in player.footer.notice.text()
    for _ in stops:
        press(player, Key.Key_PageUp)
    assert player.course.index == 0


def test_every_stop_shows_its_lanes_at_their_steps(qtbot, player):
    seen = []
    for index in range(len(player.course.stops)):
        player.go(index)
        settle(qtbot, player)
        seen.append(
            [(one.letter, one.step, one.recording.last_step) for one in player.hand.shown()]
        )
    assert seen == [
        [("A", 0, 0)],
        [("A", 6, 6)],
        [("A", 0, 6)],
        [("A", 0, 0)],
        [("A", 0, 0), ("B", 0, 0)],
        [("A", 4, 4), ("B", 4, 4)],
        [("A", 0, 0)],
        [("A", 0, 0)],
    ]


def test_home_and_end_go_to_the_first_and_the_last_scene(player):
    press(player, Key.Key_End)
    assert player.course.stop == Stop(2, 0)
    press(player, Key.Key_Home)
    assert player.course.stop == Stop(0, 0)


def test_going_on_before_a_run_is_over_lets_it_catch_up(qtbot):
    player = play(qtbot, THREE.replace("run = 6", "run = 60\npace = 1.0"))
    settle(qtbot, player)
    press(player, Key.Key_PageDown)
    qtbot.waitUntil(lambda: player.hand.shown()[0].recording.last_step >= 1)
    assert player.hand.shown()[0].recording.last_step < 10  # a step a second, as the pace says
    press(player, Key.Key_PageDown)
    settle(qtbot, player)
    assert player.course.stop == Stop(0, 2)
    assert player.hand.shown()[0].recording.last_step == 60


def test_going_back_from_a_run_that_is_not_over_cancels_it(qtbot):
    player = play(qtbot, THREE.replace("run = 6", "run = 60\npace = 1.0"))
    settle(qtbot, player)
    press(player, Key.Key_PageDown)
    qtbot.waitUntil(lambda: player.hand.shown()[0].recording.last_step >= 1)
    press(player, Key.Key_PageUp)
    assert [(one.step, one.recording.last_step) for one in player.hand.shown()] == [(0, 0)]
    settle(qtbot, player)
    assert [(one.step, one.recording.last_step) for one in player.hand.shown()] == [(0, 0)]


def test_panels_follow_a_run_while_it_goes(qtbot):
    player = play(qtbot, THREE.replace("run = 6", "run = 30\npace = 20.0"))
    settle(qtbot, player)
    press(player, Key.Key_PageDown)
    panel, seen = player.panels.panels[0], set()

    def followed():
        seen.add(panel.shown[0].step)
        return not player.is_busy

    qtbot.waitUntil(followed, timeout=20_000)
    assert len(seen) > 4
    assert max(seen) == 30


# -- questions -------------------------------------------------------------------------------


def at_question(player):
    player.go(player.course.first_of(1))
    assert player.course.is_asking
    return player.page.question_box


def test_a_digit_answers_and_unveils(qtbot, player):
    at_question(player)
    settle(qtbot, player)
    assert [one.letter for one in player.hand.shown()] == ["A"]
    press(player, Key.Key_1)
    assert player.course.stop == Stop(1, 0, answered=True)
    assert player.course.chosen == 1
    assert [one.letter for one in player.hand.shown()] == ["A", "B"]  # it was trained already


def test_a_digit_beyond_the_choices_does_nothing(player):
    at_question(player)
    press(player, Key.Key_3)
    assert player.course.is_asking


def test_a_digit_does_nothing_where_nothing_is_asked(player):
    press(player, Key.Key_1)
    assert player.course.index == 0


def test_a_click_on_a_choice_answers(qtbot, player):
    box = at_question(player)
    settle(qtbot, player)
    QTest.mouseClick(box.choices[1], Qt.MouseButton.LeftButton)
    assert player.course.chosen == 2


def test_page_down_shows_the_answer_without_a_choice_and_then_goes_on(player):
    at_question(player)
    press(player, Key.Key_PageDown)
    assert player.course.stop == Stop(1, 0, answered=True)
    assert player.course.chosen is None
    press(player, Key.Key_PageDown)
    assert player.course.stop == Stop(1, 1)


def test_an_answer_is_remembered_and_asked_anew_before_it(player):
    at_question(player)
    press(player, Key.Key_1, Key.Key_PageDown, Key.Key_PageUp)
    assert player.course.chosen == 1
    press(player, Key.Key_PageUp)
    assert player.course.is_asking
    assert player.course.chosen is None
    press(player, Key.Key_2)
    assert player.course.chosen == 2


# -- what lies over it -----------------------------------------------------------------------


def test_b_makes_the_display_black(player):
    press(player, Key.Key_B)
    picture = player.grab().toImage()
    for x, y in ((5, 5), (640, 360), (1270, 710)):
        assert picture.pixelColor(x, y).name() == "#000000"


def test_the_list_of_scenes_goes_with_arrows_and_enter(player):
    press(player, Key.Key_G)
    assert player.overlay.objectName() == "lecture.scenes"
    press(player, Key.Key_Down, Key.Key_Down, Key.Key_Up, Key.Key_Return)
    assert player.overlay is None
    assert player.course.stop == Stop(1, 0)


def test_the_list_of_scenes_opens_by_a_click_on_the_footer_and_closes_by_esc(player):
    QTest.mouseClick(player.footer.place, Qt.MouseButton.LeftButton)
    assert player.overlay.list.currentRow() == 0
    press(player, Key.Key_Escape)
    assert player.overlay is None
    assert player.isVisible()


def test_the_list_of_scenes_goes_by_a_click_on_a_scene(player):
    press(player, Key.Key_G)
    scenes = player.overlay.list
    at = scenes.visualItemRect(scenes.item(2)).center()
    QTest.mouseClick(scenes.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert player.course.stop == Stop(2, 0)


@pytest.mark.parametrize("key", [Key.Key_Escape, Key.Key_Return, Key.Key_Enter])
def test_esc_asks_once_and_a_second_key_leaves_with_the_scene(qtbot, player, key):
    player.go(player.course.first_of(1))
    press(player, Key.Key_Escape)
    assert player.isVisible()
    with qtbot.waitSignal(player.left) as said, qtbot.waitSignal(player.closed):
        press(player, key)
    stage, scene = said.args
    assert [lane.letter for lane in stage.lanes] == ["A", "B"]
    assert scene.title == "And Glorot"
    assert not player.isVisible()


@pytest.mark.parametrize("key", [Key.Key_PageDown, Key.Key_B, Key.Key_A, Key.Key_Tab])
def test_any_other_key_stays(player, key):
    press(player, Key.Key_Escape)
    with_focus = player.overlay
    press(player, key)
    assert with_focus.isHidden()
    assert player.isVisible()
    assert player.course.index == 0


def test_a_question_mark_shows_all_keys(player):
    press(player, Key.Key_Question)
    sheet = player.overlay
    assert sheet.objectName() == "lecture.keys"
    assert all(entry.what in sheet.accessibleName() for entry in ENTRIES)
    press(player, Key.Key_Space)
    assert player.overlay is None
    assert player.course.index == 0


# -- focus and names -------------------------------------------------------------------------


def test_tab_reaches_every_control_and_each_has_a_name(player):
    player.go(player.course.first_of(1))
    controls = {
        widget
        for widget in player.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isVisible()
        and widget.window() is player
    }
    reached = set()
    for _ in range(3 * len(controls) + 3):
        press(player, Key.Key_Tab)
        reached.add(QApplication.focusWidget())
    assert controls <= reached
    for widget in controls:
        assert widget.objectName(), widget
        assert widget.accessibleName(), widget


def test_the_keys_work_after_a_click_on_the_text_or_a_chart(player):
    for place, widget in enumerate((player.page, player.panels), 1):
        at = widget.mapTo(player, widget.rect().center())
        below = player.childAt(at if widget is player.panels else at - QPoint(0, 250))
        QTest.mouseClick(below, Qt.MouseButton.LeftButton)
        press(player, Key.Key_PageDown)
        assert player.course.index == place


def test_a_control_with_the_focus_keeps_its_own_keys(player):
    player.footer.place.setFocus()
    press(player, Key.Key_Space)
    assert player.overlay.objectName() == "lecture.scenes"
    press(player, Key.Key_Escape)
    player.footer.place.setFocus()
    press(player, Key.Key_PageDown)
    assert player.course.index == 1


# -- every lecture that is shipped -----------------------------------------------------------


def with_a_remote(_player):
    return Key.Key_PageDown


def with_a_keyboard(player):
    """Answer what can be answered, and go on."""
    asks = player.course.is_asking and player.course.question.choices
    return Key.Key_1 if asks else Key.Key_Right


@pytest.mark.slow
@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("on", "back"), [(with_a_remote, Key.Key_PageUp), (with_a_keyboard, Key.Key_Left)]
)
def test_one_gets_through_every_shipped_lecture_and_back(qtbot, path, on, back):
    player = LecturePlayer(read_lecture(path))
    qtbot.addWidget(player)
    player.show()
    player.activateWindow()
    qtbot.waitUntil(player.isActiveWindow)
    pressed = 0
    while not player.course.is_at_end:
        press(player, on(player))
        pressed += 1
        assert pressed < 20 * len(player.course.stops)
        assert player.footer.notice.property("role") != "error", player.footer.notice.text()
    while player.course.index or player.page.scroll_back():
        press(player, back)
