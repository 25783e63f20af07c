"""The whole window, offscreen, with a real run behind it."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QMessageBox,
    QPushButton,
    QSlider,
    QToolButton,
    QWidget,
)

from initviz import Experiment
from initviz.app import settings
from initviz.app.main import create_window
from initviz.session.lane import State
from initviz.ui.actions import ENTRIES
from initviz.ui.theme import DARK, LIGHT
from initviz.ui.window import TITLE_BAR
from tests.ui.windows import leave_lane_a_alone

PATIENCE = 20_000


@pytest.fixture
def fresh(qtbot):
    """A window as it is right after its start."""
    made = create_window([])
    qtbot.addWidget(made)
    made.resize(1280, 720)
    return made


@pytest.fixture
def window(qtbot, fresh):
    """A window with one lane, its step 0 measured, the focus on the panels."""
    leave_lane_a_alone(qtbot, fresh)
    fresh.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is fresh)
    fresh.focus_panels()
    return fresh


def press(window, key, modifier=Qt.KeyboardModifier.NoModifier):
    """Press a key wherever the focus is."""
    QTest.keyClick(QApplication.focusWidget() or window, key, modifier)


def train(qtbot, window, steps):
    for _ in range(steps):
        wanted = window.recording("A").last_step + 1
        window.action("step").trigger()
        qtbot.waitUntil(lambda wanted=wanted: window.recording("A").last_step == wanted)
        qtbot.waitUntil(lambda: window.lane.state is State.PAUSED)


def steps_seen(window):
    """The step of each panel that can be seen."""
    return [panel.shown[0].step for panel in window.board.panels if panel.isVisible()]


def control(window, key):
    return window.findChild(QWidget, key)


def choose(window, key, value):
    box = control(window, key)
    box.setCurrentIndex(box.findData(value))


def wait_for(qtbot, window, **settings_of_network):
    def there():
        network = window.recording("A").experiment.network
        return all(getattr(network, k) == v for k, v in settings_of_network.items())

    qtbot.waitUntil(there, timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED)


# -- the first screen ------------------------------------------------------------------------


def test_the_window_is_usable_before_step_0_is_there(qtbot):
    fresh = create_window([])  # here: between a fixture and its test events are handled
    qtbot.addWidget(fresh)
    assert fresh.isVisible()
    assert fresh.recording("A") is None
    assert fresh.findChild(QLabel, "waiting").isVisibleTo(fresh)
    for action in ("back", "start", "end", "projector", "projector"):
        fresh.action(action).trigger()
    fresh.grab()


def test_it_opens_paused_at_step_0_on_a_start_that_fails(window):
    experiment = window.recording("A").experiment
    assert (experiment.network.hidden_layers, experiment.network.width) == (10, 100)
    assert experiment.initialiser.name == "normal"
    assert experiment.initialiser.std == 0.01
    assert experiment.training.learning_rate == 0.02
    assert window.recording("A").last_step == 0
    assert window.recording("A").findings()[0].kind == "vanishing"
    assert not window.findChild(QLabel, "waiting").isVisibleTo(window)


def test_every_panel_draws_and_the_diagnosis_speaks(qtbot, window):
    qtbot.waitUntil(lambda: not window.board.undrawn())
    assert window.side.diagnosis.cards[0].objectName() == "finding.A.vanishing"


def test_one_sentence_guides_until_it_was_followed(qtbot, window):
    guidance = window.findChild(QLabel, "guidance")
    assert guidance.isVisibleTo(window)
    choose(window, "initialiser.scheme", "glorot_normal")
    qtbot.waitUntil(lambda: not guidance.isVisibleTo(window))


def test_a_lane_that_is_not_there_has_no_recording(window):
    with pytest.raises(KeyError):
        window.recording("B")


# -- running ---------------------------------------------------------------------------------


def test_space_runs_and_pauses(qtbot, window):
    press(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.recording("A").last_step > 20, timeout=PATIENCE)
    assert window.action("run").text() == "Pause"
    press(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED)
    assert window.action("run").text() == "Run"


def test_while_it_runs_panels_status_and_timeline_move_along(qtbot, window):
    panel = window.board.panels[0]
    window.action("run").trigger()
    qtbot.waitUntil(lambda: panel.shown[0].step > 20, timeout=PATIENCE)
    qtbot.waitUntil(lambda: "steps/s" in window.findChild(QLabel, "status").text())
    assert "live" in window.findChild(QLabel, "timeline.recorded").text()
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED)
    last = window.recording("A").last_step
    assert steps_seen(window) == [last] * 5
    assert control(window, "timeline.step").value() == last


def test_the_arrows_step_on_and_back(qtbot, window):
    for step in (1, 2):
        press(window, Qt.Key.Key_Right)
        qtbot.waitUntil(lambda step=step: window.timeline.step == step)
        qtbot.waitUntil(lambda: window.lane.state is State.PAUSED)
    press(window, Qt.Key.Key_Left)
    assert window.timeline.step == 1
    assert steps_seen(window) == [1] * 5
    press(window, Qt.Key.Key_Right)
    assert window.timeline.step == 2
    assert window.recording("A").last_step == 2


def test_going_back_shows_the_past_while_the_run_goes_on(qtbot, window):
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.recording("A").last_step > 20, timeout=PATIENCE)
    window.action("start").trigger()
    before = window.recording("A").last_step
    qtbot.waitUntil(lambda: window.recording("A").last_step > before + 10, timeout=PATIENCE)
    assert window.timeline.step == 0
    qtbot.waitUntil(lambda: window.board.panels[0].shown[0].step == 0)
    window.action("end").trigger()
    qtbot.waitUntil(lambda: window.timeline.step > before)


def test_a_jump_while_it_runs_is_drawn_in_every_panel_at_once(qtbot, window):
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.recording("A").last_step > 20, timeout=PATIENCE)
    for step in (3, 0, 11):
        window.timeline.go(step)  # and no tick of the clock since
        assert {panel.shown[0].step for panel in window.board.panels} == {step}
    window.action("end").trigger()
    assert min(panel.shown[0].step for panel in window.board.panels) > 20


def test_a_run_that_goes_on_from_the_past_is_followed(qtbot, window):
    train(qtbot, window, 3)
    window.action("start").trigger()
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.timeline.step > 3, timeout=PATIENCE)


def test_a_step_can_be_typed(qtbot, window):
    train(qtbot, window, 5)
    box = control(window, "timeline.step")
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "3")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert window.timeline.step == 3
    assert box.text() == "step 3"


def test_the_timeline_can_be_dragged(qtbot, window):
    train(qtbot, window, 4)
    slider = control(window, "timeline.slider")
    slider.setValue(2)
    assert window.timeline.step == 2
    assert steps_seen(window) == [2] * 5


def test_reset_goes_back_to_step_0_with_the_same_seed(qtbot, window):
    train(qtbot, window, 2)
    first = window.recording("A")
    press(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.recording("A") is not first, timeout=PATIENCE)
    assert window.recording("A").last_step == 0
    assert window.recording("A").experiment == first.experiment
    assert window.timeline.step == 0


def test_a_new_seed_is_a_change_that_can_be_undone(qtbot, window):
    press(window, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: window.recording("A").experiment.run.seed == 1, timeout=PATIENCE)
    assert control(window, "run.seed").value() == 1
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.recording("A").experiment.run.seed == 0, timeout=PATIENCE)


def test_slow_motion_is_one_step_a_second_and_back(window):
    window.toolbar.speed.changed.emit(50)
    press(window, Qt.Key.Key_M)
    assert window.lane.speed == 1
    assert window.action("slow").isChecked()
    press(window, Qt.Key.Key_M)
    assert window.lane.speed == 50
    assert not window.action("slow").isChecked()


def test_the_speed_goes_from_one_step_a_second_to_as_fast_as_it_goes(window):
    slider = window.findChild(QSlider, "speed")
    slider.setValue(slider.minimum())
    assert window.lane.speed == 1
    slider.setValue(slider.maximum())
    assert window.lane.speed is None


# -- settings --------------------------------------------------------------------------------


def test_a_changed_setting_shows_step_0_at_once(qtbot, window):
    train(qtbot, window, 1)
    began = time.perf_counter()
    choose(window, "network.activation", "relu")
    qtbot.waitUntil(lambda: window.recording("A").experiment.network.activation == "relu")
    assert time.perf_counter() - began < 1.0  # 0.2 on a machine that does nothing else
    assert window.recording("A").last_step == 0
    assert window.board.panels[0].shown[0].recording is window.recording("A")


def test_undo_and_redo_go_through_the_changes(qtbot, window):
    control(window, "network.width").setValue(50)
    wait_for(qtbot, window, width=50)
    choose(window, "network.activation", "relu")
    wait_for(qtbot, window, width=50, activation="relu")
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    wait_for(qtbot, window, width=50, activation="tanh")
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    wait_for(qtbot, window, width=100, activation="tanh")
    assert control(window, "network.width").value() == 100
    assert not window.action("undo").isEnabled()
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(window, Qt.Key.Key_Z, both)
    wait_for(qtbot, window, width=50, activation="tanh")


def test_one_drag_is_one_change_to_undo(qtbot, window):
    slider = window.findChild(QSlider, "network.width.slider")
    at = slider.handle_centre().toPoint()
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=at)
    for _ in range(3):
        at.setX(at.x() + 9)
        QTest.mouseMove(slider, at)
        width = control(window, "network.width").value()
        wait_for(qtbot, window, width=width)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at)
    window.action("undo").trigger()
    wait_for(qtbot, window, width=100)
    assert not window.action("undo").isEnabled()


def test_a_bad_value_leaves_the_run_alone(window):
    before = window.recording("A")
    control(window, "network.width").setValue(100_000)
    assert window.lane.experiment.network.width == 100
    assert window.lane.state is State.PAUSED
    assert window.recording("A") is before


def test_the_remedy_heals_the_lane_and_can_be_taken_back(qtbot, window):
    card = window.side.diagnosis.cards[0]
    remedy = next(b for b in card.findChildren(QPushButton) if b.text().startswith("Try"))
    remedy.click()
    qtbot.waitUntil(
        lambda: window.recording("A").experiment.initialiser.name == "glorot_normal",
        timeout=PATIENCE,
    )
    assert control(window, "initialiser.scheme").currentData() == "glorot_normal"
    qtbot.waitUntil(lambda: window.side.diagnosis.cards[0].objectName() == "finding.A.healthy")
    window.action("undo").trigger()
    assert window.lane.experiment.initialiser.std == 0.01


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="this machine has a GPU")
def test_a_device_that_is_missing_is_told_and_the_window_lives_on(qtbot, window):
    window.findChild(QToolButton, "run.more").click()
    choose(window, "run.device", "cuda")
    qtbot.waitUntil(lambda: window.lane.state is State.FAILED, timeout=PATIENCE)
    said = [x.text() for x in window.side.findChildren(QLabel) if x.property("role") == "error"]
    assert "cuda" in " ".join(said)
    choose(window, "run.device", "cpu")
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=PATIENCE)


# -- keys ------------------------------------------------------------------------------------


def test_every_action_has_its_name_and_no_key_twice(window):
    names = [action.objectName() for action in window.findChildren(QAction)]
    for entry in ENTRIES:
        assert f"action.{entry.name}" in names
    keys = [key for entry in ENTRIES for key in entry.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("key", "control_key"),
    [
        (Qt.Key.Key_Space, "network.more"),
        (Qt.Key.Key_Home, "network.activation"),
        (Qt.Key.Key_Right, "network.width.slider"),
        (Qt.Key.Key_Left, "network.width"),
        (Qt.Key.Key_R, "initialiser.scheme"),
    ],
)
def test_a_focused_control_keeps_its_own_keys(qtbot, window, key, control_key):
    heard = []
    for entry in ENTRIES:
        window.action(entry.name).triggered.connect(lambda _, name=entry.name: heard.append(name))
    train(qtbot, window, 1)
    heard.clear()
    control(window, control_key).setFocus()
    press(window, key)
    assert heard == []


def test_escape_returns_the_focus_to_the_panels(qtbot, window):
    control(window, "network.width").setFocus()
    press(window, Qt.Key.Key_Escape)
    assert window.board.hasFocus()
    press(window, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: window.recording("A").last_step == 1)


def test_a_click_on_a_button_leaves_the_focus_where_it_was(window):
    QTest.mouseClick(window.findChild(QPushButton, "button.slow"), Qt.MouseButton.LeftButton)
    assert window.board.hasFocus()


def test_the_question_mark_lists_every_key(window):
    press(window, Qt.Key.Key_Question)
    sheet = window.findChild(QWidget, "keys_help")
    text = sheet.findChild(QLabel, "keys_help.text").text()
    assert all(entry.text.removesuffix("…") in text for entry in ENTRIES if entry.keys)
    sheet.close()


def test_about_names_the_versions(window):
    window.action("about").trigger()
    box = window.findChild(QMessageBox, "about_box")
    assert "PyTorch" in box.informativeText()
    box.close()


def test_controls_can_be_reached_by_tab_and_have_names(window):
    seen = set()
    for _ in range(80):
        press(window, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert focused.accessibleName() or getattr(focused, "text", str)(), focused.objectName()
        seen.add(focused.objectName())
    wanted = {"button.run", "speed", "initialiser.scheme", "network.width", "timeline.step"}
    assert wanted <= seen


# -- looks -----------------------------------------------------------------------------------


def colour_at(window, widget, x, y):
    image = window.grab().toImage()
    at = widget.mapTo(window, widget.rect().topLeft())
    return image.pixelColor(at.x() + x, at.y() + y).name()


def test_light_and_dark_and_back(window):
    assert colour_at(window, window.toolbar, 2, 2) == LIGHT.surface
    window.action("toggle_theme").trigger()
    assert colour_at(window, window.toolbar, 2, 2) == DARK.surface
    assert window.action("theme_dark").isChecked()
    window.action("theme_light").trigger()
    assert colour_at(window, window.toolbar, 2, 2) == LIGHT.surface


def test_the_projector_folds_the_controls_away_and_enlarges_the_panels(window):
    before = window.board.panels[0].width()
    press(window, Qt.Key.Key_P)
    assert not window.form.isVisible()
    assert not window.side.isVisible()
    assert window.board.panels[0].theme.label >= 24
    QApplication.processEvents()
    assert window.board.panels[0].width() > before
    press(window, Qt.Key.Key_P)
    assert window.form.isVisible()


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
@pytest.mark.parametrize("projector", [False, True])
def test_nothing_is_wider_than_its_place(window, size, projector):
    window.resize(*size)
    if projector:
        window.action("projector").trigger()
    QApplication.processEvents()
    assert (window.width(), window.height()) == size
    for area in (window.form, window.side):
        assert area.widget().width() <= area.viewport().width() or projector
    for button in window.toolbar.findChildren(QPushButton):
        if button.isVisible():
            assert button.geometry().right() <= window.toolbar.width()
            assert button.width() >= button.sizeHint().width()


# -- files and the next start ------------------------------------------------------------------


def bad_file(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text("[network]\nwidht = 3\n", encoding="utf-8")
    return path


def good_file(tmp_path):
    path = tmp_path / "good.toml"
    path.write_text("title = 'Wide'\n[network]\nwidth = 30\n", encoding="utf-8")
    return path


def test_an_experiment_file_is_opened(qtbot, window, tmp_path):
    window.open_file(good_file(tmp_path))
    wait_for(qtbot, window, width=30)
    assert "Wide" in window.windowTitle()
    assert control(window, "network.width").value() == 30


def test_a_bad_file_is_one_box_with_one_line_and_the_window_keeps_what_it_had(window, tmp_path):
    before = window.recording("A")
    window.open_file(bad_file(tmp_path))
    window.open_file(bad_file(tmp_path))
    boxes = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
    assert len(boxes) == 1
    said = boxes[0].informativeText()
    assert "bad.toml" in said
    assert "widht" in said
    assert "did you mean 'width'" in said
    assert "\n" not in said
    assert window.recording("A") is before
    boxes[0].close()


def test_a_file_can_be_named_at_the_start(qtbot, tmp_path):
    window = create_window([str(good_file(tmp_path))])
    qtbot.addWidget(window)
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=PATIENCE)
    assert window.recording("A").experiment.network.width == 30


def test_a_bad_file_named_at_the_start_opens_the_window_on_the_preset(qtbot, tmp_path):
    window = create_window([str(bad_file(tmp_path))])
    qtbot.addWidget(window)
    box = window.findChild(QMessageBox, "error_box")
    assert "widht" in box.informativeText()
    box.close()
    qtbot.waitUntil(lambda: window.lane.state is State.PAUSED, timeout=PATIENCE)
    assert window.recording("A").experiment.network.width == 100


def test_a_file_can_be_dropped(qtbot, window, tmp_path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(good_file(tmp_path)))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    wait_for(qtbot, window, width=30)


def test_an_experiment_is_saved_as_toml(window, tmp_path):
    window.action("save").trigger()
    dialog = window.findChild(QFileDialog, "file_dialog")
    dialog.fileSelected.emit(str(tmp_path / "mine.toml"))
    dialog.close()
    saved = Experiment.from_toml((tmp_path / "mine.toml").read_text(encoding="utf-8"))
    assert saved == window.lane.experiment
    assert window.state().folder == str(tmp_path)


def test_a_file_that_cannot_be_written_is_told(window, tmp_path):
    window.action("save").trigger()
    dialog = window.findChild(QFileDialog, "file_dialog")
    dialog.fileSelected.emit(str(tmp_path / "no" / "where.toml"))
    dialog.close()
    box = window.findChild(QMessageBox, "error_box")
    assert "where.toml" in box.informativeText()
    box.close()


def test_what_was_arranged_comes_back_at_the_next_start(qtbot, window):
    window.resize(1300, 700)
    window.action("theme_dark").trigger()
    window.toolbar.speed.changed.emit(20)
    window.board.panels[0].set_option(*other_option(window.board.panels[0]))
    columns = window.form.parent()
    columns.moveSplitter(300, 1)
    window.close()
    again = create_window([])
    qtbot.addWidget(again)
    assert again.height() == 700
    assert again.state().theme == "dark"
    assert again.lane.speed == 20
    assert settings.load(settings.default_path()).splitters["columns"][0] == 300
    assert "columns" in again.state().splitters
    assert again.board.panels[0].chosen == window.board.panels[0].chosen


def other_option(panel):
    option = panel.options[0]
    return option.key, list(option.choices)[1]


def test_a_bad_settings_file_never_blocks_the_start(qtbot):
    path = settings.default_path()
    path.parent.mkdir(parents=True)
    path.write_text("theme = 'pink'\nspeed = 2\ngeometry = 'AAAA'\n", encoding="utf-8")
    window = create_window([])
    qtbot.addWidget(window)
    assert window.state().theme == "light"
    assert window.lane.speed == 2


def test_closing_while_it_runs_leaves_nothing_behind(qtbot, window):
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.recording("A").last_step > 5, timeout=PATIENCE)
    window.close()
    assert not window.isVisible()


def test_the_first_window_is_no_higher_than_its_display(qtbot):
    made = create_window([])
    qtbot.addWidget(made)
    # Offscreen a display has 800 lines, which is what a window wants without its title bar.
    assert made.height() <= made.screen().availableSize().height() - TITLE_BAR
