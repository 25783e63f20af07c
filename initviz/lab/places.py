"""Where each weight of an experiment's network stands, without building the network."""

from __future__ import annotations

from initviz.lab import datasets
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers.place import Place
from initviz.lab.network_settings import GATES


def places(experiment: Experiment, data: datasets.Description | None = None) -> tuple[Place, ...]:
    """The weight of each layer, the output layer last; of recurrent layers what feeds them.

    `data` is what the network reads; without it, what the experiment says.

    Raises:
        ValueError: one sentence on what is wrong with a data file of one's own, or where a
            convolution is to read what is no image.
    """
    data, network = data or datasets.describe(experiment.training), experiment.network
    gates = GATES.get(network.architecture, 1)
    field = (network.kernel_size,) * 2 if network.architecture == "cnn" else ()
    plans, depth, width = experiment.hidden, network.hidden_layers, network.width
    fan_in, reads = _inputs(data.shape, network.architecture), "identity"
    cell = network.architecture if network.is_recurrent else ""
    found = []
    for layer, plan in enumerate(plans, 1):
        shape = (gates * plan.width, fan_in, *field)
        place = Place(
            shape,
            plan.name,
            layer,
            depth,
            width,
            gates=gates,
            cell=cell,
            activation=reads,
            slope=network.slope,
        )
        found.append(place)
        fan_in, reads = plan.width, plan.activation
    shape = (data.classes, fan_in)
    output = Place(shape, "output", depth + 1, depth, width, activation=reads, slope=network.slope)
    return (*found, output)


def _inputs(shape: datasets.Shape, architecture: str) -> int:
    """Channels of an image, numbers in a step of a sequence, or all of an input."""
    if architecture == "mlp":
        return datasets.Description(shape, 0).features
    if architecture != "cnn":
        return sequence_shape(shape)[1]
    if len(shape) != 3:
        raise ValueError(
            f"network.architecture = 'cnn' needs images (channels, height, width), but an input "
            f"of this data has the shape {shape}: choose other data, or network.architecture = "
            "'mlp'"
        )
    return shape[0]


def sequence_shape(shape: datasets.Shape) -> tuple[int, int]:
    """(time, features): an image is read row by row, all channels of a row at once."""
    if len(shape) == 3:
        channels, height, width = shape
        return height, channels * width
    return shape[0], shape[1] if len(shape) > 1 else 1
