"""Recordings of a window: opened, saved, and kept while they run in case of a crash."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from initviz.lab.recording import Recording, load
from initviz.session.autosave import Autosave
from initviz.session.laboratory import Laboratory
from initviz.session.lane import Lane
from initviz.ui.files import RECORDINGS, ExperimentFiles, ask_for_file
from initviz.ui.lane_desk import LaneDesk
from initviz.ui.messages import Messages


class Recordings(QObject):
    """What becomes of recordings. `folder` is where running lanes are kept; `close` it."""

    def __init__(
        self,
        laboratory: Laboratory,
        desk: LaneDesk,
        files: ExperimentFiles,
        messages: Messages,
        folder: Path | None,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._laboratory, self._desk = laboratory, desk
        self._files, self._messages, self._window = files, messages, window
        self._autosave = Autosave(folder, self) if folder is not None else None
        for lane in laboratory.lanes:
            self._follow(lane)
        laboratory.added.connect(self._follow)
        laboratory.removed.connect(self._forget)
        laboratory.state_changed.connect(self._look)

    # -- what a person does ----------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Show a recording alone; a bad file leaves everything as it is, and is named."""
        recording = self._read(path)
        if recording is not None:
            self._files.remember(path)
            self._desk.show_recordings([recording])

    def ask_to_save(self) -> None:
        """Let a person choose where the recording of the lane that is edited is saved."""
        recording = self._desk.lane.recording
        if recording is None:
            return
        title = recording.experiment.title.strip().lower().replace(" ", "-") or "recording"
        ask_for_file(
            self._window,
            self._files.folder,
            save_as=f"{title}.initviz",
            filters=RECORDINGS,
            chosen=partial(self.save, recording),
        )

    def save(self, recording: Recording, path: Path) -> None:
        """Write a recording; a disk that refuses is told."""
        try:
            recording.save(path)
        except OSError as error:
            self._messages.error("The recording was not saved", str(error))
            return
        self._files.remember(path)

    def offer_left_over(self) -> None:
        """After a crash: offer what was kept of it."""
        if self._autosave is None:
            return
        paths = self._autosave.left_over()
        if not paths:
            return
        box = QMessageBox(self._window)
        box.setObjectName("left_over")
        box.setIcon(QMessageBox.Icon.Question)
        box.setText("initviz did not end well the last time.")
        runs = "One run was" if len(paths) == 1 else f"{len(paths)} runs were"
        box.setInformativeText(f"{runs} kept, up to the last second. Open what was kept?")
        box.setStandardButtons(QMessageBox.StandardButton.Open | QMessageBox.StandardButton.No)
        box.finished.connect(partial(self._answered, box, list(paths)))
        box.open()

    def close(self) -> None:
        """The session ends well."""
        if self._autosave is not None:
            self._autosave.close()

    # -- how -------------------------------------------------------------------------------------

    def _answered(self, box: QMessageBox, paths: list[Path], button: int) -> None:
        box.deleteLater()
        assert self._autosave is not None
        if button == QMessageBox.StandardButton.Open:
            found = [self._read(path) for path in paths]
            recordings = [recording for recording in found if recording is not None]
            if recordings:
                self._desk.show_recordings(recordings)
        self._autosave.settle()

    def _read(self, path: Path) -> Recording | None:
        try:
            return load(path)
        except (ValueError, OSError) as error:
            self._messages.error("This recording cannot be opened", str(error))
            return None

    def _follow(self, lane: Lane) -> None:
        if self._autosave is not None:
            lane.grew.connect(partial(self._keep, lane))

    def _keep(self, lane: Lane) -> None:
        assert self._autosave is not None
        if lane.recording is not None:
            self._autosave.follow(lane.letter, lane.recording)

    def _forget(self, letter: str) -> None:
        if self._autosave is not None:
            self._autosave.forget(letter)

    def _look(self) -> None:
        if self._autosave is not None and self._laboratory.is_idle:
            self._autosave.look()
