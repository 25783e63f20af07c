"""The diagnosis: a table of rules that read a recording at a step and say what they find.

Each rule has a quantity, a threshold and a way to compute what is held against it; its message
prints the number that tripped it. A rule is blind to what was not measured: NaN trips nothing, but
a number that *became* NaN or infinite is a finding of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from initviz.lab import remedies, symptoms
from initviz.lab.recording import Recording
from initviz.lab.remedies import Remedy
from initviz.lab.settings import Value
from initviz.lab.symptoms import STARVED, Moment, Symptom

Kind = Literal["diverged", "identical", "vanishing", "exploding", "saturated", "dead", "healthy"]

#: The signal gradient of the first hidden layer, relative to the last, is healthy between these.
VANISHING = 1e-3
EXPLODING = 1e1
#: Outputs (root mean square of z) above this are no start for any loss.
EXPLODING_OUTPUT = 1e3
#: Share of a layer's (sample, unit) pairs on the flat parts of φ.
SATURATED = 0.20
#: Share of a layer's units that are inactive on every sample. He's scheme has 0.3 of them after 30
#: layers of 128, and trains.
DEAD = 0.5
#: Share of a layer's units that are distinct: so few, or fewer, are too few.
IDENTICAL = 0.5
#: Training has diverged once the loss is so many times what it was at step 0.
DIVERGED = 1e3


@dataclass(frozen=True)
class Finding:
    """One thing to say about a run at a step.

    `layer` is the name of the layer to look at, None if it is about all. `value` was held against
    `threshold`. `message` holds one or two paragraphs of plain text; `numbers` are the parts of it
    that are measured or are limits, to be set apart in print. `remedy` is a sentence that names
    what to try, "" if there is nothing, and `remedy_settings` the settings that it changes.
    """

    kind: Kind
    layer: str | None
    value: float
    threshold: float
    message: str
    remedy: str = ""
    remedy_settings: Mapping[str, Value] = field(default_factory=dict)
    why: str = ""
    source: str = ""
    label: str = ""
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One row of the table. `find` gives None where all is well or nothing was measured."""

    kind: Kind
    label: str
    quantity: str
    threshold: float
    find: Callable[[Moment, float], Symptom | None]
    why: str
    source: str
    remedies: Sequence[Remedy] = ()


def diagnose(recording: Recording, step: int) -> list[Finding]:
    """What the rules find at `step`, the most severe first; one finding of each kind.

    A recording with nothing measured at or before `step` has no findings. A diverged run has one:
    its other numbers mean nothing any more.
    """
    moment = Moment(recording, step)
    findings: list[Finding] = []
    for rule in RULES:
        if any(finding.kind == rule.kind for finding in findings):
            continue
        symptom = rule.find(moment, rule.threshold)
        if symptom is not None:
            findings.append(_finding(rule, symptom, moment))
        if findings and rule.kind == "diverged":
            break
    if findings:
        return findings
    symptom = HEALTHY.find(moment, HEALTHY.threshold)
    return [] if symptom is None else [_finding(HEALTHY, symptom, moment)]


def _finding(rule: Rule, symptom: Symptom, moment: Moment) -> Finding:
    advice = remedies.first_of(rule.remedies, moment.experiment, moment.step)
    note = _NOTES.get((rule.kind, moment.experiment.network.activation), "")
    return Finding(
        kind=rule.kind,
        layer=symptom.layer,
        value=symptom.value,
        threshold=symptom.threshold,
        message=symptom.message,
        remedy=advice.sentence,
        remedy_settings=advice.settings,
        why=f"{rule.why} {note}".strip(),
        source=rule.source,
        label=rule.label,
        numbers=symptom.numbers,
    )


# -- the table ------------------------------------------------------------------------------------

_DIVERGED_WHY = (
    "An update overshot, the next gradient was larger for it, and so on until the numbers left the "
    "range of floating point. From there NaN and infinity spread to everything."
)
_VANISHING_WHY = (
    "Back through a layer the signal is multiplied by Wᵀ and by φ′. Where the two together shrink "
    "it, many layers shrink it many times over, and the first layers hear next to nothing. ∂L/∂W "
    "is this signal times the activations: where those shrink as well, all weights starve alike."
)
_EXPLODING_WHY = (
    "Back through a layer the signal is multiplied by Wᵀ and by φ′. Where the two together enlarge "
    "it, many layers enlarge it many times over: a step that suits the last layers is far too long "
    "for the first."
)

