"""Writing recording files: whole at once, or as the run goes.

While a file grows it is in SQLite's WAL mode: each look at the recording is one transaction in the
journal beside it, so that whatever kills the program leaves the last of them whole. A file that
was closed stands alone.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.files.following import Changes, Follower
from initviz.lab.files.format import (
    APPLICATION_ID,
    SCHEMA,
    VERSION,
    Array,
    Key,
    checksum,
    decoded,
    encoded,
    part_of,
    row_bytes,
)
from initviz.lab.recording import Recording
from initviz.lab.snapshot import Histogram
from initviz.lab.watching import Told, unwatched

#: Seconds between two transactions. What a kill costs is this, a transaction and a step: together
#: less than a second.
PERIOD = 0.5
#: The bytes of the largest part at which a piece is full. One that grows is written again and again
#: until it is, so that small ones cost less; many full ones are then made one large one.
PIECE, LARGE = 2**14, 2**18
#: The same for checkpoints, which do not grow. Each is copied twice on its way into the file while
#: nobody else has the interpreter: of this size a window does not see it.
CHUNK = 2**20
#: The journal is kept, and made this small again when it has been emptied.
JOURNAL_BYTES = 2**22

Rows = Mapping[str, Array]


def check_writable(path: Path) -> None:
    """Whether a file can be written at `path`, as far as that can be known before.

    Raises:
        OSError: if not.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path}: there is something that is no file")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"{path}: the file is there and may not be changed")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise type(error)(f"{path}: {error.strerror or error}") from None


def save(recording: Recording, path: Path, told: Told = unwatched) -> None:
    """Write a recording, and let it be `told` how far that is.

    An existing file is replaced when all is well.

    Raises:
        OSError: if the file cannot be written; nothing is left behind then.
    """
    changes, done = Follower(recording).take(everything=True), 0
    total = max(1, _bytes(changes))

    def wrote(count: int) -> None:
        nonlocal done
        done += count
        told(min(1.0, done / total))

    RecordingFile(path, recording, changes, grows=False, wrote=wrote).close()


