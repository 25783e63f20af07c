"""The header of a panel: title, subtitle, and the buttons at the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QFocusEvent,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from initviz.ui.panels.drawing import Weight, elided, typeface, width_of, write
from initviz.ui.theme import LIGHT, Theme

if TYPE_CHECKING:
    from initviz.ui.panels.base import Panel, Shown

_GAP = 10


class _Headline(QWidget):
    """Title and subtitle on one line; what does not fit is cut, the subtitle first.

    Where the title would be, its short form stands there; who points at it is told the whole one.
    """

    def __init__(self, title: str, short: str) -> None:
        super().__init__()
        self._title = title
        self._short = short or title
        self.setObjectName("headline")
        self._subtitle = ""
        self._theme = LIGHT
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(title)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.updateGeometry()
        self._tell()
        self.update()

    def show_subtitle(self, text: str) -> None:
        if text != self._subtitle:
            self._subtitle = text
            self.setAccessibleDescription(text)
            self._tell()
            self.update()

    @property
    def shown_title(self) -> str:
        """The title, or its short form, as it stands there."""
        size, room = self._theme.title, self.width()
        fits = width_of(self._title, size, Weight.DemiBold) <= room
        return self._title if fits else elided(self._short, size, room, Weight.DemiBold)

    def _tell(self) -> None:
        """Let the tooltip say what is not written in full."""
        whole = [] if self.shown_title == self._title else [self._title]
        self.setToolTip("\n".join([*whole, self._subtitle]).strip())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell()

    def sizeHint(self) -> QSize:
        return QSize(60, round(typeface(self._theme.title)[1].height()) + 8)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, middle = self._theme, self.height() / 2
        title = self.shown_title
        left = width_of(title, theme.title, Weight.DemiBold) + _GAP
        room = self.width() - left
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            write(painter, title, (0, middle), theme.ink, theme.title, weight=Weight.DemiBold)
            if room > 4 * theme.label:
                text = self._fitting(room)
                write(painter, text, (left, middle), theme.ink_soft, theme.label)

    def _fitting(self, room: float) -> str:
        """The subtitle; where it is too long without its first parts, as the last says most."""
        size = self._theme.label
        text = self._subtitle
        while width_of(text, size) > room and " · " in text:
            text = text.partition(" · ")[2]
        return elided(text, size, room)


class _MenuButton(QToolButton):
    """A word and a small arrow that open a menu; the arrow alone where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self._word = ""
        self._folded = False
        self._theme = LIGHT
        self.setProperty("role", "flat")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.updateGeometry()
        self.update()

    def show_word(self, word: str) -> None:
        self._word = word
        self.updateGeometry()
        self.update()

    def fold(self, folded: bool) -> None:
        self._folded = folded
        self.updateGeometry()
        self.update()

    @property
    def unfolded_width(self) -> int:
        size = self._theme.label
        return round(width_of(self._word, size) + 0.6 * size) + 14

    def sizeHint(self) -> QSize:
        size = self._theme.label
        width = round(0.6 * size) + 10 if self._folded else self.unfolded_width
        return QSize(width, round(typeface(size)[1].height()) + 6)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        colour, size, middle = self._theme.ink_soft, self._theme.label, self.height() / 2
        wide, right = 0.55 * size, self.width() - 5.0
        top, tip = middle - 0.35 * wide, middle + 0.5 * wide
        arrow = [QPointF(right - wide, top), QPointF(right, top), QPointF(right - wide / 2, tip)]
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if not self._folded:
                write(painter, self._word, (5, middle), colour, size)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawPolygon(arrow)


class _FlatButton(QToolButton):
    """A sign of one or two letters."""

    def __init__(self, text: str, name: str, accessible: str) -> None:
        super().__init__()
        self.setText(text)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setToolTip(accessible)
        self.setProperty("role", "flat")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 12, metrics.height() + 6)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class _HowToRead(QFrame):
    """A note over the panels; a click on it, Esc, or turning to something else closes it."""

    def __init__(self, text: str, button: QWidget, theme: Theme) -> None:
        super().__init__(button.window())
        self._button = button
        self.setObjectName("how_to_read")
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(text)
        label = QLabel(text)
        label.setWordWrap(True)
        label.setFixedWidth(round(25 * theme.text))
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.addWidget(label)
        self._place()

    def _place(self) -> None:
        """Under the button, as far to the left as the window needs it to be."""
        self.adjustSize()
        window = self._button.window()
        corner = self._button.mapTo(window, QPoint(self._button.width(), self._button.height() + 4))
        left = min(max(corner.x() - self.width(), 8), max(window.width() - self.width() - 8, 0))
        top = min(corner.y(), max(window.height() - self.height() - 8, 0))
        self.move(left, top)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.close()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._button.setFocus()
            self.close()
        else:
            super().keyPressEvent(event)


