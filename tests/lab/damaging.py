"""Damage to recording files, told by a kind and a seed.

As a script, `damaging.py FOLDER FIRST LAST`: the recordings in FOLDER are damaged in these ways
and opened, with little memory and an eye on what happens; prints what came of each as JSON.
"""

import hashlib
import json
import os
import random
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from initviz.lab.experiment import Experiment
from initviz.lab.files import journals, load
from initviz.lab.files.format import checksum

PAGE = 4096
#: Bytes that opening any of the files here may take beyond what Python takes anyway.
MEMORY = 160 * 2**20
#: What opening a file has no business with, by the beginnings of their names.
FORBIDDEN = (
    "compile",
    "ctypes.",
    "exec",
    "import",
    "marshal.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pickle.",
    "socket.",
    "sqlite3.enable_load_extension",
    "sqlite3.load_extension",
    "subprocess.",
    "urllib.",
)
EVIL = "load_extension('/tmp/evil')"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id"
META = "(id INTEGER PRIMARY KEY, name TEXT, value TEXT, checksum INTEGER)"
ALTERATIONS = (
    ["CREATE VIEW more AS SELECT 1"],
    [f"CREATE VIEW more AS SELECT {EVIL}"],
    ["CREATE TRIGGER more INSERT ON meta BEGIN DELETE FROM meta; END"],
    ["CREATE TABLE more (x)"],
    ["CREATE INDEX more ON arrays (name)"],
    [f"CREATE INDEX more ON arrays (name) WHERE length(name) > {EVIL}"],
    ["ALTER TABLE arrays ADD COLUMN more"],
    ["ALTER TABLE arrays ADD COLUMN more AS (randomblob(1000000000))"],
    ["ALTER TABLE meta ADD COLUMN more AS (zeroblob(1000000000))"],
    ["ALTER TABLE meta RENAME COLUMN value TO worth"],
    ["ALTER TABLE arrays RENAME TO matrices"],
    ["DROP TABLE meta", f"CREATE VIEW meta AS {ENDLESS} FROM n"],
    ["DROP TABLE arrays", f"CREATE VIEW arrays AS {ENDLESS} FROM n"],
    ["ALTER TABLE meta RENAME TO old", "CREATE VIEW meta AS SELECT * FROM old"],
    ["ALTER TABLE arrays RENAME TO old", f"CREATE VIEW arrays AS SELECT *, {EVIL} FROM old"],
    ["DROP TABLE meta", f"CREATE TABLE meta {META} WITHOUT ROWID"],
    ["DROP TABLE meta", f"CREATE TABLE meta {META} STRICT"],
    ["DROP TABLE meta", "CREATE TABLE meta (id INTEGER PRIMARY KEY)"],
    ["DROP TABLE meta", f"CREATE TABLE meta (id, name AS ({ENDLESS[:0]}1), value, checksum)"],
    ["DROP TABLE arrays", "CREATE VIRTUAL TABLE arrays USING fts4(kind, name)"],
    ["UPDATE sqlite_master SET sql = 'CREATE TABLE meta (a, b, c, d)' WHERE name = 'meta'"],
    ["UPDATE sqlite_master SET sql = upper(sql) WHERE name = 'arrays'"],
    ["UPDATE sqlite_master SET rootpage = 2"],
    ["UPDATE sqlite_master SET rootpage = 5 - rootpage"],
    ["UPDATE sqlite_master SET rootpage = 1000000 WHERE name = 'arrays'"],
    ["UPDATE sqlite_master SET type = 'view' WHERE name = 'arrays'"],
    ["UPDATE sqlite_master SET name = 'meta'"],
    ["UPDATE sqlite_master SET sql = zeroblob(100000000)"],
    ["UPDATE sqlite_master SET sql = NULL"],
    ["DELETE FROM sqlite_master"],
)


