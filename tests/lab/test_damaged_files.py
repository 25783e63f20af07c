"""What a recording file says is not believed: files that were damaged, or made to do damage.

Each opens soundly or is refused in one clear sentence.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
import tracemalloc
from collections import Counter
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from initviz import load
from initviz.lab.files import reading
from initviz.lab.files.writing import RecordingWriter, journals, save
from initviz.lab.quantities import TIME_QUANTITIES
from initviz.lab.snapshot import Snapshot
from tests.lab.recording_files import empty, refusal

DAMAGED = 300


# -- what a file says is not believed ----------------------------------------------------------


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.initviz"):
        load(tmp_path / "none.initviz")


@pytest.mark.parametrize("content", [b"", b"version = 1\n", b"SQLite format 3\0" + bytes(4080)])
def test_a_foreign_file_is_refused(content, tmp_path):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    assert refusal(path) == "not a recording of initviz"


def test_a_newer_version_is_named_even_with_other_tables(path, damaging):
    damaging.set_text(path, "version", "4")
    damaging.change(path, "CREATE TABLE more (x)", "DROP TABLE arrays")
    assert refusal(path) == (
        "version 4 of the file format is newer than this program reads: at most 3"
    )


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE VIEW more AS SELECT 1", "view more"),
        ("CREATE TRIGGER more INSERT ON meta BEGIN DELETE FROM meta; END", "trigger more"),
        ("CREATE TABLE more (x)", "table more"),
        ("CREATE INDEX more ON arrays (name)", "index more"),
        ("ALTER TABLE arrays ADD COLUMN more", "no table of arrays"),
        ("DROP TABLE meta", "not a recording"),
        ("DROP TABLE arrays", "no table of arrays"),
    ],
)
def test_only_the_two_tables_are_accepted(statement, words, path, damaging):
    damaging.change(path, statement)
    assert words in refusal(path)


def test_every_altered_schema_is_refused(small_file, path, damaging):
    """Views, triggers, generated columns and the like; none of what they say is done."""
    for statements in damaging.ALTERATIONS:
        path.write_bytes(small_file)
        try:
            damaging.change(path, *statements)
        except sqlite3.Error:  # this SQLite is too old, or too careful, to be used so
            continue
        assert refusal(path), statements


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT load_extension('evil')",
        "SELECT name FROM pragma_table_info('meta')",
        "ATTACH 'other' AS other",
        "PRAGMA trusted_schema = ON",
        "UPDATE meta SET value = ''",
        "SELECT randomblob(1000000000)",
        "SELECT 1 FROM sqlite_sequence",
    ],
)
def test_nothing_but_what_is_needed_can_be_asked(statement, path):
    """Even if a way was found to run a statement of one's own."""
    with closing(reading._open(path, path.stat().st_size)) as database:
        assert database.execute("SELECT count FROM (SELECT length(name) AS count FROM meta)")
        with pytest.raises(sqlite3.DatabaseError):
            database.execute(statement)


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
        "UPDATE arrays SET part = 'values' WHERE id = 1",
        "UPDATE meta SET value = replace(value, 'tanh', 'relu')",
        "UPDATE meta SET value = '[]' WHERE name = 'layers'",
        "DELETE FROM meta WHERE name = 'environment'",
        "DELETE FROM meta WHERE name = 'stopped'",
        "UPDATE meta SET value = 'early' WHERE name = 'stopped'",
        "DELETE FROM arrays",
    ],
)
def test_a_row_that_was_altered_is_found(statement, path, damaging):
    damaging.change(path, statement)
    refusal(path)


def test_the_same_arrays_in_another_order_are_no_mistake(path, damaging, small_run, assert_same):
    damaging.change(path, f"UPDATE arrays SET id = 1000 {LOSS} AND part = 'values'")
    assert_same(load(path), small_run)


