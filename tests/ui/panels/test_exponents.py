"""Powers of ten of norms, and their colours."""

import numpy as np
import pytest

from initviz.lab.recording import Track
from initviz.ui.panels.axes import Decades
from initviz.ui.panels.exponents import (
    BLANK,
    FIRST_COLOUR,
    UNDEFINED,
    ZERO,
    HeatMap,
    colour_table,
    relative_exponents,
    to_cells,
)
from initviz.ui.theme import LIGHT, channels

USUAL = Decades(-14, 4)


def _cells(norms):
    return to_cells(relative_exponents(norms), USUAL)


def _relative(*norms):
    return relative_exponents(np.array(norms)).tolist()


def test_the_last_layer_is_what_the_others_are_measured_by():
    assert _relative(1e-12, 1e-5, 1e-3) == pytest.approx([-9.0, -2.0, 0.0])


def test_tiny_and_huge_norms_neither_underflow_nor_overflow():
    assert _relative(1e-300, 1e10) == pytest.approx([-310.0, 0.0])
    assert _relative(1e300, 1e-300) == pytest.approx([600.0, 0.0])


def test_a_zero_stays_a_zero_even_over_a_zero():
    assert _relative(0.0, 1.0, 0.0) == [-np.inf, np.inf, -np.inf]


def test_what_is_not_finite_stays_what_it_is():
    powers = _relative(np.nan, np.inf, 1.0, 10.0)
    assert np.isnan(powers[0])
    assert powers[1] == np.inf
    assert powers[2] == pytest.approx(-1.0)


@pytest.mark.parametrize("last", [np.nan, np.inf])
def test_nothing_can_be_said_over_a_last_layer_that_is_not_finite(last):
    assert np.isnan(_relative(1.0, last)[0])


def test_rows_are_measured_by_their_own_last_layer():
    powers = relative_exponents(np.array([[1.0, 10.0], [1.0, 1000.0]]))
    assert powers[:, 0].tolist() == pytest.approx([-1.0, -3.0])


def test_colours_are_locked_to_the_limits():
    cells = to_cells(np.array([-40.0, -14.0, 4.0, 40.0, 0.0]), USUAL).tolist()
    assert cells[0] == cells[1] == FIRST_COLOUR
    assert cells[2] == cells[3] == 255
    colours = colour_table(LIGHT, USUAL)
    assert len(colours) == 256
    one = tuple((colours[cells[4]] >> shift) & 255 for shift in (16, 8, 0))
    assert np.abs(np.subtract(one, channels(LIGHT.heat_below[-1]))).max() <= 6


def test_zeros_and_what_is_no_number_have_entries_of_their_own():
    cells = to_cells(np.array([-np.inf, np.nan, np.inf]), USUAL).tolist()
    assert cells == [ZERO, UNDEFINED, UNDEFINED]
    colours = colour_table(LIGHT, USUAL)
    assert colours[ZERO] not in colours[FIRST_COLOUR:]


@pytest.fixture
def track():
    """Measured at steps 0, 1, 2 and 10; the first layer falls by the step."""
    made = Track(3, 100)
    for step in (0, 1, 2, 10):
        made.append(step, np.array([10.0**-step, 1.0, np.nan]))
    return made


def test_columns_show_the_newest_measurement_at_or_before_their_step(track):
    heat = HeatMap(2, _cells)
    heat.update(track, np.array([0, 1, 2, 5, 9, 10, 11]), last=10)
    expected = to_cells(np.array([0.0, -1.0, -2.0, -2.0, -2.0, -10.0]), USUAL).tolist()
    assert heat.cells[0].tolist() == [*expected, BLANK]
    assert heat.cells[1, -1] == BLANK


def test_only_new_columns_are_computed(track):
    rows = []
    heat = HeatMap(2, lambda norms: rows.append(len(norms)) or _cells(norms))
    at = np.arange(21)
    heat.update(track, at, last=10)
    track.append(12, np.array([1e-12, 1.0, 1.0]))
    rows.clear()
    heat.update(track, at, last=12)
    assert rows == [2]  # steps 10 (for 11) and 12
    assert heat.cells[0, 11] == to_cells(np.array([-10.0]), USUAL)[0]
    assert heat.cells[0, 12] == to_cells(np.array([-12.0]), USUAL)[0]
    heat.update(track, at, last=12)
    assert rows == [2]


def test_an_empty_history_is_blank():
    heat = HeatMap(2, _cells)
    heat.update(Track(3, 100), np.arange(11), last=-1)
    assert (heat.cells == BLANK).all()
