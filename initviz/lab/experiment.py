"""What to run: a frozen, validated, versioned value that is also text.

`Experiment.from_toml(e.to_toml()) == e` for every experiment, every setting has a default, and a
mistake is answered by one `ValueError` that names the key, the value and what is allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import tomli_w
from pydantic import Discriminator, Tag, ValidationError, model_validator
from pydantic import Field as Limits

from initviz.lab import datasets, initialisers
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.datasets import DATASETS
from initviz.lab.initialisers import SCHEMES, Scheme
from initviz.lab.network_settings import (
    GATES,
    LayerSettings,
    Network,
    labels_of,
    layer_names,
    parameters,
)
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
from initviz.lab.training_settings import Training

VERSION = 1
#: More parameters than this would need over 1 GB for the weights alone.
MAX_PARAMETERS = 250_000_000
#: Activations of one batch in all hidden layers; each needs some 12 bytes in a pass.
MAX_ACTIVATIONS = 500_000_000
#: Layers that may have settings of their own.
MAX_LAYERS = 100
#: Layers, from the data on, for which a formula is worked out before the network is built.
MAX_CHECKED = 20
#: An experiment with all of its layers written out, a formula in each.
MAX_TEXT = 200_000
#: The parser needs memory by the square of a dotted key's length: 0.17 GB at this one.
MAX_LINE = 13_000


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


def _with_canonical_scheme(data: Any) -> Any:
    if isinstance(data, Mapping) and "initialiser" in data:
        return {**data, "initialiser": _canonical_scheme(data["initialiser"])}
    return data


class Layer(LayerSettings):
    """What one layer has for itself, its scheme included (None: as in the others)."""

    initialiser: AnyScheme | None = None

    @model_validator(mode="before")
    @classmethod
    def _resolve_scheme(cls, data: Any) -> Any:
        data = _with_canonical_scheme(data)
        # A form has no other way to say that the layer has no scheme of its own.
        if isinstance(data, Mapping) and data.get("initialiser") == {"scheme": ""}:
            return {**data, "initialiser": None}
        return data


@dataclass(frozen=True)
class LayerPlan:
    """What one hidden layer is, the settings that it has for itself counted in."""

    name: str
    width: int
    activation: str
    scheme: Scheme


class Experiment(Part):
    """Everything that decides a run. Equal experiments give equal runs."""

    version: Annotated[int, Limits(ge=1, le=VERSION)] = VERSION
    title: Annotated[str, Limits(max_length=200), Setting("Title")] = ""
    network: Network = Network()
    initialiser: AnyScheme = initialisers.Normal()
    training: Training = Training()
    run: Run = Run()
    layers: Annotated[tuple[Layer, ...], Limits(max_length=MAX_LAYERS, strict=False)] = ()

    @model_validator(mode="before")
    @classmethod
    def _resolve_scheme(cls, data: Any) -> Any:
        return _with_canonical_scheme(data)

    @model_validator(mode="after")
    def _consistent(self) -> Experiment:
        if self.network.normalisation == "batch" and self.training.batch_size < 2:
            raise ValueError(
                "training.batch_size = 1 is not allowed with network.normalisation = 'batch': "
                "at least 2"
            )
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"layers: {name!r} is there {names.count(name)} times: at most once"
                )
        self._check_data()
        self._check_size()
        self._check_schemes()
        return self

    def _check_data(self) -> None:
        data, architecture = DATASETS[self.training.data], self.network.architecture
        wanted = self.network.reads
        if wanted not in data.read_as and wanted != "features":
            fitting = [name for name, entry in DATASETS.items() if wanted in entry.read_as]
            raise ValueError(
                f"network.architecture = {architecture!r} is not allowed with training.data = "
                f"{data.name!r}: it reads {wanted}; training.data may be one of "
                f"{', '.join(fitting)}"
            )

    def _check_size(self) -> None:
        weights = parameters(self)
        network = self.network
        if weights > MAX_PARAMETERS:
            raise ValueError(
                f"network.width = {network.width} with network.hidden_layers = "
                f"{network.hidden_layers} is not allowed: {weights:.2g} weights, of at most "
                f"{MAX_PARAMETERS:.2g}"
            )
        units = sum(layer.width for layer in self.hidden) * GATES.get(network.architecture, 1)
        places = datasets.positions(self.training, network.reads)
        activations = self.training.batch_size * units * places
        if activations > MAX_ACTIVATIONS:
            raise ValueError(
                f"training.batch_size = {self.training.batch_size} is not allowed with this "
                f"network: {activations:.2g} activations, of at most {MAX_ACTIVATIONS:.2g}"
            )

    def _check_schemes(self) -> None:
        """Refuse schemes that can draw nothing in this network, where its data are known."""
        own = {
            layer.name: f"layers.{index}."
            for index, layer in enumerate(self.layers)
            if layer.initialiser is not None
        }
        schemes = [*(plan.scheme for plan in self.hidden), self.output_scheme]
        if DATASETS[self.training.data].classes == 0 or not any(s.checked for s in schemes):
            return  # no file is opened here: what draws the weights says the same
        from initviz.lab.places import places  # it needs experiments

        layers = list(zip(places(self), schemes, strict=True))
        for place, scheme in (*layers[:-1][:MAX_CHECKED], layers[-1]):
            try:
                scheme.check(place)
            except ValueError as error:
                key = f"{own.get(place.name, '')}initialiser.{scheme.checked}"
                raise ValueError(f"{key}: {error}") from None

    # -- what it says of the layers --------------------------------------------------------

    @property
    def hidden(self) -> tuple[LayerPlan, ...]:
        """Every hidden layer, input side first."""
        own, network = {layer.name: layer for layer in self.layers}, self.network
        plain = Layer()
        plans = []
        for name in layer_names(network)[:-1]:
            layer = own.get(name, plain)
            plans.append(
                LayerPlan(
                    name,
                    layer.width or network.width,
                    layer.activation or network.activation,
                    layer.initialiser or self.initialiser,
                )
            )
        return tuple(plans)

    @property
    def output_scheme(self) -> Scheme:
        """The scheme of the output layer."""
        own = next((layer.initialiser for layer in self.layers if layer.name == "output"), None)
        return own or self.initialiser

    @property
    def has_slope(self) -> bool:
        """Whether an activation has the parameter `network.slope`."""
        names = {self.network.activation, *(layer.activation for layer in self.layers)} - {""}
        return any(ACTIVATIONS[name].has_slope for name in names)

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
        lengths = [len(line) for line in text.split("\n")]
        if sum(length**2 for length in lengths) > MAX_LINE**2:
            raise ValueError(
                f"a line of {max(lengths)} characters is no setting: at most {MAX_LINE} are "
                "allowed, and fewer where there are several"
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
        """The whole experiment as nested tables; what is as in the others is left out."""
        data = self.model_dump(mode="python", exclude_none=True)
        data["layers"] = list(data["layers"])
        return data if data["layers"] else {k: v for k, v in data.items() if k != "layers"}

    def fields(self) -> tuple[Field, ...]:
        """Every setting, ready for a form, the schemes' parameters included."""
        schemes = tuple(labels_of(SCHEMES).items())
        return (
            *self._scheme_fields(self.initialiser, "initialiser", schemes),
            *fields_of(self.network, "network", self),
            *fields_of(self.training, "training", self),
            *fields_of(self.run, "run", self),
            *(
                field
                for index, layer in enumerate(self.layers)
                for field in (
                    *fields_of(layer, f"layers.{index}", self),
                    *self._scheme_fields(
                        layer.initialiser,
                        f"layers.{index}.initialiser",
                        (("", "As the others"), *schemes),
                    ),
                )
            ),
        )

    def _scheme_fields(
        self, scheme: Scheme | None, section: str, choices: tuple[tuple[Value, str], ...]
    ) -> tuple[Field, ...]:
        chosen = Field(
            f"{section}.scheme",
            scheme.name if scheme else "",
            "choice",
            Setting("Scheme", help="How the weights are drawn before the first step."),
            choices=choices,
        )
        return (chosen, *(fields_of(scheme, section, self) if scheme else ()))

    def with_value(self, key: str, value: Value) -> Experiment:
        """A copy with one setting changed, `key` dotted as in "network.width".

        A new scheme keeps the parameters that it shares with the old one.

        Raises:
            ValueError: as `from_dict`.
        """
        return self.with_values({key: value})

    def with_values(self, values: Mapping[str, Value]) -> Experiment:
        """A copy with several settings changed at once, in the order given.

        Raises:
            ValueError: as `from_dict`.
        """
        data = self.to_dict()
        for key, value in values.items():
            _put(data, key, value)
        return self.from_dict(data)

    def with_layer(self, name: str) -> Experiment:
        """A copy in which this layer can have settings of its own.

        Raises:
            ValueError: as `from_dict`.
        """
        data = self.to_dict()
        data.setdefault("layers", []).append({"name": name})
        return self.from_dict(data)

    def without_layer(self, index: int) -> Experiment:
        """A copy in which the layer of `layers[index]` is as the others again."""
        return self.model_copy(update={"layers": (*self.layers[:index], *self.layers[index + 1 :])})


