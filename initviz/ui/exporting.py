"""What the Export button offers: the run as tables, the script, films, and the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.export import export_run
from initviz.lab.recording import Recording
from initviz.ui.behind import Behind
from initviz.ui.clipboard import copy_experiment
from initviz.ui.film_dialog import ask_for_film
from initviz.ui.messages import Messages
from initviz.ui.panels.base import Panel, Shown

#: A run of at most so many numbers, weights and histograms counted or not, is written at once: that
#: takes some hundredths of a second.
SMALL_ARCHIVE, SMALL_TABLE = 2**18, 2**14
_RUN = {"csv": "CSV (*.csv)", "json": "JSON (*.json)", "npz": "NumPy (*.npz)"}
_SCRIPT = {"py": "Python (*.py)"}


class Exports:
    """Exports of one window: of the lane that is edited, and of the panels that can be seen.

    `experiment` and `recording` are the lane's now; `folder` is where the last file was written.
    """

    def __init__(
        self,
        window: QWidget,
        messages: Messages,
        *,
        experiment: Callable[[], Experiment],
        recording: Callable[[], Recording | None],
        behind: Behind,
        panels: Callable[[], Sequence[Panel[Any]]],
        shown: Callable[[], Sequence[Shown]],
        folder: str = "",
    ) -> None:
        self.folder = folder
        self._window, self._messages, self._behind = window, messages, behind
        self._experiment, self._recording = experiment, recording
        self._panels, self._shown = panels, shown

    def offer(self, button: QWidget) -> None:
        """Open the menu under a button."""
        self.menu().popup(button.mapToGlobal(QPoint(0, button.height() + 4)))

    def menu(self) -> QMenu:
        """A menu of what there is to export now; it deletes itself when it was closed."""
        menu = QMenu(self._window)
        menu.setObjectName("menu.export")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        run = self._recording()
        menu.addAction("Run as a table…", self.ask_for_run).setEnabled(run is not None)
        menu.addAction("PyTorch script…", self.ask_for_script)
        menu.addAction("Copy experiment as text", self.copy)
        menu.addSeparator()
        panels, can_film = list(self._panels()), bool(self._shown())
        films = menu.addMenu("Timeline as a film")
        films.setObjectName("menu.film")
        films.setEnabled(bool(panels) and can_film)
        if len(panels) > 1:
            films.addAction("All panels…", partial(self.ask_for_film, panels))
            films.addSeparator()
        for panel in panels:
            films.addAction(f"{panel.title}…", partial(self.ask_for_film, [panel]))
        return menu

    # -- what is asked -------------------------------------------------------------------------

    def ask_for_run(self) -> None:
        """Let a person choose where the run is written, and as what."""
        self._ask("Save the run", _RUN, self.save_run)

    def ask_for_script(self) -> None:
        """Let a person choose where the script is written."""
        self._ask("Save as a PyTorch script", _SCRIPT, self.save_script)

    def ask_for_film(self, panels: Sequence[Panel[Any]]) -> None:
        """Let a person choose where a film of these panels is written."""
        failed = partial(self._messages.error, "There is no film")
        ask_for_film(panels, self._shown(), self.folder, failed, self._window)

    def copy(self) -> None:
        """Put the experiment on the clipboard, as TOML."""
        copy_experiment(self._experiment())

    def _ask(self, title: str, filters: dict[str, str], chosen: Callable[[Path], None]) -> None:
        dialog = QFileDialog(self._window, title, self.folder)
        dialog.setObjectName("export_file")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(list(filters.values()))
        endings = {text: ending for ending, text in filters.items()}
        dialog.filterSelected.connect(lambda text: dialog.setDefaultSuffix(endings[text]))
        first = next(iter(filters))
        dialog.setDefaultSuffix(first)
        title = self._experiment().title.strip().lower()
        name = "-".join("".join(c if c.isalnum() else " " for c in title).split())
        dialog.selectFile(f"{name or 'experiment'}.{first}")
        dialog.fileSelected.connect(lambda name: chosen(Path(name)))
        dialog.open()

    # -- what is written -----------------------------------------------------------------------

    def save_run(self, path: Path) -> None:
        """Write the run as it is now, as the name ends; what fails is told."""
        run = self._recording()
        if run is None:
            return
        is_small = run.measured_size <= SMALL_TABLE and run.size <= SMALL_ARCHIVE
        self._behind.do(
            f"Saving {path.name}",
            partial(export_run, run if is_small else run.copy(), path),
            lambda _: self._saved(path),
            partial(self._tell, "The run was not saved", path),
            at_once=is_small,
            outlives_window=True,
        )

    def save_script(self, path: Path) -> None:
        """Write the script, and data beside it where it needs them; what fails is told."""
        from initviz.lab.script import write_script  # it asks PyTorch where it would be run

        run = self._recording()
        environment = run.environment if run is not None else None
        experiment = self._experiment()
        self._save(
            "The script was not saved", path, lambda: write_script(experiment, path, environment)
        )

    def _save(self, headline: str, path: Path, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, ValueError) as error:
            self._tell(headline, path, error)
        else:
            self._saved(path)

    def _saved(self, path: Path) -> None:
        self.folder = str(path.parent)

    def _tell(self, headline: str, path: Path, error: Exception) -> None:
        if isinstance(error, OSError):
            self._messages.error(headline, f"{path}: {error.strerror or error}")
        else:
            self._messages.error(headline, str(error))
