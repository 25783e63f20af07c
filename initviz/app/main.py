"""The composition root: it makes the application, reads the settings and opens the window."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.app import command_line

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

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
    from initviz.lab.experiment_files import read_experiment
    from initviz.ui import theme
    from initviz.ui.window import MainWindow

    _application()
    scale = theme.system_scale()
    theme.load_fonts()
    path = settings_file or settings.default_path()
    preset = read_experiment(resources.path("presets", FIRST_PRESET))
    first = [preset] if arguments else [preset, preset.with_values(HEALED)]
    window = MainWindow(first, settings.load(path), scale, settings.recordings_folder(path))
    window.state_to_keep.connect(lambda state: settings.save(state, path))
    window.show()
    _paint(window)
    window.begin()
    for argument in arguments[:1]:
        window.open_file(Path(argument))
    window.recordings.offer_left_over()
    return window


def _application() -> QApplication:
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication

    from initviz import resources

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
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
    _print_whatever_comes()
    try:
        return _answer(command_line.parse(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        print("initviz: interrupted", file=sys.stderr)
        return 130


def _print_whatever_comes() -> None:
    """Let a terminal that lacks a sign show another, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a program without a console has none
            stream.reconfigure(errors="replace")


def _answer(request: command_line.Request) -> int:
    if isinstance(request, command_line.Train):
        from initviz.app.run_command import run_command

        return run_command(request)
    if isinstance(request, command_line.Export):
        from initviz.app.export_command import export_command

        return export_command(request)
    if isinstance(request, command_line.SmokeTest):
        from initviz.app.smoke_test import smoke_test

        return smoke_test()
    return _open_window(request.file)


def _open_window(file: Path | None) -> int:
    if file is not None and sys.stderr is not None:
        # Who started this from a shell is told there; otherwise the window will tell.
        from initviz.lab.experiment_files import read_experiment
        from initviz.lab.recording import load

        read = load if file.suffix.lower() == ".initviz" else read_experiment
        try:
            read(file)
        except (ValueError, OSError) as error:
            print("initviz:", error, file=sys.stderr)
            return 2
    app = _application()
    window = create_window([] if file is None else [str(file)])
    status = app.exec()
    del window  # before the application: Qt wants its widgets gone first
    return status
