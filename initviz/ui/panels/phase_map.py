"""Order and chaos: χ₁ over (σ_w, σ_b), the schemes as pins, and each lane as a dot to drag."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QSizeF, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.ui.answers import Answers
from initviz.ui.panels import phase_map_drawing as drawing
from initviz.ui.panels import phase_map_marks as marks
from initviz.ui.panels.axes import exact
from initviz.ui.panels.base import Option, Panel, Row, Shown, Table
from initviz.ui.panels.phase_map_chart import (
    Chart,
    Question,
    Reading,
    find_chart,
    reading,
    slope_moment,
)
from initviz.ui.panels.phase_map_drawing import PhaseLayout
from initviz.ui.panels.phase_map_pins import (
    Pin,
    Point,
    Standing,
    activation_of,
    inner_places,
    pins,
    placed,
    standing,
)

#: While a dot is moved, an experiment is handed on this often, in milliseconds.
DRAG_INTERVAL = 80
#: Maps that are kept: more than a person goes back and forth between.
MOST_KEPT = 24
#: So many small steps of a key make a big one.
BIG_STEP = 10

#: How far σ_w and σ_b reach, by the range chosen. Locked; activations that are flatter than most
#: need more room, by this factor.
REACHES: dict[str, Point] = {"usual": (2.5, 1.0), "wide": (5.0, 4.0)}
ROOM: Mapping[str, float] = {"sigmoid": 6.0, "softsign": 1.6}

_DIRECTIONS: dict[Qt.Key, Point] = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Down: (0.0, -1.0),
    Qt.Key.Key_Up: (0.0, 1.0),
}
_PHASES = {
    "ordered": "ordered, gradients vanish",
    "critical": "critical",
    "chaotic": "chaotic, gradients explode",
}


@dataclass
class Hold:
    """A dot that was moved: where it is to be, until the lane's own history says so.

    `before` is the history that it was moved from, `asked` what was wanted since.
    """

    letter: str
    before: Recording
    point: Point
    gesture: str
    grip: QPointF  # from the dot to the pointer
    is_down: bool
    asked: list[Experiment] = field(default_factory=list)
    sent: Point | None = None

    def is_over(self, shown: Sequence[Shown]) -> bool:
        """Whether the lane has got there, is gone, or went elsewhere."""
        lane = next((lane for lane in shown if lane.letter == self.letter), None)
        if lane is None:
            return True
        if self.is_down or lane.recording is self.before:
            return False
        there = lane.recording.experiment
        return there == self.asked[-1] or there not in self.asked if self.asked else True


class PhaseMap(Panel[PhaseLayout]):
    """χ₁ of deep plain networks over the spread of weights and biases."""

    name = "phase_map"
    is_upright = True
    title = "Phase map"
    how_to_read = (
        "Each point is a way to draw weights and biases: σ_w = √(fan-in × variance of a weight) "
        "to the right, σ_b, the standard deviation of a bias, upwards. The colour is χ₁, the "
        "factor that the squared norm of ∂L/∂z gains with every hidden layer on its way back, in "
        "a deep and wide plain network with this activation, where the lengths of z have settled "
        "at q*. Blue: below 1, ordered, gradients vanish, and inputs become alike. Orange: above "
        "1, chaotic, gradients explode. The line is χ₁ = 1, the edge between them. Hatched: "
        "q grows from layer to layer for ever; there is no q*, and χ₁ is shown only where it is "
        "the same for every q (ReLU and its like). Pins are the named schemes with their "
        "defaults, in this lane's hidden layers from the second on; pins at one point share a "
        "label. Dots are the lanes; a hollow one stands for layers that this map is not exactly "
        "for. Drag a dot, or press the arrow keys (with Shift ten steps at once), and the network "
        "is drawn anew from there. Poole et al. 2016; Schoenholz et al. 2017."
    )
    group = "Network"
    every = 6
    picks_lane = True
    options = (Option("range", "Range", {"usual": "usual range", "wide": "wide range"}),)
    keys = frozenset(_DIRECTIONS)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answers: Answers[Question, Chart] = Answers(find_chart, self)
        self._answers.grew.connect(self._chart_found)
        self._sought: Question | None = None
        self._kept: dict[Question, Chart] = {}
        self._standings: dict[str, tuple[Recording, Standing]] = {}
        self._pins_of: tuple[Recording | None, tuple[Pin, ...]] = (None, ())
        self._names_for: tuple[PhaseLayout, tuple[Pin, ...], tuple[Point, ...]] | None = None
        self._named: list[marks.Named] = []
        self._hold: Hold | None = None
        self._gestures = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DRAG_INTERVAL)
        self._timer.timeout.connect(self._send)

    def told_lanes(self) -> Sequence[Shown]:
        return self.shown  # every lane has a dot, whichever is picked

    # -- reading ----------------------------------------------------------------------------------

    def read(self) -> None:
        if self._hold is not None and self._hold.is_over(self.shown):
            self._hold = None
        self._standings = {lane.letter: self._standing_of(lane) for lane in self.shown}
        recording = self.picked.recording
        if self._pins_of[0] is not recording:
            self._pins_of = recording, pins(inner_places(recording)[-1])
            self.words_due = True
        self._seek()

    def _standing_of(self, lane: Shown) -> tuple[Recording, Standing]:
        known = self._standings.get(lane.letter)
        if known is not None and known[0] is lane.recording:
            return known
        return lane.recording, standing(lane.recording)

    def subtitle(self) -> str:
        lane, question = self.picked, self._question
        label = ACTIVATIONS[question.activation].label
        where = "χ₁ over the spread of weights and biases"
        unlike = self._standings[lane.letter][1].unlike
        if unlike:
            return f"{where} · {label} in plain layers; {lane.letter} {unlike}"
        factor = slope_moment(question.activation, question.slope)
        same = "" if factor is None else f": χ₁ = {factor:.4g} × fan-in × Var W for every q"
        return f"{where} · {lane.letter}, {label}{same}"

    @property
    def _question(self) -> Question:
        return self._question_of(self.picked)

    def _question_of(self, lane: Shown) -> Question:
        activation, slope = activation_of(lane.recording.experiment)
        room = ROOM.get(activation, 1.0)
        reach_w, reach_b = REACHES[self.option("range")]
        return Question(activation, slope, room * reach_w, reach_b)

    # -- the map, found beside the window ---------------------------------------------------------

    @property
    def chart(self) -> Chart | None:
        """The map of the lane picked; None while it is being found."""
        return self._kept.get(self._question)

    def _seek(self) -> None:
        """See to it that the map is found; one after the other, as only the last one counts."""
        if self._sought is None and self._question not in self._kept:
            self._sought = self._question
            self._answers.knows(self._sought)

    def _chart_found(self) -> None:
        if self._sought is None:
            return
        self._keep(self._answers.value(self._sought))
        self._answers.forget(self._sought)
        self._sought = None
        if self.shown:
            self._seek()
        self.words_due = True
        self._canvas.update()

    def _keep(self, chart: Chart) -> None:
        self._kept[chart.question] = chart
        while len(self._kept) > MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))

    def stop(self) -> None:
        self._timer.stop()
        self._answers.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop()
        super().closeEvent(event)

    # -- layout and drawing -----------------------------------------------------------------------

    def lay_out(self, size: QSizeF) -> PhaseLayout:
        question = self._question
        return drawing.lay_out(self.theme, size, (question.reach_w, question.reach_b))

    def draw_backdrop(self, painter: QPainter, layout: PhaseLayout) -> None:
        drawing.draw_axes(painter, layout)

    def words_say(self, layout: PhaseLayout) -> object:
        # The map is the same at every step, and it takes 3 ms to draw.
        return self._question, self.chart is None, self._pins_of[1], tuple(self._names(layout))

    def draw_words(self, painter: QPainter, layout: PhaseLayout) -> None:
        names = self._names(layout)
        drawing.draw_map(painter, layout, self.chart, [box for _, box in names])
        marks.draw_pins(painter, layout, self._pins_of[1], names)

    def draw_marks(self, painter: QPainter, layout: PhaseLayout) -> None:
        marks.draw_dots(painter, layout, self._dots(), self._pins_of[1], self._names(layout))

    def _names(self, layout: PhaseLayout) -> list[marks.Named]:
        """Where the pins' names go: sought when what they depend on has changed."""
        pins, keep_off = self._pins_of[1], tuple[Point, ...]()
        if self.is_presented:
            # Nobody moves about in a picture on a wall to see what lies under a dot.
            pins = tuple(pin for pin in pins if not pin.is_of_a_library)
            keep_off = tuple(standing.point for _, standing in self._standings.values())
        names_for = (layout, pins, keep_off)
        if self._names_for != names_for:
            self._names_for = names_for
            self._named = marks.name_pins(layout, pins, keep_off)
        return self._named

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        self.catch_up()
        if self.shown and self.chart is None:
            self._keep(find_chart(self._question))  # a picture cannot wait
        super().draw(painter, size)

    def _dots(self) -> list[marks.Dot]:
        """Where each lane's dot is, that of the lane picked last, on top of the others."""
        lanes = sorted(self.shown, key=lambda lane: lane is self.picked)
        return [dot for dot in map(self._dot, lanes) if math.isfinite(dot.point[0])]

    def _dot(self, lane: Shown) -> marks.Dot:
        stands = self._standings[lane.letter][1]
        point, is_held = stands.point, False
        if self._hold is not None and self._hold.letter == lane.letter:
            point, is_held = self._hold.point, self._hold.is_down
        is_picked = lane is self.picked
        told = ""
        if is_held or (is_picked and self._canvas.hasFocus()):
            told = _numbers(point, self._reading(point))
        is_at_home = not stands.unlike and self._question_of(lane) == self._question
        return marks.Dot(lane.letter, lane.index, point, not is_at_home, told)

    # -- moving a dot -----------------------------------------------------------------------------

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        if self._hold is not None and self._hold.is_down:
            return Qt.CursorShape.ClosedHandCursor
        near = marks.dot_at(self._dots(), at, self._layout())
        return Qt.CursorShape.OpenHandCursor if near else Qt.CursorShape.ArrowCursor

    def pressed(self, at: QPointF) -> bool:
        layout = self._layout()
        dot = marks.dot_at(self._dots(), at, layout)
        if dot is None:
            return False
        before = self._question
        if dot.letter != self.picked.letter:
            self.pick_lane(dot.letter)
        if self._question == before:
            grip = at - layout.at(dot.point) if layout.holds(dot.point) else QPointF()
            self._take(dot.point, grip, is_down=True)
        return True

    def dragged(self, at: QPointF) -> None:
        if self._hold is not None and self._hold.is_down:
            layout = self._layout()
            self._move(layout.snapped(layout.point(at - self._hold.grip)))

    def released(self) -> None:
        if self._hold is not None and self._hold.is_down:
            self._hold.is_down = False
            self._send()
            self._canvas.update()

    def key(self, event: QKeyEvent) -> None:
        dot = next((dot for dot in self._dots() if dot.letter == self.picked.letter), None)
        if dot is None:
            return
        if not event.isAutoRepeat() or self._hold is None:
            self._take(dot.point, QPointF(), is_down=False)
        layout = self._layout()
        steps = BIG_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        step_w, step_b = layout.steps
        along_w, along_b = _DIRECTIONS[Qt.Key(event.key())]
        wanted = (dot.point[0] + steps * along_w * step_w, dot.point[1] + steps * along_b * step_b)
        self._move(layout.snapped(wanted))

    def _take(self, point: Point, grip: QPointF, *, is_down: bool) -> None:
        """Begin a gesture on the dot of the lane picked."""
        self._send()
        lane = self.picked
        self._gestures += 1
        gesture = f"{self.name} {self._gestures}"
        going_on = self._hold if self._hold and self._hold.letter == lane.letter else None
        before = going_on.before if going_on else lane.recording
        asked = going_on.asked if going_on else []
        self._hold = Hold(lane.letter, before, point, gesture, grip, is_down, asked, sent=point)
        self._canvas.update()

    def _move(self, point: Point) -> None:
        if self._hold is None or point == self._hold.point:
            return
        self._hold.point = point
        self._canvas.setAccessibleDescription(_numbers(point, self._reading(point)))
        self._canvas.update()
        if not self._timer.isActive():
            self._send()

    def _send(self) -> None:
        """Tell what is wanted, unless that was told; and not again for a while."""
        self._timer.stop()
        hold = self._hold
        if hold is None or hold.sent == hold.point:
            return
        hold.sent = hold.point
        wanted = placed(hold.before, hold.point)
        hold.asked.append(wanted)
        self._timer.start()
        self.experiment_wanted.emit(hold.letter, wanted, hold.gesture)

    # -- read-out ---------------------------------------------------------------------------------

    def _layout(self) -> PhaseLayout:
        return self.lay_out(QSizeF(self._canvas.size()))

    def _reading(self, point: Point) -> Reading:
        question = self._question
        return reading(question.activation, question.slope, *point)

    def describe(self, at: QPointF, layout: PhaseLayout) -> str:
        dot = marks.dot_at(self._dots(), at, layout)
        if dot is not None:
            return self._describe_dot(dot)
        if not layout.near(at):
            return ""
        pin = marks.pin_at(self._pins_of[1], self._names(layout), at, layout)
        if pin is not None:
            names = [", ".join(pin.labels[i : i + 3]) for i in range(0, len(pin.labels), 3)]
            return "\n".join([",\n".join(names), *_lines(pin.point, self._reading(pin.point))])
        if not layout.plot.contains(at):
            return ""
        point = layout.point(at)
        return "\n".join(_lines(point, self._reading(point)))

    def _describe_dot(self, dot: marks.Dot) -> str:
        lane = next(lane for lane in self.shown if lane.letter == dot.letter)
        stands, theirs = self._standings[lane.letter][1], self._question_of(lane)
        lines = [f"{lane.letter}  {lane.label}"]
        if theirs.activation == self._question.activation:
            lines += _lines(dot.point, self._reading(dot.point))
        else:
            label = ACTIVATIONS[theirs.activation].label
            lines += [_where(dot.point), f"Its activation is {label}: a click shows that map."]
        if stands.unlike:
            lines.append(f"{lane.letter} {stands.unlike}: the map is for plain random layers.")
        return "\n".join([*lines, *stands.notes])

    def table(self) -> Table:
        header = ["lane", "what", "sigma_w", "sigma_b", "chi_1", "q*", "phase", "activation"]
        rows: list[Row] = []
        for lane in self.shown:
            question, point = self._question_of(lane), self._standings[lane.letter][1].point
            rows.append([lane.letter, lane.label, *_cells(question, point)])
        question = self._question
        for pin in self._pins_of[1]:
            cells = _cells(question, pin.point)
            rows += [[self.picked.letter, f"pin: {label}", *cells] for label in pin.labels]
        return header, rows


