"""What a lecture's text becomes."""

import subprocess
import sys

from initviz.lab.experiment import Experiment, differences
from initviz.lab.lectures import parse_lecture, read_lecture

PANELS = {"gradient_magnitude": {"scale": ("relative", "absolute")}, "loss": {}}


def test_a_scene_has_its_lanes_whole(text):
    lecture = parse_lecture(text, "x.md", panels=PANELS)
    assert (lecture.title, lecture.number, lecture.minutes) == ("A title", None, 5)
    assert (lecture.summary, lecture.source) == ("A sentence.", "x.md")
    (scene,) = lecture.scenes
    assert (scene.title, scene.line, scene.seeds) == ("A scene", 9, 1)
    a, b = scene.opening.lanes
    assert a.experiment == Experiment.from_dict(
        {"network": {"hidden_layers": 3, "width": 8}, "training": {"data": "blobs"}}
    )
    assert [d.key for d in differences(a.experiment, b.experiment)] == ["initialiser.scheme"]
    assert scene.beats[0].text == "A text."


def test_beats_are_divided_by_rules_and_hold_what_stands_in_them(text, fence):
    lecture = parse_lecture(
        text
        + "\n<!-- say it slowly -->\n"
        + "\n---\n\nMore, a < b <!-- an aside --> and **A**.\n\n> **Note.** A quote.\n"
        + fence("python", "print(1)")
        + fence("toml action", "run = '2 epochs'", "pace = 4", "go = 0", "highlight = 'hidden 2'")
        + fence(
            "toml question",
            "ask = 'Which?'",
            "choices = ['a', 'b']",
            "answer = 2",
            "because = '$x$'",
        )
        + fence("expect", "# a remark", "loss < 3", "", "B: finding = healthy")
    )
    first, second = lecture.scenes[0].beats
    assert (first.text, first.notes) == ("A text.", "say it slowly")
    assert second.text == (
        "More, a < b  and **A**.\n\n> **Note.** A quote.\n\n```python\nprint(1)\n```"
    )
    assert second.notes == "an aside"
    action, question = second.action, second.question
    assert (action.run, action.unit, action.pace) == (2, "epochs", 4.0)
    assert (action.go, action.highlight) == (0, "hidden 2")
    assert (question.ask, question.choices, question.answer) == ("Which?", ("a", "b"), 2)
    assert [(e.lane, e.subject) for e in second.expectations] == [("A", "loss"), ("B", "finding")]
    lines = text.count("\n")
    assert first.line == 9
    assert second.line == lines + 4
    assert not second.acts_on_answer


def test_an_action_below_its_question_waits_for_the_answer(text, fence):
    question = fence("toml question", "ask = '?'", "choices = ['a', 'b']", "answer = 1")
    lecture = parse_lecture(text + question + fence("toml action", "run = 3"))
    assert lecture.scenes[0].beats[0].acts_on_answer


def test_a_sketch_asks_for_a_curve_of_a_lane(text, fence):
    sketch = fence("toml question", "ask = '?'", "sketch = 'gradient_magnitude'", "lane = 'B'")
    question = parse_lecture(text + sketch, panels=PANELS).scenes[0].beats[0].question
    assert (question.sketch, question.lane, question.answer) == ("gradient_magnitude", "B", 0)


def test_lanes_can_be_like_another_or_one_of_the_scene_before(text, fence):
    second = "\n## Another\n" + fence(
        "toml scene",
        "[lanes.A]",
        "like = 'before.B'",
        "network.width = 9",
        "[lanes.B]",
        "like = 'before'",
        "[lanes.C]",
        "like = 'A'",
        "initialiser = { std = 0.5, scheme = 'normal' }",
        "recording = 'c.initviz'",
    )
    lecture = parse_lecture(text + second)
    before = {lane.letter: lane.experiment for lane in lecture.scenes[0].opening.lanes}
    a, b, c = lecture.scenes[1].opening.lanes
    assert a.experiment == before["B"].with_value("network.width", 9)
    assert b.experiment == before["B"]
    assert (c.experiment.initialiser.name, c.experiment.initialiser.std) == ("normal", 0.5)
    assert c.experiment.network.width == 9
    assert (a.recording, c.recording.name) == (None, "c.initviz")


def test_data_and_recordings_lie_beside_the_lecture(text, tmp_path):
    (tmp_path / "own.csv").write_text("a,b,label\n1,2,x\n2,1,y\n" * 5, encoding="utf-8")
    path = tmp_path / "l.md"
    changed = text.replace('"blobs"', '"own.csv"').replace(
        'like = "A"', 'like = "A"\nrecording = "b.initviz"'
    )
    path.write_text(changed, encoding="utf-8")
    a, b = read_lecture(path).scenes[0].opening.lanes
    assert a.experiment.training.path == b.experiment.training.path == str(tmp_path / "own.csv")
    assert b.recording == tmp_path / "b.initviz"


def test_line_ends_and_a_byte_order_mark_make_no_difference(text, tmp_path):
    path = tmp_path / "l.md"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    found = read_lecture(path)
    assert found.scenes == parse_lecture(text, folder=tmp_path).scenes


def test_reading_a_lecture_loads_neither_torch_nor_qt(template):
    code = (
        "import sys; from pathlib import Path; from initviz.lab.lectures import read_lecture\n"
        f"read_lecture(Path({str(template)!r}))\n"
        "print([m for m in ('torch', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
