"""Tables in text files: one sample in a line, numbers and a label, divided by , ; or tab."""

from __future__ import annotations

import codecs
import csv
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from initviz.lab.datasets.tables import (
    MAX_FEATURES,
    MAX_NAME,
    MAX_NUMBERS,
    MAX_SAMPLES,
    Table,
    check_counts,
    classes_of,
    first_unusable,
    unusable,
)
from initviz.lab.settings import shown

#: Characters in one line: enough for the most features, each with all its digits.
MAX_LINE = 1_000_000
#: Lines by which the character between the cells is told.
_HEAD = 20
#: The names of a column of labels; the first of them that is there is taken.
LABEL_NAMES = ("label", "labels", "class", "target", "y")
#: The order among characters that divide the lines into as many cells: a comma may be a decimal's.
_DELIMITERS = "\t;,"

_Row = tuple[int, list[str]]


@dataclass(frozen=True)
class _Columns:
    """How many cells a line has, which of them is the label, and the names in the first line."""

    count: int
    label: int
    names: tuple[str, ...] = ()

    def place(self, line: int, column: int) -> str:
        """Where a cell stands, as the beginning of a sentence."""
        name = f" ({shown(self.names[column])})" if self.names and self.names[column] else ""
        return f"line {line}, column {column + 1}{name}"


