"""Panels as pictures and tables: PNG, SVG, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, QSizeF
from PySide6.QtGui import QColor, QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from initviz.ui.panels.canvas import SMOOTH
from initviz.ui.panels.drawing import Weight, elided, width_of, write

if TYPE_CHECKING:
    from initviz.ui.panels.base import Panel, Table

#: Pixels of a PNG for each pixel of the window.
SHARPNESS = 2
#: The smallest picture: a panel that was never shown has no size of its own.
SMALLEST = QSize(420, 320)


def _size(panel: Panel[Any]) -> QSize:
    return panel.size().expandedTo(SMALLEST)


def paint(panel: Panel[Any], painter: QPainter, size: QSize) -> None:
    """The panel as it is kept outside the window: title, subtitle and chart, no buttons."""
    theme = panel.theme
    painter.setRenderHints(SMOOTH)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(theme.surface))
    line = 1.5 * theme.title
    write(painter, panel.title, (12, line), theme.ink, theme.title, weight=Weight.DemiBold)
    left = 12 + width_of(panel.title, theme.title, Weight.DemiBold) + 10
    if left + width_of(panel.subtitle(), theme.label) > size.width() - 12:
        left, line = 12, line + 1.7 * theme.label
    subtitle = elided(panel.subtitle(), theme.label, size.width() - left - 12)
    write(painter, subtitle, (left, line), theme.ink_soft, theme.label)
    top = line + 1.1 * theme.title
    painter.translate(0, top)
    panel.draw(painter, QSizeF(size.width(), size.height() - top - 6))


def to_image(panel: Panel[Any]) -> QImage:
    """The panel as a picture, at twice the window's sharpness."""
    size = _size(panel)
    image = QImage(size * SHARPNESS, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(SHARPNESS)
    with QPainter(image) as painter:
        paint(panel, painter, size)
    return image


def to_png(panel: Panel[Any]) -> bytes:
    """The panel as a PNG file."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, b"png")
    if not writer.write(to_image(panel)):
        raise OSError(writer.errorString())
    return bytes(data.data())


def to_svg(panel: Panel[Any]) -> bytes:
    """The panel as an SVG file: lines and letters, no pixels."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = _size(panel)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(panel.title)
    with QPainter(generator) as painter:
        paint(panel, painter, size)
    buffer.close()
    return bytes(data.data())


def to_csv(table: Table) -> str:
    """A table as CSV: a header and rows, numbers in full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header, rows = table
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


_WRITERS: dict[str, Callable[[Panel[Any]], bytes]] = {
    ".png": to_png,
    ".svg": to_svg,
    ".csv": lambda panel: to_csv(panel.table()).encode(),
}


def save(panel: Panel[Any], path: Path) -> None:
    """Write the panel to a file whose ending says how.

    Raises:
        ValueError: for an ending that is none of .png, .svg and .csv.
        OSError: if the file cannot be written.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ValueError(f"{path.name} ends with none of {', '.join(_WRITERS)}")
    path.write_bytes(writer(panel))
