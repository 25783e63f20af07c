"""The small drawings of the window: arrows, ticks and transport signs, sharp at every scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

Polygon = Sequence[tuple[float, float]]


def _arc(radius: float, start: float, end: float) -> list[tuple[float, float]]:
    """Points around the middle of the unit square, from one angle to another in degrees."""
    angles = [math.radians(start + (end - start) * i / 24) for i in range(25)]
    return [(0.5 + radius * math.cos(a), 0.5 + radius * math.sin(a)) for a in angles]


#: Polygons of each sign in a unit square, y downwards.
SIGNS: dict[str, tuple[Polygon, ...]] = {
    "run": (((0.22, 0.08), (0.92, 0.5), (0.22, 0.92)),),
    "pause": (
        ((0.18, 0.1), (0.4, 0.1), (0.4, 0.9), (0.18, 0.9)),
        ((0.6, 0.1), (0.82, 0.1), (0.82, 0.9), (0.6, 0.9)),
    ),
    "back": (((0.84, 0.06), (0.84, 0.94), (0.1, 0.5)),),
    "forward": (((0.16, 0.06), (0.16, 0.94), (0.9, 0.5)),),
    "start": (
        ((0.94, 0.14), (0.94, 0.86), (0.52, 0.5)),
        ((0.54, 0.14), (0.54, 0.86), (0.12, 0.5)),
        ((0.04, 0.14), (0.13, 0.14), (0.13, 0.86), (0.04, 0.86)),
    ),
    "end": (
        ((0.06, 0.14), (0.06, 0.86), (0.48, 0.5)),
        ((0.46, 0.14), (0.46, 0.86), (0.88, 0.5)),
        ((0.96, 0.14), (0.87, 0.14), (0.87, 0.86), (0.96, 0.86)),
    ),
    "contrast": (_arc(0.5, -90, 90), [*_arc(0.5, 90, 270), *_arc(0.4, 270, 90)]),
    "down": (((0.0, 0.2), (1.0, 0.2), (0.5, 0.85)),),
    "right": (((0.25, 0.0), (0.9, 0.5), (0.25, 1.0)),),
}


def draw_sign(painter: QPainter, name: str, box: QRectF, colour: QColor) -> None:
    """Draw one of `SIGNS` into `box`."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    for polygon in SIGNS[name]:
        points = [
            QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in polygon
        ]
        painter.drawPolygon(QPolygonF(points))


def sign_icon(name: str, size: int, colour: QColor) -> QIcon:
    """One of `SIGNS` as an icon, at one and two pixels to the point."""
    icon = QIcon()
    for ratio in (1, 2):
        pixmap = QPixmap(size * ratio, size * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        pixmap.setDevicePixelRatio(ratio)
        painter = QPainter(pixmap)
        draw_sign(painter, name, QRectF(0, 0, size, size), colour)
        painter.end()
        icon.addPixmap(pixmap)
    return icon


def draw_tick(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """Draw a tick into `box`."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(colour, max(1.5, box.width() * 0.14))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(
        [
            QPointF(box.x() + x * box.width(), box.y() + y * box.height())
            for x, y in ((0.22, 0.54), (0.42, 0.74), (0.78, 0.28))
        ]
    )
