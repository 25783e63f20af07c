"""The diagnosis at the right: a card for each finding, in words, with a way out and a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from initviz.lab.diagnosis import Finding
from initviz.lab.wording import SIGNS, number
from initviz.ui.steady_label import SteadyLabel
from initviz.ui.theme import LIGHT, Theme

#: Width of the coloured edge of a card, in pixels.
EDGE = 5.0
#: Characters of a remedy that a button has room for.
LONGEST_ON_A_BUTTON = 30


#: The field of the theme that colours the edge of a card, by the sign of its kind.
COLOURS = {"▼": "vanishing", "▲": "exploding", "■": "exploding", "●": "healthy"}


class FindingCard(QFrame):
    """One finding: its message, the settings that would help, and the rule behind it."""

    remedy_wanted = Signal(object)

    def __init__(self, letter: str, finding: Finding) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._letter = letter
        self._theme = LIGHT
        self._finding = finding
        self._headline, self._message, self._rule = (_selectable() for _ in range(3))
        self._rule.setProperty("role", "note")
        self._rule.hide()
        self._try = QPushButton()
        self._try.clicked.connect(lambda: self.remedy_wanted.emit(self._finding))
        self._why = QPushButton("Why?")
        self._why.setCheckable(True)
        self._why.setToolTip("The rule behind this finding, and where it comes from")
        self._why.toggled.connect(self._rule.setVisible)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._try, self._why):
            button.setProperty("role", "small")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            buttons.addWidget(button)
        buttons.addStretch(1)
        body = QVBoxLayout(self)
        body.setContentsMargins(12 + int(EDGE), 10, 12, 12)
        body.setSpacing(7)
        for part in (self._headline, self._message):
            body.addWidget(part)
        body.addLayout(buttons)
        body.addWidget(self._rule)
        self.show_finding(finding)

    def show_finding(self, finding: Finding) -> None:
        """Show this finding in place of the one before; of the same kind, so the look stays."""
        self._finding = finding
        self.setObjectName(f"finding.{self._letter}.{finding.kind}")
        self.setAccessibleName(f"{self._letter}: {finding.label}")
        self.setAccessibleDescription(finding.message)
        headline = f"{SIGNS[finding.kind]} {self._letter} · {finding.label}"
        _say(self._headline, f'<span style="font-weight:600">{escape(headline)}</span>')
        _say(self._message, self._message_html(finding))
        self._try.setVisible(bool(finding.remedy_settings))
        self._try.setText(remedy_text(finding))
        self._try.setToolTip(finding.remedy)
        self._why.setVisible(bool(finding.why))
        self._why.setAccessibleName(f"Why is {self._letter} {finding.label}?")
        _say(
            self._rule,
            f"<p>Measured: {self._code(number(finding.value, 3))}, "
            f"limit: {self._code(number(finding.threshold, 3))}.</p>"
            f"<p>{escape(finding.why)}</p><p>Source: {escape(finding.source)}.</p>",
        )

    def set_theme(self, theme: Theme) -> None:
        """Draw the edge and the values in the colours of another theme."""
        self._theme = theme
        self.show_finding(self._finding)
        self.update()

    def _message_html(self, finding: Finding) -> str:
        on_button = finding.remedy_settings and _fits(finding)
        text = finding.message if on_button else f"{finding.message}\n{finding.remedy}"
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


def _say(label: QLabel, html: str) -> None:
    """Show a text; the same text again would throw away what is selected in it."""
    if html != label.text():
        label.setText(html)


def _selectable() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    label.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return label


def remedy_text(finding: Finding) -> str:
    """What the button says: "Try Glorot normal →", or "Try this →" beside a long sentence."""
    return f"{finding.remedy.rstrip('.')} →" if _fits(finding) else "Try this →"


def _fits(finding: Finding) -> bool:
    return len(finding.remedy) <= LONGEST_ON_A_BUTTON


class DiagnosisView(QWidget):
    """The findings of the lanes at the step that is shown.

    `remedy_wanted` brings the finding whose remedy a person wants to try.
    """

    remedy_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("diagnosis")
        self.setAccessibleName("Diagnosis")
        self._theme = LIGHT
        self._shown: tuple[tuple[str, Finding], ...] = ()
        self._heading = SteadyLabel("DIAGNOSIS AT STEP 00000")
        self._heading.say("DIAGNOSIS")
        self._heading.setProperty("role", "heading")
        self._trouble = QLabel()
        self._trouble.setProperty("role", "error")
        self._trouble.setWordWrap(True)
        self._trouble.setTextFormat(Qt.TextFormat.PlainText)
        self._trouble.hide()
        self._cards: list[FindingCard] = []
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(12)
        for part in (self._heading, self._trouble):
            self._body.addWidget(part)

    @property
    def cards(self) -> tuple[FindingCard, ...]:
        """The cards, from top to bottom."""
        return tuple(self._cards)

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on."""
        self._theme = theme
        self._heading.fit()
        for card in self._cards:
            card.set_theme(theme)

    def show_trouble(self, sentence: str) -> None:
        """Say why a lane has stopped; an empty sentence takes it away."""
        self._trouble.setText(sentence)
        self._trouble.setVisible(bool(sentence))

    def show_findings(self, step: int, findings: Sequence[tuple[str, Finding]]) -> None:
        """Show each lane's findings: pairs of a lane's letter and a finding.

        Cards are made anew only where the kinds have changed, so that what a person reads,
        unfolds or selects stays while the numbers move.
        """
        self._heading.say(f"DIAGNOSIS AT STEP {step}")
        before, self._shown = self._shown, tuple(findings)
        if _kinds(before) != _kinds(self._shown):
            self._remake()
            return
        for card, old, new in zip(self._cards, before, self._shown, strict=True):
            if old != new:
                card.show_finding(new[1])

    def _remake(self) -> None:
        for card in self._cards:
            self._body.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [FindingCard(letter, finding) for letter, finding in self._shown]
        for card in self._cards:
            card.set_theme(self._theme)
            card.remedy_wanted.connect(self.remedy_wanted)
            self._body.addWidget(card)


def _kinds(findings: Sequence[tuple[str, Finding]]) -> list[tuple[str, str]]:
    return [(letter, finding.kind) for letter, finding in findings]
