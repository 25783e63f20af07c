"""The keys of a lecture: one table, for the player's window and the presenter's alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class Entry:
    """A thing to do: its name, the keys that do it, those keys in words, and what it is."""

    name: str
    keys: tuple[str, ...]
    words: str
    what: str


#: A presenter's remote sends Page Up, Page Down and B.
ENTRIES = (
    Entry("next", ("Space", "Right", "PgDown"), "Space, →, Page Down", "Next"),
    Entry("back", ("Left", "PgUp"), "←, Page Up", "Back"),
    Entry("home", ("Home",), "Home", "First scene"),
    Entry("end", ("End",), "End", "Last scene"),
    Entry("scenes", ("G", "Ctrl+L"), "G", "List of scenes"),
    Entry("blank", ("B",), "B", "Blank the display; any key brings it back"),
    Entry("run_live", ("V",), "V", "Run live what is played from a recording"),
    Entry("notes", ("N",), "N", "The presenter's window, with notes and clock"),
    Entry("help", ("?", "F1"), "?", "These keys"),
    Entry("leave", ("Escape",), "Esc", "Leave for the laboratory, after asking"),
)
#: Digits answer a question.
DIGITS = tuple("123456")


def install(window: QWidget, verbs: Mapping[str, Callable[[], None]]) -> None:
    """Let the keys do what `verbs` says, and a digit what it says under "answer 1" and so on."""
    digits = (Entry(f"answer {digit}", (digit,), digit, "") for digit in DIGITS)
    for entry in (*ENTRIES, *digits):
        for key in entry.keys:
            shortcut = QShortcut(QKeySequence(key), window)
            shortcut.setAutoRepeat(False)  # a key that is held would race through the lecture
            shortcut.activated.connect(partial(_press, verbs[entry.name]))


def _press(verb: Callable[[], None]) -> None:
    verb()
