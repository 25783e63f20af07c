"""The symmetry microscope: which units of a layer are copies of one another."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QLabel, QWidget

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.lab.symmetry import Alike, gradients_alike, weights_alike
from initviz.ui.controls import Slider
from initviz.ui.panels.axes import layer_ticks
from initviz.ui.panels.base import Option, Row, Shown, Table
from initviz.ui.panels.closer_look import LayerLook, LookLayout, ShortLabel, signed
from initviz.ui.panels.colour_bar import Ticked
from initviz.ui.panels.drawing import CENTRE, RIGHT, Weight, elided, width_of, wrapped, write
from initviz.ui.scale import Scale, number_text

#: While the slider is moved, an experiment is handed on this often, in milliseconds.
INTERVAL = 80
#: Positions of the slider that a key goes on the projector: a third of a power of ten, about.
NOISE_STEP = 4
#: Position 0 of the slider is no noise at all; those above it are on this scale.
NOISE = Scale(1e-8, 1.0, logarithmic=True)

NO_NOISE = "Noise can be added where all weights start from one constant."

_KINDS: dict[str, Callable[[Checkpoint, str], Alike]] = {
    "weights": weights_alike,
    "gradients": gradients_alike,
}
#: Letters that are half bold are so much wider.
_BOLDER = 1.06
_NAMES = {"weights": "incoming weights", "gradients": "gradients ∂L/∂W"}
_NOISY = re.compile(r"normal\(\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\)")
_COSINES = Ticked.up_to(1.0)


def noise_of(experiment: Experiment) -> tuple[float, float] | None:
    """The constant that all weights start from, and the ε of the noise on it; None if neither."""
    scheme = experiment.initialiser
    if scheme.name == "zeros":
        return 0.0, 0.0
    if scheme.name == "constant":
        return float(getattr(scheme, "value", 0.0)), 0.0
    found = _NOISY.fullmatch(str(getattr(scheme, "expression", "")))
    if found is None:
        return None
    try:
        return float(found[1]), float(found[2])
    except ValueError:  # such as 1e-e
        return None


def with_noise(experiment: Experiment, constant: float, noise: float) -> Experiment:
    """The experiment whose weights start as this constant and noise: W = c + ε N(0, 1)."""
    if noise > 0:
        expression = f"normal({number_text(constant)}, {number_text(noise)})"
        return experiment.with_values(
            {"initialiser.scheme": "formula", "initialiser.expression": expression}
        )
    if constant == 0:
        return experiment.with_value("initialiser.scheme", "zeros")
    return experiment.with_values({"initialiser.scheme": "constant", "initialiser.value": constant})


class Symmetry(LayerLook[Alike]):
    """Unit × unit cosines of the incoming weights of a layer, or of their gradients."""

    name = "symmetry"
    is_upright = True
    title = "Symmetry microscope"
    short_title = "Symmetry"
    how_to_read = (
        "Each cell compares two units of one layer: its colour is the cosine between their "
        "incoming weights, or, by the menu, between the gradients of these on this step's batch. "
        "Orange is 1: the two point the same way; grey is 0: they have nothing in common; blue is "
        "−1. The diagonal compares a unit with itself. A square that is orange all over is one "
        "unit, copied: such units compute the same, get the same gradient and stay the same for "
        "ever, so the layer is as good as one with a single unit. Hatched: a unit whose numbers "
        "are all zeros has no direction. The number above counts the units that differ by more "
        "than a millionth. Where all weights start from one constant, the slider adds noise of "
        "standard deviation ε to it, and the network is drawn anew: how little does it take? "
        "Rumelhart, Hinton & Williams 1986."
    )
    group = "Weights"
    options = (Option("of", "Of", _NAMES),)
    #: ↑ and ↓ choose the layer, ← and → move the slider.
    stage_keys = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down})

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._caption = ShortLabel()
        self._noise = Slider()
        self._noise.setObjectName(f"panel.{self.name}.noise")
        self._noise.setAccessibleName("Noise ε on the weights that start constant")
        self._noise.setToolTip("Weights start as their constant plus ε times a normal number")
        self._noise.setRange(0, NOISE.positions + 1)
        self._value = QLabel()
        self._value.setProperty("role", "label")
        self.strip.addWidget(self._caption, 1)
        self.strip.addWidget(self._noise, 3)
        self.strip.addWidget(self._value)
        self._noise.valueChanged.connect(self._moved)
        self._noise.sliderPressed.connect(self._begin)
        self._gestures = 0
        self._wanted: Experiment | None = None
        #: The history that the slider was moved from: until there is another, the slider leads.
        self._before: Recording | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._send)

    # -- noise -------------------------------------------------------------------------------------

    def _show_noise(self) -> None:
        """Put the slider to the ε of the lane picked, or say why there is none."""
        known = noise_of(self.picked.recording.experiment)
        for widget in (self._noise, self._value):
            widget.setVisible(known is not None)
        self._caption.say("Noise ε" if known else NO_NOISE)
        if self._before is not self.picked.recording:
            self._before = None
        is_held = self._noise.isSliderDown() or self._wanted is not None
        if known is None or is_held or self._before is not None:
            return
        self._noise.blockSignals(True)
        self._noise.setValue(NOISE.position(known[1]) + 1 if known[1] > 0 else 0)
        self._noise.blockSignals(False)
        self._write_noise(known[1])

    def _write_noise(self, noise: float) -> None:
        self._value.setText(number_text(noise))
        self._noise.setAccessibleDescription(f"ε = {number_text(noise)}")

    def _begin(self) -> None:
        """The slider is taken hold of: until it is let go, everything is one change."""
        self._gestures += 1

    def _moved(self, position: int) -> None:
        lane = self.picked
        known = noise_of(lane.recording.experiment)
        if known is None:
            return
        if not self._noise.isSliderDown():
            self._begin()
        noise = NOISE.value(position - 1) if position else 0.0
        self._write_noise(noise)
        self._before = lane.recording
        self._wanted = with_noise(lane.recording.experiment, known[0], noise)
        if not self._timer.isActive():
            self._timer.start()

    def _send(self) -> None:
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            gesture = f"{self.name} {self._gestures}"
            self.experiment_wanted.emit(self.picked.letter, wanted, gesture)

    def key(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.step_layer(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif noise_of(self.picked.recording.experiment) is not None:
            way = 1 if event.key() == Qt.Key.Key_Right else -1
            self._noise.setValue(self._noise.value() + way * NOISE_STEP)

    def stop(self) -> None:
        self._timer.stop()
        super().stop()

    # -- looking -----------------------------------------------------------------------------------

    def read(self) -> None:
        super().read()
        self._show_noise()

    def subject(self, lane: Shown) -> Hashable:
        return self.layer, self.option("of")

    def question(self, lane: Shown, checkpoint: Checkpoint) -> Callable[[], Alike]:
        return partial(_KINDS[self.option("of")], checkpoint, self.layer)

    def what(self, found: Alike) -> str:
        return f"cosine of {_NAMES[self.option('of')]} · {self.layer}"

    # -- drawing -----------------------------------------------------------------------------------

    def draw_found(self, painter: QPainter, layout: LookLayout, found: Alike) -> None:
        theme, label, size = layout.theme, layout.theme.label, layout.size
        self._draw_count(painter, layout, found)
        plot = self._plot(layout, found)
        _COSINES.draw_picture(painter, theme, found.cosines, plot)
        _COSINES.draw(painter, theme, plot.right() + theme.gap, plot.top(), plot.height())
        count = len(found.places)
        cell = plot.width() / count
        for place in layer_ticks(count, max(2, int(plot.height() / (2.5 * label)))):
            text, offset = str(found.places[place - 1]), (place - 0.5) * cell
            at = (plot.left() - 0.6 * label, plot.top() + offset)
            write(painter, text, at, theme.ink_soft, label, align=RIGHT)
            below = (plot.left() + offset, plot.bottom() + 1.1 * label)
            write(painter, text, below, theme.ink_soft, label, align=CENTRE)
        if size.height() > 16 * label:
            middle = (plot.center().x(), plot.bottom() + 2.7 * label)
            write(painter, self._unit_title(found), middle, theme.ink_soft, label, align=CENTRE)

    @staticmethod
    def _unit_title(found: Alike) -> str:
        if len(found.places) == found.units:
            return "unit"
        return f"unit ({len(found.places)} of {found.units}, evenly taken)"

    def _draw_count(self, painter: QPainter, layout: LookLayout, found: Alike) -> None:
        theme, label = layout.theme, layout.theme.label
        room = layout.size.width() - 2 * theme.gap
        at = (theme.gap, 0.9 * label)
        said = count_text(found)
        if self._count_lines(layout, found) > 1:
            for row, line in enumerate(wrapped(said, label, room / _BOLDER)):
                place = (at[0], at[1] + 1.4 * row * label)
                write(painter, line, place, theme.ink, label, weight=Weight.DemiBold)
            return
        text = elided(said, label, room, Weight.DemiBold)
        write(painter, text, at, theme.ink, label, weight=Weight.DemiBold)
        rest = zeros_text(found)
        taken = width_of(said + "  ", label, Weight.DemiBold)
        if rest and taken + width_of(rest, label) < room:
            write(painter, rest, (at[0] + taken, at[1]), theme.ink_soft, label)

    def _count_lines(self, layout: LookLayout, found: Alike) -> int:
        """How many lines the number of units takes: on the projector it is not cut."""
        if not self.is_presented:
            return 1
        room = (layout.size.width() - 2 * layout.theme.gap) / _BOLDER
        return len(wrapped(count_text(found), layout.theme.label, room))

    def _plot(self, layout: LookLayout, found: Alike) -> QRectF:
        """The square of cells; the same wherever it is asked for."""
        theme, label, size = layout.theme, layout.theme.label, layout.size
        left = theme.gap + width_of(str(found.units), label) + 0.6 * label
        right = 2 * theme.gap + _COSINES.width(theme)
        bottom = (3.8 if size.height() > 16 * label else 1.9) * label
        top = (0.8 + 1.4 * self._count_lines(layout, found)) * label
        side = max(20.0, min(size.width() - left - right, size.height() - top - bottom))
        spare = max(0.0, size.width() - left - right - side)
        return QRectF(left + spare / 2, top, side, side)

    def describe_found(self, at: QPointF, layout: LookLayout, found: Alike) -> str:
        plot = self._plot(layout, found)
        if not plot.contains(at):
            return ""
        count = len(found.places)
        row = min(int((at.y() - plot.top()) / plot.height() * count), count - 1)
        column = min(int((at.x() - plot.left()) / plot.width() * count), count - 1)
        cosine = float(found.cosines[row, column])
        value = "not defined" if math.isnan(cosine) else signed(f"{cosine:.6f}")
        return (
            f"{self.picked.letter}  units {found.places[row]} and {found.places[column]}\n"
            f"cos = {value}"
        )

    def table(self) -> Table:
        found, lane = self.found, self.picked
        header = ["lane", "label", "layer", "step", "unit", "other unit", "cosine"]
        if found is None or self._look is None:
            return header, []
        step = self._look.step
        rows: list[Row] = [
            [lane.letter, lane.label, self.layer, step, a, b, cosine]
            for a, row in zip(found.places, found.cosines.tolist(), strict=True)
            for b, cosine in zip(found.places, row, strict=True)
        ]
        return header, rows


def count_text(found: Alike) -> str:
    """How many of the units are different ones, in words."""
    if found.units == 1:
        return "1 unit"
    if found.distinct == 1:
        return f"1 distinct unit: all {found.units} are copies of one"
    return f"{found.distinct} of {found.units} units are distinct"


def zeros_text(found: Alike) -> str:
    """How many units have no direction, in words; empty where all have one."""
    return f"{found.zeros} of {found.units} are all zeros" if found.zeros else ""
