"""What stays for the whole run of the program is kept from the collector of garbage."""

import os
import subprocess
import sys

CODE = """
import gc
from PySide6.QtCore import QCoreApplication
from initviz.app.main import create_window
window = create_window([])
assert gc.get_freeze_count() == 0
while not (window.laboratory.is_idle and gc.get_freeze_count()):
    QCoreApplication.processEvents()
frozen = gc.get_freeze_count()
window.close()
print(frozen)
"""


def test_all_that_was_loaded_is_put_aside_once_the_first_step_is_measured(tmp_path):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout) > 100_000
