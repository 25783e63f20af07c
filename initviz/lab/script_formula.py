"""A formula of one's own as Python: `normal(0, sqrt(2 / fan_in))` as a function of a weight.

A formula is Python's arithmetic already. What must be told apart are numbers, which `math` works
on, and what is drawn, which torch works on.
"""

from __future__ import annotations

import ast
import math
from copy import deepcopy
from typing import Literal

from initviz.lab.initialisers import OwnFormula, Place
from initviz.lab.initialisers.own_formula import evaluate, read

#: What an expression is; "either" where a condition decides.
Kind = Literal["number", "drawn", "either"]

_DRAWS = {
    "normal": (
        "def normal(mean=0.0, std=1.0):",
        "    return torch.empty_like(weight).normal_(mean, std, generator=generator)",
    ),
    "uniform": (
        "def uniform(low=0.0, high=1.0):",
        "    return torch.empty_like(weight).uniform_(low, high, generator=generator)",
    ),
    "truncated_normal": (
        "def truncated_normal(mean=0.0, std=1.0):",
        "    drawn, cut = torch.empty_like(weight), 2 * std",
        "    return mean + nn.init.trunc_normal_(drawn, 0.0, std, -cut, cut, generator=generator)",
    ),
    "orthogonal": (
        "def orthogonal(gain=1.0):",
        "    return nn.init.orthogonal_(torch.empty_like(weight), gain, generator=generator)",
    ),
}
#: A standard deviation of 0 draws nothing; `trunc_normal_` would divide by it.
_MAY_BE_ZERO = (
    "def truncated_normal(mean=0.0, std=1.0):",
    "    if std == 0:",
    "        return torch.full_like(weight, mean)",
    *_DRAWS["truncated_normal"][1:],
)
_SIZES = {"fan_in": "weight[0].numel()", "fan_out": "weight[:, 0].numel()"}
_CONSTANTS = {"pi": "math.pi", "e": "math.e"}
_BY_MATH = ("sqrt", "exp", "log", "sin", "cos", "tanh")
_FIXED = {"zeros": ast.Constant(0.0), "ones": ast.Constant(1.0)}


def definition(name: str, scheme: OwnFormula, places: list[Place]) -> list[str]:
    """The lines of the function of that name, for the weights at `places`."""
    tree = read(scheme.expression)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    first = places[0]
    values = {"a": f"{scheme.parameter!r}", "depth": str(first.depth), "width": str(first.width)}
    lines = [
        f"def {name}({', '.join(('weight', *_numbered(tree), 'generator'))}):",
        '    """What is drawn for one weight."""',
        *(f"    {key} = {text}" for key, text in (_SIZES | values).items() if key in names),
    ]
    for draw, helper in _DRAWS.items():
        if draw in names:
            chosen = _MAY_BE_ZERO if _has_zero(tree, draw, scheme.parameter, places) else helper
            lines += ["", *(f"    {line}" for line in chosen), ""]
    # What was read is kept and shared: a translation would change it.
    return [*lines, f"    return {ast.unparse(_Translation().visit(deepcopy(tree)))}"]


def call(name: str, scheme: OwnFormula) -> str:
    """The line that fills the weight `W` by that function; `number` is the layer's, from 1."""
    tree = read(scheme.expression)
    numbered = ["number"] if _numbered(tree) else []
    drawn = f"{name}({', '.join(('W', *numbered, 'generator'))})"
    return {
        "number": f"W.fill_({drawn})",
        "drawn": f"W.copy_({drawn})",
        "either": f"W.copy_(torch.as_tensor({drawn}))",
    }[kind_of(tree)]


def _numbered(tree: ast.expr) -> list[str]:
    """The argument `layer`, where the formula asks for it."""
    return sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "layer"})


def _has_zero(tree: ast.expr, name: str, parameter: float, places: list[Place]) -> bool:
    """Whether a truncated normal of standard deviation 0 is drawn anywhere."""
    return name == "truncated_normal" and any(
        _value(node.args[1], parameter, place) == 0
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node) == name and len(node.args) > 1
        for place in places
    )


def _value(node: ast.expr, parameter: float, place: Place) -> float:
    try:
        return evaluate(ast.unparse(node), parameter, place).mean
    except ValueError:  # it stands behind a condition that is not met here
        return math.nan


def kind_of(node: ast.expr) -> Kind:
    """Whether an expression of a formula is a number or drawn."""
    if isinstance(node, ast.Call) and _name(node) in _DRAWS:
        return "drawn"
    if isinstance(node, ast.IfExp):
        return _if_equal([kind_of(node.body), kind_of(node.orelse)])
    if isinstance(node, ast.BoolOp):
        return _if_equal([kind_of(value) for value in node.values])
    parts = {kind_of(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)}
    return next((kind for kind in _STRONGEST_FIRST if kind in parts), "number")


_STRONGEST_FIRST: tuple[Kind, ...] = ("drawn", "either")


def _if_equal(kinds: list[Kind]) -> Kind:
    return kinds[0] if len(set(kinds)) == 1 else "either"


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _expression(text: str, **parts: ast.expr) -> ast.expr:
    """`text` as a tree, with the names that are given replaced."""

    class Replacing(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return parts.get(node.id, node)

    tree: ast.expr = Replacing().visit(ast.parse(text, mode="eval").body)
    return tree


class _Translation(ast.NodeTransformer):
    """From a formula to Python."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _expression(_CONSTANTS.get(node.id, node.id))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.Pow) and isinstance(node.left, ast.Constant):
            # Whole numbers would be raised without bounds.
            node = ast.BinOp(ast.Constant(float(node.left.value)), node.op, node.right)  # type: ignore[arg-type]
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name, kinds = _name(node), [kind_of(argument) for argument in node.args]
        if name in _FIXED:
            return _FIXED[name]
        arguments: list[ast.expr] = [self.visit(argument) for argument in node.args]
        if name == "constant":
            return arguments[0]
        if name in _BY_MATH:
            return _expression(_OF_KIND[kinds[0]].format(name), x=arguments[0])
        if name in ("min", "max") and set(kinds) != {"number"}:
            return self._extreme(f"torch.{name}imum(x, y)", arguments, kinds)
        return ast.Call(node.func, arguments, [])

    def _extreme(self, pair: str, arguments: list[ast.expr], kinds: list[Kind]) -> ast.expr:
        tensors = [
            x if kind == "drawn" else _expression("torch.as_tensor(x)", x=x)
            for x, kind in zip(arguments, kinds, strict=True)
        ]
        found = tensors[0]
        for tensor in tensors[1:]:
            found = _expression(pair, x=found, y=tensor)
        return found


_OF_KIND: dict[Kind, str] = {
    "number": "math.{}(x)",
    "drawn": "torch.{}(x)",
    "either": "torch.{}(torch.as_tensor(x))",
}
