"""The lecture player: text at left, panels at right, and the keys of a presenter's remote."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QResizeEvent, QScreen, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.lectures import Lecture, Stage
from initviz.session.analyst import Analyst
from initviz.session.trainer import Trainer
from initviz.ui import focus_keys, theme
from initviz.ui.lecture import keys
from initviz.ui.lecture.course import Course
from initviz.ui.lecture.footer import Footer
from initviz.ui.lecture.overlays import Blank, KeysSheet, Leaving, Overlay
from initviz.ui.lecture.page import Page
from initviz.ui.lecture.presenter import PresenterWindow
from initviz.ui.lecture.scene_list import SceneList
from initviz.ui.lecture.sketch import Sketch
from initviz.ui.lecture.sketching import Sketching
from initviz.ui.lecture.stage_panels import StagePanels
from initviz.ui.lecture.stagehand import Stagehand
from initviz.ui.theme import Theme

#: The share of the width that the text has.
TEXT = 0.315
#: What is going on is said anew at every so many ticks.
SLOW = 6
#: So many stops ahead the first steps of new experiments are measured.
AHEAD = 4


class LecturePlayer(QWidget):
    """One lecture in a window of its own. `start` fills a display with it; `close` ends its runs.

    A `trainer` that is lent is used and not closed.

    Signals:
        left: somebody leaves for the laboratory: the `Stage` and the `Scene` where that was.
        closed: it is over, whether one left or closed the window.
        moved: one stands at another stop.
    """

    left = Signal(object, object)
    closed = Signal()
    moved = Signal()

    def __init__(
        self,
        lecture: Lecture,
        make_look: Callable[[int], Theme] = theme.lecture,
        parent: QWidget | None = None,
        *,
        trainer: Trainer | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("lecture")
        self.setAccessibleName(f"Lecture: {lecture.title}")
        self.setWindowTitle(lecture.title)
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.course = Course(lecture)
        self._make_look = make_look
        self._look: Theme | None = None
        self._stage = Stage()
        self._fault = ""
        self._is_moving = self._is_closed = False
        self._began = time.monotonic()
        self._own_screen: QScreen | None = None
        self._analyst = Analyst(parent=self)
        self.hand = Stagehand(self._analyst, self, trainer=trainer)
        self._build()
        #: What the keys do, in this window and in the presenter's.
        self.verbs = self._verbs()
        keys.install(self, self.verbs)
        self.presenter = PresenterWindow(self)
        self._listen()
        self.resize(1280, 720)
        self.go(0)

    # -- building --------------------------------------------------------------------------------

    def _build(self) -> None:
        lecture = self.course.lecture
        self.page = Page()
        self.panels = StagePanels(self._analyst, self._make_look(720))
        self._sketching = Sketching(self.panels)
        self.footer = Footer(lecture.title, len(lecture.scenes))
        self._columns = QHBoxLayout()
        self._columns.addWidget(self.page)
        self._columns.addWidget(self.panels, 1)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addLayout(self._columns, 1)
        body.addWidget(self.footer)
        self._blank = Blank(self)
        self._leaving = Leaving(self, self._leave)
        self._keys = KeysSheet(self)
        self._scenes = SceneList(self, [scene.title for scene in lecture.scenes])

    def _verbs(self) -> dict[str, Callable[[], None]]:
        return {
            "next": self.next,
            "back": self.back,
            "home": self.home,
            "end": self.end,
            "scenes": self.show_scenes,
            "blank": self.blank,
            "run_live": self.run_live,
            "notes": self.toggle_notes,
            "help": self.show_keys,
            "leave": self.ask_to_leave,
            **{f"answer {digit}": partial(self.answer, int(digit)) for digit in keys.DIGITS},
        }

    def _listen(self) -> None:
        self.hand.renewed.connect(self._renewed)
        self.hand.grew.connect(self._grew)
        self.hand.settled.connect(self._settled)
        self.hand.ticked.connect(self._tick)
        self._sketching.submitted.connect(self._sketched)
        self.panels.experiment_wanted.connect(self._play_with)
        self.page.answered.connect(self.answer)
        self.footer.scenes_wanted.connect(self.show_scenes)
        self.footer.live_wanted.connect(self.run_live)
        self._scenes.chosen.connect(self._go_to_scene)
        for overlay in self._overlays:
            overlay.closed.connect(self._overlay_closed)

    @property
    def _overlays(self) -> tuple[Overlay, ...]:
        return self._blank, self._leaving, self._keys, self._scenes

    # -- from stop to stop -----------------------------------------------------------------------

    def start(self) -> None:
        """Fill a display; with two, the notes are on the one where one sits."""
        screens, own = QGuiApplication.screens(), QGuiApplication.primaryScreen()
        audience, self._own_screen = displays(screens, own)
        self.setScreen(audience)
        self.setGeometry(audience.geometry())
        self.showFullScreen()
        self._began = time.monotonic()
        if self._own_screen is not None:
            self.presenter.open_on(self._own_screen)
        self.activateWindow()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def go(self, index: int) -> None:
        """Stand at a stop, counted from 0: its text at once, its panels as they come."""
        self.course.go(index)
        self._is_moving, self._fault = True, ""
        self._sketching.end()
        try:
            self._stage = self.course.stage()
        except (ValueError, OSError) as error:  # data that an experiment is to read
            self._stage, self._fault = Stage(), str(error)
        self.panels.arrange(self._stage)
        self.hand.want_weights(self.panels.needs_weights)
        self.hand.set_stage(self._stage)
        self._show_text()
        faults = self.panels.dress(self.hand.shown())
        self._fault = " ".join(filter(None, (self._fault, faults)))
        self._sketching.begin(self.course, self._stage)
        self._is_moving = False
        if self.hand.is_settled:
            self._settled()
        self._say()
        self.moved.emit()

    def next(self) -> None:
        """One stop on: the answer, the next part, or the next scene; first the rest of a page."""
        if self._lift() or self.page.scroll_on():
            return
        if self.course.is_at_end:
            self.footer.say("The lecture ends here. Esc leaves to the laboratory.")
        else:
            self.go(self.course.index + 1)

    def back(self) -> None:
        """One stop back, just as it was."""
        if self._lift() or self.page.scroll_back():
            return
        if self.course.index > 0:
            self.go(self.course.index - 1)

    def home(self) -> None:
        """To the first scene."""
        self._go_to_scene(0)

    def end(self) -> None:
        """To the last scene."""
        self._go_to_scene(len(self.course.lecture.scenes) - 1)

    def answer(self, number: int) -> None:
        """Answer the question here with a choice, counted from 1, and see whether it is right."""
        if self.course.choose(number):
            self.go(self.course.index + 1)

    def _sketched(self) -> None:
        """A curve was handed in: the real one is shown below it."""
        if self.course.is_asking:
            self.go(self.course.index + 1)

    def _go_to_scene(self, scene: int) -> None:
        self.go(self.course.first_of(scene))

    # -- what else one does ----------------------------------------------------------------------

    def blank(self) -> None:
        """Make the display black, until any key."""
        self._blank.open()

    def show_scenes(self) -> None:
        """Open the list of scenes."""
        self._scenes.open_at(self.course.stop.scene)

    def show_keys(self) -> None:
        """Show what the keys do."""
        self._keys.open()

    def ask_to_leave(self) -> None:
        """Ask once."""
        self._leaving.open()

    def run_live(self) -> None:
        """Train here what is played from a recording."""
        if self.hand.recorded:
            self.hand.run_live()
            self._say()

    def toggle_notes(self) -> None:
        """Open the presenter's window, or close it."""
        if self.presenter.isVisible():
            self.presenter.hide()
        else:
            self.presenter.open_on(self._own_screen)

    @property
    def overlay(self) -> Overlay | None:
        """What lies over the lecture and has the keys; None if nothing does."""
        return next((overlay for overlay in self._overlays if not overlay.isHidden()), None)

    @property
    def sketch(self) -> Sketch | None:
        """What one draws on, where that is the answer to the question here."""
        return self._sketching.sketch

    @property
    def elapsed(self) -> float:
        """Seconds since the lecture was started."""
        return time.monotonic() - self._began

    def _lift(self) -> bool:
        """Take away what lies over the lecture; returns whether there was anything."""
        overlay = self.overlay
        if overlay is not None:
            overlay.shut()
        return overlay is not None

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way, be it for a later stop."""
        return self.hand.is_busy or self._analyst.is_busy

    def _overlay_closed(self) -> None:
        if self.isActiveWindow():
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _leave(self) -> None:
        self.left.emit(self._stage, self.course.scene)
        self.close()

    def _play_with(self, letter: str, wanted: Experiment) -> None:
        self.hand.play_with(letter, wanted)

    # -- showing ---------------------------------------------------------------------------------

    def _show_text(self) -> None:
        course = self.course
        self.footer.place.show_scene(course.stop.scene)
        self.page.show_text(course.scene.title, course.texts, self.hand.labels())
        self.page.show_question(course.question, course.chosen, course.stop.answered)

    def _renewed(self) -> None:
        if not self._is_moving:
            self.panels.show_now(self.hand.shown())
            self._say()

    def _grew(self) -> None:
        if not self._is_moving:
            self.panels.mark()
            if self.hand.is_settled:  # the clock stands still: what waited would wait for ever
                self.panels.show_now(self.hand.shown())

    def _tick(self, number: int) -> None:
        self.panels.tick(number, self.hand.shown())
        if number % SLOW == 0:
            self._say()

    def _settled(self) -> None:
        """Everything is where it should be: show it in full, and get ready what comes next."""
        if self._is_moving:
            return
        self.panels.settle(self.hand.shown())
        self.page.say_of_sketch(self._sketching.reveal())
        self.panels.begin_seeds()
        self._say()
        self.hand.prefetch(list(self.course.ahead(AHEAD)))

    def _say(self) -> None:
        """What is going on, in the footer."""
        recorded = self.hand.recorded
        trouble = " ".join(filter(None, (self._fault, self.hand.trouble)))
        if trouble:
            self.footer.say(trouble, is_trouble=True)
            return
        words = [f"{' and '.join(recorded)} recorded earlier" if recorded else "", self._progress()]
        self.footer.say(" · ".join(filter(None, words)), offers_live=bool(recorded))

    def _progress(self) -> str:
        if self.hand.is_measuring:
            return "measuring step 0…"
        progress = self.hand.progress
        return f"step {progress[0]} of {progress[1]}" if progress is not None else ""

    # -- Qt --------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # What is played with, and has the focus, keeps its own keys.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and focus_keys.keeps(QApplication.focusWidget(), event)
        ):
            event.accept()
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        look = self._make_look(self.height())
        if look != self._look:
            self._look = look
            self._wear(look)
        self._columns.setContentsMargins(0, 0, look.gap, look.gap)
        self._columns.setSpacing(0)
        self.page.setFixedWidth(round(TEXT * self.width()))
        self.panels.setContentsMargins(0, look.gap, 0, 0)
        for overlay in self._overlays:
            overlay.setGeometry(self.rect())

    def _wear(self, look: Theme) -> None:
        self.setStyleSheet(theme.style_sheet(look))
        self.setPalette(theme.palette(look))
        for part in (self.page, self.panels, self.footer, self._leaving, self._keys, self._scenes):
            part.set_theme(look)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.presenter.close()
            self.panels.stop()
            self.hand.close()
            self._analyst.close()
            self.closed.emit()
        super().closeEvent(event)


def displays(screens: Sequence[QScreen], primary: QScreen) -> tuple[QScreen, QScreen | None]:
    """Which display the audience sees, and which one the lecturer, if there are two."""
    others = [screen for screen in screens if screen is not primary]
    return (others[0], primary) if others else (primary, None)
