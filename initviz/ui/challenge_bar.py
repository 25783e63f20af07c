"""The strip above the panels that plays a challenge: its task, its goal, hints and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from initviz.lab.lectures.challenges import Challenge
from initviz.lab.lectures.expectations import Expectation
from initviz.lab.recording import Recording
from initviz.ui.flow_layout import FlowLayout
from initviz.ui.glyphs import draw_tick
from initviz.ui.goal_words import free_words, goal_words, solution_words
from initviz.ui.rich_builder import Setting
from initviz.ui.rich_text import RichText
from initviz.ui.theme import LIGHT, Theme

#: What became of a line of the goal: it is still open, it holds, or the steps are used up.
State = Literal["open", "reached", "missed"]
_WORDS: dict[State, str] = {"open": "not yet", "reached": "reached", "missed": "missed"}

Judged = tuple[Expectation, str, bool]


class Mark(QWidget):
    """A ring, a tick or a cross, as large as a letter."""

    def __init__(self) -> None:
        super().__init__()
        self._state: State = "open"
        self._theme = LIGHT
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_state(self, state: State) -> None:
        """Show what became of the line beside it."""
        if state != self._state:
            self._state = state
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Use another theme's colours and sizes."""
        self._theme = theme
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.text + 2, self._theme.text + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, side = self._theme, float(self._theme.text)
        box = QRectF(1.0, 1.0, side, side)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._state == "reached":
                draw_tick(painter, box, QColor(theme.accent))
                return
            missed = self._state == "missed"
            pen = QPen(QColor(theme.danger if missed else theme.ink_soft), max(1.5, 0.14 * side))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            inner = box.adjusted(0.2 * side, 0.2 * side, -0.2 * side, -0.2 * side)
            if missed:
                painter.drawLine(inner.topLeft(), inner.bottomRight())
                painter.drawLine(QPointF(inner.topRight()), QPointF(inner.bottomLeft()))
            else:
                painter.drawEllipse(inner)


class Goal(QWidget):
    """The lines of the goal, each with its mark and what was measured."""

    def __init__(self, lines: Sequence[Expectation]) -> None:
        super().__init__()
        self._marks = [Mark() for _ in lines]
        self._measured = [QLabel() for _ in lines]
        self._words = [goal_words(line) for line in lines]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, line in enumerate(lines):
            words = QLabel(self._words[row])
            words.setWordWrap(True)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setToolTip(f"<p><code>{line.text.replace('<', '&lt;')}</code></p>")
            measured = self._measured[row]
            measured.setObjectName(f"challenge.goal.{row + 1}")
            measured.setProperty("role", "soft")
            measured.setTextFormat(Qt.TextFormat.PlainText)
            measured.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            top = Qt.AlignmentFlag.AlignTop
            grid.addWidget(self._marks[row], row, 0, top)
            grid.addWidget(words, row, 1, top)
            grid.addWidget(measured, row, 2, top)
        grid.setRowStretch(len(lines), 1)
        self.show_none()

    def show_none(self) -> None:
        """Nothing was measured yet."""
        for row in range(len(self._words)):
            self._show(row, "open", "not measured")

    def show_judged(self, judged: Sequence[Judged], is_over: bool) -> None:
        """Show what was measured; `is_over` where no step is left to reach what is open."""
        for row, (_, measured, holds) in enumerate(judged):
            state: State = "reached" if holds else "missed" if is_over else "open"
            self._show(row, state, "not measured" if measured == "NaN" else measured)

    def _show(self, row: int, state: State, measured: str) -> None:
        self._marks[row].show_state(state)
        label = self._measured[row]
        if label.text() != measured:
            label.setText(measured)
        label.setAccessibleName(f"{self._words[row]}: {_WORDS[state]}, measured {measured}")

    def set_theme(self, theme: Theme) -> None:
        """Use another theme's colours and sizes."""
        for mark in self._marks:
            mark.set_theme(theme)


