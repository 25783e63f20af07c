"""Where findings begin and end in real runs."""

from __future__ import annotations

import numpy as np

import initviz
from initviz.lab.diagnosis import diagnose
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.lab.thresholds import Thresholds
from initviz.session.turning_points import TurningPoints

SIX = Experiment().with_values({"network.hidden_layers": 6, "network.width": 16})


def found(recording: Recording) -> TurningPoints:
    points = TurningPoints(recording, Thresholds())
    while points.advance():
        pass
    return points


def kinds(recording: Recording, step: int) -> set[str]:
    return {f.kind for f in diagnose(recording, step)} - {"healthy"}


def test_a_run_that_stays_as_it_is_has_no_turning_points() -> None:
    assert found(initviz.run(SIX, steps=30)).points == ()


def test_the_step_at_which_a_run_diverges_is_found_exactly() -> None:
    wild = SIX.with_values(
        {
            "initialiser.scheme": "he_normal",
            "network.activation": "relu",
            "training.learning_rate": 50.0,
        }
    )
    recording = initviz.run(wild, steps=40)
    points = found(recording).points
    measured = recording.track("signal_gradient_norm").steps
    for point in points:
        before = int(measured[np.searchsorted(measured, point.step) - 1])
        assert kinds(recording, point.step) - kinds(recording, before) == point.began
        assert kinds(recording, before) - kinds(recording, point.step) == point.ended
    assert any("diverged" in point.began for point in points)


def test_few_of_many_steps_are_diagnosed() -> None:
    recording = initviz.run(SIX, steps=100)
    points = TurningPoints(recording, Thresholds())
    count = 0
    while points.advance():
        count += 1
    assert count <= 10


def test_a_longer_run_is_looked_at_again() -> None:
    recording = initviz.run(SIX, steps=5)
    points = found(recording)
    assert not points.advance()
    longer = TurningPoints(initviz.run(SIX, steps=50), Thresholds())
    assert longer.advance()