def read_csv(file: Path) -> Table:
    """The table in a text file.

    Raises:
        ValueError: one sentence that names the file, the line and what is wrong.
        OSError: if the file cannot be read.
    """
    _check_encoding(file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return _table(_rows(_lines(stream)), file)
    except UnicodeDecodeError:
        raise ValueError(f"{file}, line {_undecodable(file)}: not text in UTF-8") from None
    except _LineError as error:
        raise ValueError(f"{file}, {error}") from None


class _LineError(ValueError):
    """What is wrong, beginning with the line; the file is named by who knows it."""


# -- from the file to rows of cells --------------------------------------------------------


def _check_encoding(file: Path) -> None:
    with file.open("rb") as stream:
        start = stream.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError(f"{file}: text in UTF-16; save it in UTF-8")


def _undecodable(file: Path) -> int:
    """The first line that is not UTF-8."""
    number = 0
    with file.open("rb") as stream:
        while line := stream.readline(4 * MAX_LINE + 4):
            number += 1
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                break
    return number


def _lines(stream: TextIO) -> Iterator[str]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise _LineError(f"line {number}: longer than {MAX_LINE} characters")
        if "\0" in line:
            raise _LineError(f"line {number}: a zero byte; this is no text file")
        yield line


def _rows(lines: Iterator[str]) -> Iterator[_Row]:
    """The cells of each line that is not blank, with its number."""
    head = list(islice(lines, _HEAD))
    reader = csv.reader(chain(head, lines), delimiter=_delimiter(head), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells) and not "".join(cells).isspace():
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        text = str(error).replace("unexpected end of data", "a quote is never closed")
        raise _LineError(f"line {line}: {text}") from None


def _delimiter(head: list[str]) -> str:
    """The character that divides all of the first lines into as many cells, the most of them."""
    counts = {character: _cells(head, character) for character in _DELIMITERS}
    even = [c for c, found in counts.items() if len(set(found)) == 1 and found[0] > 1]
    return max(even or _DELIMITERS, key=lambda character: max(counts[character], default=0))


def _cells(head: list[str], delimiter: str) -> list[int]:
    found = []
    try:
        # Read to its end a last line may go on in quotes: it was read whole if the file ends there.
        found = [len(cells) for cells in csv.reader(head, delimiter=delimiter) if cells]
    except csv.Error:
        return found
    return found[:-1] if len(head) == _HEAD else found


# -- from rows to a table ------------------------------------------------------------------


def _table(rows: Iterator[_Row], file: Path) -> Table:
    first = list(islice(rows, 2))
    if not first:
        raise ValueError(f"{file}: empty")
    columns = _columns(first)
    values, labels, lines = array("d"), [], array("q")
    for line, cells in chain(first[bool(columns.names) :], rows):
        if len(cells) != columns.count:
            raise _LineError(f"line {line}: {len(cells)} cells; the first line has {columns.count}")
        label = cells.pop(columns.label).strip()
        if not 0 < len(label) <= MAX_NAME:
            _refuse_label(columns, line, label)
        try:
            values.extend(map(float, cells))
        except ValueError:
            _refuse_cells(columns, line, cells)
        # float() takes 1_000 for 1000, as a program's text has it; a table has it by mistake.
        if "_" in "".join(cells):
            _refuse_cells(columns, line, cells)
        labels.append(label)
        lines.append(line)
        if len(values) > MAX_NUMBERS or len(labels) > MAX_SAMPLES:
            raise _LineError(
                f"line {line}: more than {MAX_SAMPLES} samples or {MAX_NUMBERS} numbers"
            )
    check_counts(str(file), len(labels), columns.count - 1)
    inputs = np.frombuffer(values, np.float64).reshape(len(labels), -1)
    _check_inputs(columns, inputs, lines)
    where = f"{file}, {columns.place(0, columns.label).removeprefix('line 0, ')}"
    codes, classes = classes_of(where, _numbers_or_texts(columns, labels, lines))
    names = columns.names
    features = tuple(name for at, name in enumerate(names) if at != columns.label)
    label = (names[columns.label] if names else "") or "label"
    return Table(inputs, codes, (inputs.shape[1],), classes, features, label)


def _columns(first: list[_Row]) -> _Columns:
    line, cells = first[0]
    if len(cells) < 2:
        raise _LineError(
            f"line {line}: one column; a feature and a label are needed, divided by a comma, a "
            "semicolon or a tab"
        )
    if len(cells) > MAX_FEATURES + 1:
        raise _LineError(f"line {line}: {len(cells) - 1} features, of at most {MAX_FEATURES}")
    last = len(cells) - 1
    if not _is_header(*(row for _, row in first)):
        return _Columns(len(cells), last)
    names = tuple(cell.strip() for cell in cells)
    known = [name.lower() for name in names]
    if known[last] in LABEL_NAMES:
        return _Columns(len(cells), last, names)
    label = next((name for name in LABEL_NAMES if name in known), None)
    if label is not None and known.count(label) > 1:
        raise _LineError(f"line {line}: {known.count(label)} columns are called {label!r}; one is")
    return _Columns(len(cells), last if label is None else known.index(label), names)


def _is_header(cells: list[str], below: Iterable[str] = ()) -> bool:
    """Whether the first line names the columns.

    It does if it has a name that labels go by, or if at least half of its features are texts that
    stand above numbers: one text among numbers is a mistake in a line of data.
    """
    if any(cell.strip().lower() in LABEL_NAMES for cell in cells):
        return True
    names = [
        not _is_number(cell) and _is_number(under)
        for cell, under in zip(cells[:-1], below, strict=False)
        if cell.strip()
    ]
    return any(names) and 2 * sum(names) >= len(names)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _refuse_cells(columns: _Columns, line: int, cells: list[str]) -> NoReturn:
    """Name the first cell that is no number."""
    at = next(index for index, cell in enumerate(cells) if not _is_number(cell))
    cell, place = cells[at], columns.place(line, at + (at >= columns.label))
    if not cell.strip():
        raise _LineError(f"{place}: the cell is empty; each feature needs a number")
    hint = "; decimals have a point" if re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell) else ""
    raise _LineError(f"{place}: {shown(cell)} is not a number{hint}")


def _refuse_label(columns: _Columns, line: int, label: str) -> NoReturn:
    place = columns.place(line, columns.label)
    if not label:
        raise _LineError(f"{place}: the label is empty")
    raise _LineError(f"{place}: a label of {len(label)} characters, of at most {MAX_NAME}")


def _check_inputs(columns: _Columns, inputs: NDArray[np.float64], lines: array[int]) -> None:
    found = first_unusable(inputs)
    if found is not None:
        row, at = found
        place = columns.place(lines[row], at + (at >= columns.label))
        raise _LineError(f"{place}: {unusable(inputs[row, at])}")


def _numbers_or_texts(
    columns: _Columns, labels: list[str], lines: array[int]
) -> list[float] | list[str]:
    """Labels as numbers if all of them are, so that 1 and 1.0 are the same and 10 follows 9."""
    if not all(map(_is_number, set(labels))):
        return labels
    numbers = [float(label) for label in labels]
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        place = columns.place(lines[int(wrong[0])], columns.label)
        raise _LineError(f"{place}: {shown(labels[wrong[0]])} is no class")
    return numbers
