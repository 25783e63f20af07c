"""The symmetry microscope: what it shows of which step, who computes it, and the noise."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from initviz import Experiment, run
from initviz.session.analyst import Analyst
from initviz.ui.controls import ComboBox, Slider
from initviz.ui.panels.closer_look import NO_CHECKPOINTS
from initviz.ui.panels.symmetry import NO_NOISE, NOISE, Symmetry, noise_of, with_noise

CONSTANT = Experiment().with_values(
    {
        "network.hidden_layers": 3,
        "network.width": 8,
        "initialiser.scheme": "constant",
        "initialiser.value": 0.02,
    }
)
GLOROT = CONSTANT.with_value("initialiser.scheme", "glorot_normal")


@pytest.fixture(scope="module")
def constant():
    return run(CONSTANT, 30)


@pytest.fixture(scope="module")
def glorot():
    return run(GLOROT, 12)


class Later:
    """An analyst that answers when it is told to."""

    def __init__(self):
        self.asked = {}

    def ask(self, key, function, answer):
        self.asked[key] = function, answer

    def answer(self):
        for function, answer in list(self.asked.values()):
            answer(function())
        self.asked.clear()


def test_copies_are_counted_and_said(make_panel, lane, constant, words):
    panel = make_panel(Symmetry, [lane(constant)])
    assert "1 distinct unit: all 8 are copies of one" in words(panel)
    assert panel.subtitle() == "cosine of incoming weights · hidden 1 · step 30"


def test_units_that_differ_are_counted_and_said(make_panel, lane, glorot, words):
    panel = make_panel(Symmetry, [lane(glorot)])
    assert "8 of 8 units are distinct" in words(panel)


def test_the_nearest_checkpoint_is_shown_and_its_step_said(make_panel, lane, glorot):
    assert glorot.checkpoint_steps.tolist() == [0, 1, 2, 5, 10, 12]
    panel = make_panel(Symmetry, [lane(glorot, 7)])
    panel.catch_up()
    assert panel.subtitle().endswith("nearest kept: step 5")


def test_the_layer_can_be_chosen_and_another_lane_falls_back(make_panel, lane, constant, glorot):
    panel = make_panel(Symmetry, [lane(constant)])
    panel.show()
    box = panel.findChild(ComboBox, "panel.symmetry.layer")
    assert [box.itemText(i) for i in range(box.count())] == list(constant.layers)
    panel.set_option("layer", "output")
    assert panel.found.units == 10
    assert box.currentText() == "output"
    assert panel.chosen == {"of": "weights", "layer": "output"}
    box.activated.emit(1)
    assert panel.layer == "hidden 2"
    shallow = run(GLOROT.with_value("network.hidden_layers", 1), 0)
    panel.show_data([lane(shallow)])
    assert panel.layer == "hidden 1"


def test_the_gradients_of_copies_are_looked_at_too(make_panel, lane, constant):
    panel = make_panel(Symmetry, [lane(constant)])
    panel.set_option("of", "gradients")
    panel.catch_up()
    assert panel.found.distinct == 1
    assert panel.subtitle().startswith("cosine of gradients ∂L/∂W")


def test_the_read_out_names_two_units_and_their_cosine(make_panel, lane, glorot, picture):
    panel = make_panel(Symmetry, [lane(glorot)])
    _, layout = picture(panel)
    plot = panel._plot(layout, panel.found)
    at = QPointF(plot.left() + 2.5 * plot.width() / 8, plot.top() + 6.5 * plot.height() / 8)
    cosine = panel.found.cosines[6, 2]
    assert panel.describe(at, layout).split("\n") == [
        "A  units 7 and 3",
        f"cos = {cosine:.6f}".replace("-", "−"),
    ]
    assert panel.describe(QPointF(1, 1), layout) == ""


def test_the_table_has_every_pair(make_panel, lane, glorot):
    panel = make_panel(Symmetry, [lane(glorot)])
    panel.catch_up()
    header, rows = panel.table()
    assert len(rows) == 64
    assert dict(zip(header, rows[2], strict=True)) == {
        "lane": "A",
        "label": "normal, std 0.01",
        "layer": "hidden 1",
        "step": 12,
        "unit": 1,
        "other unit": 3,
        "cosine": panel.found.cosines[0, 2],
    }


def test_the_picture_is_orange_for_copies_and_hatched_for_zeros(make_panel, lane, picture):
    def middle(scheme):
        recording = run(CONSTANT.with_value("initialiser.scheme", scheme), 0)
        panel = make_panel(Symmetry, [lane(recording)])
        image, layout = picture(panel)
        at = panel._plot(layout, panel.found).center().toPoint()
        return {image.pixelColor(at.x() + dx, at.y()).name() for dx in range(12)}

    assert middle("constant") == {"#fe6100"}
    assert len(middle("zeros")) > 1


# -- who computes ---------------------------------------------------------------------------------


def test_until_the_answer_comes_the_one_before_stays_with_its_step(make_panel, lane, glorot):
    panel = make_panel(Symmetry)
    panel.analyst = later = Later()
    panel.show_data([lane(glorot, 0)])
    panel.show()
    assert panel.found is None
    assert panel.subtitle() == ""
    later.answer()
    assert panel.subtitle().endswith("step 0")
    panel.show_data([lane(glorot, 12)])
    assert panel.subtitle().endswith("nearest kept: step 0")
    panel.show_data([lane(glorot, 12)])
    assert len(later.asked) == 1
    later.answer()
    assert panel.subtitle().endswith("· step 12")


def test_an_answer_about_another_layer_or_run_is_not_shown(make_panel, lane, glorot, constant):
    panel = make_panel(Symmetry)
    panel.analyst = later = Later()
    panel.show_data([lane(glorot)])
    panel.show()
    late = list(later.asked.values())
    panel.show_data([lane(constant)])
    for function, answer in late:
        answer(function())
    assert panel.found is None
    later.answer()
    assert panel.found.distinct == 1


def test_the_analyst_computes_beside_the_window(qtbot, make_panel, lane, glorot):
    analyst = Analyst()
    panel = make_panel(Symmetry)
    panel.analyst = analyst
    panel.set_option("of", "gradients")
    try:
        panel.show_data([lane(glorot)])
        panel.show()
        qtbot.waitUntil(lambda: panel.found is not None, timeout=60_000)
        assert panel.found.distinct == 8
    finally:
        analyst.close()


def test_a_run_without_checkpoints_says_so(make_panel, record, lane, words):
    panel = make_panel(Symmetry, [lane(record())])
    assert NO_CHECKPOINTS in words(panel)
    assert panel.table()[1] == []


def test_a_failure_is_a_sentence_in_the_middle(make_panel, lane, tmp_path, words):
    path = tmp_path / "mine.csv"
    rows = np.random.default_rng(0).normal(size=(40, 2)).round(3).tolist()
    lines = (f"{x},{y},{number % 2}" for number, (x, y) in enumerate(rows))
    path.write_text("\n".join(["x,y,label", *lines]))
    recording = run(GLOROT.with_values({"training.data": "file", "training.path": str(path)}), 0)
    path.unlink()
    panel = make_panel(Symmetry, [lane(recording)])
    panel.set_option("of", "gradients")
    assert "No such file" in " ".join(words(panel))


# -- noise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"initialiser.scheme": "zeros"}, (0.0, 0.0)),
        ({"initialiser.scheme": "constant", "initialiser.value": -0.5}, (-0.5, 0.0)),
        ({"initialiser.scheme": "glorot_normal"}, None),
        ({"initialiser.scheme": "formula", "initialiser.expression": "normal(0, a)"}, None),
        (
            {"initialiser.scheme": "formula", "initialiser.expression": "normal(0.5,1e-8)"},
            (0.5, 1e-8),
        ),
    ],
)
def test_where_noise_can_be_added(change, expected):
    assert noise_of(Experiment().with_values(change)) == expected


@pytest.mark.parametrize("constant", [0.0, 0.5, -1e-7])
@pytest.mark.parametrize("noise", [1e-8, 0.013, 1.0])
def test_noise_enters_the_experiment_and_leaves_it_again(constant, noise):
    start = with_noise(CONSTANT, constant, 0.0)
    noisy = with_noise(start, constant, noise)
    assert noise_of(noisy) == (constant, noise)
    assert with_noise(noisy, constant, 0.0).initialiser.name == start.initialiser.name
    assert noise_of(with_noise(noisy, constant, 0.0)) == (constant, 0.0)


def test_the_noise_breaks_the_symmetry():
    recording = run(with_noise(CONSTANT, 0.02, 1e-3), 0)
    assert recording.series("distinct_units")[0].tolist() == [8, 8, 8, 10]
    assert recording.weights("hidden 2", 0).mean() == pytest.approx(0.02, abs=1e-3)


def test_moving_the_slider_asks_for_an_experiment_as_one_change(qtbot, make_panel, lane, constant):
    panel = make_panel(Symmetry, [lane(constant, index=1)])
    panel.show()
    slider = panel.findChild(Slider, "panel.symmetry.noise")
    assert slider.isVisible()
    assert slider.value() == 0
    wanted = []
    panel.experiment_wanted.connect(lambda *what: wanted.append(what))
    slider.setSliderDown(True)
    for position in (100, 200, NOISE.positions + 1):
        slider.setValue(position)
    qtbot.waitUntil(lambda: len(wanted) == 1)
    slider.setValue(0)
    qtbot.waitUntil(lambda: len(wanted) == 2)
    slider.setSliderDown(False)
    letters, experiments, gestures = zip(*wanted, strict=True)
    assert letters == ("B", "B")
    assert experiments[0].initialiser.expression == "normal(0.02, 1)"
    assert experiments[1] == CONSTANT
    assert len(set(gestures)) == 1
    QTest.keyClick(slider, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: len(wanted) == 3)
    assert wanted[2][1].initialiser.expression == "normal(0.02, 1e-08)"
    assert wanted[2][2] not in gestures


def test_the_slider_stays_where_it_was_moved_until_the_lane_has_followed(
    qtbot, make_panel, lane, constant
):
    panel = make_panel(Symmetry, [lane(constant)])
    panel.show()
    slider = panel.findChild(Slider, "panel.symmetry.noise")
    with qtbot.waitSignal(panel.experiment_wanted) as wanted:
        slider.setValue(300)
    panel.show_data([lane(constant)])
    assert slider.value() == 300
    panel.show_data([lane(run(wanted.args[1], 0))])
    assert slider.value() == 300
    panel.show_data([lane(constant)])
    assert slider.value() == 0


def test_an_answer_to_a_panel_that_was_stopped_is_not_shown(make_panel, lane, glorot):
    panel = make_panel(Symmetry)
    panel.analyst = later = Later()
    panel.show_data([lane(glorot)])
    panel.show()
    panel.stop()
    later.answer()
    assert panel.found is None


def test_the_slider_shows_the_noise_that_there_is_and_hides_where_none_fits(
    make_panel, lane, glorot
):
    noisy = run(with_noise(CONSTANT, 0.02, 0.01), 0)
    panel = make_panel(Symmetry, [lane(noisy)])
    panel.show()
    slider = panel.findChild(Slider, "panel.symmetry.noise")
    assert NOISE.value(slider.value() - 1) == pytest.approx(0.01, rel=0.05)
    panel.show_data([lane(glorot)])
    QApplication.processEvents()
    assert not slider.isVisible()
    assert panel._caption.text() == NO_NOISE


@pytest.mark.parametrize("size", [(240, 180), (420, 320), (900, 600)])
def test_it_draws_at_any_size(make_panel, lane, glorot, picture, size):
    panel = make_panel(Symmetry, [lane(glorot), lane(glorot, index=3)])
    _, layout = picture(panel, *size)
    plot = panel._plot(layout, panel.found)
    assert plot.right() < size[0]
    assert plot.width() >= 20
    assert layout.size == QSizeF(*size)
