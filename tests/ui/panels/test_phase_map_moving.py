"""The dots of the phase map move networks: what is wanted of them, by mouse and by keys."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QUndoStack
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from initviz import run
from initviz.lab.experiment import differences
from initviz.lab.places import places
from initviz.ui import focus_keys
from initviz.ui.history import ChangeSetup
from initviz.ui.lane_desk import LaneSetup, Setup
from initviz.ui.panels.loss import Loss
from initviz.ui.panels.phase_map import PhaseMap
from initviz.ui.panels.phase_map_pins import placed, standing
from initviz.ui.theme import LIGHT
from tests.ui.panels.maps import (
    chart_of,
    drag,
    empty_run,
    history_of,
    place_of,
    press,
    release,
)


@pytest.fixture
def wishes(request):
    """Collect what a panel wants."""

    def collect(panel):
        found = []
        panel.experiment_wanted.connect(
            lambda letter, experiment, gesture: found.append(
                SimpleNamespace(letter=letter, experiment=experiment, gesture=gesture)
            )
        )
        return found

    return collect


# -- moving a network -----------------------------------------------------------------------------


@given(sigma_w=st.integers(0, 250), sigma_b=st.integers(0, 100))
@settings(max_examples=30)
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"network__width": 64},
        {"initialiser__scheme": "keras.variance_scaling", "initialiser__mode": "fan_out"},
        {"training__data": "digit_rows", "network__architecture": "gru"},
    ],
    ids=["digits", "equal fans", "scaled before", "recurrent"],
)
def test_an_experiment_that_is_put_somewhere_stands_there(changed, sigma_w, sigma_b):
    before = empty_run(**changed)
    point = (sigma_w / 100, sigma_b / 100)
    after = placed(before, point)
    assert standing(history_of(after)).point == pytest.approx(point, rel=1e-5, abs=1e-12)
    keys = {difference.key for difference in differences(before.experiment, after)}
    assert all(key.startswith("initialiser.") for key in keys)


def test_a_single_sigma_is_used_where_all_layers_read_as_many_numbers():
    alike = placed(empty_run(network__width=64), (0.8, 0.0)).initialiser
    assert (alike.name, alike.std) == ("normal", pytest.approx(0.1))
    unlike = placed(empty_run(), (1.1, 0.0)).initialiser
    assert (unlike.name, unlike.scale, unlike.mode) == ("variance_scaling", 1.21, "fan_in")


def test_the_layers_are_really_drawn_with_that_spread():
    experiment = placed(empty_run(network__width=200, network__hidden_layers=3), (1.3, 0.2))
    recording = run(experiment, steps=0)
    for place in places(experiment):
        spread = recording.weights(place.name, 0).std() * math.sqrt(place.fan_in)
        assert spread == pytest.approx(1.3, rel=0.05)
        assert experiment.initialiser.bias_std(place) == 0.2


def test_other_settings_of_the_scheme_are_kept():
    before = empty_run(network__residual=True, initialiser__zero_branches=True)
    assert placed(before, (1.0, 0.1)).initialiser.zero_branches
    without = placed(empty_run(initialiser__bias=0.5), (1.0, 0.0)).initialiser
    assert (without.bias, without.bias_distribution) == (0.0, "scheme")


# -- by mouse -------------------------------------------------------------------------------------


def test_a_dragged_dot_wants_the_network_at_the_pointer(map_of, wishes, lane):
    panel = map_of(empty_run(initialiser__std=0.1))
    found = wishes(panel)
    start, end = place_of(panel, (1.0, 0.0)), place_of(panel, (1.5, 0.4))
    press(panel, start)
    assert found == []
    for share in np.linspace(0.1, 1.0, 10):
        drag(panel, start + (end - start) * float(share))
    release(panel, end)
    assert {wish.letter for wish in found} == {"A"}
    assert len({wish.gesture for wish in found}) == 1
    assert found[0].gesture
    reached = standing(history_of(found[-1].experiment)).point
    assert reached == pytest.approx((1.5, 0.4), abs=0.011)


def test_what_is_wanted_during_a_drag_comes_in_intervals(map_of, wishes, qtbot):
    panel = map_of(empty_run(initialiser__std=0.1))
    found = wishes(panel)
    start = place_of(panel, (1.0, 0.0))
    press(panel, start)
    for across in range(1, 60):
        drag(panel, start + QPoint(across, -across))
    assert len(found) < 10
    # Nothing moves any more: the last place is told all the same.
    with qtbot.waitSignal(panel.experiment_wanted):
        pass
    last = found[-1]
    release(panel, start + QPoint(59, -59))
    assert found[-1] is last  # not told twice


def test_the_dot_stays_under_the_pointer_and_then_where_it_was_put(map_of, picture):
    panel = map_of(empty_run(initialiser__std=0.1))
    start, end = place_of(panel, (1.0, 0.0)), place_of(panel, (2.0, 0.5))
    press(panel, start)
    drag(panel, end)
    assert _colour(panel, end) == QColor(LIGHT.lanes[0])
    release(panel, end)
    assert _colour(panel, end) == QColor(LIGHT.lanes[0])
    assert _colour(panel, start) != QColor(LIGHT.lanes[0])


def _colour(panel, at):
    QApplication.processEvents()
    return chart_of(panel).grab().toImage().pixelColor(at)


def test_a_moved_dot_waits_for_its_lane_and_follows_it_from_then_on(map_of, wishes, lane):
    before = empty_run(initialiser__std=0.1)
    panel = map_of(before)
    found = wishes(panel)
    start, end = place_of(panel, (1.0, 0.0)), place_of(panel, (1.6, 0.2))
    press(panel, start)
    drag(panel, end)
    release(panel, end)
    wanted = found[-1].experiment
    panel.show_data([lane(before, 0)])  # the lane is not there yet
    assert panel._dots()[0].point == pytest.approx((1.6, 0.2), abs=0.011)
    panel.show_data([lane(history_of(wanted), 0)])
    assert panel._dots()[0].point == pytest.approx((1.6, 0.2), abs=0.011)
    panel.show_data([lane(history_of(before.experiment), 0)])  # taken back
    assert panel._dots()[0].point == pytest.approx((1.0, 0.0))


def test_what_was_taken_back_at_once_moves_the_dot_back(map_of, lane):
    before = empty_run(initialiser__std=0.1)
    panel = map_of(before)
    start, end = place_of(panel, (1.0, 0.0)), place_of(panel, (1.6, 0.2))
    press(panel, start)
    drag(panel, end)
    release(panel, end)
    panel.show_data([lane(history_of(before.experiment), 0)])
    assert panel._dots()[0].point == pytest.approx((1.0, 0.0))


def test_a_drag_ends_with_its_lane(map_of, wishes):
    panel = map_of(empty_run(initialiser__std=0.1), empty_run(initialiser__std=0.15))
    found = wishes(panel)
    at = place_of(panel, (1.5, 0.0))
    press(panel, at)
    panel.show_data(panel.shown[:1])
    drag(panel, at + QPoint(50, -50))
    release(panel, at)
    assert found == []
    assert panel._dots()[0].point == pytest.approx((1.0, 0.0))


def test_one_drag_is_one_undo(map_of, wishes, lane):
    panel = map_of(empty_run(initialiser__std=0.1))
    found = wishes(panel)
    used = [Setup((LaneSetup("A", panel.shown[0].recording.experiment),), "A")]
    stack = QUndoStack()

    def use(setup, _is_again):
        used.append(setup)

    def change(letter, experiment, gesture):
        after = used[-1].changed(letter, experiment=experiment)
        stack.push(ChangeSetup(used[-1], after, use, gesture))

    panel.experiment_wanted.connect(change)
    for _ in range(2):
        start = panel.lay_out(QSizeF(chart_of(panel).size())).at(panel._dots()[0].point).toPoint()
        press(panel, start)
        drag(panel, start + QPoint(30, -30))
        panel._timer.timeout.emit()
        drag(panel, start + QPoint(50, -50))
        release(panel, start + QPoint(50, -50))
        panel.show_data([lane(history_of(used[-1].lane("A").experiment), 0)])
    assert len(found) >= 4
    assert stack.count() == 2
    stack.undo()
    stack.undo()
    assert used[-1] == used[0]


def test_a_dot_is_not_dragged_off_the_map(map_of, wishes):
    panel = map_of(empty_run(initialiser__std=0.1))
    found = wishes(panel)
    start = place_of(panel, (1.0, 0.0))
    press(panel, start)
    drag(panel, QPoint(-500, -500))
    release(panel, QPoint(-500, -500))
    assert standing(history_of(found[-1].experiment)).point == pytest.approx((0.0, 1.0))


def test_a_press_without_a_move_changes_nothing(map_of, wishes):
    panel = map_of(empty_run(initialiser__std=0.1234))
    found = wishes(panel)
    at = place_of(panel, (1.234, 0.0))
    press(panel, at)
    release(panel, at)
    assert found == []
    assert panel._dots()[0].point == pytest.approx((1.234, 0.0))


def test_a_press_elsewhere_is_left_to_others(map_of, wishes):
    panel = map_of(empty_run())
    found = wishes(panel)
    presses = []
    panel.mousePressEvent = lambda event: presses.append(event.position())
    press(panel, place_of(panel, (2.0, 0.7)))
    drag(panel, place_of(panel, (1.0, 0.7)))
    release(panel, place_of(panel, (1.0, 0.7)))
    assert len(presses) == 1
    assert found == []


def test_the_other_lanes_dots_can_be_dragged_too(map_of, wishes):
    panel = map_of(empty_run(initialiser__std=0.1), empty_run(initialiser__std=0.2))
    found = wishes(panel)
    start = place_of(panel, (2.0, 0.0))
    press(panel, start)
    drag(panel, start + QPoint(0, -100))
    release(panel, start + QPoint(0, -100))
    assert {wish.letter for wish in found} == {"B"}
    assert panel.picked.letter == "B"


def test_a_press_on_the_dot_of_another_activation_shows_its_map(map_of, wishes):
    panel = map_of(
        empty_run(initialiser__std=0.1),
        empty_run(initialiser__std=0.2, network__activation="relu"),
    )
    found = wishes(panel)
    at = place_of(panel, (2.0, 0.0))
    assert [dot.hollow for dot in panel._dots()] == [True, False]
    told = panel.values_at(QPointF(at))
    assert "Its activation is ReLU" in told
    assert "χ₁" not in told
    press(panel, at)
    drag(panel, at + QPoint(0, -100))
    release(panel, at)
    assert panel.picked.letter == "B"
    assert "ReLU" in panel.subtitle()
    assert found == []


def test_the_pointer_shows_what_can_be_taken_hold_of(map_of):
    panel = map_of(empty_run(initialiser__std=0.1))
    at = place_of(panel, (1.0, 0.0))
    QTest.mouseMove(chart_of(panel), place_of(panel, (2.0, 0.5)))
    assert chart_of(panel).cursor().shape() == Qt.CursorShape.ArrowCursor
    press(panel, at)
    assert chart_of(panel).cursor().shape() == Qt.CursorShape.ClosedHandCursor
    release(panel, at)
    assert chart_of(panel).cursor().shape() == Qt.CursorShape.OpenHandCursor


def test_a_panel_that_is_hidden_lets_go(map_of, wishes):
    panel = map_of(empty_run(initialiser__std=0.1))
    found = wishes(panel)
    start = place_of(panel, (1.0, 0.0))
    press(panel, start)
    panel.hide()
    drag(panel, start + QPoint(0, -100))
    assert found == []


# -- by keys --------------------------------------------------------------------------------------


def _key(panel, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(chart_of(panel), key, modifier)


@pytest.mark.parametrize(
    ("key", "shift", "wanted"),
    [
        (Qt.Key.Key_Right, False, (1.01, 0.2)),
        (Qt.Key.Key_Left, False, (0.99, 0.2)),
        (Qt.Key.Key_Up, True, (1.0, 0.3)),
        (Qt.Key.Key_Down, True, (1.0, 0.1)),
    ],
)
def test_arrow_keys_move_the_dot(map_of, wishes, key, shift, wanted):
    panel = map_of(
        empty_run(
            initialiser__std=0.1,
            initialiser__bias_distribution="normal",
            initialiser__bias_spread=0.2,
        )
    )
    found = wishes(panel)
    held = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    _key(panel, key, held)
    assert standing(history_of(found[-1].experiment)).point == pytest.approx(wanted)


def test_keys_go_on_from_where_the_dot_is_and_stop_at_0(map_of, wishes, qtbot):
    panel = map_of(empty_run(initialiser__std=0.1))
    found = wishes(panel)
    for _ in range(12):
        _key(panel, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(
        lambda: standing(history_of(found[-1].experiment)).point == (0.0, 0.0), timeout=20_000
    )
    count = len(found)
    _key(panel, Qt.Key.Key_Left)
    _key(panel, Qt.Key.Key_Down)
    assert len(found) == count


def test_every_press_is_a_change_of_its_own_and_a_held_key_is_one(map_of, wishes, qtbot):
    panel = map_of(empty_run(initialiser__std=0.1))
    found = wishes(panel)
    for _ in range(2):
        _key(panel, Qt.Key.Key_Up)
    assert len({wish.gesture for wish in found}) == 2
    found.clear()
    for repeats in (False, True, True, True):
        event = QKeyEvent(
            QEvent.Type.KeyPress,
            Qt.Key.Key_Up,
            Qt.KeyboardModifier.NoModifier,
            "",
            repeats,
        )
        QApplication.sendEvent(chart_of(panel), event)
    qtbot.waitUntil(
        lambda: (
            bool(found)
            and standing(history_of(found[-1].experiment)).sigma_b == pytest.approx(0.06)
        ),
        timeout=20_000,
    )
    assert len({wish.gesture for wish in found}) == 1


def test_keys_move_the_lane_that_is_picked(map_of, wishes):
    panel = map_of(empty_run(initialiser__std=0.1), empty_run(initialiser__std=0.2))
    panel.pick_lane("B")
    found = wishes(panel)
    _key(panel, Qt.Key.Key_Up)
    assert found[-1].letter == "B"


def test_the_chart_keeps_its_arrows_and_leaves_other_keys_to_the_window(map_of):
    chart = chart_of(map_of(empty_run()))
    kinds = {Qt.Key.Key_Left: True, Qt.Key.Key_Up: True, Qt.Key.Key_Space: False}
    for key, kept in kinds.items():
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        assert focus_keys.keeps(chart, event) == kept
    press = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
    chart.keyPressEvent(press)
    assert not press.isAccepted()


def test_a_chart_without_keys_cannot_have_the_focus(make_panel):
    assert chart_of(make_panel(PhaseMap)).focusPolicy() == Qt.FocusPolicy.StrongFocus
    assert chart_of(make_panel(Loss)).focusPolicy() == Qt.FocusPolicy.NoFocus


def test_with_the_focus_the_numbers_of_the_dot_are_written(map_of):
    panel = map_of(empty_run(initialiser__std=0.1))
    assert panel._dots()[-1].told == ""
    panel.activateWindow()
    chart_of(panel).setFocus()
    QApplication.processEvents()
    assert panel._dots()[-1].told == "σ_w 1   σ_b 0   χ₁ 1"
    _key(panel, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert panel._dots()[-1].told == "σ_w 1.1   σ_b 0   χ₁ 1.01"
    assert "σ_w 1.1" in chart_of(panel).accessibleDescription()
