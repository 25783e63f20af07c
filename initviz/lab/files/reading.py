"""Reading recording files.

Such a file is data that people share, so `load` trusts nothing in it: it runs fixed queries on
exactly its two tables, adds up every declared size before it takes memory, and compares checksums,
so that damage is found and never shown as a measurement. Nothing is written beside it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np

from initviz.lab import thinning
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.files import checking
from initviz.lab.files.checking import Entry, damaged
from initviz.lab.files.format import (
    APPLICATION_ID,
    MAGIC,
    SCHEMA,
    Array,
    Key,
    checksum,
    decoded,
    has_kind,
    part_of,
)
from initviz.lab.files.writing import journals
from initviz.lab.network_settings import layer_names
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.recording import Recording
from initviz.lab.settings import shown
from initviz.lab.snapshot import Histogram
from initviz.lab.watching import Told, unwatched

#: The largest experiment has a few copies of 2 GB of weights; a file beyond this is something else.
MAX_BYTES = 32 * 2**30
#: A journal without a single page.
EMPTY_JOURNAL = 32
#: How often a file that is being written is copied until a copy is whole.
TRIES = 10

#: Arrays of a thing by part.
_Thing = Mapping[str, Array]
_LIMITS = {
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 20,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 2,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
#: All that a query may do: (action, what it is done with).
_ALLOWED = {
    (sqlite3.SQLITE_SELECT, None),
    *((sqlite3.SQLITE_READ, table) for table in ("sqlite_master", *SCHEMA)),
    *((sqlite3.SQLITE_FUNCTION, name) for name in ("length", "typeof")),
}


def load(path: Path, told: Told = unwatched) -> Recording:
    """Read a recording, and let it be `told` how far that is.

    The memory taken is at most a small multiple of the size of the file. Of a file whose writer
    was killed, or is still at work, everything is read that was written; where that cannot be
    found, everything that had reached the file itself.

    Raises:
        ValueError: one sentence that begins with the path and says what is wrong with the file.
        OSError: if it cannot be read at all.
    """
    try:
        _check_file(path)
        recording = _with_journal(path, told)
        # Its writer may have closed it meanwhile, and it be longer now.
        return recording if recording is not None else _read(path, _check_file(path), told)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: the file is damaged ({shown(str(error))})") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _check_file(path: Path) -> int:
    """The size in bytes, after a look at the first hundred."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path}: not a file")
    with path.open("rb") as file:
        head = file.read(100)
        size = os.fstat(file.fileno()).st_size
    if not (head.startswith(MAGIC) and head[68:72] == APPLICATION_ID.to_bytes(4, "big")):
        raise ValueError("not a recording of initviz")
    if size > MAX_BYTES:
        raise ValueError(f"too large to be a recording: {size} bytes, at most {MAX_BYTES}")
    return size


def _read(path: Path, size: int, told: Told) -> Recording:
    with closing(_open(path, size)) as database:
        return _Reader(database, size, told).recording()


# -- the journal of a writer that was killed ------------------------------------------------------


def _with_journal(path: Path, told: Told) -> Recording | None:
    """What a file says together with the journal beside it; None without one that belongs to it.

    SQLite would take any journal for the file's own, and write into the folder: it is given copies.
    """
    place = path.resolve()
    journal = journals(place)[0]
    try:
        if not stat.S_ISREG(journal.stat().st_mode) or journal.stat().st_size <= EMPTY_JOURNAL:
            return None
    except OSError:
        return None
    with tempfile.TemporaryDirectory(prefix="initviz-") as folder:
        copy = Path(folder, "recording")
        try:
            size = _copy({place: copy, journal: journals(copy)[0]})
            with closing(_open(copy, size, recovers=True)) as database:
                reader = _Reader(database, size, told)
                identity = reader.texts()["identity"]
                if _identity(place, size) not in (None, identity):
                    return None
                return reader.recording()
        except FileNotFoundError:  # closed by its writer meanwhile
            return None
        except OSError as error:
            raise OSError(f"{path}: it cannot be recovered: {error.strerror or error}") from None
        except (sqlite3.Error, ValueError, KeyError):
            return None  # not this file's, or damaged: the file may be well without it


