"""How the window keeps up with four lanes of 100 layers × 32 and every panel open.

    python -m tests.benchmarks.four_lanes [HEIGHT [LAYERS]]

Printed are the regularity of the window's clock, how often each panel was painted, and how long it
takes from the moment at which a tab is clicked until it is painted as the chosen one. Panels that
are out of view are not painted: with a HEIGHT of 4000 pixels or so all of them are in view.
"""

from __future__ import annotations

import functools
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from initviz.app.main import create_window
from initviz.lab.experiment import Experiment
from initviz.session.laboratory import LETTERS
from initviz.ui.board import KINDS
from initviz.ui.window import MainWindow
from tests.benchmarks.live import spend

WIDTH, HEIGHT, LAYERS = 1920, 1080, 100
WARM_UP, SECONDS, CLICKS = 6.0, 10.0, 20
ACTIVATIONS = ("tanh", "relu", "gelu", "sigmoid")


def experiments(layers: int) -> list[Experiment]:
    """One of each activation, for the four lanes."""
    base = Experiment().with_values(
        {
            "network.hidden_layers": layers,
            "network.width": 32,
            "initialiser.scheme": "glorot_normal",
            "training.learning_rate": 0.01,
        }
    )
    return [base.with_value("network.activation", one) for one in ACTIVATIONS]


def until_idle(window: MainWindow) -> None:
    while not window.laboratory.is_idle:
        spend(0.05)


def opened(layers: int, height: int) -> MainWindow:
    """A window with the four lanes at step 0, and all panels."""
    window = create_window([])
    window.resize(WIDTH, height)
    until_idle(window)
    first, *others = experiments(layers)
    window.desk.use_only(first)
    for experiment in others:
        window.desk.add(experiment)
    for name in KINDS:
        window.board.add_panel(name)
    window.board._area.verticalScrollBar().setValue(0)
    until_idle(window)
    return window


def count_repaints(window: MainWindow, counted: Counter[str]) -> None:
    """Count from now on how often each panel is painted."""
    for panel in window.board.panels:
        was = panel.drawn

        def drawn(name: str, was: functools.partial[None]) -> None:
            counted[name] += 1
            was()

        panel.drawn = functools.partial(drawn, panel.name, was)  # type: ignore[method-assign]


class Painted(QObject):
    """Ends a loop when a widget was painted."""

    def __init__(self, widget: QObject, loop: QEventLoop) -> None:
        super().__init__()
        self._loop = loop
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._loop.quit()
        return False


def click(window: MainWindow, letter: str, wait: float) -> float:
    """Milliseconds from a click on a tab, `wait` seconds from now, to its next repaint."""
    loop, kept = QEventLoop(), []
    due = time.perf_counter() + round(wait * 1000) / 1000

    def do() -> None:
        tab = window.findChild(QToolButton, f"lane.{letter}")
        QTest.mouseClick(tab, Qt.MouseButton.LeftButton)
        new = next(t for t in window.tabs.controls() if t.objectName() == f"lane.{letter}")
        kept.append(Painted(new, loop))

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setSingleShot(True)
    timer.timeout.connect(do)
    timer.start(round(wait * 1000))
    loop.exec()
    return (time.perf_counter() - due) * 1000


def main() -> None:
    """Print the numbers."""
    height = int(sys.argv[1]) if len(sys.argv) > 1 else HEIGHT
    layers = int(sys.argv[2]) if len(sys.argv) > 2 else LAYERS
    window = opened(layers, height)
    counted: Counter[str] = Counter()
    ticks: list[float] = []
    window.laboratory.run()
    spend(WARM_UP)
    count_repaints(window, counted)
    window.laboratory.clock.tick.connect(lambda _: ticks.append(time.perf_counter()))
    first = [lane.recording.last_step for lane in window.laboratory.lanes if lane.recording]
    began = time.perf_counter()
    spend(SECONDS)
    took, intervals = time.perf_counter() - began, np.diff(ticks)
    repaints = {name: count / took for name, count in counted.items()}
    last = [lane.recording.last_step for lane in window.laboratory.lanes if lane.recording]
    chance = random.Random(0)
    clicks = [
        click(window, LETTERS[number % len(LETTERS)], chance.uniform(0.05, 0.3))
        for number in range(1, CLICKS + 1)
    ]
    window.laboratory.pause()
    until_idle(window)

    pace = (np.array(last) - np.array(first)).mean() / took
    print(f"4 lanes × {layers} layers × 32, {WIDTH} × {height}: {pace:.1f} steps/s in each lane")
    middle, rare = np.percentile(intervals, [50, 99]) * 1000
    rate = 1 / intervals.mean()
    print(f"  clock: {rate:.1f} frames/s, p50 {middle:.1f} ms, p99 {rare:.1f} ms")
    for panel in window.board.panels:
        if panel.isVisible():
            told = f"{repaints[panel.name]:4.1f} /s" if panel.name in repaints else "out of view"
            print(f"  {panel.name:24s} {told}  (at most {30 / panel.every:.0f})")
    middle, most = np.median(clicks), max(clicks)
    print(f"  from a click on a tab to its repaint: median {middle:.0f} ms, most {most:.0f} ms")
    window.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        import os

        os.environ["XDG_CONFIG_HOME"] = str(Path(folder))
        main()
