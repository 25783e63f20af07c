"""What to try against a finding: changes of settings.

A remedy is a function from an experiment and a step to an `Advice`, or None where it would change
nothing that matters. A rule lists several, and all that can be followed are given, the first one
first. An advice that the experiment's own limits forbid is no advice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, cast

from initviz.lab import datasets
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment, Layer
from initviz.lab.initialisers import SCHEMES, Scheme
from initviz.lab.initialisers.place import Place
from initviz.lab.network_settings import GATES
from initviz.lab.places import sequence_shape
from initviz.lab.settings import Value
from initviz.lab.wording import number, numbers

Settings = Mapping[str, Value]

_SAME = "the same with "


@dataclass(frozen=True)
class Advice:
    """What to try ("Glorot normal") and the settings, by dotted key, that it changes.

    An empty advice changes nothing.
    """

    name: str = ""
    settings: Settings = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The advice as a sentence: "Try Glorot normal."; "" for an empty one."""
        return f"Try {self.name}." if self.name else ""

    def apply(self, experiment: Experiment) -> Experiment:
        """The same experiment with these settings, and a title that says so.

        Raises:
            ValueError: if the settings are not allowed in this experiment.
        """
        if not self.settings:
            return experiment
        return experiment.with_values({**self.settings, "title": self._title(experiment.title)})

    def _title(self, before: str) -> str:
        if _SAME in before.lower():
            title = f"{before} and {self.name}"
        else:
            title = f"{before}, {_SAME}{self.name}"
        short = not before or len(title) > 200
        return f"{_SAME.capitalize()}{self.name}" if short else title


Remedy = Callable[[Experiment, int], Advice | None]


def all_of(remedies: Sequence[Remedy], experiment: Experiment, step: int) -> tuple[Advice, ...]:
    """What `remedies` advise, in their order: only what is allowed and changes something."""
    return _all_of(tuple(remedies), experiment, min(step, 1))


@lru_cache(maxsize=256)
def _all_of(remedies: tuple[Remedy, ...], experiment: Experiment, step: int) -> tuple[Advice, ...]:
    advised: list[Advice] = []
    for remedy in remedies:
        advice = remedy(experiment, step)
        if advice is not None and advice not in advised and _can_be_followed(advice, experiment):
            advised.append(advice)
    return tuple(advised)


def _can_be_followed(advice: Advice, experiment: Experiment) -> bool:
    try:
        return experiment.with_values(advice.settings) != experiment
    except ValueError:
        return False


def _advice(experiment: Experiment, name: str, wanted: Settings) -> Advice | None:
    """An advice with those of the wanted settings that are needed to get there."""
    structure = {k: v for k, v in wanted.items() if k.endswith(_STRUCTURE)}
    structure = {k: v for k, v in structure.items() if _value(experiment, k) != v}
    try:
        base = experiment.with_values(structure) if structure else experiment
    except ValueError:  # what is to follow makes it sound; all of it is needed
        return Advice(name, dict(wanted))
    rest = {k: v for k, v in wanted.items() if k not in structure and _value(base, k) != v}
    needed = {k: v for k, v in wanted.items() if k in structure or k in rest}
    return Advice(name, needed) if needed else None


#: Settings that decide which others there are.
_STRUCTURE = ("initialiser.scheme", "network.architecture")


def _value(experiment: Experiment, key: str) -> Value | None:
    """The value under a dotted key; the scheme of a layer without its own is ""."""
    found: Any = experiment
    for part in key.split("."):
        if found is None:
            return ""
        found = found[int(part)] if part.isdecimal() else getattr(found, part)
    return cast("Value", found)


# -- the start that suits φ -----------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """A scheme with its parameters, under the name that a sentence gives it."""

    name: str
    scheme: str
    parameters: Settings = field(default_factory=dict)

    def under(self, section: str) -> dict[str, Value]:
        """The settings that make it the scheme of a section, without biases."""
        wanted = {"bias": 0.0, "bias_distribution": "scheme", **self.parameters}
        known = SCHEMES[self.scheme].model_fields
        found: dict[str, Value] = {f"{section}.scheme": self.scheme}
        return found | {f"{section}.{key}": v for key, v in wanted.items() if key in known}


_GLOROT = Start("Glorot normal", "glorot_normal", {"gain": 1.0})
_LECUN = Start("LeCun normal", "lecun_normal")
_DELTA = Start("delta-orthogonal weights", "delta_orthogonal", {"gain": 1.0})
_ORTHOGONAL = Start("orthogonal weights", "orthogonal", {"gain": 1.0})


