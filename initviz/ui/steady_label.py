"""A label whose text changes many times a second while nothing around it moves."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget

_UNLIMITED = (1 << 24) - 1  # Qt's own QWIDGETSIZE_MAX


class SteadyLabel(QLabel):
    """A label of a fixed size that only ever grows.

    A widget of a fixed size never asks its neighbours to be laid out again, which, next to text
    that wraps, costs more than everything that is drawn.
    """

    def __init__(self, widest: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._widest = widest

    def fit(self) -> None:
        """Take the room for the widest text so far, in the font that is worn now."""
        shown = self.text()
        self.setMinimumSize(0, 0)
        self.setMaximumSize(_UNLIMITED, _UNLIMITED)
        super().setText(self._widest)
        self.ensurePolished()
        size = self.sizeHint()
        super().setText(shown)
        self.setFixedSize(size)

    def say(self, text: str) -> bool:
        """Show a text; returns whether the label had to grow for it."""
        if text == self.text():
            return False
        self.setText(text)
        grows = len(text) > len(self._widest)
        if grows:
            self._widest = text
            self.fit()
        return grows
