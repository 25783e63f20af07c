"""What theory predicts of whole networks, against what the probe measures in drawn ones.

Every test is about an average over networks drawn from different seeds. The logarithms of norms
are averaged: they are what is normal. What is allowed is a tolerance plus 3 standard errors.
"""

import functools
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from initviz.lab import datasets, networks, theory
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.drawn_layers import drawn_layers
from initviz.lab.experiment import Experiment
from initviz.lab.known_rates import known_rate
from initviz.lab.observers import cross
from initviz.lab.probe import Probe, watch
from initviz.lab.training import run

pytestmark = pytest.mark.slow

SEEDS = 20
FORWARD, BACKWARD, WEIGHTS = math.log(1.15), math.log(1.20), math.log(1.30)
LOSSES = {
    "cross_entropy": cross_entropy,
    "mse": lambda logits, labels: mse_loss(
        logits, one_hot(labels, logits.shape[1]).to(logits.dtype)
    ),
}


def _experiment(layers=None, **settings):
    """20 hidden layers of 256, batches of 16; `layers` gives single ones settings of their own."""
    usual = {"network.width": 256, "network.hidden_layers": 20, "training.batch_size": 16}
    given = {key.replace("__", "."): value for key, value in settings.items()}
    experiment = Experiment().with_values(usual | given)
    for index, (name, own) in enumerate((layers or {}).items()):
        experiment = experiment.with_layer(name)
        keys = {f"layers.{index}.{key.replace('__', '.')}": v for key, v in own.items()}
        experiment = experiment.with_values(keys)
    return experiment


@functools.lru_cache(maxsize=8)
def _data(training, seed):
    data = datasets.load(training, datasets.generator(seed))
    return torch.as_tensor(data.train_inputs), torch.as_tensor(data.train_labels), data


def _network(experiment, seed):
    data = _data(experiment.training, experiment.run.seed)[2]
    return networks.build(
        experiment,
        datasets.Description(data.shape, data.classes),
        initial=torch.Generator().manual_seed(seed),
        dropout=torch.Generator(),
        device=torch.device("cpu"),
    )


def _measure(experiment, network, seed):
    """What the probe finds at the hidden layers, on a random batch: quantities (H,) by name."""
    inputs, labels, _ = _data(experiment.training, experiment.run.seed)
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
    batch = order[: experiment.training.batch_size]
    dtype = getattr(torch, experiment.run.precision)
    probe = Probe(watch(network))
    probe.listen(frozenset({"cheap"}))
    network.zero_grad(set_to_none=True)
    logits = network(inputs[batch].to(dtype))
    LOSSES[experiment.training.loss](logits, labels[batch]).backward()
    found = {name: np.asarray(v)[:-1] for name, v in cross(probe.read()).items()}
    probe.listen(frozenset())
    return found


def _together(found):
    """Quantities (seeds, H) by name; `second_moment` is E z², gradients are relative to the end."""
    whole = {name: np.array([each[name] for each in found]) for name in found[0]}
    whole["second_moment"] = whole["preactivation_mean"] ** 2 + whole["preactivation_std"] ** 2
    for name in ("signal", "weight"):
        norms = whole[f"{name}_gradient_norm"]
        whole[f"{name}_ratio"] = norms / norms[:, -1:]
    return whole


def _measured(experiment, seeds=SEEDS):
    return _together(
        [_measure(experiment, _network(experiment, seed), seed) for seed in range(seeds)]
    )


def _excess(measured, predicted, tolerance):
    """How far the mean of ln(measured / predicted) is outside what is allowed: ≤ 0 is inside."""
    logs = np.log(measured / predicted)
    error = logs.std(axis=0, ddof=1) / math.sqrt(len(logs))
    return float(np.max(np.abs(logs.mean(axis=0)) - tolerance - 3.0 * error))


