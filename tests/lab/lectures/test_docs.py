"""The page for lecturers says what is there, and its template is a lecture whose claims hold."""

import re

import pytest

from initviz.lab.lectures import (
    check,
    find,
    read_lecture,
    read_lecture_or_challenge,
    shipped,
    unproved_numbers,
)
from initviz.lab.lectures.blocks import ACTION, HEAD, QUESTION, SCENE
from initviz.lab.lectures.challenges import KEYS, parse_challenge
from initviz.lab.lectures.expectations import parse
from initviz.lab.lectures.subjects import KINDS, SUBJECTS
from initviz.lab.lectures.values import LectureError

FORMS = {"layers": "one for each layer", "times": "one for each t"}


@pytest.fixture
def page(template):
    return (template.parent / "lectures.md").read_text(encoding="utf-8")


def row(subject):
    """The line of the page's table that stands for a subject."""
    name = re.sub(rf"^finding\.({'|'.join(KINDS)})\.", "finding.KIND.", subject.name)
    form = FORMS.get(subject.row, "word" if subject.words else "number")
    return f"| `{name}` | {form} | {subject.unit} | {subject.definition} |"


def test_every_subject_stands_in_the_table_and_nothing_else(page):
    _, _, table = page.partition("| subject |")
    lines = [line for line in table.split("\n## ")[0].splitlines() if line.startswith("| `")]
    expected = list(dict.fromkeys(row(subject) for subject in SUBJECTS.values()))
    assert sorted(lines) == sorted(expected)


@pytest.mark.parametrize("keys", [HEAD, SCENE, ACTION, QUESTION, KEYS])
def test_every_key_is_explained(page, keys):
    for key in keys:
        assert re.search(rf"[`\[]{key}\b|^ +\[?{key}\b", page, re.MULTILINE), key


def test_the_examples_of_claims_can_be_read(page):
    _, _, after = page.partition("## `expect`")
    examples = after.partition("that is")[0].strip().splitlines()[2:]
    assert len([parse(line, 1) for line in examples if line.strip()]) == 5


def test_the_example_of_a_challenge_can_be_read(page):
    _, _, after = page.partition("## Challenges")
    example = after[after.index("    # ") : after.index("\nA line that begins")]
    text = re.sub(r"^ {4}", "", example, flags=re.MULTILINE)
    assert parse_challenge(text.replace('"…"', '"Or not."')).title == "Starve the first layer"


def test_the_template_uses_every_block_and_names_no_unproved_number(template):
    text = template.read_text(encoding="utf-8")
    for info in ("toml lecture", "toml scene", "toml action", "toml question", "expect"):
        assert f"```{info}\n" in text
    assert unproved_numbers(read_lecture(template)) == ()


def test_every_claim_of_the_template_holds(template):
    verdicts = list(check(read_lecture(template)))
    assert len(verdicts) > 10
    assert [verdict for verdict in verdicts if not verdict.holds] == []


# -- the shelf ------------------------------------------------------------------------------------


def test_a_shipped_lecture_is_found_by_number_name_or_slug():
    for path in shipped():
        number, _, slug = path.stem.partition("-")
        for name in (str(int(number)), number, path.stem, slug):
            assert find(name) == path


def test_a_lecture_of_one_s_own_is_found_by_its_path(template):
    assert find(str(template)) == template
    assert read_lecture_or_challenge(find(str(template))).title == "A lecture to start from"


def test_a_name_that_is_none_is_answered_with_those_there_are():
    with pytest.raises(LectureError, match="did you mean 'xavier-glorot'") as caught:
        find("xavier-glorott")
    assert all(path.stem in str(caught.value) for path in shipped())
