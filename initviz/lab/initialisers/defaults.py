"""What a layer gets in PyTorch and in Keras when nobody chooses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scaled import (
    FanScaled,
    bound_of,
    fan_of,
    pytorch_linear_std,
    variance_scaling,
)
from initviz.lab.initialisers.scheme import Scheme

if TYPE_CHECKING:
    from torch import Generator, Tensor


class PyTorchDefault(FanScaled):
    """What PyTorch's layers do by themselves: U(±1/√fan_in), variance 1/(3 fan_in), biases too.

    PyTorch writes it as `kaiming_uniform_(a=√5)`; it is not He's scheme. In recurrent layers
    every tensor is U(±1/√H), H being the layer's width, and so are both vectors of biases.
    """

    scheme: Literal["pytorch_default"] = "pytorch_default"
    name = "pytorch_default"
    label = "PyTorch's default"
    formula = r"W_{ij}, b_i \sim \mathcal{U}(\pm\frac{1}{\sqrt{n_{in}}})"
    source = "reset_parameters of torch.nn.Linear, Conv2d, RNN, LSTM and GRU"
    names = ("torch_default",)
    pytorch = "module.reset_parameters()"
    note = (
        "Biases are drawn too. Recurrent layers: U(±1/√n_out) for every tensor, and no bias for "
        "the forget gate."
    )
    drawn_from = "uniform"

    def piece(self, place: Place) -> Place:
        return place

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        if place.cell:
            bound = self.own_bias_bound(place)
            weight.uniform_(-bound, bound, generator=generator)
        else:
            super().draw(weight, place, generator)

    def weight_std(self, place: Place) -> float:
        return 1.0 / math.sqrt(3.0 * place.units) if place.cell else pytorch_linear_std(place)

    def own_bias_bound(self, place: Place) -> float:
        return 1.0 / math.sqrt(place.units if place.cell else place.fan_in)


class KerasDefault(Scheme):
    """What Keras's layers do by themselves: Glorot uniform, biases 0.

    The recurrent weight is orthogonal, both over all gates together, and the biases of an LSTM's
    forget gate are 1.
    """

    scheme: Literal["keras_default"] = "keras_default"
    name = "keras_default"
    label = "Keras's default"
    formula = r"W_{ij} \sim \mathcal{U}(\pm\sqrt{\frac{6}{n_{in} + n_{out}}}),\quad b_i = 0"
    source = "keras.layers.Dense, Conv2D, SimpleRNN, LSTM and GRU"
    keras = "Dense(n), Conv2D(n, k), SimpleRNN(n), LSTM(n), GRU(n)"
    note = "Recurrent weights are orthogonal, and the biases of an LSTM's forget gate are 1."

    def piece(self, place: Place) -> Place:
        return place

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        from torch.nn import init

        if place.role == "recurrent":
            init.orthogonal_(weight, generator=generator)
        else:
            variance_scaling(weight, self.weight_std(place), "uniform", generator)

    def weight_std(self, place: Place) -> float:
        if place.role == "recurrent":
            return 1.0 / math.sqrt(max(place.shape[0], place.fan_in))
        return math.sqrt(1.0 / fan_of(place, "fan_avg"))

    def weight_support(self, place: Place) -> tuple[float, float]:
        if place.role == "recurrent":
            return -1.0, 1.0
        bound = bound_of(self.weight_std(place), "uniform")
        return -bound, bound

    def own_forget_bias(self) -> float:
        return 1.0