@pytest.fixture
def forge(path, damaging):
    """Replace a part of a thing by another that is declared correctly."""

    def forged(kind, name, part, array):
        damaging.forge(
            path,
            f"kind = '{kind}' AND name = '{name}' AND part = '{part}'",
            dtype=array.dtype.str,
            shape=str(list(array.shape)),
            data=array.tobytes(),
        )

    return forged


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
        ("checkpoint", "0", "parameters", np.zeros(3, "<f4")),
        ("checkpoint", "0", "parameters", np.zeros((1, 92), "<f4")),
        ("checkpoint", "0", "order", np.zeros(9, "<f4")),
        ("checkpoint", "0", "facts", np.zeros(9, "|u1")),
    ],
)
def test_impossible_measurements_are_refused(kind, name, part, array, forge, path):
    forge(kind, name, part, array)
    assert "damaged" in refusal(path)


def test_layers_that_the_experiment_has_not_are_refused(path, damaging):
    damaging.set_text(path, "layers", '["hidden 1", "hidden 3", "output"]')
    assert "not those of its experiment" in refusal(path)


def test_sequences_of_several_lengths_are_refused(path, forge):
    recording = empty()
    times = dict.fromkeys(TIME_QUANTITIES, np.ones(5))
    recording.append(Snapshot(0, {"loss": 1.0}, times=times))
    recording.save(path)
    assert load(path).times == 5
    forge("time", "cell_gradient_norm", "values", np.ones((1, 4)))
    assert "several lengths" in refusal(path)


def test_a_forged_file_that_makes_no_mistake_is_read(path, forge):
    forge("scalar", "loss", "values", np.full((13, 1), np.nan))
    assert np.isnan(load(path).scalar("loss")).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"step": 7}, "checkpoint 0"),
        ({"step": -1}, "its step"),
        ({"position": 2**70}, "its position"),
        ({"device": None}, "its device"),
        ({"shapes": {}}, "do not fit"),
        ({"shapes": {"hidden.0.weight": []}}, "checkpoint 0"),
        ({"shapes": {"hidden.0.weight": [10**9] * 8}}, "do not fit"),
        ({"shapes": [1]}, "checkpoint 0"),
    ],
)
def test_impossible_facts_of_a_checkpoint_are_refused(change, words, path, forge, small_run):
    facts = small_run.checkpoint(0).to_arrays()[1] | change
    data = np.frombuffer(json.dumps(facts).encode(), dtype="|u1")
    forge("checkpoint", "0", "facts", data)
    text = refusal(path)
    assert "damaged" in text
    assert words in text


@pytest.mark.parametrize(
    "shapes",
    [
        {"hidden.0.weight": [5, 2], "hidden.1.weight": [5, 5], "outptu.weight": [15]},
        {"hidden.0.weight": [50]},
        {"hidden.0.weight": [2, 5], "hidden.1.weight": [5, 5], "output.weight": [3, 5]},
    ],
)
def test_a_checkpoint_must_have_the_weights_of_every_layer(shapes, path, forge, small_run):
    """Panels ask for them and trust that they are there."""
    arrays, facts = small_run.checkpoint(0).to_arrays()
    facts["shapes"] = shapes | {"rest": [arrays["parameters"].size - 50]}
    forge("checkpoint", "0", "facts", np.frombuffer(json.dumps(facts).encode(), dtype="|u1"))
    assert "checkpoint" in refusal(path)


def test_checkpoints_of_several_networks_are_refused(growing, path):
    recording = growing.go_on(growing.new_recording(), 10)
    odd = growing.snapshot(20).checkpoint
    parameters = dict(odd.parameters) | {"output.weight": np.zeros((5, 6), np.float32)}
    recording.append(Snapshot(20, {}, checkpoint=replace(odd, parameters=parameters)))
    recording.save(path)
    assert "not of one network" in refusal(path)


@pytest.mark.parametrize("before", range(1, 15))
def test_a_size_that_only_the_record_claims_takes_no_memory(before, path):
    """What SQLite writes before a row is its size and the types and sizes of its values."""
    content = bytearray(path.read_bytes())
    at = content.index(b"checkpoint0parameters<f4") - before
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(content)
    finally:
        tracemalloc.stop()


