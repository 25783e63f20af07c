"""A checkpoint: the whole state of training after so many updates, as plain NumPy.

`train(experiment, start=checkpoint)` goes on from one bit for bit, and a replay looks closer at
the step. For files it becomes a few flat arrays and a small table of facts, and back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initviz.lab.experiment import Experiment, differences
from initviz.lab.network_settings import GATES

Array = NDArray[Any]
Shapes = Mapping[str, tuple[int, ...]]

#: Settings that belong to the network and may be changed all the same: they change no weight.
_FREE = ("network.dropout",)
_NETWORK = ("network.", "initialiser.", "layers.")
#: How the name of a layer's weight ends.
_WEIGHTS = ("linear.weight", "weight")
#: The arrays of a checkpoint that are no parameters' own, and what they hold.
_BYTES, _FLOATS = np.dtype(np.uint8), (np.dtype(np.float32), np.dtype(np.float64))
#: Optimisers have at most this many numbers for each parameter.
_MOMENTS = 4


def _no_bytes() -> Array:
    return np.empty(0, dtype=np.uint8)


def _no_floats() -> Array:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Training as it stands after `step` updates, before the batch of the next is drawn.

    `parameters` are by their names in the network, in its order. `optimiser` holds what the
    optimiser keeps for each parameter, all parameters in one row, by its own name for it;
    `updates` counts the updates that it made. `order` is the state of the generator before the
    permutation under way was drawn, of which `position` samples are used; `dropout` that of the
    dropout's generator on a device of this kind. `stopping` is the state of early stopping.
    """

    step: int
    experiment: Experiment
    parameters: Mapping[str, Array]
    optimiser: Mapping[str, Array] = field(default_factory=dict)
    updates: int = 0
    order: Array = field(default_factory=_no_bytes)
    position: int = 0
    dropout: Array = field(default_factory=_no_bytes)
    device: str = "cpu"
    stopping: Array = field(default_factory=_no_floats)

    @classmethod
    def of_weights(
        cls, experiment: Experiment, step: int, weights: Mapping[str, Array]
    ) -> Checkpoint:
        """What is left of one where only each layer's W (fan_out, fan_in) was kept.

        The weights can be looked at; training cannot go on from there.
        """
        return cls(step, experiment, {_prefix(name) + "weight": w for name, w in weights.items()})

    @property
    def is_whole(self) -> bool:
        """Whether training can go on from here."""
        return self.order.size > 0

    @cached_property
    def bytes(self) -> int:
        """The memory that it takes."""
        arrays = [*self.parameters.values(), *self.optimiser.values()]
        return sum(array.nbytes for array in (*arrays, self.order, self.dropout, self.stopping))

    def weights(self, layer: str) -> Array:
        """A copy of W (fan_out, fan_in) of one layer, all its gates and taps.

        Raises:
            KeyError: for an unknown layer.
        """
        for name in _WEIGHTS:
            found = self.parameters.get(_prefix(layer) + name)
            if found is not None:
                return found.reshape(len(found), -1).copy()
        raise KeyError(f"there is no layer {layer!r}")

    def biases(self, layer: str) -> tuple[Array, ...]:
        """The biases (fan_out,) of one layer; with PyTorch's own cells there are two."""
        rows = len(self.weights(layer))
        ends = ("linear.bias", "bias", "recurrent_bias")
        found = (self.parameters.get(_prefix(layer) + end) for end in ends)
        return tuple(bias for bias in found if bias is not None and bias.shape == (rows,))

    # -- for files ---------------------------------------------------------------------------

    def to_arrays(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Flat arrays by name, and facts that JSON can hold: what `from_arrays` is given."""
        arrays = {
            "parameters": joined(self.parameters.values()),
            **{f"optimiser.{name}": moment for name, moment in self.optimiser.items()},
            "order": self.order,
            "dropout": self.dropout,
            "stopping": self.stopping,
        }
        facts = {
            "step": self.step,
            "updates": self.updates,
            "position": self.position,
            "device": self.device,
            "shapes": {name: list(array.shape) for name, array in self.parameters.items()},
        }
        return {name: array for name, array in arrays.items() if array.size}, facts

    @classmethod
    def from_arrays(
        cls, experiment: Experiment, arrays: Mapping[str, Array], facts: Mapping[str, Any]
    ) -> Checkpoint:
        """The checkpoint of a run of `experiment` from what `to_arrays` gave.

        Raises:
            ValueError: if that is no checkpoint; nothing in it is trusted.
        """
        flat = arrays.get("parameters", _no_floats())
        shapes = _shapes(facts.get("shapes"))
        moments = {
            name.removeprefix("optimiser."): array
            for name, array in arrays.items()
            if name.startswith("optimiser.")
        }
        rest = {name: arrays.get(name, _no_bytes()) for name in ("order", "dropout")}
        stopping = arrays.get("stopping", _no_floats())
        if (
            flat.ndim != 1
            or flat.dtype not in _FLOATS
            or sum(math.prod(shape) for shape in shapes.values()) != flat.size
            or len(moments) > _MOMENTS
            or any(m.shape != flat.shape or m.dtype != flat.dtype for m in moments.values())
            or any(array.ndim != 1 or array.dtype != _BYTES for array in rest.values())
            or stopping.ndim != 1
            or stopping.dtype != np.float64
            or not np.isfinite(stopping[1:2]).all()
            or set(arrays)
            - {"parameters", "order", "dropout", "stopping"}
            - {f"optimiser.{name}" for name in moments}
        ):
            raise ValueError("a checkpoint is damaged (its arrays do not fit together)")
        _check_layers(experiment, shapes)
        return cls(
            _count(facts, "step"),
            experiment,
            split(flat, shapes),
            moments,
            _count(facts, "updates"),
            rest["order"],
            _count(facts, "position"),
            rest["dropout"],
            _text(facts, "device"),
            stopping,
        )


def check_fork(experiment: Experiment, checkpoint: Checkpoint) -> None:
    """Whether training can go on from `checkpoint` as `experiment` has it.

    Training may be changed, and whatever else leaves the network and its weights as they are.

    Raises:
        ValueError: a sentence that names what must stay as it was.
    """
    if not checkpoint.is_whole:
        raise ValueError(
            f"Of step {checkpoint.step} only the weights were kept: training cannot go on there."
        )
    for change in differences(checkpoint.experiment, experiment):
        if change.key.startswith(_NETWORK) and change.key not in _FREE:
            raise ValueError(f"A fork keeps the network: {change.key} differs")


def check_shapes(experiment: Experiment, checkpoint: Checkpoint, shapes: Shapes) -> None:
    """Whether the checkpoint's parameters are those of a network with these `shapes`.

    Raises:
        ValueError: a sentence that says what does not fit.
    """
    found = {name: array.shape for name, array in checkpoint.parameters.items()}
    for name in dict.fromkeys([*shapes, *found]):
        if found.get(name) != shapes.get(name):
            raise ValueError(
                f"A fork keeps the network: with training.data = '{experiment.training.data}' its "
                f"{name} is {_sides(shapes.get(name))} and was {_sides(found.get(name))}"
            )


def keeps_order(experiment: Experiment, before: Experiment) -> bool:
    """Whether two experiments draw the same samples in the same order."""
    names = ("data", "path", "sequence_length")
    same = all(getattr(experiment.training, n) == getattr(before.training, n) for n in names)
    return same and experiment.run.seed == before.run.seed


def joined(arrays: Any) -> Array:
    """All numbers of some arrays in one row."""
    rows = [array.reshape(-1) for array in arrays]
    return np.concatenate(rows) if rows else _no_floats()


def split(flat: Array, shapes: Shapes) -> dict[str, Array]:
    """The opposite: views of one row, by name."""
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1]
    parts = zip(shapes.items(), np.split(flat, ends), strict=True) if shapes else ()
    return {name: part.reshape(shape) for (name, shape), part in parts}


def _check_layers(experiment: Experiment, shapes: Shapes) -> None:
    """Whether every layer has a weight with as many rows as its units need."""
    gates = GATES.get(experiment.network.architecture, 1)
    rows = {plan.name: gates * plan.width for plan in experiment.hidden} | {"output": None}
    for layer, wanted in rows.items():
        found = next(
            (shapes[name] for end in _WEIGHTS if (name := _prefix(layer) + end) in shapes), ()
        )
        if len(found) < 2 or wanted not in (None, found[0]):
            raise ValueError(f"a checkpoint is damaged (its {layer} does not fit)")


def _prefix(layer: str) -> str:
    """How the names of a layer's parameters begin."""
    kind, _, number = layer.partition(" ")
    return f"{kind}.{int(number) - 1}." if number.isdecimal() else f"{kind}."


def _sides(shape: Sequence[int] | None) -> str:
    return " × ".join(map(str, shape)) if shape else "not there"


def _shapes(given: Any) -> dict[str, tuple[int, ...]]:
    sound = isinstance(given, Mapping) and all(
        isinstance(name, str)
        and isinstance(shape, list)
        and all(type(side) is int and side > 0 for side in shape)
        for name, shape in given.items()
    )
    if not sound:
        raise ValueError("a checkpoint is damaged (its shapes cannot be read)")
    return {name: tuple(shape) for name, shape in given.items()}


def _count(facts: Mapping[str, Any], name: str) -> int:
    value = facts.get(name)
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"a checkpoint is damaged (its {name} cannot be read)")
    return value


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    if not isinstance(value, str):
        raise ValueError(f"a checkpoint is damaged (its {name} cannot be read)")
    return value
