"""The strip below a lecture: where one is, as dots and in words, and what is going on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QLabel, QPushButton, QWidget

from initviz.ui.panels.drawing import elided, width_of, write
from initviz.ui.theme import LIGHT, Theme

#: Of the text's height: the radius of a dot, and the distance between two.
_DOT, _PITCH = 0.3, 1.05
#: With more scenes than this the dots would leave no room for words.
MOST_DOTS = 24


class Place(QAbstractButton):
    """A dot for each scene, and "4 of 10 · the title"; a click opens the list of scenes."""

    def __init__(self, title: str, scenes: int) -> None:
        super().__init__()
        self._title, self._scenes, self._scene = title, scenes, 0
        self._theme = LIGHT
        self.setObjectName("lecture.place")
        self.setToolTip("List of scenes (G)")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_scene(0)

    def set_theme(self, look: Theme) -> None:
        """Paint in the colours and sizes of `look`."""
        self._theme = look
        self.updateGeometry()
        self.update()

    def show_scene(self, scene: int) -> None:
        """Say that one is in this scene, counted from 0."""
        self._scene = scene
        self.setAccessibleName(f"Scene {self.words}. Opens the list of scenes")
        self.update()

    @property
    def words(self) -> str:
        """What is written."""
        return f"{self._scene + 1} of {self._scenes} · {self._title}"

    def sizeHint(self) -> QSize:
        text = self._theme.small
        return QSize(round(self._begin + width_of(self.words, text) + 2 * text), 2 * text)

    def minimumSizeHint(self) -> QSize:
        return QSize(round(self._begin) + 8 * self._theme.small, 2 * self._theme.small)

    @property
    def _begin(self) -> float:
        """Where the words begin."""
        text = self._theme.small
        return text * (0.4 + (_PITCH * self._scenes + 0.6) * (self._scenes <= MOST_DOTS))

    def paintEvent(self, event: QPaintEvent) -> None:
        look, text = self._theme, self._theme.small
        middle, radius = self.height() / 2, _DOT * text
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for scene in range(self._scenes if self._scenes <= MOST_DOTS else 0):
                # Open rings and one full disc: told apart by more than a shade of grey.
                is_here = scene == self._scene
                painter.setPen(QPen(QColor(look.ink if is_here else look.axis), 1.5))
                painter.setBrush(QColor(look.ink if is_here else look.surface))
                at = QPointF((0.9 + _PITCH * scene) * text, middle)
                painter.drawEllipse(
                    at, radius * (1.1 if is_here else 0.9), radius * (1.1 if is_here else 0.9)
                )
            room = self.width() - self._begin
            said = elided(self.words, text, room)
            write(painter, said, (self._begin, middle), look.ink_soft, text)
            if self.hasFocus():
                painter.setPen(QPen(QColor(look.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)


class Footer(QWidget):
    """The place at the left, and at the right what runs, what is recorded and what went wrong.

    Signals:
        scenes_wanted: somebody clicked on the place.
        live_wanted: somebody wants to see run what is played from a recording.
    """

    scenes_wanted = Signal()
    live_wanted = Signal()

    def __init__(self, title: str, scenes: int) -> None:
        super().__init__()
        self.setObjectName("lecture.footer")
        self._theme = LIGHT
        self.place = Place(title, scenes)
        self.place.clicked.connect(lambda: self.scenes_wanted.emit())
        self.notice = QLabel()
        self.notice.setObjectName("lecture.notice")
        self.notice.setWordWrap(True)
        self.notice.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.live = QPushButton("Run it live (V)")
        self.live.setObjectName("lecture.run_live")
        self.live.setAccessibleName("Run live what is played from a recording")
        self.live.clicked.connect(lambda: self.live_wanted.emit())
        self.live.hide()
        self._body = QHBoxLayout(self)
        self._body.addWidget(self.place, 1)
        self._body.addWidget(self.notice, 1)
        self._body.addWidget(self.live)

    def set_theme(self, look: Theme) -> None:
        """Take the colours and sizes of `look`."""
        self._theme = look
        self.place.set_theme(look)
        self._body.setContentsMargins(2 * look.gap, 0, 2 * look.gap, 0)
        self._body.setSpacing(look.gap)
        self.setFixedHeight(round(3.6 * look.small))
        self._wear(self.notice.property("role") or "soft")

    def say(self, sentence: str, *, is_trouble: bool = False, offers_live: bool = False) -> None:
        """Say what is going on; an empty sentence takes it away."""
        self._wear("error" if is_trouble else "soft")
        self.notice.setText(sentence)
        self.notice.setAccessibleName(sentence)
        self.live.setVisible(offers_live)

    def _wear(self, role: str) -> None:
        look = self._theme
        self.notice.setProperty("role", role)
        colour = look.danger if role == "error" else look.ink_soft
        self.notice.setStyleSheet(f"color: {colour}; font-size: {look.small}px;")

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setPen(QPen(QColor(self._theme.border), 1))
            painter.drawLine(0, 0, self.width(), 0)
