"""Which steps of a long history are kept: the rules, in one place.

The first hundred steps and the newest quarter of the room are always kept; when the room is full,
every second row between them goes. So a history of any length fits, and its past gets coarser
the older it is.

Checkpoints, which are large and few, are thinned one by one: the first and the newest stay, and
those between come to lie evenly in the fourth root of the step. So the early steps, at which most
happens, stay close together, and at the end of a run of any length the gaps are a sixteenth of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Rows at the beginning that are never dropped.
FIRST = 101

#: Numbers that all per-layer quantities of a recording may hold together.
LAYER_NUMBERS = 4_000_000
#: Numbers that all quantities along time of a recording may hold together.
TIME_NUMBERS = 2_000_000
#: Numbers that all histograms of a recording may hold together.
HISTOGRAM_NUMBERS = 14_000_000
#: Rows of a scalar, one for each step.
SCALAR_ROWS = 200_000
#: Checkpoints that a recording may hold, and the bytes that they may take together; but the first
#: and the last two are kept however large they are.
CHECKPOINTS, CHECKPOINT_BYTES, FEWEST_CHECKPOINTS = 64, 48 * 2**20, 3


def rows_for(numbers: int, per_row: int) -> int:
    """How many rows of `per_row` numbers fit, but at least the first and as many new ones."""
    return max(2 * FIRST, numbers // max(per_row, 1))


def keep(rows: int) -> NDArray[np.bool_]:
    """Which of `rows` rows, oldest first, stay when the room is full."""
    mask = np.ones(rows, dtype=np.bool_)
    newest = rows // 4
    mask[FIRST + 1 : max(FIRST + 1, rows - newest) : 2] = False
    return mask


def checkpoints_for(size: int) -> int:
    """How many checkpoints of `size` bytes are kept."""
    return max(FEWEST_CHECKPOINTS, min(CHECKPOINTS, CHECKPOINT_BYTES // max(size, 1)))


def superfluous(steps: Sequence[int]) -> int:
    """The place of the checkpoint that is missed least, of those at these increasing steps.

    It is neither the first nor the newest, and of three it is the middle one.
    """
    roots = np.asarray(steps, dtype=np.float64) ** 0.25
    return 1 + int(np.argmin(roots[2:] - roots[:-2]))
