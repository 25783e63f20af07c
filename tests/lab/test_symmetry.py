"""How alike units are: cosines of what they are made of, and how many are different."""

from __future__ import annotations

import numpy as np
import pytest

from initviz.lab.checkpoint import Checkpoint
from initviz.lab.experiment import Experiment
from initviz.lab.symmetry import MOST_UNITS, gradients_alike, weights_alike
from initviz.lab.training import run

SMALL = Experiment().with_values({"network.hidden_layers": 2, "network.width": 6})


def of_weights(rows, architecture="mlp"):
    experiment = SMALL.with_value("network.architecture", architecture)
    return Checkpoint.of_weights(experiment, 0, {"hidden 1": np.array(rows, dtype=np.float32)})


def test_cosines_are_those_of_the_rows_however_small_or_large() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 1.0], [-2.0, 0.0], [0.0, 3.0]])
    expected = [[1, 0.5**0.5, -1, 0], [0.5**0.5, 1, -(0.5**0.5), 0.5**0.5]]
    for factor in (1.0, 1e-30, 1e30):
        found = weights_alike(of_weights(factor * rows), "hidden 1")
        np.testing.assert_allclose(found.cosines[:2], expected, atol=1e-6)
        assert found.distinct == 4


def test_a_unit_of_zeros_has_no_direction_and_is_counted() -> None:
    found = weights_alike(of_weights([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]), "hidden 1")
    assert (found.zeros, found.distinct, found.units) == (2, 2, 3)
    assert np.isnan(found.cosines[0]).all()
    assert np.isnan(found.cosines[:, 2]).all()
    assert found.cosines[1, 1] == pytest.approx(1.0)


def test_of_many_units_some_are_compared_and_all_are_counted() -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 4))
    found = weights_alike(of_weights(rows), "hidden 1")
    assert found.cosines.shape == (MOST_UNITS, MOST_UNITS)
    assert found.places[0] == 1
    assert found.places[-1] == 1000
    assert len(set(found.places)) == MOST_UNITS
    assert found.distinct == found.units == 1000


def test_a_unit_of_a_gated_layer_is_all_its_gates() -> None:
    rows = np.ones((8, 3))  # four gates of two units
    rows[5] = 2.0  # the third gate of the second unit
    found = weights_alike(of_weights(rows, "lstm"), "hidden 1")
    assert (found.units, found.distinct) == (2, 2)
    assert found.cosines[0, 1] == pytest.approx(15 / (12 * 21) ** 0.5)


def test_units_that_differ_in_their_biases_alone_are_different() -> None:
    experiment = SMALL.with_values(
        {
            "initialiser.scheme": "constant",
            "initialiser.bias_distribution": "normal",
        }
    )
    found = weights_alike(run(experiment, 0).checkpoint(0), "hidden 1")
    assert found.distinct == 6
    np.testing.assert_allclose(found.cosines, 1.0, rtol=1e-12)


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "rnn", "lstm", "gru"])
@pytest.mark.parametrize("layer", ["hidden 1", "hidden 2", "output"])
def test_the_count_is_the_measured_one(architecture, layer) -> None:
    experiment = SMALL.with_values(
        {
            "training.data": "digit_rows" if architecture in ("rnn", "lstm", "gru") else "digits",
            "network.architecture": architecture,
            "initialiser.scheme": "constant",
            "initialiser.value": 0.01,
        }
    )
    for scheme in ("constant", "glorot_normal"):
        recording = run(experiment.with_value("initialiser.scheme", scheme), 2)
        found = weights_alike(recording.checkpoint(2), layer)
        place = recording.layers.index(layer)
        assert found.distinct == recording.series("distinct_units")[2, place]


def test_the_gradients_of_copies_are_copies() -> None:
    experiment = SMALL.with_values(
        {"initialiser.scheme": "constant", "initialiser.value": 0.1, "run.precision": "float64"}
    )
    found = gradients_alike(run(experiment, 3).checkpoint(3), "hidden 2")
    assert found.distinct == 1
    np.testing.assert_allclose(found.cosines, 1.0, rtol=1e-12)
    healthy = experiment.with_value("initialiser.scheme", "glorot_normal")
    assert gradients_alike(run(healthy, 3).checkpoint(3), "hidden 2").distinct == 6
