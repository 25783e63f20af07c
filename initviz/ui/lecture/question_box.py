"""A question that is to be answered before the scene shows the answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFont,
    QFontMetricsF,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from initviz.ui import theme as themes
from initviz.ui.markdown import plain
from initviz.ui.rich_builder import Setting
from initviz.ui.rich_document import RichDocument
from initviz.ui.rich_text import RichText

if TYPE_CHECKING:
    from initviz.lab.lectures import Question

#: What is said of a choice once the question is answered: by whether it is right, and chosen.
_MARKS: dict[tuple[bool, bool], str] = {
    (True, True): "✓ your answer, and right",
    (True, False): "✓ right",
    (False, True): "✗ your answer",
    (False, False): "",
}
_SKETCH = "Draw your curve on the panel, then go on."
_CALL = "**Predict first.**"


class QuestionBox(QWidget):
    """The grey box: the question, numbered choices and, once it is answered, the reason."""

    #: A choice was clicked: its number, from 1.
    chosen = Signal(int)

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lecture.question")
        self._setting = setting
        self._question: Question | None = None
        self._answered = False
        self._of_sketch = ""
        self._ask = RichText(setting, "", self)
        self._because = RichText(setting, "", self)
        for text in (self._ask, self._because):
            text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._choices: list[Choice] = []

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The choices, in order; none where the answer is a sketch."""
        return tuple(self._choices)

    @property
    def open(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._choices) and not self._answered

    def show_question(self, question: Question, chosen: int | None, answered: bool) -> None:
        """Ask, or show what was `chosen` (from 1, or None), what is right, and why."""
        if question != self._question:
            self._replace_choices(question)
        self._question, self._answered, self._of_sketch = question, answered, ""
        for choice in self._choices:
            choice.mark(
                right=answered and choice.number == question.answer,
                chosen=answered and choice.number == chosen,
                answered=answered,
            )
        self.setAccessibleName("Question")
        self.setAccessibleDescription(self.words())

    def say_of_sketch(self, words: str) -> bool:
        """Say how far off a curve was, before the reason; returns whether that is new."""
        is_new = words != self._of_sketch
        self._of_sketch = words
        if is_new:
            self.setAccessibleDescription(self.words())
        return is_new

    def words(self) -> str:
        """Everything that is shown, for who listens."""
        return "\n".join(
            [plain(text) for text in self._texts()[:1]]
            + [choice.accessibleName() for choice in self._choices]
            + [plain(text) for text in self._texts()[1:]]
        )

    def fit(self, setting: Setting, width: int) -> int:
        """Lay everything out at a width; returns the height. Both in pixels."""
        self._setting = setting
        texts = self._texts()
        around = round(0.9 * setting.size)
        inner = width - 2 * around
        y = around - round(0.2 * setting.size)
        self._ask.present(texts[0], setting)
        y = self._ask.place(around, y, inner)
        for choice in self._choices:
            # The air around a choice belongs to it: so the whole line can be clicked.
            height = choice.fit(setting, inner + around)
            choice.setGeometry(around // 2, y, inner + around, height)
            y += height
        self._because.setVisible(len(texts) > 1)
        if len(texts) > 1:
            self._because.present(texts[1], setting)
            y = self._because.place(around, y + round(0.3 * setting.size), inner)
        return y + around

    def documents(self) -> Iterator[RichDocument]:
        """What is shown, as it is laid out."""
        yield self._ask.rich_document
        yield from (choice.rich_document for choice in self._choices)
        if len(self._texts()) > 1:
            yield self._because.rich_document

    def _texts(self) -> list[str]:
        """The question, and the reason if it is due."""
        question = self._question
        if question is None:
            return [""]
        ask = f"{_CALL} {question.ask}"
        if question.sketch and not self._answered:
            ask = f"{ask}\n\n{_SKETCH}"
        because = [f"**Your sketch:** {self._of_sketch}."] if self._of_sketch else []
        because += [question.because] if question.because else []
        return [ask, "\n\n".join(because)] if self._answered and because else [ask]

    def _replace_choices(self, question: Question) -> None:
        for choice in self._choices:
            choice.hide()
            choice.deleteLater()
        self._choices = [
            Choice(number, text, self._setting, self)
            for number, text in enumerate(question.choices, start=1)
        ]
        for choice in self._choices:
            choice.clicked.connect(self._click)
            choice.show()

    def _click(self) -> None:
        choice = self.sender()
        if self.open and isinstance(choice, Choice):
            self.chosen.emit(choice.number)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._setting.theme.note))
        radius = self._setting.theme.radius
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)


