"""Activation functions: one table entry for each.

An entry says how the function is computed in a network (`module`), what it and its derivative
are in plain float64 (`function`, `derivative`; for drawings, theory and tests), and for which
pre-activations a unit counts as saturated or as inactive. A new activation is one more entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from initviz.lab import normal

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[np.float64]

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@dataclass(frozen=True)
class Activation:
    """One activation function φ.

    `slope` is the parameter of leaky ReLU and where that of PReLU starts; every callable takes it
    and most ignore it. At a kink `derivative` is what PyTorch passes back there.

    `saturated` is the interval of pre-activations *inside* which abs φ′ is at least 5 % of its
    maximum: at its ends and beyond them a unit is saturated (DESIGN section 4). `inactive` is the
    largest z with φ′ = 0 on everything below it. None where the notion does not apply to φ.

    `kinks` are the points at which φ′ or φ″ jumps (an integral over φ must be split there), and
    `period` is φ's, if it has one (an integral must follow it).
    """

    name: str
    label: str
    formula: str
    derivative_formula: str
    source: str
    function: Callable[[Array, float], Array]
    derivative: Callable[[Array, float], Array]
    module: Callable[[float], nn.Module]
    saturated: tuple[float, float] | None = None
    inactive: float | None = None
    kinks: tuple[float, ...] = ()
    period: float | None = None
    aliases: tuple[str, ...] = ()
    has_slope: bool = False


def _sigmoid(z: Array) -> Array:
    # The two branches keep exp from overflowing on either side.
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _sigmoid_slope(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


def _tanh_slope(z: Array) -> Array:
    return 4.0 * _sigmoid_slope(2.0 * z)


def _elu(z: Array, alpha: float) -> Array:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)))


def _elu_slope(z: Array, alpha: float) -> Array:
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0)))


def _softplus(z: Array) -> Array:
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _mish(z: Array) -> Array:
    return z * _mish_gate(z)[0]


def _mish_slope(z: Array) -> Array:
    gate, gate_slope = _mish_gate(z)
    return gate + z * gate_slope


def _mish_gate(z: Array) -> tuple[Array, Array]:
    """tanh(softplus z) and its derivative, as fractions in e^{−|z|}."""
    e = np.exp(-np.abs(z))
    right, left = 1.0 + 2.0 * e + 2.0 * e * e, 2.0 + 2.0 * e + e * e
    gate = np.where(z >= 0, (1.0 + 2.0 * e) / right, e * (e + 2.0) / left)
    slope = np.where(z >= 0, e * (1.0 + e) * e / right**2, (1.0 + e) * e / left**2)
    return gate, 4.0 * slope


def _torch_module(name: str, **arguments: float) -> Callable[[float], nn.Module]:
    def build(_slope: float) -> nn.Module:
        from torch import nn  # torch loads when the first network is built

        module: nn.Module = getattr(nn, name)(**arguments)
        return module

    return build


def _leaky_module(slope: float) -> nn.Module:
    from torch import nn

    return nn.LeakyReLU(slope)


def _prelu_module(slope: float) -> nn.Module:
    from torch import nn

    return nn.PReLU(init=slope)


def _sine_module(_slope: float) -> nn.Module:
    from initviz.lab.sine import Sine

    return Sine()


# Where φ′ falls to 5 % of its maximum. Sigmoid: s(1 − s) = 0.05 / 4; tanh: 1 − t² = 0.05;
# softsign: 1 / (1 + |z|)² = 0.05.
_SIGMOID_FLAT = math.log((1 + math.sqrt(0.95)) / (1 - math.sqrt(0.95)))
_TANH_FLAT = math.atanh(math.sqrt(0.95))
_SOFTSIGN_FLAT = math.sqrt(20.0) - 1.0

_ENTRIES = (
    Activation(
        name="sigmoid",
        label="Sigmoid",
        formula=r"\varphi(z) = \frac{1}{1 + e^{-z}}",
        derivative_formula=r"\varphi'(z) = \varphi(z)\,(1 - \varphi(z)) \leq \frac{1}{4}",
        source="Rumelhart, Hinton & Williams 1986",
        function=lambda z, _: _sigmoid(z),
        derivative=lambda z, _: _sigmoid_slope(z),
        module=_torch_module("Sigmoid"),
        saturated=(-_SIGMOID_FLAT, _SIGMOID_FLAT),
        aliases=("logistic",),
    ),
    Activation(
        name="tanh",
        label="tanh",
        formula=r"\varphi(z) = \tanh z",
        derivative_formula=r"\varphi'(z) = 1 - \tanh^2 z \leq 1",
        source="LeCun, Bottou, Orr & Müller 1998, section 4.4",
        function=lambda z, _: np.tanh(z),
        derivative=lambda z, _: _tanh_slope(z),
        module=_torch_module("Tanh"),
        saturated=(-_TANH_FLAT, _TANH_FLAT),
    ),
    Activation(
        name="relu",
        label="ReLU",
        formula=r"\varphi(z) = \max(0, z)",
        derivative_formula=r"\varphi'(z) = 1\ (z > 0),\ 0\ (z \leq 0)",
        source="Nair & Hinton 2010",
        function=lambda z, _: np.maximum(z, 0.0),
        derivative=lambda z, _: np.where(z > 0, 1.0, 0.0),
        module=_torch_module("ReLU"),
        inactive=0.0,
        kinks=(0.0,),
    ),
    Activation(
        name="leaky_relu",
        label="Leaky ReLU",
        formula=r"\varphi(z) = z\ (z > 0),\ s z\ (z \leq 0)",
        derivative_formula=r"\varphi'(z) = 1\ (z > 0),\ s\ (z \leq 0)",
        source="Maas, Hannun & Ng 2013",
        function=lambda z, s: np.where(z > 0, z, s * z),
        derivative=lambda z, s: np.where(z > 0, 1.0, s),
        module=_leaky_module,
        kinks=(0.0,),
        aliases=("leakyrelu",),
        has_slope=True,
    ),
    Activation(
        name="prelu",
        label="PReLU",
        formula=r"\varphi(z) = z\ (z > 0),\ s z\ (z \leq 0),\ s\ \mathrm{learned}",
        derivative_formula=r"\varphi'(z) = 1\ (z > 0),\ s\ (z \leq 0)",
        source="He, Zhang, Ren & Sun 2015, eq. 1",
        function=lambda z, s: np.where(z > 0, z, s * z),
        derivative=lambda z, s: np.where(z > 0, 1.0, s),
        module=_prelu_module,
        kinks=(0.0,),
        aliases=("parametric_relu", "p_relu"),
        has_slope=True,
    ),
    Activation(
        name="relu6",
        label="ReLU6",
        formula=r"\varphi(z) = \min(\max(0, z), 6)",
        derivative_formula=r"\varphi'(z) = 1\ (0 < z < 6),\ 0\ \mathrm{elsewhere}",
        source="Krizhevsky 2010",
        function=lambda z, _: np.clip(z, 0.0, 6.0),
        derivative=lambda z, _: np.where((z > 0) & (z < 6), 1.0, 0.0),
        module=_torch_module("ReLU6"),
        saturated=(-math.inf, 6.0),
        inactive=0.0,
        kinks=(0.0, 6.0),
        aliases=("relu_6",),
    ),
    Activation(
        name="elu",
        label="ELU",
        formula=r"\varphi(z) = z\ (z > 0),\ e^z - 1\ (z \leq 0)",
        derivative_formula=r"\varphi'(z) = 1\ (z > 0),\ e^z\ (z \leq 0)",
        source="Clevert, Unterthiner & Hochreiter 2016, eq. 14",
        function=lambda z, _: _elu(z, 1.0),
        derivative=lambda z, _: _elu_slope(z, 1.0),
        module=_torch_module("ELU"),
        kinks=(0.0,),
    ),
    Activation(
        name="selu",
        label="SELU",
        formula=r"\varphi(z) = \lambda z\ (z > 0),\ \lambda\alpha(e^z - 1)\ (z \leq 0)",
        derivative_formula=r"\varphi'(z) = \lambda\ (z > 0),\ \lambda\alpha e^z\ (z \leq 0)",
        source="Klambauer, Unterthiner, Mayr & Hochreiter 2017, eq. 2",
        function=lambda z, _: SELU_SCALE * _elu(z, SELU_ALPHA),
        derivative=lambda z, _: SELU_SCALE * _elu_slope(z, SELU_ALPHA),
        module=_torch_module("SELU"),
        kinks=(0.0,),
    ),
    Activation(
        name="gelu",
        label="GELU",
        formula=r"\varphi(z) = z\,\Phi(z)",
        derivative_formula=r"\varphi'(z) = \Phi(z) + z\,\phi(z)",
        source="Hendrycks & Gimpel 2016",
        function=lambda z, _: z * normal.cdf(z),
        derivative=lambda z, _: normal.cdf(z) + z * normal.pdf(z),
        module=_torch_module("GELU"),
    ),
    Activation(
        name="silu",
        label="SiLU",
        formula=r"\varphi(z) = z\,\sigma(z)",
        derivative_formula=r"\varphi'(z) = \sigma(z)\,(1 + z\,(1 - \sigma(z)))",
        source="Elfwing, Uchibe & Doya 2018, eq. 5",
        function=lambda z, _: z * _sigmoid(z),
        derivative=lambda z, _: _sigmoid(z) + z * _sigmoid_slope(z),
        module=_torch_module("SiLU"),
        aliases=("swish",),
    ),
    Activation(
        name="mish",
        label="Mish",
        formula=r"\varphi(z) = z\,\tanh(\ln(1 + e^z))",
        derivative_formula=(r"\varphi'(z) = t + z\,\sigma(z)\,(1 - t^2),\ t = \tanh(\ln(1 + e^z))"),
        source="Misra 2020",
        function=lambda z, _: _mish(z),
        derivative=lambda z, _: _mish_slope(z),
        module=_torch_module("Mish"),
    ),
    Activation(
        name="softplus",
        label="Softplus",
        formula=r"\varphi(z) = \ln(1 + e^z)",
        derivative_formula=r"\varphi'(z) = \sigma(z)",
        source="Dugas, Bengio, Bélisle, Nadeau & Garcia 2001",
        function=lambda z, _: _softplus(z),
        derivative=lambda z, _: _sigmoid(z),
        # PyTorch goes over to φ(z) = z at 20, which is 2e-9 off; at 40 no double is.
        module=_torch_module("Softplus", threshold=40.0),
        aliases=("soft_plus",),
    ),
    Activation(
        name="softsign",
        label="Softsign",
        formula=r"\varphi(z) = \frac{z}{1 + |z|}",
        derivative_formula=r"\varphi'(z) = (1 + |z|)^{-2} \leq 1",
        source="Bergstra, Desjardins, Lamblin & Bengio 2009",
        function=lambda z, _: z / (1.0 + np.abs(z)),
        derivative=lambda z, _: (1.0 / (1.0 + np.abs(z))) ** 2,
        module=_torch_module("Softsign"),
        saturated=(-_SOFTSIGN_FLAT, _SOFTSIGN_FLAT),
        kinks=(0.0,),
        aliases=("soft_sign",),
    ),
    Activation(
        name="hardtanh",
        label="Hard tanh",
        formula=r"\varphi(z) = \max(-1, \min(z, 1))",
        derivative_formula=r"\varphi'(z) = 1\ (-1 < z < 1),\ 0\ \mathrm{elsewhere}",
        source="Collobert 2004",
        function=lambda z, _: np.clip(z, -1.0, 1.0),
        derivative=lambda z, _: np.where((z > -1) & (z < 1), 1.0, 0.0),
        module=_torch_module("Hardtanh"),
        saturated=(-1.0, 1.0),
        kinks=(-1.0, 1.0),
        aliases=("hard_tanh",),
    ),
    Activation(
        name="sine",
        label="Sine",
        formula=r"\varphi(z) = \sin z",
        derivative_formula=r"\varphi'(z) = \cos z",
        source="Sitzmann, Martel, Bergman, Lindell & Wetzstein 2020",
        function=lambda z, _: np.sin(z),
        derivative=lambda z, _: np.cos(z),
        module=_sine_module,
        period=2.0 * math.pi,
        aliases=("sin", "siren"),
    ),
    Activation(
        name="identity",
        label="Identity (linear)",
        formula=r"\varphi(z) = z",
        derivative_formula=r"\varphi'(z) = 1",
        source="Saxe, McClelland & Ganguli 2014",
        function=lambda z, _: z.copy(),
        derivative=lambda z, _: np.ones_like(z),
        module=_torch_module("Identity"),
        aliases=("linear", "none"),
    ),
)

ACTIVATIONS: dict[str, Activation] = {entry.name: entry for entry in _ENTRIES}
ALIASES: dict[str, str] = {alias: entry.name for entry in _ENTRIES for alias in entry.aliases}
