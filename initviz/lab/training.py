"""Training as a plain generator of snapshots; it owns every tensor.

Snapshot k describes the parameters after k updates, measured on the batch that update k + 1 will
use; `update_ratio` of snapshot k belongs to update k.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Event
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own abbreviation)

import initviz
from initviz.lab import datasets, networks
from initviz.lab.checkpoint import (
    Array,
    Checkpoint,
    check_fork,
    check_shapes,
    keeps_order,
    split,
)
from initviz.lab.clipping import Clipping
from initviz.lab.experiment import Experiment
from initviz.lab.network_settings import layer_names
from initviz.lab.observers import cross
from initviz.lab.optimisers import OPTIMISERS
from initviz.lab.probe import Probe, watch
from initviz.lab.quantities import HISTOGRAMS, QUANTITIES, SCALARS, TIME_QUANTITIES, Cost
from initviz.lab.recording import Environment, Recording
from initviz.lab.schedule import BATCH, EVERYTHING, STATE, Schedule, Wanted, nothing_wanted
from initviz.lab.snapshot import Snapshot
from initviz.lab.stopping import EarlyStopping

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
        "torch": str(torch.__version__),  # a class of its own, which only torch can read
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    return Environment(name, torch.get_num_threads(), versions)


def new_recording(experiment: Experiment) -> Recording:
    """An empty recording for a run of this experiment."""
    return Recording(experiment, layer_names(experiment.network), environment(experiment))


def last_step(experiment: Experiment, samples: int) -> int | None:
    """The step at which the experiment's own length ends a run on `samples` samples, if it does."""
    length = experiment.training.length
    if experiment.training.unit == "epochs":
        length *= _batches_per_epoch(experiment.training.batch_size, samples)
    return length or None


def planned_steps(experiment: Experiment) -> int | None:
    """The step at which the experiment's own length will end a run, None if it has none.

    Raises:
        ValueError, OSError: if the data, which say how long an epoch is, cannot be read.
    """
    training, samples = experiment.training, 1
    if training.length and training.unit == "epochs":
        data = datasets.load(training, datasets.generator(experiment.run.seed))
        samples = len(data.train_inputs)
    return last_step(experiment, samples)


def _batches_per_epoch(size: int, samples: int) -> int:
    """Whole batches alone count."""
    return samples // min(size, samples)


class Randomness:
    """The seeded generators of one run, one for each purpose, none shared."""

    def __init__(self, seed: int, device: torch.device) -> None:
        _, initial, order, dropout = np.random.SeedSequence(seed).generate_state(4, np.uint64)
        self.data = datasets.generator(seed)
        self.initial = torch.Generator().manual_seed(int(initial) >> 1)
        self.order = torch.Generator().manual_seed(int(order) >> 1)
        self.dropout = torch.Generator(device).manual_seed(int(dropout) >> 1)


class Batches:
    """Batches of indices: a new permutation for each epoch, an incomplete last batch dropped."""

    def __init__(self, samples: int, size: int, generator: torch.Generator) -> None:
        self._samples, self._size, self._generator = samples, min(size, samples), generator
        self._order: Tensor = torch.empty(0, dtype=torch.int64)
        self._next = 0
        self._before = generator.get_state()

    @property
    def _is_used_up(self) -> bool:
        return self._next + self._size > len(self._order)

    def _shuffle(self) -> None:
        self._before, self._next = self._generator.get_state(), 0
        self._order = torch.randperm(self._samples, generator=self._generator)

    def draw(self) -> Tensor:
        batch = self.peek()
        self._next += self._size
        return batch

    def peek(self) -> Tensor:
        """The batch that will be drawn next."""
        if self._is_used_up:
            self._shuffle()
        return self._order[self._next : self._next + self._size]

    def state(self) -> tuple[Tensor, int]:
        """Where the next batch comes from.

        The generator's state before it draws that permutation, and how much of this is used.
        """
        return (self._generator.get_state(), 0) if self._is_used_up else (self._before, self._next)

    def restore(self, generator_state: Tensor, position: int) -> None:
        """Go on as other batches would that were in this state."""
        self._generator.set_state(generator_state)
        self._shuffle()
        self._next = position


