"""The limits of the rules: numbers that a person can change, each with its own limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field as Limits
from pydantic import ValidationError

from initviz.lab.settings import Part, Setting, fields_of


@dataclass(frozen=True)
class Unit:
    """What a threshold is counted in: a person reads `per` times the number, and then `text`."""

    text: str = ""
    per: float = 1.0


PLAIN = Unit()
PER_CENT = Unit("%", 100.0)

_Share = Limits(ge=0.0, le=1.0)
_Factor = Limits(ge=1.0, le=1e30)


class Thresholds(Part):
    """What the rules hold their numbers against."""

    diverged: Annotated[
        float, _Factor, Setting("Diverged", help="The loss, times what it was at step 0.")
    ] = 1e3
    identical: Annotated[
        float,
        _Share,
        PER_CENT,
        Setting("Identical units", help="The distinct units of a layer, as a share of its width."),
    ] = 0.5
    vanishing_through_time: Annotated[
        float,
        _Share,
        Setting(
            "Vanishing through time",
            help="The gradient of the state at the first time step, as a share of the last's.",
        ),
    ] = 1e-3
    vanishing: Annotated[
        float,
        _Share,
        Setting(
            "Vanishing signal",
            help="The signal gradient of the first hidden layer, as a share of the last's.",
        ),
    ] = 1e-3
    #: Weights whose gradient is smaller than this times the signal gradient at the output cannot
    #: learn: at a learning rate of 0.1 it takes them millions of steps to change by 1, and Adam,
    #: which divides the gradient's size out, meets its ε = 10⁻⁸ there.
    starved: Annotated[
        float,
        _Share,
        Setting(
            "Starved weights",
            help="The weight gradient of every hidden layer, as a share of the signal gradient at "
            "the output.",
        ),
    ] = 1e-6
    #: An LSTM that remembers well, with a forget-gate bias of 5, has 10 to 60 over 100 steps.
    exploding_through_time: Annotated[
        float,
        _Factor,
        Setting(
            "Exploding through time",
            help="The gradient of the state at the first time step, times the last's.",
        ),
    ] = 1e2
    exploding: Annotated[
        float,
        _Factor,
        Setting(
            "Exploding signal",
            help="The signal gradient of the first hidden layer, times the last's.",
        ),
    ] = 1e1
    #: Outputs so large are no start for any loss.
    exploding_output: Annotated[
        float,
        Limits(ge=0.0, le=1e30),
        Setting("Exploding outputs", help="The root mean square of the outputs."),
    ] = 1e3
    saturated: Annotated[
        float,
        _Share,
        PER_CENT,
        Setting("Saturated", help="A layer's (sample, unit) pairs on the flat parts of φ."),
    ] = 0.2
    #: He's scheme has 0.3 of them after 30 layers of 128, and trains.
    dead: Annotated[
        float,
        _Share,
        PER_CENT,
        Setting("Dead units", help="A layer's units that are inactive on every sample."),
    ] = 0.5

    def with_threshold(self, name: str, value: float) -> Thresholds:
        """A copy with one threshold changed.

        Raises:
            ValueError: one sentence on what is allowed, in the threshold's unit.
            KeyError: if there is no such threshold.
        """
        unit = unit_of(name)
        try:
            return Thresholds.model_validate({**self.model_dump(), name: value})
        except ValidationError:
            (field,) = (f for f in fields_of(self, "rules") if f.key == f"rules.{name}")
            low, high = ((field.minimum or 0) * unit.per, (field.maximum or 0) * unit.per)
            raise ValueError(
                f"{field.setting.label}: {value * unit.per:g}{_apart(unit)} is not allowed: a "
                f"number from {low:g} to {high:g}{_apart(unit)}"
            ) from None

    def different(self) -> dict[str, float]:
        """The thresholds that are not as they come, by name."""
        usual = DEFAULTS.model_dump()
        return {name: value for name, value in self.model_dump().items() if value != usual[name]}


def unit_of(name: str) -> Unit:
    """The unit of a threshold.

    Raises:
        KeyError: if there is no such threshold.
    """
    metadata = Thresholds.model_fields[name].metadata
    return next((m for m in metadata if isinstance(m, Unit)), PLAIN)


def _apart(unit: Unit) -> str:
    return f" {unit.text}" if unit.text else ""


#: The thresholds as they come.
DEFAULTS = Thresholds()
