"""Schemes whose variance follows the fans: Glorot, He, LeCun and what they have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scheme import Gained, Number, Scheme, Size
from initviz.lab.initialisers.truncated import KERAS_CUT, fill_truncated, truncated_std
from initviz.lab.settings import Choice, Setting

if TYPE_CHECKING:
    from torch import Generator, Tensor

Mode = Literal["fan_in", "fan_out", "fan_avg"]
Distribution = Literal["normal", "uniform", "truncated"]


def fan_of(place: Place, mode: str) -> float:
    """The number that a variance is divided by."""
    return {
        "fan_in": float(place.fan_in),
        "fan_out": float(place.fan_out),
        "fan_avg": (place.fan_in + place.fan_out) / 2,
    }[mode]


def bound_of(std: float, distribution: str) -> float:
    """How far from 0 an entry of standard deviation `std` can be."""
    return {
        "normal": math.inf,
        "uniform": math.sqrt(3.0) * std,
        "truncated": KERAS_CUT * (std / truncated_std(KERAS_CUT)),
    }[distribution]


def variance_scaling(weight: Tensor, std: float, distribution: str, generator: Generator) -> None:
    """Fill a weight with mean 0 and standard deviation `std`: what all of these schemes draw.

    "truncated" is a normal distribution cut at two of its standard deviations and widened before,
    so that `std` is what remains, as in Keras and jax.
    """
    bound = bound_of(std, distribution)
    if distribution == "normal":
        weight.normal_(0.0, std, generator=generator)
    elif distribution == "uniform":
        weight.uniform_(-bound, bound, generator=generator)
    else:
        fill_truncated(weight, bound / KERAS_CUT, bound, generator)


class FanScaled(Scheme):
    """A variance that follows the fans; subclasses give `weight_std`."""

    drawn_from: ClassVar[Distribution]

    def shape(self) -> str:
        """The distribution, one of `Distribution`."""
        return self.drawn_from

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        variance_scaling(weight, self.weight_std(place), self.shape(), generator)

    def weight_support(self, place: Place) -> tuple[float, float]:
        bound = bound_of(self.weight_std(place), self.shape())
        return -bound, bound


class _Glorot(FanScaled, Gained):
    """σ² = g² · 2 / (fan_in + fan_out): between keeping the signal and keeping its gradient."""

    source = "Glorot & Bengio 2010, eq. 12 and 16"

    def weight_std(self, place: Place) -> float:
        # A product with a root, as xavier_ has it: the quotient rounds otherwise.
        return self.gain_at(place) * math.sqrt(1.0 / fan_of(self.piece(place), "fan_avg"))


class GlorotUniform(_Glorot):
    """Glorot's variance, uniform."""

    scheme: Literal["glorot_uniform"] = "glorot_uniform"
    name = "glorot_uniform"
    label = "Glorot uniform"
    formula = r"W_{ij} \sim \mathcal{U}(\pm g\sqrt{\frac{6}{n_{in} + n_{out}}})"
    names = ("xavier_uniform", "xavier_uniform_")
    pytorch = "nn.init.xavier_uniform_(w, gain)"
    keras = "VarianceScaling(gain**2, 'fan_avg', 'uniform')"
    drawn_from = "uniform"


class GlorotNormal(_Glorot):
    """Glorot's variance, normal (not truncated, unlike Keras's)."""

    scheme: Literal["glorot_normal"] = "glorot_normal"
    name = "glorot_normal"
    label = "Glorot normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, g^2\frac{2}{n_{in} + n_{out}})"
    names = ("xavier_normal", "xavier_normal_")
    pytorch = "nn.init.xavier_normal_(w, gain)"
    keras = "VarianceScaling(gain**2, 'fan_avg', 'untruncated_normal')"
    drawn_from = "normal"


_MODE = Setting(
    "Fan",
    help="fan_in keeps the forward signal, fan_out the gradient's variance per unit, fan_avg is "
    "between the two.",
    advanced=True,
)


class _He(FanScaled):
    """σ² = 2 / ((1 + s²) · fan): keeps the second moment through (leaky) ReLU of slope s."""

    source = "He, Zhang, Ren & Sun 2015, eq. 10, 14 and 15"
    mode: Annotated[Mode, _MODE] = "fan_in"
    slope: Annotated[
        float,
        Number,
        Setting(
            "Slope for z < 0",
            symbol="s",
            help="The negative slope of the leaky ReLU that the gain makes up for; 0 is ReLU.",
            usual=(0.0, 1.0),
            advanced=True,
        ),
    ] = 0.0

    def weight_std(self, place: Place) -> float:
        gain = math.sqrt(2.0 / (1 + self.slope**2))
        return gain / math.sqrt(fan_of(self.piece(place), self.mode))


