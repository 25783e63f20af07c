"""The critical σ_w² of each activation, found beside the window: the integrals take a while."""

from __future__ import annotations

from PySide6.QtCore import QObject

from initviz.ui.answers import Answers

#: Activation, slope and σ_b.
Question = tuple[str, float, float]


def _find(question: Question) -> float | None:
    from initviz.lab import theory

    activation, slope, sigma_b = question
    sigma_w = theory.critical_sigma_w(activation, sigma_b, slope=slope)
    return None if sigma_w is None else sigma_w**2


class CriticalValues(Answers[Question, float | None]):
    """σ_w² with χ₁ = 1 for an activation with biases of this size; None where there is none."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(_find, parent)
