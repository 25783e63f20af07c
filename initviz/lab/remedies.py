"""What to try against a finding: changes of settings.

A remedy is a function from an experiment and a step to an `Advice`, or None where it would change
nothing that matters. A rule lists several; the first that changes something is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from initviz.lab.experiment import Experiment
from initviz.lab.initialisers.place import Place
from initviz.lab.settings import Value
from initviz.lab.wording import number

Settings = Mapping[str, Value]


@dataclass(frozen=True)
class Advice:
    """A sentence ("Try Glorot normal.") and the settings, by dotted key, that it changes."""

    sentence: str
    settings: Settings


Remedy = Callable[[Experiment, int], Advice | None]

_GLOROT: Settings = {"initialiser.scheme": "glorot_normal", "initialiser.gain": 1.0}
_HE: Settings = {"initialiser.scheme": "he_normal", "initialiser.mode": "fan_in"}
_LECUN: Settings = {"initialiser.scheme": "lecun_normal"}

#: Up to so many sigmoid layers keep over a thousandth of the gradient under Glorot's scheme, which
#: passes back a quarter of it at each.
_SHALLOW = 5
#: The start that suits each activation of the table.
_SUITED: Mapping[str, tuple[str, Settings]] = {
    "sigmoid": ("tanh with Glorot normal", {"network.activation": "tanh", **_GLOROT}),
    "tanh": ("Glorot normal", _GLOROT),
    "identity": ("Glorot normal", _GLOROT),
    "relu": ("He normal", {**_HE, "initialiser.slope": 0.0}),
    "elu": ("He normal", {**_HE, "initialiser.slope": 0.0}),
    "gelu": ("He normal", {**_HE, "initialiser.slope": 0.0}),
    "silu": ("He normal", {**_HE, "initialiser.slope": 0.0}),
    "leaky_relu": ("He normal", _HE),  # and its slope, which only the experiment knows
    "selu": ("LeCun normal", _LECUN),
}


def suited_scheme(experiment: Experiment, _step: int) -> Advice | None:
    """The scheme that suits the activation, unless the weights already have its variance."""
    network = experiment.network
    shallow = network.activation == "sigmoid" and network.hidden_layers <= _SHALLOW
    name, wanted = _SUITED["tanh" if shallow else network.activation]
    wanted = {**wanted, "initialiser.bias": 0.0}
    if network.activation == "leaky_relu":
        wanted["initialiser.slope"] = network.slope
    changes = _changes(experiment, wanted)
    changed = _with(experiment, changes)
    if changed.network == network and _draw_alike(experiment, changed):
        return None
    without = " without biases" if "initialiser.bias" in changes else ""
    return Advice(f"Try {name}{without}.", changes)


def smaller_weights(experiment: Experiment, step: int) -> Advice | None:
    """The scheme that suits the activation, where the weights are far larger than its."""
    advice = suited_scheme(experiment, step)
    if advice is None:
        return None
    place = _square(experiment)
    suited = _with(experiment, advice.settings).initialiser.sigma_w(place)
    return advice if experiment.initialiser.sigma_w(place) > 1.5 * suited else None


def _draw_alike(a: Experiment, b: Experiment) -> bool:
    """Whether hidden weights have the same mean and, within 1 %, the same standard deviation."""
    place = _square(a)
    left, right = a.initialiser, b.initialiser
    return (
        left.bias == right.bias
        and left.weight_mean(place) == right.weight_mean(place)
        and math.isclose(left.weight_std(place), right.weight_std(place), rel_tol=0.01)
    )


def _square(experiment: Experiment) -> Place:
    """A hidden weight between two layers of the common width."""
    width, depth = experiment.network.width, experiment.network.hidden_layers
    return Place((width, width), "hidden 2", 2, depth, width)


def scaled_branches(experiment: Experiment, _step: int) -> Advice | None:
    """Residual layers that each add 1/√L of their output."""
    scale = round(1.0 / math.sqrt(experiment.network.hidden_layers), 2)
    if experiment.network.residual and abs(experiment.network.branch_scale) <= scale:
        return None
    settings: Settings = {"network.residual": True, "network.branch_scale": scale}
    return Advice(
        f"Try residual connections with branch scale {scale:g}.", _changes(experiment, settings)
    )


def scaled_existing_branches(experiment: Experiment, step: int) -> Advice | None:
    """The same, but only where there are residual connections already."""
    return scaled_branches(experiment, step) if experiment.network.residual else None


def no_batch_normalisation(experiment: Experiment, _step: int) -> Advice | None:
    """Batch normalisation makes gradients grow with depth."""
    if experiment.network.normalisation != "batch":
        return None
    return Advice("Try no normalisation.", {"network.normalisation": "none"})


def fewer_layers(experiment: Experiment, _step: int) -> Advice | None:
    """Half as many layers."""
    layers = experiment.network.hidden_layers // 2
    if layers < 1:
        return None
    plural = "s" if layers > 1 else ""
    return Advice(f"Try {layers} hidden layer{plural}.", {"network.hidden_layers": layers})


def standardised_inputs(experiment: Experiment, _step: int) -> Advice | None:
    """Inputs with mean 0 and variance 1."""
    if experiment.training.scaling == "standardised":
        return None
    return Advice("Try standardised inputs.", {"training.scaling": "standardised"})


def slower(experiment: Experiment, step: int) -> Advice | None:
    """A smaller learning rate, where updates have been made."""
    if step == 0 or experiment.training.learning_rate == 0:
        return None
    rate = float(f"{min(experiment.training.learning_rate / 10, 0.01):.1g}")
    shown = f"{rate:g}" if rate >= 1e-4 else number(rate, 1)
    return Advice(f"Try a learning rate of {shown}.", {"training.learning_rate": rate})


def leaky(experiment: Experiment, _step: int) -> Advice | None:
    """An activation whose slope is nowhere 0."""
    if experiment.network.activation == "leaky_relu":
        return None
    return Advice("Try leaky ReLU.", {"network.activation": "leaky_relu"})


def first_of(remedies: Sequence[Remedy], experiment: Experiment, step: int) -> Advice:
    """The first of `remedies` that changes something; an empty advice if none does."""
    found = (remedy(experiment, step) for remedy in remedies)
    return next((advice for advice in found if advice is not None), Advice("", {}))


def _with(experiment: Experiment, settings: Settings) -> Experiment:
    for key, value in settings.items():
        experiment = experiment.with_value(key, value)
    return experiment


def _changes(experiment: Experiment, wanted: Settings) -> Settings:
    """Those of the wanted settings, in their order, that really change the experiment."""
    changes: dict[str, Value] = {}
    for key, value in wanted.items():
        changed = experiment.with_value(key, value)
        if changed != experiment:
            changes[key], experiment = value, changed
    return changes
