"""Everything under Help: what is explained, and to whom."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QWidget

from initviz.ui.about import show_about
from initviz.ui.keys_help import KeysHelp
from initviz.ui.looks import Looks


class HelpDesk(QObject):
    """Opens the help, the keys, the tour and the versions over a window.

    `has_seen_tour` is kept from one start to the next.
    """

    def __init__(self, looks: Looks, window: QMainWindow, *, has_seen_tour: bool) -> None:
        super().__init__(window)
        self._looks, self._window = looks, window
        self.has_seen_tour = has_seen_tour

    def show_help(self) -> None:
        """Panels, settings, schemes and words, to be searched."""
        # Most starts do without, and it brings all panels along.
        from initviz.ui.help.topics import topics
        from initviz.ui.help.window import HelpWindow

        open_already = self._window.findChild(HelpWindow)
        sheet = open_already or HelpWindow(topics(), self._looks.worn, self._window)
        sheet.show()
        sheet.activateWindow()

    def show_keys(self) -> None:
        """The list of keys."""
        KeysHelp(self._window).open()

    def show_about(self) -> None:
        """Versions and licence."""
        show_about(self._window)

    def show_tour(self) -> None:
        """Explain the window, from the first beat."""
        from initviz.ui.tour import Tour

        before = self._window.findChild(Tour)
        if before is not None:
            before.end()
        tour = Tour(self._window, self._part, self._looks.worn)
        self._looks.changed.connect(tour.set_theme)
        tour.ended.connect(self._tour_ended)
        leave = self._window.findChild(QAction, "action.panels")  # Esc
        assert leave is not None
        leave.triggered.connect(tour.end)

    def welcome(self) -> None:
        """Explain the window to who sees it for the first time."""
        if not self.has_seen_tour:
            self.show_tour()

    def _part(self, name: str) -> QWidget:
        part = getattr(self._window, name)
        assert isinstance(part, QWidget)
        return part

    def _tour_ended(self) -> None:
        self.has_seen_tour = True