def _put(data: dict[str, Any], key: str, value: Value) -> None:
    """Change one setting in nested tables, `key` dotted."""
    *path, name = key.split(".")
    table: Any = data
    for part in path:
        table = _inside(table, part)
    if not isinstance(table, dict):
        raise ValueError(
            f"{key} = {value!r}: unknown key; a key is written section.name or layers.0.name"
        )
    if path[-1:] != ["initialiser"] or name != "scheme":
        table[name] = value
        return
    resolved = initialisers.ALIASES.get(str(value), str(value))
    known = SCHEMES[resolved].model_fields if resolved in SCHEMES else {}
    kept = {k: v for k, v in table.items() if k in known}
    table.clear()
    table.update(kept, scheme=resolved)


def _inside(table: Any, part: str) -> Any:
    """The table under one part of a dotted key; None if there is none."""
    if isinstance(table, list):
        return table[int(part)] if part.isdecimal() and int(part) < len(table) else None
    if isinstance(table, dict):
        return table.setdefault(part, {}) if part == "initialiser" else table.get(part)
    return None


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
    schemes = [key for key in keys if key.endswith("initialiser.scheme")]
    for scheme in schemes:
        section = scheme.removesuffix("scheme")
        keys = [k for k in keys if k == scheme or not k.startswith(section)]
    return tuple(Difference(k, left.get(k), right.get(k)) for k in keys)


def _flat(experiment: Experiment) -> dict[str, Value]:
    data = experiment.to_dict()
    # A layer is known by its name: its place in the list says nothing.
    data["layers"] = {layer.pop("name"): layer for layer in data.get("layers", [])}
    sections = {k: v for k, v in data.items() if isinstance(v, dict)}
    return dict(_leaves(sections, ""))


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Value]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _with_floats(model: type[Part], data: Any) -> Any:
    """`data` with whole numbers made floats where a float is wanted: TOML tells 1 from 1.0."""
    if not isinstance(data, Mapping):
        return data
    fields = dict(model.model_fields)
    made = {k: _as_wanted(fields[k].annotation, v) if k in fields else v for k, v in data.items()}
    if model is Experiment and isinstance(made.get("layers"), list):
        made["layers"] = tuple(_with_floats(Layer, layer) for layer in made["layers"])
    return made


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
