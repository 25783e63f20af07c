"""What tells the lanes of a stage from one another, in as few words as a projector has room for."""

from __future__ import annotations

from collections.abc import Mapping

from initviz.lab.experiment import Experiment, differences
from initviz.lab.settings import Field
from initviz.ui.scale import number_text
from initviz.ui.status import lane_label

#: So many settings are named where lanes differ in more.
MOST = 2
#: Settings that say of themselves what they are; the others are named with their value.
_SPEAKING = frozenset(
    {"network.activation", "network.architecture", "training.optimiser", "training.data"}
)


def lane_labels(experiments: Mapping[str, Experiment]) -> dict[str, str]:
    """A label for each letter: the initialiser, or else the settings in which the lanes differ."""
    usual = {letter: lane_label(experiment) for letter, experiment in experiments.items()}
    if len(set(usual.values())) == len(usual):
        return usual
    first = next(iter(experiments.values()))
    keys = dict.fromkeys(
        change.key for other in experiments.values() for change in differences(first, other)
    )
    own = [key for key in keys if not key.startswith("initialiser.")][:MOST]
    labels = {
        letter: ", ".join(_worded(experiment, own)) for letter, experiment in experiments.items()
    }
    if len({(usual[letter], labels[letter]) for letter in usual}) > len(set(labels.values())):
        # Some differ in the initialiser alone.
        return {
            letter: ", ".join(filter(None, (usual[letter], labels[letter]))) for letter in usual
        }
    return {letter: labels[letter] or usual[letter] for letter in usual}


def _worded(experiment: Experiment, keys: list[str]) -> list[str]:
    fields = {field.key: field for field in experiment.fields()}
    return [_word(fields[key]) for key in keys if key in fields]


def _word(field: Field) -> str:
    """Such as “ReLU”, “width 1600” or “no residual connections”."""
    value, label = field.value, field.setting.label
    label = label if label.isupper() else label[:1].lower() + label[1:]
    if field.kind == "flag" or value in ("none", ""):
        return f"no {label}" if value in (False, "none", "") else label
    if field.kind == "choice":
        word = dict(field.choices).get(value, str(value))
        return word if field.key in _SPEAKING else f"{label} {word[:1].lower() + word[1:]}"
    if isinstance(value, int | float):
        return f"{label} {number_text(float(value))}"
    return f"{label} {value}"
