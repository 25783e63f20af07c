"""Layer-sequential unit variance: weights that are measured against the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field as Limits

from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scheme import Scheme
from initviz.lab.settings import Setting

if TYPE_CHECKING:
    from torch import Generator, Tensor


class LSUV(Scheme):
    """Orthonormal weights, then each layer in turn divided by the std of what it puts out."""

    scheme: Literal["lsuv"] = "lsuv"
    name = "lsuv"
    label = "LSUV (by the data)"
    formula = r"W = \frac{Q}{\sqrt{v}}, \quad v = \mathrm{Var}(Q x + b)"
    source = "Mishkin & Matas 2016, algorithm 1"
    note = "It makes Var z = 1 at every layer; it does not make the gradient keep its size."
    is_data_dependent: ClassVar[bool] = True

    tolerance: Annotated[
        float,
        Limits(ge=0.0, le=1.0),
        Setting(
            "Tolerance",
            symbol="ε",
            help="A layer is done when its variance is 1 up to this.",
            usual=(0.001, 0.5),
            advanced=True,
        ),
    ] = 0.02
    max_iterations: Annotated[
        int,
        Limits(ge=1, le=100),
        Setting(
            "Most rescalings",
            help="A layer whose biases keep it from 1 is left after so many.",
            usual=(1, 20),
            advanced=True,
        ),
    ] = 20

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        from torch.nn import init

        init.orthogonal_(weight, generator=generator)

    def adjust(self, weight: Tensor, _place: Place, measure: Callable[[], Tensor]) -> None:
        for _ in range(self.max_iterations):
            # Of the whole output at once, in float64: a square may leave float32.
            variance = float(measure().detach().cpu().double().var(correction=0))
            if not 0 < variance < math.inf or abs(variance - 1.0) < self.tolerance:
                return  # done, or nothing there that could be scaled
            weight.div_(math.sqrt(variance))

    def weight_std(self, place: Place) -> float:
        return math.nan
