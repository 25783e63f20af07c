"""What a replay can show of which experiment, told without computing anything."""

from __future__ import annotations

from initviz.lab import datasets
from initviz.lab.experiment import Experiment


def not_plain(experiment: Experiment) -> str:
    """Why δ cannot be followed layer by layer here; empty where it can."""
    network = experiment.network
    if network.architecture != "mlp":
        return "Slow motion follows one δ for each unit: only a fully connected network has that."
    if network.is_normalised:
        return "With normalisation δ does not pass from layer to layer as Wᵀδ ⊙ φ′(z) alone."
    if network.has_branches:
        return "With residual connections δ passes around the layers too, not as Wᵀδ ⊙ φ′(z) alone."
    return ""


def not_in_the_plane(experiment: Experiment) -> str:
    """Why no boundary can be drawn for these data; empty where it can."""
    try:
        features = datasets.describe(experiment.training).features
    except (OSError, ValueError) as error:
        return str(error)
    if features == 2:
        return ""
    return f"These data have {features} features: a boundary can be drawn for 2."
