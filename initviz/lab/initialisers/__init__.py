"""Weight initialisers: one class for each scheme, and one table of them.

A scheme is a value (its parameters) and an entry (label, formula, source, other libraries' names)
at once. It says how a weight is drawn, and which standard deviation each layer really gets.
Most named schemes are a variance over a fan and a distribution, as in jax's
`variance_scaling`; they draw bit for bit what `torch.nn.init` draws from the same generator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field as Limits
from pydantic import model_validator

from initviz.lab.initialisers.place import Place
from initviz.lab.settings import Part, Setting

if TYPE_CHECKING:
    from torch import Generator, Tensor

Mode = Literal["fan_in", "fan_out"]


class Scheme(Part):
    """What every scheme has: how it draws a weight and a bias, and the formula for its σ.

    `formula` is LaTeX. `names` are the spellings of other libraries that mean the same draw.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()

    bias: Annotated[
        float,
        Limits(ge=-1e30, le=1e30),
        Setting("Bias", symbol="b", help="Every bias starts at this value.", advanced=True),
    ] = 0.0

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        """Fill `weight` in place, on the CPU; it has `place.shape` and a single gate."""
        raise NotImplementedError

    def draw_gates(self, weight: Tensor, place: Place, generator: Generator) -> None:
        """Fill a weight of several gates in place, by default one gate after the other."""
        for block in weight.chunk(place.gates):
            self.draw(block, place.one_gate(), generator)

    def draw_bias(self, bias: Tensor, _place: Place, _generator: Generator) -> None:
        """Fill `bias` (fan_out,) in place, after the weight of the same place was drawn."""
        bias.fill_(self.bias)

    def weight_mean(self, _place: Place) -> float:
        """The expected value of an entry."""
        return 0.0

    def weight_std(self, place: Place) -> float:
        """The standard deviation of an entry."""
        raise NotImplementedError

    def weight_support(self, _place: Place) -> tuple[float, float]:
        """The closed interval that an entry lies in."""
        return -math.inf, math.inf

    def bias_std(self, _place: Place) -> float:
        """The standard deviation of the biases, which have the mean `bias`."""
        return 0.0

    def sigma_w(self, place: Place) -> float:
        """σ_w = √(fan_in · E w²), the scale that mean-field theory speaks of."""
        return math.sqrt(place.fan_in) * math.hypot(self.weight_mean(place), self.weight_std(place))


_Number = Limits(ge=-1e30, le=1e30)
_Size = Limits(ge=0.0, le=1e30)

Gain = Annotated[
    float,
    _Size,
    Setting(
        "Gain",
        symbol="g",
        help="Multiplies the standard deviation, to make up for what φ takes away.",
        usual=(0.1, 4.0),
        advanced=True,
    ),
]


class Zeros(Scheme):
    """W = 0."""

    scheme: Literal["zeros"] = "zeros"
    name = "zeros"
    label = "Zeros"
    formula = r"W_{ij} = 0"
    source = "torch.nn.init.zeros_"

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        weight.zero_()

    def weight_std(self, place: Place) -> float:
        return 0.0

    def weight_support(self, _place: Place) -> tuple[float, float]:
        return 0.0, 0.0


class Constant(Scheme):
    """W = c: every unit of a layer is the same unit."""

    scheme: Literal["constant"] = "constant"
    name = "constant"
    label = "Constant"
    formula = r"W_{ij} = c"
    source = "torch.nn.init.constant_"

    value: Annotated[
        float,
        _Number,
        Setting("Value", symbol="c", help="The value of every weight.", usual=(-1.0, 1.0)),
    ] = 0.5

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        weight.fill_(self.value)

    def weight_mean(self, _place: Place) -> float:
        return self.value

    def weight_std(self, place: Place) -> float:
        return 0.0

    def weight_support(self, _place: Place) -> tuple[float, float]:
        return self.value, self.value


