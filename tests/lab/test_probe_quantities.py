"""Every measured quantity against a slow, obvious reference, on every architecture.

The reference computes each layer from the raw weights, position by position and step by step, and
takes the statistics by loops. All of it is in float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from initviz.lab import networks
from initviz.lab.datasets import Description
from initviz.lab.experiment import Experiment
from initviz.lab.network_settings import GATES, layer_names
from initviz.lab.networks.parts import Net
from initviz.lab.observers import DeviceObserver, cross
from initviz.lab.probe import SAME_UNIT, Probe, watch
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES
from initviz.lab.schedule import BATCH
from initviz.lab.training import _Run, run

SAMPLES, CLASSES, RATE = 6, 3, 0.1
#: No two sizes are the same, so that no axis can stand in for another.
SHAPES = {"mlp": (7,), "cnn": (2, 4, 3), "rnn": (5, 2), "lstm": (5, 2), "gru": (5, 2)}

VARIANTS = {
    "mlp tanh": "",
    "mlp sigmoid, wide weights": 'activation = "sigmoid"\n[initialiser]\nstd = 3.0',
    "mlp relu": 'activation = "relu"\n[initialiser]\nscheme = "he_normal"',
    "mlp relu6, wide weights": 'activation = "relu6"\n[initialiser]\nstd = 3.0',
    "mlp softsign, wide weights": 'activation = "softsign"\n[initialiser]\nstd = 3.0',
    "mlp hardtanh": 'activation = "hardtanh"\n[initialiser]\nstd = 0.7',
    "mlp vanishing": 'hidden_layers = 9\nactivation = "sigmoid"\n[initialiser]\nstd = 0.01',
    "mlp batch before": 'normalisation = "batch"\nactivation = "relu"',
    "mlp batch after": 'normalisation = "batch"\nnormalisation_place = "after"',
    "mlp layer before": 'normalisation = "layer"\nactivation = "sigmoid"',
    "mlp layer after": 'normalisation = "layer"\nnormalisation_place = "after"',
    "mlp residual": "residual = true\nbranch_scale = 0.5",
    "mlp residual, one width differs": 'residual = true\n[[layers]]\nname = "hidden 2"\nwidth = 4',
    "mlp batch and residual": 'residual = true\nnormalisation = "batch"',
    "mlp dropout": "dropout = 0.4",
    "mlp biases": '[initialiser]\nscheme = "pytorch_default"',
    "mlp activations differ": '[[layers]]\nname = "hidden 2"\nactivation = "relu"',
    "mlp squared error": '[training]\nloss = "mse"',
    "cnn circular": 'activation = "relu"\n[initialiser]\nscheme = "pytorch_default"',
    "cnn zeros": 'padding = "zeros"',
    "cnn kernel 5": "kernel_size = 5",
    "cnn kernel 1": "kernel_size = 1",
    "cnn batch before": 'normalisation = "batch"\nactivation = "relu"',
    "cnn layer before": 'normalisation = "layer"\nactivation = "sigmoid"\npadding = "zeros"',
    "cnn layer after": 'normalisation = "layer"\nnormalisation_place = "after"',
    "cnn relu6": 'activation = "relu6"\n[initialiser]\nstd = 1.0',
    "cnn residual": 'residual = true\nbranch_scale = 0.7\nactivation = "relu"',
    "cnn dropout": "dropout = 0.3",
    "rnn": "hidden_layers = 1",
    "rnn stacked, relu": 'activation = "relu"\nhidden_layers = 2',
    "rnn biases": '[initialiser]\nscheme = "pytorch_default"',
    "lstm": "hidden_layers = 1",
    "lstm stacked, biases": 'hidden_layers = 2\n[initialiser]\nscheme = "pytorch_default"',
    "lstm sigmoid candidate": 'activation = "sigmoid"',
    "lstm dropout": "dropout = 0.4",
    "gru": "hidden_layers = 1",
    "gru stacked, biases": 'hidden_layers = 2\n[initialiser]\nscheme = "pytorch_default"',
    "gru relu candidate, dropout": 'activation = "relu"\ndropout = 0.2',
}


def experiment_of(variant: str) -> Experiment:
    architecture = variant.split()[0]
    text = VARIANTS[variant]
    if "[initialiser]" not in text:
        text += "\n[initialiser]\nstd = 0.5"
    head, bracket, rest = text.partition("[")
    sizes = f'architecture = "{architecture}"\nwidth = 6\n'
    sizes += "" if "hidden_layers" in text else "hidden_layers = 3\n"
    e = Experiment.from_toml(f"[network]\n{sizes}{head}\n{bracket}{rest}")
    return e.with_values({"run.precision": "float64"})


# -- the reference: the pass -----------------------------------------------------------------


@dataclass
class Layer:
    """What one layer did: everything that the quantities are of."""

    parameter: Tensor
    units: list[np.ndarray]
    activation: str
    z: Tensor
    a: Tensor
    #: ∂L/∂z comes in as many pieces as z was computed in.
    pieces: list[Tensor]
    unit_axes: tuple[int, ...]


@dataclass
class Pass:
    layers: list[Layer] = field(default_factory=list)
    logits: Tensor = field(default_factory=lambda: torch.empty(0))
    states: list[Tensor] = field(default_factory=list)
    cells: list[Tensor] = field(default_factory=list)


def logistic(z: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-z))


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": lambda z: 1 - 2 / (torch.exp(2 * z) + 1),
    "sigmoid": logistic,
    "relu": lambda z: z * (z > 0),
    "relu6": lambda z: z * ((z > 0) & (z < 6)) + 6 * (z >= 6),
    "softsign": lambda z: z / (1 + torch.abs(z)),
    "hardtanh": lambda z: z * (torch.abs(z) < 1) + 1.0 * (z >= 1) - 1.0 * (z <= -1),
    "identity": lambda z: z,
}
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "softsign": lambda z: (1 + np.abs(z)) ** -2,
    "hardtanh": lambda z: np.where(np.abs(z) < 1, 1.0, 0.0),
    # On its upper side alone does ReLU6 saturate; on the other it is inactive.
    "relu6": lambda z: np.where(z < 6, 1.0, 0.0),
}
STEEPEST = {"tanh": 1.0, "sigmoid": 0.25, "softsign": 1.0, "hardtanh": 1.0, "relu6": 1.0}
INACTIVE = {"relu", "relu6"}


class Reference:
    """The network of an experiment once more, from its raw weights."""

    def __init__(self, e: Experiment, network: Net, shape: tuple[int, ...]) -> None:
        self.e, self.network, self.shape = e, network, shape
        self.dropout = torch.Generator().manual_seed(5)
        self.drops = True

    def __call__(self, inputs: Tensor) -> Pass:
        done = Pass()
        recurrent = self.e.network.is_recurrent
        last = (self._recurrent if recurrent else self._forward)(inputs, done)
        output = self.network.weighted()[-1]
        logits = last @ output.weight.T + output.bias
        units = rows_of(output.weight, [output.bias], 1)
        done.logits = kept(logits)
        done.layers.append(Layer(output.weight, units, "identity", logits, logits, [logits], (1,)))
        return done

    def _dropped(self, x: Tensor) -> Tensor:
        p = self.e.network.dropout
        if p == 0 or not self.drops:
            return x
        return x * torch.empty(x.shape).double().bernoulli_(1 - p, generator=self.dropout) / (1 - p)

    def _forward(self, inputs: Tensor, done: Pass) -> Tensor:
        settings = self.e.network
        is_image = settings.architecture == "cnn"
        x = inputs.reshape(-1, *self.shape)
        stream: Tensor | None = None
        for plan, layer in zip(self.e.hidden, self.network.weighted(), strict=False):
            w, b = layer.weight, layer.bias
            u = convolved(x, w, b, settings.padding) if is_image else x @ w.T + b
            if settings.residual and stream is not None and stream.shape == u.shape:
                u = stream + settings.branch_scale * u
            stream = u
            z = kept(self._normalised(u) if settings.normalisation_place == "before" else u)
            a = x = FUNCTIONS[plan.activation](z)
            if settings.normalisation_place == "after":
                x = self._normalised(x)
            x = self._dropped(x)
            units = rows_of(w, [b], 1)
            done.layers.append(Layer(w, units, plan.activation, z, a, [z], (1,)))
        return x.sum((2, 3)) / (x.shape[2] * x.shape[3]) if is_image else x

    def _normalised(self, x: Tensor) -> Tensor:
        kind = self.e.network.normalisation
        if kind == "none":
            return x
        # Batch: a channel over samples and positions; layer: a sample over channels and positions.
        own = 1 if kind == "batch" else 0
        others = [dim for dim in range(x.dim()) if dim != own]
        mean = x.mean(others, keepdim=True)
        variance = ((x - mean) ** 2).mean(others, keepdim=True)
        return (x - mean) / torch.sqrt(variance + 1e-5)

    def _recurrent(self, inputs: Tensor, done: Pass) -> Tensor:
        e, times, features = self.e, *self.shape
        sequence = [inputs.reshape(-1, times, features)[:, t] for t in range(times)]
        step = {"rnn": plain_step, "lstm": lstm_step, "gru": gru_step}[e.network.architecture]
        gates = GATES[e.network.architecture]
        for number, (plan, layer) in enumerate(
            zip(e.hidden, self.network.weighted(), strict=False)
        ):
            if number > 0:
                dropped = self._dropped(torch.stack(sequence))
                sequence = [dropped[t] for t in range(times)]
            n, phi = plan.width, FUNCTIONS[plan.activation]
            w, b, b_again = layer.weight, layer.bias, layer.recurrent_bias
            h = c = torch.zeros(len(inputs), n).double()
            pieces, states, cells = [], [], []
            for x in sequence:
                feed = x @ w[:, : x.shape[1]].T + b
                back = h @ w[:, x.shape[1] :].T + b_again
                z, h, c = step(feed, back, h, c, n, phi)
                kept(h)
                kept(c) if e.network.architecture == "lstm" else None
                pieces.append(z)
                states.append(h)
                cells.append(c)
            sequence = states
            units = rows_of(w, [b, b_again], gates)
            z, a = torch.stack(pieces, 1), torch.stack(states, 1)
            done.layers.append(Layer(w, units, plan.activation, z, a, pieces, (2,)))
            done.states = states
            done.cells = cells if e.network.architecture == "lstm" else []
        return self._dropped(sequence[-1])


def kept(x: Tensor) -> Tensor:
    if x.requires_grad:
        x.retain_grad()
    return x


def plain_step(feed: Tensor, back: Tensor, _h: Tensor, c: Tensor, _n: int, phi: Any) -> Any:
    z = kept(feed + back)
    return z, phi(z), c


def lstm_step(feed: Tensor, back: Tensor, _h: Tensor, c: Tensor, n: int, phi: Any) -> Any:
    both = feed + back
    z = kept(both[:, 2 * n : 3 * n])
    c = logistic(both[:, n : 2 * n]) * c + logistic(both[:, :n]) * phi(z)
    return z, logistic(both[:, 3 * n :]) * phi(c), c


def gru_step(feed: Tensor, back: Tensor, h: Tensor, c: Tensor, n: int, phi: Any) -> Any:
    reset = logistic(feed[:, :n] + back[:, :n])
    update = logistic(feed[:, n : 2 * n] + back[:, n : 2 * n])
    z = kept(feed[:, 2 * n :] + reset * back[:, 2 * n :])
    return z, (1 - update) * phi(z) + update * h, c


def convolved(x: Tensor, w: Tensor, b: Tensor, padding: str) -> Tensor:
    """Position by position: out[:, :, i, j] = Σ over taps of x[:, :, i + di, j + dj] W[di, dj]."""
    _, _, height, width = x.shape
    reach = w.shape[2] // 2
    rows = []
    for i in range(height):
        row = []
        for j in range(width):
            total = b.expand(len(x), -1)
            for di, dj in itertools.product(range(-reach, reach + 1), repeat=2):
                y, at = i + di, j + dj
                inside = 0 <= y < height and 0 <= at < width
                if inside or padding == "circular":
                    seen = x[:, :, y % height, at % width]
                    total = total + seen @ w[:, :, di + reach, dj + reach].T
            row.append(total)
        rows.append(torch.stack(row, 2))
    return torch.stack(rows, 2)


def rows_of(w: Tensor, biases: list[Tensor], gates: int) -> list[np.ndarray]:
    """Each unit as one row: its weights and biases, of all gates."""
    parts = [w.detach().numpy().reshape(len(w), -1), *(b.detach().numpy()[:, None] for b in biases)]
    rows = np.concatenate(parts, 1)
    n = len(rows) // gates
    return [np.concatenate([rows[gate * n + unit] for gate in range(gates)]) for unit in range(n)]


# -- the reference: the quantities -----------------------------------------------------------


def norm(*arrays: np.ndarray) -> float:
    return math.sqrt(math.fsum(v * v for array in arrays for v in array.ravel().tolist()))


def quantities_of(layer: Layer) -> dict[str, float]:
    z, a = layer.z.detach().numpy(), layer.a.detach().numpy()
    w, gradient = layer.parameter.detach().numpy(), layer.parameter.grad.numpy()
    flat = [sample.ravel() for sample in a]
    lengths = [norm(sample) for sample in flat]
    cosines = [
        float(flat[i] @ flat[j]) / (lengths[i] * lengths[j])
        for i, j in itertools.permutations(range(len(flat)), 2)
        if lengths[i] > 0 and lengths[j] > 0
    ]
    variances = []
    for unit in range(flat[0].size):
        over_samples = [sample[unit] for sample in flat]
        mean = sum(over_samples) / len(over_samples)
        variances.append(sum((v - mean) ** 2 for v in over_samples) / len(over_samples))
    found = {
        "weight_gradient_norm": norm(gradient),
        "signal_gradient_norm": norm(*(piece.grad.numpy() for piece in layer.pieces)),
        "weight_norm": norm(w),
        "weight_std": math.sqrt(sum((v - w.mean()) ** 2 for v in w.ravel()) / w.size),
        "sample_std": math.sqrt(sum(variances) / len(variances)),
        "sample_correlation": sum(cosines) / len(cosines) if cosines else math.nan,
        "saturated_fraction": math.nan,
        "inactive_fraction": math.nan,
    }
    for name, values in (("activation", a), ("preactivation", z)):
        mean = math.fsum(values.ravel()) / values.size
        found[f"{name}_mean"] = mean
        found[f"{name}_std"] = norm(values - mean) / math.sqrt(values.size)
    if layer.activation in STEEPEST:
        slopes = np.abs(SLOPES[layer.activation](z)).ravel()
        flat_ones = [s for s in slopes if s < 0.05 * STEEPEST[layer.activation]]
        found["saturated_fraction"] = len(flat_ones) / slopes.size
    if layer.activation in INACTIVE:
        slopes = SLOPES["relu"](z).ravel()
        found["inactive_fraction"] = sum(s == 0 for s in slopes) / slopes.size
    return found


def dead_fraction(layer: Layer) -> float:
    if layer.activation not in INACTIVE:
        return math.nan
    units = np.moveaxis(layer.z.detach().numpy(), layer.unit_axes[0], 0)
    return sum(bool((unit <= 0).all()) for unit in units) / len(units)


def distinct_units(units: list[np.ndarray]) -> int:
    seen: list[np.ndarray] = []
    for unit in units:
        if not any(norm(unit - o) <= SAME_UNIT * max(norm(unit), norm(o)) for o in seen):
            seen.append(unit)
    return len(seen)


# -- the measured ----------------------------------------------------------------------------


@dataclass
class Bench:
    """A small network with its probe, its reference, and data for both."""

    e: Experiment
    network: Net
    reference: Reference
    probe: Probe
    dropout: torch.Generator
    inputs: Tensor
    labels: Tensor
    many: Tensor

    def loss(self, logits: Tensor) -> Tensor:
        hot = torch.nn.functional.one_hot(self.labels, CLASSES).double()
        if self.e.training.loss == "mse":
            return ((logits - hot) ** 2).mean()
        return -(hot * torch.log_softmax(logits, 1)).sum() / len(logits)

    def measured(self) -> dict[str, Any]:
        """All that the probe finds in a forward and backward pass."""
        self.network.zero_grad()
        self.dropout.manual_seed(5)
        self.probe.listen(BATCH)
        self.loss(self.network(self.inputs)).backward()
        return cross(self.probe.read(), force=self.is_device)

    @property
    def is_device(self) -> bool:
        return isinstance(self.probe._observer, DeviceObserver)

    def expected(self) -> Pass:
        self.network.zero_grad()
        self.reference.dropout.manual_seed(5)
        done = self.reference(self.inputs)
        self.loss(done.logits).backward()
        return done


@pytest.fixture(params=["host", "device"])
def observer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which observer measures; the one for devices works on the CPU's tensors as well."""
    if request.param == "device":
        monkeypatch.setattr("initviz.lab.probe.HostObserver", DeviceObserver)
    return str(request.param)


