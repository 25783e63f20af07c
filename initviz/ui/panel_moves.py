"""What is done with a panel as a whole: one table for its menu and its keys, and the list of all.

The keys act while the panel, its header or anything in it has the focus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from initviz.ui.layout import Direction
from initviz.ui.panels import CATALOGUE
from initviz.ui.panels.base import GROUPS, Panel

if TYPE_CHECKING:
    from initviz.ui.board import PanelBoard

#: By how much a key makes a panel larger or smaller, in thousandths.
STEP = 40

Deed = Callable[["PanelBoard", str], None]


@dataclass(frozen=True)
class Move:
    """One thing to do: in which submenu it stands, its text and keys, and what it does."""

    name: str
    menu: str
    text: str
    keys: tuple[str, ...]
    do: Deed


def _towards(to: Direction) -> Move:
    keys = (f"Ctrl+Shift+{to.capitalize()}",)
    return Move(f"move_{to}", "Move", f"Move {to}", keys, lambda b, name: b.move_panel(name, to))


def _resized(text: str, key: str, wider: int, higher: int) -> Move:
    keys = (f"Alt+Shift+{key}",)
    return Move(text.lower(), "Size", text, keys, lambda b, name: b.grow(name, wider, higher))


MOVES: tuple[Move, ...] = (
    Move(
        "maximise",
        "",
        "Maximise",
        ("Ctrl+Return", "Ctrl+Enter"),
        lambda board, name: board.toggle_maximised(name),
    ),
    _towards("left"),
    _towards("right"),
    _towards("up"),
    _towards("down"),
    _resized("Wider", "Right", STEP, 0),
    _resized("Narrower", "Left", -STEP, 0),
    _resized("Higher", "Down", 0, STEP),
    _resized("Lower", "Up", 0, -STEP),
    Move("remove", "", "Remove", ("Ctrl+Shift+Del",), lambda board, name: board.remove_panel(name)),
)


def equip(panel: Panel[Any], name: str, board: PanelBoard) -> None:
    """Give a panel, which stands at place `name`, the entries and keys for all moves."""
    menu = panel.header.menu
    menu.addSeparator()
    submenus: dict[str, QMenu] = {"": menu}
    made: dict[str, QAction] = {}
    for move in MOVES:
        if move.menu not in submenus:
            submenus[move.menu] = menu.addMenu(move.menu)
        if move.name == "remove":
            menu.addMenu(PanelMenu(board, "Add panel", menu))
            menu.addSeparator()
        action = QAction(move.text, panel)
        action.setObjectName(f"panel.{panel.name}.{move.name}")
        action.setShortcuts([QKeySequence(key) for key in move.keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False, deed=move.do: deed(board, name))
        submenus[move.menu].addAction(action)
        panel.addAction(action)
        made[move.name] = action
    menu.aboutToShow.connect(partial(_allow, board, name, made))


def _allow(board: PanelBoard, name: str, actions: dict[str, QAction]) -> None:
    """Name what an entry would do now. All stay enabled, or their keys would be dead."""
    actions["maximise"].setText("Restore" if board.maximised == name else "Maximise")


class PanelMenu(QMenu):
    """All panels by group; those on the board are checked. Choosing one adds or removes it."""

    def __init__(self, board: PanelBoard, title: str = "Panels", parent: QWidget | None = None):
        super().__init__(title, parent)
        self.setObjectName("menu.panels")
        self._board = board
        self._entries: dict[str, QAction] = {}
        self.aboutToShow.connect(self._check)

    def _fill(self) -> None:
        """What there is to choose, when somebody wants to: it takes all panels to be imported."""
        offered = [entry.load() for entry in CATALOGUE.values() if not entry.stands_in_for]
        for group in GROUPS:
            kinds = [kind for kind in offered if kind.group == group]
            if kinds:
                self._add_group(group, kinds)
        self.addSeparator()
        self.addAction("Reset layout").triggered.connect(self._board.reset_layout)

    def _add_group(self, group: str, kinds: list[type[Panel[Any]]]) -> None:
        if self._entries:
            self.addSeparator()
        heading = self.addAction(group)
        heading.setEnabled(False)
        for kind in kinds:
            entry = self.addAction(kind.title)
            entry.setObjectName(f"menu.panels.{kind.name}")
            entry.setCheckable(True)
            entry.triggered.connect(lambda wanted, name=kind.name: self._choose(name, wanted))
            self._entries[kind.name] = entry

    def _check(self) -> None:
        if not self._entries:
            self._fill()
        there = self._board.arrangement.panels
        for name, entry in self._entries.items():
            entry.setChecked(name in there)

    def _choose(self, name: str, wanted: bool) -> None:
        if wanted:
            self._board.add_panel(name)
        else:
            self._board.remove_panel(name)
        self._check()
