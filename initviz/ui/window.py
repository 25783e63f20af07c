"""The main window: it puts the parts together and passes what one says on to the others."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QResizeEvent,
    QUndoStack,
)
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from initviz.lab.diagnosis import Finding
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.session.laboratory import Laboratory
from initviz.session.lane import State
from initviz.ui import files, focus_keys
from initviz.ui.about import show_about
from initviz.ui.actions import make_actions
from initviz.ui.arrangement import Arrangement
from initviz.ui.board import PanelBoard
from initviz.ui.form import ExperimentForm
from initviz.ui.guidance import Guidance
from initviz.ui.history import History
from initviz.ui.keys_help import KeysHelp
from initviz.ui.looks import Looks
from initviz.ui.messages import Messages
from initviz.ui.panels.base import Shown
from initviz.ui.side import SideColumn
from initviz.ui.status import lane_label, status_text
from initviz.ui.theme import Theme
from initviz.ui.timeline_bar import TimelineBar
from initviz.ui.toolbar import ToolBar
from initviz.ui.window_state import WindowState

#: Position, diagnosis and status are renewed at every n-th tick of the clock.
SLOW = 6
SLOW_MOTION = 1.0  # steps a second


class MainWindow(QMainWindow):
    """One window on one experiment.

    It can be shown before there is anything behind it: `begin` starts the laboratory.
    `state_to_keep` brings the `WindowState` when the window closes.
    """

    state_to_keep = Signal(object)

    def __init__(self, experiment: Experiment, state: WindowState, scale: float = 1.0) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setAcceptDrops(True)
        self._first = state
        self._folder = state.folder
        self._speed_before: float | None = None
        self._is_single_step = False
        self._is_closed = False
        self._has_moved = False
        self._moves: tuple[bool, bool] | None = None
        self._messages = Messages(self)
        self._undo_stack = QUndoStack(self)
        self._history = History(self._undo_stack, self._use)
        self._actions = make_actions(self)
        self._build(experiment)
        self._looks = Looks(state.theme, scale, self)
        self._looks.changed.connect(self._wear)
        self._restore(state)
        self._looks.wear()
        self._show_title(experiment)
        self.focus_panels()

    # -- building ------------------------------------------------------------------------------

    def _build(self, experiment: Experiment) -> None:
        self.toolbar = ToolBar(self._actions)
        self.form = ExperimentForm(experiment)
        self.guidance = Guidance(experiment)
        self.board = PanelBoard(self.shown)
        self.side = SideColumn()
        self.timeline_bar = TimelineBar(self._actions)
        self.form.put_on_top(self.guidance)
        columns = QSplitter(Qt.Orientation.Horizontal)
        columns.setHandleWidth(1)
        columns.setProperty("role", "lines")
        columns.setChildrenCollapsible(False)
        for place, part in enumerate((self.form, self.board, self.side)):
            columns.addWidget(part)
            columns.setStretchFactor(place, int(part is self.board))
        for part in (self.form, self.side):
            part.setMinimumWidth(220)
        middle = QWidget()
        middle.setProperty("role", "lines")
        body = QVBoxLayout(middle)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(1)  # the lines
        for strip, stretch in ((self.toolbar, 0), (columns, 1), (self.timeline_bar, 0)):
            body.addWidget(strip, stretch)
        self.setCentralWidget(middle)
        self._arrangement = Arrangement(columns, self.board.splitters(), self)

    def begin(self) -> None:
        """Start what stands behind the window: step 0 is measured, nothing runs."""
        self.laboratory = Laboratory(self.form.experiment, parent=self)
        self.lane = self.laboratory.lane("A")
        self.timeline = self.laboratory.timeline
        lane = self.lane
        lane.restarted.connect(self._restarted)
        lane.grew.connect(self._changed)
        lane.state_changed.connect(self._show_state)
        lane.failed.connect(self._show_state)
        self.timeline.moved.connect(self._changed)
        self.laboratory.clock.tick.connect(self._tick)
        self.form.changed.connect(self._form_changed)
        self.form.settled.connect(self._history.end_gesture)
        self.side.remedy_wanted.connect(self._apply_remedy)
        self.timeline_bar.wanted.connect(self.timeline.go)
        self.toolbar.speed.changed.connect(self._set_speed)
        for panel in self.board.panels:
            panel.failed.connect(partial(self._messages.error, "The panel was not saved"))
        for name, says in (
            ("undo", self._undo_stack.canUndoChanged),
            ("redo", self._undo_stack.canRedoChanged),
        ):
            self._actions[name].setEnabled(False)
            says.connect(self._actions[name].setEnabled)
        self._set_speed(self._first.speed)
        self._show_state()

    # -- for others ----------------------------------------------------------------------------

    def recording(self, letter: str) -> Recording | None:
        """The recording that the lane's panels show; None until its step 0 was measured.

        Raises:
            KeyError: if there is no such lane.
        """
        return self.laboratory.lane(letter).recording

    def shown(self) -> list[Shown]:
        """What the panels show of each lane that has something to show."""
        return [
            Shown(
                lane.letter,
                index,
                lane_label(lane.recording.experiment),
                lane.recording,
                self.timeline.step,
            )
            for index, lane in enumerate(self.laboratory.lanes)
            if lane.recording is not None
        ]

    def action(self, name: str) -> QAction:
        """An action by its name in the table of actions."""
        return self._actions[name]

    # -- what the session says ------------------------------------------------------------------

    def _restarted(self) -> None:
        self.guidance.follow(self.lane.experiment)
        self._show_title(self.lane.experiment)
        self._show_state()
        self._redraw()

    def _changed(self) -> None:
        """There are new steps, or another one is looked at."""
        if not self.laboratory.clock.is_running:
            self._redraw()
            return
        self.board.mark()
        self._has_moved = True
        self._allow_moves()  # at once, unlike what is only read

    def _tick(self, number: int) -> None:
        self.board.tick(number)
        # Between the ticks at which the slow panels draw.
        if number % SLOW == SLOW // 2:
            self.side.show_data(self.shown())
            self.toolbar.set_status(status_text(self.lane))
        if number % SLOW == 1 and self._has_moved:
            self._show_position()

    # -- showing ---------------------------------------------------------------------------------

    def _redraw(self) -> None:
        self.board.draw_now()
        self.side.show_data(self.shown())
        self._show_position()

    def _show_position(self) -> None:
        self._has_moved = False
        timeline, recording = self.timeline, self.lane.recording
        kept = len(recording.scalar_track("loss").steps) if recording else 0
        live = timeline.follows_end and self.lane.state is State.RUNNING
        self.timeline_bar.show_position(timeline.step, timeline.last, live=live, kept=kept)
        self._allow_moves()

    def _allow_moves(self) -> None:
        moves = (self.timeline.step > 0, self.timeline.follows_end)
        if moves == self._moves:
            return  # asked at every tick, and Qt is slow to answer
        self._moves = moves
        for name in ("back", "start"):
            self._actions[name].setEnabled(moves[0])
        self._actions["end"].setEnabled(not moves[1])

    def _show_state(self, *_: object) -> None:
        state = self.lane.state
        is_running = state is State.RUNNING
        if is_running and self._is_single_step:
            return  # over before anyone could read what it would say
        self._actions["run"].setText("Pause" if is_running else "Run")
        self.toolbar.set_running(is_running)
        self.toolbar.set_status(status_text(self.lane))
        self.side.diagnosis.show_trouble(self.lane.error)
        waiting = self.lane.recording is None and state is not State.FAILED
        self.board.say("Measuring step 0…" if waiting else "")
        if self.lane.is_idle and self.board.is_marked:
            self._redraw()  # the clock stands still: what waits for its turn would wait for ever
        else:
            self._show_position()

    def _show_title(self, experiment: Experiment) -> None:
        self.setWindowTitle(experiment.title or "Untitled experiment")

    # -- the experiment --------------------------------------------------------------------------

    def _form_changed(self, experiment: Experiment, dragged_key: str) -> None:
        self._history.change(self.lane.experiment, experiment, dragged_key=dragged_key)

    def _use(self, experiment: Experiment) -> None:
        """Run another experiment, whoever asked for it."""
        if self.form.experiment != experiment:
            self.form.set_experiment(experiment)
        self.lane.set_experiment(experiment)

    def _apply_remedy(self, finding: Finding) -> None:
        experiment = self.lane.experiment
        for key, value in finding.remedy_settings.items():
            experiment = experiment.with_value(key, value)
        self._history.change(self.lane.experiment, experiment)

    def open_file(self, path: Path) -> None:
        """Run the experiment in a file; a bad file leaves everything as it is, and is named."""
        try:
            experiment = files.read_experiment(path)
        except ValueError as error:
            self._messages.error("This experiment cannot be opened", str(error))
            return
        self._folder = str(path.parent)
        self._history.change(self.lane.experiment, experiment)

    def _write_file(self, path: Path) -> None:
        try:
            files.write_experiment(self.lane.experiment, path)
        except OSError as error:
            self._messages.error("The experiment was not saved", f"{path}: {error.strerror}")
            return
        self._folder = str(path.parent)

    # -- actions, named in their table ------------------------------------------------------------

    def open_experiment(self) -> None:
        files.ask_for_file(self, self._folder, chosen=self.open_file)

    def save_experiment(self) -> None:
        name = self.lane.experiment.title.strip().lower().replace(" ", "-") or "experiment"
        files.ask_for_file(self, self._folder, save_as=f"{name}.toml", chosen=self._write_file)

    def undo(self) -> None:
        self._undo_stack.undo()

    def redo(self) -> None:
        self._undo_stack.redo()

    def toggle_run(self) -> None:
        self._is_single_step = False
        if self.lane.state is not State.RUNNING:
            self.timeline.follow()
        self.lane.toggle()

    def step(self) -> None:
        if not self.timeline.follows_end:
            self.timeline.move(1)
        elif self.lane.state is not State.RUNNING:
            self._is_single_step = True
            self.lane.step()

    def step_back(self) -> None:
        self.timeline.move(-1)

    def go_to_start(self) -> None:
        self.timeline.go(0)

    def follow_end(self) -> None:
        self.timeline.follow()

    def toggle_slow_motion(self) -> None:
        slow = self.lane.speed != SLOW_MOTION
        self._speed_before = self.lane.speed if slow else self._speed_before
        self._set_speed(SLOW_MOTION if slow else self._speed_before)

    def reset(self) -> None:
        self.lane.reset()

    def new_seed(self) -> None:
        before = self.lane.experiment
        following = (before.run.seed + 1) % 2**31
        self._history.change(before, before.with_value("run.seed", following))

    def toggle_projector(self) -> None:
        self._looks.show_projector(self._actions["projector"].isChecked())

    def toggle_theme(self) -> None:
        self._looks.toggle()

    def use_light(self) -> None:
        self._looks.choose("light")

    def use_dark(self) -> None:
        self._looks.choose("dark")

    def use_system(self) -> None:
        self._looks.choose("system")

    def focus_panels(self) -> None:
        self.board.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_keys(self) -> None:
        KeysHelp(self).open()

    def show_about(self) -> None:
        show_about(self)

    def _set_speed(self, speed: float | None) -> None:
        self.lane.set_speed(speed)
        self.toolbar.speed.set_speed(speed)
        self._actions["slow"].setChecked(speed == SLOW_MOTION)

    def _wear(self, look: Theme) -> None:
        self._actions[f"theme_{self._looks.choice}"].setChecked(True)
        for part in (self.toolbar, self.form, self.board, self.side, self.timeline_bar):
            part.set_theme(look)
        for column in (self.form, self.side):
            column.setVisible(not self._looks.projector)
        self._arrangement.fit(self.width())

    # -- from one start to the next ----------------------------------------------------------------

    def _restore(self, state: WindowState) -> None:
        if not (state.geometry and self.restoreGeometry(QByteArray(state.geometry))):
            self.resize(1280, 800)
        self._arrangement.restore(state.splitters)
        for panel in self.board.panels:
            for option in panel.options:
                value = state.options.get(panel.name, {}).get(option.key, "")
                if value in option.choices:
                    panel.set_option(option.key, value)

    def state(self) -> WindowState:
        """What to bring back at the next start."""
        slow = self._actions["slow"].isChecked()
        return WindowState(
            theme=self._looks.choice,
            speed=self._speed_before if slow else self.lane.speed,
            folder=self._folder,
            geometry=bytes(self.saveGeometry().data()),
            splitters=self._arrangement.dragged(),
            options={panel.name: panel.chosen for panel in self.board.panels if panel.options},
        )

    # -- Qt ----------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and focus_keys.keeps(self.focusWidget(), event)
        ):
            event.accept()
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrangement.fit(self.width())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if files.dropped_file(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = files.dropped_file(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self.open_file(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.state_to_keep.emit(self.state())
            self.laboratory.close()
        super().closeEvent(event)
