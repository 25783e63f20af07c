"""Recordings whose numbers are made up: a healthy network, and what differs from it."""

import math

import numpy as np

from initviz.lab.diagnosis import diagnose
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Environment, Recording
from initviz.lab.snapshot import Snapshot

DEPTH = 5
NAMES = (*(f"hidden {i}" for i in range(1, DEPTH + 1)), "output")


def experiment_with(**settings):
    """The default experiment with these settings, `__` in place of the dot."""
    experiment = Experiment()
    for key, value in settings.items():
        experiment = experiment.with_value(key.replace("__", "."), value)
    return experiment


def healthy_numbers():
    """What a healthy tanh network of five layers of 100 measures (L,)."""
    return {
        "weight_gradient_norm": np.full(6, 0.5),
        "signal_gradient_norm": np.array([0.04, 0.05, 0.07, 0.08, 0.1, 0.12]),
        "preactivation_mean": np.zeros(6),
        "preactivation_std": np.full(6, 0.7),
        "activation_mean": np.zeros(6),
        "activation_std": np.full(6, 0.5),
        "weight_norm": np.full(6, 10.0),
        "saturated_fraction": np.array([0.02, 0, 0, 0, 0, np.nan]),
        "inactive_fraction": np.full(6, np.nan),
        "dead_fraction": np.full(6, np.nan),
        "distinct_units": np.array([100.0, 100, 100, 100, 100, 10]),
    }


def recording_of(*steps, experiment=None):
    """A recording of these steps, each given as what differs from a healthy one (loss 2.3)."""
    experiment = experiment or experiment_with(network__hidden_layers=DEPTH)
    depth = experiment.network.hidden_layers
    names = NAMES if depth == DEPTH else (*NAMES[:depth], "output")
    recording = Recording(experiment, names, Environment("CPU", 1))
    for step, different in enumerate(steps):
        different = dict(different)
        scalars = {"loss": different.pop("loss", 2.3)}
        layers = {k: np.asarray(v, dtype=float) for k, v in (healthy_numbers() | different).items()}
        layers = {
            k: v if len(v) == depth + 1 else v[[*range(depth), -1]] for k, v in layers.items()
        }
        recording.append(Snapshot(step, scalars, layers))
    return recording


def the_only(recording, kind, step=0):
    """The only finding, which must be of this kind."""
    (finding,) = diagnose(recording, step)
    assert finding.kind == kind
    return finding


def kinds_found(recording, step=0):
    """What is found, in its order."""
    return [finding.kind for finding in diagnose(recording, step)]


def one_layer(index, value, quantity):
    """The healthy values of a quantity with one changed."""
    row = healthy_numbers()[quantity]
    row[index] = value
    return {quantity: row}


FALLING = np.array([1.2e-10, 1e-8, 1e-6, 1e-4, 0.1, 0.12])

LOST = {
    name: np.full(6, np.nan)
    for name in (
        "weight_norm",
        "preactivation_mean",
        "preactivation_std",
        "signal_gradient_norm",
        "weight_gradient_norm",
    )
} | {"loss": math.nan}