def _he(slope: float) -> Start:
    return Start("He normal", "he_normal", {"mode": "fan_in", "slope": slope})


#: What each activation is like near 0, which decides what suits it: as the identity, as ReLU or
#: leaky ReLU, as SELU, whose scale is made for variance 1/n, or as the sigmoid, whose slope of at
#: most 1/4 no scheme makes up for.
_SUITED: Mapping[str, str] = {
    "identity": "linear",
    "tanh": "linear",
    "softsign": "linear",
    "hardtanh": "linear",
    "sine": "linear",
    "relu": "rectifier",
    "relu6": "rectifier",
    "elu": "rectifier",
    "gelu": "rectifier",
    "silu": "rectifier",
    "mish": "rectifier",
    "softplus": "rectifier",
    "leaky_relu": "leaky",
    "prelu": "leaky",
    "selu": "selu",
    "sigmoid": "sigmoid",
}
#: Up to so many sigmoid layers keep over a thousandth of the gradient under Glorot's scheme, which
#: passes back a quarter of it at each.
_SHALLOW = 5


def _too_steep_for_sigmoid(experiment: Experiment) -> bool:
    """Whether the gradient passes more sigmoids than it survives."""
    network = experiment.network
    return network.is_recurrent or network.hidden_layers > _SHALLOW


def _replaced(activation: str, experiment: Experiment) -> str:
    """What to use in place of an activation that no scheme saves; itself otherwise."""
    lost = _SUITED[activation] == "sigmoid" and _too_steep_for_sigmoid(experiment)
    return "tanh" if lost else activation


def _start(activation: str, experiment: Experiment) -> Start:
    """The start that suits this activation in this architecture."""
    family, network = _SUITED[activation], experiment.network
    slope = network.slope if family == "leaky" else 0.0
    if network.architecture == "rnn" and family in ("rectifier", "leaky"):
        gain = round(math.sqrt(2.0 / (1.0 + slope**2)), 3)
        return Start(_ORTHOGONAL.name, _ORTHOGONAL.scheme, {"gain": gain})
    if network.is_recurrent:
        return _ORTHOGONAL
    if family in ("rectifier", "leaky"):
        return _he(slope)
    if family == "selu":
        return _LECUN
    return _DELTA if network.architecture == "cnn" and _widens(experiment) else _GLOROT


def _widens(experiment: Experiment) -> bool:
    """Whether no layer has fewer channels than the one before, as orthogonal rows would need."""
    data = datasets.DATASETS[experiment.training.data].shape
    channels = [data[0] if len(data) == 3 else 1, *(layer.width for layer in experiment.hidden)]
    return all(below <= above for below, above in pairwise(channels))


def suited_scheme(experiment: Experiment, _step: int) -> Advice | None:
    """The scheme that suits the activation, unless the weights already have its variance."""
    activation = experiment.network.activation
    wanted: dict[str, Value] = {}
    name = ""
    if _replaced(activation, experiment) != activation:
        activation, name = "tanh", f"{ACTIVATIONS['tanh'].label} and "
        wanted["network.activation"] = activation
    start = _start(activation, experiment)
    wanted |= start.under("initialiser")
    own, words = _own_layers(experiment, start)
    try:
        goal = experiment.with_values(wanted | own)
    except ValueError:
        return None
    same_activations = [a.activation for a in goal.hidden] == [
        a.activation for a in experiment.hidden
    ]
    if same_activations and _draw_alike(experiment, goal):
        return None
    advice = _advice(experiment, name + start.name, wanted | own)
    if advice is None:
        return None
    bias = any(key.rsplit(".", 1)[-1].startswith("bias") for key in advice.settings)
    return Advice(f"{advice.name}{words}{' without biases' if bias else ''}", advice.settings)


def _own_layers(experiment: Experiment, start: Start) -> tuple[dict[str, Value], str]:
    """Settings for the layers that have a scheme or φ of their own, and words for them."""
    wanted: dict[str, Value] = {}
    reset = False
    others: dict[str, list[int]] = {}
    depth = experiment.network.hidden_layers
    for index, layer in enumerate(experiment.layers):
        section, place = f"layers.{index}", _number(layer)
        if place > depth:
            continue
        activation = _replaced(layer.activation or experiment.network.activation, experiment)
        if layer.activation and place:
            wanted[f"{section}.activation"] = activation
        own = _start(activation, experiment) if place else start
        if own != start:
            wanted |= own.under(f"{section}.initialiser")
            others.setdefault(own.name, []).append(place)
        elif layer.initialiser is not None:
            wanted[f"{section}.initialiser.scheme"] = ""
            reset = True
    words = "".join(
        f", {name} in layer{'s' if len(found) > 1 else ''} {numbers(sorted(found))}"
        for name, found in others.items()
    )
    return wanted, words or (" in every layer" if reset else "")


