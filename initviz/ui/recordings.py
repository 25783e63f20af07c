"""Recordings of a window: opened, saved, and kept while they run in case of a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from initviz.lab.files import journals, load, save
from initviz.lab.recording import Recording
from initviz.lab.watching import Told
from initviz.session.autosave import Autosave
from initviz.session.laboratory import Laboratory
from initviz.session.lane import Lane
from initviz.ui.behind import Behind
from initviz.ui.files import RECORDINGS, ExperimentFiles, ask_for_file
from initviz.ui.lane_desk import LaneDesk
from initviz.ui.messages import Messages

#: Files of at most so many bytes are read, and recordings of so many numbers written, at once: that
#: takes some hundredths of a second.
SMALL_FILE, SMALL_RECORDING = 2**23, 2**21
#: What is opened takes the place of what still is being opened.
_OPENING = "opening"


class Recordings(QObject):
    """What becomes of recordings. `folder` is where running lanes are kept; `close` it."""

    def __init__(
        self,
        laboratory: Laboratory,
        desk: LaneDesk,
        files: ExperimentFiles,
        messages: Messages,
        behind: Behind,
        folder: Path | None,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._behind = behind
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
        """Show a recording alone; a bad file leaves everything as it is, and is named.

        Of several that are still being read the last one is shown.
        """

        def show(recording: Recording) -> None:
            self._files.remember(path)
            self._desk.show_recordings([recording])

        self._behind.do(
            f"Opening {path.name}",
            partial(load, path),
            show,
            self._not_opened,
            at_once=_bytes(path) <= SMALL_FILE,
            instead_of=_OPENING,
        )

    def open_none(self) -> None:
        """Something else is opened: what is still being read is not wanted any more."""
        self._behind.call_off(_OPENING)

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
        """Write a recording as it is now; a disk that refuses is told."""
        is_small = recording.size <= SMALL_RECORDING
        self._behind.do(
            f"Saving {path.name}",
            partial(save, recording if is_small else recording.copy(), path),
            lambda _: self._files.remember(path),
            lambda error: self._messages.error("The recording was not saved", str(error)),
            at_once=is_small,
            outlives_window=True,
        )

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
            self._behind.do(
                "Opening what was kept",
                partial(_read_all, paths),
                self._show_left_over,
                self._not_opened,
                at_once=sum(_bytes(path) for path in paths) <= SMALL_FILE,
                instead_of=_OPENING,
            )
        else:
            self._autosave.settle()

    def _show_left_over(self, found: list[Recording | Exception]) -> None:
        assert self._autosave is not None
        for error in found:
            if isinstance(error, Exception):
                self._not_opened(error)
        recordings = [one for one in found if isinstance(one, Recording)]
        if recordings:
            self._desk.show_recordings(recordings)
        self._autosave.settle()

    def _not_opened(self, error: Exception) -> None:
        self._messages.error("This recording cannot be opened", str(error))

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


def _read_all(paths: Sequence[Path], told: Told) -> list[Recording | Exception]:
    """The recordings, or why one of them cannot be read."""
    found: list[Recording | Exception] = []
    for number, path in enumerate(paths):
        try:
            found.append(load(path, partial(_tell_part, told, number, len(paths))))
        except (ValueError, OSError) as error:
            found.append(error)
    return found


def _tell_part(told: Told, number: int, count: int, share: float) -> None:
    told((number + share) / count)


def _bytes(path: Path) -> int:
    """The size of a file and of what lies beside it; 0 where there is none."""
    size = 0
    for place in (path, *journals(path)):
        with contextlib.suppress(OSError):
            size += place.stat().st_size
    return size
