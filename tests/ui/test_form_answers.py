"""Questions that take a while are answered beside the window, once each."""

import threading

import pytest

from initviz.ui.answers import Answers
from initviz.ui.critical import CriticalValues

PATIENCE = 10


@pytest.fixture
def asked():
    """The questions that reached the thread, and an event that lets it answer."""
    return [], threading.Event()


@pytest.fixture
def answers(qapp, asked):
    questions, go = asked

    def find(key):
        questions.append((key, threading.get_ident()))
        go.wait(PATIENCE)
        return 10 * key

    made = Answers(find)
    yield made
    go.set()
    made.close()


def test_a_question_is_asked_once_and_in_another_thread(qtbot, answers, asked):
    questions, go = asked
    assert not answers.knows(1)
    assert not answers.knows(1)
    with qtbot.waitSignal(answers.grew):
        go.set()
    assert answers.knows(1)
    assert answers.value(1) == 10
    assert [key for key, _ in questions] == [1]
    assert questions[0][1] != threading.get_ident()


def test_what_is_forgotten_is_asked_anew(qtbot, answers, asked):
    questions, go = asked
    go.set()
    for _ in range(2):
        with qtbot.waitSignal(answers.grew):
            answers.knows(1)
        answers.forget(1)
    assert [key for key, _ in questions] == [1, 1]


def test_closing_waits_for_the_answer_under_way_and_drops_the_others(qtbot, answers, asked):
    questions, go = asked
    for key in range(5):
        answers.knows(key)
    qtbot.waitUntil(lambda: len(questions) == 1)
    threading.Timer(0.05, go.set).start()
    answers.close()
    assert go.is_set()
    assert [key for key, _ in questions] == [0]


def test_the_critical_value_is_that_of_theory(qtbot):
    values = CriticalValues()
    question = ("tanh", 0.01, 0.1)
    qtbot.waitUntil(lambda: values.knows(question))
    assert values.value(question) == pytest.approx(1.19340**2, rel=1e-4)
    values.close()
