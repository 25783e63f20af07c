"""`initviz run`: the whole way from a file to a recording and a diagnosis, without Qt."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from initviz import load, run
from initviz.app import run_command
from initviz.app.main import main
from initviz.lab.diagnosis import HEALTHY, RULES, on_early_stop
from initviz.lab.experiment import Experiment
from initviz.lab.wording import SIGNS

SMALL = """
version = 1
title = "A small one"
[network]
hidden_layers = 3
width = 6
[training]
data = "blobs"
"""


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """The name of an experiment file in the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(SMALL, encoding="utf-8")
    return "a.toml"


def test_it_trains_saves_and_diagnoses(experiment, capsys):
    assert main(["run", experiment, "--steps", "20", "--out", "a.initviz"]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    recording = load("a.initviz")
    expected = run(Experiment.from_toml(SMALL), 20)
    assert recording.last_step == 20
    np.testing.assert_array_equal(recording.scalar("loss"), expected.scalar("loss"))
    assert "A small one: diagnosis at step 20" in out
    for finding in recording.findings():
        assert f"{SIGNS[finding.kind]} {finding.kind}" in out
        for word in (finding.message + " " + finding.remedy).split():
            assert word in out
    assert re.search(
        r"^step 20: loss [\d.]+, accuracy [\d.]+ % of the batch, test accuracy [\d.]+ %$",
        out,
        re.MULTILINE,
    )


def test_what_is_piped_is_plain_text(experiment, capsys):
    main(["run", experiment, "--steps", "1"])
    out, _ = capsys.readouterr()
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= run_command.WIDTH


def test_no_steps_still_measure_step_0(experiment, capsys):
    assert main(["run", experiment, "--steps", "0", "--out", "a.initviz"]) == 0
    assert load("a.initviz").steps.tolist() == [0]
    assert "step 0: loss" in capsys.readouterr().out


def test_every_rule_has_a_sign():
    assert {rule.kind for rule in (*RULES, HEALTHY)} <= set(SIGNS)


def test_a_diverged_run_is_a_lesson_and_no_failure(experiment, capsys):
    changes = ["--set", "training.learning_rate=1e30", "--set", "network.activation=relu"]
    assert main(["run", experiment, "--steps", "5", *changes]) == 0
    out, error = capsys.readouterr()
    assert "diverged" in out
    assert "loss NaN" in out
    assert error == ""


# -- how long it trains ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ([], 1000),
        (["training.length=12"], 12),
        # 1 600 of the 2 000 points are there to train on: 16 batches.
        (["training.length=2", "training.unit=epochs", "training.batch_size=100"], 32),
    ],
)
def test_it_is_as_long_as_the_experiment_says_or_a_thousand_steps(changes, last, experiment):
    options = [part for change in changes for part in ("--set", change)]
    assert main(["run", experiment, "--out", "a.initviz", *options]) == 0
    recording = load("a.initviz")
    assert recording.last_step == last
    assert recording.measured("dead_fraction")[-1]


@pytest.mark.parametrize("steps", [3, 20])
def test_a_number_of_steps_outdoes_the_length_of_the_experiment(steps, experiment):
    options = ["--set", "training.length=12", "--steps", str(steps)]
    assert main(["run", experiment, "--out", "a.initviz", *options]) == 0
    assert load("a.initviz").last_step == steps


def test_a_run_that_stands_still_is_stopped_and_a_sentence_says_so(experiment, capsys):
    changes = ["training.early_stopping=true", "training.patience=30", "network.hidden_layers=9"]
    options = [part for change in changes for part in ("--set", change)]
    assert main(["run", experiment, "--out", "a.initviz", *options]) == 0
    recording = load("a.initviz")
    assert recording.stopped == "early"
    assert recording.last_step < 300
    out, error = capsys.readouterr()
    sentence = on_early_stop(recording)
    assert "not converged, it starves" in sentence
    assert " ".join(out.split()).endswith(" ".join(sentence.split()))
    assert error == ""


