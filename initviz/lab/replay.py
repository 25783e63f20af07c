"""Replay: a closer look at one step, from its checkpoint, without training.

Everything is computed on the CPU from copies, so that nothing here can reach a run; it takes
milliseconds to seconds and belongs on a thread of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from initviz.lab import datasets, networks
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.checkpoint import Checkpoint, check_fork, check_shapes
from initviz.lab.datasets import SCALINGS
from initviz.lab.experiment import Experiment
from initviz.lab.network_settings import layer_names
from initviz.lab.networks.feedforward import FeedForward
from initviz.lab.networks.parts import Net
from initviz.lab.replay_limits import not_in_the_plane, not_plain
from initviz.lab.snapshot import Floats
from initviz.lab.training import LOSSES, Batches, Randomness, restore_generators
from initviz.lab.training_settings import Training

#: Places of a grid that go through the network at once.
AT_ONCE = 4096
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Beat:
    """One layer of one sample's way back, all in float64.

    `weight` and `bias` are W and b of this layer; `z`, `slope` = φ′(z) and `a` belong to the
    sample; `arriving` is W^{l+1}ᵀ δ^{l+1}, and `delta` = ∂L/∂z its product with φ′(z). The output
    layer has φ′ = 1, and what arrives there comes from the loss: it is ∂L/∂z itself.
    """

    layer: str
    weight: Floats
    bias: Floats
    z: Floats
    slope: Floats
    a: Floats
    arriving: Floats
    delta: Floats


@dataclass(frozen=True)
class SlowMotion:
    """One sample of the training part, there and back: `beats` from the input side to the output.

    There are `samples` of them; `loss` is the sample's own, and `inputs` are what the first layer
    was given.
    """

    index: int
    samples: int
    label: int
    loss: float
    inputs: Floats
    probabilities: Floats
    beats: tuple[Beat, ...]


@dataclass(frozen=True)
class Samples:
    """The training part: inputs (N, D) and labels (N,) from 0 to classes − 1."""

    inputs: Floats
    labels: NDArray[np.int64]
    classes: int


class Replay:
    """The network of `experiment` as it stood at `checkpoint`.

    Raises:
        ValueError: where the checkpoint is not whole, or is of another network.
        OSError: if the data cannot be read.
    """

    def __init__(self, experiment: Experiment, checkpoint: Checkpoint) -> None:
        check_fork(experiment, checkpoint)
        self.experiment = experiment
        self.checkpoint = checkpoint

    @cached_property
    def _randomness(self) -> Randomness:
        return Randomness(self.experiment.run.seed, _CPU)

    @cached_property
    def _data(self) -> Samples:
        return samples_of(self.experiment)

    @cached_property
    def _network(self) -> Net:
        return self._built()

    def _built(self) -> Net:
        description = datasets.describe(self.experiment.training)
        network = networks.blank(
            self.experiment, description, dropout=self._randomness.dropout, device=_CPU
        )
        named = dict(network.named_parameters())
        shapes = {name: tuple(parameter.shape) for name, parameter in named.items()}
        check_shapes(self.experiment, self.checkpoint, shapes)
        with torch.no_grad():
            for name, parameter in named.items():
                parameter.copy_(torch.tensor(self.checkpoint.parameters[name]))
        return network

    @property
    def samples(self) -> int:
        """How many samples there are to train on."""
        return len(self._data.inputs)

    def gradients(self) -> dict[str, Floats]:
        """∂L/∂W (fan_out, fan_in) of each layer, on the batch that training used at this step.

        Before clipping. Masks of dropout are those of training where that was on a CPU.
        """
        data, network = self._data, self._network
        size, randomness = self.experiment.training.batch_size, self._randomness
        batches = Batches(self.samples, size, randomness.order)
        restore_generators(self.checkpoint, batches, randomness.dropout)
        batch = batches.draw().numpy()
        network.train()
        weights = [layer.weight for layer in network.weighted()]
        with np.errstate(all="ignore"):
            logits = network(self._tensor(data.inputs[batch]))
            loss = self._loss(logits, data.labels[batch])
            found: tuple[Tensor | None, ...] = torch.autograd.grad(loss, weights, allow_unused=True)
        names = layer_names(self.experiment.network)
        return {
            # Where the loss does not depend on the weights, there is no gradient: it is 0.
            name: _rows(torch.zeros_like(weight) if gradient is None else gradient)
            for name, weight, gradient in zip(names, weights, found, strict=True)
        }

    @torch.no_grad()
    def logits(self, inputs: Floats) -> Floats:
        """What the network answers to inputs (N, D) as it is given them, that is, scaled."""
        self._network.eval()
        found: Floats = self._network(self._tensor(inputs)).double().numpy()
        return found

    # -- data in the plane -------------------------------------------------------------------

    def points(self) -> Samples:
        """The training part, unscaled.

        Raises:
            ValueError: where the data have not two features.
        """
        why_not = not_in_the_plane(self.experiment)
        if why_not:
            raise ValueError(why_not)
        return samples_of(self.experiment, scaling="raw")

    def boundary(self, grid: Floats) -> Floats:
        """The probability of each class (N, classes) at places (N, 2) of the unscaled data.

        Raises:
            ValueError: where the data have not two features.
        """
        scaling = SCALINGS[self.experiment.training.scaling]
        inputs = scaling.apply(self.points().inputs, grid, (2,))[1]
        network = self._remembering()
        with torch.no_grad():
            parts = [network(self._tensor(part)) for part in _in_parts(inputs)]
        return softmax(torch.cat(parts).double().numpy())

    def _remembering(self) -> Net:
        """The network without dropout, each place on its own.

        Batch normalisation has no memory: here it has that of one pass over the training part.
        """
        norms = [part for part in self._network.modules() if isinstance(part, nn.BatchNorm1d)]
        if not norms:
            return self._network.eval()
        network = self._built()
        network.eval()
        norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm1d)]
        for norm in norms:
            norm.track_running_stats, norm.momentum = True, 1.0
            norm.running_mean = torch.zeros_like(norm.weight.detach())
            norm.running_var = torch.ones_like(norm.weight.detach())
            norm.train()
        with torch.no_grad():
            network(self._tensor(self._data.inputs))
        return network.eval()

    # -- one sample --------------------------------------------------------------------------

    def one_sample(self, index: int) -> SlowMotion:
        """One sample of the training part through a plain network and back, without dropout.

        Raises:
            ValueError: where the network is not plain, saying why, or there is no such sample.
        """
        why_not = not_plain(self.experiment)
        if why_not:
            raise ValueError(why_not)
        if not 0 <= index < self.samples:
            raise ValueError(f"There is no sample {index}: the last is {self.samples - 1}.")
        inputs, label = self._data.inputs[index].astype(np.float64), int(self._data.labels[index])
        layers = self._layers()
        with np.errstate(all="ignore"):
            passed = _forward(layers, inputs)
            logits = passed[-1][0]
            loss, delta = self._loss_of_one(logits, label)
            beats = [layers[-1].beat(*passed[-1], delta, delta)]
            for at in reversed(range(len(layers) - 1)):
                arriving = layers[at + 1].weight.T @ delta
                delta = arriving * layers[at].derivative(passed[at][0])
                beats.append(layers[at].beat(*passed[at], arriving, delta))
            probabilities = softmax(logits[None])[0]
        way_back = tuple(reversed(beats))
        return SlowMotion(index, self.samples, label, loss, inputs, probabilities, way_back)

    def _layers(self) -> list[_Layer]:
        """The layers of a plain network in float64; a PReLU has learnt its slope."""
        network = self._network
        assert isinstance(network, FeedForward)
        layers = []
        for plan, module in zip(self.experiment.hidden, network.layers, strict=True):
            learnt = [float(p.detach()) for p in module.activate.parameters()]
            slope = learnt[0] if learnt else self.experiment.network.slope
            layers.append(_Layer.of(plan.name, module.linear, plan.activation, slope))
        return [*layers, _Layer.of("output", network.output, "identity", 0.0)]

    def _loss_of_one(self, logits: Floats, label: int) -> tuple[float, Floats]:
        """The loss of one sample and its gradient with respect to its logits."""
        z = torch.tensor(logits[None], requires_grad=True)
        loss = self._loss(z, np.array([label]))
        (gradient,) = torch.autograd.grad(loss, z)
        return float(loss.detach()), gradient[0].numpy()

    def _loss(self, logits: Tensor, labels: NDArray[np.int64]) -> Tensor:
        return LOSSES[self.experiment.training.loss](logits, torch.as_tensor(labels))

    def _tensor(self, inputs: Floats) -> Tensor:
        return torch.as_tensor(inputs, dtype=getattr(torch, self.experiment.run.precision))


@dataclass(frozen=True)
class _Layer:
    """A fully connected layer in float64."""

    name: str
    weight: Floats
    bias: Floats
    activation: str
    slope: float

    @classmethod
    def of(cls, name: str, module: Any, activation: str, slope: float) -> _Layer:
        weight, bias = (p.detach().double().numpy() for p in (module.weight, module.bias))
        return cls(name, weight, bias, activation, slope)

    def derivative(self, z: Floats) -> Floats:
        """φ′(z)."""
        return ACTIVATIONS[self.activation].derivative(z, self.slope)

    def beat(self, z: Floats, a: Floats, arriving: Floats, delta: Floats) -> Beat:
        """What this layer did with one sample."""
        slope = self.derivative(z)
        return Beat(self.name, self.weight, self.bias, z, slope, a, arriving, delta)


def _forward(layers: list[_Layer], x: Floats) -> list[tuple[Floats, Floats]]:
    """Z and a of each layer."""
    passed = []
    for layer in layers:
        z = layer.weight @ x + layer.bias
        x = ACTIVATIONS[layer.activation].function(z, layer.slope)
        passed.append((z, x))
    return passed


def samples_of(experiment: Experiment, scaling: str | None = None) -> Samples:
    """The training part of a run of this experiment; the newest few are kept in memory.

    Raises:
        ValueError: one sentence on what is wrong with files of one's own.
    """
    training = experiment.training
    data_alone = Training(
        data=training.data,
        path=training.path,
        sequence_length=training.sequence_length,
        scaling=scaling or training.scaling,
    )
    files = datasets.DATASETS[training.data].files
    stamps = files.stamps(training) if files else ()
    return _samples(data_alone, experiment.run.seed, experiment.run.precision, stamps)


@lru_cache(maxsize=4)
def _samples(training: Training, seed: int, precision: str, _stamps: Any) -> Samples:
    data = datasets.load(training, datasets.generator(seed))
    return Samples(data.train_inputs.astype(precision), data.train_labels, data.classes)


def _in_parts(inputs: Floats) -> list[Floats]:
    return [inputs[at : at + AT_ONCE] for at in range(0, len(inputs), AT_ONCE)]


def softmax(logits: Floats) -> Floats:
    """Probabilities (N, classes) of logits (N, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _rows(tensor: Tensor) -> Floats:
    return tensor.detach().reshape(len(tensor), -1).double().numpy()
