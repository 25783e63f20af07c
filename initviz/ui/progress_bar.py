"""A thin bar that fills up, in the colours of the palette."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy


class ProgressBar(QProgressBar):
    """How much of something is done, in thousandths."""

    def __init__(self) -> None:
        super().__init__()
        self.setRange(0, 1000)
        self.setTextVisible(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_share(self, share: float) -> None:
        """Show a share from 0 to 1."""
        self.setValue(round(1000 * share))

    def sizeHint(self) -> QSize:
        return QSize(60, max(6, self.fontMetrics().height() // 2))

    def minimumSizeHint(self) -> QSize:
        return QSize(30, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        half = self.height() / 4
        bar = QRectF(0, half, self.width(), 2 * half)
        painter.setBrush(self.palette().mid())
        painter.drawRoundedRect(bar, half, half)
        share = (self.value() - self.minimum()) / (self.maximum() - self.minimum())
        bar.setWidth(max(2 * half, share * bar.width()))
        painter.setBrush(self.palette().highlight())
        painter.drawRoundedRect(bar, half, half)
        painter.end()
