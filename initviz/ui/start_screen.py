"""Where one begins: lectures, challenges, what one had open lately, and a new experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from initviz.lab.lectures.outline import Outline
from initviz.ui.flow_layout import FlowLayout
from initviz.ui.theme import Theme

#: The size of a card, and of the picture on it, in heights of text.
LECTURE_CARD, CHALLENGE_CARD, FILE_CARD = (20.0, 19.6), (20.0, 4.6), (20.0, 4.6)
PICTURE = (18.4, 9.2)


class Card(QPushButton):
    """Something to choose: a picture if there is one, a heading, a few words below."""

    def __init__(
        self, name: str, heading: str, words: str, size: QSize, picture: QPixmap | None = None
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(heading)
        self.setAccessibleDescription(words)
        self.setProperty("role", "choice")
        self.setFixedSize(size)
        self.setToolTip(words)
        body = QVBoxLayout(self)
        body.setContentsMargins(11, 10, 11, 10)
        body.setSpacing(5)
        if picture is not None:
            shown = QLabel()
            shown.setPixmap(picture)
            shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
            body.addWidget(shown)
        for text, role in ((heading, "choice"), (words, "soft")):
            if not text:
                continue
            label = QLabel(text)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", role)
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            body.addWidget(label, int(role == "soft"))
        for part in self.findChildren(QLabel):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


class StartScreen(QDialog):
    """A sheet over the window. What is chosen closes it, and is then done; Esc only closes it."""

    def __init__(
        self,
        lectures: Sequence[Outline],
        challenges: Sequence[Outline],
        recent: Sequence[Path],
        look: Theme,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("start")
        self.setAccessibleName("Start")
        self.setWindowTitle("Start")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._look = look
        self._cards: list[list[QPushButton]] = []
        self._open: dict[str, Callable[[Path], None]] = {}
        self._new: Callable[[], None] | None = None
        self._ask: Callable[[], None] | None = None
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(28, 22, 28, 22)
        column.setSpacing(10)
        column.addLayout(self._heading())
        self._add(column, "Lectures", [self._lecture(one) for one in lectures])
        self._add(column, "Challenges", [self._challenge(one) for one in challenges])
        self._add(column, "Recent files", [self._file(path) for path in recent])
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll = scroll
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(scroll)
        self.resize(parent.window().size() * 0.94)
        self._focus(self._cards[0][0] if self._cards else None)

    def when(
        self,
        *,
        lecture: Callable[[Path], None],
        challenge: Callable[[Path], None],
        file: Callable[[Path], None],
        new: Callable[[], None],
        ask: Callable[[], None],
    ) -> None:
        """What is done with each kind of choice, once the sheet is closed."""
        self._open = {"lecture": lecture, "challenge": challenge, "file": file}
        self._new, self._ask = new, ask

    # -- building --------------------------------------------------------------------------------

    def _heading(self) -> QHBoxLayout:
        row = QHBoxLayout()
        title = QLabel("initviz")
        title.setProperty("role", "brand")
        row.addWidget(title)
        row.addStretch(1)
        for name, text, act in (
            ("start.open", "Open a file…", lambda: self._ask),
            ("start.new", "New experiment", lambda: self._new),
        ):
            button = QPushButton(text)
            button.setObjectName(name)
            button.setAccessibleName(text)
            button.setAutoDefault(True)  # Enter presses the one that has the focus
            if name == "start.new":
                button.setProperty("role", "primary")
            button.clicked.connect(lambda _=False, act=act: self._finish(act()))
            row.addWidget(button)
        return row

    def _add(self, column: QVBoxLayout, heading: str, cards: list[QPushButton]) -> None:
        if not cards:
            return
        label = QLabel(heading.upper())
        label.setProperty("role", "heading")
        column.addSpacing(6)
        column.addWidget(label)
        flow = FlowLayout(12)
        for card in cards:
            card.setAutoDefault(True)
            card.installEventFilter(self)
            flow.addWidget(card)
        self._cards.append(cards)
        column.addLayout(flow)

    def _size(self, of: tuple[float, float]) -> QSize:
        return QSize(round(of[0] * self._look.text), round(of[1] * self._look.text))

    def _lecture(self, one: Outline) -> QPushButton:
        number = "" if one.number is None else f"{one.number} · "
        words = one.summary
        picture = None
        if one.picture is not None:
            ratio = self.devicePixelRatioF()
            picture = QPixmap(str(one.picture)).scaled(
                self._size(PICTURE) * ratio,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            picture.setDevicePixelRatio(ratio)
        size = self._size(LECTURE_CARD)
        name = f"start.lecture.{one.path.stem}"
        return self._wired(
            Card(name, number + one.title, words, size, picture), "lecture", one.path
        )

    def _challenge(self, one: Outline) -> QPushButton:
        number = "" if one.number is None else f"{one.number} · "
        size = self._size(CHALLENGE_CARD)
        name = f"start.challenge.{one.path.stem}"
        return self._wired(Card(name, number + one.title, "", size), "challenge", one.path)

    def _file(self, path: Path) -> QPushButton:
        size = self._size(FILE_CARD)
        name = f"start.file.{path.name}"
        room, middle = size.width() - 24, Qt.TextElideMode.ElideMiddle
        heading, words = (
            self.fontMetrics().elidedText(text, middle, room)
            for text in (path.name, str(path.parent))
        )
        card = Card(name, heading, words, size)
        card.setToolTip(str(path))
        return self._wired(card, "file", path)

    def _wired(self, card: Card, kind: str, path: Path) -> QPushButton:
        card.clicked.connect(lambda: self._finish(lambda: self._open[kind](path)))
        return card

    # -- choosing --------------------------------------------------------------------------------

    def _finish(self, act: Callable[[], None] | None) -> None:
        self.close()
        if act is not None:
            act()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._walk(watched, Qt.Key(event.key()))
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self._scroll.ensureWidgetVisible(watched, 20, 40)
        return False

    def _walk(self, card: object, key: Qt.Key) -> bool:
        """From card to card by the arrows, Home and End; returns whether that was one of them."""
        cards = [one for group in self._cards for one in group]
        here = cards.index(card) if card in cards else 0
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            there = here + (1 if key == Qt.Key.Key_Right else -1)
            self._focus(cards[min(max(there, 0), len(cards) - 1)])
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._focus(self._beyond(cards, here, down=key == Qt.Key.Key_Down))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._focus(cards[0 if key == Qt.Key.Key_Home else -1])
        else:
            return False
        return True

    @staticmethod
    def _beyond(cards: Sequence[QPushButton], here: int, *, down: bool) -> QPushButton:
        """The nearest card in the next line below, or above; the same one where there is none."""
        at = cards[here].geometry().center()
        sign = 1 if down else -1
        others = [c for c in cards if sign * (c.geometry().center().y() - at.y()) > 4]
        if not others:
            return cards[here]
        line = min(sign * (c.geometry().center().y() - at.y()) for c in others)
        near = [c for c in others if sign * (c.geometry().center().y() - at.y()) < line + 4]
        return min(near, key=lambda c: abs(c.geometry().center().x() - at.x()))

    @staticmethod
    def _focus(card: QPushButton | None) -> None:
        if card is not None:
            card.setFocus(Qt.FocusReason.TabFocusReason)