class HeUniform(_He):
    """He's variance, uniform."""

    scheme: Literal["he_uniform"] = "he_uniform"
    name = "he_uniform"
    label = "He uniform"
    formula = r"W_{ij} \sim \mathcal{U}(\pm\sqrt{\frac{6}{(1 + s^2)\, n_{fan}}})"
    names = ("kaiming_uniform", "kaiming_uniform_", "keras.he_uniform")
    pytorch = "nn.init.kaiming_uniform_(w, a=slope, mode=mode)"
    keras = "VarianceScaling(2 / (1 + slope**2), mode, 'uniform')"
    drawn_from = "uniform"


class HeNormal(_He):
    """He's variance, normal (not truncated, unlike Keras's)."""

    scheme: Literal["he_normal"] = "he_normal"
    name = "he_normal"
    label = "He normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \frac{2}{(1 + s^2)\, n_{fan}})"
    names = ("kaiming_normal", "kaiming_normal_")
    pytorch = "nn.init.kaiming_normal_(w, a=slope, mode=mode)"
    keras = "VarianceScaling(2 / (1 + slope**2), mode, 'untruncated_normal')"
    drawn_from = "normal"


class _LeCun(FanScaled):
    """σ² = 1 / fan_in: keeps the second moment of a linear layer."""

    source = "LeCun, Bottou, Orr & Müller 1998, eq. 16"
    note = "What SELU asks for (Klambauer, Unterthiner, Mayr & Hochreiter 2017)."

    def weight_std(self, place: Place) -> float:
        return 1.0 / math.sqrt(place.fan_in)


class LeCunUniform(_LeCun):
    """LeCun's variance, uniform."""

    scheme: Literal["lecun_uniform"] = "lecun_uniform"
    name = "lecun_uniform"
    label = "LeCun uniform"
    formula = r"W_{ij} \sim \mathcal{U}(\pm\sqrt{\frac{3}{n_{in}}})"
    names = ("keras.lecun_uniform",)
    pytorch = "nn.init.kaiming_uniform_(w, nonlinearity='linear')"
    keras = "LecunUniform()"
    drawn_from = "uniform"


class LeCunNormal(_LeCun):
    """LeCun's variance, normal (not truncated, unlike Keras's): randn · √(1/n)."""

    scheme: Literal["lecun_normal"] = "lecun_normal"
    name = "lecun_normal"
    label = "LeCun normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \frac{1}{n_{in}})"
    names = ("inverse_sqrt_normal", "randn_inverse_sqrt")
    note = (
        "Also written randn · √(1/n), and what SELU asks for (Klambauer, Unterthiner, Mayr & "
        "Hochreiter 2017)."
    )
    pytorch = "nn.init.kaiming_normal_(w, nonlinearity='linear')"
    keras = "VarianceScaling(1, 'fan_in', 'untruncated_normal')"
    drawn_from = "normal"


class InverseSqrtUniform(FanScaled):
    """W ~ U(±1/√n): an old heuristic whose variance is 1/(3n), not 1/n."""

    scheme: Literal["inverse_sqrt_uniform"] = "inverse_sqrt_uniform"
    name = "inverse_sqrt_uniform"
    label = "Uniform ±1/√n"
    formula = r"W_{ij} \sim \mathcal{U}(\pm\frac{1}{\sqrt{n_{in}}})"
    source = "Glorot & Bengio 2010, eq. 1: “the commonly used heuristic”"
    pytorch = "nn.init.kaiming_uniform_(w, a=5**0.5)"
    keras = "VarianceScaling(1 / 3, 'fan_in', 'uniform')"
    note = "PyTorch's default for the weights; here the biases are 0."
    drawn_from = "uniform"

    def weight_std(self, place: Place) -> float:
        return pytorch_linear_std(place)


def pytorch_linear_std(place: Place) -> float:
    """1/√(3 fan_in), in the rounding of `kaiming_uniform_(a=√5)`."""
    return math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / math.sqrt(place.fan_in)


