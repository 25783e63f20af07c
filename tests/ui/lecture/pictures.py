"""Draws the pictures of the lectures for the start screen: `python -m tests.ui.lecture.pictures`.

Each is the chart of one panel at the stop that tells most, drawn for this size: with fewer and
larger words than the player's. Names after the command draw those lectures alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from initviz import resources

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

#: The size of a picture: three times that on the start screen, for displays with small pixels.
WIDTH, HEIGHT = 720, 360
#: The size of its letters, in pixels, and how much larger than in a lecture all marks are.
LABEL, MARKS = 32, 1.25
#: No picture takes more bytes.
MOST_BYTES = 40_000


@dataclass(frozen=True)
class Where:
    """A stop, by its scene and its place among the stops there, from 1, and the panel."""

    scene: int
    stop: int
    panel: str


STOPS: dict[str, Where] = {
    "00-one-step-of-learning": Where(7, 3, "decision_boundary"),
    "01-three-ways-to-start-badly": Where(2, 3, "gradient_magnitude"),
    "02-all-the-same": Where(7, 1, "symmetry"),
    "03-too-small": Where(6, 1, "gradient_magnitude"),
    "04-too-large": Where(8, 2, "loss"),
    "05-the-slope-decides": Where(4, 1, "slope"),
    "06-xavier-glorot": Where(2, 2, "activation_histograms"),
    "07-he": Where(4, 2, "loss"),
    "08-four-names-one-rule": Where(2, 1, "weight_histograms"),
    "09-before-and-after": Where(4, 2, "first_layer"),
    "10-rescues": Where(6, 2, "gradient_magnitude"),
    "11-through-time": Where(7, 3, "gradient_through_time"),
    "12-order-chaos-edge": Where(4, 2, "phase_map"),
}


def draw(name: str) -> bytes:
    """The picture of a lecture, as a PNG."""
    from PySide6.QtCore import QSizeF
    from PySide6.QtGui import QColor, QImage, QPainter

    from initviz.lab.lectures import find, read_lecture
    from initviz.ui import theme
    from initviz.ui.lecture.player import LecturePlayer

    where = STOPS[name]
    lecture = read_lecture(find(name))
    player = LecturePlayer(lecture)
    player.resize(1920, 1080)
    player.show()
    of_scene = [at for at, stop in enumerate(lecture.stops) if stop.scene + 1 == where.scene]
    player.go(of_scene[where.stop - 1])
    _wait(lambda: not player.is_busy and not player.panels.undrawn)
    panel = player.panels.panel(where.panel)
    assert panel is not None, f"{name} shows no {where.panel} there"
    look = theme.lecture(1080)
    panel.set_theme(
        replace(look, label=LABEL, small=LABEL - 4, mark=MARKS * look.mark, line=MARKS * look.line)
    )
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    image.fill(QColor(look.surface))
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        panel.draw(painter, QSizeF(WIDTH, HEIGHT))
    player.close()
    return next(made for made in map(partial(_png, image), range(8)) if len(made) <= MOST_BYTES)


def _png(image: QImage, bits: int) -> bytes:
    """A PNG of a picture with so many of each channel's lowest bits rounded away."""
    from PySide6.QtCore import QBuffer

    rounded = image.convertToFormat(image.Format.Format_RGB888)
    values = np.frombuffer(rounded.bits(), np.uint8)
    step, half = 1 << bits, (1 << bits) >> 1
    values[:] = np.minimum((values.astype(int) + half) // step * step, 255)
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    rounded.save(buffer, "PNG", 0)
    return bytes(buffer.data().data())


def _wait(is_there: Callable[[], bool]) -> None:
    """Let everything happen until it is there."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: is_there() and loop.quit())
    timer.start(100)
    loop.exec()


def main(names: list[str]) -> None:
    """Draw these lectures' pictures, or those of all."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from initviz.ui import theme

    application = QApplication([])
    theme.load_fonts()
    theme.apply(application, theme.LIGHT)
    for name in names or STOPS:
        picture = draw(name)
        path = resources.path("lectures") / "pictures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture)
        print(f"{path.name}: {len(picture) / 1000:.0f} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
