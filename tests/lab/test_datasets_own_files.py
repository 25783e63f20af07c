"""Files of one's own together with the rest: previews, experiments and runs."""

import numpy as np
import pytest

from initviz.lab import datasets
from initviz.lab.datasets import Description, describe, load, preview
from initviz.lab.experiment import Experiment
from tests.lab.own_files import TEN, of, table

# -- together with the rest ----------------------------------------------------------------


def test_a_file_is_read_again_only_when_it_has_changed(write, monkeypatch):
    from initviz.lab.datasets import own_files

    reads = []
    original = own_files._READERS[".csv"]
    monkeypatch.setitem(
        own_files._READERS, ".csv", lambda path: reads.append(path) or original(path)
    )
    path = write(TEN)
    for _ in range(3):
        assert describe(of(path)).shape == (2,)
        load(of(path), datasets.generator(0))
        datasets.second_moment(of(path), 0)
    assert len(reads) == 1
    write(
        TEN.replace(",", ",1,", 1).replace("\n", "\n", 1) and "7," + TEN.replace("\n", "\n7,")[:-2]
    )
    assert describe(of(path)).shape == (3,)
    assert len(reads) == 2


def test_what_is_kept_cannot_be_changed(write):
    inputs, labels, _ = table(write(TEN))
    assert not inputs.flags.writeable
    assert not labels.flags.writeable


def test_of_many_samples_some_are_drawn_by_the_seed(pack):
    samples = datasets.MOST_USED + 500
    path = pack(X=np.arange(samples, dtype=np.float64)[:, None], y=np.arange(samples) % 2)
    a, b = (load(of(path, scaling="raw"), datasets.generator(seed)) for seed in (0, 1))
    used = [np.concatenate([d.train_inputs, d.test_inputs]).ravel() for d in (a, b)]
    for found in used:
        assert len(found) == len(set(found)) == datasets.MOST_USED
    assert set(used[0]) != set(used[1])
    assert len(a.train_labels) == 0.8 * datasets.MOST_USED
    seen = preview(of(path))
    assert (seen.samples, seen.used) == (samples, datasets.MOST_USED)
    assert f"Of {samples} samples {datasets.MOST_USED} are used" in seen.warnings[0]


def test_a_preview_tells_what_is_odd(write):
    rows = ["n,still,v,kind", "1,5,3,b", "2,5,3,b"]
    rows += [f"{i},5,{i * i % 11},a" for i in range(3, 43)]
    found = preview(of(write("\n".join(rows))))
    assert found.columns == ("n", "still", "v", "kind")
    assert found.rows[0] == ("1", "5", "3", "b")
    assert found.classes == (("a", 40), ("b", 2))
    assert found.summary == "42 samples, 3 features, 2 classes"
    assert found.warnings == (
        "Classes with hardly a sample to test on: 'b' has 2.",
        "A guess of 'a' is right for 95 % of the samples.",
        "1 of 3 features never change, and tell nothing: still.",
        "Only the number of the sample, it seems, and no feature: n.",
    )


def test_a_preview_counts_copies(write):
    assert preview(of(write(TEN + TEN))).warnings == (
        "10 samples are copies of others: some may be trained on and tested on.",
    )


def test_a_preview_of_many_columns_shows_the_first(pack):
    inputs = np.random.default_rng(0).standard_normal((20, 3, 4, 5))
    found = preview(of(pack(X=inputs, y=np.arange(20) % 2)))
    assert found.columns == (*(f"x{at}" for at in range(1, 9)), "…", "y")
    assert found.summary == "20 samples, images of 4×5 pixels in 3 channels, 2 classes"
    assert found.warnings == ()


def test_an_experiment_with_a_file_is_valid_before_the_file_is_there():
    experiment = Experiment.from_toml('[training]\ndata = "my.csv"')
    assert (experiment.training.data, experiment.training.path) == ("file", "my.csv")
    assert Experiment.from_toml(experiment.to_toml()) == experiment
    assert Experiment.from_toml('[training]\ndata = "file"').training.path == ""


def test_a_run_trains_on_a_file(write):
    from initviz import run

    path = write(TEN * 5)
    text = f"[network]\nhidden_layers = 1\nwidth = 4\n[training]\ndata = '{path}'\n"
    recording = run(Experiment.from_toml(text), steps=2)
    assert np.isfinite(recording.scalar("loss")).all()
    assert recording.weights("hidden 1", step=0).shape == (4, 2)


@pytest.mark.slow
def test_a_large_table_is_read_in_a_few_seconds(tmp_path):
    import time

    random = np.random.default_rng(0)
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        for label in range(100_000):
            file.write(",".join(map("{:.6f}".format, random.random(100))) + f",{label % 5}\n")
    began = time.perf_counter()
    assert describe(of(path)) == Description((100,), 5)
    assert time.perf_counter() - began < 30  # 3 s where nothing else runs
