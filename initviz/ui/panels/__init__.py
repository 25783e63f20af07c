"""The panels, in the order in which they are offered: a new one is a module and an entry here."""

from __future__ import annotations

from typing import Any

from initviz.ui.panels.activation_histograms import ActivationHistograms
from initviz.ui.panels.activation_over_time import ActivationOverTime
from initviz.ui.panels.base import Option, Panel, Shown
from initviz.ui.panels.decision_boundary import DecisionBoundary
from initviz.ui.panels.first_layer import FirstLayer
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.panels.gradient_over_time import GradientOverTime
from initviz.ui.panels.gradient_through_time import GradientThroughTime
from initviz.ui.panels.loss import Loss
from initviz.ui.panels.one_neuron import OneNeuron
from initviz.ui.panels.phase_map import PhaseMap
from initviz.ui.panels.seeds import Seeds
from initviz.ui.panels.slope import Slope
from initviz.ui.panels.slow_motion import SlowMotionPanel
from initviz.ui.panels.symmetry import Symmetry
from initviz.ui.panels.unit_shares import UnitShares
from initviz.ui.panels.update_ratio import UpdateRatio
from initviz.ui.panels.weight_histograms import GradientHistograms, WeightHistograms

PANELS: tuple[type[Panel[Any]], ...] = (
    GradientMagnitude,
    GradientThroughTime,
    GradientOverTime,
    GradientHistograms,
    SlowMotionPanel,
    ActivationHistograms,
    ActivationOverTime,
    UnitShares,
    Slope,
    WeightHistograms,
    FirstLayer,
    Symmetry,
    UpdateRatio,
    PhaseMap,
    DecisionBoundary,
    OneNeuron,
    Loss,
    Seeds,
)

__all__ = ["PANELS", "Option", "Panel", "Shown"]
