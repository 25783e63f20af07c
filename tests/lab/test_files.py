"""Recording files: what was saved comes back, and nothing that a file says is believed."""

import json
import os
import sqlite3
import zlib
from contextlib import closing

import numpy as np
import pytest

from initviz import load, run
from initviz.lab.quantities import BINS, HISTOGRAMS
from initviz.lab.recording import Environment
from initviz.lab.snapshot import Histogram, Snapshot
from tests.lab.recording_files import empty, refusal

# -- what was saved comes back --------------------------------------------------------------------


def test_what_is_read_equals_what_was_saved(small_run, path, assert_same):
    assert len(small_run.steps) == 13
    assert_same(load(path), small_run)


@pytest.mark.parametrize(
    "changes",
    [
        {"training.learning_rate": 1e30},
        {"run.precision": "float64", "initialiser.std": 1e-30},
        {"network.width": 1, "network.hidden_layers": 1},
        {"network.architecture": "lstm", "training.data": "digits"},
        {"network.architecture": "rnn", "training.data": "digits"},
        {"network.architecture": "cnn", "training.data": "digits"},
        {"training.clip_norm": 0.1, "training.warmup_steps": 3},
    ],
    ids=[
        "diverged",
        "tiny numbers in float64",
        "the smallest network",
        "along time",
        "along time, without a cell",
        "convolutions",
        "scalars that only some runs have",
    ],
)
def test_extreme_runs_come_back_too(changes, tmp_path, assert_same, small_run):
    experiment = small_run.experiment
    recording = run(experiment.with_values(changes), steps=4)
    recording.save(tmp_path / "x.initviz")
    assert_same(load(tmp_path / "x.initviz"), recording)


def test_a_recording_without_a_step_comes_back(tmp_path):
    empty().save(tmp_path / "empty.initviz")
    assert load(tmp_path / "empty.initviz").last_step == -1


def test_a_run_that_was_stopped_early_is_known_as_such(tmp_path, damaging):
    recording = empty()
    recording.append(Snapshot(0, {"loss": 1.0}, is_last=True, stopped="early"))
    recording.save(tmp_path / "a.initviz")
    assert load(tmp_path / "a.initviz").stopped == "early"
    damaging.set_text(tmp_path / "a.initviz", "stopped", "late")
    assert "how the run ended" in refusal(tmp_path / "a.initviz")


def test_a_recording_that_was_loaded_can_go_on_growing(path):
    loaded = load(path)
    for step in range(13, 200):
        row = np.full(3, float(step))
        loaded.append(Snapshot(step, {"loss": float(step)}, {"weight_norm": row}))
    np.testing.assert_array_equal(loaded.steps, np.arange(200))
    assert loaded.latest("weight_norm", 150)[1].tolist() == [150.0] * 3
    with pytest.raises(ValueError, match="comes after"):
        loaded.append(Snapshot(12, {"loss": 0.0}))


