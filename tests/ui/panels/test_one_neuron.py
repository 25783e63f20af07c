"""One step written out: its numbers are those of the replay, and the phases can be played."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from initviz import Experiment, run
from initviz.lab.one_neuron import one_step
from initviz.ui.controls import WholeBox
from initviz.ui.panels.closer_look import LookLayout
from initviz.ui.panels.one_neuron import OneNeuron
from initviz.ui.panels.one_neuron_words import PHASES, picture, rounded, three
from initviz.ui.theme import THEMES

EXPERIMENT = Experiment().with_values(
    {
        "network.hidden_layers": 1,
        "network.width": 2,
        "initialiser.std": 0.7,
        "training.data": "moons",
        "training.learning_rate": 0.5,
    }
)


@pytest.fixture(scope="module")
def recording():
    return run(EXPERIMENT, 2)


@pytest.fixture
def panel(make_panel, lane, recording):
    made = make_panel(OneNeuron, [lane(recording)])
    made.show()
    made.catch_up()
    yield made
    made.stop()


def button(panel, name):
    return panel.findChild(QToolButton, f"panel.one_neuron.{name}")


def on_edges(panel):
    """The last row of every edge's number, as it is drawn on a large chart."""
    where = panel.plan(LookLayout(panel.theme, QSizeF(1000, 800)), panel.found)
    assert where.fits
    return [written.rows[-1] for written in where.edges]


def test_each_phase_puts_its_own_numbers_on_the_edges(panel, recording):
    step = one_step(EXPERIMENT, recording.checkpoint(2), 0)
    for phase, name in (("forward", "weight"), ("cost", "weight"), ("backward", "gradient")):
        panel.set_option("phase", phase)
        numbers = [float(value) for layer in step.layers for value in getattr(layer, name).flat]
        assert on_edges(panel) == [three(value) for value in numbers]
    panel.set_option("phase", "update")
    pairs = [
        (float(old), float(new))
        for layer in step.layers
        for old, new in zip(layer.weight.flat, layer.moved.flat, strict=True)
    ]
    assert on_edges(panel) == [f"{three(old)} → {three(new)}" for old, new in pairs]


def test_the_boxes_go_from_the_inputs_to_the_loss_with_a_constant_for_each_bias(panel):
    shown = picture(panel.found, "cost", EXPERIMENT)
    assert shown.headings == ("input", "hidden 1", "output", "loss")
    assert [len(boxes) for boxes in shown.columns] == [3, 3, 2, 1]
    assert [boxes[-1].lines for boxes in shown.columns[:2]] == [(("", "1"),)] * 2
    (name, loss), *_ = shown.columns[-1][0].lines
    assert (name, loss) == ("L", three(panel.found.loss))


def test_the_loss_is_not_told_before_its_phase(panel, words):
    assert three(panel.found.loss) not in words(panel)
    assert "?" in words(panel)
    panel.advance(1)
    assert three(panel.found.loss) in words(panel)


def test_the_equations_do_the_sums_of_the_first_unit(panel, words):
    first = panel.found.layers[0]
    said = {}
    for phase in PHASES:
        panel.set_option("phase", phase)
        said[phase] = " ".join(words(panel))
    assert f"= {three(first.z[0])}" in said["forward"]
    assert f"= {three(panel.found.loss)}" in said["cost"]
    assert f"= {three(first.gradient[0, 0])}, " in " ".join(said["backward"].split())
    assert f"= {three(first.moved[0, 0])}" in said["update"]
    assert f"= {three(first.moved[0, -1])}" in said["update"]


def test_buttons_and_keys_of_the_focused_chart_move_the_phases(panel):
    assert not button(panel, "back").isEnabled()
    QTest.mouseClick(button(panel, "on"), Qt.MouseButton.LeftButton)
    assert panel.option("phase") == "cost"
    panel._canvas.setFocus()
    for _ in range(5):
        QTest.keyClick(panel._canvas, Qt.Key.Key_Right)
    assert panel.option("phase") == "update"
    assert not button(panel, "on").isEnabled()
    QTest.keyClick(panel._canvas, Qt.Key.Key_Left)
    QTest.mouseClick(button(panel, "back"), Qt.MouseButton.LeftButton)
    assert panel.option("phase") == "cost"


def test_the_sample_can_be_chosen_within_the_training_part(panel):
    box = panel.findChild(WholeBox, "panel.one_neuron.sample")
    assert (box.minimum(), box.maximum()) == (0, 1599)
    box.setValue(17)
    assert panel.found.index == 17
    assert panel.subtitle().startswith("sample 17, class ")
    panel.set_option("sample", "99999")
    assert panel.found.index == box.value() == 1599
    assert panel.chosen == {"phase": "forward", "of": "sample", "sample": "99999"}


