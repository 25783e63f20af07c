"""Every stop of every shipped lecture, as an audience sees it on two kinds of display."""

import time

import pytest
from PySide6.QtWidgets import QApplication

from initviz import Experiment, run
from initviz.lab.lectures import read_lecture, shipped
from initviz.ui import theme
from initviz.ui.lecture.player import LecturePlayer
from initviz.ui.panels import PANELS
from tests.ui.lecture.lectures import settle
from tests.ui.panels.words import faults_of_words, reader_of_words

SIZES = ((1280, 720), (1920, 1080))
#: Seconds of work within which a scene has a picture, once PyTorch is there.
FIRST_PICTURE = 2.0
LECTURES = {path.stem: path for path in shipped()}


@pytest.fixture(scope="module", autouse=True)
def torch_is_loaded():
    run(Experiment().with_values({"network.width": 4, "network.hidden_layers": 1}), steps=1)


@pytest.fixture
def words(monkeypatch):
    assert PANELS  # every panel is imported before it is listened to
    return reader_of_words(monkeypatch)


def _there(player):
    """Whether every panel shows what it can show already."""
    panels = player.panels.panels
    return not player.hand.is_measuring and not any(
        panel.shown and not panel.has_drawn for panel in panels
    )


def _faults(player, words):
    """What is wrong with what is seen."""
    if player.page.overflows:
        yield "the text does not fit its page"
    if player.footer.notice.text() and "recorded earlier" not in player.footer.notice.text():
        yield f"the footer says {player.footer.notice.text()!r}"
    if player.course.is_asking and player.course.question.sketch and not player.sketch.is_possible:
        yield "there is nothing to draw the sketch on"
    for panel in player.panels.panels:
        if panel.shown:
            written = words(panel)
            assert written
            yield from (f"{panel.name}: {fault}" for fault in faults_of_words(panel, written))
        elif not panel.expected:
            yield f"{panel.name} is empty"


@pytest.mark.slow
@pytest.mark.parametrize("name", LECTURES)
def test_every_stop_is_legible_and_whole_and_every_scene_is_there_at_once(qtbot, words, name):
    theme.load_fonts()
    lecture = read_lecture(LECTURES[name])
    player = LecturePlayer(lecture)
    qtbot.addWidget(player)
    player.resize(*SIZES[0])
    player.show()
    settle(qtbot, player)
    faults = []
    for index, stop in enumerate(lecture.stops):
        began = time.process_time()
        player.go(index)
        qtbot.waitUntil(lambda: _there(player), timeout=60_000)
        took = time.process_time() - began
        where = f"stop {index}, scene {stop.scene + 1}, beat {stop.beat + 1}"
        if stop.beat == 0 and not stop.answered and took > FIRST_PICTURE:
            faults.append(f"{where}: the first picture took {took:.1f} s")
        settle(qtbot, player)
        for size in SIZES:
            player.resize(*size)
            QApplication.processEvents()
            faults += [f"{where}, {size[0]}: {fault}" for fault in _faults(player, words)]
        player.resize(*SIZES[0])
    assert faults == []
    player.close()
