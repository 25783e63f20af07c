"""Seeded data: shapes, splits and scaling."""

import numpy as np
import pytest

from initviz.lab import datasets
from initviz.lab.datasets import DATASETS, SCALINGS, Description, describe, load
from initviz.lab.experiment import Experiment
from initviz.lab.training import run
from initviz.lab.training_settings import Training

OURS = [name for name, entry in DATASETS.items() if not entry.needs_path]
each = pytest.mark.parametrize("name", OURS)
each_scaling = pytest.mark.parametrize("scaling", SCALINGS)
SIZES = {"digits": 1797, "digit_rows": 1797}


def _load(name, scaling="standardised", seed=0):
    return load(Training(data=name, scaling=scaling), datasets.generator(seed))


def _rows(inputs, shape):
    """What is scaled alike stands in a column: a feature of a sequence at all of its steps."""
    return inputs.reshape(-1, shape[1]) if len(shape) == 2 else inputs


@each
@each_scaling
def test_the_data_are_split_80_20_with_the_shapes_that_are_announced(name, scaling):
    data, known = _load(name, scaling), describe(Training(data=name))
    total = SIZES.get(name, datasets.POINTS)
    assert data.train_inputs.shape == (int(0.8 * total), known.features)
    assert data.test_inputs.shape == (total - int(0.8 * total), known.features)
    for inputs, labels in (
        (data.train_inputs, data.train_labels),
        (data.test_inputs, data.test_labels),
    ):
        assert inputs.dtype == np.float64
        assert np.isfinite(inputs).all()
        assert labels.dtype == np.int64
        assert labels.shape == inputs.shape[:1]
        assert set(labels) == set(range(known.classes))
    assert (data.classes, data.shape) == (known.classes, known.shape)


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
    whole, labels = DATASETS[name].draw(Training(data=name), datasets.generator(0))
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
    inputs = _rows(data.train_inputs, data.shape)
    varies = _rows(raw.train_inputs, data.shape).std(axis=0) > 0
    np.testing.assert_allclose(inputs.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(inputs[:, varies].std(axis=0), 1.0, rtol=1e-12)


@each
def test_unit_inputs_fill_0_to_1_on_the_training_part(name):
    data, raw = _load(name, "unit"), _load(name, "raw")
    inputs = _rows(data.train_inputs, data.shape)
    varies = _rows(raw.train_inputs, data.shape).std(axis=0) > 0
    np.testing.assert_allclose(inputs.min(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(inputs[:, varies].max(axis=0), 1.0, rtol=1e-12)


@each
@each_scaling
def test_the_test_part_is_scaled_with_the_training_parts_statistics(name, scaling):
    data, raw = _load(name, scaling), _load(name, "raw")
    shift, factor = SCALINGS[scaling].fit(_rows(raw.train_inputs, data.shape))
    expected = (_rows(raw.test_inputs, data.shape) - shift) * factor
    np.testing.assert_allclose(_rows(data.test_inputs, data.shape), expected, rtol=1e-12)


@each_scaling
def test_a_pixel_that_never_changes_stays_finite(scaling):
    inputs = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    shift, factor = SCALINGS[scaling].fit(inputs)
    scaled = (inputs - shift) * factor
    assert np.isfinite(scaled).all()
    assert len(set(scaled[:, 1])) == 1


@pytest.mark.parametrize("value", [0.1, 1e90, -3e-320])
@pytest.mark.parametrize("scaling", ["standardised", "unit"])
def test_a_feature_that_never_changes_is_only_shifted(scaling, value):
    inputs = np.column_stack([np.full(1000, value), np.arange(1000.0)])
    others = np.column_stack([np.full(10, 2.5), np.arange(10.0)])
    train, test = SCALINGS[scaling].apply(inputs, others, (2,))
    assert not train[:, 0].any()
    assert np.array_equal(test[:, 0], np.full(10, 2.5 - value))


@each_scaling
def test_a_feature_that_hardly_changes_stays_finite(scaling):
    inputs = np.array([[0.0], [5e-324], [0.0]])
    train, _ = SCALINGS[scaling].apply(inputs, inputs, (1,))
    assert np.isfinite(train).all()


@each_scaling
def test_scaling_leaves_what_it_was_given_alone(scaling):
    inputs = np.arange(12.0).reshape(6, 2)
    inputs.setflags(write=False)
    SCALINGS[scaling].apply(inputs[:4], inputs[4:], (2,))
    assert np.array_equal(inputs, np.arange(12.0).reshape(6, 2))


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


@pytest.mark.parametrize("name", DATASETS)
def test_an_entry_can_be_shown(name):
    assert DATASETS[name].label
    assert DATASETS[name].source


def test_digit_rows_are_the_digits_read_from_top_to_bottom():
    digits, rows = _load("digits", "raw"), _load("digit_rows", "raw")
    assert digits.shape == (1, 8, 8)
    assert rows.shape == (8, 8)
    assert np.array_equal(digits.train_inputs, rows.train_inputs)
    assert np.array_equal(digits.train_labels, rows.train_labels)


def test_a_feature_of_a_sequence_is_scaled_alike_at_every_step():
    raw, data = _load("digit_rows", "raw"), _load("digit_rows")
    raw_steps = raw.train_inputs.reshape(-1, 8, 8)
    steps = data.train_inputs.reshape(-1, 8, 8)
    expected = (raw_steps - raw_steps.mean(axis=(0, 1))) / raw_steps.std(axis=(0, 1))
    np.testing.assert_allclose(steps, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("length", [2, 3, 50, 200])
def test_recall_shows_the_class_at_the_first_step_and_distractors_after_it(length):
    training = Training(data="recall", sequence_length=length, scaling="raw")
    data = load(training, datasets.generator(0))
    assert describe(training) == Description((length, 8), 4)
    assert data.shape == (length, 8)
    tokens = data.train_inputs.reshape(-1, length, 8)
    assert np.array_equal(np.unique(tokens), [0.0, 1.0])
    assert (tokens.sum(axis=2) == 1.0).all()
    assert np.array_equal(tokens[:, 0].argmax(axis=1), data.train_labels)
    later = tokens[:, 1:].argmax(axis=2)
    assert set(later.ravel()) == {4, 5, 6, 7}


def test_distractors_tell_nothing_of_the_class_and_are_all_as_frequent():
    training = Training(data="recall", sequence_length=100, scaling="raw")
    inputs, labels = DATASETS["recall"].draw(training, datasets.generator(3))
    later = inputs.reshape(-1, 100, 8)[:, 1:]
    shares = np.array([later[labels == label].mean(axis=(0, 1)) for label in range(4)])
    np.testing.assert_allclose(shares[:, :4], 0.0)
    np.testing.assert_allclose(shares[:, 4:], 0.25, atol=0.01)
    assert np.array_equal(np.bincount(labels), [500] * 4)


def test_positions_are_known_before_any_file_is_opened():
    def positions(read_as=None, **settings):
        return datasets.positions(Training(path="/no/such/folder", **settings), read_as)

    assert positions(data="digits") == 64
    assert positions("sequences", data="digits") == 8
    assert positions("features", data="digits") == 1
    assert positions(data="digit_rows") == 8
    assert positions(data="recall", sequence_length=120) == 120
    assert positions(data="moons") == 1
    assert positions(data="mnist") == 784
    assert positions("sequences", data="cifar10") == 32
    assert positions(data="file") == 1


@each
@each_scaling
def test_the_second_moment_is_that_of_the_training_part(name, scaling):
    training = Training(data=name, scaling=scaling, learning_rate=0.5)
    inputs = load(training, datasets.generator(7)).train_inputs
    expected = float(np.mean(np.square(inputs)))
    assert datasets.second_moment(training, 7) == pytest.approx(expected, rel=1e-12)


def test_recall_raw_has_a_second_moment_of_one_in_eight():
    training = Training(data="recall", scaling="raw")
    assert datasets.second_moment(training, 0) == pytest.approx(1 / 8, rel=1e-12)


@each
def test_a_preview_shows_the_head_and_counts_the_classes(name):
    preview = datasets.preview(Training(data=name))
    known = describe(Training(data=name))
    assert preview.samples == preview.used == SIZES.get(name, datasets.POINTS)
    assert preview.shape == known.shape
    assert sum(count for _, count in preview.classes) == preview.samples
    assert len(preview.classes) == known.classes
    assert len(preview.rows) == 5
    assert {len(row) for row in preview.rows} == {len(preview.columns)}
    assert preview.columns[-1] == "label"
    assert preview.summary.startswith(f"{preview.samples} samples, ")


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
