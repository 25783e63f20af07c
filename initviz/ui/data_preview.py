"""What is in a data file, under its path: a few rows of it, or the sentence why it cannot be read.

Files are read in a thread of their own, since a large one takes seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from initviz.lab import datasets
from initviz.lab.datasets import Description, Preview
from initviz.lab.experiment import Experiment
from initviz.lab.places import places
from initviz.lab.training_settings import Training
from initviz.ui.answers import Answers
from initviz.ui.note import Note
from initviz.ui.path_row import FILE_DATA
from initviz.ui.theme import LIGHT, Theme

#: So much of a preview fits under a narrow form.
ROWS, COLUMNS, CLASSES, PICTURES = 3, 2, 4, 6

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Found:
    """What a file holds, with the first inputs (height, width, 3) where they are images."""

    preview: Preview
    pictures: tuple[Pixels, ...] = ()

    @property
    def description(self) -> Description:
        """What the network is told of it."""
        return Description(self.preview.shape, len(self.preview.classes))


def _read(training: Training) -> Found | str:
    """What the file holds; a sentence if it cannot be read."""
    try:
        return Found(datasets.preview(training), _pictures(training))
    except (ValueError, OSError) as error:
        return str(error)


def _pictures(training: Training) -> tuple[Pixels, ...]:
    files = datasets.DATASETS[training.data].files
    assert files is not None
    table = files.table(training)
    if len(table.shape) != 3 or table.shape[0] not in (1, 3):
        return ()
    first = np.asarray(table.inputs[:PICTURES], dtype=np.float64)
    low, high = first.min(), first.max()
    grey = (255 * (first - low) / ((high - low) or 1.0)).astype(np.uint8)
    images = grey.reshape(-1, *table.shape).transpose(0, 2, 3, 1)
    return tuple(np.ascontiguousarray(np.broadcast_to(i, (*i.shape[:2], 3))) for i in images)


class Strip(QWidget):
    """The first images of a data set, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self._images: list[QImage] = []

    def show_pictures(self, pictures: Sequence[Pixels]) -> None:
        """Show these; without any there is nothing to see."""
        self._images = [
            QImage(
                p.tobytes(), p.shape[1], p.shape[0], 3 * p.shape[1], QImage.Format.Format_RGB888
            ).copy()
            for p in pictures
        ]
        self.setVisible(bool(pictures))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(PICTURES * 30, 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            pitch = self.width() / PICTURES
            side = min(self.height(), pitch - 4)
            for place, image in enumerate(self._images):
                painter.drawImage(QRectF(place * pitch, 0, side, side), image)


class DataPreview(Note):
    """The first rows of a file of one's own, or what is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self._theme = LIGHT
        self._experiment: Experiment | None = None
        self._previews = Answers(_read, self)
        self._previews.grew.connect(self._arrived)
        self._wrong = QLabel()
        self._wrong.setObjectName("data_preview.error")
        self._wrong.setProperty("role", "error")
        self._wrong.setTextFormat(Qt.TextFormat.PlainText)
        self._wrong.setWordWrap(True)
        self.again = QPushButton("Read again")
        self.again.setObjectName("training.path.again")
        self.again.setAccessibleName("Read the file again")
        self.again.setProperty("role", "small")
        self.again.clicked.connect(self._read_again)
        self._text = QLabel()
        self._text.setObjectName("data_preview")
        self._text.setAccessibleName("What the file holds")
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setWordWrap(True)
        self._strip = Strip()
        self._strip.setObjectName("data_preview.pictures")
        self._strip.setAccessibleName("The first images")
        self._box = QFrame()
        self._box.setProperty("role", "note")
        inside = QVBoxLayout(self._box)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self._text)
        inside.addWidget(self._strip)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(4)
        body.addWidget(self._wrong)
        body.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        body.addWidget(self._box)

    def set_experiment(self, experiment: Experiment) -> None:
        before, self._experiment = self._experiment, experiment
        source = source_of(experiment.training)
        if before is not None and source_of(before.training) != source:
            self._previews.forget(source)  # it may have been mended since
        self._refresh()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._refresh()

    def controls(self) -> list[QWidget]:
        return [self.again]

    def stop(self) -> None:
        self._previews.close()

    @property
    def holds(self) -> bool:
        if self._experiment is None or not needs_path(self._experiment.training):
            return False
        return not isinstance(self._found(), Found)

    def _read_again(self) -> None:
        if self._experiment is not None:
            self._previews.forget(source_of(self._experiment.training))
            self._refresh()

    def _arrived(self) -> None:
        self._refresh()
        if not self.holds:
            self.freed.emit()

    def _found(self) -> Found | str | None:
        """What the file holds; a sentence if it cannot be used; None while it is not known."""
        assert self._experiment is not None
        training = self._experiment.training
        source = source_of(training)
        if not training.path or not self._previews.knows(source):
            return None
        found = self._previews.value(source)
        if isinstance(found, str):
            return found
        try:
            places(self._experiment, found.description)
        except ValueError as error:
            return str(error)
        return found

    def _refresh(self) -> None:
        if self._experiment is None or not needs_path(self._experiment.training):
            return
        found = self._found()
        wrong = sentence(found) if isinstance(found, str) else ""
        self._wrong.setText(wrong)
        self._wrong.setVisible(bool(wrong))
        self.again.setVisible(bool(wrong))
        self._box.setVisible(not wrong)
        self._strip.show_pictures(found.pictures if isinstance(found, Found) else ())
        if isinstance(found, Found):
            self._text.setText(self._html(found))
        elif not wrong:
            self._text.setText(self._soft(invitation(self._experiment.training)))

    def _html(self, found: Found) -> str:
        preview = found.preview
        names = ", ".join(escape(short(name)) for name, _ in preview.classes[:CLASSES])
        more = ", …" if len(preview.classes) > CLASSES else ""
        parts = [
            f"{number(preview.samples)} samples · {shape_text(preview.shape)}",
            f"{len(preview.classes)} classes: {names}{more}",
            "" if found.pictures else self._table(preview),
            *(self._soft(warning) for warning in preview.warnings),
        ]
        return "".join(f'<div style="margin-top:3px">{part}</div>' for part in parts if part)

    def _table(self, preview: Preview) -> str:
        many = len(preview.columns) > COLUMNS + 1
        lines = [
            [*line[:COLUMNS], *["…"] * many, line[-1]]
            for line in (preview.columns, *preview.rows[:ROWS])
        ]
        html = self._line(lines[0], soft=True) + "".join(map(self._line, lines[1:]))
        return f'<table cellspacing="0" cellpadding="0">{html}</table>'

    def _line(self, cells: Sequence[str], *, soft: bool = False) -> str:
        style = f' style="color:{self._theme.ink_soft}"' if soft else ""
        tags = (f"<td{style}>{escape(short(cell))}&nbsp;&nbsp;&nbsp;</td>" for cell in cells)
        return f"<tr>{''.join(tags)}</tr>"

    def _soft(self, text: str) -> str:
        return f'<span style="color:{self._theme.ink_soft}">{escape(text)}</span>'


def needs_path(training: Training) -> bool:
    """Whether the data are read from files of a person's own."""
    return datasets.DATASETS[training.data].needs_path


def source_of(training: Training) -> Training:
    """The settings that say which data there are, all others as usual."""
    return Training(data=training.data, path=training.path)


def invitation(training: Training) -> str:
    """What to do while there is no path, or to wait for while the file is read."""
    if training.path:
        return "Reading…"
    if training.data == FILE_DATA:
        return "Choose a .csv or .npz file, or drop it on the line above."
    return "Choose the folder with the published files, or drop it on the line above."


def shape_text(shape: tuple[int, ...]) -> str:
    """The shape of one input in words."""
    if len(shape) == 3:
        channels, height, width = shape
        colours = "" if channels == 1 else f" in {channels} channels"
        return f"{height} × {width} pixels{colours}"
    if len(shape) == 2:
        return f"{shape[0]} steps of {shape[1]}"
    return f"{number(shape[0])} feature{'s' * (shape[0] != 1)}"


def number(value: int) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,}".replace(",", "\u202f")


def short(text: str, most: int = 12) -> str:
    """A name that fits in a narrow column."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def sentence(error: str) -> str:
    """An error as it stands under the path, without the keys of a file."""
    text = error.replace("network.architecture", "the architecture")
    text = breakable(text[:1].upper() + text[1:])
    return text if text.endswith(".") else f"{text}."


def breakable(text: str) -> str:
    """The text with room for a line break after each part of a path, however narrow the form."""
    return re.sub(r"([/\\_.-])(?=\S)", "\\1\u200b", text)
