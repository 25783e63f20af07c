"""The bar at the top: the actions that a lesson needs at hand, the speed, and how the run fares."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QFontMetrics, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from initviz.ui.actions import ENTRIES
from initviz.ui.controls import Slider
from initviz.ui.glyphs import draw_sign
from initviz.ui.steady_label import SteadyLabel
from initviz.ui.theme import LIGHT, Theme, font, mix

#: Steps a second that the speed control offers; None is as fast as it goes.
SPEEDS: tuple[float | None, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, None)


#: Pixels between a button's text and its key.
_KEY_GAP = 7


class ActionButton(QPushButton):
    """A button for an action: its text, and its key in softer ink.

    `sign` names a drawing before the text. The width stays the same whatever text of `texts`
    the action shows. The mouse does not move the focus here, so that the single keys go on acting.
    """

    def __init__(
        self,
        action: QAction,
        soft_key: str = "",
        *,
        sign: str = "",
        texts: tuple[str, ...] = (),
        primary: bool = False,
        text: str | None = None,
    ) -> None:
        super().__init__()
        self._action = action
        self._text = text
        self._key = soft_key
        self._with_key = True
        self.sign = sign
        self._texts = texts
        self._theme = LIGHT
        self._primary = primary
        if primary:
            self.setProperty("role", "primary")
        self.setObjectName(action.objectName().replace("action.", "button."))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCheckable(action.isCheckable())
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        action = self._action
        self.setEnabled(action.isEnabled())
        self.setChecked(action.isChecked())
        self.setAccessibleName(action.text())
        self.setToolTip(_with_key(action))
        self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Use the inks of another theme."""
        self._theme = theme
        self.updateGeometry()
        self.update()

    def show_key(self, shown: bool) -> None:
        """Show the key beside the text, or leave it out where room is short."""
        self._with_key = shown
        self.updateGeometry()
        self.update()

    @property
    def _shown(self) -> str:
        return self._action.text() if self._text is None else self._text

    @property
    def _shown_key(self) -> str:
        return self._key if self._with_key else ""

    def _fonts(self) -> tuple[QFont, QFont]:
        medium = font(self._theme.text, QFont.Weight.Medium)
        return medium, font(self._theme.text * 0.84)

    def _parts(self) -> tuple[float, float, float, float]:
        """Widths of sign, gap, widest text and key with its gap."""
        text_font, key_font = self._fonts()
        widest = max((*self._texts, self._shown), key=len)
        text = QFontMetrics(text_font).horizontalAdvance(widest)
        key = QFontMetrics(key_font).horizontalAdvance(self._shown_key) + _KEY_GAP * bool(
            self._shown_key
        )
        sign = self._theme.text * 0.85 if self.sign else 0.0
        return sign, 6.0 if self.sign and widest else 0.0, text, key

    def sizeHint(self) -> QSize:
        unit = self._theme.text
        return QSize(math.ceil(sum(self._parts()) + 1.75 * unit), round(2.6 * unit))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        theme = self._theme
        ink, soft = QColor(theme.ink), QColor(theme.ink_soft)
        if self._primary:
            ink, soft = QColor(theme.surface), QColor(mix(theme.surface, theme.ink, 0.3))
        if not self.isEnabled():
            ink = soft = QColor(mix(theme.ink_soft, theme.surface, 0.5))
        text_font, key_font = self._fonts()
        sign, gap, _, key = self._parts()
        text = QFontMetrics(text_font).horizontalAdvance(self._shown)
        left = (self.width() - sign - gap - text - key) / 2
        if self.sign:
            box = QRectF(left, (self.height() - sign) / 2, sign, sign)
            draw_sign(painter, self.sign, box, ink)
        flags = Qt.AlignmentFlag.AlignVCenter
        rest = QRectF(left + sign + gap, 0, text + 2, self.height())
        painter.setFont(text_font)
        painter.setPen(ink)
        painter.drawText(rest, flags | Qt.AlignmentFlag.AlignLeft, self._shown)
        painter.setFont(key_font)
        painter.setPen(soft)
        room = QRectF(rest.left() + text, 0.5, key, self.height())
        painter.drawText(room, flags | Qt.AlignmentFlag.AlignRight, self._shown_key)


def _with_key(action: QAction) -> str:
    key = action.shortcut().toString()
    return f"{action.toolTip()} ({key})" if key else action.toolTip()


