"""The panels, in the order in which they are offered: a new one is a module and an entry here.

Importing all of them takes longer than showing the window, so each is imported when it is first
asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from initviz.ui.panels.base import Panel

    PANELS: tuple[type[Panel[Any]], ...]


@dataclass(frozen=True)
class Entry:
    """A panel by its name, and where its class is: in the module of that name, unless told else.

    `stands_in_for` is the panel whose place on the board it takes, where it suits and that one
    does not.
    """

    name: str
    kind: str
    module: str = ""
    stands_in_for: str = ""

    def load(self) -> type[Panel[Any]]:
        """Its class."""
        module = import_module(f"{__name__}.{self.module or self.name}")
        found: type[Panel[Any]] = getattr(module, self.kind)
        return found


CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("gradient_magnitude", "GradientMagnitude"),
        Entry("gradient_through_time", "GradientThroughTime", stands_in_for="gradient_magnitude"),
        Entry("gradient_over_time", "GradientOverTime"),
        Entry("gradient_histograms", "GradientHistograms", "weight_histograms"),
        Entry("slow_motion", "SlowMotionPanel"),
        Entry("activation_histograms", "ActivationHistograms"),
        Entry("activation_over_time", "ActivationOverTime"),
        Entry("unit_shares", "UnitShares"),
        Entry("slope", "Slope"),
        Entry("weight_histograms", "WeightHistograms"),
        Entry("first_layer", "FirstLayer"),
        Entry("symmetry", "Symmetry"),
        Entry("update_ratio", "UpdateRatio"),
        Entry("phase_map", "PhaseMap"),
        Entry("decision_boundary", "DecisionBoundary"),
        Entry("one_neuron", "OneNeuron"),
        Entry("loss", "Loss"),
        Entry("seeds", "Seeds"),
    )
}

__all__ = ["CATALOGUE", "PANELS", "Entry"]


def __getattr__(name: str) -> Any:
    """All classes, for who needs all of them at once."""
    if name != "PANELS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return tuple(entry.load() for entry in CATALOGUE.values())
