"""The activation histograms panel: all layers at once, with what still depends on the input."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from initviz.ui.panels.activation_histograms import MOST_ROWS, ActivationHistograms
from initviz.ui.theme import LIGHT, mix

FILLED = mix(LIGHT.surface, LIGHT.lanes[0], 0.27)


def _row(place, layout, index):
    """The top and the bottom of a row, in pixels."""
    return place.bases[index] - layout.pitch, place.bases[index]


def _columns(image, place, y, colour):
    """The columns of the ridge's axis that have a colour at a height."""
    wanted = QColor(colour)
    span = range(round(place.x.start) + 2, round(place.x.end) - 1)
    return [x for x in span if image.pixelColor(x, round(y)) == wanted]


def test_each_layer_is_a_ridge_as_high_as_its_own_fullest_bin(
    make_panel, record, lane, shapes, picture
):
    wide = shapes.histogram([shapes.bell(0.0, 0.3, total) for total in (100_000, 6400, 640)])
    panel = make_panel(
        ActivationHistograms, [lane(record(2, activations=lambda _: wide))], (640, 520)
    )
    image, layout = picture(panel)
    place = layout.places[0]
    for index in (0, 1):
        top, base = _row(place, layout, index)
        assert _columns(image, place, base - 0.5 * layout.pitch, FILLED)
        assert not _columns(image, place, top + 2, FILLED)
        middle = (place.x.start + place.x.end) / 2
        low = _columns(image, place, base - 0.3 * layout.pitch, FILLED)
        high = _columns(image, place, base - 0.7 * layout.pitch, FILLED)
        assert len(low) > len(high) > 0
        assert abs(np.mean(low) - middle) < 3


def test_layer_1_is_on_top_and_the_output_is_left_out(make_panel, record, lane, picture):
    panel = make_panel(ActivationHistograms, [lane(record(7))])
    _, layout = picture(panel)
    assert layout.places[0].layers == tuple(range(7))
    assert list(layout.places[0].bases) == sorted(layout.places[0].bases)


def test_a_layer_narrower_than_a_pixel_is_still_a_needle(make_panel, record, lane, picture):
    panel = make_panel(ActivationHistograms, [lane(record(10))])
    image, layout = picture(panel)
    place = layout.places[0]
    middle = round(place.x(0.0))
    y = round(place.bases[-1] - 0.5 * layout.pitch)
    ground = QColor(LIGHT.surface)
    inked = [x for x in range(middle - 6, middle + 7) if image.pixelColor(x, y) != ground]
    assert 2 <= len(inked) <= 6


def test_a_bounded_activation_has_its_own_range(make_panel, record, lane, picture):
    for activation, ends in (("tanh", (-1, 1)), ("sigmoid", (0, 1))):
        recording = record(network__activation=activation)
        _, layout = picture(make_panel(ActivationHistograms, [lane(recording)]))
        assert (layout.places[0].x.low, layout.places[0].x.high) == pytest.approx(ends, abs=1e-6)


def test_an_unbounded_range_grows_in_steps_and_never_shrinks(make_panel, record, lane, shapes):
    spreads = {0: 1.0, 1: 1.05, 2: 5.0, 3: 0.2}

    def activations(step):
        return shapes.histogram([shapes.bell(0.0, spreads[step])] * 3)

    recording = record(2, steps=range(4), activations=activations, network__activation="identity")
    panel = make_panel(ActivationHistograms)
    panel.show()
    ends = []
    for step in range(4):
        panel.show_data([lane(recording, step)])
        ends.append(panel.value_range()[1])
    assert ends[0] == ends[1] < ends[2] == ends[3]
    assert panel.value_range()[0] == -ends[3]


def test_another_run_starts_with_a_range_of_its_own(make_panel, record, lane, shapes):
    def run(spread):
        taken = shapes.histogram([shapes.bell(0.0, spread)] * 3)
        return record(2, activations=lambda _: taken, network__activation="identity")

    panel = make_panel(ActivationHistograms)
    panel.show()
    panel.show_data([lane(run(100.0))])
    far = panel.value_range()[1]
    panel.show_data([lane(run(1.0))])
    assert panel.value_range()[1] < far / 10


def test_columns_share_one_range(make_panel, record, lane, shapes, picture):
    def run(spread):
        taken = shapes.histogram([shapes.bell(0.0, spread)] * 3)
        return record(2, activations=lambda _: taken, network__activation="identity")

    lanes = [lane(run(1.0)), lane(run(10.0), index=1)]
    _, layout = picture(make_panel(ActivationHistograms, lanes))
    first, second = (place.x for place in layout.places)
    assert (first.low, first.high) == (second.low, second.high)
    assert first.end < second.start


