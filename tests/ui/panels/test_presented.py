"""Panels on the projector: large, named, and with every word whole and by itself."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QSizeF, Qt
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from initviz import run
from initviz.lab.experiment import Experiment
from initviz.ui import theme
from initviz.ui.panels import PANELS
from initviz.ui.panels.activation_histograms import ActivationHistograms
from initviz.ui.panels.base import NEXT_LANE, Shown
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.panels.gradient_over_time import GradientOverTime
from initviz.ui.panels.loss import Loss
from initviz.ui.panels.profile import factor_apart
from initviz.ui.panels.seeds import Seeds
from initviz.ui.panels.slow_motion import SlowMotionPanel
from initviz.ui.panels.symmetry import Symmetry
from initviz.ui.panels.unit_shares import UnitShares, points_apart
from initviz.ui.panels.update_ratio import UpdateRatio
from tests.ui.panels.seed_runs import made_runs
from tests.ui.panels.words import faults_of_words, reader_of_words

#: Lines of the display, and the size that a panel has there: alone, one of two below each other,
#: one of two side by side.
SIZES = [
    (1080, (1250, 950)),
    (1080, (1250, 467)),
    (1080, (617, 950)),
    (720, (830, 600)),
    (720, (407, 600)),
]


def _made(steps=3, **settings):
    values = {"network.hidden_layers": 10, "network.width": 24}
    values |= {key.replace("__", "."): value for key, value in settings.items()}
    return run(Experiment().with_values(values), steps=steps)


@pytest.fixture(scope="module")
def runs():
    """Real runs: there are whole weights in them."""
    small = _made(initialiser__std=0.01)
    glorot = _made(initialiser__scheme="glorot_normal")
    return {
        "": (small, glorot),
        "start": (_made(0, initialiser__std=0.01), _made(0)),
        "symmetry": (_made(initialiser__scheme="constant", initialiser__value=0.05), glorot),
        "unit_shares": (small, _made(network__activation="relu")),
        "decision_boundary": (_made(training__data="moons", network__hidden_layers=2),),
        "gradient_through_time": (
            _made(
                training__data="digit_rows",
                network__architecture="lstm",
                network__hidden_layers=1,
            ),
        ),
        "boom": (
            _made(network__activation="relu", initialiser__std=9.0, training__learning_rate=9.0),
            glorot,
        ),
    }


LABELS = ("normal, std 0.01", "Glorot normal")


@pytest.fixture
def presented(make_panel, runs, qtbot):
    """A panel as on a projector, painted."""

    def make(kind, lines=1080, size=(1250, 950), which=None, highlight="", step=None, **options):
        panel = make_panel(kind, size=size)
        panel.set_theme(theme.lecture(lines))
        panel.present(True)
        found = runs.get(kind.name if which is None else which, runs[""])
        lanes = [
            Shown("AB"[i], i, LABELS[i], one, one.last_step if step is None else step)
            for i, one in enumerate(found)
        ]
        panel.show_data(lanes)
        panel.set_highlight(highlight)
        for key, value in options.items():
            panel.set_option(key, value)
        panel.show()
        QApplication.processEvents()
        if kind.name == "phase_map":
            qtbot.waitUntil(lambda: panel.chart is not None)
        QApplication.processEvents()
        return panel

    return make


@pytest.fixture
def texts(monkeypatch):
    """What a panel writes on its chart and over it: its text, size and place in the panel."""
    return reader_of_words(monkeypatch)


@pytest.mark.parametrize("highlight", ["", "hidden 2"])
@pytest.mark.parametrize(("lines", "size"), SIZES)
@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.name)
def test_every_word_is_whole_and_by_itself(kind, presented, texts, lines, size, highlight):
    panel = presented(kind, lines, size, highlight=highlight)
    written = texts(panel)
    assert any(kind.title.split()[0] in one.text for one in written)
    assert list(faults_of_words(panel, written)) == []


@pytest.mark.parametrize("which", ["start", "boom"])
@pytest.mark.parametrize(("lines", "size"), [SIZES[0], SIZES[3]])
@pytest.mark.parametrize(
    "kind",
    [GradientMagnitude, ActivationHistograms, UnitShares, UpdateRatio, Loss, SlowMotionPanel],
    ids=lambda kind: kind.name,
)
def test_so_it_is_before_training_and_where_a_run_diverges(
    kind, presented, texts, lines, size, which
):
    panel = presented(kind, lines, size, which)
    assert list(faults_of_words(panel, texts(panel))) == []


@pytest.mark.parametrize(("lines", "size"), SIZES)
@pytest.mark.parametrize("show", ["both", "gradients", "loss"])
def test_so_it_is_with_ten_seeds(presented, texts, runs, lines, size, show):
    panel = presented(Seeds, lines, size, show=show)
    for one in runs[""]:
        panel._finish(made_runs(one.experiment))
    written = texts(panel)
    assert "Run 10 seeds" not in {one.text for one in written}
    assert list(faults_of_words(panel, written)) == []
    panel.stop()


@pytest.mark.parametrize(("lines", "size"), SIZES)
@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.name)
def test_every_lane_that_is_shown_is_named_in_its_colour(kind, presented, texts, lines, size):
    panel = presented(kind, lines, size)
    written = texts(panel)
    for lane in panel.told_lanes():
        mine = panel.theme.lane_text[lane.index]
        assert any(one.text == lane.letter and one.colour == mine for one in written)
        assert any(one.text == lane.label and one.colour == mine for one in written)


@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.name)
def test_there_is_no_card_and_no_control_and_both_come_back(kind, presented):
    panel = presented(kind)
    assert panel.property("role") != "card"
    assert not any(button.isVisible() for button in panel.findChildren(QToolButton))
    assert panel.controls is None or not panel.controls.isVisible()
    panel.present(False)
    QApplication.processEvents()
    assert panel.property("role") == "card"
    assert panel.header.isVisible()
    assert panel.controls is None or panel.controls.isVisible()
    assert not panel.findChild(QWidget, f"panel.{kind.name}.head").isVisible()


def test_the_title_says_what_the_chart_is_relative_to(presented, texts):
    first = texts(presented(GradientMagnitude))[0]
    assert first.text == "Gradient magnitude, relative to the last hidden layer"
    panel = presented(GradientMagnitude, scale="absolute")
    assert texts(panel)[0].text == "Gradient magnitude, Frobenius norm"


def test_the_title_stands_over_the_middle_of_the_plot(presented, texts):
    panel = presented(GradientMagnitude)
    plot = panel.lay_out(QSizeF(panel.chart_widget.size())).plot
    bold, soft = (one.box for one in texts(panel)[:2])
    assert (bold | soft).center().x() == pytest.approx(plot.center().x(), abs=2)


def test_names_stand_beside_the_plot_where_their_curves_end(presented, texts):
    panel = presented(GradientMagnitude, which="start")
    layout = panel.lay_out(QSizeF(panel.chart_widget.size()))
    top = panel.chart_widget.y()
    for label, index in zip(LABELS, range(2), strict=True):
        name = next(one for one in texts(panel) if one.text == label)
        end = layout.y(float(panel.layer_values("AB"[index])[-1])) + top
        assert name.box.left() > layout.plot.right()
        assert abs(name.box.center().y() - end) < 3 * panel.theme.label


def test_the_chart_does_not_jump_while_numbers_in_the_title_change(presented, record, lane):
    panel = presented(Loss, 720, (407, 600))
    heights = set()
    for step in (9, 10, 99, 100):
        panel.show_data([lane(record(steps=range(step + 1)), label="x")])
        QApplication.processEvents()
        heights.add(panel.chart_widget.height())
    assert heights == {panel.chart_widget.height()}


def test_an_axis_of_ratios_shows_powers(presented, texts):
    written = {one.text for one in texts(presented(UpdateRatio))}
    assert {"10⁰", "10⁻³", "10⁻¹⁵", "10⁻³: rule of thumb"} <= written


def test_the_signal_can_stand_alone(presented, texts):
    both = {one.text for one in texts(presented(GradientMagnitude))}
    alone = {one.text for one in texts(presented(GradientMagnitude, of="signal"))}
    assert "weights ∂L/∂W" in both
    assert both - alone == {"weights ∂L/∂W"}


# -- a layer that is marked ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.name)
def test_a_layer_that_is_not_there_is_not_marked(kind, presented):
    panel = presented(kind)
    before = panel.grab().toImage()
    panel.set_highlight("hidden 99")
    QApplication.processEvents()
    assert panel.grab().toImage() == before


@pytest.mark.parametrize(
    "kind", [GradientMagnitude, UnitShares, ActivationHistograms, GradientOverTime]
)
def test_a_layer_is_marked_and_the_mark_taken_away(kind, presented):
    panel = presented(kind)
    before = panel.grab().toImage()
    panel.set_highlight("hidden 4")
    QApplication.processEvents()
    assert panel.grab().toImage() != before
    panel.set_highlight("")
    QApplication.processEvents()
    assert panel.grab().toImage() == before


@pytest.mark.parametrize("kind", [GradientMagnitude, UnitShares])
def test_the_mark_is_a_ring_and_a_band_with_a_name(kind, presented, texts):
    panel = presented(kind, highlight="hidden 4", which="")
    layout = panel.lay_out(QSizeF(panel.chart_widget.size()))
    assert "layer 4" in {one.text for one in texts(panel)}
    image = panel.chart_widget.grab().toImage()
    x, place = layout.x(4.0), panel.layer_values("A")[3]
    edge = round(layout.x(3.5))
    ink, y = QColor(panel.theme.ink), layout.y(float(place))
    ring = round(0.82 * panel.theme.mark)
    assert any(image.pixelColor(round(x) + ring + d, round(y)) == ink for d in (-1, 0, 1))
    middle = round(layout.plot.center().y())
    assert any(image.pixelColor(edge + d, middle).lightness() < 90 for d in (-1, 0, 1))


@pytest.mark.parametrize("layer", ["hidden 7", "hidden 199"])
def test_the_number_of_the_marked_layer_is_on_the_axis(make_panel, record, lane, layer):
    panel = make_panel(GradientMagnitude, [lane(record(200))])
    panel.catch_up()
    number = int(layer.split()[1])
    assert number not in panel.lay_out(QSizeF(640, 480)).numbers
    panel.set_highlight(layer)
    assert number in panel.lay_out(QSizeF(640, 480)).numbers


def test_the_marked_layer_has_a_mark_where_not_all_have_one(make_panel, record, lane, picture):
    level = record(500, signal=lambda layers, step: np.full(layers + 1, 1e-3))
    panel = make_panel(GradientMagnitude, [lane(level)])
    panel.set_option("of", "signal")
    _, layout = picture(panel)
    assert layout.every > 1
    place = 251
    assert place % layout.every

    def is_marked():
        image, layout = picture(panel)
        y = round(layout.y(0.0)) - round(0.4 * panel.theme.mark)  # over the line
        return image.pixelColor(round(layout.x(place)), y).name() == panel.theme.lanes[0]

    assert not is_marked()
    panel.set_highlight(f"hidden {place}")
    assert is_marked()


def test_the_marked_layer_is_among_the_ridges_that_are_shown(make_panel, record, lane):
    panel = make_panel(ActivationHistograms, [lane(record(200))])
    panel.catch_up()
    shown = panel.lay_out(QSizeF(640, 480)).places[0].layers
    absent = next(layer for layer in range(200) if layer not in shown)
    panel.set_highlight(f"hidden {absent + 1}")
    now = panel.lay_out(QSizeF(640, 480)).places[0].layers
    assert absent in now
    assert len(now) == len(shown)
    assert list(now) == sorted(now)


# -- keys ------------------------------------------------------------------------------------------


def _answers(panel, key):
    """Whether a chart with the focus takes a key that is a shortcut elsewhere."""
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
    event.ignore()
    QApplication.sendEvent(panel.chart_widget, event)
    return event.isAccepted()


def test_slow_motion_goes_by_keys(presented):
    panel = presented(SlowMotionPanel)
    chart = panel.chart_widget
    for key, beat in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1)):
        QTest.keyClick(chart, key)
        assert panel.beat == beat
    QTest.keyClick(chart, Qt.Key.Key_Space)
    assert panel.is_playing
    QTest.keyClick(chart, Qt.Key.Key_Space)
    assert not panel.is_playing


def test_slow_motion_shows_a_beat_that_is_not_found_yet(make_panel, runs, lane):
    panel = make_panel(SlowMotionPanel)
    panel.show_beat(3)
    panel.show_data([lane(runs[""][0])])
    panel.catch_up()
    assert panel.beat == 3
    panel.play()
    assert panel.is_playing
    assert panel.beat == 0
    panel.stop()


def test_the_layer_of_the_microscope_is_chosen_by_keys(presented):
    panel = presented(Symmetry)
    QTest.keyClick(panel.chart_widget, Qt.Key.Key_Down)
    assert panel.layer == "hidden 2"
    QTest.keyClick(panel.chart_widget, Qt.Key.Key_Up)
    QTest.keyClick(panel.chart_widget, Qt.Key.Key_Up)
    assert panel.layer == "hidden 1"


def test_noise_is_added_by_keys(presented, qtbot):
    panel = presented(Symmetry)
    with qtbot.waitSignal(panel.experiment_wanted) as wish:
        QTest.keyClick(panel.chart_widget, Qt.Key.Key_Right)
    assert "normal(0.05" in wish.args[1].initialiser.expression


def test_enter_goes_to_the_next_lane(presented):
    panel = presented(GradientOverTime)
    for letter in "BA":
        QTest.keyClick(panel.chart_widget, Qt.Key.Key_Return)
        assert panel.picked.letter == letter


def test_a_lane_can_be_chosen_like_an_option(presented):
    panel = presented(GradientOverTime)
    panel.set_option("lane", "B")
    assert panel.picked.letter == "B"
    panel.set_option("lane", "")
    assert panel.picked.letter == "A"
    with pytest.raises(KeyError, match="lane = E"):
        panel.set_option("lane", "E")


def test_a_lane_that_is_chosen_before_it_is_there_is_shown_once_it_is(presented):
    panel = presented(GradientOverTime)
    both = panel.shown
    panel.show_data(both[:1])
    panel.set_option("lane", "B")
    assert panel.picked.letter == "A"
    panel.show_data(both)
    assert panel.picked.letter == "B"


@pytest.mark.parametrize("kind", PANELS, ids=lambda kind: kind.name)
def test_a_chart_keeps_its_keys_from_the_lecture_and_only_those(kind, presented):
    panel = presented(kind)
    enter = Qt.Key.Key_Return
    mine = set(kind.keys) | set(kind.stage_keys)
    mine |= set(NEXT_LANE) if panel.picks_lane and len(panel.shown) > 1 else set()
    for key in (*mine, Qt.Key.Key_PageDown, Qt.Key.Key_B, enter):
        assert _answers(panel, key) == (key in mine)
    can_have_focus = panel.chart_widget.focusPolicy() != Qt.FocusPolicy.NoFocus
    assert can_have_focus or not mine
    panel.present(False)
    assert not any(_answers(panel, key) for key in mine)


# -- in words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decades", "text"),
    [
        (0.0, "within a factor of 1.0"),
        (0.2, "within a factor of 1.6"),
        (1.478, "within a factor of 30"),
        (3.1, "within a factor of 1 300"),
        (8.2, "within 8 powers of ten"),
    ],
)
def test_a_distance_in_decades_is_a_factor(decades, text):
    assert factor_apart(decades) == text


def test_a_distance_of_shares_is_in_points():
    assert points_apart(0.124) == "within 12 percentage points"
    assert points_apart(0.0) == "within 1 percentage point"
