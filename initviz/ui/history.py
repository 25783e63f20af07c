"""Undo over experiments: a change of settings is a command with a before and an after."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand, QUndoStack

from initviz.lab.experiment import Experiment, differences

#: One number for all commands of this kind, by which Qt asks them whether they merge.
_COMMAND_ID = 1


class ChangeExperiment(QUndoCommand):
    """From one experiment to another.

    Commands with the same `gesture` (one drag of a slider) merge; an empty one never does.
    """

    def __init__(
        self,
        before: Experiment,
        after: Experiment,
        use: Callable[[Experiment], None],
        gesture: str = "",
    ) -> None:
        super().__init__(describe(before, after))
        self._before, self._after, self._use, self._gesture = before, after, use, gesture

    def redo(self) -> None:
        self._use(self._after)

    def undo(self) -> None:
        self._use(self._before)

    def id(self) -> int:
        return _COMMAND_ID

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 (Qt's name)
        if not isinstance(other, ChangeExperiment):
            return False
        if not self._gesture or other._gesture != self._gesture:
            return False
        self._after = other._after
        self.setText(describe(self._before, self._after))
        self.setObsolete(self._before == self._after)
        return True


def describe(before: Experiment, after: Experiment) -> str:
    """What changed, in a few words for the menu: "Width", "3 settings"."""
    keys = [difference.key for difference in differences(before, after)]
    labels = {field.key: field.setting.label for field in after.fields()}
    if len(keys) == 1:
        return f"change of {labels.get(keys[0], keys[0])}"
    return f"change of {len(keys)} settings"


class History:
    """The changes of one lane's experiment, to take back and to make again."""

    def __init__(self, stack: QUndoStack, use: Callable[[Experiment], None]) -> None:
        self.stack = stack
        self._use = use
        self._gestures = 0

    def change(self, before: Experiment, after: Experiment, *, dragged_key: str = "") -> None:
        """Go from `before` to `after`; changes of one key within one drag are one."""
        if before != after:
            gesture = f"{dragged_key} {self._gestures}" if dragged_key else ""
            self.stack.push(ChangeExperiment(before, after, self._use, gesture))

    def end_gesture(self) -> None:
        """The drag is over: the next change stands by itself."""
        self._gestures += 1