class Header(QWidget):
    """Title, subtitle, the menu of options, "?" and the menu that copies, saves and arranges.

    Signals:
        size_wanted: it was double-clicked, or "Restore" was: large, or as it was before.
        carried: the pointer goes elsewhere with the header, at a point of the screen.
        dropped: it was let go of there.
    """

    size_wanted = Signal()
    carried = Signal(QPoint)
    dropped = Signal(QPoint)

    def __init__(self, panel: Panel[Any]) -> None:
        super().__init__(panel)
        self._panel = panel
        self._theme = LIGHT
        self._headline = _Headline(panel.title, panel.short_title)
        self._actions: dict[tuple[str, str], QAction] = {}
        self._options = _MenuButton()
        self._options.setObjectName(f"panel.{panel.name}.options")
        if not panel.options:
            self._options.hide()
        else:
            self._options.setMenu(self._option_menu())
            self._show_word()
        name = f"panel.{panel.name}"
        self._help = _FlatButton("?", f"{name}.help", f"How to read “{panel.title}”")
        self._help.clicked.connect(self.explain)
        self._note: _HowToRead | None = None
        self._more = _FlatButton("…", f"{name}.export", f"Copy, save or arrange “{panel.title}”")
        #: What stands behind "…"; the board adds what is done with places.
        self.menu = self._make_export_menu()
        self._more.setMenu(self.menu)
        self._restore = _FlatButton("Restore", f"{name}.restore", "Show all panels again (Esc)")
        self._restore.clicked.connect(self.size_wanted)
        self._restore.hide()
        self._grip: QPoint | None = None  # where the button went down
        self._is_carried = False
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(2)
        row.addWidget(self._headline, 1)
        self._lanes = QHBoxLayout()
        self._lanes.setSpacing(0)
        row.addLayout(self._lanes)
        for button in (self._options, self._restore, self._help, self._more):
            row.addWidget(button)
        self._lane_buttons: list[_FlatButton] = []
        self._shown_lanes = ("", "")

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._headline.set_theme(theme)
        self._options.set_theme(theme)
        self._fold()

    def show_subtitle(self, text: str) -> None:
        """What stands beside the title."""
        self._headline.show_subtitle(text)

    def show_choice(self, key: str, value: str) -> None:
        """Mark the chosen value in the menu."""
        self._actions[key, value].setChecked(True)
        self._show_word()

    def show_lanes(self, lanes: Sequence[Shown], picked: str) -> None:
        """A button for each lane's letter, where there is a choice."""
        letters = "".join(lane.letter for lane in lanes) if len(lanes) > 1 else ""
        if (letters, picked) == self._shown_lanes:
            return
        self._shown_lanes = letters, picked
        for old in self._lane_buttons:
            self._lanes.removeWidget(old)
            old.deleteLater()
        self._lane_buttons = []
        for letter in letters:
            name = f"panel.{self._panel.name}.lane_{letter.lower()}"
            button = _FlatButton(letter, name, f"{self._panel.title} of lane {letter}")
            button.setCheckable(True)
            button.setChecked(letter == picked)
            button.clicked.connect(lambda _=False, which=letter: self._panel.pick_lane(which))
            self._lanes.addWidget(button)
            self._lane_buttons.append(button)
        self._fold()

    def open_menu(self, at: QPoint) -> None:
        """Open the menu behind "…"."""
        self.menu.popup(at)

    def show_maximised(self, maximised: bool) -> None:
        """Offer the way back while this panel is alone."""
        self._restore.setVisible(maximised)
        self._fold()

    def explain(self) -> None:
        """Show how the panel is read; once more closes it."""
        if self._note is not None and isValid(self._note):
            self._note.close()
            self._note = None
            return
        self._note = _HowToRead(self._panel.how_to_read, self._help, self._theme)
        self._note.show()
        self._note.raise_()
        self._note.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    # -- taken by the mouse ------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = event.globalPosition().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            return
        at = event.globalPosition().toPoint()
        far = (at - self._grip).manhattanLength() >= QApplication.startDragDistance()
        if far or self._is_carried:
            self._is_carried = True
            self.carried.emit(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was_carried, self._grip, self._is_carried = self._is_carried, None, False
        if was_carried:
            self.dropped.emit(event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = None
            self.size_wanted.emit()

    def put_back(self) -> None:
        """Let go of it, wherever the pointer is."""
        self._grip, self._is_carried = None, False

    def _fold(self) -> None:
        """Fold the menu's word away where the title would have to be cut for it."""
        title = width_of(self._panel.title, self._theme.title, QFont.Weight.DemiBold)
        others = [self._help, self._more, *self._lane_buttons]
        others += [] if self._restore.isHidden() else [self._restore]
        taken = sum(button.sizeHint().width() + 2 for button in others) + 2 * _GAP
        room = self.width() - title - taken
        self._options.fold(room < self._options.unfolded_width)

    def _show_word(self) -> None:
        first = self._panel.options[0]
        chosen = self._panel.option(first.key)
        self._options.show_word(first.choices[chosen])
        label = f"{self._panel.title}: {first.label.lower()}, {first.choices[chosen]}"
        self._options.setAccessibleName(label)
        self._options.setToolTip(f"What “{self._panel.title}” shows")

    def _option_menu(self) -> QMenu:
        menu = QMenu(self)
        for option in self._panel.options:
            heading = menu.addAction(option.label)
            heading.setEnabled(False)
            group = QActionGroup(menu)
            for value, label in option.choices.items():
                action = menu.addAction(label)
                action.setCheckable(True)
                action.setChecked(value == self._panel.option(option.key))
                action.setActionGroup(group)
                action.setData((option.key, value))
                self._actions[option.key, value] = action
            if option is not self._panel.options[-1]:
                menu.addSeparator()
        menu.triggered.connect(lambda action: self._panel.set_option(*action.data()))
        return menu

    def _make_export_menu(self) -> QMenu:
        menu = QMenu(self)
        panel = self._panel
        for label, kind in (("Copy picture", ""), ("Copy values as CSV", "csv")):
            copy = panel.copy_values if kind else panel.copy_picture
            menu.addAction(label).triggered.connect(copy)
        menu.addSeparator()
        for kind in ("png", "svg", "pdf", "csv"):
            action = menu.addAction(f"Save as {kind.upper()}…")
            action.triggered.connect(lambda _=False, k=kind: panel.ask_where_to_save(k))
        return menu
