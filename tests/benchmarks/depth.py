"""How the time of a step grows from 100 to 1 000 layers, over the plainest loop's own growth.

python -m tests.benchmarks.depth
"""

from __future__ import annotations

import statistics
import time

import torch

from initviz.lab.training import train
from tests.benchmarks.measuring import advancing, bare_loop, experiment

ROUNDS, SHALLOW, DEEP = 5, 100, 1000
#: Past the first hundred steps, each of which is measured.
WARM_UP, STEPS = {SHALLOW: 110, DEEP: 110}, {SHALLOW: 100, DEEP: 50}


def main() -> None:
    """Print the ratio."""
    torch.set_num_threads(1)
    bare = {layers: bare_loop(layers) for layers in (SHALLOW, DEEP)}
    ours = {layers: advancing(train(experiment(layers))) for layers in (SHALLOW, DEEP)}
    for layers in (SHALLOW, DEEP):
        bare[layers](3)
        ours[layers](WARM_UP[layers])
    growth: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(ROUNDS):
        for name, loops in (("bare", bare), ("ours", ours)):
            took = {}
            for layers in (SHALLOW, DEEP):
                began = time.perf_counter()
                loops[layers](STEPS[layers])
                took[layers] = (time.perf_counter() - began) / STEPS[layers]
            growth[name].append(took[DEEP] / took[SHALLOW])
    plain, measured = (statistics.median(growth[name]) for name in ("bare", "ours"))
    print(f"a step of 1 000 layers over one of 100: bare {plain:.2f}, with the lab {measured:.2f}")
    print(f"the lab's growth over the bare loop's: {measured / plain:.2f}")


if __name__ == "__main__":
    main()
