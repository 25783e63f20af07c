"""The panels, in the order in which they are shown: a new one is a module and an entry here."""

from __future__ import annotations

from typing import Any

from initviz.ui.panels.activation_histograms import ActivationHistograms
from initviz.ui.panels.base import Option, Panel, Shown
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.panels.gradient_over_time import GradientOverTime
from initviz.ui.panels.loss import Loss

PANELS: tuple[type[Panel[Any]], ...] = (
    GradientMagnitude,
    ActivationHistograms,
    GradientOverTime,
    Loss,
)

__all__ = ["PANELS", "Option", "Panel", "Shown"]
