"""A million steps as the schedule measures them, without the training, written as they come.

As a script, `long_run.py FOLDER`: prints what it took as JSON. The network is that of the first
screen: 10 layers of 100 units, with histograms and checkpoints of that size.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

import numpy as np

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.files import RecordingWriter, load, save
from initviz.lab.network_settings import layer_names
from initviz.lab.quantities import BINS, HISTOGRAMS, QUANTITIES
from initviz.lab.recording import Environment, Recording
from initviz.lab.schedule import DENSE, EVERY
from initviz.lab.snapshot import Histogram, Snapshot

STEPS = 1_000_000
#: Steps a second by the clock that the writer goes by.
SPEED = 10_000
EXPERIMENT = Experiment().with_values({"network.hidden_layers": 10, "network.width": 100})
LAYERS = layer_names(EXPERIMENT.network)
#: Numbers of a checkpoint: 10 layers of 100 × 100, with the velocities of SGD.
SIZE = 100_000


def memory():
    """Bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def snapshot(step):
    """What is measured at `step`; all arrays are its own, as those of a run are."""
    if step > DENSE and step % EVERY:
        return Snapshot(step, {"loss": 1.0 / (step + 1)})
    row = np.full(len(LAYERS), float(step))
    histograms = {}
    for name in HISTOGRAMS:
        counts = np.full((len(LAYERS), BINS), step % 60_000, dtype=np.int32)
        histograms[name] = Histogram(counts, row - 1.0, row + 1.0, counts[:, :4].copy())
    checkpoint = None
    if step % 5000 == 0:
        weights = np.full(SIZE, step, dtype=np.float32)
        names = [f"hidden.{i}.weight" for i in range(10)]
        parameters = dict(zip(names, weights.reshape(10, 100, 100), strict=True))
        parameters["output.weight"] = np.zeros((10, 100), dtype=np.float32)
        moments = {"velocity": np.zeros(SIZE + 1000, dtype=np.float32)}
        order = np.zeros(5056, dtype=np.uint8)
        checkpoint = Checkpoint(step, EXPERIMENT, parameters, moments, step, order)
    return Snapshot(
        step,
        {"loss": 1.0 / (step + 1), "accuracy": 0.5},
        {name: row.copy() for name in QUANTITIES},
        histograms,
        checkpoint=checkpoint,
    )


def main(folder):
    """Record, write, jump about, and open again."""
    now = 0.0
    recording = Recording(EXPERIMENT, LAYERS, Environment("CPU", 1))
    recording.append(snapshot(0))
    before = memory()
    path = folder / "long.initviz"
    writer = RecordingWriter(path, recording, lambda: now)
    memories, sizes, slowest = [], [], 0.0
    for step in range(1, STEPS + 1):
        recording.append(snapshot(step))
        now = step / SPEED
        began = time.thread_time()
        writer.update(recording)
        slowest = max(slowest, time.thread_time() - began)
        if step % 10_000 == 0:
            memories.append(memory())
            sizes.append(sum(place.stat().st_size for place in folder.iterdir()))
    writer.close()
    chance, jumps = random.Random(0), []
    for _ in range(300):
        step = chance.randrange(STEPS)
        began = time.thread_time()
        for name in QUANTITIES:
            recording.latest(name, step)
        for name in HISTOGRAMS:
            recording.latest_histogram(name, step)
        recording.latest_scalar("loss", step)
        recording.nearest_checkpoint(step)
        recording.kept_step(step)
        jumps.append(time.thread_time() - began)
    began = time.thread_time()
    loaded = load(path)
    loading = time.thread_time() - began
    save(recording, folder / "whole.initviz")
    result = {
        "memory": max(memories) - before,
        "late_memory": memories[-1] - memories[len(memories) // 2],
        "size": path.stat().st_size,
        "largest": max(sizes),
        "late_size": sizes[-1] - max(sizes[: len(sizes) // 2]),
        "whole": (folder / "whole.initviz").stat().st_size,
        "slowest_update": slowest,
        "jump": max(jumps),
        "loading": loading,
        "rows": len(recording.steps),
        "same": loaded.last_step == STEPS and np.array_equal(loaded.steps, recording.steps),
    }
    print(json.dumps(result, default=bool))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
