"""Numbers in the prose that nothing proves."""

import pytest

from initviz.lab.lectures import parse_lecture, unproved_numbers


def unproved(text, prose, *claims, fence):
    expected = fence("expect", *claims) if claims else ""
    lecture = parse_lecture(text.replace("A text.", f"{prose}\n{expected}"))
    return [number for _, number, _ in unproved_numbers(lecture)]


@pytest.mark.parametrize(
    ("prose", "claims"),
    [
        ("The slope is 0.25.", ["activation.largest_slope = 0.25"]),
        ("It falls to 1.1 × 10⁻⁹, or 1.1e-9.", ["loss ~ 1.1e-9 within a factor 2"]),
        ("It is 10⁻³, a 1 000th.", ["loss < 0.001"]),
        ("About 10⁻¹⁴ is left.", ["loss ~ 1.3e-14 within a factor 2"]),
        ("Over 95 % are saturated.", ["saturated_fraction.first > 95 %"]),
        ("From 0.4 to 1.3.", ["loss in 0.4 to 1.3"]),
        ("Between 2.30 and 2.31", ["loss ~ 2.3026 within 1 %", "loss < 2.31"]),
        ("After 12 steps.", ["loss at step 0 > 12"]),
        ("Two lanes, 3 layers, 4 of them.", []),
        ("Width 8 and a batch of 64.", []),
        ("Glorot & Bengio 2010, figures 6 to 8; see section 12 and layer 9.", []),
        ("“At most 2.5”, `x = 17`, $x = 18$, and ln 10.", []),
        ("6. an item", []),
    ],
)
def test_what_is_measured_set_or_no_claim_is_let_pass(text, fence, prose, claims):
    assert unproved(text, prose, *claims, fence=fence) == []


@pytest.mark.parametrize(
    ("prose", "found"),
    [
        ("The slope is 0.25.", ["0.25"]),
        ("It falls to 1.1 × 10⁻⁹.", ["1.1 × 10⁻⁹"]),
        ("It is 10⁻³.", ["10⁻³"]),
        ("Over 95 % of 17 units.", ["95 %", "17"]),
        ("A loss of 2.3 and −0.7.", ["2.3", "−0.7"]),
        ("It takes 3 %.", ["3 %"]),
    ],
)
def test_what_nothing_proves_is_found(text, fence, prose, found):
    assert unproved(text, prose, "loss > 0", fence=fence) == found


def test_questions_answers_and_titles_are_read_too(text, fence):
    asked = fence(
        "toml question",
        "ask = 'More than 77?'",
        "choices = ['88', '99']",
        "answer = 2",
        "because = 'It is 66.'",
    )
    lecture = parse_lecture(text.replace("## A scene", "## 55 layers") + asked)
    assert [number for _, number, _ in unproved_numbers(lecture)] == ["55", "77", "66", "99"]


def test_the_sentence_and_the_line_are_named(text):
    lecture = parse_lecture(text + "\n---\n\nFirst. The second has 0.77 in it. Third.\n")
    assert unproved_numbers(lecture) == ((25, "0.77", "The second has 0.77 in it."),)
