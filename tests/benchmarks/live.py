"""What the window costs the run that it shows: 20 hidden layers × 128, batch 64, every panel live.

    python -m tests.benchmarks.live [LAYERS] [FRAMES_PER_SECOND]

Rounds without and with the window drawing take turns in one process. Printed are steps/s with the
window over steps/s without, and how regular the window's clock was. A network of so many layers
that its first hundred steps, each measured, last longer than a round tells of the clock alone.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from initviz.app.main import create_window
from initviz.session import clock
from initviz.session.lane import State
from initviz.ui.window import MainWindow
from tests.benchmarks.measuring import LAYERS, experiment

ROUNDS, SECONDS, WARM_UP = 7, 4.0, 3.0


def spend(seconds: float) -> None:
    """Let the event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


def until_paused(window: MainWindow) -> None:
    while window.lane.state is not State.PAUSED:
        spend(0.05)


def headless(layers: int, seconds: float) -> float:
    """Steps/s of the same experiment on a thread, while this one sleeps."""
    from initviz.lab.training import train

    cancel, counted = threading.Event(), [0, 0.0]

    def work() -> None:
        began = 0.0
        for snapshot in train(experiment(layers), cancel):
            if snapshot.step == 120:
                began = time.perf_counter()
            counted[0], counted[1] = snapshot.step - 120, time.perf_counter() - began

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(seconds)
    cancel.set()
    thread.join()
    return counted[0] / counted[1] if counted[0] > 0 else math.nan


def live(window: MainWindow, seconds: float) -> tuple[float, np.ndarray]:
    """Steps/s with the window drawing, and the intervals of its clock in seconds."""
    ticks: list[float] = []

    def note(_count: int) -> None:
        ticks.append(time.perf_counter())

    window.lane.reset()
    spend(0.2)
    until_paused(window)
    window.lane.run()
    spend(0.5)
    recording = window.recording("A")
    assert recording is not None
    window.laboratory.clock.tick.connect(note)
    first, began = recording.last_step, time.perf_counter()
    spend(seconds)
    steps, took = recording.last_step - first, time.perf_counter() - began
    window.laboratory.clock.tick.disconnect(note)
    window.lane.pause()
    until_paused(window)
    return steps / took, np.diff(ticks)


def main() -> None:
    """Print the ratios."""
    layers = int(sys.argv[1]) if len(sys.argv) > 1 else LAYERS
    clock.RATE = int(sys.argv[2]) if len(sys.argv) > 2 else clock.RATE
    window = create_window([])
    window.resize(1920, 1080)
    app = QApplication.instance()
    assert app is not None
    window.desk.use_only(experiment(layers))
    spend(WARM_UP)
    until_paused(window)
    ratios, intervals = [], []
    for _ in range(ROUNDS):
        alone = headless(layers, SECONDS)
        shown, ticks = live(window, SECONDS)
        ratios.append(shown / alone)
        intervals.append(ticks)
        print(f"  steps/s alone {alone:7.1f}   with the window {shown:7.1f}", flush=True)
    together = np.concatenate(intervals)
    print(f"{layers} layers, {app.platformName()}: steps/s with the window over without")
    print(f"  median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")
    middle, rare = np.percentile(together, [50, 99]) * 1000
    print(f"  clock: {1 / together.mean():.1f} frames/s, p50 {middle:.1f} ms, p99 {rare:.1f} ms")
    window.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        import os

        os.environ["XDG_CONFIG_HOME"] = str(Path(folder))
        main()
