"""Ratios that hold on a machine whose speed drifts: everything in turn, round by round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def medians(
    contestants: Mapping[str, Callable[[int], None]], steps: int, rounds: int
) -> dict[str, float]:
    """Seconds per step of each contestant: the median over rounds, all run in turn each round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            began = time.perf_counter()
            run(steps)
            times[name].append((time.perf_counter() - began) / steps)
    return {name: statistics.median(values) for name, values in times.items()}


def ratios(
    contestants: Mapping[str, Callable[[int], None]], baseline: str, steps: int, rounds: int
) -> dict[str, float]:
    """The median, over rounds, of each contestant's time over the baseline's of the same round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            began = time.perf_counter()
            run(steps)
            times[name].append(time.perf_counter() - began)
    base = times[baseline]
    return {
        name: statistics.median(t / b for t, b in zip(values, base, strict=True))
        for name, values in times.items()
    }
