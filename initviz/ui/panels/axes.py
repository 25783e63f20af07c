"""Axes: values to pixels, the ticks worth a label, and how numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Ends of a range that grows: never more than a third of it is empty.
LADDER = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """A straight map of values to pixels: `low` lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    @overload
    def __call__(self, values: float) -> float: ...
    @overload
    def __call__(self, values: Floats) -> Floats: ...
    def __call__(self, values: float | Floats) -> float | Floats:
        """The pixels of values."""
        return self.start + (values - self.low) * self._pixels_per_unit

    def value(self, pixel: float) -> float:
        """The value at a pixel."""
        return self.low + (pixel - self.start) / self._pixels_per_unit

    @property
    def _pixels_per_unit(self) -> float:
        return (self.end - self.start) / (self.high - self.low)


@dataclass(frozen=True)
class Decades:
    """A locked range of powers of ten: `low` and `high` are exponents."""

    low: int
    high: int

    @property
    def label(self) -> str:
        return f"{power(self.high)} … {power(self.low)}"

    def ticks(self, pixels: float, spacing: float) -> list[int]:
        """The exponents to label on so many pixels, about `spacing` apart; both ends always."""
        decades = self.high - self.low
        for step in (1, 2, 4, 5, 10, 20, 30):
            if pixels * step / decades >= spacing:
                break
        else:
            step = decades
        first = math.ceil(self.low / step) * step
        near = 0.7 * step
        between = [
            exponent
            for exponent in range(first, self.high, step)
            if exponent - self.low >= near and self.high - exponent >= near
        ]
        return [self.low, *between, self.high]


#: The locked ranges that a person may choose from, by their key; the first is the default.
DECADES: dict[str, Decades] = {
    "usual": Decades(-14, 4),
    "deep": Decades(-30, 4),
    "both": Decades(-30, 30),
}


def power(exponent: int) -> str:
    """A power of ten: "10⁻⁹"."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def short(value: float) -> str:
    """A number in two digits: "0.0083", "8.4e-5", "NaN", "∞"."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.2g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def two_digits(value: float) -> str:
    """A number in exactly two digits: "0.30" beside "0.087"."""
    if not math.isfinite(value):
        return short(value)
    mantissa, _, exponent = f"{value:#.2g}".partition("e")
    mantissa = mantissa.removesuffix(".") if value else "0"
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def exact(value: float) -> str:
    """A number in four digits, for a read-out."""
    if not math.isfinite(value):
        return short(value)
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def short_power(exponent: float) -> str:
    """10 to a fractional exponent, in two digits, however large or small: "0.38", "1.2e-9"."""
    if not math.isfinite(exponent):
        return "0" if exponent == -math.inf else short(exponent)
    if -4 < exponent < 3:
        return two_digits(10.0**exponent)
    whole = math.floor(exponent)
    digits = f"{10 ** (exponent - whole):.1f}"
    return f"1.0e{whole + 1}" if digits == "10.0" else f"{digits}e{whole}"


def step_up(value: float) -> float:
    """The smallest round number that is at least `value` (> 0): ends for ranges that grow."""
    scale = 10.0 ** math.floor(math.log10(value))
    share = value / scale
    return next(step for step in LADDER if step >= share * (1 - 1e-9)) * scale


def round_ticks(high: float, most: int) -> list[float]:
    """At most `most` (≥ 2) round numbers at equal distances, from 0 to `high`; at least two."""
    span = high / (most - 1)
    scale = 10.0 ** math.floor(math.log10(span))
    step = next(s for s in (1.0, 2.0, 5.0, 10.0) if s * scale >= span * (1 - 1e-9)) * scale
    ticks = [i * step for i in range(math.floor(high / step + 1e-9) + 1)]
    return ticks if len(ticks) > 1 else [0.0, high]


def step_ticks(last: int, most: int) -> list[int]:
    """Round step numbers from 0 to `last`."""
    return sorted({int(tick) for tick in round_ticks(max(last, 1), most) if tick == int(tick)})


def layer_ticks(layers: int, most: int) -> list[int]:
    """At most about `most` layer numbers, the first and the last among them."""
    if layers <= most:
        return list(range(1, layers + 1))
    step = next(
        s * 10**k for k in range(4) for s in (1, 2, 5) if layers / (s * 10**k) <= max(most - 1, 1)
    )
    near = 0.6 * step
    between = [n for n in range(step, layers, step) if n - 1 >= near and layers - n >= near]
    return [1, *between, layers]


def with_number(numbers: Sequence[int], wanted: int) -> tuple[int, ...]:
    """The numbers with one more, which takes the place of those that are too near; 0 for none."""
    if not wanted or wanted in numbers:
        return tuple(numbers)
    gaps = [b - a for a, b in pairwise(numbers)]
    near = 0.6 * max(gaps, default=1)
    return tuple(sorted([wanted, *(n for n in numbers if abs(n - wanted) >= near)]))


def spaced_layers(layers: int, most: int) -> NDArray[np.int64]:
    """Indices of at most `most` layers at even distances, the first and the last among them."""
    return np.unique(np.linspace(0, layers - 1, min(layers, max(most, 2))).round().astype(np.int64))
