"""The experiment form, made from what the experiment says about its own fields.

There is no widget code for any one setting here: a new field of the experiment appears by
itself, in its section, as the kind of control that its type asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
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
from initviz.lab.network_settings import layer_names
from initviz.lab.settings import Field, Kind, Value
from initviz.ui import layers_section
from initviz.ui.data_preview import DataPreview
from initviz.ui.glyphs import sign_icon
from initviz.ui.layers_section import LayerRows, LayersSection
from initviz.ui.limits import LOCKED, NO_LIMITS, Limits
from initviz.ui.note import Note
from initviz.ui.path_row import PathRow
from initviz.ui.rows import ChoiceRow, FlagRow, NumberRow, Row, TextRow
from initviz.ui.scheme_note import SchemeNote
from initviz.ui.theme import Theme

#: While a slider is dragged, an experiment is handed on this often, in milliseconds.
DRAG_INTERVAL = 80

#: The row of each kind of field.
ROWS: dict[Kind, type[Row]] = {
    "choice": ChoiceRow,
    "flag": FlagRow,
    "integer": NumberRow,
    "number": NumberRow,
    "text": TextRow,
    "path": PathRow,
}
#: What explains a setting, shown right under its row.
NOTES: dict[str, Callable[[], Note]] = {
    "initialiser.scheme": SchemeNote,
    "training.path": DataPreview,
}
#: The section at whose end the layers that differ are shown.
WITH_LAYERS = "network"


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
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(8)
        self._body.addLayout(head)
        self._body.addLayout(self._rows)
        self._body.addWidget(self._advanced)
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

    def add_end(self, widget: QWidget) -> None:
        """Show something at the end, advanced rows or not."""
        self._body.addWidget(widget)

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
        self._limits = NO_LIMITS
        self._rows: dict[str, Row] = {}
        self._notes = {key: make() for key, make in NOTES.items()}
        for note in self._notes.values():
            note.freed.connect(self._freed)
        self._layers: LayersSection | None = None
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
        for note in self._notes.values():
            note.setParent(inside)
            note.hide()
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

    def set_limits(
        self,
        locked: Sequence[str] = (),
        hidden: Sequence[str] = (),
        *,
        free: Sequence[str] | None = None,
        reason: str = LOCKED,
    ) -> None:
        """Lock settings, which are shown then but cannot be changed, and hide others.

        Keys are dotted, "network.*" for all of a section. Where `free` is given, everything else is
        locked. `reason` is what the tooltip of a locked control says. Without any the form is as it
        was made.
        """
        limits = Limits(tuple(locked), tuple(hidden), free and tuple(free), reason)
        if limits != self._limits:
            self._limits = limits
            self._show()
            self._arrange(self._fields())  # the same rows may stand there, locked now

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

    def stop(self) -> None:
        """Wait for what the notes are still finding out."""
        for note in self._notes.values():
            note.stop()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop()
        super().closeEvent(event)

    # -- from the person to the experiment ---------------------------------------------------

    def _edit(self, row: Row, value: Value, dragged: bool) -> None:
        key = row.field.key
        try:
            self._experiment = self._experiment.with_value(key, value)
        except ValueError as error:
            labels = {field.key: field.setting.label for field in self._experiment.fields()}
            row.show_error(in_words(row.field, error, labels))
            return
        # The value at the end of a drag still belongs to it.
        self._gesture = key if dragged or self._gesture == key else ""
        self._show(edited=row)
        if not dragged:
            self._announce()
            self._gesture = ""
            self.settled.emit()
        elif not self._drag_timer.isActive():
            self._drag_timer.start()

    def _freed(self) -> None:
        for note in self._notes.values():
            note.look_again()
        self._announce()

    def _add_layer(self) -> None:
        name = layers_section.next_layer(self._experiment)
        if name is not None:
            index = len(self._experiment.layers)
            self._use(self._experiment.with_layer(name))
            self._rows[f"{layers_section.PREFIX}{index}.name"].editor.setFocus()

    def _remove_layer(self, index: int) -> None:
        self._use(self._experiment.without_layer(index))

    def _use(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._show()
        self._announce()
        self.settled.emit()

    def _announce(self) -> None:
        """Hand the experiment on, unless it cannot run yet: a note says why."""
        self._drag_timer.stop()
        if any(self._notes[key].holds for key in self._notes.keys() & self._rows.keys()):
            return
        if self._experiment != self._announced:
            self._announced = self._experiment
            self.changed.emit(self._experiment, self._gesture)

    # -- from the experiment to the controls -------------------------------------------------

    def _show(self, edited: Row | None = None) -> None:
        """Bring rows and values up to date with the experiment.

        Where a person has `edited` one row, a text that was refused stays in another.
        """
        fields = self._fields()
        before = list(self._rows.values())
        self._rows = {field.key: self._row_for(field, edited) for field in fields}
        if list(self._rows.values()) != before:
            self._arrange(fields)
            for row in before:
                if row not in self._rows.values():
                    row.hide()
                    row.deleteLater()  # not at once: it may be the one that is speaking
        for key, note in self._notes.items():
            if key in self._rows:
                note.set_experiment(self._experiment)
            else:
                note.hide()

    def _fields(self) -> list[Field]:
        """What there is to show, ready for its row."""
        every = [field for field in self._experiment.fields() if field.is_visible]
        return [self._ready(field) for field in every if not self._limits.hides(field.key)]

    def _ready(self, field: Field) -> Field:
        is_layers = field.key.startswith(layers_section.PREFIX)
        return layers_section.with_choices(field, self._experiment) if is_layers else field

    def _row_for(self, field: Field, edited: Row | None) -> Row:
        row = self._rows.get(field.key)
        if row is None or replace(row.field, value=field.value) != field:
            row = _row_class(field)(field)
            self._connect(row)
        row.follow(self._experiment)
        row.lock(self._limits.why(field.key))
        if edited is None or row is edited or not row.has_draft:
            row.show_field(field)
        return row

    def _connect(self, row: Row) -> None:
        row.edited.connect(lambda value: self._edit(row, value, dragged=False))
        row.dragged.connect(lambda value: self._edit(row, value, dragged=True))

    def _arrange(self, fields: list[Field]) -> None:
        own = [field for field in fields if not field.key.startswith(layers_section.PREFIX)]
        shown = set()
        for name, group in groupby(own, lambda field: field.key.split(".")[0]):
            self._section(name).arrange(*self._plain_and_advanced(list(group)))
            shown.add(name)
        for name, section in self._sections.items():
            section.setVisible(name in shown)
        if self._layers is not None:
            self._arrange_layers(self._layers, fields[len(own) :])
        self._chain_tab_order()

    def _arrange_layers(self, section: LayersSection, fields: list[Field]) -> None:
        known = layer_names(self._experiment.network)
        found = []
        for index, group in groupby(fields, lambda field: layers_section.index_of(field.key)):
            head, *others = group
            name = self._experiment.layers[index].name
            plain, advanced = self._plain_and_advanced(others)
            found.append(LayerRows(name, name in known, self._rows[head.key], plain, advanced))
        section.arrange(
            found,
            layers_section.next_layer(self._experiment) is not None,
            locked=self._limits.why(layers_section.ANY),
            offered=not self._limits.hides(layers_section.ANY),
        )

    def _plain_and_advanced(self, fields: list[Field]) -> tuple[list[QWidget], list[QWidget]]:
        plain = [field for field in fields if not field.setting.advanced]
        return self._widgets(plain), self._widgets([f for f in fields if f.setting.advanced])

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
            if name == WITH_LAYERS:
                self._layers = self._make_layers(section)
        return self._sections[name]

    def _make_layers(self, section: Section) -> LayersSection:
        layers = LayersSection()
        section.add_end(layers)
        section.more.toggled.connect(layers.fold)
        layers.add_wanted.connect(self._add_layer)
        layers.remove_wanted.connect(self._remove_layer)
        return layers

    def _chain_tab_order(self) -> None:
        """Tab goes down the form; Qt would visit rows in the order of their making."""
        chain: list[QWidget] = []
        for name, section in self._sections.items():
            own = [row for key, row in self._rows.items() if key.startswith(f"{name}.")]
            chain += [section.more, *self._controls(own)]
            if name == WITH_LAYERS and self._layers is not None:
                chain += self._layer_controls(self._layers)
        for first, second in pairwise(chain):
            QWidget.setTabOrder(first, second)

    def _controls(self, rows: list[Row]) -> list[QWidget]:
        """What Tab reaches in rows, those of the advanced settings last."""
        chain: list[QWidget] = []
        for row in sorted(rows, key=lambda row: row.field.setting.advanced):
            note = self._notes.get(row.field.key)
            chain += [*row.controls(), *(note.controls() if note else [])]
        return chain

    def _layer_controls(self, section: LayersSection) -> list[QWidget]:
        chain: list[QWidget] = [section.add]
        for index, remove in enumerate(section.removers()):
            prefix = f"{layers_section.PREFIX}{index}."
            head, *others = [row for key, row in self._rows.items() if key.startswith(prefix)]
            chain += [*head.controls(), remove, *self._controls(others)]
        return chain


def _row_class(field: Field) -> type[Row]:
    usual = ROWS[field.kind]
    is_layers = field.key.startswith(layers_section.PREFIX)
    return layers_section.row_class(field, usual) if is_layers else usual


def in_words(field: Field, error: ValueError, labels: Mapping[str, str]) -> str:
    """The sentence under a field: the error with the labels of settings in place of their keys."""
    sentence = str(error).removeprefix(f"{field.key}: ")
    for key, label in {**labels, field.key: field.setting.label}.items():
        sentence = label.join(re.split(rf"\b{re.escape(key)}\b(?: =)?", sentence))
    sentence = sentence[:1].upper() + sentence[1:]
    return sentence if sentence.endswith(".") else f"{sentence}."
