"""From an experiment to a network whose layers have stable, human names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment
from initviz.lab.networks.convolutional import Convolutional
from initviz.lab.networks.fully_connected import FullyConnected
from initviz.lab.networks.parts import Net
from initviz.lab.networks.recurrent import Recurrent

_NETWORKS: Mapping[str, Callable[[Experiment, Description, torch.Generator], Net]] = {
    "mlp": FullyConnected,
    "cnn": Convolutional,
    "rnn": Recurrent,
    "lstm": Recurrent,
    "gru": Recurrent,
}


@torch.no_grad()
def initialise(
    network: Net, generator: torch.Generator, inputs: torch.Tensor | None = None
) -> None:
    """Draw every weight and bias, input side first, on the CPU.

    Schemes that look at data adjust what they drew to the `inputs` (N, D); without inputs it
    stays as drawn.
    """
    for block in network.blocks():
        # A view draws other numbers than a tensor of its own: each scheme gets the latter.
        weight = block.weight.contiguous()
        draw = block.scheme.draw if block.place.gates == 1 else block.scheme.draw_gates
        draw(weight, block.place, generator)
        block.weight.copy_(weight)
        block.scheme.draw_bias(block.bias, block.place, generator)
        if block.starts_at_zero:
            block.weight.zero_()
            block.bias.zero_()
    if inputs is not None and any(block.scheme.is_data_dependent for block in network.blocks()):
        _adjust(network, inputs)


def _adjust(network: Net, inputs: torch.Tensor) -> None:
    """Let each scheme adjust its layers to the inputs, in one pass without dropout.

    What comes back from the step before in a recurrent layer stays as drawn: it has no output of
    its own that the scheme could look at. So does a branch that starts at zero.
    """
    blocks = [block for block in network.blocks() if block.place.role == "feed"]
    was_training = network.training
    network.eval()
    for block, measure in zip(blocks, network.linear_maps(inputs), strict=True):
        if block.scheme.is_data_dependent and not block.starts_at_zero:
            block.scheme.adjust(block.weight, block.place, measure)
    network.train(was_training)


def blank(
    experiment: Experiment, data: Description, *, dropout: torch.Generator, device: torch.device
) -> Net:
    """The network of an experiment on `device`, its weights yet to be filled in.

    Raises:
        ValueError: where the architecture cannot read this data.
    """
    dtype = getattr(torch, experiment.run.precision)
    network = _NETWORKS[experiment.network.architecture](experiment, data, dropout)
    return network.to(device, dtype)


def build(
    experiment: Experiment,
    data: Description,
    *,
    initial: torch.Generator,
    dropout: torch.Generator,
    device: torch.device,
    inputs: torch.Tensor | None = None,
) -> Net:
    """The network of an experiment on `device`, initialised from the generator `initial`.

    The weights are drawn on the CPU and moved: the same seed gives the same network everywhere.
    `dropout` must live on `device`; `inputs` (N, D) is the batch that a scheme is fitted to, if it
    looks at data.

    Raises:
        ValueError: where the architecture cannot read this data.
    """
    network = blank(experiment, data, dropout=dropout, device=torch.device("cpu"))
    dtype = getattr(torch, experiment.run.precision)
    shown = inputs.to("cpu", dtype) if inputs is not None else None
    initialise(network, initial, shown)
    return network.to(device)
