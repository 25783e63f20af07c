"""What theory expects, behind the measured gradients."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from initviz.lab.prediction import predict
from initviz.ui.panels import theory_ghosts
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.panels.theory_ghosts import LATER, NOW, STRENGTH, Predictions, ask
from initviz.ui.theme import LIGHT, mix


def _elsewhere(layers, step):
    """Signals that lie far from what theory expects of small weights."""
    return np.full(layers + 1, 1e-3)


@pytest.fixture
def run(record):
    return record(10, steps=(0, 5), signal=_elsewhere)


@pytest.fixture
def expected(run):
    return np.log10(predict(run.experiment).signal_gradient_ratio)


def _dark(image, layout, power, places, limit=90):
    """The share of the pixels along the line between two layers that are darker than `limit`."""
    first, last = places
    count = 0
    xs = np.arange(round(layout.x(first)), round(layout.x(last)))
    ys = layout.y(np.interp(layout.x.value(xs.astype(float)), [first, last], power))
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        around = [image.pixelColor(x, round(y) + j).lightness() for j in (-1, 0, 1)]
        count += min(around) < limit
    return count / len(xs)


def test_at_step_0_theory_is_a_dashed_line(make_panel, lane, run, expected, picture, words):
    panel = make_panel(GradientMagnitude, [lane(run, 0)])
    image, layout = picture(panel)
    for place in (2, 5, 8):
        share = _dark(image, layout, expected[place - 1 : place + 1], (place, place + 1))
        assert 0.35 < share < 0.9
    assert NOW in words(panel)
    assert LATER not in words(panel)


def test_later_it_is_an_outline_that_says_so(make_panel, lane, run, expected, picture, words):
    panel = make_panel(GradientMagnitude, [lane(run, 5)])
    image, layout = picture(panel)
    assert _dark(image, layout, expected[4:6], (5, 6)) < 0.05
    assert 0.3 < _dark(image, layout, expected[4:6], (5, 6), 165) < 0.9  # thin and grey by now
    edge = mix(LIGHT.surface, LIGHT.lanes[0], 0.45)
    reach = np.log10(predict(run.experiment).band[4])
    y = layout.y(float(expected[4] + reach))
    seen = [image.pixelColor(round(layout.x(5.0)), round(y) + j) for j in (-2, -1, 0, 1, 2)]
    assert any(abs(colour.hue() - QColor(edge).hue()) < 15 for colour in seen)
    assert LATER in words(panel)
    assert NOW not in words(panel)


def test_the_band_is_drawn_where_networks_vary(make_panel, record, lane, picture):
    narrow = record(
        20,
        signal=_elsewhere,
        network__width=25,
        network__activation="relu",
        initialiser__scheme="he_normal",
    )
    band = np.log10(predict(narrow.experiment).band)
    panel = make_panel(GradientMagnitude, [lane(narrow)])
    panel.set_option("scale", "absolute")  # away from the healthy band
    image, layout = picture(panel)
    filling = QColor(mix(LIGHT.surface, LIGHT.lanes[0], STRENGTH))
    x = layout.x(2.5)
    inside, outside = (layout.y(-3 + share * float(band[1])) for share in (0.6, 1.6))
    assert image.pixelColor(round(x), round(inside)) == filling
    assert image.pixelColor(round(x), round(outside)) != filling


def test_absolute_numbers_start_from_the_measured_last_layer(
    make_panel, lane, run, expected, picture
):
    panel = make_panel(GradientMagnitude, [lane(run, 0)])
    panel.set_option("scale", "absolute")
    image, layout = picture(panel)
    assert 0.35 < _dark(image, layout, expected[7:9] - 3, (8, 9)) < 0.9


def test_where_theory_says_nothing_the_readout_says_why(
    make_panel, record, lane, run, picture, words
):
    normalised = record(10, network__normalisation="layer")
    panel = make_panel(GradientMagnitude, [lane(normalised)])
    _, layout = picture(panel)
    told = panel.describe(QPointF(layout.x(3.0), 100), layout)
    assert "layer normalisation" in told.splitlines()[-1]
    assert NOW not in words(panel)
    panel.show_data([lane(normalised), lane(run, 0, index=1)])
    assert NOW in words(panel)
    told = panel.describe(QPointF(layout.x(3.0), 100), layout)
    assert "B  theory at step 0: 1.0e-7,  from " in told


def test_a_recurrent_lane_beside_another_is_no_fault(make_panel, record, lane, run, words):
    recurrent = record(1, network__architecture="lstm", training__data="digit_rows", times=8)
    panel = make_panel(GradientMagnitude, [lane(recurrent), lane(run, 0, index=1)])
    assert NOW in words(panel)
    assert any(row[4] == "theory" for row in panel.table()[1] if row[0] == "B")
    assert not any(row[4] == "theory" for row in panel.table()[1] if row[0] == "A")


def test_the_table_tells_what_was_expected(make_panel, lane, run, expected, picture):
    panel = make_panel(GradientMagnitude, [lane(run, 5)])
    picture(panel)
    header, rows = panel.table()
    found = [dict(zip(header, row, strict=True)) for row in rows if row[4] == "theory"]
    assert [row["log10 of what is drawn"] for row in found] == pytest.approx(expected)
    assert {row["step"] for row in found} == {0}


def test_the_window_does_not_wait_for_theory(make_panel, lane, run, qtbot):
    panel = make_panel(GradientMagnitude, [lane(run, 0)])
    panel.show()
    panel.show_data([lane(run, 0)])
    assert not any(row[4] == "theory" for row in panel.table()[1])
    qtbot.waitUntil(lambda: any(row[4] == "theory" for row in panel.table()[1]))
    panel.stop()


def test_one_run_is_asked_about_once(lane, run, record, qtbot, monkeypatch):
    asked = []
    real = theory_ghosts.ask
    monkeypatch.setattr(theory_ghosts, "ask", lambda e: asked.append(e) or real(e))
    panel = GradientMagnitude()
    qtbot.addWidget(panel)
    known = Predictions(panel)
    lanes = [lane(run, 0), lane(record(10, steps=(0, 5)), index=1)]
    for _ in range(3):
        known.settle(lanes)
    assert asked == [run.experiment]  # both lanes have the same settings
    assert known.of(run) == real(run.experiment)
    other = record(3)
    known.show([lane(other)])
    assert known.of(other) is None
    assert known.of(run) is None


def test_a_data_file_that_is_gone_is_a_sentence(record, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a,b,label\n0,1,x\n1,0,y\n" * 8, "utf-8")
    experiment = record(3, training__data="csv", training__path=str(path)).experiment
    path.unlink()
    prediction, why_not = ask(experiment)
    assert prediction is None
    assert "mine.csv" in why_not