def test_arrays_that_claim_more_than_the_file_holds_are_not_read(path, damaging):
    """Each alone would fit; together they can only be the same pages over and over."""
    # So many that what SQLite keeps of the blob beside its row is as long as it is at first.
    rows = (452 + 4092 * (path.stat().st_size // 3 // 4092 // 2 * 2 + 1)) // 8
    row = f"NULL, 'scalar', 'loss', 'steps', '<i8', '[{rows}]', 0, zeroblob(460)"
    with closing(sqlite3.connect(path)) as database:
        count = database.execute("SELECT count(*) FROM arrays").fetchone()[0]
    damaging.change(path, *[f"INSERT INTO arrays VALUES ({row})"] * 4)
    damaging.set_text(path, "arrays", str(count + 4))
    size = path.stat().st_size
    damaging.change(path, f"UPDATE arrays SET data = zeroblob({8 * rows}) WHERE id > {count}")
    content = bytearray(path.read_bytes()[:size])  # without the pages that these claim
    content[28:32] = (size // damaging.PAGE).to_bytes(4, "big")
    path.write_bytes(content)
    assert "overlap" in refusal(path)


# -- three hundred of them ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, growing, small_file):
    """A small real run, one that grew, and one whose writer was killed."""
    (tmp_path / "small.initviz").write_bytes(small_file)
    save(growing.go_on(growing.new_recording(), 130), tmp_path / "grown.initviz")
    recording = growing.go_on(growing.new_recording(), 40)
    writer = RecordingWriter(tmp_path / "writing.initviz", recording)
    for last in range(50, 140, 10):
        growing.go_on(recording, last)
        writer.flush()
    for name, copy in (("writing", "killed"), ("writing", "early")):
        source, target = tmp_path / f"{name}.initviz", tmp_path / f"{copy}.initviz"
        shutil.copyfile(source, target)
        shutil.copyfile(journals(source)[0], journals(target)[0])
    writer.close()
    return tmp_path


@pytest.fixture
def sound(folder, growing, damaging):
    """The fingerprints of what was measured, of any part of it that was ever in a file."""
    whole = {
        name: damaging.fingerprint(load(folder / f"{name}.initviz")) for name in ("small", "grown")
    }
    recording, states = growing.new_recording(), set()
    for last in range(40, 140, 10):
        states.add(damaging.fingerprint(growing.go_on(recording, last)))
    return {name: {found} for name, found in whole.items()} | {"killed": states}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit on memory")
def test_three_hundred_damaged_recordings_open_soundly_or_are_refused_in_a_sentence(
    folder, sound, damaging
):
    """In two processes with little memory, in which whatever is executed is noticed."""
    halves = [(0, DAMAGED // 2), (DAMAGED // 2, DAMAGED)]
    children = [
        subprocess.Popen(
            [sys.executable, damaging.__file__, folder, str(first), str(last)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for first, last in halves
    ]
    results = [
        json.loads(line) for child in children for line in child.communicate()[0].splitlines()
    ]
    assert [child.returncode for child in children] == [0, 0]
    assert len(results) == DAMAGED
    outcomes = Counter()
    for found in results:
        assert "failed" not in found, found
        assert found["events"] == [], found
        assert found["untouched"], found
        assert found["seconds"] < 10, found
        if "refused" in found:
            assert found["named"], found
            assert 0 < len(found["refused"]) < 400, found
            assert "\n" not in found["refused"], found
        elif found["kind"] != "long_times":  # forged, but not impossible
            assert found["loaded"] in sound[found["of"]], found
        outcomes[found["kind"], "refused" in found] += 1
    kinds = {kind for kind, _ in outcomes}
    assert len(kinds) == len(damaging.KINDS)
    harmless = {"flipped", "pages_swapped", "page_repeated", "huge_number", "file_header"}
    for kind in kinds - {"journal"}:
        assert outcomes[kind, True] > 0, kind
    for kind in kinds - harmless - {"journal", "page_header", "noise", "cut", "long_times"}:
        assert outcomes[kind, False] == 0, kind
    assert outcomes["journal", True] == 0  # the file itself was whole