def _number(layer: Layer) -> int:
    """Which hidden layer it is; 0 for the output layer."""
    kind, _, index = layer.name.partition(" ")
    return int(index) if kind == "hidden" else 0


def smaller_weights(experiment: Experiment, step: int) -> Advice | None:
    """The scheme that suits the activation, where the weights are far larger than its."""
    advice = suited_scheme(experiment, step)
    if advice is None:
        return None
    suited = experiment.with_values(advice.settings)
    pairs = zip(_inner(experiment), _inner(suited), strict=True)
    larger = (
        scheme.sigma_w(place) > 1.5 * other.sigma_w(place) for (scheme, place), (other, _) in pairs
    )
    return advice if any(larger) else None


def _draw_alike(a: Experiment, b: Experiment) -> bool:
    """Whether hidden weights have the same mean and, within 1 %, the same standard deviation.

    Weights that are orthogonal are more than their variance in recurrent and convolutional layers.
    """
    if a.output_scheme != a.initialiser and b.output_scheme == b.initialiser:
        return False
    matters = a.network.is_recurrent or a.network.architecture == "cnn"
    for (left, place), (right, _) in zip(_inner(a), _inner(b), strict=True):
        if matters and "orthogonal" in right.name and left.name != right.name:
            return False
        alike = (
            left.bias == right.bias
            and math.isclose(left.bias_std(place), right.bias_std(place), rel_tol=0.01)
            and left.weight_mean(place) == right.weight_mean(place)
            and math.isclose(left.weight_std(place), right.weight_std(place), rel_tol=0.01)
        )
        if not alike:
            return False
    return True


def _inner(experiment: Experiment) -> list[tuple[Scheme, Place]]:
    """Scheme and place of the weights between hidden layers, the data left out.

    Where there is one hidden layer alone, it stands between two of its kind.
    """
    network, plans = experiment.network, experiment.hidden
    gates = GATES.get(network.architecture, 1)
    field_ = (network.kernel_size,) * 2 if network.architecture == "cnn" else ()
    found = []
    for index, (below, plan) in enumerate(pairwise([plans[0], *plans]), 1):
        shape = (gates * plan.width, below.width, *field_)
        place = Place(
            shape,
            plan.name,
            index,
            network.hidden_layers,
            network.width,
            gates=gates,
            activation=plan.activation,
        )
        found.append((plan.scheme, place.one_gate()))
    return found


# -- against what time does -----------------------------------------------------------------------


def remembering_lstm(experiment: Experiment, _step: int) -> Advice | None:
    """An LSTM whose cell keeps its gradient for as long as a sequence lasts.

    Orthogonal weights and open forget gates do it together: over 100 steps neither does alone.
    """
    network = experiment.network
    if not network.is_recurrent:
        return None
    bias = max(_remembering(experiment), experiment.initialiser.forget_bias)
    wanted: dict[str, Value] = {
        "network.architecture": "lstm",
        "network.activation": "tanh",
        **_ORTHOGONAL.under("initialiser"),
        "initialiser.forget_bias": bias,
    }
    name = "orthogonal weights" if network.architecture == "lstm" else "an LSTM"
    and_ = "and" if network.architecture == "lstm" else "with"
    return _advice(experiment, f"{name} {and_} a forget-gate bias of {bias:g}", wanted)


def forget_bias(experiment: Experiment, _step: int) -> Advice | None:
    """Forget gates of an LSTM that stay open for as long as a sequence lasts."""
    return _forget_bias(experiment) if _openness(experiment) < 0 else None


def less_forget_bias(experiment: Experiment, _step: int) -> Advice | None:
    """Forget gates that are no more open than the sequence needs."""
    return _forget_bias(experiment) if _openness(experiment) > 0 else None


def _forget_bias(experiment: Experiment) -> Advice | None:
    bias = _remembering(experiment)
    # What the scheme gives the forget gates by itself is there already.
    added = round(bias - experiment.initialiser.own_forget_bias(), 1)
    return _advice(
        experiment, f"a forget-gate bias of {bias:g}", {"initialiser.forget_bias": added}
    )


