"""The rules of the diagnosis in a table whose thresholds a person can change."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from initviz.lab.quantities import QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.rules import RULES, Rule
from initviz.lab.thresholds import DEFAULTS, Thresholds, unit_of
from initviz.lab.wording import SIGNS
from initviz.ui.controls import TextBox
from initviz.ui.scale import number_text, rounded

HEADINGS = ("RULE", "WHAT IS MEASURED", "FOUND WHERE IT IS")
#: How the width is shared between the columns.
STRETCH = (5, 9, 5)


class ThresholdBox(QWidget):
    """One threshold: on which side of it the rule finds something, the number, and its unit.

    `edited` brings the name and a number that is allowed; any other is refused in a sentence.
    """

    edited = Signal(str, float)

    def __init__(self, rule: Rule, thresholds: Thresholds) -> None:
        super().__init__()
        self.name = rule.threshold
        self._unit = unit_of(self.name)
        self._thresholds = thresholds
        self._box = TextBox()
        self._box.setObjectName(f"rules.{self.name}")
        self._box.setAccessibleName(f"{rule.label}: {rule.measured}, {rule.sense}")
        self._box.setToolTip(f"{rule.measured}: found where it is {rule.sense} this")
        self._box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._box.editingFinished.connect(self._finish)
        self._error = _label("", "error")
        self._error.setObjectName(f"rules.{self.name}.error")
        self._error.hide()
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(_label(rule.sense, ""))
        line.addWidget(self._box, 1)
        if self._unit.text:
            line.addWidget(_label(self._unit.text, ""))
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(4)
        body.addLayout(line)
        body.addWidget(self._error)
        self.show_thresholds(thresholds)

    def show_thresholds(self, thresholds: Thresholds) -> None:
        """Show the threshold that stands, and forget what was wrong."""
        self._thresholds = thresholds
        self._box.setText(self._text())
        self._say("")

    def _text(self) -> str:
        value = getattr(self._thresholds, self.name) * self._unit.per
        return number_text(rounded(value, 12))

    def _finish(self) -> None:
        if self._box.text() == self._text():
            self._say("")
            return
        try:
            value = float(self._box.text().strip().replace(",", ".").replace("−", "-"))
        except ValueError:
            self._say(f"“{self._box.text()[:30]}” is no number.")
            return
        try:
            wanted = self._thresholds.with_threshold(self.name, value / self._unit.per)
        except ValueError as error:
            self._say(f"{error}.")
            return
        self.edited.emit(self.name, getattr(wanted, self.name))

    def _say(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setVisible(bool(sentence))


class RulesDialog(QDialog):
    """Every rule with its threshold; `changed` brings the `Thresholds` after each change."""

    changed = Signal(object)

    def __init__(self, parent: QWidget, thresholds: Thresholds) -> None:
        super().__init__(parent)
        self.setObjectName("rules_dialog")
        self.setWindowTitle("Diagnosis rules")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._thresholds = thresholds
        self._boxes: list[ThresholdBox] = []
        note = _label(
            "What the diagnosis looks at, and from where on it speaks. A changed threshold counts "
            "at once, and from now on.",
            "soft",
        )
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._table())
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QVBoxLayout(self)
        body.setContentsMargins(20, 18, 20, 18)
        body.setSpacing(14)
        for part in (note, area, self._buttons()):
            body.addWidget(part)

    def sizeHint(self) -> QSize:
        unit = self.fontMetrics().height()
        room = self.screen().availableSize()
        return QSize(min(62 * unit, room.width() - 80), min(42 * unit, room.height() - 80))

    def _table(self) -> QWidget:
        table = QFrame()
        table.setProperty("role", "card")
        grid = QGridLayout(table)
        grid.setContentsMargins(16, 14, 16, 14)
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(10)
        for column, (heading, stretch) in enumerate(zip(HEADINGS, STRETCH, strict=True)):
            grid.addWidget(_label(heading, "heading"), 0, column)
            grid.setColumnStretch(column, stretch)
        for number, rule in enumerate(RULES):
            line = QFrame()
            line.setProperty("role", "lines")
            line.setFixedHeight(1)
            row = 3 * number + 1
            grid.addWidget(line, row, 0, 1, len(HEADINGS))
            for column, cell in enumerate(self._cells(rule)):
                grid.addWidget(cell, row + 1, column, Qt.AlignmentFlag.AlignTop)
            why = _label(f"{rule.why}\nSource: {rule.source}.", "soft")
            grid.addWidget(why, row + 2, 0, 1, len(HEADINGS))
        return table

    def _cells(self, rule: Rule) -> tuple[QWidget, ...]:
        name = _label(f"{SIGNS[rule.kind]} {rule.label}", "title")
        measured = _label(f"{rule.measured}\n({_quantity(rule.quantity)})", "")
        if not rule.threshold:
            return name, measured, _label(rule.sense, "")
        box = ThresholdBox(rule, self._thresholds)
        box.edited.connect(self._edit)
        self._boxes.append(box)
        return name, measured, box

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        reset = buttons.addButton("Reset to defaults", QDialogButtonBox.ButtonRole.ResetRole)
        reset.setObjectName("rules.reset")
        reset.clicked.connect(lambda: self._use(DEFAULTS))
        buttons.rejected.connect(self.close)
        for button in buttons.buttons():
            button.setIcon(QIcon())
            # Enter is for the number that is typed.
            button.setProperty("autoDefault", False)
        return buttons

    def _edit(self, name: str, value: float) -> None:
        self._use(self._thresholds.with_threshold(name, value))

    def _use(self, thresholds: Thresholds) -> None:
        changed, self._thresholds = thresholds != self._thresholds, thresholds
        for box in self._boxes:
            box.show_thresholds(thresholds)
        if changed:
            self.changed.emit(thresholds)


def _quantity(name: str) -> str:
    """A quantity as the panels call it."""
    entry = QUANTITIES.get(name) or SCALARS.get(name) or TIME_QUANTITIES[name]
    return entry.label.lower()


def _label(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    if role:
        label.setProperty("role", role)
    return label
