"""The lectures and challenges that come with the program, and how one is found by its name."""

from __future__ import annotations

import re
from pathlib import Path

from initviz import resources
from initviz.lab.lectures.values import LectureError
from initviz.lab.settings import did_you_mean, shown

_NAME = re.compile(r"(\d+)-([\w-]+)\.md")


def shipped() -> tuple[Path, ...]:
    """The lectures that come with the program, by their number."""
    return _files("lectures")


def shipped_challenges() -> tuple[Path, ...]:
    """The challenges that come with the program, by their number."""
    return _files("challenges")


def _files(folder: str) -> tuple[Path, ...]:
    try:
        root = resources.path(folder)
    except FileNotFoundError:
        return ()
    return tuple(sorted(path for path in root.glob("*.md") if _NAME.fullmatch(path.name)))


def find(name: str) -> Path:
    """The lecture that is called so: "3", "03-too-small", "too-small", or a path of a file.

    Raises:
        LectureError: where there is none, naming what there is.
    """
    lectures = shipped()
    for path in lectures:
        number, slug = _NAME.fullmatch(path.name).groups()  # type: ignore[union-attr]
        is_number = (
            name.isascii() and name.isdecimal() and len(name) < 6 and int(name) == int(number)
        )
        if is_number or name in (path.stem, slug, path.name):
            return path
    given = Path(name)
    if given.suffix or len(given.parts) > 1 or given.exists():
        return given
    slugs = [path.stem.partition("-")[2] for path in lectures]
    there = ", ".join(path.stem for path in lectures) or "none"
    raise LectureError(
        f"there is no lecture {shown(name)}{did_you_mean(name, slugs)}: a file, or one of {there}"
    )
