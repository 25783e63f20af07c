"""Files that are read and written under somebody's eyes, and called off half-way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import initviz
from initviz.lab.experiment import Experiment
from initviz.lab.export import export_run
from initviz.lab.files import load, save
from initviz.lab.recording import Recording
from initviz.lab.watching import CalledOff, Told

LSTM = {"network.architecture": "lstm", "training.data": "digit_rows"}
SMALL = Experiment().with_values({"network.hidden_layers": 2, "network.width": 6})
NAMES = ("run.initviz", "run.csv", "run.json", "run.npz")


@pytest.fixture(scope="module", params=[{}, LSTM], ids=["mlp", "lstm"])
def recording(request: pytest.FixtureRequest) -> Recording:
    return initviz.run(SMALL.with_values(request.param), steps=20)


def writing(recording: Recording, path: Path) -> Callable[[Told], None]:
    write = save if path.suffix == ".initviz" else export_run
    return partial(write, recording, path)


def until(limit: float) -> Told:
    def told(share: float) -> None:
        if share >= limit:
            raise CalledOff

    return told


@pytest.mark.parametrize("name", NAMES)
def test_the_share_that_is_done_grows_to_the_whole(
    recording: Recording, tmp_path: Path, name: str
) -> None:
    shares: list[float] = []
    writing(recording, tmp_path / name)(shares.append)
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] < 0.2
    assert 0.8 < shares[-1] <= 1.0


def test_so_does_that_of_what_is_read(recording: Recording, tmp_path: Path) -> None:
    path, shares = tmp_path / "run.initviz", list[float]()
    recording.save(path)
    assert load(path, shares.append).last_step == 20
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1.0


@pytest.mark.parametrize("limit", [0.0, 0.5])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_called_off_leaves_nothing_behind(
    recording: Recording, tmp_path: Path, name: str, limit: float
) -> None:
    path = tmp_path / name
    with pytest.raises(CalledOff):
        writing(recording, path)(until(limit))
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"before")
    with pytest.raises(CalledOff):
        writing(recording, path)(until(limit))
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"before"]


def test_reading_is_called_off(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "run.initviz"
    recording.save(path)
    with pytest.raises(CalledOff):
        load(path, until(0.3))
    assert [one.name for one in tmp_path.iterdir()] == ["run.initviz"]


def test_a_copy_stays_as_it_is_while_the_run_goes_on(tmp_path: Path) -> None:
    from initviz.lab.training import new_recording, train

    growing = new_recording(SMALL)
    assert growing.copy().last_step == -1
    run = train(SMALL, last=40)
    for _ in range(21):
        growing.append(next(run))
    copied = growing.copy()
    growing.save(tmp_path / "then.initviz")
    for snapshot in run:
        growing.append(snapshot)
    copied.save(tmp_path / "copied.initviz")
    then, now = (load(tmp_path / f"{name}.initviz") for name in ("then", "copied"))
    assert then.last_step == now.last_step == copied.last_step == 20
    assert np.array_equal(then.scalar("loss"), now.scalar("loss"))
    for quantity in ("signal_gradient_norm", "update_ratio"):
        assert np.array_equal(then.series(quantity), now.series(quantity), equal_nan=True)
    assert list(then.checkpoints) == list(now.checkpoints)
    assert then.histogram_steps.tolist() == now.histogram_steps.tolist()
