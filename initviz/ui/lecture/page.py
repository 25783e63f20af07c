"""The text column of a lecture: the scene's title, what was said so far, and a question.

Nothing is ever cut off. Of the beats so far the newest are shown that fit whole below the title.
Where not even the newest fits, the text becomes smaller, but never smaller than can be read; where
that is not enough, it scrolls, and a sign says so. `Page.overflows` tells, so that every scene of
every shipped lecture can be held to a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from initviz.ui import theme as themes
from initviz.ui.lecture.question_box import QuestionBox
from initviz.ui.markdown import plain
from initviz.ui.rich_builder import Setting
from initviz.ui.rich_document import RichDocument
from initviz.ui.rich_text import RichText
from initviz.ui.theme import PROJECTOR, Theme

if TYPE_CHECKING:
    from initviz.lab.lectures import Question

#: No letters of the text are smaller, in pixels.
SMALLEST = 18.0
#: The page for which the sizes below are given: that of a window of 1920 × 1080.
_WIDTH, _HEIGHT = 605, 990
_BODY, _TITLE, _SMALLEST_TITLE = 28.0, 50.0, 26.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 52, 24, 24
_BELOW_TITLE, _BETWEEN = 22, 18
#: How sizes are reduced, step by step, where the newest beat does not fit.
_STEPS = (1.0, 0.94, 0.88, 0.82, 0.76, 0.7, 0.64)


@dataclass(frozen=True)
class _Measures:
    """How large everything is, in pixels."""

    left: int
    top: int
    width: int
    height: int
    below_title: int
    between: int
    title: Setting
    body: Setting

    @classmethod
    def of(cls, theme: Theme, size: QSize, step: float) -> _Measures:
        """For a page of a size, reduced by a step."""
        scale = min(size.width() / _WIDTH, size.height() / _HEIGHT)
        left, right = round(_LEFT * scale), round(_RIGHT * scale)
        top, bottom = round(_TOP * scale), round(_BOTTOM * scale)
        tight = scale * step
        body = Setting(theme, max(SMALLEST, round(_BODY * tight)), 1.42 - 0.6 * (1 - step))
        title = Setting(
            theme,
            max(_SMALLEST_TITLE, round(_TITLE * tight)),
            1.1,
            QFont.Weight.Bold,
            tracking=-0.02,
        )
        return cls(
            left=left,
            top=top,
            width=max(1, size.width() - left - right),
            height=max(1, size.height() - top - bottom),
            below_title=round(_BELOW_TITLE * tight),
            between=round(_BETWEEN * tight),
            title=title,
            body=body,
        )


class Page(QWidget):
    """Shows the words of a lecture. Keys are the player's; digits answer a question here too."""

    #: A choice was clicked, or its digit typed: its number, from 1.
    answered = Signal(int)

    def __init__(self, parent: QWidget | None = None, theme: Theme = PROJECTOR) -> None:
        super().__init__(parent)
        self.setObjectName("lecture.page")
        self.setAccessibleName("Lecture text")
        self._theme = theme
        self._title = ""
        self._parts: tuple[str, ...] = ()
        self._only_asks = False  # the newest beat has no words, only a question
        self._labels: dict[str, str] = {}
        self._question: Question | None = None
        self._overflows = False
        self._column = QWidget()
        self._scroll = _scroll_area(self, self._column)
        measures = _Measures.of(theme, QSize(_WIDTH, _HEIGHT), 1.0)
        self._heading = self._text(measures.title)
        self._texts: list[RichText] = []
        self._box = QuestionBox(measures.body, self._column)
        self._box.hide()
        self._box.chosen.connect(self.answered)
        self._more = _More(theme, self)
        bar = self._scroll.verticalScrollBar()
        bar.valueChanged.connect(self._show_whether_more)
        bar.rangeChanged.connect(self._show_whether_more)

    # ------------------------------------------------------------ what is shown

    def show_text(
        self, title: str, parts: Sequence[str], lane_labels: Mapping[str, str] | None = None
    ) -> None:
        """Show a scene's title and its beats so far, the newest last, all in Markdown.

        `lane_labels` are said, not shown: what the letters A to D stand for.
        """
        self._title = title
        self._parts = tuple(part for part in parts if part.strip())
        self._only_asks = bool(parts) and not parts[-1].strip()
        self._labels = dict(lane_labels or {})
        self._scroll.verticalScrollBar().setValue(0)
        self._arrange()

    def show_question(
        self, question: Question | None, chosen: int | None = None, answered: bool = False
    ) -> None:
        """Ask a question, or show its answer beside what was `chosen` (from 1, or None)."""
        self._question = question
        if question is not None:
            self._box.show_question(question, chosen, answered)
        self._box.setVisible(question is not None)
        self._arrange()

    def say_of_sketch(self, words: str) -> None:
        """Say with the answer how far off the curve was that somebody drew; "" says nothing."""
        if self._question is not None and self._box.say_of_sketch(words):
            self._arrange()

    def set_theme(self, theme: Theme) -> None:
        """Use another look's colours. Sizes follow from the size of the page."""
        self._theme = theme
        self._more.set_theme(theme)
        self._arrange()
        self.update()

    @property
    def overflows(self) -> bool:
        """Whether the newest beat is too long for the page, or a formula too wide to be read."""
        return self._overflows

    @property
    def shown_parts(self) -> tuple[str, ...]:
        """The beats that are shown, the newest last."""
        return tuple(text.markdown for text in self._visible_texts())

    @property
    def question_box(self) -> QuestionBox:
        """The question; hidden where there is none."""
        return self._box

    def pieces(self) -> tuple[QWidget, ...]:
        """What is shown, from above: the title, the beats, the question."""
        asked = (self._box,) if self._question is not None else ()
        return (self._heading, *self._visible_texts(), *asked)

    def scroll_on(self) -> bool:
        """Scroll down by most of a page; False where the end is in sight already."""
        bar = self._scroll.verticalScrollBar()
        before = bar.value()
        bar.setValue(before + round(0.8 * bar.pageStep()))
        return bar.value() != before

    def scroll_back(self) -> bool:
        """Scroll up by most of a page; False where the beginning is in sight already."""
        bar = self._scroll.verticalScrollBar()
        before = bar.value()
        bar.setValue(before - round(0.8 * bar.pageStep()))
        return bar.value() != before

    # ------------------------------------------------------------ layout

    def _arrange(self) -> None:
        """Find the first step at which the newest beat fits, and put everything in its place."""
        self._scroll.setGeometry(self.rect())
        measures, count, height = self._plan()
        width = measures.width
        self._heading.present(self._title, measures.title)
        y = self._heading.place(measures.left, measures.top, width) + measures.below_title
        for index, part in enumerate(self._parts[len(self._parts) - count :]):
            text = self._text_at(index, measures.body)
            text.present(part, measures.body)
            y = text.place(measures.left, y, width) + measures.between
            text.show()
        for text in self._texts[count:]:
            text.hide()
        if self._question is not None:
            tall = self._box.fit(measures.body, width)
            self._box.setGeometry(measures.left, y, width, tall)
            y += tall
        bottom = self.height() - measures.top - measures.height
        scrolls = height > measures.height
        self._overflows = scrolls or self._too_small(count)
        self._column.resize(
            self.width(), max(self.height(), y + bottom) if scrolls else self.height()
        )
        self._more.place(self.size(), measures)
        self._show_whether_more()
        self._tell()

    def _plan(self) -> tuple[_Measures, int, float]:
        """The measures, the number of beats to show and the height that they take."""
        for least in (1, self._least):
            for step in _STEPS:
                plan = self._planned(step, least)
                if plan[2] <= plan[0].height:
                    return plan
        return self._planned(_STEPS[-1], self._least)

    def _planned(self, step: float, least: int) -> tuple[_Measures, int, float]:
        measures = _Measures.of(self._theme, self.size(), step)
        return measures, *self._fitting(measures, least)

    @property
    def _least(self) -> int:
        """How many beats are shown whatever happens: none where the newest is only a question."""
        return 0 if self._only_asks and self._question is not None else 1

    def _fitting(self, measures: _Measures, least: int) -> tuple[int, float]:
        """How many of the newest beats fit, `least` or more, and the height of all."""
        width = measures.width
        height = _height(self._title, measures.title, width) + measures.below_title
        if self._question is not None:
            height += self._box.fit(measures.body, width)
        count = 0
        for part in reversed(self._parts):
            more = _height(part, measures.body, width)
            more += measures.between if count or self._question is not None else 0
            if count >= least and height + more > measures.height:
                break
            count, height = count + 1, height + more
        return count, height

    def _too_small(self, count: int) -> bool:
        """Whether a formula had to become too small, or a table is too wide all the same."""
        documents = [text.rich_document for text in self._texts[:count]]
        asked = self._box.documents() if self._question is not None else ()
        return any(
            document.smallest < SMALLEST - 0.5 or document.too_wide
            for document in (*documents, *asked)
        )

    def _visible_texts(self) -> Iterator[RichText]:
        return (text for text in self._texts if not text.isHidden())

    def _text_at(self, index: int, setting: Setting) -> RichText:
        while len(self._texts) <= index:
            self._texts.append(self._text(setting))
        return self._texts[index]

    def _text(self, setting: Setting) -> RichText:
        """A text that leaves all keys to the player."""
        text = RichText(setting, "", self._column)
        text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return text

    def _show_whether_more(self) -> None:
        bar = self._scroll.verticalScrollBar()
        self._more.setVisible(bar.value() < bar.maximum())
        self._more.raise_()

    def _tell(self) -> None:
        """Say the page to who cannot see it."""
        lines = [plain(self._title), *(plain(part) for part in self.shown_parts)]
        if self._question is not None:
            lines.append(self._box.words())
        if self._labels:
            said = "; ".join(f"{letter}: {label}" for letter, label in self._labels.items())
            lines.append(f"Lanes: {said}.")
        self.setAccessibleDescription("\n".join(filter(None, lines)))

    # ------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Set everything anew."""
        super().resizeEvent(event)
        self._arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A digit answers an open question; other keys are the player's."""
        digit = event.text()
        if self._question is not None and self._box.open and digit.isdecimal():
            number = int(digit)
            if 1 <= number <= len(self._box.choices):
                self.answered.emit(number)
                return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground."""
        QPainter(self).fillRect(self.rect(), QColor(self._theme.surface))


def _scroll_area(page: Page, column: QWidget) -> QScrollArea:
    area = QScrollArea(page)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.viewport().setAutoFillBackground(False)
    area.setWidget(column)
    column.setAutoFillBackground(False)
    return area


def _height(markdown: str, setting: Setting, width: int) -> float:
    return -(-RichDocument(markdown, setting).height_at(width) // 1)


class _More(QWidget):
    """Says that the text goes on below."""

    WORDS = "▼ more below"

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("lecture.more")
        self.setAccessibleName("The text goes on below")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._theme = theme
        self._font = themes.font(SMALLEST, QFont.Weight.DemiBold)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Use another look's colours."""
        self._theme = theme
        self.update()

    def place(self, page: QSize, measures: _Measures) -> None:
        """Stand at the bottom of the column."""
        wide = round(QFontMetricsF(self._font).horizontalAdvance(self.WORDS) + 2 * SMALLEST)
        tall = round(1.8 * SMALLEST)
        x = measures.left + (measures.width - wide) // 2
        self.setGeometry(x, page.height() - tall - 4, wide, tall)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A dark pill with light words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.ink))
        area = QRectF(self.rect())
        painter.drawRoundedRect(area, area.height() / 2, area.height() / 2)
        painter.setFont(self._font)
        painter.setPen(QColor(self._theme.surface))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self.WORDS)
