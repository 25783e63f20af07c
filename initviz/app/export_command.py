"""`initviz export`: a recording, or a run of an experiment, as another file, without a window.

What is only numbers or text needs no Qt; panels are painted by Qt's offscreen platform.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initviz.app.command_line import Export
from initviz.app.run_command import BAD_INPUT, FAILED, GOOD, complain
from initviz.lab.experiment import Experiment
from initviz.lab.experiment_files import read_experiment, write_experiment
from initviz.lab.files import check_writable
from initviz.lab.recording import Recording, load
from initviz.lab.settings import did_you_mean

if TYPE_CHECKING:
    from initviz.ui.panels.base import Panel, Shown

log = logging.getLogger(__name__)

#: How long an experiment without a length of its own is run.
STEPS = 100
#: The panel that is painted where none is named.
USUAL_PANEL = "gradient_magnitude"
#: How large it is painted, as the window would show it.
PANEL_SIZE = 640, 480


def export_command(request: Export) -> int:
    """Do what was asked; returns the exit status, having told every trouble in one line."""
    try:
        job = _job(request)
        check_writable(request.out)
        if request.out.resolve() == request.source.resolve():
            raise ValueError(f"{request.out}: it cannot be read and written at once")
        source = Source(request.source)
        if job.needs_run:
            _run(source)
    except (ValueError, OSError) as error:
        return complain(error, BAD_INPUT)
    except Exception as error:
        from initviz.session.worker import explain

        log.info("the run failed", exc_info=True)
        return complain(explain(error), FAILED)
    return _write(request, job, source)


def _write(request: Export, job: Job, source: Source) -> int:
    try:
        written = job.write(source, request) or (request.out,)
    except ValueError as error:
        return complain(error, BAD_INPUT)
    except OSError as error:
        return complain(error, FAILED)
    print(*written, sep="\n")
    return GOOD


# -- what there is to write from ----------------------------------------------------------------


class Source:
    """The file that is read: a recording, or an experiment of which one is made when needed."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() == ".toml":
            self.recorded, self.experiment = None, read_experiment(path)
        else:
            self.recorded = load(path)
            self.experiment = self.recorded.experiment

    @cached_property
    def recording(self) -> Recording:
        """What was recorded; of an experiment, its run."""
        return self.recorded or _trained(self.experiment)


def _run(source: Source) -> None:
    if source.recording.last_step < 0:
        raise ValueError("the recording is empty")


def _trained(experiment: Experiment) -> Recording:
    from initviz.lab.training import planned_steps, run

    _as_in_the_window()
    return run(experiment, planned_steps(experiment) or STEPS)


def _as_in_the_window() -> None:
    """Compute with as many threads, so that the numbers are the same."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


# -- what there is to write ---------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """What one ending stands for; `write` returns the files if there are others than OUT."""

    write: Callable[[Source, Export], tuple[Path, ...] | None]
    needs_run: bool = True
    has_panel: bool = False
    has_step: bool = False


def _job(request: Export) -> Job:
    """What is asked for.

    Raises:
        ValueError: if there is no such ending, or an option does not go with it.
    """
    ending = request.out.suffix.lower()
    if ending not in _JOBS:
        raise ValueError(f"{request.out}: the name may end in {', '.join(_JOBS)}")
    is_table_of_panel = ending == ".csv" and request.panel is not None
    job = _PANEL if is_table_of_panel else _JOBS[ending]
    if request.panel is not None and not job.has_panel:
        raise ValueError(f"--panel goes with {_endings('has_panel')} and .csv, not with {ending}")
    if request.step is not None and not job.has_step:
        raise ValueError(
            f"--step goes with {_endings('has_step')}, and with .csv where there is --panel, not "
            f"with {ending}"
        )
    if job.has_panel:
        _panel_class(request.panel)
    return job


def _endings(option: str) -> str:
    return ", ".join(ending for ending, job in _JOBS.items() if getattr(job, option))


def _write_tables(source: Source, request: Export) -> None:
    from initviz.lab.export import export_run

    export_run(source.recording, request.out)


def _write_script(source: Source, request: Export) -> tuple[Path, ...]:
    from initviz.lab.script import write_script

    _as_in_the_window()
    environment = source.recorded.environment if source.recorded else None
    return write_script(source.experiment, request.out, environment)


def _write_experiment(source: Source, request: Export) -> None:
    write_experiment(source.experiment, request.out)


# -- panels -------------------------------------------------------------------------------------


def _panel_class(name: str | None) -> type[Panel[Any]]:
    """The panel of this name.

    Raises:
        ValueError: if there is none.
    """
    from initviz.ui.panels import PANELS

    known = {panel.name: panel for panel in PANELS}
    wanted = USUAL_PANEL if name is None else name
    if wanted not in known:
        near = did_you_mean(wanted, list(known))
        raise ValueError(f"there is no panel {wanted!r}{near}; there are {', '.join(known)}")
    return known[wanted]


def _shown(recording: Recording, step: int | None) -> Shown:
    """The recording as the only lane of a window.

    Raises:
        ValueError: if the step was not kept.
    """
    from initviz.ui.panels.base import Shown
    from initviz.ui.status import lane_label

    at = recording.last_step if step is None else step
    steps = recording.steps
    if at not in steps:
        nearest = steps[abs(steps - at).argmin()]
        raise ValueError(f"--step {at}: that step was not kept; the nearest is {nearest}")
    return Shown("A", 0, lane_label(recording.experiment), recording, at)


@contextmanager
def _panel(source: Source, request: Export) -> Iterator[tuple[Panel[Any], Shown]]:
    """The panel that was asked for, as a window would show it."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    kept = QApplication.instance() or QApplication(sys.argv[:1])
    from initviz.ui import theme

    theme.load_fonts()
    shown = _shown(source.recording, request.step)
    made = _panel_class(request.panel)()
    try:
        if not made.suits([shown]):
            raise ValueError(f"the panel {made.name!r} has nothing to show of this run")
        made.resize(*PANEL_SIZE)
        made.show_data([shown])
        yield made, shown
    finally:
        made.stop()
        made.deleteLater()
        del kept


def _write_panel(source: Source, request: Export) -> None:
    with _panel(source, request) as (panel, _):
        panel.save(request.out)


def _write_film(source: Source, request: Export) -> None:
    from initviz.ui.animation import KINDS, MISSING, Scene, film_steps, is_available, write_film

    if not is_available():
        raise ValueError(MISSING)
    with _panel(source, request) as (panel, shown):
        steps = film_steps([shown])
        scene = Scene.of_panel(panel, [shown], KINDS[request.out.suffix.lower()])
        try:
            with _progress(len(steps)) as progress:
                write_film(scene, steps, request.out, progress)
        finally:
            scene.close()


@contextmanager
def _progress(frames: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("frames"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=frames)
        yield lambda done: bar.update(task, completed=done)


_TABLES = Job(_write_tables)
_PANEL = Job(_write_panel, has_panel=True, has_step=True)
_FILM = Job(_write_film, has_panel=True)
_JOBS: dict[str, Job] = {
    ".csv": _TABLES,
    ".json": _TABLES,
    ".npz": _TABLES,
    ".png": _PANEL,
    ".svg": _PANEL,
    ".pdf": _PANEL,
    ".gif": _FILM,
    ".mp4": _FILM,
    ".py": Job(_write_script, needs_run=False),
    ".toml": Job(_write_experiment, needs_run=False),
}
