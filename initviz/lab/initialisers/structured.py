"""Weights with a structure: orthogonal, identity, sparse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field as Limits

from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scheme import Gained, Scheme, Size
from initviz.lab.settings import Setting

if TYPE_CHECKING:
    from torch import Generator, Tensor


def centre(weight: Tensor) -> Tensor:
    """The tap of a kernel that looks at a unit's own position, (out, in); a matrix is its own."""
    for size in reversed(weight.shape[2:]):
        weight = weight.select(-1, size // 2)
    return weight


class _Orthogonal(Gained):
    """W = g Q with orthonormal rows or columns, whichever are fewer."""

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        from torch.nn import init

        init.orthogonal_(weight, self.gain_at(place), generator=generator)

    def weight_std(self, place: Place) -> float:
        # g² · min(rows, columns) is the squared norm, spread over rows · columns entries.
        return self.gain_at(place) / math.sqrt(max(self.piece(place).shape[0], place.fan_in))

    def weight_support(self, place: Place) -> tuple[float, float]:
        gain = self.gain_at(place)
        return -gain, gain


class Orthogonal(_Orthogonal):
    """W = g Q with orthonormal rows or columns (whichever are fewer), uniform over such Q."""

    scheme: Literal["orthogonal"] = "orthogonal"
    name = "orthogonal"
    label = "Orthogonal"
    formula = r"W = g\,Q, \quad Q^\top Q = I\ \mathrm{or}\ Q Q^\top = I"
    source = "Saxe, McClelland & Ganguli 2014; torch.nn.init.orthogonal_"
    names = ("orthogonal_",)
    pytorch = "nn.init.orthogonal_(w, gain)"
    keras = "Orthogonal(gain)"


class KerasOrthogonal(_Orthogonal):
    """The same, over the whole kernel where a layer has several gates."""

    scheme: Literal["keras.orthogonal"] = "keras.orthogonal"
    name = "keras.orthogonal"
    label = "Keras: orthogonal"
    formula = r"W = g\,Q, \quad Q^\top Q = I\ \mathrm{or}\ Q Q^\top = I"
    source = "keras.initializers.Orthogonal; Saxe, McClelland & Ganguli 2014"
    pytorch = "nn.init.orthogonal_(w, gain)"
    keras = "Orthogonal(gain)"
    note = "In LSTM and GRU layers all gates together are orthogonal, as in Keras."

    def piece(self, place: Place) -> Place:
        return place


class DeltaOrthogonal(Gained):
    """The centre tap of a convolution is g Q with orthonormal columns, all others are 0."""

    scheme: Literal["delta_orthogonal"] = "delta_orthogonal"
    name = "delta_orthogonal"
    label = "Delta-orthogonal"
    formula = r"W_{centre} = g\,Q, \quad Q^\top Q = I, \quad W_{others} = 0"
    source = "Xiao, Bahri, Sohl-Dickstein, Schoenholz & Pennington 2018"
    note = "For convolutions with at least as many channels out as in; elsewhere it is orthogonal."

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        from torch.nn import init

        outs, ins = place.shape[:2]
        if len(place.shape) > 2 and outs < ins:
            raise ValueError(
                f"{place.name}: delta_orthogonal needs at least as many channels out as in, and "
                f"here are {outs} out and {ins} in: make the layer at least {ins} wide, or choose "
                "orthogonal"
            )
        weight.zero_()
        matrix = weight.new_empty(outs, ins)
        init.orthogonal_(matrix, self.gain_at(place), generator=generator)
        centre(weight).copy_(matrix)

    def weight_std(self, place: Place) -> float:
        outs, ins = self.piece(place).shape[:2]
        taps = place.fan_in / ins
        return self.gain_at(place) / math.sqrt(max(outs, ins) * taps)

    def weight_support(self, place: Place) -> tuple[float, float]:
        gain = self.gain_at(place)
        return -gain, gain


class _Copying(Scheme):
    """Ones on the diagonal of the centre tap: as many inputs are handed on as possible."""

    def scale(self) -> float:
        """What an input is multiplied by."""
        return 1.0

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        weight.zero_()
        centre(weight).fill_diagonal_(self.scale())

    def weight_mean(self, place: Place) -> float:
        return self.scale() * self._share(place)

    def weight_std(self, place: Place) -> float:
        share = self._share(place)
        return self.scale() * math.sqrt(share * (1.0 - share))

    def weight_support(self, _place: Place) -> tuple[float, float]:
        return 0.0, self.scale()

    def _share(self, place: Place) -> float:
        """The share of entries that are not 0."""
        piece = self.piece(place)
        return min(piece.shape[:2]) / piece.size


class Identity(_Copying):
    """W = g I, in a convolution at the centre tap."""

    scheme: Literal["identity"] = "identity"
    name = "identity"
    label = "Identity"
    formula = r"W = g\,I"
    source = "Le, Jaitly & Hinton 2015, for recurrent weights; torch.nn.init.eye_"
    names = ("eye", "eye_")
    pytorch = "nn.init.eye_(w).mul_(gain)"
    keras = "Identity(gain)"
    note = "Nothing is random: units differ only where the data differ."

    gain: Annotated[
        float,
        Size,
        Setting(
            "Gain",
            symbol="g",
            help="What every input is multiplied by.",
            usual=(0.1, 4.0),
            advanced=True,
        ),
    ] = 1.0

    def scale(self) -> float:
        return self.gain


class Dirac(_Copying):
    """The identity for convolutions: each channel is handed on as it is."""

    scheme: Literal["dirac"] = "dirac"
    name = "dirac"
    label = "Dirac"
    formula = r"W_{centre} = I, \quad W_{others} = 0"
    source = "torch.nn.init.dirac_; Zagoruyko & Komodakis 2017"
    names = ("dirac_",)
    pytorch = "nn.init.dirac_(w)"
    note = "For convolutions; elsewhere it is the identity."


class Sparse(Scheme):
    """Of the weights that read one input, a share is 0; the others are N(0, σ²)."""

    scheme: Literal["sparse"] = "sparse"
    name = "sparse"
    label = "Sparse"
    formula = r"W_{ij} \sim \mathcal{N}(0, \sigma^2)\ \mathrm{or}\ 0"
    source = "Martens 2010, section 5; torch.nn.init.sparse_"
    names = ("sparse_",)
    pytorch = "nn.init.sparse_(w, sparsity, std)"

    sparsity: Annotated[
        float,
        Limits(ge=0.0, le=1.0),
        Setting(
            "Sparsity", symbol="s", help="The share of zeros in each column.", usual=(0.0, 1.0)
        ),
    ] = 0.9
    std: Annotated[
        float,
        Size,
        Setting(
            "Standard deviation σ",
            symbol="σ",
            help="The standard deviation of the weights that are not 0.",
            usual=(1e-4, 2.0),
            logarithmic=True,
        ),
    ] = 0.01

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        import torch

        # torch.nn.init.sparse_ with its choice of rows from the same generator.
        weight.normal_(0.0, self.std, generator=generator)
        rows, zeros = place.shape[0], self._zeros(place)
        for column in weight.flatten(1).T:
            column[torch.randperm(rows, generator=generator)[:zeros]] = 0.0

    def _zeros(self, place: Place) -> int:
        return math.ceil(self.sparsity * place.shape[0])

    def weight_std(self, place: Place) -> float:
        piece = self.piece(place)
        return self.std * math.sqrt(1.0 - self._zeros(piece) / piece.shape[0])
