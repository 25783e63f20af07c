"""Which theme the window wears: light, dark or as the system is, and the projector's on top."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from initviz.ui import theme
from initviz.ui.theme import Theme


class Looks(QObject):
    """Keeps the choice, and makes the application look like it; `changed` brings the theme."""

    changed = Signal(object)

    def __init__(self, choice: str, scale: float, parent: QObject) -> None:
        super().__init__(parent)
        self.choice = choice
        self.projector = False
        #: The look that is worn now.
        self.worn = theme.LIGHT
        self._scale = scale
        self._is_changing = False
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    def choose(self, choice: str) -> None:
        """Wear "light", "dark" or "system" from now on."""
        self.choice = choice
        self.wear()

    def use_light(self) -> None:
        """Dark ink on white, from now on."""
        self.choose("light")

    def use_dark(self) -> None:
        """Light ink on a dark ground, from now on."""
        self.choose("dark")

    def use_system(self) -> None:
        """Light or dark as the desktop is, from now on."""
        self.choose("system")

    def toggle(self) -> None:
        """From light to dark, or back."""
        self.choose("light" if theme_for(self.choice).dark else "dark")

    def show_projector(self, projector: bool) -> None:
        """Put the projector's theme on, or take it off."""
        self.projector = projector
        self.wear()

    def wear(self) -> None:
        """Make the application look as chosen."""
        self._is_changing = True
        worn = theme.PROJECTOR if self.projector else theme_for(self.choice)
        look = worn.scaled(self._scale)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, look)
        if self.choice == "system":
            app.styleHints().unsetColorScheme()  # or the system's word would not be heard
        self._is_changing = False
        self.worn = look
        self.changed.emit(look)

    def _system_changed(self) -> None:
        if self.choice == "system" and not self._is_changing:
            self.wear()


def theme_for(choice: str) -> Theme:
    """The theme that a choice stands for now."""
    if choice != "system":
        return theme.THEMES[choice]
    hints = QGuiApplication.styleHints()
    hints.unsetColorScheme()
    return theme.DARK if hints.colorScheme() == Qt.ColorScheme.Dark else theme.LIGHT
