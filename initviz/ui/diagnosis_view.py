"""The diagnosis at the right: a card for each finding, in words, with a way out and a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QActionGroup, QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from initviz.lab.diagnosis import Finding
from initviz.lab.remedies import Advice
from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.lab.wording import SIGNS, number
from initviz.ui.flow_layout import FlowLayout
from initviz.ui.progress_bar import ProgressBar
from initviz.ui.steady_label import SteadyLabel
from initviz.ui.theme import LIGHT, Theme
from initviz.ui.wrapped_text import WrappedText

#: Width of the coloured edge of a card, in pixels.
EDGE = 5.0
#: Characters of a remedy that a button has room for.
LONGEST_ON_A_BUTTON = 30


#: The field of the theme that colours the edge of a card, by the sign of its kind.
COLOURS = {"▼": "vanishing", "▲": "exploding", "■": "exploding", "●": "healthy"}


@dataclass(frozen=True)
class Proof:
    """What came of a proof: the verdict in a word or two, and a sentence with numbers."""

    verdict: str
    sentence: str


class ProofStrip(QWidget):
    """How far a proof is, with a way to end it."""

    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._bar = ProgressBar()
        self._bar.setAccessibleName("Progress of the proof")
        self._cancel = _small_button("Cancel")
        self._cancel.setToolTip("End the two runs that compare the start with its remedy")
        self._cancel.clicked.connect(self.cancelled)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self._bar, 1)
        line.addWidget(self._cancel)
        self.hide()

    def show_share(self, share: float | None) -> None:
        """Show how much is done; None takes the strip away."""
        self.setVisible(share is not None)
        self._bar.set_share(share or 0.0)


class FindingCard(QFrame):
    """One finding: its message, what would help, the proof of that, and the rule behind it.

    Signals bring the lane's letter and the finding, with the chosen remedy first.
    """

    remedy_wanted = Signal(str, object)
    proof_wanted = Signal(str, object)
    cancel_wanted = Signal()
    chosen = Signal()

    def __init__(self, letter: str, finding: Finding) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._letter = letter
        self._theme = LIGHT
        self._finding = finding
        self._choice = ""
        self._headline, self._message, self._proof = (WrappedText() for _ in range(3))
        self._rule = WrappedText("note")
        self._rule.hide()
        self._proof.hide()
        self.strip = ProofStrip()
        self.strip.cancelled.connect(self.cancel_wanted)
        body = QVBoxLayout(self)
        body.setContentsMargins(12 + int(EDGE), 10, 12, 12)
        body.setSpacing(7)
        for part in (self._headline, self._message):
            body.addWidget(part)
        body.addLayout(self._buttons())
        for below in (self.strip, self._proof, self._rule):
            body.addWidget(below)
        self.show_finding(finding)

    def _buttons(self) -> FlowLayout:
        self._try = _small_button()
        self._try.clicked.connect(lambda: self.remedy_wanted.emit(self._letter, self.finding))
        self._prove = _small_button("Prove it")
        self._prove.setToolTip("Train with and without it, and compare")
        self._prove.clicked.connect(lambda: self.proof_wanted.emit(self._letter, self.finding))
        self._others = _small_button("Or")
        self._others.setToolTip("What else there is to try")
        self._menu = QMenu(self)
        self._group = QActionGroup(self)
        self._group.triggered.connect(lambda action: self._choose(action.data()))
        self._others.setMenu(self._menu)
        self._why = _small_button("Why?")
        self._why.setCheckable(True)
        self._why.setToolTip("The rule behind this finding, and where it comes from")
        self._why.toggled.connect(self._rule.setVisible)
        line = FlowLayout(8)
        for button in (self._try, self._prove, self._others, self._why):
            line.addWidget(button)
        return line

    @property
    def advice(self) -> Advice:
        """The remedy that is chosen: the first one, unless a person has picked another."""
        named = (advice for advice in self._finding.remedies if advice.name == self._choice)
        return next(named, self._finding.advice)

    @property
    def finding(self) -> Finding:
        """The finding, with the chosen remedy first."""
        others = tuple(a for a in self._finding.remedies if a != self.advice)
        remedies = (self.advice, *others) if self._finding.remedies else ()
        return replace(self._finding, remedies=remedies)

    def show_finding(self, finding: Finding) -> None:
        """Show this finding in place of the one before; of the same kind, so the look stays."""
        before, self._finding = self._finding, finding
        self.setObjectName(f"finding.{self._letter}.{finding.kind}")
        self.setAccessibleName(f"{self._letter}: {finding.label}")
        self.setAccessibleDescription(finding.message)
        headline = f"{SIGNS[finding.kind]} {self._letter} · {finding.label}"
        self._headline.say(f'<span style="font-weight:600">{escape(headline)}</span>')
        self._message.say(self._message_html(finding))
        if self._menu.isEmpty() or before.remedies != finding.remedies:
            self._offer(finding)
        self._show_choice()
        self._why.setVisible(bool(finding.why))
        self._why.setAccessibleName(f"Why is {self._letter} {finding.label}?")
        self._rule.say(
            f"<p>Measured: {self._code(number(finding.value, 3))}, "
            f"limit: {self._code(number(finding.threshold, 3))}.</p>"
            f"<p>{escape(finding.why)}</p><p>Source: {escape(finding.source)}.</p>",
        )

    def _offer(self, finding: Finding) -> None:
        """Put all remedies into the menu."""
        self._menu.clear()
        for advice in finding.remedies:
            action = self._menu.addAction(advice.name[:1].upper() + advice.name[1:])
            action.setCheckable(True)
            action.setData(advice.name)
            self._group.addAction(action)

    def _choose(self, name: str) -> None:
        self._choice = name
        self.show_finding(self._finding)
        self.chosen.emit()

    def _show_choice(self) -> None:
        advice, remedies = self.advice, self._finding.remedies
        for action in self._menu.actions():
            action.setChecked(action.data() == advice.name)
        self._try.setVisible(bool(remedies))
        self._try.setText(remedy_text(advice))
        self._try.setToolTip(advice.sentence)
        self._prove.setVisible(bool(remedies))
        self._prove.setAccessibleName(f"Prove it: {advice.sentence}")
        self._others.setVisible(len(remedies) > 1)
        self._others.setAccessibleName(f"Other remedies than {advice.name}")

    def show_progress(self, share: float | None, *, is_running: bool) -> None:
        """Show how far the proof is, once there is something to say of it."""
        self._prove.setEnabled(not is_running)
        self.strip.show_share(share if is_running else None)

    def show_proof(self, proof: Proof | None) -> None:
        """Show what came of the proof of the chosen remedy; None takes it away."""
        self._proof.setVisible(proof is not None)
        if proof is not None:
            verdict = f'<span style="font-weight:600">{escape(proof.verdict)}</span>'
            self._proof.say(f"{verdict} {escape(proof.sentence, quote=False)}")

    def set_theme(self, theme: Theme) -> None:
        """Draw the edge and the values in the colours of another theme."""
        self._theme = theme
        self.show_finding(self._finding)
        self.update()

    def _message_html(self, finding: Finding) -> str:
        advice = self.advice
        text = finding.message if _fits(advice) else f"{finding.message}\n{advice.sentence}"
        paragraphs = escape(text.strip(), quote=False).splitlines()
        html = "".join(f'<p style="margin:0 0 5px 0">{line}</p>' for line in paragraphs if line)
        # The longest first: "10⁻³" also stands within "1.2 × 10⁻³".
        values = sorted({escape(n, quote=False) for n in finding.numbers}, key=len, reverse=True)
        if not values:
            return html
        # "10" may be the limit, but not within "layer 10" or "1.10".
        pattern = re.compile(rf"(?<!layer )(?<![\w.])(?:{'|'.join(map(re.escape, values))})(?!\w)")
        return pattern.sub(lambda found: self._code(found[0]), html)

    def _code(self, value: str) -> str:
        """A measured value, set off from the text around it and never broken over two lines."""
        style = f"background:{self._theme.note};color:{self._theme.ink};font-weight:500"
        return f'<span style="{style}">&nbsp;{value.replace(" ", "&nbsp;")}&nbsp;</span>'

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QPainterPath()
        card.addRoundedRect(QRectF(self.rect()), self._theme.radius, self._theme.radius)
        painter.setClipPath(card)
        colour = getattr(self._theme, COLOURS[SIGNS[self._finding.kind]])
        painter.fillRect(QRectF(0, 0, EDGE, self.height()), QColor(colour))
        painter.end()


def _small_button(text: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "small")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def remedy_text(advice: Advice) -> str:
    """What the button says: "Try Glorot normal →", or "Try this →" beside a long sentence."""
    return f"{advice.sentence.rstrip('.')} →" if _fits(advice) else "Try this →"


def _fits(advice: Advice) -> bool:
    return len(advice.sentence) <= LONGEST_ON_A_BUTTON


#: How many parts of the view stand above the cards: the heading, trouble and the ending.
_ABOVE_THE_CARDS = 3

#: A lane's letter, what was found there, and the remedy that is proved.
_Key = tuple[str, str, str]


def _key(letter: str, finding: Finding) -> _Key:
    return letter, finding.label, finding.advice.name


class DiagnosisView(QWidget):
    """The findings of the lanes at the step that is shown, under a person's thresholds.

    `remedy_wanted` brings a lane's letter and the finding whose first remedy a person wants to
    try; `proof_wanted` the same of one that is to be proved; `cancel_wanted` says that it is not to
    be proved after all.
    """

    remedy_wanted = Signal(str, object)
    proof_wanted = Signal(str, object)
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("diagnosis")
        self.setAccessibleName("Diagnosis")
        self.thresholds: Thresholds = DEFAULTS
        self.step = 0
        self._theme = LIGHT
        self._progress: tuple[_Key, float | None] | None = None
        self._proofs: dict[_Key, Proof] = {}
        self._shown: tuple[tuple[str, Finding], ...] = ()
        self._heading = SteadyLabel("DIAGNOSIS AT STEP 00000")
        self._heading.say("DIAGNOSIS")
        self._heading.setProperty("role", "heading")
        self._trouble = QLabel()
        self._trouble.setProperty("role", "error")
        self._trouble.setWordWrap(True)
        self._trouble.setTextFormat(Qt.TextFormat.PlainText)
        self._trouble.hide()
        self._ending = QLabel()
        self._ending.setProperty("role", "note")
        self._ending.setWordWrap(True)
        self._ending.setTextFormat(Qt.TextFormat.PlainText)
        self._ending.hide()
        self._cards: list[FindingCard] = []
        #: Cards that have been shown, by lane and kind. To make one takes 5 ms, and what is found
        #: may come and go at every step.
        self._made: dict[tuple[str, str], FindingCard] = {}
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(12)
        for part in (self._heading, self._trouble, self._ending):
            self._body.addWidget(part)

    @property
    def cards(self) -> tuple[FindingCard, ...]:
        """The cards, from top to bottom."""
        return tuple(self._cards)

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on."""
        self._theme = theme
        self._heading.fit()
        for card in self._made.values():
            card.set_theme(theme)

    def show_trouble(self, sentence: str) -> None:
        """Say why a lane has stopped; an empty sentence takes it away."""
        self._trouble.setText(sentence)
        self._trouble.setVisible(bool(sentence))

    def show_ending(self, sentence: str) -> None:
        """Say how a run came to its own end; an empty sentence takes it away."""
        self._ending.setText(sentence)
        self._ending.setVisible(bool(sentence))

    def show_findings(self, step: int, findings: Sequence[tuple[str, Finding]]) -> None:
        """Show each lane's findings: pairs of a lane's letter and a finding.

        A card stays for as long as its lane is found to have this, so that what a person reads,
        unfolds or selects stays while the numbers move; and it comes back with the finding.
        """
        self.step = step
        self._heading.say(f"DIAGNOSIS AT STEP {step}")
        before, self._shown = self._shown, tuple(findings)
        if _kinds(before) != _kinds(self._shown):
            self._arrange()
            return
        for card, old, new in zip(self._cards, before, self._shown, strict=True):
            if old != new:
                card.show_finding(new[1])
        self._show_proofs()

    # -- proofs ----------------------------------------------------------------------------------

    def show_progress(self, letter: str, finding: Finding, share: float | None) -> None:
        """Say that the first remedy of a finding is being proved, and how much of that is done."""
        self._progress = _key(letter, finding), share
        self._show_proofs()

    def end_progress(self) -> None:
        """Nothing is being proved any more."""
        self._progress = None
        self._show_proofs()

    def show_proof(self, letter: str, finding: Finding, verdict: str, sentence: str) -> None:
        """Say what came of the proof; it stays until `forget_proofs`."""
        self._proofs[_key(letter, finding)] = Proof(verdict, sentence)
        self._show_proofs()

    def forget_proofs(self, letter: str) -> None:
        """Take those of a lane away: they are of another run."""
        self._proofs = {key: proof for key, proof in self._proofs.items() if key[0] != letter}
        self._show_proofs()

    def _show_proofs(self) -> None:
        for card, (letter, _) in zip(self._cards, self._shown, strict=True):
            key = _key(letter, card.finding)
            runs = self._progress is not None and self._progress[0] == key
            share = self._progress[1] if self._progress and runs else None
            card.show_progress(share, is_running=runs)
            card.show_proof(self._proofs.get(key))

    def _arrange(self) -> None:
        """Put the cards of what is found now below each other, and the others out of sight."""
        self._body.setEnabled(False)  # or the whole column is laid out anew for each of them
        before, self._cards = self._cards, [self._card(*found) for found in self._shown]
        for card in before:
            if card not in self._cards:
                self._body.removeWidget(card)
                card.hide()
        for place, card in enumerate(self._cards, _ABOVE_THE_CARDS):
            if self._body.indexOf(card) != place:
                self._body.insertWidget(place, card)
            card.show()
        self._body.setEnabled(True)
        self._show_proofs()

    def _card(self, letter: str, finding: Finding) -> FindingCard:
        key = letter, finding.kind
        if key in self._made:
            self._made[key].show_finding(finding)
        else:
            self._made[key] = card = FindingCard(letter, finding)
            card.set_theme(self._theme)
            card.remedy_wanted.connect(self.remedy_wanted)
            card.proof_wanted.connect(self.proof_wanted)
            card.cancel_wanted.connect(self.cancel_wanted)
            card.chosen.connect(self._show_proofs)
        return self._made[key]


def _kinds(findings: Sequence[tuple[str, Finding]]) -> list[tuple[str, str]]:
    return [(letter, finding.kind) for letter, finding in findings]
