"""Settings that describe themselves: validation, TOML and forms are made from the same fields.

A part of an experiment is a frozen pydantic model whose fields carry, beside their type and
limits, a `Setting` (label, symbol, help, usual range). `fields_of` turns a model into plain
`Field` values from which a form is drawn; `describe_error` turns a validation error into one
sentence that names the key, the value and what is allowed.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Value = bool | int | float | str
Kind = Literal["integer", "number", "flag", "text", "path", "choice"]

_KINDS: dict[Any, Kind] = {bool: "flag", int: "integer", float: "number", str: "text"}


def always(_owner: Any, _experiment: Any) -> bool:
    """The default for `Setting.visible`."""
    return True


@dataclass(frozen=True)
class Setting:
    """How a field is shown to a person.

    `usual` is the range of a slider (the limits of validation may be far wider), in the unit of
    the field; `logarithmic` spaces that slider by factors. `visible` is asked with the model that
    owns the field and the whole experiment: a setting without effect is not shown.
    """

    label: str
    symbol: str = ""
    help: str = ""
    usual: tuple[float, float] | None = None
    logarithmic: bool = False
    advanced: bool = False
    visible: Callable[[Any, Any], bool] = always


@dataclass(frozen=True)
class Choice:
    """A field whose value is the name of an entry in a table.

    `options` maps each name to its label; `aliases` maps further spellings to names.
    """

    options: Mapping[str, str]
    aliases: Mapping[str, str]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.resolve, handler(source))

    def resolve(self, name: str) -> str:
        """The canonical name; a validation error with a near miss for an unknown one."""
        if name in self.options:
            return name
        if name in self.aliases:
            return self.aliases[name]
        near = did_you_mean(name, [*self.options, *self.aliases])
        raise PydanticCustomError(
            "choice", "one of {allowed}{near}", {"allowed": _listed(self.options), "near": near}
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name or "''" for name in names)


@dataclass(frozen=True)
class PathText:
    """Marks a text that is the path of a file or folder; `filters` are Qt's file dialog filters."""

    filters: str = ""


def did_you_mean(name: str, names: list[str]) -> str:
    """`" (did you mean 'x'?)"` for the nearest of `names` or one that begins so, or nothing."""
    given = name.lower()  # as in ReLU or LeakyReLU
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    near = near or [other for other in names if len(given) > 1 and other.startswith(given)]
    return f" (did you mean '{near[0]}'?)" if near else ""


class Part(BaseModel):
    """One section of an experiment: frozen, strict, no unknown keys, no NaN or infinity."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


@dataclass(frozen=True)
class Field:
    """One setting of one experiment, ready to be shown: what a form row is made from.

    `kind` is "integer", "number", "flag", "text", "path" or "choice"; `choices` pairs each allowed
    value with its label. The `maximum` of a text is how many characters it may have. `is_visible`
    says whether the setting has any effect, given the others.
    """

    key: str
    value: Value
    kind: Kind
    setting: Setting
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[tuple[Value, str], ...] = ()
    is_visible: bool = True

    @property
    def allowed(self) -> str:
        """What may stand here, as the end of a sentence."""
        return _allowed(self.kind, self.minimum, self.maximum, [str(c) for c, _ in self.choices])


def _allowed(kind: str, low: float | None, high: float | None, choices: list[str]) -> str:
    if kind == "choice":
        return f"one of {_listed(choices)}" if len(choices) > 1 else f"only {choices[0]}"
    if kind == "flag":
        return "true or false"
    if kind in ("text", "path"):
        return f"a {kind}" if high is None else f"a {kind} of at most {high} characters"
    noun = "a whole number" if kind == "integer" else "a number"
    if low is not None and low == high:
        return f"only {_limit(low)}"
    if low is not None and high is not None:
        return f"{noun} from {_limit(low)} to {_limit(high)}"
    if low is not None:
        return f"{noun} of at least {_limit(low)}"
    return f"{noun} of at most {_limit(high)}" if high is not None else noun


def _limit(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def fields_of(part: Part, section: str, experiment: Any = None) -> Iterator[Field]:
    """The fields of one section that carry a `Setting`, in the order of their declaration."""
    for name, info in type(part).model_fields.items():
        setting = next((m for m in info.metadata if isinstance(m, Setting)), None)
        if setting is not None:
            field = _field(f"{section}.{name}", getattr(part, name), info, setting)
            yield replace(field, is_visible=setting.visible(part, experiment))


def _field(key: str, value: Value, info: FieldInfo, setting: Setting) -> Field:
    kind, choices = _kind(info)
    low = _bound(info, annotated_types.Ge, "ge")
    high = _bound(info, annotated_types.Le, "le")
    if kind in ("text", "path"):
        high = _bound(info, annotated_types.MaxLen, "max_length")
    return Field(key, value, kind, setting, low, high, choices)


def _bound(info: FieldInfo, kind: type, name: str) -> Any:
    """A limit among a field's metadata, None if it has none of this kind."""
    return next((getattr(m, name) for m in info.metadata if isinstance(m, kind)), None)


