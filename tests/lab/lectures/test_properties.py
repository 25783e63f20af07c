"""Any text at all is a lecture or one line that says why it is none."""

import string
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from initviz.lab.lectures import (
    Lecture,
    LectureError,
    parse_challenge,
    parse_lecture,
    shipped,
    shipped_challenges,
    stage,
    unproved_numbers,
)

TEMPLATE = Path(__file__).parents[3] / "docs" / "lecture-template.md"
TEXTS = [path.read_text(encoding="utf-8") for path in (TEMPLATE, *shipped()[:3])]
CHALLENGES = [path.read_text(encoding="utf-8") for path in shipped_challenges()[:3]]
PIECES = st.sampled_from(
    [
        *("```", "```expect", "```toml action", "```toml scene", "---", "# a", "## b", "[lanes.A]"),
        *("like = 'A'", "like = 'before'", "$", "$$", "{", "}", "\\frac", "<!--", "-->", "> ", "="),
        *("run = 5", "run = '2 epochs'", "remove = ['A']", "reveal = ['B']", "at step 7", "B: "),
        *(
            "B over A: ",
            "%",
            "~",
            "in 1 to 2",
            "9" * 30,
            "1e400",
            "nan",
            "-1",
            '"',
            "'",
            "\n",
            "\t",
        ),
        *("\0", "\ufeff", "\u2028", "é", "|", "[", "]", "(", ")", "!", "&amp;", "\\", "*", "_"),
    ]
)
CHARACTERS = st.text(st.sampled_from(string.printable + "−≥“”φ⁻⁹"), max_size=12)


@st.composite
def damaged(draw, texts):
    """One of `texts` with lines dropped, doubled or moved, and things put in anywhere."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "double", "move", "insert", "cut", "replace"]))
        if kind == "drop":
            del lines[at : at + draw(st.integers(1, 5))]
        elif kind == "double":
            lines[at:at] = lines[at : at + draw(st.integers(1, 8))]
        elif kind == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        elif kind == "insert":
            place = draw(st.integers(0, len(lines[at])))
            new = draw(PIECES | CHARACTERS)
            lines[at] = lines[at][:place] + new + lines[at][place:]
        elif kind == "cut":
            lines = lines[: at + 1]
        else:
            lines[at] = draw(PIECES | CHARACTERS)
        text = "\n".join(lines)
    return text


def is_read_or_refused(parse, text):
    """What became of a text: anything but a value or one line is a failure."""
    try:
        found = parse(text, "x.md")
    except LectureError as error:
        said = str(error)
        assert said.startswith("x.md:")
        assert said.isprintable()
        assert len(said) < 1500
        return
    unproved_numbers(found)
    if isinstance(found, Lecture):
        for stop in found.stops:
            stage(found, stop)


@settings(max_examples=150)
@given(damaged(TEXTS))
def test_a_damaged_lecture_is_read_or_refused_in_one_line(text):
    is_read_or_refused(parse_lecture, text)


@pytest.mark.skipif(not CHALLENGES, reason="no challenge is shipped")
@settings(max_examples=80)
@given(damaged(CHALLENGES or [""]))
def test_a_damaged_challenge_is_read_or_refused_in_one_line(text):
    is_read_or_refused(parse_challenge, text)


@settings(max_examples=100)
@given(st.text() | st.lists(PIECES | CHARACTERS).map("".join))
@example("")
@example("#")
@example("# a\n\n```toml lecture\n")
def test_any_text_is_refused_in_one_line(text):
    is_read_or_refused(parse_lecture, text)
    is_read_or_refused(parse_challenge, text)