def _mean_squared_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Against one-hot targets, the mean over samples and classes."""
    return F.mse_loss(logits, F.one_hot(labels, logits.shape[1]).to(logits.dtype))


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": F.cross_entropy,
    "mse": _mean_squared_error,
}


def _accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(1) == labels).to(logits.dtype).mean()


class _Run:
    """The tensors of one run and what is done with them: a pass, an update, a look."""

    def __init__(
        self, experiment: Experiment, *, probed: bool, start: Checkpoint | None = None
    ) -> None:
        if start is not None:
            check_fork(experiment, start)
        self.experiment = experiment
        device = resolve_device(experiment.run.device)
        dtype = getattr(torch, experiment.run.precision)
        if device.type == "mps" and dtype == torch.float64:
            raise ValueError("run.precision = 'float64' is not available on MPS: float32")
        randomness = Randomness(experiment.run.seed, device)
        self.settings = settings = experiment.training
        data = datasets.load(settings, randomness.data)
        self.inputs = torch.as_tensor(data.train_inputs, dtype=dtype, device=device)
        self.labels = torch.as_tensor(data.train_labels, device=device)
        self.test_inputs = torch.as_tensor(data.test_inputs, dtype=dtype, device=device)
        self.test_labels = torch.as_tensor(data.test_labels, device=device)
        self.batches = Batches(len(self.inputs), settings.batch_size, randomness.order)
        description = datasets.Description(data.shape, data.classes)
        masks = randomness.dropout
        self.network = (
            networks.blank(experiment, description, dropout=masks, device=device)
            if start is not None
            else networks.build(
                experiment,
                description,
                initial=randomness.initial,
                dropout=masks,
                device=device,
                # What a scheme is fitted to is what step 0 is measured on.
                inputs=self.inputs[self.batches.peek().to(device)],
            )
        )
        self.dropout = randomness.dropout
        self.names = layer_names(experiment.network)
        self.loss_of = LOSSES[settings.loss]
        self.parameters = list(self.network.parameters())
        self.optimiser = OPTIMISERS[settings.optimiser].build(self.parameters, settings)
        self.clipping = (
            Clipping(self.parameters, settings.clip_norm) if settings.clip_norm else None
        )
        self.probe = Probe(watch(self.network, self.names)) if probed else None
        #: η where the next update is −η times the gradients that were measured, otherwise None.
        self.step_size: float | None = None
        #: Whether the newest measured loss was not finite.
        self.has_diverged = False
        self.stopping = self._early_stopping()
        if start is not None:
            self._go_on_from(start)

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

    def get_ready(self, step: int) -> dict[str, float]:
        """Settle the update after `step`: the learning rate and the gradients, clipped.

        Whatever of that is measured is given by name: training itself needs it.
        """
        settings, found = self.settings, {}
        if settings.warmup_steps:
            share = min(1.0, (step + 1) / settings.warmup_steps)
            self.optimiser.learning_rate = settings.learning_rate * share
            found["learning_rate"] = self.optimiser.learning_rate
        self.step_size = self.optimiser.step_size
        if self.clipping is not None:
            norm, clipped_norm, factor = self.clipping.clip()
            found |= {"gradient_norm": norm, "clipped_gradient_norm": clipped_norm}
            self.step_size = self.step_size if factor == 1.0 else None
        return found

    def update(self, costs: frozenset[Cost]) -> None:
        """One step of the optimiser; what it changed is measured if `costs` asks for anything."""
        if self.probe is None or not costs:
            self.optimiser.step()
            return
        self.probe.before_update(self.step_size)
        self.optimiser.step()
        self.probe.after_update()

    def _early_stopping(self) -> EarlyStopping | None:
        """A new watch over the loss, if the experiment asks for one."""
        settings = self.settings
        if not settings.early_stopping:
            return None
        epoch = _batches_per_epoch(settings.batch_size, len(self.inputs))
        return EarlyStopping(settings.patience, epoch)

    def units(self) -> dict[str, Any]:
        """What needs passes of its own: dead and distinct units, accuracy on the test part."""
        assert self.probe is not None
        self.network.eval()
        found = self.probe.read_units(self.network, self.inputs[:PROBE_SAMPLES])
        with torch.no_grad():
            found["test_accuracy"] = _accuracy(self.network(self.test_inputs), self.test_labels)
        self.network.train()
        return found

    def checkpoint(self, step: int) -> Checkpoint:
        """A copy of the whole state, to be taken before the step's batch is drawn."""
        order, position = self.batches.state()
        moments = self.optimiser.moments()
        shapes = {name: tuple(p.shape) for name, p in self.network.named_parameters()}
        return Checkpoint(
            step,
            self.experiment,
            split(_copied(self.parameters), shapes),
            {name: _copied(tensors) for name, tensors in moments.items()},
            self.optimiser.updates,
            order.numpy().copy(),
            position,
            self.dropout.get_state().numpy().copy(),
            self.dropout.device.type,
            np.array(self.stopping.state() if self.stopping else ()),
        )

    def _go_on_from(self, start: Checkpoint) -> None:
        """Take over what a checkpoint holds, as far as this experiment is still the same."""
        named = dict(self.network.named_parameters())
        check_shapes(self.experiment, start, {name: tuple(p.shape) for name, p in named.items()})
        before = start.experiment
        with torch.no_grad():
            for name, parameter in named.items():
                parameter.copy_(torch.tensor(start.parameters[name]))
            if self.settings.optimiser == before.training.optimiser:
                moments = {
                    name: self._like_parameters(row) for name, row in start.optimiser.items()
                }
                self.optimiser.restore(moments, start.updates)
        if keeps_order(self.experiment, before):
            restore_generators(start, self.batches, self.dropout)
        if self.stopping is not None and self.settings == before.training:
            self.stopping.restore(start.stopping.tolist())

    def _like_parameters(self, row: Array) -> list[Tensor]:
        """Numbers of all parameters in one row, as one tensor for each."""
        whole = torch.tensor(row).to(self.parameters[0])
        parts = whole.split([parameter.numel() for parameter in self.parameters])
        return [part.view_as(p) for part, p in zip(parts, self.parameters, strict=True)]


