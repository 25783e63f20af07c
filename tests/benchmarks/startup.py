"""How fast the window is there: over the time of the imports that nobody can avoid.

    python -m tests.benchmarks.startup

Every figure is a whole process, from its start; all take turns, round by round.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 7

IMPORTS = "import PySide6.QtWidgets, pyqtgraph"
TELL = "import time, sys; print('{name}', repr(time.time()), flush=True)"
PLAIN = f"{IMPORTS}\n{TELL.format(name='imported')}"
WITH_TORCH = f"{IMPORTS}\nimport torch\n{TELL.format(name='imported')}"
WINDOW = """
import gc
import time
from PySide6.QtCore import QEvent, QObject, QTimer
from initviz.app import main as program

class Watch(QObject):
    painted = False
    def eventFilter(self, watched, event):
        self.painted |= event.type() == QEvent.Type.Paint
        return False

watch, let_appear = Watch(), program._paint

def appear(window):
    # The first picture, of every panel: what loads behind the window is begun after it.
    window.board.panels[-1].installEventFilter(watch)
    let_appear(window)
    assert watch.painted
    print("visible", repr(time.time()), flush=True)

program._paint = appear
window = program.create_window([])
from PySide6.QtWidgets import QApplication
app = QApplication.instance()
stall, last, is_told = 0.0, time.perf_counter(), False

def beat():
    global stall, last
    now = time.perf_counter()
    stall, last = max(stall, now - last), now

def look():
    global is_told
    if not (is_told or window.board.undrawn() or window.recording("A") is None):
        print("drawn", repr(time.time()), flush=True)
        is_told = True
    if is_told and gc.get_freeze_count():  # everything is loaded
        print("stall", repr(stall), flush=True)
        window.close()
        app.quit()

heart, check = QTimer(), QTimer()
heart.timeout.connect(beat)
heart.start(5)
check.timeout.connect(look)
check.start(10)
app.exec()
"""


def marks(code: str) -> dict[str, float]:
    """Seconds from the start of a process until it printed each mark; a stall as it is."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.time()
        output = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "XDG_CONFIG_HOME": folder},
        ).stdout
    found = {name: float(value) for name, value in (line.split() for line in output.splitlines())}
    return {name: value if name == "stall" else value - began for name, value in found.items()}


def main() -> None:
    """Print the ratios."""
    rows = [(marks(PLAIN), marks(WITH_TORCH), marks(WINDOW)) for _ in range(ROUNDS)]
    visible = [window["visible"] / plain["imported"] for plain, _, window in rows]
    drawn = [window["drawn"] / torch["imported"] for _, torch, window in rows]
    stalls = [window["stall"] * 1000 for _, _, window in rows]
    print(f"window visible over the imports of Qt and pyqtgraph: {statistics.median(visible):.2f}")
    print(f"step 0 drawn over those imports and torch's:         {statistics.median(drawn):.2f}")
    print(
        f"longest stall of the window meanwhile:               {statistics.median(stalls):.0f} ms"
    )


if __name__ == "__main__":
    main()
