"""The dialogs that ask for a file, and files that are dropped here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from initviz.lab.experiment_files import read_experiment, write_experiment

__all__ = ["ask_for_file", "dropped_file", "read_experiment", "write_experiment"]

FILTER = "Experiments (*.toml)"


def ask_for_file(
    parent: QWidget, folder: str, *, save_as: str = "", chosen: Callable[[Path], None]
) -> None:
    """Ask for a file to open, or to save as `save_as`; `chosen` is called with the answer."""
    dialog = QFileDialog(parent, "Save experiment" if save_as else "Open experiment", folder)
    dialog.setObjectName("file_dialog")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setNameFilter(FILTER)
    dialog.setDefaultSuffix("toml")
    if save_as:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(save_as)
    else:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    dialog.open()


def dropped_file(data: QMimeData) -> Path | None:
    """The file that is dragged here, if it is exactly one of this machine."""
    urls = data.urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    return Path(urls[0].toLocalFile())