def test_values_beyond_the_range_stand_at_the_edge_as_a_count(
    make_panel, record, lane, shapes, words
):
    taken = shapes.histogram(
        [shapes.bell(0.0, 0.1)] * 3, [(12, 0, 0, 0), (0, 3456, 0, 0), (0, 0, 0, 0)]
    )
    found = words(make_panel(ActivationHistograms, [lane(record(2, activations=lambda _: taken))]))
    assert "← 12" in found
    assert "3 456 →" in found


def test_nan_and_infinity_are_words_in_their_row(make_panel, record, lane, shapes, words):
    taken = shapes.histogram([shapes.bell(0.0, 0.1)] * 3, [(0, 0, 640, 12)] + [(0, 0, 0, 0)] * 2)
    found = words(make_panel(ActivationHistograms, [lane(record(2, activations=lambda _: taken))]))
    assert "640 NaN · 12 infinite" in found


def test_every_row_tells_how_much_still_depends_on_the_input(make_panel, record, lane, words):
    found = words(make_panel(ActivationHistograms, [lane(record(3))]))
    assert {"σ 0.10", "σ 0.010", "σ 0.0010"} <= set(found)
    assert "σ = std over samples, per unit" in " ".join(found)


def test_the_numbers_stand_clear_of_the_ridges(make_panel, record, lane, picture):
    lanes = [lane(record(), index=i) for i in range(3)]
    _, layout = picture(make_panel(ActivationHistograms, lanes))
    for place in layout.places:
        assert place.sigma_at - place.x.end > 40


@pytest.mark.parametrize("layers", [MOST_ROWS, MOST_ROWS + 1, 1000])
def test_many_layers_are_thinned_out_evenly_with_both_ends(
    make_panel, record, lane, picture, layers
):
    _, layout = picture(make_panel(ActivationHistograms, [lane(record(layers))]), 640, 520)
    shown = layout.places[0].layers
    assert len(shown) == min(layers, MOST_ROWS)
    assert (shown[0], shown[-1]) == (0, layers - 1)


def test_rows_keep_a_legible_height_on_a_small_panel(make_panel, record, lane, picture):
    _, layout = picture(make_panel(ActivationHistograms, [lane(record(24))]), 280, 180)
    assert layout.pitch >= LIGHT.small


def test_lanes_of_different_depth_are_numbered_each(make_panel, record, lane, picture):
    lanes = [lane(record(10)), lane(record(40), index=1)]
    _, layout = picture(make_panel(ActivationHistograms, lanes))
    assert [place.numbered for place in layout.places] == [True, True]
    assert layout.places[1].layers[-1] == 39


def test_preactivations_are_shown_on_request(make_panel, record, lane, words):
    panel = make_panel(ActivationHistograms, [lane(record())])
    assert any("a = tanh(z)" in text for text in words(panel))
    panel.set_option("of", "preactivation")
    assert any("pre-activation z" in text for text in words(panel))
    assert panel.value_range()[0] < 0 < panel.value_range()[1]


def test_the_readout_counts_the_values_of_a_bin(make_panel, record, lane, shapes):
    taken = shapes.histogram([shapes.bell(0.0, 0.3)] * 3)
    panel = make_panel(ActivationHistograms, [lane(record(2, activations=lambda _: taken))])
    panel.show()
    layout = panel.lay_out(panel._canvas.size().toSizeF())
    place = layout.places[0]
    told = panel.values_at(QPointF(place.x(0.01), place.bases[1] - 3)).splitlines()
    assert told[0] == "A  hidden layer 2"
    counts = taken.counts[1]
    assert told[2].startswith(f"{counts.max()} of {counts.sum()} values near 0.0")


def test_the_table_has_every_bin_and_what_lies_outside(make_panel, record, lane, shapes):
    taken = shapes.histogram([shapes.bell(0.0, 0.3)] * 3, [(0, 0, 5, 0)] * 3)
    panel = make_panel(ActivationHistograms, [lane(record(2, activations=lambda _: taken))])
    panel.catch_up()
    header, rows = panel.table()
    assert len(rows) == 2 * (taken.counts.shape[1] + 1)
    assert ("NaN", "", 5) in [tuple(row[-3:]) for row in rows]
    assert list(header)[-3:] == ["from", "to", "count"]
