"""Lectures and challenges as the window has them: chosen, played, and played on with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QVBoxLayout, QWidget

from initviz.lab.experiment import Experiment
from initviz.session.laboratory import Laboratory
from initviz.ui.board import PanelBoard
from initviz.ui.files import ExperimentFiles
from initviz.ui.lane_desk import LaneDesk
from initviz.ui.limits_note import LimitsNote
from initviz.ui.looks import Looks
from initviz.ui.messages import Messages

if TYPE_CHECKING:
    from initviz.lab.lectures import Challenge, Lecture, Scene, Stage
    from initviz.ui.challenge_bar import ChallengeBar
    from initviz.ui.lecture.player import LecturePlayer


class LectureDesk(QObject):
    """Opens the start screen, lectures and challenges over a window. `close` it with the window.

    What belongs to them is imported when somebody asks for it: most starts do not.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        desk: LaneDesk,
        board: PanelBoard,
        limits: LimitsNote,
        files: ExperimentFiles,
        messages: Messages,
        looks: Looks,
        strip: QVBoxLayout,
        stack: QUndoStack,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._laboratory, self._desk, self._board = laboratory, desk, board
        self._limits, self._files, self._messages, self._looks = limits, files, messages, looks
        self._strip, self._stack, self._window = strip, stack, window
        self._since = 0  # what was done on the stack before the limits came
        stack.indexChanged.connect(self._stack_moved)
        for moment in (laboratory.clock.tick, laboratory.state_changed, desk.changed, desk.chosen):
            moment.connect(self._judge)
        self.player: LecturePlayer | None = None
        self.challenge: ChallengeBar | None = None

    # -- what a person does ----------------------------------------------------------------------

    def show_start(self) -> None:
        """Open the start screen."""
        from initviz.lab.lectures.outline import outline
        from initviz.lab.lectures.shelf import shipped, shipped_challenges
        from initviz.ui.start_screen import StartScreen

        sheet = StartScreen(
            [outline(path) for path in shipped()],
            [outline(path) for path in shipped_challenges()],
            [path for path in self._files.recent if path.is_file()],
            self._looks.worn,
            self._window,
        )
        sheet.when(
            lecture=self.open,
            challenge=self.open,
            file=self._files.open,
            new=self.new_experiment,
            ask=self._files.ask_to_open,
        )
        sheet.open()

    def new_experiment(self) -> None:
        """One lane with the experiment that every setting's default makes."""
        self.lift()
        self._desk.use_only(Experiment())

    def open(self, path: Path) -> None:
        """Play the lecture or the challenge in a file; a bad file is named, and nothing happens."""
        from initviz.lab.lectures import Challenge, LectureError, read_lecture_or_challenge
        from initviz.ui.panels.known import known_panels

        try:
            found = read_lecture_or_challenge(path, known_panels())
        except (LectureError, OSError) as error:
            self._messages.error("This lecture cannot be opened", str(error))
            return
        self._files.remember(path)
        if isinstance(found, Challenge):
            self.set_challenge(found)
        else:
            self.play(found)

    def play(self, lecture: Lecture) -> None:
        """Show a lecture, full screen; the window behind it waits."""
        from initviz.ui.lecture.player import LecturePlayer

        if self.player is not None:
            self.player.activateWindow()
            return
        self._laboratory.pause()
        self.player = LecturePlayer(lecture, trainer=self._laboratory.trainer)
        self.player.left.connect(self._play_on)
        self.player.closed.connect(self._player_closed)
        self.player.start()

    def set_challenge(self, challenge: Challenge) -> None:
        """Begin a challenge: its experiment alone, and nothing free but what it frees."""
        from initviz.ui.challenge_bar import ChallengeBar
        from initviz.ui.goal_words import reason_for

        self.lift()
        bar = self.challenge = ChallengeBar(challenge)
        bar.set_theme(self._looks.worn)
        self._looks.changed.connect(bar.set_theme)
        bar.start_wanted.connect(self._desk.edit)
        bar.solution_wanted.connect(self._desk.edit)
        bar.done.connect(self.lift)
        self._strip.addWidget(bar)
        self._desk.use_only(challenge.experiment)
        self._since = self._stack.index()
        self._limits.set_free(challenge.free, reason_for(challenge))
        self._judge()

    def lift(self) -> None:
        """Nothing of a lecture or challenge limits the form any more."""
        self._limits.lift()
        bar, self.challenge = self.challenge, None
        if bar is not None:
            self._looks.changed.disconnect(bar.set_theme)
            self._strip.removeWidget(bar)
            bar.hide()
            bar.deleteLater()

    def close(self) -> None:
        """The window closes."""
        if self.player is not None:
            self.player.close()

    # -- how -------------------------------------------------------------------------------------

    def _player_closed(self) -> None:
        player, self.player = self.player, None
        if player is not None:
            player.deleteLater()
        self._window.activateWindow()

    def _play_on(self, stage: Stage, scene: Scene) -> None:
        """Somebody leaves a lecture: what the scene shows is theirs to play with."""
        lanes = [lane.experiment for lane in stage.lanes if lane.letter not in stage.veiled]
        if not lanes:
            return
        self._desk.use_only(*lanes)
        for name in stage.panels:
            if name not in self._board.arrangement.panels:
                self._board.add_panel(name)
        self._since = self._stack.index()
        self._limits.set(f"the scene “{scene.title}”", scene.locked, scene.hidden)

    def _judge(self, *_: object) -> None:
        """Hold the run of the lane that is edited against the goal."""
        if self.challenge is not None:
            self.challenge.show_recording(self._desk.lane.recording)

    def _stack_moved(self, index: int) -> None:
        if index < self._since:  # what was there before is back
            self._since = 0
            self.lift()
