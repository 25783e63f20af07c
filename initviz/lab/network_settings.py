"""The settings of a network: architecture, sizes, activation, and the layers that differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Limits
from pydantic import field_validator
from pydantic_core import PydanticCustomError

from initviz.lab import activations
from initviz.lab.datasets import ReadAs
from initviz.lab.settings import Choice, Part, Setting

if TYPE_CHECKING:
    from initviz.lab.experiment import Experiment

Architecture = Literal["mlp", "cnn", "rnn", "lstm", "gru"]

ARCHITECTURES: Mapping[str, str] = {
    "mlp": "Fully connected",
    "cnn": "Convolutional",
    "rnn": "RNN",
    "lstm": "LSTM",
    "gru": "GRU",
}
#: Gates of a recurrent layer: how many rows of its weight make one unit.
GATES: Mapping[str, int] = {"rnn": 1, "lstm": 4, "gru": 3}


def labels_of(table: Mapping[str, Any]) -> dict[str, str]:
    """Name and label of each entry of a table."""
    return {name: entry.label for name, entry in table.items()}


class Network(Part):
    """The network: how many layers of which width, and what stands between them."""

    architecture: Annotated[
        str,
        Choice(ARCHITECTURES, {"fully_connected": "mlp", "conv": "cnn", "dense": "mlp"}),
        Setting(
            "Architecture",
            help="What a layer is. Convolutions need images, recurrent layers need sequences.",
        ),
    ] = "mlp"
    activation: Annotated[
        str,
        Choice(labels_of(activations.ACTIVATIONS), activations.ALIASES),
        Setting("Activation", symbol="φ", help="The function after every hidden layer."),
    ] = "tanh"
    slope: Annotated[
        float,
        Limits(ge=-1e3, le=1e3),
        Setting(
            "Slope for z < 0",
            symbol="s",
            help="The slope of the leaky ReLU below 0; that of PReLU starts there and is learned.",
            usual=(0.0, 1.0),
            visible=lambda _network, experiment: experiment.has_slope,
        ),
    ] = 0.01
    hidden_layers: Annotated[
        int,
        Limits(ge=1, le=1000),
        Setting("Hidden layers", symbol="L", help="How many hidden layers.", usual=(1, 30)),
    ] = 10
    width: Annotated[
        int,
        Limits(ge=1, le=4096),
        Setting(
            "Width",
            symbol="n",
            help="Units in each hidden layer; channels where it is a convolution.",
            usual=(1, 256),
        ),
    ] = 100
    kernel_size: Annotated[
        Literal[1, 3, 5, 7],
        Setting(
            "Kernel",
            symbol="k",
            help="A unit sees k × k positions of the layer before.",
            advanced=True,
            visible=lambda network, _: network.architecture == "cnn",
        ),
    ] = 3
    padding: Annotated[
        str,
        Choice({"circular": "Circular", "zeros": "Zeros"}, {}),
        Setting(
            "Padding",
            help="What lies beyond the edge. Circular treats all positions alike, as theory does "
            "(Xiao et al. 2018).",
            advanced=True,
            visible=lambda network, _: network.architecture == "cnn",
        ),
    ] = "circular"
    normalisation: Annotated[
        str,
        Choice({"none": "None", "batch": "Batch", "layer": "Layer"}, {}),
        Setting(
            "Normalisation",
            help="Normalises with the statistics of the batch, or of each sample's layer.",
            visible=lambda network, _: not network.is_recurrent,
        ),
    ] = "none"
    normalisation_place: Annotated[
        str,
        Choice({"before": "Before φ", "after": "After φ"}, {}),
        Setting(
            "Normalise",
            help="Before φ (Ioffe & Szegedy 2015) z is normalised, after φ the activation is.",
            advanced=True,
            visible=lambda network, _: network.is_normalised,
        ),
    ] = "before"
    residual: Annotated[
        bool,
        Setting(
            "Residual connections",
            help="From hidden 2 on, each layer adds its output to what it was given; not where "
            "its width differs from the layer before.",
            advanced=True,
            visible=lambda network, _: not network.is_recurrent,
        ),
    ] = False
    branch_scale: Annotated[
        float,
        Limits(ge=-1e3, le=1e3),
        Setting(
            "Branch scale",
            symbol="α",
            help="What a layer adds is multiplied by this: 1, 1/√L, 0 or any other number.",
            usual=(0.0, 1.0),
            advanced=True,
            visible=lambda network, _: network.residual and not network.is_recurrent,
        ),
    ] = 1.0
    dropout: Annotated[
        float,
        Limits(ge=0.0, le=0.99),
        Setting(
            "Dropout",
            symbol="p",
            help="The share of activations set to 0 at each training step.",
            usual=(0.0, 0.9),
            advanced=True,
        ),
    ] = 0.0

    @property
    def reads(self) -> ReadAs:
        """What it reads its inputs as."""
        feed_forward: dict[str, ReadAs] = {"mlp": "features", "cnn": "images"}
        return feed_forward.get(self.architecture, "sequences")

    @property
    def is_recurrent(self) -> bool:
        """Whether its layers read sequences."""
        return self.architecture in GATES

    @property
    def is_normalised(self) -> bool:
        """Whether anything is normalised: recurrent layers never are."""
        return self.normalisation != "none" and not self.is_recurrent

    @property
    def has_branches(self) -> bool:
        """Whether layers add to what they were given: recurrent layers never do."""
        return self.residual and not self.is_recurrent


_SAME = {"": "As the others"}


class LayerSettings(Part):
    """What one layer has for itself; the rest is as in all others.

    A layer that the network is too shallow to have is passed over.
    """

    name: Annotated[
        str,
        Setting("Layer", help='"output", or "hidden 1", "hidden 2" and so on.'),
    ] = "output"
    width: Annotated[
        int,
        Limits(ge=0, le=4096),
        Setting(
            "Width",
            symbol="n",
            help="Units in this layer; 0: as the others.",
            visible=lambda layer, _: layer.name != "output",
        ),
    ] = 0
    activation: Annotated[
        str,
        Choice(_SAME | labels_of(activations.ACTIVATIONS), activations.ALIASES),
        Setting(
            "Activation",
            symbol="φ",
            help="The function after this layer.",
            visible=lambda layer, _: layer.name != "output",
        ),
    ] = ""

    @field_validator("name")
    @classmethod
    def _is_a_layer(cls, name: str) -> str:
        if not re.fullmatch(r"output|hidden [1-9][0-9]{0,3}", name, re.ASCII):
            raise PydanticCustomError("choice", "'output', or 'hidden 1', 'hidden 2' and so on")
        return name


def layer_names(network: Network) -> tuple[str, ...]:
    """The names of the layers that have weights, input side first: "hidden 1", …, "output"."""
    return (*(f"hidden {number}" for number in range(1, network.hidden_layers + 1)), "output")


def parameters(experiment: Experiment) -> int:
    """How many weights the hidden layers have, the first one and biases left out."""
    network = experiment.network
    widths = [layer.width for layer in experiment.hidden]
    taps = network.kernel_size**2 if network.architecture == "cnn" else 1
    inner = sum(fan_in * fan_out for fan_in, fan_out in pairwise(widths)) * taps
    if network.is_recurrent:
        inner += sum(width**2 for width in widths)
    return max(inner * GATES.get(network.architecture, 1), widths[0])
