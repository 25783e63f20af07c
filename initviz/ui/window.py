"""The main window: it puts the parts together and passes what one says on to the others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QResizeEvent,
    QUndoStack,
)
from PySide6.QtWidgets import QMainWindow, QMenu, QSplitter, QVBoxLayout, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.session.diagnoses import Diagnoses
from initviz.session.laboratory import LETTERS, Laboratory
from initviz.session.lane import Lane
from initviz.session.trainer import Trainer
from initviz.ui import files, focus_keys
from initviz.ui.actions import make_actions
from initviz.ui.arrangement import Arrangement
from initviz.ui.board import PanelBoard
from initviz.ui.finding_marks import FindingMarks
from initviz.ui.form import ExperimentForm
from initviz.ui.guidance import Guidance
from initviz.ui.help_desk import HelpDesk
from initviz.ui.lane_desk import LaneDesk
from initviz.ui.lane_tabs import LaneTabs
from initviz.ui.limits_note import LimitsNote
from initviz.ui.looks import Looks
from initviz.ui.messages import Messages
from initviz.ui.panels.base import Shown
from initviz.ui.showing import Showing
from initviz.ui.side import SideColumn
from initviz.ui.theme import Theme
from initviz.ui.timeline_bar import TimelineBar
from initviz.ui.toolbar import ToolBar
from initviz.ui.transport import Transport
from initviz.ui.treatment import Treatment
from initviz.ui.window_state import WindowState

#: Pixels that a window's title bar may take.
TITLE_BAR = 36


class MainWindow(QMainWindow):
    """One window on one to four experiments.

    It can be shown before there is anything behind it: `begin` starts the laboratory.
    `state_to_keep` brings the `WindowState` when the window closes.
    """

    state_to_keep = Signal(object)

    def __init__(
        self,
        experiments: Sequence[Experiment],
        state: WindowState,
        scale: float = 1.0,
        autosave: Path | None = None,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setAcceptDrops(True)
        self._first = state
        self._first_experiments = tuple(experiments)
        self._autosave_folder = autosave
        self._is_closed = False
        self._messages = Messages(self)
        self.undo_stack = QUndoStack(self)
        self._files = files.ExperimentFiles(
            self,
            self._messages,
            state.folder,
            opened=self._use_only,
            pasted=lambda one: self.desk.edit(one),
            recorded=lambda path: self.recordings.open(path),
            taught=lambda path: self.lectures.open(path),
            recent=state.recent,
        )
        self._actions = make_actions(self)
        self._build(self._first_experiments[0])
        self.looks = Looks(state.theme, scale, self)
        self.looks.changed.connect(self._wear)
        self.help = HelpDesk(self.looks, self, has_seen_tour=state.has_seen_tour)
        self._restore(state)
        self.looks.wear()
        self._show_title(self._first_experiments[0])
        self.focus_panels()

    # -- building ------------------------------------------------------------------------------

    def _build(self, experiment: Experiment) -> None:
        self.toolbar = ToolBar(self._actions)
        self.form = ExperimentForm(experiment)
        self.guidance = Guidance()
        self.tabs = LaneTabs(len(LETTERS))
        self.board = PanelBoard(self.shown, self._first.layout)
        diagnoses = Diagnoses()
        self.side = SideColumn(diagnoses)
        self.treatment = Treatment(self.side.diagnosis, self._first.thresholds, self)
        self.timeline_bar = TimelineBar(self._actions)
        watched = (lambda: self.lane.recording, lambda: self.treatment.thresholds)
        self.marks = FindingMarks(self.timeline_bar.slider, *watched, diagnoses, self)
        self.limits = LimitsNote(self.form)
        self.form.put_on_top(self.guidance)
        self.form.put_on_top(self.limits)
        self.form.put_on_top(self.tabs)
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
        self._strip = QVBoxLayout()  # for what is now and then above the panels
        body.addWidget(self.toolbar)
        body.addLayout(self._strip)
        body.addWidget(columns, 1)
        body.addWidget(self.timeline_bar)
        self.setCentralWidget(middle)
        self._arrangement = Arrangement(columns, {}, self)

    def begin(self, trainer: Trainer | None = None) -> None:
        """Start what stands behind the window: step 0 is measured, nothing runs.

        A `trainer` is closed with the window; without one, a thread trains.
        """
        # These bring much along that nobody needs before the window is seen.
        from initviz.ui.behind import Behind
        from initviz.ui.exporting import Exports
        from initviz.ui.lecture_desk import LectureDesk
        from initviz.ui.panel_desk import PanelDesk
        from initviz.ui.recordings import Recordings

        self._trainer = trainer
        self.laboratory = Laboratory(self._first_experiments[0], self, trainer=trainer)
        self.timeline = self.laboratory.timeline
        self.transport = Transport(
            self.laboratory, self._actions, self.toolbar, self.timeline_bar, self
        )
        for experiment in self._first_experiments[1:]:
            self.laboratory.add(experiment)
        self.desk = LaneDesk(self.laboratory, self.form, self.tabs, self.undo_stack, self)
        self.behind = Behind(self._strip, self)
        self.recordings = Recordings(
            self.laboratory,
            self.desk,
            self._files,
            self._messages,
            self.behind,
            self._autosave_folder,
            self,
        )
        self.showing = Showing(
            self.laboratory,
            self.transport,
            self.toolbar,
            self.board,
            self.side,
            self.marks,
            lambda: self.treatment.thresholds,
            self,
        )
        for lane in self.laboratory.lanes:
            self._attend(lane)
        self.laboratory.added.connect(self._attend)
        self.laboratory.removed.connect(self._dismiss)
        self.desk.changed.connect(self._setup_changed)
        self.desk.chosen.connect(self._lane_chosen)
        self.treatment.rules_changed.connect(self._rules_changed)
        self.board.set_thresholds(self.treatment.thresholds)
        self.board.failed.connect(partial(self._messages.error, "The panel was not saved"))
        self.panels = PanelDesk(self.board, self.desk, self.laboratory, self.undo_stack, self)
        self.exports = Exports(
            self,
            self._messages,
            experiment=lambda: self.lane.experiment,
            recording=lambda: self.lane.recording,
            behind=self.behind,
            panels=lambda: [panel for panel in self.board.panels if panel.isVisible()],
            shown=self.shown,
            folder=self._files.folder,
        )
        self.lectures = LectureDesk(
            self.laboratory,
            self.desk,
            self.board,
            self.limits,
            self._files,
            self._messages,
            self.looks,
            self._strip,
            self.undo_stack,
            self,
        )
        view = self.findChild(QMenu, "menu.view")
        assert view is not None
        self.panels.offer_in(view)
        for name, says in (
            ("undo", self.undo_stack.canUndoChanged),
            ("redo", self.undo_stack.canRedoChanged),
        ):
            self._actions[name].setEnabled(False)
            says.connect(self._actions[name].setEnabled)
        self.transport.set_speed(self._first.speed)
        self.showing.state()

    def _attend(self, lane: Lane) -> None:
        """Hear what a lane says."""
        lane.restarted.connect(self._restarted)
        self.showing.attend(lane)
        use = partial(self.desk.edit, letter=lane.letter)
        self.treatment.attend(lane, lambda _before, after: use(after))

    def _dismiss(self, letter: str) -> None:
        self.treatment.dismiss(letter)
        self.showing.state()
        self.showing.redraw()

    # -- for others ----------------------------------------------------------------------------

    @property
    def lane(self) -> Lane:
        """The lane that the form edits."""
        return self.desk.lane

    def recording(self, letter: str) -> Recording | None:
        """The recording that the lane's panels show; None until its step 0 was measured.

        Raises:
            KeyError: if there is no such lane.
        """
        return self.laboratory.lane(letter).recording

    def shown(self) -> list[Shown]:
        """What the panels show of each lane that has something to show."""
        return self.showing.lanes()

    def _rules_changed(self) -> None:
        self.board.set_thresholds(self.treatment.thresholds)
        self.showing.redraw()

    def action(self, name: str) -> QAction:
        """An action by its name in the table of actions."""
        return self._actions[name]

    # -- what the session says ------------------------------------------------------------------

    def _restarted(self) -> None:
        self._show_title(self.lane.experiment)
        self.showing.state()
        self.showing.redraw()

    def _show_title(self, experiment: Experiment) -> None:
        self.setWindowTitle(experiment.title or "Untitled experiment")

    # -- the experiment --------------------------------------------------------------------------

    def _setup_changed(self) -> None:
        """Other lanes, or another experiment in one."""
        self._lane_chosen()
        self.showing.state()
        self.showing.redraw()

    def _lane_chosen(self) -> None:
        """Another lane is edited: the panels show the same as before."""
        self.guidance.hide()
        self._show_title(self.lane.experiment)
        self.marks.renew()

    def _use_only(self, experiment: Experiment) -> None:
        """One lane with this experiment, and no limits of a lecture any more."""
        self.recordings.open_none()
        self.lectures.lift()
        self.desk.use_only(experiment)

    def open_file(self, path: Path) -> None:
        """Run the experiment in a file; a bad file leaves everything as it is, and is named."""
        self._files.open(path)

    # -- actions, named in their table ------------------------------------------------------------

    def open_experiment(self) -> None:
        self._files.ask_to_open()

    def save_experiment(self) -> None:
        self._files.ask_to_save(self.lane.experiment)

    def paste_experiment(self) -> None:
        self._files.take(QGuiApplication.clipboard().mimeData())

    def export(self) -> None:
        self.exports.offer(self.toolbar.export)

    def fork(self) -> None:
        try:
            self.desk.fork(self.timeline.step)
        except ValueError as error:
            self._messages.error("There is no fork", str(error))

    def toggle_projector(self) -> None:
        self.looks.show_projector(self._actions["projector"].isChecked())

    def focus_panels(self) -> None:
        self.board.take_focus()

    def _wear(self, look: Theme) -> None:
        self._actions[f"theme_{self.looks.choice}"].setChecked(True)
        parts = (self.toolbar, self.tabs, self.form, self.board, self.side, self.timeline_bar)
        for part in parts:
            part.set_theme(look)
        self.marks.set_theme(look)
        for column in (self.form, self.side):
            column.setVisible(not self.looks.projector)
        self._arrangement.fit(self.width())

    # -- from one start to the next ----------------------------------------------------------------

    def _restore(self, state: WindowState) -> None:
        if not (state.geometry and self.restoreGeometry(QByteArray(state.geometry))):
            # The timeline has to be seen on a projector of 720 lines too.
            self.resize(1280, min(800, self.screen().availableSize().height() - TITLE_BAR))
        self._arrangement.restore(state.splitters)
        self.board.use_options(state.options)

    def state(self) -> WindowState:
        """What to bring back at the next start."""
        return WindowState(
            theme=self.looks.choice,
            speed=self.transport.lasting_speed,
            folder=self._files.folder,
            geometry=bytes(self.saveGeometry().data()),
            splitters=self._arrangement.dragged(),
            options=self.board.options,
            layout=self.board.arrangement,
            recent=tuple(map(str, self._files.recent)),
            has_seen_tour=self.help.has_seen_tour,
            thresholds=self.treatment.thresholds,
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
        if self._files.takes(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if self._files.take(event.mimeData()):
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.behind.close()
            self.state_to_keep.emit(self.state())
            self.lectures.close()
            self.treatment.close()
            self.marks.close()
            self.panels.close()
            self.form.stop()
            self.laboratory.close()
            if self._trainer is not None:
                self._trainer.close()
            self.recordings.close()
        super().closeEvent(event)
