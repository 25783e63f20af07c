"""Weight initialisers: one class for each scheme, and one table of them.

A scheme is a value (its parameters) and an entry (label, formula, source, other libraries' names)
at once. It says how a weight is drawn, and which standard deviation each layer really gets.
Most named schemes are a variance over a fan and a distribution (`scaled.variance_scaling`).

Names without a prefix, and PyTorch's own, draw bit for bit what `torch.nn.init` draws from the
same generator; names that begin with `keras.` draw Keras's distribution. A `keras.` name is an
alias only where the two are the same distribution at every layer.
"""

from __future__ import annotations

from initviz.lab.initialisers.defaults import KerasDefault, PyTorchDefault
from initviz.lab.initialisers.elementary import (
    Constant,
    KerasRandomNormal,
    Normal,
    Uniform,
    Zeros,
)
from initviz.lab.initialisers.lsuv import LSUV
from initviz.lab.initialisers.own_formula import OwnFormula
from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scaled import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    InverseSqrtUniform,
    KerasGlorotNormal,
    KerasGlorotUniform,
    KerasHeNormal,
    KerasLeCunNormal,
    KerasVarianceScaling,
    LeCunNormal,
    LeCunUniform,
    VarianceScaling,
)
from initviz.lab.initialisers.scheme import Scheme
from initviz.lab.initialisers.structured import (
    DeltaOrthogonal,
    Dirac,
    Identity,
    KerasOrthogonal,
    Orthogonal,
    Sparse,
)
from initviz.lab.initialisers.truncated import KerasTruncatedNormal, TruncatedNormal

__all__ = [
    "ALIASES",
    "LSUV",
    "SCHEMES",
    "Constant",
    "DeltaOrthogonal",
    "Dirac",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "InverseSqrtUniform",
    "KerasDefault",
    "KerasGlorotNormal",
    "KerasGlorotUniform",
    "KerasHeNormal",
    "KerasLeCunNormal",
    "KerasOrthogonal",
    "KerasRandomNormal",
    "KerasTruncatedNormal",
    "KerasVarianceScaling",
    "LeCunNormal",
    "LeCunUniform",
    "Normal",
    "Orthogonal",
    "OwnFormula",
    "Place",
    "PyTorchDefault",
    "Scheme",
    "Sparse",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "Zeros",
]

#: The order is that of the form: what is used most comes first.
_ENTRIES: tuple[type[Scheme], ...] = (
    Normal,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LeCunNormal,
    LeCunUniform,
    Orthogonal,
    Uniform,
    Constant,
    Zeros,
    PyTorchDefault,
    KerasDefault,
    OwnFormula,
    TruncatedNormal,
    InverseSqrtUniform,
    VarianceScaling,
    LSUV,
    Identity,
    Dirac,
    DeltaOrthogonal,
    Sparse,
    KerasGlorotNormal,
    KerasGlorotUniform,
    KerasHeNormal,
    KerasLeCunNormal,
    KerasOrthogonal,
    KerasRandomNormal,
    KerasTruncatedNormal,
    KerasVarianceScaling,
)

SCHEMES: dict[str, type[Scheme]] = {entry.name: entry for entry in _ENTRIES}
ALIASES: dict[str, str] = {alias: entry.name for entry in _ENTRIES for alias in entry.names}
