"""Marks on the timeline where a finding of the lane that is edited began or ended."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from initviz.lab.recording import Recording
from initviz.lab.thresholds import Thresholds
from initviz.session.diagnoses import Diagnoses
from initviz.session.turning_points import TurningPoint, TurningPoints
from initviz.ui.theme import LIGHT, Theme
from initviz.ui.timeline_bar import TimelineSlider

#: Milliseconds between two diagnoses: so they take a few per cent of a core at most.
PAUSE = 120
_LOW = frozenset({"vanishing", "dead"})


class FindingMarks(QObject):
    """Keeps the marks up to date, a diagnosis at a time."""

    def __init__(
        self,
        slider: TimelineSlider,
        recording: Callable[[], Recording | None],
        thresholds: Callable[[], Thresholds],
        diagnoses: Diagnoses,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._diagnoses = diagnoses
        self._slider, self._recording, self._thresholds = slider, recording, thresholds
        self._theme = LIGHT
        self._points: TurningPoints | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._advance)

    def set_theme(self, theme: Theme) -> None:
        """Mark in the colours of `theme`."""
        self._theme = theme
        self._show()

    def renew(self) -> None:
        """There may be more to find: new steps, another lane, or other thresholds."""
        if not self._timer.isActive():
            self._timer.start()

    def close(self) -> None:
        """Look for nothing any more."""
        self._timer.stop()

    def _advance(self) -> None:
        recording, thresholds = self._recording(), self._thresholds()
        if recording is None:
            return
        points = self._points
        if points is None or (points.recording, points.thresholds) != (recording, thresholds):
            self._points = points = TurningPoints(recording, thresholds, self._diagnoses)
        if points.advance():
            self._show()
            self._timer.start()

    def _show(self) -> None:
        points = self._points.points if self._points else ()
        self._slider.show_marks([(point.step, self._colour(point)) for point in points])

    def _colour(self, point: TurningPoint) -> str:
        """That of what began; where things only ended, that of health."""
        if not point.began:
            return self._theme.healthy
        return self._theme.vanishing if point.began & _LOW else self._theme.exploding