def bench(variant: str) -> Bench:
    e = experiment_of(variant)
    shape = SHAPES[e.network.architecture]
    random, dropout = torch.Generator().manual_seed(3), torch.Generator().manual_seed(5)
    network = networks.build(
        e,
        Description(shape, CLASSES),
        initial=random,
        dropout=dropout,
        device=torch.device("cpu"),
    )
    width = math.prod(shape)
    return Bench(
        e,
        network,
        Reference(e, network, shape),
        Probe(watch(network, layer_names(e.network))),
        dropout,
        torch.randn(SAMPLES, width, generator=random, dtype=torch.float64),
        torch.arange(SAMPLES) % CLASSES,
        torch.randn(40, width, generator=random, dtype=torch.float64),
    )


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_quantity_of_the_batch_is_what_its_definition_says(
    variant: str, observer: str
) -> None:
    b = bench(variant)
    found, done = b.measured(), b.expected()
    expected = [quantities_of(layer) for layer in done.layers]
    assert len(expected) == len(b.e.hidden) + 1
    for name in expected[0]:
        values = [layer[name] for layer in expected]
        assert found[name] == pytest.approx(values, rel=1e-9, abs=1e-14, nan_ok=True), name
    assert np.isnan(found["update_ratio"]).all()
    measured = {name for name, entry in QUANTITIES.items() if entry.cost != "probe"}
    assert measured == {*expected[0], "update_ratio"}


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.split()[0] in GATES])
def test_gradients_of_states_and_cells_are_total_derivatives_at_every_time(
    variant: str, observer: str
) -> None:
    b = bench(variant)
    found, done = b.measured(), b.expected()
    states = [norm(h.grad.numpy()) for h in done.states]
    cells = [norm(c.grad.numpy()) for c in done.cells]
    assert found["state_gradient_norm"] == pytest.approx(states, rel=1e-9)
    assert len(states) == SHAPES["rnn"][0]
    assert ("cell_gradient_norm" in found) == (b.e.network.architecture == "lstm")
    if cells:
        assert found["cell_gradient_norm"] == pytest.approx(cells, rel=1e-9)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.split()[0] not in GATES])
