"""Early stopping: whether the training loss has stood still for too long.

Batches differ, so the loss is averaged over windows of one epoch, in which each sample counts
once, or of as many steps as patience allows where an epoch is longer. It has fallen where the
mean of a window lies by a thousandth of itself below that of every window before; if it has not
for `patience` steps, training may end at the close of a window.

A loss that is NaN or infinite has not fallen either: a run that has diverged ends too, after as
many steps. What ended, a network that has converged, starves or has diverged, is not for the loss
alone to say: the diagnosis does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

#: The share of the loss by which it must have fallen.
LEAST_FALL = 1e-3


class EarlyStopping:
    """Watches the loss of a run whose epochs have `epoch` steps."""

    def __init__(self, patience: int, epoch: int) -> None:
        self._patience = patience
        self._window = min(epoch, patience)
        self._losses: list[float] = []
        self._least = math.inf
        self._still = 0

    def state(self) -> list[float]:
        """All that it remembers, as plain numbers."""
        return [self._least, self._still, *self._losses]

    def restore(self, state: Sequence[float]) -> None:
        """Go on from what another watch remembered, if it remembered anything."""
        if len(state) >= 2:
            self._least, self._still = float(state[0]), int(state[1])
            self._losses = [float(loss) for loss in state[2:]]

    @property
    def is_over(self) -> bool:
        """Whether training was to end with the newest loss."""
        return self._still >= self._patience and not self._losses

    def stands_still(self, loss: float) -> bool:
        """Whether training should end, after the loss of one more step."""
        self._losses.append(loss)
        self._still += 1
        if len(self._losses) < self._window:
            return False
        mean = sum(self._losses) / self._window
        self._losses.clear()
        if mean < (1.0 - LEAST_FALL) * self._least:
            self._least, self._still = mean, 0
        return self._still >= self._patience
