"""Which steps of a long history are kept: the rules, in one place.

The first hundred steps and the newest quarter of the room are always kept; when the room is full,
every second row between them goes. So a history of any length fits, and its past gets coarser
the older it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Rows at the beginning that are never dropped.
FIRST = 101

#: Numbers that all per-layer quantities of a recording may hold together.
LAYER_NUMBERS = 4_000_000
#: Numbers that all histograms of a recording may hold together.
HISTOGRAM_NUMBERS = 16_000_000
#: Rows of a scalar, one for each step.
SCALAR_ROWS = 200_000


def rows_for(numbers: int, per_row: int) -> int:
    """How many rows of `per_row` numbers fit, but at least the first and as many new ones."""
    return max(2 * FIRST, numbers // max(per_row, 1))


def keep(rows: int) -> NDArray[np.bool_]:
    """Which of `rows` rows, oldest first, stay when the room is full."""
    mask = np.ones(rows, dtype=np.bool_)
    newest = rows // 4
    mask[FIRST + 1 : max(FIRST + 1, rows - newest) : 2] = False
    return mask
