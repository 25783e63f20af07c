"""Data that travel with the program as scans or rows of scans, and the task of recalling.

Recall is a test of long memory after Hochreiter & Schmidhuber (1997, task 2b). A sequence is T
tokens, T = `training.sequence_length`. The alphabet has 8: the first token is one of the 4 letters
(as often one as another), and it is the class; each token after it is one of the 4 distractors,
drawn anew, all with the same chance. A token is one-hot, so a step has 8 features, of which the
first 4 are the letters. A guess is right 1 time in 4; the letter is seen at the first step alone,
and the last step is T − 1 steps later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from initviz import resources
from initviz.lab.datasets.entry import Description, Inputs, Labels

if TYPE_CHECKING:
    from initviz.lab.training_settings import Training

#: Sequences to recall from.
SEQUENCES = 2000
#: Tokens that may come first, and those that follow.
LETTERS, DISTRACTORS = 4, 4


def digits(_: Training, _generator: np.random.Generator) -> tuple[Inputs, Labels]:
    """The scans that travel with the program."""
    with np.load(resources.path("data", "digits.npz"), allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    return images.reshape(len(images), -1).astype(np.float64), labels.astype(np.int64)


def describe_recall(training: Training) -> Description:
    """A step has a feature for each token."""
    return Description((training.sequence_length, LETTERS + DISTRACTORS), LETTERS)


def recall(training: Training, generator: np.random.Generator) -> tuple[Inputs, Labels]:
    """Sequences whose class is their first token."""
    labels = np.arange(SEQUENCES, dtype=np.int64) % LETTERS
    later = (SEQUENCES, training.sequence_length - 1)
    tokens = np.column_stack([labels, LETTERS + generator.integers(0, DISTRACTORS, later)])
    return np.eye(LETTERS + DISTRACTORS)[tokens].reshape(SEQUENCES, -1), labels
