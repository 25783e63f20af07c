"""A process behind pipes, for which nobody waits."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from initviz.session.child_process import ChildProcess
from initviz.session.messages import Logged

Started = Callable[[str], ChildProcess]

#: More bytes than any pipe takes that nobody reads.
LARGE = Logged({"array": np.zeros(4_000_000)})
ECHO = """
import sys
from initviz.session.messages import read, unpacked, write
while True:
    write(sys.stdout.buffer, [unpacked(read(sys.stdin.buffer))])
"""


@pytest.fixture
def ended() -> threading.Event:
    return threading.Event()


@pytest.fixture
def started(ended: threading.Event) -> Iterator[Started]:
    children: list[ChildProcess] = []

    def start(program: str) -> ChildProcess:
        command = (sys.executable, "-c", program)
        children.append(ChildProcess(command, os.environ, lambda _child: ended.set()))
        return children[-1]

    yield start
    for child in children:
        child.close()


def test_what_is_sent_comes_back_in_its_order(started: Started) -> None:
    child = started(ECHO)
    for number in range(5):
        child.send(Logged({"number": number}))
    child.send(LARGE)
    for number in range(5):
        assert child.received(30.0) == [Logged({"number": number})]
    reports = child.received(30.0)
    assert reports is not None
    np.testing.assert_array_equal(reports[0].record["array"], LARGE.record["array"])
    assert child.received() is None


def test_nobody_waits_for_a_process_that_does_not_read(
    started: Started, ended: threading.Event
) -> None:
    child = started("import time; time.sleep(60)")
    began = time.perf_counter()
    for _ in range(3):
        child.send(LARGE)
    assert child.received() is None
    child.close()
    assert time.perf_counter() - began < 2.0
    assert ended.is_set()
    assert not child.is_alive


def test_how_it_ended_is_known_after_everything_that_it_said(
    started: Started, ended: threading.Event
) -> None:
    said = "import sys; from initviz.session.messages import write; "
    child = started(said + "write(sys.stdout.buffer, []); sys.exit(7)")
    assert ended.wait(30.0)
    assert child.status() == 7
    assert not child.is_alive
    assert child.received() == []
    child.send(LARGE)  # nobody is there, which is no error
    assert child.received() is None


def test_an_answer_that_was_cut_short_is_none(started: Started, ended: threading.Event) -> None:
    child = started("import os; os.write(1, bytes([1, 0, 0, 0, 9, 0, 0]))")
    assert ended.wait(30.0)
    assert child.received() is None
    assert child.status() == 0


def test_what_cannot_be_started_says_so() -> None:
    with pytest.raises(FileNotFoundError):
        ChildProcess(("/no/such/program",), {}, lambda _child: None)
