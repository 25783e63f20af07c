"""The board with its real panels: adding, removing, moving, looking at one alone, taking back."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QScrollBar, QToolButton, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.training import run
from initviz.ui import theme
from initviz.ui.board import KINDS, PanelBoard
from initviz.ui.layout import DEFAULT
from initviz.ui.layout_history import ChangeLayout
from initviz.ui.panel_moves import MOVES, PanelMenu
from initviz.ui.panels import PANELS
from initviz.ui.panels.base import GROUPS, Shown
from initviz.ui.theme import DARK, LIGHT, PROJECTOR

PLACES = list(KINDS)
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
ALT_SHIFT = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(scope="module")
def lanes():
    small = Experiment().with_values({"network.hidden_layers": 3, "network.width": 16})
    recording = run(small.with_value("training.data", "blobs"), steps=3)
    return [Shown("A", 0, "normal, std 0.01", recording, 3)]


@pytest.fixture
def make_board(qtbot, lanes):
    """Make a board that is shown and drawn; every panel's thread has ended when it is gone."""
    theme.load_fonts()
    made = []

    def make(size=(1294, 860), look=LIGHT, **how):
        board = PanelBoard(lambda: lanes, **how)
        made.append(board)
        qtbot.addWidget(board)
        board.set_theme(look)
        board.say("")
        board.resize(*size)
        board.show()
        board.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is board)
        board.draw_now()
        QApplication.processEvents()
        return board

    yield make
    for board in made:
        board.stop()


@pytest.fixture
def board(make_board):
    return make_board()


@pytest.fixture
def stack(board):
    """What a window does with changes of the layout."""
    stack = QUndoStack()

    def push(before, after, gesture):
        stack.push(ChangeLayout(before, after, board.use, lambda n: board.panel(n).title, gesture))

    board.layout_changed.connect(push)
    return stack


def rows(board):
    return [list(row.panels) for row in board.arrangement.rows]


def seen(board):
    return [panel.name for panel in board.panels if panel.isVisible()]


def geometry(board):
    """Which panels can be seen in which order, as they lie on the screen."""
    QApplication.processEvents()
    corners = {p.name: p.mapTo(board, QPoint(0, 0)) for p in board.panels if p.isVisible()}
    tops = sorted({at.y() for at in corners.values()})
    return [
        sorted((n for n, at in corners.items() if at.y() == top), key=lambda n: corners[n].x())
        for top in tops
    ]