class Choice(QAbstractButton):
    """One numbered choice. Tab reaches it; a click does not take the focus from the lecture."""

    def __init__(
        self, number: int, markdown: str, setting: Setting, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.number = number
        self.setObjectName(f"lecture.choice.{number}")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._markdown = markdown
        self._setting = setting
        self._right = self._chosen = self._answered = False
        self._is_pointed_at = False
        self._begin = QPoint()  # where the pointer came in, or was when this came up
        self.setMouseTracking(True)
        self._document: RichDocument | None = None
        self._name()

    @property
    def rich_document(self) -> RichDocument:
        """The text, as it is laid out."""
        if self._document is None:
            self._document = RichDocument(self._shown, self._wording, self)
        return self._document

    def mark(self, *, right: bool, chosen: bool, answered: bool) -> None:
        """Say what became of the choice."""
        if (right, chosen, answered) == (self._right, self._chosen, self._answered):
            return
        self._right, self._chosen, self._answered = right, chosen, answered
        self._forget()
        self._name()
        self.setCursor(
            Qt.CursorShape.ArrowCursor if answered else Qt.CursorShape.PointingHandCursor
        )

    def fit(self, setting: Setting, width: int) -> int:
        """Lay the text out at a width; returns the height. Both in pixels."""
        if setting != self._setting:
            self._setting = setting
            self._forget()
        height = self.rich_document.height_at(width - self._left - self._around)
        return -int(-height // 1)

    def sizeHint(self) -> QSize:
        """As it was laid out."""
        return self.size()

    @property
    def _mark(self) -> str:
        return _MARKS[self._right, self._chosen] if self._answered else ""

    @property
    def _shown(self) -> str:
        mark = self._mark.replace(" ", "\u00a0")  # it is never broken
        return f"{self._markdown} **{mark}**" if mark else self._markdown

    @property
    def _wording(self) -> Setting:
        """Quiet, but for the right answer and the chosen one."""
        return replace(self._setting, soft=not self._mark)

    @property
    def _around(self) -> int:
        return round(0.45 * self._setting.size)

    @property
    def _left(self) -> int:
        """Where the text begins, behind the number."""
        return self._around + round(1.15 * self._setting.size)

    def _forget(self) -> None:
        if self._document is not None:
            self._document.deleteLater()
        self._document = None
        self.update()

    def _name(self) -> None:
        words = plain(self._markdown)
        self.setAccessibleName(", ".join(filter(None, (f"{self.number}: {words}", self._mark))))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Once the question is answered, all keys are the lecture's."""
        if self._answered:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show that it can be clicked."""
        super().enterEvent(event)
        self._begin = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Only a pointer that was moved points: one that lay where this came up does not."""
        super().mouseMoveEvent(event)
        if event.position().toPoint() != self._begin:
            self._point(True)

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer is elsewhere."""
        super().leaveEvent(event)
        self._point(False)

    def hideEvent(self, event: QHideEvent) -> None:
        """What comes up again is not pointed at."""
        super().hideEvent(event)
        self._point(False)

    def _point(self, pointed: bool) -> None:
        if pointed != self._is_pointed_at:
            self._is_pointed_at = pointed
            self.update()

    def _draw_frame(self, painter: QPainter, colour: str) -> None:
        """A frame, not a ground: the text is as easy to read as before."""
        radius = self._setting.theme.radius / 2
        painter.setPen(QPen(QColor(colour), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), radius, radius)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The number, the text and, where the pointer or the focus is, a frame."""
        theme = self._setting.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._is_pointed_at and not self._answered:
            self._draw_frame(painter, theme.axis)
        if self.hasFocus() and not self._answered:
            self._draw_frame(painter, theme.accent)
        document = self.rich_document
        weight = QFont.Weight.Bold if self._mark else QFont.Weight.Normal
        painter.setFont(themes.font(self._setting.size, weight))
        painter.setPen(QColor(self._wording.ink))
        line = document.firstBlock().layout().lineAt(0)
        baseline = document.firstBlock().layout().position().y() + line.y() + line.ascent()
        digit = str(self.number)
        right = self._left - 0.45 * self._setting.size
        x = right - QFontMetricsF(painter.font()).horizontalAdvance(digit)
        painter.drawText(round(x), round(baseline), digit)
        painter.translate(self._left, 0)
        document.paint(painter)
