"""The experiment form, made from what the experiment says about its own fields.

There is no widget code for any one setting here: a new field of the experiment appears by
itself, in its section, as the kind of control that its type asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from initviz.lab.experiment import Experiment
from initviz.lab.settings import Field, Value
from initviz.ui.glyphs import sign_icon
from initviz.ui.rows import ROWS, Row
from initviz.ui.scheme_note import SchemeNote
from initviz.ui.theme import Theme

#: While a slider is dragged, an experiment is handed on this often, in milliseconds.
DRAG_INTERVAL = 80

#: What explains a setting, shown right under its row.
NOTES: dict[str, Callable[[], SchemeNote]] = {"initialiser.scheme": SchemeNote}


class Section(QWidget):
    """The rows of one part of the experiment, the advanced ones folded under "More"."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._rows = QVBoxLayout()
        self._advanced = QWidget()
        self._advanced_rows = QVBoxLayout(self._advanced)
        for layout in (self._rows, self._advanced_rows):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(10)
        self._more = self._build_more(name)
        header = QLabel(name.upper())
        header.setProperty("role", "heading")
        head = QHBoxLayout()
        head.addWidget(header, 1)
        head.addWidget(self._more)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        body.addLayout(head)
        body.addLayout(self._rows)
        body.addWidget(self._advanced)
        self._advanced.hide()

    def _build_more(self, name: str) -> QToolButton:
        more = QToolButton()
        more.setText(" More")
        more.setCheckable(True)
        more.setIconSize(QSize(8, 8))
        more.setObjectName(f"{name}.more")
        more.setAccessibleName(f"More settings of the {name}")
        more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        more.setProperty("role", "flat")
        more.toggled.connect(self._fold)
        return more

    def _fold(self, unfolded: bool) -> None:
        self._advanced.setVisible(unfolded)
        self._draw_arrow()

    def _draw_arrow(self) -> None:
        colour = self.palette().placeholderText().color()
        self._more.setIcon(sign_icon("down" if self._more.isChecked() else "right", 8, colour))

    def set_theme(self, _theme: Theme) -> None:
        """Draw what is drawn here in the colours of the theme."""
        self._draw_arrow()

    def arrange(self, plain: list[QWidget], advanced: list[QWidget]) -> None:
        """Put the rows into this order; rows that are here already are not touched."""
        for layout, widgets in ((self._rows, plain), (self._advanced_rows, advanced)):
            for place, widget in enumerate(widgets):
                if layout.indexOf(widget) != place:
                    layout.insertWidget(place, widget)
                widget.show()
        self._more.setVisible(bool(advanced))
        self._advanced.setVisible(bool(advanced) and self._more.isChecked())

    @property
    def more(self) -> QToolButton:
        """The button that unfolds the advanced rows."""
        return self._more


