"""What panels on the projector write, and what can be wrong with it."""

import itertools
import sys
from types import SimpleNamespace

from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from initviz.ui.panels import drawing

#: No letters on a projector are smaller, in pixels.
SMALLEST = 18


def reader_of_words(monkeypatch):
    """A function that says what a panel writes on its chart and over it.

    Each word has its `text`, `pixels`, `colour` and `box`, its place in the panel.
    """
    found, real = [], drawing.write

    def write(painter, text, at, colour, pixels, **how):
        box = real(painter, text, at, colour, pixels, **how)
        place = painter.worldTransform().mapRect(box)
        if text:
            found.append(SimpleNamespace(text=text, pixels=pixels, box=place, colour=colour))
        return box

    for name, module in list(sys.modules.items()):
        if name.startswith("initviz.ui.panels.") and getattr(module, "write", None) is real:
            monkeypatch.setattr(module, "write", write)

    def read(panel):
        QApplication.processEvents()
        found.clear()
        size = panel.chart_widget.size()
        image = QImage(size, QImage.Format.Format_RGB32)
        image.fill(QColor(panel.theme.surface))
        with QPainter(image) as painter:
            panel.draw(painter, QSizeF(size))
        top = panel.chart_widget.y()
        for one in found:
            one.box.translate(0, top)
        chart = list(found)
        found.clear()
        panel.findChild(QWidget, f"panel.{panel.name}.head").grab()
        return [*found, *chart]

    return read


def faults_of_words(panel, written):
    """What is wrong with what is written: cut, outside, too small, or over other words."""
    area = QRectF(panel.rect()).adjusted(-1, -1, 1, 1)
    for one in written:
        if one.text.endswith("…"):
            yield f"cut: {one.text}"
        if not area.contains(one.box):
            yield f"outside: {one.text} at {one.box}"
        if one.pixels < SMALLEST:
            yield f"small: {one.text}, {one.pixels}"
    for one, other in itertools.combinations(written, 2):
        if one.box.adjusted(1, 2, -1, -2).intersects(other.box.adjusted(1, 2, -1, -2)):
            yield f"{one.text!r} over {other.text!r} at {one.box}"
