"""What tells lanes apart on the projector."""

import pytest

from initviz import Experiment
from initviz.ui.lecture.labels import lane_labels

PLAIN = Experiment().with_values({"initialiser.scheme": "glorot_normal"})


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({"initialiser.scheme": "he_normal"}, ("Glorot normal", "He normal")),
        ({"network.activation": "relu"}, ("tanh", "ReLU")),
        ({"network.width": 1600}, ("width 100", "width 1600")),
        ({"network.normalisation": "batch"}, ("no normalisation", "normalisation batch")),
        ({"network.residual": True}, ("no residual connections", "residual connections")),
        ({"training.optimiser": "adam"}, ("SGD", "Adam")),
        ({"run.seed": 3}, ("seed 0", "seed 3")),
        (
            {"network.activation": "relu", "network.width": 7, "run.seed": 3},
            ("tanh, width 100", "ReLU, width 7"),
        ),
        ({}, ("Glorot normal", "Glorot normal")),
    ],
)
def test_the_initialiser_or_else_what_differs(changes, labels):
    found = lane_labels({"A": PLAIN, "B": PLAIN.with_values(changes)})
    assert (found["A"], found["B"]) == labels


def test_where_some_differ_in_the_initialiser_alone_both_are_said():
    found = lane_labels(
        {
            "A": PLAIN,
            "B": PLAIN.with_value("network.activation", "relu"),
            "C": PLAIN.with_value("initialiser.scheme", "zeros"),
        }
    )
    assert found == {"A": "Glorot normal, tanh", "B": "Glorot normal, ReLU", "C": "zeros, tanh"}
