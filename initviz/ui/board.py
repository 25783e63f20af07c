"""The panels in the middle: how they are laid out, and when each is drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from initviz.ui.panels import PANELS
from initviz.ui.panels.base import Panel, Shown
from initviz.ui.theme import Theme

#: So many panels stand in the first row; the others in the second.
IN_FIRST_ROW = 2
#: The words beside the titles are renewed at every so many ticks.
WORDS = 6


class PanelBoard(QWidget):
    """All panels, in two rows whose sizes a person can drag.

    What the panels show is asked from `shown` when they are drawn. `mark` says that there is
    something new; each panel is then drawn at its own pace, at every `every`-th tick.
    """

    def __init__(self, shown: Callable[[], Sequence[Shown]]) -> None:
        super().__init__()
        self.setObjectName("panels")
        self.setAccessibleName("Panels")
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._shown = shown
        self.panels: list[Panel[Any]] = [make() for make in PANELS]
        self._marked: set[Panel[Any]] = set()
        self.rows = [QSplitter(Qt.Orientation.Horizontal) for _ in range(2)]
        self.column = QSplitter(Qt.Orientation.Vertical)
        for number, row in enumerate(self.rows):
            row.setChildrenCollapsible(False)
            row.setObjectName(f"row{number}")
            self.column.addWidget(row)
        for place, panel in enumerate(self.panels):
            self.rows[place >= IN_FIRST_ROW].addWidget(panel)
        self.column.setChildrenCollapsible(False)
        self.column.setObjectName("rows")
        self.column.setSizes([570, 430])
        for row in self.rows:
            row.setSizes([1000] * row.count())
        self._waiting = QLabel("Measuring step 0…", self)
        self._waiting.setObjectName("waiting")
        self._waiting.setProperty("role", "pill")
        self._body = QVBoxLayout(self)
        self._body.addWidget(self.column)

    def splitters(self) -> dict[str, QSplitter]:
        """What can be dragged, by name."""
        return {splitter.objectName(): splitter for splitter in (self.column, *self.rows)}

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on, with its gaps."""
        self._body.setContentsMargins(theme.gap, theme.gap, theme.gap, theme.gap)
        for splitter in (self.column, *self.rows):
            splitter.setHandleWidth(theme.gap)
        for panel in self.panels:
            panel.set_theme(theme)

    def say(self, sentence: str) -> None:
        """Say something in the middle of the panels; an empty sentence takes it away."""
        self._waiting.setText(sentence)
        self._waiting.adjustSize()
        self._waiting.move(self.rect().center() - self._waiting.rect().center())
        self._waiting.setVisible(bool(sentence))
        self._waiting.raise_()

    def mark(self) -> None:
        """There is something new to draw."""
        self._marked.update(self.panels)

    @property
    def is_marked(self) -> bool:
        """Whether something still waits to be drawn."""
        return any(panel.isVisible() for panel in self._marked)

    def undrawn(self) -> list[str]:
        """The names of the panels that can be seen but have not drawn yet."""
        return [p.name for p in self.panels if p.isVisible() and not p.has_drawn]

    def tick(self, number: int) -> None:
        """Draw the marked panels whose turn it is. Hidden ones stay marked."""
        turn = [p for p in self._marked if p.isVisible() and number % p.every == 0]
        self._draw(turn, words=number % WORDS == 0)

    def draw_now(self) -> None:
        """Draw every panel that can be seen, whoever's turn it is."""
        self.mark()
        self._draw([panel for panel in self.panels if panel.isVisible()])

    def _draw(self, panels: Sequence[Panel[Any]], *, words: bool = True) -> None:
        if panels:
            shown = self._shown()
            for panel in panels:
                panel.show_data(shown, words=words)
            self._marked.difference_update(panels)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self._waiting.isHidden():
            self.say(self._waiting.text())
        return super().event(event)
