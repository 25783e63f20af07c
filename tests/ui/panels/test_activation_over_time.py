"""The activation over time panel: the gradient's heat map, over what goes forward."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from initviz.ui.panels.activation_over_time import ActivationOverTime
from initviz.ui.panels.axes import DECADES
from initviz.ui.panels.heat_colours import PowerColours, SignedColours
from initviz.ui.theme import LIGHT

POWERS = PowerColours(DECADES["usual"])


def _colour(scale, value):
    return QColor.fromRgb(scale.table(LIGHT)[scale.cells(np.array([float(value)]))[0]])


def _at(image, layout, step, layer):
    return image.pixelColor(round(layout.x(float(step))), round(layout.y(float(layer))))


def _falling(step):
    """The std falls tenfold a layer, the mean from 0.9 to −0.9."""
    powers = np.arange(0.0, -5.0, -1.0)
    return {
        "activation_std": 10.0**powers,
        "sample_std": 10.0 ** (2 * powers),
        "preactivation_std": 10.0 ** (powers + 2),
        "activation_mean": np.array([0.9, 0.3, -0.3, -0.9, 0.0]),
    }


@pytest.fixture
def panel(make_panel, record, lane):
    return make_panel(ActivationOverTime, [lane(record(4, steps=range(11), quantities=_falling))])


@pytest.mark.parametrize(
    ("of", "first", "fall"),
    [("activation_std", 0, 1), ("sample_std", 0, 2), ("preactivation_std", 2, 1)],
)
def test_each_layer_has_the_colour_of_its_own_std(panel, picture, of, first, fall):
    panel.set_option("of", of)
    image, layout = picture(panel)
    for layer in range(1, 5):
        assert _at(image, layout, 5, layer) == _colour(POWERS, first - fall * (layer - 1))


def test_the_mean_has_signs(panel, picture, words):
    panel.set_option("of", "activation_mean")
    image, layout = picture(panel)
    scale = SignedColours(1.0)
    for layer, value in enumerate((0.9, 0.3, -0.3, -0.9), start=1):
        assert _at(image, layout, 5, layer) == _colour(scale, value)
    assert {"≤ −1", "≥ 1"} <= set(words(panel))
    panel.set_option("limit", "10")
    image, layout = picture(panel)
    assert _at(image, layout, 5, 1) == _colour(SignedColours(10.0), 0.9)


def test_the_subtitle_and_the_readout_say_what_it_is(panel, picture):
    for of, text in (
        ("activation_std", "std of a = 0.1"),
        ("sample_std", "σ = 0.01"),
        ("activation_mean", "mean a = 0.3"),
    ):
        panel.set_option("of", of)
        _, layout = picture(panel)
        told = panel.describe(QPointF(layout.x(4.0), layout.y(2.0)), layout)
        assert told == f"A  hidden layer 2, step 4\n{text}"
    assert panel.subtitle() == "mean of a over samples and units · A"


def test_the_table_has_every_measured_number(panel):
    panel.catch_up()
    header, rows = panel.table()
    assert len(rows) == 11 * 4
    assert header[-1] == "log10"
    assert rows[1][3:] == [2, pytest.approx(0.1), pytest.approx(-1)]
    panel.set_option("of", "activation_mean")
    header, rows = panel.table()
    assert header[-1] == "mean of a over samples and units"
    assert rows[3][-1] == pytest.approx(-0.9)


@pytest.mark.parametrize("of", ["activation_std", "activation_mean"])
def test_a_run_that_diverges_is_hatched_with_a_word(make_panel, record, lane, words, of):
    def lost(step):
        return {of: np.full(5, np.nan if step > 3 else 0.5)}

    panel = make_panel(ActivationOverTime, [lane(record(4, steps=range(11), quantities=lost))])
    panel.set_option("of", of)
    assert words(panel).count("NaN or ∞") == 1


def test_a_lane_with_nothing_measured_is_blank(make_panel, record, lane, picture):
    panel = make_panel(ActivationOverTime, [lane(record(4, steps=()))])
    image, layout = picture(panel)
    assert _at(image, layout, 5, 2) == QColor(LIGHT.surface)
    assert panel.describe(QPointF(layout.x(4.0), layout.y(2.0)), layout) == ""
    assert panel.table()[1] == []


def test_recurrent_layers_are_rows_too(make_panel, record, lane, picture):
    panel = make_panel(ActivationOverTime, [lane(record(layers=2, steps=range(11), times=8))])
    _, layout = picture(panel)
    assert layout.numbers == (1, 2)
