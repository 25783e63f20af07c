"""What is checked of a recording file before it is believed.

First what it says of itself, then its numbers. Every mistake is a ValueError with one sentence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.files.format import (
    SCHEMA,
    TEXTS,
    VERSION,
    Array,
    Key,
    checksum,
    part_of,
    parts_of,
)
from initviz.lab.network_settings import GATES
from initviz.lab.recording import Environment
from initviz.lab.settings import shown

#: A text beyond this is none of ours: the names of 1001 layers need a tenth of it.
MAX_CHARACTERS = 200_000
#: The same for the facts of a checkpoint, which name all parameters.
MAX_FACTS = 1_000_000
#: More arrays than a recording with all its rows has.
MAX_ARRAYS = 200_000
#: Longer sequences than can be read.
MAX_TIMES = 10_000


@dataclass(frozen=True)
class Entry:
    """One row of `arrays` whose declaration was checked; its data were not read yet."""

    id: int
    label: tuple[str, str, str, str, str]
    checksum: int
    shape: tuple[int, ...]

    @property
    def key(self) -> Key:
        return Key(*self.label[:2])

    @property
    def part(self) -> str:
        return self.label[2]

    @property
    def dtype(self) -> str:
        return self.label[3]


def damaged(key: Key) -> NoReturn:
    """Say in which thing the mistake is."""
    raise ValueError(f"the file is damaged (in {shown(' '.join(key))})")


# -- arrays ---------------------------------------------------------------------------------------


def check_entry(row: tuple[Any, ...], layers: int) -> Entry:
    """One declaration: id, kind, name, part, dtype, shape, checksum, type and size of the data."""
    number, *label, check, kind, length = row
    if not all(isinstance(text, str) and len(text) < 100 for text in label):
        raise ValueError("the file is damaged (an array has no name)")
    thing, name, part, dtype, written = label
    shape, found = parsed(written, "shape"), part_of(thing, part)
    if (
        not all(isinstance(value, int) for value in (number, check, length))
        or kind != "blob"
        or found is None
        or dtype not in found.dtypes
        or not isinstance(shape, list)
        or not all(type(side) is int and 0 < side <= length for side in shape)
        or math.prod(shape) * np.dtype(dtype).itemsize != length
        or not _fits(shape, found.shape(layers))
    ):
        damaged(Key(thing, name))
    return Entry(number, (thing, name, part, dtype, written), check, tuple(shape))


def _fits(shape: list[int], row: tuple[int | None, ...]) -> bool:
    """Whether rows of an array of this shape look as they should."""
    return len(shape) == len(row) + 1 and all(
        wanted in (None, side) for wanted, side in zip(row, shape[1:], strict=True)
    )


def check_things(things: Mapping[Key, Mapping[str, list[Entry]]]) -> None:
    """Whether every thing has all its parts, of one row shape each and as many rows as another."""
    for key, parts in things.items():
        if key.kind != "checkpoint" and set(parts) != parts_of(key.kind):
            damaged(key)
        if any(len({entry.shape[1:] for entry in entries}) > 1 for entries in parts.values()):
            damaged(key)
        if sum(entry.shape[0] for entry in parts.get("facts", ())) > MAX_FACTS:
            damaged(key)
        rows = {sum(entry.shape[0] for entry in entries) for entries in parts.values()}
        if key.kind != "checkpoint" and len(rows) > 1:
            damaged(key)
    lengths = {k: parts["values"][0].shape[1] for k, parts in things.items() if k.kind == "time"}
    if len(set(lengths.values())) > 1:
        raise ValueError("the file is damaged (its sequences have several lengths)")
    for key, length in lengths.items():
        if length > MAX_TIMES:
            damaged(key)


def check_numbers(key: Key, parts: Mapping[str, Array]) -> None:
    """Whether the steps increase, and the numbers are possible."""
    steps = parts["steps"]
    sound = int(steps[0]) >= 0 and bool((steps[1:] > steps[:-1]).all())
    if sound and key.kind == "histogram":
        low, high = parts["low"], parts["high"]
        sound = bool(np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all())
        sound = sound and min(int(parts[part].min()) for part in ("counts", "outside")) >= 0
    if not sound:
        damaged(key)


def check_checkpoint(key: Key, parts: Mapping[str, Array], experiment: Experiment) -> Checkpoint:
    """The checkpoint that is in these arrays, which checks that its network is the right one."""
    facts_at = parts.get("facts")
    if facts_at is None:
        damaged(key)
    facts = parsed(facts_at.tobytes().decode("utf-8", "replace"), "checkpoint")
    if not isinstance(facts, Mapping) or not _is_bounded(facts):
        damaged(key)
    arrays = {part: array for part, array in parts.items() if part != "facts"}
    checkpoint = Checkpoint.from_arrays(experiment, arrays, facts)
    if str(checkpoint.step) != key.name:
        damaged(key)
    return checkpoint


def _is_bounded(facts: Mapping[str, Any]) -> bool:
    """Whether no declared side is so long that a product of them would take for ever."""
    shapes = facts.get("shapes")
    if not isinstance(shapes, Mapping):
        return False
    return all(
        isinstance(shape, list)
        and 0 < len(shape) <= 8
        and all(type(side) is int and 0 < side < 2**40 for side in shape)
        for shape in shapes.values()
    )


def check_weights(checkpoint: Checkpoint, layers: tuple[str, ...]) -> None:
    """Whether old weights are those of every layer: a row for each unit of the experiment."""
    network = checkpoint.experiment.network
    gates = GATES.get(network.architecture, 1)
    units = [gates * plan.width for plan in checkpoint.experiment.hidden]
    for layer, wanted in zip(layers, [*units, None], strict=True):
        try:
            rows = len(checkpoint.weights(layer))
        except (KeyError, ValueError):
            rows = 0
        if rows == 0 or wanted not in (None, rows):
            damaged(Key("checkpoint", str(checkpoint.step)))


# -- texts ----------------------------------------------------------------------------------------


def check_schema(schema: dict[tuple[str, str], Any]) -> None:
    """Whether there is nothing but the two tables, each as it was made."""
    if schema.pop(("table", "arrays"), None) != SCHEMA["arrays"]:
        raise ValueError("the file is damaged (it has no table of arrays)")
    for kind, name in schema:
        raise ValueError(f"{shown(f'{kind} {name}')} does not belong into a recording")


def is_sound(name: Any, value: Any, check: Any) -> bool:
    """Whether a row of `meta` is a text with its checksum."""
    if not isinstance(name, str) or not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        return False
    return bool(checksum(name, value) == check)


def check_version(texts: Mapping[str, str]) -> int:
    """The version of the file, which is not newer than this program."""
    version = whole(texts.get("version", ""), 1)
    if version > VERSION:
        raise ValueError(
            f"version {version} of the file format is newer than this program reads: at most "
            f"{VERSION}"
        )
    return version


def check_texts(texts: Mapping[str, str], version: int) -> None:
    """Whether all texts are there that a file of this version has."""
    missing = [name for name, since in TEXTS.items() if since <= version and name not in texts]
    if missing:
        raise ValueError(f"the file is damaged (its {missing[0]} cannot be read)")


def whole(text: str, least: int) -> int:
    """A whole number of at least `least`."""
    if not (len(text) <= 19 and text.removeprefix("-").isdecimal() and int(text) >= least):
        raise ValueError("the file is damaged (a number in it cannot be read)")
    return int(text)


def parsed(text: str, what: str) -> Any:
    """What JSON says."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"the file is damaged (its {what} cannot be read)") from None


def check_layers(text: str) -> tuple[str, ...]:
    """The names of the layers."""
    layers = parsed(text, "layers")
    if (
        not isinstance(layers, list)
        or not all(isinstance(name, str) and 0 < len(name) < 100 for name in layers)
        or not 2 <= len(set(layers)) == len(layers)
    ):
        raise ValueError("the file is damaged (its layers have no names)")
    return tuple(layers)


def check_stopped(text: str) -> str:
    """How the run ended."""
    if text not in ("", "early"):
        raise ValueError("the file is damaged (how the run ended cannot be read)")
    return text


def check_environment(text: str) -> Environment:
    """Where the run was computed, and by what."""
    match parsed(text, "environment"):
        case {"device": str(device), "threads": int(threads), "versions": dict(versions)}:
            if all(isinstance(version, str) for version in versions.values()):
                return Environment(device, threads, versions)
    raise ValueError("the file is damaged (its environment cannot be read)")
