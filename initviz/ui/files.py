"""Opening and saving the experiment: the dialogs that ask, and files that are dropped here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.experiment_files import read_experiment, write_experiment
from initviz.ui.clipboard import experiment_from_mime, holds_text
from initviz.ui.messages import Messages

EXPERIMENTS = "Experiments (*.toml)"
RECORDINGS = "Recordings (*.initviz)"
LECTURES = "Lectures and challenges (*.md)"
ALL = "Experiments, recordings, lectures (*.toml *.initviz *.md)"
#: So many files are remembered.
MOST_RECENT = 8


class ExperimentFiles:
    """The files of a window: `folder` is where the last one lay, `opened` gets what was read.

    `recent` are those that were opened or saved, the newest first.
    """

    def __init__(
        self,
        window: QWidget,
        messages: Messages,
        folder: str,
        opened: Callable[[Experiment], None],
        pasted: Callable[[Experiment], None],
        recorded: Callable[[Path], None],
        taught: Callable[[Path], None],
        recent: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.recent = tuple(Path(path) for path in recent)
        self._window = window
        self._messages = messages
        self._opened, self._pasted = opened, pasted
        #: Who reads what is no experiment, by the ending of its name.
        self._others = {".initviz": recorded, ".md": taught}

    def open(self, path: Path) -> None:
        """Read a file; a bad file leaves everything as it is, and is named."""
        other = self._others.get(path.suffix.lower())
        if other is not None:
            self.folder = str(path.parent)
            other(path)
            return
        try:
            experiment = read_experiment(path)
        except ValueError as error:
            self._messages.error("This experiment cannot be opened", str(error))
            return
        self.remember(path)
        self._opened(experiment)

    def remember(self, path: Path) -> None:
        """This file was opened or saved."""
        path = path.absolute()
        self.folder = str(path.parent)
        others = [one for one in self.recent if one != path]
        self.recent = (path, *others)[:MOST_RECENT]

    def save(self, experiment: Experiment, path: Path) -> None:
        """Write a file; a disk that refuses is told."""
        try:
            write_experiment(experiment, path)
        except OSError as error:
            self._messages.error("The experiment was not saved", f"{path}: {error.strerror}")
            return
        self.remember(path)

    def takes(self, data: QMimeData) -> bool:
        """Whether there is something in what is pasted or dropped that could be opened."""
        return dropped_file(data) is not None or holds_text(data)

    def take(self, data: QMimeData) -> bool:
        """Open the file or the text that was pasted or dropped; whether there was one."""
        path = dropped_file(data)
        if path is not None:
            self.open(path)
            return True
        try:
            self._pasted(experiment_from_mime(data))
        except ValueError as error:
            self._messages.error("This is no experiment", str(error))
            return False
        return True

    def ask_to_open(self) -> None:
        """Let a person choose a file to open."""
        ask_for_file(self._window, self.folder, chosen=self.open)

    def ask_to_save(self, experiment: Experiment) -> None:
        """Let a person choose where the experiment is saved, under its title unless told else."""
        name = experiment.title.strip().lower().replace(" ", "-") or "experiment"
        ask_for_file(
            self._window,
            self.folder,
            save_as=f"{name}.toml",
            filters=EXPERIMENTS,
            chosen=lambda path: self.save(experiment, path),
        )


def ask_for_file(
    parent: QWidget,
    folder: str,
    *,
    save_as: str = "",
    filters: str = ALL,
    chosen: Callable[[Path], None],
) -> None:
    """Ask for a file to open, or to save as `save_as`; `chosen` is called with the answer."""
    dialog = QFileDialog(parent, "Save" if save_as else "Open", folder)
    dialog.setObjectName("file_dialog")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setNameFilter(filters)
    dialog.setDefaultSuffix(Path(save_as).suffix.removeprefix("."))
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
