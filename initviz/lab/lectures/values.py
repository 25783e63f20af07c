"""What a lecture is made of: frozen values, as the file says them, every lane an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from initviz.lab.experiment import Experiment
from initviz.lab.lectures.expectations import Expectation

#: The letters that a lane may have.
LETTERS = "ABCD"


class LectureError(ValueError):
    """What is wrong with a file, in one line: "FILE:LINE: sentence that says what is allowed"."""


class LineError(Exception):
    """A mistake in the line `line` (from 1) of a text; who knows the file's name says it."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence

    def named(self, source: str) -> LectureError:
        """The error that a person is told: one line, whatever stood in the file."""
        words = "".join(c if c.isprintable() else " " for c in self.sentence)
        return LectureError(f"{source}:{self.line}: {' '.join(words.split())}")


@dataclass(frozen=True)
class Lane:
    """A lane from the start or after a change: what it runs, and where that was recorded."""

    letter: str
    experiment: Experiment
    recording: Path | None = None
    line: int = 0


@dataclass(frozen=True)
class Action:
    """What a beat does, or a scene as it opens; what is None or empty stays as it was.

    `run` counts steps, or epochs where `unit` says so, by which every lane is trained further.
    `go` is the step to look at, −1 for the newest; `pace` the steps per second of this run alone.
    `lanes` are those that this adds or starts anew, each whole. `highlight` is a layer's name, ""
    for none any more. `veil` is used by scenes alone.
    """

    run: int = 0
    unit: Literal["steps", "epochs"] = "steps"
    pace: float | None = None
    go: int | None = None
    reveal: tuple[str, ...] = ()
    highlight: str | None = None
    panels: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    slow_motion: int | str | None = None
    remove: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()
    veil: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class Question:
    """What is asked before it is shown.

    `answer` counts from 1, and is 0 for a sketch: then `sketch` is the panel on which the curve of
    `lane` is to be drawn. `because` is Markdown; `reveal` are the lanes unveiled with the answer.
    """

    ask: str
    choices: tuple[str, ...] = ()
    answer: int = 0
    because: str = ""
    reveal: tuple[str, ...] = ()
    sketch: str = ""
    lane: str = ""
    line: int = 0


@dataclass(frozen=True)
class Beat:
    """A part of a scene: what is read, then what is done, asked and expected.

    `text` is Markdown without the blocks and comments; `notes` are those comments. Where the
    question stands above the action in the file, `acts_on_answer`: the action waits for it.
    """

    text: str
    action: Action = Action()
    question: Question | None = None
    expectations: tuple[Expectation, ...] = ()
    notes: str = ""
    line: int = 0
    acts_on_answer: bool = False


@dataclass(frozen=True)
class Scene:
    """A heading and its beats. `opening` is what the scene's own block sets up.

    Where `continues`, the lanes are those that the scene before ended with, trained as far.
    `hidden` and `locked` are dotted keys of settings, "network.*" for all of a section.
    """

    title: str
    beats: tuple[Beat, ...]
    opening: Action = Action()
    continues: bool = False
    hidden: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    seeds: int = 1
    line: int = 0


@dataclass(frozen=True)
class Stop:
    """A place where the player can stand: a beat, before or after its question is answered.

    `scene` and `beat` count from 0. A beat without a question has one stop, not `answered`.
    """

    scene: int
    beat: int
    answered: bool = False


@dataclass(frozen=True)
class StagedLane:
    """A lane on the stage: trained to `step`, seen at `shown_step`."""

    letter: str
    experiment: Experiment
    step: int = 0
    shown_step: int = 0
    recording: Path | None = None


@dataclass(frozen=True)
class Stage:
    """All that is to be seen at a stop. `veiled` lanes are trained, but not shown yet."""

    lanes: tuple[StagedLane, ...] = ()
    veiled: frozenset[str] = frozenset()
    panels: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    highlight: str = ""
    slow_motion: int | str | None = None
    pace: float | None = None
    go: int | None = None

    def lane(self, letter: str) -> StagedLane | None:
        """The lane with this letter, None if there is none."""
        return next((lane for lane in self.lanes if lane.letter == letter), None)


@dataclass(frozen=True)
class Lecture:
    """A whole lecture. `folder` is where the recordings lie that it names, if it has a file."""

    title: str
    number: int | None
    minutes: int
    summary: str
    scenes: tuple[Scene, ...]
    source: str = "lecture"
    folder: Path | None = None

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Every place where the player can stand, in order."""
        return tuple(
            Stop(s, b, answered)
            for s, scene in enumerate(self.scenes)
            for b, beat in enumerate(scene.beats)
            for answered in ((False, True) if beat.question else (False,))
        )
