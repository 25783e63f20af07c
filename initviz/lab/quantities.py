"""What is measured: one table entry for each quantity, with its exact definition.

Symbols: z is what enters φ (after normalisation), a = φ(z), L the mean loss over the batch,
W (fan_out × fan_in) a layer's weight. Every quantity is one number for each layer, the output
layer included; it is NaN where it is not defined. Recurrent networks have quantities along time
too: h_t is a layer's state at step t of the sequence, c_t the cell state of an LSTM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: "cheap": sums over what a step computes anyway. "full": dearer statistics of the same batch and
#: the histograms. "probe": needs a forward pass of its own, or compares whole rows. "state": no
#: quantity, but the whole state of training, copied.
Cost = Literal["cheap", "full", "probe", "state"]


@dataclass(frozen=True)
class Quantity:
    """One measured number for each layer."""

    name: str
    label: str
    symbol: str
    cost: Cost
    definition: str


@dataclass(frozen=True)
class TimeQuantity:
    """One measured number for each step of the sequence, t = 1 … T, of the last hidden layer."""

    name: str
    label: str
    symbol: str
    cost: Cost
    definition: str


@dataclass(frozen=True)
class ScalarQuantity:
    """One measured number for the whole network."""

    name: str
    label: str
    cost: Cost
    definition: str


QUANTITIES: dict[str, Quantity] = {
    entry.name: entry
    for entry in (
        Quantity(
            "weight_gradient_norm",
            "Weight gradient",
            "‖∂L/∂W‖",
            "cheap",
            "Frobenius norm of ∂L/∂W: what the layer's weights can learn from.",
        ),
        Quantity(
            "signal_gradient_norm",
            "Signal gradient",
            "‖∂L/∂z‖",
            "cheap",
            "Frobenius norm of ∂L/∂z over the batch: the back-propagated signal.",
        ),
        Quantity(
            "activation_mean",
            "Mean activation",
            "mean a",
            "cheap",
            "Mean of a over samples and units.",
        ),
        Quantity(
            "activation_std",
            "Activation std",
            "std a",
            "cheap",
            "Standard deviation of a, pooled over samples and units.",
        ),
        Quantity(
            "preactivation_mean",
            "Mean pre-activation",
            "mean z",
            "cheap",
            "Mean of z over samples and units.",
        ),
        Quantity(
            "preactivation_std",
            "Pre-activation std",
            "std z",
            "cheap",
            "Standard deviation of z, pooled over samples and units.",
        ),
        Quantity(
            "update_ratio",
            "Update : weight",
            "‖ΔW‖ / ‖W‖",
            "cheap",
            "Norm of the change that the update before this step really made to W, over the norm "
            "of W before it. NaN at step 0 and where W was 0.",
        ),
        Quantity(
            "weight_norm",
            "Weight norm",
            "‖W‖",
            "cheap",
            "Frobenius norm of W.",
        ),
        Quantity(
            "weight_std",
            "Weight std",
            "std W",
            "full",
            "Standard deviation of the entries of W.",
        ),
        Quantity(
            "sample_std",
            "Std over samples",
            "σ",
            "full",
            "Root mean square over units of each unit's standard deviation of a over samples: how "
            "much the layer still depends on the input.",
        ),
        Quantity(
            "sample_correlation",
            "Sample correlation",
            "mean cos(a, a′)",
            "full",
            "Mean cosine between the activation vectors of two different samples of the batch; "
            "vectors of length 0 are left out.",
        ),
        Quantity(
            "saturated_fraction",
            "Saturated",
            "share",
            "full",
            "Share of (sample, unit) with abs φ′(z) below 5 % of its maximum. NaN for activations "
            "that do not saturate.",
        ),
        Quantity(
            "inactive_fraction",
            "Inactive",
            "share",
            "full",
            "Share of (sample, unit) with φ′(z) = 0. NaN for activations without such a side. "
            "About one half is healthy.",
        ),
        Quantity(
            "dead_fraction",
            "Dead",
            "share",
            "probe",
            "Share of units that are inactive on every sample of a fixed probe set of at least "
            "512 samples. NaN where inactive is not defined.",
        ),
        Quantity(
            "distinct_units",
            "Distinct units",
            "units",
            "probe",
            "Number of different rows of [W b], up to a relative tolerance of 1e-6.",
        ),
    )
}

SCALARS: dict[str, ScalarQuantity] = {
    entry.name: entry
    for entry in (
        ScalarQuantity("loss", "Loss", "cheap", "Mean loss over the batch."),
        ScalarQuantity("accuracy", "Accuracy", "full", "Share of the batch classified right."),
        ScalarQuantity(
            "test_accuracy", "Test accuracy", "probe", "Share of the test set classified right."
        ),
        ScalarQuantity(
            "gradient_norm",
            "Gradient norm",
            "cheap",
            "Norm over the gradients of all parameters; only where gradients are clipped.",
        ),
        ScalarQuantity(
            "clipped_gradient_norm",
            "Gradient norm after clipping",
            "cheap",
            "Norm over the gradients of all parameters that the update after this step uses; only "
            "where gradients are clipped.",
        ),
        ScalarQuantity(
            "learning_rate",
            "Learning rate",
            "cheap",
            "η of the update after this step; only where there is a warm-up.",
        ),
    )
}

#: Along the sequence that a recurrent network reads; other networks have none.
TIME_QUANTITIES: dict[str, TimeQuantity] = {
    entry.name: entry
    for entry in (
        TimeQuantity(
            "state_gradient_norm",
            "State gradient",
            "‖∂L/∂h_t‖",
            "cheap",
            "Frobenius norm of the total derivative ∂L/∂h_t over the batch and the units of the "
            "last hidden layer: what reaches step t of the error that is made at the end.",
        ),
        TimeQuantity(
            "cell_gradient_norm",
            "Cell gradient",
            "‖∂L/∂c_t‖",
            "cheap",
            "Frobenius norm of the total derivative ∂L/∂c_t over the batch and the units of the "
            "last hidden layer; LSTM only.",
        ),
    )
}

#: The values of which a histogram is taken at every layer.
HISTOGRAMS: dict[str, str] = {
    "activation": "a",
    "preactivation": "z",
    "weight": "W",
    "weight_gradient": "∂L/∂W",
}
#: Bins of every histogram.
BINS = 64
