"""Experiment files: data stay where they are, wherever the files are read from."""

from pathlib import Path

import pytest

from initviz.lab.experiment import Experiment
from initviz.lab.experiment_files import read_experiment, write_experiment


def with_data(path):
    return Experiment().with_values({"training.data": "file", "training.path": path})


def test_what_was_written_comes_back(tmp_path):
    experiment = Experiment(title="Kleine Gewichte").with_value("network.width", 7)
    write_experiment(experiment, tmp_path / "a.toml")
    assert read_experiment(tmp_path / "a.toml") == experiment
    assert [file.name for file in tmp_path.iterdir()] == ["a.toml"]


@pytest.mark.parametrize("text", ["data = 'my.csv'", "data = 'file'\npath = 'my.csv'"])
def test_a_relative_path_starts_from_the_experiments_folder(tmp_path, monkeypatch, text):
    file = tmp_path / "course" / "a.toml"
    file.parent.mkdir()
    file.write_text(f"[training]\n{text}\n")
    expected = str(tmp_path / "course" / "my.csv")
    assert read_experiment(file).training.path == expected
    monkeypatch.chdir(file.parent)
    assert read_experiment(Path("a.toml")).training.path == expected
    monkeypatch.chdir(tmp_path)
    assert read_experiment(Path("course/a.toml")).training.path == expected


@pytest.mark.parametrize("path", ["/data/my.csv", "~/data/my.csv", ""])
def test_other_paths_stay_as_they_are(tmp_path, path):
    experiment = with_data(path)
    write_experiment(experiment, tmp_path / "a.toml")
    assert read_experiment(tmp_path / "a.toml") == experiment


def test_a_folder_with_an_experiment_and_its_data_can_be_moved(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    experiment = with_data(str(here / "data" / "my.csv"))
    write_experiment(experiment, here / "a.toml")
    assert 'path = "data/my.csv"' in (here / "a.toml").read_text()
    assert read_experiment(here / "a.toml") == experiment
    here.rename(there)
    moved = read_experiment(there / "a.toml").training.path
    assert moved == str(there / "data" / "my.csv")


def test_data_elsewhere_are_named_in_full(tmp_path):
    experiment = with_data(str(tmp_path / "elsewhere" / "my.csv"))
    (tmp_path / "here").mkdir()
    write_experiment(experiment, tmp_path / "here" / "a.toml")
    (tmp_path / "here" / "a.toml").rename(tmp_path / "a.toml")
    assert read_experiment(tmp_path / "a.toml") == experiment


def test_a_run_finds_the_data_beside_its_experiment(tmp_path, monkeypatch):
    from initviz import run

    rows = "".join(f"{i},{-i},{i % 2}\n" for i in range(20))
    (tmp_path / "my.csv").write_text(rows)
    text = "[network]\nhidden_layers = 1\nwidth = 3\n[training]\ndata = 'my.csv'\n"
    (tmp_path / "a.toml").write_text(text)
    monkeypatch.chdir("/")
    recording = run(read_experiment(tmp_path / "a.toml"), steps=1)
    assert recording.weights("hidden 1", step=0).shape == (3, 2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"network = 3", "network = 3 is not allowed"),
        (b"\xff\xfe", "not a text file in UTF-8"),
        (b"x" * 1_000_001, "too large to be an experiment file"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, said):
    file = tmp_path / "a.toml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"\S") as caught:
        read_experiment(file)
    assert str(caught.value).startswith(f"{file}: {said}")


def test_a_path_that_is_too_long_is_named(tmp_path):
    file = tmp_path / "a.toml"
    file.write_text(f"[training]\npath = '{'x' * 4000}'\n")
    with pytest.raises(ValueError, match=r"training\.path = ") as caught:
        read_experiment(file)
    assert str(caught.value).startswith(f"{file}: ")
