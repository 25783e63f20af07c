"""How long a jump on the timeline takes in a run of a million steps, and what that run takes.

    python -m tests.benchmarks.jumps

The steps are synthetic, as the schedule measures them, of 10 layers × 100 with histograms and
checkpoints of that size. A jump counts from the wish until everything that can be seen is painted:
for the panels of the first start, and with all that there are, at 1920 × 1080.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from initviz.app.main import create_window
from initviz.lab.recording import Environment, Recording
from initviz.ui.board import KINDS
from initviz.ui.window import MainWindow
from tests.benchmarks.live import spend, until_paused
from tests.lab.long_run import EXPERIMENT, LAYERS, STEPS, memory, snapshot

JUMPS = 200


def long_run() -> Recording:
    """A recording of so many steps."""
    recording = Recording(EXPERIMENT, LAYERS, Environment("CPU", 1))
    for step in range(STEPS + 1):
        recording.append(snapshot(step))
    return recording


def paint() -> None:
    """Paint what waits to be painted, and delete what waits for that."""
    QApplication.sendPostedEvents()
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def times(window: MainWindow, move: Callable[[int], None]) -> np.ndarray:
    """Milliseconds that each of many moves takes until it is painted."""
    taken = []
    for number in range(JUMPS):
        began = time.perf_counter()
        move(number)
        paint()
        taken.append((time.perf_counter() - began) * 1000)
    return np.array(taken)


def tell(what: str, taken: np.ndarray) -> None:
    """One line of numbers."""
    middle, rare = np.percentile(taken, [50, 99])
    print(f"  {what:34s} p50 {middle:5.1f} ms, p99 {rare:5.1f} ms, most {taken.max():5.1f} ms")


def jump_about(window: MainWindow, what: str) -> None:
    """Measure jumps anywhere, single steps, and jumps to the start and the end."""
    chance, timeline = random.Random(0), window.timeline
    spend(0.5)
    tell(f"{what}: anywhere", times(window, lambda _: timeline.go(chance.randrange(STEPS))))
    timeline.go(STEPS // 2)
    tell(f"{what}: one step back", times(window, lambda _: timeline.move(-1)))
    ends = (0, STEPS)
    tell(f"{what}: start and end", times(window, lambda number: timeline.go(ends[number % 2])))


def main() -> None:
    """Print the times and the memory."""
    window = create_window([])
    window.resize(1920, 1080)
    until_paused(window)
    window.desk.use_only(EXPERIMENT)
    spend(1.0)
    until_paused(window)
    before = memory()
    began = time.perf_counter()
    lane = window.lane
    lane.recording = long_run()
    print(f"{STEPS:,} steps appended in {time.perf_counter() - began:.1f} s", flush=True)
    recorded = memory()
    lane.restarted.emit()
    jump_about(window, "panels of the first start")
    for name in KINDS:
        window.board.add_panel(name)
    jump_about(window, "all panels")
    for name, told in (("recorded", recorded), ("after all jumps", memory())):
        print(f"  memory, {name}: +{(told - before) / 1e6:.0f} MB")
    window.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        import os

        os.environ["XDG_CONFIG_HOME"] = str(Path(folder))
        main()
