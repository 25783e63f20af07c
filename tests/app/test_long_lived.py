"""What stays for the whole run of the program is kept from the collector of garbage."""

import os
import subprocess
import sys

CODE = """
import gc
import sys
from PySide6.QtCore import QCoreApplication
from initviz.app.main import create_window
window = create_window([])
assert gc.get_freeze_count() == 0
while not (window.laboratory.is_idle and gc.get_freeze_count()):
    assert not window.board.undrawn() or "torch" not in sys.modules
    QCoreApplication.processEvents()
frozen = gc.get_freeze_count()
window.close()
print(frozen)
"""


def test_all_is_loaded_and_put_aside_but_not_before_the_first_step_is_drawn(tmp_path):
    chosen = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "INITVIZ_TRAINER": "process"}
    environment = {**os.environ, **chosen}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout) > 100_000