def _disagreements(prediction, measured, weights=True):
    """Where theory and measurement differ by more than is allowed; every layer counts."""
    pairs = [
        ("forward", "second_moment", prediction.preactivation_second_moment, FORWARD),
        ("backward", "signal_ratio", prediction.signal_gradient_ratio, BACKWARD),
        ("std", "activation_std", prediction.activation_std, FORWARD),
    ]
    if weights:
        pairs.append(("weights", "weight_ratio", prediction.weight_gradient_ratio, WEIGHTS))
    found = [
        (label, excess)
        for label, name, predicted, tolerance in pairs
        if not (excess := _excess(measured[name], predicted, tolerance)) <= 0
    ]
    # A mean may be 0: it is compared with how large activations are.
    size = np.hypot(prediction.activation_mean, prediction.activation_std)
    gap = (measured["activation_mean"] - prediction.activation_mean) / size
    error = gap.std(axis=0, ddof=1) / math.sqrt(len(gap))
    excess = float(np.max(np.abs(gap.mean(axis=0)) - 0.05 - 3.0 * error))
    return found if excess <= 0 else [*found, ("mean", excess)]


# -- every activation with every usual scheme -----------------------------------------------------

SCHEMES = ("glorot_normal", "he_normal", "lecun_normal", "normal", "pytorch_default")

#: Where prediction and measurement need not agree. With σ_w = √2 these activations have no stable
#: length but 0, and on the way there from the data's E z² ≈ 2 the length map V is steeper than a
#: power of 1: d ln V / d ln q > 1. What width and data make random is multiplied layer by layer,
#: by this much at 20 layers, so that single draws and single samples leave the mean's course.
AMPLIFIED = {("gelu", "he_normal"): 14.7, ("silu", "he_normal"): 10.9, ("mish", "he_normal"): 3.8}


def _amplification(experiment, prediction):
    """How much the length maps multiply a small deviation of ln q at the first layer, at most."""
    name, product, largest = experiment.network.activation, 1.0, 1.0
    layers = drawn_layers(experiment)[1:-1]
    for layer, q in zip(layers, prediction.preactivation_second_moment[:-1], strict=True):
        sigma_w = math.sqrt(layer.weight_scale)
        slope = theory.length_slope(name, sigma_w, q)
        product *= slope * q / theory.length_map(name, sigma_w, layer.bias_std, q)
        largest = max(largest, product)
    return largest


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_activation_behaves_as_predicted(scheme):
    """20 layers of 256, 20 seeds; a seed's weights serve all activations alike."""
    experiments = {
        name: _experiment(network__activation=name, initialiser__scheme=scheme)
        for name in ACTIVATIONS
        if (name, scheme) not in AMPLIFIED
    }
    found = {name: [] for name in experiments}
    for seed in range(SEEDS):
        network = _network(experiments["tanh"], seed)
        for name, experiment in experiments.items():
            for layer in network.layers:
                layer.activate = ACTIVATIONS[name].module(experiment.network.slope)
            found[name].append(_measure(experiment, network, seed))
    wrong = {
        name: disagreements
        for name, experiment in experiments.items()
        if (disagreements := _disagreements(theory.predict(experiment), _together(found[name])))
    }
    assert wrong == {}


@pytest.mark.parametrize(("name", "scheme"), AMPLIFIED)
def test_the_exceptions_are_where_deviations_grow(name, scheme):
    experiment = _experiment(network__activation=name, initialiser__scheme=scheme)
    found = _amplification(experiment, theory.predict(experiment))
    assert found == pytest.approx(AMPLIFIED[name, scheme], abs=0.1)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("tanh", "he_normal"), ("relu", "he_normal"), ("gelu", "lecun_normal")],
)
def test_elsewhere_deviations_do_not_grow(name, scheme):
    experiment = _experiment(network__activation=name, initialiser__scheme=scheme)
    assert _amplification(experiment, theory.predict(experiment)) < 2.0


# -- everything else that is predicted ------------------------------------------------------------