def press(key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(QApplication.focusWidget(), key, modifier)
    QApplication.processEvents()


# -- what is there -------------------------------------------------------------------------------


def test_a_first_start_shows_the_panels_of_the_design(board):
    wanted = [
        ["gradient_magnitude", "activation_histograms"],
        ["gradient_over_time", "loss", "update_ratio"],
    ]
    assert rows(board) == wanted
    assert geometry(board) == wanted
    assert not board.undrawn()


def test_only_the_panels_of_the_layout_are_made(board):
    assert {panel.name for panel in board.findChildren(QWidget) if panel in board.panels} == set(
        DEFAULT.panels
    )
    assert board.findChild(QWidget, "panel.phase_map") is None


def test_a_panel_is_added_drawn_in_view_and_has_the_focus(board):
    board.setFocus()
    board.add_panel("weight_histograms")
    QApplication.processEvents()
    panel = board.panel("weight_histograms")
    assert rows(board)[0][-1] == "weight_histograms"
    assert geometry(board) == rows(board)
    assert panel.isVisible()
    assert panel.has_drawn
    assert panel.hasFocus()


def test_a_removed_panel_comes_back_as_it_was(board):
    panel = board.panel("loss")
    panel.set_option("of", "accuracy")
    board.remove_panel("loss")
    assert not panel.isVisible()
    assert "loss" not in seen(board)
    board.add_panel("loss")
    assert board.panel("loss") is panel
    assert panel.isVisible()
    assert panel.option("of") == "accuracy"


def test_a_panel_out_of_sight_is_not_updated(board):
    panel = board.panel("loss")
    board.remove_panel("loss")
    panel.has_drawn = False
    for number in range(12):
        board.mark()
        board.tick(number)
    QApplication.processEvents()
    assert not panel.has_drawn
    board.add_panel("loss")
    QApplication.processEvents()
    assert panel.has_drawn


def test_panels_of_one_pace_take_turns_and_each_keeps_its_pace(board, monkeypatch):
    for name in ("unit_shares", "weight_histograms", "activation_over_time", "gradient_histograms"):
        board.add_panel(name)
    drawn = []
    for panel in board.panels:
        monkeypatch.setattr(
            panel,
            "show_data",
            lambda _, *, words=True, name=panel.name: drawn[-1].append((name, words)),
        )
    for number in range(60):
        drawn.append([])
        board.mark()
        board.tick(number)
    for panel in board.panels:
        turns = [number for number, now in enumerate(drawn) if panel.name in dict(now)]
        assert set(np.diff(turns)) == {panel.every}
        words = [number for number in turns if dict(drawn[number])[panel.name]]
        assert set(np.diff(words)) == {6}
    most = max(len(now) for now in drawn)
    assert most <= sum(1 / panel.every for panel in board.panels) + 2 < len(board.panels)


def test_a_panel_that_had_nothing_new_at_its_turn_draws_as_soon_as_there_is(board, monkeypatch):
    panel, drawn = board.panels[0], []
    assert panel.every == 2
    monkeypatch.setattr(panel, "show_data", lambda _, *, words=True: drawn.append((number, words)))
    for number in range(12, 24):
        if number not in (17, 18):  # just when it would renew its words
            board.mark()
        board.tick(number)
    assert [number for number, _ in drawn] == [12, 14, 16, 19, 20, 22]
    assert [number for number, words in drawn if words] == [12, 19]


def test_without_panels_the_board_offers_to_add_one(board):
    for name in DEFAULT.panels:
        board.remove_panel(name)
    QApplication.processEvents()
    button = board.findChild(QPushButton, "button.add_panel")
    assert button.isVisible()
    assert seen(board) == []
    board.add_panel("loss")
    QApplication.processEvents()
    assert not button.isVisible()
    assert seen(board) == ["loss"]


@pytest.mark.parametrize(
    ("look", "size"),
    [(LIGHT, (756, 575)), (DARK, (1294, 860)), (PROJECTOR, (1280, 600)), (PROJECTOR, (1920, 880))],
    ids=["light 720", "dark 1080", "projector 720", "projector 1080"],
)
def test_twelve_panels_stay_usable(make_board, look, size):
    board = make_board(size, look)
    for name in [name for name in PLACES if name not in DEFAULT.panels][:7]:
        board.add_panel(name)
    QApplication.processEvents()
    panels = [panel for panel in board.panels if panel.isVisible()]
    assert len(panels) == 12
    assert board.size().toTuple() == size
    for panel in panels:
        assert panel.width() >= 12 * look.label
        assert panel.height() >= 14 * look.label
        left = panel.mapTo(board, QPoint(0, 0)).x()
        assert left >= 0
        assert left + panel.width() <= board.width()
    assert not board.undrawn()


def test_the_board_scrolls_only_where_it_must(make_board):
    board = make_board((1294, 860))
    bar = board.findChild(QScrollBar)
    assert not any(bar.isVisible() for bar in board.findChildren(QScrollBar))
    board.resize(1294, 190)
    QApplication.processEvents()
    bar = next(bar for bar in board.findChildren(QScrollBar) if bar.isVisible())
    assert bar.orientation() == Qt.Orientation.Vertical
    below = board.panel("loss")
    below.has_drawn = False
    board.draw_now()
    QApplication.processEvents()
    assert not below.has_drawn  # nothing of it is in view
    assert "loss" not in board.undrawn()
    bar.setValue(bar.maximum())
    QApplication.processEvents()
    assert below.has_drawn


# -- arranging by key and menu ---------------------------------------------------------------------


def test_keys_move_the_panel_that_has_the_focus(board):
    board.panel("loss").setFocus()
    press(Qt.Key.Key_Left, CTRL_SHIFT)
    assert rows(board)[1] == ["loss", "gradient_over_time", "update_ratio"]
    press(Qt.Key.Key_Up, CTRL_SHIFT)
    assert rows(board)[0][0] == "loss"
    assert geometry(board) == rows(board)
    assert board.panel("loss").hasFocus()
    press(Qt.Key.Key_Delete, CTRL_SHIFT)
    assert "loss" not in seen(board)


def test_keys_act_from_a_button_in_the_header_too(board):
    button = board.findChild(QToolButton, "panel.loss.export")
    button.setFocus()
    press(Qt.Key.Key_Right, CTRL_SHIFT)
    assert rows(board)[1] == ["gradient_over_time", "update_ratio", "loss"]
    assert button.hasFocus()


def test_keys_change_sizes(board):
    panel = board.panel("gradient_magnitude")
    panel.setFocus()
    wide, high = panel.width(), panel.height()
    press(Qt.Key.Key_Right, ALT_SHIFT)
    press(Qt.Key.Key_Down, ALT_SHIFT)
    assert panel.width() > wide
    assert panel.height() > high


def test_every_move_is_in_the_menu_with_its_keys(board):
    menu = board.panel("loss").header.menu
    found = {}
    for action in menu.actions():
        for entry in action.menu().actions() if action.menu() else [action]:
            found[entry.objectName()] = entry
    for move in MOVES:
        entry = found[f"panel.loss.{move.name}"]
        assert entry.text() == move.text
        assert not entry.shortcut().isEmpty()
    found["panel.loss.move_left"].trigger()
    assert rows(board)[1][0] == "loss"


def test_the_menu_of_panels_adds_and_removes_by_group(board):
    menu = PanelMenu(board)
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions() if action.text()]
    assert [text for text in texts if text in GROUPS] == [
        group for group in GROUPS if any(kind.group == group for kind in PANELS)
    ]
    entries = {a.objectName().removeprefix("menu.panels."): a for a in menu.actions()}
    assert set(PLACES) <= set(entries)
    assert {name for name in PLACES if entries[name].isChecked()} == set(DEFAULT.panels)
    entries["phase_map"].trigger()
    assert "phase_map" in board.arrangement.panels
    entries["loss"].trigger()
    assert "loss" not in board.arrangement.panels
    next(a for a in menu.actions() if a.text() == "Reset layout").trigger()
    assert board.arrangement == DEFAULT
    menu.aboutToShow.emit()
    assert {name for name in PLACES if entries[name].isChecked()} == set(DEFAULT.panels)
    menu.deleteLater()


