"""Challenges: a start that misses the goal, settings that are free, a solution that reaches it."""

import re

import pytest

from initviz import run
from initviz.lab.lectures import LectureError, check, parse_challenge, unproved_numbers

TEXT = """\
# Starve the first layer

```toml challenge
version = 1
number = 4
free = ["initialiser.*"]
steps = 3
hints = ["Small.", "Try $\\\\sigma = 0.01$."]

[experiment]
network = { hidden_layers = 4, width = 8, activation = "tanh" }
training.data = "blobs"
initialiser.scheme = "glorot_normal"

[solution]
initialiser = { scheme = "normal", std = 0.01 }
```

Make the first layer hear a thousand times less than the last one.

```expect
signal_gradient_norm.first_over_last < 0.001
B: initialiser.std.first = 0.01
```
"""


@pytest.fixture
def challenge():
    return parse_challenge(TEXT, "c.md")


def test_a_challenge_is_what_its_file_says(challenge):
    assert (challenge.title, challenge.number) == ("Starve the first layer", 4)
    assert challenge.text.startswith("Make the first layer hear")
    assert (challenge.free, challenge.steps) == (("initialiser.*",), 3)
    assert challenge.hints == ("Small.", "Try $\\sigma = 0.01$.")
    assert [line.text for line in challenge.goal] == [
        "signal_gradient_norm.first_over_last < 0.001"
    ]
    assert challenge.solved.initialiser.std == 0.01
    assert unproved_numbers(challenge) == ()


def test_a_run_is_judged_by_the_goal(challenge):
    ((line, measured, holds),) = challenge.judge(run(challenge.experiment, 3))
    assert (line, holds) == (challenge.goal[0], False)
    assert float(measured) > 0.001
    ((_, _, holds),) = challenge.judge(run(challenge.solved, 3))
    assert holds


def test_only_what_is_free_may_be_changed(challenge):
    start = challenge.experiment
    assert challenge.allows(start) == ""
    assert challenge.allows(start.with_value("initialiser.scheme", "zeros")) == ""
    assert challenge.allows(start.with_value("run.device", "cpu")) == ""
    taken = challenge.allows(start.with_value("network.width", 9))
    assert taken == "network.width must stay as in the challenge: free here are initialiser.*"
    assert "run.seed" in challenge.allows(start.with_value("run.seed", 1))


def test_check_proves_that_the_start_misses_and_the_solution_reaches_the_goal(challenge):
    found = list(check(challenge))
    assert [verdict.holds for verdict in found] == [True, True, True]
    easy = parse_challenge(TEXT.replace("< 0.001", "< 1000"))
    missed = {verdict.scene: verdict.holds for verdict in check(easy)}
    assert missed["The start misses the goal"] is False
    hard = parse_challenge(TEXT.replace("< 0.001", "< 1e-30"))
    assert not all(verdict.holds for verdict in check(hard))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("number = 4", "nummer = 4", "c.md:5: nummer is no key"),
        ('"initialiser.*"', '"initializer.*"', "c.md:6: "),
        ("width = 8", "width = 0", "c.md:11: experiment: network.width = 0 is not allowed"),
        ('"normal", std', '"norml", std', "c.md:16: solution: "),
        ("[solution]", "[solution]\nnetwork.width = 9", "network.width must stay"),
        ("```expect", "```text", "a challenge needs an ```expect block"),
        ("B: init", "C: init", "c.md:23: a goal is about the run, A"),
        ("last < 0.001", "last at step 4 < 0.001", "c.md:22: at step 4: a run has 3 steps here"),
        ("Make the", "## Make the", "a challenge is one part"),
        ("toml challenge", "toml lecture", "allowed here: toml challenge, expect"),
        ("```toml challenge", "```toml", "needs a ```toml challenge block"),
        ('"Small."', '"$\\\\frac$"', "c.md:8: the formula"),
    ],
)
def test_a_mistake_is_told_in_one_line(old, new, said):
    assert old in TEXT
    with pytest.raises(LectureError, match=re.escape(said)) as caught:
        parse_challenge(TEXT.replace(old, new, 1), "c.md")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("c.md:")
