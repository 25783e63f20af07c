"""What the window shows of the session, and when: drawing at the clock's pace, or at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from initviz.lab.experiment import Experiment
from initviz.lab.thresholds import Thresholds
from initviz.session.laboratory import LETTERS, Laboratory
from initviz.session.lane import Lane, State
from initviz.ui.board import PanelBoard
from initviz.ui.finding_marks import FindingMarks
from initviz.ui.panels.base import Shown
from initviz.ui.side import SideColumn
from initviz.ui.status import ending_text, lane_label, status_text, trouble_text
from initviz.ui.toolbar import ToolBar
from initviz.ui.transport import Transport

#: Position, diagnosis and status are renewed at every n-th tick of the clock.
SLOW = 6


class Showing(QObject):
    """Keeps the parts of the window at what the lanes have recorded and at what is looked at."""

    def __init__(
        self,
        laboratory: Laboratory,
        transport: Transport,
        toolbar: ToolBar,
        board: PanelBoard,
        side: SideColumn,
        marks: FindingMarks,
        thresholds: Callable[[], Thresholds],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._laboratory, self._transport, self._toolbar = laboratory, transport, toolbar
        self._board, self._side, self._marks = board, side, marks
        self._thresholds = thresholds
        #: By letter: the experiment and the step of a fork that a label was made of, and the label.
        self._labels: dict[str, tuple[Experiment, int, str]] = {}
        laboratory.state_changed.connect(self.state)
        laboratory.timeline.jumped.connect(self.redraw)
        laboratory.clock.tick.connect(self._tick)

    def attend(self, lane: Lane) -> None:
        """Show what becomes of this lane too."""
        lane.grew.connect(self._grew)
        lane.failed.connect(self.state)

    def lanes(self) -> list[Shown]:
        """What the panels show of each lane that has something to show.

        A fork is not there yet at steps before it begins, unless there is nothing else to see.
        """
        timeline = self._laboratory.timeline
        lanes = [
            Shown(
                lane.letter,
                LETTERS.index(lane.letter),
                self._label(lane, lane.recording.experiment),
                lane.recording,
                max(timeline.step, lane.begins),
            )
            for lane in self._laboratory.lanes
            if lane.recording is not None and not lane.is_hidden
        ]
        return [lane for lane in lanes if lane.step <= timeline.step] or lanes

    def _label(self, lane: Lane, experiment: Experiment) -> str:
        """The label of a lane, made anew only where its experiment is another: asked for often."""
        fork = lane.start.step if lane.start else 0
        known = self._labels.get(lane.letter)
        if known is None or known[0] is not experiment or known[1] != fork:
            known = self._labels[lane.letter] = experiment, fork, lane_label(experiment, fork)
        return known[2]

    def redraw(self, *_: object) -> None:
        """Everything anew, now: somebody has done something and waits to see it."""
        self._board.draw_now()
        self._side.show_data(self.lanes())
        self._transport.show_position()
        self._marks.renew()

    def state(self, *_: object) -> None:
        """What the lanes are doing, in words and in what the buttons offer."""
        self._transport.show_state()
        lanes = self._laboratory.lanes
        self._toolbar.set_status(status_text(self._laboratory))
        self._side.diagnosis.show_trouble(trouble_text(lanes))
        self._side.diagnosis.show_ending(ending_text(lanes, self._thresholds()))
        waiting = any(lane.recording is None and lane.state is State.LOADING for lane in lanes)
        self._board.say("Measuring step 0…" if waiting else "")
        if self._laboratory.is_idle and self._board.is_marked:
            self.redraw()  # the clock stands still: what waits for its turn would wait for ever
        else:
            self._transport.show_position()

    def _grew(self) -> None:
        """There are new steps."""
        if not self._laboratory.clock.is_running:
            self.redraw()
            return
        self._board.mark()
        self._transport.mark_moved()

    def _tick(self, number: int) -> None:
        self._board.tick(number)
        # Between the ticks at which the slow panels draw.
        if number % SLOW == SLOW // 2:
            self._side.show_data(self.lanes())
            self._toolbar.set_status(status_text(self._laboratory))
        if number % SLOW == 1:
            self._transport.tick()
            self._marks.renew()
