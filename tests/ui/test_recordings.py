"""Recordings in a real window: opened, saved, gone on with, and found again after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox

import initviz
from initviz.app.main import create_window
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording, load
from initviz.session.lane import State
from initviz.ui.window import MainWindow
from tests.ui.windows import PATIENCE, wait_until_idle

SMALL = Experiment(title="Small").with_values({"network.hidden_layers": 3, "network.width": 8})


@pytest.fixture
def window(qtbot) -> MainWindow:
    made = create_window([])
    qtbot.addWidget(made)
    wait_until_idle(qtbot, made)
    return made


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Recording]:
    recording = initviz.run(SMALL, steps=23)
    path = tmp_path / "small.initviz"
    recording.save(path)
    return path, recording


def test_a_recording_is_shown_paused_at_its_last_step(qtbot, window, saved) -> None:
    window.open_file(saved[0])
    assert [lane.letter for lane in window.laboratory.lanes] == ["A"]
    assert window.recording("A").last_step == 23
    assert window.timeline.step == 23
    assert window.laboratory.state is State.PAUSED
    assert not window.laboratory.clock.is_running
    assert window.form.experiment == SMALL
    window.action("back").trigger()
    assert window.timeline.step == 22


def test_an_opened_recording_goes_on_with_the_same_numbers(qtbot, window, saved) -> None:
    window.open_file(saved[0])
    for _ in range(3):
        window.action("step").trigger()
        qtbot.waitUntil(lambda: window.laboratory.is_idle, timeout=PATIENCE)
    straight = initviz.run(SMALL, steps=26)
    assert window.recording("A").last_step == 26
    assert (window.recording("A").scalar("loss") == straight.scalar("loss")).all()


def test_opening_is_undone(qtbot, window, saved) -> None:
    before = window.desk.setup.lanes
    window.open_file(saved[0])
    window.action("undo").trigger()
    assert window.desk.setup.lanes == before
    window.action("redo").trigger()
    assert window.recording("A").last_step == 23


def test_the_recording_of_an_experiment_that_is_there_already_is_shown(
    qtbot, window, tmp_path
) -> None:
    window.desk.use_only(SMALL)
    wait_until_idle(qtbot, window)
    path = tmp_path / "same.initviz"
    initviz.run(SMALL, steps=9).save(path)
    window.open_file(path)
    assert window.recording("A").last_step == 9


def test_a_bad_recording_is_told_and_leaves_everything_as_it_is(window, tmp_path) -> None:
    path = tmp_path / "bad.initviz"
    path.write_bytes(b"no recording at all")
    before = window.desk.setup
    window.open_file(path)
    box = window.findChild(QMessageBox, "error_box")
    assert "bad.initviz" in box.informativeText()
    assert window.desk.setup == before


def test_a_recording_is_saved_and_read_again(qtbot, window, tmp_path) -> None:
    window.action("step").trigger()
    wait_until_idle(qtbot, window)
    path = tmp_path / "out.initviz"
    window.recordings.save(window.recording("A"), path)
    assert load(path).last_step == 1
    window.recordings.save(window.recording("A"), tmp_path / "nowhere" / "out.initviz")
    assert window.findChild(QMessageBox, "error_box").isVisible()


def test_what_was_kept_of_a_crash_is_offered_at_the_next_start(qtbot, tmp_path) -> None:
    settings = tmp_path / "settings.toml"
    kept = tmp_path / "recordings" / "session-0123456789abcdef"
    kept.mkdir(parents=True)
    initviz.run(SMALL, steps=7).save(kept / "0001-A.initviz")
    window = create_window([], settings_file=settings)
    qtbot.addWidget(window)
    box = window.findChild(QMessageBox, "left_over")
    assert "One run was kept" in box.informativeText()
    wait_until_idle(qtbot, window)
    box.button(QMessageBox.StandardButton.Open).click()
    assert window.recording("A").last_step == 7
    window.close()
    again = create_window([], settings_file=settings)
    qtbot.addWidget(again)
    assert again.findChild(QMessageBox, "left_over") is None


def test_a_window_that_closes_well_leaves_no_recording_behind(qtbot, tmp_path) -> None:
    window = create_window([], settings_file=tmp_path / "settings.toml")
    qtbot.addWidget(window)
    wait_until_idle(qtbot, window)
    for _ in range(2):
        window.action("step").trigger()
        wait_until_idle(qtbot, window)
    folder = tmp_path / "recordings"
    qtbot.waitUntil(lambda: len(list(folder.rglob("*.initviz"))) == 2, timeout=PATIENCE)
    window.close()
    assert not list(folder.rglob("*.initviz"))
