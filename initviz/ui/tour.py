"""Five beats that explain the window to who sees it for the first time; they block nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from initviz.ui.theme import Theme


@dataclass(frozen=True)
class TourBeat:
    """A part of the window, by its attribute there, and what is said of it."""

    part: str
    title: str
    text: str


BEATS: tuple[TourBeat, ...] = (
    TourBeat(
        "board",
        "What every layer measures",
        "Layer 1 is left or on top, everywhere. The orange lane learns, the blue one does not: its "
        "gradient falls from layer to layer. A “?” in a header says how to read that panel.",
    ),
    TourBeat(
        "form",
        "The experiment",
        "Data, layers, activation, initialiser. Each change starts anew at step 0, already "
        "measured: nothing needs Apply, and Ctrl+Z takes everything back.",
    ),
    TourBeat(
        "side",
        "The diagnosis",
        "What is wrong, by which rule and number, what heals it, and the proof: the same run with "
        "the remedy.",
    ),
    TourBeat(
        "toolbar",
        "Train",
        "Space runs and pauses, M is slow motion, R starts again with the same weights, Shift+R "
        "with others.",
    ),
    TourBeat(
        "timeline_bar",
        "Look back",
        "Every step that was recorded: ← and →, or the slider. F goes on from there with a change. "
        "L opens the lectures, F1 the help, ? the keys.",
    ),
)


class Tour(QObject):
    """Shows a beat after the other in a card beside the part that it is about.

    It takes no key from the window: Return goes on while no control has the focus that wants it,
    Esc ends it, and the buttons are reached by Tab.

    Signals:
        ended: it was gone through, or put away.
    """

    ended = Signal()

    def __init__(self, window: QWidget, part: Callable[[str], QWidget], look: Theme) -> None:
        super().__init__(window)
        self._window, self._part, self._look = window, part, look
        self._beat = 0
        self._frame = _Frame(window)
        self._card = _Card(window)
        self._card.on.clicked.connect(lambda: self.go(1))
        self._card.back.clicked.connect(lambda: self.go(-1))
        self._card.end.clicked.connect(self.end)
        window.installEventFilter(self)
        self.set_theme(look)
        self._show()

    @property
    def beat(self) -> int:
        """Which beat is shown, from 0."""
        return self._beat

    def go(self, by: int) -> None:
        """A beat further on or back; after the last one it ends."""
        self._beat = max(0, self._beat + by)
        if self._beat < len(BEATS):
            self._show()
        else:
            self.end()

    def end(self) -> None:
        """Put it away for good."""
        if self._card.isHidden():
            return
        self._window.removeEventFilter(self)
        for part in (self._frame, self._card):
            part.hide()
            part.deleteLater()
        self.ended.emit()
        self.deleteLater()

    def set_theme(self, look: Theme) -> None:
        """Draw in the colours of `look`."""
        self._look = look
        self._frame.colour = look.accent
        self._card.set_theme(look)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay beside what it is about."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._place()
        return False

    def _show(self) -> None:
        beat = BEATS[self._beat]
        self._card.say(beat, self._beat + 1, len(BEATS))
        self._place()
        for part in (self._frame, self._card):
            part.show()
            part.raise_()

    def _place(self) -> None:
        part = self._part(BEATS[min(self._beat, len(BEATS) - 1)].part)
        there = QRect(part.mapTo(self._window, QPoint(0, 0)), part.size())
        self._frame.setGeometry(there)
        self._card.fit()
        self._card.move(_beside(there, self._card, self._window.rect(), 2 * self._look.gap))


def _beside(part: QRect, card: QWidget, window: QRect, gap: int) -> QPoint:
    """Where a card goes: outside of the part where there is room, else in its lower right."""
    size = card.size()
    places = (
        QPoint(part.right() + gap, part.top() + gap),
        QPoint(part.left() - gap - size.width(), part.top() + gap),
        QPoint(part.left() + gap, part.bottom() + gap),
        QPoint(part.left() + gap, part.top() - gap - size.height()),
    )
    inside = window.adjusted(gap, gap, -gap, -gap)
    lower_right = part.bottomRight() - QPoint(size.width() + gap, size.height() + gap)
    return next((at for at in places if inside.contains(QRect(at, size))), lower_right)


class _Frame(QWidget):
    """A line around a part; the mouse goes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tour.frame")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.colour = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line alone."""
        painter = QPainter(self)
        painter.setPen(QPen(QColor(self.colour), 3))
        painter.drawRect(self.rect().adjusted(1, 1, -2, -2))


class _Card(QFrame):
    """What is said of a part, and the buttons."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tour")
        self.setAccessibleName("Tour of the window")
        self.setProperty("role", "tour")
        self._title = QLabel()
        self._title.setProperty("role", "title")
        self._text = QLabel()
        self._text.setObjectName("tour.text")
        self._text.setWordWrap(True)
        self._count = QLabel()
        self._count.setProperty("role", "soft")
        self.on, self.back, self.end = QPushButton(), QPushButton("Back"), QPushButton("Skip")
        for name, button in (("on", self.on), ("back", self.back), ("end", self.end)):
            button.setObjectName(f"tour.{name}")
            button.setProperty("role", "small")
        self.on.setShortcut("Return")
        buttons = QHBoxLayout()
        buttons.addWidget(self._count)
        buttons.addStretch(1)
        for button in (self.end, self.back, self.on):
            buttons.addWidget(button)
        body = self._body = QVBoxLayout(self)
        body.setContentsMargins(18, 14, 18, 14)
        body.setSpacing(10)
        body.addWidget(self._title)
        body.addWidget(self._text)
        body.addLayout(buttons)

    def set_theme(self, look: Theme) -> None:
        self.setFixedWidth(round(26 * look.text))

    def fit(self) -> None:
        """Be as high as the text is at this width."""
        for part in (self, *self.findChildren(QWidget)):
            part.ensurePolished()  # the sizes of text are known from then on
        border = self.contentsMargins()
        inner = self.width() - border.left() - border.right()
        height = self._body.totalHeightForWidth(inner)
        self.setFixedHeight(height + border.top() + border.bottom())

    def say(self, beat: TourBeat, number: int, count: int) -> None:
        """Show a beat."""
        self._title.setText(beat.title)
        self._text.setText(beat.text)
        self._count.setText(f"{number} of {count}")
        self.on.setText("Done" if number == count else "Next")
        self.on.setShortcut("Return")  # a new text takes it away
        self.back.setVisible(number > 1)
        self.end.setVisible(number < count)
        self.setAccessibleDescription(f"{beat.title}. {beat.text}")
        for button in (self.on, self.back, self.end):
            button.setAccessibleName(f"{button.text()}, tour")
