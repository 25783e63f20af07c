"""Numbers and layers as a person reads them, in messages and on labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

#: The sign beside the word for each kind of finding, so that nothing is told by colour alone.
SIGNS: Mapping[str, str] = {
    "vanishing": "▼",
    "exploding": "▲",
    "saturated": "■",
    "dead": "▼",
    "identical": "■",
    "diverged": "▲",
    "healthy": "●",
}

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 2) -> str:
    """A number with so many significant digits: "0.38", "30", "1.2 × 10⁻⁹", "10⁻³".

    Whole digits are never rounded away between 0.01 and 10 000: 1234 is "1234".
    """
    if math.isnan(value):
        return "NaN"
    if value < 0:
        return "−" + number(-value, digits)
    if math.isinf(value):
        return "infinite"
    if value == 0:
        return "0"
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if -3 < exponent < 4:
        return f"{value:.{max(digits - 1 - exponent, 0)}f}"
    tens = "10" + str(exponent).translate(_SUPERSCRIPTS)
    return tens if value == float(f"1e{exponent}") else f"{mantissa} × {tens}"


def share(value: float, digits: int = 0) -> str:
    """A share as per cent, with so many decimals: "47 %"."""
    return f"{100 * value:.{digits}f} %"


def exact(limit: float) -> str:
    """A number that a person has chosen, with all of its digits: "10⁻³", "0.025", "1234"."""
    digits = next((d for d in range(2, 12) if float(f"{limit:.{d - 1}e}") == limit), 12)
    return number(limit, digits)


def exact_share(limit: float) -> str:
    """A share that a person has chosen, as per cent: "20 %", "12.5 %"."""
    return f"{100 * limit:.10g} %"


def apart(value: float, limit: float, shown: Callable[[float, int], str], digits: int) -> str:
    """`value` with as many digits (up to three more) as make it read differently from `limit`."""
    beside = limit * (1 + 1e-12)  # `number` writes an exact power of ten in a way of its own
    texts = ((shown(value, d), shown(beside, d)) for d in range(digits, digits + 4))
    return next((text for text, other in texts if text != other), shown(value, digits))


def layer(name: str) -> str:
    """A layer's name within a sentence: "layer 3" for "hidden 3", "the output layer"."""
    kind, _, index = name.partition(" ")
    return f"layer {index}" if kind == "hidden" else f"the {name} layer"


def numbers(indices: Sequence[int]) -> str:
    """Increasing whole numbers as runs: "1–6 and 9"."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1][1:] = [index]
        else:
            runs.append([index])
    parts = ["–".join(map(str, run)) for run in runs]
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
