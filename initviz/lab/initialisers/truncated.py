"""Normal distributions without their tails, as PyTorch and as Keras cut them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field as Limits

from initviz.lab.initialisers.elementary import STD
from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scheme import Scheme, Size
from initviz.lab.settings import Choice, Setting

if TYPE_CHECKING:
    from torch import Generator, Tensor

#: Where Keras, and jax's `variance_scaling`, cut: at so many standard deviations.
KERAS_CUT = 2.0


def truncated_std(cut: float) -> float:
    """The standard deviation of N(0, 1) without what lies beyond ±`cut`; 0.8796 for 2."""
    if cut < 0.01:  # the difference below would lose its digits: a series in cut² instead
        square = cut * cut
        return cut * math.sqrt(
            (1 / 3 - square / 10 + square**2 / 56) / (1 - square / 6 + square**2 / 40)
        )
    density = math.exp(-0.5 * cut * cut) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))


def fill_truncated(weight: Tensor, std: float, bound: float, generator: Generator) -> None:
    """Draw from N(0, std²) without what lies beyond ±`bound`, as `trunc_normal_` does."""
    from torch.nn import init

    if std == 0:
        weight.zero_()
    else:
        init.trunc_normal_(weight, 0.0, std, -bound, bound, generator=generator)


def _is_in_sigmas(scheme: Any, _experiment: Any) -> bool:
    return bool(scheme.cut_in == "sigmas")


class TruncatedNormal(Scheme):
    """W ~ N(0, σ²) without what lies beyond a cut.

    As in PyTorch the cut is at ±c whatever σ: at σ = 0.02 the usual c = 2 cuts nothing off. With
    `cut_in = "sigmas"` it is at ±cσ, as in Keras, and the standard deviation of what remains is
    0.8796 σ for c = 2; `corrected` widens σ before the cut, so that σ is what remains.
    """

    scheme: Literal["truncated_normal"] = "truncated_normal"
    name = "truncated_normal"
    label = "Truncated normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \sigma^2)\ \mathrm{cut\ at} \pm c"
    source = "torch.nn.init.trunc_normal_"
    names = ("trunc_normal", "trunc_normal_")
    pytorch = "nn.init.trunc_normal_(w, std=std, a=-cut, b=cut)"
    note = "PyTorch cuts at ±2 whatever σ is, so that a small σ is not cut at all."

    std: Annotated[float, Size, STD] = 0.02
    cut: Annotated[
        float,
        Limits(ge=0.01, le=1e6),
        Setting("Cut at", symbol="c", help="No weight lies beyond.", usual=(0.5, 4.0)),
    ] = 2.0
    cut_in: Annotated[
        str,
        Choice({"absolute": "±c", "sigmas": "±cσ"}, {}),
        Setting(
            "Cut in",
            help="±c, as PyTorch's a and b, or c standard deviations, as in Keras.",
            advanced=True,
        ),
    ] = "absolute"
    corrected: Annotated[
        bool,
        Setting(
            "Keep σ",
            help="Widened before it is cut, so that what remains has the standard deviation σ; "
            "Keras does so where it scales by the fans, but not in its TruncatedNormal.",
            advanced=True,
            visible=_is_in_sigmas,
        ),
    ] = False

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        std, bound = self._uncut()
        fill_truncated(weight, std, bound, generator)

    def _uncut(self) -> tuple[float, float]:
        """The standard deviation before the cut, and where the cut is."""
        if self.cut_in == "absolute":
            return self.std, self.cut
        std = self.std / truncated_std(self.cut) if self.corrected else self.std
        return std, self.cut * std

    def weight_std(self, place: Place) -> float:
        std, bound = self._uncut()
        return std * truncated_std(bound / std) if std > 0 else 0.0

    def weight_support(self, _place: Place) -> tuple[float, float]:
        std, bound = self._uncut()
        return (-bound, bound) if std > 0 else (0.0, 0.0)


class KerasTruncatedNormal(Scheme):
    """W ~ N(0, σ²) cut at ±2σ and not corrected: what remains has 0.8796 σ."""

    scheme: Literal["keras.truncated_normal"] = "keras.truncated_normal"
    name = "keras.truncated_normal"
    label = "Keras: truncated normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \sigma^2)\ \mathrm{cut\ at} \pm 2\sigma"
    source = "keras.initializers.TruncatedNormal"
    pytorch = "nn.init.trunc_normal_(w, std=std, a=-2 * std, b=2 * std)"
    keras = "TruncatedNormal(stddev=std)"
    note = "The weights have 0.88 times the standard deviation that is given."

    std: Annotated[float, Size, STD] = 0.05

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        fill_truncated(weight, self.std, KERAS_CUT * self.std, generator)

    def weight_std(self, place: Place) -> float:
        return self.std * truncated_std(KERAS_CUT)

    def weight_support(self, _place: Place) -> tuple[float, float]:
        return -KERAS_CUT * self.std, KERAS_CUT * self.std
