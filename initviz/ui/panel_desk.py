"""What a person does to the panels, and what panels want of the lanes."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QMenu

from initviz.lab.experiment import Experiment
from initviz.session.analyst import Analyst
from initviz.session.laboratory import Laboratory
from initviz.ui.board import PanelBoard
from initviz.ui.lane_desk import LaneDesk
from initviz.ui.layout import Layout
from initviz.ui.layout_history import ChangeLayout
from initviz.ui.panel_moves import PanelMenu
from initviz.ui.panels.seeds import Seeds

#: The lanes are told at every so many ticks of the clock.
SLOW = 6


class PanelDesk(QObject):
    """Stands between the board and the rest. `close` it with the window."""

    def __init__(
        self,
        board: PanelBoard,
        desk: LaneDesk,
        laboratory: Laboratory,
        stack: QUndoStack,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._board, self._desk, self._laboratory, self._stack = board, desk, laboratory, stack
        self.analyst = Analyst(parent=self)
        board.set_analyst(self.analyst)
        board.layout_changed.connect(self._layout_changed)
        board.experiment_wanted.connect(self._panel_wants)
        laboratory.clock.tick.connect(self._tick)

    def offer_in(self, menu: QMenu) -> None:
        """Let all panels stand at the top of a menu, to be added and removed."""
        menu.insertMenu(menu.actions()[0], PanelMenu(self._board, parent=menu))

    def reset_layout(self) -> None:
        """The panels as at the first start."""
        self._board.reset_layout()

    def run_seeds(self) -> None:
        """Run the lane that is edited from ten seeds, and show what is typical."""
        letter = self._desk.lane.letter
        if self._desk.setup.lane(letter).is_hidden:
            self._desk.toggle_hidden(letter)  # or nobody would see what comes of it
        self._board.add_panel("seeds")
        panel = self._board.panel("seeds")
        assert isinstance(panel, Seeds)
        panel.run(letter)

    def _tick(self, number: int) -> None:
        """Let the lanes keep whole states more often while a panel shows them."""
        if number % SLOW != 1:
            return
        wanted = any(panel.isVisible() and panel.needs_analyst for panel in self._board.panels)
        for lane in self._laboratory.lanes:
            lane.shows_weights = wanted

    def close(self) -> None:
        """End what is computed for panels, and wait for it."""
        self._board.stop()
        self.analyst.close()

    def _layout_changed(self, before: Layout, after: Layout, gesture: str) -> None:
        def title(name: str) -> str:
            return self._board.panel(name).title

        self._stack.push(ChangeLayout(before, after, self._board.use, title, gesture))

    def _panel_wants(self, letter: str, wanted: Experiment, gesture: str) -> None:
        """A panel asks for other initial weights; what else was changed meanwhile stays."""
        now = self._desk.setup.lane(letter).experiment
        changed = now.model_copy(update={"initialiser": wanted.initialiser})
        self._desk.edit(changed, letter, gesture=gesture)
