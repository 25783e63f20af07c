"""TOML blocks against tables of keys: every mistake names its line and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from initviz.lab.experiment import MAX_LINE, MAX_TEXT
from initviz.lab.lectures.values import LETTERS, LineError
from initviz.lab.settings import did_you_mean, shown

Table = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """What may stand behind a key: `convert` gives the value, or raises ValueError."""

    allowed: str
    convert: Callable[[Any], Any]
    default: Any = None
    required: bool = False


def whole(low: int, high: int, default: int | None = None, *, required: bool = False) -> Key:
    """A whole number."""

    def convert(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError
        return value

    return Key(f"a whole number from {low} to {high}", convert, default, required)


def number(low: float, high: float) -> Key:
    """A number."""

    def convert(value: Any) -> float:
        if type(value) not in (int, float) or not low <= value <= high:
            raise ValueError
        return float(value)

    return Key(f"a number from {low:g} to {high:g}", convert)


def text(most: int, default: str = "", *, required: bool = False) -> Key:
    """A text."""

    def convert(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most or (required and not value.strip()):
            raise ValueError
        return value.strip()

    return Key(f"a text of at most {most} characters", convert, default, required)


def texts(low: int, high: int, most: int) -> Key:
    """A list of texts."""

    def convert(value: Any) -> tuple[str, ...]:
        fits = isinstance(value, list) and low <= len(value) <= high
        if not fits or not all(isinstance(v, str) and 0 < len(v) <= most for v in value):
            raise ValueError
        return tuple(value)

    return Key(f"a list of {low} to {high} texts", convert, ())


def flag() -> Key:
    """True, which alone makes sense."""

    def convert(value: Any) -> bool:
        if value is not True:
            raise ValueError
        return True

    return Key("true", convert, False)


def letters() -> Key:
    """A list of lanes."""

    def convert(value: Any) -> tuple[str, ...]:
        fits = isinstance(value, list) and 1 <= len(value) <= len(LETTERS)
        if not fits or not all(isinstance(v, str) and v and v in LETTERS for v in value):
            raise ValueError
        if any(len(v) != 1 for v in value):
            raise ValueError
        return tuple(value)

    return Key('a list of lanes, e.g. ["B"]', convert, ())


def letter() -> Key:
    """One lane."""

    def convert(value: Any) -> str:
        if not isinstance(value, str) or len(value) != 1 or value not in LETTERS:
            raise ValueError
        return value

    return Key(f"one of {', '.join(LETTERS)}", convert, "")


def section() -> Key:
    """A table of keys, looked at by somebody else."""

    def convert(value: Any) -> Table:
        if not isinstance(value, dict):
            raise ValueError
        return value

    return Key("a section of keys", convert, {})


@dataclass(frozen=True)
class Block:
    """A fenced block: what kind it is, its text, and the line (from 1) of its first line inside."""

    kind: str
    text: str
    line: int

    def line_of(self, path: Sequence[str]) -> int:
        """The line at which a dotted key stands, as near as can be said."""
        return self.line + _place(self.text, path)


def read(block: Block) -> Table:
    """The tables of a TOML block.

    Raises:
        LineError: where it is no TOML.
    """
    if len(block.text) > MAX_TEXT:
        raise LineError(block.line, f"a block of {len(block.text)} characters: at most {MAX_TEXT}")
    if sum(len(line) ** 2 for line in block.text.split("\n")) > MAX_LINE**2:
        raise LineError(block.line, f"a block with lines this long: at most {MAX_LINE} characters")
    try:
        return tomllib.loads(block.text)
    except RecursionError:
        raise LineError(block.line, "not valid TOML: too deeply nested") from None
    except ValueError as error:
        said = (str(error).splitlines() or ["not valid"])[0]
        found = re.search(r" \(at line (\d+), column (\d+)\)$", said)
        if found:
            line, column = block.line + int(found[1]) - 1, found[2]
            raise LineError(
                line, f"not valid TOML: {said[: found.start()]}, in column {column}"
            ) from None
        last = block.line + max(block.text.rstrip("\n").count("\n"), 0)
        said = said.removesuffix(" (at end of document)")
        raise LineError(last, f"not valid TOML: {said}, at the end of the block") from None


def checked(block: Block, table: Mapping[str, Any], keys: Mapping[str, Key]) -> Table:
    """The values behind the keys, defaults for those that are not there.

    Raises:
        LineError: for an unknown key, a missing one, or a value that is not allowed.
    """
    for name in table:
        if name not in keys:
            near = did_you_mean(name, list(keys))
            raise LineError(
                block.line_of([name]),
                f"{shown(name)[1:-1]} is no key of a `{block.kind}` block{near}; allowed are "
                f"{', '.join(keys)}",
            )
    found: Table = {}
    for name, key in keys.items():
        if name not in table:
            if key.required:
                raise LineError(
                    block.line - 1, f"the `{block.kind}` block needs {name} = {key.allowed}"
                )
            found[name] = key.default
            continue
        try:
            found[name] = key.convert(table[name])
        except ValueError as error:
            why = str(error) or key.allowed
            raise LineError(
                block.line_of([name]), f"{name} = {shown(table[name])} is not allowed: {why}"
            ) from None
    return found


_HEADER = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")
_PART = re.compile(r"[\w-]+")


def _place(text: str, path: Sequence[str]) -> int:
    """The index of the line that mentions most of `path`, in order; 0 where none does."""
    header: list[str] = []
    best, best_score = 0, 0
    for index, line in enumerate(text.split("\n")[:5000]):
        line = line[:2000]
        found = _HEADER.match(line)
        if found:
            header = _PART.findall(found[1])
            words = header
        else:
            words = header + _PART.findall(line)
        score = _matched(path, words)
        if score > best_score:
            best, best_score = index, score
    return best


def _matched(path: Sequence[str], words: Sequence[str]) -> int:
    score, start = 0, 0
    for part in path:
        if part in words[start:]:
            start = words.index(part, start) + 1
            score += 1
    return score
