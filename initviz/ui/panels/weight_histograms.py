"""The weights of every layer at once, and what they are told to change by."""

from __future__ import annotations

import numpy as np

from initviz.lab.recording import Recording
from initviz.lab.snapshot import Floats, Histogram
from initviz.ui.panels.histograms import COMMON, OWN, Histograms, Values, range_option


def _weight_std(recording: Recording, step: int, _: Histogram) -> Floats:
    return recording.latest("weight_std", step)[1]


def _gradient_rms(recording: Recording, step: int, histogram: Histogram) -> Floats:
    entries = histogram.counts.sum(axis=1) + histogram.outside.sum(axis=1)
    norms = recording.latest("weight_gradient_norm", step)[1]
    return np.asarray(norms / np.sqrt(np.maximum(entries, 1)))


class WeightHistograms(Histograms):
    """A column for each lane, in it a ridge for each layer's W, the output layer's last."""

    name = "weight_histograms"
    title = "Weight histograms"
    short_title = "Weights"
    group = "Weights"
    how_to_read = (
        "Each ridge is the histogram of one layer's weights W, layer 1 on top and the output "
        "layer last, as high as its own fullest bin; the thin line is that of step 0, as the "
        "initialiser drew it. Where the two coincide the layer has not learned anything yet: "
        "most layers move their weights by far less than these are wide. σ is the standard "
        "deviation. With own ranges each ridge has an axis of its own, whose end r stands beside "
        "it. Values beyond the axis, NaN and infinite ones are counted where they would be."
    )
    options = (range_option(COMMON),)

    def values(self) -> Values:
        return Values("weight", "weight W", "σ", "std of W", True, _weight_std)


class GradientHistograms(Histograms):
    """A column for each lane, in it a ridge for each layer's ∂L/∂W, the output layer's last."""

    name = "gradient_histograms"
    title = "Gradient histograms"
    short_title = "Gradients"
    group = "Gradients"
    how_to_read = (
        "Each ridge is the histogram of ∂L/∂W over one layer's weights, layer 1 on top and the "
        "output layer last, as high as its own fullest bin; the thin line is that of step 0. "
        "Gradients of different layers can differ by many powers of ten, so each ridge has an "
        "axis of its own: it ends at r, the number beside it, which follows what step 0 and the "
        "latest steps need. So compare the shapes with each other, and the numbers r with each "
        "other. With one range the widths compare, and a needle is small beside the largest. "
        "Values beyond the axis, NaN and infinite ones are counted where they would be."
    )
    options = (range_option(OWN),)

    def values(self) -> Values:
        return Values(
            "weight_gradient",
            "weight gradient ∂L/∂W",
            "rms",
            "root mean square of ∂L/∂W",
            True,
            _gradient_rms,
        )
