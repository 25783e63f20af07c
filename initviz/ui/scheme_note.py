"""The grey box under the scheme: its formula, and the σ that each layer really gets from it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout

from initviz.lab import datasets
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import GlorotNormal, Scheme
from initviz.lab.initialisers.place import Place
from initviz.lab.places import places
from initviz.lab.training_settings import Training
from initviz.ui import formula
from initviz.ui.answers import Answers
from initviz.ui.critical import CriticalValues
from initviz.ui.data_preview import breakable, needs_path, source_of
from initviz.ui.note import Note
from initviz.ui.theme import LIGHT, Theme

#: With more groups of hidden layers than this, only the first ones are listed.
MOST_GROUPS = 4
UNKNOWN = "?"


@dataclass(frozen=True)
class Drawn:
    """What one layer draws: its place, its scheme, whether that is its own, and its φ's name."""

    place: Place
    scheme: Scheme
    is_own: bool
    activation: str

    @property
    def recurrent(self) -> Drawn:
        """The weight that the step before goes through, of a recurrent layer."""
        rows = self.place.shape[0]
        shape = (rows, rows // self.place.gates)
        return replace(self, place=replace(self.place, shape=shape, role="recurrent"))

    @property
    def sigma(self) -> float:
        """The standard deviation of an entry; NaN where it is not known before it is drawn."""
        return self.scheme.weight_std(self.scheme.piece(self.place))

    @property
    def met(self) -> str:
        """The φ whose numbers the weight meets; that of the layer itself where it reads data."""
        is_first = self.place.layer == 1 or self.place.role == "recurrent"
        return self.activation if is_first else self.place.activation

    @property
    def glorot(self) -> float:
        """What Glorot's scheme would give."""
        scheme = GlorotNormal()
        return scheme.weight_std(scheme.piece(self.place))

    @property
    def scale(self) -> float:
        """σ_w²."""
        return self.scheme.sigma_w(self.scheme.piece(self.place)) ** 2

    @property
    def bias(self) -> float:
        """σ_b: the root of E b²."""
        return math.hypot(self.scheme.bias_mean(self.place), self.scheme.bias_std(self.place))


@dataclass(frozen=True)
class Spread:
    """What neighbouring layers get alike: σ of a weight, and the number that stands beside it."""

    layers: str
    sigma: str
    beside: str


def _describe(training: Training) -> Description | str:
    try:
        return datasets.describe(training)
    except ValueError as error:
        return str(error)


class SchemeNote(Note):
    """Formula, σ of each layer beside Glorot's, and σ_w² beside its critical value."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "note")
        self._theme = LIGHT
        self._experiment: Experiment | None = None
        self._critical = CriticalValues(self)
        self._critical.grew.connect(self._refresh)
        #: Files are read beside the window: that can take seconds.
        self._data = Answers(_describe, self)
        self._data.grew.connect(self._refresh)
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
        before, self._experiment = self._experiment, experiment
        source = source_of(experiment.training)
        if before is not None and source_of(before.training) != source:
            self._data.forget(source)
        self._refresh()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._refresh()

    def look_again(self) -> None:
        if self._experiment is not None:
            self._data.forget(source_of(self._experiment.training))
            self._refresh()

    def stop(self) -> None:
        self._critical.close()
        self._data.close()

    def _refresh(self) -> None:
        if self._experiment is None:
            return
        scheme = self._experiment.initialiser
        lines = [formula.html(scheme.formula), *self._numbers(self._experiment)]
        if scheme.note:
            note = re.sub(r"\bn_([a-z]+)", r"n<sub>\1</sub>", escape(scheme.note))
            lines.append(self._soft(note))
        self._text.setText("".join(f'<div style="margin-top:3px">{line}</div>' for line in lines))
        names = elsewhere(scheme)
        self._text.setToolTip("".join(f"<p>{escape(name)}</p>" for name in names))
        self._text.setAccessibleDescription(". ".join(names))

    def _soft(self, html: str) -> str:
        return f'<span style="color:{self._theme.ink_soft}">{html}</span>'

    def _numbers(self, experiment: Experiment) -> list[str]:
        found = self._description(experiment.training)
        if isinstance(found, str):
            return [self._soft(escape(breakable(found)))]
        try:
            layers = layers_of(experiment, found)
        except ValueError as error:
            return [self._soft(escape(str(error)))]
        rows = spreads(layers, is_recurrent=experiment.network.is_recurrent)
        lines = [self._table(rows, experiment.network.is_recurrent)]
        lines += self._scale(experiment, layers)
        if any(UNKNOWN in (row.sigma, row.beside) for row in rows):
            lines.append(self._soft(f"{UNKNOWN} is not known before it is drawn"))
        return lines

    def _description(self, training: Training) -> Description | str:
        """What the data are; a sentence where that is not known, or not known yet."""
        if not needs_path(training):
            return _describe(training)
        source = source_of(training)
        return self._data.value(source) if self._data.knows(source) else "Reading the data…"

    def _table(self, rows: Sequence[Spread], is_recurrent: bool) -> str:
        heads = ("σ", "Glorot's\u00a0σ")
        if is_recurrent:
            heads = ("σ of\u00a0W<sub>x</sub>", "σ of\u00a0W<sub>h</sub>")
        if all(row.sigma == row.beside for row in rows) and not is_recurrent:
            rows, heads = [replace(row, beside="") for row in rows], ("σ", "")
        lines = [("", *heads), *((row.layers, row.sigma, row.beside) for row in rows)]
        soft = f' style="color:{self._theme.ink_soft}"'
        html = ""
        for number, line in enumerate(lines):
            styles = (soft,) * 3 if number == 0 else ("", "", "" if is_recurrent else soft)
            cells = zip(line, styles, strict=True)
            html += "<tr>" + "".join(f"<td{s}>{t}&nbsp;&nbsp;&nbsp;</td>" for t, s in cells)
            html += "</tr>"
        return f'<table cellspacing="0" cellpadding="0">{html}</table>'

    # -- σ_w² beside its critical value ----------------------------------------------------------

    def _scale(self, experiment: Experiment, layers: Sequence[Drawn]) -> list[str]:
        network = experiment.network
        first = 0 if network.is_recurrent or network.hidden_layers == 1 else 1
        inner = [layer.recurrent if network.is_recurrent else layer for layer in layers[first:-1]]
        scales = [_short(layer.scale) for layer in inner]
        common, _ = Counter(reversed(scales)).most_common(1)[0]
        alike = [layer for layer, scale in zip(inner, scales, strict=True) if scale == common]
        activation, _ = Counter(layer.met for layer in alike).most_common(1)[0]
        alike = [layer for layer in alike if layer.met == activation]
        which = "" if len(alike) == len(inner) else " in " + listed([p.place.layer for p in alike])
        of = " of W<sub>h</sub>" if network.is_recurrent else ""
        taps = "·k<sup>2</sup>" if network.architecture == "cnn" else ""
        value = f"σ<sub>w</sub><sup>2</sup>{of} = n{taps}·E w<sup>2</sup> = {common}{which}"
        return [value, self._soft(self._critical_text(experiment, alike[-1]))]

    def _critical_text(self, experiment: Experiment, layer: Drawn) -> str:
        network, activation = experiment.network, layer.met
        label = escape(ACTIVATIONS[activation].label)
        if layer.place.gates > 1:
            return "no single critical value: the gates have a say"
        question = (activation, network.slope, layer.bias)
        biases = "without biases" if layer.bias == 0 else f"with σ<sub>b</sub> = {layer.bias:.3g}"
        where = ""
        if network.is_recurrent:
            where = " without inputs"
        elif network.is_normalised or network.has_branches:
            where = " in plain layers"
        if not math.isfinite(layer.bias):
            return f"{label} has no critical value with such biases"
        if not self._critical.knows(question):
            return f"critical for {label}{where}: …"
        critical = self._critical.value(question)
        if critical is None:
            return f"{label} has no critical value {biases}"
        where += f" {biases}" if layer.bias else ""
        return f"critical for {label}{where}: {_short(critical)}"


def layers_of(experiment: Experiment, data: Description) -> list[Drawn]:
    """What each layer draws, the output layer last.

    Raises:
        ValueError: where the network cannot read the data.
    """
    own = {layer.name for layer in experiment.layers if layer.initialiser is not None}
    *hidden, output = places(experiment, data)
    found = [
        Drawn(place, plan.scheme, place.name in own, plan.activation)
        for place, plan in zip(hidden, experiment.hidden, strict=True)
    ]
    return [*found, Drawn(output, experiment.output_scheme, "output" in own, "identity")]


def spreads(layers: Sequence[Drawn], *, is_recurrent: bool = False) -> list[Spread]:
    """The σ of each layer, neighbours that get the same on one line; at most about five lines."""
    *hidden, output = layers
    rows = [_spread(group, is_recurrent) for group in _alike(hidden, is_recurrent)]
    if len(rows) > MOST_GROUPS:
        rows = [*rows[: MOST_GROUPS - 1], Spread("…", "", "")]
    return [*rows, _spread([output], is_recurrent)]


def _alike(layers: Sequence[Drawn], is_recurrent: bool) -> list[list[Drawn]]:
    def shown(layer: Drawn) -> tuple[object, ...]:
        return (layer.is_own, *_numbers(layer, is_recurrent))

    return [list(group) for _, group in groupby(layers, shown)]


def _spread(group: Sequence[Drawn], is_recurrent: bool) -> Spread:
    first = group[0]
    name = "output" if first.place.is_output else listed([layer.place.layer for layer in group])
    own = " (own\u00a0scheme)" if first.is_own else ""
    return Spread(name + own, *_numbers(first, is_recurrent))


def _numbers(layer: Drawn, is_recurrent: bool) -> tuple[str, str]:
    if not is_recurrent:
        return _short(layer.sigma), _short(layer.glorot)
    return _short(layer.sigma), "" if layer.place.is_output else _short(layer.recurrent.sigma)


def listed(numbers: Sequence[int]) -> str:
    """The names of layers, increasing: "layer 3", "layers 1, 3 and more", "layers 2–9"."""
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"layer\u00a0{first}"
    if last - first == len(numbers) - 1:
        return f"layers\u00a0{first}–{last}"
    return f"{len(numbers)} of the layers"


def elsewhere(scheme: Scheme) -> list[str]:
    """What draws the same in other libraries, and where the scheme comes from."""
    calls = (("PyTorch", scheme.pytorch), ("Keras", scheme.keras))
    lines = [f"{library}: {call}" for library, call in calls if call]
    return [*lines, f"Source: {scheme.source}"]


def _short(value: float) -> str:
    if math.isnan(value):
        return UNKNOWN
    return f"{value:#.3g}".rstrip(".") if value else "0"
