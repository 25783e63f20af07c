"""The update : weight panel: a locked axis, the rule of thumb, and what has no ratio."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from initviz.lab.recording import Track
from initviz.ui.panels import drawing, update_ratio
from initviz.ui.panels.exponents import exponents
from initviz.ui.panels.update_ratio import RULE_OF_THUMB, Summary, UpdateRatio, layer_index
from initviz.ui.theme import LIGHT, THEMES


def _by_layer(*powers, until=10**9):
    """The ratio of each layer, at all steps but the first; none from `until` on."""

    def quantities(step):
        known = 0 < step < until
        return {"update_ratio": 10.0 ** np.array(powers) if known else np.full(len(powers), np.nan)}

    return quantities


def _near(image, x, y, colour, reach=2):
    wanted = QColor(colour)
    around = range(-reach, reach + 1)
    return any(
        image.pixelColor(round(x) + i, round(y) + j) == wanted for i in around for j in around
    )


@pytest.fixture
def run(record):
    """Three hidden layers with ratios 10⁻⁶, 10⁻³·⁵ and 10⁻², and 10⁻¹ at the output."""
    return record(3, steps=range(101), quantities=_by_layer(-6.0, -3.5, -2.0, -1.0))


@pytest.fixture
def panel(make_panel, lane, run):
    return make_panel(UpdateRatio, [lane(run)])


@pytest.mark.parametrize(
    ("layer", "power", "text"),
    [
        ("first", -6.0, "layer 1"),
        ("middle", -3.5, "layer 2"),
        ("last", -2.0, "layer 3"),
        ("output", -1.0, "output layer"),
    ],
)
def test_the_chosen_layer_is_drawn(panel, picture, layer, power, text):
    panel.set_option("layer", layer)
    image, layout = picture(panel)
    assert _near(image, layout.x(50.0), layout.y(power), LIGHT.lanes[0])
    assert panel.subtitle().startswith(f"{text}, log₁₀ · step 100: A −{-power:.1f}")


def test_the_rule_of_thumb_is_a_dashed_line_with_its_name(panel, picture, words):
    image, layout = picture(panel)
    y = round(layout.y(RULE_OF_THUMB))
    row = [
        image.pixelColor(x, y) for x in range(round(layout.plot.left()), round(layout.plot.right()))
    ]
    ink = [i for i, colour in enumerate(row) if colour.lightness() < 170]
    assert 0.4 < len(ink) / len(row) < 0.8
    assert "−3: rule of thumb" in words(panel)
    assert RULE_OF_THUMB in layout.ticks


def test_the_axis_does_not_rescale(make_panel, record, lane, picture):
    ends = set()
    for power in (-20.0, -3.0, 2.0):
        run = record(3, steps=range(11), quantities=_by_layer(*[power] * 4))
        _, layout = picture(make_panel(UpdateRatio, [lane(run)]))
        ends.add((layout.y.low, layout.y.high))
    assert len(ends) == 1


@pytest.mark.parametrize(("power", "word"), [(-20.0, "1.0e-20 ↓"), (2.0, "1.0e2 ↑")])
def test_what_leaves_the_axis_runs_along_its_edge_with_its_number(
    make_panel, record, lane, picture, words, power, word
):
    run = record(3, steps=range(101), quantities=_by_layer(*[power] * 4))
    panel = make_panel(UpdateRatio, [lane(run)])
    image, layout = picture(panel)
    edge = layout.plot.bottom() if power < 0 else layout.plot.top()
    assert _near(image, layout.x(50.0), edge, LIGHT.lanes[0])
    found = words(panel)
    assert word in found or word.replace("1.0e2", "100") in found


def test_an_exact_zero_is_no_nan(make_panel, record, lane, picture, words):
    run = record(3, steps=range(11), quantities=_by_layer(*[-np.inf] * 4))
    panel = make_panel(UpdateRatio, [lane(run)])
    assert "0 ↓" in words(panel)
    assert panel.subtitle().endswith("A exactly 0")


def test_all_layers_are_a_band_about_the_middle_one(panel, picture):
    panel.set_option("layer", "all")
    image, layout = picture(panel)
    x = layout.x(50.0)
    assert _near(image, x, layout.y(-2.75), LIGHT.lanes[0])  # of four, the mean of the middle two
    ground = QColor(LIGHT.surface)
    for power, is_inside in ((-5.5, True), (-1.5, True), (-6.5, False), (-0.5, False)):
        assert (image.pixelColor(round(x) + 3, round(layout.y(power))) != ground) == is_inside
    told = panel.describe(QPointF(x, 100), layout)
    assert told == ("A  step 50: middle 0.0018, from 1e-6 (layer 1), to 0.1 (output layer)")


def test_the_band_leaves_layers_without_a_ratio_out():
    track = Track(3, 100)
    track.append(0, np.full(3, np.nan))
    track.append(1, np.array([np.nan, 1e-4, 1e-2]))
    track.append(2, np.array([0.0, 1e-4, 1e-2]))
    found = Summary(None).update(track)
    assert np.isnan(found[0]).all()
    assert found[1] == pytest.approx([-4, -3, -2])
    assert found[2].tolist() == [-np.inf, -4, -2]


def test_the_summary_grows_as_if_made_anew_even_after_thinning():
    rng, track, grown = np.random.default_rng(1), Track(5, 240), Summary(None)
    for step in range(700):
        track.append(step, rng.lognormal(-7, 2, 5))
        if step % 9 == 0 or step > 690:
            found = grown.update(track)
            assert len(found) == len(track.steps)
    assert found == pytest.approx(Summary(None).update(track))
    powers = exponents(track.values)
    assert found[:, 1] == pytest.approx(np.median(powers, axis=1))


def test_before_the_first_update_it_says_so(make_panel, record, lane, words):
    for steps in ((0,), ()):
        panel = make_panel(UpdateRatio, [lane(record(3, steps=steps))])
        assert "No update has been made yet." in words(panel)
        assert "A" not in panel.subtitle()


def test_a_fork_that_has_just_begun_has_no_update_yet(make_panel, record, lane, words):
    quantities = _by_layer(*[math.nan] * 4)
    fork = lane(record(3, steps=(300,), quantities=quantities))
    assert words(make_panel(UpdateRatio, [fork])).count("No update has been made yet.") == 1
    old = lane(record(3, steps=range(301), quantities=_by_layer(*[-2.0] * 4)), index=1)
    assert not any("no ratio" in word for word in words(make_panel(UpdateRatio, [fork, old])))


def test_zero_weights_have_no_ratio_which_is_said(make_panel, record, lane, words):
    def quantities(step):
        return {"update_ratio": np.full(4, np.nan), "weight_norm": np.zeros(4)}

    zeros = lane(record(3, steps=range(5), quantities=quantities))
    for layer in ("middle", "all"):
        panel = make_panel(UpdateRatio, [zeros])
        panel.set_option("layer", layer)
        assert "A: no ratio, as W is 0" in words(panel)


def test_a_run_that_diverges_ends_with_a_word(make_panel, record, lane, words):
    sound = record(3, steps=range(41), quantities=_by_layer(*[-2.0] * 4))
    broken = record(3, steps=range(41), quantities=_by_layer(*[-2.0] * 4, until=13))
    panel = make_panel(UpdateRatio, [lane(sound), lane(broken, index=1)])
    found = words(panel)
    assert "B: NaN from step 13" in found
    assert "A" in found
    assert "B" not in found


def test_lanes_of_other_depths_show_their_own_middle(make_panel, record, lane, picture):
    deep = record(9, steps=range(11), quantities=_by_layer(*[-6.0] * 4, -1.5, *[-6.0] * 5))
    shallow = record(1, steps=range(5), quantities=_by_layer(-2.5, -6.0), times=4)
    waiting = record(2, steps=())
    lanes = [lane(deep), lane(shallow, index=1), lane(waiting, index=3)]
    panel = make_panel(UpdateRatio, lanes)
    image, layout = picture(panel)
    assert _near(image, layout.x(3.0), layout.y(-1.5), LIGHT.lanes[0])
    assert _near(image, layout.x(3.0), layout.y(-2.5), LIGHT.lanes[1])
    assert "middle layer" in panel.subtitle()
    told = panel.describe(QPointF(layout.x(4.0), 50), layout)
    assert told.splitlines()[0].startswith("A  step 4: layer 5, ‖ΔW‖ / ‖W‖ = 0.03162, log₁₀ −1.5")
    assert told.splitlines()[1].startswith("B  step 4: layer 1, ")
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize("hidden", [1, 2, 3, 10, 100])
def test_the_layers_to_choose_from_are_there_at_any_depth(record, hidden):
    run = record(hidden)
    found = [layer_index(run, which) for which in ("first", "middle", "last", "output")]
    assert found == sorted(found)
    assert found[0] == 0
    assert found[2:] == [hidden - 1, hidden]


def test_the_table_has_the_chosen_layers(panel):
    panel.catch_up()
    header, rows = panel.table()
    assert len(rows) == 101
    assert dict(zip(header, rows[5], strict=True))["layer"] == "hidden 2"
    panel.set_option("layer", "all")
    _, rows = panel.table()
    assert len(rows) == 101 * 4
    assert rows[-1][2:] == [100, "output", pytest.approx(0.1), pytest.approx(-1.0)]


@pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize(("width", "height"), [(200, 160), (280, 220), (400, 300), (900, 600)])
def test_that_there_is_no_update_yet_is_said_within_the_plot(
    make_panel, record, lane, picture, monkeypatch, look, width, height
):
    panel = make_panel(UpdateRatio, [lane(record())])
    panel.set_theme(look)
    found = []

    def write(painter, text, *more, **how):
        found.append((text, drawing.write(painter, text, *more, **how)))
        return found[-1][1]

    monkeypatch.setattr(update_ratio, "write", write)
    _, layout = picture(panel, width, height)
    sentence = "No update has been made yet."
    rows = [(text, box) for text, box in found if text and text in sentence]
    if width > 250 or look.label < 20:  # else a word alone is wider than the plot
        assert " ".join(text for text, _ in rows) == sentence
    for _, box in rows:
        assert layout.plot.left() <= box.left()
        assert box.right() <= layout.plot.right()
