"""Powers of ten of measured norms, and their colours: the same locked limits everywhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from initviz.lab.recording import Track
from initviz.ui.panels.axes import Decades, Floats
from initviz.ui.theme import Theme, channels

#: Entries of a colour table that are no values; the heat map's colours come after them.
BLANK, ZERO, UNDEFINED, FIRST_COLOUR = 0, 1, 2, 3
COLOURS = 256 - FIRST_COLOUR

Cells = NDArray[np.uint8]


def exponents(norms: Floats) -> Floats:
    """log10 of norms of any shape: −∞ for exact zeros, ∞ for infinity, NaN for NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log10(norms))


def relative_exponents(norms: Floats) -> Floats:
    """log10 of norms (…, H) over the last of them, which can neither underflow nor overflow.

    An exact zero stays a zero (−∞) and a non-finite norm what it is, whatever the last one is;
    other norms are infinite over zero, and undefined (NaN) over what is not finite.
    """
    own = exponents(norms)
    last = own[..., -1:]
    with np.errstate(invalid="ignore"):
        relative = np.where(last == np.inf, np.nan, own - last)
    return np.where(np.isfinite(own), relative, own)


@lru_cache(maxsize=16)
def colour_table(theme: Theme, decades: Decades) -> list[int]:
    """256 colours: three that are no values, then the heat map from `low` to `high`."""
    powers = np.linspace(decades.low, decades.high, COLOURS)
    anchors = [(decades.low * (1 - t), c) for t, c in _spaced(theme.heat_below)]
    anchors += [(decades.high * t, c) for t, c in _spaced(theme.heat_above)][1:]
    at = [position for position, _ in anchors]
    of = np.array([channels(colour) for _, colour in anchors], dtype=np.float64)
    mixed = np.stack([np.interp(powers, at, of[:, i]) for i in range(3)], axis=1).round()
    colours = [QColor(theme.surface).rgb(), QColor(theme.blank).rgb(), QColor(theme.surface).rgb()]
    return colours + [QColor(*map(int, row)).rgb() for row in mixed]


def _spaced(colours: tuple[str, ...]) -> list[tuple[float, str]]:
    return [(i / (len(colours) - 1), colour) for i, colour in enumerate(colours)]


def to_cells(powers: Floats, decades: Decades) -> Cells:
    """The entry of the colour table for each exponent; beyond the limits, that of the limit."""
    share = (powers - decades.low) / (decades.high - decades.low)
    known = np.clip(np.nan_to_num(share), 0.0, 1.0)
    cells: Cells = (known * (COLOURS - 1)).round().astype(np.uint8) + np.uint8(FIRST_COLOUR)
    cells[np.isneginf(powers)] = ZERO
    cells[np.isnan(powers)] = UNDEFINED
    cells[np.isposinf(powers)] = UNDEFINED
    return cells


class HeatMap:
    """The cells (H, N) of a history, of which only those that changed are computed again."""

    def __init__(self, layers: int, cells_of: Callable[[Floats], Cells]) -> None:
        """`cells_of` says how measured rows (n, H) look."""
        self._layers = layers
        self._cells_of = cells_of
        self._sources = np.empty(0, dtype=np.int64)
        self.cells: Cells = np.empty((layers, 0), dtype=np.uint8)

    def update(self, track: Track, at: NDArray[np.int64], last: int) -> None:
        """Show the newest measurement at or before each step of `at` (N,), up to step `last`."""
        rows = np.searchsorted(track.steps, at, side="right") - 1
        there = (rows >= 0) & (at <= last)
        sources = (
            np.where(there, track.steps[rows], -1) if len(track.steps) else np.full(len(at), -1)
        )
        if len(sources) != len(self._sources):
            self.cells = np.zeros((self._layers, len(at)), dtype=np.uint8)
            self._sources = np.full(len(at), -1)
        changed = np.flatnonzero(sources != self._sources)
        self._sources = sources
        self.cells[:, changed[~there[changed]]] = BLANK
        fresh = changed[there[changed]]
        if len(fresh):
            # Many columns can show the same measurement: compute each once.
            which, place = np.unique(rows[fresh], return_inverse=True)
            cells = self._cells_of(track.values[which, : self._layers])
            self.cells[:, fresh] = cells[place].T
