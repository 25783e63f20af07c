"""`initviz check`: hold every claim of lectures and challenges against runs. No window here."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.app.command_line import Check
from initviz.app.run_command import BAD_INPUT, FAILED, GOOD, PACE, complain, console
from initviz.lab.lectures import (
    Challenge,
    Lecture,
    LectureError,
    Progress,
    Verdict,
    check,
    find,
    read_lecture_or_challenge,
)
from initviz.lab.lectures.check import recordings_of, snapshots
from initviz.lab.lectures.numbers import unproved_numbers

if TYPE_CHECKING:
    from rich.table import Table

    from initviz.lab.snapshot import Snapshot

log = logging.getLogger(__name__)

#: Rows of the layers, at most about twice as many, that a lecture's recording holds.
ROWS = 16


def check_command(request: Check) -> int:
    """Check what was named; returns 0, 1 where a claim failed, 2 where a file is no lecture."""
    from initviz.ui.panels.known import known_panels

    try:
        panels = known_panels()
        found = [read_lecture_or_challenge(_path(name), panels) for name in request.files]
    except LectureError as error:
        return complain(error, BAD_INPUT)
    if "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(1)  # as in the window, so that both compute the same numbers
    return max(_check(lecture, record=request.record) for lecture in found)


def _path(name: str) -> Path:
    return Path(name) if name.endswith(".md") else find(name)


def _check(lecture: Lecture | Challenge, *, record: bool) -> int:
    """Check one; returns the exit status, having printed a table of the verdicts."""
    from initviz.session.worker import explain

    verdicts: list[Verdict] = []
    try:
        with _progress() as show:
            if record and isinstance(lecture, Lecture):
                _record(lecture, show)
            verdicts.extend(check(lecture, progress=show))
    except (ValueError, OSError) as error:
        return complain(error, FAILED)
    except Exception as error:
        log.info("a check failed", exc_info=True)
        return complain(explain(error), FAILED)
    _report(lecture, verdicts)
    return GOOD if all(verdict.holds for verdict in verdicts) else FAILED


def _record(lecture: Lecture, show: Callable[[Progress], None]) -> None:
    """Write the recordings that the lecture names, each up to the last step that it is seen at.

    They travel with the lecture, so they hold what is seen of a run and not all of it: every
    scalar, some rows of the layers, the histograms of both ends, and no weights.
    """
    from initviz.lab.training import new_recording

    for path, (experiment, last) in recordings_of(lecture).items():
        recording = new_recording(experiment)
        for snapshot in snapshots(experiment, last, frozenset({last})):
            recording.append(_thinned(snapshot, last))
            show(Progress(snapshot.step, last, f"recording {path.name}"))
        recording.save(path)


def _thinned(snapshot: Snapshot, last: int) -> Snapshot:
    """What a recording that is mailed keeps of a step."""
    is_end = snapshot.step in (0, last)
    is_kept = is_end or snapshot.step % max(1, last // ROWS) == 0
    return replace(
        snapshot,
        layers=snapshot.layers if is_kept else {},
        times=snapshot.times if is_kept else {},
        histograms=snapshot.histograms if is_end else {},
        checkpoint=None,
    )


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    drawn = 0.0
    with Bar(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task("", total=None)

        def show(progress: Progress) -> None:
            nonlocal drawn
            now = time.monotonic()
            if now >= drawn + PACE:
                drawn = now
                done, total = progress.done, max(progress.total, 1)
                bar.update(
                    task, completed=done, total=total, description=progress.scene, refresh=True
                )

        yield show


# -- after ------------------------------------------------------------------------------------


def _report(lecture: Lecture | Challenge, verdicts: Sequence[Verdict]) -> None:
    """The verdicts in the order of the file, a table for each scene; then how many hold."""
    output = console()
    ordered = sorted(verdicts, key=lambda verdict: (verdict.line, verdict.seed))
    for scene, found in groupby(ordered, key=lambda verdict: verdict.scene):
        output.print(_table(scene, found))
    failed = sum(not verdict.holds for verdict in verdicts)
    count = f"{failed} of {len(verdicts)} claims fail" if failed else f"{len(verdicts)} claims hold"
    output.print(f"{lecture.source}: {count}")
    for line, number, sentence in unproved_numbers(lecture):
        output.print(f"{lecture.source}:{line}: nothing proves {number} in “{sentence}”")


def _table(scene: str, verdicts: Iterable[Verdict]) -> Table:
    """One row for each verdict, the claim written where it is a new one."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=scene, title_justify="left", box=SIMPLE_HEAD)
    made.add_column("Line", justify="right", no_wrap=True)
    made.add_column("Claim", overflow="fold", ratio=1)
    for name in ("Lane", "Seed", "Measured", ""):
        made.add_column(name, justify="right" if name == "Seed" else "left", no_wrap=True)
    before = 0
    for verdict in verdicts:
        claim = (str(verdict.line), verdict.text) if verdict.line != before else ("", "")
        outcome = "holds" if verdict.holds else "FAILS"
        made.add_row(*claim, verdict.lane, str(verdict.seed), verdict.measured, outcome)
        before = verdict.line
    return made
