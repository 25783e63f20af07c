"""How the activations of all layers fare over a run: layers down, steps along, size as colour."""

from __future__ import annotations

from dataclasses import dataclass

from initviz.ui.panels.axes import DECADES, Decades, Floats
from initviz.ui.panels.base import Option
from initviz.ui.panels.exponents import exponents
from initviz.ui.panels.heat_colours import Colours, PowerColours, SignedColours
from initviz.ui.panels.over_time import OverTime, Rows
from initviz.ui.panels.time_axis import SPAN


@dataclass(frozen=True)
class _Kind:
    """A quantity to choose: its word in the menu, its name, and what it says."""

    label: str
    name: str
    what: str
    signed: bool = False


_KINDS = {
    "activation_std": _Kind("std", "std of a", "std of a over samples and units"),
    "sample_std": _Kind("std over samples", "σ", "σ: std of a over samples, per unit"),
    "preactivation_std": _Kind("std of z", "std of z", "std of z over samples and units"),
    "activation_mean": _Kind("mean", "mean a", "mean of a over samples and units", signed=True),
}
#: The ends of the colours: those of gradients, and closer ones for what is nearly healthy.
_AXES = {"usual": DECADES["usual"], "near": Decades(-6, 2), **DECADES}
#: The ends of the colours of signed numbers.
_LIMITS = {"1": "−1 … 1", "10": "−10 … 10", "0.1": "−0.1 … 0.1"}


class ActivationOverTime(OverTime):
    """A heat map with locked colours: how wide the activations of each hidden layer are."""

    name = "activation_over_time"
    title = "Activation over time"
    short_title = "Activation map"
    group = "Activations"
    how_to_read = (
        "Each row is a hidden layer, layer 1 on top, each column a step. The colour is the "
        "standard deviation of the layer's activations, on colours that never rescale "
        "themselves: yellow is 1, red is larger, and each step towards blue is a power of ten "
        "less; a dark blue layer has fallen silent. “std over samples” is σ, how much the layer "
        "still depends on the input: where it is dark and the std is not, the layer says the "
        "same whatever it is shown. The mean has colours of its own, blue below 0 and orange "
        "above. Cells that are exactly 0, or no number, have a look of their own."
    )
    options = (
        Option("of", "Activation", {key: kind.label for key, kind in _KINDS.items()}),
        Option("axis", "Colours", {key: decades.label for key, decades in _AXES.items()}),
        Option("limit", "Colours of the mean", _LIMITS),
        SPAN,
    )

    @property
    def _kind(self) -> _Kind:
        return _KINDS[self.option("of")]

    def number_column(self) -> str:
        return self._kind.what

    def rows(self) -> Rows:
        recording = self.picked.recording
        count = len(recording.layers) - 1
        return Rows(recording.track(self.option("of")), self._kind.name, "hidden layer", "", count)

    def colours(self) -> Colours:
        if self._kind.signed:
            return SignedColours(float(self.option("limit")))
        return PowerColours(_AXES[self.option("axis")])

    def to_draw(self, values: Floats) -> Floats:
        return values if self._kind.signed else exponents(values)

    def drawn_column(self) -> str:
        return "" if self._kind.signed else "log10"

    def subtitle(self) -> str:
        return f"{self._kind.what} · {self.picked.letter}"
