"""`initviz --smoke-test` in processes of its own: it passes on a sound installation, and says what
is wrong with another."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from initviz.app import settings

PROGRAM = [sys.executable, "-m", "initviz", "--smoke-test"]


def smoke(command=PROGRAM, **environment):
    return subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )


def assert_passed(done):
    assert (done.returncode, done.stdout, done.stderr) == (0, "smoke test passed\n", "")


def test_it_passes_without_a_screen_and_leaves_the_settings_alone():
    path = settings.default_path()
    path.parent.mkdir(parents=True)
    path.write_text('theme = "dark"\n', encoding="utf-8")
    assert_passed(smoke(QT_QPA_PLATFORM="offscreen"))
    assert path.read_text(encoding="utf-8") == 'theme = "dark"\n'
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs xvfb-run")
def test_it_passes_on_an_x_server():
    assert_passed(smoke(["xvfb-run", "-a", *PROGRAM], QT_QPA_PLATFORM="xcb"))


FAULTY = """
import sys, time
from initviz.app import main, smoke_test
smoke_test.PATIENCE, smoke_test.LIMIT = 15.0, 20.0

def a_panel_raises():
    from initviz.ui.panels.loss import Loss
    Loss.read = lambda self: 1 / 0

def a_panel_does_not_draw():
    from initviz.ui.panels.loss import Loss
    Loss.drawn = lambda self: None
    smoke_test.PATIENCE = 9.0

def qt_complains():
    from initviz.ui.window import MainWindow
    from PySide6.QtCore import qWarning
    MainWindow.focus_panels = lambda self: qWarning("something is odd")

def training_fails():
    from initviz.lab import training
    def fail(*arguments, **how):
        raise RuntimeError("the device burns")
    training.train = fail

def the_window_hangs():
    main.create_window = lambda *arguments, **how: time.sleep(1000)
    smoke_test.LIMIT = 1.0

globals()[sys.argv[1]]()
sys.exit(main.main(["--smoke-test"]))
"""


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("a_panel_raises", "ZeroDivisionError: division by zero (<string>:8)"),
        ("a_panel_does_not_draw", "after 9 s panels had not drawn: loss"),
        ("qt_complains", "something is odd"),
        ("training_fails", "the device burns"),
        ("the_window_hangs", "it hung for 1 s"),
    ],
)
def test_a_fault_is_told_in_one_line(fault, words):
    began = time.monotonic()
    done = smoke([sys.executable, "-c", FAULTY, fault], QT_QPA_PLATFORM="offscreen")
    assert time.monotonic() - began < 60
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"smoke test failed: {words}\n"


def test_a_missing_screen_is_told_in_one_line():
    done = smoke(QT_QPA_PLATFORM="nonsense")
    assert done.returncode == 1
    assert done.stderr.startswith("smoke test failed: ")
    assert done.stderr.count("\n") == 1
