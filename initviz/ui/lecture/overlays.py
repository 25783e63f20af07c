"""What lies over a lecture for a moment and has all keys: a blank display, a question, a sheet."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from initviz.ui.lecture.keys import ENTRIES
from initviz.ui.theme import BLACKOUT, Theme

_MODIFIERS = frozenset(
    {Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr}
)
_ENTER = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class Overlay(QWidget):
    """Covers its parent until it is closed; no key gets past it.

    Signals:
        closed: it is gone, and the keys are the lecture's again.
    """

    closed = Signal()
    #: How strongly it dims what lies below, 0 to 1.
    dims = 0.45

    def __init__(self, parent: QWidget, name: str, accessible: str) -> None:
        super().__init__(parent)
        self.below = parent
        self.setObjectName(f"lecture.{name}")
        self.setAccessibleName(accessible)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._body = QVBoxLayout(self)
        self.hide()

    def open(self) -> None:
        """Lie over everything, and take the keys."""
        self.setGeometry(self.below.rect())
        self.raise_()
        self.show()
        self.take_focus()

    def take_focus(self) -> None:
        """Have the keys."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def shut(self) -> None:
        """Be gone."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def pressed(self, event: QKeyEvent) -> None:
        """A key was pressed, but not one that only modifies others: any takes it away."""
        self.shut()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if Qt.Key(event.key()) not in _MODIFIERS:
                self.pressed(event)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.shut()

    def paintEvent(self, event: QPaintEvent) -> None:
        shade = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        shade.setAlphaF(self.dims)
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), shade)


class Blank(Overlay):
    """A black display: all look at the lecturer."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "blank", "The display is blank")
        self.setCursor(Qt.CursorShape.BlankCursor)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(BLACKOUT))


class Sheet(Overlay):
    """A card in the middle."""

    def __init__(self, parent: QWidget, name: str, accessible: str) -> None:
        super().__init__(parent, name, accessible)
        self.card = QFrame()
        self.card.setProperty("role", "card")
        self._body.addWidget(self.card, 0, Qt.AlignmentFlag.AlignCenter)

    def set_theme(self, look: Theme) -> None:
        """Keep the card's margins in proportion to the text."""
        inside = self.card.layout()
        if inside is not None:
            inside.setContentsMargins(*[2 * look.gap] * 4)


class Leaving(Sheet):
    """Asks once whether to leave: Esc again or Enter leaves, every other key stays."""

    def __init__(self, parent: QWidget, leave: Callable[[], None]) -> None:
        sentence = (
            "Esc again or Enter leaves to the laboratory with this scene, any other key stays."
        )
        super().__init__(parent, "leaving", f"Leave the lecture? {sentence}")
        self._leave = leave
        title, text = QLabel("Leave the lecture?"), QLabel(sentence)
        title.setProperty("role", "title")
        text.setObjectName("lecture.leaving.text")
        inside = QVBoxLayout(self.card)
        inside.addWidget(title)
        inside.addWidget(text)

    def pressed(self, event: QKeyEvent) -> None:
        self.shut()
        if Qt.Key(event.key()) in _ENTER | {Qt.Key.Key_Escape}:
            self._leave()


class KeysSheet(Sheet):
    """All keys of the lecture; any key closes it."""

    def __init__(self, parent: QWidget) -> None:
        said = "; ".join(f"{entry.words}: {entry.what}" for entry in ENTRIES)
        super().__init__(parent, "keys", f"Keys. {said}")
        grid = QGridLayout(self.card)
        rows = [(entry.words, entry.what) for entry in ENTRIES]
        rows.insert(4, ("1 … 6", "Answer the question; Page Down shows the answer without"))
        rows.append(("Tab", "Reach what can be played with: it keeps its own keys then"))
        for row, (keys, what) in enumerate(rows):
            left = QLabel(keys)
            left.setProperty("role", "value")
            font = left.font()
            font.setBold(True)
            left.setFont(font)
            grid.addWidget(left, row, 0)
            grid.addWidget(QLabel(what), row, 1)
        grid.setHorizontalSpacing(32)
