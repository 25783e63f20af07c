"""The rules of the diagnosis as data: what each looks at, its threshold, why, and from where."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from initviz.lab import remedies, symptoms
from initviz.lab.experiment import Experiment
from initviz.lab.known_rates import known_rate
from initviz.lab.remedies import Remedy
from initviz.lab.symptoms import Moment, Symptom
from initviz.lab.thresholds import DEFAULTS, Thresholds

Kind = Literal["diverged", "identical", "vanishing", "exploding", "saturated", "dead", "healthy"]


@dataclass(frozen=True)
class Rule:
    """One row of the table. `find` gives None where all is well or nothing was measured.

    `threshold` is the name of a field of `Thresholds`, "" where there is none to choose; `sense`
    says on which side of it the rule trips, and `measured` in words what is held against it.
    """

    kind: Kind
    label: str
    quantity: str
    measured: str
    sense: str
    threshold: str
    find: Callable[[Moment, float], Symptom | None]
    why: str
    source: str
    remedies: Sequence[Remedy] = ()

    def limit(self, thresholds: Thresholds = DEFAULTS) -> float:
        """The threshold's value, infinite where there is none to choose."""
        return float(getattr(thresholds, self.threshold)) if self.threshold else math.inf


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
_TIME_WHY = (
    "Back through time the signal passes the same recurrent weights and a φ′ at every step, so "
    "that a factor which is a little off 1 is raised to the power of the sequence's length."
)
_THROUGH_TIME = "Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013"

_AGAINST_DIVERGENCE = (
    remedies.smaller_weights,
    remedies.slower,
    remedies.clipped_updates,
    remedies.warmed_up,
    remedies.suited_scheme,
    remedies.fewer_layers,
)
_AGAINST_VANISHING = (
    remedies.suited_scheme,
    remedies.scaled_branches,
    remedies.fewer_layers,
)
_AGAINST_EXPLOSION = (
    remedies.suited_scheme,
    remedies.scaled_existing_branches,
    remedies.no_batch_normalisation,
    remedies.slower,
    remedies.clipped,
    remedies.fewer_layers,
)

