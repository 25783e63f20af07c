"""The row of a path: a text, a button that asks for the file or folder, and a place to drop it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from initviz.lab.datasets import FILE_FILTERS
from initviz.lab.experiment import Experiment
from initviz.ui.files import dropped_file
from initviz.ui.rows import TextRow

#: The data that are one file of a person's own; the others are folders of published files.
FILE_DATA = "file"


class PathRow(TextRow):
    """A path that can be typed, chosen in a dialog, or dropped here."""

    wants_folder = False

    def _lay_out(self, box: QWidget) -> None:
        self.setAcceptDrops(True)
        box.setAcceptDrops(False)  # it would take the file's address for a text
        setting = self.field.setting
        self._browse = QPushButton("Browse…")
        self._browse.setProperty("role", "small")
        self._browse.setObjectName(f"{self.field.key}.browse")
        self._browse.setAccessibleName(f"Browse for {setting.label.lower()}")
        self._browse.clicked.connect(self.ask)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(box, 1)
        line.addWidget(self._browse)
        self._body.addLayout(line)

    def controls(self) -> list[QWidget]:
        return [self._box, self._browse]

    def follow(self, experiment: Experiment) -> None:
        self.wants_folder = experiment.training.data != FILE_DATA
        self._box.setPlaceholderText("Folder" if self.wants_folder else "File")

    def ask(self) -> None:
        """Open the dialog for the file, or the folder, whichever the data are."""
        what = "folder" if self.wants_folder else "data file"
        dialog = QFileDialog(self, f"Choose the {what}", self._start())
        dialog.setObjectName("data_dialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.wants_folder:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilters(FILE_FILTERS.split(";;"))
        dialog.fileSelected.connect(self.take)
        dialog.open()

    def _start(self) -> str:
        """The folder in which the dialog opens: that of the path so far, where there is one."""
        now = Path(str(self.value)).expanduser()
        near = now if now.is_dir() else now.parent
        return str(near) if self.value and near.is_dir() else str(Path.home())

    def take(self, path: str) -> None:
        """Use this path."""
        self._box.setText(path)
        self._finish()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_file(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_file(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self.take(str(path))