def test_a_panel_knows_the_menu_of_all_panels(board):
    menu = board.panel("loss").header.menu
    adding = next(a.menu() for a in menu.actions() if a.text() == "Add panel")
    adding.aboutToShow.emit()
    next(a for a in adding.actions() if a.objectName() == "menu.panels.unit_shares").trigger()
    assert "unit_shares" in seen(board)


# -- dragging --------------------------------------------------------------------------------------


def drag(board, name, to, at):
    """Drag a panel by its header to a point of another, as shares of its size; returns the mark."""
    header = board.panel(name).header
    other = board.panel(to)
    point = other.mapTo(board, QPoint(int(at[0] * other.width()), int(at[1] * other.height())))
    there = header.mapFromGlobal(board.mapToGlobal(point))
    QTest.mousePress(header, Qt.MouseButton.LeftButton, pos=QPoint(40, 8))
    for at in (QPoint(60, 20), there):
        QTest.mouseMove(header, at)
        QApplication.processEvents()
    return header, there, board.findChild(QWidget, "drop_mark")


def test_a_panel_is_dragged_by_its_header_beside_another(board):
    header, there, mark = drag(board, "loss", "activation_histograms", (0.2, 0.5))
    assert mark.isVisible()
    assert mark.height() == board.panel("activation_histograms").height()
    QTest.mouseRelease(header, Qt.MouseButton.LeftButton, pos=there)
    assert not mark.isVisible()
    assert rows(board)[0] == ["gradient_magnitude", "loss", "activation_histograms"]
    assert geometry(board) == rows(board)


