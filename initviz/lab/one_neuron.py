"""One step of learning of a network that is small enough to write out: every number of it.

Forward, cost, backward and update, for one sample or for the batch that the next update is made
with. All in float64, from a checkpoint, without training.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from initviz.lab import datasets
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.replay_limits import not_plain
from initviz.lab.snapshot import Floats

if TYPE_CHECKING:
    from initviz.lab.replay import Replay, SlowMotion
    from initviz.lab.training_settings import Training

#: A network is written out up to so many hidden layers, and numbers on the edges between two.
MOST_LAYERS = 2
MOST_EDGES = 16


@dataclass(frozen=True)
class Numbers:
    """One layer's numbers, each for one sample or the mean over a batch.

    `weight` is [W b], (fan_out, fan_in + 1): the bias is the last column, the weight of a constant
    input of 1. `gradient` is ∂L/∂[W b] and `moved` is [W b] after the step w − η ∂L/∂w. `z`,
    `slope` = φ′(z), `a` = φ(z), `arriving` = ∂L/∂a and `delta` = ∂L/∂z are (fan_out,).
    """

    layer: str
    weight: Floats
    gradient: Floats
    moved: Floats
    z: Floats
    slope: Floats
    a: Floats
    arriving: Floats
    delta: Floats


@dataclass(frozen=True)
class OneStep:
    """A small network's step of learning, its layers from the input side to the output.

    `index` is the sample's number in the training part, of which there are `samples`; for a batch
    it is −1 and every number is the mean over its `count` samples. `label` is the sample's class
    (−1 for a batch), `target` (classes,) the same as numbers, `answer` (classes,) what is held
    against it: probabilities or, for the mean squared error, the outputs themselves. `why_not`
    says why training does not go by w − η ∂L/∂w here; it is empty where it does.
    """

    index: int
    samples: int
    count: int
    label: int
    inputs: Floats
    target: Floats
    answer: Floats
    loss: float
    learning_rate: float
    layers: tuple[Numbers, ...]
    why_not: str = ""

    @property
    def is_batch(self) -> bool:
        """Whether the numbers are means over a batch."""
        return self.index < 0


def not_small(experiment: Experiment) -> str:
    """Why this network cannot be written out number by number; empty where it can."""
    why_not = not_plain(experiment)
    if why_not:
        return why_not
    if experiment.network.dropout:
        return "With dropout the step depends on units drawn by chance: set it to 0 to see it."
    try:
        data = datasets.describe(experiment.training)
    except (OSError, ValueError) as error:
        return str(error)
    widths = [data.features, *(layer.width for layer in experiment.hidden), data.classes]
    edges = max((into + 1) * out for into, out in itertools.pairwise(widths))
    if len(widths) - 2 <= MOST_LAYERS and edges <= MOST_EDGES:
        return ""
    return (
        f"This network is too large to be written out: choose at most {MOST_LAYERS} hidden layers "
        f"and {MOST_EDGES} weights between two, for instance moons with 1 layer of 2 units."
    )


def not_plain_descent(training: Training) -> str:
    """Why an update is not −η ∂L/∂w with these settings; empty where it is."""
    if training.optimiser != "sgd":
        return f"{training.optimiser} does not step by −η ∂L/∂w: this is what SGD would do."
    names = {"momentum": "momentum", "weight_decay": "weight decay", "clip_norm": "clipping"}
    present = [text for name, text in names.items() if getattr(training, name)]
    if not present:
        return ""
    return f"The real step has {' and '.join(present)} too: this is −η ∂L/∂w alone."


def one_step(experiment: Experiment, checkpoint: Checkpoint, index: int = -1) -> OneStep:
    """The step of one sample, the last one where `index` is beyond it; of the batch if negative.

    A batch of one is that sample.

    Raises:
        ValueError: where the network is not small and plain, saying why, or as `Replay`.
        OSError: if the data cannot be read.
    """
    from initviz.lab.replay import Replay

    why_not = not_small(experiment)
    if why_not:
        raise ValueError(why_not)
    replay = Replay(experiment, checkpoint)
    chosen = _batch(replay) if index < 0 else [min(index, replay.samples - 1)]
    ways = [replay.one_sample(number) for number in chosen]
    rate, target = _learning_rate(experiment.training, checkpoint.step), _targets(ways)
    answers = _answers(experiment, ways)
    with np.errstate(all="ignore"):
        layers = tuple(_numbers(ways, at, rate) for at in range(len(ways[0].beats)))
        return OneStep(
            ways[0].index if len(ways) == 1 else -1,
            replay.samples,
            len(ways),
            ways[0].label if len(ways) == 1 else -1,
            np.mean([way.inputs for way in ways], axis=0),
            target,
            answers,
            float(np.mean([way.loss for way in ways])),
            rate,
            layers,
            not_plain_descent(experiment.training),
        )


def _numbers(ways: list[SlowMotion], at: int, rate: float) -> Numbers:
    """The numbers of one layer, the mean over what each sample has of them."""
    beats = [way.beats[at] for way in ways]
    entering = [way.beats[at - 1].a if at else way.inputs for way in ways]
    slopes = [
        np.outer(beat.delta, [*into, 1.0]) for beat, into in zip(beats, entering, strict=True)
    ]
    weight = np.column_stack([beats[0].weight, beats[0].bias])
    gradient = np.mean(slopes, axis=0)
    means = {
        name: np.mean([getattr(beat, name) for beat in beats], axis=0)
        for name in ("z", "slope", "a", "arriving", "delta")
    }
    return Numbers(beats[0].layer, weight, gradient, weight - rate * gradient, **means)


def _targets(ways: list[SlowMotion]) -> Floats:
    found = np.zeros((len(ways), len(ways[0].probabilities)))
    found[np.arange(len(ways)), [way.label for way in ways]] = 1.0
    return np.asarray(found.mean(axis=0))


def _answers(experiment: Experiment, ways: list[SlowMotion]) -> Floats:
    """What the loss compares with the target."""
    if experiment.training.loss == "cross_entropy":
        return np.asarray(np.mean([way.probabilities for way in ways], axis=0))
    return np.asarray(np.mean([way.beats[-1].z for way in ways], axis=0))


def _learning_rate(training: Training, step: int) -> float:
    """η of the update after this step."""
    share = min(1.0, (step + 1) / training.warmup_steps) if training.warmup_steps else 1.0
    return training.learning_rate * share


def _batch(replay: Replay) -> list[int]:
    """The samples that the next update is made with."""
    import torch

    from initviz.lab.training import Batches, Randomness, restore_generators

    experiment = replay.experiment
    randomness = Randomness(experiment.run.seed, torch.device("cpu"))
    batches = Batches(replay.samples, experiment.training.batch_size, randomness.order)
    restore_generators(replay.checkpoint, batches, randomness.dropout)
    numbers: list[int] = batches.draw().tolist()
    return numbers
