"""The probe: every quantity against a slow reference, on any module, and leaving no trace."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.observers import DeviceObserver, cross
from initviz.lab.probe import SAME_UNIT, Probe, distinct_rows, watch
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES
from initviz.lab.schedule import BATCH, CHEAP, NOTHING
from initviz.lab.training import _Run, run

VARIANTS = {
    "tanh": '[network]\nactivation = "tanh"',
    "sigmoid, wide weights": '[network]\nactivation = "sigmoid"\n[initialiser]\nstd = 1.0',
    "relu": '[network]\nactivation = "relu"\n[initialiser]\nscheme = "he_normal"',
    "batch normalisation": '[network]\nnormalisation = "batch"\nactivation = "relu"',
    "layer normalisation": '[network]\nnormalisation = "layer"\nactivation = "sigmoid"',
    "residual": "[network]\nresidual = true\nbranch_scale = 0.5\n[initialiser]\nstd = 0.3",
    "biases": '[initialiser]\nscheme = "pytorch_default"',
    "mean squared error": '[training]\nloss = "mse"\n[initialiser]\nstd = 0.2',
    "vanishing": '[network]\nactivation = "sigmoid"\nhidden_layers = 9\n[initialiser]\nstd = 0.01',
}


def small(text: str) -> Experiment:
    """The experiment in float64, small."""
    e = Experiment.from_toml(text).with_value("network.width", 7)
    e = e if "hidden_layers" in text else e.with_value("network.hidden_layers", 3)
    return e.with_value("run.precision", "float64").with_value("training.batch_size", 12)


def reference(e: Experiment) -> dict[str, np.ndarray]:
    """Everything at step 0, by the definitions, with gradients by autograd on plain tensors."""
    r = _Run(e, probed=False)
    batch = r.next_batch()
    x, labels = r.inputs[batch], r.labels[batch]
    entry = ACTIVATIONS[e.network.activation]
    weights = [layer.weight for layer in r.network.weighted()]
    biases = [layer.bias for layer in r.network.weighted()]
    zs, acts, stream = [], [], None
    for layer, (w, b) in enumerate(zip(weights[:-1], biases[:-1], strict=True)):
        u = x @ w.T + b
        if e.network.residual and stream is not None:
            u = stream + e.network.branch_scale * u
        stream = u
        if e.network.normalisation == "batch":
            u = (u - u.mean(0)) / torch.sqrt(u.var(0, unbiased=False) + 1e-5)
        if e.network.normalisation == "layer":
            u = (u - u.mean(1, keepdim=True)) / torch.sqrt(
                u.var(1, unbiased=False, keepdim=True) + 1e-5
            )
        u.retain_grad()
        x = entry.module(e.network.slope)(u)
        zs.append(u)
        acts.append(x)
        del layer
    logits = x @ weights[-1].T + biases[-1]
    logits.retain_grad()
    zs.append(logits)
    acts.append(logits)
    hot = nn.functional.one_hot(labels, 10).double()
    if e.training.loss == "mse":
        loss = ((logits - hot) ** 2).mean()
    else:
        loss = -(hot * torch.log_softmax(logits, 1)).sum(1).mean()
    loss.backward()
    found: dict[str, list[float]] = {name: [] for name in QUANTITIES}
    for index, (z_t, a_t, w_t) in enumerate(zip(zs, acts, weights, strict=True)):
        z, a, w = (t.detach().numpy() for t in (z_t, a_t, w_t))
        is_hidden = index < len(zs) - 1
        found["weight_gradient_norm"].append(math.sqrt((w_t.grad.numpy() ** 2).sum()))
        found["signal_gradient_norm"].append(math.sqrt((z_t.grad.numpy() ** 2).sum()))
        found["activation_mean"].append(a.mean())
        found["activation_std"].append(a.std())
        found["preactivation_mean"].append(z.mean())
        found["preactivation_std"].append(z.std())
        found["update_ratio"].append(math.nan)
        found["weight_norm"].append(math.sqrt((w**2).sum()))
        found["weight_std"].append(w.std())
        found["sample_std"].append(math.sqrt(np.mean([np.var(unit) for unit in a.T])))
        cosines = [
            a[i] @ a[j] / (np.linalg.norm(a[i]) * np.linalg.norm(a[j]))
            for i in range(len(a))
            for j in range(len(a))
            if i != j and np.linalg.norm(a[i]) > 0 and np.linalg.norm(a[j]) > 0
        ]
        found["sample_correlation"].append(np.mean(cosines) if cosines else math.nan)
        slope = entry.derivative(z, e.network.slope)
        grid = np.linspace(-30, 30, 60001)
        steepest = np.abs(entry.derivative(grid, e.network.slope)).max()
        saturates = is_hidden and entry.saturated is not None
        found["saturated_fraction"].append(
            np.mean(np.abs(slope) < 0.05 * steepest) if saturates else math.nan
        )
        dies = is_hidden and entry.inactive is not None
        found["inactive_fraction"].append(np.mean(slope == 0) if dies else math.nan)
    found["dead_fraction"] = found["distinct_units"] = []
    return {name: np.array(values) for name, values in found.items() if len(values)}


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_quantity_of_the_batch_is_what_its_definition_says(variant: str) -> None:
    e = small(VARIANTS[variant])
    recording = run(e, 0)
    for name, values in reference(e).items():
        assert recording.series(name)[0] == pytest.approx(
            values, rel=1e-6, abs=1e-15, nan_ok=True
        ), name


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_the_device_observer_measures_what_the_host_observer_does(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    e = small(VARIANTS[variant])
    host = run(e, 2)
    monkeypatch.setattr("initviz.lab.probe.HostObserver", DeviceObserver)
    monkeypatch.setattr("initviz.lab.training.cross", as_if_it_had_crossed)
    device = run(e, 2)
    for name in QUANTITIES:
        assert device.series(name) == pytest.approx(
            host.series(name), rel=1e-6, abs=1e-12, nan_ok=True
        ), name
    for name in HISTOGRAMS:
        counts, edges = host.histogram(name, 2)
        device_counts, device_edges = device.histogram(name, 2)
        assert np.abs(device_counts - counts).sum() <= 0.02 * counts.sum()
        assert device_edges == pytest.approx(edges)


def as_if_it_had_crossed(found: dict[str, object]) -> dict[str, object]:
    return cross(found, force=True)


def test_dead_units_are_inactive_on_every_probe_sample() -> None:
    e = Experiment.from_toml(
        '[network]\nactivation = "relu"\nhidden_layers = 2\nwidth = 40\n'
        '[initialiser]\nscheme = "normal"\nstd = 0.1\nbias = -2.5'
    )
    r = _Run(e, probed=True)
    inputs = r.inputs[:512]
    z1 = r.network.hidden[0].linear(inputs)
    z2 = r.network.hidden[1].linear(torch.relu(z1))
    expected = [float((z <= 0).all(0).double().mean()) for z in (z1, z2)]
    dead = run(e, 0).series("dead_fraction")[0]
    assert 0 < expected[0] < 1
    assert dead[:2] == pytest.approx(expected)
    assert np.isnan(dead[2])


def test_the_probe_attaches_to_any_module_by_hooks_and_hangs_off_again() -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(3 * 36, 5),
        nn.Tanh(),
        nn.Linear(5, 2),
    )
    layers = watch(network)
    assert [layer.name for layer in layers] == ["hidden 1", "hidden 2", "output"]
    probe = Probe(layers)
    probe.listen(BATCH)
    inputs = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    network(inputs).square().mean().backward()
    found = cross(probe.read())
    assert set(found) >= {"signal_gradient_norm", "inactive_fraction", "histogram of activation"}
    assert np.isnan(found["saturated_fraction"]).tolist() == [True, False, True]
    assert (found["weight_gradient_norm"] > 0).all()
    probe.listen(NOTHING)
    assert not any(module._forward_hooks for module in network.modules())


def test_the_update_is_measured_also_where_steps_between_were_not() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    probe = Probe(watch(network))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))

    def backward() -> None:
        optimiser.zero_grad()
        network(inputs).square().mean().backward()

    probe.listen(CHEAP)
    backward()
    probe.read()
    optimiser.step()  # nobody measured this one
    probe.listen(CHEAP)
    backward()
    found = cross(probe.read())
    assert np.isnan(found["update_ratio"]).all()
    assert found["weight_norm"][0] == pytest.approx(network[0].weight.norm().item())
    before = network[0].weight.detach().clone()
    probe.before_update()
    optimiser.step()
    probe.after_update()
    change = (network[0].weight - before).norm() / before.norm()
    backward()
    assert cross(probe.read())["update_ratio"][0] == pytest.approx(change.item(), rel=1e-5)
    probe.listen(NOTHING)


def slow_distinct_rows(rows: np.ndarray) -> int:
    kept: list[np.ndarray] = []
    for row in rows:
        norm = np.linalg.norm(row)
        if not any(
            np.linalg.norm(row - other) <= SAME_UNIT * max(norm, np.linalg.norm(other))
            for other in kept
        ):
            kept.append(row)
    return len(kept)


@given(
    st.integers(1, 12).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from([0.0, 1.0, -2.0, 1e-9, 3e5]), min_size=width, max_size=width),
            min_size=1,
            max_size=20,
        )
    )
)
def test_distinct_rows_are_those_that_pairwise_comparison_finds(rows: list[list[float]]) -> None:
    assert distinct_rows(np.array(rows)) == slow_distinct_rows(np.array(rows))


def test_rows_within_a_millionth_are_one_unit_and_rows_beyond_are_two() -> None:
    row = np.random.default_rng(0).standard_normal(50)
    same = row * (1 + 0.5e-6)
    other = row * (1 + 2e-6)
    assert distinct_rows(np.stack([row, same])) == 1
    assert distinct_rows(np.stack([row, other])) == 2
    assert distinct_rows(np.array([[np.nan, 1.0], [np.nan, 1.0], [1.0, 1.0]])) == 3


def test_a_constant_start_stays_one_unit_copied_in_float64() -> None:
    e = Experiment.from_toml(
        '[network]\nhidden_layers = 2\nwidth = 20\n[initialiser]\nscheme = "constant"\n'
        'value = 0.05\n[run]\nprecision = "float64"'
    )
    distinct = run(e, 20).series("distinct_units")
    assert (distinct[~np.isnan(distinct[:, 0])][:, :2] == 1).all()
