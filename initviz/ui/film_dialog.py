"""Making a film: where it is saved, how far it is, and a button that calls it off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QLabel, QVBoxLayout, QWidget

from initviz.ui.animation import ENDINGS, KINDS, MISSING, Film, Scene, film_steps, is_available
from initviz.ui.panels.base import Panel, Shown
from initviz.ui.progress_bar import ProgressBar

#: Is told why there is no film.
Failed = Callable[[str], None]


class FilmDialog(QDialog):
    """Shows how far a film is; closing it, Esc and its button call the film off."""

    def __init__(self, film: Film, name: str, failed: Failed, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("film")
        self.setWindowTitle(f"Saving {name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._film, self._failed = film, failed
        film.setParent(self)
        self._label = QLabel()
        self._bar = ProgressBar()
        self._bar.setAccessibleName("Frames that are painted")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for part in (self._label, self._bar, buttons):
            column.addWidget(part)
        self.setMinimumWidth(320)
        film.progressed.connect(self._show)
        film.ended.connect(self._end)
        self._show(0)

    def _show(self, painted: int) -> None:
        frames = self._film.frames
        self._label.setText(
            f"Frame {painted} of {frames}" if painted < frames else "Writing the last frames…"
        )
        self._bar.set_share(painted / frames)

    def _end(self, trouble: str) -> None:
        if trouble:
            self._failed(f"The film was not saved: {trouble}")
        self.accept()

    def done(self, result: int) -> None:
        """Close, whoever wants it: a film that is not over is called off."""
        if not self._film.is_over:
            self._film.ended.disconnect(self._end)
            self._film.cancel()
        super().done(result)


def save_film(
    panels: Sequence[Panel[Any]],
    shown: Sequence[Shown],
    path: Path,
    failed: Failed,
    parent: QWidget,
) -> FilmDialog | None:
    """Film these panels over the timeline of these lanes; None where it cannot be begun."""
    kind = KINDS.get(path.suffix.lower())
    steps = film_steps(shown)
    if kind is None:
        failed(f"{path.name} ends with none of {', '.join(ENDINGS)}")
    elif not is_available():
        failed(MISSING)
    elif not panels or not steps:
        failed("there is nothing to film yet")
    else:
        several = len(panels) > 1
        scene = (
            Scene.of_panels(panels, shown, kind)
            if several
            else Scene.of_panel(panels[0], shown, kind)
        )
        dialog = FilmDialog(Film(scene, steps, path), path.name, failed, parent)
        dialog.open()
        return dialog
    return None


def ask_for_film(
    panels: Sequence[Panel[Any]],
    shown: Sequence[Shown],
    folder: str,
    failed: Failed,
    parent: QWidget,
) -> None:
    """Let a person choose where the film of these panels is saved, then make it."""
    if not is_available():
        failed(MISSING)
        return
    dialog = QFileDialog(parent, "Save the timeline as a film", folder)
    dialog.setObjectName("film_file")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(["MP4 (*.mp4)", "GIF (*.gif)"])
    dialog.setDefaultSuffix("mp4")
    dialog.filterSelected.connect(
        lambda chosen: dialog.setDefaultSuffix("gif" if "gif" in chosen else "mp4")
    )
    dialog.selectFile(f"{panels[0].name if len(panels) == 1 else 'panels'}.mp4")
    dialog.fileSelected.connect(lambda name: save_film(panels, shown, Path(name), failed, parent))
    dialog.open()
