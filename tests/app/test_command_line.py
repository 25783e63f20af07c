"""What may be typed after `initviz`, and what is said of a mistake."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import initviz
from initviz.app.command_line import OpenWindow, SmokeTest, Train, parse
from initviz.app.main import main


def printed(capsys, arguments, status):
    """(standard output, standard error) of a call that prints and leaves."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == status
    return capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        ([], OpenWindow(None)),
        (["a.toml"], OpenWindow(Path("a.toml"))),
        (["./run"], OpenWindow(Path("./run"))),
        (["--", "run"], OpenWindow(Path("run"))),
        (["--smoke-test"], SmokeTest()),
        (["run", "a.toml"], Train(Path("a.toml"), None, None, ())),
        (["run", "run"], Train(Path("run"), None, None, ())),
        (
            ["run", "--set", "a.b=1", "a.toml", "--steps", "0", "--set", "c = x=y"],
            Train(Path("a.toml"), 0, None, (("a.b", "1"), ("c", "x=y"))),
        ),
        (
            ["run", "a.toml", "--out=b c.initviz", "--set=title="],
            Train(Path("a.toml"), None, Path("b c.initviz"), (("title", ""),)),
        ),
    ],
)
def test_what_is_typed_is_understood(arguments, request_):
    assert parse(arguments) == request_


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], "--nonsense"),
        (["--smoke"], "--smoke"),
        (["a.toml", "b.toml"], "b.toml"),
        (["run"], "EXPERIMENT.toml"),
        (["run", "a.toml", "b.toml"], "b.toml"),
        (["run", "a.toml", "--steps"], "--steps: expected one argument"),
        (["run", "a.toml", "--steps", "-1"], "--steps: '-1' is not a whole number of at least 0"),
        (["run", "a.toml", "--steps", "many"], "'many' is not a whole number"),
        (["run", "a.toml", "--steps", "1.5"], "'1.5' is not a whole number"),
        (["run", "a.toml", "--steps", "9" * 5000], "is not a whole number"),
        (["run", "a.toml", "--set", "network.width"], "'network.width' is not of the form"),
        (["run", "a.toml", "--set", "=3"], "'=3' is not of the form KEY=VALUE"),
        (["run", "a.toml", "--set", "two\nlines"], "two"),
        (["run", "a.toml", "--out", "a.toml"], "--out: the name of a recording ends in .initviz"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, words, capsys):
    out, error = printed(capsys, arguments, 2)
    assert out == ""
    assert error.count("\n") == 1
    assert len(error) < 250
    assert words in error
    assert error.startswith("initviz")


def test_help_names_every_form(capsys):
    out, error = printed(capsys, ["--help"], 0)
    for words in ("initviz [FILE]", "initviz run EXPERIMENT.toml", "--smoke-test", "--version"):
        assert words in out
    assert error == ""


def test_help_of_run_names_its_options(capsys):
    out, _ = printed(capsys, ["run", "--help"], 0)
    for words in ("--steps N", "default: 1000", "--out FILE.initviz", "--set KEY=VALUE"):
        assert words in out


def test_version_begins_with_our_own(capsys):
    out, _ = printed(capsys, ["--version"], 0)
    first, second, third = out.splitlines()
    assert first == f"initviz {initviz.__version__}"
    assert "PyTorch 2." in second
    assert "Qt 6." in second
    assert re.fullmatch(r"device: .+, \d+ threads?; statistics (in C|by NumPy)", third)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("version = 1\n[network]\nwidht = 3\n", "network.widht = 3: unknown key"),
        ("[", "not valid TOML"),
        ("\udcff", "not a text file in UTF-8"),
        ("version = 99", "newer"),
    ],
)
@pytest.mark.parametrize("form", [["run"], []], ids=["run", "the window"])
def test_a_file_that_cannot_be_used_is_told_in_one_line(form, text, words, tmp_path, capsys):
    path = tmp_path / "a.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert main([*form, str(path)]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert error.startswith(f"initviz: {path}: ")
    assert words in error


def test_the_program_is_installed_under_its_name(tmp_path):
    program = shutil.which("initviz", path=str(Path(sys.executable).parent))
    for command in ([program], [sys.executable, "-m", "initviz"]):
        done = subprocess.run(
            [*command, "run", "none.toml"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert done.stderr == "initviz: none.toml: No such file or directory\n"