def _copied(tensors: Sequence[Tensor]) -> Array:
    """All numbers of some tensors in one row."""
    row: Array = torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).cpu().numpy()
    return row


def restore_generators(start: Checkpoint, batches: Batches, dropout: torch.Generator) -> None:
    """Draw the next batches and masks as the run would have that the checkpoint was taken of.

    A mask that another kind of device drew cannot be drawn again: dropout then starts anew.

    Raises:
        ValueError: if the state is that of no generator.
    """
    try:
        batches.restore(torch.tensor(start.order), start.position)
        if start.device == dropout.device.type:
            dropout.set_state(torch.tensor(start.dropout))
    except RuntimeError:
        raise ValueError("a checkpoint is damaged (a generator's state is none)") from None


def train(
    experiment: Experiment,
    cancel: Event | None = None,
    *,
    last: int | None = None,
    wanted: Wanted = nothing_wanted,
    schedule: Schedule | None = None,
    probed: bool = True,
    start: Checkpoint | None = None,
) -> Iterator[Snapshot]:
    """Train, yielding a snapshot before every update, until the end, `cancel` or for ever.

    The end is at `last`, or where the experiment's own length or early stopping has it, but never
    before the step at which it starts.

    Args:
        experiment: what to run.
        cancel: checked between steps; once set, the generator ends.
        last: the step to end at, in place of the experiment's own length.
        wanted: asked before every step what must be measured there beyond the schedule.
        schedule: what is measured when; a new default one if None.
        probed: False measures only what training itself needs: the loss, and what clipping and
            warm-up do. The weights come out the same, bit for bit.
        start: go on from here, the same bit for bit, instead of step 0. The network must be the
            same; where training differs, what belongs to that starts anew: the optimiser's memory
            with another optimiser, order and masks with other data or another seed, early
            stopping with anything.

    At the start and at the end everything is measured, whatever the schedule.

    Raises:
        ValueError: if the experiment's device or precision is not available here, its data
            make no sense, or its network is not that of `start`.
        OSError: if its data cannot be read.
        RuntimeError: what PyTorch raises when memory or a device fails.
    """
    run, schedule = _Run(experiment, probed=probed, start=start), schedule or Schedule()
    first = start.step if start is not None else 0
    end = last_step(experiment, len(run.inputs)) if last is None else last
    end = None if end is None else max(end, first)
    step, costs, elapsed, stopped = first, EVERYTHING, 0.0, ""
    if run.stopping is not None and run.stopping.is_over:
        end, stopped = first, "early"
    while not (cancel is not None and cancel.is_set()):
        began = time.perf_counter()
        # Hooks run inside the backward pass, so that what NumPy must not warn of is said here.
        with np.errstate(all="ignore"):
            if step > first:
                run.update(costs - STATE)
            checkpoint = _checkpoint(run, step, schedule) if "state" in costs else None
            measured = _measured_step(run, step, costs - STATE, schedule)
        elapsed += time.perf_counter() - began
        is_last = step == end
        loss = measured["scalars"]["loss"]
        yield Snapshot(step, **measured, checkpoint=checkpoint, is_last=is_last, stopped=stopped)
        if is_last:
            return
        step += 1
        if run.stopping is not None and run.stopping.stands_still(loss) and step != end:
            end, stopped = step, "early"
        costs = EVERYTHING if step == end else schedule.costs(step, elapsed) | wanted(step)