def test_networks_without_time_have_nothing_along_time(variant: str, observer: str) -> None:
    found = bench(variant).measured()
    assert not {"state_gradient_norm", "cell_gradient_norm"} & set(found)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_histograms_count_every_value_of_their_layer(variant: str, observer: str) -> None:
    b = bench(variant)
    found, done = b.measured(), b.expected()
    for index, layer in enumerate(done.layers):
        values = {
            "activation": layer.a,
            "preactivation": layer.z,
            "weight": layer.parameter,
            "weight_gradient": layer.parameter.grad,
        }
        for name in HISTOGRAMS:
            histogram = found[f"histogram of {name}"]
            x = values[name].detach().numpy()
            assert histogram.counts[index].sum() == x.size
            assert histogram.edges[index, [0, -1]] == pytest.approx(
                [x.min(), x.max()], abs=1e-12
            ), name
            exact, _ = np.histogram(x, histogram.edges[index])
            # A value within rounding of an edge may be counted on its other side.
            assert np.abs(exact - histogram.counts[index]).sum() <= 4 + x.size / 50, name


@pytest.mark.parametrize("variant", list(VARIANTS))
@pytest.mark.parametrize("step_size", [RATE, None])
def test_the_update_ratio_is_that_of_the_change_really_made(
    variant: str, step_size: float | None, observer: str
) -> None:
    b = bench(variant)
    b.measured()
    before = [layer.weight.detach().clone() for layer in b.network.weighted()]
    b.probe.before_update(step_size)
    with torch.no_grad():
        for parameter in b.network.parameters():
            if parameter.grad is not None:
                parameter -= RATE * parameter.grad
    b.probe.after_update()
    after = [layer.weight.detach().clone() for layer in b.network.weighted()]
    expected = [
        norm((new - old).numpy()) / norm(old.numpy())
        for new, old in zip(after, before, strict=True)
    ]
    assert b.measured()["update_ratio"] == pytest.approx(expected, rel=1e-8, abs=1e-17)


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_dead_and_distinct_units_are_those_that_a_look_at_each_finds(
    variant: str, observer: str
) -> None:
    b = bench(variant)
    with torch.no_grad():
        for layer in b.network.weighted()[:-1]:
            gates = GATES.get(b.e.network.architecture, 1)
            own = dict(layer.named_parameters(recurse=False))
            n = len(own["bias"]) // gates
            for name, parameter in own.items():
                if name != "weight":
                    parameter[-2:] -= 20.0
                rows = parameter.view(gates, n, -1)
                rows[:, 1] = rows[:, 0]
                # Two more units differ in nothing but a bias.
                rows[:, 3] = rows[:, 2] + (name == "bias")
    b.network.eval()
    b.reference.drops = False
    found = b.probe.read_units(b.network, b.many)
    with torch.no_grad():
        done = b.reference(b.many)
    dead = [dead_fraction(layer) for layer in done.layers]
    distinct = [distinct_units(layer.units) for layer in done.layers]
    assert cross(found)["dead_fraction"] == pytest.approx(dead, nan_ok=True)
    assert found["distinct_units"].tolist() == distinct
    assert distinct[0] == b.e.hidden[0].width - 1
    is_relu = "relu" in VARIANTS[variant] and 'normalisation = "batch"' not in VARIANTS[variant]
    assert not is_relu or max(d for d in dead if not math.isnan(d)) > 0


