"""What the desktop says to the program."""

import os
import subprocess
import sys

CODE = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFileOpenEvent
from initviz.app import main
app = main._application()
early, late = sys.argv[1:]
QCoreApplication.sendEvent(app, QFileOpenEvent(early))
window = main.create_window([])
print(window.windowTitle())
QCoreApplication.sendEvent(app, QFileOpenEvent(late))
print(window.windowTitle())
window.close()
"""


def test_files_that_the_desktop_asks_for_are_opened_before_and_after_the_window_is_there(tmp_path):
    for name in ("early", "late"):
        (tmp_path / f"{name}.toml").write_text(f'version = 1\ntitle = "{name}"\n')
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "early.toml"), str(tmp_path / "late.toml")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["early", "late"]
