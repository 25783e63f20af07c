"""Seeded data: shapes, splits and scaling."""

import numpy as np
import pytest

from initviz.lab import datasets
from initviz.lab.datasets import DATASETS, SCALINGS, load
from initviz.lab.experiment import Experiment
from initviz.lab.training import run

each = pytest.mark.parametrize("name", DATASETS)
each_scaling = pytest.mark.parametrize("scaling", SCALINGS)
SIZES = {"digits": 1797}


def _load(name, scaling="standardised", seed=0):
    return load(name, scaling, datasets.generator(seed))


@each
@each_scaling
def test_the_data_are_split_80_20_with_the_shapes_that_are_announced(name, scaling):
    data, entry = _load(name, scaling), DATASETS[name]
    total = SIZES.get(name, datasets.POINTS)
    assert data.train_inputs.shape == (int(0.8 * total), entry.features)
    assert data.test_inputs.shape == (total - int(0.8 * total), entry.features)
    for inputs, labels in (
        (data.train_inputs, data.train_labels),
        (data.test_inputs, data.test_labels),
    ):
        assert inputs.dtype == np.float64
        assert np.isfinite(inputs).all()
        assert labels.dtype == np.int64
        assert labels.shape == inputs.shape[:1]
        assert set(labels) == set(range(entry.classes))
    assert data.classes == entry.classes


@each
def test_there_are_enough_samples_to_look_for_dead_units(name):
    assert len(_load(name).train_inputs) >= 512


@each
def test_the_same_seed_gives_the_same_data_and_another_seed_another(name):
    a, b, c = _load(name), _load(name), _load(name, seed=1)
    for part in ("train_inputs", "train_labels", "test_inputs", "test_labels"):
        assert np.array_equal(getattr(a, part), getattr(b, part))
    assert not np.array_equal(a.train_inputs, c.train_inputs)


@each
def test_training_and_test_part_together_are_the_whole_set(name):
    data = _load(name, "raw")
    whole, labels = DATASETS[name].draw(datasets.generator(0))
    rows = np.concatenate([data.train_inputs, data.test_inputs])
    both = np.column_stack([rows, np.concatenate([data.train_labels, data.test_labels])])
    expected = np.column_stack([whole, labels])
    assert np.array_equal(both[np.lexsort(both.T)], expected[np.lexsort(expected.T)])


@each
def test_every_class_is_about_as_large_as_the_others(name):
    counts = np.bincount(_load(name).train_labels)
    assert counts.min() > 0.8 * counts.mean()


@each
def test_standardised_inputs_have_mean_0_and_variance_1_on_the_training_part(name):
    data, raw = _load(name), _load(name, "raw")
    varies = raw.train_inputs.std(axis=0) > 0
    np.testing.assert_allclose(data.train_inputs.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(data.train_inputs[:, varies].std(axis=0), 1.0, rtol=1e-12)


@each
def test_unit_inputs_fill_0_to_1_on_the_training_part(name):
    data, raw = _load(name, "unit"), _load(name, "raw")
    varies = raw.train_inputs.std(axis=0) > 0
    np.testing.assert_allclose(data.train_inputs.min(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(data.train_inputs[:, varies].max(axis=0), 1.0, rtol=1e-12)


@each
@each_scaling
def test_the_test_part_is_scaled_with_the_training_parts_statistics(name, scaling):
    data, raw = _load(name, scaling), _load(name, "raw")
    shift, factor = SCALINGS[scaling].fit(raw.train_inputs)
    np.testing.assert_allclose(data.test_inputs, (raw.test_inputs - shift) * factor, rtol=1e-12)


@each_scaling
def test_a_pixel_that_never_changes_stays_finite(scaling):
    inputs = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    shift, factor = SCALINGS[scaling].fit(inputs)
    scaled = (inputs - shift) * factor
    assert np.isfinite(scaled).all()
    assert len(set(scaled[:, 1])) == 1


def test_digits_have_constant_pixels_which_standardising_sets_to_0():
    raw, data = _load("digits", "raw"), _load("digits")
    constant = raw.train_inputs.std(axis=0) == 0
    assert constant.any()
    np.testing.assert_array_equal(data.train_inputs[:, constant], 0.0)


def test_digits_are_8_by_8_scans_of_16_grey_levels():
    raw = _load("digits", "raw")
    values = np.unique(np.concatenate([raw.train_inputs, raw.test_inputs]))
    assert np.array_equal(values, np.arange(17.0))
    assert len(raw.train_inputs) + len(raw.test_inputs) == 1797


@each
def test_raw_inputs_are_left_alone(name):
    shift, factor = SCALINGS["raw"].fit(_load(name).train_inputs)
    assert not shift.any()
    assert (factor == 1.0).all()


@each
def test_an_entry_can_be_shown(name):
    assert DATASETS[name].label
    assert DATASETS[name].source


def test_a_run_trains_on_the_data_of_its_seed():
    experiment = Experiment.from_toml(
        "[network]\nhidden_layers = 1\nwidth = 3\nactivation = 'identity'\n"
        "[initialiser]\nscheme = 'constant'\nvalue = 1.0\n"
        "[training]\ndata = 'moons'\nscaling = 'raw'\nbatch_size = 4096\n"
        "[run]\nseed = 7\nprecision = 'float64'"
    )
    sums = _load("moons", "raw", seed=7).train_inputs.sum(axis=1)
    recording = run(experiment, 0)
    assert recording.series("preactivation_mean")[0, 0] == pytest.approx(sums.mean(), rel=1e-9)
    assert recording.series("preactivation_std")[0, 0] == pytest.approx(sums.std(), rel=1e-9)