class RecordingWriter:
    """A file that grows with its recording: made by, and used in, the recording's own thread.

    Raises:
        OSError: from every method, if the file cannot be written. It then stays as it was after
            the last transaction, and `update` does nothing any more.
    """

    def __init__(
        self, path: Path, recording: Recording, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._follower = Follower(recording, now)
        self._file = RecordingFile(path, recording, self._follower.take())
        self._now = now
        self._written = self._asked = now()

    def update(self, recording: Recording) -> None:
        """Write what is new, if that is due; to be called after every step.

        It is due as soon as waiting for another step, as long as the one before, would be late.
        """
        assert recording is self._follower.recording
        now = self._now()
        gap, self._asked = now - self._asked, now
        if now + gap >= self._written + PERIOD:
            self.flush()

    def flush(self) -> None:
        """Write what is new."""
        if self._file.is_open and self._follower.has_news:
            self._file.write(self._follower.take())
        self._written = self._now()

    def close(self) -> None:
        """Write what is missing; then the file stands alone."""
        if self._file.is_open:
            self._file.write(self._follower.take(everything=True))
            self._file.close()


@dataclass
class _Thing:
    """What the file holds of one measured thing.

    The ids of each piece; how many of them, at the end, are small; and the rows of the newest one,
    unless that is full.
    """

    pieces: list[dict[str, int]] = field(default_factory=list)
    small: int = 0
    tail: Rows = field(default_factory=dict)


class RecordingFile:
    """A recording file that is open for writing. It belongs to the thread that made it.

    It begins with `changes` to an empty recording like `recording`, of which nothing but what never
    changes is read. An existing file is replaced once those are written. Unless it `grows` it
    should be closed then. `wrote` is told how many bytes there are more, and may raise `CalledOff`
    while the file is begun.

    Raises:
        OSError: from every method, if the file cannot be written. What fails is undone, and the
            file closed.
    """

    def __init__(
        self,
        path: Path,
        recording: Recording,
        changes: Changes,
        *,
        grows: bool = True,
        wrote: Callable[[int], None] = lambda _count: None,
    ) -> None:
        check_writable(path)
        self.path = path
        self._wrote = wrote
        self._place = path.resolve()  # a link stays a link
        self._things: dict[Key, _Thing] = {}
        self._checkpoints: dict[int, list[int]] = {}
        self._ids = self._count = 0
        self.is_open = False
        with (
            self._told(),
            tempfile.TemporaryDirectory(prefix=".initviz-", dir=self._place.parent) as folder,
        ):
            draft = Path(folder, "draft")
            self._database = _connect(draft, "MEMORY")
            try:
                self._begin(recording, changes)
            finally:
                self._database.close()
            draft.replace(self._place)
            # What lies there belonged to the file before.
            for left in journals(self._place):
                left.unlink(missing_ok=True)
        if grows:
            with self._told():
                self._database = _connect(self._place, "WAL")
        self.is_open = grows

    def write(self, changes: Changes) -> None:
        """Write these changes.

        What is new comes first, and is safe then: to thin what is old may take most of a second.
        """
        with self._told():
            with self._transaction():
                self._put(changes)
            if changes.kept:
                with self._transaction():
                    for key, kept in changes.kept.items():
                        self._thin(key, kept)
                    self._set_text("arrays", str(self._count))

    def close(self) -> None:
        """Make the file stand alone."""
        if not self.is_open:
            return
        self.is_open = False
        with self._told():
            try:
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._database.execute("PRAGMA journal_mode = DELETE")
            finally:
                self._database.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever goes wrong is an OSError that names the file, and the end of writing."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if self.is_open:
                self.is_open = False
                self._database.close()
            text = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise OSError(f"{self.path}: {text}") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        yield  # where that fails the database is closed, which undoes it
        self._database.execute("COMMIT")

    # -- what is written ---------------------------------------------------------------------

    def _begin(self, recording: Recording, changes: Changes) -> None:
        self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        with self._transaction():
            for statement in SCHEMA.values():
                self._database.execute(statement)
            for name, text in _lasting_texts(recording).items():
                self._set_text(name, text)
            self._put(changes)

    def _put(self, changes: Changes) -> None:
        for key, rows in (*changes.rows.items(), *_stacked(changes.histograms)):
            self._add(key, rows)
        for step in set(self._checkpoints) - changes.checkpoint_steps:
            self._delete(self._checkpoints.pop(step))
        for checkpoint in changes.checkpoints:
            self._add_checkpoint(checkpoint)
        self._set_text("last_step", str(changes.last_step))
        self._set_text("stopped", changes.stopped)
        self._set_text("arrays", str(self._count))

    def _add(self, key: Key, rows: Rows) -> None:
        """Add rows to a thing, in small pieces unless there are many."""
        thing = self._things.setdefault(key, _Thing())
        if _count(rows) * row_bytes(rows) < LARGE:
            self._append(key, rows, PIECE)
            if thing.small > LARGE // PIECE:
                self._gather(key, thing)
        else:
            self._gather(key, thing)
            self._append(key, rows, LARGE)

    def _append(self, key: Key, rows: Rows, size: int) -> None:
        """Add rows to a thing: to its newest piece as many as that holds, then new pieces."""
        thing = self._things.setdefault(key, _Thing())
        room = max(1, size // row_bytes(rows))
        ids: dict[str, int] = {}
        if 0 < _count(thing.tail) < room:
            ids = thing.pieces.pop()
            rows = {part: np.concatenate([thing.tail[part], rows[part]]) for part in rows}
        for start in range(0, _count(rows), room):
            piece = {part: array[start : start + room] for part, array in rows.items()}
            thing.small += size < LARGE and not ids
            thing.pieces.append({p: self._store(key, p, a, ids.get(p)) for p, a in piece.items()})
            thing.tail, ids = piece, {}
        is_full = _count(thing.tail) >= room
        thing.tail = {} if is_full else {part: a.copy() for part, a in thing.tail.items()}

    def _gather(self, key: Key, thing: _Thing) -> None:
        """Make large pieces of the small ones."""
        first = len(thing.pieces) - thing.small
        taken = [self._take(key, ids) for ids in thing.pieces[first:]]
        del thing.pieces[first:]
        thing.tail, thing.small = {}, 0
        if taken:
            rows = {part: np.concatenate([piece[part] for piece in taken]) for part in taken[0]}
            self._append(key, rows, LARGE)

    def _thin(self, key: Key, kept: Array) -> None:
        """Leave only those rows of a thing that were measured at the `kept` steps."""
        for ids in self._things.pop(key).pieces:
            rows = self._take(key, ids)
            mask = np.isin(rows["steps"], kept)
            if mask.any():
                self._append(key, {part: array[mask] for part, array in rows.items()}, LARGE)

    def _add_checkpoint(self, checkpoint: Checkpoint) -> None:
        key = Key("checkpoint", str(checkpoint.step))
        arrays, facts = checkpoint.to_arrays()
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        self._checkpoints[checkpoint.step] = [
            self._store(key, part, array[start : start + CHUNK // array.itemsize])
            for part, array in arrays.items()
            for start in range(0, len(array), CHUNK // array.itemsize)
        ]

    # -- rows of the tables ------------------------------------------------------------------

    def _store(self, key: Key, part: str, array: Array, place: int | None = None) -> int:
        """Write an array, anew or in the `place` of the one with this id; returns its id."""
        if place is None:
            self._ids += 1
            self._count += 1
            place = self._ids
        self._database.execute(
            "INSERT OR REPLACE INTO arrays VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (place, *encoded(key, part, array)),
        )
        self._wrote(array.nbytes)
        return place

    def _take(self, key: Key, ids: Mapping[str, int]) -> dict[str, Array]:
        """The rows of a piece, which is deleted."""
        query = "SELECT dtype, shape, data FROM arrays WHERE id = ?"
        rows: dict[str, Array] = {}
        for part, place in ids.items():
            dtype, shape, data = self._database.execute(query, (place,)).fetchone()
            found = part_of(key.kind, part)
            assert found is not None
            rows[part] = decoded(found, dtype, tuple(json.loads(shape)), data)
        self._delete(list(ids.values()))
        return rows

    def _delete(self, ids: list[int]) -> None:
        self._count -= len(ids)
        self._database.executemany("DELETE FROM arrays WHERE id = ?", [(place,) for place in ids])

    def _set_text(self, name: str, text: str) -> None:
        check = checksum(name, text)
        query = "UPDATE meta SET value = ?, checksum = ? WHERE name = ?"
        if not self._database.execute(query, (text, check, name)).rowcount:
            query = "INSERT INTO meta (value, checksum, name) VALUES (?, ?, ?)"
            self._database.execute(query, (text, check, name))


def _bytes(changes: Changes) -> int:
    """About how many bytes there are to write."""
    rows = [array.nbytes for rows in changes.rows.values() for array in rows.values()]
    histograms = [
        taken.counts.nbytes for found in changes.histograms.values() for taken in found.values()
    ]
    return sum(rows) + sum(histograms) + sum(kept.bytes for kept in changes.checkpoints)


def _count(rows: Rows) -> int:
    return len(rows.get("steps", ()))


def journals(path: Path) -> list[Path]:
    """What SQLite may have beside a file at this place, while it is written or was killed."""
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal")]


def _connect(path: Path, journal: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        # One writer, for as long as the file is open: then the journal needs no shared memory.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        found = database.execute(f"PRAGMA journal_mode = {journal}").fetchone()[0]
        if found != journal.lower():
            raise sqlite3.OperationalError("a file cannot grow here")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
    except BaseException:
        database.close()
        raise
    return database


def _lasting_texts(recording: Recording) -> dict[str, str]:
    """The texts that never change."""
    environment = recording.environment
    facts: dict[str, Any] = {
        "device": environment.device,
        "threads": environment.threads,
        "versions": dict(environment.versions),
    }
    return {
        "version": str(VERSION),
        "identity": secrets.token_hex(16),
        "experiment": recording.experiment.to_toml(),
        "layers": json.dumps(recording.layers),
        "environment": json.dumps(facts),
    }


def _stacked(
    histograms: Mapping[int, Mapping[str, Histogram]],
) -> Iterator[tuple[Key, dict[str, Array]]]:
    """The histograms of several steps, as rows by name."""
    steps = np.array(list(histograms), dtype=np.int64)
    for name in next(iter(histograms.values()), {}):
        taken = [found[name] for found in histograms.values()]
        yield (
            Key("histogram", name),
            {
                "steps": steps,
                "counts": np.stack([histogram.counts for histogram in taken]),
                "low": np.stack([histogram.low for histogram in taken]),
                "high": np.stack([histogram.high for histogram in taken]),
                "outside": np.stack([histogram.outside for histogram in taken]),
            },
        )
