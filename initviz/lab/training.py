"""Training as a plain generator of snapshots; it owns every tensor.

Snapshot k describes the parameters after k updates, measured on the batch that update k + 1 will
use; `update_ratio` of snapshot k belongs to update k.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from threading import Event
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own abbreviation)

import initviz
from initviz.lab import datasets, networks
from initviz.lab.experiment import Experiment
from initviz.lab.network_settings import layer_names
from initviz.lab.observers import cross
from initviz.lab.optimisers import OPTIMISERS
from initviz.lab.probe import Probe, watch
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS, Cost
from initviz.lab.recording import Environment, Recording
from initviz.lab.schedule import BATCH, EVERYTHING, Schedule, Wanted, nothing_wanted
from initviz.lab.snapshot import Snapshot
from initviz.lab.statistics import view

#: Samples of the training part on which dead units are looked for.
PROBE_SAMPLES = 512


def resolve_device(name: str) -> torch.device:
    """The device that "auto", "cpu", "cuda" or "mps" stands for here.

    Raises:
        ValueError: if there is no such device.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    if not available[name]:
        there = ", ".join(kind for kind, is_there in available.items() if is_there)
        raise ValueError(f"run.device = '{name}' is not available here: one of auto, {there}")
    return torch.device(name)


def environment(experiment: Experiment) -> Environment:
    """Where a run of this experiment is computed, and by what."""
    device = resolve_device(experiment.run.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    versions = {
        "initviz": initviz.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    return Environment(name, torch.get_num_threads(), versions)


def new_recording(experiment: Experiment) -> Recording:
    """An empty recording for a run of this experiment."""
    return Recording(experiment, layer_names(experiment.network), environment(experiment))


class _Randomness:
    """The seeded generators of one run, one for each purpose, none shared."""

    def __init__(self, seed: int, device: torch.device) -> None:
        _, initial, order, dropout = np.random.SeedSequence(seed).generate_state(4, np.uint64)
        self.data = datasets.generator(seed)
        self.initial = torch.Generator().manual_seed(int(initial) >> 1)
        self.order = torch.Generator().manual_seed(int(order) >> 1)
        self.dropout = torch.Generator(device).manual_seed(int(dropout) >> 1)


class _Batches:
    """Batches of indices: a new permutation for each epoch, an incomplete last batch dropped."""

    def __init__(self, samples: int, size: int, generator: torch.Generator) -> None:
        self._samples, self._size, self._generator = samples, min(size, samples), generator
        self._order: Tensor = torch.empty(0, dtype=torch.int64)
        self._next = 0

    def draw(self) -> Tensor:
        if self._next + self._size > len(self._order):
            self._order = torch.randperm(self._samples, generator=self._generator)
            self._next = 0
        batch = self._order[self._next : self._next + self._size]
        self._next += self._size
        return batch


def _mean_squared_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Against one-hot targets, the mean over samples and classes."""
    return F.mse_loss(logits, F.one_hot(labels, logits.shape[1]).to(logits.dtype))


_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "mse": _mean_squared_error,
}


def _accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(1) == labels).to(logits.dtype).mean()


class _Run:
    """The tensors of one run and what is done with them: a pass, an update, a look."""

    def __init__(self, experiment: Experiment, *, probed: bool) -> None:
        device = resolve_device(experiment.run.device)
        dtype = getattr(torch, experiment.run.precision)
        if device.type == "mps" and dtype == torch.float64:
            raise ValueError("run.precision = 'float64' is not available on MPS: float32")
        randomness = _Randomness(experiment.run.seed, device)
        settings = experiment.training
        data = datasets.load(settings, randomness.data)
        self.inputs = torch.as_tensor(data.train_inputs, dtype=dtype, device=device)
        self.labels = torch.as_tensor(data.train_labels, device=device)
        self.test_inputs = torch.as_tensor(data.test_inputs, dtype=dtype, device=device)
        self.test_labels = torch.as_tensor(data.test_labels, device=device)
        self.network = networks.build(
            experiment,
            datasets.Description(data.shape, data.classes),
            initial=randomness.initial,
            dropout=randomness.dropout,
            device=device,
        )
        self.dropout = randomness.dropout
        self.names = layer_names(experiment.network)
        self.loss_of = _LOSSES[settings.loss]
        self.parameters = list(self.network.parameters())
        self.optimiser = OPTIMISERS[settings.optimiser].build(self.parameters, settings)
        self.batches = _Batches(len(self.inputs), settings.batch_size, randomness.order)
        self.probe = Probe(watch(self.network, self.names)) if probed else None
        #: Whether the newest measured loss was not finite.
        self.has_diverged = False

    def next_batch(self) -> Tensor:
        """The indices of the next batch."""
        return self.batches.draw().to(self.inputs.device)

    def backward(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Forward and backward over a batch of indices: (loss, logits, labels)."""
        for parameter in self.parameters:
            parameter.grad = None
        logits, labels = self.network(self.inputs[batch]), self.labels[batch]
        loss = self.loss_of(logits, labels)
        loss.backward()
        return loss.detach(), logits.detach(), labels

    def update(self, costs: frozenset[Cost]) -> None:
        """One step of the optimiser; what it changed is measured if `costs` asks for anything."""
        if self.probe is None or not costs:
            self.optimiser.step()
            return
        self.probe.before_update(self.optimiser.step_size)
        self.optimiser.step()
        self.probe.after_update()

    def units(self) -> dict[str, Any]:
        """What needs passes of its own: dead and distinct units, accuracy on the test part."""
        assert self.probe is not None
        self.network.eval()
        found = self.probe.read_units(self.network, self.inputs[:PROBE_SAMPLES])
        with torch.no_grad():
            found["test_accuracy"] = _accuracy(self.network(self.test_inputs), self.test_labels)
        self.network.train()
        return found

    def weights(self) -> dict[str, Any]:
        """Copies of every W (fan_out, fan_in), by layer name."""
        pairs = zip(self.names, self.network.weighted(), strict=True)
        return {name: view(layer.weight.detach().cpu()).copy() for name, layer in pairs}


def train(
    experiment: Experiment,
    cancel: Event | None = None,
    *,
    last: int | None = None,
    wanted: Wanted = nothing_wanted,
    schedule: Schedule | None = None,
    probed: bool = True,
) -> Iterator[Snapshot]:
    """Train, yielding a snapshot before every update, until `last`, `cancel` or for ever.

    Args:
        experiment: what to run.
        cancel: checked between steps; once set, the generator ends.
        last: the step to end at; everything is measured there.
        wanted: asked before every step what must be measured there beyond the schedule.
        schedule: what is measured when; a new default one if None.
        probed: False measures the loss alone. The weights come out the same, bit for bit.

    Raises:
        ValueError: if the experiment's device or precision is not available here.
        RuntimeError: what PyTorch raises when memory or a device fails.
    """
    run, schedule = _Run(experiment, probed=probed), schedule or Schedule()
    step, costs, elapsed = 0, EVERYTHING, 0.0
    while not (cancel is not None and cancel.is_set()):
        began = time.perf_counter()
        # Hooks run inside the backward pass, so that what NumPy must not warn of is said here.
        with np.errstate(all="ignore"):
            if step > 0:
                run.update(costs)
            measured = _measured_step(run, costs, schedule)
        elapsed += time.perf_counter() - began
        yield Snapshot(step, *measured, weights=run.weights() if step in (0, last) else {})
        if step == last:
            return
        step += 1
        costs = EVERYTHING if step == last else schedule.costs(step, elapsed) | wanted(step)


_Measured = tuple[dict[str, float], dict[str, Any], dict[str, Any]]


def _measured_step(run: _Run, costs: frozenset[Cost], schedule: Schedule) -> _Measured:
    """One forward and backward pass, and (scalars, quantities, histograms) as `costs` asks."""
    batch, before = run.next_batch(), run.dropout.get_state()
    if run.probe is None:
        return {"loss": float(run.backward(batch)[0])}, {}, {}
    run.probe.listen(costs)
    loss, logits, labels = run.backward(batch)
    if not costs:
        value = float(loss)
        if math.isfinite(value) or run.has_diverged:
            return {"loss": value}, {}, {}
        # The step at which it goes wrong is worth a second pass: which layer was the first?
        run.probe.listen(BATCH)
        run.dropout.set_state(before)
        loss, logits, labels = run.backward(batch)
    found = run.probe.read() | {"loss": loss}
    if "full" in costs:
        found["accuracy"] = _accuracy(logits, labels)
    if "probe" in costs:
        began = time.perf_counter()
        found |= run.units()
        schedule.add(time.perf_counter() - began)
    found = cross(found)
    run.has_diverged = not math.isfinite(found["loss"])
    return (
        {name: float(found[name]) for name in SCALARS if name in found},
        {name: found[name] for name in QUANTITIES if name in found},
        {name: found[key] for name in HISTOGRAMS if (key := f"histogram of {name}") in found},
    )


def run(experiment: Experiment, steps: int, **how: Any) -> Recording:
    """Train for `steps` updates in this thread; the recording ends at snapshot `steps`.

    `how` is passed on to `train`.
    """
    recording = new_recording(experiment)
    for snapshot in train(experiment, last=steps, **how):
        recording.append(snapshot)
    return recording
