"""Where one looks, over lanes that begin and end at different steps and kept different ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from PySide6.QtCore import QObject, Signal

from initviz.lab.experiment import Experiment
from initviz.lab.recording import Environment, Recording
from initviz.lab.snapshot import Snapshot
from initviz.session.timeline import Timeline


class Grown(QObject):
    """A lane as far as a timeline knows it: a recording, and the news of it."""

    grew = Signal()
    restarted = Signal()

    def __init__(self, steps: Sequence[int]) -> None:
        super().__init__()
        self.recording = Recording(Experiment(), ["hidden 1", "output"], Environment("CPU", 1))
        for step in steps:
            self.recording.append(Snapshot(step, {"loss": 1.0}, {}, {}))


@pytest.fixture
def over(qapp: object) -> Callable[..., Timeline]:
    """Make a timeline over lanes that kept these steps, looking at the end."""
    kept: list[Grown] = []

    def make(*lanes: Sequence[int]) -> Timeline:
        timeline = Timeline()
        for steps in lanes:
            kept.append(Grown(steps))
            timeline.watch(kept[-1])  # type: ignore[arg-type]
        timeline.follow()
        return timeline

    return make


def test_one_looks_before_the_step_at_which_a_fork_begins(over: Callable[..., Timeline]) -> None:
    timeline = over(range(200), range(100, 150))
    timeline.go(50)
    assert timeline.step == 50
    timeline.go(100)
    timeline.move(-1)
    assert timeline.step == 99
    timeline.go(0)
    assert timeline.step == 0
    timeline.move(1)
    assert timeline.step == 1


def test_where_all_lanes_are_forks_the_first_step_is_where_they_begin(
    over: Callable[..., Timeline],
) -> None:
    timeline = over(range(100, 150), range(120, 150))
    timeline.go(3)
    assert timeline.step == 100
    timeline.move(-1)
    assert timeline.step == 100
    timeline.move(21)
    assert timeline.step == 121


def test_every_step_that_any_lane_kept_is_reached_by_single_steps(
    over: Callable[..., Timeline],
) -> None:
    one, other = [0, 10, 20, 30, 40], [0, 4, 20, 25]
    timeline = over(one, other)
    everything = sorted({*one, *other})
    timeline.go(0)
    found = [0]
    for _ in everything[1:]:
        timeline.move(1)
        found.append(timeline.step)
    assert found == everything
    assert timeline.follows_end
    for step in reversed(everything[:-1]):
        timeline.move(-1)
        assert (timeline.step, timeline.follows_end) == (step, False)
    timeline.move(len(everything) + 5)
    assert timeline.step == 40


def test_without_any_recording_one_looks_at_step_0(over: Callable[..., Timeline]) -> None:
    timeline = over()
    timeline.go(7)
    timeline.move(-1)
    assert timeline.step == 0


def test_a_jump_is_told_apart_from_a_run_that_grows(over: Callable[..., Timeline]) -> None:
    timeline = over(range(20))
    moves: list[int] = []
    jumps: list[int] = []
    timeline.moved.connect(moves.append)
    timeline.jumped.connect(jumps.append)
    lane = timeline._lanes[0]
    timeline.go(7)
    timeline.go(7)
    timeline.follow()
    assert moves == jumps == [7, 19]
    assert lane.recording is not None
    lane.recording.append(Snapshot(20, {"loss": 1.0}, {}, {}))
    lane.grew.emit()
    assert (moves, jumps) == ([7, 19, 20], [7, 19])