RULES: tuple[Rule, ...] = (
    Rule(
        "diverged",
        "Diverged",
        "loss",
        "Any number that was finite before",
        "NaN or infinite",
        "",
        symptoms.not_finite,
        _DIVERGED_WHY,
        "Goodfellow, Bengio & Courville 2016, section 8.2.4",
        _AGAINST_DIVERGENCE,
    ),
    Rule(
        "diverged",
        "Diverged",
        "loss",
        "The loss, times what it was at step 0",
        "over",
        "diverged",
        symptoms.run_away,
        _DIVERGED_WHY,
        "Goodfellow, Bengio & Courville 2016, section 8.2.4",
        _AGAINST_DIVERGENCE,
    ),
    Rule(
        "identical",
        "Identical units",
        "distinct_units",
        "Different rows of [W b] of a hidden layer, as a share of its width",
        "at most",
        "identical",
        symptoms.identical,
        "Units with the same weights compute the same, get the same gradient and so stay the same: "
        "the whole layer works as one unit. Only something random tells them apart.",
        "Rumelhart, Hinton & Williams 1986",
        (remedies.suited_scheme,),
    ),
    Rule(
        "vanishing",
        "Vanishing through time",
        "state_gradient_norm",
        "‖∂L/∂h‖ at the first time step, as a share of the last's",
        "below",
        "vanishing_through_time",
        symptoms.vanishing_through_time,
        _TIME_WHY,
        _THROUGH_TIME,
        (
            remedies.remembering_lstm,
            remedies.forget_bias,
            remedies.suited_scheme,
            remedies.shorter_sequences,
        ),
    ),
    Rule(
        "vanishing",
        "Vanishing signal",
        "signal_gradient_norm",
        "‖∂L/∂z‖ of the first hidden layer, as a share of the last's",
        "below",
        "vanishing",
        symptoms.vanishing,
        _VANISHING_WHY,
        "Hochreiter 1991; Bengio, Simard & Frasconi 1994; Glorot & Bengio 2010",
        _AGAINST_VANISHING,
    ),
    Rule(
        "vanishing",
        "Starved weights",
        "weight_gradient_norm",
        "‖∂L/∂W‖ of every hidden layer, as a share of ‖∂L/∂z‖ at the output",
        "below",
        "starved",
        symptoms.starved,
        _VANISHING_WHY,
        "Glorot & Bengio 2010",
        _AGAINST_VANISHING,
    ),
    Rule(
        "exploding",
        "Exploding through time",
        "state_gradient_norm",
        "‖∂L/∂h‖ at the first time step, times the last's",
        "over",
        "exploding_through_time",
        symptoms.exploding_through_time,
        _TIME_WHY,
        _THROUGH_TIME,
        (
            remedies.less_forget_bias,
            remedies.remembering_lstm,
            remedies.suited_scheme,
            remedies.clipped,
            remedies.slower,
            remedies.shorter_sequences,
        ),
    ),
    Rule(
        "exploding",
        "Exploding signal",
        "signal_gradient_norm",
        "‖∂L/∂z‖ of the first hidden layer, times the last's",
        "over",
        "exploding",
        symptoms.exploding,
        _EXPLODING_WHY,
        "Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013",
        _AGAINST_EXPLOSION,
    ),
    Rule(
        "exploding",
        "Exploding outputs",
        "preactivation_std",
        "The root mean square of z of the output layer",
        "over",
        "exploding_output",
        symptoms.exploding_output,
        "Forwards the signal was enlarged so much that the outputs, the loss and the gradient of "
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
        "(sample, unit) pairs of a hidden layer with φ′ under 5 % of its maximum",
        "over",
        "saturated",
        symptoms.saturated,
        "On the flat parts of φ the slope is nearly 0: there a unit passes no error back and does "
        "not learn from it. Weights too large, inputs that are not scaled and steps too long put "
        "units there. (Activations that hardly vary because z is tiny are the opposite: φ is "
        "steepest there.)",
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
        "Units of a hidden layer that are inactive on every probe sample",
        "over",
        "dead",
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
    "What no other rule objects to",
    "",
    "vanishing",
    symptoms.healthy,
    "The signal gradient of the first layer is neither far below nor far above the last's, φ has a "
    "slope where the units are, and the units differ.",
    "Glorot & Bengio 2010; He, Zhang, Ren & Sun 2015",
)


# -- what a finding owes to the experiment, added to the reason -----------------------------------

Note = Callable[[Experiment], str]


@lru_cache(maxsize=64)
def note_for(rule: Rule, experiment: Experiment) -> str:
    """What the experiment's own parts have to do with a finding of this rule; "" if nothing."""
    found = (note(experiment) for note in _NOTES.get(rule.threshold, ()))
    return " ".join(text for text in found if text)


def _sigmoid(experiment: Experiment) -> str:
    if experiment.network.activation != "sigmoid":
        return ""
    return (
        "The slope of the sigmoid is at most 0.25: in a deep network neither Glorot's nor He's "
        "scheme makes up for that."
    )


def _relu(experiment: Experiment) -> str:
    network = experiment.network
    if network.activation != "relu" or network.is_normalised or network.has_branches:
        return ""
    return (
        "Without biases the sum of W · ∂L/∂W is the same number at every ReLU layer: the weight "
        "gradients look flat, and only their level falls."
    )


def _pytorch(experiment: Experiment) -> str:
    if experiment.initialiser.name != "pytorch_default" or experiment.network.is_recurrent:
        return ""
    return "PyTorch's default is not He's scheme: its variance is 1/(3 fan_in), six times smaller."


def _batch_normalised(experiment: Experiment) -> str:
    network = experiment.network
    if not network.is_normalised or network.normalisation != "batch":
        return ""
    return "Batch normalisation itself makes gradients grow with depth at the start."


def _branches(experiment: Experiment) -> str:
    if not experiment.network.has_branches:
        return ""
    return (
        "With a branch scale of 1/√L residual layers that keep the signal's size enlarge it by no "
        "more than √e = 1.65 all together."
    )


def _rate(experiment: Experiment) -> str:
    try:
        rate = known_rate(experiment)
    except (ValueError, OSError):  # a data file that is not there
        return ""
    if rate is None:
        return ""
    return f"{rate.sentence} That is {rate.factor:.3g} for the norm ({rate.source})."


def _forget_gates(experiment: Experiment) -> str:
    if experiment.network.architecture != "lstm":
        return ""
    return (
        "Along an LSTM's cell the factor is its forget gate, σ(b) where weights are 0: over 100 "
        "steps 8 × 10⁻³¹ with b = 0, 3 × 10⁻¹⁴ with b = 1 and 0.008 with b = 3. PyTorch's default "
        "has no forget-gate bias of 1."
    )


def _clipping(_experiment: Experiment) -> str:
    return "Clipping shortens the step that follows from such a gradient; the gradient stays."


_NOTES: Mapping[str, Sequence[Note]] = {
    "vanishing_through_time": (_sigmoid, _forget_gates, _rate),
    "vanishing": (_sigmoid, _relu, _pytorch, _rate),
    "starved": (_sigmoid, _relu, _pytorch),
    "exploding_through_time": (_forget_gates, _clipping),
    "exploding": (_batch_normalised, _branches, _rate, _clipping),
    "exploding_output": (_branches,),
}
