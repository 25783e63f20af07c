"""The window of help: a search field, a list of topics, and what is said of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from initviz.ui.help.topics import Topic
from initviz.ui.rich_builder import Setting
from initviz.ui.rich_text import RichText
from initviz.ui.theme import Theme

#: What the search field passes on to the list.
_WALKING = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})


class HelpWindow(QDialog):
    """Everything that can be looked up. It stays open beside the laboratory."""

    def __init__(self, topics: Sequence[Topic], look: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setWindowTitle("Help")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._topics = tuple(topics)
        self._search = QLineEdit()
        self._search.setObjectName("help.search")
        self._search.setAccessibleName("Search in help")
        self._search.setPlaceholderText("Search")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._fill)
        self._search.installEventFilter(self)
        self._list = QTreeWidget()
        self._list.setObjectName("help.topics")
        self._list.setAccessibleName("Topics")
        self._list.setHeaderHidden(True)
        self._list.setRootIsDecorated(True)
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.currentItemChanged.connect(self._show_current)
        self._title = QLabel()
        self._title.setObjectName("help.title")
        self._title.setProperty("role", "title")
        self._title.setWordWrap(True)
        self._text = RichText(Setting(look, 1.1 * look.text))
        self._text.setObjectName("help.text")
        self._lay_out(look)
        self.resize(round(68 * look.text), round(44 * look.text))
        self._fill("")
        self._search.setFocus()

    def _lay_out(self, look: Theme) -> None:
        self._title.setContentsMargins(0, 0, 0, 0)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(28, 24, 28, 24)
        column.setSpacing(look.gap)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName("Text")
        left = QVBoxLayout()
        left.setContentsMargins(16, 16, 0, 16)
        left.setSpacing(10)
        left.addWidget(self._search)
        left.addWidget(self._list, 1)
        body = QHBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addLayout(left, 2)
        body.addWidget(scroll, 3)

    @property
    def shown(self) -> Topic | None:
        """The topic that is read."""
        item = self._list.currentItem()
        topic = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        return topic if isinstance(topic, Topic) else None

    def look_up(self, words: str) -> None:
        """Search for these words."""
        self._search.setText(words)

    def _fill(self, words: str) -> None:
        """The topics with these words, under their sections; the first one is shown."""
        self._list.clear()
        first: QTreeWidgetItem | None = None
        sections: dict[str, QTreeWidgetItem] = {}
        for topic in sorted(self._topics, key=lambda one: not _in_title(one, words)):
            if not topic.matches(words):
                continue
            section = sections.get(topic.section)
            if section is None:
                section = sections[topic.section] = QTreeWidgetItem(self._list, [topic.section])
                section.setFlags(Qt.ItemFlag.ItemIsEnabled)
            item = QTreeWidgetItem(section, [topic.title])
            item.setData(0, Qt.ItemDataRole.UserRole, topic)
            first = first or item
        for place, section in enumerate(sections.values()):
            section.setExpanded(bool(words) or place == 0)
        if first is not None:
            self._list.setCurrentItem(first)
        else:
            self._title.setText("Nothing found")
            self._text.set_markdown(f"No topic has all of these words: {words}")

    def _show_current(self, item: QTreeWidgetItem | None, _before: object = None) -> None:
        topic = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        if isinstance(topic, Topic):
            self._title.setText(topic.title)
            self._text.set_markdown(topic.text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrows walk through the list while one types."""
        if (
            event.type() == QEvent.Type.KeyPress
            and isinstance(event, QKeyEvent)
            and event.key() in _WALKING
        ):
            QApplication.sendEvent(self._list, event)
            return True
        return False


def _in_title(topic: Topic, words: str) -> bool:
    return bool(words) and words.casefold() in topic.title.casefold()
