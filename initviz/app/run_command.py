"""`initviz run`: train without a window, save the recording, print the diagnosis. No Qt here."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from initviz.app.command_line import DEFAULT_STEPS, Train
from initviz.lab.diagnosis import Finding
from initviz.lab.experiment import Experiment
from initviz.lab.experiment_files import read_experiment
from initviz.lab.files import RecordingWriter, check_writable
from initviz.lab.recording import Recording
from initviz.lab.schedule import EVERYTHING, NOTHING
from initviz.lab.wording import SIGNS, number, share

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger(__name__)

GOOD, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

#: How the key of a scheme ends, be it that of all layers or of one.
SCHEME = "initialiser.scheme"
#: Seconds between two looks of the progress bar.
PACE = 0.1
#: Columns of the table where no terminal says how many there are.
WIDTH = 110

#: Is given what was recorded, and whether nothing more will come.
_Show = Callable[[Recording, bool], None]


def run_command(request: Train) -> int:
    """Do what was asked; returns the exit status, having told every trouble in one line."""
    try:
        experiment = _experiment(request)
        if request.out is not None:
            check_writable(request.out)
        recording = _empty(experiment)
        steps = _planned(experiment) if request.steps is None else request.steps
    except (ValueError, OSError) as error:
        return complain(error, BAD_INPUT)
    file = _File(request.out)
    status = _train(recording, steps, file)
    if recording.last_step < 0:
        return status
    try:
        file.close(recording)
    except OSError as error:
        status = complain(error, FAILED)
    _report(recording, experiment.title or request.experiment.name)
    return status


def complain(trouble: Exception | str, status: int) -> int:
    """Tell a trouble in one line on standard error; returns `status`."""
    text = str(trouble)
    if isinstance(trouble, OSError) and trouble.strerror:
        text = f"{trouble.filename}: {trouble.strerror}" if trouble.filename else trouble.strerror
    print("initviz:", " ".join(text.split()), file=sys.stderr)
    return status


# -- before -----------------------------------------------------------------------------------


def _experiment(request: Train) -> Experiment:
    experiment = read_experiment(request.experiment)
    # A scheme decides which parameters there are, wherever on the line it was named.
    changes = sorted(request.changes, key=lambda change: not change[0].endswith(SCHEME))
    if not changes:
        return experiment
    try:
        # All at once: each alone may make no sense, such as an architecture without its data.
        return experiment.with_values({key: _value(text) for key, text in changes})
    except ValueError as error:
        raise ValueError(f"--set {error}") from None


def _value(text: str) -> Any:
    """A value as TOML writes it; what is no TOML is a text that needs no quotes."""
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if list(found) == ["value"] else text


def _empty(experiment: Experiment) -> Recording:
    import torch

    from initviz.lab.training import new_recording

    if "OMP_NUM_THREADS" not in os.environ:
        # As in the window, so that both compute the same numbers; usual layers are quickest so.
        torch.set_num_threads(1)
    return new_recording(experiment)


def _planned(experiment: Experiment) -> int:
    from initviz.lab.training import planned_steps

    return planned_steps(experiment) or DEFAULT_STEPS


# -- training ---------------------------------------------------------------------------------


class _File:
    """Where the recording goes as it grows, if anywhere. A disk that fails does not end the run."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._writer: RecordingWriter | None = None
        self._has_failed = False

    def update(self, recording: Recording) -> None:
        """Write what is new, if that is due."""
        if self._path is None or self._has_failed:
            return
        try:
            if self._writer is None:
                self._writer = RecordingWriter(self._path, recording)
            self._writer.update(recording)
        except OSError as error:
            log.info("the recording is written at the end: %s", error)
            self._has_failed = True

    def close(self, recording: Recording) -> None:
        """Write what is missing; where a disk had failed, everything anew.

        Raises:
            OSError: if it fails again.
        """
        if self._path is None:
            return
        if self._has_failed or self._writer is None:
            recording.save(self._path)
        else:
            self._writer.close()


