"""What a million steps take: memory, disk, and time to jump about."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_million_steps_fit(tmp_path, growing):
    script = growing.__file__.replace("growing", "long_run")
    done = subprocess.run(
        [sys.executable, script, tmp_path], check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout)
    assert found["same"], found
    assert found["memory"] <= 200 * 2**20, found
    assert found["size"] <= 150 * 10**6, found
    assert found["largest"] <= 200 * 10**6, found  # with its journal
    assert found["late_size"] <= 0, found
    assert found["size"] <= 1.2 * found["whole"], found
    assert found["jump"] < 0.005, found
    assert found["loading"] < 3.0, found
    assert found["rows"] > 100_000, found
