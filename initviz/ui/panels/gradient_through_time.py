"""How large the gradients are at every time step of a recurrent layer: ∂L/∂h_t and ∂L/∂c_t."""

from __future__ import annotations

from collections.abc import Sequence

from initviz.ui.panels.axes import Floats
from initviz.ui.panels.base import Shown
from initviz.ui.panels.profile import Profile

#: The two kinds of gradient: quantity, and its name in the legend.
KINDS: dict[str, tuple[str, str]] = {
    "state": ("state_gradient_norm", "state ∂L/∂hₜ"),
    "cell": ("cell_gradient_norm", "cell ∂L/∂cₜ"),
}


class GradientThroughTime(Profile):
    """log10 of the gradient norms of the last hidden layer against the time step."""

    name = "gradient_through_time"
    title = "Gradient through time"
    short_title = "Through time"
    group = "Gradients"
    how_to_read = (
        "Each point is the size of the gradient that reaches the last recurrent layer at one time "
        "step of the sequence, on an axis of powers of ten that never rescales itself. The loss "
        "is read after the last step, so read it from right to left: the gradient goes back in "
        "time. Circles are ∂L/∂h, what the state of that step is told; squares are ∂L/∂c of an "
        "LSTM's cell, whose path back passes through the forget gates alone. Where it falls "
        "towards the left the network cannot learn from what it read early; where it rises it "
        "explodes. What leaves the axis is marked at its edge with its value."
    )
    kinds = KINDS
    lines_for_all = True
    word_on_top = True  # early steps, on the left, are more often below than above
    column = "time step"
    place = "time step"
    direction = "the loss is read at the right"
    reference = "the last time step"

    @classmethod
    def suits(cls, shown: Sequence[Shown]) -> bool:
        return any(lane.recording.times for lane in shown)

    def count(self, lane: Shown) -> int:
        return lane.recording.times

    def row(self, lane: Shown, quantity: str) -> tuple[int, Floats]:
        return lane.recording.latest_time(quantity, lane.step)
