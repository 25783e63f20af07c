"""The lectures and challenges that are shipped: all can be read, and every claim holds."""

import pytest

from initviz.lab.lectures import (
    check,
    read_challenge,
    read_lecture,
    read_lecture_or_challenge,
    shipped,
    shipped_challenges,
    unproved_numbers,
)
from initviz.ui.panels.known import known_panels

FILES = [*shipped(), *shipped_challenges()]
NAMES = [path.stem for path in FILES]


def test_there_are_thirteen_lectures_and_at_least_eight_challenges():
    numbers = [read_lecture(path).number for path in shipped()]
    assert numbers == list(range(13))
    assert [int(path.name[:2]) for path in shipped()] == numbers
    challenges = [read_challenge(path).number for path in shipped_challenges()]
    assert challenges == list(range(1, len(challenges) + 1))
    assert len(challenges) >= 8


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_can_be_read_and_names_no_unproved_number(path):
    assert unproved_numbers(read_lecture_or_challenge(path, known_panels())) == ()


@pytest.mark.parametrize("path", shipped(), ids=[path.stem for path in shipped()])
def test_a_lecture_has_four_to_ten_scenes_and_claims_something_in_each(path):
    lecture = read_lecture(path)
    assert 4 <= len(lecture.scenes) <= 10
    for scene in lecture.scenes:
        assert any(beat.expectations for beat in scene.beats), scene.title


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_claim_holds(path):
    verdicts = list(check(read_lecture_or_challenge(path)))
    assert [verdict for verdict in verdicts if not verdict.holds] == []
    assert verdicts
