"""What to run: a frozen, validated, versioned value that is also text.

`Experiment.from_toml(e.to_toml()) == e` for every experiment, every setting has a default, and a
mistake is answered by one `ValueError` that names the key, the value and what is allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import tomli_w
from pydantic import Discriminator, Tag, ValidationError, model_validator
from pydantic import Field as Limits

from initviz.lab import activations, datasets, initialisers, optimisers
from initviz.lab.initialisers import SCHEMES, Scheme
from initviz.lab.settings import (
    Choice,
    Field,
    Part,
    Setting,
    Value,
    describe_error,
    fields_of,
    shown,
)

VERSION = 1
#: More parameters than this would need over 1 GB for the weights alone.
MAX_PARAMETERS = 250_000_000
#: The parser needs memory by the square of a dotted key's length: a tenth of a GB at this one.
MAX_TEXT = 10_000


def _labels(table: Mapping[str, Any]) -> dict[str, str]:
    return {name: entry.label for name, entry in table.items()}


class Network(Part):
    """The network: how many layers of which width, and what stands between them."""

    architecture: Annotated[
        Literal["mlp"],
        Setting("Architecture", help="mlp: fully connected layers.", visible=lambda _: False),
    ] = "mlp"
    activation: Annotated[
        str,
        Choice(_labels(activations.ACTIVATIONS), activations.ALIASES),
        Setting("Activation", symbol="φ", help="The function after every hidden layer."),
    ] = "tanh"
    slope: Annotated[
        float,
        Limits(ge=-1e3, le=1e3),
        Setting(
            "Slope for z < 0",
            symbol="s",
            help="The slope of the leaky ReLU below 0.",
            usual=(0.0, 1.0),
            visible=lambda network: activations.ACTIVATIONS[network.activation].has_slope,
        ),
    ] = 0.01
    hidden_layers: Annotated[
        int,
        Limits(ge=1, le=1000),
        Setting("Hidden layers", symbol="L", help="How many hidden layers.", usual=(1, 30)),
    ] = 10
    width: Annotated[
        int,
        Limits(ge=1, le=4096),
        Setting("Width", symbol="n", help="Units in each hidden layer.", usual=(1, 256)),
    ] = 100
    normalisation: Annotated[
        str,
        Choice({"none": "None", "batch": "Batch", "layer": "Layer"}, {}),
        Setting("Normalisation", help="Normalises z before φ, with batch or layer statistics."),
    ] = "none"
    residual: Annotated[
        bool,
        Setting(
            "Residual connections",
            help="From hidden 2 on, each layer adds its output to what it was given.",
            advanced=True,
        ),
    ] = False
    branch_scale: Annotated[
        float,
        Limits(ge=-1e3, le=1e3),
        Setting(
            "Branch scale",
            symbol="α",
            help="What a layer adds is multiplied by this: 1, 1/√L, 0 or any other number.",
            usual=(0.0, 1.0),
            advanced=True,
            visible=lambda network: network.residual,
        ),
    ] = 1.0
    dropout: Annotated[
        float,
        Limits(ge=0.0, le=0.99),
        Setting(
            "Dropout",
            symbol="p",
            help="The share of activations set to 0 at each training step.",
            usual=(0.0, 0.9),
            advanced=True,
        ),
    ] = 0.0


class Training(Part):
    """The data, the loss and the steps taken against it."""

    data: Annotated[
        str,
        Choice(_labels(datasets.DATASETS), {}),
        Setting("Data", help="What the network learns; 80 % to train on, 20 % to test."),
    ] = "digits"
    scaling: Annotated[
        str,
        Choice(_labels(datasets.SCALINGS), {"standardized": "standardised"}),
        Setting(
            "Scaling",
            help="How each input is scaled, with the training part's statistics.",
            advanced=True,
        ),
    ] = "standardised"
    loss: Annotated[
        str,
        Choice({"cross_entropy": "Cross-entropy", "mse": "Mean squared error"}, {}),
        Setting("Loss", symbol="L", help="The mean over the batch.", advanced=True),
    ] = "cross_entropy"
    optimiser: Annotated[
        str,
        Choice(_labels(optimisers.OPTIMISERS), {}),
        Setting("Optimiser", help="SGD: Robbins & Monro 1951. Adam: Kingma & Ba 2015."),
    ] = "sgd"
    learning_rate: Annotated[
        float,
        Limits(ge=0.0, le=1e30),
        Setting(
            "Learning rate",
            symbol="η",
            help="How far a step goes along the negative gradient.",
            usual=(1e-4, 1.0),
            logarithmic=True,
        ),
    ] = 0.05
    momentum: Annotated[
        float,
        Limits(ge=0.0, le=1.0),
        Setting(
            "Momentum",
            symbol="μ",
            help="How much of the step before is kept (Polyak 1964).",
            usual=(0.0, 0.99),
            advanced=True,
            visible=lambda training: training.optimiser == "sgd",
        ),
    ] = 0.0
    batch_size: Annotated[
        int,
        Limits(ge=1, le=4096),
        Setting(
            "Batch size",
            symbol="B",
            help="Samples in a step; never more than there are to train on.",
            usual=(1, 512),
            advanced=True,
        ),
    ] = 64


class Run(Part):
    """Where the run's randomness starts and what it is computed on."""

    seed: Annotated[
        int,
        Limits(ge=0, le=2**31 - 1),
        Setting("Seed", help="The same seed gives the same run, bit for bit.", usual=(0, 99)),
    ] = 0
    device: Annotated[
        str,
        Choice({"auto": "Automatic", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}, {}),
        Setting("Device", help="Automatic takes a GPU where there is one.", advanced=True),
    ] = "auto"
    precision: Annotated[
        Literal["float32", "float64"],
        Setting(
            "Precision",
            help="float64 keeps the exact symmetry of a constant start (not on MPS).",
            advanced=True,
        ),
    ] = "float32"


