"""The rows of a form: a class for each kind of field.

A row shows a `Field` and tells what a person makes of it: `edited` with a value that stands,
`dragged` with one of the many values that a slider passes on its way.
"""

from __future__ import annotations

from html import escape
from typing import ClassVar

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.settings import Field, Value
from initviz.ui.controls import CheckBox, ComboBox, NumberBox, Slider, TextBox, WholeBox
from initviz.ui.scale import Scale


class Row(QWidget):
    """One setting: its label, its control, and room for one sentence about a mistake."""

    edited = Signal(object)
    dragged = Signal(object)

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self.value: Value = field.value
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(4)
        self._error: QLabel | None = None
        self._locked = ""
        self.editor = self._build()
        self.editor.setObjectName(field.key)
        self._describe(self.editor)

    def _build(self) -> QWidget:
        """Make the controls; return the one that holds the value."""
        raise NotImplementedError

    def _put(self, value: Value) -> None:
        """Let the controls show a value."""
        raise NotImplementedError

    def controls(self) -> list[QWidget]:
        """What Tab reaches in this row, in order."""
        return [self.editor]

    def follow(self, experiment: Experiment) -> None:
        """Look at the other settings, where that matters to the controls; mostly it does not."""

    @property
    def has_draft(self) -> bool:
        """Whether what the controls say was refused, and is worth keeping to be mended."""
        return False

    def show_field(self, field: Field) -> None:
        """Show the value that stands, and forget what was wrong."""
        self.field, self.value = field, field.value
        self.show_error("")
        # A signal from here would be a change that nobody made.
        blockers = [QSignalBlocker(control) for control in self.controls()]
        self._put(field.value)
        del blockers

    def show_error(self, sentence: str) -> None:
        """Say under the control what is wrong; an empty sentence takes it away."""
        if self._error is None and sentence:
            self._error = QLabel()
            self._error.setProperty("role", "error")
            self._error.setWordWrap(True)
            self._error.setTextFormat(Qt.TextFormat.PlainText)
            self._body.addWidget(self._error)
        if self._error is not None:
            self._error.setText(sentence)
            self._error.setVisible(bool(sentence))
            self.editor.setAccessibleDescription(sentence or self.field.setting.help)

    def lock(self, reason: str) -> None:
        """Let nobody change the setting, and say why in its tooltip; an empty reason frees it."""
        if reason == self._locked:
            return
        self._locked = reason
        self.setEnabled(not reason)
        for control in self.controls():
            name = control.accessibleName()
            self._describe(control)
            control.setAccessibleName(name)  # a slider's says that it is one

    def _describe(self, control: QWidget) -> None:
        setting = self.field.setting
        control.setAccessibleName(setting.label)
        said = " ".join(part for part in (setting.help, self._locked) if part)
        control.setAccessibleDescription(said)
        symbol = f"<b>{escape(setting.symbol)}</b> &nbsp;" if setting.symbol else ""
        tip = f"<p>{symbol}{escape(setting.help)}</p>" if setting.help else ""
        locked = f"<p>{escape(self._locked)}</p>" if self._locked else ""
        control.setToolTip(tip + locked)

    def _make_label(self) -> QLabel:
        label = QLabel(self.field.setting.label)
        label.setProperty("role", "label")
        label.setToolTip("")
        return label


class ChoiceRow(Row):
    """One of a few named values."""

    def _build(self) -> QWidget:
        self._box = ComboBox()
        library = ""
        for value, text in self.field.choices:
            # What imitates a library ("keras.he_normal") stands apart.
            if (other := str(value).rpartition(".")[0]) != library:
                self._box.insertSeparator(self._box.count())
                library = other
            self._box.addItem(text, value)
        self._box.currentIndexChanged.connect(lambda row: self.edited.emit(self._box.itemData(row)))
        self._lay_out(self._box)
        return self._box

    def _lay_out(self, box: QWidget) -> None:
        label = self._make_label()
        label.setBuddy(box)
        self._body.addWidget(label)
        self._body.addWidget(box)

    def _put(self, value: Value) -> None:
        self._box.setCurrentIndex(self._box.findData(value))


