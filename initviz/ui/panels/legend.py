"""The legend under a plot: on the projector, where beside a narrow one there is no room for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QRectF

from initviz.ui.panels.drawing import in_rows, width_of
from initviz.ui.theme import Theme

#: The height of a row, in heights of a label.
PITCH = 1.6

#: The share of a chart's width that names and a legend may take beside the plot.
MOST_BESIDE, MOST_IN_WINDOW = 0.34, 0.3
#: The room for letters between a plot and its legend, in heights of a label.
LETTERS = 1.2

Rows = tuple[tuple[int, ...], ...]


def room_beside(
    theme: Theme, names: float, entries: Sequence[str], width: float, *, presented: bool
) -> float:
    """The pixels that the lanes' names, so wide, and a legend get beside a plot.

    `width` is that of the chart. 0 where there is too little for the legend; names may be cut in
    the window, but on the projector they are written elsewhere then.
    """
    legend = max([0.0, *(width_of(name, theme.label) for name in entries)]) + 1.8 * theme.label
    most = (MOST_BESIDE if presented else MOST_IN_WINDOW) * width
    if presented:
        names = names if names <= most else 0.0
        # There may be no height for names above a legend: then letters stand before it.
        legend = legend + LETTERS * theme.label if entries else 0.0
    room = min(max(names, legend), most)
    return room if room >= legend else 0.0


def is_tight(theme: Theme, lanes: int, kinds: int, plot: QRectF, room: float) -> bool:
    """Whether lanes' names and the legend do not fit beside a plot one above the other."""
    return room > 0 and plot.height() < 1.9 * (lanes + kinds + 0.3) * theme.label


def rows_below(theme: Theme, names: Sequence[str], room: float) -> Rows:
    """The entries, by their numbers, in rows that fit."""
    rows = in_rows([_width(theme, name) for name in names], _between(theme), room)
    return tuple(tuple(row) for row in rows)


def places_below(
    theme: Theme, names: Sequence[str], rows: Rows, plot: QRectF, top: float
) -> Iterator[tuple[int, float, float]]:
    """Each entry's number, the middle of its mark, and its height; the first row is at `top`."""
    for number, row in enumerate(rows):
        widths = [_width(theme, names[entry]) for entry in row]
        left = plot.center().x() - (sum(widths) + (len(row) - 1) * _between(theme)) / 2
        for entry, width in zip(row, widths, strict=True):
            yield entry, left + 0.5 * theme.mark, top + number * PITCH * theme.label
            left += width + _between(theme)


def text_after(theme: Theme, middle: float) -> float:
    """Where the text of an entry begins whose mark has its middle there."""
    return middle + 0.5 * theme.mark + 0.5 * theme.label


def _width(theme: Theme, name: str) -> float:
    return theme.mark + 0.5 * theme.label + width_of(name, theme.label)


def _between(theme: Theme) -> float:
    return 1.4 * theme.label
