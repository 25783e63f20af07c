"""What the tests of files of one's own say of them."""

import pytest
from hypothesis import settings

from initviz.lab import datasets
from initviz.lab.datasets import load
from initviz.lab.training_settings import Training

thorough = settings(derandomize=True, max_examples=60)
TEN = "".join(f"{i},{i * i % 7},{'ab'[i % 2]}\n" for i in range(10))


def of(path, **values):
    return Training(data="file", path=str(path), **values)


def table(path):
    """Everything that a file holds: inputs, labels, names of the classes."""
    entry = datasets.DATASETS["file"]
    inputs, labels = entry.draw(of(path), datasets.generator(0))
    return inputs, labels, entry.files.table(of(path)).classes


def refusal(path, training=None):
    """What is said of a bad file: one sentence that begins with its path."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        load(training or of(path), datasets.generator(0))
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert len(text) < len(str(path)) + 300
    return text.removeprefix(str(path)).lstrip(":, ")


def outcome(path):
    """What a file that may be sound holds, and what is said of it if it is not."""
    try:
        return table(path), ""
    except ValueError as error:
        return None, str(error)


def is_one_sentence(said, path):
    return said.startswith(str(path)) and "\n" not in said
