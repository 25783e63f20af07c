"""Expectations, free settings and solutions of a challenge, in words for whoever plays it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from initviz.lab import wording
from initviz.lab.lectures.challenges import Challenge
from initviz.lab.lectures.expectations import Expectation
from initviz.lab.lectures.subjects import SELECTORS, SUBJECTS
from initviz.lab.quantities import QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.settings import Field, Value
from initviz.ui.scale import number_text

#: Subjects that are no quantity, and are called otherwise than by their definition.
_NAMES: Mapping[str, str] = {
    "dead_fraction": "Dead units",
    "saturated_fraction": "Saturated units",
    "inactive_fraction": "Inactive units",
    "theory.chi": "χ₁ in theory",
    "theory.critical_sigma_w": "σ_w at which χ₁ = 1",
    "initialiser.std": "Standard deviation of the weights",
    "initialiser.mean": "Mean of the weights",
    "diverged.step": "Step at which the run diverges",
    "stopped.step": "Step at which training stops by itself",
}
#: What of a row is meant, where that is said more shortly than in the table of selectors.
_LAYERS: Mapping[str, str] = {
    "first": " of layer 1",
    "last": " of the last hidden layer",
    "first_over_last": " of layer 1, over that of the last hidden layer",
    "last_over_first": " of the last hidden layer, over that of layer 1",
}
_TIMES: Mapping[str, str] = {
    "first": " at the first step of the sequence",
    "last": " at the last step of the sequence",
    "first_over_last": " at the first step of the sequence, over that at the last",
    "last_over_first": " at the last step of the sequence, over that at the first",
}
_SIGNS: Mapping[str, str] = {"<=": " ≤", ">=": " ≥", "!=": " ≠", "~": " ≈", "in": ":"}
#: Where a line is never broken: before "%", and between a sign and its number.
_NBSP = "\u00a0"
_NO_BREAK = re.compile(r" (?=%)|(?<=[<>=≤≥≠≈]) ")
_POWERS = re.compile(r"\b\d+(?:\.\d+)?e[-+]?\d+")


def goal_words(line: Expectation) -> str:
    """What a line of a goal asks for: "Test accuracy > 80 %"."""
    name = f"{line.subject}.{line.selector}" if line.selector else line.subject
    start = line.text.index(name) + len(name)
    step = "" if line.step is None else f" at step {line.step}"
    rest = re.sub(r"^\s+at\s+step\s+\d+", "", line.text[start:]).strip()
    if line.subject == "finding":
        not_ = " not" if line.condition.negated else ""
        return f"The diagnosis does{not_} say: {line.condition.word}{step}".replace(
            "does say", "says"
        )
    sign, value = re.fullmatch(r"(<=|>=|!=|<|>|=|~|in\b)\s*(.*)", rest).groups()  # type: ignore[union-attr]
    value = _POWERS.sub(lambda found: wording.exact(float(found[0])), value.strip('"'))
    where = _where(line) if line.selector else ""
    wanted = f"{_SIGNS.get(sign, f' {sign}')} {value}"
    return f"{_name(line.subject)}{where}{step}{_NO_BREAK.sub(_NBSP, wanted)}"


def _name(subject: str) -> str:
    if subject in _NAMES:
        return _NAMES[subject]
    for table in (QUANTITIES, TIME_QUANTITIES, SCALARS):
        if subject in table:
            return table[subject].label
    return SUBJECTS[subject].definition.rstrip(".")


def _where(line: Expectation) -> str:
    selector, is_time = line.selector, SUBJECTS[line.subject].row == "times"
    short = _TIMES if is_time else _LAYERS
    if selector in short:
        return short[selector]
    bare = selector.removeprefix("all_")
    if bare in SELECTORS:
        words = "of all steps of the sequence" if is_time else SELECTORS[bare][0]
        with_output = "" if bare == selector else " and the output layer"
        kind = f" ({bare.replace('_', ' ')})" if is_time else ""
        return f", {words}{with_output}{kind}"
    kind, _, number = selector.partition("_")
    places = {"hidden": f" of layer {number}", "t": f" at step {number} of the sequence"}
    return places.get(kind, f" of the {selector} layer")


def free_words(challenge: Challenge) -> str:
    """What may be changed: "all of the initialiser", "Dropout and Bias"."""
    fields = {field.key: field for field in challenge.experiment.fields()}
    words = [
        f"all of the {name.removesuffix('.*')}"
        if name.endswith(".*")
        else fields[name].setting.label
        if name in fields
        else name
        for name in challenge.free
    ]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def solution_words(challenge: Challenge) -> str:
    """The settings that the solution changes: "Scheme: Normal; Standard deviation σ: 0.01"."""
    fields = {field.key: field for field in challenge.solved.fields()}
    return "; ".join(
        f"{fields[key].setting.label}: {_shown(fields[key])}"
        for key in _changed(challenge.solution, "")
        if key in fields
    )


def _changed(table: Mapping[str, object], prefix: str) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _changed(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def _shown(field: Field) -> str:
    labels: dict[Value, str] = dict(field.choices)
    if field.value in labels:
        return labels[field.value]
    if field.kind in ("integer", "number"):
        return number_text(float(field.value))
    return str(field.value)


def reason_for(challenge: Challenge) -> str:
    """What the tooltip of a locked control says."""
    return f"Locked in this challenge. Free: {free_words(challenge)}."
