"""The window as it looks, against pictures of it: tolerant of another rasteriser, not of a change.

After a change that is meant, look at the new pictures and keep them:

    INITVIZ_KEEP_LOOKS=1 python -m pytest tests/ui/test_looks.py
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from initviz.app.main import create_window
from initviz.ui.panels.gradient_magnitude import GradientMagnitude
from initviz.ui.window import MainWindow
from tests.ui.windows import wait_until_idle

LOOKS = Path(__file__).parent / "looks"
#: Pictures are compared in blocks of so many pixels, each by its mean colour.
BLOCK = 8
#: A block may differ by so much (of 255), and so large a share of them by more than that.
SLIGHT, SHARE = 24.0, 0.004


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    made = create_window([])
    qtbot.addWidget(made)
    wait_until_idle(qtbot, made)
    yield made
    made.close()


def train(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(12):
        window.action("step").trigger()
        wait_until_idle(qtbot, window)


SCENES: dict[str, Callable[[MainWindow, QtBot], None]] = {
    "first": lambda window, qtbot: None,
    "trained": train,
}


def is_complete(window: MainWindow) -> bool:
    """Whether what is found beside the window has arrived, and is drawn."""
    theory = window.board.panel("gradient_magnitude")
    assert isinstance(theory, GradientMagnitude)
    ghosts = [ghost for ghost in theory.ghosts if ghost.is_drawn]
    note = window.form.findChild(QLabel, "scheme_note")
    found = len(ghosts) == len(window.shown()) and "…" not in note.text()
    return found and not window.board.undrawn() and not window.board.is_marked


@pytest.mark.parametrize("scene", list(SCENES))
@pytest.mark.parametrize("theme", ["light", "dark", "projector"])
@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_the_window_looks_as_in_its_picture(
    window: MainWindow, qtbot: QtBot, size: tuple[int, int], theme: str, scene: str
) -> None:
    window.resize(*size)
    window.action("projector" if theme == "projector" else f"theme_{theme}").trigger()
    SCENES[scene](window, qtbot)
    qtbot.waitUntil(lambda: is_complete(window), timeout=20_000)
    for _ in range(3):  # what has just arrived asks for room, and what holds it asks in turn
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    window.repaint()
    shown = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    pixels = np.array(shown.constBits(), dtype=np.uint8).reshape(shown.height(), -1)
    pixels = pixels[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3)
    kept = LOOKS / f"{scene}-{theme}-{size[0]}.png"
    if os.environ.get("INITVIZ_KEEP_LOOKS"):
        LOOKS.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(kept, optimize=True)
    expected = np.asarray(Image.open(kept).convert("RGB"))
    assert pixels.shape == expected.shape
    different = np.abs(blocks(pixels) - blocks(expected)).max(axis=2) > SLIGHT
    rows, columns = np.nonzero(different)
    where = (
        f"between {rows.min(), columns.min()} and {rows.max(), columns.max()}" if len(rows) else ""
    )
    assert different.mean() < SHARE, f"{len(rows)} of {different.size} blocks differ {where}"


def blocks(pixels: np.ndarray) -> np.ndarray:
    """The mean colours of square blocks."""
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    cut = pixels[: rows * BLOCK, : columns * BLOCK].astype(np.float64)
    return cut.reshape(rows, BLOCK, columns, BLOCK, 3).mean(axis=(1, 3))


def test_a_change_of_one_panel_is_noticed() -> None:
    before = np.full((720, 1280, 3), 255, dtype=np.uint8)
    after = before.copy()
    after[100:300, 300:500] = 200
    assert (np.abs(blocks(before) - blocks(after)).max(axis=2) > SLIGHT).mean() > SHARE