def change(path, *statements):
    """Do with SQL what nobody should."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            database.execute(statement)


def set_text(path, name, text):
    """Write a text of `meta`, with its checksum."""
    with closing(sqlite3.connect(path)) as database, database:
        query = "UPDATE meta SET value = ?, checksum = ? WHERE name = ?"
        database.execute(query, (text, checksum(name, text), name))


def forge(path, where, *, dtype=None, shape=None, data=None):
    """Declare something else of the arrays that SQL finds, with a checksum that fits."""
    columns = "id, kind, name, part, dtype, shape, data"
    with closing(sqlite3.connect(path)) as database, database:
        rows = database.execute(f"SELECT {columns} FROM arrays WHERE {where}").fetchall()
        assert rows, where
        for number, *label, written in rows:
            label[3:] = dtype or label[3], shape or label[4]
            content = written if data is None else data
            check = checksum(*label, data=content)
            database.execute(
                "UPDATE arrays SET dtype = ?, shape = ?, checksum = ?, data = ? WHERE id = ?",
                (*label[3:], check, content, number),
            )


# -- kinds of damage, each to the bytes of a file or to the file ----------------------------------


def _flipped(content, chance):
    for _ in range(chance.choice((1, 1, 1, 20))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _cut(content, chance):
    del content[chance.randrange(len(content)) :]


def _pages_swapped(content, chance):
    a, b = (PAGE * chance.randrange(len(content) // PAGE) for _ in range(2))
    content[a : a + PAGE], content[b : b + PAGE] = content[b : b + PAGE], content[a : a + PAGE]


def _page_repeated(content, chance):
    a, b = (PAGE * chance.randrange(len(content) // PAGE) for _ in range(2))
    content[a : a + PAGE] = content[b : b + PAGE]


def _page_header(content, chance):
    at = PAGE * chance.randrange(len(content) // PAGE) + chance.randrange(40)
    content[at : at + 4] = chance.randbytes(4)


def _huge_number(content, chance):
    at = PAGE * chance.randrange(len(content) // PAGE) + chance.randrange(PAGE - 8)
    content[at : at + 8] = b"\xff" * 8


def _file_header(content, chance):
    content[16 + chance.randrange(84)] = chance.randrange(256)


def _noise(content, chance):
    at = chance.randrange(len(content))
    content[at : at + PAGE] = chance.randbytes(len(content[at : at + PAGE]))


BYTES = (
    _flipped,
    _cut,
    _pages_swapped,
    _page_repeated,
    _page_header,
    _huge_number,
    _file_header,
    _noise,
)


def _schema(path, chance):
    try:
        change(path, *chance.choice(ALTERATIONS))
    except sqlite3.Error:  # this SQLite is too old, or too careful, to be used so
        change(path, "CREATE TABLE more (x)")


def _some_array(path, chance):
    with closing(sqlite3.connect(path)) as database:
        ids = [row[0] for row in database.execute("SELECT id FROM arrays")]
    return f"id = {chance.choice(ids)}"


def _wrong_size(path, chance):
    size = int(10 ** chance.uniform(0, 7))
    where, blob = _some_array(path, chance), f"zeroblob({size})"
    if chance.random() < 0.5:
        change(path, f"UPDATE arrays SET data = {blob} WHERE {where}")
    else:
        forge(path, where, data=bytes(size))


def _huge_shape(path, chance):
    sides = [
        chance.choice((0, 1, 13, 2**31, 2**62, 10**30, -1)) for _ in range(chance.randint(0, 4))
    ]
    forge(path, _some_array(path, chance), shape=json.dumps(sides))


def _huge_facts(path, chance):
    side = chance.choice((10**9, 2**62, 10**4000, 0, -1, 0.5, None, [1], True))
    facts = {
        "step": 0,
        "updates": 0,
        "position": chance.choice((0, side)),
        "device": "cpu",
        "shapes": {f"hidden.{i}.weight": [side, side] for i in range(chance.choice((1, 10_000)))},
    }
    text = json.dumps(facts) if chance.random() < 0.8 else "[" * 100_000
    data = text.encode()
    forge(path, "kind = 'checkpoint' AND part = 'facts'", shape=f"[{len(data)}]", data=data)


def _huge_texts(path, chance):
    wide = Experiment().with_values({"network.hidden_layers": 1000, "network.width": 400})
    name, text = chance.choice(
        (
            ("arrays", str(10**18)),
            ("arrays", "9" * 100_000),
            ("last_step", str(10**18)),
            ("layers", json.dumps([f"hidden {i}" for i in range(1, 10_000)])),
            ("layers", "[" * 150_000),
            ("environment", '{"a":' * 30_000),
            ("experiment", wide.to_toml()),
            ("experiment", "a = " + "[" * 100_000),
            ("experiment", "x" * 10_000_000),
            ("version", "9" * 4000),
        )
    )
    set_text(path, name, text)


def _long_times(path, chance):
    length = chance.choice((1000, 10**5, 10**6))
    data = np.zeros((1, length), "<f8")
    where = "kind = 'time' AND part = "
    forge(path, where + "'steps'", shape="[1]", data=np.zeros(1, "<i8").tobytes())
    forge(path, where + "'values'", shape=f"[1, {length}]", data=data.tobytes())


def _journal(path, chance):
    journal = journals(path)[0]
    content = bytearray(journal.read_bytes())
    chance.choice((_flipped, _cut, _noise, _page_header))(content, chance)
    journal.write_bytes(content)


FILES = (_schema, _wrong_size, _huge_shape, _huge_facts, _huge_texts, _long_times, _journal)
KINDS = (*BYTES, *FILES)


def damage(folder, seed, target):
    """Put a damaged copy of one of the recordings at `target`; says which, and how."""
    chance = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    for place in journals(target):
        place.unlink(missing_ok=True)
    if kind in BYTES:
        name = chance.choice(("small", "grown", "killed"))
    else:
        name = "killed" if kind is _journal else "grown"
    source = folder / f"{name}.initviz"
    shutil.copyfile(source, target)
    if name == "killed":
        shutil.copyfile(journals(source)[0], journals(target)[0])
    if kind in BYTES:
        content = bytearray(target.read_bytes())
        kind(content, chance)
        target.write_bytes(content)
    else:
        kind(target, chance)
    return kind.__name__.strip("_"), name


# -- opening ------------------------------------------------------------------------------------


def fingerprint(recording):
    """What tells one recording from another: all of its numbers."""
    found = hashlib.sha256(recording.experiment.to_toml().encode())
    for name, track in sorted({**recording._scalars, **recording._layers}.items()):
        found.update(name.encode() + track.steps.tobytes() + track.values.tobytes())
    for step in recording.histogram_steps.tolist():
        for name in ("activation", "preactivation", "weight", "weight_gradient"):
            counts, edges = recording.histogram(name, step)
            outside = recording.histogram_outside(name, step)
            found.update(counts.tobytes() + edges.tobytes() + outside.tobytes())
    for step, checkpoint in recording.checkpoints.items():
        arrays, facts = checkpoint.to_arrays()
        found.update(f"{step} {sorted(facts.items())}".encode())
        for name, array in arrays.items():
            found.update(name.encode() + array.tobytes())
    return found.hexdigest()


def main(folder, first, last):
    """Open so many damaged recordings; one line of JSON for each."""
    import resource

    for name in ("small", "grown", "killed"):  # whatever is imported late
        load(folder / f"{name}.initviz")
    scratch = folder / f"scratch-{first}"
    scratch.mkdir()
    events, is_open = [], False

    def hook(event, arguments):
        if is_open and event.startswith(FORBIDDEN):
            events.append(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for seed in range(first, last):
        target = scratch / "a.initviz"
        kind, name = damage(folder, seed, target)
        there = {p.name: p.read_bytes() for p in scratch.iterdir()}
        began, found = time.perf_counter(), {"seed": seed, "kind": kind, "of": name}
        unlimited = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, unlimited[1]))
        is_open = True
        try:
            found["loaded"] = fingerprint(load(target))
        except ValueError as error:
            found["refused"] = str(error).removeprefix(f"{target}: ")
            found["named"] = str(error).startswith(f"{target}: ")
        except Exception as error:  # noqa: BLE001 (whatever else it is, the test names it)
            found["failed"] = repr(error)
        is_open = False
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
        found["seconds"] = time.perf_counter() - began
        found["events"] = events[:]
        found["untouched"] = there == {p.name: p.read_bytes() for p in scratch.iterdir()}
        events.clear()
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
