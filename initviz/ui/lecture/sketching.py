"""Questions that are answered by a curve: which panel is drawn on, and what was drawn where."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from initviz.lab.experiment import Experiment
from initviz.lab.lectures import Stage
from initviz.ui.lecture.course import Course
from initviz.ui.lecture.sketch import Sketch
from initviz.ui.lecture.stage_panels import StagePanels


class Sketching(QObject):
    """Lays a `Sketch` over the panel that a question names, and keeps what was drawn.

    Signals:
        submitted: somebody has handed a curve in.
    """

    submitted = Signal()

    def __init__(self, panels: StagePanels) -> None:
        super().__init__(panels)
        self._panels = panels
        self._drawn: dict[tuple[int, int], Sequence[float]] = {}
        self._key = (0, 0)
        self.sketch: Sketch | None = None

    def begin(self, course: Course, stage: Stage) -> None:
        """Offer a sketch where the question here wants one, or show what was drawn to it."""
        question = course.question
        panel = self._panels.panel(question.sketch) if question is not None else None
        lane = stage.lane(question.lane) if question is not None else None
        self._key = course.stop.scene, course.stop.beat
        drawn = self._drawn.get(self._key, ())
        if panel is None or lane is None or (course.stop.answered and not drawn):
            return
        layers = _hidden_layers(lane.experiment)
        self.sketch = Sketch(panel, layers, self._panels, lane=lane.letter)
        if drawn:
            self.sketch.draw(drawn)
        if course.stop.answered:
            self.sketch.submit()
        else:
            self.sketch.submitted.connect(lambda _: self.submitted.emit())
        self.sketch.show()

    def reveal(self) -> str:
        """How far off the curve is, once the real one is there; empty where nothing was drawn."""
        if self.sketch is None or not self.sketch.is_submitted:
            return ""
        return self.sketch.reveal()

    def end(self) -> None:
        """Take the sketch away, and keep what was drawn so far."""
        if self.sketch is None:
            return
        if self.sketch.values:
            self._drawn[self._key] = self.sketch.values
        self.sketch.close()
        self.sketch.deleteLater()
        self.sketch = None


def _hidden_layers(experiment: Experiment) -> Sequence[str]:
    from initviz.lab.network_settings import layer_names

    return layer_names(experiment.network)[:-1]
