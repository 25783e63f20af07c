"""Several lanes in a real window: tabs, what they differ in, and undo over all of it."""

from __future__ import annotations

import gc
import weakref

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton, QWidget

from initviz.app.main import create_window
from initviz.lab.experiment import Experiment
from initviz.session.lane import State
from initviz.ui.lane_desk import KEPT_RUNS
from initviz.ui.lane_tabs import difference_sentence
from initviz.ui.status import lane_label
from initviz.ui.window import MainWindow
from tests.ui.windows import wait_until_idle


@pytest.fixture
def window(qtbot) -> MainWindow:
    """The window as it opens: the preset that fails, and the healed one beside it."""
    made = create_window([])
    qtbot.addWidget(made)
    made.resize(1280, 800)
    wait_until_idle(qtbot, made)
    return made


def letters(window: MainWindow) -> str:
    return "".join(lane.letter for lane in window.laboratory.lanes)


def tab(window: MainWindow, letter: str) -> QToolButton:
    found = window.findChild(QToolButton, f"lane.{letter}")
    assert found is not None
    return found


def sentence(window: MainWindow) -> str:
    label = window.findChild(QLabel, "lane.differences")
    assert label is not None
    return label.text()


def test_the_window_opens_on_what_fails_and_what_heals_it(window: MainWindow) -> None:
    assert letters(window) == "AB"
    assert sentence(window) == "A differs from B in <b>one</b> setting: <b>initialiser</b>"
    kinds = {letter: window.recording(letter).findings()[0].kind for letter in "AB"}
    assert kinds == {"A": "vanishing", "B": "healthy"}
    assert [lane.letter for lane in window.shown()] == ["A", "B"]


def test_both_lanes_run_and_pause_together(qtbot, window: MainWindow) -> None:
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.recording("B").last_step > 20, timeout=20_000)
    assert window.action("run").text() == "Pause"
    window.action("run").trigger()
    wait_until_idle(qtbot, window)
    a, b = window.recording("A"), window.recording("B")
    assert a.last_step == b.last_step
    assert b.latest_scalar("loss", b.last_step) < a.latest_scalar("loss", a.last_step)


def test_a_duplicate_is_one_gesture_and_the_form_edits_it(qtbot, window: MainWindow) -> None:
    window.action("add_lane").trigger()
    assert letters(window) == "ABC"
    assert sentence(window).startswith("C and A are the same<br>C differs from B in")
    window.form.row("network.width").edited.emit(32)
    wait_until_idle(qtbot, window)
    assert window.recording("C").experiment.network.width == 32
    assert window.recording("A").experiment.network.width == 100
    assert "C differs from A in <b>one</b> setting: <b>width</b>" in sentence(window)


def test_there_are_four_lanes_at_most(window: MainWindow) -> None:
    for _ in range(5):
        window.action("add_lane").trigger()
    assert letters(window) == "ABCD"
    assert not window.findChild(QToolButton, "lane.add").isEnabled()


def test_a_tab_chooses_the_lane_that_the_form_edits(window: MainWindow) -> None:
    assert window.form.experiment.initialiser.name == "normal"
    QTest.mouseClick(tab(window, "B"), Qt.MouseButton.LeftButton)
    assert window.form.experiment.initialiser.name == "glorot_normal"
    assert window.lane.letter == "B"
    window.action("next_lane").trigger()
    assert window.lane.letter == "A"
    assert not window.undo_stack.canUndo()


def test_to_choose_another_lane_draws_no_panel_anew(window: MainWindow, monkeypatch) -> None:
    drawn: list[str] = []
    for panel in window.board.panels:
        monkeypatch.setattr(panel, "show_data", lambda *_, **__: drawn.append("drawn"))
    QTest.mouseClick(tab(window, "B"), Qt.MouseButton.LeftButton)
    assert (window.lane.letter, drawn) == ("B", [])
    assert window.windowTitle() == window.lane.experiment.title


def test_every_change_of_the_lanes_is_undone_and_done_again(qtbot, window: MainWindow) -> None:
    before = window.desk.setup
    setups = [before]
    for act in (
        lambda: window.action("add_lane").trigger(),
        lambda: window.form.row("network.width").edited.emit(24),
        lambda: window.action("hide_lane").trigger(),
        lambda: window.desk.remove("A"),
        lambda: window.action("new_seed").trigger(),
        lambda: window.desk.use_only(Experiment()),
    ):
        act()
        setups.append(window.desk.setup)
    for setup in reversed(setups[:-1]):
        window.action("undo").trigger()
        assert window.desk.setup.lanes == setup.lanes
    for setup in setups[1:]:
        window.action("redo").trigger()
        assert window.desk.setup.lanes == setup.lanes
    while window.undo_stack.canUndo():
        window.action("undo").trigger()
    wait_until_idle(qtbot, window)
    assert letters(window) == "AB"
    assert window.form.experiment == window.lane.experiment


