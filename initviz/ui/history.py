"""Undo over the lanes: a change is a command with the setups before and after it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from weakref import ref

from PySide6.QtGui import QUndoCommand

from initviz.lab.experiment import Experiment, differences
from initviz.lab.recording import Recording

if TYPE_CHECKING:
    from initviz.ui.lane_desk import Setup

#: One number for all commands of this kind, by which Qt asks them whether they merge.
_COMMAND_ID = 1


class ChangeSetup(QUndoCommand):
    """From one setup of the lanes to another.

    Commands with the same `gesture` (one drag of a slider) merge; an empty one never does.
    """

    def __init__(
        self,
        before: Setup,
        after: Setup,
        use: Callable[[Setup, bool], None],
        gesture: str = "",
        *,
        is_again: bool = False,
    ) -> None:
        super().__init__(describe(before, after))
        self._before, self._after, self._use, self._gesture = before, after, use, gesture
        self._is_again = is_again  # runs that were kept are brought back

    def redo(self) -> None:
        self._use(self._after, self._is_again)
        self._is_again = True

    def undo(self) -> None:
        self._use(self._before, True)

    def id(self) -> int:
        return _COMMAND_ID

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 (Qt's name)
        if not isinstance(other, ChangeSetup):
            return False
        if not self._gesture or other._gesture != self._gesture:
            return False
        self._after = other._after
        self.setText(describe(self._before, self._after))
        self.setObsolete(self._before == self._after)
        return True


class Shelf:
    """Holds on to the recordings that were put there last, to so many of them."""

    def __init__(self, most: int) -> None:
        self._held: deque[Recording] = deque(maxlen=most)

    def put(self, recordings: Mapping[str, Recording]) -> dict[str, ref[Recording]]:
        """Hold on to these; what is returned leads to them for as long as they are there."""
        for recording in recordings.values():
            if recording in self._held:
                self._held.remove(recording)
            self._held.append(recording)
        return {letter: ref(recording) for letter, recording in recordings.items()}


class ResetLanes(QUndoCommand):
    """Start lanes again; to take it back brings their runs back, and to redo it those since.

    Runs that the shelf has let go of meanwhile are started again instead.
    """

    def __init__(
        self,
        recordings: Mapping[str, Recording],
        shelf: Shelf,
        start_again: Callable[[Iterable[str]], None],
        bring_back: Callable[[Mapping[str, Recording]], None],
        trained: Callable[[Iterable[str]], dict[str, Recording]],
    ) -> None:
        super().__init__("reset")
        self._shelf = shelf
        self._before = shelf.put(recordings)
        self._since: Mapping[str, ref[Recording]] = {}
        self._start_again, self._bring_back = start_again, bring_back
        self._trained = trained

    def redo(self) -> None:
        since = _still_there(self._since)  # before others take their places
        self._before |= self._shelf.put(self._trained(self._before))
        self._show(since)

    def undo(self) -> None:
        before = _still_there(self._before)
        self._since = self._shelf.put(self._trained(self._before))
        self._show(before)

    def _show(self, runs: Mapping[str, Recording]) -> None:
        self._start_again([letter for letter in self._before if letter not in runs])
        self._bring_back(runs)


def _still_there(held: Mapping[str, ref[Recording]]) -> dict[str, Recording]:
    return {letter: run for letter, of in held.items() if (run := of()) is not None}


def describe(before: Setup, after: Setup) -> str:
    """What changed, in a few words for the menu: "change of Width", "new lane B"."""
    left = {lane.letter: lane for lane in before.lanes}
    right = {lane.letter: lane for lane in after.lanes}
    gone = [letter for letter in left if letter not in right]
    new = [letter for letter in right if letter not in left]
    if new or gone:
        words = [f"new lane {letter}" for letter in new]
        return ", ".join(words + [f"removal of lane {letter}" for letter in gone])
    for letter, lane in right.items():
        if lane.experiment != left[letter].experiment:
            return describe_experiments(left[letter].experiment, lane.experiment)
        if lane.is_hidden != left[letter].is_hidden:
            return f"{'hiding' if lane.is_hidden else 'showing'} of lane {letter}"
    return ""


def describe_experiments(before: Experiment, after: Experiment) -> str:
    """What changed in a lane: "change of Width", "change of 3 settings"."""
    keys = [difference.key for difference in differences(before, after)]
    labels = {field.key: field.setting.label for field in after.fields()}
    if keys and all(key.startswith("layers.") for key in keys):
        return "change of a layer that differs"
    if len(keys) == 1:
        return f"change of {labels.get(keys[0], keys[0])}"
    return f"change of {len(keys)} settings"
