"""Challenges: an experiment that fails, settings that are free, a goal that a run must reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from initviz.lab.experiment import Experiment, differences
from initviz.lab.lectures import blocks, markdown
from initviz.lab.lectures.expectations import Expectation
from initviz.lab.lectures.lanes import changed
from initviz.lab.lectures.markdown import pieces
from initviz.lab.lectures.parser import Draft, parse_lecture, split_title, text_in_lines, text_of
from initviz.lab.lectures.tables import Block, Key, checked, read, section, texts, whole
from initviz.lab.lectures.values import Lecture, LectureError, LineError
from initviz.lab.recording import Recording

KEYS: Mapping[str, Key] = {
    "version": whole(1, blocks.VERSION, required=True),
    "number": whole(0, 999),
    "free": blocks.settings_key(),
    "steps": whole(0, blocks.MOST_STEPS, 300),
    "seeds": whole(1, 20, 1),
    "experiment": section(),
    "solution": section(),
    "hints": texts(0, 6, 500),
}


@dataclass(frozen=True)
class Challenge:
    """A task. `free` are the settings that may be changed, `goal` what a run of at most `steps`
    steps must show then; `solution` are the changes, as nested tables, that solve it. `proofs` are
    claims about the solution that are no part of the goal: they prove what the text says.
    """

    title: str
    text: str
    number: int | None
    experiment: Experiment
    free: tuple[str, ...]
    steps: int
    hints: tuple[str, ...]
    goal: tuple[Expectation, ...]
    solution: Mapping[str, Any] = field(default_factory=dict)
    solved: Experiment = field(default_factory=Experiment)
    seeds: int = 1
    notes: str = ""
    source: str = "challenge"
    proofs: tuple[Expectation, ...] = ()

    def judge(self, recording: Recording) -> tuple[tuple[Expectation, str, bool], ...]:
        """Every line of the goal, what was measured at the end of a run, and whether it holds."""
        step = min(recording.last_step, self.steps)
        found = []
        for line in self.goal:
            reading = line.read(recording, step)
            found.append((line, line.shown(reading), line.holds(reading)))
        return tuple(found)

    def allows(self, experiment: Experiment) -> str:
        """Why an experiment is no try: a sentence naming what is not free, "" if it is one."""
        changed_keys = [difference.key for difference in differences(self.experiment, experiment)]
        # What does not change what is learnt, a person may always choose.
        taken = [k for k in changed_keys if not is_free(k, self.free) and k not in _ALWAYS_FREE]
        if not taken:
            return ""
        names = " and ".join(taken) if len(taken) < 3 else f"{', '.join(taken[:2])} and more"
        return f"{names} must stay as in the challenge: free here are {', '.join(self.free)}"


_ALWAYS_FREE = ("run.device", "training.length", "training.unit")


def is_free(key: str, free: tuple[str, ...]) -> bool:
    """Whether a dotted key is among these, "network.*" standing for all of a section."""
    return any(key == name or (name.endswith(".*") and key.startswith(name[:-1])) for name in free)


def read_challenge(path: Path) -> Challenge:
    """The challenge in a file.

    Raises:
        LectureError: one line that names the file, the line and what is allowed.
    """
    return parse_challenge(text_of(path), str(path), path.absolute().parent)


def parse_challenge(text: str, source: str = "challenge", folder: Path | None = None) -> Challenge:
    """The challenge in a text; `source` is what errors call it.

    Raises:
        LectureError: one line that names the source, the line and what is allowed.
    """
    try:
        return _challenge(text_in_lines(text), source, folder)
    except LineError as fault:
        raise fault.named(source) from None
    except RecursionError:
        raise LectureError(f"{source}:1: nested too deeply to be a challenge") from None


def _challenge(text: str, source: str, folder: Path | None) -> Challenge:
    title, rest = split_title(pieces(text), "challenge")
    draft = Draft(title.line)
    for piece in rest:
        if piece.kind in ("heading", "rule"):
            raise LineError(piece.line, "a challenge is one part: no ## and no --- in it")
        draft.add(piece, ("toml challenge", "expect"))
    block = draft.found.get("toml challenge")
    if block is None:
        raise LineError(title.line, "a challenge needs a ```toml challenge block under its title")
    found = checked(block, read(block), KEYS)
    goal, proofs = _goal(block, draft.expectations(), found["steps"])
    start = _experiment(block, None, "experiment", found["experiment"], folder)
    solved = _experiment(block, start, "solution", found["solution"], folder)
    for hint in found["hints"]:
        markdown.check_prose(hint, block.line_of(["hints"]))
    made = Challenge(
        title.text,
        draft.text,
        found["number"],
        start,
        found["free"],
        found["steps"],
        found["hints"],
        goal,
        found["solution"],
        solved,
        found["seeds"],
        "\n\n".join(draft.notes),
        source,
        proofs,
    )
    if why := made.allows(solved):
        raise LineError(block.line_of(["solution"]), f"the solution is not allowed: {why}")
    return made


_Lines = tuple[Expectation, ...]


def _goal(block: Block, lines: _Lines, steps: int) -> tuple[_Lines, _Lines]:
    """The goal, and what is claimed of the solution alone, as if it were a lane B."""
    for line in lines:
        if line.lanes not in (("A",), ("B",)):
            raise LineError(
                line.line, "a goal is about the run, A; a line about the solution begins with B:"
            )
        if line.step is not None and line.step > steps:
            raise LineError(line.line, f"at step {line.step}: a run has {steps} steps here")
    goal = tuple(line for line in lines if line.lane == "A")
    if not goal:
        raise LineError(block.line - 1, "a challenge needs an ```expect block: its goal")
    return goal, tuple(line for line in lines if line.lane == "B")


def _experiment(
    block: Block, base: Experiment | None, key: str, table: dict[str, Any], folder: Path | None
) -> Experiment:
    try:
        return changed(base, table, folder)
    except ValueError as error:
        path = str(error).split(" ", 1)[0].rstrip(":").split(".")
        raise LineError(block.line_of([key, *path]), f"{key}: {error}") from None


def read_lecture_or_challenge(
    path: Path, panels: blocks.Panels | None = None
) -> Lecture | Challenge:
    """What a file holds, told by its blocks.

    Raises:
        LectureError: as `read_lecture`.
    """
    text, source, folder = text_of(path), str(path), path.absolute().parent
    if re.search(r"^ {0,3}(```+|~~~+) *toml +challenge *$", text, re.MULTILINE):
        return parse_challenge(text, source, folder)
    return parse_lecture(text, source, folder, panels)
