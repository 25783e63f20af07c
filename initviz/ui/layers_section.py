"""The layers that differ: one group of settings for each, at the end of the network's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from initviz.lab.experiment import MAX_LAYERS, Experiment
from initviz.lab.network_settings import layer_names
from initviz.lab.settings import Field
from initviz.ui.rows import ChoiceRow, NumberRow, Row

PREFIX = "layers."
#: The key that stands for all of them, where some cannot be changed.
ANY = f"{PREFIX}0.name"


class LayerChoiceRow(ChoiceRow):
    """A choice on one line, its label beside it."""

    def _lay_out(self, box: QWidget) -> None:
        label = self._make_label()
        label.setBuddy(box)
        line = QHBoxLayout()
        line.addWidget(label, 2)
        line.addWidget(box, 3)
        self._body.addLayout(line)


class LayerNameRow(ChoiceRow):
    """Which layer it is: the head of a group needs no label."""

    def _lay_out(self, box: QWidget) -> None:
        self._body.addWidget(box)


class LayerWidthRow(NumberRow):
    """A width; 0 is that of the others."""

    zero = "as the others"


_ADD = "Give one layer a width, an activation or a scheme of its own"
#: What stands in a group instead of the usual rows, by the end of the key.
ROWS: dict[str, type[Row]] = {
    "name": LayerNameRow,
    "width": LayerWidthRow,
    "activation": LayerChoiceRow,
    "initialiser.scheme": LayerChoiceRow,
}


def index_of(key: str) -> int:
    """The place in the list of layers that a key speaks of."""
    return int(key.split(".")[1])


def row_class(field: Field, usual: type[Row]) -> type[Row]:
    """The class of the row of a layer's field."""
    return ROWS.get(field.key.split(".", 2)[2], usual)


def with_choices(field: Field, experiment: Experiment) -> Field:
    """The field, a layer's name with the names to choose from: those that no other layer has."""
    if not field.key.endswith(".name"):
        return field
    taken = {layer.name for layer in experiment.layers} - {field.value}
    names = [name for name in layer_names(experiment.network) if name not in taken]
    if field.value not in names:  # the network is too shallow to have it
        names.insert(0, str(field.value))
    return replace(field, kind="choice", choices=tuple((name, name_text(name)) for name in names))


def name_text(name: str) -> str:
    """A layer's name as a person reads it."""
    return name.replace("hidden", "Layer").replace("output", "Output layer")


def next_layer(experiment: Experiment) -> str | None:
    """The layer to add: the output layer first, then from the input on; None if all are there."""
    taken = {layer.name for layer in experiment.layers}
    *hidden, output = layer_names(experiment.network)
    free = (name for name in (output, *hidden) if name not in taken)
    return next(free, None) if len(taken) < MAX_LAYERS else None


@dataclass(frozen=True)
class LayerRows:
    """What is shown of one layer."""

    name: str
    is_there: bool
    head: Row
    plain: Sequence[QWidget]
    advanced: Sequence[QWidget]


class Group(QFrame):
    """The settings of one layer, with a button that takes them away."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.setProperty("role", "note")
        self.remove = QToolButton()
        self.remove.setText("Remove")
        self.remove.setProperty("role", "flat")
        self.remove.setObjectName(f"{PREFIX}{index}.remove")
        self.remove.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._head = QHBoxLayout()
        self._head.addWidget(self.remove)
        self._missing = QLabel()
        self._missing.setProperty("role", "label")
        self._missing.setWordWrap(True)
        self._rows = QVBoxLayout()
        self._advanced = QWidget()
        self._advanced_rows = QVBoxLayout(self._advanced)
        for layout in (self._rows, self._advanced_rows):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(8)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        body.addLayout(self._head)
        body.addWidget(self._missing)
        body.addLayout(self._rows)
        body.addWidget(self._advanced)

    def arrange(self, rows: LayerRows, unfolded: bool) -> None:
        """Show these rows."""
        name = name_text(rows.name).lower().replace("output", "the output")
        self.setAccessibleName(name_text(rows.name))
        self.remove.setAccessibleName(f"Remove the settings of {name}")
        self.remove.setToolTip(f"Let {name} be as the others again")
        self._missing.setText(f"The network has no {name}: without effect.")
        self._missing.setVisible(not rows.is_there)
        if self._head.indexOf(rows.head) < 0:
            self._head.insertWidget(0, rows.head, 1)
        for layout, widgets in ((self._rows, rows.plain), (self._advanced_rows, rows.advanced)):
            for place, widget in enumerate(widgets):
                if layout.indexOf(widget) != place:
                    layout.insertWidget(place, widget)
                widget.show()
        rows.head.show()
        self.fold(unfolded)

    def fold(self, unfolded: bool) -> None:
        """Show the advanced rows, or not."""
        self._advanced.setVisible(unfolded and self._advanced_rows.count() > 0)


class LayersSection(QWidget):
    """All groups, and the button that adds one; without any it is folded away."""

    add_wanted = Signal()
    remove_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("layers")
        self._groups: list[Group] = []
        self._unfolded = False
        self._offered = True
        label = QLabel("Layers that differ")
        label.setProperty("role", "label")
        self.add = QToolButton()
        self.add.setText("Add a layer")
        self.add.setProperty("role", "flat")
        self.add.setObjectName(f"{PREFIX}add")
        self.add.setAccessibleName("Add a layer that differs")
        self.add.setToolTip(_ADD)
        self.add.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.add.clicked.connect(self.add_wanted)
        head = QHBoxLayout()
        head.addWidget(label, 1)
        head.addWidget(self.add)
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(8)
        self._body.addLayout(head)
        self.hide()

    def arrange(
        self,
        layers: Sequence[LayerRows],
        can_add: bool,
        *,
        locked: str = "",
        offered: bool = True,
    ) -> None:
        """Show a group for each of these layers.

        `locked` says why none can be added or removed, where that is so; what is not `offered` is
        not to be seen, unfolded or not.
        """
        self._offered = offered
        while len(self._groups) > len(layers):
            group = self._groups.pop()
            group.hide()
            group.deleteLater()  # not at once: its button may be the one that is speaking
        while len(self._groups) < len(layers):
            self._groups.append(self._make_group(len(self._groups)))
        for group, rows in zip(self._groups, layers, strict=True):
            group.arrange(rows, self._unfolded)
            group.remove.setEnabled(not locked)
        self.add.setEnabled(can_add and not locked)
        self.add.setToolTip(locked or _ADD)
        self.fold(self._unfolded)

    def _make_group(self, index: int) -> Group:
        group = Group(index)
        group.remove.clicked.connect(lambda: self.remove_wanted.emit(index))
        self._body.addWidget(group)
        group.show()  # at once: the layout would do so later
        return group

    def fold(self, unfolded: bool) -> None:
        """Show the advanced rows, or not; and the whole, where it is empty."""
        self._unfolded = unfolded
        for group in self._groups:
            group.fold(unfolded)
        self.setVisible(self._offered and (unfolded or bool(self._groups)))

    def removers(self) -> list[QToolButton]:
        """The button of each group that takes it away."""
        return [group.remove for group in self._groups]