class Uniform(Scheme):
    """W ~ U(a, b); its mean is (a + b) / 2, so U(0, 1) is not centred."""

    scheme: Literal["uniform"] = "uniform"
    name = "uniform"
    label = "Uniform"
    formula = r"W_{ij} \sim \mathcal{U}(a, b)"
    source = "torch.nn.init.uniform_"
    names = ("random_uniform",)

    a: Annotated[
        float, _Number, Setting("Lower end", "a", "The least weight.", usual=(-1.0, 1.0))
    ] = -0.05
    b: Annotated[
        float, _Number, Setting("Upper end", "b", "The greatest weight.", usual=(-1.0, 1.0))
    ] = 0.05

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if self.a > self.b:
            raise ValueError(f"a = {self.a:g} is above b = {self.b:g}; allowed is a ≤ b")
        return self

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        weight.uniform_(self.a, self.b, generator=generator)

    def weight_mean(self, _place: Place) -> float:
        return (self.a + self.b) / 2

    def weight_std(self, place: Place) -> float:
        return (self.b - self.a) / math.sqrt(12)

    def weight_support(self, _place: Place) -> tuple[float, float]:
        return self.a, self.b


class Normal(Scheme):
    """W ~ N(0, σ²); the parameter is the standard deviation σ, not the variance."""

    scheme: Literal["normal"] = "normal"
    name = "normal"
    label = "Normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \sigma^2)"
    source = "torch.nn.init.normal_"
    names = ("random_normal", "gaussian")

    std: Annotated[
        float,
        _Size,
        Setting(
            "Standard deviation σ",
            symbol="σ",
            help="The standard deviation of every weight (not the variance).",
            usual=(1e-4, 2.0),
            logarithmic=True,
        ),
    ] = 0.01

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        weight.normal_(0.0, self.std, generator=generator)

    def weight_std(self, place: Place) -> float:
        return self.std


class FanScaled(Scheme):
    """A variance that follows the fans, drawn normal or uniform around 0.

    Subclasses give `std(place)`; `distribution` decides the shape: U(±√3 σ) and
    N(0, σ²) have the same standard deviation σ.
    """

    distribution: ClassVar[Literal["normal", "uniform"]]

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        std = self.weight_std(place)
        if self.distribution == "normal":
            weight.normal_(0.0, std, generator=generator)
        else:
            bound = math.sqrt(3.0) * std
            weight.uniform_(-bound, bound, generator=generator)

    def weight_support(self, place: Place) -> tuple[float, float]:
        if self.distribution == "normal":
            return super().weight_support(place)
        bound = math.sqrt(3.0) * self.weight_std(place)
        return -bound, bound


class Glorot(FanScaled):
    """σ² = g² · 2 / (fan_in + fan_out): between keeping the signal and keeping its gradient."""

    source = "Glorot & Bengio 2010, eq. 12 and 16"
    gain: Gain = 1.0

    def weight_std(self, place: Place) -> float:
        return self.gain * math.sqrt(2.0 / float(place.fan_in + place.fan_out))


class GlorotUniform(Glorot):
    """Glorot's variance, uniform."""

    scheme: Literal["glorot_uniform"] = "glorot_uniform"
    name = "glorot_uniform"
    label = "Glorot uniform"
    formula = r"W_{ij} \sim \mathcal{U}(\pm g\sqrt{\frac{6}{n_{in} + n_{out}}})"
    names = ("xavier_uniform", "xavier_uniform_")
    distribution = "uniform"


class GlorotNormal(Glorot):
    """Glorot's variance, normal (not truncated, unlike Keras's)."""

    scheme: Literal["glorot_normal"] = "glorot_normal"
    name = "glorot_normal"
    label = "Glorot normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, g^2\frac{2}{n_{in} + n_{out}})"
    names = ("xavier_normal", "xavier_normal_")
    distribution = "normal"


