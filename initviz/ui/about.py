"""What this program is, and of what versions it is made."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from initviz.lab.versions import versions


def show_about(parent: QWidget) -> None:
    """Open the box; it does not block."""
    box = QMessageBox(parent)
    box.setObjectName("about_box")
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("About initviz")
    box.setTextFormat(Qt.TextFormat.RichText)
    box.setText("<b>initviz</b><br>A laboratory for the weight initialisation of neural networks")
    lines = "<br>".join(f"{name} {number}" for name, number in versions().items())
    box.setInformativeText(f"{lines}<p>MIT licence. The font is Inter (OFL 1.1).</p>")
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.open()
