"""The activation histograms panel: all layers at once, with what still depends on the input."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from initviz.ui.panels.activation_histograms import ActivationHistograms
from initviz.ui.panels.histograms import MOST_ROWS
from initviz.ui.theme import LIGHT, THEMES, channels, mix

FILLED = mix(LIGHT.surface, LIGHT.lanes[0], 0.27)


def _row(place, layout, index):
    """The top and the bottom of a row, in pixels."""
    return place.bases[index] - place.pitch, place.bases[index]


def _columns(image, place, y, colour):
    """The columns of the ridge's axis that have a colour at a height, up to rounding."""
    wanted = channels(colour)
    found = []
    for x in range(round(place.x.start) + 2, round(place.x.end) - 1):
        seen = image.pixelColor(x, round(y))
        if np.abs(np.subtract((seen.red(), seen.green(), seen.blue()), wanted)).max() <= 1:
            found.append(x)
    return found


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
        assert _columns(image, place, base - 0.5 * layout.places[0].pitch, FILLED)
        assert not _columns(image, place, top + 2, FILLED)
        middle = (place.x.start + place.x.end) / 2
        low = _columns(image, place, base - 0.3 * layout.places[0].pitch, FILLED)
        high = _columns(image, place, base - 0.7 * layout.places[0].pitch, FILLED)
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
    y = round(place.bases[-1] - 0.5 * layout.places[0].pitch)
    ground = QColor(LIGHT.surface)
    inked = [x for x in range(middle - 6, middle + 7) if image.pixelColor(x, y) != ground]
    assert 2 <= len(inked) <= 6


def test_a_bounded_activation_has_its_own_range(make_panel, record, lane, picture):
    for activation, ends in (("tanh", (-1, 1)), ("sigmoid", (0, 1))):
        recording = record(network__activation=activation)
        _, layout = picture(make_panel(ActivationHistograms, [lane(recording)]))
        assert (layout.places[0].x.low, layout.places[0].x.high) == pytest.approx(ends, abs=1e-6)


def test_an_unbounded_range_grows_in_steps_and_never_shrinks(make_panel, record, lane, shapes):
    spreads = {0: 0.95, 1: 1.0, 2: 5.0, 3: 0.2}

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
        assert place.number_at - place.x.end > 40


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
    assert layout.places[0].pitch >= LIGHT.small


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


# -- step 0, and the ranges ------------------------------------------------------------------------


def _widening(shapes, layers=2, factor=3.0):
    def taken(step):
        return shapes.histogram([shapes.bell(0.0, 0.1 * factor**step)] * (layers + 1))

    return taken


def _outlines(image, place, y):
    """The columns where the outline of step 0 stands, at a height."""
    ink = channels(mix(LIGHT.axis, LIGHT.surface, 0.2))
    found = []
    for x in range(round(place.x.start) + 2, round(place.x.end) - 1):
        seen = image.pixelColor(x, round(y))
        grey = max(seen.red(), seen.green(), seen.blue()) - min(
            seen.red(), seen.green(), seen.blue()
        )
        if grey < 40 and seen.red() < ink[0] + 70:
            found.append(x)
    return found


def test_the_outline_of_step_0_stays_behind_the_newest(make_panel, record, lane, shapes, picture):
    recording = record(2, steps=(0, 1), activations=_widening(shapes, factor=0.2))
    panel = make_panel(ActivationHistograms, [lane(recording, 0)])
    image, layout = picture(panel)
    place = layout.places[0]
    y = place.bases[0] - 0.3 * place.pitch
    assert not _outlines(image, place, y)
    assert "thin line" not in panel.subtitle()
    panel.show_data([lane(recording, 1)])
    image, layout = picture(panel)
    found = _outlines(image, layout.places[0], y)
    assert found
    assert place.x.value(min(found)) < -0.1
    assert place.x.value(max(found)) > 0.1
    assert "thin line: step 0" in panel.subtitle()


