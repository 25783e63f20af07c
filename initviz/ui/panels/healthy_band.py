"""The band of a profile in which a signal is healthy, and the word in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from initviz.ui.panels.axes import Floats
from initviz.ui.panels.drawing import width_of, write
from initviz.ui.theme import Theme

if TYPE_CHECKING:
    from initviz.ui.panels.profile import ProfileLayout

_WORD = "healthy"


def band_of(layout: ProfileLayout) -> QRectF:
    """Where the band is; empty where there is none."""
    low, high = layout.band or (0.0, 0.0)
    plot, axis = layout.plot, layout.y
    top = axis(min(high, axis.high))
    return QRectF(plot.left(), top, plot.width(), axis(max(low, axis.low)) - top)


def name_band(painter: QPainter, layout: ProfileLayout, *, on_top: bool) -> None:
    """The word in the band: at its left, at the upper edge or at the lower one."""
    places = _places(layout.theme, band_of(layout), on_top)
    _write(painter, layout, places[:1])


def name_band_beside(
    painter: QPainter,
    layout: ProfileLayout,
    rows: Sequence[Floats],
    taken: QRectF,
    *,
    on_top: bool,
) -> None:
    """The word where no mark and no line of the exponents in `rows` (N,) lies over it.

    Nor over what is `taken`; it is left out where there is no such place.
    """
    places = _places(layout.theme, band_of(layout), on_top)
    free = [box for box in places if not box.intersects(taken) and not _is_over(layout, rows, box)]
    _write(painter, layout, free)


def _write(painter: QPainter, layout: ProfileLayout, places: Sequence[QRectF]) -> None:
    theme = layout.theme
    if places and band_of(layout).height() > 1.6 * theme.label:
        at = (places[0].left(), places[0].center().y())
        write(painter, _WORD, at, theme.healthy_text, theme.label, ground=theme.healthy_band)


def _places(theme: Theme, band: QRectF, on_top: bool) -> list[QRectF]:
    """Where the word may stand in the band, the best first."""
    label = theme.label
    width, inset = width_of(_WORD, label), 0.9 * label
    heights = [band.bottom() - inset, band.top() + inset]
    lefts = (band.left() + 0.6 * label, band.right() - 0.6 * label - width)
    ordered = reversed(heights) if on_top else heights
    return [QRectF(x, y - 0.5 * label, width, label) for y in ordered for x in lefts]


def _is_over(layout: ProfileLayout, rows: Sequence[Floats], box: QRectF) -> bool:
    """Whether marks or lines lie over a box."""
    reach = 0.6 * layout.theme.mark
    low, high = box.left() - reach, box.right() + reach
    for row in rows:
        known = np.isfinite(row)
        places = layout.x(np.flatnonzero(known).astype(np.float64) + 1.0)
        if not len(places) or high < places[0] - reach or low > places[-1] + reach:
            continue
        y = np.interp(np.linspace(low, high, 24), places, layout.y(row[known]))
        if ((y > box.top() - reach) & (y < box.bottom() + reach)).any():
            return True
    return False
