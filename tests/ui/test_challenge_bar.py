"""The strip that plays a challenge: judged live, hints one by one, a way out."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from initviz import run
from initviz.lab.lectures import parse_challenge, read_challenge, shipped_challenges
from initviz.lab.lectures.expectations import parse
from initviz.lab.training import new_recording, train
from initviz.ui.challenge_bar import ChallengeBar
from initviz.ui.goal_words import free_words, goal_words, solution_words
from initviz.ui.theme import DARK, LIGHT, PROJECTOR

TEXT = """# Starve it

```toml challenge
version = 1
number = 7
free = ["initialiser.*", "network.dropout"]
steps = {steps}
hints = ["Small weights.", "Normal, with a small spread."]

[experiment]
network = {{ hidden_layers = 4, width = 8, activation = "tanh" }}
initialiser.scheme = "glorot_normal"
training.learning_rate = 0.3

[solution]
initialiser = {{ scheme = "normal", std = 0.01 }}
```

Let *nothing* come back.

```expect
{goal}
```
"""
STARVED = "signal_gradient_norm.first_over_last < 0.001\nfinding = vanishing"
LEARNS = "test_accuracy > 80 %"


def challenge_of(goal=STARVED, steps=0):
    return parse_challenge(TEXT.format(goal=goal, steps=steps))


@pytest.fixture
def make(qtbot):
    def made(challenge=None):
        bar = ChallengeBar(challenge or challenge_of())
        bar.set_theme(LIGHT)
        qtbot.addWidget(bar)
        bar.resize(900, 240)
        bar.show()
        qtbot.waitExposed(bar)
        return bar

    return made


def button(bar, name):
    return bar.findChild(QPushButton, f"challenge.{name}")


def said(bar):
    """The text of the challenge, with the hints that were shown."""
    return bar.findChild(QWidget, "challenge.text").markdown


def verdict(bar):
    return bar.findChild(QLabel, "challenge.verdict").text()


def line(bar, number):
    return bar.findChild(QLabel, f"challenge.goal.{number}").accessibleName()


def test_the_task_and_what_is_free_are_there_before_anything_runs(make):
    bar = make()

    assert "Let *nothing* come back." in said(bar)
    assert "all of the initialiser and Dropout" in said(bar)
    assert "not measured" in line(bar, 1)
    assert not bar.is_solved


def test_each_line_of_the_goal_has_its_measured_value_and_whether_it_holds(make):
    bar = make()
    start = run(bar.challenge.experiment, steps=0)
    bar.show_recording(start)

    _, measured, _ = bar.challenge.judge(start)[0]
    assert line(bar, 1).endswith(f"missed, measured {measured}")
    assert line(bar, 2).endswith("missed, measured healthy")
    assert not bar.is_solved


def test_a_run_that_reaches_the_whole_goal_is_solved(make, qtbot):
    bar = make()
    with qtbot.waitSignal(bar.solved) as heard:
        bar.show_recording(run(bar.challenge.solved, steps=0))

    assert heard.args == [0]
    assert bar.is_solved
    assert "Solved at the start" in verdict(bar)
    assert "reached" in line(bar, 1)


def test_a_goal_stays_open_until_the_steps_are_used_up(make):
    bar = make(challenge_of("test_accuracy > 101 %", steps=20))
    growing = new_recording(bar.challenge.experiment)
    for snapshot in train(bar.challenge.experiment, last=20):
        growing.append(snapshot)
        bar.show_recording(growing)
        if snapshot.step == 5:
            assert "not yet" in line(bar, 1)
            assert verdict(bar) == "Step 5 of at most 20"

    assert "missed" in line(bar, 1)
    assert "Not within 20 steps" in verdict(bar)


def test_what_was_reached_once_stays_reached_as_the_run_goes_on(make):
    bar = make(challenge_of("loss > 2", steps=200))
    heard = []
    bar.solved.connect(heard.append)
    growing = new_recording(bar.challenge.experiment)
    for snapshot in train(bar.challenge.experiment, last=200):
        growing.append(snapshot)
        bar.show_recording(growing)

    assert growing.latest_scalar("loss", 200) < 2
    assert heard == [0]
    assert "Solved at the start" in verdict(bar)
    assert "reached" in line(bar, 1)


def test_another_run_is_judged_anew(make):
    bar = make()
    bar.show_recording(run(bar.challenge.solved, steps=0))
    bar.show_recording(run(bar.challenge.experiment, steps=0))

    assert not bar.is_solved
    assert "missed" in line(bar, 1)


def test_steps_beyond_those_allowed_do_not_count(make):
    bar = make(challenge_of(LEARNS, steps=2))
    late = run(bar.challenge.experiment.with_value("training.optimiser", "adam"), steps=60)

    assert not bar.challenge.judge(late)[0][2]
    bar.show_recording(late)
    assert not bar.is_solved


def test_a_run_with_a_locked_setting_changed_does_not_count(make):
    bar = make()
    bar.show_recording(run(bar.challenge.solved.with_value("network.width", 9), steps=0))

    assert not bar.is_solved
    assert "does not count" in verdict(bar)


def test_hints_come_one_by_one_until_there_are_no_more(make, qtbot):
    bar = make()
    assert "Hint 1." not in said(bar)

    qtbot.mouseClick(button(bar, "hint"), Qt.MouseButton.LeftButton)
    assert "Small weights." in said(bar)
    assert "Hint 2." not in said(bar)

    qtbot.keyClick(button(bar, "hint"), Qt.Key.Key_Space)
    assert "with a small" in said(bar)
    assert bar.hints_shown == 2
    assert not button(bar, "hint").isEnabled()


def test_who_gives_up_is_told_the_solution_and_gets_its_experiment(make, qtbot):
    bar = make()
    with qtbot.waitSignal(bar.solution_wanted) as heard:
        qtbot.mouseClick(button(bar, "solution"), Qt.MouseButton.LeftButton)

    assert heard.args == [bar.challenge.solved]
    assert "Scheme: Normal; Standard deviation σ: 0.01" in said(bar)


def test_starting_over_asks_for_the_experiment_of_the_challenge(make, qtbot):
    bar = make()
    with qtbot.waitSignal(bar.start_wanted) as heard:
        qtbot.mouseClick(button(bar, "restart"), Qt.MouseButton.LeftButton)

    assert heard.args == [bar.challenge.experiment]


def test_done_says_so(make, qtbot):
    bar = make()
    with qtbot.waitSignal(bar.done):
        qtbot.mouseClick(button(bar, "done"), Qt.MouseButton.LeftButton)


def test_folded_away_the_verdict_is_still_there(make):
    bar = make()
    tall = bar.sizeHint().height()
    bar.findChild(QWidget, "challenge.fold").click()

    assert bar.findChild(QLabel, "challenge.verdict").isVisibleTo(bar)
    assert not button(bar, "hint").isVisibleTo(bar)
    assert bar.sizeHint().height() < tall


@pytest.mark.parametrize("theme", [LIGHT, DARK, PROJECTOR])
def test_nothing_is_cut_off_at_the_width_of_a_small_window(make, theme):
    bar = make(read_challenge(shipped_challenges()[5]))
    bar.set_theme(theme)
    bar.resize(640, bar.heightForWidth(640))
    bar.layout().activate()

    for part in (*bar.findChildren(QLabel), *bar.findChildren(QPushButton)):
        if part.isVisibleTo(bar):
            assert bar.rect().contains(part.rect().translated(part.mapTo(bar, QPoint())))
            assert part.height() >= part.heightForWidth(part.width()), part.text()


def test_every_shipped_challenge_has_words_for_goal_freedom_and_solution():
    for path in shipped_challenges():
        challenge = read_challenge(path)
        assert free_words(challenge)
        assert solution_words(challenge), path.name
        for line_ in challenge.goal:
            assert "_" not in goal_words(line_), path.name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("test_accuracy > 80 %", "Test accuracy > 80 %"),
        ("finding = vanishing", "The diagnosis says: vanishing"),
        ("finding != dead", "The diagnosis does not say: dead"),
        (
            "signal_gradient_norm.first_over_last < 1e-9",
            "Signal gradient of layer 1, over that of the last hidden layer < 10⁻⁹",
        ),
        ("dead_fraction.hidden_3 in 40 % to 60 %", "Dead units of layer 3: 40 % to 60 %"),
        ("theory.chi ~ 1 within 1 %", "χ₁ in theory ≈ 1 within 1 %"),
        ("weight_norm.output >= 2", "Weight norm of the output layer ≥ 2"),
        ("loss at step 0 < 3", "Loss at step 0 < 3"),
        (
            "cell_gradient_norm.first > 0.1",
            "Cell gradient at the first step of the sequence > 0.1",
        ),
    ],
)
def test_a_line_of_a_goal_in_words(text, words):
    assert goal_words(parse(text, 1)).replace("\u00a0", " ") == words


def test_the_solution_names_parameters_that_the_start_does_not_have():
    words = solution_words(challenge_of())
    assert words == "Scheme: Normal; Standard deviation σ: 0.01"
