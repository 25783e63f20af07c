"""Recurrent networks over sequences: RNN, LSTM and GRU, layers of them stacked.

With the activation tanh (or ReLU in the RNN) they are what `torch.nn.RNN`, `LSTM` and `GRU` are,
gates in the same order. A layer's weight is [W_x W_h]: what feeds it, for all time steps computed
at once, and what comes back from the step before. In LSTM and GRU φ is the candidate's function
(in the LSTM the cell's too); gates are always sigmoids.

The output layer reads the last state of the last layer. Dropout acts between layers and before
the output layer, never along time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own abbreviation)

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment, LayerPlan
from initviz.lab.network_settings import GATES
from initviz.lab.network_settings import Network as NetworkSettings
from initviz.lab.networks.parts import Block, Dropout, Linear, Measure, Net, Weighted
from initviz.lab.networks.tap import Heard, Tap
from initviz.lab.places import places, sequence_shape

Function = Callable[[Tensor], Tensor]


class Step(NamedTuple):
    """One time step: pre-activation of the candidate, state, and cell (only an LSTM's changes)."""

    z: Tensor
    h: Tensor
    c: Tensor


def _rnn(feed: Tensor, back: Tensor, _h: Tensor, c: Tensor, phi: Function) -> Step:
    z = feed + back
    return Step(z, phi(z), c)


def _lstm(feed: Tensor, back: Tensor, _h: Tensor, c: Tensor, phi: Function) -> Step:
    i, f, z, o = (feed + back).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * phi(z)
    return Step(z, torch.sigmoid(o) * phi(c), c)


def _gru(feed: Tensor, back: Tensor, h: Tensor, c: Tensor, phi: Function) -> Step:
    reset, update, candidate = feed.chunk(3, 1)
    reset_back, update_back, candidate_back = back.chunk(3, 1)
    z = candidate + torch.sigmoid(reset + reset_back) * candidate_back
    kept = torch.sigmoid(update + update_back)
    return Step(z, (1.0 - kept) * phi(z) + kept * h, c)


@dataclass(frozen=True)
class Cell:
    """What a recurrent layer does in one time step: (W_x x + b, W_h h + b′, h, c, φ) -> Step.

    `candidate` tells which block of rows φ is applied to.
    """

    step: Callable[[Tensor, Tensor, Tensor, Tensor, Function], Step]
    candidate: int
    has_memory: bool = False


CELLS: Mapping[str, Cell] = {
    "rnn": Cell(_rnn, candidate=0),
    "lstm": Cell(_lstm, candidate=2, has_memory=True),
    "gru": Cell(_gru, candidate=2),
}


class RecurrentLayer(nn.Module):
    """One recurrent layer; sequences are (T, N, …), so that the parts of a step lie together."""

    def __init__(self, settings: NetworkSettings, plan: LayerPlan, fan_in: int) -> None:
        super().__init__()
        self.fan_in, self.width = fan_in, plan.width
        self.gates, self._cell = GATES[settings.architecture], CELLS[settings.architecture]
        rows = self.gates * plan.width
        self.weight = nn.Parameter(torch.empty(rows, fan_in + plan.width))
        self.bias = nn.Parameter(torch.empty(rows))
        self.recurrent_bias = nn.Parameter(torch.empty(rows))
        self.activate = ACTIVATIONS[plan.activation].module(settings.slope)
        self.tap = Tap()

    def parts(self) -> tuple[Tensor, Tensor]:
        """W_x (gates·n, in) and W_h (gates·n, n), views of the weight."""
        feed, back = self.weight.split([self.fan_in, self.width], 1)
        return feed, back

    def feed(self, x: Tensor) -> Tensor:
        """U = W_x x + b (T, N, gates·n) of all steps of a sequence x (T, N, in)."""
        return F.linear(x, self.parts()[0], self.bias)

    def forward(self, feed: Tensor) -> list[Tensor]:
        """The states h_1 to h_T, (N, n) each, from U."""
        back, cell = self.parts()[1], self._cell
        h = c = feed.new_zeros(feed.shape[1], self.width)
        steps = []
        for u in feed.unbind():
            step = cell.step(u, F.linear(h, back, self.recurrent_bias), h, c, self.activate)
            h, c = step.h, step.c
            steps.append(step)
        if self.tap.is_heard:
            self.tap(self._heard(feed, steps))
        return [step.h for step in steps]

    def _heard(self, feed: Tensor, steps: list[Step]) -> Heard:
        # z is U plus what does not depend on U of the same step: their gradients are the same.
        first = self._cell.candidate * self.width
        return Heard(
            z=torch.stack([step.z.detach() for step in steps], 1),
            a=torch.stack([step.h.detach() for step in steps], 1),
            source=feed,
            block=slice(first, first + self.width),
            states=[step.h for step in steps],
            cells=[step.c for step in steps] if self._cell.has_memory else [],
        )


class Recurrent(Net):
    """Recurrent layers, then a linear output layer; inputs (N, D) are read as sequences."""

    def __init__(self, experiment: Experiment, data: Description, dropout: torch.Generator) -> None:
        super().__init__()
        settings, self._experiment = experiment.network, experiment
        self._places = places(experiment, data)
        self._sequence = sequence_shape(data.shape)
        self.layers = tuple(
            RecurrentLayer(settings, plan, place.fan_in)
            for plan, place in zip(experiment.hidden, self._places[:-1], strict=True)
        )
        self.hidden = nn.ModuleList(self.layers)
        self.output = Linear(self._places[-1].fan_in, data.classes)
        self.dropout = Dropout(settings.dropout, dropout) if settings.dropout else None

    def linear_maps(self, x: Tensor) -> Iterator[Measure]:
        sequence = x.unflatten(1, self._sequence).transpose(0, 1).contiguous()
        states = [x]
        for layer in self.layers:
            if layer is not self.layers[0]:
                sequence = self._dropped(torch.stack(states))
            yield partial(layer.feed, sequence)
            states = layer(layer.feed(sequence))
        yield partial(self.output, self._dropped(states[-1]))

    def _dropped(self, x: Tensor) -> Tensor:
        return x if self.dropout is None else self.dropout(x)

    def weighted(self) -> tuple[Weighted, ...]:
        return (*self.layers, self.output)

    def blocks(self) -> tuple[Block, ...]:
        blocks = []
        for layer, plan, place in zip(
            self.layers, self._experiment.hidden, self._places[:-1], strict=True
        ):
            feed, back = layer.parts()
            again = replace(
                place, shape=tuple(back.shape), role="recurrent", activation=plan.activation
            )
            blocks.append(Block(feed, layer.bias, place, plan.scheme))
            blocks.append(Block(back, layer.recurrent_bias, again, plan.scheme))
        scheme, place = self._experiment.output_scheme, self._places[-1]
        return (*blocks, Block(self.output.weight, self.output.bias, place, scheme))
