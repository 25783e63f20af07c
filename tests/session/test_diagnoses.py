"""One answer for all who ask the same, and never an old one for another question."""

from __future__ import annotations

import pytest

import initviz
from initviz.lab.diagnosis import diagnose
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.lab.thresholds import Thresholds
from initviz.lab.training import train
from initviz.session import diagnoses as module
from initviz.session.diagnoses import MOST, Diagnoses
from initviz.session.turning_points import TurningPoints

SMALL = Experiment().with_values({"network.hidden_layers": 4, "network.width": 8})
RULES = Thresholds()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that were really diagnosed."""
    steps: list[int] = []

    def counted(recording: Recording, step: int, rules: Thresholds) -> object:
        steps.append(step)
        return diagnose(recording, step, rules)

    monkeypatch.setattr(module, "diagnose", counted)
    return steps


def test_the_same_question_is_answered_once(asked: list[int]) -> None:
    recording, kept = initviz.run(SMALL, steps=9), Diagnoses()
    for _ in range(3):
        assert list(kept.of(recording, 9, RULES)) == recording.findings(9)
        assert list(kept.of(recording, 0, RULES)) == recording.findings(0)
    assert asked == [9, 0]


def test_another_question_has_another_answer(asked: list[int]) -> None:
    recording, kept = initviz.run(SMALL, steps=3), Diagnoses()
    other = initviz.run(SMALL.with_value("initialiser.scheme", "glorot_normal"), steps=3)
    strict = RULES.model_copy(update={"vanishing": 1e-30})
    for one, rules in ((recording, RULES), (other, RULES), (recording, strict)):
        assert list(kept.of(one, 3, rules)) == diagnose(one, 3, rules)
    assert len(asked) == 3


def test_a_step_that_was_still_to_come_is_asked_for_again(asked: list[int]) -> None:
    kept, run = Diagnoses(), train(SMALL, last=20)
    recording = Recording(SMALL, initviz.run(SMALL, 0).layers, initviz.run(SMALL, 0).environment)
    recording.append(next(run))
    kept.of(recording, 20, RULES)
    for snapshot in run:
        recording.append(snapshot)
    assert list(kept.of(recording, 20, RULES)) == recording.findings(20)
    assert asked == [20, 20]


def test_old_answers_are_let_go_of(asked: list[int]) -> None:
    recording, kept = initviz.run(SMALL, steps=MOST), Diagnoses()
    for step in range(MOST + 1):
        kept.of(recording, step, RULES)
    kept.of(recording, MOST, RULES)
    assert len(asked) == MOST + 1
    kept.of(recording, 0, RULES)
    assert len(asked) == MOST + 2


def test_turning_points_and_the_column_share_one_answer(asked: list[int]) -> None:
    recording, kept = initviz.run(SMALL, steps=5), Diagnoses()
    points = TurningPoints(recording, RULES, kept)
    kept.of(recording, 0, RULES)
    assert points.advance()
    assert asked == [0]
