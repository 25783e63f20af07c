"""Which rows of a full history stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab import thinning

rooms = st.integers(thinning.rows_for(0, 1), 5000)


@settings(derandomize=True)
@given(rooms)
def test_the_first_hundred_steps_and_the_newest_rows_stay(rows):
    mask = thinning.keep(rows)
    assert mask.shape == (rows,)
    assert mask[: thinning.FIRST].all()
    assert mask[-(rows // 4) :].all()


@settings(derandomize=True)
@given(rooms)
def test_a_full_room_has_room_again(rows):
    dropped = rows - thinning.keep(rows).sum()
    assert dropped >= rows // 10


@settings(derandomize=True)
@given(rooms)
def test_no_two_neighbours_are_dropped(rows):
    mask = thinning.keep(rows)
    assert (mask[1:] | mask[:-1]).all()


@pytest.mark.parametrize(("numbers", "per_row"), [(0, 1), (10, 100), (0, 0)])
def test_the_room_always_holds_the_first_rows_and_as_many_new_ones(numbers, per_row):
    assert thinning.rows_for(numbers, per_row) == 2 * thinning.FIRST


def test_a_large_room_holds_what_fits():
    assert thinning.rows_for(1_000_000, 100) == 10_000


def test_the_past_gets_coarser_the_older_it_is():
    steps, room = np.arange(1000), 1000
    for step in range(1000, 20_000):
        if len(steps) == room:
            steps = steps[thinning.keep(room)]
        steps = np.append(steps, step)
    assert len(steps) <= room
    gaps = np.diff(steps)
    assert (gaps[: thinning.FIRST - 1] == 1).all()
    assert (gaps[-room // 4 + 1 :] == 1).all()
    past = gaps[thinning.FIRST : -room // 2]
    assert past[: len(past) // 2].mean() > past[len(past) // 2 :].mean() > 1
