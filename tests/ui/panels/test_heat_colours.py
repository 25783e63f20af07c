"""Colours of numbers: locked, monotone, open at the ends."""

import numpy as np
import pytest

from initviz.ui.panels.axes import Decades
from initviz.ui.panels.exponents import FIRST_COLOUR, UNDEFINED
from initviz.ui.panels.heat_colours import PowerColours, SignedColours
from initviz.ui.theme import THEMES, channels

SCALES = [PowerColours(Decades(-14, 4)), SignedColours(1.0)]


@pytest.mark.parametrize("scale", SCALES)
def test_larger_values_have_later_colours(scale):
    low, high = scale.ends
    cells = scale.cells(np.linspace(low, high, 100)).astype(int)
    assert cells[0] == FIRST_COLOUR
    assert cells[-1] == 255
    assert (np.diff(cells) >= 0).all()


@pytest.mark.parametrize("scale", SCALES)
def test_what_lies_beyond_has_the_colour_of_the_end(scale):
    low, high = scale.ends
    ends = scale.cells(np.array([low - 5.0, high + 5.0]))
    assert ends.tolist() == [FIRST_COLOUR, 255]
    texts = [text for _, text in scale.ticks(300, 24)]
    assert texts[0].startswith("≤ ")
    assert texts[-1].startswith("≥ ")


@pytest.mark.parametrize("scale", SCALES)
def test_nan_has_no_colour(scale):
    assert scale.cells(np.array([np.nan])).tolist() == [UNDEFINED]


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_a_table_has_256_colours(theme):
    assert [len(scale.table(theme)) for scale in SCALES] == [256, 256]


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_signs_are_told_by_hue_and_0_by_neither(theme):
    scale = SignedColours(1.0)
    cells = scale.cells(np.array([-1.0, 0.0, 1.0]))
    low, middle, high = (scale.table(theme)[cell] for cell in cells)
    below, above = channels(f"#{low & 0xFFFFFF:06x}"), channels(f"#{high & 0xFFFFFF:06x}")
    assert below[2] - below[0] > 80 > below[0] - below[2]
    assert above[0] - above[2] > 80
    assert np.ptp(channels(f"#{middle & 0xFFFFFF:06x}")) < 30
