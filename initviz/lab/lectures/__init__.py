"""Lectures and challenges: text files of claims, each of which a run proves (docs/lectures.md)."""

from initviz.lab.lectures.challenges import (
    Challenge,
    parse_challenge,
    read_challenge,
    read_lecture_or_challenge,
)
from initviz.lab.lectures.check import Progress, Verdict, check
from initviz.lab.lectures.expectations import Expectation
from initviz.lab.lectures.numbers import unproved_numbers
from initviz.lab.lectures.parser import parse_lecture, read_lecture
from initviz.lab.lectures.shelf import find, shipped, shipped_challenges
from initviz.lab.lectures.stages import stage
from initviz.lab.lectures.values import (
    Action,
    Beat,
    Lane,
    Lecture,
    LectureError,
    Question,
    Scene,
    Stage,
    StagedLane,
    Stop,
)

__all__ = [
    "Action",
    "Beat",
    "Challenge",
    "Expectation",
    "Lane",
    "Lecture",
    "LectureError",
    "Progress",
    "Question",
    "Scene",
    "Stage",
    "StagedLane",
    "Stop",
    "Verdict",
    "check",
    "find",
    "parse_challenge",
    "parse_lecture",
    "read_challenge",
    "read_lecture",
    "read_lecture_or_challenge",
    "shipped",
    "shipped_challenges",
    "stage",
    "unproved_numbers",
]
