"""The lanes of a scene or an action: each an experiment, whole or like another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from initviz.lab.experiment import Experiment
from initviz.lab.lectures.tables import Block, Table
from initviz.lab.lectures.values import LETTERS, Lane, LineError, Stage
from initviz.lab.settings import shown

_OWN = ("like", "recording")


class Lanes:
    """Makes lanes from `[lanes.X]` tables of one block.

    `now` is the stage that an action changes, empty for a scene; `before` is the end of the scene
    before. Relative paths start from `folder`.
    """

    def __init__(
        self, block: Block, tables: Table, now: Stage, before: Stage, folder: Path | None
    ) -> None:
        self._block, self._tables, self._folder = block, tables, folder
        self._now, self._before = now, before
        self._made: dict[str, Experiment] = {}
        self._being_made: list[str] = []

    def all(self) -> tuple[Lane, ...]:
        """Every lane, by its letter.

        Raises:
            LineError: for an unknown letter, a lane that is like none there is, or a setting that
                is not allowed.
        """
        for letter, table in self._tables.items():
            if letter not in LETTERS or len(letter) != 1:
                raise self._fault(
                    f"{shown(letter)[1:-1]} is no lane: [lanes.X] with one of A, B, C, D", letter
                )
            if not isinstance(table, dict):
                raise self._fault(
                    f"lanes.{letter} = {shown(table)} is not allowed: a section", letter
                )
        return tuple(self._lane(letter) for letter in sorted(self._tables))

    def _fault(self, sentence: str, *path: str) -> LineError:
        return LineError(self._block.line_of(["lanes", *path]), sentence)

    def _lane(self, letter: str) -> Lane:
        name = self._tables[letter].get("recording", "")
        fits = isinstance(name, str) and re.fullmatch(r"[\w.-]{1,100}\.initviz|", name, re.ASCII)
        if not fits:
            raise self._fault(
                f"recording = {shown(name)} is not allowed: the name of a file beside the lecture "
                "that ends in .initviz",
                letter,
                "recording",
            )
        recording = (self._folder or Path()) / name if name else None
        line = self._block.line_of(["lanes", letter])
        return Lane(letter, self._experiment(letter), recording, line)

    def _experiment(self, letter: str) -> Experiment:
        if letter in self._made:
            return self._made[letter]
        if letter in self._being_made:
            raise self._fault(f"lane {letter} is like itself: `like` goes round", letter, "like")
        self._being_made.append(letter)
        table = self._tables[letter]
        base = self._base(letter, table.get("like"))
        changes = {key: value for key, value in table.items() if key not in _OWN}
        try:
            made = changed(base, changes, self._folder)
        except ValueError as error:
            path = re.split(r"[ :]", str(error), maxsplit=1)[0].split(".")
            raise self._fault(f"lane {letter}: {error}", letter, *path) from None
        self._made[letter] = made
        self._being_made.pop()
        return made

    def _base(self, letter: str, like: Any) -> Experiment | None:
        if like is None:
            lane = self._now.lane(letter)
            return lane.experiment if lane else None
        scene, _, other = like.partition(".") if isinstance(like, str) else ("", "", "")
        if scene == "before":
            lane = self._before.lane(other or letter)
            if lane is not None:
                return lane.experiment
            there = ", ".join(f'"before.{lane.letter}"' for lane in self._before.lanes)
            raise self._fault(
                f"like = {shown(like)}: the scene before has no lane {other or letter}; "
                f"there {'is ' + there if there else 'is none'}",
                letter,
                "like",
            )
        if like in self._tables and like != letter:
            if not isinstance(self._tables[like], dict):
                raise self._fault(f"lanes.{like} is not allowed: a section of keys", like)
            return self._experiment(like)
        lane = self._now.lane(like) if isinstance(like, str) else None
        if lane is not None:
            return lane.experiment
        names = [*self._tables, *(lane.letter for lane in self._now.lanes)]
        known = [f'"{name}"' for name in dict.fromkeys(names) if name != letter]
        raise self._fault(
            f"like = {shown(like)}: there is no such lane; one of "
            f"{', '.join([*known, chr(34) + 'before' + chr(34)])}",
            letter,
            "like",
        )


def changed(base: Experiment | None, changes: Table, folder: Path | None) -> Experiment:
    """`base`, or the default experiment, with these settings; data lie relative to `folder`.

    Raises:
        ValueError: as `Experiment.from_dict`.
    """
    if base is None:
        made = Experiment.from_dict(changes)
    else:
        # A scheme decides which parameters there are, wherever it is named.
        flat = sorted(
            _flat(changes, ""), key=lambda pair: not pair[0].endswith("initialiser.scheme")
        )
        made = base.with_values(dict(flat))
    path = made.training.path
    if path and path != (base.training.path if base else "") and not path.startswith("~"):
        made = made.with_value("training.path", str((folder or Path()).absolute() / path))
    return made


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """The values by their dotted keys. Raises ValueError where keys are nested too deeply."""
    if prefix.count(".") > 4:
        raise ValueError(f"{prefix[:60]} is nested too deeply: a key is written section.name")
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