WIDTHS = {
    "hidden 1": {"width": 512},
    "hidden 2": {"width": 128},
    "hidden 3": {"width": 256},
    "hidden 4": {"width": 64},
}
MIXED = {
    "hidden 3": {"activation": "relu", "initialiser__scheme": "he_normal"},
    "hidden 5": {"activation": "sigmoid"},
    "output": {"initialiser__scheme": "he_uniform"},
}
HE = {"network__activation": "relu", "initialiser__scheme": "he_normal"}
GLOROT = {"initialiser__scheme": "glorot_normal"}
CASES = {
    "widths, fan_in": (WIDTHS, HE | {"network__hidden_layers": 4}),
    "widths, fan_out": (
        WIDTHS,
        HE | {"network__hidden_layers": 4, "initialiser__mode": "fan_out"},
    ),
    "widths, fan_avg": (WIDTHS, GLOROT | {"network__hidden_layers": 4}),
    "widths, orthogonal": (
        WIDTHS,
        {"network__hidden_layers": 4, "initialiser__scheme": "orthogonal"},
    ),
    "layers of their own": (MIXED, GLOROT | {"network__hidden_layers": 8}),
    "residual ReLU": ({}, HE | {"network__residual": True}),
    "residual ReLU, α = 1/√12": (
        {},
        HE | {"network__residual": True, "network__branch_scale": 0.2887},
    ),
    "residual tanh": ({}, GLOROT | {"network__residual": True}),
    "residual, widths": (
        WIDTHS,
        GLOROT | {"network__residual": True, "network__hidden_layers": 10},
    ),
    "residual, biases": (
        {},
        {
            "network__residual": True,
            "network__branch_scale": 0.3,
            "initialiser__scheme": "pytorch_default",
            "initialiser__bias": 0.3,
        },
    ),
    "bias": ({}, GLOROT | {"initialiser__bias": 0.5}),
    "bias of ReLU": ({}, HE | {"initialiser__bias": 0.5}),
    "normal biases": (
        {},
        GLOROT | {"initialiser__bias_distribution": "normal", "initialiser__bias_spread": 0.3},
    ),
    "uniform": (
        {},
        {
            "initialiser__scheme": "uniform",
            "initialiser__a": -0.15,
            "initialiser__b": 0.15,
        },
    ),
    "truncated": ({}, {"initialiser__scheme": "truncated_normal", "initialiser__std": 0.08}),
    "orthogonal": ({}, {"initialiser__scheme": "orthogonal"}),
    "orthogonal ReLU": (
        {},
        {
            "initialiser__scheme": "orthogonal",
            "initialiser__gain": 1.4142,
            "network__activation": "relu",
        },
    ),
    "inputs to [0, 1]": ({}, GLOROT | {"training__scaling": "unit"}),
    "raw inputs": ({}, GLOROT | {"training__scaling": "raw"}),
    "points in the plane": ({}, HE | {"training__data": "blobs"}),
    "squared error": (
        {},
        {
            "training__loss": "mse",
            "initialiser__scheme": "pytorch_default",
            "initialiser__bias": 0.5,
        },
    ),
    "chaotic": ({}, {"initialiser__std": 0.2}),
    "single samples": ({}, HE | {"training__batch_size": 1, "training__scaling": "unit"}),
}


#: Some standardised digits are very much longer than others: larger batches hold their share.
SMALLER = {"network__hidden_layers": 12, "training__batch_size": 48}


@pytest.mark.parametrize("case", CASES)
def test_other_settings_behave_as_predicted(case):
    layers, settings = CASES[case]
    experiment = _experiment(layers, **(SMALLER | settings))
    assert _disagreements(theory.predict(experiment), _measured(experiment, 10)) == []


CNN = {
    "network__architecture": "cnn",
    "network__width": 64,
    "network__hidden_layers": 10,
    "training__batch_size": 32,
}


@pytest.mark.parametrize(
    "settings",
    [
        HE,
        GLOROT,
        {"initialiser__scheme": "pytorch_default", "network__activation": "sigmoid"},
        HE | {"network__residual": True, "network__branch_scale": 0.3},
        {
            "initialiser__scheme": "lecun_normal",
            "network__activation": "selu",
            "network__kernel_size": 5,
        },
        {"initialiser__scheme": "delta_orthogonal", "network__activation": "tanh"},
        GLOROT | {"training__scaling": "unit", "initialiser__bias": 0.5},
    ],
    ids=str,
)
def test_circular_convolutions_behave_as_predicted(settings):
    experiment = _experiment(**CNN, **settings)
    measured = _measured(experiment, 10)
    assert _disagreements(theory.predict(experiment), measured, weights=False) == []


