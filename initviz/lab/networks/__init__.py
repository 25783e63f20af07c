"""From an experiment to a network whose layers have stable, human names."""

from __future__ import annotations

import torch

from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment
from initviz.lab.networks.fully_connected import FullyConnected
from initviz.lab.networks.parts import Net


@torch.no_grad()
def initialise(network: Net, generator: torch.Generator) -> None:
    """Draw every weight and bias, input side first, on the CPU."""
    for block in network.blocks():
        draw = block.scheme.draw if block.place.gates == 1 else block.scheme.draw_gates
        draw(block.weight, block.place, generator)
        block.scheme.draw_bias(block.bias, block.place, generator)


def build(
    experiment: Experiment,
    data: Description,
    *,
    initial: torch.Generator,
    dropout: torch.Generator,
    device: torch.device,
) -> Net:
    """The network of an experiment on `device`, initialised from the generator `initial`.

    The weights are drawn on the CPU and moved: the same seed gives the same network everywhere.
    `dropout` must live on `device`.
    """
    network = FullyConnected(experiment, data.features, data.classes, dropout)
    network = network.to(dtype=getattr(torch, experiment.run.precision))
    initialise(network, initial)
    return network.to(device)
