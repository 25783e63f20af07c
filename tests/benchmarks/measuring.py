"""What measuring costs, over the plainest PyTorch loop.

The load is 20 hidden layers × 128, batch 64, one thread.

python -m tests.benchmarks.measuring
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import nn

from initviz.lab import datasets
from initviz.lab.experiment import Experiment
from initviz.lab.schedule import BATCH, CHEAP, NOTHING, Schedule, always
from initviz.lab.training import train
from tests.benchmarks.rounds import ratios

LAYERS, WIDTH, BATCH_SIZE = 20, 128, 64
STEPS, ROUNDS, WARM_UP = 100, 11, 120


def experiment(layers: int = LAYERS) -> Experiment:
    """The load that all ratios are about."""
    text = f"""
    [network]
    hidden_layers = {layers}
    width = {WIDTH}
    [initialiser]
    scheme = "glorot_normal"
    [training]
    learning_rate = 0.02
    batch_size = {BATCH_SIZE}
    """
    return Experiment.from_toml(text)


class NothingElse(Schedule):
    """Measures only what `wanted` asks for."""

    def costs(self, step: int, elapsed: float) -> frozenset[str]:  # type: ignore[override]
        return NOTHING


def bare_loop(layers: int = LAYERS) -> Callable[[int], None]:
    """The loop that anyone would write, on the same data."""
    import numpy as np

    data = datasets.load(Experiment().training, np.random.default_rng(0))
    inputs = torch.as_tensor(data.train_inputs, dtype=torch.float32)
    labels = torch.as_tensor(data.train_labels)
    torch.manual_seed(0)
    sizes = [inputs.shape[1], *[WIDTH] * layers]
    parts: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_normal_(linear.weight)
        parts += [linear, nn.Tanh()]
    network = nn.Sequential(*parts, nn.Linear(WIDTH, data.classes))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02)
    loss_of = nn.CrossEntropyLoss()
    order: list[torch.Tensor] = []

    def run(steps: int) -> None:
        for _ in range(steps):
            if not order:
                shuffled = torch.randperm(len(inputs))
                order.extend(shuffled.split(BATCH_SIZE)[:-1])
            batch = order.pop()
            optimiser.zero_grad()
            loss = loss_of(network(inputs[batch]), labels[batch])
            loss.backward()
            optimiser.step()

    return run


def advancing(snapshots: Iterator[object]) -> Callable[[int], None]:
    """A contestant that takes so many snapshots."""

    def run(steps: int) -> None:
        for _ in range(steps):
            next(snapshots)

    return run


def main() -> None:
    """Print the ratios."""
    torch.set_num_threads(1)
    e = experiment()
    contestants = {
        "bare PyTorch loop": bare_loop(),
        "loss only": advancing(train(e, schedule=NothingElse())),
        "norms, moments, update ratio at every step": advancing(
            train(e, schedule=NothingElse(), wanted=always(CHEAP))
        ),
        "everything of the batch, all histograms, at every step": advancing(
            train(e, schedule=NothingElse(), wanted=always(BATCH))
        ),
    }
    for run in contestants.values():
        run(WARM_UP)
    for name, ratio in ratios(contestants, "bare PyTorch loop", STEPS, ROUNDS).items():
        print(f"{name:60} {ratio:6.2f}")

    whole = {
        "bare PyTorch loop": bare_loop(),
        "default schedule, a run of 3 000 steps": lambda steps: advancing(train(e))(steps),
    }
    whole["bare PyTorch loop"](WARM_UP)
    for name, ratio in ratios(whole, "bare PyTorch loop", 3000, 3).items():
        print(f"{name:60} {ratio:6.2f}")


if __name__ == "__main__":
    main()
