"""Data of one's own: a .csv or an .npz file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from initviz.lab.datasets.csv_files import read_csv
from initviz.lab.datasets.npz_files import read_npz
from initviz.lab.datasets.tables import Files, Table, located

_READERS: dict[str, Callable[[Path], Table]] = {".csv": read_csv, ".npz": read_npz}


def _find(path: str) -> tuple[Path, ...]:
    if not path:
        raise ValueError("training.path is empty: choose a .csv or .npz file")
    file = located(path)
    if file.suffix.lower() not in _READERS:
        raise ValueError(f"{file}: not a .csv or .npz file")
    return (file,)


def _read(files: tuple[Path, ...]) -> Table:
    return _READERS[files[0].suffix.lower()](files[0])


FILES = Files(_find, _read)
