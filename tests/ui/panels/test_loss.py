"""The loss panel."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.snapshot import Snapshot
from initviz.ui.panels import loss
from initviz.ui.panels.drawing import width_of
from initviz.ui.panels.loss import Loss, thinned
from initviz.ui.theme import LIGHT


def _inked(image, layout, step, value, colour, reach=2):
    x = round(layout.x(float(step)))
    y = round(float(layout.height(np.array([float(value)]))[0]))
    spots = [(x + i, y + j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]
    return any(image.pixelColor(*spot) == QColor(colour) for spot in spots)


@pytest.fixture
def panel(make_panel, record, lane):
    return make_panel(Loss, [lane(record(steps=range(400)))])


def test_the_loss_is_drawn_at_every_step(panel, picture):
    image, layout = picture(panel)
    for step in (10, 100, 250, 390):
        assert _inked(image, layout, step, 2.3 / (1 + 0.01 * step), LIGHT.lanes[0])


def test_the_range_starts_at_0_and_is_round(panel, picture):
    _, layout = picture(panel)
    assert (layout.y.low, layout.y.high) == (0, 2.5)
    assert (layout.x.low, layout.x.high) == (0, 400)


def test_the_range_does_not_jitter_while_the_run_grows(make_panel, record, lane, picture):
    ends = set()
    for steps in (410, 430, 470, 500):
        _, layout = picture(make_panel(Loss, [lane(record(steps=range(steps)))]))
        ends.add((layout.x.high, layout.y.high))
    assert ends == {(500, 2.5)}


def test_guessing_is_a_line_with_its_name(panel, picture, words):
    _, layout = picture(panel)
    assert layout.chance == pytest.approx(math.log(10))
    assert "chance: ln 10" in words(panel)


@pytest.mark.parametrize("steps", [40, 117, 250, 480])
def test_that_name_and_the_letters_of_lanes_do_not_lie_on_each_other(
    make_panel, record, lane, picture, monkeypatch, steps
):
    written = {}

    def write(_painter, text, at, _colour, pixels, align=0.0, **_):
        width = width_of(text, pixels)
        written[text] = QRectF(at[0] - align * width, at[1] - pixels / 2, width, pixels)

    monkeypatch.setattr(loss, "write", write)
    flat = record(steps=range(steps), loss=lambda _: math.log(10))
    lanes = [lane(flat), lane(record(steps=range(steps)), index=1)]
    picture(make_panel(Loss, lanes), 230, 160)
    assert {"A", "B"} <= set(written)
    assert not written["chance: ln 10"].intersects(written["A"])
    assert not written["chance: ln 10"].intersects(written["B"])


def test_a_squared_error_has_no_such_line(make_panel, record, lane, words):
    panel = make_panel(Loss, [lane(record(training__loss="mse"))])
    assert not any("chance" in text for text in words(panel))
    assert "mean squared error" in panel.subtitle()


@pytest.mark.parametrize("of", ["accuracy", "test_accuracy"])
def test_shares_go_from_0_to_100_per_cent(panel, picture, words, of):
    panel.set_option("of", of)
    _, layout = picture(panel)
    assert (layout.y.low, layout.y.high) == (0, 1)
    found = words(panel)
    assert {"0 %", "100 %", "chance: 1 in 10"} <= set(found)


def test_a_logarithmic_scale_on_request(make_panel, record, lane, picture, words):
    panel = make_panel(Loss, [lane(record(steps=range(5), loss=lambda step: 10.0**-step))])
    panel.set_option("scale", "logarithmic")
    image, layout = picture(panel)
    assert (layout.y.low, layout.y.high) == (-4, 1) or (layout.y.low, layout.y.high) == (-4, 0)
    assert _inked(image, layout, 2, 1e-2, LIGHT.lanes[0])
    assert "10⁻²" in words(panel)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_run_that_diverged_says_so_at_the_step(make_panel, record, lane, picture, words, value):
    panel = make_panel(
        Loss, [lane(record(steps=range(100), loss=lambda s: 2.0 if s < 37 else value))]
    )
    image, layout = picture(panel)
    word = "NaN" if math.isnan(value) else "∞"
    assert f"A: {word} from step 37" in words(panel)
    assert _inked(image, layout, 20, 2.0, LIGHT.lanes[0])
    assert not _inked(image, layout, 80, 2.0, LIGHT.lanes[0])


def test_no_spike_is_lost_in_a_long_run(make_panel, record, lane, picture):
    panel = make_panel(
        Loss,
        [lane(record(1, steps=range(5000), loss=lambda step: 9.0 if step == 3210 else 1.0))],
    )
    image, layout = picture(panel)
    assert _inked(image, layout, 3210, 8.5, LIGHT.lanes[0])


def test_thinning_keeps_the_extremes_of_every_pixel():
    rng = np.random.default_rng(0)
    x, values = np.linspace(50, 149.99, 100_000), rng.normal(size=100_000)
    values[500:600] = np.nan
    thin_x, thin = thinned(x, values, 50, 100)
    assert len(thin) == 200
    assert np.nanmax(thin) == np.nanmax(values)
    assert np.nanmin(thin) == np.nanmin(values)
    assert (np.diff(thin_x) >= 0).all()


def test_thinning_leaves_gaps_where_nothing_is_finite():
    x = np.linspace(0, 9.99, 1000)
    values = np.where((x >= 4) & (x < 6), np.nan, 1.0)
    _, thin = thinned(x, values, 0, 10)
    assert np.isnan(thin).sum() == 4


def test_short_runs_are_left_as_they_are():
    x, values = np.arange(10.0), np.arange(10.0)
    assert thinned(x, values, 0, 100) == (x, values) or thinned(x, values, 0, 100)[0] is x


def test_letters_at_the_ends_do_not_overlap(make_panel, record, lane, words):
    lanes = [lane(record(steps=range(20)), index=i) for i in range(4)]
    found = words(make_panel(Loss, lanes))
    assert [text for text in found if text in tuple("ABCD")] == ["A", "B", "C", "D"]


def test_the_value_at_the_position_stands_in_the_subtitle(make_panel, record, lane):
    panel = make_panel(Loss, [lane(record(steps=range(400)), 100)])
    panel.catch_up()
    assert panel.subtitle().endswith("step 100: A 1.15")


def test_the_readout_tells_every_lane(make_panel, record, lane):
    lanes = [lane(record(steps=range(400)), index=i) for i in range(2)]
    panel = make_panel(Loss, lanes)
    panel.show()
    layout = panel.lay_out(panel._canvas.size().toSizeF())
    told = panel.values_at(QPointF(layout.x(100.0), layout.plot.center().y()))
    assert told == "A  step 100: loss 1.15\nB  step 100: loss 1.15"
    assert panel.values_at(QPointF(layout.x(399.9), 0)) == ""


# -- clipped gradients -----------------------------------------------------------------------------


def clipping(step):
    """A gradient of norm 12.34, cut to 1 from step 5 on."""
    return {"gradient_norm": 12.34, "clipped_gradient_norm": 1.0 if step >= 5 else 12.34}


def test_what_gradients_are_cut_to_is_said_above_the_plot(make_panel, record, lane, words):
    recording = record(steps=range(10), scalars=clipping)
    assert "gradient norm 12.3, clipped to 1" in words(make_panel(Loss, [lane(recording)]))
    assert "gradient norm 12.3, not clipped" in words(make_panel(Loss, [lane(recording, 4)]))


def test_each_lane_is_named_where_there_are_several(make_panel, record, lane, words):
    lanes = [lane(record(steps=range(10), scalars=clipping), index=i) for i in range(2)]
    both = "A gradient norm 12.3, clipped to 1 · B gradient norm 12.3, clipped to 1"
    assert both in words(make_panel(Loss, lanes, (900, 520)))


def test_without_clipping_no_room_is_kept_for_it(make_panel, record, lane, picture):
    _, plain = picture(make_panel(Loss, [lane(record(steps=range(10)))]))
    _, clipped = picture(make_panel(Loss, [lane(record(steps=range(10), scalars=clipping))]))
    assert clipped.plot.top() > plain.plot.top()
    assert clipped.plot.bottom() == plain.plot.bottom()


# -- data of one's own -----------------------------------------------------------------------------


@pytest.fixture
def lost_file(record, tmp_path):
    """A run on a file of three classes that is not there any more."""
    path = str(tmp_path / "gone.csv")
    return record(steps=range(3), training__data="file", training__path=path)


def test_a_file_that_is_gone_has_no_line_of_chance_and_is_no_fault(
    make_panel, lost_file, lane, words
):
    for of in ("loss", "accuracy"):
        panel = make_panel(Loss, [lane(lost_file)])
        panel.set_option("of", of)
        assert not any("chance" in text for text in words(panel))


def test_the_kept_weights_tell_how_many_classes_there_were(make_panel, lost_file, lane, words):
    weights = {"output": np.zeros((3, 100))}
    checkpoint = Checkpoint.of_weights(lost_file.experiment, 3, weights)
    lost_file.append(Snapshot(3, {"loss": 1.0}, checkpoint=checkpoint))
    assert "chance: ln 3" in words(make_panel(Loss, [lane(lost_file)]))
