"""What tells lanes apart on the projector."""

import pytest

from initviz import Experiment
from initviz.lab.lectures import read_lecture, shipped, stage
from initviz.ui.lecture.labels import LONGEST, lane_labels

PLAIN = Experiment().with_values({"initialiser.scheme": "glorot_normal"})


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({"initialiser.scheme": "he_normal"}, ("Glorot normal", "He normal")),
        ({"network.activation": "relu"}, ("tanh", "ReLU")),
        ({"network.width": 1600}, ("width 100", "width 1600")),
        ({"network.normalisation": "batch"}, ("no normalisation", "batch normalisation")),
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


def test_titles_of_their_own_are_the_best_names():
    named = {
        letter: PLAIN.with_values({"initialiser.scheme": "normal", "title": title})
        for letter, title in (("A", "order"), ("B", "chaos"))
    }
    assert lane_labels(named) == {"A": "order", "B": "chaos"}
    assert lane_labels({"A": named["A"]}) == {"A": "order"}


def test_a_title_that_both_have_tells_nothing():
    titled = PLAIN.with_value("title", "One neuron")
    found = lane_labels({"A": titled, "B": titled.with_value("training.batch_size", 1)})
    assert found == {"A": "batch size 64", "B": "batch size 1"}


@pytest.mark.parametrize(
    ("scheme", "changes", "labels"),
    [
        ("variance_scaling", {"scale": 4}, ("scale 1", "scale 4")),
        ("uniform", {"a": 0.0, "b": 1.0}, ("a −0.05, b 0.05", "a 0, b 1")),
        ("pytorch_default", {"forget_bias": 3.0}, ("forget gate’s bias 0", "forget gate’s bias 3")),
        ("normal", {"std": 1.0}, ("std 0.01", "std 1")),
    ],
)
def test_of_one_scheme_only_what_differs_is_said_and_in_words(scheme, changes, labels):
    first = PLAIN.with_values(
        {"initialiser.scheme": scheme, "initialiser.bias_distribution": "normal"}
    ).with_value("initialiser.bias_spread", 0.3)
    second = first.with_values({f"initialiser.{key}": value for key, value in changes.items()})
    found = lane_labels({"A": first, "B": second})
    assert (found["A"], found["B"]) == labels


def test_one_lane_has_a_name_that_fits_beside_a_plot():
    crowded = PLAIN.with_values(
        {
            "initialiser.scheme": "variance_scaling",
            "initialiser.bias_distribution": "normal",
            "initialiser.bias_spread": 0.3,
        }
    )
    assert lane_labels({"A": crowded}) == {"A": "variance scaling"}


def test_every_pair_of_lanes_of_every_shipped_lecture_is_told_apart():
    for path in shipped():
        lecture = read_lecture(path)
        for stop in lecture.stops:
            lanes = {lane.letter: lane.experiment for lane in stage(lecture, stop).lanes}
            labels = lane_labels(lanes) if lanes else {}
            where = f"{path.name}, scene {stop.scene + 1}: {labels}"
            assert len(set(labels.values())) == len(labels), where
            assert all(len(label) <= LONGEST and "_" not in label for label in labels.values())
