"""The panel of ten seeds: what it offers, runs, shows, drops and brings back."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton

from initviz.lab.experiment import Experiment
from initviz.session import seeds as session
from initviz.ui.panels.seeds import Seeds
from initviz.ui.theme import PROJECTOR, THEMES
from tests.ui.panels.seed_runs import made_runs


@pytest.fixture
def shown(record, lane):
    return [
        lane(record(steps=range(12))),
        lane(record(steps=range(5), initialiser__scheme="glorot_normal"), index=2, label="Glorot"),
    ]


@pytest.fixture
def make_seeds(make_panel, qtbot):
    """A panel that knows the runs of some lanes; its thread has ended when it is gone."""
    made = []

    def make(lanes, known=(), size=(900, 520)):
        panel = make_panel(Seeds, lanes, size)
        made.append(panel)
        for one in known:
            panel._finish(one)
        panel.show()
        QApplication.processEvents()
        return panel

    yield make
    for panel in made:
        panel.stop()


@pytest.fixture
def both(make_seeds, shown):
    level = np.full((10, 10), 1e-3)
    first, second = (lane.recording.experiment for lane in shown)
    return make_seeds(shown, [made_runs(first), made_runs(second, gradients=level)])


def button(panel, name):
    return panel.findChild(QPushButton, f"panel.seeds.{name}")


def test_with_nothing_to_show_it_says_why_and_offers_to_run(make_seeds, shown, words):
    panel = make_seeds(shown)
    assert panel.has_drawn
    assert any("One run is one draw" in text for text in words(panel))
    run = button(panel, "run")
    assert run.isVisible()
    assert run.text() == "Run 10 seeds"
    assert run.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert panel.table()[1] == []


@pytest.mark.parametrize("size", [(144, 168), (240, 180), (420, 320), (900, 600)])
@pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)
def test_it_draws_at_any_size_in_any_theme(make_seeds, shown, size, look):
    for known in ([], [made_runs(shown[0].recording.experiment)]):
        panel = make_seeds(shown, known, size)
        panel.set_theme(look)
        for of in ("signal", "weights"):
            for show in ("gradients", "loss", "both"):
                panel.set_option("of", of)
                panel.set_option("show", show)
                QApplication.processEvents()
                assert not panel.grab().isNull()
        assert panel.has_drawn


def test_the_button_runs_every_lane_and_the_bands_appear(
    make_seeds, record, lane, qtbot, monkeypatch
):
    monkeypatch.setattr("initviz.ui.panels.seeds.steps_for", lambda _: 4)
    small = {"network__width": 8, "training__data": "blobs"}
    lanes = [
        lane(record(3, steps=range(3), **small)),
        lane(record(2, steps=range(9), **small), index=1),
    ]
    panel = make_seeds(lanes)
    QTest.mouseClick(button(panel, "run"), Qt.MouseButton.LeftButton)
    assert panel.is_running
    assert button(panel, "cancel").isVisible()
    assert not button(panel, "run").isVisible()
    assert panel.findChild(QProgressBar).isVisible()
    qtbot.waitUntil(lambda: not panel.is_running, timeout=60_000)
    assert not button(panel, "run").isVisible()
    header, rows = panel.table()
    assert {row[0] for row in rows} == {"A", "B"}
    real = session.run_seeds(lanes[0].recording.experiment, 4, threading.Event())
    last = [row for row in rows if row[0] == "A" and row[2] == "loss"][-1]
    assert dict(zip(header, last, strict=True))["50 %"] == pytest.approx(
        np.median(real.losses[:, -1])
    )


def test_cancel_ends_the_runs_and_keeps_nothing(make_seeds, shown, qtbot):
    panel = make_seeds(shown)
    button(panel, "run").click()
    button(panel, "cancel").click()
    assert not panel.is_running
    assert button(panel, "run").isVisible()
    assert panel.table()[1] == []
    alive = lambda: [t for t in threading.enumerate() if t.name == "initviz seeds"]  # noqa: E731
    qtbot.waitUntil(lambda: not alive(), timeout=60_000)


def test_one_lane_can_be_run_by_its_letter(make_seeds, shown):
    panel = make_seeds(shown)
    panel.run("C")
    assert "10 seeds of C, 100 steps" in panel.findChild(QLabel, "panel.seeds.note").text()
    panel.run("B")  # there is none
    panel.cancel()
    assert not panel.is_running


def test_the_lanes_that_are_missing_are_offered(make_seeds, shown):
    panel = make_seeds(shown, [made_runs(shown[0].recording.experiment)])
    assert button(panel, "run").text() == "Run 10 seeds of C"
    panel._finish(made_runs(shown[1].recording.experiment))
    assert not button(panel, "run").isVisible()


# -- what is drawn ---------------------------------------------------------------------------------


def test_the_middle_and_the_band_are_geometric(both):
    header, rows = both.table()
    first = dict(zip(header, rows[0], strict=True))
    # Relative to the last layer of each run: 10^(−9 + spread) over 1, spread from −1 to 1.
    assert first["50 %"] == pytest.approx(-9)
    assert first["10 %"] == pytest.approx(-9.8)
    assert first["90 %"] == pytest.approx(-8.2)
    assert first["step"] == 0
    both.set_option("when", "end")
    both.catch_up()
    assert both.table()[1][0][3] == 20


def test_lanes_have_their_colours_and_letters(both, picture, words):
    assert {"A", "C"} <= {text[:1] for text in words(both)}
    image, layout = picture(both, 900, 480)
    assert layout.loss is not None
    found = {image.pixelColor(x, y).name() for x in range(0, 900, 2) for y in range(0, 480, 2)}
    assert both.theme.lanes[0] in found
    assert both.theme.lanes[2] in found


def test_the_band_lies_around_the_middle(both, picture):
    image, layout = picture(both, 900, 480)
    x = round(layout.x(1.5))
    inside, above = (round(layout.y(power)) for power in (-8.1, -6.9))
    ground = image.pixelColor(x, above).name()
    assert image.pixelColor(x, inside).name() != ground


def test_narrow_panels_show_the_gradients_alone(both):
    assert both.lay_out(QSizeF(900, 400)).loss is not None
    assert both.lay_out(QSizeF(300, 240)).loss is None
    both.set_option("show", "loss")
    assert both.lay_out(QSizeF(300, 240)).loss is not None
    assert not both.lay_out(QSizeF(300, 240)).has_gradients


def test_values_are_told_on_both_charts(both):
    layout = both.lay_out(QSizeF(both._canvas.size()))
    layer = both.values_at(QPointF(layout.x(3.0), layout.plot.center().y()))
    assert layer.startswith("hidden layer 3\nA  signal")
    assert "10–90 %" in layer
    loss = both.values_at(QPointF(layout.loss.x(10.0), layout.loss.plot.center().y()))
    assert loss.startswith("step 10\nA  loss")
    assert both.values_at(QPointF(-50, -50)) == ""


def test_runs_that_diverged_are_said_and_leave_the_chart_at_the_top(make_seeds, shown):
    losses = np.full((10, 21), 2.0)
    losses[7:, 5:] = np.nan
    panel = make_seeds(shown[:1], [made_runs(shown[0].recording.experiment, losses=losses)])
    assert "A: 3 of 10 diverged" in panel.subtitle()
    header, rows = panel.table()
    last = dict(zip(header, rows[-1], strict=True))
    assert (last["10 %"], last["50 %"], last["90 %"]) == (2.0, 2.0, np.inf)


@pytest.mark.parametrize("norm", [0.0, np.nan, np.inf])
def test_broken_gradients_are_drawn_and_no_fault(make_seeds, shown, norm):
    runs = made_runs(shown[0].recording.experiment, gradients=np.full((10, 10), norm))
    panel = make_seeds(shown[:1], [runs])
    assert panel.has_drawn


@pytest.mark.parametrize("layers", [1, 100])
def test_it_draws_at_any_depth(make_seeds, record, lane, layers):
    lanes = [lane(record(layers))]
    panel = make_seeds(lanes, [made_runs(lanes[0].recording.experiment)], (420, 320))
    panel.set_theme(PROJECTOR)
    assert not panel.grab().isNull()


# -- when the experiment changes -------------------------------------------------------------------


def test_what_a_changed_lane_showed_is_dropped_said_and_brought_back(
    make_seeds, record, lane, shown
):
    panel = make_seeds(shown, [made_runs(one.recording.experiment) for one in shown])
    wider = lane(record(steps=range(12), network__width=50))
    panel.show_data([wider, shown[1]])
    assert {row[0] for row in panel.table()[1]} == {"C"}
    note = panel.findChild(QLabel, "panel.seeds.note")
    assert "A has changed" in note.text()
    assert note.isVisible()
    panel.show_data(shown)  # as undo does
    assert {row[0] for row in panel.table()[1]} == {"A", "C"}
    assert not note.isVisible()


def test_another_seed_is_the_same_experiment(make_seeds, record, lane, shown):
    panel = make_seeds(shown[:1], [made_runs(shown[0].recording.experiment)])
    panel.show_data([lane(record(steps=range(3), run__seed=5))])
    assert {row[0] for row in panel.table()[1]} == {"A"}


def test_runs_of_an_experiment_that_is_gone_are_ended(make_seeds, record, lane, shown):
    panel = make_seeds(shown[:1])
    panel.run("A")
    panel.show_data([lane(record(steps=range(3), network__width=50))])
    assert not panel.is_running
    assert button(panel, "run").isVisible()


def test_a_failure_is_told_in_a_sentence(make_seeds, shown, words):
    panel = make_seeds(shown)
    panel._fail("there is not enough memory")
    assert "there is not enough memory" in " ".join(words(panel))


def test_the_first_seed_is_the_lanes_own():
    experiment = Experiment().with_values(
        {"run.seed": 40, "network.hidden_layers": 1, "network.width": 4, "training.data": "blobs"}
    )
    assert session.run_seeds(experiment, 0, threading.Event()).seeds == tuple(range(40, 50))