class ExperimentForm(QScrollArea):
    """The form of one experiment.

    `changed` brings each new experiment that is valid. While a slider is dragged, that is one
    every `DRAG_INTERVAL` and the last at the end, each with the dragged key; else that is "".
    """

    changed = Signal(object, str)
    #: A drag has ended: what changes next is a change of its own.
    settled = Signal()

    def __init__(self, experiment: Experiment) -> None:
        super().__init__()
        self.setObjectName("form")
        self.setAccessibleName("Experiment")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._experiment = experiment
        self._announced = experiment
        self._gesture = ""
        self._rows: dict[str, Row] = {}
        self._notes = {key: make() for key, make in NOTES.items()}
        self._sections: dict[str, Section] = {}
        self._theme: Theme | None = None
        self._drag_timer = QTimer(self)
        self._drag_timer.setSingleShot(True)
        self._drag_timer.setInterval(DRAG_INTERVAL)
        self._drag_timer.timeout.connect(self._announce)
        inside = QWidget()
        inside.setProperty("role", "bar")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(14, 14, 14, 14)
        self._column.setSpacing(16)
        self._column.addStretch(1)
        self.setWidget(inside)
        self._show()

    @property
    def experiment(self) -> Experiment:
        """The last valid experiment that the controls say."""
        return self._experiment

    def set_experiment(self, experiment: Experiment) -> None:
        """Show another experiment; nothing is announced."""
        self._drag_timer.stop()
        self._experiment = self._announced = experiment
        self._show()

    def set_theme(self, theme: Theme) -> None:
        """Pass the theme on to whatever is drawn rather than styled."""
        self._theme = theme
        for section in self._sections.values():
            section.set_theme(theme)
        for note in self._notes.values():
            note.set_theme(theme)

    def put_on_top(self, widget: QWidget) -> None:
        """Show something above all settings."""
        self._column.insertWidget(0, widget)

    def row(self, key: str) -> Row:
        """The row of a setting that is shown now, by its dotted key."""
        return self._rows[key]

    # -- from the person to the experiment ---------------------------------------------------

    def _edit(self, row: Row, value: Value, dragged: bool) -> None:
        key = row.field.key
        try:
            self._experiment = self._experiment.with_value(key, value)
        except ValueError as error:
            row.show_error(in_words(row.field, error))
            return
        # The value at the end of a drag still belongs to it.
        self._gesture = key if dragged or self._gesture == key else ""
        self._show()
        if not dragged:
            self._announce()
            self._gesture = ""
            self.settled.emit()
        elif not self._drag_timer.isActive():
            self._drag_timer.start()

    def _announce(self) -> None:
        self._drag_timer.stop()
        if self._experiment != self._announced:
            self._announced = self._experiment
            self.changed.emit(self._experiment, self._gesture)

    # -- from the experiment to the controls -------------------------------------------------

    def _show(self) -> None:
        """Bring rows and values up to date with the experiment."""
        fields = [field for field in self._experiment.fields() if field.is_visible]
        before = list(self._rows.values())
        self._rows = {field.key: self._row_for(field) for field in fields}
        if list(self._rows.values()) != before:
            self._arrange(fields)
            for row in before:
                if row not in self._rows.values():
                    row.hide()
                    row.deleteLater()  # not at once: it may be the one that is speaking
        for key in self._notes.keys() & self._rows.keys():
            self._notes[key].set_experiment(self._experiment)

    def _row_for(self, field: Field) -> Row:
        row = self._rows.get(field.key)
        if row is None or replace(row.field, value=field.value) != field:
            row = ROWS[field.kind](field)
            self._connect(row)
        row.show_field(field)
        return row

    def _connect(self, row: Row) -> None:
        row.edited.connect(lambda value: self._edit(row, value, dragged=False))
        row.dragged.connect(lambda value: self._edit(row, value, dragged=True))

    def _arrange(self, fields: list[Field]) -> None:
        for name in dict.fromkeys(field.key.split(".")[0] for field in fields):
            own = [field for field in fields if field.key.startswith(f"{name}.")]
            plain = self._widgets([field for field in own if not field.setting.advanced])
            advanced = self._widgets([field for field in own if field.setting.advanced])
            self._section(name).arrange(plain, advanced)
        self._chain_tab_order()

    def _widgets(self, fields: list[Field]) -> list[QWidget]:
        keys = [field.key for field in fields]
        pairs = [(self._rows[key], self._notes.get(key)) for key in keys]
        return [widget for pair in pairs for widget in pair if widget is not None]

    def _section(self, name: str) -> Section:
        if name not in self._sections:
            section = self._sections[name] = Section(name)
            self._column.insertWidget(self._column.count() - 1, section)
            if self._theme:
                section.set_theme(self._theme)
        return self._sections[name]

    def _chain_tab_order(self) -> None:
        """Tab goes down the form; Qt would visit rows in the order of their making."""
        chain: list[QWidget] = []
        for name, section in self._sections.items():
            own = [row for key, row in self._rows.items() if key.startswith(f"{name}.")]
            own.sort(key=lambda row: row.field.setting.advanced)
            chain += [section.more, *(control for row in own for control in row.controls())]
        for first, second in pairwise(chain):
            QWidget.setTabOrder(first, second)


def in_words(field: Field, error: ValueError) -> str:
    """The sentence under a field: the error with the field's label in place of its key."""
    sentence = str(error).replace(f"{field.key} = ", f"{field.setting.label} ")
    return sentence if sentence.endswith(".") else f"{sentence}."
