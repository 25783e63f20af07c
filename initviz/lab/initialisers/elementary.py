"""Schemes that ignore the fans: constants, uniform and normal draws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import model_validator

from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scheme import Number, Scheme, Size
from initviz.lab.settings import Setting

if TYPE_CHECKING:
    from torch import Generator, Tensor


class Zeros(Scheme):
    """W = 0."""

    scheme: Literal["zeros"] = "zeros"
    name = "zeros"
    label = "Zeros"
    formula = r"W_{ij} = 0"
    source = "Rumelhart, Hinton & Williams 1986, on why not: symmetry is never broken"
    names = ("zeros_", "keras.zeros")
    pytorch = "nn.init.zeros_(w)"
    keras = "Zeros()"

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
    source = "Rumelhart, Hinton & Williams 1986, on why not: symmetry is never broken"
    names = ("constant_",)
    pytorch = "nn.init.constant_(w, value)"
    keras = "Constant(value)"

    value: Annotated[
        float,
        Number,
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
    source = "torch.nn.init.uniform_; Keras's RandomUniform, whose default bounds stand here"
    names = ("uniform_", "random_uniform", "keras.random_uniform")
    pytorch = "nn.init.uniform_(w, a, b)"
    keras = "RandomUniform(a, b)"

    a: Annotated[
        float, Number, Setting("Lower end", "a", "The least weight.", usual=(-1.0, 1.0))
    ] = -0.05
    b: Annotated[
        float, Number, Setting("Upper end", "b", "The greatest weight.", usual=(-1.0, 1.0))
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


STD = Setting(
    "Standard deviation σ",
    symbol="σ",
    help="The standard deviation of every weight (not the variance).",
    usual=(1e-4, 2.0),
    logarithmic=True,
)


class _Gaussian(Scheme):
    """W ~ N(0, σ²)."""

    std: Annotated[float, Size, STD] = 0.01

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        weight.normal_(0.0, self.std, generator=generator)

    def weight_std(self, place: Place) -> float:
        return self.std


class Normal(_Gaussian):
    """W ~ N(0, σ²); the parameter is the standard deviation σ, not the variance."""

    scheme: Literal["normal"] = "normal"
    name = "normal"
    label = "Normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \sigma^2)"
    source = "torch.nn.init.normal_; 0.01: Krizhevsky, Sutskever & Hinton 2012, section 5"
    names = ("normal_", "random_normal", "gaussian")
    pytorch = "nn.init.normal_(w, std=std)"
    keras = "RandomNormal(stddev=std)"


class KerasRandomNormal(_Gaussian):
    """The same with Keras's own default, σ = 0.05."""

    scheme: Literal["keras.random_normal"] = "keras.random_normal"
    name = "keras.random_normal"
    label = "Keras: random normal"
    formula = r"W_{ij} \sim \mathcal{N}(0, \sigma^2)"
    source = "keras.initializers.RandomNormal"
    pytorch = "nn.init.normal_(w, std=std)"
    keras = "RandomNormal(stddev=std)"

    std: Annotated[float, Size, STD] = 0.05