def test_the_numbers_of_the_batch_are_means_and_say_so(panel, words):
    panel.set_option("of", "batch")
    assert panel.subtitle() == "mean over the batch of 64 · η = 0.5 · step 2"
    assert not panel.findChild(WholeBox, "panel.one_neuron.sample").isEnabled()
    assert "mean over the batch of 64" in " ".join(words(panel))


def test_a_network_that_is_too_large_says_so_in_a_sentence(make_panel, lane, words):
    panel = make_panel(OneNeuron, [lane(run(EXPERIMENT.with_value("network.width", 30), 0))])
    assert "too large to be written out" in " ".join(words(panel))
    assert panel.subtitle() == ""
    panel.stop()


def test_where_the_optimiser_steps_otherwise_the_update_says_so(make_panel, lane, words):
    adam = EXPERIMENT.with_value("training.optimiser", "adam")
    panel = make_panel(OneNeuron, [lane(run(adam, 0))])
    panel.set_option("phase", "update")
    assert "adam does not step by" in " ".join(words(panel))
    panel.stop()


def test_the_read_out_tells_all_that_a_place_has(panel, picture):
    _, layout = picture(panel, 900, 700)
    where = panel.plan(layout, panel.found)
    unit = panel.describe(where.boxes[1][0].center(), layout)
    assert unit.startswith("A  hidden 1, unit 1\nz = ")
    assert "δ = " in unit
    edge = panel.describe(where.edges[2].text.center(), layout)
    assert edge.startswith("A  hidden 1: b from the constant 1 to 1\nb = ")
    assert "after the step: " in edge
    assert panel.describe(QPointF(2, 2), layout) == ""


def test_the_table_has_every_weight_with_its_step(panel, recording):
    header, rows = panel.table()
    assert len(rows) == 2 * 3 + 2 * 3
    row = dict(zip(header, rows[4], strict=True))
    assert (row["layer"], row["unit"], row["input"]) == ("hidden 1", 2, 2)
    assert row["weight"] == recording.weights("hidden 1", 2)[1, 1]
    assert row["after the step"] == row["weight"] - 0.5 * row["gradient"]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("size", [(830, 520), (1250, 850)])
def test_on_a_projector_no_number_lies_on_another_and_no_phase_moves_a_box(panel, phase, size):
    panel.set_theme(THEMES["projector"])
    layout = LookLayout(panel.theme, QSizeF(*size))
    still = panel.plan(layout, panel.found).boxes
    panel.set_option("phase", phase)
    where = panel.plan(layout, panel.found)
    assert where.fits
    assert [[box.x() for box in column] for column in where.boxes] == [
        [box.x() for box in column] for column in still
    ]
    rectangles = [box for column in where.boxes for box in column]
    rectangles += [written.text for written in where.edges]
    for at, one in enumerate(rectangles):
        assert QSizeF(*size).width() >= one.right()
        assert not any(one.adjusted(1, 1, -1, -1).intersects(other) for other in rectangles[:at])


def test_on_the_stage_it_grows_with_the_room_and_leaves_nothing_out(panel):
    panel.set_theme(THEMES["projector"])
    wide = LookLayout(panel.theme, QSizeF(1900, 1200))
    before = panel.plan(wide, panel.found)
    panel.present(True)
    for phase in PHASES:
        panel.set_option("phase", phase)
        where = panel.plan(wide, panel.found)
        assert where.fits
        assert where.layout.theme.label > before.layout.theme.label
        assert all(written.rows == written.edge.forms[0] for written in where.edges)
    narrow = panel.plan(LookLayout(panel.theme, QSizeF(830, 520)), panel.found)
    assert narrow.layout.theme.label == panel.theme.label


def test_where_the_numbers_cannot_be_read_a_sentence_stands(panel, picture):
    image, layout = picture(panel, 180, 160)
    assert not panel.plan(layout, panel.found).fits
    assert panel.describe(QPointF(90, 80), layout) == ""
    inks = {image.pixel(x, y) for x in range(180) for y in range(60, 110)}
    assert len(inks) > 10


def test_a_step_that_has_diverged_is_drawn(make_panel, lane, words):
    wild = EXPERIMENT.with_values({"training.learning_rate": 1e30, "network.activation": "relu"})
    panel = make_panel(OneNeuron, [lane(run(wild, 3))])
    panel.set_option("phase", "update")
    assert "NaN" in " ".join(words(panel))
    panel.stop()


def test_small_numbers_take_an_exponent_and_a_true_minus():
    assert rounded(-0.0005134, 3) == "−5.13e-4"
    assert rounded(0.25, 2) == "0.25"
    assert rounded(-0.0, 3) == "0"
    assert rounded(np.nan, 3) == "NaN"