class He(FanScaled):
    """σ² = 2 / ((1 + s²) · fan): keeps the second moment through (leaky) ReLU of slope s."""

    source = "He, Zhang, Ren & Sun 2015, eq. 10, 14 and 15"
    mode: Annotated[
        Mode,
        Setting(
            "Fan",
            help="fan_in keeps the forward signal, fan_out the gradient's variance per unit.",
            advanced=True,
        ),
    ] = "fan_in"
    slope: Annotated[
        float,
        _Number,
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
        return gain / math.sqrt(place.fan_in if self.mode == "fan_in" else place.fan_out)


class HeUniform(He):
    """He's variance, uniform."""

    scheme: Literal["he_uniform"] = "he_uniform"
    name = "he_uniform"
    label = "He uniform"
    formula = r"W_{ij} \sim \mathcal{U}(\pm\sqrt{\frac{6}{(1 + s^2)\, n_{in}}})"
    names = ("kaiming_uniform", "kaiming_uniform_")
    distribution = "uniform"


class HeNormal(He):
    """He's variance, normal (not truncated, unlike Keras's)."""

    scheme: Literal["he_normal"] = "he_normal"
    name = "he_normal"
    label = "He normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \frac{2}{(1 + s^2)\, n_{in}})"
    names = ("kaiming_normal", "kaiming_normal_")
    distribution = "normal"


class LeCun(FanScaled):
    """σ² = 1 / fan_in: keeps the second moment of a linear layer."""

    source = "LeCun, Bottou, Orr & Müller 1998, eq. 16"

    def weight_std(self, place: Place) -> float:
        return 1.0 / math.sqrt(place.fan_in)


class LeCunUniform(LeCun):
    """LeCun's variance, uniform."""

    scheme: Literal["lecun_uniform"] = "lecun_uniform"
    name = "lecun_uniform"
    label = "LeCun uniform"
    formula = r"W_{ij} \sim \mathcal{U}(\pm\sqrt{\frac{3}{n_{in}}})"
    distribution = "uniform"


class LeCunNormal(LeCun):
    """LeCun's variance, normal (not truncated, unlike Keras's)."""

    scheme: Literal["lecun_normal"] = "lecun_normal"
    name = "lecun_normal"
    label = "LeCun normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \frac{1}{n_{in}})"
    distribution = "normal"


class Orthogonal(Scheme):
    """W = g Q with orthonormal rows or columns (whichever are fewer), uniform over such Q."""

    scheme: Literal["orthogonal"] = "orthogonal"
    name = "orthogonal"
    label = "Orthogonal"
    formula = r"W = g\,Q, \quad Q^\top Q = I\ \mathrm{or}\ Q Q^\top = I"
    source = "Saxe, McClelland & Ganguli 2014; torch.nn.init.orthogonal_"
    names = ("orthogonal_",)
    gain: Gain = 1.0

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        from torch.nn import init

        init.orthogonal_(weight, self.gain, generator=generator)

    def weight_std(self, place: Place) -> float:
        # g² · min(rows, columns) is the squared norm, spread over rows · columns entries.
        return self.gain / math.sqrt(max(place.fan_in, place.fan_out))

    def weight_support(self, _place: Place) -> tuple[float, float]:
        return -self.gain, self.gain


class PyTorchDefault(FanScaled):
    """What `nn.Linear` does by itself: U(±1/√fan_in), variance 1/(3 fan_in), biases likewise.

    PyTorch writes it as `kaiming_uniform_(a=√5)`; it is not He's scheme.
    """

    scheme: Literal["pytorch_default"] = "pytorch_default"
    name = "pytorch_default"
    label = "PyTorch's default"
    formula = r"W_{ij}, b_i \sim \mathcal{U}(\pm\frac{1}{\sqrt{n_{in}}})"
    source = "torch.nn.Linear.reset_parameters"
    distribution = "uniform"
    bias: Annotated[
        float,
        Limits(ge=-1e30, le=1e30),
        Setting(
            "Bias shift",
            symbol="b",
            help="Added to the biases, which this scheme draws like the weights.",
            advanced=True,
        ),
    ] = 0.0

    def weight_std(self, place: Place) -> float:
        return math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / math.sqrt(place.fan_in)

    def bias_std(self, place: Place) -> float:
        return 1.0 / math.sqrt(3.0 * place.fan_in)

    def draw_bias(self, bias: Tensor, place: Place, generator: Generator) -> None:
        bound = 1 / math.sqrt(place.fan_in)
        bias.uniform_(-bound, bound, generator=generator)
        if self.bias:
            bias.add_(self.bias)


_ENTRIES: tuple[type[Scheme], ...] = (
    Normal,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    LeCunUniform,
    Uniform,
    Constant,
    Zeros,
    Orthogonal,
    PyTorchDefault,
)

SCHEMES: dict[str, type[Scheme]] = {entry.name: entry for entry in _ENTRIES}
ALIASES: dict[str, str] = {alias: entry.name for entry in _ENTRIES for alias in entry.names}
