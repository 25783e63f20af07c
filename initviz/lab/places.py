"""Where each weight of an experiment's network stands, without building the network."""

from __future__ import annotations

from initviz.lab import datasets
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers.place import Place
from initviz.lab.network_settings import GATES


def places(experiment: Experiment) -> tuple[Place, ...]:
    """The weight of each layer, the output layer last; of recurrent layers what feeds them.

    Raises:
        ValueError: one sentence on what is wrong with a data file of one's own.
    """
    data, network = datasets.describe(experiment.training), experiment.network
    gates = GATES.get(network.architecture, 1)
    field = (network.kernel_size,) * 2 if network.architecture == "cnn" else ()
    plans, depth = experiment.hidden, network.hidden_layers
    fan_in = _inputs(data.shape, network.architecture)
    found = []
    for layer, plan in enumerate(plans, 1):
        shape = (gates * plan.width, fan_in, *field)
        found.append(Place(shape, plan.name, layer, depth, network.width, gates=gates))
        fan_in = plan.width
    output = Place((data.classes, fan_in), "output", depth + 1, depth, network.width)
    return (*found, output)


def _inputs(shape: datasets.Shape, architecture: str) -> int:
    """Channels of an image, numbers in a step of a sequence, or all of an input."""
    if architecture == "cnn":
        return shape[0]
    if architecture == "mlp":
        return datasets.Description(shape, 0).features
    return sequence_shape(shape)[1]


def sequence_shape(shape: datasets.Shape) -> tuple[int, int]:
    """(time, features): an image is read row by row, all channels of a row at once."""
    if len(shape) == 3:
        channels, height, width = shape
        return height, channels * width
    return shape[0], shape[1] if len(shape) > 1 else 1
