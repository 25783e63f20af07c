"""One step of learning, written out: a small network with its numbers on the picture."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.one_neuron import OneStep, not_small, one_step
from initviz.ui.panels.base import Option, Row, Shown, Table
from initviz.ui.panels.closer_look import LookLayout, SampleLook, draw_sentence
from initviz.ui.panels.one_neuron_drawing import Drawing
from initviz.ui.panels.one_neuron_plan import Plan, largest
from initviz.ui.panels.one_neuron_words import PHASES, picture, three

NO_ROOM = "Its numbers need more room: make this panel larger."
#: Digits of the numbers on the picture: the first that there is room for.
DIGITS = (3, 2)
#: By how much larger all may be on a projector, where there is room.
STAGE_SIZES = (1.6, 1.4, 1.2, 1.0)


class OneNeuron(SampleLook[OneStep]):
    """Forward, cost, backward and update of a small network, one phase at a time."""

    name = "one_neuron"
    title = "One step of learning"
    short_title = "One step"
    how_to_read = (
        "A small network with every number of one step on it; the arrow keys or ◀ and ▶ go from "
        "phase to phase. Forward: the inputs x come in at the left, each edge carries its weight, "
        "and each unit adds up z = w₁x₁ + w₂x₂ + … + b·1 and gives out a = φ(z). The box with a 1 "
        "is a constant: the bias is a weight like the others, learned, on that 1. Cost: what the "
        "network answers, p, is held against the target y and gives the loss L. Backward: each "
        "edge now carries ∂L/∂w, which is δ = ∂L/∂z of the unit where it ends times what came in "
        "where it begins. Update: each weight becomes w − η ∂L/∂w. The lines below do the sums "
        "for the first unit, whose edges are drawn strongly; an edge is the thicker, the larger "
        "its number. For the batch every number is the mean over its samples. Without dropout, "
        "in float64. Rumelhart, Hinton & Williams 1986."
    )
    group = "Network"
    options = (
        Option("phase", "Phase", PHASES),
        Option("of", "Numbers of", {"sample": "one sample", "batch": "the batch"}),
    )
    keys = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right})

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        add, go = self.add_button, self.advance
        self._back = add("◀", "back", "The phase before (←)", partial(go, -1))
        self._on = add("▶", "on", "The next phase (→)", partial(go, 1))
        self._show_buttons()

    # -- the phases --------------------------------------------------------------------------------

    def advance(self, by: int) -> None:
        """Show a phase further on or, if negative, further back; it ends at the last."""
        phases = list(PHASES)
        at = phases.index(self.option("phase")) + by
        self.set_option("phase", phases[min(max(at, 0), len(phases) - 1)])

    def key(self, event: QKeyEvent) -> None:
        self.advance(1 if event.key() == Qt.Key.Key_Right else -1)

    def _show_buttons(self) -> None:
        phases = list(PHASES)
        self._back.setEnabled(self.option("phase") != phases[0])
        self._on.setEnabled(self.option("phase") != phases[-1])
        self._sample.setEnabled(self.option("of") == "sample")

    def set_option(self, key: str, value: str) -> None:
        super().set_option(key, value)
        self._show_buttons()

    # -- looking -----------------------------------------------------------------------------------

    def why_not(self, lane: Shown) -> str:
        return not_small(lane.recording.experiment)

    def subject(self, lane: Shown) -> Hashable:
        return self.option("of"), self.sample

    def question(self, lane: Shown, checkpoint: Checkpoint) -> Callable[[], OneStep]:
        index = self.sample if self.option("of") == "sample" else -1
        return partial(one_step, lane.recording.experiment, checkpoint, index)

    def found_changed(self) -> None:
        if self.found is not None:
            self.show_sample(min(self.sample, self.found.samples - 1), self.found.samples)

    def what(self, found: OneStep) -> str:
        whose = (
            f"mean over the batch of {found.count}"
            if found.is_batch
            else f"sample {found.index}, class {found.label}"
        )
        return f"{whose} · η = {three(found.learning_rate)}"

    # -- drawing -----------------------------------------------------------------------------------

    def plan(self, layout: LookLayout, found: OneStep) -> Plan:
        """Where the boxes, edges and equations of this phase go, with as many digits as fit."""
        experiment = self.picked.recording.experiment
        pictures = [
            {phase: picture(found, phase, experiment, digits) for phase in PHASES}
            for digits in DIGITS
        ]
        sizes = STAGE_SIZES if self.is_presented else (1.0,)
        return largest(layout, pictures, self.option("phase"), sizes)

    def draw_found(self, painter: QPainter, layout: LookLayout, found: OneStep) -> None:
        where = self.plan(layout, found)
        own = where.layout if where.fits else layout
        drawing = Drawing(painter, own, self.option("phase"), self.picked.index)
        drawing.phases()
        if where.fits:
            drawing.everything(where)
        else:
            draw_sentence(painter, layout, NO_ROOM)

    # -- read-out ----------------------------------------------------------------------------------

    def describe_found(self, at: QPointF, layout: LookLayout, found: OneStep) -> str:
        where = self.plan(layout, found)
        if not where.fits:
            return ""
        boxes = [box for column in where.picture.columns for box in column]
        places = [place for column in where.boxes for place in column]
        told = [*zip(places, (box.more for box in boxes), strict=True)]
        told += [(written.text, written.edge.more) for written in where.edges]
        more = next((text for place, text in told if place.contains(at)), "")
        return f"{self.picked.letter}  {more}" if more else ""

    def table(self) -> Table:
        header = ["lane", "label", "step", "sample", "layer", "unit", "input"]
        header += ["weight", "gradient", "after the step", "z", "slope", "a", "delta"]
        found, lane = self.found, self.picked
        if found is None or self._look is None:
            return header, []
        whose: str | int = "batch" if found.is_batch else found.index
        rows: list[Row] = []
        for layer in found.layers:
            inputs: list[str | int] = [*range(1, layer.weight.shape[1]), "constant 1"]
            for unit in range(len(layer.z)):
                start: list[str | int] = [
                    lane.letter,
                    lane.label,
                    self._look.step,
                    whose,
                    layer.layer,
                    unit + 1,
                ]
                own = [float(v[unit]) for v in (layer.z, layer.slope, layer.a, layer.delta)]
                for source, name in enumerate(inputs):
                    numbers = [
                        float(matrix[unit, source])
                        for matrix in (layer.weight, layer.gradient, layer.moved)
                    ]
                    rows.append([*start, name, *numbers, *own])
        return header, rows
