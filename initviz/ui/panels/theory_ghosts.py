"""What theory expects of a run at step 0, to be drawn behind what was measured."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter

from initviz.lab.experiment import Experiment
from initviz.lab.prediction import Prediction, predict
from initviz.lab.recording import Recording
from initviz.ui.answers import Answers
from initviz.ui.panels.axes import Axis, Floats
from initviz.ui.panels.base import Shown
from initviz.ui.panels.drawing import Cap, dashed, line_path, pen, polygon
from initviz.ui.panels.exponents import exponents
from initviz.ui.theme import Theme, mix

#: The entry of the legend at step 0, and later: trained weights are none of the theory's business.
NOW, LATER = "theory", "theory at step 0"
#: How much of the lane's colour its band has: marks of every lane can be told from it.
STRENGTH = 0.15
#: Settings have come to rest when they were the same for so many milliseconds.
_REST = 200


@dataclass(frozen=True)
class Ghost:
    """The prediction for one lane.

    `exponents` (H,) is log10 of the signal gradients, relative or absolute as what is drawn, and
    `reach` (H,) how many decades to either side two of three networks lie. Both are NaN where the
    theory says nothing; `why_not` says why then.
    """

    lane: Shown
    exponents: Floats
    reach: Floats
    why_not: str

    @property
    def is_drawn(self) -> bool:
        return bool(np.isfinite(self.exponents).any())


Answer = tuple[Prediction | None, str]


class Predictions(QObject):
    """What theory says of the runs that are shown: found out once for each, beside the window.

    It can take some tenths of a second, so it is asked for when the settings have come to rest.
    """

    #: One more is known.
    grew = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._runs: tuple[Recording, ...] = ()
        self._known: dict[Experiment, Answer] = {}
        self._answers = Answers(ask, self)
        self._answers.grew.connect(self._look)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._look)

    def show(self, shown: Sequence[Shown]) -> None:
        """These lanes are shown: what is not known of them will be sought."""
        runs = tuple(lane.recording for lane in shown)
        if len(runs) == len(self._runs) and all(map(operator.is_, runs, self._runs)):
            return
        self._runs = runs
        wanted = {run.experiment for run in runs}
        for experiment in self._known.keys() - wanted:
            self._answers.forget(experiment)
            del self._known[experiment]
        if wanted - self._known.keys():
            self._rest.start()

    def settle(self, shown: Sequence[Shown]) -> None:
        """Find out at once what is not known of these lanes, for a picture to keep."""
        self.show(shown)
        for experiment in self._missing():
            self._known[experiment] = ask(experiment)

    def of(self, recording: Recording) -> Answer | None:
        """The prediction, or None and why there is none; None alone while it is not known."""
        return self._known.get(recording.experiment)

    def close(self) -> None:
        """Wait for what is being found out."""
        self._rest.stop()
        self._answers.close()

    def _missing(self) -> list[Experiment]:
        wanted = dict.fromkeys(run.experiment for run in self._runs)
        return [experiment for experiment in wanted if experiment not in self._known]

    def _look(self) -> None:
        """Ask for what is not known, and take what has been found."""
        found = [experiment for experiment in self._missing() if self._answers.knows(experiment)]
        for experiment in found:
            self._known[experiment] = self._answers.value(experiment)
        if found:
            self.grew.emit()


def ask(experiment: Experiment) -> Answer:
    """The prediction for an experiment, or None and a sentence on why there is none."""
    try:
        prediction = _predicted(experiment)
    except ValueError as error:  # a data file of one's own is gone, or another by now
        return None, str(error)
    return (prediction, "") if prediction.applies else (None, prediction.why_not)


_predicted = lru_cache(maxsize=32)(predict)


def ghost(lane: Shown, answer: Answer, quantity: str, *, relative: bool) -> Ghost:
    """The predicted signal gradients; absolute ones start from the measured last layer's."""
    prediction, why_not = answer
    if prediction is None:
        nothing = np.full(len(lane.recording.layers) - 1, math.nan)
        return Ghost(lane, nothing, nothing, why_not)
    powers = exponents(prediction.signal_gradient_ratio)
    if not relative:
        _, norms = lane.recording.latest(quantity, 0)
        powers = powers + exponents(norms[len(powers) - 1 : len(powers)])
    return Ghost(lane, powers, np.log10(prediction.band), "")


def draw_band(
    painter: QPainter, ghost: Ghost, x: Axis, y: Axis, theme: Theme, *, is_now: bool
) -> None:
    """The band; later its outline alone, with the line, which stay as they are."""
    known = np.isfinite(ghost.exponents) & np.isfinite(ghost.reach)
    places = x(np.flatnonzero(known).astype(np.float64) + 1.0)
    middle, reach = ghost.exponents[known], ghost.reach[known]
    low, high = y(middle - reach), y(middle + reach)
    colour = theme.lanes[ghost.lane.index]
    if is_now:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(theme.surface, colour, STRENGTH)))
        around = np.concatenate([places, places[::-1]]), np.concatenate([low, high[::-1]])
        painter.drawPolygon(polygon(*around))
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(mix(theme.surface, colour, 0.45), 1.0, Cap.FlatCap))
        for edge in (low, high):
            painter.drawPath(line_path(places, edge))
        draw_dashes(painter, places, y(middle), theme, is_now=False)


def draw_line(painter: QPainter, ghost: Ghost, x: Axis, y: Axis, theme: Theme) -> None:
    """The predicted line at step 0, over the measured one: where they agree both are seen."""
    places = x(np.arange(1.0, len(ghost.exponents) + 1))
    powers = np.where(np.isfinite(ghost.exponents), ghost.exponents, np.nan)
    draw_dashes(painter, places, y(powers), theme, is_now=True)


def draw_dashes(painter: QPainter, x: Floats, y: Floats, theme: Theme, *, is_now: bool) -> None:
    """The line itself; also in the legend."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    ink = theme.ink if is_now else theme.axis
    painter.setPen(dashed(ink, max(1.0, 0.75 * theme.line) if is_now else 0.5 * theme.line))
    painter.drawPath(line_path(x, y))
