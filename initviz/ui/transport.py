"""Run, pause, step and speed; and which recorded step is looked at."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from initviz.session.laboratory import Laboratory
from initviz.session.lane import State
from initviz.ui.timeline_bar import TimelineBar
from initviz.ui.toolbar import ToolBar

SLOW_MOTION = 1.0  # steps a second


class Transport(QObject):
    """What the buttons above and the timeline below do, and what they show."""

    def __init__(
        self,
        laboratory: Laboratory,
        actions: dict[str, QAction],
        toolbar: ToolBar,
        bar: TimelineBar,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._laboratory, self._actions = laboratory, actions
        self._timeline = laboratory.timeline
        self._toolbar, self._bar = toolbar, bar
        self._speed_before: float | None = None
        self._is_single_step = False
        self._has_moved = False
        self._moves: tuple[bool, bool] | None = None
        bar.wanted.connect(self._timeline.go)
        toolbar.speed.changed.connect(self.set_speed)

    # -- what a person does ----------------------------------------------------------------------

    def toggle_run(self) -> None:
        """Train, or pause."""
        self._is_single_step = False
        if self._laboratory.state is not State.RUNNING:
            self._timeline.follow()
        self._laboratory.toggle()

    def step(self) -> None:
        """One recorded step on; at the end train one more."""
        if not self._timeline.follows_end:
            self._timeline.move(1)
        elif self._is_single_step or self._laboratory.state is not State.RUNNING:
            self._is_single_step = True
            self._laboratory.step()

    def step_back(self) -> None:
        """One recorded step back."""
        self._timeline.move(-1)

    def go_to_start(self) -> None:
        """Look at step 0."""
        self._timeline.go(0)

    def follow_end(self) -> None:
        """Look at the newest step, and stay with it."""
        self._timeline.follow()

    def toggle_slow_motion(self) -> None:
        """One step a second, or the speed that was before."""
        slow = self._laboratory.speed != SLOW_MOTION
        self._speed_before = self._laboratory.speed if slow else self._speed_before
        self.set_speed(SLOW_MOTION if slow else self._speed_before)

    def set_speed(self, speed: float | None) -> None:
        """At most so many steps a second; None for as fast as it goes."""
        self._laboratory.set_speed(speed)
        self._toolbar.speed.set_speed(speed)
        self._actions["slow"].setChecked(speed == SLOW_MOTION)

    @property
    def lasting_speed(self) -> float | None:
        """The speed to come back to: slow motion is for a moment."""
        slow = self._laboratory.speed == SLOW_MOTION
        return self._speed_before if slow else self._laboratory.speed

    # -- what is shown -----------------------------------------------------------------------------

    def show_state(self) -> None:
        """Say whether it runs."""
        is_running = self._laboratory.state is State.RUNNING
        if is_running and self._is_single_step:
            return  # over before anyone could read what it would say
        self._actions["run"].setText("Pause" if is_running else "Run")
        self._toolbar.set_running(is_running)

    def mark_moved(self) -> None:
        """There are new steps, or another one is looked at; told at the next `tick`."""
        self._has_moved = True
        self._allow_moves()  # at once, unlike what is only read

    def tick(self) -> None:
        """Show the position, if it is another."""
        if self._has_moved:
            self.show_position()

    def show_position(self) -> None:
        """Show which step of how many is looked at."""
        self._has_moved = False
        timeline = self._timeline
        live = timeline.follows_end and self._laboratory.state is State.RUNNING
        self._bar.show_position(timeline.step, timeline.last, live=live, kept=timeline.kept)
        self._allow_moves()

    def _allow_moves(self) -> None:
        moves = (self._timeline.step > 0, self._timeline.follows_end)
        if moves == self._moves:
            return  # asked at every tick, and Qt is slow to answer
        self._moves = moves
        for name in ("back", "start"):
            self._actions[name].setEnabled(moves[0])
        self._actions["end"].setEnabled(not moves[1])
