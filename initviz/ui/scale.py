"""How the positions of a slider stand for numbers: evenly, or by factors."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Steps of a slider over numbers that are not whole; fine enough to hit two digits anywhere.
FINE = 400


@dataclass(frozen=True)
class Scale:
    """A slider's range: position 0 is `low`, position `positions` is `high`.

    A `whole` range has one position for each number, unless it is `logarithmic`.
    """

    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False

    @property
    def by_factors(self) -> bool:
        return self.logarithmic and self.low > 0

    @property
    def positions(self) -> int:
        """How many steps the slider has."""
        if self.by_factors:
            return FINE
        return max(1, round((self.high - self.low) / self._step))

    @property
    def _step(self) -> float:
        # A round step of about a hundredth of the range, so that values read well.
        return 1.0 if self.whole else 10.0 ** math.floor(math.log10((self.high - self.low) / 50))

    def value(self, position: int) -> float:
        """The number at a position, rounded so that it reads well."""
        if position in (0, self.positions):
            found = self.high if position else self.low
        elif self.by_factors:
            share = position / self.positions
            found = rounded(self.low * (self.high / self.low) ** share, 2)
        else:
            step = self._step
            found = round(self.low + position * step, max(0, -math.floor(math.log10(step))))
        found = min(max(found, self.low), self.high)
        return round(found) if self.whole else found

    def position(self, value: float) -> int:
        """The position nearest to a number; an end for one outside."""
        inside = min(max(value, self.low), self.high)
        if self.by_factors:
            return round(self.positions * math.log(inside / self.low, self.high / self.low))
        return round((inside - self.low) / self._step)


def rounded(value: float, digits: int) -> float:
    """A number rounded to so many significant digits."""
    return float(f"{value:.{digits}g}")


def number_text(value: float) -> str:
    """The shortest text that means exactly this number: "0.01", "1e-09", "20"."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
