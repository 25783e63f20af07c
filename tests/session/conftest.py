"""A session for a test: one laboratory and its first lane, paused at step 0."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from initviz.session.laboratory import Laboratory
from initviz.session.lane import Lane, State
from tests.session.lanes import SMALL, wait


@pytest.fixture
def laboratory(qtbot: QtBot) -> Iterator[Laboratory]:
    made = Laboratory(SMALL)
    wait(qtbot, lambda: made.lanes[0].state is State.PAUSED)
    yield made
    made.close()


@pytest.fixture
def lane(laboratory: Laboratory) -> Lane:
    return laboratory.lane("A")
