"""Files that are read and written behind the window: with a bar, called off, and at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

import initviz
from initviz.app.main import create_window
from initviz.lab.experiment import Experiment
from initviz.lab.experiment_files import write_experiment
from initviz.lab.recording import load
from initviz.lab.watching import Told
from initviz.ui import exporting, recordings
from initviz.ui.behind import Behind
from initviz.ui.progress_bar import ProgressBar
from initviz.ui.window import MainWindow
from tests.ui.windows import PATIENCE, wait_until_idle

SMALL = Experiment(title="Small").with_values({"network.hidden_layers": 3, "network.width": 8})


class Slow:
    """Work that goes on until it is let go of, or called off."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.has_begun = threading.Event()
        self.was_called_off = False

    def __call__(self, told: Told) -> str:
        self.has_begun.set()
        try:
            while not self.go.wait(0.01):
                told(0.4)
        except BaseException:
            self.was_called_off = True
            raise
        return "done"


class Heard(list[object]):
    """What was said of it."""

    def done(self, result: object) -> None:
        self.append(result)

    def failed(self, error: Exception) -> None:
        self.append(str(error))


@pytest.fixture
def place(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def behind(place: QWidget) -> Iterator[Behind]:
    made = Behind(QVBoxLayout(place), place)
    yield made
    made.close()


def bars(place: QWidget) -> list[QWidget]:
    return [bar for bar in place.findChildren(QWidget, "errand") if bar.isVisible()]


def test_what_is_small_is_done_at_once(behind: Behind) -> None:
    heard = Heard()
    behind.do("Opening a", lambda told: 7, heard.done, heard.failed, at_once=True)
    assert heard == [7]
    assert not behind.is_busy


def test_what_takes_longer_has_a_bar_that_fills_and_goes(
    qtbot: QtBot, behind: Behind, place: QWidget
) -> None:
    slow, heard = Slow(), Heard()
    behind.do("Opening a", slow, heard.done, heard.failed)
    assert not bars(place)  # most are done before anybody could read it
    qtbot.waitUntil(lambda: bool(bars(place)))
    bar = bars(place)[0]
    assert bar.accessibleName() == "Opening a"
    assert bar.findChild(ProgressBar).value() == 400
    slow.go.set()
    qtbot.waitUntil(lambda: heard == ["done"])
    assert not bars(place)
    assert not behind.is_busy


def test_what_is_called_off_says_nothing_more(qtbot: QtBot, behind: Behind, place: QWidget) -> None:
    slow, heard = Slow(), Heard()
    behind.do("Opening a", slow, heard.done, heard.failed)
    qtbot.waitUntil(lambda: bool(bars(place)))
    bars(place)[0].findChild(QPushButton, "errand.cancel").click()
    assert not bars(place)
    assert not behind.is_busy
    behind.close()
    assert slow.was_called_off
    assert heard == []


def test_the_last_of_several_openings_counts(qtbot: QtBot, behind: Behind) -> None:
    first, heard = Slow(), Heard()
    behind.do("Opening a", first, heard.done, heard.failed, instead_of="opening")
    behind.do("Opening b", lambda told: "b", heard.done, heard.failed, instead_of="opening")
    qtbot.waitUntil(lambda: heard == ["b"])
    behind.close()
    assert first.was_called_off


def test_savings_do_not_call_each_other_off(qtbot: QtBot, behind: Behind) -> None:
    works, heard = [Slow(), Slow()], Heard()
    for work in works:
        behind.do("Saving", work, heard.done, heard.failed, outlives_window=True)
    for work in works:
        work.go.set()
    qtbot.waitUntil(lambda: heard == ["done", "done"])


def test_what_fails_is_told(qtbot: QtBot, behind: Behind) -> None:
    heard = Heard()

    def broken(error: Exception) -> Callable[[Told], None]:
        def work(_told: Told) -> None:
            raise error

        return work

    for error in (OSError("the disk is full"), ValueError("no recording"), KeyError("a mistake")):
        behind.do("Saving a", broken(error), heard.done, heard.failed)
        qtbot.waitUntil(lambda: not behind.is_busy)
    assert heard == ["the disk is full", "no recording", "'a mistake'"]


def test_at_the_end_what_is_read_is_called_off_and_what_is_written_is_finished(
    qtbot: QtBot, behind: Behind
) -> None:
    read, written, heard = Slow(), Slow(), Heard()
    behind.do("Opening a", read, heard.done, heard.failed)
    behind.do("Saving a", written, heard.done, heard.failed, outlives_window=True)
    assert read.has_begun.wait(5)
    assert written.has_begun.wait(5)
    written.go.set()
    behind.close()
    assert read.was_called_off
    assert heard == ["done"]
    assert not behind.is_busy


# -- in a real window --------------------------------------------------------------------------


@pytest.fixture
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (recordings, "SMALL_FILE"),
        (recordings, "SMALL_RECORDING"),
        (exporting, "SMALL_TABLE"),
    ):
        monkeypatch.setattr(module, name, -1)


