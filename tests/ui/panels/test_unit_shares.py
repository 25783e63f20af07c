"""The unit shares panel: three marks a layer, and what is not defined."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.snapshot import Snapshot
from initviz.ui.panels import unit_shares
from initviz.ui.panels.unit_shares import UnitShares
from initviz.ui.theme import LIGHT


def _shares(saturated=np.nan, inactive=np.nan, dead=np.nan, layers=4):
    def quantities(_step):
        pairs = (("saturated", saturated), ("inactive", inactive), ("dead", dead))
        return {f"{name}_fraction": np.full(layers + 1, value) for name, value in pairs}

    return quantities


def _near(image, x, y, colour, reach=2):
    wanted = QColor(colour)
    around = range(-reach, reach + 1)
    return any(
        image.pixelColor(round(x) + i, round(y) + j) == wanted for i in around for j in around
    )


@pytest.fixture
def relu(record):
    return record(4, quantities=_shares(inactive=0.75, dead=0.25), network__activation="relu")


@pytest.fixture
def tanh(record):
    return record(4, quantities=_shares(saturated=0.4))


def test_each_share_has_a_mark_of_its_own(make_panel, record, lane, picture):
    shares = _shares(0.9, 0.6, 0.2)
    panel = make_panel(
        UnitShares, [lane(record(4, quantities=shares, network__activation="relu6"))]
    )
    image, layout = picture(panel)
    colour, x, mark = LIGHT.lanes[0], layout.x(2.0), LIGHT.mark
    square, circle, cross = (layout.y(share) for share in (0.9, 0.6, 0.2))
    corner = 0.33 * mark
    assert _near(image, x, square, colour, 0)  # filled to its corners
    assert _near(image, x + corner, square + corner, colour, 1)
    assert image.pixelColor(round(x), round(circle)) == QColor(LIGHT.surface)  # hollow
    assert not _near(image, x + corner, circle + corner, colour, 0)
    assert _near(image, x, cross, colour, 1)  # crossed
    arm = image.pixelColor(round(x + 0.3 * mark), round(cross + 0.3 * mark))
    assert arm != QColor(LIGHT.surface)  # on a slant it is mixed with the ground
    assert not _near(image, x, cross + 0.3 * mark, colour, 0)


def test_the_names_of_lanes_have_the_room_that_they_take(make_panel, lane, tanh, words):
    label = "a name that is longer than the kinds"
    panel = make_panel(UnitShares, [lane(tanh, label=label)], size=(1400, 520))
    assert label in words(panel)


@pytest.mark.parametrize(("size", "is_named"), [((290, 120), False), ((640, 480), True)])
def test_lanes_that_end_alike_are_told_apart_in_a_small_panel_too(
    make_panel, lane, tanh, picture, monkeypatch, size, is_named
):
    written = []
    monkeypatch.setattr(
        unit_shares,
        "write_lane",
        lambda _painter, letter, _label, at, *_, room: written.append((letter, at[1], room)),
    )
    lanes = [lane(tanh, index=index, label="Glorot normal") for index in range(4)]
    picture(make_panel(UnitShares, lanes), *size)
    assert {letter for letter, _, _ in written} == {*"ABCD"}
    assert {room > 0 for _, _, room in written} == {is_named}
    assert np.diff(sorted(y for _, y, _ in written)).min() > LIGHT.label


def test_what_is_not_defined_is_left_out_and_said(make_panel, lane, relu, tanh, words, picture):
    for run, kinds, sentence in (
        (relu, ("inactive", "dead"), "ReLU does not saturate."),
        (tanh, ("saturated",), "tanh is never inactive, so that no unit can be dead."),
    ):
        panel = make_panel(UnitShares, [lane(run)])
        assert picture(panel)[1].kinds == kinds
        found = words(panel)
        assert any(text.startswith(sentence) for text in found)
        assert set(kinds) <= set(found)
        assert {row[4] for row in panel.table()[1]} == set(kinds)


def test_half_inactive_is_marked_as_healthy_only_where_that_is_defined(
    make_panel, lane, relu, tanh, words
):
    text = "Dashed: about half inactive is healthy."
    assert any(text in found for found in words(make_panel(UnitShares, [lane(relu)])))
    assert not any(text in found for found in words(make_panel(UnitShares, [lane(tanh)])))


def test_where_nothing_is_defined_a_sentence_says_why(make_panel, record, lane, words):
    run = record(4, quantities=_shares(), network__activation="gelu")
    panel = make_panel(UnitShares, [lane(run)])
    assert "GELU neither saturates nor is it ever inactive." in words(panel)
    assert panel.values_at(QPointF(200, 200)) == ""


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_there_is_something_to_see_or_to_read_for_every_activation(
    make_panel, record, lane, words, activation
):
    shares = _shares(0.1, 0.2, 0.3)
    run = record(4, quantities=shares, network__activation=activation)
    panel = make_panel(UnitShares, [lane(run)])
    found = words(panel)
    assert any(ACTIVATIONS[activation].label in text for text in found) or "saturated" in found


def test_lanes_are_told_apart_and_may_have_other_layers(
    make_panel, record, lane, relu, tanh, picture, words
):
    shallow = record(1, quantities=_shares(inactive=0.5, dead=0.1, layers=1), times=3)
    lanes = [lane(relu), lane(tanh, index=1), lane(shallow, index=3)]
    panel = make_panel(UnitShares, lanes)
    image, layout = picture(panel)
    assert _near(image, layout.x(3.0), layout.y(0.4), LIGHT.lanes[1], 0)
    assert _near(image, layout.x(3.0), layout.y(0.25), LIGHT.lanes[0], 1)
    assert {"A", "B"} <= set(words(panel))
    told = panel.describe(QPointF(layout.x(3.0), 100), layout)
    assert told.splitlines() == [
        "hidden layer 3",
        "A  inactive 75.0 %",
        "A  dead 25.0 %",
        "B  saturated 40.0 %",
    ]


def test_layers_of_other_activations_have_their_own_shares(make_panel, record, lane, picture):
    run = record(2, quantities=_shares(saturated=0.4, layers=2))
    mixed = run.experiment.with_layer("hidden 2")
    index = next(i for i, layer in enumerate(mixed.layers) if layer.name == "hidden 2")
    layers = list(mixed.layers)
    layers[index] = layers[index].model_copy(update={"activation": "gelu"})
    run.experiment = mixed.model_copy(update={"layers": tuple(layers)})
    panel = make_panel(UnitShares, [lane(run)])
    _, layout = picture(panel)
    assert "saturated" in panel.describe(QPointF(layout.x(1.0), 100), layout)
    assert panel.describe(QPointF(layout.x(2.0), 100), layout) == ""


def test_a_share_that_is_lost_has_a_mark_at_the_edge(make_panel, record, lane, picture):
    run = record(4, quantities=_shares(dead=0.0), network__activation="relu")
    panel = make_panel(UnitShares, [lane(run)])
    image, layout = picture(panel)
    for layer in (1.0, 4.0):
        y = layout.plot.top() + 0.45 * LIGHT.mark
        assert _near(image, layout.x(layer), y, LIGHT.lanes[0])
    told = panel.describe(QPointF(layout.x(2.0), 100), layout)
    assert "A  inactive NaN" in told


def test_one_share_alone_can_be_chosen(make_panel, lane, relu, picture):
    panel = make_panel(UnitShares, [lane(relu)])
    panel.set_option("of", "dead")
    _, layout = picture(panel)
    assert layout.kinds == ("dead",)
    assert {row[4] for row in panel.table()[1]} == {"dead"}


def test_dead_units_say_when_they_were_counted(make_panel, record, lane, picture):
    def quantities(step):
        return _shares(inactive=0.5, dead=0.1)(step)

    run = record(4, quantities=quantities, network__activation="relu")
    later = {"inactive_fraction": np.full(5, 0.5)}
    run.append(Snapshot(7, {"loss": 1.0}, later))
    panel = make_panel(UnitShares, [lane(run)])
    _, layout = picture(panel)
    told = panel.describe(QPointF(layout.x(1.0), 100), layout).splitlines()
    assert told[1:] == ["A  inactive 50.0 %", "A  dead 10.0 %, at step 0"]
    assert panel.subtitle() == "share of a layer · step 7"


def test_before_anything_is_measured_it_says_so(make_panel, record, lane, words):
    panel = make_panel(UnitShares, [lane(record(4, steps=()))])
    assert "Nothing has been measured yet." in words(panel)