def _copy(copies: Mapping[Path, Path]) -> int:
    """Copy files that fit together, though they may be growing; returns how many bytes they have.

    A copy during which something was written may be torn: that is tried again, and whatever is
    read in the end is checked as if it came from anywhere.
    """
    size = 0
    for _ in range(TRIES):
        before = [_signature(source) for source in copies]
        size = sum(found[0] for found in before)
        if size > MAX_BYTES:
            raise ValueError("too large to be a recording")
        for source, target in copies.items():
            shutil.copyfile(source, target)
        if [_signature(source) for source in copies] == before:
            break
    return size


def _signature(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _identity(path: Path, size: int) -> str | None:
    """What the file without its journal is called; None where that cannot be read."""
    try:
        with closing(_open(path, size)) as database:
            return _Reader(database, size).texts().get("identity", "")
    except (sqlite3.Error, ValueError):
        return None


# -- SQLite ---------------------------------------------------------------------------------------


def _open(path: Path, size: int, *, recovers: bool = False) -> sqlite3.Connection:
    # Immutable: neither locks nor a journal that lies beside the file, so that nothing is written
    # and a folder that cannot be written to does as well.
    name = quote(path.absolute().as_posix())
    slash = "" if name.startswith("/") else "/"
    mode = "mode=rw" if recovers else "mode=ro&immutable=1"
    database = sqlite3.connect(f"file://{slash}{name}?{mode}", uri=True, isolation_level=None)
    database.text_factory = _text
    try:
        limit = min(size, database.getlimit(sqlite3.SQLITE_LIMIT_LENGTH))
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
        for category, most in _LIMITS.items():
            database.setlimit(category, most)
        for setting in (
            "trusted_schema = OFF",
            "cell_size_check = ON",
            "mmap_size = 0",
            "locking_mode = EXCLUSIVE",
            "query_only = ON",
        ):
            database.execute(f"PRAGMA {setting}")
        database.set_authorizer(_authorised)
    except BaseException:
        database.close()
        raise
    return database


def _authorised(action: int, what: str | None, detail: str | None, *_where: str | None) -> int:
    subject = detail if action == sqlite3.SQLITE_FUNCTION else what
    return sqlite3.SQLITE_OK if (action, subject) in _ALLOWED else sqlite3.SQLITE_DENY


def _text(text: bytes) -> str:
    """What SQLite calls a text; where it is none, its checksum will tell."""
    return text.decode("utf-8", "replace")


class _Reader:
    """Reads one open file of `size` bytes; every mistake in it is a ValueError."""

    def __init__(self, database: sqlite3.Connection, size: int, told: Told = unwatched) -> None:
        self._database = database
        self._size = size
        self._told, self._done = told, 0

    def recording(self) -> Recording:
        texts = self.texts()
        experiment = Experiment.from_toml(texts["experiment"])
        layers = checking.check_layers(texts["layers"])
        if layers != layer_names(experiment.network):
            raise ValueError("the file is damaged (its layers are not those of its experiment)")
        environment = checking.check_environment(texts["environment"])
        stopped = checking.check_stopped(texts.get("stopped", ""))
        entries = self._entries(checking.whole(texts["arrays"], 0), len(layers))
        things = _sorted(entries, layers, checking.check_version(texts))
        checking.check_things(things)
        recording = Recording.restore(
            experiment,
            layers,
            environment,
            self._tracks(things, "scalar") | self._tracks(things, "quantity"),
            self._histograms(things),
            self._checkpoints(things, experiment, layers),
            self._tracks(things, "time"),
            stopped,
        )
        if recording.last_step != checking.whole(texts["last_step"], -1):
            raise ValueError(f"the file is damaged (it ends at step {recording.last_step})")
        return recording

    def texts(self) -> dict[str, str]:
        """What is in `meta`. That table is checked first: a newer version may add others."""
        usual = self._database.getlimit(sqlite3.SQLITE_LIMIT_LENGTH)
        # Four bytes make the longest character.
        most = min(usual, 4 * checking.MAX_CHARACTERS)
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, most)
        found = self._database.execute("SELECT type, name, sql FROM sqlite_master LIMIT 20")
        schema = {(kind, name): text for kind, name, text in found}
        if schema.pop(("table", "meta"), None) != SCHEMA["meta"]:
            raise ValueError("not a recording of initviz")
        rows = self._database.execute("SELECT name, value, checksum FROM meta LIMIT 20")
        texts = {row[0]: row[1] for row in rows if checking.is_sound(*row)}
        self._database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, usual)
        version = checking.check_version(texts)
        checking.check_schema(schema)
        checking.check_texts(texts, version)
        return texts

    def _entries(self, count: int, layers: int) -> list[Entry]:
        """The declarations of all arrays; together they claim no more than the file can hold."""
        rows = self._database.execute(
            "SELECT id, kind, name, part, dtype, shape, checksum, typeof(data), length(data) "
            "FROM arrays ORDER BY id LIMIT ?",
            (min(count, checking.MAX_ARRAYS) + 1,),
        )
        entries: list[Entry] = []
        room = self._size
        for row in rows:
            entry = checking.check_entry(row, layers)
            room -= row[-1]
            if room < 0 or (entries and entry.id <= entries[-1].id):
                raise ValueError("the file is damaged (its arrays overlap)")
            entries.append(entry)
        if len(entries) != count:
            raise ValueError(f"the file is damaged ({count} arrays were written)")
        return entries

    # -- things ------------------------------------------------------------------------------

    def _thing(self, parts: Mapping[str, list[Entry]]) -> _Thing:
        """All parts of a thing, their pieces joined."""
        return {part: self._joined(entries) for part, entries in parts.items()}

    def _joined(self, entries: list[Entry]) -> Array:
        """One part of a thing. Its size was declared, and fits into the file."""
        if len(entries) == 1:
            return self._array(entries[0])
        rows = sum(entry.shape[0] for entry in entries)
        first = self._array(entries[0])
        whole = np.empty((rows, *entries[0].shape[1:]), dtype=first.dtype)
        at = 0
        for entry in entries:
            piece = self._array(entry)
            if piece.dtype != first.dtype:
                damaged(entry.key)
            whole[at : at + len(piece)] = piece
            at += len(piece)
        return whole

    def _array(self, entry: Entry) -> Array:
        row = self._database.execute("SELECT data FROM arrays WHERE id = ?", (entry.id,)).fetchone()
        data, part = row[0] if row else None, part_of(entry.key.kind, entry.part)
        if (
            part is None
            or not isinstance(data, bytes)
            or checksum(*entry.label, data=data) != entry.checksum
            or len(data) != np.prod(entry.shape) * np.dtype(entry.dtype).itemsize
        ):
            damaged(entry.key)
        self._done += len(data)
        self._told(self._done / self._size)
        return decoded(part, entry.dtype, entry.shape, data)

    def _tracks(
        self, things: Mapping[Key, Mapping[str, list[Entry]]], kind: str
    ) -> dict[str, tuple[Array, Array]]:
        found: dict[str, tuple[Array, Array]] = {}
        for key, entries in _of_kind(things, kind):
            parts = self._thing(entries)
            checking.check_numbers(key, parts)
            parts = _fitting(parts, _room(key, *parts["values"].shape[1:]))
            found[key.name] = parts["steps"], parts["values"]
        return found

    def _histograms(
        self, things: Mapping[Key, Mapping[str, list[Entry]]]
    ) -> dict[int, dict[str, Histogram]]:
        found = {
            name: _fitting(parts, _room(Key("histogram", name), parts["low"].shape[1]))
            for name, parts in self._rows_at_common_steps(
                things, "histogram", tuple(HISTOGRAMS)
            ).items()
        }
        steps = next((parts["steps"] for parts in found.values()), np.empty(0, dtype=np.int64))
        fields = ("counts", "low", "high", "outside")
        return {
            step: {
                name: Histogram(*(parts[part][row] for part in fields))
                for name, parts in found.items()
            }
            for row, step in enumerate(steps.tolist())
        }

    def _checkpoints(
        self,
        things: Mapping[Key, Mapping[str, list[Entry]]],
        experiment: Experiment,
        layers: tuple[str, ...],
    ) -> dict[int, Checkpoint]:
        checkpoints = [
            checking.check_checkpoint(key, self._thing(parts), experiment)
            for key, parts in _of_kind(things, "checkpoint")
        ]
        old = self._rows_at_common_steps(things, "weights", layers)
        steps = next((parts["steps"] for parts in old.values()), np.empty(0, dtype=np.int64))
        for row in {0, len(steps) - 1} if len(steps) else ():
            weights = {name: old[name]["values"][row] for name in layers}
            checkpoints.append(Checkpoint.of_weights(experiment, int(steps[row]), weights))
            checking.check_weights(checkpoints[-1], layers)
        shapes = [{n: a.shape for n, a in c.parameters.items()} for c in checkpoints]
        if any(other != shapes[0] for other in shapes):
            raise ValueError("the file is damaged (its checkpoints are not of one network)")
        return {checkpoint.step: checkpoint for checkpoint in checkpoints}

    def _rows_at_common_steps(
        self,
        things: Mapping[Key, Mapping[str, list[Entry]]],
        kind: str,
        names: tuple[str, ...],
    ) -> dict[str, _Thing]:
        """All things of a kind, of which there must be all or none, at the same steps."""
        found: dict[str, _Thing] = {}
        for key, entries in _of_kind(things, kind):
            found[key.name] = parts = self._thing(entries)
            checking.check_numbers(key, parts)
        steps = [parts["steps"] for parts in found.values()]
        if steps and (
            set(found) != set(names) or not all(np.array_equal(s, steps[0]) for s in steps)
        ):
            raise ValueError(f"the file is damaged (some of its {kind} are missing)")
        return found


