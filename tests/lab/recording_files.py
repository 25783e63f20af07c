"""What the tests of recording files say of them."""

import pytest

from initviz import load
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Environment, Recording


def empty():
    """A recording without a step."""
    experiment = Experiment().with_value("network.hidden_layers", 1)
    return Recording(experiment, ("hidden 1", "output"), Environment("CPU", 1))


def refusal(path):
    """What `load` says: one sentence that begins with the path."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")
