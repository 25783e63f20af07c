"""A formula of one's own, such as `normal(0, sqrt(2 / fan_in))`.

The text comes from files that people share, so it can only ever be arithmetic. First it is cut
into words, and a word that is no number, sign or known name is refused: there is no dot, bracket,
quote or underscore left to build anything else from. Then Python's parser makes a tree of it, of
which only a few kinds of nodes are let through, and simpleeval walks that tree over `Quantity`.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field as Limits
from pydantic import ValidationInfo, field_validator

from initviz.lab.initialisers import expressions
from initviz.lab.initialisers.expressions import Canvas, Quantity, number
from initviz.lab.initialisers.place import Place
from initviz.lab.initialisers.scheme import Number, Scheme
from initviz.lab.settings import Setting, did_you_mean

if TYPE_CHECKING:
    from torch import Generator, Tensor

MAX_LENGTH = 500
MAX_DEPTH = 50
#: Draws in one formula: each fills a whole weight.
MAX_DRAWS = 10

#: The numbers that a formula may name; `a` is the scheme's parameter.
NAMES: dict[str, Callable[[Place], float]] = {
    "fan_in": lambda place: place.fan_in,
    "fan_out": lambda place: place.fan_out,
    "layer": lambda place: place.layer,
    "depth": lambda place: place.depth,
    "width": lambda place: place.width,
    "pi": lambda _: math.pi,
    "e": lambda _: math.e,
}
PARAMETER = "a"
_DRAWS = ("normal", "uniform", "truncated_normal", "orthogonal")
#: How many arguments each function takes, at least and at most.
_ARITY = {
    "normal": (0, 2),
    "uniform": (0, 2),
    "truncated_normal": (0, 2),
    "orthogonal": (0, 1),
    "zeros": (0, 0),
    "ones": (0, 0),
    "constant": (1, 1),
    "min": (2, 10),
    "max": (2, 10),
    **dict.fromkeys(("sqrt", "exp", "log", "abs", "sin", "cos", "tanh"), (1, 1)),
}
_WORDS = ("if", "else", "and", "or", "not")
_OPERATORS: dict[type[ast.AST], Callable[..., Quantity]] = {
    ast.Add: expressions.add,
    ast.Sub: expressions.subtract,
    ast.Mult: expressions.multiply,
    ast.Div: expressions.divide,
    ast.Pow: expressions.power,
    ast.USub: expressions.negative,
    ast.UAdd: expressions.constant,
    ast.Not: lambda a: number(float(not a)),
    **{getattr(ast, name): compare for name, compare in expressions.COMPARISONS.items()},
}
_SIGNS = {*_OPERATORS, ast.And, ast.Or}
_NODES = (
    ast.BinOp,
    ast.UnaryOp,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Compare,
    ast.IfExp,
    ast.BoolOp,
)
_ALLOWED = (
    f"allowed are numbers, + - * / **, {', '.join((*NAMES, PARAMETER))}, "
    f"and {', '.join(f'{name}()' for name in _ARITY)}"
)
_TOKEN = re.compile(
    r"""(?P<number> (?: \d+ (?:\.\d*)? | \.\d+ ) (?: [eE][+-]?\d+ )? )
      | (?P<name> [A-Za-z_][A-Za-z_0-9]* )
      | (?P<sign> \*\* | <= | >= | == | != | [-+*/(),<>] )
      | (?P<space> [ \t\r\n]+ )""",
    re.VERBOSE | re.ASCII,
)
_INSTEAD = {"^": "a power is written **", "×": "write *", "·": "write *", "−": "write -"}


# -- reading ------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def read(text: str) -> ast.expr:
    """The tree of a formula.

    Raises:
        ValueError: one sentence with the place of the mistake and what is allowed.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{len(text)} characters are too many: at most {MAX_LENGTH}")
    _check_words(text)
    # The parser takes a line break for the end; the words say that nothing else is changed.
    line = re.sub(r"\s", " ", text)
    start = len(line) - len(line.lstrip())
    if not line.strip():
        raise ValueError(f"nothing is written; {_ALLOWED}")
    try:
        tree = ast.parse(line.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = start + (getattr(error, "offset", None) or 1)
        raise ValueError(f"this is no formula, at character {at}; {_ALLOWED}") from None
    draws = 0
    for node, depth in _nodes(tree):
        at = start + node.col_offset + 1
        if depth > MAX_DEPTH:
            raise ValueError(f"too deeply nested at character {at}: at most {MAX_DEPTH} levels")
        _check_node(node, at)
        draws += isinstance(node, ast.Call) and _name_of(node) in _DRAWS
    if draws > MAX_DRAWS:
        raise ValueError(f"{draws} draws are too many: at most {MAX_DRAWS}")
    return tree


def _check_words(text: str) -> None:
    """Refuse every character and every name that no formula has."""
    at, depth, after_number = 0, 0, False
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            instead = _INSTEAD.get(text[at])
            hint = f": {instead}" if instead else f"; {_ALLOWED}"
            raise ValueError(f"{text[at]!r} at character {at + 1} is not allowed{hint}")
        kind, word = found.lastgroup, found.group()
        if kind in ("name", "number") and after_number:
            raise ValueError(f"something is missing before {word[:30]!r} at character {at + 1}")
        if kind == "name" and word not in {*NAMES, PARAMETER, *_ARITY, *_WORDS}:
            near = did_you_mean(word, [*NAMES, *_ARITY])
            raise ValueError(f"unknown name {_short(word)} at character {at + 1}{near}; {_ALLOWED}")
        if kind == "number" and not math.isfinite(float(word)):
            raise ValueError(f"the number at character {at + 1} is too large")
        depth += (word == "(") - (word == ")")
        if depth > MAX_DEPTH:
            raise ValueError(f"too deeply nested at character {at + 1}: at most {MAX_DEPTH} levels")
        after_number = kind == "number"
        at = found.end()


def _short(word: str) -> str:
    return repr(word if len(word) <= 30 else word[:27] + "...")


def _nodes(tree: ast.expr) -> Iterator[tuple[ast.expr, int]]:
    """Every expression in a tree and how deep it lies, without recursion."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        called = node.func if isinstance(node, ast.Call) else None
        children = (c for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr))
        waiting += [(child, depth + 1) for child in children if child is not called]


def _name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _check_node(node: ast.expr, at: int) -> None:
    """Refuse what is grammar but no arithmetic."""
    if not isinstance(node, _NODES) or type(getattr(node, "op", ast.And())) not in _SIGNS:
        raise ValueError(f"what stands at character {at} is not allowed; {_ALLOWED}")
    if isinstance(node, ast.Name) and node.id in _ARITY:
        raise ValueError(f"{node.id} at character {at} is a function: write {node.id}(…)")
    if isinstance(node, ast.Call):
        _check_call(node, at)


def _check_call(node: ast.Call, at: int) -> None:
    name = _name_of(node)
    if name not in _ARITY:
        raise ValueError(f"what is called at character {at} is no function; {_ALLOWED}")
    low, high = _ARITY[name]
    if node.keywords or not low <= len(node.args) <= high:
        allowed = f"{low}" if low == high else f"{low} to {high}"
        raise ValueError(f"{name}() at character {at} takes {allowed} values")


# -- evaluating ---------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def evaluate(text: str, parameter: float, place: Place) -> Quantity:
    """What a formula is at one place: a number, or something to draw.

    Raises:
        ValueError: one sentence on what is wrong.
    """
    from simpleeval import InvalidExpression, SimpleEval

    tree = read(text)
    names = {name: number(float(of(place))) for name, of in NAMES.items()}
    evaluator = SimpleEval(
        operators=_OPERATORS,
        functions={**expressions.FUNCTIONS, "orthogonal": expressions.orthogonal_in(place)},
        names={**names, PARAMETER: number(parameter)},
    )
    evaluator.nodes = {kind: evaluator.nodes[kind] for kind in _NODES}
    evaluator.nodes[ast.Constant] = lambda node: number(float(node.value))
    try:
        result: Any = evaluator.eval(text, previously_parsed=tree)
    except InvalidExpression as error:
        raise ValueError(f"{error}; {_ALLOWED}") from None
    if not isinstance(result, Quantity):
        raise ValueError(f"this is no formula; {_ALLOWED}")
    return result


#: Where a formula is tried out before there is a network: what fails in all of these has a mistake,
#: what fails in some may still suit the network that it is written for.
SAMPLES = (
    Place((3, 4), "hidden 2", layer=2, depth=3, width=3),
    Place((100, 64), "hidden 1", layer=1, depth=10, width=100),
    Place((512, 512), "hidden 20", layer=20, depth=30, width=512),
    Place((10, 100), "output", layer=11, depth=10, width=100),
)


class OwnFormula(Scheme):
    """What a person writes; every draw in it has the shape of the weight."""

    scheme: Literal["formula"] = "formula"
    name = "formula"
    label = "Your own formula"
    formula = r"W_{ij} \sim \mathrm{the\ formula\ below}"
    source = "whoever writes it"
    checked: ClassVar[str] = "expression"
    note = (
        "normal(mean, std), uniform(low, high), truncated_normal(mean, std), orthogonal(gain); "
        "fan_in, fan_out, layer, depth, width, a; the usual functions."
    )

    parameter: Annotated[
        float,
        Number,
        Setting(
            "Parameter a",
            symbol="a",
            help="The number that a stands for in the formula.",
            usual=(0.0, 2.0),
            visible=lambda scheme, _: re.search(r"\ba\b", scheme.expression) is not None,
        ),
    ] = 0.1
    expression: Annotated[
        str,
        Limits(max_length=MAX_LENGTH),
        Setting(
            "Formula",
            help="For example normal(0, sqrt(2 / fan_in)), uniform(-a, a) or "
            "0.5 * orthogonal() + 0.01. Known are fan_in, fan_out, layer, depth and width; "
            "in LSTM and GRU layers each gate is drawn for itself.",
        ),
    ] = "normal(0, sqrt(2 / fan_in))"

    @field_validator("expression")
    @classmethod
    def _can_be_drawn(cls, expression: str, info: ValidationInfo) -> str:
        trouble: list[ValueError] = []
        for place in SAMPLES:
            try:
                evaluate(expression, info.data.get("parameter", 0.1), place)
            except ValueError as error:
                trouble.append(error)
            else:
                return expression
        raise trouble[0]

    def check(self, place: Place) -> None:
        try:
            self._at(place)
        except ValueError as error:
            raise ValueError(f"{place.name}: {error}") from None

    def draw(self, weight: Tensor, place: Place, generator: Generator) -> None:
        try:
            drawn = self._at(place).sample(Canvas(weight, generator))
            weight.copy_(weight.new_tensor(drawn) if isinstance(drawn, float) else drawn)
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{place.name}: the formula {self.expression!r}: {reason}") from None
        if not weight.isfinite().all():
            raise ValueError(
                f"{place.name}: the formula {self.expression!r} draws numbers that are not finite"
            )

    def _at(self, place: Place) -> Quantity:
        return evaluate(self.expression, self.parameter, self.piece(place))

    def _moment(self, place: Place, of: Callable[[Quantity], Any], unknown: Any) -> Any:
        """Something about what is drawn; `unknown` where the formula fails at this place."""
        try:
            return of(self._at(place))
        except ValueError:
            return unknown

    def weight_mean(self, place: Place) -> float:
        return float(self._moment(place, lambda quantity: quantity.mean, math.nan))

    def weight_std(self, place: Place) -> float:
        return float(self._moment(place, lambda quantity: quantity.std, math.nan))

    def weight_support(self, place: Place) -> tuple[float, float]:
        low, high = self._moment(place, lambda q: (q.low, q.high), (-math.inf, math.inf))
        return float(low), float(high)
