"""The controls that a form is made of, each with the manners that a form wants.

A control takes the wheel only while it has the focus, shows its value as shortly as it can be
written, and leaves the judgement of a value to the experiment: a box accepts any number.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import (
    QElapsedTimer,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QListView,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
    QWidget,
)

from initviz.ui.glyphs import draw_sign, draw_tick
from initviz.ui.scale import number_text, rounded

#: What a person may type into a box of numbers, in any order.
_NUMBER_CHARACTERS = frozenset("0123456789+-−.,eE ")
_WHOLE_CHARACTERS = frozenset("0123456789+-− ")
_LARGEST_WHOLE = 2**31 - 1
_LARGEST = 1e100


def _wheel_scrolls_the_form(control: QWidget, event: QWheelEvent) -> bool:
    """Whether the wheel is none of this control's business; then the form behind it scrolls."""
    if control.hasFocus():
        return False
    event.ignore()
    return True


class WholeBox(QSpinBox):
    """An editor for whole numbers, as plain as a label until it is used.

    Where 0 is more than a number, `zero` is what it says instead.
    """

    def __init__(self, zero: str = "") -> None:
        super().__init__()
        self._zero = zero
        _make_plain(self)
        self.setRange(-_LARGEST_WHOLE, _LARGEST_WHOLE)

    def put(self, value: float) -> None:
        """Show a whole number."""
        self.setValue(round(value))

    def textFromValue(self, value: int) -> str:
        return self._zero if self._zero and value == 0 else str(value)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        if text and self._zero.startswith(text):
            done = text == self._zero
            state = QValidator.State.Acceptable if done else QValidator.State.Intermediate
            return state, text, position
        return judged_whole(text), text, position

    def valueFromText(self, text: str) -> int:
        number = 0 if text and text == self._zero else _parsed(text, int, _LARGEST_WHOLE)
        return self.value() if number is None else int(number)

    def sizeHint(self) -> QSize:
        return _size_hint(self, self._zero or "000000")

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not _wheel_scrolls_the_form(self, event):
            super().wheelEvent(event)


class NumberBox(QDoubleSpinBox):
    """An editor for numbers of any size, shown as shortly as they can be written."""

    def __init__(self, logarithmic: bool) -> None:
        super().__init__()
        _make_plain(self)
        self._logarithmic = logarithmic
        self.setDecimals(100)  # of what is kept; what is shown is `number_text`
        self.setRange(-_LARGEST, _LARGEST)

    def put(self, value: float) -> None:
        """Show a number."""
        self.setValue(value)

    def textFromValue(self, value: float) -> str:
        return number_text(value)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return _judged(text, _NUMBER_CHARACTERS, float, _LARGEST), text, position

    def valueFromText(self, text: str) -> float:
        number = _parsed(text, float, _LARGEST)
        return self.value() if number is None else float(number)

    def stepBy(self, steps: int) -> None:
        if self._logarithmic and self.value() > 0:
            self.setValue(rounded(self.value() * 10.0 ** (steps / 20), 2))
        else:
            self.setValue(rounded(self.value() + steps * self.singleStep(), 12))

    def sizeHint(self) -> QSize:
        return _size_hint(self, "0.00000000")

    def minimumSizeHint(self) -> QSize:
        return _size_hint(self, "0.0001")

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not _wheel_scrolls_the_form(self, event):
            super().wheelEvent(event)


def _make_plain(box: QSpinBox | QDoubleSpinBox) -> None:
    # The style sheet gives the buttons no room. (With NoButtons it gives the text none.)
    box.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    box.setKeyboardTracking(False)
    box.setFrame(False)
    box.setLocale(QLocale.c())
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    box.setProperty("role", "value")


def _size_hint(box: QWidget, widest: str) -> QSize:
    metrics = box.fontMetrics()
    return QSize(metrics.horizontalAdvance(widest) + 14, metrics.height() + 6)


def judged_whole(text: str) -> QValidator.State:
    """Whether a text is a whole number, could become one, or never will."""
    return _judged(text, _WHOLE_CHARACTERS, int, _LARGEST_WHOLE)


def _judged(
    text: str, characters: frozenset[str], kind: Callable[[str], float], largest: float
) -> QValidator.State:
    if not set(text) <= characters:
        return QValidator.State.Invalid
    done = _parsed(text, kind, largest) is not None
    return QValidator.State.Acceptable if done else QValidator.State.Intermediate


def _parsed(text: str, kind: Callable[[str], float], largest: float) -> float | None:
    try:
        number = kind(text.strip().replace(",", ".").replace("−", "-"))
    except ValueError:
        return None
    return number if abs(number) <= largest else None


class Entries(QListView):
    """The list of a combo box: what is typed finds an entry by any of its words, or by its name.

    "hen" and "he_n" find "He normal". One letter, once more, goes to the next that fits.
    """

    #: So long after a letter, in milliseconds, the next one begins a new word.
    PAUSE = 1000

    def __init__(self) -> None:
        super().__init__()
        self._typed = ""
        self._clock = QElapsedTimer()

    def keyboardSearch(self, text: str) -> None:  # noqa: N802 (Qt's name)
        if not self._clock.isValid() or self._clock.elapsed() > self.PAUSE:
            self._typed = ""
        self._clock.start()
        self._typed += text
        row = self._found()
        if row >= 0:
            self.setCurrentIndex(self.model().index(row, 0))

    def _found(self) -> int:
        typed = _letters(self._typed)
        if not typed:
            return -1
        rows = list(range(self.model().rowCount()))
        if set(typed) == {typed[0]}:  # again and again the same letter
            typed, start = typed[0], self.currentIndex().row() + 1
            rows = rows[start:] + rows[:start]
        for fits in (_begins, _has_word, _contains):
            row = next((row for row in rows if fits(*self._entry(row), typed)), -1)
            if row >= 0:
                return row
        return -1

    def _entry(self, row: int) -> tuple[str, str]:
        """Label and name of a row."""
        index = self.model().index(row, 0)
        return str(index.data() or ""), str(index.data(Qt.ItemDataRole.UserRole) or "")