@pytest.mark.parametrize(
    "name", ["a b.initviz", "50%25.initviz", "a?mode=rwc#b.initviz", "ö−φ.initviz", "plain"]
)
def test_any_name_will_do(name, small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_run.save(name)
    assert load(name).last_step == 12
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_file_stands_alone_and_says_what_it_is(path, small_run):
    small_run.save(path)
    assert [p.name for p in path.parent.iterdir()] == ["a.initviz"]
    assert path.read_bytes()[68:72] == b"init"
    load(path)
    assert [p.name for p in path.parent.iterdir()] == ["a.initviz"]


@pytest.mark.parametrize(("count", "dtype"), [(65_535, "<u2"), (65_536, "<i4")])
def test_counts_take_two_bytes_where_two_hold_them(count, dtype, tmp_path, assert_same):
    histogram = Histogram(
        np.full((2, BINS), count, np.int32), np.zeros(2), np.ones(2), np.zeros((2, 4), np.int32)
    )
    recording = empty()
    recording.append(Snapshot(0, {"loss": 1.0}, {}, dict.fromkeys(HISTOGRAMS, histogram)))
    recording.save(tmp_path / "a.initviz")
    assert_same(load(tmp_path / "a.initviz"), recording)
    with closing(sqlite3.connect(tmp_path / "a.initviz")) as database:
        found = database.execute("SELECT DISTINCT dtype FROM arrays WHERE part = 'counts'")
        assert found.fetchall() == [(dtype,)]


def test_a_link_stays_a_link(small_run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "link.initviz", tmp_path / "elsewhere" / "target.initviz"
    link.symlink_to(target)
    small_run.save(link)
    assert link.is_symlink()
    assert load(target).last_step == 12


# -- files of older versions -----------------------------------------------------------------------

OLD_META = (
    "CREATE TABLE meta (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL, "
    "checksum INTEGER NOT NULL)"
)
OLD_ARRAYS = (
    "CREATE TABLE arrays (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, "
    "part TEXT NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, checksum INTEGER NOT NULL, "
    "data BLOB NOT NULL)"
)
#: The whole of an experiment, as the program that wrote such files did.
OLD_EXPERIMENT = """\
version = 1
title = "Old"

[network]
architecture = "mlp"
activation = "leaky_relu"
slope = 0.1
hidden_layers = 1
width = 2
normalisation = "none"
residual = false
branch_scale = 1.0
dropout = 0.0

[initialiser]
scheme = "normal"
bias = 0.5
std = 0.01

[training]
data = "digits"
scaling = "standardised"
loss = "cross_entropy"
optimiser = "sgd"
learning_rate = 0.05
momentum = 0.9
batch_size = 64

[run]
seed = 3
device = "auto"
precision = "float32"
"""


def write_old_file(path, version=1):
    """Every kind of thing that such a file holds, written down here and not by the program."""
    arrays = [
        ("scalar", "loss", {"steps": [0, 1, 7], "values": [[2.0], [1.5], [0.25]]}),
        ("quantity", "weight_norm", {"steps": [0, 7], "values": [[1.0, 2.0], [3.0, 4.0]]}),
        *(
            (
                "histogram",
                name,
                {
                    "steps": [7],
                    "counts": np.ones((1, 2, 64), "<u2"),
                    "low": [[-1.0, -2.0]],
                    "high": [[1.0, 2.0]],
                    "outside": np.zeros((1, 2, 4), "<u2"),
                },
            )
            for name in ("activation", "preactivation", "weight", "weight_gradient")
        ),
        *(
            [("time", "state_gradient_norm", {"steps": [0, 7], "values": [[1.0] * 3] * 2})]
            if version == 2
            else []
        ),
        ("weights", "hidden 1", {"steps": [7], "values": np.full((1, 2, 64), 0.5, "<f4")}),
        ("weights", "output", {"steps": [7], "values": np.full((1, 10, 2), 0.5, "<f4")}),
    ]
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"PRAGMA application_id = {0x696E6974}")
        for statement in (OLD_META, OLD_ARRAYS):
            database.execute(statement)
        count = 0
        for kind, name, parts in arrays:
            for part, values in parts.items():
                array = np.asarray(values)
                label = (kind, name, part, array.dtype.str, json.dumps(array.shape))
                data = array.tobytes()
                checksum = zlib.crc32(data, zlib.crc32("\0".join(label).encode()))
                count += 1
                database.execute(
                    "INSERT INTO arrays VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (count, *label, checksum, data),
                )
        texts = {
            "version": str(version),
            "experiment": OLD_EXPERIMENT,
            "layers": '["hidden 1", "output"]',
            "environment": '{"device": "CPU", "threads": 2, "versions": {"torch": "2.13.0"}}',
            "last_step": "7",
            "arrays": str(count),
            **({"stopped": "early"} if version == 2 else {}),
        }
        for name, text in texts.items():
            checksum = zlib.crc32(b"", zlib.crc32(f"{name}\0{text}".encode()))
            database.execute(
                "INSERT INTO meta (name, value, checksum) VALUES (?, ?, ?)", (name, text, checksum)
            )


def test_a_file_of_the_first_version_is_read(tmp_path):
    write_old_file(tmp_path / "old.initviz")
    old = load(tmp_path / "old.initviz")
    assert old.steps.tolist() == [0, 1, 7]
    assert old.scalar("loss").tolist() == [2.0, 1.5, 0.25]
    np.testing.assert_array_equal(old.series("weight_norm")[[0, 2]], [[1, 2], [3, 4]])
    assert (old.histogram("weight", 7)[0] == 1).all()
    assert (old.weights("output", 7) == 0.5).all()
    assert (old.experiment.title, old.experiment.run.seed) == ("Old", 3)
    assert (old.experiment.training.momentum, old.experiment.network.slope) == (0.9, 0.1)
    assert old.environment == Environment("CPU", 2, {"torch": "2.13.0"})
    assert (old.stopped, old.times) == ("", 0)


def test_a_file_of_the_second_version_is_read(tmp_path):
    write_old_file(tmp_path / "old.initviz", version=2)
    old = load(tmp_path / "old.initviz")
    assert (old.stopped, old.times) == ("early", 3)
    assert old.latest_time("state_gradient_norm", 7)[1].tolist() == [1.0] * 3
    assert (old.weights("output", 7) == 0.5).all()


@pytest.mark.parametrize(("version", "kind"), [(1, "time"), (2, "weights"), (3, "checkpoint")])
def test_what_a_version_does_not_have_is_not_read_in_it(version, kind, path, damaging, tmp_path):
    if version == 3:
        damaging.set_text(path, "version", "2")
    else:
        path = tmp_path / "old.initviz"
        write_old_file(path, version=2)
        damaging.change(path, "INSERT INTO meta VALUES (NULL, 'identity', 'x', 0)")
        damaging.set_text(path, "identity", "x")
        damaging.set_text(path, "version", {1: "1", 2: "3"}[version])
    assert refusal(path).startswith(f"unknown {kind} ")


def test_a_file_of_the_first_version_may_be_saved_again(tmp_path, assert_same):
    write_old_file(tmp_path / "old.initviz")
    old = load(tmp_path / "old.initviz")
    old.save(tmp_path / "new.initviz")
    assert_same(load(tmp_path / "new.initviz"), old)


def test_old_weights_must_be_those_of_the_layers(tmp_path, damaging):
    write_old_file(tmp_path / "old.initviz")
    where = "kind = 'weights' AND name = 'hidden 1' AND part = 'values'"
    damaging.forge(tmp_path / "old.initviz", where, shape="[1, 64, 2]")
    assert "damaged" in refusal(tmp_path / "old.initviz")


def test_what_came_with_the_second_version_is_needed_there(tmp_path, damaging):
    write_old_file(tmp_path / "old.initviz")
    damaging.set_text(tmp_path / "old.initviz", "version", "2")
    assert "its stopped cannot be read" in refusal(tmp_path / "old.initviz")


# -- writing fails --------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["nowhere/a.initviz", "folder", "a.initviz/b.initviz"])
def test_a_place_that_cannot_be_written_is_named(where, small_run, path):
    (path.parent / "folder").mkdir()
    with pytest.raises(OSError, match=where):
        small_run.save(path.parent / where)
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.initviz", "folder"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such thing as a pipe here")
def test_what_is_no_file_is_not_replaced(small_run, tmp_path):
    pipe = tmp_path / "pipe.initviz"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no file"):
        small_run.save(pipe)
    assert pipe.is_fifo()
    with pytest.raises(OSError, match="not a file"):
        load(pipe)


def test_a_full_disk_leaves_the_old_file(small_run, path, small_file):
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match=r"a\.initviz: "):
            small_run.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == small_file
    assert [p.name for p in path.parent.iterdir()] == ["a.initviz"]
