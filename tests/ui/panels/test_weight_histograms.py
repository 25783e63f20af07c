"""Histograms of the weights and of their gradients: the output layer too."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz.ui.panels.weight_histograms import GradientHistograms, WeightHistograms


@pytest.fixture(params=[WeightHistograms, GradientHistograms])
def kind(request):
    return request.param


def _taken(shapes, *spreads):
    return lambda _step: {
        name: shapes.histogram([shapes.bell(0.0, spread) for spread in spreads])
        for name in ("weight", "weight_gradient")
    }


def test_the_output_layer_is_the_last_row(kind, make_panel, record, lane, words, picture):
    panel = make_panel(kind, [lane(record(3))])
    _, layout = picture(panel)
    assert layout.places[0].names == ("1", "2", "3", "out")
    assert "out" in words(panel)
    place = layout.places[0]
    told = panel.describe(QPointF(place.x(0.0), place.bases[-1] - 3), layout)
    assert told.startswith("A  output layer\n")


def test_weights_share_one_range_and_gradients_have_their_own(
    make_panel, record, lane, shapes, picture
):
    run = record(2, histograms=_taken(shapes, 1e-9, 1e-3, 1.0))
    _, layout = picture(make_panel(WeightHistograms, [lane(run)]))
    assert layout.places[0].units == (1.0, 1.0, 1.0)
    _, layout = picture(make_panel(GradientHistograms, [lane(run)]))
    assert np.log10(layout.places[0].units) == pytest.approx([-8.4, -2.4, 0.6], abs=0.01)


def test_the_ranges_can_be_exchanged(kind, make_panel, record, lane, shapes, picture):
    panel = make_panel(kind, [lane(record(2, histograms=_taken(shapes, 1e-9, 1e-3, 1.0)))])
    other = "own" if panel.option("range") == "common" else "common"
    panel.set_option("range", other)
    _, layout = picture(panel)
    assert (layout.places[0].units == (1.0, 1.0, 1.0)) == (other == "common")


def test_the_number_beside_weights_is_their_std(make_panel, record, lane, words):
    run = record(2, quantities=lambda _: {"weight_std": np.array([0.3, 0.02, 0.1])})
    found = words(make_panel(WeightHistograms, [lane(run)]))
    assert {"σ 0.30", "σ 0.020", "σ 0.10"} <= set(found)


def test_the_root_mean_square_of_gradients_is_told(make_panel, record, lane, shapes, words):
    def weights(layers, step):
        return np.array([8.0, 1e-7, 3.0])

    run = record(2, weights=weights, histograms=_taken(shapes, 1.0, 1.0, 1.0))
    entries = run.latest_histogram("weight_gradient", 0)[1].counts[0].sum()
    panel = make_panel(GradientHistograms, [lane(run)])
    panel.set_option("range", "common")
    found = words(panel)
    assert f"rms {8.0 / entries**0.5:.2f}" in found


def test_an_all_zero_gradient_is_a_needle_with_its_number(make_panel, record, lane, shapes, words):
    none = np.zeros(64, dtype=np.int64)
    none[32] = 6400

    def histograms(_step):
        rows = [(none, -1e-12, 1e-12), shapes.bell(0.0, 1.0), shapes.bell(0.0, 1.0)]
        return {"weight_gradient": shapes.histogram(rows)}

    found = words(make_panel(GradientHistograms, [lane(record(2, histograms=histograms))]))
    assert "r 0" in found
    assert "r 4" in found


def test_nan_gradients_are_counted(kind, make_panel, record, lane, shapes, words):
    bad = shapes.histogram([shapes.bell(0.0, 1.0)] * 3, [(0, 0, 3, 0)] * 3)
    run = record(2, histograms=lambda _: {"weight": bad, "weight_gradient": bad})
    panel = make_panel(kind, [lane(run)])
    assert words(panel).count("3 NaN") == 3
    _, layout = panel.shown, panel.lay_out(panel._canvas.size().toSizeF())
    place = layout.places[0]
    assert "3 NaN" in panel.describe(QPointF(place.x(0.0), place.bases[0] - 3), layout)


def test_lanes_of_other_depths_and_kinds_stand_side_by_side(
    kind, make_panel, record, lane, words, picture
):
    lanes = [
        lane(record(2)),
        lane(record(1, times=6), index=1),
        lane(record(30), index=2),
        lane(record(4, steps=()), index=3),
    ]
    panel = make_panel(kind, lanes)
    _, layout = picture(panel, 900, 600)
    assert [len(place.layers) for place in layout.places][:2] == [3, 2]
    assert layout.places[2].names[-1] == "out"
    assert "not measured yet" in words(panel)
    assert {row[0] for row in panel.table()[1]} == {"A", "B", "C"}


def test_the_table_has_step_0_too(kind, make_panel, record, lane):
    panel = make_panel(kind, [lane(record(2, steps=(0, 5)))])
    panel.catch_up()
    _, rows = panel.table()
    assert {row[2] for row in rows} == {0, 5}
    assert {row[3] for row in rows} == {1, 2, "output"}
