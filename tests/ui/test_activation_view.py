"""φ and φ′ over what a layer gets."""

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel

from initviz import Experiment, run
from initviz.lab.activations import ACTIVATIONS
from initviz.ui.activation_view import ActivationView, sight
from initviz.ui.controls import ComboBox
from initviz.ui.panels.base import Shown
from initviz.ui.theme import DARK, LIGHT


def recorded(std, activation="tanh"):
    e = Experiment().with_value("initialiser.std", std).with_value("network.hidden_layers", 3)
    return run(e.with_value("network.activation", activation), steps=0)


@pytest.fixture(scope="module")
def small():
    return recorded(0.01)


@pytest.fixture(scope="module")
def large():
    return recorded(1.0)


@pytest.fixture
def view(qtbot):
    made = ActivationView()
    qtbot.addWidget(made)
    made.set_theme(LIGHT)
    made.resize(290, 320)
    made.show()
    return made


def lane(recording):
    return Shown("A", 0, "normal", recording, 0)


def words(view):
    return " ".join(label.text() for label in view.findChildren(QLabel))


def test_the_axis_stands_at_its_least_for_small_signals_and_widens_for_large_ones(small, large):
    assert sight(lane(small), 2).half_width == 3.0
    assert sight(lane(large), 2).half_width >= 20.0


def test_the_saturated_share_is_that_of_the_histogram(large):
    seen = sight(lane(large), 2)
    measured = large.series("saturated_fraction")[0, 2]
    assert seen.saturated() == pytest.approx(measured, abs=0.03)
    assert seen.saturated() > 0.5


def test_where_saturation_means_nothing_none_is_told(view):
    view.show_lane(lane(recorded(0.1, "relu")))
    assert np.isnan(sight(lane(recorded(0.1, "relu")), 0).saturated())
    assert "φ′" not in words(view)


def test_the_heading_names_activation_layer_and_lane(view, small):
    view.show_lane(lane(small), "hidden 3")
    assert "TANH OVER WHAT LAYER 3 OF A GETS" in words(view)
    assert "pre-activation z of layer 3" in words(view)


def test_the_diagnosed_layer_is_shown_until_a_person_chooses_one(view, small):
    view.show_lane(lane(small), "hidden 1")
    assert view.layer == 0
    view.findChild(ComboBox, "activation_view.layer").setCurrentIndex(2)
    view.show_lane(lane(small), "hidden 3")
    assert view.layer == 1
    view.findChild(ComboBox, "activation_view.layer").setCurrentIndex(0)
    assert view.layer == 2


def test_where_no_layer_is_diagnosed_the_middle_one_is_shown(view, small):
    view.show_lane(lane(small), "hidden 3")
    view.show_lane(lane(small))
    assert view.layer == 1


def test_the_bars_have_the_lanes_colour_and_both_curves_are_drawn(view, large):
    view.show_lane(lane(large))
    for theme in (LIGHT, DARK):
        view.set_theme(theme)
        image = view.grab().toImage()
        seen = {
            image.pixelColor(x, y).name()
            for x in range(0, image.width(), 2)
            for y in range(image.height())
        }
        assert theme.ink in seen


def test_nothing_is_drawn_before_there_is_a_recording(view):
    view.show_lane(None)
    view.grab()
    assert "LAYER" in words(view)


def test_a_point_reads_out_z_and_both_values(view, small):
    view.show_lane(lane(small))
    text = view.values_at(0.5)
    assert "z = 0" in text
    assert "φ(z) = 0" in text
    assert "φ′(z) = 1" in text


def test_a_layer_with_an_activation_of_its_own_is_drawn_with_it(view):
    own = Experiment().with_value("network.hidden_layers", 3).with_layer("hidden 2")
    recording = run(own.with_value("layers.0.activation", "relu"), steps=0)
    assert sight(lane(recording), 1).activation.name == "relu"
    assert sight(lane(recording), 0).activation.name == "tanh"
    view.show_lane(lane(recording), "hidden 2")
    assert "RELU OVER WHAT LAYER 2" in words(view)


def test_in_gated_layers_z_is_the_candidates(view):
    e = Experiment().with_values(
        {
            "network.architecture": "gru",
            "network.hidden_layers": 1,
            "network.width": 8,
            "training.data": "digit_rows",
        }
    )
    view.show_lane(lane(run(e, steps=0)))
    assert "pre-activation z of layer 1's candidate" in words(view)


def test_the_slope_that_is_drawn_is_told_and_that_it_changes(view):
    view.show_lane(lane(recorded(0.1, "prelu")))
    assert "slope 0.01 for z < 0 at the start; it is learned" in words(view)
    view.show_lane(lane(recorded(0.1, "leaky_relu")))
    assert "slope 0.01 for z < 0" in words(view)
    assert "learned" not in words(view)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("std", [0.01, 10.0])
def test_every_activation_can_be_drawn(view, activation, std):
    view.show_lane(lane(recorded(std, activation)))
    view.grab()
    assert "φ(z)" in view.values_at(0.5)
