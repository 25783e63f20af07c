"""A curve that a person draws: by mouse, by keys, and afterwards over the real one."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from initviz import run
from initviz.lab.experiment import Experiment
from initviz.ui import theme
from initviz.ui.lecture import sketch_drawing
from initviz.ui.lecture.sketch import Sketch, mean_distance
from initviz.ui.panels import drawing
from initviz.ui.panels.base import Shown
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.panels.loss import Loss
from initviz.ui.panels.unit_shares import UnitShares

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
LAYERS = tuple(f"hidden {number}" for number in range(1, 6))


@pytest.fixture(scope="module")
def lanes():
    """A lane in which the signal vanishes, and one in which it does not."""
    found = []
    for index, settings in enumerate(
        ({"initialiser.std": 0.01}, {"initialiser.scheme": "glorot_normal"})
    ):
        values = {"network.hidden_layers": 5, "network.width": 24, **settings}
        made = run(Experiment().with_values(values), steps=0)
        found.append(Shown("AB"[index], index, "label", made, 0))
    return found


@pytest.fixture
def make(qtbot, qapp, lanes):
    """A sketch on a panel as on a projector, with the focus."""
    theme.load_fonts()

    def sketch(kind=GradientMagnitude, shown=1, lane="B", size=(900, 700), lines=1080):
        room = QWidget()
        qtbot.addWidget(room)
        room.resize(*size)
        panel = kind(room)
        panel.set_theme(theme.lecture(lines))
        panel.present(True)
        panel.resize(*size)
        panel.show_data(lanes[:shown])
        made = Sketch(panel, LAYERS, room, lane=lane)
        room.show()
        QApplication.processEvents()
        made.setFocus()
        QApplication.processEvents()
        made.panel, made.room = panel, room  # or the room would be gone
        return made

    return sketch


def _keys(sketch, *keys, modifier=Qt.KeyboardModifier.NoModifier):
    for key in keys:
        QTest.keyClick(sketch, key, modifier)


def _at(sketch, place, value):
    axes = sketch.panel.layer_axes()
    return QPointF(axes.x(float(place)), axes.y(value)).toPoint()


def _drag(sketch, *points):
    places = [_at(sketch, *point) for point in points]
    QTest.mousePress(sketch, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(sketch, place)
    QTest.mouseRelease(sketch, Qt.MouseButton.LeftButton, pos=places[-1])


def _button(sketch):
    return sketch.findChild(QPushButton, "lecture.sketch.submit")


# -- by keys ---------------------------------------------------------------------------------------


def test_arrows_choose_a_layer_and_move_its_point(make):
    sketch = make()
    assert sketch.values == ()
    _keys(sketch, Key.Key_Right, Key.Key_Down, Key.Key_Down)
    assert sketch.values == (-1.0,) * 5
    _keys(sketch, Key.Key_Right, Key.Key_Right, Key.Key_Up)
    assert sketch.values == (-1.0, -1.0, -0.75, -0.5, -0.5)
    _keys(sketch, Key.Key_Up, modifier=SHIFT)
    assert sketch.values[3] == 1.5


def test_a_point_that_is_taken_away_lies_on_the_line_between_its_neighbours(make):
    sketch = make()
    _keys(sketch, Key.Key_Down, Key.Key_Right, Key.Key_Up, Key.Key_Up, Key.Key_Up)
    _keys(sketch, Key.Key_Right, Key.Key_Down, Key.Key_Down, Key.Key_Down)
    assert sketch.values[:3] == (-0.5, 1.0, -0.5)
    _keys(sketch, Key.Key_Left, Key.Key_Backspace)
    assert sketch.values[:3] == (-0.5, -0.5, -0.5)


def test_points_stay_on_the_axis_and_the_choice_among_the_layers(make):
    sketch = make()
    _keys(sketch, *[Key.Key_Left] * 3, *[Key.Key_Down] * 9, modifier=SHIFT)
    assert sketch.values[0] == sketch.panel.layer_axes().y.low
    _keys(sketch, *[Key.Key_Right] * 9, *[Key.Key_Up] * 12, modifier=SHIFT)
    assert sketch.values[-1] == sketch.panel.layer_axes().y.high


def test_enter_hands_in_once_and_not_before_anything_is_drawn(make):
    sketch = make()
    told = []
    sketch.submitted.connect(told.append)
    _keys(sketch, Key.Key_Return)
    assert told == []
    _keys(sketch, Key.Key_Down, Key.Key_Return, Key.Key_Return)
    assert told == [(-0.5,) * 5]
    assert sketch.is_submitted
    _keys(sketch, Key.Key_Down)
    assert sketch.values == told[0]


def test_its_keys_are_kept_from_the_lecture_until_it_is_handed_in(make):
    sketch = make()

    def keeps(key):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        QApplication.sendEvent(sketch, event)
        return event.isAccepted()

    mine = (Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down, Key.Key_Return)
    others = (Key.Key_Space, Key.Key_PageDown, Key.Key_PageUp, Key.Key_B, Key.Key_Escape)
    assert all(keeps(key) for key in mine)
    assert not any(keeps(key) for key in others)
    _keys(sketch, Key.Key_Down, Key.Key_Return)
    assert not any(keeps(key) for key in mine)
    assert not sketch.hasFocus()


def test_who_cannot_see_it_is_told_the_layer_and_its_value(make):
    sketch = make()
    assert "sketch" in sketch.accessibleName()
    assert sketch.accessibleDescription() == sketch_drawing.HINT
    _keys(sketch, Key.Key_Right, *[Key.Key_Down] * 4)
    assert sketch.accessibleDescription() == "hidden 2: 0.010"


# -- by mouse --------------------------------------------------------------------------------------


def test_a_drag_puts_a_point_at_every_layer_it_passes(make):
    sketch = make()
    _drag(sketch, (1, -8.0), (5, 0.0))
    assert sketch.values == pytest.approx((-8.0, -6.0, -4.0, -2.0, 0.0), abs=0.05)
    _drag(sketch, (4, -10.0), (2, -4.0))  # and back over some of them
    assert sketch.values == pytest.approx((-8.0, -4.0, -7.0, -10.0, 0.0), abs=0.05)


def test_a_drag_beyond_the_chart_stays_on_it(make):
    sketch = make()
    axes = sketch.panel.layer_axes()
    QTest.mousePress(sketch, Qt.MouseButton.LeftButton, pos=_at(sketch, 1, 0.0))
    QTest.mouseMove(sketch, QPoint(sketch.width() - 1, sketch.height() - 1))
    QTest.mouseRelease(sketch, Qt.MouseButton.LeftButton)
    assert sketch.values[-1] == axes.y.low


def test_the_button_comes_with_the_curve_and_hands_it_in(make, qtbot):
    sketch = make()
    assert not _button(sketch).isVisible()
    _drag(sketch, (1, -8.0), (5, 0.0))
    with qtbot.waitSignal(sketch.submitted) as told:
        _button(sketch).click()
    assert told.args[0] == sketch.values
    assert not _button(sketch).isVisible()


def test_once_handed_in_the_mouse_goes_through_to_the_panel(make):
    sketch = make()
    _drag(sketch, (1, -8.0), (5, 0.0))
    sketch.submit()
    middle = sketch.mapTo(sketch.parentWidget(), sketch.rect().center())
    assert sketch.parentWidget().childAt(middle) is sketch.panel.chart_widget


# -- over the real curve ---------------------------------------------------------------------------


def test_how_far_off_it_was_is_said_in_words(make, lanes):
    sketch = make()
    sketch.draw([-2.0, -2.0, -2.0, -2.0, -2.0])
    sketch.submit()
    assert sketch.reveal() == ""  # the lane is not there yet
    sketch.panel.show_data(lanes)
    real = sketch.panel.layer_values("B")
    factor = 10 ** np.abs(real + 2.0).mean()
    words = sketch.reveal()
    assert words == sketch.words
    assert words == sketch.accessibleDescription()
    assert words.startswith("within a factor of ")
    assert words.endswith(" on average")
    assert float(words.split()[4].replace(" ", "")) == pytest.approx(factor, rel=0.06)


def test_without_a_lane_the_last_one_that_is_shown_is_meant(make):
    sketch = make(lane="", shown=2)
    sketch.draw(sketch.panel.layer_values("B").tolist())
    assert sketch.reveal() == "within a factor of 1.0 on average"
    assert sketch.reveal("A") != sketch.reveal("B")


def test_shares_are_compared_in_points(make):
    sketch = make(UnitShares)
    real = sketch.panel.layer_values("A")
    sketch.draw((real + 0.2).tolist())
    assert sketch.reveal("A") == "within 20 percentage points on average"


def test_what_leaves_the_axis_counts_as_its_end(make):
    axes = make().panel.layer_axes()
    real = np.array([-np.inf, np.inf, 0.0, np.nan])
    assert mean_distance(np.full(4, axes.y.low), real, axes) == pytest.approx(
        (0.0 + (axes.y.high - axes.y.low) + -axes.y.low) / 3
    )
    assert mean_distance(np.zeros(2), np.full(2, np.nan), axes) is None


def test_it_stays_over_the_real_curve_dashed_and_named(make, lanes, monkeypatch):
    sketch = make()
    sketch.draw([-8.0] * 5)
    sketch.submit()
    sketch.panel.show_data(lanes)
    sketch.reveal()
    written = []
    real = drawing.write
    monkeypatch.setattr(
        sketch_drawing,
        "write",
        lambda painter, text, *more, **how: (
            written.append(text),
            real(painter, text, *more, **how),
        )[1],
    )
    image = sketch.parentWidget().grab().toImage()
    assert written == ["your sketch"]
    top = sketch.mapTo(sketch.parentWidget(), QPoint(0, 0)).y()
    axes = sketch.panel.layer_axes()
    y = round(axes.y(-8.0)) + top
    row = [image.pixelColor(x, y) for x in range(round(axes.x(1.0)), round(axes.x(5.0)))]
    dark = np.array([colour.lightness() < 80 for colour in row])
    assert 0.3 < dark.mean() < 0.95
    assert np.abs(np.diff(dark.astype(int))).sum() > 20  # dashes


def test_it_can_be_put_back_as_it_was(make):
    sketch = make()
    sketch.draw([0.0, -1.0, -2.0, -3.0, -4.0])
    assert sketch.values == (0.0, -1.0, -2.0, -3.0, -4.0)
    with pytest.raises(ValueError, match="5 layers cannot have 2 values"):
        sketch.draw([0.0, 1.0])


# -- where it lies ---------------------------------------------------------------------------------


def test_it_follows_its_panel(make):
    sketch = make()
    sketch.panel.resize(700, 500)
    QApplication.processEvents()
    chart = sketch.panel.chart_widget
    assert sketch.size() == chart.size()
    assert sketch.pos() == chart.mapTo(sketch.parentWidget(), QPoint(0, 0))


def test_it_needs_no_lane_to_draw_on(make):
    """The only lane of a scene may be the one that is to be guessed."""
    sketch = make(shown=0)
    assert sketch.is_possible
    axes = sketch.panel.layer_axes()
    assert axes.x(5.0) < axes.plot.right() < axes.x(6.0)
    _drag(sketch, (1, -8.0), (5, 0.0))
    assert sketch.values == pytest.approx((-8.0, -6.0, -4.0, -2.0, 0.0), abs=0.05)
    image = sketch.panel.chart_widget.grab().toImage()  # it lies right over it
    band = QColor(sketch.panel.theme.healthy_band)
    assert image.pixelColor(_at(sketch, 4.5, 0.5)) == band


def test_a_lane_with_more_layers_than_those_shown_has_room(make, lanes):
    shallow = run(Experiment().with_values({"network.hidden_layers": 2}), steps=0)
    sketch = make()
    sketch.panel.show_data([Shown("A", 0, "label", shallow, 0)])
    axes = sketch.panel.layer_axes()
    assert axes.x(5.0) < axes.plot.right()
    sketch.close()
    assert sketch.panel.layer_axes().x(3.0) > axes.plot.right()


def test_a_panel_without_layers_cannot_be_drawn_on(make):
    sketch = make(Loss)
    assert not sketch.is_possible
    _keys(sketch, Key.Key_Down, Key.Key_Return)
    _drag_free = QPoint(200, 200)
    QTest.mouseClick(sketch, Qt.MouseButton.LeftButton, pos=_drag_free)
    sketch.grab()
    assert sketch.values == ()
    assert not sketch.is_submitted


@pytest.mark.parametrize(
    ("lines", "size"), [(1080, (1250, 950)), (720, (830, 600)), (720, (407, 600))]
)
@pytest.mark.parametrize("state", ["empty", "drawn", "handed in"])
def test_its_words_lie_within_the_plot_and_not_in_the_band(
    make, lanes, monkeypatch, lines, size, state
):
    sketch = make(size=size, lines=lines)
    if state != "empty":
        _keys(sketch, *[Key.Key_Down] * 6, *[Key.Key_Right] * 3, Key.Key_Up)
    if state == "handed in":
        sketch.submit()
        sketch.panel.show_data(lanes)
        sketch.reveal()
    boxes = []
    real = drawing.write

    def write(*arguments, **how):
        boxes.append(real(*arguments, **how))
        return boxes[-1]

    monkeypatch.setattr(sketch_drawing, "write", write)
    QApplication.processEvents()
    boxes.clear()
    sketch.grab()
    axes = sketch.panel.layer_axes()
    assert boxes
    for box in boxes:
        assert axes.plot.adjusted(-1, -1, 1, 1).contains(box)
        assert not any(area.adjusted(2, 2, -2, -2).intersects(box) for area in axes.taken)
    assert not any(a.intersects(b) for a, b in itertools.combinations(boxes, 2))
