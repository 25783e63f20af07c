"""The activations of every layer at once, with how much each still depends on the input."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtWidgets import QWidget

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.recording import Recording
from initviz.lab.snapshot import Floats, Histogram
from initviz.ui.panels.axes import exact
from initviz.ui.panels.base import Option
from initviz.ui.panels.histograms import COMMON, Column, Histograms, Values, range_option
from initviz.ui.panels.ridges import natural_range
from initviz.ui.panels.theory_ghosts import Predictions


def _sample_std(recording: Recording, step: int, _: Histogram) -> Floats:
    return recording.latest("sample_std", step)[1]


_VALUES = {
    "activation": Values(
        "activation", "activations", "σ", "std over samples, per unit", False, _sample_std
    ),
    "preactivation": Values(
        "preactivation",
        "pre-activations",
        "σ",
        "std of a over samples, per unit",
        False,
        _sample_std,
    ),
}


class ActivationHistograms(Histograms):
    """A column for each lane, in it a ridge for each hidden layer, layer 1 on top."""

    name = "activation_histograms"
    title = "Activation histograms"
    short_title = "Activations"
    group = "Activations"
    how_to_read = (
        "Each ridge is the histogram of one hidden layer over all samples and units, layer 1 on "
        "top, as high as its own fullest bin; the thin line is that of step 0. A needle at 0 is a "
        "layer that has fallen silent; walls at both ends are saturation. σ tells how much the "
        "layer still depends on the input: the spread over samples of each unit. Where σ is tiny "
        "and the ridge is wide, the units differ from each other but say the same whatever they "
        "are shown. With own ranges each ridge has an axis of its own, whose end r stands beside "
        "it. Values beyond the axis, NaN and infinite ones are counted where they would be."
    )
    options = (
        Option("of", "Histograms of", {key: values.label for key, values in _VALUES.items()}),
        range_option(COMMON),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._predictions = Predictions(self)

    def values(self) -> Values:
        return _VALUES[self.option("of")]

    def what(self) -> str:
        if self.option("of") == "preactivation":
            return "pre-activation z"
        names = {lane.recording.experiment.network.activation for lane in self.shown}
        formula = f"{ACTIVATIONS[names.pop()].label}(z)" if len(names) == 1 else "φ(z)"
        return f"activation a = {formula}"

    def bounds(self) -> tuple[float, float]:
        if self.option("of") == "preactivation":
            return -math.inf, math.inf
        ranges = [
            natural_range(network.activation, network.slope)
            for network in (lane.recording.experiment.network for lane in self.shown)
        ]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def stop(self) -> None:
        super().stop()
        self._predictions.close()

    def lines(self, column: Column, layer: int, value: float) -> list[str]:
        """The read-out, with the pooled std of a and what theory expects of it."""
        pooled = column.lane.recording.latest("activation_std", column.measured_at)[1][layer]
        lines = super().lines(column, layer, value)
        if not np.isnan(pooled):
            lines.append(f"std of a over samples and units: {exact(float(pooled))}")
        # It is there at the next look: a read-out is renewed while the pointer stays.
        self._predictions.show(self.shown)
        answer = self._predictions.of(column.lane.recording)
        if answer is not None and answer[0] is not None:
            expected = float(answer[0].activation_std[layer])
            lines.append(f"theory at step 0: std of a {exact(expected)}")
        return lines
