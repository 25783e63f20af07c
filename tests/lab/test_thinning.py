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


@settings(derandomize=True)
@given(st.lists(st.integers(0, 10**6), min_size=3, unique=True).map(sorted))
def test_the_superfluous_checkpoint_is_neither_the_first_nor_the_newest(steps):
    assert 0 < thinning.superfluous(steps) < len(steps) - 1


@settings(derandomize=True, max_examples=20)
@given(st.integers(1, 2000), st.integers(10, 3000))
def test_checkpoints_of_a_run_of_any_length_lie_close_to_every_step(every, count):
    kept = []
    for step in range(0, every * count, every):
        kept.append(step)
        if len(kept) > thinning.CHECKPOINTS:
            del kept[thinning.superfluous(kept)]
    gaps = np.diff(kept)
    assert kept[0] == 0
    assert kept[-1] == every * (count - 1)
    assert (gaps <= np.maximum(every, 0.2 * kept[-1])).all()
    assert kept[1] <= max(every, 1e-3 * kept[-1])


def test_the_more_a_checkpoint_takes_the_fewer_are_kept_but_never_below_three():
    rooms = [thinning.checkpoints_for(size) for size in (0, 10**5, 10**7, 10**8, 10**12)]
    assert rooms == [64, 64, thinning.CHECKPOINT_BYTES // 10**7, 3, 3]
    assert rooms[2] > 3


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
