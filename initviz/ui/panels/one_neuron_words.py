"""What the panel of one step says in each phase: the numbers in its boxes and on its edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.one_neuron import Numbers, OneStep
from initviz.ui.panels.axes import Floats, exact, short
from initviz.ui.panels.closer_look import signed

#: The phases of a step, in their order, and what each is called.
PHASES = {"forward": "forward", "cost": "cost", "backward": "backward", "update": "update"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Box:
    """A place where numbers are: lines of a symbol and a number; a constant has no symbol."""

    lines: tuple[tuple[str, str], ...]
    more: str  # all of its numbers, for the read-out


@dataclass(frozen=True)
class Edge:
    """A weight: between which boxes of two neighbouring columns, and how it can be written.

    `forms` are rows of text, the fullest form first; `is_followed` is what the equations are of.
    `share` is how large its number is beside the largest of its layer.
    """

    column: int
    source: int
    target: int
    forms: tuple[tuple[str, ...], ...]
    is_followed: bool
    share: float
    more: str


@dataclass(frozen=True)
class Picture:
    """Everything that a phase shows: headings and boxes by column, the edges, and equations."""

    headings: tuple[str, ...]
    columns: tuple[tuple[Box, ...], ...]
    edges: tuple[Edge, ...]
    equations: tuple[str, ...]


def rounded(value: float, digits: int) -> str:
    """A number in so many digits; below a thousandth with an exponent, which is shorter."""
    if not math.isfinite(value):
        return short(value)
    form = "e" if 0.0 < abs(value) < 1e-3 else "g"
    mantissa, _, exponent = f"{value + 0.0:.{digits - (form == 'e')}{form}}".partition("e")
    return signed(f"{mantissa}e{int(exponent)}" if exponent else mantissa)


def three(value: float) -> str:
    """A number in three digits."""
    return rounded(value, 3)


def index(number: int) -> str:
    """The number of an input or a unit, counted from 1, as a subscript."""
    return subscript(number + 1)


def subscript(number: int) -> str:
    """A number as a subscript; classes are counted from 0."""
    return str(number).translate(_SUBSCRIPTS)


def picture(found: OneStep, phase: str, experiment: Experiment, digits: int = 3) -> Picture:
    """What a phase shows of a step, the numbers on the picture in so many digits."""
    names = ("input", *(layer.layer for layer in found.layers), "loss")
    loss = rounded(found.loss, digits) if phase != "forward" else "?"
    columns = (
        _inputs(found, digits),
        *(_units(layer, phase, digits) for layer in found.layers[:-1]),
        _outputs(found, phase, experiment, digits),
        (Box((("L", loss),), f"L = {signed(exact(found.loss))}" if phase != "forward" else ""),),
    )
    edges = tuple(
        _edge(layer, (column, source, target), phase, digits)
        for column, layer in enumerate(found.layers)
        for target in range(len(layer.weight))
        for source in range(layer.weight.shape[1])
    )
    return Picture(names, columns, edges, _EQUATIONS[phase](found, experiment))


def _inputs(found: OneStep, digits: int) -> tuple[Box, ...]:
    boxes = [
        Box(((f"x{index(at)}", rounded(value, digits)),), f"x{index(at)} = {signed(exact(value))}")
        for at, value in enumerate(found.inputs.tolist())
    ]
    return (*boxes, _CONSTANT)


#: The constant input of which the bias is the weight.
_CONSTANT = Box((("", "1"),), "the constant 1: its weight is the bias")


def _units(layer: Numbers, phase: str, digits: int) -> tuple[Box, ...]:
    shown = ("slope", "delta") if phase == "backward" else ("z", "a")
    return (*(_unit(layer, at, shown, digits) for at in range(len(layer.z))), _CONSTANT)


#: The symbols of what a unit has.
_SYMBOLS = {"z": "z", "a": "a", "slope": "φ′", "arriving": "∂L/∂a", "delta": "δ"}


def _unit(layer: Numbers, at: int, shown: Sequence[str], digits: int) -> Box:
    lines = tuple(
        (f"{_SYMBOLS[name]}{index(at)}", rounded(getattr(layer, name)[at], digits))
        for name in shown
    )
    more = [f"{layer.layer}, unit {at + 1}"]
    more += [f"{text} = {signed(exact(getattr(layer, n)[at]))}" for n, text in _SYMBOLS.items()]
    return Box(lines, "\n".join(more))


def _outputs(found: OneStep, phase: str, experiment: Experiment, digits: int) -> tuple[Box, ...]:
    output, symbol = found.layers[-1], _answer_symbol(experiment)
    rows = {
        "z": ("z", output.z),
        "answer": (symbol, found.answer),
        "target": ("y", found.target),
        "delta": ("δ", output.delta),
    }
    shown = {"cost": ("answer", "target"), "backward": ("answer", "delta")}.get(
        phase, ("z", "answer") if symbol == "p" else ("z",)
    )
    boxes = []
    for at in range(len(output.z)):
        lines = tuple((rows[n][0] + subscript(at), rounded(rows[n][1][at], digits)) for n in shown)
        every = dict(rows.values()).items()
        more = [f"output, class {at}", *(f"{t} = {signed(exact(v[at]))}" for t, v in every)]
        boxes.append(Box(lines, "\n".join(more)))
    return tuple(boxes)


def _answer_symbol(experiment: Experiment) -> str:
    return "p" if experiment.training.loss == "cross_entropy" else "z"


def _edge(layer: Numbers, between: tuple[int, int, int], phase: str, digits: int) -> Edge:
    column, source, target = between
    is_bias = source == layer.weight.shape[1] - 1
    numbers = [float(m[target, source]) for m in (layer.weight, layer.gradient, layer.moved)]
    old, slope, new = (rounded(number, digits) for number in numbers)
    forms = {
        "backward": ((slope,),),
        "update": ((f"{old} → {new}",), (old, f"→ {new}"), (new,)),
    }
    name, entering = ("b", "the constant 1") if is_bias else ("w", f"number {source + 1}")
    before, gradient, after = (signed(exact(number)) for number in numbers)
    more = (
        f"{layer.layer}: {name} from {entering} to {target + 1}\n{name} = {before}\n"
        f"∂L/∂{name} = {gradient}\nafter the step: {after}"
    )
    # The equations do the sums for what comes into the first unit, then for two of its weights.
    followed = {"forward": True, "cost": False}.get(phase, source == 0 or is_bias)
    is_first = column == 0 and target == 0
    share = _share({"backward": layer.gradient, "update": layer.moved}.get(phase, layer.weight))
    strength = float(share[target, source])
    return Edge(*between, forms.get(phase, ((old,),)), followed and is_first, strength, more)


def _share(matrix: Floats) -> Floats:
    """How large each number is beside the largest; 0 where that says nothing."""
    size = np.abs(matrix)
    largest = float(size.max())
    return size / largest if 0.0 < largest < math.inf else np.zeros_like(size)


# -- equations, of the first unit of the first layer ----------------------------------------------


def _forward(found: OneStep, experiment: Experiment) -> tuple[str, ...]:
    first = found.layers[0]
    phi = ACTIVATIONS[experiment.hidden[0].activation].label
    if found.is_batch:
        return (f"Every number is the mean over the batch of {found.count}.",)
    inputs = [*found.inputs.tolist(), 1.0]
    terms = " + ".join(
        f"{_factor(weight)}·{_factor(value)}"
        for weight, value in zip(first.weight[0].tolist(), inputs, strict=True)
    )
    z, a = three(first.z[0]), three(first.a[0])
    return (f"z₁ = w₁x₁ + … + b·1 = {terms} = {z}", f"a₁ = φ(z₁) = {phi}({z}) = {a}")


def _cost(found: OneStep, experiment: Experiment) -> tuple[str, ...]:
    loss = three(found.loss)
    if found.is_batch:
        return (f"L = {loss}: the mean of {found.count} samples’ losses.",)
    if experiment.training.loss == "cross_entropy":
        p = f"p{subscript(found.label)}"
        number = three(found.answer[found.label])
        return (f"y: this sample is of class {found.label}", f"L = −ln {p} = −ln {number} = {loss}")
    squares = " + ".join(
        f"({three(z)} − {three(y)})²"
        for z, y in zip(found.answer.tolist(), found.target.tolist(), strict=True)
    )
    return (f"L = mean (z − y)² = [{squares}] / {len(found.answer)} = {loss}",)


def _backward(found: OneStep, _experiment: Experiment) -> tuple[str, ...]:
    first = found.layers[0]
    slope, bias = three(first.gradient[0, 0]), three(first.gradient[0, -1])
    if found.is_batch:
        return (
            f"∂L/∂w₁ = mean of δ₁x₁ over the batch = {slope}",
            f"∂L/∂b = mean of δ₁·1 = {bias}",
        )
    delta = _factor(first.delta[0])
    product = f"{_factor(first.arriving[0])}·{_factor(first.slope[0])}"
    return (
        f"δ₁ = ∂L/∂a₁ · φ′(z₁) = {product} = {three(first.delta[0])}",
        f"∂L/∂w₁ = δ₁x₁ = {delta}·{_factor(found.inputs[0])} = {slope},  ∂L/∂b = δ₁·1 = {bias}",
    )


def _update(found: OneStep, _experiment: Experiment) -> tuple[str, ...]:
    first, rate = found.layers[0], three(found.learning_rate)
    lines = [
        f"{name} − η ∂L/∂{name} = {three(first.weight[0, at])} − {rate}·"
        f"{_factor(first.gradient[0, at])} = {three(first.moved[0, at])}"
        for name, at in (("w₁", 0), ("b", -1))
    ]
    return (*lines, found.why_not) if found.why_not else tuple(lines)


_EQUATIONS: dict[str, Callable[[OneStep, Experiment], tuple[str, ...]]] = {
    "forward": _forward,
    "cost": _cost,
    "backward": _backward,
    "update": _update,
}


def _factor(value: float) -> str:
    """A number within a product: in brackets where it is negative."""
    text = three(value)
    return f"({text})" if text.startswith("−") else text
