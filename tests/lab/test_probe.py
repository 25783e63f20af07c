"""The probe: on any module, on any device, and leaving no trace."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from initviz.lab.experiment import Experiment
from initviz.lab.observers import DeviceObserver, cross
from initviz.lab.probe import SAME_UNIT, Probe, distinct_rows, watch
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES
from initviz.lab.schedule import BATCH, CHEAP, NOTHING
from initviz.lab.training import _Run, run, train

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


Join = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, ...]]


class Two(nn.Module):
    """Two layers whose z are computed by `join` of both linear maps, and a third of their sum."""

    def __init__(
        self, join: Callable[..., tuple[torch.Tensor, ...]], used: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.linear_1, self.phi_1 = nn.Linear(3, 4), nn.Tanh()
        self.linear_2, self.phi_2 = nn.Linear(3, 4), nn.Sigmoid()
        self.output = nn.Linear(4, 2)
        self._join, self._used = join, used

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.z = self._join(self.linear_1(x), self.linear_2(x))
        for z in self.z:
            z.requires_grad_().retain_grad()
        a = self.phi_1(self.z[0]), self.phi_2(self.z[1])
        result: torch.Tensor = self.output(sum(a[i] for i in self._used))
        return result


@pytest.mark.parametrize(
    "join",
    [
        pytest.param(lambda u, v: (u, v), id="each of a node"),
        pytest.param(lambda u, v: (u, v + u), id="one used twice"),
        pytest.param(lambda u, v: torch.cat([u, v], 1).chunk(2, 1), id="both of one node"),
        pytest.param(lambda u, v: (u.detach(), v.detach()), id="of no node"),
    ],
)
@pytest.mark.parametrize("used", [(0, 1), (0,), (1,)])
def test_the_signal_is_the_whole_gradient_of_z_wherever_z_comes_from(
    join: Join, used: tuple[int, ...]
) -> None:
    network = Two(join, used)
    probe = Probe(watch(network))
    probe.listen(CHEAP)
    inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    network(inputs).square().mean().backward()
    found = cross(probe.read())["signal_gradient_norm"][:2]
    exact = [math.nan if z.grad is None else z.grad.norm().item() for z in network.z]
    assert found == pytest.approx(exact, rel=1e-5, nan_ok=True)


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


ARCHITECTURES = {
    "fully connected": 'dropout = 0.3\nnormalisation = "batch"',
    "convolutional": 'architecture = "cnn"\ndropout = 0.3\nactivation = "relu"\nresidual = true',
    "convolutional, layer normalisation": 'architecture = "cnn"\nnormalisation = "layer"',
    "rnn": 'architecture = "rnn"\ndropout = 0.3',
    "lstm": 'architecture = "lstm"\ndropout = 0.3',
    "gru": 'architecture = "gru"\nactivation = "relu"',
}


@pytest.mark.parametrize("device", [False, True])
@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_training_is_the_same_bit_for_bit_whether_measured_or_not(
    architecture: str, device: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if device:
        monkeypatch.setattr("initviz.lab.probe.HostObserver", DeviceObserver)
        monkeypatch.setattr("initviz.lab.training.cross", as_if_it_had_crossed)
    e = Experiment.from_toml(
        f"[network]\nhidden_layers = 2\nwidth = 6\n{ARCHITECTURES[architecture]}\n"
        '[initialiser]\nscheme = "pytorch_default"\n[training]\nbatch_size = 16'
    )
    measured, unmeasured = (list(train(e, last=4, probed=probed))[-1] for probed in (True, False))
    assert "signal_gradient_norm" in measured.layers
    assert not unmeasured.layers
    for name, weight in unmeasured.checkpoint.parameters.items():
        assert np.array_equal(measured.checkpoint.parameters[name], weight)


def test_arrays_in_any_order_in_memory_are_measured_alike() -> None:
    plain = nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 6 * 4, 3))
    inputs = torch.randn(4, 2, 8, 6, generator=torch.Generator().manual_seed(0))
    found = []
    for order in (torch.contiguous_format, torch.channels_last):
        network = copy.deepcopy(plain).to(memory_format=order)
        probe = Probe(watch(network))
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
        probe.listen(BATCH)
        for _ in range(2):
            optimiser.zero_grad()
            network(inputs.contiguous(memory_format=order)).square().mean().backward()
            found.append(cross(probe.read()))
            probe.before_update()
            optimiser.step()
            probe.after_update()
    assert not network[0].weight.is_contiguous()
    for one, other in zip(found[:2], found[2:], strict=True):
        for name in one:
            if not name.startswith("histogram"):
                assert other[name] == pytest.approx(one[name], rel=1e-4, nan_ok=True), name
        counts = [f["histogram of activation"].counts for f in (one, other)]
        assert np.abs(counts[0] - counts[1]).sum() <= 4


def test_modules_that_only_look_like_layers_are_none() -> None:
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.LayerNorm((2, 4, 4)),
        nn.PReLU(2),
        nn.Flatten(),
        nn.LSTM(32, 3),
    )
    layers = watch(network, ["first"])
    assert [layer.linear for layer in layers] == [network[0]]
    assert layers[0].activate is network[2]


def test_an_activation_that_overwrites_its_input_is_refused_with_what_to_change() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    with pytest.raises(ValueError, match=r"ReLU\(inplace=True\) overwrites.*inplace=False"):
        watch(network)


def test_a_unit_of_a_plain_module_is_a_channel_or_the_last_dimension() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        network[0].bias.copy_(torch.tensor([-1e3, -1e3, 1e3]))
    probe = Probe(watch(network))
    found = probe.read_units(network, torch.randn(5, 4, 2))  # (samples, positions, features)
    assert cross(found)["dead_fraction"][0] == pytest.approx(2 / 3)
