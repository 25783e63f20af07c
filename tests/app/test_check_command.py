"""`initviz check`, from the command line to the table and the exit status."""

import io
from pathlib import Path

import pytest

from initviz import load
from initviz.app import command_line
from initviz.app.main import main
from initviz.lab.lectures import shipped
from initviz.ui.panels.known import known_panels

LECTURE = """\
# A title

```toml lecture
version = 1
minutes = 5
summary = "A sentence."
```

## A scene

```toml scene
panels = ["gradient_magnitude"]
seeds = 2

[lanes.A]
network = { hidden_layers = 2, width = 6 }
training.data = "blobs"
```

There are 77 of them.

```expect
loss > 0
finding = {kind}
```
"""


@pytest.fixture
def lecture(tmp_path, monkeypatch):
    """Writes a lecture into the current directory: `lecture(old, new)` changes it first."""
    monkeypatch.chdir(tmp_path)

    def write(old="{kind}", new="vanishing"):
        text = LECTURE.replace(old, new).replace("{kind}", "vanishing")
        Path("l.md").write_text(text, encoding="utf-8")
        return "l.md"

    return write


def checked(capsys, *arguments):
    """The exit status, standard output and standard error of `initviz check`."""
    status = main(["check", *arguments])
    return (status, *capsys.readouterr())


def test_a_claim_that_fails_is_shown_in_a_table(lecture, capsys):
    status, out, error = checked(capsys, lecture("{kind}", "exploding"))
    assert (status, error) == (1, "")
    lines = [line.split() for line in out.splitlines()]
    first = LECTURE[: LECTURE.index("loss >")].count("\n") + 1
    assert ["A", "scene"] in lines
    assert any(line[:4] == [str(first), "loss", ">", "0"] for line in lines)
    assert any(line[:4] == [str(first + 1), "finding", "=", "exploding"] for line in lines)
    assert sum(line[-1:] == ["holds"] for line in lines) == 2
    assert sum(line[-1:] == ["FAILS"] for line in lines) == 2
    assert "l.md: 2 of 4 claims fail" in out
    assert "l.md:9: nothing proves 77 in “There are 77 of them.”" in out


def test_claims_that_hold_give_0(lecture, capsys):
    status, out, error = checked(capsys, lecture("finding = {kind}", "loss < 1000"))
    assert (status, error) == (0, "")
    assert "l.md: 4 claims hold" in out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "gradient_magnitude",
            "gradient_magnitud",
            "l.md:12: 'gradient_magnitud' is no panel (did",
        ),
        (
            "panels = [",
            "options.loss.x = ''\npanels = [",
            "l.md:12: options.loss: this panel is not",
        ),
        ("minutes", "minuts", "l.md:5: minuts is no key"),
    ],
)
def test_a_file_that_is_no_lecture_gives_2_and_one_line(lecture, capsys, old, new, said):
    status, out, error = checked(capsys, lecture(old, new))
    assert (status, out) == (2, "")
    assert error.startswith(f"initviz: {said}")
    assert error.count("\n") == 1


def test_a_name_that_is_none_gives_2_and_those_there_are(capsys):
    status, _, error = checked(capsys, "no-such-lecture")
    assert status == 2
    assert all(path.stem in error for path in shipped())


def test_data_that_are_not_there_give_1_and_one_line(lecture, capsys):
    status, out, error = checked(capsys, lecture('"blobs"', '"none.csv"'))
    assert (status, out) == (1, "")
    assert "none.csv" in error
    assert error.count("\n") == 1


def test_several_files_are_checked_and_the_worst_counts(lecture, capsys, tmp_path):
    name = lecture("finding = {kind}", "loss < 1000")
    (tmp_path / "bad.md").write_text(
        Path(name).read_text(encoding="utf-8").replace("loss > 0", "loss < 0"), encoding="utf-8"
    )
    status, out, _ = checked(capsys, name, "bad.md")
    assert status == 1
    assert out.index("l.md: 4 claims hold") < out.index("bad.md: 2 of 4 claims fail")


def test_recordings_are_written_when_asked_for(lecture, capsys):
    name = lecture('"blobs"', '"blobs"\nrecording = "a.initviz"')
    assert checked(capsys, name)[0] == 1
    text = Path(name).read_text(encoding="utf-8")
    text = text.replace("seeds = 2", "").replace("finding = vanishing", "loss < 1000")
    Path(name).write_text(text + "\n```toml action\nrun = 7\n```\n", encoding="utf-8")
    assert checked(capsys, name, "--record")[0] == 0
    recorded = load("a.initviz")
    assert recorded.scalar_track("loss").steps.tolist() == list(range(8))
    assert recorded.histogram("activation", 0)[0].any()
    assert len(recorded.checkpoint_steps) == 0  # it is mailed: whole weights would be megabytes
    assert checked(capsys, name)[0] == 0


def test_a_terminal_sees_progress(lecture, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    checked(capsys, lecture("There", "```toml action\nrun = 30\n```\n\nThere"))
    assert "A scene" in terminal.getvalue()
    assert "%" in terminal.getvalue()


def test_every_panel_is_known_with_its_options():
    panels = known_panels()
    assert panels["gradient_magnitude"]["scale"] == ("relative", "absolute")
    assert "slow_motion" in panels


# -- what is typed --------------------------------------------------------------------------------


def test_what_is_typed_becomes_a_request():
    parse = command_line.parse
    assert parse(["check", "a.md", "3"]) == command_line.Check(("a.md", "3"))
    assert parse(["check", "--record", "a.md"]) == command_line.Check(("a.md",), record=True)
    assert parse(["lecture", "too-small"]) == command_line.Lecture("too-small")


@pytest.mark.parametrize("arguments", [["check"], ["lecture"], ["lecture", "a", "b"]])
def test_a_wrong_number_of_names_gives_2_and_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.parse(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert error.count("\n") == 1
