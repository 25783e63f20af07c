"""A session for a test: one laboratory and its first lane, paused at step 0."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from initviz.session.laboratory import Laboratory
from initviz.session.lane import Lane, State
from initviz.session.trainer import Trainer
from initviz.session.worker import Worker
from initviz.session.worker_process import WorkerProcess
from tests.session.lanes import SMALL, wait


@pytest.fixture
def trainer(request: pytest.FixtureRequest, qtbot: QtBot) -> Iterator[Trainer]:
    made = WorkerProcess() if getattr(request, "param", "thread") == "process" else Worker()
    yield made
    made.close()


@pytest.fixture
def laboratory(qtbot: QtBot, trainer: Trainer) -> Iterator[Laboratory]:
    made = Laboratory(SMALL, trainer=trainer)
    wait(qtbot, lambda: made.lanes[0].state is State.PAUSED)
    yield made
    made.close()


@pytest.fixture
def lane(laboratory: Laboratory) -> Lane:
    return laboratory.lane("A")
