"""What the phase map is made of: χ₁ over (σ_w, σ_b), its critical line, and their colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from initviz.ui.theme import Theme, mix

Floats = NDArray[np.float64]

#: Cells of the map, along σ_w and along σ_b.
COLUMNS, ROWS = 240, 160
#: σ_b at which the critical line is sought.
_LINE = 61
#: How close to 1 χ₁ must be on it, read from the map.
_CLOSE = 0.02
#: Moments that differ by less than this, at lengths so far apart, are the same for every length.
_SAME = 1e-9
_LENGTHS = (1e-12, 1.0, 1e12)

#: The colours reach so many powers of ten to either side of χ₁ = 1, and are locked.
DECADES = 1.0
_COLOURS = 256
#: How much of the colour is mixed into the ground at the ends, and how soon.
_MOST, _SOON = 0.62, 0.3


@dataclass(frozen=True)
class Question:
    """Which map: an activation, its slope (0 where it has none), and how far the axes reach."""

    activation: str
    slope: float
    reach_w: float
    reach_b: float


@dataclass(frozen=True, eq=False)
class Chart:
    """χ₁ at the middles of the cells (ROWS, COLUMNS), the lowest σ_b first; NaN where q grows.

    `line` (n, 2) has the σ_w and σ_b with χ₁ = 1, NaN where there is a gap. `grows` (ROWS,) is
    the σ_w from which on q grows for ever, infinite where it never does. Of a scale-free
    activation, like ReLU, χ₁ is the same for every q, and is known there too.
    """

    question: Question
    chi: Floats
    line: Floats
    grows: Floats
    scale_free: bool


@dataclass(frozen=True)
class Reading:
    """What theory says of one point; χ₁ and q* are None where q grows for ever.

    `phase` is "ordered", "critical" or "chaotic", or empty where q grows.
    """

    chi: float | None
    q: float | None
    phase: str

    @property
    def depth_scale(self) -> float:
        """ξ_∇ = −1/ln χ₁: layers over which ‖∂L/∂z‖² falls by a factor e; negative: grows."""
        if self.chi is None:
            return math.nan
        if self.chi <= 0:
            return 0.0
        return math.inf if self.phase == "critical" else -1.0 / math.log(self.chi)


def middles(reach: float, count: int) -> Floats:
    """The middles of so many cells from 0 to `reach`."""
    found: Floats = (np.arange(count, dtype=np.float64) + 0.5) * (reach / count)
    return found


def find_chart(question: Question) -> Chart:
    """The map that answers a question: a tenth of a second or so."""
    from initviz.lab import theory

    activation, slope = question.activation, question.slope
    sigma_ws = middles(question.reach_w, COLUMNS)
    sigma_bs = middles(question.reach_b, ROWS)
    chi = theory.chi_map(activation, sigma_ws, sigma_bs, slope=slope)
    grows = _growth(np.isnan(chi), sigma_ws)
    # Close to σ_b = 0 the line bends most.
    heights = question.reach_b * np.linspace(0.0, 1.0, _LINE) ** 2
    factor = slope_moment(activation, slope)
    if factor is None:
        line = theory.critical_line(activation, heights, slope=slope)
        # Of lengths close to 1 it can name one that q = 1 moves away from.
        there = np.diagonal(theory.chi_map(activation, np.nan_to_num(line), heights, slope=slope))
        line = np.where(np.abs(there - 1.0) < _CLOSE, line, math.nan)
    else:
        critical = 1.0 / math.sqrt(factor) if factor > 0 else math.nan
        chi = np.broadcast_to(sigma_ws**2 * factor, chi.shape).copy()
        line = np.full(_LINE, critical)
        grows = np.where(np.isfinite(grows), critical, grows)
    found = np.stack([_without_jumps(line, question.reach_w), heights], axis=1)
    return Chart(question, chi, found, grows, factor is not None)


def _growth(unknown: NDArray[np.bool_], sigma_ws: Floats) -> Floats:
    """The σ_w between the last cell of a row with a q* and the first without one."""
    step = sigma_ws[1] - sigma_ws[0]
    first = np.argmax(unknown, axis=1)
    found: Floats = np.where(unknown.any(axis=1), sigma_ws[first] - 0.5 * step, math.inf)
    return found


def _without_jumps(line: Floats, reach: float) -> Floats:
    """The line with a gap before whatever is far from the point below it."""
    jumps = np.abs(np.diff(line, prepend=line[:1])) > 0.1 * reach
    found: Floats = np.where(jumps, math.nan, line)
    return found


@lru_cache(maxsize=64)
def slope_moment(activation: str, slope: float) -> float | None:
    """E φ′², where that is the same for every length q, as it is for ReLU; None elsewhere."""
    from initviz.lab import theory

    found = [theory.moments(activation, q, slope=slope)[1] for q in _LENGTHS]
    return found[1] if max(found) - min(found) <= _SAME * max(found) else None


@lru_cache(maxsize=512)
def reading(activation: str, slope: float, sigma_w: float, sigma_b: float) -> Reading:
    """What theory says of a point, exactly: a few milliseconds."""
    from initviz.lab import theory

    q = theory.fixed_point(activation, sigma_w, sigma_b, slope=slope)
    if q is None:
        factor = slope_moment(activation, slope)
        return Reading(None if factor is None else sigma_w**2 * factor, None, "")
    phase = theory.phase(activation, sigma_w, sigma_b, slope=slope)
    return Reading(theory.chi(activation, sigma_w, q, slope=slope), q, phase or "")


# -- colours --------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def colours(theme: Theme) -> NDArray[np.uint32]:
    """The colours of χ₁ from 10^−`DECADES` to 10^`DECADES`: the ground's own at 1."""
    table = []
    for exponent in np.linspace(-DECADES, DECADES, _COLOURS):
        pure = theme.vanishing if exponent < 0 else theme.exploding
        share = (1.0 - math.exp(-abs(exponent) / _SOON)) / (1.0 - math.exp(-DECADES / _SOON))
        table.append(QColor(mix(theme.surface, pure, _MOST * share)).rgb())
    return np.array(table, dtype=np.uint32)


def painted(chi: Floats, theme: Theme) -> NDArray[np.uint32]:
    """The colour of each χ₁, in its shape; the blank one where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(np.log10(chi) / DECADES, -1.0, 1.0)
    index = np.nan_to_num((share + 1.0) / 2.0 * (_COLOURS - 1)).round().astype(np.int64)
    blank = np.uint32(QColor(theme.blank).rgb())
    found: NDArray[np.uint32] = np.where(np.isnan(share), blank, colours(theme)[index])
    return found
