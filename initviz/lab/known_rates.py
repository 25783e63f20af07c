"""Rates at which gradients are known to grow or shrink where `predict` says nothing (NumPy only).

A rate is one number for every layer, or time step, that the gradient passes on its way back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from initviz.lab.activations import Activation
from initviz.lab.drawn_layers import DrawnLayer, Standing, drawn_layers, standings
from initviz.lab.experiment import Experiment
from initviz.lab.mean_field import CENTRED, mean_around, moments_around

Quantity = Literal["signal_gradient_norm", "state_gradient_norm", "cell_gradient_norm"]

#: Relative differences below this are rounding.
_SAME = 1e-9
#: Activations that scale with their argument have the same E φ²/q at lengths this far apart.
_LENGTHS = (1.0, 100.0)


@dataclass(frozen=True)
class Rate:
    """What a quantity (a norm, not its square) is multiplied by at each step on its way back.

    A step is a layer, or a time step where `quantity` is followed through time. `sentence` says
    what is known and where it holds.
    """

    quantity: Quantity
    factor: float
    sentence: str
    source: str

    @property
    def squared(self) -> float:
        """The factor of the squared norm."""
        return self.factor**2


def known_rate(experiment: Experiment) -> Rate | None:
    """The rate of an experiment's gradient at step 0, None where none is known.

    Raises:
        ValueError: one sentence on what is wrong with a data file of one's own.
    """
    network = experiment.network
    if network.dropout > 0:
        return None
    if network.is_recurrent:
        return _of_gates(experiment)
    if network.is_normalised:
        return None if network.has_branches else _of_normalisation(experiment)
    return _of_branches(experiment) if network.has_branches else None


# -- normalisation ------------------------------------------------------------------------------


def _of_normalisation(experiment: Experiment) -> Rate | None:
    layer = _typical(experiment)
    if layer is None or not _is_random(experiment):
        return None
    network = experiment.network
    find = _NORMALISED[network.normalisation, network.normalisation_place]
    return find(layer, experiment)


def _batch_before(layer: DrawnLayer, experiment: Experiment) -> Rate | None:
    """Of z = normalise(u): σ_w and biases drop out, as they scale or shift a whole unit."""
    if layer.activation.name == "identity":
        return _batch_linear(experiment)
    squared = _spread_rate(layer.activation, experiment.network.slope, 1.0)
    return _signal(
        squared,
        f"Batch normalisation: ‖∂L/∂z‖² grows by E φ′²/Var φ = {squared:.4g} at every layer, "
        "deep in wide networks and for large batches; the scale of the weights has no effect.",
        _YANG,
    )


def _batch_after(layer: DrawnLayer, experiment: Experiment) -> Rate | None:
    if layer.activation.name == "identity":
        return _batch_linear(experiment)
    return _after(layer, experiment)


def _batch_linear(experiment: Experiment) -> Rate | None:
    size = experiment.training.batch_size
    # The positions of images are samples too, but no independent ones.
    if experiment.network.architecture != "mlp" or size <= 3:
        return None
    return _signal(
        (size - 2) / (size - 3),
        "Batch normalisation of a linear network: ‖∂L/∂z‖² grows by (B − 2)/(B − 3) at every "
        f"layer, on average and deep in wide networks, with the batch size B = {size}.",
        _YANG,
    )


def _layer_before(layer: DrawnLayer, experiment: Experiment) -> Rate | None:
    """Of z = normalise(u): biases that all units share drop out."""
    forward, backward = moments_around(layer.activation, experiment.network.slope, 0.0, 1.0)
    squared = layer.weight_scale * backward / (layer.weight_scale * forward + layer.bias_std**2)
    return _signal(
        squared,
        f"Layer normalisation: ‖∂L/∂z‖² is multiplied by {squared:.4g} at every layer, which is "
        "E φ′²/E φ² at q = 1 where there are no biases; then the scale of the weights has no "
        "effect.",
        _LAYER,
    )


def _after(layer: DrawnLayer, experiment: Experiment) -> Rate | None:
    """Of a = normalise(φ(z)): z has the variance σ_w² of weights that read numbers of size 1."""
    if layer.bias_mean or layer.bias_std:
        return None
    kind = experiment.network.normalisation
    squared = _spread_rate(layer.activation, experiment.network.slope, layer.weight_scale)
    return _signal(
        squared,
        f"{kind.capitalize()} normalisation after φ: ‖∂L/∂z‖² is multiplied by "
        f"q E φ′²/Var φ = {squared:.4g} at every layer, with q = σ_w² = {layer.weight_scale:.4g}.",
        _YANG if kind == "batch" else _LAYER,
    )


_NORMALISED: Mapping[tuple[str, str], Callable[[DrawnLayer, Experiment], Rate | None]] = {
    ("batch", "before"): _batch_before,
    ("layer", "before"): _layer_before,
    ("batch", "after"): _batch_after,
    ("layer", "after"): _after,
}

_YANG = "Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz 2019, A mean field theory of batch norm"
_LAYER = "the maps of Poole et al. 2016 at the length that normalisation (Ba et al. 2016) sets"


def _spread_rate(activation: Activation, slope: float, q: float) -> float:
    """Q E φ′² / Var φ for z ~ N(0, q)."""
    std = math.sqrt(q)
    forward, backward = moments_around(activation, slope, 0.0, std)
    spread = forward - mean_around(activation, slope, 0.0, std) ** 2
    return q * backward / spread if spread > 0 else math.inf


# -- residual connections -----------------------------------------------------------------------


def _of_branches(experiment: Experiment) -> Rate | None:
    """Of z + α W φ(z) where φ scales with its argument; other activations have no single rate."""
    layer, slope = _typical(experiment), experiment.network.slope
    if layer is None or layer.branch is None or not _is_random(experiment):
        return None
    kept, far = (
        moments_around(layer.activation, slope, 0.0, math.sqrt(q))[0] / q for q in _LENGTHS
    )
    if not _same(kept, far) or layer.bias_mean or layer.bias_std:
        return None
    gained = layer.branch_squared * layer.weight_scale * kept
    return _signal(
        1.0 + gained,
        f"Residual connections: E z² forwards and ‖∂L/∂z‖² backwards grow by 1 + α² σ_w² E φ²/q = "
        f"{1.0 + gained:.4g} at every layer.",
        "Yang & Schoenholz 2017, Mean field residual networks",
    )


# -- recurrent layers ---------------------------------------------------------------------------


def _of_gates(experiment: Experiment) -> Rate | None:
    """Of an LSTM or GRU without weights: nothing but its gate leads from step to step."""
    gate = _GATES.get(experiment.network.architecture)
    last = list(standings(experiment))[-2]
    scheme, place = last.scheme, last.place
    if gate is None or not _is_zero(last) or scheme.bias_distribution in ("normal", "uniform"):
        return None
    shift = scheme.bias_mean(place) - scheme.bias
    bias = scheme.bias + shift * place.gates
    kept = 1.0 / (1.0 + math.exp(-bias)) if bias > -700 else 0.0
    return Rate(
        gate.quantity,
        kept,
        f"{gate.label} without weights: {gate.symbol} is multiplied by σ(b) = {kept:.4g} at every "
        f"time step, b = {bias:g} being the bias of the {gate.name} gate.",
        gate.source,
    )


@dataclass(frozen=True)
class _Gate:
    label: str
    name: str
    quantity: Quantity
    symbol: str
    source: str


_GATES: Mapping[str, _Gate] = {
    "lstm": _Gate(
        "An LSTM",
        "forget",
        "cell_gradient_norm",
        "‖∂L/∂c‖",
        "Gers, Schmidhuber & Cummins 2000",
    ),
    "gru": _Gate("A GRU", "update", "state_gradient_norm", "‖∂L/∂h‖", "Cho et al. 2014"),
}


# -- what they share ----------------------------------------------------------------------------


def _signal(squared: float, sentence: str, source: str) -> Rate:
    return Rate("signal_gradient_norm", math.sqrt(squared), sentence, source)


def _typical(experiment: Experiment) -> DrawnLayer | None:
    """What all layers from hidden 2 on are alike; None where they are not, or there is none."""
    layers = drawn_layers(experiment)[:-1]
    first, others = layers[0], layers[1:]
    if not others or first.activation is not others[0].activation:
        return None
    return others[0] if all(_alike(layer, others[0]) for layer in others) else None


def _alike(a: DrawnLayer, b: DrawnLayer) -> bool:
    same_numbers = _same(a.weight_scale, b.weight_scale) and _same(a.bias_std, b.bias_std)
    same_parts = (a.activation, a.branch, a.bias_mean) == (b.activation, b.branch, b.bias_mean)
    return same_numbers and same_parts


def _is_random(experiment: Experiment) -> bool:
    """Whether all weights are drawn around 0 in a way that is known (branches may be 0)."""
    return all(_is_centred(layer) for layer in standings(experiment) if not layer.starts_at_zero)


def _is_centred(layer: Standing) -> bool:
    mean, std = layer.scheme.weight_mean(layer.place), layer.scheme.weight_std(layer.place)
    return std > 0 and abs(mean) * math.sqrt(layer.place.fan_in) <= CENTRED * std


def _is_zero(layer: Standing) -> bool:
    return layer.scheme.weight_mean(layer.place) == layer.scheme.weight_std(layer.place) == 0.0


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_SAME)