def _checkpoint(run: _Run, step: int, schedule: Schedule) -> Checkpoint:
    began = time.perf_counter()
    checkpoint = run.checkpoint(step)
    schedule.add("state", time.perf_counter() - began, step)
    return checkpoint


def _measured_step(
    run: _Run, step: int, costs: frozenset[Cost], schedule: Schedule
) -> dict[str, dict[str, Any]]:
    """One forward and backward pass, and what a snapshot of it holds, as `costs` asks."""
    batch, before = run.next_batch(), run.dropout.get_state()
    if run.probe is None:
        alone = float(run.backward(batch)[0])
        return {"scalars": {"loss": alone, **run.get_ready(step)}}
    run.probe.listen(costs)
    loss, logits, labels = run.backward(batch)
    if not costs:
        value = float(loss)
        if math.isfinite(value) or run.has_diverged:
            return {"scalars": {"loss": value, **run.get_ready(step)}}
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
        schedule.add("probe", time.perf_counter() - began, step)
    found = cross(found) | run.get_ready(step)
    run.has_diverged = not math.isfinite(found["loss"])
    return {
        "scalars": {name: float(found[name]) for name in SCALARS if name in found},
        "layers": {name: found[name] for name in QUANTITIES if name in found},
        "histograms": {
            name: found[key] for name in HISTOGRAMS if (key := f"histogram of {name}") in found
        },
        "times": {name: found[name] for name in TIME_QUANTITIES if name in found},
    }


def run(experiment: Experiment, steps: int, **how: Any) -> Recording:
    """Train for `steps` updates in this thread; the recording ends at snapshot `steps`.

    That holds whatever length the experiment has; early stopping, where it is on, may end it
    sooner. `how` is passed on to `train`.
    """
    recording = new_recording(experiment)
    for snapshot in train(experiment, last=steps, **how):
        recording.append(snapshot)
    return recording
