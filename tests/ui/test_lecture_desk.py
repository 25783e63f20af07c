"""Lectures and challenges in the real window: chosen, played, and played on with."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from initviz.app.main import create_window
from initviz.lab.experiment import Experiment
from initviz.lab.lectures import read_challenge, shipped, shipped_challenges
from initviz.ui.start_screen import StartScreen
from tests.ui.windows import PATIENCE, wait_until_idle

LECTURE = """# A lecture

```toml lecture
version = 1
minutes = 1
summary = "One scene."
```

## Only one

```toml scene
panels = ["symmetry"]
locked = ["network.width"]
hidden = ["training.*"]
veiled = ["C"]

[lanes.A]
network = { hidden_layers = 2, width = 8 }
training.data = "moons"

[lanes.B]
like = "A"
initialiser.scheme = "he_normal"

[lanes.C]
like = "A"
initialiser.scheme = "zeros"
```

Words.

---

More words.
"""
CHALLENGE = """# A challenge

```toml challenge
version = 1
number = 1
free = ["initialiser.*"]
steps = 0
hints = ["Try zeros."]

[experiment]
network = { hidden_layers = 2, width = 8 }
training.data = "moons"

[solution]
initialiser.scheme = "zeros"
```

Make no weight learn.

```expect
weight_norm.max = 0
```
"""


@pytest.fixture
def window(qtbot):
    made = create_window([])
    qtbot.addWidget(made)
    wait_until_idle(qtbot, made)
    yield made
    if made.lectures.player is not None:
        made.lectures.player.close()


@pytest.fixture
def lecture(tmp_path):
    path = tmp_path / "mine.md"
    path.write_text(LECTURE)
    return path


@pytest.fixture
def challenge(tmp_path):
    path = tmp_path / "task.md"
    path.write_text(CHALLENGE)
    return path


def control(window, key):
    return next(w for w in window.form.findChildren(QWidget, key) if w.isVisibleTo(window.form))


def schemes(window):
    return [lane.experiment.initialiser.name for lane in window.desk.setup.lanes]


# -- the start screen -----------------------------------------------------------------------------


def test_l_opens_the_start_screen_and_escape_leaves_everything_as_it_was(window, qtbot):
    before = window.desk.setup
    QTest.keyClick(window, Qt.Key.Key_L)
    sheet = window.findChild(StartScreen)
    names = {w.objectName() for w in sheet.findChildren(QPushButton)}
    assert {f"start.lecture.{path.stem}" for path in shipped()} <= names
    assert {f"start.challenge.{path.stem}" for path in shipped_challenges()} <= names
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(StartScreen) is None)
    assert window.desk.setup == before


def test_what_was_opened_is_offered_again_also_at_the_next_start(window, challenge, lecture):
    window.open_file(challenge)
    window.lectures.show_start()
    cards = window.findChild(StartScreen).findChildren(QPushButton, f"start.file.{challenge.name}")
    assert len(cards) == 1
    assert window.state().recent == (str(challenge),)
    window.findChild(StartScreen).close()


def test_a_new_experiment_is_one_lane_of_defaults_and_undone(window):
    before = window.desk.setup.lanes
    window.action("new").trigger()
    assert [lane.experiment for lane in window.desk.setup.lanes] == [Experiment()]
    window.action("undo").trigger()
    assert window.desk.setup.lanes == before


# -- lectures -------------------------------------------------------------------------------------


def test_a_lecture_plays_over_a_window_that_waits(window, lecture, qtbot):
    window.action("run").trigger()
    window.open_file(lecture)
    assert window.lectures.player.isVisible()
    qtbot.waitUntil(lambda: window.laboratory.is_idle, timeout=PATIENCE)


def test_leaving_brings_what_the_scene_shows_and_its_limits(window, lecture, qtbot):
    window.open_file(lecture)
    window.lectures.player.ask_to_leave()
    QTest.keyClick(window.lectures.player.overlay, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.lectures.player is None, timeout=PATIENCE)
    assert schemes(window) == ["normal", "he_normal"]  # C is veiled
    assert not control(window, "network.width").isEnabled()
    assert control(window, "network.hidden_layers").isEnabled()
    assert not [w for w in window.form.findChildren(QWidget, "training.data") if w.isVisible()]
    assert "symmetry" in window.board.arrangement.panels
    wait_until_idle(qtbot, window)


def test_the_limits_go_by_their_button_by_undo_and_with_another_file(window, lecture, qtbot):
    def leave():
        window.open_file(lecture)
        player = window.lectures.player
        player.left.emit(player.course.stage(), player.course.scene)
        player.close()
        assert not control(window, "network.width").isEnabled()

    leave()
    window.limits.findChild(QPushButton, "limits.unlock").click()
    assert control(window, "network.width").isEnabled()
    window.action("new").trigger()
    leave()
    while not control(window, "network.width").isEnabled():
        window.action("undo").trigger()
    leave()
    window.action("new").trigger()
    assert control(window, "network.width").isEnabled()
    wait_until_idle(qtbot, window)


def test_a_bad_lecture_is_named_with_its_line_and_changes_nothing(window, lecture):
    before = window.desk.setup
    lecture.write_text(LECTURE.replace("panels", "pannels"))
    window.open_file(lecture)
    box = window.findChild(QMessageBox, "error_box")
    assert "mine.md:12: " in box.informativeText()
    assert "panels" in box.informativeText()
    assert window.desk.setup == before
    assert window.lectures.player is None
    box.close()


# -- challenges -----------------------------------------------------------------------------------


def test_a_challenge_locks_what_is_not_free_and_judges_what_one_does(window, challenge, qtbot):
    window.open_file(challenge)
    bar = window.lectures.challenge
    wait_until_idle(qtbot, window)
    assert bar.isVisible()
    assert not bar.is_solved
    assert not control(window, "network.hidden_layers").isEnabled()
    box = control(window, "initialiser.scheme")
    box.setCurrentIndex(box.findData("zeros"))
    wait_until_idle(qtbot, window)
    qtbot.waitUntil(lambda: bar.is_solved)


def test_giving_up_loads_the_solution(window, challenge, qtbot):
    window.open_file(challenge)
    bar = window.lectures.challenge
    bar.solution_wanted.emit(read_challenge(challenge).solved)
    wait_until_idle(qtbot, window)
    assert schemes(window) == ["zeros"]


def test_a_challenge_ends_with_done_with_undo_and_with_the_next_one(window, challenge, qtbot):
    for end in (
        lambda: window.lectures.challenge.done.emit(),
        lambda: window.action("undo").trigger(),
        lambda: window.action("new").trigger(),
    ):
        window.open_file(challenge)
        first = window.lectures.challenge
        window.open_file(challenge)
        assert window.lectures.challenge is not first
        end()
        assert window.lectures.challenge is None
        assert control(window, "network.hidden_layers").isEnabled()
    wait_until_idle(qtbot, window)
