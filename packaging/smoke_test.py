"""Try a frozen program as a person would, and read all that it prints.

    python packaging/smoke_test.py [--folder FOLDER] [--lecture NAME] PROGRAM [ARGUMENT ...]

PROGRAM is started with what belongs to it; arguments after it stand before those of each call, so
that it may be one that starts initviz elsewhere. FOLDER (by default one that is deleted) is where
initviz writes, under the same name there and here. Nothing but the standard library is needed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

#: What no output may have: of Python, Qt, fontconfig, the loader of libraries, and our own log.
FORBIDDEN = ("Traceback", "Warning", "could not", "QFont", "Failed")
#: A lecture that is quick to prove, by default.
LECTURE = "0"
#: Seconds: for a call, and that a window is left open.
PATIENCE, OPEN_FOR = 600.0, 12.0

EXPERIMENT = """\
version = 1
[network]
hidden_layers = 3
width = 16
"""


class SmokeError(Exception):
    """What did not go well, as a sentence."""


@dataclass(frozen=True)
class Call:
    """One start of the program, and what has to be true after it."""

    name: str
    arguments: tuple[str, ...]
    says: str = ""
    writes: Path | None = None
    begins: bytes = b""


def calls(folder: Path, lecture: str) -> list[Call]:
    """What is tried, in an order in which each finds what it needs."""
    experiment, recording = folder / "small.toml", folder / "small.initviz"
    experiment.write_text(EXPERIMENT, encoding="utf-8")
    train = ("run", str(experiment), "--steps", "20", "--out", str(recording))

    def export(name: str, begins: bytes) -> Call:
        out = folder / name
        return Call(f"export of {name}", ("export", str(recording), str(out)), "", out, begins)

    return [
        Call("the versions", ("--version",), "device:"),
        Call("the smoke test", ("--smoke-test",), "smoke test passed"),
        Call("a run", train, "", recording, b"SQLite format 3\0"),
        export("panel.png", b"\x89PNG"),
        export("panel.svg", b"<?xml"),
        export("script.py", b'"""'),
        export("numbers.csv", b""),
        Call("the check of a lecture", ("check", lecture), "claims hold"),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Try everything; print how each went, and return 0 if all went well."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as own:
        folder = Path(asked.folder or own)
        wrong = [
            attempt(call.name, partial(run, asked.program, call))
            for call in calls(folder, asked.lecture)
        ]
        recording = str(folder / "small.initviz")
        wrong.append(attempt("a window on the recording", partial(look, asked.program, recording)))
    return int(any(wrong))


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    made.add_argument("--folder", metavar="FOLDER")
    made.add_argument("--lecture", metavar="NAME", default=LECTURE)
    made.add_argument("program", nargs=argparse.REMAINDER, metavar="PROGRAM [ARGUMENT ...]")
    return made


def attempt(name: str, what: Callable[[], None]) -> bool:
    """Do one thing, say how it went, and tell whether it went wrong."""
    began = time.monotonic()
    try:
        what()
    except SmokeError as error:
        print(f"FAILED  {name}: {error}", flush=True)
        return True
    print(f"ok      {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return False


def run(program: list[str], call: Call) -> None:
    """One call of the program, to its end."""
    try:
        done = subprocess.run(
            [*program, *call.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SmokeError(str(error)) from None
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise SmokeError(f"exit status {done.returncode}: {said.strip()}")
    judge(said)
    if call.says not in said:
        raise SmokeError(f"it did not say {call.says!r} but: {said.strip()}")
    if call.writes is not None:
        if not call.writes.exists():
            raise SmokeError(f"{call.writes.name} was not written")
        if not call.writes.read_bytes().startswith(call.begins):
            raise SmokeError(f"{call.writes.name} does not begin with {call.begins!r}")


def look(program: list[str], recording: str) -> None:
    """Open a recording in the window, leave it open for a while, and end it."""
    with tempfile.TemporaryFile() as output:
        try:
            window = subprocess.Popen([*program, recording], stdout=output, stderr=output)
        except OSError as error:
            raise SmokeError(str(error)) from None
        try:
            status = window.wait(OPEN_FOR)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            window.terminate()
            window.wait(PATIENCE)
        output.seek(0)
        said = output.read().decode(errors="replace")
    judge(said)
    if status is not None:
        raise SmokeError(f"the window closed by itself (status {status}): {said.strip()}")


def judge(said: str) -> None:
    """Raise SmokeError for a line with a word that tells of trouble."""
    for line in said.splitlines():
        if any(word in line for word in FORBIDDEN):
            raise SmokeError(f"it said: {line.strip()}")


if __name__ == "__main__":
    sys.exit(main())
