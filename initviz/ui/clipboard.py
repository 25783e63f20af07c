"""Experiments as text: to the clipboard, and back by pasting or dropping."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from initviz.lab.experiment import Experiment
from initviz.lab.experiment_files import read_experiment

#: What a copied experiment begins with: who pastes it into a message knows what it is.
_HEADING = "# An experiment of initviz: copy all of it, and paste it into the window (Ctrl+V).\n"
#: A text that was copied by mistake can be anything; so much of it is looked at.
_LONGEST = 1_000_000


def mime_of(experiment: Experiment) -> QMimeData:
    """An experiment as what can be pasted anywhere: its TOML."""
    data = QMimeData()
    data.setText(_HEADING + experiment.to_toml())
    return data


def copy_experiment(experiment: Experiment) -> None:
    """Put an experiment on the clipboard, as TOML."""
    QGuiApplication.clipboard().setMimeData(mime_of(experiment))


def paste_experiment() -> Experiment:
    """The experiment on the clipboard.

    Raises:
        ValueError: one sentence on why there is none.
    """
    return experiment_from_mime(QGuiApplication.clipboard().mimeData())


def holds_text(data: QMimeData) -> bool:
    """Whether there is a text to look at that is no list of files."""
    return data.hasText() and not data.hasUrls()


def experiment_from_mime(data: QMimeData) -> Experiment:
    """The experiment in what was pasted or dropped: a TOML text, or one TOML file.

    Raises:
        ValueError: one sentence on why there is none.
    """
    if data.hasUrls():
        return _from_files([url.toLocalFile() for url in data.urls()])
    text = data.text() if data.hasText() else ""
    if not text.strip():
        raise ValueError("there is no text on the clipboard: copy an experiment's TOML first")
    if len(text) > _LONGEST:
        raise ValueError(f"a text of {len(text)} characters is no experiment")
    text = text.removeprefix("\ufeff")
    lines = (line.strip() for line in text.splitlines())
    if not any(line and not line.startswith("#") for line in lines):
        # Every setting has a default: a comment alone would be the usual experiment.
        raise ValueError("the text holds no setting: copy an experiment's TOML first")
    return Experiment.from_toml(text)


def _from_files(names: list[str]) -> Experiment:
    if len(names) != 1 or not names[0]:
        raise ValueError("one file of this machine at a time can be opened")
    return read_experiment(Path(names[0]))
