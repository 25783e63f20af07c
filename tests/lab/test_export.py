"""A run as CSV, JSON and NPZ, read back by those who know nothing of initviz."""

import csv
import json
import math
import tomllib

import numpy as np
import pytest

from initviz.lab.experiment import Experiment
from initviz.lab.export import ENDINGS, export_run
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.training import new_recording, run


@pytest.fixture(scope="module")
def recording():
    settings = {
        "network.architecture": "lstm",
        "network.hidden_layers": 2,
        "network.width": 6,
        "training.data": "digit_rows",
        "training.clip_norm": 0.5,
        "training.batch_size": 16,
    }
    return run(Experiment().with_values(settings), 12)


@pytest.fixture(scope="module")
def diverged():
    settings = {
        "network.activation": "relu",
        "network.hidden_layers": 2,
        "network.width": 6,
        "training.learning_rate": 1e30,
        "training.data": "moons",
    }
    return run(Experiment().with_values(settings), 6)


def written(recording, folder, ending):
    path = folder / f"run{ending}"
    export_run(recording, path)
    assert [file.name for file in folder.iterdir()] == [path.name]
    return path


def number(text):
    return float(text) if text else None


# -- CSV ------------------------------------------------------------------------------------------


def test_csv_has_a_row_for_each_step_and_layer(recording, tmp_path):
    with written(recording, tmp_path, ".csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "layer", "time", *SCALARS, *QUANTITIES, *TIME_QUANTITIES]
    for name in QUANTITIES:
        track = recording.track(name)
        found = [
            (int(r["step"]), r["layer"], float(r[name])) for r in rows if r["layer"] and r[name]
        ]
        wanted = [
            (int(step), layer, float(value))
            for step, row in zip(track.steps, track.values, strict=True)
            for layer, value in zip(recording.layers, row, strict=True)
        ]
        assert repr(found) == repr(wanted)  # NaN is not equal to itself


def test_csv_has_scalars_where_there_is_no_layer(recording, tmp_path):
    with written(recording, tmp_path, ".csv").open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if not r["layer"] and not r["time"]]
    assert [int(r["step"]) for r in rows] == recording.steps.tolist()
    assert [float(r["loss"]) for r in rows] == recording.scalar("loss").tolist()
    given = [number(r["test_accuracy"]) for r in rows]
    kept = recording.scalar_track("test_accuracy")
    assert [value for value in given if value is not None] == kept.values[:, 0].tolist()
    assert None in given  # not measured at every step
    assert {r["learning_rate"] for r in rows} == {""}  # never measured


def test_csv_has_rows_along_time(recording, tmp_path):
    with written(recording, tmp_path, ".csv").open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["time"] and r["step"] == "0"]
    assert [int(r["time"]) for r in rows] == list(range(1, 9))
    _, values = recording.latest_time("cell_gradient_norm", 0)
    assert [float(r["cell_gradient_norm"]) for r in rows] == values.tolist()


def test_csv_tells_undefined_from_not_measured(diverged, tmp_path):
    with written(diverged, tmp_path, ".csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    last = [r for r in rows if r["step"] == "6" and not r["layer"]]
    assert last[0]["loss"] == "nan"
    first = next(r for r in rows if r["layer"] == "hidden 1")
    assert first["update_ratio"] == "nan"  # measured at step 0, where it is not defined
    assert first["loss"] == ""


# -- JSON -----------------------------------------------------------------------------------------


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_json_has_every_series(recording, tmp_path):
    data = read_json(written(recording, tmp_path, ".json"))
    assert (data["format"], data["version"]) == ("initviz run", 1)
    assert Experiment.from_dict(data["experiment"]) == recording.experiment
    assert data["layers"] == list(recording.layers)
    assert data["last_step"] == 12
    assert data["environment"]["versions"] == recording.environment.versions
    for group, names, track_of in (
        ("scalars", SCALARS, recording.scalar_track),
        ("quantities", QUANTITIES, recording.track),
        ("along_time", TIME_QUANTITIES, recording.time_track),
    ):
        assert list(data[group]) == list(names)
        for name in names:
            track = track_of(name)
            values = np.array(data[group][name]["values"], dtype=float)
            assert data[group][name]["steps"] == track.steps.tolist()
            assert np.array_equal(values.ravel(), track.values.ravel(), equal_nan=True)
    assert [f["kind"] for f in data["findings"]] == [f.kind for f in recording.findings()]


def test_json_is_strict_where_a_run_diverged(diverged, tmp_path):
    data = read_json(written(diverged, tmp_path, ".json"))
    last = data["scalars"]["loss"]["values"][-1]
    assert last == "NaN"
    assert math.isnan(float(last))
    everything = json.dumps(data)
    assert "null" not in everything
    assert '"Infinity"' in everything
    assert float("Infinity") == math.inf


# -- NPZ ------------------------------------------------------------------------------------------


def test_npz_has_every_array_without_pickles(recording, tmp_path):
    with np.load(written(recording, tmp_path, ".npz"), allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    assert Experiment.from_dict(tomllib.loads(str(arrays["experiment"]))) == recording.experiment
    assert arrays["layers"].tolist() == list(recording.layers)
    assert int(arrays["version"]) == 1
    for name in SCALARS:
        assert np.array_equal(arrays[name], recording.scalar_track(name).values[:, 0])
    for name, track_of in (
        *((name, recording.track) for name in QUANTITIES),
        *((name, recording.time_track) for name in TIME_QUANTITIES),
    ):
        assert np.array_equal(arrays[f"{name}.steps"], track_of(name).steps)
        assert np.array_equal(arrays[name], track_of(name).values, equal_nan=True)
    for name in HISTOGRAMS:
        for row, step in enumerate(arrays["histogram.steps"]):
            counts, edges = recording.histogram(name, int(step))
            assert np.array_equal(arrays[f"histogram.{name}.counts"][row], counts)
            assert np.array_equal(arrays[f"histogram.{name}.edges"][row], edges)
            outside = recording.histogram_outside(name, int(step))
            assert np.array_equal(arrays[f"histogram.{name}.outside"][row], outside)
    assert {0, 12} <= set(arrays["weights.steps"].tolist())
    for layer in recording.layers:
        for step in arrays["weights.steps"].tolist():
            kept = recording.weights(layer, step)
            assert np.array_equal(arrays[f"weights.{layer}.step {step}"], kept)


def test_npz_of_a_network_without_sequences_has_nothing_along_time(diverged, tmp_path):
    with np.load(written(diverged, tmp_path, ".npz"), allow_pickle=False) as data:
        assert data["state_gradient_norm"].size == 0
        assert not np.isfinite(data["loss"][-1])


# -- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_before_its_first_step_is_written_too(ending, tmp_path):
    assert written(new_recording(Experiment()), tmp_path, ending).stat().st_size > 0


def test_another_ending_is_refused(recording, tmp_path):
    with pytest.raises(ValueError, match=r"run\.parquet ends with none of \.csv, \.json, \.npz"):
        export_run(recording, tmp_path / "run.parquet")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("before")

    class Broken:
        def __getattr__(self, name):
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        export_run(Broken(), path)
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_a_folder_that_is_not_there_is_told(recording, tmp_path):
    with pytest.raises(FileNotFoundError):
        export_run(recording, tmp_path / "nowhere" / "run.csv")
