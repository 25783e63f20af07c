"""Small experiments, and how one waits for their lanes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from initviz.lab.experiment import Experiment
from initviz.session.lane import Lane

SMALL = Experiment.from_toml("[network]\nhidden_layers = 2\nwidth = 8")
BIG = Experiment.from_toml("[network]\nhidden_layers = 20\nwidth = 128")


#: For a test that holds whether a thread trains or a process.
EITHER = pytest.mark.parametrize("trainer", ["thread", "process"], indirect=True)


def wait(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    """Let the event loop run until this holds."""
    qtbot.waitUntil(condition, timeout=30_000)


def quickest(measure: Callable[[int], float], bound: float, tries: int = 40) -> float:
    """The least of several times in seconds; it ends with the first one below `bound`.

    What other programs take from this machine says nothing about this one, and may last a while.
    """
    least = float("inf")
    for number in range(tries):
        least = min(least, measure(number))
        if least < bound:
            break
    return least


def last_step(lane: Lane) -> int:
    """The newest step that is recorded."""
    assert lane.recording is not None
    return lane.recording.last_step
