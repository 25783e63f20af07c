"""The phase map: what it shows is what theory says."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from initviz import run
from initviz.lab import theory
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.ui.panels.phase_map import MOST_KEPT, REACHES, ROOM, PhaseMap
from initviz.ui.panels.phase_map_chart import Question, find_chart, middles, reading
from initviz.ui.panels.phase_map_marks import name_pins
from initviz.ui.panels.phase_map_pins import inner_places, pins, standing
from initviz.ui.theme import LIGHT, THEMES
from tests.ui.panels.maps import (
    chart_of,
    empty_run,
    history_of,
    place_of,
    settle,
)


def _question(activation, choice="usual", slope=0.0):
    room = ROOM.get(activation, 1.0)
    return Question(activation, slope, room * REACHES[choice][0], REACHES[choice][1])


# -- the map --------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "selu", "gelu"])
def test_the_map_is_what_theory_says_of_each_point(activation):
    question = _question(activation)
    chart = find_chart(question)
    rows, columns = chart.chi.shape
    sigma_ws, sigma_bs = middles(question.reach_w, columns), middles(question.reach_b, rows)
    for row, column in ((0, 9), (20, 60), (90, 100), (150, 20), (70, 150), (120, 230)):
        sigma_w, sigma_b = float(sigma_ws[column]), float(sigma_bs[row])
        q = theory.fixed_point(activation, sigma_w, sigma_b)
        wanted = math.nan if q is None else theory.chi(activation, sigma_w, q)
        assert chart.chi[row, column] == pytest.approx(wanted, rel=1e-3, nan_ok=True)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_critical_line_lies_on_the_map_and_chi_is_1_there(activation):
    question = _question(activation, slope=0.01)
    chart = find_chart(question)
    for sigma_w, sigma_b in chart.line[np.isfinite(chart.line[:, 0])][::6]:
        assert sigma_w < question.reach_w
        found = reading(activation, 0.01, float(sigma_w), float(sigma_b))
        assert found.chi == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_where_q_grows_it_grows_for_every_larger_sigma_w_too(activation):
    question = _question(activation, slope=0.01)
    chart = find_chart(question)
    columns = middles(question.reach_w, chart.chi.shape[1])
    for row in (0, 80, 159):
        sigma_b = float(middles(question.reach_b, chart.chi.shape[0])[row])
        for sigma_w in columns[10::50]:
            grows = theory.fixed_point(activation, sigma_w, sigma_b) is None
            assert grows == (sigma_w >= chart.grows[row])


def test_relu_has_one_chi_for_every_q_and_the_panel_says_so(map_of, lane):
    chart = find_chart(_question("relu"))
    assert chart.scale_free
    sigma_ws = middles(2.5, chart.chi.shape[1])
    assert np.allclose(chart.chi, sigma_ws**2 / 2)
    assert np.allclose(chart.line[:, 0], math.sqrt(2))
    panel = map_of(empty_run(network__activation="relu"))
    assert "χ₁ = 0.5 × fan-in × Var W for every q" in panel.subtitle()
    told = panel.values_at(QPointF(place_of(panel, (2.0, 0.5))))
    assert "q grows for ever" in told
    assert "χ₁ = 2" in told or "χ₁ = 1.9" in told


def test_a_leaky_slope_has_a_map_of_its_own(map_of):
    slopes = [
        empty_run(network__activation="leaky_relu", network__slope=slope) for slope in (0.01, 1.0)
    ]
    lines = [map_of(recording).chart.line[-1, 0] for recording in slopes]
    assert lines == pytest.approx([math.sqrt(2 / (1 + 1e-4)), 1.0])


def test_both_sides_have_their_colour_and_their_words(map_of, picture, words):
    panel = map_of(empty_run())
    image, layout = picture(panel, 900, 560)
    cold = image.pixelColor(layout.at((0.4, 0.9)).toPoint())
    hot = image.pixelColor(layout.at((2.4, 0.6)).toPoint())
    assert cold.blueF() > cold.redF() + 0.1
    assert hot.redF() > hot.blueF() + 0.1
    written = words(panel)
    assert "ordered: gradients vanish" in written
    assert "chaotic: gradients explode" in written
    assert "χ₁ = 1" in written


def test_where_q_grows_is_said_in_words(map_of, words):
    assert "q grows for ever" in words(map_of(empty_run(network__activation="gelu")))
    assert "q grows for ever" not in words(map_of(empty_run()))


def test_the_line_is_black_where_chi_is_1(map_of, picture):
    panel = map_of(empty_run())
    image, layout = picture(panel, 900, 560)
    critical = theory.critical_sigma_w("tanh", 0.8)
    at = layout.at((critical, 0.8))
    darkest = min(
        image.pixelColor(round(at.x()) + k, round(at.y())).lightness() for k in (-1, 0, 1)
    )
    assert darkest < 80


def test_a_wide_range_reaches_further(map_of):
    panel = map_of(empty_run())
    panel.set_option("range", "wide")
    settle(panel)
    assert panel.chart.question.reach_b == 4.0
    assert panel.chart.line[-1, 0] == pytest.approx(theory.critical_sigma_w("tanh", 4.0))


def test_the_axes_are_there_at_once_and_the_map_when_it_is_found(make_panel, lane):
    panel = make_panel(PhaseMap, [lane(empty_run(), 0)])
    panel.show()
    assert panel.chart is None
    panel.grab()
    assert panel.has_drawn
    settle(panel)
    assert panel.chart is not None


def test_a_picture_of_a_panel_that_was_never_shown_has_its_map(make_panel, lane, words):
    panel = make_panel(PhaseMap, [lane(empty_run(network__activation="softsign"), 0)])
    assert "ordered: gradients vanish" in words(panel)


def test_only_the_last_of_many_maps_is_found_and_few_are_kept(make_panel, lane, monkeypatch):
    sought = []
    real = find_chart
    monkeypatch.setattr(
        "initviz.ui.panels.phase_map.find_chart", lambda q: (sought.append(q), real(q))[1]
    )
    panel = make_panel(PhaseMap)
    panel.show()
    slopes = [0.01 * k for k in range(MOST_KEPT + 6)]
    for slope in slopes:
        recording = empty_run(network__activation="leaky_relu", network__slope=slope)
        panel.show_data([lane(recording, 0)])
    settle(panel)
    settle(panel)
    assert [q.slope for q in sought] == [slopes[0], slopes[-1]]
    for slope in slopes:
        panel.show_data([lane(empty_run(network__activation="prelu", network__slope=slope), 0)])
        settle(panel)
    assert len(panel._kept) == MOST_KEPT


# -- pins -----------------------------------------------------------------------------------------


def _pins(**changed):
    return pins(inner_places(empty_run(**changed))[-1])


def _pin(found, label):
    return next(pin for pin in found if label in pin.labels)


def test_schemes_stand_where_their_formulas_put_them():
    found = _pins()
    points = {
        "He normal": (math.sqrt(2), 0.0),
        "Glorot uniform": (1.0, 0.0),
        "Normal": (0.1, 0.0),
        "PyTorch's default": (1 / math.sqrt(3), 0.1 / math.sqrt(3)),
        "Uniform": (0.1 / math.sqrt(12) * 10, 0.0),
    }
    for label, point in points.items():
        assert _pin(found, label).point == pytest.approx(point)


def test_schemes_at_one_point_share_a_pin_and_each_family_is_named_once():
    pin = _pin(_pins(), "Glorot normal")
    assert {"Glorot uniform", "LeCun normal", "Orthogonal", "Keras: He normal"} - set(
        pin.labels
    ) == {"Keras: He normal"}
    assert pin.names[:3] == ("Glorot", "LeCun", "Orthogonal")
    assert not [name for name in pin.names if name.startswith("Keras: ")]
    assert _pin(_pins(), "Keras: truncated normal").names == ("Keras: truncated normal",)


def test_what_is_not_random_around_0_has_no_pin():
    labels = {label for pin in _pins() for label in pin.labels}
    none = {"Zeros", "Constant", "Identity", "Dirac", "LSUV (by the data)", "Your own formula"}
    assert not labels & none


@given(
    width=st.integers(60, 2000),
    height=st.integers(40, 1400),
    units=st.sampled_from([1, 3, 64, 100, 400, 4096]),
    theme=st.sampled_from(list(THEMES.values())),
    activation=st.sampled_from(["tanh", "sigmoid"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_two_names_of_pins_lie_on_one_another(
    make_panel, lane, width, height, units, theme, activation
):
    from initviz.ui.panels import phase_map_drawing as drawing

    question = _question(activation)
    layout = drawing.lay_out(theme, QSizeF(width, height), (question.reach_w, question.reach_b))
    named = name_pins(layout, _pins(network__width=units))
    boxes = [box for _, box in named]
    for number, (pin, box) in enumerate(named):
        assert not any(box.intersects(other) for other in boxes[:number])
        assert box.bottom() <= layout.at(pin.point).y()


def test_where_room_is_short_the_schemes_used_most_keep_their_names(map_of, words):
    small = map_of(empty_run(network__activation="sigmoid"), size=(420, 320))
    found = {text.split(",")[0] for text in words(small)}
    assert {"Normal", "Glorot", "He"} <= found
    assert "Sparse" not in found


def test_a_pin_tells_all_its_schemes_and_its_numbers(map_of):
    panel = map_of(empty_run(initialiser__std=0.05))
    told = panel.values_at(QPointF(place_of(panel, (math.sqrt(2), 0.0))))
    assert "He normal, He uniform" in told
    assert "σ_w = 1.414,  σ_b = 0" in told
    q = theory.fixed_point("tanh", math.sqrt(2), 0.0)
    assert f"χ₁ = {theory.chi('tanh', math.sqrt(2), q):.4g}" in told
    assert "chaotic" in told


# -- where lanes stand ----------------------------------------------------------------------------


def test_a_lane_stands_where_its_scheme_puts_the_layers_from_the_second_on():
    assert standing(empty_run()).point == pytest.approx((0.1, 0.0))
    assert standing(empty_run(initialiser__scheme="he_normal")).point == pytest.approx(
        (math.sqrt(2), 0.0)
    )
    drawn = empty_run(initialiser__bias_distribution="normal", initialiser__bias_spread=0.3)
    assert standing(drawn).point == pytest.approx((0.1, 0.3))
    # 64 numbers are read by the only hidden layer.
    assert standing(empty_run(network__hidden_layers=1)).point == pytest.approx((0.08, 0.0))


def test_a_layer_with_a_scheme_of_its_own_does_not_move_the_dot_and_is_told():
    experiment = (
        Experiment().with_layer("hidden 3").with_value("layers.0.initialiser.scheme", "he_normal")
    )
    found = standing(history_of(experiment))
    assert found.point == pytest.approx((0.1, 0.0))
    assert found.notes == ("hidden 3 has settings of its own.",)


def test_layers_of_other_widths_are_told():
    experiment = Experiment().with_layer("hidden 3").with_value("layers.0.width", 25)
    found = standing(history_of(experiment))
    assert found.point == pytest.approx((0.1, 0.0))
    assert "8 of 9 layers" in found.notes[0]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"network__normalisation": "batch"}, "is normalised"),
        ({"network__residual": True}, "has residual connections"),
        ({"network__dropout": 0.1}, "has dropout"),
        ({"training__data": "digit_rows", "network__architecture": "lstm"}, "is recurrent"),
        ({"initialiser__scheme": "constant"}, "has weights not around 0"),
        ({"initialiser__bias": 0.5}, "has biases not around 0"),
        ({}, ""),
    ],
)
def test_a_lane_that_the_map_is_not_for_is_hollow_and_says_why(map_of, changed, reason):
    panel = map_of(empty_run(**changed))
    dot = panel._dots()[0]
    assert dot.hollow == bool(reason)
    told = panel.values_at(QPointF(place_of(panel, (min(dot.point[0], 2.5), dot.point[1]))))
    assert reason in panel.subtitle()
    assert reason in told


def test_a_hollow_dot_is_drawn_hollow(map_of, picture):
    for changed, inside in (({}, LIGHT.lanes[0]), ({"network__dropout": 0.1}, LIGHT.surface)):
        image, layout = picture(map_of(empty_run(initialiser__std=0.2, **changed)), 900, 560)
        assert image.pixelColor(layout.at((2.0, 0.0)).toPoint()) == QColor(inside)


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
def test_of_recurrent_layers_the_weights_between_steps_count(architecture):
    recording = empty_run(
        training__data="digit_rows", network__architecture=architecture, initialiser__std=0.05
    )
    assert standing(recording).point == pytest.approx((0.5, 0.0))


def test_a_scheme_that_fits_the_data_stands_where_it_was_drawn():
    experiment = Experiment().with_values(
        {"initialiser.scheme": "lsuv", "network.width": 32, "network.hidden_layers": 3}
    )
    recording = run(experiment, steps=0)
    weight = recording.weights("hidden 3", 0).astype(np.float64)
    found = standing(recording)
    assert found.sigma_w == pytest.approx(math.sqrt(32 * np.mean(weight**2)))
    assert "as it was drawn" in found.notes[0]
    assert math.isnan(standing(history_of(experiment)).sigma_w)


# -- values ---------------------------------------------------------------------------------------


def test_the_values_under_the_pointer_are_those_of_theory(map_of):
    panel = map_of(empty_run(initialiser__std=0.2))
    layout = panel.lay_out(QSizeF(chart_of(panel).size()))
    at = QPointF(place_of(panel, (0.8, 0.5)))
    sigma_w, sigma_b = layout.point(at)
    q = theory.fixed_point("tanh", sigma_w, sigma_b)
    told = panel.values_at(at)
    assert f"q* = {q:.4g}: ordered" in told
    assert f"χ₁ = {theory.chi('tanh', sigma_w, q):.4g}" in told
    scale = theory.depth_scales("tanh", sigma_w, sigma_b).gradient
    assert f"ξ_∇ = {scale:.4g} layers" in told


@given(sigma_w=st.floats(0.0, 3.0), sigma_b=st.floats(0.0, 1.0))
@settings(max_examples=25)
def test_the_depth_scale_is_that_of_theory(sigma_w, sigma_b):
    found, wanted = reading("tanh", 0.0, sigma_w, sigma_b), None
    wanted = theory.depth_scales("tanh", sigma_w, sigma_b)
    assert found.depth_scale == pytest.approx(wanted.gradient)
    assert found.phase == theory.phase("tanh", sigma_w, sigma_b)


def test_a_dot_beyond_the_map_is_an_arrow_with_its_number(map_of, words):
    panel = map_of(empty_run(initialiser__std=0.7))
    assert any(text.startswith("7") or text.endswith("7") for text in words(panel))
    told = panel.values_at(QPointF(place_of(panel, (2.5, 0.0))))
    assert "σ_w = 7" in told


def test_the_table_holds_the_dots_and_the_pins(map_of):
    panel = map_of(empty_run(initialiser__std=0.1), empty_run(network__activation="relu"))
    header, rows = panel.table()
    assert header[0] == "lane"
    found = {(row[0], row[1]): dict(zip(header, row, strict=True)) for row in rows}
    assert found["A", "normal, std 0.01"]["sigma_w"] == pytest.approx(1.0)
    assert found["A", "normal, std 0.01"]["phase"] == "critical"
    assert found["B", "normal, std 0.01"]["activation"] == "relu"
    he = found["A", "pin: He normal"]
    assert he["sigma_w"] == pytest.approx(math.sqrt(2))
    assert he["chi_1"] == pytest.approx(theory.chi("tanh", math.sqrt(2), he["q*"]))
    assert ("A", "pin: Zeros") not in found


def test_all_lanes_have_a_dot_in_their_colour_with_their_letter(map_of, picture, words):
    panel = map_of(*(empty_run(initialiser__std=std) for std in (0.02, 0.08, 0.16, 0.22)))
    image, layout = picture(panel, 900, 560)
    for index, sigma_w in enumerate((0.2, 0.8, 1.6, 2.2)):
        at = layout.at((sigma_w, 0.0)).toPoint()
        assert image.pixelColor(at) == QColor(LIGHT.lanes[index])
    assert set("ABCD") <= set(words(panel))


def test_dots_at_one_point_are_rings_around_each_other(map_of, picture):
    panel = map_of(*(empty_run(initialiser__std=0.2) for _ in range(3)))
    image, layout = picture(panel, 900, 560)
    at = layout.at((2.0, 0.0)).toPoint()
    across = {image.pixelColor(at.x() + k, at.y()).name() for k in range(20)}
    assert set(LIGHT.lanes[:3]) <= across


@pytest.mark.parametrize("size", [(240, 180), (420, 320), (1600, 900)])
@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("layers", [1, 1000])
def test_it_draws_at_any_size_in_any_theme_at_any_depth(map_of, size, theme, layers):
    panel = map_of(empty_run(network__hidden_layers=layers), size=size)
    panel.set_theme(theme)
    QApplication.processEvents()
    assert panel.grab().toImage().size() == panel.size()


def test_a_file_that_is_gone_does_no_harm(map_of, tmp_path):
    experiment = Experiment().with_values(
        {"training.data": "csv", "training.path": str(tmp_path / "gone.csv")}
    )
    panel = map_of(history_of(experiment))
    assert panel._dots()[0].point == pytest.approx((0.1, 0.0))
