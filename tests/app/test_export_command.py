"""`initviz export`: from a recording or an experiment to every kind of file."""

import csv
import json
import os
import re
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from initviz.app.command_line import Export, parse
from initviz.app.main import main
from initviz.lab.experiment import Experiment
from initviz.lab.training import run
from initviz.ui import animation
from initviz.ui.panels import PANELS

SMALL = """
version = 1
title = "A small one"
[network]
hidden_layers = 3
width = 6
[training]
data = "blobs"
length = 12
[run]
device = "cpu"
"""


@pytest.fixture(scope="module")
def recording():
    return run(Experiment.from_toml(SMALL), 12)


@pytest.fixture
def folder(tmp_path, monkeypatch, recording):
    """The current directory, with an experiment and a recording in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(SMALL, encoding="utf-8")
    recording.save("a.initviz")
    return tmp_path


@pytest.fixture
def export(folder, capsys, qapp):
    """Export, and give what was printed of it."""

    def do(*arguments, status=0):
        assert main(["export", *arguments]) == status
        out, error = capsys.readouterr()
        assert error == "" if status == 0 else out == ""
        return out if status == 0 else error

    return do


def test_what_is_typed_is_understood():
    found = parse(["export", "a.initviz", "b.png", "--panel", "loss", "--step", "7"])
    assert isinstance(found, Export)
    assert (found.source.name, found.out.name, found.panel, found.step) == (
        "a.initviz",
        "b.png",
        "loss",
        7,
    )
    assert parse(["export", "a", "b"]).panel is None


@pytest.mark.parametrize("arguments", [["a"], ["a", "b", "c"], ["a", "b", "--step", "x"]])
def test_a_mistyped_line_is_answered_in_one(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(["export", *arguments])
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


# -- the run --------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["a.initviz", "a.toml"])
def test_the_run_is_written_as_csv(source, export, folder, recording):
    assert export(source, "b.csv") == "b.csv\n"
    with (folder / "b.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not row["layer"]]
    assert [float(row["loss"]) for row in rows] == recording.scalar("loss").tolist()


def test_the_run_is_written_as_json_and_npz(export, folder, recording):
    export("a.initviz", "b.json")
    export("a.initviz", "b.npz")
    data = json.loads((folder / "b.json").read_text(encoding="utf-8"))
    assert data["experiment"]["title"] == "A small one"
    with np.load("b.npz") as arrays:
        assert np.array_equal(arrays["loss"], recording.scalar("loss"))


def test_an_experiment_without_a_length_is_run_for_100_steps(export, folder):
    (folder / "b.toml").write_text(SMALL.replace("length = 12", ""), encoding="utf-8")
    export("b.toml", "b.json")
    data = json.loads((folder / "b.json").read_text(encoding="utf-8"))
    assert data["last_step"] == 100


# -- panels -------------------------------------------------------------------------------------


@pytest.mark.parametrize("panel", [kind.name for kind in PANELS])
def test_every_panel_that_has_something_to_show_is_painted(panel, export, folder):
    kind = next(kind for kind in PANELS if kind.name == panel)
    if panel == "gradient_through_time":
        assert "nothing to show" in export("a.initviz", "b.png", "--panel", panel, status=2)
        assert not (folder / "b.png").exists()
    else:
        export("a.initviz", "b.svg", "--panel", panel)
        texts = "".join(ET.parse(folder / "b.svg").getroot().itertext())
        assert kind.title in texts


def test_pictures_are_of_their_kinds(export, folder):
    for ending, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF-")):
        export("a.initviz", f"b{ending}")
        assert (folder / f"b{ending}").read_bytes().startswith(magic)


def test_a_panel_shows_the_step_that_was_asked_for(export, folder):
    for step in ("3", "12"):
        export("a.initviz", f"{step}.svg", "--step", step)
        text = (folder / f"{step}.svg").read_text(encoding="utf-8")
        assert re.search(rf"step {step}\b", text)


def test_csv_of_a_panel_holds_its_numbers(export, folder, recording):
    export("a.initviz", "b.csv", "--panel", "loss")
    with (folder / "b.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["lane", "label", "step", "loss"]
    assert [float(row["loss"]) for row in rows] == recording.scalar("loss").tolist()


@pytest.mark.parametrize("ending", animation.ENDINGS)
def test_the_timeline_is_filmed(ending, export, folder):
    av = pytest.importorskip("av")
    assert export("a.initviz", f"b{ending}", "--panel", "loss") == f"b{ending}\n"
    with av.open(str(folder / f"b{ending}")) as film:
        frames = list(film.decode(video=0))
    assert len(frames) == 13 + animation.REST


def test_a_film_without_its_package_is_answered_in_a_sentence(export, folder, monkeypatch):
    monkeypatch.setattr(animation, "is_available", lambda: False)
    error = export("a.initviz", "b.mp4", status=2)
    assert error == 'initviz: a film needs one more package: pip install "initviz[video]"\n'
    assert not (folder / "b.mp4").exists()


# -- the experiment -----------------------------------------------------------------------------


def test_the_script_of_a_recording_repeats_it(export, recording):
    assert export("a.initviz", "b.py") == "b.py\n"
    losses = runpy.run_path("b.py")["main"](10)
    assert losses == pytest.approx(recording.scalar("loss")[:10].tolist(), rel=1e-6)


def test_data_beside_a_script_are_named(export, folder):
    (folder / "own.csv").write_text("".join(f"{i},{i * i},{i % 2}\n" for i in range(40)))
    own = '[training]\ndata = "own.csv"\n'
    (folder / "own.toml").write_text(own, encoding="utf-8")
    assert export("own.toml", "b.py").split() == ["b.py", "b-data.npz"]


def test_the_experiment_of_a_recording_is_written(export, folder, recording):
    export("a.initviz", "b.toml")
    text = (folder / "b.toml").read_text(encoding="utf-8")
    assert Experiment.from_toml(text) == recording.experiment


# -- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.initviz", "b.parquet"), "b.parquet: the name may end in .csv, .json, .npz, .png"),
        (("a.initviz", "b"), "b: the name may end in"),
        (("gone.initviz", "b.csv"), "gone.initviz"),
        (("gone.toml", "b.csv"), "gone.toml: No such file"),
        (("noise.initviz", "b.csv"), "noise.initviz"),
        (("wrong.toml", "b.csv"), "network.widht"),
        (("a.initviz", "nowhere/b.csv"), "nowhere/b.csv"),
        (("a.toml", "a.toml"), "read and written at once"),
        (("a.initviz", "b.png", "--panel", "los"), "(did you mean 'loss'?); there are gradient_"),
        (("a.initviz", "b.png", "--panel", ""), "there is no panel ''"),
        (("a.initviz", "b.png", "--step", "99"), "--step 99: that step was not kept; the nearest "),
        (("a.initviz", "b.json", "--panel", "loss"), "--panel goes with .png, .svg, .pdf, .gif"),
        (("a.initviz", "b.mp4", "--step", "1"), "--step goes with .png, .svg, .pdf, and with .csv"),
        (("a.initviz", "b.csv", "--step", "1"), "--step goes with"),
    ],
)
def test_bad_input_is_answered_in_one_line(arguments, words, export, folder):
    (folder / "noise.initviz").write_bytes(bytes(range(256)) * 8)
    (folder / "wrong.toml").write_text("[network]\nwidht = 3\n", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    error = export(*arguments, status=2)
    assert words in error
    assert error.startswith("initviz: ")
    assert error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
def test_no_display_is_needed_and_no_qt_for_numbers(folder):
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    bare = {key: value for key, value in os.environ.items() if key not in names}
    code = (
        "import sys; from initviz.app.main import main;"
        "status = main(['export', 'a.initviz', sys.argv[1]]);"
        "print('PySide6.QtWidgets' in sys.modules); sys.exit(status)"
    )
    for out, loads_qt in (("b.json", "False"), ("b.py", "False"), ("b.png", "True")):
        done = subprocess.run(
            [sys.executable, "-c", code, out],
            env=bare,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.split() == [out, loads_qt]