class ChallengeBar(QFrame):
    """Plays one challenge: shows it, and judges the recordings that it is told of.

    It knows no window: `solution_wanted` and `start_wanted` bring the experiment that is to be
    loaded, `solved` the step at which a run first had all of the goal, `done` that the person is
    through with it.
    """

    solution_wanted = Signal(object)
    start_wanted = Signal(object)
    solved = Signal(int)
    done = Signal()

    def __init__(self, challenge: Challenge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("challenge")
        self.setAccessibleName(f"Challenge: {challenge.title}")
        self.setProperty("role", "card")
        self._challenge = challenge
        self._recording: Recording | None = None
        self._last_step = -1
        self._not_allowed = ""
        self._reached: int | None = None
        self._hints = 0
        self._gave_up = False
        self._text = RichText(Setting(LIGHT, LIGHT.text))
        self._text.setObjectName("challenge.text")
        self._goal = Goal(challenge.goal)
        self._verdict = QLabel()
        self._build()
        self._show_text()
        self._show_verdict()

    # -- building --------------------------------------------------------------------------------

    def _build(self) -> None:
        self._middle = QWidget()
        columns = QHBoxLayout(self._middle)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(28)
        columns.addWidget(self._text, 5)
        columns.addWidget(self._goal, 4)
        body = QVBoxLayout(self)
        body.setContentsMargins(14, 10, 14, 12)
        body.setSpacing(8)
        body.addLayout(self._build_head())
        body.addWidget(self._middle)
        body.addLayout(self._build_foot())
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def _build_head(self) -> QHBoxLayout:
        number = self._challenge.number
        kind = QLabel("CHALLENGE" if number is None else f"CHALLENGE {number}")
        kind.setProperty("role", "heading")
        title = QLabel(self._challenge.title)
        title.setProperty("role", "title")
        title.setTextFormat(Qt.TextFormat.PlainText)
        self._verdict.setObjectName("challenge.verdict")
        self._verdict.setTextFormat(Qt.TextFormat.PlainText)
        self._verdict.setProperty("role", "pill")
        self._fold = QToolButton()
        self._fold.setObjectName("challenge.fold")
        self._fold.setText("Less")
        self._fold.setCheckable(True)
        self._fold.setProperty("role", "flat")
        self._fold.setAccessibleName("Fold the challenge away")
        self._fold.setToolTip("Leave only the title and the verdict")
        self._fold.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._fold.toggled.connect(self._folded)
        line = QHBoxLayout()
        line.setSpacing(10)
        for part in (kind, title):
            line.addWidget(part)
        line.addStretch(1)
        line.addWidget(self._verdict)
        line.addWidget(self._fold)
        return line

    def _build_foot(self) -> FlowLayout:
        self._hint = self._button("hint", "Hint", "Shows the next hint", self._show_hint)
        self._restart = self._button(
            "restart", "Start over", "Puts every setting back to where it began", self._ask_start
        )
        self._give_up = self._button(
            "solution",
            "Give up: show a solution",
            "Says what solves it, and puts these settings in place",
            self._ask_solution,
        )
        self._done = self._button("done", "Done", "Ends the challenge", self.done.emit)
        line = FlowLayout(8)
        for button in self.buttons():
            line.addWidget(button)
        return line

    def _button(self, name: str, text: str, tip: str, act: object) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(f"challenge.{name}")
        button.setAccessibleName(text)
        button.setToolTip(tip)
        button.setProperty("role", "small")
        button.clicked.connect(act)
        return button

    def buttons(self) -> tuple[QPushButton, ...]:
        """What can be pressed, in the order of Tab."""
        return self._hint, self._restart, self._give_up, self._done

    # -- what is known -----------------------------------------------------------------------------

    @property
    def challenge(self) -> Challenge:
        """The challenge that is played."""
        return self._challenge

    @property
    def is_solved(self) -> bool:
        """Whether the run that is shown has reached the whole goal, by settings that are free."""
        return self._reached is not None

    @property
    def hints_shown(self) -> int:
        """How many hints the person has asked for."""
        return self._hints

    def set_theme(self, theme: Theme) -> None:
        """Use another theme's colours and sizes."""
        self._text.set_setting(Setting(theme, theme.text))
        self._goal.set_theme(theme)

    def show_recording(self, recording: Recording | None) -> None:
        """Judge this run as far as it has come; None: there is none yet.

        Cheap where nothing has changed since the last call. A goal once reached by a run stays
        reached, whatever its later steps bring.
        """
        last = -1 if recording is None else recording.last_step
        if recording is self._recording and last == self._last_step:
            return
        if recording is not self._recording:
            self._recording, self._reached = recording, None
            self._not_allowed = (
                "" if recording is None else self._challenge.allows(recording.experiment)
            )
        self._last_step = last
        if recording is None or last < 0:
            self._goal.show_none()
        elif self._reached is None:
            self._judge(recording)
        self._show_verdict()

    def _judge(self, recording: Recording) -> None:
        judged = self._challenge.judge(recording)
        self._goal.show_judged(judged, is_over=self._last_step >= self._challenge.steps)
        if not self._not_allowed and all(holds for _, _, holds in judged):
            self._reached = min(self._last_step, self._challenge.steps)
            self.solved.emit(self._reached)

    # -- what is shown -----------------------------------------------------------------------------

    def _show_verdict(self) -> None:
        text = self._verdict_text()
        if text != self._verdict.text():
            self._verdict.setText(text)
            self._verdict.setAccessibleName(text)

    def _verdict_text(self) -> str:
        steps = self._challenge.steps
        if self._not_allowed:
            return "This run does not count: a locked setting differs"
        if self._reached is not None:
            when = "at the start" if self._reached == 0 else f"at step {self._reached}"
            return f"✓ Solved {when}"
        if steps == 0:
            return "Judged at the start, before any step"
        if self._last_step >= steps:
            return f"✗ Not within {steps} steps: start over, or change something"
        return f"Step {max(self._last_step, 0)} of at most {steps}"

    def _show_text(self) -> None:
        parts = [self._challenge.text, f"**Free:** {free_words(self._challenge)}."]
        hints = self._challenge.hints
        parts += [f"**Hint {n}.** {hint}" for n, hint in enumerate(hints[: self._hints], 1)]
        if self._gave_up:
            parts.append(f"**A solution.** {solution_words(self._challenge)}.")
        self._text.set_markdown("\n\n".join(parts))
        left = len(hints) - self._hints
        self._hint.setText(f"Hint ({self._hints + 1} of {len(hints)})" if left else "No more hints")
        self._hint.setAccessibleName(self._hint.text())
        self._hint.setEnabled(left > 0)
        self._give_up.setEnabled(not self._gave_up)

    def _show_hint(self) -> None:
        self._hints += 1
        self._show_text()

    def _ask_start(self) -> None:
        self.start_wanted.emit(self._challenge.experiment)

    def _ask_solution(self) -> None:
        self._gave_up = True
        self._show_text()
        self.solution_wanted.emit(self._challenge.solved)

    def _folded(self, folded: bool) -> None:
        self._fold.setText("More" if folded else "Less")
        self._middle.setVisible(not folded)
        for button in self.buttons():
            button.setVisible(not folded)
