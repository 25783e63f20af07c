"""The list of scenes, over the lecture: arrow keys and Enter, or a click."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from initviz.ui.lecture.overlays import Sheet
from initviz.ui.theme import Theme

#: What its keys do to the row that is chosen: so many rows on, or to an end.
_MOVES = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageDown: 1,
    Qt.Key.Key_PageUp: -1,
    Qt.Key.Key_Home: -1000,
    Qt.Key.Key_End: 1000,
}
_CHOOSE = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space})


class SceneList(Sheet):
    """Emits `chosen` with the number of a scene, from 0. Any other key closes it."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget, titles: Sequence[str]) -> None:
        super().__init__(parent, "scenes", "Scenes")
        heading = QLabel("Scenes")
        heading.setProperty("role", "title")
        self.list = QListWidget()
        self.list.setObjectName("lecture.scenes.list")
        self.list.setAccessibleName("Scenes: ↑ and ↓ choose, Enter goes there")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its sheet has the keys
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for number, title in enumerate(titles, 1):
            self.list.addItem(QListWidgetItem(f"{number}   {title}"))
        self.list.itemClicked.connect(lambda item: self._choose(self.list.row(item)))
        inside = QVBoxLayout(self.card)
        inside.addWidget(heading)
        inside.addWidget(self.list, 1)

    def open_at(self, scene: int) -> None:
        """Open with this scene chosen."""
        self._fit()
        self.list.setCurrentRow(scene)
        self.open()

    def set_theme(self, look: Theme) -> None:
        super().set_theme(look)
        self.list.setStyleSheet(
            "QListWidget { border: 0; background: transparent; }"
            f"QListWidget::item {{ padding: {look.gap // 2}px; color: {look.ink}; }}"
            f"QListWidget::item:selected {{ background: {look.accent}; color: {look.on_accent}; }}"
        )
        self._fit()

    def pressed(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _MOVES:
            last = self.list.count() - 1
            self.list.setCurrentRow(min(max(self.list.currentRow() + _MOVES[key], 0), last))
            self.setAccessibleDescription(self.list.currentItem().text())
        elif key in _CHOOSE:
            self._choose(self.list.currentRow())
        else:
            self.shut()

    def _choose(self, scene: int) -> None:
        self.shut()
        self.chosen.emit(scene)

    def _fit(self) -> None:
        """As large as the list, where the display has room."""
        room = self.below.size() * 0.8
        rows = sum(self.list.sizeHintForRow(row) for row in range(self.list.count()))
        self.list.setFixedWidth(min(max(self.list.sizeHintForColumn(0) + 24, 480), room.width()))
        self.list.setFixedHeight(min(rows + 8, room.height() - 80))
