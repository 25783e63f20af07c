"""How the window is divided: shares of its width at first, a person's own sizes from then on."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QSplitter

#: Width of the form and of the diagnosis until a person drags them: a share of the window's,
#: the least and the greatest, in pixels.
LEFT = (0.165, 256, 316)
RIGHT = (0.162, 268, 310)

Sizes = Mapping[str, tuple[int, ...]]


class Arrangement(QObject):
    """The splitters of a window by name; `columns` holds form, panels and diagnosis."""

    def __init__(
        self, columns: QSplitter, others: Mapping[str, QSplitter], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._columns = columns
        self._splitters = {"columns": columns, **others}
        self._dragged: set[str] = set()
        for name, splitter in self._splitters.items():
            splitter.splitterMoved.connect(lambda *_, name=name: self._dragged.add(name))

    def fit(self, width: int) -> None:
        """Share out a new width of the window, unless a person has done so."""
        if "columns" in self._dragged:
            return
        left, right = (round(min(max(s * width, low), high)) for s, low, high in (LEFT, RIGHT))
        self._columns.setSizes([left, width - left - right, right])

    def restore(self, sizes: Sizes) -> None:
        """Bring back the sizes that were once dragged; those of another layout are dropped."""
        for name, splitter in self._splitters.items():
            kept = sizes.get(name, ())
            if len(kept) == splitter.count() and any(kept):
                splitter.setSizes(list(kept))
                self._dragged.add(name)

    def dragged(self) -> Sizes:
        """The sizes that a person has chosen."""
        return {name: tuple(self._splitters[name].sizes()) for name in sorted(self._dragged)}
