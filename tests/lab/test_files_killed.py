"""Recordings whose writer is killed: at any moment, with at most the last second missing."""

import os
import subprocess
import sys

import numpy as np
import pytest

from initviz import load

KILLED = 100


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that begin at once")
def test_whatever_was_killed_opens_and_no_more_than_a_second_is_missing(
    tmp_path, growing, little_room
):
    """A hundred writers are killed; all that they wrote is compared, number by number."""
    subprocess.run([sys.executable, growing.__file__, tmp_path, str(KILLED)], check=True)
    folders = list(tmp_path.iterdir())
    assert len(folders) == KILLED
    found, journals = [], 0
    for folder in folders:
        killed = float((folder / "killed").read_text())
        for name, told in growing.told(folder).items():
            path = folder / f"{name}.initviz"
            journal = path.with_name(path.name + "-wal")
            is_closed = told[-1][1] == "closed"
            steps = [(when, int(what)) for when, what in told if what != "closed"]
            due = [step for when, step in steps if is_closed or when <= killed - 1.0]
            if not path.exists():  # killed before the first step was written
                assert not due
                continue
            journals += journal.exists()
            loaded = load(path)
            assert max(due, default=0) <= loaded.last_step <= steps[-1][1], path
            if is_closed:
                assert not journal.exists()
                assert path.read_bytes()[18:20] == b"\1\1"  # it needs none
            growing.check(loaded)
            found.append(loaded)
    assert journals > KILLED / 2
    # Thinned as the recording was; but some were killed just before they could thin the file: of
    # its tracks those that had grown too long are thinned while it is read, at another moment.
    recording, same = growing.new_recording(), 0
    for loaded in sorted(found, key=lambda loaded: loaded.last_step):
        growing.go_on(recording, loaded.last_step)
        same += np.array_equal(loaded.steps, recording.steps)
    assert same > 0.8 * len(found)
