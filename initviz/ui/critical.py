"""The critical σ_w² of each activation, found beside the window: the integrals take a while."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal


class _Voice(QObject):
    """Carries an answer from a pool's thread; outlives whoever asked."""

    found = Signal(str, float, object)


class _Search(QRunnable):
    def __init__(self, activation: str, slope: float, voice: _Voice) -> None:
        super().__init__()
        self._activation, self._slope, self._voice = activation, slope, voice

    def run(self) -> None:
        from initviz.lab import theory

        sigma_w = theory.critical_sigma_w(self._activation, 0.0, slope=self._slope)
        squared = None if sigma_w is None else sigma_w**2
        with suppress(RuntimeError):  # Qt has gone down meanwhile: nobody is left to be told
            self._voice.found.emit(self._activation, self._slope, squared)


class CriticalValues(QObject):
    """σ_w² with χ₁ = 1 for an activation without biases, once it is known."""

    #: One more is known.
    grew = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._known: dict[tuple[str, float], float | None] = {}
        self._asked: set[tuple[str, float]] = set()
        self._voice = _Voice()
        self._voice.found.connect(self._keep)

    def knows(self, activation: str, slope: float) -> bool:
        """Whether `value` has the answer; if not, it is sought, and `grew` will tell."""
        key = (activation, slope)
        if key not in self._asked:
            self._asked.add(key)
            QThreadPool.globalInstance().start(_Search(activation, slope, self._voice))
        return key in self._known

    def value(self, activation: str, slope: float) -> float | None:
        """σ_w², or None where there is no critical value."""
        return self._known[activation, slope]

    def _keep(self, activation: str, slope: float, squared: float | None) -> None:
        self._known[activation, slope] = squared
        self.grew.emit()