def test_a_panel_is_dragged_to_a_row_of_its_own(board):
    header, there, _ = drag(board, "loss", "gradient_over_time", (0.5, 0.95))
    QTest.mouseRelease(header, Qt.MouseButton.LeftButton, pos=there)
    assert rows(board)[2] == ["loss"]


def test_escape_lets_go_of_a_panel(board):
    header, there, mark = drag(board, "loss", "activation_histograms", (0.2, 0.5))
    board.take_focus()
    assert not mark.isVisible()
    QTest.mouseRelease(header, Qt.MouseButton.LeftButton, pos=there)
    assert board.arrangement == DEFAULT


def test_a_drag_of_a_size_is_one_change_and_can_be_taken_back(board, stack):
    handle = board.rows[0].handle(1)
    before = board.panel("gradient_magnitude").width()
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(4, 50))
    for x in (40, 80, 120):
        QTest.mouseMove(handle, QPoint(x, 50))
        QApplication.processEvents()
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(4, 50))
    assert board.panel("gradient_magnitude").width() > before + 50
    assert stack.count() == 1
    stack.undo()
    QApplication.processEvents()
    assert board.panel("gradient_magnitude").width() == before
    assert board.arrangement == DEFAULT


def test_sizes_keep_their_shares_when_the_window_grows(board):
    board.grow("gradient_magnitude", 200, 0)
    for width in (800, 700, 1600):
        board.resize(width, 700)
        QApplication.processEvents()
    first, second = (board.panel(n).width() for n in rows(board)[0])
    assert first / (first + second) == pytest.approx(0.7, abs=0.01)


# -- one alone -------------------------------------------------------------------------------------


def test_a_double_click_on_the_header_shows_a_panel_alone_and_back(board):
    panel = board.panel("loss")
    QTest.mouseDClick(panel.header, Qt.MouseButton.LeftButton, pos=QPoint(40, 8))
    QApplication.processEvents()
    assert seen(board) == ["loss"]
    assert panel.width() > 1200
    assert panel.height() > 800
    assert panel.hasFocus()
    QTest.mouseDClick(panel.header, Qt.MouseButton.LeftButton, pos=QPoint(40, 8))
    QApplication.processEvents()
    assert geometry(board) == rows(board)


