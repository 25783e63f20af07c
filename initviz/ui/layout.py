"""Which panels are on the board, and where: a value that is compared, kept and taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Direction = Literal["left", "right", "up", "down"]
Side = Literal["left", "right", "above", "below"]

MOST_IN_ROW = 4
#: A new panel joins a row that has fewer than this, as long as there is one.
USUAL_IN_ROW = 3
#: A new panel makes a new row up to this many.
USUAL_ROWS = 3
#: Sizes are shares, in thousandths; nothing is smaller than the least.
WHOLE, LEAST = 1000, 20


def shares(sizes: Sequence[float]) -> tuple[int, ...]:
    """Sizes of any unit as shares that are together the whole."""
    if not sizes:
        return ()
    total = sum(sizes)
    parts = [size / total if total > 0 else 1 / len(sizes) for size in sizes]
    room = WHOLE - LEAST * len(parts)
    wanted = [max(part * WHOLE - LEAST, 0.0) for part in parts]
    scale = room / sum(wanted) if sum(wanted) > 0 else 0.0
    exact = [LEAST + share * scale for share in wanted]
    whole = [int(share + 1e-9) for share in exact]
    # What rounding left over goes to those that lost most.
    lost = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for step in range(WHOLE - sum(whole)):
        whole[lost[step % len(lost)]] += 1
    return tuple(whole)


def _with_one_more(sizes: Sequence[int], at: int) -> tuple[int, ...]:
    """Room for one more at an index, as much as the others have on average."""
    average = sum(sizes) / len(sizes) if sizes else 1.0
    return shares([*sizes[:at], average, *sizes[at:]])


@dataclass(frozen=True)
class Row:
    """Panels side by side, by name, with their shares of the width."""

    panels: tuple[str, ...]
    widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.panels) <= MOST_IN_ROW:
            raise ValueError(f"a row has 1 to {MOST_IN_ROW} panels, not {len(self.panels)}")
        widths = self.widths or (1,) * len(self.panels)
        if len(widths) != len(self.panels):
            raise ValueError(f"{len(self.panels)} panels cannot have {len(widths)} widths")
        object.__setattr__(self, "widths", shares(widths))

    @property
    def is_full(self) -> bool:
        return len(self.panels) == MOST_IN_ROW

    def with_panel(self, name: str, at: int) -> Row:
        panels = (*self.panels[:at], name, *self.panels[at:])
        return Row(panels, _with_one_more(self.widths, at))

    def with_moved(self, name: str, at: int) -> Row:
        """A panel of this row at another place in it, with its width."""
        order = [i for i, other in enumerate(self.panels) if other != name]
        order.insert(at, self.panels.index(name))
        return Row(tuple(self.panels[i] for i in order), tuple(self.widths[i] for i in order))

    def with_names(self, names: dict[str, str]) -> Row:
        """Other panels in the places of some."""
        return replace(self, panels=tuple(names.get(name, name) for name in self.panels))

    def without(self, name: str) -> Row | None:
        """None if nothing is left."""
        kept = [i for i, other in enumerate(self.panels) if other != name]
        if not kept:
            return None
        return Row(tuple(self.panels[i] for i in kept), tuple(self.widths[i] for i in kept))


@dataclass(frozen=True)
class Layout:
    """Rows of panels from top to bottom, with their shares of the height; each panel once.

    Every method that changes something returns another layout, or this one where it cannot be.
    """

    rows: tuple[Row, ...] = ()
    heights: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        heights = self.heights or (1,) * len(self.rows)
        if len(heights) != len(self.rows):
            raise ValueError(f"{len(self.rows)} rows cannot have {len(heights)} heights")
        if len(set(self.panels)) != len(self.panels):
            raise ValueError(f"a panel stands on the board once: {', '.join(self.panels)}")
        object.__setattr__(self, "heights", shares(heights))

    @property
    def panels(self) -> tuple[str, ...]:
        """The names of all panels, as one reads."""
        return tuple(name for row in self.rows for name in row.panels)

    def place(self, name: str) -> tuple[int, int]:
        """The row of a panel, and its place in there.

        Raises:
            KeyError: if it is not on the board.
        """
        for number, row in enumerate(self.rows):
            if name in row.panels:
                return number, row.panels.index(name)
        raise KeyError(f"{name} is not on the board")

    def only(self, known: Collection[str]) -> Layout:
        """Without the panels that are not known."""
        layout = self
        for name in self.panels:
            if name not in known:
                layout = layout.removed(name)
        return layout

    # -- adding and removing -----------------------------------------------------------------

    def added(self, name: str) -> Layout:
        """One more panel, where there is most room for it."""
        if name in self.panels:
            return self
        shortest = min(self.rows, key=lambda row: len(row.panels), default=None)
        count = len(shortest.panels) if shortest else MOST_IN_ROW
        is_crowded = count >= (USUAL_IN_ROW if len(self.rows) < USUAL_ROWS else MOST_IN_ROW)
        if shortest is None or is_crowded:
            return self._with_row(Row((name,)), len(self.rows))
        return self._joined(name, self.rows.index(shortest), count)

    def removed(self, name: str) -> Layout:
        """Without this panel; a row that it leaves empty goes too."""
        if name not in self.panels:
            return self
        number, _ = self.place(name)
        left = self.rows[number].without(name)
        if left is not None:
            return self._with(number, left)
        rows = (*self.rows[:number], *self.rows[number + 1 :])
        return Layout(rows, (*self.heights[:number], *self.heights[number + 1 :]))

    # -- moving ------------------------------------------------------------------------------

    def moved(self, name: str, direction: Direction) -> Layout:
        """One place on; beyond the first or the last row, into a row of its own."""
        number, place = self.place(name)
        row = self.rows[number]
        if direction in ("left", "right"):
            other = place + (1 if direction == "right" else -1)
            if not 0 <= other < len(row.panels):
                return self
            return self._swapped(name, row.panels[other])
        target = number + (1 if direction == "down" else -1)
        if 0 <= target < len(self.rows):
            there = self.rows[target]
            if there.is_full:
                return self._swapped(name, there.panels[min(place, MOST_IN_ROW - 1)])
            return self._brought(name, there, min(place, len(there.panels)))
        if len(row.panels) == 1:
            return self
        return self.removed(name)._with_row(Row((name,)), max(target, 0))

    def put(self, name: str, beside: str, side: Side) -> Layout:
        """Beside another panel, or into a row of its own above or below that one's."""
        if name == beside:
            return self
        number, place = self.place(beside)
        row = self.rows[number]
        if side in ("above", "below"):
            if self.rows[self.place(name)[0]].panels == (name,):
                return self._with_row_moved(name, number, side)
            rest = self.removed(name)
            return rest._with_row(Row((name,)), rest.place(beside)[0] + (side == "below"))
        at = place + (side == "right")
        if name in row.panels:
            return self._with(number, row.with_moved(name, at - (row.panels.index(name) < place)))
        return self._swapped(name, beside) if row.is_full else self._brought(name, row, at)

    # -- sizes -------------------------------------------------------------------------------

    def with_widths(self, number: int, sizes: Sequence[float]) -> Layout:
        """Other widths of the panels in a row."""
        return self._with(number, replace(self.rows[number], widths=shares(sizes)))

    def with_heights(self, sizes: Sequence[float]) -> Layout:
        """Other heights of the rows."""
        return replace(self, heights=shares(sizes))

    def widened(self, name: str, by: int) -> Layout:
        """A panel wider by so many thousandths of its row, at the cost of the others."""
        number, place = self.place(name)
        widths = self.rows[number].widths
        return self if len(widths) == 1 else self.with_widths(number, _grown(widths, place, by))

    def heightened(self, name: str, by: int) -> Layout:
        """The row of a panel higher by so many thousandths, at the cost of the others."""
        if len(self.rows) == 1:
            return self
        return self.with_heights(_grown(self.heights, self.place(name)[0], by))

    # -- how it is done ----------------------------------------------------------------------

    def _with(self, number: int, row: Row) -> Layout:
        return replace(self, rows=(*self.rows[:number], row, *self.rows[number + 1 :]))

    def _with_row(self, row: Row, at: int) -> Layout:
        rows = (*self.rows[:at], row, *self.rows[at:])
        return Layout(rows, _with_one_more(self.heights, at))

    def _with_row_moved(self, name: str, number: int, side: Side) -> Layout:
        """The row that a panel has for itself, with its height, above or below another row."""
        own = self.place(name)[0]
        order = [i for i in range(len(self.rows)) if i != own]
        order.insert(order.index(number) + (side == "below"), own)
        rows = tuple(self.rows[i] for i in order)
        return Layout(rows, tuple(self.heights[i] for i in order))

    def _joined(self, name: str, number: int, at: int) -> Layout:
        return self._with(number, self.rows[number].with_panel(name, at))

    def _brought(self, name: str, row: Row, at: int) -> Layout:
        """A panel of another row into this one."""
        rest = self.removed(name)
        return rest._joined(name, rest.rows.index(row), at)

    def _swapped(self, one: str, other: str) -> Layout:
        """Two panels in each other's places; within a row each takes its width along."""
        number, first = self.place(one)
        if self.place(other)[0] == number:
            widths = list(self.rows[number].widths)
            second = self.place(other)[1]
            widths[first], widths[second] = widths[second], widths[first]
            layout = self.with_widths(number, widths)
        else:
            layout = self
        names = {one: other, other: one}
        return replace(layout, rows=tuple(row.with_names(names) for row in layout.rows))


def _grown(sizes: Sequence[int], at: int, by: int) -> list[float]:
    """One of the sizes grown, the others shrunk by the same factor."""
    grown = min(max(sizes[at] + by, LEAST), WHOLE - LEAST * (len(sizes) - 1))
    factor = (WHOLE - grown) / (WHOLE - sizes[at])
    return [grown if i == at else size * factor for i, size in enumerate(sizes)]


#: What a first start shows.
DEFAULT = Layout(
    (
        Row(("gradient_magnitude", "activation_histograms")),
        Row(("gradient_over_time", "loss", "update_ratio")),
    ),
    (570, 430),
)