def _scheme_of(given: Any) -> str:
    if isinstance(given, Scheme):
        return given.name
    name = given.get("scheme", "normal") if isinstance(given, Mapping) else "normal"
    # What is no text is no scheme; it is quoted from the input, whatever it is.
    return initialisers.ALIASES.get(name, name) if isinstance(name, str) else ""


def _canonical_scheme(given: Any) -> Any:
    named = isinstance(given, Mapping) and isinstance(given.get("scheme"), str)
    return {**given, "scheme": _scheme_of(given)} if named else given


if TYPE_CHECKING:
    AnyScheme = Scheme
else:
    AnyScheme = Annotated[
        # A linter that rewrites this one breaks it: the members are known only here.
        Union[tuple(Annotated[scheme, Tag(name)] for name, scheme in SCHEMES.items())],  # noqa: UP007
        Discriminator(_scheme_of),
    ]


class Experiment(Part):
    """Everything that decides a run. Equal experiments give equal runs."""

    version: Annotated[int, Limits(ge=1, le=VERSION)] = VERSION
    title: Annotated[str, Limits(max_length=200), Setting("Title")] = ""
    network: Network = Network()
    initialiser: AnyScheme = initialisers.Normal()
    training: Training = Training()
    run: Run = Run()

    @model_validator(mode="before")
    @classmethod
    def _resolve_scheme_alias(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "initialiser" in data:
            return {**data, "initialiser": _canonical_scheme(data["initialiser"])}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        if self.network.normalisation == "batch" and self.training.batch_size < 2:
            raise ValueError(
                "training.batch_size = 1 is not allowed with network.normalisation = 'batch': "
                "at least 2"
            )
        size = self.network.hidden_layers * self.network.width**2
        if size > MAX_PARAMETERS:
            raise ValueError(
                f"network.width = {self.network.width} with network.hidden_layers = "
                f"{self.network.hidden_layers} is not allowed: {size:.2g} weights, of at most "
                f"{MAX_PARAMETERS:.2g}"
            )
        return self

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Experiment:
        """An experiment from nested tables, as a TOML file holds them.

        Raises:
            ValueError: one line that names the key, the value and what is allowed.
        """
        version = data.get("version", VERSION)
        if isinstance(version, int) and version > VERSION:
            raise ValueError(
                f"version = {shown(version)} is newer than this program understands: "
                f"at most {VERSION}"
            )
        try:
            return cls.model_validate(_with_floats(cls, data))
        except ValidationError as error:
            raise ValueError(
                describe_error(error, cls, SCHEMES, [*SCHEMES, *initialisers.ALIASES])
            ) from None

    @classmethod
    def from_toml(cls, text: str) -> Experiment:
        """An experiment from the text of a TOML file.

        Raises:
            ValueError: one line that names the key, the value and what is allowed, or the line
                and column where the text is no TOML.
        """
        if len(text) > MAX_TEXT:
            raise ValueError(
                f"a text of {len(text)} characters is no experiment: at most {MAX_TEXT} are allowed"
            )
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not valid TOML: {_first_line(error)}") from None
        return cls.from_dict(data)

    def to_toml(self) -> str:
        """The whole experiment as TOML, every setting written out."""
        return tomli_w.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The whole experiment as nested tables."""
        return self.model_dump(mode="python")

    def fields(self) -> tuple[Field, ...]:
        """Every setting, ready for a form, the scheme's parameters included."""
        scheme = Field(
            "initialiser.scheme",
            self.initialiser.name,
            "choice",
            Setting("Scheme", help="How the weights are drawn before the first step."),
            choices=tuple(_labels(SCHEMES).items()),
        )
        return (
            scheme,
            *fields_of(self.initialiser, "initialiser"),
            *fields_of(self.network, "network"),
            *fields_of(self.training, "training"),
            *fields_of(self.run, "run"),
        )

    def is_visible(self, field: Field) -> bool:
        """Whether a setting has any effect, given the others."""
        return field.setting.visible(getattr(self, field.key.split(".")[0]))

    def with_value(self, key: str, value: Value) -> Experiment:
        """A copy with one setting changed, `key` dotted as in "network.width".

        A new scheme keeps the parameters that it shares with the old one.

        Raises:
            ValueError: as `from_dict`.
        """
        section, _, name = key.partition(".")
        data = self.to_dict()
        if not name:
            data[section] = value
        elif not isinstance(data.get(section), dict):
            raise ValueError(f"{key} = {value!r}: unknown key; a key is written section.name")
        elif key == "initialiser.scheme":
            resolved = initialisers.ALIASES.get(str(value), str(value))
            known = SCHEMES[resolved].model_fields if resolved in SCHEMES else {}
            kept = {k: v for k, v in data[section].items() if k in known}
            data[section] = {**kept, "scheme": resolved}
        else:
            data[section][name] = value
        return self.from_dict(data)


@dataclass(frozen=True)
class Difference:
    """One setting in which two experiments differ; a value is None where a side lacks it."""

    key: str
    a: Value | None
    b: Value | None


def differences(a: Experiment, b: Experiment) -> tuple[Difference, ...]:
    """The settings in which two experiments differ (the title is not one).

    Where the schemes differ, that is one difference: their parameters are not compared.
    """
    left, right = _flat(a), _flat(b)
    keys = [k for k in dict.fromkeys([*left, *right]) if left.get(k) != right.get(k)]
    if "initialiser.scheme" in keys:
        keys = [k for k in keys if k == "initialiser.scheme" or not k.startswith("initialiser.")]
    return tuple(Difference(k, left.get(k), right.get(k)) for k in keys)


def _flat(experiment: Experiment) -> dict[str, Value]:
    sections = {k: v for k, v in experiment.to_dict().items() if isinstance(v, dict)}
    return {f"{s}.{name}": value for s, part in sections.items() for name, value in part.items()}


def _with_floats(model: type[Part], data: Any) -> Any:
    """`data` with whole numbers made floats where a float is wanted: TOML tells 1 from 1.0."""
    if not isinstance(data, Mapping):
        return data
    fields = dict(model.model_fields)
    return {k: _as_wanted(fields[k].annotation, v) if k in fields else v for k, v in data.items()}


def _as_wanted(annotation: Any, value: Any) -> Any:
    if annotation is float and type(value) is int and abs(value) < 10**300:
        return float(value)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return _with_floats(annotation, value)
    if isinstance(value, Mapping) and _scheme_of(value) in SCHEMES:
        return _with_floats(SCHEMES[_scheme_of(value)], value)
    return value


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or ["too deeply nested"])[0]