# -- settings on the command line ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["network.width=4"], {"network.width": 4}),
        (["network.residual=true"], {"network.residual": True}),
        (["network.activation=relu"], {"network.activation": "relu"}),
        (['network.activation="relu"'], {"network.activation": "relu"}),
        (["training.learning_rate=1"], {"training.learning_rate": 1.0}),
        (["training.learning_rate = 1e-3"], {"training.learning_rate": 1e-3}),
        (["network.width=4", "network.width=5"], {"network.width": 5}),
        # The parameter exists only in the scheme that is named after it.
        (
            ["initialiser.gain=2", "initialiser.scheme=glorot_normal"],
            {"initialiser.scheme": "glorot_normal", "initialiser.gain": 2.0},
        ),
        # Each alone makes no sense: what is drawn for an image has to be one.
        (
            ["network.architecture=cnn", "training.data=digits"],
            {"training.data": "digits", "network.architecture": "cnn"},
        ),
        (["title=Two words = fine"], {"title": "Two words = fine"}),
        (["title="], {"title": ""}),
    ],
)
def test_settings_can_be_changed(changes, expected, experiment):
    options = [part for change in changes for part in ("--set", change)]
    assert main(["run", experiment, "--steps", "0", "--out", "a.initviz", *options]) == 0
    found = load("a.initviz").experiment
    wanted = Experiment.from_toml(SMALL)
    for key, value in expected.items():
        wanted = wanted.with_value(key, value)
    assert found == wanted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("network.widht=3", "network.widht = 3: unknown key (did you mean 'width'?)"),
        ("width=3", "width = 3: unknown key"),
        ("network.width=0", "network.width = 0 is not allowed: a whole number from 1 to 4096"),
        ("network.width=wide", "network.width = 'wide' is not allowed"),
        ("network.width=[1]", "network.width = [1] is not allowed"),
        ("network.width=" + "[" * 5000, "network.width = '[["),
        ("network.width=1\nheight=2", "network.width = '1\\nheight=2' is not allowed"),
        ("network.activation=rleu", "did you mean 'relu'?"),
        ("training.learning_rate=nan", "training.learning_rate = nan is not allowed"),
        ("network=3", "network = 3 is not allowed"),
        ("run.device=tpu", "run.device = 'tpu' is not allowed"),
    ],
)
def test_a_bad_setting_is_told_in_one_line(change, words, experiment, capsys):
    assert main(["run", experiment, "--set", change]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert error.startswith("initviz: --set ")
    assert words in error


# -- where the recording goes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("none/a.initviz", "No such file or directory"),
        ("folder.initviz", "no file"),
        ("a.toml/a.initviz", "Not a directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_training(out, words, experiment, capsys):
    os.mkdir("folder.initviz")  # noqa: PTH102
    assert main(["run", experiment, "--steps", "5", "--out", out]) == 2
    report, error = capsys.readouterr()
    assert report == ""
    assert error.count("\n") == 1
    assert error.startswith(f"initviz: {out}: ")
    assert words in error


def test_a_disk_that_fills_up_costs_neither_diagnosis_nor_manners(experiment, capsys):
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        assert main(["run", experiment, "--steps", "20", "--out", "a.initviz"]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    out, error = capsys.readouterr()
    assert error.count("\n") == 1
    assert "a.initviz" in error
    assert "step 20: loss" in out
    assert os.listdir() == ["a.toml"]  # noqa: PTH208


# -- how a run ends early -------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def step(self):
        """The last step that the progress bar showed."""
        return max(map(int, re.findall(r"(\d+)/\d+", self.getvalue())), default=0)


def press_ctrl_c_after(terminal, step):
    deadline = time.monotonic() + 60
    while terminal.step() < step and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="there a signal ends the process")
def test_ctrl_c_ends_the_run_and_keeps_what_it_measured(experiment, capsys, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    before = signal.getsignal(signal.SIGINT)
    presser = threading.Thread(target=press_ctrl_c_after, args=(terminal, 101))
    presser.start()
    try:
        assert main(["run", experiment, "--steps", "1000000000", "--out", "a.initviz"]) == 130
    finally:
        presser.join()
    assert signal.getsignal(signal.SIGINT) is before
    recording = load("a.initviz")
    last = recording.last_step
    assert last > 100
    # The last step was measured wholly, as that of any other run.
    assert recording.measured("dead_fraction")[-1]
    assert not np.isnan(recording.scalar("test_accuracy")[-1])
    assert f"diagnosis at step {last}" in capsys.readouterr().out


def test_a_second_ctrl_c_does_not_wait():
    before = signal.getsignal(signal.SIGINT)
    with run_command._interruptible() as stop:
        assert not stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


LIMITED = """
import resource, sys, torch
from initviz.app.main import main
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400_000_000,) * 2)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
def test_too_little_memory_is_told_in_one_line(experiment):
    changes = ["--set", "network.width=4096", "--set", "network.hidden_layers=10"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "run", experiment, *changes],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"initviz: There is not enough memory .*\n", done.stderr)
    assert done.stdout == ""


# -- what it prints on ------------------------------------------------------------------------


def test_a_terminal_sees_progress(experiment, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["run", experiment, "--steps", "30"]) == 0
    text = terminal.getvalue()
    assert "30/30" in text
    assert "steps/s" in text
    assert "loss" in text


WITHOUT_QT = """
import sys
from initviz.app.main import main
status = main(sys.argv[1:])
assert not [name for name in sys.modules if name.partition(".")[0] in ("PySide6", "pyqtgraph")]
sys.exit(status)
"""


def test_it_needs_neither_qt_nor_a_terminal_that_knows_every_sign(experiment):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_QT, "run", experiment, "--steps", "3"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "step 3: loss" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
def test_a_reader_who_goes_away_causes_no_traceback(experiment):
    with subprocess.Popen(
        [sys.executable, "-m", "initviz", "run", experiment, "--steps", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        program.stdout.close()
        error = program.stderr.read()
    assert error == ""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing is killed like that here")
def test_what_a_killed_run_had_measured_is_in_its_file(experiment):
    command = [sys.executable, "-m", "initviz", "run", experiment, "--steps", "1000000000"]
    out = Path("a.initviz")
    program = subprocess.Popen([*command, "--out", out], cwd=Path.cwd())
    try:
        deadline, seen = time.monotonic() + 60, -1
        while seen < 500 and time.monotonic() < deadline:
            seen = load(out).last_step if out.exists() else -1
            assert program.poll() is None
    finally:
        program.kill()
        program.wait()
    recording = load(out)
    assert recording.last_step >= seen >= 500
    assert recording.checkpoint(0).is_whole
    assert recording.findings()