def _room(key: Key, width: int) -> int:
    """How many rows of this width a recording keeps."""
    numbers = {
        "quantity": (thinning.LAYER_NUMBERS, len(QUANTITIES)),
        "time": (thinning.TIME_NUMBERS, len(TIME_QUANTITIES)),
        "histogram": (thinning.HISTOGRAM_NUMBERS, (BINS + 6) * len(HISTOGRAMS)),
    }
    if key.kind not in numbers:
        return thinning.SCALAR_ROWS
    most, per_width = numbers[key.kind]
    return thinning.rows_for(most, width * per_width)


def _fitting(parts: _Thing, room: int) -> _Thing:
    """As many rows as there is room for: new ones are written before old ones go."""
    while len(parts["steps"]) > room:
        mask = thinning.keep(len(parts["steps"]))
        parts = {part: array[mask] for part, array in parts.items()}
    return parts


def _sorted(
    entries: list[Entry], layers: tuple[str, ...], version: int
) -> dict[Key, dict[str, list[Entry]]]:
    """The entries by thing and part, of things that files of this version have."""
    known = {
        "scalar": tuple(SCALARS),
        "quantity": tuple(QUANTITIES),
        "time": tuple(TIME_QUANTITIES),
        "histogram": tuple(HISTOGRAMS),
        "weights": layers,
    }
    things: dict[Key, dict[str, list[Entry]]] = {}
    for entry in entries:
        kind, name = entry.key
        if not has_kind(version, kind) or name not in known.get(kind, (name,)):
            raise ValueError(f"unknown {kind} {shown(name)}")
        things.setdefault(entry.key, defaultdict(list))[entry.part].append(entry)
    return things


def _of_kind(
    things: Mapping[Key, Mapping[str, list[Entry]]], kind: str
) -> Iterator[tuple[Key, Mapping[str, list[Entry]]]]:
    return ((key, parts) for key, parts in things.items() if key.kind == kind)
