"""Recording files: one SQLite file that stands alone.

Such a file is data that people share, so `load` trusts nothing in it: it runs fixed queries on
exactly the two tables below, adds up every declared size before it takes memory, and compares
checksums, so that damage is found and never shown as a measurement.

`meta` holds texts: the version of this format, the experiment as TOML, the names of the layers and
the environment as JSON, the last step, and how many arrays there are. `arrays` holds numbers as
little-endian bytes. Every measured thing, told by `kind` and `name`, has an array of steps and one
or more others with a row for each step; further rows of the same thing can follow under a higher
`id`, so that a file can grow without being rewritten.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import stat
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from initviz.lab.experiment import Experiment
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES, SCALARS
from initviz.lab.recording import Environment, Recording
from initviz.lab.settings import shown
from initviz.lab.snapshot import Histogram

VERSION = 1
#: "init" in ASCII: what tells a recording from other SQLite files.
APPLICATION_ID = 0x696E6974
#: The largest experiment has two copies of 2 GB of weights; a file beyond this is something else.
MAX_BYTES = 8 * 2**30
#: A text beyond this is none of ours: the names of 1001 layers need a tenth of it.
MAX_CHARACTERS = 200_000

_MAGIC = b"SQLite format 3\0"
_SCHEMA = {
    "meta": (
        "CREATE TABLE meta (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL, "
        "checksum INTEGER NOT NULL)"
    ),
    "arrays": (
        "CREATE TABLE arrays (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, "
        "part TEXT NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, checksum INTEGER NOT NULL, "
        "data BLOB NOT NULL)"
    ),
}
_TEXTS = ("version", "experiment", "layers", "environment", "last_step", "arrays")

Array = NDArray[Any]


@dataclass(frozen=True)
class _Part:
    """One array of a measured thing.

    `dtypes` are how it may be stored, narrow ones first; whole numbers are read back as the last.
    `shape` says from the number of layers what a row looks like; None there is any length.
    """

    dtypes: tuple[str, ...]
    shape: Callable[[int], tuple[int | None, ...]]


_FLOATS = ("<f4", "<f8")
_COUNTS = ("<u2", "<i4")
_STEPS = _Part(("<i8",), lambda _: ())
_PARTS: dict[str, dict[str, _Part]] = {
    "scalar": {"steps": _STEPS, "values": _Part(_FLOATS, lambda _: (1,))},
    "quantity": {"steps": _STEPS, "values": _Part(_FLOATS, lambda layers: (layers,))},
    "histogram": {
        "steps": _STEPS,
        "counts": _Part(_COUNTS, lambda layers: (layers, BINS)),
        "low": _Part(_FLOATS, lambda layers: (layers,)),
        "high": _Part(_FLOATS, lambda layers: (layers,)),
        "outside": _Part(_COUNTS, lambda layers: (layers, 4)),
    },
    "weights": {"steps": _STEPS, "values": _Part(_FLOATS, lambda _: (None, None))},
}


# -- writing --------------------------------------------------------------------------------------


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


def save(recording: Recording, path: Path) -> None:
    """Write a recording; an existing file is replaced when all is well.

    Raises:
        OSError: if the file cannot be written; nothing is left behind then.
    """
    check_writable(path)
    path = path.resolve()  # a link stays a link
    try:
        with tempfile.TemporaryDirectory(prefix=".initviz-", dir=path.parent) as folder:
            draft = Path(folder, "draft")
            _write(recording, draft)
            draft.replace(path)
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from None


def _write(recording: Recording, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("PRAGMA journal_mode = MEMORY")
        database.execute("BEGIN")
        for statement in _SCHEMA.values():
            database.execute(statement)
        count = 0
        for count, row in enumerate(_rows(recording), 1):
            database.execute("INSERT INTO arrays VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (count, *row))
        for name, text in _texts(recording, count).items():
            database.execute(
                "INSERT INTO meta (name, value, checksum) VALUES (?, ?, ?)",
                (name, text, _checksum(name, text)),
            )
        database.execute("COMMIT")


def _texts(recording: Recording, arrays: int) -> dict[str, str]:
    environment = recording.environment
    return {
        "version": str(VERSION),
        "experiment": recording.experiment.to_toml(),
        "layers": json.dumps(recording.layers),
        "environment": json.dumps(
            {
                "device": environment.device,
                "threads": environment.threads,
                "versions": dict(environment.versions),
            }
        ),
        "last_step": str(recording.last_step),
        "arrays": str(arrays),
    }


def _rows(recording: Recording) -> Iterator[tuple[str | int | bytes, ...]]:
    """The rows of `arrays`, without their ids."""
    for kind, name, arrays in _things(recording):
        for part, array in arrays.items():
            stored = _narrowed(array, _PARTS[kind][part].dtypes)
            data = stored.tobytes()
            label = (kind, name, part, stored.dtype.str, json.dumps(stored.shape))
            yield *label, _checksum(*label, data=data), data


def _things(recording: Recording) -> Iterator[tuple[str, str, dict[str, Array]]]:
    """Every measured thing: (kind, name, arrays by part)."""
    scalars = (("scalar", name, recording.scalar_track(name)) for name in SCALARS)
    quantities = (("quantity", name, recording.track(name)) for name in QUANTITIES)
    for kind, name, track in (*scalars, *quantities):
        if len(track.steps):
            yield kind, name, {"steps": track.steps, "values": track.values}
    steps = recording.histogram_steps
    for name in HISTOGRAMS if len(steps) else ():
        found = (recording.latest_histogram(name, int(step)) for step in steps)
        taken = [histogram for _, histogram in filter(None, found)]
        fields = {
            part: np.stack([getattr(histogram, part) for histogram in taken])
            for part in _PARTS["histogram"]
            if part != "steps"
        }
        yield "histogram", name, {"steps": steps, **fields}
    for step in recording.weight_steps:
        for name in recording.layers:
            weights = recording.weights(name, int(step))
            yield "weights", name, {"steps": np.array([step]), "values": weights[None]}


def _narrowed(array: Array, dtypes: tuple[str, ...]) -> Array:
    """The array in the first of `dtypes` that keeps every bit of it, little-endian."""
    if array.dtype.kind == "f":
        return array.astype(f"<f{array.dtype.itemsize}", copy=False)
    least, greatest = int(array.min(initial=0)), int(array.max(initial=0))
    limits = ((dtype, np.iinfo(dtype)) for dtype in dtypes)
    fits = next(d for d, limit in limits if limit.min <= least and greatest <= limit.max)
    return array.astype(fits, copy=False)


def _checksum(*texts: str, data: bytes = b"") -> int:
    return zlib.crc32(data, zlib.crc32("\0".join(texts).encode()))


# -- reading --------------------------------------------------------------------------------------


def load(path: Path) -> Recording:
    """Read a recording.

    The memory taken is at most a small multiple of the size of the file.

    Raises:
        ValueError: one sentence that begins with the path and says what is wrong with the file.
        OSError: if it cannot be read at all.
    """
    try:
        size = _check_file(path)
        with closing(_open(path, size)) as database:
            return _Reader(database, size).recording()
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
    if not (head.startswith(_MAGIC) and head[68:72] == APPLICATION_ID.to_bytes(4, "big")):
        raise ValueError("not a recording of initviz")
    if size > MAX_BYTES:
        raise ValueError(f"too large to be a recording: {size} bytes, at most {MAX_BYTES}")
    return size


def _open(path: Path, size: int) -> sqlite3.Connection:
    # Immutable: neither locks nor a journal that lies beside the file, so that nothing is written
    # and a folder that cannot be written to does as well.
    name = quote(path.absolute().as_posix())
    slash = "" if name.startswith("/") else "/"
    uri = f"file://{slash}{name}?mode=ro&immutable=1"
    database = sqlite3.connect(uri, uri=True, isolation_level=None)
    database.text_factory = _decoded
    try:
        limit = min(size, database.getlimit(sqlite3.SQLITE_LIMIT_LENGTH))
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
            database.execute(f"PRAGMA {setting}")
    except BaseException:
        database.close()
        raise
    return database


def _decoded(text: bytes) -> str:
    """What SQLite calls a text; where it is none, its checksum will tell."""
    return text.decode("utf-8", "replace")


@dataclass(frozen=True)
class _Entry:
    """One row of `arrays` whose declaration was checked; its data were not read yet."""

    id: int
    label: tuple[str, str, str, str, str]
    checksum: int
    shape: tuple[int, ...]

    @property
    def kind(self) -> str:
        return self.label[0]

    @property
    def name(self) -> str:
        return self.label[1]

    @property
    def part(self) -> str:
        return self.label[2]

    @property
    def dtype(self) -> str:
        return self.label[3]


#: Arrays of a thing by part.
_Thing = Mapping[str, Array]


class _Reader:
    """Reads one open file of `size` bytes; every mistake in it is a ValueError."""

    def __init__(self, database: sqlite3.Connection, size: int) -> None:
        self._database = database
        self._size = size

    def recording(self) -> Recording:
        texts = self._texts()
        experiment = Experiment.from_toml(texts["experiment"])
        layers = _layers(texts["layers"])
        environment = _environment(texts["environment"])
        entries = self._entries(_whole(texts["arrays"], 0))
        things = self._things(entries, layers)
        recording = Recording.restore(
            experiment,
            layers,
            environment,
            {
                name: (parts["steps"], parts["values"])
                for kind in ("scalar", "quantity")
                for name, parts in things[kind].items()
            },
            _histograms(things["histogram"]),
            _weights(things["weights"], layers),
        )
        if recording.last_step != _whole(texts["last_step"], -1):
            raise ValueError(f"the file is damaged (it ends at step {recording.last_step})")
        return recording

    def _texts(self) -> dict[str, str]:
        """What is in `meta`. That table is checked first: a newer version may add others."""
        found = self._database.execute("SELECT type, name, sql FROM sqlite_master LIMIT 20")
        schema = {(kind, name): text for kind, name, text in found}
        if schema.pop(("table", "meta"), None) != _SCHEMA["meta"]:
            raise ValueError("not a recording of initviz")
        rows = self._database.execute("SELECT name, value, checksum FROM meta LIMIT 20")
        texts = {name: value for name, value, checksum in rows if _is_sound(name, value, checksum)}
        version = _whole(texts.get("version", ""), 1)
        if version > VERSION:
            raise ValueError(
                f"version {version} of the file format is newer than this program reads: at most "
                f"{VERSION}"
            )
        if schema.pop(("table", "arrays"), None) != _SCHEMA["arrays"]:
            raise ValueError("the file is damaged (it has no table of arrays)")
        for kind, name in schema:
            raise ValueError(f"{shown(f'{kind} {name}')} does not belong into a recording")
        missing = [name for name in _TEXTS if name not in texts]
        if missing:
            raise ValueError(f"the file is damaged (its {missing[0]} cannot be read)")
        return texts

    def _entries(self, count: int) -> list[_Entry]:
        """The declarations of all arrays; together they claim no more than the file can hold."""
        rows = self._database.execute(
            "SELECT id, kind, name, part, dtype, shape, checksum, typeof(data), length(data) "
            "FROM arrays ORDER BY id LIMIT ?",
            (min(count, self._size) + 1,),
        )
        entries: list[_Entry] = []
        room = self._size
        for number, *label, checksum, kind, length in rows:
            entry = _entry(number, label, checksum, kind, length)
            room -= length
            if room < 0 or (entries and entry.id <= entries[-1].id):
                raise ValueError("the file is damaged (its arrays overlap)")
            entries.append(entry)
        if len(entries) != count:
            raise ValueError(f"the file is damaged ({count} arrays were written)")
        return entries

    def _things(
        self, entries: list[_Entry], layers: tuple[str, ...]
    ) -> dict[str, dict[str, _Thing]]:
        """All arrays by kind, name and part, rows of one thing joined."""
        known = {
            "scalar": tuple(SCALARS),
            "quantity": tuple(QUANTITIES),
            "histogram": tuple(HISTOGRAMS),
            "weights": layers,
        }
        pieces: dict[tuple[str, str], dict[str, list[Array]]] = {}
        for entry in entries:
            if entry.name not in known[entry.kind]:
                raise ValueError(f"unknown {entry.kind} {shown(entry.name)}")
            _check_shape(entry, len(layers))
            parts = pieces.setdefault((entry.kind, entry.name), defaultdict(list))
            parts[entry.part].append(self._array(entry))
        things: dict[str, dict[str, _Thing]] = {kind: {} for kind in _PARTS}
        for (kind, name), parts in pieces.items():
            things[kind][name] = _joined(kind, name, parts)
        return things

    def _array(self, entry: _Entry) -> Array:
        row = self._database.execute("SELECT data FROM arrays WHERE id = ?", (entry.id,)).fetchone()
        data = row[0] if row else None
        if not isinstance(data, bytes) or _checksum(*entry.label, data=data) != entry.checksum:
            _damaged(entry.kind, entry.name)
        if len(data) != math.prod(entry.shape) * np.dtype(entry.dtype).itemsize:
            _damaged(entry.kind, entry.name)
        array = np.frombuffer(data, dtype=entry.dtype).reshape(entry.shape)
        widest = _PARTS[entry.kind][entry.part].dtypes[-1]
        kept = array.dtype if array.dtype.kind == "f" else np.dtype(widest)
        return array.astype(kept.newbyteorder("="))


def _entry(number: Any, label: list[Any], checksum: Any, kind: Any, length: Any) -> _Entry:
    if not all(isinstance(text, str) and len(text) < 100 for text in label):
        raise ValueError("the file is damaged (an array has no name)")
    thing, name, part, dtype, written = label
    shape = _json(written, "shape")
    if (
        not all(isinstance(value, int) for value in (number, checksum, length))
        or kind != "blob"
        or part not in _PARTS.get(thing, {})
        or dtype not in _PARTS[thing][part].dtypes
        or not isinstance(shape, list)
        or not all(type(side) is int and 0 < side <= length for side in shape)
        or math.prod(shape) * np.dtype(dtype).itemsize != length
    ):
        _damaged(thing, name)
    return _Entry(number, (thing, name, part, dtype, written), checksum, tuple(shape))


def _damaged(kind: str, name: str) -> NoReturn:
    raise ValueError(f"the file is damaged (in {shown(f'{kind} {name}')})")


def _check_shape(entry: _Entry, layers: int) -> None:
    wanted = _PARTS[entry.kind][entry.part].shape(layers)
    row = entry.shape[1:]
    if len(entry.shape) != len(wanted) + 1 or any(
        side not in (None, found) for side, found in zip(wanted, row, strict=True)
    ):
        _damaged(entry.kind, entry.name)


def _joined(kind: str, name: str, pieces: Mapping[str, list[Array]]) -> _Thing:
    """The parts of one thing, of equal length, with increasing steps and nothing impossible."""
    if set(pieces) != set(_PARTS[kind]):
        _damaged(kind, name)
    # Pieces of different shapes cannot be joined: NumPy's ValueError would say so less clearly.
    if any(len({piece.shape[1:] for piece in arrays}) > 1 for arrays in pieces.values()):
        _damaged(kind, name)
    parts = {part: np.concatenate(arrays) for part, arrays in pieces.items()}
    steps = parts["steps"]
    sound = len({len(array) for array in parts.values()}) == 1
    sound = sound and int(steps[0]) >= 0 and bool((steps[1:] > steps[:-1]).all())
    if sound and kind == "histogram":
        low, high = parts["low"], parts["high"]
        sound = bool(np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all())
        sound = sound and min(int(parts[part].min()) for part in ("counts", "outside")) >= 0
    if not sound:
        _damaged(kind, name)
    return parts


def _histograms(things: Mapping[str, _Thing]) -> dict[int, dict[str, Histogram]]:
    steps = _common_steps("histogram", things, tuple(HISTOGRAMS))
    return {
        step: {
            name: Histogram(*(parts[part][row] for part in ("counts", "low", "high", "outside")))
            for name, parts in things.items()
        }
        for row, step in enumerate(steps)
    }


def _weights(things: Mapping[str, _Thing], layers: tuple[str, ...]) -> dict[int, dict[str, Array]]:
    steps = _common_steps("weights", things, layers)
    kept = {0, len(steps) - 1} if steps else set()
    return {steps[row]: {name: things[name]["values"][row] for name in layers} for row in kept}


def _common_steps(kind: str, things: Mapping[str, _Thing], names: tuple[str, ...]) -> list[int]:
    """The steps of all things of a kind, of which there must be all or none."""
    steps: list[list[int]] = [parts["steps"].tolist() for parts in things.values()]
    if not steps:
        return []
    if set(things) != set(names) or any(other != steps[0] for other in steps):
        raise ValueError(f"the file is damaged (some of its {kind} are missing)")
    return steps[0]


# -- the texts in a file ----------------------------------------------------------------------


def _is_sound(name: Any, value: Any, checksum: Any) -> bool:
    if not isinstance(name, str) or not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        return False
    return bool(_checksum(name, value) == checksum)


def _whole(text: str, least: int) -> int:
    """A whole number of at least `least`."""
    if not (len(text) <= 19 and text.removeprefix("-").isdecimal() and int(text) >= least):
        raise ValueError("the file is damaged (a number in it cannot be read)")
    return int(text)


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"the file is damaged (its {what} cannot be read)") from None


def _layers(text: str) -> tuple[str, ...]:
    layers = _json(text, "layers")
    if (
        not isinstance(layers, list)
        or not all(isinstance(name, str) and 0 < len(name) < 100 for name in layers)
        or not 2 <= len(set(layers)) == len(layers)
    ):
        raise ValueError("the file is damaged (its layers have no names)")
    return tuple(layers)


def _environment(text: str) -> Environment:
    found = _json(text, "environment")
    match found:
        case {"device": str(device), "threads": int(threads), "versions": dict(versions)}:
            if all(isinstance(version, str) for version in versions.values()):
                return Environment(device, threads, versions)
    raise ValueError("the file is damaged (its environment cannot be read)")
