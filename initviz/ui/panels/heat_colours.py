"""Colours of numbers, on scales that never rescale themselves: powers of ten, and signed ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from PySide6.QtGui import QColor

from initviz.ui.panels.axes import Decades, Floats, power
from initviz.ui.panels.exponents import (
    COLOURS,
    FIRST_COLOUR,
    UNDEFINED,
    Cells,
    colour_table,
    to_cells,
)
from initviz.ui.theme import Theme, mix


class Colours(Protocol):
    """A locked scale. Cells are entries of its table, the first of which mean no value."""

    @property
    def ends(self) -> tuple[float, float]:
        """The values of the first and the last colour."""

    def table(self, theme: Theme) -> list[int]:
        """256 colours."""

    def cells(self, values: Floats) -> Cells:
        """The entries of values of any shape; beyond the ends, that of the end."""

    def ticks(self, pixels: float, spacing: float) -> list[tuple[float, str]]:
        """Values worth a label, on a bar of so many pixels, and the labels."""


@dataclass(frozen=True)
class PowerColours:
    """From dark blue through yellow at 10⁰ to red, for exponents of ten."""

    decades: Decades

    @property
    def ends(self) -> tuple[float, float]:
        return self.decades.low, self.decades.high

    def table(self, theme: Theme) -> list[int]:
        return colour_table(theme, self.decades)

    def cells(self, values: Floats) -> Cells:
        return to_cells(values, self.decades)

    def ticks(self, pixels: float, spacing: float) -> list[tuple[float, str]]:
        ticks = self.decades.ticks(pixels, spacing)
        return _open_ended([(float(exponent), power(exponent)) for exponent in ticks])


@lru_cache(maxsize=8)
def _signed_table(theme: Theme) -> list[int]:
    none = [QColor(theme.surface).rgb()] * FIRST_COLOUR
    shares = np.linspace(-1.0, 1.0, COLOURS).tolist()
    ends = (theme.vanishing, theme.exploding)
    mixed = [mix(theme.blank, ends[share > 0], abs(share)) for share in shares]
    return none + [QColor(colour).rgb() for colour in mixed]


@dataclass(frozen=True)
class SignedColours:
    """From blue through grey at 0 to orange, for numbers of either sign up to `limit`."""

    limit: float

    @property
    def ends(self) -> tuple[float, float]:
        return -self.limit, self.limit

    def table(self, theme: Theme) -> list[int]:
        return _signed_table(theme)

    def cells(self, values: Floats) -> Cells:
        share = np.clip(np.nan_to_num(values / self.limit), -1.0, 1.0)
        found: Cells = ((share + 1) / 2 * (COLOURS - 1)).round().astype(np.uint8) + np.uint8(
            FIRST_COLOUR
        )
        found[~np.isfinite(values)] = UNDEFINED
        return found

    def ticks(self, pixels: float, spacing: float) -> list[tuple[float, str]]:
        count = 5 if pixels > 5 * spacing else 3
        ticks = np.linspace(-self.limit, self.limit, count).tolist()
        return _open_ended([(tick, f"{tick:g}".replace("-", "−")) for tick in ticks])


def _open_ended(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """The labels, those of the ends saying that what lies beyond has the same colour."""
    (low, first), *between, (high, last) = ticks
    return [(low, f"≤ {first}"), *between, (high, f"≥ {last}")]