@pytest.fixture
def window(qtbot: QtBot, nothing_is_small: None) -> MainWindow:
    made = create_window([])
    qtbot.addWidget(made)
    wait_until_idle(qtbot, made)
    return made


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "small.initviz"
    initviz.run(SMALL, steps=23).save(path)
    return path


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Let the first half of every reading take until it is called off."""
    slow = Slow()

    def reading(path: Path, told: Told) -> object:
        slow(told)
        return load(path)

    monkeypatch.setattr(recordings, "load", reading)
    yield slow
    slow.go.set()


def test_a_large_recording_is_opened_behind_the_window(
    qtbot: QtBot, window: MainWindow, saved: Path
) -> None:
    window.open_file(saved)
    assert window.behind.is_busy
    assert len(window.laboratory.lanes) == 2  # those of before stay until it is there
    qtbot.waitUntil(lambda: not window.behind.is_busy, timeout=PATIENCE)
    assert window.timeline.step == window.recording("A").last_step == 23
    assert window.state().recent == (str(saved),)


def test_a_large_recording_named_at_the_start_is_shown_at_last(
    qtbot: QtBot, nothing_is_small: None, saved: Path
) -> None:
    made = create_window([str(saved)])
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: not made.behind.is_busy, timeout=PATIENCE)
    assert made.recording("A").last_step == 23


def test_a_large_file_that_is_no_recording_is_told_and_changes_nothing(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path, before = tmp_path / "bad.initviz", window.desk.setup
    path.write_bytes(b"no recording at all")
    window.open_file(path)
    qtbot.waitUntil(lambda: not window.behind.is_busy, timeout=PATIENCE)
    box = window.findChild(QMessageBox, "error_box")
    assert box.text() == "This recording cannot be opened"
    assert box.informativeText() == f"{path}: not a recording of initviz"
    assert window.desk.setup == before


def test_an_opening_that_is_called_off_changes_nothing(
    qtbot: QtBot, window: MainWindow, saved: Path, stuck: Slow
) -> None:
    before = window.desk.setup
    window.open_file(saved)
    qtbot.waitUntil(lambda: bool(bars(window)), timeout=PATIENCE)
    window.findChild(QPushButton, "errand.cancel").click()
    qtbot.waitUntil(lambda: stuck.was_called_off, timeout=PATIENCE)
    assert window.desk.setup == before
    assert not bars(window)


def test_an_experiment_that_is_opened_meanwhile_stays(
    qtbot: QtBot, window: MainWindow, saved: Path, stuck: Slow, tmp_path: Path
) -> None:
    path = tmp_path / "other.toml"
    write_experiment(SMALL.with_value("network.width", 5), path)
    window.open_file(saved)
    window.open_file(path)
    assert not window.behind.is_busy
    qtbot.waitUntil(lambda: stuck.was_called_off, timeout=PATIENCE)
    wait_until_idle(qtbot, window)
    assert window.lane.experiment.network.width == 5


def test_a_window_that_closes_while_it_opens_a_file_ends_cleanly(
    window: MainWindow, saved: Path, stuck: Slow
) -> None:
    window.open_file(saved)
    window.close()
    assert stuck.was_called_off


@pytest.mark.parametrize("name", ["run.initviz", "run.csv", "run.json", "run.npz"])
def test_what_is_being_saved_is_there_when_the_window_has_closed(
    window: MainWindow, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    if path.suffix == ".initviz":
        window.recordings.save(window.recording("A"), path)
    else:
        window.exports.save_run(path)
    window.close()
    assert path.stat().st_size > 1000
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_what_is_saved_is_the_run_as_it_was_then(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "run.initviz"
    window.action("run").trigger()
    qtbot.waitUntil(lambda: window.recording("A").last_step > 5, timeout=PATIENCE)
    step = window.recording("A").last_step
    window.recordings.save(window.recording("A"), path)
    qtbot.waitUntil(lambda: not window.behind.is_busy, timeout=PATIENCE)
    window.action("run").trigger()
    wait_until_idle(qtbot, window)
    assert load(path).last_step == step


def test_what_was_left_over_is_opened_behind_the_window(
    qtbot: QtBot, nothing_is_small: None, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.toml"
    kept = tmp_path / "recordings" / "session-0123456789abcdef"
    kept.mkdir(parents=True)
    for number, letter in enumerate("AB"):
        initviz.run(SMALL, steps=7 + number).save(kept / f"000{number}-{letter}.initviz")
    window = create_window([], settings_file=settings)
    qtbot.addWidget(window)
    wait_until_idle(qtbot, window)
    box = window.findChild(QMessageBox, "left_over")
    box.button(QMessageBox.StandardButton.Open).click()
    qtbot.waitUntil(lambda: not window.behind.is_busy, timeout=PATIENCE)
    found = {lane.recording.last_step for lane in window.laboratory.lanes if lane.recording}
    assert found == {7, 8}
    assert not kept.exists()  # settled: it is not offered again
