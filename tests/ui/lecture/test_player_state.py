"""Going back restores a stop exactly; recordings, failures and play do what they say."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from initviz import run
from initviz.lab.lectures import parse_lecture
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS
from initviz.ui.lecture.kept import Kept, Run, cut
from initviz.ui.lecture.player import LecturePlayer
from tests.ui.lecture.lectures import HEAD, THREE, play, settle

FIRST = """
## One

```toml scene
panels = ["{panel}"]

[lanes.A]
network = {{ hidden_layers = 2, width = 6 }}
training = {{ data = "moons", batch_size = 16 }}
{more}
```

Here.

---

Trained.

```toml action
run = {steps}
```
"""


def one_scene(panel="loss", more="", steps=5):
    return HEAD + FIRST.format(panel=panel, more=more, steps=steps)


def numbers(recording):
    """Everything that was measured, as arrays by name."""
    found = {name: recording.scalar(name) for name in SCALARS}
    found |= {name: recording.series(name) for name in QUANTITIES}
    found |= {"steps": recording.steps, "checkpoints": recording.checkpoint_steps}
    for step in recording.histogram_steps:
        for name in HISTOGRAMS:
            found[f"{name} {step}"] = recording.histogram(name, int(step))[0]
    return found


def picture(panel):
    image = panel.grab().toImage()
    return image.size(), bytes(image.constBits())


def seen(player):
    """All that a stop shows."""
    return {
        "lanes": [(one.letter, one.label, one.step) for one in player.hand.shown()],
        "numbers": [numbers(one.recording) for one in player.hand.shown()],
        "panels": [panel.name for panel in player.panels.panels],
        "options": [panel.chosen for panel in player.panels.panels],
        "highlight": [panel.highlight for panel in player.panels.panels],
        "text": player.page.shown_parts,
        "asks": player.course.is_asking,
        "notice": player.footer.notice.text(),
        "pictures": [picture(panel) for panel in player.panels.panels],
        "page": picture(player.page),
    }


def assert_same(before, after):
    for name in before.keys() - {"numbers"}:
        assert before[name] == after[name], name
    for one, other in zip(before["numbers"], after["numbers"], strict=True):
        for name in one.keys() | other.keys():
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


# -- going back --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_going_back_shows_every_stop_exactly_as_it_was(qtbot, size):
    player = play(qtbot, size=size)
    there = []
    for index in range(len(player.course.stops)):
        player.go(index)
        settle(qtbot, player)
        there.append(seen(player))
    for index in reversed(range(len(player.course.stops))):
        player.go(index)
        if player.panels.panel("slow_motion") is None:  # that one looks into weights anew
            assert not player.panels.undrawn
        settle(qtbot, player)
        assert_same(there[index], seen(player))


def test_going_back_trains_nothing_and_shows_at_once(qtbot):
    player = play(qtbot)
    for index in range(4):
        player.go(index)
        settle(qtbot, player)
    recordings = []
    for index in (1, 0, 1, 2):
        player.go(index)
        assert player.hand.is_settled
        recordings.append(player.hand.shown()[0].recording)
    assert recordings[0] is recordings[2]


def test_what_a_person_changed_is_undone_by_the_next_stop(qtbot):
    player = play(qtbot)
    settle(qtbot, player)
    before = seen(player)
    player.panels.panel("gradient_magnitude").set_option("scale", "absolute")
    player.go(1)
    assert player.panels.panel("gradient_magnitude").option("scale") == "relative"
    player.go(0)
    settle(qtbot, player)
    assert_same(before, seen(player))


def test_a_jump_shows_the_same_as_the_way_on_foot(qtbot):
    on_foot, jumped = play(qtbot), play(qtbot)
    for index in range(6):
        on_foot.go(index)
        settle(qtbot, on_foot)
    jumped.go(5)
    settle(qtbot, jumped)
    there, here = seen(on_foot), seen(jumped)
    assert there["lanes"] == here["lanes"]
    for one, other in zip(there["numbers"], here["numbers"], strict=True):
        np.testing.assert_array_equal(one["loss"], other["loss"])


def test_a_run_goes_on_from_what_was_kept(qtbot):
    text = THREE.replace("Look back to the start.", "On.").replace("go = 0", "run = 5")
    player = play(qtbot, text)
    for index in (0, 1, 0, 1, 3, 2):
        player.go(index)
        settle(qtbot, player)
    shown = player.hand.shown()[0]
    assert shown.step == 11
    np.testing.assert_array_equal(
        shown.recording.scalar("loss"), run(shown.recording.experiment, 11).scalar("loss")
    )


def test_highlight_and_options_are_the_stage_s(qtbot):
    player = play(qtbot)
    player.go(2)
    settle(qtbot, player)
    panel = player.panels.panel("gradient_magnitude")
    assert (panel.highlight, panel.option("scale")) == ("hidden 2", "absolute")
    player.go(0)
    assert (panel.highlight, panel.option("scale")) == ("", "relative")


def test_slow_motion_stands_at_the_stage_s_beat(qtbot):
    player = play(qtbot)
    beats = []
    for index in (6, 7, 6):
        player.go(index)
        settle(qtbot, player)
        qtbot.waitUntil(lambda: player.panels.panel("slow_motion").found is not None)
        beats.append(player.panels.panel("slow_motion").beat)
    assert beats == [2, 3, 2]


def test_slow_motion_plays_where_the_stage_says_so(qtbot):
    player = play(qtbot, THREE.replace("slow_motion = 2", 'slow_motion = "play"'))
    player.go(6)
    panel = player.panels.panel("slow_motion")
    qtbot.waitUntil(lambda: panel.is_playing, timeout=20_000)
    player.go(0)
    assert not panel.is_playing


# -- playing -----------------------------------------------------------------------------------


def test_the_phase_map_s_dot_changes_a_lane_live_until_the_next_stop(qtbot):
    player = play(qtbot, one_scene("phase_map"))
    settle(qtbot, player)
    planned = player.hand.shown()[0].recording.experiment
    panel = player.panels.panel("phase_map")
    chart = panel.findChild(type(panel._canvas))
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: player.hand.shown()[0].recording.experiment != planned)
    settle(qtbot, player)
    assert player.course.index == 0  # the chart keeps its arrows
    QTest.keyClick(chart, Qt.Key.Key_PageDown)
    settle(qtbot, player)
    assert [one.step for one in player.hand.shown()] == [5]
    assert player.hand.shown()[0].recording.experiment == planned
    player.go(0)
    assert player.hand.shown()[0].recording.experiment == planned


# -- recordings --------------------------------------------------------------------------------


@pytest.fixture
def recorded(tmp_path):
    """The text of a lecture whose lane comes with a recording, and the folder where it lies."""
    lecture = parse_lecture(one_scene(), "small.md")
    run(lecture.scenes[0].opening.lanes[0].experiment, 5).save(tmp_path / "a.initviz")
    return one_scene(more='recording = "a.initviz"'), tmp_path


def play_in(qtbot, text, folder):
    player = LecturePlayer(parse_lecture(text, "small.md", folder))
    qtbot.addWidget(player)
    player.show()
    player.activateWindow()
    qtbot.waitUntil(player.isActiveWindow)
    settle(qtbot, player)
    return player


def test_a_recorded_lane_is_played_and_marked_and_nothing_is_trained(qtbot, recorded):
    player = play_in(qtbot, *recorded)
    assert player.hand.shown()[0].recording.last_step == 0  # the rest is still to come
    assert "A recorded earlier" in player.footer.notice.text()
    player.next()
    settle(qtbot, player)
    assert player.hand.shown()[0].step == 5
    assert player.hand.has_trained is False
    assert player.findChild(QPushButton, "lecture.run_live").isVisible()


def test_v_runs_live_what_was_recorded(qtbot, recorded):
    player = play_in(qtbot, *recorded)
    player.next()
    settle(qtbot, player)
    before = player.hand.shown()[0].recording
    QTest.keyClick(player, Qt.Key.Key_V)
    settle(qtbot, player)
    after = player.hand.shown()[0].recording
    assert after is not before
    assert player.hand.has_trained
    assert player.footer.notice.text() == ""
    assert not player.findChild(QPushButton, "lecture.run_live").isVisible()
    np.testing.assert_array_equal(after.scalar("loss"), before.scalar("loss"))


def test_going_back_shows_a_recording_at_once_and_whole(qtbot, recorded):
    player = play_in(qtbot, *recorded)
    before = seen(player)
    player.next()
    settle(qtbot, player)
    after = seen(player)
    player.back()
    assert_same(before, seen(player))
    player.next()
    assert player.hand.is_settled
    assert_same(after, seen(player))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.unlink(), id="missing"),
        pytest.param(lambda path: path.write_bytes(b"nothing"), id="damaged"),
    ],
)
def test_a_recording_that_cannot_be_read_is_said_and_run_live(qtbot, recorded, spoil):
    text, folder = recorded
    lecture = parse_lecture(text, "small.md", folder)
    spoil(Path(folder) / "a.initviz")
    player = LecturePlayer(lecture)
    qtbot.addWidget(player)
    player.show()
    player.next()
    settle(qtbot, player)
    assert player.hand.shown()[0].recording.last_step == 5
    assert "a.initviz is run live" in player.footer.notice.text()


def test_a_recording_of_something_else_is_said_and_run_live(qtbot, recorded):
    text, folder = recorded
    player = play_in(qtbot, text.replace("width = 6", "width = 7"), folder)
    assert "another experiment (network.width differs)" in player.footer.notice.text()
    assert player.hand.shown()[0].recording.experiment.network.width == 7


# -- trouble -----------------------------------------------------------------------------------


def test_a_lane_that_fails_says_why_and_the_lecture_goes_on(qtbot):
    text = one_scene(more='run.device = "cuda"', steps=2)
    player = play(qtbot, text)
    settle_failed = lambda: player.footer.notice.property("role") == "error"  # noqa: E731
    qtbot.waitUntil(settle_failed, timeout=20_000)
    assert "cuda" in player.footer.notice.text().lower()
    player.next()
    assert player.course.is_at_end


def test_a_panel_and_an_option_that_do_not_exist_are_said(qtbot):
    more = one_scene().replace('panels = ["loss"]', 'panels = ["loss"]\noptions.loss.of = "x"')
    player = play(qtbot, more)
    settle(qtbot, player)
    assert "loss has no of = x" in player.footer.notice.text()
    player = play(qtbot, one_scene("crystal_ball"))
    settle(qtbot, player)
    assert "There is no panel 'crystal_ball'." in player.footer.notice.text()


# -- what is kept ------------------------------------------------------------------------------


def test_a_cut_recording_is_that_of_a_shorter_run():
    experiment = parse_lecture(one_scene(), "small.md").scenes[0].opening.lanes[0].experiment
    whole = run(experiment, 20)
    part = cut(whole, 7)
    assert part.last_step == 7
    for name, values in numbers(part).items():
        if " " not in name and name not in ("steps", "checkpoints"):
            np.testing.assert_array_equal(values, numbers(whole)[name][:8], err_msg=name)
    assert part.checkpoint_steps.tolist() == [0, 1, 2, 5]


def test_what_is_kept_is_bounded_and_what_was_asked_for_last_stays():
    experiment = parse_lecture(one_scene(), "small.md").scenes[0].opening.lanes[0].experiment
    recording, kept = run(experiment, 0), Kept(most=2)
    for step in (1, 2):
        kept.put(Run(experiment, step), recording)
    kept.get(Run(experiment, 1))
    kept.put(Run(experiment, 3), recording)
    assert [kept.get(Run(experiment, step)) is not None for step in (1, 2, 3)] == [
        True,
        False,
        True,
    ]
    assert len(Kept(most_bytes=0)) == 0


# -- sketches ----------------------------------------------------------------------------------

SKETCH = THREE.replace(
    'choices = ["as little", "more"]\nanswer = 2\n', 'sketch = "gradient_magnitude"\n'
).replace('reveal = ["B"]\n```', 'reveal = ["B"]\nlane = "B"\n```', 1)


def at_sketch(qtbot):
    player = play(qtbot, SKETCH)
    player.go(player.course.first_of(1))
    settle(qtbot, player)
    return player


def test_a_sketch_is_drawn_with_keys_and_the_real_curve_is_shown_below_it(qtbot):
    player = at_sketch(qtbot)
    sketch = player.sketch
    sketch.setFocus()
    QTest.keyClick(sketch, Qt.Key.Key_Right)
    QTest.keyClick(sketch, Qt.Key.Key_Down)
    assert player.course.is_asking  # the sketch keeps its arrows
    drawn = sketch.values
    QTest.keyClick(sketch, Qt.Key.Key_Return)
    assert player.course.stop.answered
    settle(qtbot, player)
    answered = player.sketch
    assert answered.is_submitted
    assert answered.values == drawn
    assert "on average" in answered.words
    assert f"Your sketch: {answered.words}." in player.page.accessibleDescription()


def test_a_sketch_is_there_again_when_one_comes_back(qtbot):
    player = at_sketch(qtbot)
    player.sketch.draw([-3.0, -2.0, -1.0])
    player.next()
    settle(qtbot, player)
    before = seen(player)
    player.next()
    settle(qtbot, player)
    assert player.sketch is None
    player.back()
    settle(qtbot, player)
    assert_same(before, seen(player))
    player.back()
    assert player.sketch.values == (-3.0, -2.0, -1.0)
    assert not player.sketch.is_submitted


def test_page_down_skips_a_sketch_that_nobody_drew(qtbot):
    player = at_sketch(qtbot)
    QTest.keyClick(player, Qt.Key.Key_PageDown)
    assert player.course.stop.answered
    settle(qtbot, player)
    assert player.sketch is None
    assert [one.letter for one in player.hand.shown()] == ["A", "B"]


def test_a_sketch_of_a_lane_that_is_alone_and_veiled_lies_on_empty_axes(qtbot):
    text = SKETCH.replace('veiled = ["B"]', 'veiled = ["A", "B"]')
    player = play(qtbot, text.replace('reveal = ["B"]', 'reveal = ["A", "B"]'))
    player.go(player.course.first_of(1))
    settle(qtbot, player)
    assert player.hand.shown() == []
    assert player.panels.panel("gradient_magnitude").shown == ()
    assert player.sketch.is_possible


def test_where_all_lanes_are_veiled_the_axes_wait_and_nothing_is_said(qtbot):
    veiled = one_scene("gradient_magnitude").replace("panels =", 'veiled = ["A"]\npanels =', 1)
    player = play(qtbot, veiled)
    panel = player.panels.panel("gradient_magnitude")
    axes = panel.layer_axes()
    assert axes is not None
    assert axes.x.high == 2.5  # two hidden layers
    chart = panel.chart_widget.grab().toImage()
    numbers = [
        chart.pixelColor(x, y).lightness()
        for x in range(chart.width())
        for y in range(round(axes.plot.bottom()) + 4, chart.height())
    ]
    assert min(numbers) < 150 < 250 < max(numbers)
    player.next()
    assert not player.hand.is_settled
    assert player.footer.notice.text() == ""
    settle(qtbot, player)
    assert player.footer.notice.text() == ""


# -- panels that find things out by themselves -------------------------------------------------


def test_a_panel_of_seeds_runs_them_by_itself_and_keeps_what_it_found(qtbot):
    player = play(qtbot, one_scene("seeds"))
    panel = player.panels.panel("seeds")
    qtbot.waitUntil(lambda: not player.is_busy and not panel.is_running, timeout=60_000)
    before = panel.table()
    assert len(before[1]) > 0
    player.next()
    settle(qtbot, player)
    player.back()
    assert not panel.is_running
    assert panel.table() == before


def test_seeds_that_run_end_where_another_panel_takes_the_place(qtbot):
    player = play(qtbot, one_scene("seeds").replace("run = 5", 'panels = ["loss"]\nrun = 5'))
    panel = player.panels.panel("seeds")
    qtbot.waitUntil(lambda: panel.is_running, timeout=20_000)
    player.next()
    assert not panel.is_running
