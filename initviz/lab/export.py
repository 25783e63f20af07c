"""A run as plain tables for other programs: CSV, JSON and NPZ. docs/export.md says what is where.

Nothing here is read back by initviz: what comes back whole is a recording.
"""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.recording import Recording, Track
from initviz.lab.watching import Told, unwatched

#: Of the layout of JSON and NPZ, which may grow names but not change them.
VERSION = 1
#: JSON has no signs for these; as texts Python's `float` and JavaScript's `Number` read them.
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def export_run(recording: Recording, path: Path, told: Told = unwatched) -> None:
    """Write a run as .csv, .json or .npz, as the name ends; an existing file is replaced.

    It is `told` how far that is.

    Raises:
        ValueError: for any other ending.
        OSError: if the file cannot be written; what was there before stays then.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ValueError(f"{path.name} ends with none of {', '.join(_WRITERS)}")
    path = path.resolve()  # a link stays a link
    with tempfile.TemporaryDirectory(prefix=".initviz-", dir=path.parent) as folder:
        draft = Path(folder, "draft")
        with draft.open("wb") as file:
            write(recording, file, told)
        draft.replace(path)


# -- CSV ----------------------------------------------------------------------------------------


def _write_csv(recording: Recording, file: IO[bytes], told: Told) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = (*SCALARS, *QUANTITIES, *TIME_QUANTITIES)
    writer.writerow(("step", "layer", "time", *columns))
    before, between = [""] * len(SCALARS), [""] * len(QUANTITIES)
    after = [""] * len(TIME_QUANTITIES)
    rows = zip(
        _rows(recording, {name: recording.scalar_track(name) for name in SCALARS}),
        _rows(recording, {name: recording.track(name) for name in QUANTITIES}),
        _rows(recording, {name: recording.time_track(name) for name in TIME_QUANTITIES}),
        strict=True,
    )
    total = len(recording.steps)
    for row, ((step, scalars), (_, layers), (_, times)) in enumerate(rows):
        told(row / total)
        for numbers in scalars:
            writer.writerow((step, "", "", *numbers, *between, *after))
        for layer, numbers in zip(recording.layers, layers, strict=False):
            writer.writerow((step, layer, "", *before, *numbers, *after))
        for time, numbers in enumerate(times, 1):
            writer.writerow((step, "", time, *before, *between, *numbers))
    text.flush()
    text.detach()


def _rows(
    recording: Recording, tracks: Mapping[str, Track]
) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """For each kept step the numbers of all tracks side by side, empty where none was measured."""
    at = dict.fromkeys(tracks, 0)
    for step in recording.steps.tolist():
        columns: list[list[Any] | None] = []
        for name, track in tracks.items():
            row = at[name]
            if row < len(track.steps) and track.steps[row] == step:
                columns.append(track.values[row].tolist())
                at[name] = row + 1
            else:
                columns.append(None)
        width = max((len(column) for column in columns if column is not None), default=0)
        yield step, list(zip(*([""] * width if c is None else c for c in columns), strict=True))


# -- JSON ---------------------------------------------------------------------------------------


def _write_json(recording: Recording, file: IO[bytes], told: Told) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8")
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
    text.write("{\n")
    # A member on a line, and never more than one of them in memory.
    for number, (name, value) in enumerate(_members(recording, told)):
        text.write(",\n" if number else "")
        text.write(f" {encoder.encode(name)}: ")
        text.writelines(_pieces(value, encoder))
    text.write("\n}\n")
    text.flush()
    text.detach()


def _pieces(value: Any, encoder: json.JSONEncoder) -> Iterator[str]:
    """A value as JSON, a table part by part: the encoder lets no other thread run meanwhile."""
    if not isinstance(value, dict):
        yield encoder.encode(value)
        return
    yield "{"
    for number, (name, part) in enumerate(value.items()):
        yield f"{', ' if number else ''}{encoder.encode(name)}: {encoder.encode(part)}"
    yield "}"


def _members(recording: Recording, told: Told) -> Iterator[tuple[str, Any]]:
    def watched(names: Collection[str], since: float) -> Iterator[str]:
        for number, name in enumerate(names):
            told(since + 0.2 * number / len(names))
            yield name

    environment = recording.environment
    yield "format", "initviz run"
    yield "version", VERSION
    yield "experiment", recording.experiment.to_dict()
    yield (
        "environment",
        {
            "device": environment.device,
            "threads": environment.threads,
            "versions": dict(environment.versions),
        },
    )
    yield "layers", list(recording.layers)
    yield "last_step", recording.last_step
    yield "stopped", recording.stopped
    scalars = {name: recording.scalar_track(name) for name in SCALARS}
    yield "scalars", {name: _series(scalars[name], flat=True) for name in watched(scalars, 0.0)}
    layers = {name: recording.track(name) for name in QUANTITIES}
    yield "quantities", {name: _series(layers[name]) for name in watched(layers, 0.2)}
    times = {name: recording.time_track(name) for name in TIME_QUANTITIES}
    yield "along_time", {name: _series(times[name]) for name in watched(times, 0.9)}
    yield (
        "findings",
        [
            {
                "kind": finding.kind,
                "layer": finding.layer,
                "value": _number(finding.value),
                "threshold": _number(finding.threshold),
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in (recording.findings() if recording.last_step >= 0 else [])
        ],
    )


def _series(track: Track, *, flat: bool = False) -> dict[str, Any]:
    values = [[_number(value) for value in row] for row in track.values.tolist()]
    return {
        "steps": track.steps.tolist(),
        "values": [row[0] for row in values] if flat else values,
    }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else _NOT_FINITE[repr(float(value))]


# -- NPZ ----------------------------------------------------------------------------------------


def _write_npz(recording: Recording, file: IO[bytes], told: Told) -> None:
    total = max(1, recording.size)
    done = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in _arrays(recording):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            done += np.size(array)
            told(min(1.0, done / total))


def _arrays(recording: Recording) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and content of each array, one after the other: all of them may be large together."""
    environment = recording.environment
    yield "version", np.array(VERSION)
    yield "experiment", np.array(recording.experiment.to_toml())
    yield "device", np.array(environment.device)
    yield "layers", np.array(recording.layers)
    yield "stopped", np.array(recording.stopped)
    for name in SCALARS:
        track = recording.scalar_track(name)
        yield f"{name}.steps", track.steps
        yield name, track.values[:, 0]
    for name, track in (
        *((name, recording.track(name)) for name in QUANTITIES),
        *((name, recording.time_track(name)) for name in TIME_QUANTITIES),
    ):
        yield f"{name}.steps", track.steps
        yield name, track.values
    yield from _histograms(recording)
    yield from _weights(recording)


def _histograms(recording: Recording) -> Iterator[tuple[str, NDArray[Any]]]:
    steps = recording.histogram_steps
    yield "histogram.steps", steps
    for name in HISTOGRAMS if len(steps) else ():
        found = [recording.histogram(name, step) for step in steps.tolist()]
        yield f"histogram.{name}.counts", np.array([counts for counts, _ in found])
        yield f"histogram.{name}.edges", np.array([edges for _, edges in found])
        outside = [recording.histogram_outside(name, step) for step in steps.tolist()]
        yield f"histogram.{name}.outside", np.array(outside)


def _weights(recording: Recording) -> Iterator[tuple[str, NDArray[Any]]]:
    steps = recording.weight_steps
    yield "weights.steps", steps
    for layer in recording.layers:
        for step in steps.tolist():
            yield f"weights.{layer}.step {step}", recording.weights(layer, step)


_WRITERS: dict[str, Callable[[Recording, IO[bytes], Told], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".npz": _write_npz,
}
#: The endings of files that a run can be written as.
ENDINGS = tuple(_WRITERS)
