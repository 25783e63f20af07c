"""Undo over the board: a change is a command with the layouts before and after it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand

from initviz.ui.layout import DEFAULT, Layout

#: One number for all commands of this kind, by which Qt asks them whether they merge.
_COMMAND_ID = 2


class ChangeLayout(QUndoCommand):
    """From one layout of the board to another.

    Commands with the same `gesture` (one drag of a size) merge; an empty one never does.
    """

    def __init__(
        self,
        before: Layout,
        after: Layout,
        use: Callable[[Layout], None],
        title: Callable[[str], str],
        gesture: str = "",
    ) -> None:
        super().__init__(describe(before, after, title))
        self._before, self._after, self._use = before, after, use
        self._title, self._gesture = title, gesture

    def redo(self) -> None:
        self._use(self._after)

    def undo(self) -> None:
        self._use(self._before)

    def id(self) -> int:
        return _COMMAND_ID

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 (Qt's name)
        if not isinstance(other, ChangeLayout):
            return False
        if not self._gesture or other._gesture != self._gesture:
            return False
        self._after = other._after
        self.setText(describe(self._before, self._after, self._title))
        self.setObsolete(self._before == self._after)
        return True


def describe(before: Layout, after: Layout, title: Callable[[str], str]) -> str:
    """What changed, in a few words for the menu: "removal of “Loss”", "sizes of the panels"."""
    new = [name for name in after.panels if name not in before.panels]
    gone = [name for name in before.panels if name not in after.panels]
    if after == DEFAULT and len(new) + len(gone) != 1:
        return "reset of the layout"
    if len(new) == 1 and not gone:
        return f"new panel “{title(new[0])}”"
    if len(gone) == 1 and not new:
        return f"removal of “{title(gone[0])}”"
    if new or gone:
        return "change of the panels"
    moved = [row.panels for row in before.rows] != [row.panels for row in after.rows]
    return "move of a panel" if moved else "sizes of the panels"
