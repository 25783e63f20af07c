"""What a library of Linux says of itself: what it needs, and of which C library."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_MAGIC = b"\x7fELF"


def files(folder: Path) -> list[Path]:
    """Every program and library under a folder, links left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and _is_elf(path)
    )


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == _MAGIC


def needed(paths: Sequence[Path]) -> dict[Path, set[str]]:
    """The libraries that each of these names as needed."""
    found: dict[Path, set[str]] = {}
    for path in paths:
        said = subprocess.run(
            ["readelf", "--dynamic", "--wide", str(path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found[path.resolve()] = set(re.findall(r"\(NEEDED\).*\[(.+)\]", said))
    return found


def reached(
    roots: Iterable[Path], libraries: Mapping[str, Path], needs: Mapping[Path, set[str]]
) -> set[Path]:
    """The libraries that the roots need, and those need, and so on; and the roots."""
    waiting = [path.resolve() for path in roots]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [libraries[name] for name in needs.get(path, ()) if name in libraries]
    return found


def outside(folder: Path) -> set[str]:
    """The libraries that something under a folder needs and that do not lie there."""
    there = {path.name for path in folder.rglob("*.so*")}
    return set().union(*needed(files(folder)).values()) - there


def c_library(paths: Iterable[Path]) -> tuple[int, int]:
    """The oldest glibc that all of these run with."""
    found = [(2, 0)]
    for path in paths:
        said = subprocess.run(
            ["readelf", "--version-info", "--wide", str(path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found += [(int(a), int(b)) for a, b in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", said)]
    return max(found)


# ---------------------------------------------------------------- where a library looks

_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")  # type, flags, offset, address, _, size, _, _
_LOAD, _DYNAMIC = 1, 2
_STRINGS, _RPATH, _RUNPATH = 5, 15, 29
#: Where it looks instead: in its own folder.
HERE = b"$ORIGIN"


def forget_folders(path: Path) -> list[str]:
    """Let a library look in no folder of the machine that it was built on.

    Returns the folders that it looked in. Only those that begin at the root are replaced, by its
    own folder; the file keeps its size.
    """
    data = bytearray(path.read_bytes())
    forgotten = []
    for place in _search_paths(data):
        end = data.index(0, place)
        said = bytes(data[place:end])
        if said.startswith(b"/") and len(said) >= len(HERE):
            forgotten.append(said.decode())
            data[place:end] = HERE.ljust(end - place, b"\0")
    if forgotten:
        path.write_bytes(data)
    return forgotten


def _search_paths(data: bytearray) -> list[int]:
    """Where in a file (64 bits, little endian) its RPATH and RUNPATH are written."""
    start, _, _, _, size, count = struct.unpack_from("<QQIHHH", data, 32)
    headers = [_PROGRAM_HEADER.unpack_from(data, start + row * size) for row in range(count)]
    entries = [
        struct.unpack_from("<QQ", data, head[2] + place)
        for head in headers
        if head[0] == _DYNAMIC
        for place in range(0, head[5], 16)
    ]
    strings = next((value for tag, value in entries if tag == _STRINGS), None)
    if strings is None:
        return []
    # The table is named by its address in memory; what is loaded there lies in the file at …
    table = next(
        head[2] + strings - head[3]
        for head in headers
        if head[0] == _LOAD and head[3] <= strings < head[3] + head[5]
    )
    return [table + value for tag, value in entries if tag in {_RPATH, _RUNPATH}]
