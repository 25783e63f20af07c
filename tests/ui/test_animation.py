"""Films: the right frames, made beside other work, and nothing left of one called off."""

import numpy as np
import pytest
from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QLabel, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.training import run
from initviz.ui import animation, film_dialog, theme
from initviz.ui.animation import KINDS, Film, Scene, film_steps, pixels, write_film
from initviz.ui.panels.activation_histograms import ActivationHistograms
from initviz.ui.panels.base import Shown
from initviz.ui.panels.loss import Loss

av = pytest.importorskip("av")


@pytest.fixture(scope="module")
def recording():
    settings = {"network.hidden_layers": 3, "network.width": 6, "training.data": "moons"}
    return run(Experiment().with_values(settings), 40)


@pytest.fixture
def shown(recording):
    return [Shown("A", 0, "a", recording, recording.last_step)]


@pytest.fixture
def panel(qtbot, shown):
    theme.load_fonts()
    made = Loss()
    qtbot.addWidget(made)
    made.set_option("scale", "logarithmic")
    made.show_data(shown)
    return made


@pytest.fixture
def scene(panel, shown):
    made = Scene.of_panel(panel, shown, KINDS[".mp4"])
    yield made
    made.close()


def frames(path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def near(film, painted):
    """How far a frame of a film is from the picture, which no codec keeps exactly."""
    return np.abs(film.astype(int) - painted.astype(int)).mean()


# -- which steps ------------------------------------------------------------------------------


def test_a_short_run_is_filmed_whole(shown):
    assert film_steps(shown) == list(range(41))


def test_a_long_run_is_filmed_evenly_from_end_to_end(shown):
    steps = film_steps(shown, most=9)
    assert steps == [0, 5, 10, 15, 20, 25, 30, 35, 40]


def test_the_steps_of_all_lanes_count(shown, recording):
    longer = run(recording.experiment, 60)
    assert film_steps([*shown, Shown("B", 1, "b", longer, 60)])[-1] == 60
    assert film_steps([]) == []


# -- frames -----------------------------------------------------------------------------------


def test_a_frame_shows_its_step(scene):
    first, again, last = (pixels(scene.frame(step)) for step in (0, 0, 40))
    assert first.shape == (720, 1280, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, last)


def test_a_film_is_made_by_a_copy_that_looks_the_same(panel, shown, qtbot):
    panel.set_theme(theme.DARK)
    scene = Scene.of_panel(panel, shown, KINDS[".gif"])
    frame = pixels(scene.frame(7))
    scene.close()
    assert frame.shape == (540, 960, 3)
    assert frame.mean() < 80  # dark, and logarithmic as the panel is:
    assert panel.shown[0].step == 40
    panel.set_option("scale", "linear")
    scene = Scene.of_panel(panel, shown, KINDS[".gif"])
    assert not np.array_equal(pixels(scene.frame(7)), frame)
    scene.close()


def test_several_panels_keep_their_arrangement(qtbot, shown):
    theme.load_fonts()
    board = QWidget()
    qtbot.addWidget(board)
    board.resize(800, 450)
    left, right = Loss(board), ActivationHistograms(board)
    left.setGeometry(0, 0, 400, 450)
    right.setGeometry(400, 0, 400, 450)
    for panel in (left, right):
        panel.show_data(shown)
    scene = Scene.of_panels([left, right], shown, KINDS[".mp4"])
    early, late = (pixels(scene.frame(step)).astype(int) for step in (0, 40))
    scene.close()
    changed = np.abs(late - early).sum(axis=2) > 0
    assert changed[:, :640].any()
    assert changed[:, 640:].any()
    left.stop()
    right.stop()


# -- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ending", "tolerance"), [(".mp4", 1.0), (".gif", 0.5)])
def test_a_film_holds_its_frames(ending, tolerance, panel, shown, tmp_path):
    scene = Scene.of_panel(panel, shown, KINDS[ending])
    steps, done, path = [0, 10, 20, 40], [], tmp_path / f"film{ending}"
    write_film(scene, steps, path, done.append)
    painted = [pixels(scene.frame(step)) for step in steps]
    scene.close()
    film = frames(path)
    assert done == [1, 2, 3, 4]
    assert len(film) == len(steps) + animation.REST  # the last one stays for a second
    for found, expected in zip(film, painted, strict=False):
        assert found.shape == expected.shape
        assert near(found, expected) < tolerance
    assert near(film[-1], painted[-1]) < tolerance
    assert near(film[0], painted[-1]) > near(film[0], painted[0])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_film_that_cannot_be_written_is_told(scene, tmp_path):
    with pytest.raises(FileNotFoundError):
        write_film(scene, [0, 1], tmp_path / "nowhere" / "film.mp4")


# -- beside other work ------------------------------------------------------------------------


def test_a_film_is_made_while_the_window_goes_on(panel, shown, qtbot, tmp_path):
    scene = Scene.of_panel(panel, shown, KINDS[".mp4"])
    longest, clock = [0], QElapsedTimer()
    clock.start()

    def tick():
        longest[0] = max(longest[0], clock.restart())

    timer = QTimer()
    timer.setInterval(1)
    timer.timeout.connect(tick)
    timer.start()
    film = Film(scene, film_steps(shown), tmp_path / "film.mp4")
    told = []
    film.progressed.connect(told.append)
    with qtbot.waitSignal(film.ended, timeout=30_000) as ended:
        pass
    timer.stop()
    assert ended.args == [""]
    assert told == list(range(1, 42))
    assert longest[0] < 1000  # a frame takes some milliseconds, on a busy machine a few more
    assert len(frames(tmp_path / "film.mp4")) == 41 + animation.REST


def test_a_film_that_is_called_off_leaves_nothing(panel, shown, qtbot, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_text("before")
    film = Film(Scene.of_panel(panel, shown, KINDS[".mp4"]), film_steps(shown), path)
    with qtbot.waitSignal(film.progressed):
        pass
    with qtbot.waitSignal(film.ended) as ended:
        film.cancel()
    assert ended.args == [""]
    assert film.is_over
    film.cancel()  # once more is no matter
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]


def test_a_film_that_fails_says_why(panel, shown, qtbot, tmp_path):
    path = tmp_path / "nowhere" / "film.mp4"
    film = Film(Scene.of_panel(panel, shown, KINDS[".mp4"]), film_steps(shown), path)
    with qtbot.waitSignal(film.ended, timeout=20_000) as ended:
        pass
    assert ended.args == ["No such file or directory"]


# -- for a person -----------------------------------------------------------------------------


@pytest.fixture
def window(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_dialog_shows_how_far_it_is(panel, shown, window, qtbot, tmp_path):
    troubles = []
    path = tmp_path / "film.gif"
    dialog = film_dialog.save_film([panel], shown, path, troubles.append, window)
    assert dialog.findChild(QLabel).text() == "Frame 0 of 41"
    assert not dialog.isHidden()
    with qtbot.waitSignal(dialog.destroyed, timeout=30_000):
        pass
    assert path.exists()
    assert troubles == []


@pytest.mark.parametrize("how", ["button", "escape", "window"])
def test_the_dialog_calls_it_off(how, panel, shown, window, qtbot, tmp_path):
    path = tmp_path / "film.mp4"
    dialog = film_dialog.save_film([panel], shown, path, pytest.fail, window)
    with qtbot.waitSignal(dialog.destroyed, timeout=20_000):
        if how == "button":
            cancel = dialog.findChild(QDialogButtonBox).button(
                QDialogButtonBox.StandardButton.Cancel
            )
            cancel.click()
        elif how == "escape":
            qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        else:
            dialog.close()
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_begun_is_told(panel, shown, window, tmp_path, monkeypatch):
    troubles = []

    def save(panels, lanes, name):
        return film_dialog.save_film(panels, lanes, tmp_path / name, troubles.append, window)

    assert save([panel], shown, "film.avi") is None
    assert save([panel], [], "film.mp4") is None
    monkeypatch.setattr(film_dialog, "is_available", lambda: False)
    assert save([panel], shown, "film.mp4") is None
    film_dialog.ask_for_film([panel], shown, "", troubles.append, window)
    assert troubles == [
        "film.avi ends with none of .mp4, .gif",
        "there is nothing to film yet",
        animation.MISSING,
        animation.MISSING,
    ]
    assert window.findChild(QFileDialog) is None


def test_a_failure_is_told_when_the_dialog_is_over(panel, shown, window, qtbot, tmp_path):
    troubles = []
    path = tmp_path / "nowhere" / "film.mp4"
    dialog = film_dialog.save_film([panel], shown, path, troubles.append, window)
    with qtbot.waitSignal(dialog.destroyed, timeout=20_000):
        pass
    assert troubles == ["The film was not saved: No such file or directory"]


def test_a_person_is_asked_where(panel, shown, window, qtbot, tmp_path):
    film_dialog.ask_for_film([panel], shown, str(tmp_path), pytest.fail, window)
    asked = window.findChild(QFileDialog, "film_file")
    assert asked.nameFilters() == ["MP4 (*.mp4)", "GIF (*.gif)"]
    asked.filterSelected.emit("GIF (*.gif)")
    assert asked.defaultSuffix() == "gif"
    asked.fileSelected.emit(str(tmp_path / "film.gif"))
    asked.reject()
    made = window.findChild(film_dialog.FilmDialog)
    with qtbot.waitSignal(made.destroyed, timeout=30_000):
        pass
    assert (tmp_path / "film.gif").exists()
