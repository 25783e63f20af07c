"""One tab for each lane above the form, and in how many settings the lanes differ.

The form edits the lane of the chosen tab; all lanes are shown in the panels unless hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from initviz.lab.experiment import Experiment, differences
from initviz.ui.panels.drawing import CENTRE, Weight, write
from initviz.ui.theme import LIGHT, Theme, mix

#: So many settings are named in the sentence; of more, the number alone is told.
MOST_NAMED = 3
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class TabState:
    """What a tab tells of its lane; `index` decides its colour."""

    letter: str
    index: int
    is_chosen: bool
    is_hidden: bool
    experiment: Experiment


class LaneTab(QToolButton):
    """A lane's letter in its colour; struck out while the lane is hidden."""

    menu_wanted = Signal(QPoint)

    def __init__(self, state: TabState, theme: Theme) -> None:
        super().__init__()
        self._state, self._theme = state, theme
        self.setObjectName(f"lane.{state.letter}")
        hidden = ", hidden" if state.is_hidden else ""
        self.setAccessibleName(f"Lane {state.letter}{hidden}")
        self.setToolTip(
            f"Lane {state.letter}{hidden}: the form edits it. The menu key or a right click offers "
            "more."
        )
        self.setCheckable(True)
        self.setChecked(state.is_chosen)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(4 * self._theme.text, round(2.3 * self._theme.text))

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * self._theme.text, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, state = self._theme, self._state
        colour = theme.lanes[state.index]
        box = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            edge = colour if state.is_chosen else theme.note
            ground = theme.surface if state.is_chosen else theme.note
            if self.underMouse() and not state.is_chosen:
                ground = mix(theme.note, theme.ink, 0.05)
            painter.setPen(QPen(QColor(theme.accent if self.hasFocus() else edge), 2.0))
            painter.setBrush(QColor(ground))
            painter.drawRoundedRect(box, 0.75 * theme.radius, 0.75 * theme.radius)
            ink = theme.lane_text[state.index]
            middle = box.center()
            write(
                painter,
                state.letter,
                (middle.x(), middle.y()),
                ink,
                theme.text,
                align=CENTRE,
                weight=Weight.Bold,
            )
            if state.is_hidden:
                painter.setPen(QPen(QColor(ink), 1.5))
                reach = 0.7 * theme.text
                painter.drawLine(
                    round(middle.x() - reach),
                    round(middle.y() + 0.4 * reach),
                    round(middle.x() + reach),
                    round(middle.y() - 0.4 * reach),
                )

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class LaneTabs(QWidget):
    """The tabs, a "+" that duplicates the chosen lane, and the sentence on differences.

    Signals bring the letter of the lane meant.
    """

    chosen = Signal(str)
    duplicate_wanted = Signal(str)
    remove_wanted = Signal(str)
    hide_wanted = Signal(str)
    reset_wanted = Signal(str)

    def __init__(self, most: int) -> None:
        super().__init__()
        self.setObjectName("lanes")
        self.setAccessibleName("Lanes")
        self._most = most
        self._theme = LIGHT
        self._states: tuple[TabState, ...] = ()
        self._row = QHBoxLayout()
        self._row.setSpacing(6)
        self._tabs: list[LaneTab] = []
        self._add = QToolButton()
        self._add.setText("+")
        self._add.setObjectName("lane.add")
        self._add.setAccessibleName("Duplicate this lane")
        self._add.setProperty("role", "flat")
        self._add.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._add.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._add.clicked.connect(lambda: self.duplicate_wanted.emit(self._chosen))
        self._sentence = QLabel()
        self._sentence.setObjectName("lane.differences")
        self._sentence.setProperty("role", "note")
        self._sentence.setWordWrap(True)
        self._sentence.setTextFormat(Qt.TextFormat.RichText)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(10)
        body.addLayout(self._row)
        body.addWidget(self._sentence)

    @property
    def _chosen(self) -> str:
        return next((state.letter for state in self._states if state.is_chosen), "")

    def controls(self) -> list[QWidget]:
        """What Tab reaches, in order."""
        return [*self._tabs, self._add]

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours and sizes of `theme`."""
        self._theme = theme
        self._rebuild()

    def show_lanes(self, states: Sequence[TabState]) -> None:
        """Show these lanes."""
        if tuple(states) != self._states:
            self._states = tuple(states)
            self._rebuild()

    def _rebuild(self) -> None:
        focused = next((tab.objectName() for tab in self._tabs if tab.hasFocus()), "")
        for tab in self._tabs:
            self._row.removeWidget(tab)
            tab.hide()
            tab.deleteLater()
        self._row.removeWidget(self._add)
        self._tabs = [LaneTab(state, self._theme) for state in self._states]
        for tab, state in zip(self._tabs, self._states, strict=True):
            tab.clicked.connect(lambda _=False, letter=state.letter: self._choose(letter))
            tab.menu_wanted.connect(lambda at, letter=state.letter: self._open_menu(letter, at))
            self._row.addWidget(tab, 1)
            if tab.objectName() == focused:
                tab.setFocus()
        full = len(self._states) >= self._most
        self._add.setEnabled(not full)
        self._add.setToolTip(
            f"There are {self._most} lanes at most" if full else "Duplicate this lane"
        )
        self._row.addWidget(self._add, 1)
        sentence = self._differences()
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))

    def _choose(self, letter: str) -> None:
        for tab, state in zip(self._tabs, self._states, strict=True):
            tab.setChecked(state.is_chosen)  # until the window says otherwise
        self.chosen.emit(letter)

    def _open_menu(self, letter: str, at: QPoint) -> None:
        menu = self.menu_of(letter)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def menu_of(self, letter: str) -> QMenu:
        """What can be done with a lane."""
        state = next(state for state in self._states if state.letter == letter)
        menu = QMenu(self)
        entries: list[tuple[str, SignalInstance, bool]] = [
            ("Duplicate", self.duplicate_wanted, len(self._states) < self._most),
            ("Show in panels" if state.is_hidden else "Hide in panels", self.hide_wanted, True),
            ("Reset, same seed", self.reset_wanted, True),
            ("Remove", self.remove_wanted, len(self._states) > 1),
        ]
        for text, signal, is_possible in entries:
            action = QAction(text, menu)
            action.setEnabled(is_possible)
            action.triggered.connect(lambda _=False, s=signal: s.emit(letter))
            menu.addAction(action)
        return menu

    def _differences(self) -> str:
        chosen = next((state for state in self._states if state.is_chosen), None)
        if chosen is None:
            return ""
        others = [state for state in self._states if state is not chosen]
        return "<br>".join(
            difference_sentence(chosen.letter, chosen.experiment, other.letter, other.experiment)
            for other in others
        )


def difference_sentence(a: str, first: Experiment, b: str, second: Experiment) -> str:
    """In how many settings lane `a` differs from lane `b`, and which, as rich text."""
    keys = [difference.key for difference in differences(first, second)]
    if not keys:
        return f"{a} and {b} are the same"
    labels = {field.key: field.setting.label for field in (*second.fields(), *first.fields())}
    count = _NUMBERS[len(keys)] if len(keys) < len(_NUMBERS) else str(len(keys))
    plural = "s" if len(keys) > 1 else ""
    text = f"{a} differs from {b} in <b>{count}</b> setting{plural}"
    if len(keys) > MOST_NAMED:
        return text
    names = [_name_of(key, labels) for key in keys]
    return f"{text}: " + ", ".join(f"<b>{escape(name)}</b>" for name in names)


def _name_of(key: str, labels: dict[str, str]) -> str:
    if key == "initialiser.scheme":
        return "initialiser"
    label = labels.get(key, key.rpartition(".")[2].replace("_", " "))
    return label[0].lower() + label[1:] if label[1:2].islower() else label
