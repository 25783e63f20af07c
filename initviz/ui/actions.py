"""What can be done in the window: one table of actions for buttons, menus and keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow


@dataclass(frozen=True)
class Entry:
    """One action: what it is called, which keys it has, and what does it.

    `slot` is a method of the window, or of one of its parts as in "transport.step".

    `keys` are Qt's names of key sequences, the first one being shown; `soft_key` is what a button
    shows of it. Entries of one `group` exclude each other.
    """

    name: str
    menu: str
    text: str
    slot: str
    keys: tuple[str, ...] = ()
    tip: str = ""
    soft_key: str = ""
    checkable: bool = False
    group: str = ""
    separated: bool = False


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "start_screen",
        "File",
        "Start screen…",
        "lectures.show_start",
        ("L",),
        "Lectures, challenges, and what was open lately",
    ),
    Entry(
        "new",
        "File",
        "New experiment",
        "lectures.new_experiment",
        ("Ctrl+N",),
        "One lane, every setting at its default",
        separated=True,
    ),
    Entry(
        "open",
        "File",
        "Open…",
        "open_experiment",
        ("Ctrl+O",),
        "Open an experiment, a recording or a lecture",
    ),
    Entry(
        "save",
        "File",
        "Save experiment as…",
        "save_experiment",
        ("Ctrl+S",),
        "Write the experiment to a TOML file",
    ),
    Entry(
        "save_recording",
        "File",
        "Save recording…",
        "recordings.ask_to_save",
        ("Ctrl+Shift+S",),
        "Write all that was recorded of the lane that is edited",
    ),
    Entry(
        "export",
        "File",
        "Export…",
        "export",
        ("E",),
        "The run as a table, a PyTorch script, or the timeline as a film",
        "E",
    ),
    Entry("quit", "File", "Quit", "close", ("Ctrl+Q",), separated=True),
    Entry(
        "undo",
        "Edit",
        "Undo",
        "undo_stack.undo",
        ("Ctrl+Z",),
        "Take the last change of a setting back",
    ),
    Entry(
        "redo",
        "Edit",
        "Redo",
        "undo_stack.redo",
        ("Ctrl+Shift+Z", "Ctrl+Y"),
        "Make that change again",
    ),
    Entry(
        "copy_experiment",
        "Edit",
        "Copy experiment",
        "exports.copy",
        ("Ctrl+Shift+C",),
        "The experiment as text, to paste anywhere",
        separated=True,
    ),
    Entry(
        "paste_experiment",
        "Edit",
        "Paste experiment",
        "paste_experiment",
        ("Ctrl+V",),
        "Run the experiment that was copied as text",
    ),
    Entry(
        "rules",
        "Edit",
        "Diagnosis rules…",
        "treatment.edit_rules",
        ("Ctrl+D",),
        "What the diagnosis looks at, and the thresholds from which on it speaks",
        separated=True,
    ),
    Entry("run", "Run", "Run", "transport.toggle_run", ("Space",), "Train, or pause", "Space"),
    Entry(
        "step",
        "Run",
        "Step",
        "transport.step",
        ("Right",),
        "One recorded step on; at the end, train one more",
        "→",
    ),
    Entry(
        "back", "Run", "Step back", "transport.step_back", ("Left",), "One recorded step back", "←"
    ),
    Entry(
        "start", "Run", "To step 0", "transport.go_to_start", ("Home",), "Back to the first step"
    ),
    Entry(
        "end",
        "Run",
        "To the end",
        "transport.follow_end",
        ("End",),
        "To the newest step, and stay with it",
    ),
    Entry(
        "slow",
        "Run",
        "Slow motion",
        "transport.toggle_slow_motion",
        ("M",),
        "One step a second, and back to the speed before",
        "M",
        checkable=True,
        separated=True,
    ),
    Entry(
        "reset",
        "Run",
        "Reset, same seed",
        "desk.reset_all",
        ("R",),
        "Back to step 0 with the same initial weights",
        "R",
        separated=True,
    ),
    Entry(
        "new_seed",
        "Run",
        "New seed",
        "desk.new_seed",
        ("Shift+R",),
        "Back to step 0 with other initial weights and another data order",
        "⇧R",
    ),
    Entry(
        "seeds",
        "Run",
        "Run 10 seeds",
        "panels.run_seeds",
        ("Shift+S",),
        "The lane that is edited from ten seeds: what is typical, and how much is chance",
        separated=True,
    ),
    Entry(
        "add_lane",
        "Lanes",
        "Duplicate lane",
        "desk.duplicate",
        ("Ctrl+L",),
        "One more lane with the same experiment, to change one thing",
    ),
    Entry(
        "fork",
        "Lanes",
        "Fork from here",
        "fork",
        ("F",),
        "One more lane that goes on from the kept state nearest to the step shown",
        "F",
    ),
    Entry(
        "next_lane",
        "Lanes",
        "Edit the next lane",
        "desk.choose_next",
        ("Ctrl+Tab", "N"),
        "Let the form edit the next lane",
    ),
    Entry(
        "hide_lane",
        "Lanes",
        "Hide or show lane",
        "desk.toggle_hidden",
        ("H",),
        "Keep the lane that is edited out of the panels, or bring it back",
    ),
    Entry(
        "reset_lane",
        "Lanes",
        "Reset lane, same seed",
        "desk.reset",
        tip="Back to step 0 in the lane that is edited",
    ),
    Entry(
        "remove_lane",
        "Lanes",
        "Remove lane",
        "desk.remove",
        ("Ctrl+W",),
        "Take the lane that is edited away; undo brings it back",
    ),
    Entry(
        "projector",
        "View",
        "Projector",
        "toggle_projector",
        ("P",),
        "Large type and thick lines, controls folded away",
        "P",
        checkable=True,
    ),
    Entry(
        "toggle_theme",
        "View",
        "Light or dark",
        "looks.toggle",
        tip="From light to dark, or back",
        separated=True,
    ),
    Entry(
        "theme_light",
        "View",
        "Light",
        "looks.use_light",
        tip="Dark ink on white",
        checkable=True,
        group="theme",
    ),
    Entry(
        "theme_dark",
        "View",
        "Dark",
        "looks.use_dark",
        tip="Light ink on a dark ground",
        checkable=True,
        group="theme",
    ),
    Entry(
        "theme_system",
        "View",
        "As the system",
        "looks.use_system",
        tip="Light or dark, as the desktop is",
        checkable=True,
        group="theme",
    ),
    Entry(
        "reset_layout",
        "View",
        "Reset layout",
        "panels.reset_layout",
        tip="The panels as at the first start",
        separated=True,
    ),
    Entry(
        "panels",
        "View",
        "Focus the panels",
        "focus_panels",
        ("Esc",),
        "Leave the control in use, so that the single keys act",
        separated=True,
    ),
    Entry(
        "help",
        "Help",
        "Help",
        "help.show_help",
        ("F1",),
        "Panels, settings, initialisers and words, to be searched",
    ),
    Entry("keys", "Help", "Keys", "help.show_keys", ("?",), "The list of keys"),
    Entry("tour", "Help", "Tour of the window", "help.show_tour", tip="Five beats"),
    Entry(
        "about",
        "Help",
        "About initviz",
        "help.show_about",
        tip="Versions and licence",
        separated=True,
    ),
)


def _do(window: QMainWindow, slot: str, _checked: bool = False) -> None:
    """Call a method of the window or of one of its parts: not all of them stand from the start."""
    attrgetter(slot)(window)()


def make_actions(window: QMainWindow, entries: tuple[Entry, ...] = ENTRIES) -> dict[str, QAction]:
    """An action for every entry, by name, in the menus and under the keys of `window`."""
    actions: dict[str, QAction] = {}
    menus = {
        name: window.menuBar().addMenu(name) for name in dict.fromkeys(e.menu for e in entries)
    }
    groups = {name: QActionGroup(window) for name in {e.group for e in entries} if name}
    for entry in entries:
        action = QAction(entry.text, window)
        action.setObjectName(f"action.{entry.name}")
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        action.setToolTip(entry.tip or entry.text)
        action.setStatusTip(entry.tip)
        action.setCheckable(entry.checkable)
        action.triggered.connect(partial(_do, window, entry.slot))
        if entry.group:
            groups[entry.group].addAction(action)
        menu = menus[entry.menu]
        menu.setObjectName(f"menu.{entry.menu.lower()}")
        if entry.separated:
            menu.addSeparator()
        menu.addAction(action)
        actions[entry.name] = action
    return actions
