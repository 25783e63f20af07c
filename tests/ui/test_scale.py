"""Sliders over numbers: every position reads well, and says the same both ways."""

import pytest

from initviz.ui.scale import Scale, number_text

SCALES = [
    Scale(1, 30, whole=True),
    Scale(0.0, 1.0),
    Scale(-1.0, 1.0),
    Scale(0.1, 4.0),
    Scale(1e-4, 2.0, logarithmic=True),
    Scale(1, 512, logarithmic=True, whole=True),
]


@pytest.mark.parametrize("scale", SCALES)
def test_the_ends_are_the_limits_and_values_never_fall(scale):
    values = [scale.value(position) for position in range(scale.positions + 1)]
    assert values[0] == scale.low
    assert values[-1] == pytest.approx(scale.high)
    assert values == sorted(values)


@pytest.mark.parametrize("scale", SCALES)
def test_a_value_stands_where_it_came_from(scale):
    for position in range(0, scale.positions + 1, 7):
        value = scale.value(position)
        assert scale.value(scale.position(value)) == value


@pytest.mark.parametrize("scale", SCALES)
def test_what_is_outside_stands_at_an_end(scale):
    assert scale.position(-1e9) == 0
    assert scale.position(1e9) == scale.positions


def test_a_logarithmic_slider_spaces_by_factors():
    scale = Scale(1e-4, 1.0, logarithmic=True)
    assert scale.value(scale.positions // 2) == pytest.approx(0.01)


def test_values_read_well():
    scale = Scale(1e-4, 2.0, logarithmic=True)
    texts = [number_text(scale.value(position)) for position in range(scale.positions)]
    assert max(map(len, texts)) <= 7


@pytest.mark.parametrize("value", [0.01, 1e-9, 20.0, 1 / 3, 1e30, 0.1 + 0.2])
def test_a_number_written_is_the_number_itself(value):
    assert float(number_text(value)) == value
