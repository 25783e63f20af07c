"""The list of keys, made from the table of actions."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from initviz.ui.actions import ENTRIES, Entry
from initviz.ui.panel_moves import MOVES

#: Keys as they stand on a keyboard, where Qt's own word is longer.
SIGNS = {"Right": "→", "Left": "←"}


class KeysHelp(QDialog):
    """Every key and what it does, on one sheet."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("keys_help")
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(keys_html())
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setObjectName("keys_help.text")
        note = QLabel(
            "A focused control keeps its own keys (Space, arrows, digits); "
            "Esc returns the focus to the panels, where the single keys act."
        )
        note.setProperty("role", "soft")
        note.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        buttons.rejected.connect(self.close)
        body = QVBoxLayout(self)
        body.setContentsMargins(24, 20, 24, 20)
        body.setSpacing(14)
        scroll = QScrollArea()
        scroll.setWidget(text)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        for part in (scroll, note, buttons):
            body.addWidget(part)
        wanted = text.sizeHint() + QSize(80, 160)
        self.resize(wanted.boundedTo(parent.window().size() * 0.92))


def keys_html(entries: tuple[Entry, ...] = ENTRIES) -> str:
    """A table of keys and what they do, those of a panel last."""
    known = [(entry.keys, entry.text.removesuffix("…"), entry.tip) for entry in entries]
    known += [(move.keys, move.text, "The panel that has the focus") for move in MOVES]
    rows = "".join(
        f"<tr><td><b>{escape(_shown(keys))}</b>&nbsp;&nbsp;&nbsp;&nbsp;</td>"
        f"<td>{escape(text)}&nbsp;&nbsp;&nbsp;</td><td>{escape(tip)}</td></tr>"
        for keys, text, tip in known
        if keys
    )
    return f'<table cellspacing="0" cellpadding="2">{rows}</table>'


def _shown(keys: tuple[str, ...]) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(SIGNS.get(key, QKeySequence(key).toString(native)) for key in keys)