_AGAINST_DIVERGENCE = (
    remedies.smaller_weights,
    remedies.slower,
    remedies.suited_scheme,
    remedies.fewer_layers,
)
_AGAINST_VANISHING = (remedies.suited_scheme, remedies.scaled_branches, remedies.fewer_layers)

RULES: tuple[Rule, ...] = (
    Rule(
        "diverged",
        "Diverged",
        "loss",
        math.inf,
        symptoms.not_finite,
        _DIVERGED_WHY,
        "Goodfellow, Bengio & Courville 2016, section 8.2.4",
        _AGAINST_DIVERGENCE,
    ),
    Rule(
        "diverged",
        "Diverged",
        "loss",
        DIVERGED,
        symptoms.run_away,
        _DIVERGED_WHY,
        "Goodfellow, Bengio & Courville 2016, section 8.2.4",
        _AGAINST_DIVERGENCE,
    ),
    Rule(
        "identical",
        "Identical units",
        "distinct_units",
        IDENTICAL,
        symptoms.identical,
        "Units with the same weights compute the same, get the same gradient and so stay the same: "
        "the whole layer works as one unit. Only something random tells them apart.",
        "Rumelhart, Hinton & Williams 1986",
        (remedies.suited_scheme,),
    ),
    Rule(
        "vanishing",
        "Vanishing signal",
        "signal_gradient_norm",
        VANISHING,
        symptoms.vanishing,
        _VANISHING_WHY,
        "Hochreiter 1991; Bengio, Simard & Frasconi 1994; Glorot & Bengio 2010",
        _AGAINST_VANISHING,
    ),
    Rule(
        "vanishing",
        "Starved weights",
        "weight_gradient_norm",
        STARVED,
        symptoms.starved,
        _VANISHING_WHY,
        "Glorot & Bengio 2010",
        _AGAINST_VANISHING,
    ),
    Rule(
        "exploding",
        "Exploding signal",
        "signal_gradient_norm",
        EXPLODING,
        symptoms.exploding,
        _EXPLODING_WHY,
        "Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013",
        (
            remedies.suited_scheme,
            remedies.scaled_existing_branches,
            remedies.no_batch_normalisation,
            remedies.slower,
            remedies.fewer_layers,
        ),
    ),
    Rule(
        "exploding",
        "Exploding outputs",
        "preactivation_std",
        EXPLODING_OUTPUT,
        symptoms.exploding_output,
        "Each layer enlarges what it is given, so that the outputs, the loss and the gradient of "
        "the last weights have no measure.",
        "He, Zhang, Ren & Sun 2015",
        (
            remedies.suited_scheme,
            remedies.scaled_existing_branches,
            remedies.standardised_inputs,
            remedies.slower,
            remedies.fewer_layers,
        ),
    ),
    Rule(
        "saturated",
        "Saturated",
        "saturated_fraction",
        SATURATED,
        symptoms.saturated,
        "On the flat parts of φ the slope is nearly 0: there a unit passes no error back and does "
        "not learn from it. Weights too large, inputs that are not scaled and steps too long put "
        "units there.",
        "LeCun, Bottou, Orr & Müller 1998, section 4; Glorot & Bengio 2010",
        (
            remedies.suited_scheme,
            remedies.standardised_inputs,
            remedies.slower,
            remedies.fewer_layers,
        ),
    ),
    Rule(
        "dead",
        "Dead units",
        "dead_fraction",
        DEAD,
        symptoms.dead,
        "A unit that is inactive on every sample has no gradient and cannot come back by itself. "
        "(On a single sample about half of the units are inactive, and that is healthy.)",
        "Maas, Hannun & Ng 2013; Lu, Shin, Su & Karniadakis 2020",
        (remedies.suited_scheme, remedies.slower, remedies.leaky),
    ),
)

HEALTHY = Rule(
    "healthy",
    "Healthy",
    "signal_gradient_norm",
    VANISHING,
    symptoms.healthy,
    "The signal gradient reaches the first layer within a factor of 10⁻³ to 10 of the last, φ has "
    "a slope where the units are, and the units differ.",
    "Glorot & Bengio 2010; He, Zhang, Ren & Sun 2015",
)

#: What a kind of finding owes to an activation, added to the reason.
_NOTES: Mapping[tuple[Kind, str], str] = {
    ("vanishing", "sigmoid"): (
        "The slope of the sigmoid is at most 0.25: in a deep network neither Glorot's nor He's "
        "scheme makes up for that."
    ),
    ("vanishing", "relu"): (
        "Without biases the product of W and ∂L/∂W is the same number at every ReLU layer: the "
        "weight gradients look flat, and only their level falls."
    ),
}
