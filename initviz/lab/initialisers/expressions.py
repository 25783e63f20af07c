"""Arithmetic on draws: what a formula of one's own is made of.

A `Quantity` is a number, or a draw of which mean, standard deviation and bounds are known and
which can be drawn when there is a weight to fill. Every draw of an expression is independent of
every other (there are no variables to hold one), so sums and products keep mean and standard
deviation exactly; through other functions they become NaN: not known before it is drawn.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.truncated import KERAS_CUT, fill_truncated, truncated_std

if TYPE_CHECKING:
    from torch import Generator, Tensor

#: The largest number that a draw may be given, as everywhere in an experiment.
LARGEST = 1e30


@dataclass(frozen=True)
class Canvas:
    """What is drawn on: a tensor for its shape and type, and the source of randomness."""

    like: Tensor
    generator: Generator


def _nothing(_canvas: Canvas) -> Tensor:
    raise NotImplementedError


@dataclass(frozen=True)
class Quantity:
    """A number (`is_drawn` false, `mean` is its value) or a weight that can be drawn."""

    mean: float
    std: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    is_drawn: bool = True
    sample: Callable[[Canvas], Any] = field(default=_nothing, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(_value(self, "a condition"))

    def has(self, value: float) -> bool:
        """Whether this value may be drawn."""
        return self.low <= value <= self.high


def number(value: float) -> Quantity:
    """A number.

    Raises:
        ValueError: if it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError("a number in it becomes too large")
    return Quantity(value, 0.0, value, value, is_drawn=False, sample=lambda _: value)


ZERO, ONE = number(0.0), number(1.0)


def _value(quantity: Quantity, what: str) -> float:
    if quantity.is_drawn:
        raise ValueError(f"{what} must be a number, not something drawn")
    return quantity.mean


def _product(a: float, b: float) -> float:
    """0 where one side is 0, also against infinity: bounds are limits of what can be drawn."""
    return 0.0 if a == 0 or b == 0 else a * b


def _hull(values: list[float]) -> tuple[float, float]:
    return (-math.inf, math.inf) if any(map(math.isnan, values)) else (min(values), max(values))


def _limit(function: Callable[[float], float], end: float) -> float:
    """An increasing function at the end of an interval, where it may leave the numbers."""
    try:
        return function(end)
    except OverflowError:
        return math.inf
    except ValueError:
        return -math.inf  # log 0


def _numbers_first(
    name: str, on_numbers: Callable[..., float]
) -> Callable[[Callable[..., Quantity]], Callable[..., Quantity]]:
    """Compute with plain floats where nothing is drawn, so that mistakes are found exactly."""

    def decorate(on_draws: Callable[..., Quantity]) -> Callable[..., Quantity]:
        def compute(*quantities: Quantity) -> Quantity:
            if any(quantity.is_drawn for quantity in quantities):
                return on_draws(*quantities)
            values = [quantity.mean for quantity in quantities]
            try:
                return number(on_numbers(*values))
            except (ValueError, OverflowError, ZeroDivisionError) as error:
                raise ValueError(_why_not(name, values, error)) from None

        return compute

    return decorate


def _why_not(name: str, values: list[float], error: Exception) -> str:
    shown = [f"{value:g}" for value in values]
    written = f" {name} ".join(shown) if not name.isalpha() else f"{name}({', '.join(shown)})"
    if isinstance(error, ZeroDivisionError):
        return f"{written} divides by 0"
    is_large = isinstance(error, OverflowError) or "too large" in str(error)
    return f"{written} is too large" if is_large else f"{written} is not a number"


# -- arithmetic ---------------------------------------------------------------------------------


@_numbers_first("+", operator.add)
def add(a: Quantity, b: Quantity) -> Quantity:
    """The sum."""
    return Quantity(
        a.mean + b.mean,
        math.hypot(a.std, b.std),
        a.low + b.low,
        a.high + b.high,
        sample=lambda canvas: a.sample(canvas) + b.sample(canvas),
    )


def negative(a: Quantity) -> Quantity:
    """The other sign."""
    return multiply(number(-1.0), a)


def subtract(a: Quantity, b: Quantity) -> Quantity:
    """The difference."""
    return add(a, negative(b))


