"""The stage at any stop: the fold of all that was done up to there, so that going back is exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from initviz.lab import datasets
from initviz.lab.experiment import Experiment
from initviz.lab.lectures.values import Action, Beat, Lecture, Scene, Stage, StagedLane, Stop
from initviz.lab.training_settings import Training

#: More steps than this are no lecture: the sum of all runs of a lane stays below it.
MOST_STEPS = 1_000_000


def stage(lecture: Lecture, stop: Stop) -> Stage:
    """What is to be seen at a stop. Pure: the same stop gives the same stage.

    Raises:
        IndexError: for a stop that the lecture does not have.
    """
    if stop not in lecture.stops:
        raise IndexError(f"{stop} is no stop of “{lecture.title}”")
    found = Stage()
    for where, after in stages_of(lecture):
        found = after
        if where == stop:
            break
    return found


def stages_of(lecture: Lecture) -> Iterator[tuple[Stop, Stage]]:
    """Every stop of a lecture with its stage, in order."""
    now = Stage()
    for s, scene in enumerate(lecture.scenes):
        now = opened(now, scene)
        for b, beat in enumerate(scene.beats):
            now = asked(now, beat)
            yield Stop(s, b), now
            if beat.question:
                now = answered(now, beat)
                yield Stop(s, b, answered=True), now


def opened(before: Stage, scene: Scene) -> Stage:
    """The stage as a scene opens, before its first beat does anything."""
    opening = scene.opening
    lanes = before.lanes if scene.continues else ()
    options = before.options if not opening.panels else {}
    fresh = Stage(
        lanes=tuple(replace(lane, shown_step=lane.step) for lane in lanes),
        panels=before.panels,
        options=options,
    )
    return acted(fresh, opening)


def asked(before: Stage, beat: Beat) -> Stage:
    """The stage when a beat is read and, where it has one, its question is put."""
    before = replace(before, pace=None)
    return before if beat.acts_on_answer else acted(before, beat.action)


def answered(before: Stage, beat: Beat) -> Stage:
    """The stage after the question of a beat."""
    after = acted(before, beat.action) if beat.acts_on_answer else before
    reveal = beat.question.reveal if beat.question else ()
    return replace(after, veiled=after.veiled - set(reveal))


def acted(before: Stage, action: Action) -> Stage:
    """The stage after an action."""
    lanes = {lane.letter: lane for lane in before.lanes if lane.letter not in action.remove}
    for lane in action.lanes:
        lanes[lane.letter] = StagedLane(lane.letter, lane.experiment, recording=lane.recording)
    go = before.go if action.go is None and not action.run and not action.lanes else action.go
    go = None if go == -1 else go
    trained = (_trained(lanes[letter], action, go) for letter in sorted(lanes))
    options = {name: dict(chosen) for name, chosen in before.options.items()}
    for panel, chosen in action.options.items():
        options[panel] = {**options.get(panel, {}), **chosen}
    return Stage(
        lanes=tuple(trained),
        veiled=(before.veiled | set(action.veil)) - set(action.reveal) - set(action.remove),
        panels=action.panels or before.panels,
        options=options,
        highlight=before.highlight if action.highlight is None else action.highlight,
        slow_motion=before.slow_motion if action.slow_motion is None else action.slow_motion,
        pace=action.pace,
        go=go,
    )


def _trained(lane: StagedLane, action: Action, go: int | None) -> StagedLane:
    step = lane.step + action.run * (epoch(lane.experiment) if action.unit == "epochs" else 1)
    return replace(lane, step=step, shown_step=step if go is None else min(go, step))


def epoch(experiment: Experiment) -> int:
    """How many steps one pass over the training part has.

    Raises:
        ValueError, OSError: if the data cannot be read.
    """
    return _epoch(experiment.training.model_copy(update={"learning_rate": 0.0}))


@lru_cache(maxsize=32)
def _epoch(training: Training) -> int:
    samples = len(datasets.load(training, datasets.generator(0)).train_inputs)
    return max(samples // min(training.batch_size, samples), 1)
