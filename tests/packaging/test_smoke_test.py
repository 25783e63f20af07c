"""What tries a frozen program: it has to see what goes wrong."""

import sys

import pytest
import smoke_test

#: Behaves like initviz as far as it is looked at; GOOD is replaced by what a test makes of it.
PROGRAM = """
import pathlib, sys, time
arguments = sys.argv[1:]
BAD
if arguments[0] == "run":
    pathlib.Path(arguments[-1]).write_bytes(b"SQLite format 3\\0")
elif arguments[0] == "export":
    heads = {".png": b"\\x89PNG", ".svg": b"<?xml", ".py": b'\"\"\"', ".csv": b"step"}
    out = pathlib.Path(arguments[2])
    out.write_bytes(heads[out.suffix])
elif arguments[0].endswith(".initviz"):
    time.sleep(60)
print({"--version": "device: CPU", "--smoke-test": "smoke test passed",
       "check": "3 claims hold"}.get(arguments[0], "all is well"))
"""


@pytest.fixture
def tried(tmp_path, monkeypatch, capsys):
    """Return what tries such a program: its status and what was printed."""
    monkeypatch.setattr(smoke_test, "OPEN_FOR", 0.3)

    def tried(bad=""):
        program = tmp_path / "program.py"
        program.write_text(PROGRAM.replace("BAD", bad), encoding="utf-8")
        folder = tmp_path / "folder"
        folder.mkdir()
        status = smoke_test.main(["--folder", str(folder), sys.executable, str(program)])
        return status, capsys.readouterr().out

    return tried


def test_a_program_that_works_passes(tried):
    status, said = tried()
    assert status == 0
    assert said.count("ok  ") == 9
    assert "FAILED" not in said


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("print('QFontDatabase: no fonts', file=sys.stderr)", "it said: QFontDatabase: no fonts"),
        ("if arguments[0] == 'check': sys.exit(1)", "check of a lecture: exit status 1"),
        ("if arguments[0] == '--smoke-test': sys.exit(0)", "it did not say 'smoke test passed'"),
        ("if arguments[0] == 'export': sys.exit(0)", "panel.png was not written"),
        ("if arguments[0].endswith('.initviz'): sys.exit(0)", "the window closed by itself"),
        ("print('a cache could not be written')", "it said: a cache could not be written"),
    ],
)
def test_what_goes_wrong_is_told_and_fails(tried, bad, told):
    status, said = tried(bad)
    assert status == 1
    assert told in said


def test_a_file_that_is_something_else_fails(tried):
    write = "pathlib.Path(arguments[-1]).write_bytes(b'x')"
    bad = f"if arguments[0] == 'run': {write}; sys.exit()"
    status, said = tried(bad)
    assert status == 1
    assert "small.initviz does not begin with" in said


def test_a_program_that_is_not_there_fails(tmp_path, capsys):
    status = smoke_test.main(["--folder", str(tmp_path), str(tmp_path / "missing")])
    assert status == 1
    assert "No such file" in capsys.readouterr().out
