"""Which keys a focused control keeps for itself, although they are shortcuts of the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QMenuBar, QWidget

from initviz.ui.panels.canvas import Canvas
from initviz.ui.timeline_bar import TimelineSlider

_Key = Qt.Key
_JUMPS = frozenset({_Key.Key_Home, _Key.Key_End, _Key.Key_PageUp, _Key.Key_PageDown})
_ARROWS = frozenset({_Key.Key_Left, _Key.Key_Right, _Key.Key_Up, _Key.Key_Down})

#: The first class that fits a control decides. ← and → of the timeline's slider are the window's
#: own: they mean the same. Editors of text are not here: Qt lets them keep what they type.
KEPT: tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...] = (
    (TimelineSlider, _JUMPS),
    (QAbstractSlider, _JUMPS | _ARROWS),
    (QAbstractButton, frozenset({_Key.Key_Space})),
    (QComboBox, _JUMPS | _ARROWS | {_Key.Key_Space}),
    (Canvas, _ARROWS),
    (QMenuBar, _ARROWS | {_Key.Key_Space, _Key.Key_Escape}),
)


def keeps(control: QWidget | None, event: QKeyEvent) -> bool:
    """Whether a control with the focus keeps this key."""
    held = event.modifiers() & ~(
        Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
    )
    if control is None or held != Qt.KeyboardModifier.NoModifier:
        return False
    # A combo box goes to the entry that starts with what is typed.
    if isinstance(control, QComboBox) and event.text().isalnum():
        return True
    kept = next((keys for kind, keys in KEPT if isinstance(control, kind)), frozenset())
    return event.key() in kept
