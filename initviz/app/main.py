"""The composition root: it makes the application, reads the settings and opens the window."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.app import command_line
from initviz.session import TRAIN, TRAINER

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from initviz.app.crash_report import CrashReports
    from initviz.session.trainer import Trainer
    from initviz.ui.window import MainWindow

#: What the window opens on where no file is named: a start that visibly fails.
FIRST_PRESET = "small-weights.toml"
#: What is changed in the lane beside it, so that one sees what heals it.
HEALED = {"initialiser.scheme": "glorot_normal"}


def create_window(arguments: Sequence[str], settings_file: Path | None = None) -> MainWindow:
    """A window, shown, with nothing running; makes the QApplication if there is none.

    `arguments` holds the path of an experiment file, or nothing. A file that cannot be opened is
    told in a message box, and the window opens on the preset. `settings_file` holds the settings
    that are read and kept, by default the person's own.
    """
    from initviz import resources
    from initviz.app import settings
    from initviz.app.long_lived import LongLived
    from initviz.lab.experiment_files import read_experiment
    from initviz.ui import theme
    from initviz.ui.window import MainWindow

    app = _application()
    scale = theme.system_scale()
    theme.load_fonts()
    path = settings_file or settings.default_path()
    preset = read_experiment(resources.path("presets", FIRST_PRESET))
    first = [preset] if arguments else [preset, preset.with_values(HEALED)]
    window = MainWindow(first, settings.load(path), scale, settings.recordings_folder(path))
    window.state_to_keep.connect(lambda state: settings.save(state, path))
    window.show()
    _paint(window)
    window.begin(_trainer())
    board = window.board
    LongLived(window.laboratory, window.panels.analyst, lambda: not board.undrawn(), window)
    _open_files(app, window, arguments[:1])
    window.recordings.offer_left_over()
    return window


def _trainer() -> Trainer | None:
    """A process that trains beside the window; none where a thread of this one is asked for."""
    from initviz.session.worker_process import WorkerProcess

    return None if os.environ.get(TRAINER) == "thread" else WorkerProcess()


def _open_files(app: QApplication, window: MainWindow, arguments: Sequence[str]) -> None:
    """Open what was asked for, and what the desktop will ask for later."""
    from initviz.app.application import Application

    wanted = list(arguments)
    if isinstance(app, Application):
        app.file_wanted.connect(lambda path: window.open_file(Path(path)))
        wanted += app.waiting[-1:]
        app.waiting.clear()
    for path in wanted[-1:]:
        window.open_file(Path(path))


def _application() -> QApplication:
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication

    from initviz import resources
    from initviz.app.application import Application

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = Application(sys.argv[:1])
    app.setApplicationName("initviz")
    app.setApplicationDisplayName("initviz")
    app.setDesktopFileName("initviz")
    app.setWindowIcon(QIcon(str(resources.path("icons", "initviz.svg"))))
    return app


def _paint(window: MainWindow) -> None:
    """Let the window appear before PyTorch loads, which would hold it up."""
    from PySide6.QtCore import QCoreApplication, QEventLoop

    handle = window.windowHandle()
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 20)
        if handle.isExposed():
            break
    window.repaint()


def main(arguments: Sequence[str] | None = None) -> int:
    """What `initviz` does; returns the exit status."""
    if sys.argv[1:] == [TRAIN]:
        from initviz.session.worker_main import main as train

        train()
    _print_whatever_comes()
    try:
        return _answer(command_line.parse(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        print("initviz: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001 (a traceback says nothing to who types a command)
        _tell_of_a_mistake_of_ours(error)
        return 1


def _print_whatever_comes() -> None:
    """Let a terminal that lacks a sign show another, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a program without a console has none
            stream.reconfigure(errors="replace")


def _tell_of_a_mistake_of_ours(error: Exception) -> None:
    """One line for the person, and the traceback in the log."""
    from initviz.app.crash_report import log_folder
    from initviz.app.log_file import logging_to

    folder = log_folder()
    with logging_to(folder):
        logging.getLogger(__name__).error("not foreseen", exc_info=error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    print(f"initviz: a mistake in initviz itself: {what} (more in {folder})", file=sys.stderr)


def _answer(request: command_line.Request) -> int:
    match request:
        case command_line.Train():
            from initviz.app.run_command import run_command

            return run_command(request)
        case command_line.Export():
            from initviz.app.export_command import export_command

            return export_command(request)
        case command_line.Check():
            from initviz.app.check_command import check_command

            return check_command(request)
        case command_line.SmokeTest():
            from initviz.app.smoke_test import smoke_test

            return smoke_test()
        case command_line.Lecture():
            return _open_lecture(request.name)
        case command_line.OpenWindow():
            return _open_window(request.file)


def _open_lecture(name: str) -> int:
    from initviz.lab.lectures import find

    try:
        path = find(name)
        _reader(path.with_suffix(".md"))(path)
    except (ValueError, OSError) as error:
        return _refuse(error)
    return _show([], lambda window: window.lectures.open(path))


def _open_window(file: Path | None) -> int:
    if file is not None and sys.stderr is not None:
        # Who started this from a shell is told there; otherwise the window will tell.
        try:
            _reader(file)(file)
        except (ValueError, OSError) as error:
            return _refuse(error)
    return _show([] if file is None else [str(file)])


def _reader(file: Path) -> Callable[[Path], object]:
    """What reads a file of this name, and says what is wrong with it."""
    if file.suffix.lower() == ".initviz":
        from initviz.lab.recording import load

        return load
    if file.suffix.lower() == ".md":
        from initviz.lab.lectures import read_lecture_or_challenge
        from initviz.ui.panels.known import known_panels

        return lambda path: read_lecture_or_challenge(path, known_panels())
    from initviz.lab.experiment_files import read_experiment

    return read_experiment


def _refuse(error: Exception) -> int:
    if sys.stderr is not None:  # a program without a console has none
        print("initviz:", error, file=sys.stderr)
    return 2


def _show(arguments: Sequence[str], begin: Callable[[MainWindow], None] | None = None) -> int:
    """The window, until it is closed; `begin` is done with it once it stands."""
    from initviz.app.crash_report import CrashReports, log_folder
    from initviz.app.log_file import logging_to

    app = _application()
    folder = log_folder()
    reports = CrashReports(folder)
    with logging_to(folder):
        reports.begin()
        try:
            window = create_window(arguments)
            if begin is not None:
                begin(window)
            elif not arguments:
                window.help.welcome()
            _tell_of_failures(reports, window)
            status = app.exec()
            del window  # before the application: Qt wants its widgets gone first
        finally:
            reports.close()
    return status


def _tell_of_failures(reports: CrashReports, window: MainWindow) -> None:
    """Show what failed the last time, and what fails from now on."""
    from initviz.ui.crash_notice import CrashTeller

    teller = CrashTeller(window)
    reports.failed = teller.tell
    teller.tell_left_over(reports.left_over())