def _train(recording: Recording, steps: int, file: _File) -> int:
    """Fill the recording up to step `steps`, or until Ctrl-C; returns the exit status."""
    from initviz.session.worker import explain

    try:
        with _interruptible() as stop, _progress(steps) as show:
            _follow(recording, steps, stop, show, file)
    except (ValueError, OSError) as error:
        return complain(error, BAD_INPUT if recording.last_step < 0 else FAILED)
    except Exception as error:
        log.info("the run failed", exc_info=True)
        return complain(explain(error), FAILED)
    return INTERRUPTED if stop.is_set() else GOOD


def _follow(recording: Recording, steps: int, stop: Event, show: _Show, file: _File) -> None:
    from initviz.lab.training import train

    def wanted(_step: int) -> frozenset[Any]:
        return EVERYTHING if stop.is_set() else NOTHING

    for snapshot in train(recording.experiment, last=steps, wanted=wanted):
        recording.append(snapshot)
        file.update(recording)
        # A run that is ended early ends like any other: with a step that was measured wholly.
        is_ended = stop.is_set() and "test_accuracy" in snapshot.scalars
        show(recording, is_ended or snapshot.is_last)
        if is_ended:
            break


@contextmanager
def _interruptible() -> Iterator[Event]:
    """An event that the first Ctrl-C sets; a second one ends the program at once."""
    stop = Event()

    def interrupt(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.set()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _progress(steps: int) -> Iterator[_Show]:
    """A bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _recording, _is_last: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    began = drawn = time.monotonic()
    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]:,.0f} steps/s"),
        TextColumn("loss {task.fields[loss]:.4g}"),
        console=Console(stderr=True),
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task("", total=steps, pace=0.0, loss=float("nan"))

        def show(recording: Recording, is_last: bool) -> None:
            nonlocal drawn
            now, step = time.monotonic(), recording.last_step
            if now < drawn + PACE and not is_last:
                return
            drawn = now
            loss = recording.latest_scalar("loss", step)
            pace = step / max(now - began, PACE)
            bar.update(task, completed=step, pace=pace, loss=loss, refresh=True)

        yield show


# -- after ------------------------------------------------------------------------------------


def _report(recording: Recording, title: str) -> None:
    """The diagnosis as a table, then the last numbers, on standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    output = console()
    step = recording.last_step
    table = Table(
        title=f"{title}: diagnosis at step {step}", title_justify="left", box=SIMPLE_HEAD, leading=1
    )
    table.add_column("Finding", no_wrap=True)
    for name in ("Layer", "Value", "Threshold"):
        table.add_column(name, no_wrap=True)
    table.add_column("What was found", ratio=3)
    table.add_column("What to try", ratio=2)
    for finding in recording.findings():
        table.add_row(*_cells(finding))
    output.print(table)
    output.print(_last_numbers(recording))
    if recording.stopped:
        from initviz.lab.diagnosis import on_early_stop

        output.print(on_early_stop(recording))


def _cells(finding: Finding) -> tuple[str, ...]:
    return (
        f"{SIGNS[finding.kind]} {finding.kind}",
        finding.layer or "all",
        number(finding.value),
        number(finding.threshold),
        finding.message,
        finding.remedy,
    )


def _last_numbers(recording: Recording) -> str:
    def latest(name: str) -> float:
        return recording.latest_scalar(name, recording.last_step)

    return (
        f"step {recording.last_step}: loss {number(latest('loss'), 3)}, "
        f"accuracy {share(latest('accuracy'), 1)} of the batch, "
        f"test accuracy {share(latest('test_accuracy'), 1)}"
    )


def console() -> Console:
    """Standard output for tables: of a fixed width where no terminal says how wide it is."""
    from rich.console import Console

    to_terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        force_terminal=to_terminal,
        width=None if to_terminal else WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
