"""Recording files: what was saved comes back, and nothing that a file says is believed."""

import os
import random
import sqlite3
import tracemalloc
from contextlib import closing

import numpy as np
import pytest

from initviz import load, run
from initviz.lab import files
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES, SCALARS
from initviz.lab.recording import Environment, Recording
from initviz.lab.snapshot import Histogram, Snapshot

SMALL = """
version = 1
title = "Kleine Gewichte, ∂L/∂W"
[network]
hidden_layers = 2
width = 5
[training]
data = "blobs"
"""


PAGE = 4096


@pytest.fixture(scope="module")
def recording():
    return run(Experiment.from_toml(SMALL), steps=12)


@pytest.fixture(scope="module")
def content(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "a.initviz"
    recording.save(path)
    return path.read_bytes()


@pytest.fixture
def path(content, tmp_path):
    """A sound recording file that may be spoilt."""
    path = tmp_path / "a.initviz"
    path.write_bytes(content)
    return path


def change(path, *statements):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            database.execute(statement)


def set_text(path, name, text):
    checksum = files._checksum(name, text)
    change(path, f"UPDATE meta SET value = '{text}', checksum = {checksum} WHERE name = '{name}'")


def refusal(path):
    """What `load` says: one sentence that begins with the path."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def assert_equal(a, b):
    """Everything that can be asked of two recordings is the same."""
    assert a.experiment == b.experiment
    assert a.environment == b.environment
    assert a.layers == b.layers
    assert a.last_step == b.last_step
    np.testing.assert_array_equal(a.steps, b.steps)
    for name in QUANTITIES:
        np.testing.assert_array_equal(a.series(name), b.series(name))
        np.testing.assert_array_equal(a.measured(name), b.measured(name))
    for name in SCALARS:
        np.testing.assert_array_equal(a.scalar(name), b.scalar(name))
    np.testing.assert_array_equal(a.histogram_steps, b.histogram_steps)
    for name in HISTOGRAMS:
        for step in a.histogram_steps:
            for mine, yours in zip(a.histogram(name, step), b.histogram(name, step), strict=True):
                np.testing.assert_array_equal(mine, yours)
                assert mine.dtype == yours.dtype
            np.testing.assert_array_equal(
                a.histogram_outside(name, step), b.histogram_outside(name, step)
            )
    np.testing.assert_array_equal(a.weight_steps, b.weight_steps)
    for name in a.layers:
        for step in a.weight_steps:
            np.testing.assert_array_equal(a.weights(name, step), b.weights(name, step))
            assert a.weights(name, step).dtype == b.weights(name, step).dtype
    assert a.findings() == b.findings()


# -- what was saved comes back --------------------------------------------------------------------


def test_what_is_read_equals_what_was_saved(recording, path):
    assert len(recording.steps) == 13
    assert_equal(load(path), recording)


@pytest.mark.parametrize(
    "changes",
    [
        {"training.learning_rate": 1e30},
        {"run.precision": "float64", "initialiser.std": 1e-30},
        {"network.width": 1, "network.hidden_layers": 1},
    ],
    ids=["diverged", "tiny numbers in float64", "the smallest network"],
)
def test_extreme_runs_come_back_too(changes, tmp_path):
    experiment = Experiment.from_toml(SMALL)
    for key, value in changes.items():
        experiment = experiment.with_value(key, value)
    recording = run(experiment, steps=4)
    recording.save(tmp_path / "x.initviz")
    assert_equal(load(tmp_path / "x.initviz"), recording)


def test_a_recording_without_a_step_comes_back(tmp_path):
    empty = Recording(Experiment(), ("hidden 1", "output"), Environment("CPU", 1))
    empty.save(tmp_path / "empty.initviz")
    assert load(tmp_path / "empty.initviz").last_step == -1


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
def test_any_name_will_do(name, recording, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recording.save(name)
    assert load(name).last_step == 12
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_file_stands_alone_and_says_what_it_is(path, recording):
    recording.save(path)
    assert [p.name for p in path.parent.iterdir()] == ["a.initviz"]
    assert path.read_bytes()[68:72] == b"init"
    load(path)
    assert [p.name for p in path.parent.iterdir()] == ["a.initviz"]


@pytest.mark.parametrize(("count", "dtype"), [(65_535, "<u2"), (65_536, "<i4")])
def test_counts_take_two_bytes_where_two_hold_them(count, dtype, tmp_path):
    histogram = Histogram(
        np.full((2, BINS), count, np.int32), np.zeros(2), np.ones(2), np.zeros((2, 4), np.int32)
    )
    recording = Recording(Experiment(), ("hidden 1", "output"), Environment("CPU", 1))
    recording.append(Snapshot(0, {"loss": 1.0}, {}, dict.fromkeys(HISTOGRAMS, histogram)))
    recording.save(tmp_path / "a.initviz")
    assert_equal(load(tmp_path / "a.initviz"), recording)
    with closing(sqlite3.connect(tmp_path / "a.initviz")) as database:
        found = database.execute("SELECT DISTINCT dtype FROM arrays WHERE part = 'counts'")
        assert found.fetchall() == [(dtype,)]


def test_a_link_stays_a_link(recording, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "link.initviz", tmp_path / "elsewhere" / "target.initviz"
    link.symlink_to(target)
    recording.save(link)
    assert link.is_symlink()
    assert load(target).last_step == 12


# -- writing fails --------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["nowhere/a.initviz", "folder", "a.initviz/b.initviz"])
def test_a_place_that_cannot_be_written_is_named(where, recording, path):
    (path.parent / "folder").mkdir()
    with pytest.raises(OSError, match=where):
        recording.save(path.parent / where)
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.initviz", "folder"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such thing as a pipe here")
def test_what_is_no_file_is_not_replaced(recording, tmp_path):
    pipe = tmp_path / "pipe.initviz"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no file"):
        recording.save(pipe)
    assert pipe.is_fifo()
    with pytest.raises(OSError, match="not a file"):
        load(pipe)


def test_a_full_disk_leaves_the_old_file(recording, path, content):
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match=r"a\.initviz: "):
            recording.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == content
    assert [p.name for p in path.parent.iterdir()] == ["a.initviz"]


# -- what a file says is not believed ----------------------------------------------------------


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.initviz"):
        load(tmp_path / "none.initviz")


@pytest.mark.parametrize("content", [b"", b"version = 1\n", b"SQLite format 3\0" + bytes(4080)])
def test_a_foreign_file_is_refused(content, tmp_path):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    assert refusal(path) == "not a recording of initviz"


def test_a_newer_version_is_named_even_with_other_tables(path):
    set_text(path, "version", "2")
    change(path, "CREATE TABLE more (x)", "DROP TABLE arrays")
    assert refusal(path) == (
        "version 2 of the file format is newer than this program reads: at most 1"
    )


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id"


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["CREATE VIEW more AS SELECT 1"], "view more"),
        (
            ["CREATE TRIGGER more INSERT ON meta BEGIN DELETE FROM meta; END"],
            "trigger more",
        ),
        (["CREATE TABLE more (x)"], "table more"),
        (["CREATE INDEX more ON arrays (name)"], "index more"),
        (["ALTER TABLE arrays ADD COLUMN more"], "no table of arrays"),
        (["DROP TABLE meta", f"CREATE VIEW meta AS {ENDLESS} FROM n"], "not a recording"),
        (["DROP TABLE arrays", f"CREATE VIEW arrays AS {ENDLESS} FROM n"], "no table of arrays"),
    ],
)
def test_only_the_two_tables_are_accepted(statements, words, path):
    change(path, *statements)
    assert words in refusal(path)


LOSS = "WHERE kind = 'scalar' AND name = 'loss'"


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE arrays SET shape = '[99999999999999, 1]' {LOSS} AND part = 'values'",
        f"UPDATE arrays SET shape = '[13.0, 1]' {LOSS} AND part = 'values'",
        f"UPDATE arrays SET shape = '[13, -1, -1]' {LOSS} AND part = 'values'",
        f"UPDATE arrays SET shape = '[1, 13]' {LOSS} AND part = 'values'",
        f"UPDATE arrays SET shape = '[' {LOSS}",
        f"UPDATE arrays SET dtype = '|O8' {LOSS} AND part = 'values'",
        f"UPDATE arrays SET dtype = '<i8' {LOSS} AND part = 'values'",
        f"UPDATE arrays SET data = 'a text' {LOSS}",
        f"UPDATE arrays SET data = zeroblob(104) {LOSS} AND part = 'values'",
        f"UPDATE arrays SET checksum = NULL OR 1 {LOSS}",
        f"UPDATE arrays SET name = 'los' {LOSS}",
        f"DELETE FROM arrays {LOSS}",
        f"UPDATE arrays SET id = 1000 {LOSS} AND part = 'values'",
        "UPDATE arrays SET part = 'values' WHERE id = 1",
        "UPDATE meta SET value = replace(value, 'tanh', 'relu')",
        "UPDATE meta SET value = '[]' WHERE name = 'layers'",
        "DELETE FROM meta WHERE name = 'environment'",
        "DELETE FROM arrays",
    ],
)
def test_a_row_that_was_altered_is_found(statement, path):
    change(path, statement)
    if "id = 1000" in statement:  # the same arrays in another order are no mistake
        load(path)
    else:
        refusal(path)


def forge(path, kind, name, part, array):
    """Replace the arrays of a thing by one that is declared correctly."""
    label = (kind, name, part, array.dtype.str, str(list(array.shape)))
    data = array.tobytes()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE arrays SET dtype = ?, shape = ?, data = ?, checksum = ? "
            "WHERE kind = ? AND name = ? AND part = ?",
            (*label[3:], data, files._checksum(*label, data=data), kind, name, part),
        )


@pytest.mark.parametrize(
    ("kind", "name", "part", "array"),
    [
        ("scalar", "loss", "steps", np.zeros(13, "<i8")),
        ("scalar", "loss", "steps", np.arange(-1, 12, dtype="<i8")),
        ("scalar", "loss", "steps", np.arange(14, dtype="<i8")),
        ("scalar", "loss", "values", np.zeros((12, 1), "<f8")),
        ("quantity", "weight_norm", "values", np.zeros((13, 4), "<f8")),
        ("histogram", "weight", "counts", np.full((13, 3, 64), -1, "<i4")),
        ("histogram", "weight", "counts", np.full((13, 3, 63), 1, "<i4")),
        ("histogram", "weight", "low", np.full((13, 3), np.nan)),
        ("histogram", "weight", "high", np.full((13, 3), -1e9)),
        ("histogram", "weight", "steps", np.arange(2, 15, dtype="<i8")),
        ("weights", "output", "values", np.zeros((1, 5), "<f4")),
    ],
)
def test_impossible_measurements_are_refused(kind, name, part, array, path):
    forge(path, kind, name, part, array)
    assert "damaged" in refusal(path)


def test_a_forged_file_that_makes_no_mistake_is_read(path):
    forge(path, "scalar", "loss", "values", np.full((13, 1), np.nan))
    assert np.isnan(load(path).scalar("loss")).all()


def test_rows_of_one_thing_may_follow_later(path):
    """What a file that grows looks like: the loss in two pieces."""
    steps, values = np.arange(13, dtype="<i8"), np.arange(13.0).reshape(13, 1)
    forge(path, "scalar", "loss", "steps", steps[:5])
    forge(path, "scalar", "loss", "values", values[:5])
    with closing(sqlite3.connect(path)) as database, database:
        for part, array in (("steps", steps[5:]), ("values", values[5:])):
            label = ("scalar", "loss", part, array.dtype.str, str(list(array.shape)))
            data = array.tobytes()
            database.execute(
                "INSERT INTO arrays (kind, name, part, dtype, shape, checksum, data) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*label, files._checksum(*label, data=data), data),
            )
    set_text(path, "arrays", "70")
    assert load(path).scalar("loss").tolist() == list(range(13))


@pytest.mark.parametrize("before", range(1, 15))
def test_a_size_that_only_the_record_claims_takes_no_memory(before, path):
    """What SQLite writes before a row is its size and the types and sizes of its values."""
    content = bytearray(path.read_bytes())
    at = content.index(b"weightsoutputvalues<f4") - before
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(content)
    finally:
        tracemalloc.stop()


def test_arrays_that_claim_more_than_the_file_holds_are_not_read(path):
    """Each alone would fit; together they can only be the same pages over and over."""
    row = "NULL, 'scalar', 'loss', 'steps', '<i8', '[2614]', 0, zeroblob(460)"
    change(path, *[f"INSERT INTO arrays VALUES ({row})"] * 4)
    set_text(path, "arrays", "72")
    size = path.stat().st_size
    change(path, "UPDATE arrays SET data = zeroblob(20912) WHERE shape = '[2614]'")
    content = bytearray(path.read_bytes()[:size])  # without the pages that these claim
    content[28:32] = (size // PAGE).to_bytes(4, "big")
    path.write_bytes(content)
    assert "overlap" in refusal(path)


# -- damage -----------------------------------------------------------------------------------


def flipped(content, chance):
    at = chance.randrange(len(content))
    content[at] ^= 1 << chance.randrange(8)
    return content


def cut(content, chance):
    return content[: chance.randrange(len(content))]


def with_pages_swapped(content, chance):
    a, b = (PAGE * chance.randrange(len(content) // PAGE) for _ in range(2))
    content[a : a + PAGE], content[b : b + PAGE] = content[b : b + PAGE], content[a : a + PAGE]
    return content


def with_a_damaged_page_header(content, chance):
    at = PAGE * chance.randrange(len(content) // PAGE) + chance.randrange(40)
    content[at : at + 4] = chance.randbytes(4)
    return content


def with_a_huge_number(content, chance):
    at = PAGE * chance.randrange(len(content) // PAGE) + chance.randrange(PAGE - 8)
    content[at : at + 8] = b"\xff" * 8
    return content


def with_a_damaged_file_header(content, chance):
    content[16 + chance.randrange(84)] = chance.randrange(256)
    return content


DAMAGES = [
    flipped,
    cut,
    with_pages_swapped,
    with_a_damaged_page_header,
    with_a_huge_number,
    with_a_damaged_file_header,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_refused_or_harmless(damage, content, recording, tmp_path):
    """Twenty damages of each kind: whatever still loads says nothing that was not measured."""
    path = tmp_path / "damaged.initviz"
    for seed in range(20):
        path.write_bytes(damage(bytearray(content), random.Random(seed)))
        tracemalloc.start()
        try:
            loaded, complaint = load(path), f"{path}: "
        except ValueError as error:
            loaded, complaint = recording, str(error)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert_equal(loaded, recording)
        assert complaint.startswith(f"{path}: ")
        assert "\n" not in complaint
        assert peak < 20 * len(content), seed