def test_keys_show_a_panel_alone_and_all_again(board):
    before = [panel.size() for panel in board.panels]
    board.panel("loss").setFocus()
    press(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert seen(board) == ["loss"]
    assert board.findChild(QToolButton, "panel.loss.restore").isVisible()
    board.take_focus()  # what Esc does
    QApplication.processEvents()
    assert board.maximised == ""
    assert [panel.size() for panel in board.panels] == before
    assert not board.findChild(QToolButton, "panel.loss.restore").isVisible()


def test_escape_from_a_control_elsewhere_leaves_the_panel_alone(board, qtbot):
    other = QPushButton("elsewhere", board.window())
    board.maximise("loss")
    other.show()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    # It is a child of the board only as far as Qt goes; a window has it beside the board.
    board._focused = lambda: None
    board.take_focus()
    assert board.maximised == "loss"


def test_what_is_alone_changes_no_layout_and_needs_no_undo(board, stack):
    board.maximise("loss")
    board.restore()
    assert stack.count() == 0
    assert board.arrangement == DEFAULT


def test_adding_while_one_is_alone_shows_all(board):
    board.maximise("loss")
    board.add_panel("unit_shares")
    QApplication.processEvents()
    assert board.maximised == ""
    assert geometry(board) == rows(board)


def test_removing_the_one_alone_shows_the_others(board):
    board.maximise("loss")
    board.remove_panel("loss")
    QApplication.processEvents()
    assert board.maximised == ""
    assert geometry(board) == rows(board)


# -- undo ------------------------------------------------------------------------------------------

deeds = st.lists(
    st.one_of(
        st.tuples(st.just("add_panel"), st.sampled_from(PLACES)),
        st.tuples(st.just("remove_panel"), st.sampled_from(PLACES)),
        st.tuples(st.just("maximise"), st.sampled_from(PLACES)),
        st.tuples(
            st.just("move_panel"),
            st.sampled_from(PLACES),
            st.sampled_from(["left", "right", "up", "down"]),
        ),
        st.tuples(st.just("restore")),
        st.tuples(st.just("reset_layout")),
    ),
    max_size=8,
)


@settings(
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(deeds)
def test_whatever_is_done_the_screen_shows_the_layout_and_undo_brings_it_back(board, stack, done):
    stack.clear()
    before = board.arrangement
    for method, *arguments in done:
        if method != "move_panel" or arguments[0] in board.arrangement.panels:
            getattr(board, method)(*arguments)
        if not board.maximised:
            assert geometry(board) == rows(board)
        else:
            assert seen(board) == [board.maximised]
    after = board.arrangement
    while stack.canUndo():
        stack.undo()
    assert board.arrangement == before
    board.restore()
    assert geometry(board) == rows(board)
    while stack.canRedo():
        stack.redo()
    assert board.arrangement == after


def test_the_focus_stays_where_it_was_when_a_change_is_taken_back(board, stack):
    panel = board.panel("loss")
    panel.setFocus()
    press(Qt.Key.Key_Up, CTRL_SHIFT)
    stack.undo()
    assert panel.hasFocus()
    assert stack.redoText() == "move of a panel"


# -- what panels need and say ----------------------------------------------------------------------


def test_options_are_kept_for_panels_that_are_not_there_yet(board):
    board.use_options({"unit_shares": {"nonsense": "x"}, "weight_histograms": {"range": "own"}})
    assert board.options["weight_histograms"] == {"range": "own"}
    board.add_panel("weight_histograms")
    assert board.panel("weight_histograms").option("range") == "own"
    assert board.options["weight_histograms"]["range"] == "own"
    assert set(board.options) >= {"loss", "unit_shares"}


def test_what_panels_want_and_say_is_passed_on(board, qtbot):
    panel = board.panel("phase_map")
    with qtbot.waitSignal(board.experiment_wanted) as wanted:
        panel.experiment_wanted.emit("B", "an experiment", "drag 1")
    assert wanted.args == ["B", "an experiment", "drag 1"]
    with qtbot.waitSignal(board.failed) as said:
        panel.failed.emit("no room")
    assert said.args == ["no room"]


def test_an_analyst_reaches_the_panels_that_need_one_then_and_later(board, monkeypatch):
    analyst = object()
    needing, later = type(board.panel("loss")), KINDS["unit_shares"][0].load()
    for kind in (needing, later):
        monkeypatch.setattr(kind, "needs_analyst", True)
    board.set_analyst(analyst)
    assert board.panel("loss").analyst is analyst
    assert board.panel("unit_shares").analyst is analyst
    assert board.panel("gradient_over_time").analyst is None


def test_a_theme_reaches_panels_that_come_later(board):
    board.set_theme(DARK)
    assert board.panel("unit_shares").theme is DARK


def test_a_panel_that_is_not_there_is_named(board):
    with pytest.raises(KeyError, match="nonsense"):
        board.panel("nonsense")


def test_tab_goes_through_the_panels_as_one_reads(board):
    board.move_panel("loss", "left")
    board.findChild(QToolButton, "panel.loss.export").setFocus()
    press(Qt.Key.Key_Tab)
    assert board.panel("gradient_over_time").isAncestorOf(QApplication.focusWidget())


def test_menus_belong_to_the_board_and_go_with_it(board):
    assert all(menu.parent() is not None for menu in board.findChildren(QMenu))