# -- fluctuations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_two_of_three_networks_lie_in_the_band(activation):
    """200 networks, single samples. The band is about norms: squares have it twice."""
    experiment = _experiment(
        network__activation=activation,
        network__hidden_layers=10,
        network__width=100,
        training__batch_size=1,
        initialiser__scheme="he_normal",
    )
    prediction = theory.predict(experiment)
    if activation == "relu":
        above = np.arange(9, -1, -1)
        np.testing.assert_allclose(prediction.band**2, np.exp(np.sqrt(5 * above / 100)))
    logs = np.log(_measured(experiment, 200)["signal_ratio"])[:, :-1]
    # Near the data samples of different lengths differ by more than the weights make them.
    near = 0 if activation == "relu" else 3
    widths = np.log(prediction.band[near:-1])
    np.testing.assert_allclose(logs.std(axis=0)[near:], widths, rtol=0.2)
    gaps = np.abs(logs - np.log(prediction.signal_gradient_ratio[:-1]))
    assert 0.58 <= np.mean(gaps[:, near] <= widths[0]) <= 0.78


@pytest.mark.parametrize("settings", [HE, HE | {"initialiser__scheme": "orthogonal"}], ids=str)
def test_batches_and_orthogonal_weights_fluctuate_less(settings):
    experiment = _experiment(**settings)
    logs = np.log(_measured(experiment, 10)["signal_ratio"])
    assert np.std(logs[:, 0]) < np.log(theory.predict(experiment).band[0])


# -- known rates ----------------------------------------------------------------------------------

BATCH = {"network__normalisation": "batch", "training__batch_size": 64}
LAYER = {"network__normalisation": "layer"}
AFTER = {"network__normalisation_place": "after"}
RATES = [
    HE | BATCH,
    HE | BATCH | {"network__activation": "identity"},
    HE | BATCH | {"network__activation": "tanh"},
    HE | BATCH | {"network__activation": "gelu"},
    HE | BATCH | AFTER,
    BATCH | AFTER | {"initialiser__std": 0.125},
    {"initialiser__scheme": "pytorch_default", "initialiser__bias": 0.4} | BATCH,
    HE | LAYER,
    GLOROT | LAYER,
    GLOROT | LAYER | {"network__activation": "sigmoid"},
    GLOROT | LAYER | {"initialiser__bias_distribution": "normal", "initialiser__bias_spread": 0.5},
    GLOROT | LAYER | AFTER | {"network__activation": "softplus"},
    HE | {"network__residual": True, "network__branch_scale": 0.5},
    GLOROT | {"network__residual": True, "network__activation": "identity"},
    HE | BATCH | {"network__architecture": "cnn", "network__width": 48},
]


@pytest.mark.parametrize("settings", RATES, ids=str)
def test_gradients_grow_at_the_known_rate(settings):
    """Over the 14 layers before the last one: the first ones are still near the data."""
    experiment = _experiment(**settings, network__hidden_layers=20)
    if experiment.network.architecture == "cnn":
        experiment = experiment.with_values({"training.batch_size": 16})
    signals = np.log(_measured(experiment, 6)["signal_gradient_norm"])
    rates = (signals[:, 5] - signals[:, -1]) / (signals.shape[1] - 6)
    error = rates.std(ddof=1) / math.sqrt(len(rates))
    assert abs(rates.mean() - math.log(known_rate(experiment).factor)) <= 0.03 + 3 * error


@pytest.mark.parametrize("architecture", ["lstm", "gru"])
@pytest.mark.parametrize("bias", [-1.0, 0.0, 2.0])
def test_without_weights_a_gate_passes_its_share_through_time(architecture, bias):
    values = {
        "network.architecture": architecture,
        "network.hidden_layers": 1,
        "network.width": 10,
        "training.data": "digit_rows",
        "initialiser.scheme": "zeros",
        "initialiser.bias": 0.5,
    }
    if architecture == "lstm":
        values["initialiser.forget_bias"] = bias - 0.5
    else:
        values["initialiser.bias"] = bias
    experiment = Experiment().with_values(values).with_layer("output")
    experiment = experiment.with_value("layers.0.initialiser.scheme", "glorot_normal")
    rate = known_rate(experiment)
    series = run(experiment, 0).time_series(rate.quantity)[0]
    assert rate.factor == pytest.approx(1 / (1 + math.exp(-bias)), rel=1e-12)
    np.testing.assert_allclose(series[:-1] / series[1:], rate.factor, rtol=1e-5)