class SpeedControl(QWidget):
    """How many steps a second are trained at most, from one to as fast as it goes."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        label = QLabel("Speed")
        label.setProperty("role", "soft")
        self._slider = Slider()
        self._slider.setObjectName("speed")
        self._slider.setAccessibleName("Speed, steps a second")
        self._slider.setRange(0, len(SPEEDS) - 1)
        self._slider.setPageStep(1)
        self._slider.setFixedWidth(92)
        self._slider.valueChanged.connect(self._slide)
        label.setBuddy(self._slider)
        self._value = QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in (label, self._slider, self._value):
            row.addWidget(part)
        self.set_speed(None)

    def set_speed(self, speed: float | None) -> None:
        """Show a speed, rounded to one that is offered; nothing is announced."""
        blocker = QSignalBlocker(self._slider)
        self._slider.setValue(nearest_speed(speed))
        del blocker
        self._describe()

    def set_theme(self, theme: Theme) -> None:
        """Keep room for the widest value."""
        widest = max(QFontMetrics(font(theme.text)).horizontalAdvance(t) for t in ("500/s", "max"))
        self._value.setFont(font(theme.text, QFont.Weight.DemiBold))
        self._value.setFixedWidth(widest + 8)

    def _slide(self, position: int) -> None:
        self._describe()
        self.changed.emit(SPEEDS[position])

    def _describe(self) -> None:
        speed = SPEEDS[self._slider.value()]
        self._value.setText("max" if speed is None else f"{speed:g}/s")
        said = "as fast as it goes" if speed is None else f"{speed:g} steps a second at most"
        self._slider.setToolTip(f"Training speed: {said}")
        self._slider.setAccessibleDescription(said)


def nearest_speed(speed: float | None) -> int:
    """The place in `SPEEDS` of the offered speed nearest to this one, by factors."""
    if speed is None or speed > 700:
        return len(SPEEDS) - 1
    offered = [s for s in SPEEDS if s is not None]
    wanted = math.log(max(speed, 1e-9))
    return min(range(len(offered)), key=lambda place: abs(math.log(offered[place]) - wanted))


class ToolBar(QFrame):
    """The strip at the top of the window. What there is no room for folds away, in an order."""

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__()
        soft_keys = {entry.name: entry.soft_key for entry in ENTRIES}
        self.setObjectName("toolbar")
        self.setProperty("role", "bar")
        self._brand = QLabel("initviz")
        self._brand.setProperty("role", "brand")
        self.run = ActionButton(
            actions["run"], soft_keys["run"], sign="run", texts=("Pause",), primary=True
        )
        names = ("step", "slow", "reset", "new_seed", "export", "projector")
        others = {name: ActionButton(actions[name], soft_keys[name]) for name in names}
        others["toggle_theme"] = ActionButton(actions["toggle_theme"], sign="contrast", text="")
        self.export = others["export"]
        self.speed = SpeedControl()
        self.status = SteadyLabel("loading PyTorch…")
        self.status.setObjectName("status")
        self.status.setAccessibleName("Status")
        self.status.setProperty("role", "pill")
        self.status.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._buttons = [self.run, *others.values()]
        self._folding: list[QWidget] = [
            self._brand,
            self.speed,
            others["new_seed"],
            others["slow"],
            others["reset"],
        ]
        left: list[QWidget] = [self._brand, self.run, *(others[name] for name in names[:-2])]
        right: list[QWidget] = [
            self.status,
            others["toggle_theme"],
            self.export,
            others["projector"],
        ]
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 9, 14, 9)
        row.setSpacing(8)
        for part in left:
            row.addWidget(part)
        row.addSpacing(8)
        row.addWidget(self.speed)
        row.addStretch(1)
        for part in right:
            row.addWidget(part)
        row.insertSpacing(1, 12)
        self._row = row

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on to what is drawn rather than styled."""
        for button in self._buttons:
            button.set_theme(theme)
        self.speed.set_theme(theme)
        self.status.fit()
        self._fold()

    def set_running(self, running: bool) -> None:
        """Let the main button say what it would do now."""
        self.run.sign = "pause" if running else "run"
        self.run.update()

    def set_status(self, text: str) -> None:
        """Say how the run fares."""
        if self.status.say(text):
            self._fold()

    def minimumSizeHint(self) -> QSize:
        # Whatever the width, something can be folded away.
        return QSize(200, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        """Show as much as there is room for: first the keys on the buttons go."""
        for with_keys, hidden in ((True, 0), *((False, n) for n in range(len(self._folding) + 1))):
            for button in self._buttons:
                button.show_key(with_keys)
            for place, part in enumerate(self._folding):
                part.setVisible(place >= hidden)
            self._row.invalidate()
            if self._row.minimumSize().width() <= self.width():
                return
