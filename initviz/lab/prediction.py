"""What mean-field theory expects of one experiment at step 0, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from initviz.lab import datasets
from initviz.lab.experiment import Experiment
from initviz.lab.mean_field import CENTRED, LARGEST, entry_of, moments_around
from initviz.lab.places import places
from initviz.lab.training_settings import Training

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the theory expects of the H hidden layers at step 0, input side first.

    `preactivation_second_moment` (H,) is E z² over samples and units. `signal_gradient_ratio` (H,)
    is ‖∂L/∂z‖ relative to the last hidden layer (norms, not squares). Where `applies` is false
    both are NaN, and `why_not` says why in a sentence.
    """

    preactivation_second_moment: Array
    signal_gradient_ratio: Array
    applies: bool
    why_not: str


def predict(experiment: Experiment) -> Prediction:
    """What mean-field theory expects of an experiment before its first update."""
    why_not = next(_obstacles(experiment), "")
    if why_not:
        nothing = np.full(experiment.network.hidden_layers, np.nan)
        return Prediction(nothing, nothing.copy(), False, why_not)
    entry, layers = entry_of(experiment.network.activation), _drawn(experiment)
    lengths, log_slopes = [], []
    forward = _input_second_moment(experiment)
    for layer in layers:
        variance = layer.weight_scale * forward + layer.bias_std**2
        lengths.append(variance + layer.bias**2)
        # A bias that all units share moves their z; it does not spread them.
        std = math.sqrt(min(variance, LARGEST))
        forward, backward = moments_around(entry, experiment.network.slope, layer.bias, std)
        log_slopes.append(_log(backward))
    # ‖∂L/∂z^l‖² = n_l Var W^{l+1} E φ′(z^l)² ‖∂L/∂z^{l+1}‖², and n_l is the fan-in of layer l + 1.
    pairs = zip(layers[1:], log_slopes[:-1], strict=True)
    steps = [_log(above.weight_scale) + log_slope for above, log_slope in pairs]
    with np.errstate(over="ignore"):
        ratio = np.exp(0.5 * np.cumsum([0.0, *reversed(steps)])[::-1])
    return Prediction(np.array(lengths), ratio, True, "")


@dataclass(frozen=True)
class _Drawn:
    """How one layer is drawn: n · Var W with its fan-in n, and mean and std of its biases."""

    weight_scale: float
    bias: float
    bias_std: float


def _drawn(experiment: Experiment) -> list[_Drawn]:
    """The hidden layers, input side first."""
    scheme = experiment.initialiser
    drawn = []
    for place in places(experiment)[:-1]:
        std = scheme.weight_std(place)
        drawn.append(_Drawn(place.fan_in * std * std, scheme.bias, scheme.bias_std(place)))
    return drawn


def _obstacles(experiment: Experiment) -> Iterator[str]:
    """Why the theory says nothing about an experiment, one sentence for each reason."""
    network, scheme = experiment.network, experiment.initialiser
    if network.normalisation != "none":
        yield f"The theory here leaves out {network.normalisation} normalisation."
    if network.residual:
        yield "The theory here leaves out residual connections."
    if network.dropout > 0:
        yield "The theory here leaves out dropout."
    if network.hidden_layers > network.width:
        yield (
            "The theory is for networks wider than they are deep: in this one the numbers differ "
            "too much from draw to draw."
        )
    for place in places(experiment)[:-1]:
        mean, std = scheme.weight_mean(place), scheme.weight_std(place)
        if abs(mean) * math.sqrt(place.fan_in) > CENTRED * std:
            yield f"The theory needs weights with mean 0; these have mean {mean:g}."
        if std == 0:
            yield "The theory needs random weights; these are all 0."


@lru_cache(maxsize=64)
def _second_moment_of(training: Training, seed: int) -> float:
    """The mean of x² over the training part."""
    inputs = datasets.load(training, datasets.generator(seed)).train_inputs
    return float(np.mean(inputs**2))


def _input_second_moment(experiment: Experiment) -> float:
    return _second_moment_of(experiment.training, experiment.run.seed)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf
