"""What is typed after `initviz`, and what it asks for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

DEFAULT_STEPS = 1000

_USAGE = """\
initviz [FILE]
       initviz run EXPERIMENT.toml [--steps N] [--out FILE.initviz] [--set KEY=VALUE]...
       initviz export IN OUT [--panel NAME] [--step N]
       initviz lecture NAME|FILE
       initviz check LECTURE... [--record]
       initviz --smoke-test | --version | --help"""
_FORMS = """\
initviz opens the window; initviz run trains without one, initviz export writes what was recorded
as other files, initviz lecture shows a lecture, and initviz check proves one: see --help of each.
A file that is called like one of them is opened as ./run, ./export, ./lecture or ./check.
"""


@dataclass(frozen=True)
class OpenWindow:
    """The window, on an experiment file or on the preset."""

    file: Path | None


@dataclass(frozen=True)
class SmokeTest:
    """Whether this installation works."""


@dataclass(frozen=True)
class Train:
    """A run without a window.

    Without `steps`, it is as long as the experiment has it, or `DEFAULT_STEPS`. `changes` are
    pairs of a key and a value as they were typed.
    """

    experiment: Path
    steps: int | None
    out: Path | None
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Export:
    """What a recording holds, or a run of an experiment would, as another file."""

    source: Path
    out: Path
    panel: str | None
    step: int | None


@dataclass(frozen=True)
class Lecture:
    """A lecture in the player: `name` is that of one that is shipped, or the path of a file."""

    name: str


@dataclass(frozen=True)
class Check:
    """Every claim of these lectures and challenges, named as for `Lecture`, held against runs.

    With `record`, the recordings that a lecture names are written before.
    """

    files: tuple[str, ...]
    record: bool = False


Request = OpenWindow | SmokeTest | Train | Export | Lecture | Check


def parse(arguments: Sequence[str]) -> Request:
    """The request in `arguments`, the program's own name left out.

    Raises:
        SystemExit: with 2 and one line on standard error for a mistake; with 0 where the answer
            (help, version) was printed.
    """
    if arguments[:1] == ["run"]:
        found = _run_parser().parse_args(arguments[1:])
        return Train(found.experiment, found.steps, found.out, tuple(found.changes))
    if arguments[:1] == ["export"]:
        found = _export_parser().parse_args(arguments[1:])
        return Export(found.source, found.out, found.panel, found.step)
    if arguments[:1] == ["lecture"]:
        found = _lecture_parser().parse_args(arguments[1:])
        return Lecture(found.name)
    if arguments[:1] == ["check"]:
        found = _check_parser().parse_args(arguments[1:])
        return Check(tuple(found.files), found.record)
    found = _parser().parse_args(arguments)
    return SmokeTest() if found.smoke_test else OpenWindow(found.file)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        text = " ".join(message.split())
        self.exit(2, f"{self.prog}: {text}; {self.prog} --help shows what is allowed\n")


class _Version(argparse.Action):
    """Prints the versions, which are looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_arguments: object) -> NoReturn:
        from initviz.lab.versions import device_text, versions

        found = versions()
        print(f"initviz {found.pop('initviz')}")
        print(", ".join(f"{name} {number}" for name, number in found.items()), flush=True)
        print(f"device: {device_text()}")  # last: for that PyTorch is loaded
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="initviz",
        usage=_USAGE,
        description="A laboratory for the weight initialisation of neural networks.",
        epilog=_FORMS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="an experiment or a recording to open"
    )
    made.add_argument("--version", action=_Version, nargs=0, help="print the versions")
    made.add_argument(
        "--smoke-test",
        action="store_true",
        help="open the window, train 30 steps, check that every panel drew, and say so",
    )
    return made


def _run_parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="initviz run",
        description="Train without a window and print the diagnosis. Ctrl-C ends a run early; "
        "what it measured is kept.",
        allow_abbrev=False,
    )
    made.add_argument("experiment", type=Path, metavar="EXPERIMENT.toml")
    made.add_argument(
        "--steps",
        type=_steps,
        metavar="N",
        help=f"how many steps to train (default: {DEFAULT_STEPS}, or as many as the experiment "
        "itself says)",
    )
    made.add_argument(
        "--out", type=_recording, metavar="FILE.initviz", help="where to save the recording"
    )
    made.add_argument(
        "--set",
        type=_change,
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of the experiment, e.g. network.width=64; may be repeated",
    )
    return made


def _export_parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="initviz export",
        description="Write a recording as another file, without a window. The ending of OUT says "
        "what: the whole run as .csv, .json or .npz; a panel as .png, .svg or .pdf, or as .csv "
        "with --panel; a panel over the whole timeline as .mp4 or .gif; the experiment as a "
        "PyTorch script, .py, or as .toml.",
        allow_abbrev=False,
    )
    made.add_argument(
        "source",
        type=Path,
        metavar="IN",
        help="a recording (.initviz), or an experiment (.toml), which is run where that is needed",
    )
    made.add_argument("out", type=Path, metavar="OUT", help="where to write; the ending says what")
    made.add_argument("--panel", metavar="NAME", help="which panel (default: gradient_magnitude)")
    made.add_argument(
        "--step", type=_steps, metavar="N", help="which step a panel shows (default: the last one)"
    )
    return made


def _lecture_parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="initviz lecture", description="Show a lecture, full screen.", allow_abbrev=False
    )
    made.add_argument(
        "name",
        metavar="NAME|FILE",
        help="a lecture that comes with initviz, e.g. 3 or too-small, or a file of one's own",
    )
    return made


def _check_parser() -> argparse.ArgumentParser:
    made = _Parser(
        prog="initviz check",
        description="Run every scene of lectures, or challenges, without a window, and hold what "
        "they claim against what is measured. The exit status is 0 where all holds, 1 where a "
        "claim fails, 2 where a file is no lecture.",
        allow_abbrev=False,
    )
    made.add_argument(
        "files",
        nargs="+",
        metavar="LECTURE",
        help="a file, e.g. lecture.md, or the name of a lecture that comes with initviz",
    )
    made.add_argument(
        "--record",
        action="store_true",
        help="first write the recordings that the lectures name, beside them",
    )
    return made


def _steps(text: str) -> int:
    if text.isdecimal() and len(text) <= 15:
        return int(text)
    raise argparse.ArgumentTypeError(f"{_short(text)} is not a whole number of at least 0")


def _recording(text: str) -> Path:
    # A name of another kind is most likely the wrong one, such as the experiment's own.
    if text.endswith(".initviz"):
        return Path(text)
    raise argparse.ArgumentTypeError(
        f"the name of a recording ends in .initviz, not {_short(text)}"
    )


def _change(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if equals and key.strip():
        return key.strip(), value.strip()
    raise argparse.ArgumentTypeError(f"{_short(text)} is not of the form KEY=VALUE")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
