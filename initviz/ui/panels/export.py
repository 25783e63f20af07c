"""Panels as pictures and tables: PNG, SVG, PDF, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSize, QSizeF
from PySide6.QtGui import QColor, QImage, QImageWriter, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from initviz.ui.panels.canvas import SMOOTH
from initviz.ui.panels.drawing import Weight, elided, width_of, write

if TYPE_CHECKING:
    from initviz.ui.panels.base import Panel, Table

#: Pixels of a PNG for each pixel of the window.
SHARPNESS = 2
#: Points of a PDF in an inch, and how finely its lines can be placed.
_POINTS, _RESOLUTION = 72, 1200
#: Points of a PDF for each pixel of the window: those of CSS.
_POINT = 0.75
#: The smallest picture: a panel that was never shown has no size of its own.
SMALLEST = QSize(420, 320)


def _size(panel: Panel[Any]) -> QSize:
    return panel.size().expandedTo(SMALLEST)


def paint(panel: Panel[Any], painter: QPainter, size: QSize) -> None:
    """The panel as it is kept outside the window: title, subtitle and chart, no buttons."""
    panel.catch_up()
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


def to_pdf(panel: Panel[Any]) -> bytes:
    """The panel as a PDF file of one page: lines and letters, no pixels."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = _size(panel)
    writer = QPdfWriter(buffer)
    writer.setTitle(panel.title)
    writer.setCreator("initviz")
    writer.setResolution(_RESOLUTION)
    writer.setPageSize(QPageSize(QSizeF(size) * _POINT, QPageSize.Unit.Point, panel.name))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    with QPainter(writer) as painter:
        scale = _POINT * _RESOLUTION / _POINTS
        painter.scale(scale, scale)
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
    ".pdf": to_pdf,
    ".csv": lambda panel: to_csv(panel.table()).encode(),
}


#: The endings of files that a panel can be saved as.
ENDINGS = tuple(_WRITERS)


def save(panel: Panel[Any], path: Path) -> None:
    """Write the panel to a file whose ending says how.

    Raises:
        ValueError: for any other ending than those of `ENDINGS`.
        OSError: if the file cannot be written.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ValueError(f"{path.name} ends with none of {', '.join(_WRITERS)}")
    path.write_bytes(writer(panel))