class _VarianceScaling(FanScaled):
    """σ² = scale / fan, in the distribution of one's choice."""

    formula = r"\mathrm{Var}\ W_{ij} = \frac{s}{n_{fan}}"
    source = "keras.initializers.VarianceScaling; jax.nn.initializers.variance_scaling"
    keras = "VarianceScaling(scale, mode, distribution)"

    scale: Annotated[
        float,
        Size,
        Setting(
            "Scale",
            symbol="s",
            help="The variance times the fan: 1 for LeCun and Glorot, 2 for He.",
            usual=(0.0, 4.0),
        ),
    ] = 1.0
    mode: Annotated[Mode, _MODE] = "fan_in"
    distribution: Annotated[
        str,
        Choice(
            {"normal": "Normal", "uniform": "Uniform", "truncated": "Truncated normal"},
            {"untruncated_normal": "normal", "truncated_normal": "truncated"},
        ),
        Setting(
            "Distribution",
            help="Truncated: cut at two standard deviations, and widened before to keep σ.",
            advanced=True,
        ),
    ] = "truncated"

    def shape(self) -> str:
        return self.distribution

    def weight_std(self, place: Place) -> float:
        return math.sqrt(self.scale / fan_of(self.piece(place), self.mode))


class VarianceScaling(_VarianceScaling):
    """σ² = scale / fan, in the distribution of one's choice: all named schemes are cases of it."""

    scheme: Literal["variance_scaling"] = "variance_scaling"
    name = "variance_scaling"
    label = "Variance scaling"


class KerasVarianceScaling(_VarianceScaling):
    """The same, over the whole kernel where a layer has several gates."""

    scheme: Literal["keras.variance_scaling"] = "keras.variance_scaling"
    name = "keras.variance_scaling"
    label = "Keras: variance scaling"
    note = "In LSTM and GRU layers n_out counts all gates, as in Keras."

    def piece(self, place: Place) -> Place:
        return place


class _Keras(FanScaled):
    """A fixed case of variance scaling, over the whole kernel where a layer has several gates."""

    scale: ClassVar[float]
    mode: ClassVar[Mode]

    def piece(self, place: Place) -> Place:
        return place

    def weight_std(self, place: Place) -> float:
        return math.sqrt(self.scale / fan_of(place, self.mode))


class KerasGlorotUniform(_Keras):
    """As Keras draws it: the same as PyTorch's but in layers of several gates."""

    scheme: Literal["keras.glorot_uniform"] = "keras.glorot_uniform"
    name = "keras.glorot_uniform"
    label = "Keras: Glorot uniform"
    formula = r"W_{ij} \sim \mathcal{U}(\pm\sqrt{\frac{6}{n_{in} + n_{out}}})"
    source = "keras.initializers.GlorotUniform; Glorot & Bengio 2010, eq. 16"
    pytorch = "nn.init.xavier_uniform_(w)"
    keras = "GlorotUniform()"
    note = "In LSTM and GRU layers n_out counts all gates, as in Keras."
    scale, mode, drawn_from = 1.0, "fan_avg", "uniform"


class KerasGlorotNormal(_Keras):
    """Glorot's variance in a truncated normal distribution."""

    scheme: Literal["keras.glorot_normal"] = "keras.glorot_normal"
    name = "keras.glorot_normal"
    label = "Keras: Glorot normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \frac{2}{n_{in} + n_{out}})\ \mathrm{cut}"
    source = "keras.initializers.GlorotNormal; Glorot & Bengio 2010, eq. 12"
    keras = "GlorotNormal()"
    note = "Cut at two standard deviations; σ is kept."
    scale, mode, drawn_from = 1.0, "fan_avg", "truncated"


class KerasHeNormal(_Keras):
    """He's variance in a truncated normal distribution."""

    scheme: Literal["keras.he_normal"] = "keras.he_normal"
    name = "keras.he_normal"
    label = "Keras: He normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \frac{2}{n_{in}})\ \mathrm{cut}"
    source = "keras.initializers.HeNormal; He, Zhang, Ren & Sun 2015, eq. 10"
    keras = "HeNormal()"
    note = "Cut at two standard deviations; σ is kept."
    scale, mode, drawn_from = 2.0, "fan_in", "truncated"


class KerasLeCunNormal(_Keras):
    """LeCun's variance in a truncated normal distribution."""

    scheme: Literal["keras.lecun_normal"] = "keras.lecun_normal"
    name = "keras.lecun_normal"
    label = "Keras: LeCun normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \frac{1}{n_{in}})\ \mathrm{cut}"
    source = "keras.initializers.LecunNormal; LeCun, Bottou, Orr & Müller 1998, eq. 16"
    keras = "LecunNormal()"
    note = "Cut at two standard deviations; σ is kept. What SELU asks for in Keras."
    scale, mode, drawn_from = 1.0, "fan_in", "truncated"