@_numbers_first("*", operator.mul)
def multiply(a: Quantity, b: Quantity) -> Quantity:
    """The product."""
    spread = (a.std * b.std, a.std * b.mean, a.mean * b.std)
    ends = [_product(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return Quantity(
        a.mean * b.mean,
        math.hypot(*spread),
        *_hull(ends),
        sample=lambda canvas: a.sample(canvas) * b.sample(canvas),
    )


@_numbers_first("/", operator.truediv)
def divide(a: Quantity, b: Quantity) -> Quantity:
    """The quotient."""
    if b.low == b.high == 0:
        raise ValueError("it divides by 0")
    if not b.is_drawn:
        ends = [a.low / b.mean, a.high / b.mean]
        mean, std = a.mean / b.mean, a.std / abs(b.mean)
        return Quantity(mean, std, *_hull(ends), sample=lambda c: a.sample(c) / b.mean)
    ends = [x / y for x in (a.low, a.high) for y in (b.low, b.high) if y != 0]
    bounds = (-math.inf, math.inf) if b.has(0.0) else _hull(ends)
    return _unknown(*bounds, lambda canvas: a.sample(canvas) / b.sample(canvas))


@_numbers_first("**", math.pow)
def power(a: Quantity, b: Quantity) -> Quantity:
    """A to the power of b."""
    is_whole = not b.is_drawn and b.mean.is_integer()
    if a.low < 0 and not is_whole:
        raise ValueError("a power of something that can be negative needs a whole number")
    bounds = (0.0, math.inf) if b.is_drawn else _powers(a, b.mean)
    return _unknown(*bounds, lambda canvas: a.sample(canvas) ** b.sample(canvas))


def _powers(a: Quantity, exponent: float) -> tuple[float, float]:
    if exponent < 0 and a.has(0.0):
        return -math.inf, math.inf
    ends = [_power(end, exponent) for end in (a.low, a.high)]
    return _hull([*ends, 0.0**exponent] if a.has(0.0) else ends)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 else math.inf


def _unknown(low: float, high: float, sample: Callable[[Canvas], Any]) -> Quantity:
    """What is drawn from it has a mean and a standard deviation that are not worked out here."""
    return Quantity(math.nan, math.nan, low, high, sample=sample)


# -- functions ----------------------------------------------------------------------------------


def _monotone(
    name: str, function: Callable[[float], float], least: float = -math.inf
) -> Callable[..., Quantity]:
    """An increasing function that is defined from `least` on."""

    @_numbers_first(name, function)
    def apply(a: Quantity) -> Quantity:
        if a.low < least:
            raise ValueError(f"{name}() is given something that can be negative: abs() helps")
        ends = [_limit(function, end) for end in (a.low, a.high)]
        return _unknown(ends[0], ends[1], lambda canvas: getattr(a.sample(canvas), name)())

    return apply


def _wave(name: str, function: Callable[[float], float]) -> Callable[..., Quantity]:
    @_numbers_first(name, function)
    def apply(a: Quantity) -> Quantity:
        return _unknown(-1.0, 1.0, lambda canvas: getattr(a.sample(canvas), name)())

    return apply


@_numbers_first("abs", abs)
def absolute(a: Quantity) -> Quantity:
    """The size without the sign."""
    if a.low >= 0:
        return a
    ends = [abs(a.low), abs(a.high)] + [0.0] * a.has(0.0)
    return _unknown(min(ends), max(ends), lambda canvas: a.sample(canvas).abs())


def _extreme(name: str, choose: Callable[..., float]) -> Callable[..., Quantity]:
    """The smaller or the larger one, element by element."""

    @_numbers_first(name, choose)
    def of_two(a: Quantity, b: Quantity) -> Quantity:
        def sample(canvas: Canvas) -> Any:
            import torch

            pair = [torch.as_tensor(x.sample(canvas), dtype=canvas.like.dtype) for x in (a, b)]
            return getattr(torch, f"{name}imum")(*pair)

        return _unknown(choose(a.low, b.low), choose(a.high, b.high), sample)

    return lambda *quantities: reduce(of_two, quantities)


# -- draws --------------------------------------------------------------------------------------


def _fresh(canvas: Canvas) -> Tensor:
    import torch

    return torch.empty(canvas.like.shape, dtype=canvas.like.dtype)


def _parameter(quantity: Quantity, name: str) -> float:
    value = _value(quantity, f"what {name}() is given")
    if abs(value) > LARGEST:
        raise ValueError(f"{name}() is given {value:g}: at most {LARGEST:g} on either side of 0")
    return value


def _size(quantity: Quantity, name: str) -> float:
    value = _parameter(quantity, name)
    if value < 0:
        raise ValueError(f"the standard deviation in {name}() is {value:g}: at least 0")
    return value


def normal(mean: Quantity = ZERO, std: Quantity = ONE) -> Quantity:
    """N(mean, std²)."""
    m, s = _parameter(mean, "normal"), _size(std, "normal")
    bounds = (-math.inf, math.inf) if s > 0 else (m, m)
    return Quantity(m, s, *bounds, sample=lambda c: _fresh(c).normal_(m, s, generator=c.generator))


def uniform(low: Quantity = ZERO, high: Quantity = ONE) -> Quantity:
    """U(low, high)."""
    a, b = (_parameter(end, "uniform") for end in (low, high))
    if a > b:
        raise ValueError(f"uniform({a:g}, {b:g}): the first must not be above the second")
    return Quantity(
        a + (b - a) / 2,
        (b - a) / math.sqrt(12),
        a,
        b,
        sample=lambda c: _fresh(c).uniform_(a, b, generator=c.generator),
    )


def truncated_normal(mean: Quantity = ZERO, std: Quantity = ONE) -> Quantity:
    """N(mean, std²) without what lies beyond two standard deviations, not corrected."""
    m, s = _parameter(mean, "truncated_normal"), _size(std, "truncated_normal")
    bound = KERAS_CUT * s

    def sample(canvas: Canvas) -> Any:
        drawn = _fresh(canvas)
        fill_truncated(drawn, s, bound, canvas.generator)
        return drawn + m

    return Quantity(m, s * truncated_std(KERAS_CUT), m - bound, m + bound, sample=sample)


def orthogonal_in(place: Place) -> Callable[..., Quantity]:
    """orthogonal(gain) for the weight of one place."""
    std = 1.0 / math.sqrt(max(place.shape[0], place.fan_in))

    def orthogonal(gain: Quantity = ONE) -> Quantity:
        g = _parameter(gain, "orthogonal")

        def sample(canvas: Canvas) -> Any:
            from torch.nn import init

            return init.orthogonal_(_fresh(canvas), g, generator=canvas.generator)

        return Quantity(0.0, abs(g) * std, -abs(g), abs(g), sample=sample)

    return orthogonal


def constant(value: Quantity) -> Quantity:
    """The number itself."""
    return value


def _comparison(compare: Callable[[float, float], bool]) -> Callable[..., Quantity]:
    def apply(a: Quantity, b: Quantity) -> Quantity:
        left, right = _value(a, "what is compared"), _value(b, "what is compared")
        return number(float(compare(left, right)))

    return apply


FUNCTIONS: dict[str, Callable[..., Quantity]] = {
    "normal": normal,
    "uniform": uniform,
    "truncated_normal": truncated_normal,
    "zeros": lambda: ZERO,
    "ones": lambda: ONE,
    "constant": constant,
    "sqrt": _monotone("sqrt", math.sqrt, 0.0),
    "exp": _monotone("exp", math.exp),
    "log": _monotone("log", math.log, 0.0),
    "tanh": _monotone("tanh", math.tanh),
    "sin": _wave("sin", math.sin),
    "cos": _wave("cos", math.cos),
    "abs": absolute,
    "min": _extreme("min", min),
    "max": _extreme("max", max),
}

COMPARISONS: dict[str, Callable[..., Quantity]] = {
    "Lt": _comparison(operator.lt),
    "LtE": _comparison(operator.le),
    "Gt": _comparison(operator.gt),
    "GtE": _comparison(operator.ge),
    "Eq": _comparison(operator.eq),
    "NotEq": _comparison(operator.ne),
}