def test_a_hidden_lane_leaves_the_panels_and_comes_back(window: MainWindow) -> None:
    window.desk.toggle_hidden("B")
    assert [lane.letter for lane in window.shown()] == ["A"]
    window.desk.toggle_hidden("A")  # one always stays in view
    assert [lane.letter for lane in window.shown()] == ["A"]
    window.desk.toggle_hidden("B")
    assert [lane.letter for lane in window.shown()] == ["A", "B"]


def test_seeds_of_a_hidden_lane_bring_it_into_view(qtbot, window: MainWindow) -> None:
    window.desk.toggle_hidden("A")
    window.action("seeds").trigger()
    panel = window.board.panel("seeds")
    assert [lane.letter for lane in window.shown()] == ["A", "B"]
    assert panel.is_running
    panel.cancel()
    qtbot.waitUntil(lambda: not panel.is_running, timeout=20_000)


def test_the_last_lane_in_view_is_shown_when_the_others_are_removed(window: MainWindow) -> None:
    window.desk.toggle_hidden("B")
    window.desk.remove("A")
    assert [lane.letter for lane in window.shown()] == ["B"]
    window.desk.remove("B")  # the only one stays
    assert letters(window) == "B"


def test_a_lane_keeps_its_colour_when_others_go(window: MainWindow) -> None:
    window.desk.remove("A")
    assert [(lane.letter, lane.index) for lane in window.shown()] == [("B", 1)]


def test_a_lane_can_be_reset_alone(qtbot, window: MainWindow) -> None:
    for _ in range(3):
        window.action("step").trigger()
        wait_until_idle(qtbot, window)
    window.action("reset_lane").trigger()
    wait_until_idle(qtbot, window)
    assert window.recording("A").last_step == 0
    assert window.recording("B").last_step == 3
    window.action("step").trigger()  # brings A to where B is
    wait_until_idle(qtbot, window)
    assert window.recording("A").last_step == window.recording("B").last_step == 3


def trained(qtbot, window: MainWindow, steps: int) -> None:
    """Train every lane by so many steps."""
    for _ in range(steps):
        window.laboratory.step()
        wait_until_idle(qtbot, window)


def reached(window: MainWindow) -> list[int]:
    return [lane.recording.last_step for lane in window.laboratory.lanes]


def test_undo_and_redo_of_a_reset_lose_neither_the_run_before_nor_the_one_since(
    qtbot, window: MainWindow
) -> None:
    trained(qtbot, window, 4)
    window.action("reset").trigger()
    wait_until_idle(qtbot, window)
    trained(qtbot, window, 2)
    for action, steps in (("undo", [4, 4]), ("redo", [2, 2]), ("undo", [4, 4])):
        window.action(action).trigger()
        wait_until_idle(qtbot, window)
        assert reached(window) == steps
    trained(qtbot, window, 1)
    assert reached(window) == [5, 5]


def test_a_redo_starts_those_lanes_again_that_were_not_trained_since(
    qtbot, window: MainWindow
) -> None:
    trained(qtbot, window, 3)
    window.action("reset").trigger()
    wait_until_idle(qtbot, window)
    window.laboratory.lane("B").step()
    wait_until_idle(qtbot, window)
    for action, steps in (("undo", [3, 3]), ("redo", [0, 1])):
        window.action(action).trigger()
        wait_until_idle(qtbot, window)
        assert reached(window) == steps


def test_a_short_repetition_of_a_run_does_not_push_out_the_long_one(
    qtbot, window: MainWindow
) -> None:
    trained(qtbot, window, 5)
    for width in (24, 100):  # to another experiment, and by hand back to the first
        window.form.row("network.width").edited.emit(width)
        wait_until_idle(qtbot, window)
    window.laboratory.lane("A").step()
    wait_until_idle(qtbot, window)
    assert reached(window) == [1, 5]
    for _ in range(2):
        window.action("undo").trigger()
        wait_until_idle(qtbot, window)
    assert reached(window) == [5, 5]


def test_a_change_while_it_runs_keeps_every_step_that_was_measured(
    qtbot, window: MainWindow
) -> None:
    window.action("run").trigger()
    qtbot.waitUntil(lambda: reached(window)[0] > 20, timeout=20_000)
    window.laboratory.clock.stop()  # so that there are steps that the window has not fetched
    lane = window.laboratory.lane("A")
    qtbot.waitUntil(lambda: lane.reach > reached(window)[0] + 5, timeout=20_000)
    window.form.row("network.width").edited.emit(24)
    wait_until_idle(qtbot, window)
    front = reached(window)[1]
    window.action("undo").trigger()
    wait_until_idle(qtbot, window)
    assert front - reached(window)[0] <= 1  # it may not have had its turn


