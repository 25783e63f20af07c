"""The stage at every stop: a fold, so that going back is exact."""

import pytest

from initviz.lab.lectures import Stop, parse_lecture, stage


def staged(lecture, *where, **how):
    return stage(lecture, Stop(*where, **how))


def test_a_question_has_two_stops_and_any_other_beat_one(text, fence):
    question = fence("toml question", "ask = '?'", "choices = ['a', 'b']", "answer = 1")
    lecture = parse_lecture(text + "\n---\n\nAsk." + question + "\n---\n\nEnd.\n")
    assert lecture.stops == (
        Stop(0, 0),
        Stop(0, 1),
        Stop(0, 1, answered=True),
        Stop(0, 2),
    )


def test_runs_add_up_for_every_lane_and_an_epoch_is_a_pass_over_the_data(text, fence):
    lecture = parse_lecture(
        text
        + fence("toml action", "run = 7", "pace = 2")
        + "\n---\n"
        + fence("toml action", "run = '2 epochs'")
        + "\n---\n"
        + fence("toml action", "step = true", "go = 3")
        + "\n---\n\nText.\n\n---\n"
        + fence("toml action", "run = '5 steps'")
    )
    # 1 600 blobs are to train on, in batches of 64: 25 steps in an epoch.
    steps = [[lane.step for lane in staged(lecture, 0, beat).lanes] for beat in range(5)]
    assert steps == [[7, 7], [57, 57], [58, 58], [58, 58], [63, 63]]
    shown = [staged(lecture, 0, beat).lanes[0].shown_step for beat in range(5)]
    assert shown == [7, 57, 3, 3, 63]
    assert [staged(lecture, 0, beat).pace for beat in range(5)] == [2.0, None, None, None, None]


def test_the_newest_step_can_be_gone_to(text, fence):
    lecture = parse_lecture(
        text
        + fence("toml action", "run = 7", "go = 0")
        + "\n---\n"
        + fence("toml action", "go = 'newest'")
    )
    shown = [staged(lecture, 0, beat).lanes[0].shown_step for beat in range(2)]
    assert shown == [0, 7]


def test_a_lane_that_changes_starts_anew_and_the_others_stay(text, fence):
    lecture = parse_lecture(
        text
        + fence("toml action", "run = 4")
        + "\n---\n"
        + fence("toml action", "[lanes.B]", "network.width = 5", "[lanes.C]", "like = 'A'")
        + "\n---\n"
        + fence("toml action", "remove = ['A']", "run = 2")
    )
    second, third = staged(lecture, 0, 1), staged(lecture, 0, 2)
    assert [(lane.letter, lane.step) for lane in second.lanes] == [("A", 4), ("B", 0), ("C", 0)]
    b = second.lane("B").experiment
    assert (b.network.width, b.initialiser.name) == (5, "glorot_normal")
    assert second.lane("C").experiment == second.lane("A").experiment
    assert [(lane.letter, lane.step) for lane in third.lanes] == [("B", 2), ("C", 2)]


def test_veiled_lanes_are_revealed_by_an_answer_or_an_action(text, fence):
    veiled = text.replace("panels =", 'veiled = ["A", "B"]\npanels =')
    asked = fence(
        "toml question", "ask = '?'", "choices = ['a', 'b']", "answer = 1", "reveal = ['B']"
    )
    lecture = parse_lecture(veiled + asked + "\n---\n" + fence("toml action", "reveal = ['A']"))
    found = [stage(lecture, stop).veiled for stop in lecture.stops]
    assert found == [{"A", "B"}, {"A"}, set()]


def test_an_action_below_a_question_is_done_with_the_answer(text, fence):
    asked = fence("toml question", "ask = '?'", "choices = ['a', 'b']", "answer = 1")
    acted = fence("toml action", "run = 5")
    below, above = parse_lecture(text + asked + acted), parse_lecture(text + acted + asked)
    assert [stage(below, s).lanes[0].step for s in below.stops] == [0, 5]
    assert [stage(above, s).lanes[0].step for s in above.stops] == [5, 5]


def test_what_an_action_does_stays_until_another_one_undoes_it(text, fence):
    lecture = parse_lecture(
        text
        + fence(
            "toml action",
            "panels = ['slow_motion', 'loss']",
            "slow_motion = 3",
            "highlight = 'hidden 1'",
            "options.loss.scale = 'logarithmic'",
        )
        + "\n---\n\nText.\n\n---\n"
        + fence("toml action", "highlight = ''", "options.loss.of = 'accuracy'")
    )
    first, second, third = (staged(lecture, 0, beat) for beat in range(3))
    assert first == second
    assert (first.panels, first.slow_motion) == (("slow_motion", "loss"), 3)
    assert (first.highlight, third.highlight) == ("hidden 1", "")
    assert third.options["loss"] == {"scale": "logarithmic", "of": "accuracy"}


def test_a_scene_without_lanes_goes_on_with_those_before_and_forgets_the_rest(text, fence):
    lecture = parse_lecture(
        text
        + fence("toml action", "run = 6", "highlight = 'output'", "go = 2")
        + "\n## Next\n\nText.\n"
    )
    before, after = staged(lecture, 0, 0), staged(lecture, 1, 0)
    assert [(lane.step, lane.shown_step) for lane in before.lanes] == [(6, 2), (6, 2)]
    assert [(lane.step, lane.shown_step) for lane in after.lanes] == [(6, 6), (6, 6)]
    assert (before.highlight, after.highlight, after.panels) == ("output", "", before.panels)


def test_the_same_stop_gives_the_same_stage_whatever_was_asked_before(template):
    from initviz.lab.lectures import read_lecture

    lecture = read_lecture(template)
    there = [stage(lecture, stop) for stop in lecture.stops]
    back = [stage(lecture, stop) for stop in reversed(lecture.stops)]
    assert there == back[::-1]


def test_a_stop_that_is_not_there_has_no_stage(text):
    lecture = parse_lecture(text)
    with pytest.raises(IndexError):
        stage(lecture, Stop(0, 0, answered=True))
