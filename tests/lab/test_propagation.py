"""Parts of the propagation that whole networks hide, against random numbers."""

import math

import numpy as np
import pytest

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.drawn_layers import DrawnLayer
from initviz.lab.propagation import output_gradients, signal_variances, through_fully_connected
from initviz.lab.typical_batch import TypicalBatch

CLASSES, DRAWS = 5, 40_000
PRODUCTS = np.array([[1.0, 0.6, -0.2], [0.6, 1.5, 0.1], [-0.2, 0.1, 0.7]])
LABELS = np.array([2, 2, 4])
BATCH = TypicalBatch(
    PRODUCTS, LABELS[:, None] == LABELS, 1 / CLASSES, np.zeros((3, 4)), (4,), size=3
)


def _layer(name="identity", **how):
    usual = {"width": 100, "fan_in": 100, "weight_scale": 1.0, "bias_mean": 0.0, "bias_std": 0.0}
    return DrawnLayer(ACTIVATIONS[name], **(usual | how))


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 9.0])
@pytest.mark.parametrize("mean", [0.0, 0.4])
def test_gradients_at_the_logits_have_the_products_of_random_logits(loss, scale, mean):
    output = _layer(weight_scale=scale, bias_mean=mean, bias_std=0.3)
    found = output_gradients(output, PRODUCTS, BATCH, CLASSES, loss)
    generator = np.random.default_rng(1)
    root = np.linalg.cholesky(scale * PRODUCTS + 0.09)
    logits = mean + generator.standard_normal((DRAWS, CLASSES, 3)) @ root.T
    given = logits if loss == "mse" else _softmax(logits)
    gradients = given - (np.arange(CLASSES)[:, None] == LABELS)
    products = np.einsum("rca,rcb->rab", gradients, gradients)
    error = products.std(axis=0) / math.sqrt(DRAWS)
    # The prediction has random logits of its own, 128 for each class.
    own = 4 * products.std(axis=0) / math.sqrt(128) if loss == "cross_entropy" else 0.0
    assert (np.abs(found - products.mean(axis=0)) <= 5 * error + own + 1e-9).all()


def test_logits_of_any_size_have_gradients():
    for scale in (0.0, 1e-300, 1e30, 1e300):
        found = output_gradients(_layer(weight_scale=scale), PRODUCTS, BATCH, CLASSES, "mse")
        assert not np.isnan(found).any()
        found = output_gradients(
            _layer(weight_scale=scale), PRODUCTS, BATCH, CLASSES, "cross_entropy"
        )
        assert np.isfinite(found).all()


def test_pairs_are_averaged_as_a_batch_holds_them():
    ones = np.ones((3, 3))
    assert BATCH.mean_over_pairs(ones) == pytest.approx(1.0)
    # A third of all pairs is a sample with itself; of the others a fifth has equal labels.
    assert BATCH.mean_over_pairs(np.eye(3)) == pytest.approx(1 / 3)
    same = BATCH.same.astype(float)
    assert BATCH.mean_over_pairs(same) == pytest.approx(1 / 3 + 2 / 3 / 5)


def test_a_branch_fluctuates_less_than_a_plain_layer():
    def variances(branch):
        layers = [_layer("relu", weight_scale=2.0, branch=branch) for _ in range(4)]
        layers[0] = _layer("relu", weight_scale=2.0)
        course = through_fully_connected(
            layers, _layer(), BATCH, slope=0.0, classes=CLASSES, loss="mse"
        )
        return signal_variances(course, layers)

    assert variances(None) == pytest.approx([0.15, 0.10, 0.05, 0.0])
    assert 0 < variances(0.1)[0] < variances(1.0)[0] < variances(30.0)[0] < 0.15 + 1e-6
    assert variances(0.0) == [0.0] * 4