def _cells(question: Question, point: Point) -> list[str | int | float]:
    if not math.isfinite(sum(point)):
        return [*point, math.nan, math.nan, "", question.activation]
    found = reading(question.activation, question.slope, *point)
    chi = math.nan if found.chi is None else found.chi
    q = math.inf if found.q is None else found.q
    return [*point, chi, q, found.phase, question.activation]


def _where(point: Point) -> str:
    return f"σ_w = {exact(point[0])},  σ_b = {exact(point[1])}"


def _numbers(point: Point, found: Reading) -> str:
    """A point in a few words, beside its dot."""
    chi = "–" if found.chi is None else exact(found.chi)
    return f"σ_w {exact(point[0])}   σ_b {exact(point[1])}   χ₁ {chi}"


def _lines(point: Point, found: Reading) -> list[str]:
    """A point in full."""
    chi = "" if found.chi is None else f"χ₁ = {exact(found.chi)},  "
    if found.q is None:
        return [_where(point), f"{chi}q grows for ever: there is no q*"]
    lines = [_where(point), f"{chi}q* = {exact(found.q)}: {_PHASES[found.phase]}"]
    scale = found.depth_scale
    if math.isfinite(scale) and scale != 0:
        way = "falls" if scale > 0 else "grows"
        lines.append(f"‖∂L/∂z‖² {way} e-fold in ξ_∇ = {exact(abs(scale))} layers")
    return lines