class EntryDelegate(QStyledItemDelegate):
    """Paints the entries of a combo box as the style sheet says, and a line between groups."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(0, 9) if _is_separator(index) else super().sizeHint(option, index)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        if not _is_separator(index):
            super().paint(painter, option, index)
            return
        area = option.rect
        painter.setPen(option.palette.mid().color())
        painter.drawLine(area.left(), area.center().y(), area.right(), area.center().y())


def _is_separator(index: QModelIndex | QPersistentModelIndex) -> bool:
    return bool(index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == "separator")


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def _begins(label: str, name: str, typed: str) -> bool:
    return _letters(label).startswith(typed) or _letters(name).startswith(typed)


def _has_word(label: str, _name: str, typed: str) -> bool:
    words = label.split()
    return any(_letters("".join(words[start:])).startswith(typed) for start in range(len(words)))


def _contains(label: str, name: str, typed: str) -> bool:
    return len(typed) > 1 and (typed in _letters(label) or typed in _letters(name))


class ComboBox(QComboBox):
    """A combo box with the small arrow of the design."""

    def __init__(self) -> None:
        super().__init__()
        self.setView(Entries())
        self.setItemDelegate(EntryDelegate(self))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(4)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMaxVisibleItems(24)

    def showPopup(self) -> None:  # noqa: N802 (Qt's name)
        # As wide as its longest entry, however narrow the form is.
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + bar + 8)
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        size = 0.5 * self.fontMetrics().height()
        left = self.width() - 2.4 * size
        room = int(left - 2 * size)
        elide = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(option.currentText, elide, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        box = QRectF(left, (self.height() - 0.8 * size) / 2, size, 0.8 * size)
        draw_sign(painter, "down", box, self.palette().placeholderText().color())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not _wheel_scrolls_the_form(self, event):
            super().wheelEvent(event)


class Slider(QSlider):
    """A slider that a click moves to where the pointer is; what lies left of it is filled."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def radius(self) -> float:
        """Half the width of the handle, in pixels."""
        return max(7.0, 0.47 * self.fontMetrics().height())

    @property
    def ink(self) -> QColor:
        """The colour of the handle's ring."""
        return self.palette().highlight().color()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), math.ceil(2 * self.radius) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def handle_centre(self) -> QPointF:
        """Where the handle is."""
        span = self.maximum() - self.minimum()
        share = (self.sliderPosition() - self.minimum()) / span if span else 0.0
        room = self.width() - 2 * self.radius - 2
        return QPointF(self.radius + 1 + share * room, self.height() / 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre, middle = self.handle_centre(), self.height() / 2
        half = self.radius * 0.32
        groove = QRectF(0, middle - half, self.width(), 2 * half)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().mid())
        painter.drawRoundedRect(groove, half, half)
        self.draw_filled(painter, groove, centre)
        painter.setPen(QPen(self.ink, 2.0))
        filled = self.hasFocus() and self.isEnabled()
        painter.setBrush(self.ink if filled else self.palette().base().color())
        painter.drawEllipse(centre, self.radius, self.radius)

    def draw_filled(self, painter: QPainter, groove: QRectF, centre: QPointF) -> None:
        """Fill the groove up to the handle."""
        painter.setBrush(self.ink)
        groove.setRight(centre.x())
        painter.drawRoundedRect(groove, groove.height() / 2, groove.height() / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        distance = abs(event.position().x() - self.handle_centre().x())
        if event.button() == Qt.MouseButton.LeftButton and distance > self.radius:
            left = round(event.position().x() - self.radius - 1)
            span = round(self.width() - 2 * self.radius - 2)
            self.setValue(
                QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), left, span)
            )
        super().mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not _wheel_scrolls_the_form(self, event):
            super().wheelEvent(event)


class CheckBox(QCheckBox):
    """A check box with a drawn box and tick, in the colours of the palette."""

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        side = metrics.height()
        return QSize(side + 10 + metrics.horizontalAdvance(self.text()), side + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        side = self.fontMetrics().height()
        box = QRectF(1, (self.height() - side) / 2, side, side).adjusted(0.5, 0.5, -0.5, -0.5)
        marked = self.isChecked() or self.hasFocus()
        edge = palette.highlight().color() if marked else palette.placeholderText().color()
        painter.setPen(QPen(edge, 2.0 if self.hasFocus() else 1.2))
        painter.setBrush(palette.highlight() if self.isChecked() else palette.base())
        painter.drawRoundedRect(box, 4, 4)
        if self.isChecked():
            draw_tick(painter, box, palette.highlightedText().color())
        painter.setPen(palette.text().color())
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(self.rect().adjusted(side + 9, 0, 0, 0), left, self.text())

    def hitButton(self, position: QPoint) -> bool:  # noqa: N802 (Qt's name)
        return True


class TextBox(QLineEdit):
    """An editor for a line of text."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