class FlagRow(Row):
    """Yes or no."""

    def _build(self) -> QWidget:
        self._box = CheckBox(self.field.setting.label)
        self._box.toggled.connect(self.edited.emit)
        self._body.addWidget(self._box)
        return self._box

    def _put(self, value: Value) -> None:
        self._box.setChecked(bool(value))


class TextRow(Row):
    """A line of text; Enter or leaving it hands it on. One that was refused stays to be mended."""

    def _build(self) -> QWidget:
        self._box = TextBox()
        self._box.editingFinished.connect(self._finish)
        label = self._make_label()
        label.setBuddy(self._box)
        self._body.addWidget(label)
        self._lay_out(self._box)
        return self._box

    def _lay_out(self, box: QWidget) -> None:
        self._body.addWidget(box)

    @property
    def has_draft(self) -> bool:
        return self._error is not None and self._error.text() != ""

    def _finish(self) -> None:
        if self._box.text() != self.value:
            self.edited.emit(self._box.text())
        else:
            self.show_error("")  # the text that stands is back

    def _put(self, value: Value) -> None:
        if self._box.text() != value:
            self._box.setText(str(value))


class NumberRow(Row):
    """A number: its exact value at the right, and a slider over the usual range below."""

    #: What stands in place of a whole 0, where that is more than a number.
    zero: ClassVar[str] = ""

    def _build(self) -> QWidget:
        setting = self.field.setting
        whole = self.field.kind == "integer"
        self._scale = _scale(self.field)
        self._box = WholeBox(self.zero) if whole else NumberBox(setting.logarithmic)
        if isinstance(self._box, NumberBox) and self._scale and not self._scale.by_factors:
            self._box.setSingleStep(self._scale.value(1) - self._scale.low)
        self._box.valueChanged.connect(self._edit)
        label = self._make_label()
        label.setBuddy(self._box)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(label, 1)
        head.addWidget(self._box)
        self._body.addLayout(head)
        self._body.setSpacing(0)
        self._slider = self._build_slider() if self._scale else None
        return self._box

    def _build_slider(self) -> Slider:
        assert self._scale is not None
        slider = Slider()
        slider.setObjectName(f"{self.field.key}.slider")
        slider.setRange(0, self._scale.positions)
        slider.setPageStep(max(1, self._scale.positions // 10))
        slider.setSingleStep(max(1, self._scale.positions // 100))
        slider.valueChanged.connect(self._slide)
        slider.sliderReleased.connect(lambda: self.edited.emit(self.value))
        self._describe(slider)
        slider.setAccessibleName(f"{self.field.setting.label}, slider")
        self._body.addWidget(slider)
        return slider

    def controls(self) -> list[QWidget]:
        return [self._box] if self._slider is None else [self._box, self._slider]

    def _edit(self, value: float) -> None:
        self.value = value
        self.edited.emit(value)

    def _slide(self, position: int) -> None:
        assert self._scale is not None
        assert self._slider is not None
        self.value = self._scale.value(position)
        blocker = QSignalBlocker(self._box)
        self._box.put(self.value)
        del blocker
        (self.dragged if self._slider.isSliderDown() else self.edited).emit(self.value)

    def _put(self, value: Value) -> None:
        assert not isinstance(value, str)
        self._box.put(value)
        # Under the hand that drags it, the slider already is where it should be.
        if self._scale and self._slider and not self._slider.isSliderDown():
            self._slider.setValue(self._scale.position(float(value)))


def _scale(field: Field) -> Scale | None:
    usual = field.setting.usual
    if usual is None:
        return None
    return Scale(*usual, field.setting.logarithmic, field.kind == "integer")
