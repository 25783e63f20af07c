"""The presenter's window: notes, clock, where one is and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTime, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent, QScreen, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from initviz.ui import theme
from initviz.ui.lecture import keys
from initviz.ui.rich_builder import Setting
from initviz.ui.rich_text import RichText

if TYPE_CHECKING:
    from initviz.ui.lecture.player import LecturePlayer

#: Its text is as large as on a projector of so many lines: one reads it standing.
LINES = 900
#: Milliseconds between two looks at the clock.
PERIOD = 500
NO_NOTES = "There are no notes for this part."


class PresenterWindow(QWidget):
    """What the lecturer sees on a display of their own. The keys of the lecture work here too."""

    def __init__(self, player: LecturePlayer) -> None:
        super().__init__(player, Qt.WindowType.Window)
        self._player = player
        look = theme.lecture(LINES)
        self.setObjectName("presenter")
        self.setWindowTitle(f"Notes · {player.course.lecture.title}")
        self.setAccessibleName("Notes of the lecture")
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setStyleSheet(theme.style_sheet(look))
        self.place = self._label("presenter.place", "Where you are")
        self.clock = self._label("presenter.clock", "Time of day")
        self.elapsed = self._label("presenter.elapsed", "Time since the lecture began")
        self.notes, self.coming = (RichText(Setting(look, look.text)) for _ in range(2))
        body = QVBoxLayout(self)
        body.setContentsMargins(*[2 * look.gap] * 4)
        body.setSpacing(look.gap)
        top = QHBoxLayout()
        top.setSpacing(2 * look.gap)
        self.place.setWordWrap(True)
        top.addWidget(self.place, 1)
        for label in (self.elapsed, self.clock):
            top.addWidget(label)
        body.addLayout(top)
        for heading, text, share in (("Notes", self.notes, 3), ("Next", self.coming, 2)):
            body.addWidget(self._heading(heading))
            body.addWidget(self._scrolled(heading, text), share)
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD)
        self._timer.timeout.connect(self.tell_time)
        keys.install(self, player.verbs)
        player.moved.connect(self.renew)
        self.resize(960, 640)

    def open_on(self, screen: QScreen | None) -> None:
        """Fill a display of its own; without one, be a window."""
        if screen is not None:
            self.setScreen(screen)
            self.setGeometry(screen.availableGeometry())
            self.showMaximized()
        else:
            self.show()
        self.activateWindow()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def renew(self) -> None:
        """Say what belongs to the stop where the lecture is."""
        course = self._player.course
        self.place.setText(f"{course.place} · {course.scene.title}")
        self.notes.set_markdown(course.beat.notes or NO_NOTES)
        self.coming.set_markdown(course.coming)
        self.tell_time()

    def tell_time(self) -> None:
        """Show the time of day, and how much of the lecture's is over."""
        self.clock.setText(QTime.currentTime().toString("HH:mm"))
        minutes, seconds = divmod(round(self._player.elapsed), 60)
        planned = self._player.course.lecture.minutes
        self.elapsed.setText(f"{minutes}:{seconds:02d}" + (f" of {planned} min" if planned else ""))

    @staticmethod
    def _label(name: str, accessible: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setAccessibleDescription(accessible)
        label.setProperty("role", "title")
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label

    @staticmethod
    def _heading(text: str) -> QLabel:
        label = QLabel(text)
        label.setProperty("role", "heading")
        return label

    @staticmethod
    def _scrolled(heading: str, text: RichText) -> QScrollArea:
        """Long notes are scrolled by ↑ and ↓, once Tab has come there."""
        area = QScrollArea()
        area.setObjectName(f"presenter.{heading.lower()}")
        area.setAccessibleName(f"{heading}: ↑ and ↓ scroll")
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setProperty("role", "note")
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        area.setWidget(text)
        return area

    # -- Qt --------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # What lies over the lecture has all keys, wherever they are pressed.
        overlay = self._player.overlay
        kinds = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)
        if overlay is not None and event.type() in kinds and isinstance(event, QKeyEvent):
            return overlay.event(event)
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.renew()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)
