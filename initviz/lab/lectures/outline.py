"""What a start screen tells of a lecture or a challenge, read without proving all of it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from initviz import resources

_TITLE = re.compile(r"^# +(\S.*?) *$", re.MULTILINE)
_BLOCK = re.compile(r"^```toml +(?:lecture|challenge) *\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SCENE = re.compile(r"^## +\S", re.MULTILINE)
#: So much of a file is looked at.
_LONGEST = 100_000


@dataclass(frozen=True)
class Outline:
    """The head of a file. `minutes` is 0 and `summary` "" where it says nothing of them."""

    path: Path
    title: str
    number: int | None = None
    minutes: int = 0
    summary: str = ""
    scenes: int = 0

    @property
    def picture(self) -> Path | None:
        """Its picture, if it has one: among the lectures that come with the program."""
        try:
            return resources.path("lectures", "pictures", f"{self.path.stem}.png")
        except FileNotFoundError:
            return None


def outline(path: Path) -> Outline:
    """The head of a lecture or challenge; whatever is wrong with it is told when it is opened.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(_LONGEST)
    title, block = _TITLE.search(text), _BLOCK.search(text)
    found: dict[str, object] = {}
    if block is not None:
        try:
            found = tomllib.loads(block[1])
        except (tomllib.TOMLDecodeError, RecursionError):
            found = {}
    number, minutes, summary = (found.get(key) for key in ("number", "minutes", "summary"))
    return Outline(
        path,
        title[1] if title is not None else path.stem,
        number if isinstance(number, int) else None,
        minutes if isinstance(minutes, int) else 0,
        summary if isinstance(summary, str) else "",
        len(_SCENE.findall(text)),
    )