def _openness(experiment: Experiment) -> float:
    """How far the biases of an LSTM's forget gates are above what suits; 0 without such gates."""
    if experiment.network.architecture != "lstm":
        return 0.0
    scheme = experiment.initialiser
    return scheme.own_forget_bias() + scheme.forget_bias - _remembering(experiment)


def shorter_sequences(experiment: Experiment, _step: int) -> Advice | None:
    """Half as much to remember, where the length is a setting."""
    training = experiment.training
    if not experiment.network.is_recurrent or training.data != "recall":
        return None
    half = training.sequence_length // 2
    return _advice(experiment, f"sequences of {half}", {"training.sequence_length": half})


def _remembering(experiment: Experiment) -> float:
    """The forget-gate bias b under which the cell's direct way back keeps about e⁻⁵ = 0.007.

    σ(b)^T ≈ exp(−T e⁻ᵇ), so b = ln(T / 5), but at least the 1 of Jozefowicz et al. 2015.
    """
    try:
        times = sequence_shape(datasets.describe(experiment.training).shape)[0]
    except (ValueError, OSError):  # a data file that is not there
        times = 1
    return max(1.0, round(math.log(max(times, 1) / 5.0), 1))


# -- against everything else ----------------------------------------------------------------------


def scaled_branches(experiment: Experiment, _step: int) -> Advice | None:
    """Residual layers that each add 1/√L of their output."""
    network = experiment.network
    scale = round(1.0 / math.sqrt(network.hidden_layers), 2)
    if network.is_recurrent or network.hidden_layers < 2:
        return None
    if network.residual and abs(network.branch_scale) <= scale:
        return None
    wanted: Settings = {"network.residual": True, "network.branch_scale": scale}
    return _advice(experiment, f"residual connections with branch scale {scale:g}", wanted)


def scaled_existing_branches(experiment: Experiment, step: int) -> Advice | None:
    """The same, but only where there are residual connections already."""
    return scaled_branches(experiment, step) if experiment.network.has_branches else None


def no_batch_normalisation(experiment: Experiment, _step: int) -> Advice | None:
    """Batch normalisation makes gradients grow with depth."""
    network = experiment.network
    if not network.is_normalised or network.normalisation != "batch":
        return None
    return _advice(experiment, "no normalisation", {"network.normalisation": "none"})


def fewer_layers(experiment: Experiment, _step: int) -> Advice | None:
    """Half as many layers."""
    layers = experiment.network.hidden_layers // 2
    if layers < 1:
        return None
    plural = "s" if layers > 1 else ""
    return _advice(experiment, f"{layers} hidden layer{plural}", {"network.hidden_layers": layers})


def standardised_inputs(experiment: Experiment, _step: int) -> Advice | None:
    """Inputs with mean 0 and variance 1."""
    return _advice(experiment, "standardised inputs", {"training.scaling": "standardised"})


def slower(experiment: Experiment, step: int) -> Advice | None:
    """A smaller learning rate, where updates have been made."""
    if step == 0 or experiment.training.learning_rate == 0:
        return None
    rate = float(f"{min(experiment.training.learning_rate / 10, 0.01):.1g}")
    shown = f"{rate:g}" if rate >= 1e-4 else number(rate, 1)
    return _advice(experiment, f"a learning rate of {shown}", {"training.learning_rate": rate})


def clipped_updates(experiment: Experiment, step: int) -> Advice | None:
    """Gradients shortened to 1, where updates have been made."""
    return clipped(experiment, step) if step else None


def clipped(experiment: Experiment, _step: int) -> Advice | None:
    """Gradients shortened to 1: the steps are bounded, whatever the gradient does."""
    if 0 < experiment.training.clip_norm <= 1:
        return None
    return _advice(experiment, "gradients clipped at 1", {"training.clip_norm": 1.0})


def warmed_up(experiment: Experiment, step: int) -> Advice | None:
    """A learning rate that grows, where updates have been made at full length from the start."""
    if step == 0 or experiment.training.warmup_steps > 0:
        return None
    return _advice(experiment, "a warm-up of 100 steps", {"training.warmup_steps": 100})


def leaky(experiment: Experiment, _step: int) -> Advice | None:
    """An activation whose slope is nowhere 0."""
    wanted: dict[str, Value] = {
        f"layers.{index}.activation": ""
        for index, layer in enumerate(experiment.layers)
        if layer.activation and ACTIVATIONS[layer.activation].inactive is not None
    }
    wanted["network.activation"] = "leaky_relu"
    return _advice(experiment, "leaky ReLU", wanted)
