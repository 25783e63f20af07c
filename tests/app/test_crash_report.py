"""Reports of failures: written as they happen, told once, and never in the way."""

import os
import subprocess
import sys
import threading

import pytest

from initviz.app.crash_report import LONGEST, CrashReports, log_folder
from initviz.app.log_file import logging_to
from initviz.app.main import main

DYING = """
import sys
from pathlib import Path
from initviz.app.crash_report import CrashReports
reports = CrashReports(Path(sys.argv[1]))
reports.begin()
{how}
"""


def die(folder, how):
    """A program that ends in a bad way."""
    code = DYING.format(how=how)
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )


def left_over(folder):
    return CrashReports(folder).left_over()


@pytest.fixture
def reports(tmp_path):
    made = CrashReports(tmp_path / "logs")
    made.begin()
    yield made
    made.close()


def test_a_fault_that_kills_the_program_is_found_at_the_next_start_and_told_once(tmp_path):
    assert die(tmp_path, "import faulthandler; faulthandler._sigsegv()").returncode != 0
    told = left_over(tmp_path)
    assert told.startswith("initviz ")
    assert "Segmentation fault" in told
    assert "PyTorch" in told.splitlines()[0]
    assert left_over(tmp_path) == ""


def test_an_exception_that_ends_the_program_is_found_with_its_traceback(tmp_path):
    done = die(tmp_path, "raise LookupError('the cupboard is bare')")
    assert "the cupboard is bare" in done.stderr
    assert "LookupError: the cupboard is bare" in left_over(tmp_path)


def test_a_program_that_ended_well_or_was_killed_leaves_nothing_to_tell(tmp_path):
    die(tmp_path, "reports.close()")
    die(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert left_over(tmp_path) == ""
    assert not list(tmp_path.glob("*.txt"))


def test_what_another_program_that_lives_is_writing_is_left_alone(reports, tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from initviz.app.crash_report import CrashReports\n"
        "print(repr(CrashReports(Path(sys.argv[1])).left_over()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "logs")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "''"
    assert len(list((tmp_path / "logs").glob("*.txt"))) == 1


def test_an_exception_in_any_thread_is_told_at_once(reports, capsys):
    heard = []
    reports.failed = heard.append
    thread = threading.Thread(target=lambda: 1 / 0, name="worker")
    thread.start()
    thread.join()
    assert len(heard) == 1
    assert "ZeroDivisionError" in heard[0]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_report_is_bounded(reports, capsys):
    heard = []
    reports.failed = heard.append
    sys.excepthook(ValueError, ValueError("x" * 1_000_000), None)
    assert len(heard[0]) == LONGEST
    capsys.readouterr()


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    reports = CrashReports(tmp_path / "file" / "logs")
    reports.begin()
    assert reports.left_over() == ""
    reports.close()
    with logging_to(tmp_path / "file" / "logs"):
        pass


def test_the_hooks_of_before_come_back(tmp_path):
    before = sys.excepthook, threading.excepthook
    reports = CrashReports(tmp_path)
    reports.begin()
    assert (sys.excepthook, threading.excepthook) != before
    reports.close()
    assert (sys.excepthook, threading.excepthook) == before


@pytest.mark.allow_log("not foreseen")
def test_a_mistake_of_ours_is_one_line_on_the_command_line_and_a_traceback_in_the_log(
    monkeypatch, capsys
):
    def broken(_request):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("initviz.app.main._answer", broken)
    assert main([]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "RuntimeError: two lines" in said
    assert "Traceback" in (log_folder() / "initviz.log").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name != "posix", reason="what is private is said otherwise there")
def test_logs_lie_where_the_platform_has_them():
    assert str(log_folder()).startswith(os.environ["HOME"])