def _kind(info: FieldInfo) -> tuple[Kind, tuple[tuple[Value, str], ...]]:
    choice = next((m for m in info.metadata if isinstance(m, Choice)), None)
    if choice is not None:
        return "choice", tuple(choice.options.items())
    if get_origin(info.annotation) is Literal:
        return "choice", tuple((v, str(v)) for v in get_args(info.annotation))
    if any(isinstance(m, PathText) for m in info.metadata):
        return "path", ()
    return _KINDS[info.annotation], ()


def describe_error(
    error: ValidationError,
    root: type[Part],
    variants: Mapping[str, type[Part]],
    spellings: Iterable[str],
) -> str:
    """The first error of a validation as one line: key, value and what is allowed.

    `variants` maps the tags of tagged unions, which pydantic puts into an error's location though
    they are no keys of the file, to their models.
    """
    first = error.errors(include_url=False)[0]
    path: list[str] = []
    owner: type[Part] | None = root
    model: type[Part] | None = root
    for name in map(str, first["loc"]):
        if model is None and name in variants:
            model = variants[name]
            continue
        path.append(name)
        if not name.isdecimal():  # a place in a list belongs to the same model
            owner, model = model, _section(model, name)
    key, value = ".".join(map(_key, path)), shown(first["input"])
    if first["type"] == "value_error":
        text = str(first["ctx"]["error"])
        return f"{key}: {text}" if key else text
    if first["type"] == "union_tag_invalid":
        tag, near = first["input"]["scheme"], did_you_mean(first["ctx"]["tag"], list(spellings))
        return f"{key}.scheme = {shown(tag)} is not allowed: one of {', '.join(variants)}{near}"
    if first["type"] == "choice":
        return f"{key} = {value} is not allowed: {first['msg']}"
    if first["type"] == "extra_forbidden" and owner is not None:
        near = did_you_mean(path[-1], list(owner.model_fields))
        return f"{key} = {value}: unknown key{near}; allowed are {', '.join(owner.model_fields)}"
    if path and path[-1].isdecimal():
        return f"{key} = {value} is not allowed: a section of keys"
    info = owner.model_fields.get(path[-1]) if owner and path else None
    if info is None:
        return f"{key} = {value} is not allowed: {first['msg']}"
    if get_origin(info.annotation) is tuple:
        most = _bound(info, annotated_types.MaxLen, "max_length")
        return f"{key} = {value} is not allowed: a list of at most {most} sections"
    if model is not None or not _is_plain(info):
        return f"{key} = {value} is not allowed: a section of keys"
    field, near = _field(key, 0, info, Setting("")), ""
    if field.kind == "choice" and isinstance(first["input"], str):
        names = [choice for choice, _ in field.choices if isinstance(choice, str)]
        near = did_you_mean(first["input"], names)
    return f"{key} = {value} is not allowed: {field.allowed}{near}"


def _section(model: type[Part] | None, name: str) -> type[Part] | None:
    info = model.model_fields.get(name) if model else None
    annotation = info.annotation if info is not None else None
    candidates = [annotation, *get_args(annotation)]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, Part)), None)


def _is_plain(info: FieldInfo) -> bool:
    return get_origin(info.annotation) is Literal or info.annotation in _KINDS


def _key(name: str) -> str:
    """One part of a dotted key as TOML writes it, on one line."""
    return name if re.fullmatch(r"[\w-]{1,60}", name) else shown(name)


class _Short(reprlib.Repr):
    """Values of a file on one line, however long or deeply nested."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxlong = self.maxother = 60


def shown(value: Any) -> str:
    """A value as a message quotes it: at most about 60 characters, on one line."""
    text = _Short().repr(value)
    return text if len(text) <= 70 else text[:60] + "..."