def test_a_fork_is_not_there_before_the_step_at_which_it_begins(qtbot, window: MainWindow) -> None:
    window.desk.remove("B")
    trained(qtbot, window, 6)
    window.timeline.go(5)
    window.action("fork").trigger()
    wait_until_idle(qtbot, window)
    assert window.laboratory.lane("B").start.step == 5
    for step, there in ((6, ["A", "B"]), (5, ["A", "B"]), (4, ["A"]), (0, ["A"])):
        window.timeline.go(step)
        assert [(lane.letter, lane.step) for lane in window.shown()] == [(x, step) for x in there]
    window.desk.toggle_hidden("A")  # then there is nothing else to see
    assert [(lane.letter, lane.step) for lane in window.shown()] == [("B", 5)]


def test_one_looks_at_the_step_at_which_a_fork_begins(qtbot, window: MainWindow) -> None:
    window.desk.remove("B")
    trained(qtbot, window, 9)
    window.timeline.go(5)
    window.action("fork").trigger()
    wait_until_idle(qtbot, window)
    assert (window.timeline.step, window.timeline.follows_end) == (5, False)
    assert [(lane.letter, lane.step) for lane in window.shown()] == [("A", 5), ("B", 5)]
    window.action("run").trigger()  # from then on at the end
    qtbot.waitUntil(lambda: reached(window)[1] > 12, timeout=20_000)
    window.action("run").trigger()
    wait_until_idle(qtbot, window)
    assert window.timeline.step == max(reached(window))


def test_only_the_newest_runs_that_were_reset_are_kept(qtbot, window: MainWindow) -> None:
    window.desk.remove("B")
    held = []
    for _ in range(KEPT_RUNS + 2):
        trained(qtbot, window, 2)
        held.append(weakref.ref(window.recording("A")))
        window.action("reset").trigger()
        wait_until_idle(qtbot, window)
    gc.collect()
    assert [one() is not None for one in held] == [False] * 2 + [True] * KEPT_RUNS
    for left in reversed(range(KEPT_RUNS + 2)):
        window.action("undo").trigger()
        wait_until_idle(qtbot, window)
        assert reached(window) == [2 if left >= 2 else 0]  # what was dropped begins again
    assert window.laboratory.state is State.PAUSED


def test_a_label_is_made_once_for_an_experiment(qtbot, window: MainWindow, monkeypatch) -> None:
    made = []

    def counted(experiment, fork):
        made.append((experiment, fork))
        return lane_label(experiment, fork)

    monkeypatch.setattr("initviz.ui.showing.lane_label", counted)
    trained(qtbot, window, 3)
    before = [lane.label for lane in window.shown()]
    assert len(made) <= 2
    window.form.row("initialiser.std").edited.emit(0.5)
    wait_until_idle(qtbot, window)
    assert [lane.label for lane in window.shown()] == ["normal, std 0.5", before[1]]
    window.timeline.go(0)
    assert len(made) <= 3


def test_no_title_is_cut_beside_the_letters_of_lanes_in_a_small_window(
    qtbot, window: MainWindow
) -> None:
    window.resize(1280, 720)
    assert window.shown() != []
    for panel in window.board.panels:
        if panel.isVisible():
            headline = panel.header.findChild(QWidget, "headline")
            assert headline.shown_title in (panel.title, panel.short_title)


def test_new_seed_is_the_same_for_all_lanes(qtbot, window: MainWindow) -> None:
    window.action("new_seed").trigger()
    wait_until_idle(qtbot, window)
    assert {window.recording(letter).experiment.run.seed for letter in "AB"} == {1}


def test_a_remedy_changes_the_lane_whose_card_it_is_on(qtbot, window: MainWindow) -> None:
    window.action("next_lane").trigger()
    finding = window.recording("A").findings()[0]
    window.treatment.apply("A", finding)
    wait_until_idle(qtbot, window)
    assert window.recording("A").experiment.initialiser.name == "glorot_normal"
    assert window.lane.letter == "B"


def test_the_menu_of_a_tab_offers_what_is_possible(window: MainWindow) -> None:
    menu = window.tabs.menu_of("B")
    entries = {action.text(): action for action in menu.actions()}
    assert list(entries) == ["Duplicate", "Hide in panels", "Reset, same seed", "Remove"]
    entries["Remove"].trigger()
    assert letters(window) == "A"
    assert not {a.text(): a for a in window.tabs.menu_of("A").actions()}["Remove"].isEnabled()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "A and B are the same"),
        ({"network.width": 8}, "in <b>one</b> setting: <b>width</b>"),
        (
            {"network.width": 8, "initialiser.scheme": "he_normal"},
            "in <b>two</b> settings: <b>width</b>, <b>initialiser</b>",
        ),
        (
            {"network.width": 8, "run.seed": 3, "training.momentum": 0.9, "network.residual": True},
            "in <b>four</b> settings",
        ),
    ],
)
def test_the_sentence_tells_in_how_many_settings_and_in_which(changes, says) -> None:
    first = Experiment()
    text = difference_sentence("A", first, "B", first.with_values(changes))
    assert says in text
