"""What several tests of recordings need: a small real run, and the comparison of two recordings."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from initviz.lab import thinning
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES

SMALL = """
version = 1
title = "Kleine Gewichte, ∂L/∂W"
[network]
hidden_layers = 2
width = 5
[training]
data = "blobs"
"""


@pytest.fixture(scope="session")
def small_run():
    """Twelve steps of a small network."""
    from initviz import run
    from initviz.lab.experiment import Experiment

    return run(Experiment.from_toml(SMALL), steps=12)


@pytest.fixture(scope="session")
def small_file(small_run, tmp_path_factory):
    """The bytes of its file."""
    path = tmp_path_factory.mktemp("files") / "a.initviz"
    small_run.save(path)
    return path.read_bytes()


@pytest.fixture
def path(small_file, tmp_path):
    """A sound recording file that may be spoilt."""
    path = tmp_path / "a.initviz"
    path.write_bytes(small_file)
    return path


@pytest.fixture
def write(tmp_path):
    """Write a text or bytes to a .csv file and return its path."""

    def write(content, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def pack(tmp_path):
    """Write arrays to an .npz file and return its path."""

    def pack(**arrays):
        np.savez_compressed(tmp_path / "a.npz", **arrays)
        return tmp_path / "a.npz"

    return pack


def _module(name):
    """The module of that name beside this one."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def growing():
    """A run whose measurements are known."""
    return _module("growing")


@pytest.fixture(scope="session")
def damaging():
    """Damage to recording files."""
    return _module("damaging")


@pytest.fixture
def little_room(growing, monkeypatch):
    """So little room that a run of some hundred steps is thinned."""
    for name, value in growing.LITTLE_ROOM.items():
        monkeypatch.setattr(thinning, name, value)


@pytest.fixture(scope="session")
def assert_same():
    """Whether everything that can be asked of two recordings is the same."""
    return _assert_same


def _assert_same(a, b, *, findings=True):
    assert a.experiment == b.experiment
    assert a.environment == b.environment
    assert a.layers == b.layers
    assert a.last_step == b.last_step
    assert a.stopped == b.stopped
    assert a.times == b.times
    for names, track in (
        (QUANTITIES, lambda recording, name: recording.track(name)),
        (SCALARS, lambda recording, name: recording.scalar_track(name)),
        (TIME_QUANTITIES, lambda recording, name: recording.time_track(name)),
    ):
        for name in names:
            mine, yours = track(a, name), track(b, name)
            np.testing.assert_array_equal(mine.steps, yours.steps)
            np.testing.assert_array_equal(mine.values, yours.values)
    np.testing.assert_array_equal(a.histogram_steps, b.histogram_steps)
    for name in HISTOGRAMS:
        for step in a.histogram_steps:
            for mine, yours in zip(a.histogram(name, step), b.histogram(name, step), strict=True):
                np.testing.assert_array_equal(mine, yours)
                assert mine.dtype == yours.dtype
            np.testing.assert_array_equal(
                a.histogram_outside(name, step), b.histogram_outside(name, step)
            )
    np.testing.assert_array_equal(a.checkpoint_steps, b.checkpoint_steps)
    for step in a.checkpoint_steps:
        _assert_same_state(a.checkpoint(step), b.checkpoint(step))
    assert not findings or a.findings() == b.findings()


def _assert_same_state(mine, yours):
    (arrays, facts), (others, more) = mine.to_arrays(), yours.to_arrays()
    assert facts == more
    assert list(arrays) == list(others)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name])
        assert array.dtype == others[name].dtype
