"""What mean-field theory expects of one experiment at step 0, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from initviz.lab.drawn_layers import DrawnLayer, drawn_layers, standings
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import Scheme
from initviz.lab.initialisers.place import Place
from initviz.lab.mean_field import CENTRED
from initviz.lab.places import places
from initviz.lab.propagation import (
    Course,
    signal_variances,
    through_convolutions,
    through_fully_connected,
)
from initviz.lab.typical_batch import TypicalBatch, typical_batch

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the theory expects of the H hidden layers at step 0, input side first.

    It is about weights as they were drawn: of a network that was trained it says nothing.

    `preactivation_second_moment` (H,) is E z² over samples and units; `activation_mean` and
    `activation_std` (H,) are pooled over samples and units. `signal_gradient_ratio` (H,) is
    ‖∂L/∂z‖, and `weight_gradient_ratio` (H,) ‖∂L/∂W‖, relative to the last hidden layer (norms,
    not squares). Weight gradients of convolutions are not predicted (NaN).

    From draw to draw signal gradients differ: the logarithm of their ratio is normal, and the
    ratio lies between the prediction divided by `band` (H,) and multiplied by it in two of three
    networks, or closer. For ReLU `band`² is e^√(5 · layers / width), which is about the squares
    of norms.

    Where `applies` is false everything is NaN, and `why_not` says why in a sentence.
    """

    preactivation_second_moment: Array
    signal_gradient_ratio: Array
    activation_mean: Array
    activation_std: Array
    weight_gradient_ratio: Array
    band: Array
    applies: bool
    why_not: str
    step: ClassVar[int] = 0


def predict(experiment: Experiment) -> Prediction:
    """What mean-field theory expects of an experiment before its first update.

    Raises:
        ValueError: one sentence on what is wrong with a data file of one's own.
    """
    why_not = next(_obstacles(experiment), "")
    if why_not:
        nothing = np.full(experiment.network.hidden_layers, np.nan)
        return Prediction(nothing, nothing, nothing, nothing, nothing, nothing, False, why_not)
    *layers, output = drawn_layers(experiment)
    course = _course(experiment, layers, output, typical_batch(experiment))
    return Prediction(
        np.array(course.second_moments),
        _ratios(course.log_signals),
        np.array(course.means),
        np.array(course.stds),
        _ratios(course.log_weight_gradients),
        _band(signal_variances(course, layers)),
        applies=True,
        why_not="",
    )


def _course(
    experiment: Experiment, layers: Sequence[DrawnLayer], output: DrawnLayer, batch: TypicalBatch
) -> Course:
    network = experiment.network
    if network.architecture == "cnn":
        return through_convolutions(layers, batch, slope=network.slope)
    return through_fully_connected(
        layers,
        output,
        batch,
        slope=network.slope,
        classes=places(experiment)[-1].shape[0],
        loss=experiment.training.loss,
    )


def _band(variances: Sequence[float]) -> Array:
    """One standard deviation of norms as a factor, from the variances of ln of their squares."""
    with np.errstate(over="ignore"):
        band: Array = np.exp(0.5 * np.sqrt(variances))
    return band


def _ratios(logarithms: Sequence[float]) -> Array:
    """Norms relative to the last one, from the logarithms of their squares."""
    with np.errstate(over="ignore", invalid="ignore"):
        ratios: Array = np.exp(0.5 * (np.array(logarithms) - logarithms[-1]))
    return ratios


def _obstacles(experiment: Experiment) -> Iterator[str]:
    """Why the theory says nothing about an experiment, one sentence for each reason."""
    network = experiment.network
    if network.is_recurrent:
        yield (
            "The theory here leaves out recurrent layers: their steps share the same weights, so "
            "that they are not independent."
        )
    if network.is_normalised:
        yield f"The theory here leaves out {network.normalisation} normalisation."
    if network.dropout > 0:
        yield "The theory here leaves out dropout."
    if network.architecture == "cnn" and network.padding == "zeros":
        yield (
            "The theory needs positions that are all alike; padding with zeros makes those at the "
            "edge different."
        )
    if sum(1.0 / plan.width for plan in experiment.hidden) > 1.0:
        yield (
            "The theory is for networks wider than they are deep: in this one the numbers differ "
            "too much from draw to draw."
        )
    for layer in standings(experiment):
        if not layer.starts_at_zero:
            yield from _obstacles_of(layer.scheme, layer.place)


def _obstacles_of(scheme: Scheme, place: Place) -> Iterator[str]:
    """What about one layer's weights the theory cannot deal with."""
    mean, std = scheme.weight_mean(place), scheme.weight_std(place)
    if not (math.isfinite(mean) and math.isfinite(std)):
        yield (
            f"The theory needs to know how the weights of {place.name} are drawn; here the scheme "
            "fits them to the data."
        )
    elif abs(mean) * math.sqrt(place.fan_in) > CENTRED * std:
        yield f"The theory needs weights with mean 0; those of {place.name} have mean {mean:g}."
    elif std == 0:
        yield f"The theory needs random weights; those of {place.name} are all 0."
