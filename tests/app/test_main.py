"""The program: its command line, and its start."""

import os
import subprocess
import sys

import pytest

import initviz
from initviz.app import command_line
from initviz.app.main import main

QUIET = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines()[0] == f"initviz {initviz.__version__}"


def test_an_unknown_option_is_refused_with_2_and_no_traceback(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--nonsense"])
    assert ended.value.code == 2
    assert "--nonsense" in capsys.readouterr().err


def test_a_file_is_an_argument(tmp_path):
    assert command_line.parse([]).file is None
    assert command_line.parse([str(tmp_path)]).file == tmp_path


def test_reading_the_command_line_loads_neither_torch_nor_qt():
    code = (
        "import sys; from initviz.app import main, command_line; command_line.parse([]);"
        "sys.exit(any(m in sys.modules for m in ('torch', 'PySide6', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_window_is_there_before_torch_is(tmp_path):
    code = (
        "import sys; from initviz.app.main import create_window; import initviz.ui.window as w\n"
        "begin = w.MainWindow.begin\n"
        "def watched(self):\n"
        "    assert self.isVisible() and 'torch' not in sys.modules\n"
        "    begin(self)\n"
        "w.MainWindow.begin = watched\n"
        "create_window([]).close()\n"
    )
    environment = {**QUIET, "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_smoke_test_passes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "initviz", "--smoke-test"],
        env={**QUIET, "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "smoke test passed"), done.stderr
