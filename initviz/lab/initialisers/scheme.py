"""What every scheme has, and the parameters that several of them share."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field as Limits

from initviz.lab.initialisers.place import Place
from initviz.lab.settings import Choice, Part, Setting

if TYPE_CHECKING:
    from torch import Generator, Tensor

Number = Limits(ge=-1e30, le=1e30)
Size = Limits(ge=0.0, le=1e30)

#: Where the forget gate stands among the gates of an LSTM: input, forget, cell, output.
FORGET_GATE = 1


def _draws_biases(scheme: Any, _experiment: Any) -> bool:
    return scheme.bias_distribution in ("normal", "uniform")


class Scheme(Part):
    """How a weight and a bias are drawn, and the formula for the σ that each layer gets.

    `formula` is LaTeX. `names` are further spellings that mean the same draw; `pytorch` and
    `keras` are the calls that draw the same in those libraries, empty where there is none. `note`
    is a sentence for whoever chooses the scheme.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()
    pytorch: ClassVar[str] = ""
    keras: ClassVar[str] = ""
    note: ClassVar[str] = ""
    #: Whether `adjust` changes the weights once the data can be seen.
    is_data_dependent: ClassVar[bool] = False
    #: The parameter for which `check` may refuse a place; empty: it never does.
    checked: ClassVar[str] = ""

    bias: Annotated[
        float,
        Number,
        Setting(
            "Bias",
            symbol="b",
            help="Every bias starts at this value; where biases are drawn, it is their mean.",
            usual=(-1.0, 1.0),
            advanced=True,
        ),
    ] = 0.0
    bias_distribution: Annotated[
        str,
        Choice(
            {
                "scheme": "As the scheme says",
                "constant": "All equal",
                "normal": "Normal",
                "uniform": "Uniform",
            },
            {},
        ),
        Setting(
            "Biases",
            help="How biases are drawn. Most schemes say 0; PyTorch's default draws them.",
            advanced=True,
        ),
    ] = "scheme"
    bias_spread: Annotated[
        float,
        Size,
        Setting(
            "Spread of the biases",
            symbol="σ_b",
            help="The standard deviation of every bias.",
            usual=(0.0, 1.0),
            advanced=True,
            visible=_draws_biases,
        ),
    ] = 0.1
    forget_bias: Annotated[
        float,
        Number,
        Setting(
            "Forget gate's bias",
            symbol="b_f",
            help="Added to the biases of the forget gates (Gers, Schmidhuber & Cummins 2000; "
            "Jozefowicz, Zaremba & Sutskever 2015).",
            usual=(-1.0, 5.0),
            advanced=True,
            visible=lambda _, experiment: experiment.network.architecture == "lstm",
        ),
    ] = 0.0
    zero_branches: Annotated[
        bool,
        Setting(
            "Branches start at 0",
            help="Weights and biases of residual branches start at 0, as the last layer of a "
            "branch does in Fixup (Zhang, Dauphin & Ma 2019).",
            advanced=True,
            visible=lambda _, experiment: experiment.network.has_branches,
        ),
    ] = False

    # -- weights --------------------------------------------------------------------------------

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        """Fill `weight` in place, on the CPU; it has `place.shape` and a single gate.

        Raises:
            ValueError: one sentence on what to change, if no such weight can be drawn.
        """
        raise NotImplementedError

    def check(self, place: Place) -> None:
        """Refuse a place at which nothing can be drawn, as far as that is known beforehand.

        Raises:
            ValueError: the name of the place and one sentence on what is wrong.
        """

    def draw_gates(self, weight: Tensor, place: Place, generator: Generator) -> None:
        """Fill a weight of several gates in place, one piece after the other.

        Raises:
            ValueError: as `draw`.
        """
        piece = self.piece(place)
        for block in weight.split(piece.shape[0]):
            self.draw(block, piece, generator)

    def piece(self, place: Place) -> Place:
        """What is drawn in one go: by default one gate, whose fans are those that count."""
        return place.one_gate()

    def adjust(self, weight: Tensor, _place: Place, measure: Callable[[], Tensor]) -> None:
        """Change a drawn weight by what the data make of it; most schemes do nothing.

        `measure` runs the calibration batch and returns this layer's W x + b.
        """

    def weight_mean(self, _place: Place) -> float:
        """The mean of an entry; NaN where it is not known before it is drawn."""
        return 0.0

    def weight_std(self, place: Place) -> float:
        """The standard deviation of an entry; NaN where it is not known before it is drawn."""
        raise NotImplementedError

    def weight_support(self, _place: Place) -> tuple[float, float]:
        """The closed interval that an entry lies in."""
        return -math.inf, math.inf

    def sigma_w(self, place: Place) -> float:
        """σ_w = √(fan_in · E w²), the scale that mean-field theory speaks of."""
        return math.sqrt(place.fan_in) * math.hypot(self.weight_mean(place), self.weight_std(place))

    # -- biases ---------------------------------------------------------------------------------

    def own_bias_bound(self, _place: Place) -> float:
        """The c of the biases U(−c, c) that the scheme draws by itself; 0 for most."""
        return 0.0

    def own_forget_bias(self) -> float:
        """What the scheme by itself adds to the biases of an LSTM's forget gates."""
        return 0.0

    def draw_bias(self, bias: Tensor, place: Place, generator: Generator) -> None:
        """Fill `bias` (fan_out,) in place, after the weight of the same place was drawn.

        A recurrent layer has two vectors of biases whose sum counts: what is set here is set in
        the one of role "feed"; the other is 0 unless the scheme draws it by itself.
        """
        bound = self._bias_bound(place)
        if self.bias_distribution == "normal" and place.role == "feed":
            bias.normal_(0.0, self.bias_spread, generator=generator)
        elif bound > 0:
            bias.uniform_(-bound, bound, generator=generator)
        else:
            bias.zero_()
        if place.role == "feed" and self.bias:
            bias.add_(self.bias)
        if forget := self._forget_bias(place):
            bias.chunk(place.gates)[FORGET_GATE].add_(forget)

    def bias_mean(self, place: Place) -> float:
        """The expected value of a bias, all gates together."""
        own = self.bias if place.role == "feed" else 0.0
        return own + self._forget_bias(place) / place.gates

    def bias_std(self, place: Place) -> float:
        """The standard deviation of a bias, all gates together."""
        is_normal = self.bias_distribution == "normal" and place.role == "feed"
        drawn = self.bias_spread if is_normal else self._bias_bound(place) / math.sqrt(3.0)
        # One gate in `gates` is shifted: a Bernoulli variable of that chance times the shift.
        share = 1.0 / place.gates
        return math.hypot(drawn, self._forget_bias(place) * math.sqrt(share * (1.0 - share)))

    def _bias_bound(self, place: Place) -> float:
        if self.bias_distribution == "scheme":
            return self.own_bias_bound(place)
        is_uniform = self.bias_distribution == "uniform" and place.role == "feed"
        return math.sqrt(3.0) * self.bias_spread if is_uniform else 0.0

    def _forget_bias(self, place: Place) -> float:
        if place.cell != "lstm" or place.role != "feed":
            return 0.0
        own = self.own_forget_bias() if self.bias_distribution == "scheme" else 0.0
        return own + self.forget_bias


@lru_cache(maxsize=64)
def _theory_gain(activation: str, slope: float) -> float:
    from initviz.lab.mean_field import gain  # it needs the table of activations

    return gain(activation, slope=slope)


class Gained(Scheme):
    """A scheme whose standard deviation is multiplied by a gain."""

    gain: Annotated[
        float,
        Size,
        Setting(
            "Gain",
            symbol="g",
            help="Multiplies the standard deviation, to make up for what φ takes away.",
            usual=(0.1, 4.0),
            advanced=True,
            visible=lambda scheme, _: scheme.gain_from == "number",
        ),
    ] = 1.0
    gain_from: Annotated[
        str,
        Choice({"number": "A number", "theory": "Theory, for φ"}, {}),
        Setting(
            "Gain from",
            help="Theory: 1/√E φ(Z)² of the activation that the layer reads, 1 where it reads the "
            "data. It keeps E z² = 1, which is not always stable, and no gain keeps the gradient.",
            advanced=True,
        ),
    ] = "number"

    def gain_at(self, place: Place) -> float:
        """The gain of one weight."""
        if self.gain_from == "number":
            return self.gain
        return _theory_gain(place.activation, place.slope)
