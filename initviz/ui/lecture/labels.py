"""What tells the lanes of a stage from one another, in as few words as a projector has room for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from initviz.lab.experiment import Experiment, differences
from initviz.lab.settings import Field
from initviz.ui.scale import number_text
from initviz.ui.status import lane_label

#: So many settings are named where lanes differ in more.
MOST = 2
#: A label of more letters is too long to be read at a glance, or to stand beside a plot.
LONGEST = 26
#: Settings whose choices say of themselves what they are.
_SPEAKING = frozenset(
    {
        "network.activation",
        "network.architecture",
        "training.optimiser",
        "training.data",
        "training.loss",
    }
)
#: Settings whose value stands before what it is the value of.
_COUNTED: Mapping[str, str] = {
    "network.normalisation": "normalisation",
    "network.hidden_layers": "hidden layers",
    "training.scaling": "inputs",
}
#: Names of these settings' choices are names of their own, and keep their capital.
_NAMES = frozenset({"training.optimiser"})
#: Schemes that are named after what they do, and not after somebody.
_PLAIN = ("Uniform ", "Truncated ", "Variance ", "Your ", "Delta-")
_INITIALISER = "initialiser."

Labels = dict[str, str]


def lane_labels(experiments: Mapping[str, Experiment]) -> Labels:
    """A label for each letter: the experiments' titles where each has one of its own.

    Else it is the initialiser, or the settings in which the lanes differ.
    """
    titles = {letter: experiment.title for letter, experiment in experiments.items()}
    if all(titles.values()) and _tell_apart(titles):
        return titles
    ways = (_usual(experiments), _schemes(experiments), _numbers_of_schemes(experiments))
    found = next((labels for labels in ways if _tell_apart(labels)), None)
    labels = found if found is not None else _settings(experiments)
    return {letter: _set(label) for letter, label in labels.items()}


def _set(label: str) -> str:
    """As it is printed within a line."""
    label = label[:1].lower() + label[1:] if label.startswith(_PLAIN) else label
    return re.sub(r"(?<= )-(?=\d)", "−", label.replace("'", "’"))


def _tell_apart(labels: Labels) -> bool:
    return bool(labels) and len(set(labels.values())) == len(labels)


def _usual(experiments: Mapping[str, Experiment]) -> Labels:
    """As in the window, where that is short, and in words that people use."""
    labels = {letter: lane_label(experiment) for letter, experiment in experiments.items()}
    are_short = all(len(label) <= LONGEST and "_" not in label for label in labels.values())
    return labels if are_short else {}


def _schemes(experiments: Mapping[str, Experiment]) -> Labels:
    """The schemes alone."""
    return {letter: _scheme(experiment) for letter, experiment in experiments.items()}


def _scheme(experiment: Experiment) -> str:
    return lane_label(experiment).split(",", maxsplit=1)[0]


def _numbers_of_schemes(experiments: Mapping[str, Experiment]) -> Labels:
    """The numbers in which lanes of one scheme differ."""
    keys = [key for key in _differing(experiments) if key.startswith(_INITIALISER)][:MOST]
    return {
        letter: ", ".join(_worded(experiment, keys)) for letter, experiment in experiments.items()
    }


def _settings(experiments: Mapping[str, Experiment]) -> Labels:
    """The settings, other than the initialiser, in which the lanes differ."""
    keys = [key for key in _differing(experiments) if not key.startswith(_INITIALISER)][:MOST]
    schemes = _schemes(experiments)
    labels = {
        letter: ", ".join(_worded(experiment, keys)) for letter, experiment in experiments.items()
    }
    if len({(schemes[letter], labels[letter]) for letter in labels}) > len(set(labels.values())):
        # Some differ in the initialiser alone.
        return {
            letter: ", ".join(filter(None, (schemes[letter], labels[letter]))) for letter in labels
        }
    return {letter: labels[letter] or schemes[letter] for letter in labels}


def _differing(experiments: Mapping[str, Experiment]) -> Iterable[str]:
    """The keys of the settings in which any lane differs from the first."""
    first = next(iter(experiments.values()))
    return dict.fromkeys(
        change.key for other in experiments.values() for change in differences(first, other)
    )


def _worded(experiment: Experiment, keys: list[str]) -> list[str]:
    fields = {field.key: field for field in experiment.fields()}
    return [_word(fields[key]) for key in keys if key in fields]


def _word(field: Field) -> str:
    """Such as “ReLU”, “width 1600”, “10 hidden layers” or “no residual connections”."""
    value, label = field.value, _quiet(_name(field))
    if field.kind == "flag" or value in ("none", ""):
        return f"no {label}" if value in (False, "none", "") else label
    said = number_text(float(value)) if isinstance(value, int | float) else str(value)
    if field.kind == "choice":
        word = dict(field.choices).get(value, said).split(" (", maxsplit=1)[0]
        said = word if field.key in _NAMES else _quiet(word)
        if field.key in _SPEAKING:
            return said
    counted = _COUNTED.get(field.key)
    return f"{said} {counted}" if counted else f"{label} {said}"


def _name(field: Field) -> str:
    """The setting's name; of an initialiser's the short one, where that is a word."""
    short = field.key.removeprefix(_INITIALISER)
    return field.setting.label if "_" in short or "." in short else short


def _quiet(words: str) -> str:
    """Words without the capital of their first one; abbreviations such as ReLU keep theirs."""
    return words[:1].lower() + words[1:] if words.split(maxsplit=1)[0][1:].islower() else words
