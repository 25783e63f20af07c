"""`check`: every claim held against a run, each experiment trained once."""

from threading import Event

import pytest

from initviz import run
from initviz.lab import training
from initviz.lab.lectures import check, parse_lecture, read_lecture
from initviz.lab.lectures.check import recordings_of


def verdicts(lecture, **how):
    return sorted(check(lecture, **how), key=lambda v: (v.line, v.seed))


@pytest.fixture
def trained(monkeypatch):
    """The experiments that are trained, and up to which step, as they are."""
    found, train = [], training.train

    def counted(experiment, cancel=None, **how):
        found.append((experiment, how["last"]))
        return train(experiment, cancel, **how)

    monkeypatch.setattr(training, "train", counted)
    return found


def test_a_claim_that_holds_and_one_that_does_not(text, fence):
    lecture = parse_lecture(
        text
        + fence("toml action", "run = 20")
        + fence("expect", "loss < 0", "B: loss at step 0 > 0", "B over A: loss = 1")
    )
    fails, holds, ratio = verdicts(lecture)
    a, b = (run(lane.experiment, 20) for lane in lecture.scenes[0].opening.lanes)
    assert (fails.scene, fails.text, fails.lane, fails.seed) == ("A scene", "loss < 0", "A", 0)
    assert not fails.holds
    assert float(fails.measured) == pytest.approx(a.scalar("loss")[20], rel=1e-3)
    assert holds.holds
    assert float(holds.measured) == pytest.approx(b.scalar("loss")[0], rel=1e-3)
    assert ratio.lane == "B over A"
    expected = b.scalar("loss")[20] / a.scalar("loss")[20]
    assert float(ratio.measured) == pytest.approx(expected, rel=1e-3)


def test_each_distinct_experiment_is_trained_once_as_far_as_it_is_needed(text, fence, trained):
    lecture = parse_lecture(
        text
        + fence("expect", "loss > 0", "B: loss > 0")
        + "\n---\n"
        + fence("toml action", "run = 5", "[lanes.C]", "like = 'A'")
        + fence("expect", "C: loss at step 3 > 0", "dead_fraction.first != 2")
        + "\n## Another\n"
        + fence("toml scene", "[lanes.D]", "like = 'before.B'", "title = 'The same'")
        + fence("toml action", "run = 9")
        + fence("expect", "D: loss > 0")
    )
    assert len(verdicts(lecture)) == 5
    assert sorted(last for _, last in trained) == [5, 9]


def test_every_claim_is_held_for_every_seed(text, fence, trained):
    seeded = text.replace("panels =", "seeds = 3\npanels =").replace(
        'data = "blobs"', 'data = "blobs"\nrun.seed = 7'
    )
    lecture = parse_lecture(seeded + fence("expect", "loss > 0", "loss < 0"))
    found = verdicts(lecture)
    assert [v.seed for v in found] == [7, 8, 9, 7, 8, 9]
    assert [v.holds for v in found] == [True, True, True, False, False, False]
    assert [experiment.run.seed for experiment, _ in trained] == [7, 8, 9]


def test_what_is_dear_to_measure_is_measured_where_it_is_claimed(text, fence):
    # Dead units are otherwise looked for at steps 20 and 50, not between.
    relu = text.replace('"tanh"', '"relu"')
    lecture = parse_lecture(
        relu
        + fence("toml action", "run = 33")
        + fence("expect", "dead_fraction.max >= 0", "weight_change.first > 0")
    )
    (experiment,) = {lane.experiment for lane in lecture.scenes[0].opening.lanes[:1]}
    dead, change = verdicts(lecture)
    assert (dead.holds, change.holds) == (True, True)
    expected = run(experiment, 33).series("dead_fraction")[-1][:-1].max()
    assert float(dead.measured.rstrip(" %")) / 100 == pytest.approx(expected, abs=1e-4)


def test_a_run_that_stops_early_is_judged_where_it_stopped(text, fence):
    stops = text.replace(
        'data = "blobs"',
        'data = "blobs"\ntraining.early_stopping = true\ntraining.patience = 10\n'
        "training.learning_rate = 0.0",
    )
    lecture = parse_lecture(
        stops
        + fence("toml action", "run = 500")
        + fence("expect", "stopped.reason = early", "stopped.step < 100")
    )
    assert [v.holds for v in verdicts(lecture)] == [True, True]


def test_progress_is_told_and_a_check_can_be_ended(text, fence):
    lecture = parse_lecture(
        text
        + fence("toml action", "run = 6")
        + fence("expect", "loss > 0")
        + fence("expect", "B: loss > 0")
    )
    told = []
    assert len(verdicts(lecture, progress=told.append)) == 2
    assert [(p.done, p.total) for p in told] == [(n, 12) for n in (*range(7), *range(6, 13))]
    assert {p.scene for p in told} == {"A scene"}
    stop = Event()
    seen = verdicts(lecture, cancel=stop, progress=lambda p: p.done == 3 and stop.set())
    assert seen == []


# -- recordings ---------------------------------------------------------------------------------


@pytest.fixture
def recorded(text, fence, tmp_path):
    """The path of a lecture whose lane B plays from a recording, which is not there yet."""
    path = tmp_path / "l.md"
    path.write_text(
        text.replace('like = "A"', 'like = "A"\nrecording = "b.initviz"')
        + fence("toml action", "run = 8")
        + fence("expect", "B: loss > 0"),
        encoding="utf-8",
    )
    return path


def test_the_recordings_of_a_lecture_are_known(recorded, tmp_path):
    lecture = read_lecture(recorded)
    experiment = lecture.scenes[0].opening.lanes[1].experiment
    assert recordings_of(lecture) == {tmp_path / "b.initviz": (experiment, 8)}


def test_a_claim_is_held_against_the_recording(recorded, tmp_path, trained):
    lecture = read_lecture(recorded)
    run(lecture.scenes[0].opening.lanes[1].experiment, 8).save(tmp_path / "b.initviz")
    trained.clear()
    (verdict,) = verdicts(lecture)
    assert verdict.holds
    assert trained == []


def test_a_recording_that_is_missing_short_damaged_or_of_something_else_proves_nothing(
    recorded, tmp_path
):
    lecture = read_lecture(recorded)
    a, b = (lane.experiment for lane in lecture.scenes[0].opening.lanes)
    path = tmp_path / "b.initviz"

    def why():
        (verdict,) = verdicts(lecture)
        assert not verdict.holds
        return verdict.measured

    assert why() == "no b.initviz yet: initviz check --record writes it"
    run(a, 8).save(path)
    assert "is of another experiment" in why()
    run(b, 7).save(path)
    assert why() == "b.initviz ends at step 7: 8 are needed"
    path.write_bytes(b"nothing")
    assert why().startswith("b.initviz: ")
