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
        "def watched(self, *trainer):\n"
        "    assert self.isVisible() and 'torch' not in sys.modules\n"
        "    begin(self, *trainer)\n"
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


def _opened(path, tmp_path, *, seconds=60):
    """What the program says of a file, its window being closed as soon as it is there."""
    code = (
        "import sys; from PySide6.QtCore import QTimer; from initviz.app import main as m\n"
        "create = m.create_window\n"
        "def closing(*arguments, **how):\n"
        "    window = create(*arguments, **how)\n"
        "    print(window.recording('A').last_step if window.recording('A') else 'none')\n"
        "    QTimer.singleShot(0, window.close)\n"
        "    return window\n"
        "m.create_window = closing\n"
        "sys.exit(m.main(sys.argv[1:]))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**QUIET, "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def test_a_recording_is_opened_from_the_command_line(tmp_path):
    path = tmp_path / "run.initviz"
    small = initviz.Experiment().with_values({"network.hidden_layers": 2, "network.width": 8})
    initviz.run(small, steps=4).save(path)
    done = _opened(path, tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "4"), done.stderr


@pytest.mark.parametrize("name", ["bad.toml", "bad.initviz", "nowhere.initviz"])
def test_a_bad_file_is_one_line_and_exit_2(tmp_path, name):
    path = tmp_path / name
    if not name.startswith("nowhere"):
        path.write_text("no such thing", encoding="utf-8")
    done = _opened(path, tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1
