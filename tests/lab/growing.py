"""A run whose measurements are known, for tests of files that grow. No PyTorch: it is quick.

As a script, `growing.py FOLDER CHILDREN`: so many processes write such runs, and each is killed at
a random moment. What every child had recorded by when, and when it was killed, goes to FOLDER.
"""

import os
import random
import select
import signal
import sys
import time
from pathlib import Path

import numpy as np

from initviz.lab import thinning
from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.files import RecordingWriter
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.recording import Environment, Recording
from initviz.lab.snapshot import Histogram, Snapshot

EXPERIMENT = Experiment().with_values({"network.hidden_layers": 2, "network.width": 3})
LAYERS = ("hidden 1", "hidden 2", "output")
#: So little room that a run is thinned several times a second.
LITTLE_ROOM = {
    "SCALAR_ROWS": 300,
    "LAYER_NUMBERS": 230 * len(LAYERS) * len(QUANTITIES),
    "TIME_NUMBERS": 220 * 4 * len(TIME_QUANTITIES),
    "HISTOGRAM_NUMBERS": 210 * len(LAYERS) * (BINS + 6) * len(HISTOGRAMS),
    "CHECKPOINTS": 6,
}
AT_ONCE = 6


def new_recording():
    """An empty recording."""
    return Recording(EXPERIMENT, LAYERS, Environment("CPU", 1, {"numpy": "2"}))


def scalars(step):
    """The loss always, the others now and then."""
    others = dict.fromkeys(SCALARS, step / 3) if step % 3 else {}
    return others | {"loss": 1.0 / (step + 1)}


def snapshot(step, *, experiment=EXPERIMENT, width=3):
    """What is measured at `step`: every number says which step it is from."""
    layers = np.array([step, step + 0.25, -step], dtype=float)
    counts = np.full((len(LAYERS), BINS), step % 70_000, dtype=np.int32)
    histogram = Histogram(counts, layers - 1, layers + 1, counts[:, :4] + 1)
    parameters = {
        "hidden.0.weight": np.full((width, 64), step, dtype=np.float32),
        "hidden.1.weight": np.full((width, width), step, dtype=np.float32),
        "output.weight": np.full((10, width), step, dtype=np.float32),
    }
    size = sum(array.size for array in parameters.values())
    checkpoint = Checkpoint(
        step,
        experiment,
        parameters,
        {"velocity": np.full(size, step, dtype=np.float32)},
        updates=step,
        order=np.full(40, step % 256, dtype=np.uint8),
        position=step % 7,
        stopping=np.array([np.inf, float(step)]),
    )
    return Snapshot(
        step,
        scalars(step),
        dict.fromkeys(QUANTITIES, layers) if step % 2 == 0 else {},
        dict.fromkeys(HISTOGRAMS, histogram) if step % 4 == 0 else {},
        {name: np.full(4, step / 7) for name in TIME_QUANTITIES} if step % 3 == 0 else {},
        checkpoint if step % 20 == 0 else None,
    )


def go_on(recording, last):
    """Append the steps up to `last`; returns the recording."""
    for step in range(recording.last_step + 1, last + 1):
        recording.append(snapshot(step))
    return recording


def check(recording):
    """Whether every number of such a recording is what was measured at its step."""
    last = recording.last_step
    for name in SCALARS:
        track = recording.scalar_track(name)
        values = np.array([scalars(step)[name] for step in track.steps.tolist()])
        np.testing.assert_array_equal(track.values[:, 0], values)
    for name in QUANTITIES:
        track = recording.track(name)
        steps = track.steps.astype(float)
        np.testing.assert_array_equal(track.values, np.stack([steps, steps + 0.25, -steps], 1))
    for name in TIME_QUANTITIES:
        track = recording.time_track(name)
        np.testing.assert_array_equal(track.values, np.repeat(track.steps[:, None] / 7, 4, 1))
    for step in recording.histogram_steps.tolist():
        for name in HISTOGRAMS:
            assert (recording.histogram(name, step)[0] == step % 70_000).all()
    for step in recording.checkpoint_steps.tolist():
        assert (recording.weights("hidden 2", step) == step).all()
    steps = recording.scalar_track("loss").steps
    np.testing.assert_array_equal(steps[:101], np.arange(min(101, last + 1)))
    np.testing.assert_array_equal(steps[-50:], np.arange(max(0, last - 49), last + 1))


def told(folder):
    """What a child told of each of its runs: (when, what)."""
    runs = {}
    for line in (folder / "told").read_text().splitlines():
        when, run, what = line.split()
        runs.setdefault(run, []).append((float(when), what))
    return runs


def grow(folder, chance):
    """Write one run after the other, for ever; tell what was recorded by when."""
    told = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(run, what):
        os.write(told, f"{time.monotonic()} {run} {what}\n".encode())

    run = 0
    while True:
        recording, writer = new_recording(), None
        ends = time.monotonic() + chance.uniform(0.1, 2.5)
        step = 0
        while time.monotonic() < ends:
            recording.append(snapshot(step))
            tell(run, step)
            if writer is None:
                writer = RecordingWriter(folder / f"{run}.initviz", recording)
            else:
                writer.update(recording)
            step += 1
            select.select([], [], [], 0.001)  # what a step takes
        writer.close()
        tell(run, "closed")
        run += 1


def main(folder, children):
    """Keep several children at work, and kill each at its moment."""
    for name, value in LITTLE_ROOM.items():
        setattr(thinning, name, value)
    chance = random.Random(0)
    ends = {}
    for number in range(children + AT_ONCE):
        while len(ends) == AT_ONCE or (ends and number >= children):
            child = min(ends, key=ends.get)
            select.select([], [], [], max(0.0, ends[child][0] - time.monotonic()))
            (folder / str(ends[child][1]) / "killed").write_text(f"{time.monotonic()}")
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            del ends[child]
        if number >= children:
            break
        (folder / str(number)).mkdir()
        child = os.fork()
        if not child:
            grow(folder / str(number), random.Random(number))
        ends[child] = time.monotonic() + chance.uniform(0.05, 3.0), number


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
