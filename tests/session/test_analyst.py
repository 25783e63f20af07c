"""The analyst: it answers on the window's thread, newest first of a kind, and leaves nothing."""

from __future__ import annotations

import threading

import pytest

from initviz.session.analyst import Analyst


def alive():
    return [thread for thread in threading.enumerate() if thread.name == "initviz analyst"]


@pytest.fixture
def analyst(qtbot):
    made = Analyst()
    yield made
    made.close()
    assert not alive()


@pytest.fixture
def gate():
    """Holds the analyst's thread until it is set."""
    made = threading.Event()
    yield made
    made.set()


def never(sentence):
    raise AssertionError(sentence)


def test_there_is_no_thread_before_the_first_question(analyst):
    assert not alive()
    assert not analyst.is_busy


def test_an_answer_is_computed_beside_and_arrives_on_this_thread(qtbot, analyst):
    threads, answers = [], []

    def compute():
        threads.append(threading.current_thread().name)
        return 42

    def answer(found):
        threads.append(threading.current_thread())
        answers.append(found)

    analyst.ask("key", compute, answer, never)
    assert analyst.is_busy
    qtbot.waitUntil(lambda: answers == [42], timeout=60_000)
    assert threads == ["initviz analyst", threading.main_thread()]
    assert not analyst.is_busy
    assert len(alive()) == 1


def test_of_questions_with_one_key_the_newest_is_answered(qtbot, analyst, gate):
    answers, computed = [], []

    def ask(key, number):
        def compute():
            computed.append(number)
            return number

        analyst.ask(key, compute, answers.append, never)

    analyst.ask("hold", gate.wait, lambda _: None, never)
    for number in range(5):
        ask("same", number)
    ask("other", 9)
    gate.set()
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=60_000)
    assert sorted(answers) == [4, 9]
    assert sorted(computed) == [4, 9]


def test_one_that_has_been_begun_is_answered_before_the_next(qtbot, analyst, gate):
    begun, answers = threading.Event(), []

    def slow():
        begun.set()
        gate.wait()
        return "old"

    analyst.ask("same", slow, answers.append, never)
    assert begun.wait(60)
    analyst.ask("same", lambda: "new", answers.append, never)
    gate.set()
    qtbot.waitUntil(lambda: answers == ["old", "new"], timeout=60_000)


@pytest.mark.parametrize("is_begun", [False, True])
def test_what_is_forgotten_is_not_answered(qtbot, analyst, gate, is_begun):
    begun, answers = threading.Event(), []

    def slow():
        begun.set()
        gate.wait()
        return "forgotten"

    if not is_begun:
        analyst.ask("hold", gate.wait, lambda _: None, never)
    analyst.ask("key", slow, answers.append, never)
    if is_begun:
        assert begun.wait(60)
    analyst.forget("key")
    gate.set()
    analyst.ask("last", lambda: "last", answers.append, never)
    qtbot.waitUntil(lambda: not analyst.is_busy, timeout=60_000)
    assert answers == ["last"]


def test_a_failure_is_a_sentence_and_the_next_question_is_answered(qtbot, analyst):
    sentences, answers = [], []

    def fail():
        raise ValueError("These data have 64 features.")

    def overflow():
        raise MemoryError

    analyst.ask(1, fail, answers.append, sentences.append)
    analyst.ask(2, overflow, answers.append, sentences.append)
    analyst.ask(3, lambda: 3, answers.append, sentences.append)
    qtbot.waitUntil(lambda: answers == [3], timeout=60_000)
    assert sentences[0] == "These data have 64 features."
    assert sentences[1].startswith("There is not enough memory")


def test_close_waits_for_what_is_computed_and_answers_nothing_more(qtbot, gate):
    analyst, begun, answers = Analyst(), threading.Event(), []

    def slow():
        begun.set()
        return gate.wait()

    analyst.ask("slow", slow, answers.append, never)
    analyst.ask("never begun", lambda: answers.append("computed"), answers.append, never)
    assert begun.wait(60)
    threading.Timer(0.05, gate.set).start()
    analyst.close()
    assert not alive()
    analyst.ask("after", lambda: 1, answers.append, never)
    with pytest.raises(Exception, match=r"[Tt]imed? ?out"):
        qtbot.waitUntil(lambda: bool(answers), timeout=50)


def test_pytorch_keeps_the_threads_it_was_given(qtbot):
    import torch

    analyst, answers = Analyst(threads=2), []
    try:
        analyst.ask("threads", torch.get_num_threads, answers.append, never)
        qtbot.waitUntil(lambda: answers == [2], timeout=60_000)
    finally:
        analyst.close()
        torch.set_num_threads(1)