@pytest.mark.parametrize("variant", ["cnn circular", "lstm stacked, biases", "mlp tanh"])
def test_a_look_at_other_samples_leaves_what_the_step_measured(variant: str, observer: str) -> None:
    b = bench(variant)
    undisturbed = b.measured()
    b.network.zero_grad()
    b.loss(b.network(b.inputs)).backward()
    b.network.eval()
    b.probe.read_units(b.network, b.many)
    b.network.train()
    found = cross(b.probe.read(), force=b.is_device)
    assert set(found) == set(undisturbed)
    for name, values in undisturbed.items():
        if not name.startswith("histogram"):
            assert found[name].tolist() == pytest.approx(values.tolist(), nan_ok=True), name


def share_of_right(logits: Tensor, labels: Tensor) -> float:
    rows = zip(logits.tolist(), labels.tolist(), strict=True)
    return sum(row.index(max(row)) == label for row, label in rows) / len(labels)


@pytest.mark.parametrize(
    ("variant", "shape"),
    [
        ("mlp relu", (64,)),
        ("mlp squared error", (64,)),
        ("cnn circular", (1, 8, 8)),
        ("rnn biases", (8, 8)),
        ("lstm stacked, biases", (8, 8)),
        ("gru", (8, 8)),
    ],
)
def test_step_0_of_a_run_tells_of_the_batch_that_the_first_update_uses(
    variant: str, shape: tuple[int, ...]
) -> None:
    e = experiment_of(variant).with_value("training.batch_size", 8)
    recording, again = run(e, 0), _Run(e, probed=False)
    batch = again.next_batch()
    reference = Reference(e, again.network, shape)
    done, labels = reference(again.inputs[batch]), again.labels[batch]
    hot = torch.tensor([[float(k == label) for k in range(10)] for label in labels.tolist()])
    if e.training.loss == "mse":
        loss = ((done.logits - hot.double()) ** 2).mean()
    else:
        shares = torch.exp(done.logits) / torch.exp(done.logits).sum(1, keepdim=True)
        loss = -torch.log((shares * hot).sum(1)).mean()
    loss.backward()
    expected = [quantities_of(layer) for layer in done.layers]
    for name in expected[0]:
        values = [layer[name] for layer in expected]
        assert recording.series(name)[0] == pytest.approx(values, rel=1e-9, nan_ok=True), name
    with torch.no_grad():
        tested = reference(again.test_inputs).logits
    scalars = {
        "loss": loss.item(),
        "accuracy": share_of_right(done.logits, labels),
        "test_accuracy": share_of_right(tested, again.test_labels),
    }
    for name, value in scalars.items():
        assert recording.scalar(name)[0] == pytest.approx(value, rel=1e-9), name
