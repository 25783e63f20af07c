"""Each kind of mistake in a lecture: one line with the file, the line and what is allowed."""

import contextlib
import os
import time

import pytest

from initviz.lab.lectures import LectureError, parse_lecture, read_lecture

PANELS = {"gradient_magnitude": {"scale": ("relative", "absolute")}, "loss": {}}


def complaint(text):
    """What is said of a text."""
    with pytest.raises(LectureError) as caught:
        parse_lecture(text, "x.md", panels=PANELS)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 600
    return said


#: What is replaced in the short lecture, by what, the line that is named, and what is said.
CHANGED = [
    ("minutes = 5", "minuts = 5", 5, "minuts is no key of a `toml lecture` block (did you mean"),
    ("minutes = 5", "minutes = 0", 5, "minutes = 0 is not allowed: a whole number from 1 to 600"),
    ("minutes = 5\n", "", 3, "needs minutes = a whole number from 1 to 600"),
    ("version = 1", "version = 2", 4, "newer than this program understands: at most 1"),
    ("version = 1", "version = 1]", 4, "not valid TOML: Expected newline"),
    ('summary = "A sentence."', 'summary = "A', 6, "not valid TOML"),
    ("toml lecture", "toml lectures", 3, "is no block (did you mean 'toml lecture'?)"),
    ("# A title\n", "", 2, "a lecture begins with its title"),
    ("# A title", "Words\n\n# A title", 1, "before the title"),
    ("## A scene", "# A scene", 9, "a second title"),
    ("## A scene", "##", 9, "a heading without words"),
    ("## A scene", "Text.\n\n## A scene", 9, "belongs under a heading ##"),
    ("## A scene", "A scene\n-------", 10, "leave an empty line before ---"),
    ('panels = ["gradient_magnitude"]', 'panels = ["loss", "lost"]', 12, "did you mean 'loss'?"),
    ('panels = ["gradient_magnitude"]', "panels = []", 12, "a list of 1 to 2 texts"),
    ('panels = ["gradient_magnitude"]\n', "", 11, "the first scene says what is shown"),
    ("panels = [", 'options.loss.of = "x"\npanels = [', 12, "not shown here"),
    (
        "panels = [",
        'options.gradient_magnitude.skale = "x"\npanels = [',
        12,
        "no option of this panel (did you mean 'scale'?)",
    ),
    (
        "panels = [",
        'options.gradient_magnitude.scale = "log"\npanels = [',
        12,
        "is not allowed: one of relative, absolute",
    ),
    ("panels = [", 'veiled = ["C"]\npanels = [', 12, "there is no lane C here; there is A, B"),
    ("panels = [", 'locked = ["network.with"]\npanels = [', 12, "did you mean 'network.width'?"),
    ("panels = [", "seeds = 0\npanels = [", 12, "a whole number from 1 to 20"),
    ("[lanes.B]", "[lanes.E]", 18, "E is no lane: [lanes.X] with one of A, B, C, D"),
    ('like = "A"', 'like = "D"', 19, 'there is no such lane; one of "A", "before"'),
    ('like = "A"', 'like = "B"', 19, "there is no such lane"),
    ('like = "A"', 'like = "before"', 19, "the scene before has no lane B; there is none"),
    ("glorot_normal", "glorot_norml", 20, "did you mean 'glorot_normal'?"),
    ("width = 8", "width = 0", 15, "lane A: network.width = 0 is not allowed: a whole number"),
    ("width = 8", "wide = 8", 15, "network.wide = 8: unknown key"),
    ('data = "blobs"', 'data = "blobs', 16, "not valid TOML"),
    ('like = "A"', 'like = "A"\nrecording = "../b.initviz"', 20, "the name of a file beside"),
    ("A text.", "A text.\n---", 24, "leave an empty line before ---"),
    ("A text.", "A text.\n\n---\n", 25, "an empty part"),
    ("A text.", "A formula $\\frac{1}{2$.", 23, "cannot be set: a { has no }"),
    ("A text.", "A\nformula $\\fraction{1}$.", 24, "the command \\fraction is not known"),
    ("A text.", "$$\n\\frac{1}\n$$", 23, "a command lacks an argument"),
    ("A text.", "Some <b>HTML</b>.", 23, "HTML is not shown"),
    ("A text.", "<div>\nHTML\n</div>", 23, "HTML is not shown"),
    ("A text.", "<!-- no end", 23, "a comment <!-- that does not end"),
    ("A text.", "![](picture.png)", 23, "pictures are not shown"),
    ("A text.", "- a list\n\n  ```expect\n  loss < 1\n  ```", 25, "stands at the margin"),
    ("A text.", "```expects\nloss < 1\n```", 23, "(did you mean 'expect'?)"),
    ("A text.", "```toml lecture\nversion = 1\n```", 23, "stands under the title"),
    ("A text.", "```toml challenge\nversion = 1\n```", 23, "in a file of its own"),
    ("A text.", "x " * 3000, 23, "a paragraph of"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"), CHANGED, ids=[repr(case[1])[:40] for case in CHANGED]
)
def test_a_mistake_is_told_with_its_line(text, old, new, line, said):
    assert old in text
    found = complaint(text.replace(old, new, 1))
    assert found.startswith(f"x.md:{line}: ")
    assert said in found


#: A block, the line in it that is named (0: the fence), and what is said.
ADDED = [
    ("toml action", ["run = 5", "stepp = true"], 2, "(did you mean 'step'?)"),
    ("toml action", ["run = '5 hours'"], 1, '"2 epochs"'),
    ("toml action", ["run = 5", "step = true"], 2, "not both"),
    ("toml action", ["reveal = ['C']"], 1, "there is no lane C here; there is A, B"),
    ("toml action", ["remove = ['A', 'B']"], 1, "one lane stays"),
    ("toml action", ["highlight = 'hidden 9'"], 1, "no lane has this layer"),
    ("toml action", ["highlight = 'layer 1'"], 1, '"hidden 1"'),
    ("toml action", ["[lanes.C]", "like = 'D'"], 2, "there is no such lane"),
    ("toml question", ["ask = '?'"], 0, "either choices = […] or sketch"),
    ("toml question", ["choices = ['a', 'b']"], 0, "needs ask ="),
    ("toml question", ["ask = '?'", "choices = ['a']"], 2, "a list of 2 to 6 texts"),
    ("toml question", ["ask = '?'", "choices = ['a', 'b']", "answer = 3"], 3, "1 to 2"),
    ("toml question", ["ask = '$\\frac$'", "choices = ['a', 'b']", "answer = 1"], 1, "be set"),
    ("toml question", ["ask = '?'", "sketch = 'loss'"], 2, "is not shown here"),
    ("expect", [], 0, "without a line"),
    ("expect", ["C: loss < 1"], 1, "there is no lane C here; there is A, B"),
    ("expect", ["loss at step 1 < 1"], 1, "lane A is trained to step 0 here"),
    ("expect", ["", "loss = 5 %"], 2, "not measured in %: it has no unit"),
]


@pytest.mark.parametrize(
    ("info", "lines", "line", "said"), ADDED, ids=[" ".join(case[1])[:40] for case in ADDED]
)
def test_a_mistake_in_a_block_is_told_with_its_line(text, fence, info, lines, line, said):
    found = complaint(text + fence(info, *lines))
    fence_line = text.count("\n") + 2
    assert found.startswith(f"x.md:{fence_line + line}: ")
    assert said in found


def test_a_second_action_in_a_beat_is_refused(text, fence):
    action = fence("toml action", "step = true")
    assert "a second `toml action` block in one part" in complaint(text + action + action)


def test_a_lecture_without_a_scene_is_refused(text):
    assert "a lecture without a scene" in complaint(text[: text.index("## A scene")])


def test_the_first_scene_needs_lanes(text):
    before, _, _ = text.partition("[lanes.A]")
    assert "[lanes.A]" in complaint(before + "```\nA text.\n")


# -- files ----------------------------------------------------------------------------------------


def told_of(path):
    """What is said of a file."""
    with pytest.raises(LectureError) as caught:
        read_lecture(path)
    said = str(caught.value)
    assert said.startswith(f"{path}:")
    assert "\n" not in said
    return said


def test_a_file_of_50_megabytes_is_refused_without_being_read(tmp_path):
    path = tmp_path / "large.md"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    began = time.process_time()
    assert "too large to be a lecture, at most 1 MB" in told_of(path)
    assert time.process_time() - began < 0.5


def test_what_is_no_text_file_is_refused(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(b"# Title\n\xff\xfe")
    assert told_of(path) == f"{path}:2: not a text file in UTF-8"
    assert told_of(tmp_path) == f"{tmp_path}: not a file"
    assert "No such file" in told_of(tmp_path / "none.md")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.md")
    assert told_of(tmp_path / "pipe.md").endswith("not a file")


# -- hostile texts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 900_000,
        ">" * 900_000,
        "- " * 400_000,
        "`" * 900_000,
        "$" * 900_000,
        "<!--" * 200_000,
        "a\n\n---\n\n" * 100_000,
        "## a\nb\n\n" * 100_000,
        "$" + "a^{" * 20 + "}" * 20 + "$",
        "$" + "\\left(" * 15 + "x" + "\\right)" * 15 + "$",
        "```toml action\n" + "a." * 90_000 + "b = 1\n```",
        "```toml action\na = " + "[" * 5_000 + "\n```",
        "```toml action\na = " + "{a = " * 2_000 + "\n```",
        "```toml action\nrun = " + "9" * 5_000 + "\n```",
        "```expect\nloss < " + "9" * 250 + "e999\n```",
        "```expect\n" + "a" * 100_000 + "\n```",
        "\0" * 1_000,
    ],
    ids=lambda hostile: hostile[:24],
)
def test_no_text_holds_the_reader_up(text, hostile):
    began = time.process_time()
    with contextlib.suppress(LectureError):
        parse_lecture(text + "\n" + hostile, panels=PANELS)
    assert time.process_time() - began < 3.0
