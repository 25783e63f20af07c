"""Histograms as ridges."""

import math

import numpy as np
import pytest

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.quantities import BINS
from initviz.lab.snapshot import Histogram
from initviz.ui.panels.axes import Axis
from initviz.ui.panels.ridges import LEAST_PIXELS, natural_range, ridges

X = Axis(-1.0, 1.0, 100.0, 300.0)


def _histogram(low, high, counts=None, outside=(0, 0, 0, 0)):
    row = np.full(BINS, 10) if counts is None else counts
    return Histogram(
        np.array([row], dtype=np.int64), np.array([low]), np.array([high]), np.array([outside])
    )


def _ridge(histogram):
    return ridges(histogram, np.array([0]), X, np.array([50.0]), 20.0)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("tanh", (-1, 1)),
        ("sigmoid", (0, 1)),
        ("relu", (0, math.inf)),
        ("elu", (-1, math.inf)),
        ("identity", (-math.inf, math.inf)),
        ("leaky_relu", (-math.inf, math.inf)),
    ],
)
def test_the_natural_range_of_an_activation(activation, expected):
    assert natural_range(activation, 0.01) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_has_a_natural_range(activation):
    low, high = natural_range(activation, 0.01)
    assert low <= 0.0 < high


def test_a_ridge_stands_where_its_values_are_and_is_as_high_as_it_may():
    counts = np.zeros(BINS)
    counts[0] = 7
    made = _ridge(_histogram(0.0, 0.64, counts))
    top = made.y.argmin()
    assert made.y[0, top] == pytest.approx(30.0)
    assert made.x[0, top] == pytest.approx(X(0.005))
    assert made.x[0, 0] == 100.0
    assert made.x[0, -1] == 300.0


@pytest.mark.parametrize("width", [0.0, 1e-12, 1e-3])
def test_a_layer_narrower_than_a_pixel_can_still_be_seen(width):
    made = _ridge(_histogram(0.5 - width / 2, 0.5 + width / 2))
    raised = made.x[0][made.y[0] < 50.0]
    assert np.ptp(made.x[0, 1:-1]) == pytest.approx(LEAST_PIXELS)
    assert raised.mean() == pytest.approx(X(0.5), abs=0.1)


def test_values_beyond_the_axis_are_counted_and_not_drawn():
    made = _ridge(_histogram(0.0, 2.0, outside=(3, 5, 0, 0)))
    assert made.below.tolist() == [3]
    assert made.above.tolist() == [5 + 10 * BINS // 2]
    assert made.x.max() <= 300.0
    assert made.y[0, -2] == 50.0


def test_a_layer_that_lies_on_the_very_end_of_the_axis_is_drawn_there():
    """A layer of ones has bins around 1, some of them a hair beyond the axis."""
    made = _ridge(_histogram(np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0)))
    assert made.above.tolist() == [0]
    assert made.below.tolist() == [0]
    assert made.y.min() == pytest.approx(30.0)
    assert made.x.max() == 300.0
    made = _ridge(_histogram(-1.001, -1.0005))
    assert made.below.tolist() == [0]


def test_nan_and_infinity_are_counted_apart():
    assert _ridge(_histogram(0.0, 1.0, outside=(0, 0, 4, 2))).broken.tolist() == [[4, 2]]


@pytest.mark.parametrize("edge", [np.nan, 0.0])
def test_a_layer_without_a_number_is_a_flat_line(edge):
    made = _ridge(_histogram(edge, edge, np.zeros(BINS), (0, 0, 64, 0)))
    assert np.isfinite(made.x).all()
    assert (made.y == 50.0).all()


def test_values_can_be_measured_in_a_unit_of_each_layer():
    alone = _ridge(_histogram(-0.5, 0.25))
    made = ridges(_histogram(-5e-9, 2.5e-9), np.array([0]), X, np.array([50.0]), 20.0, 1e-8)
    assert made.x == pytest.approx(alone.x)
    assert made.y == pytest.approx(alone.y)