def test_with_own_ranges_each_layer_fills_its_axis(make_panel, record, lane, picture, words):
    panel = make_panel(ActivationHistograms, [lane(record(3))])
    panel.set_option("range", "own")
    image, layout = picture(panel)
    place = layout.places[0]
    # A tenth of the values' width from layer to layer, and of the axis' end with it.
    assert np.diff(np.log10(place.units)) == pytest.approx([-1, -1], abs=0.01)
    for base in place.bases:
        assert len(_columns(image, place, base - 0.3 * place.pitch, FILLED)) > 30
    found = words(panel)
    assert {"r 0.4", "r 0.04", "r 0.004", "−r", "0"} <= set(found)
    assert not any(text.startswith("σ") for text in found)
    at = QPointF(place.x(0.5), place.bases[1] - 3)
    assert "near 0.02" in panel.describe(at, layout)


def test_a_lane_that_diverged_does_not_flatten_the_others(make_panel, record, lane, shapes, words):
    wide = shapes.histogram([shapes.bell(0.0, 1e30)] * 3)
    lost = shapes.histogram([shapes.bell(0.0, 1e30)] * 3, [(0, 0, 3, 0)] * 3)
    settings = {"network__activation": "identity"}
    diverged = record(2, steps=(0, 1), activations=lambda s: lost if s else wide, **settings)
    sound = record(2, steps=(0, 1), **settings)
    panel = make_panel(ActivationHistograms, [lane(sound), lane(diverged, index=1)])
    assert words(panel).count("3 NaN") == 2
    assert panel.value_range()[1] < 10
    panel.show_data([lane(diverged)])
    panel.catch_up()
    assert panel.value_range()[1] > 1e29


def test_a_lane_with_nothing_measured_says_so(make_panel, record, lane, words):
    panel = make_panel(ActivationHistograms, [lane(record(2)), lane(record(4, steps=()), index=1)])
    assert "not measured yet" in words(panel)
    _, rows = panel.table()
    assert {row[0] for row in rows} == {"A"}


def test_numbers_that_find_no_room_are_left_out(make_panel, record, lane, picture, words):
    lanes = [lane(record(), index=i) for i in range(4)]
    panel = make_panel(ActivationHistograms, lanes)
    for width, has_room in ((900, True), (260, False)):
        _, layout = picture(panel, width, 300)
        assert {place.has_room for place in layout.places} == {has_room}
        for place in layout.places:
            assert place.x.end - place.x.start > 0.3 * (place.number_at - place.x.start)
    assert "σ 0.10" in words(make_panel(ActivationHistograms, lanes, (900, 400)))
    panel.resize(420, 320)
    panel.set_theme(THEMES["projector"])
    assert not any("0.10" in text for text in words(panel))


def test_a_replay_draws_what_the_live_run_drew(make_panel, record, lane, shapes, picture):
    settings = {"activations": _widening(shapes, factor=1.4), "network__activation": "identity"}
    recording = record(2, steps=range(8), **settings)
    panel = make_panel(ActivationHistograms)
    for option in ("common", "own"):
        panel.set_option("range", option)
        live = []
        for step in range(8):
            panel.show_data([lane(recording, step)])
            live.append(picture(panel)[0])
        for step in reversed(range(8)):
            panel.show_data([lane(recording, step)])
            assert picture(panel)[0] == live[step]


def test_theory_tells_the_std_in_the_readout(make_panel, record, lane, qtbot):
    panel = make_panel(ActivationHistograms, [lane(record(3, initialiser__scheme="glorot_normal"))])
    panel.show()
    layout = panel.lay_out(panel._canvas.size().toSizeF())
    place = layout.places[0]
    at = QPointF(place.x(0.01), place.bases[0] - 3)
    assert "std of a over samples and units: 0.5" in panel.values_at(at)
    qtbot.waitUntil(lambda: "theory at step 0: std of a 0." in panel.values_at(at))
    panel.stop()
