"""The grey box under the scheme: its formula, and the σ that each layer really gets from it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import GlorotNormal
from initviz.lab.network_settings import Network
from initviz.lab.places import places
from initviz.ui import formula
from initviz.ui.critical import CriticalValues
from initviz.ui.theme import LIGHT, Theme


@dataclass(frozen=True)
class Spread:
    """What the layers of one size get: σ of a weight, and what Glorot's scheme would give."""

    layers: str
    sigma: float
    glorot: float


class SchemeNote(QFrame):
    """Formula, σ of each layer beside Glorot's, and σ_w² beside its critical value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "note")
        self._theme = LIGHT
        self._experiment: Experiment | None = None
        self._critical = CriticalValues(self)
        self._critical.grew.connect(self._refresh)
        self._text = QLabel()
        self._text.setObjectName("scheme_note")
        self._text.setAccessibleName("What the scheme draws")
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(self._text)

    def set_experiment(self, experiment: Experiment) -> None:
        """Say what this experiment's scheme does."""
        self._experiment = experiment
        self._refresh()

    def set_theme(self, theme: Theme) -> None:
        """Use the soft ink of another theme."""
        self._theme = theme
        self._refresh()

    def _refresh(self) -> None:
        if self._experiment is not None:
            self._text.setText(self._html(self._experiment))

    def _html(self, experiment: Experiment) -> str:
        lines = (
            formula.html(experiment.initialiser.formula),
            self._table(spreads(experiment)),
            self._scale(experiment),
        )
        return "".join(f'<div style="margin-top:3px">{line}</div>' for line in lines)

    def _table(self, rows: list[Spread]) -> str:
        is_glorot = all(_short(row.sigma) == _short(row.glorot) for row in rows)
        lines = [("", "σ", "" if is_glorot else "Glorot's\u00a0σ")]
        lines += [(r.layers, _short(r.sigma), "" if is_glorot else _short(r.glorot)) for r in rows]
        styles = ("", "", f' style="{self._soft}"')
        cells = [
            "".join(f"<td{style}>{text}&nbsp;&nbsp;&nbsp;</td>" for text, style in columns)
            for columns in (zip(line, styles, strict=True) for line in lines)
        ]
        head, *rest = cells
        rows_html = f'<tr style="{self._soft}">{head}</tr>' + "".join(f"<tr>{r}</tr>" for r in rest)
        return f'<table cellspacing="0" cellpadding="0">{rows_html}</table>'

    @property
    def _soft(self) -> str:
        return f"color:{self._theme.ink_soft}"

    def _scale(self, experiment: Experiment) -> str:
        network = experiment.network
        squared = experiment.initialiser.sigma_w(places(experiment)[-2]) ** 2
        text = f"σ<sub>w</sub><sup>2</sup> = n·E w<sup>2</sup> = {_short(squared)}"
        return f'{text}<br><span style="{self._soft}">{self._critical_text(network)}</span>'

    def _critical_text(self, network: Network) -> str:
        label = ACTIVATIONS[network.activation].label
        if not self._critical.knows(network.activation, network.slope):
            return f"critical for {label}: …"
        critical = self._critical.value(network.activation, network.slope)
        if critical is None:
            return f"{label} has no critical value without biases"
        return f"critical for {label}: {_short(critical)}"


def spreads(experiment: Experiment) -> list[Spread]:
    """The σ of the first, the other and the output layers; equal ones as one line."""
    scheme, depth = experiment.initialiser, experiment.network.hidden_layers
    others = "layer\u00a02" if depth == 2 else f"layers\u00a02–{depth}"
    found = places(experiment)
    rows = [("layer\u00a01", found[0])]
    rows += [(others, found[1])] if depth > 1 else []
    rows += [("output", found[-1])]
    glorot = GlorotNormal()
    return [
        Spread(name, scheme.weight_std(place), glorot.weight_std(place)) for name, place in rows
    ]


def _short(value: float) -> str:
    return f"{value:#.3g}".rstrip(".")
