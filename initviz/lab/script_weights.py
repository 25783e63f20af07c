"""The initialisation as lines of PyTorch: one entry for each scheme that is not one call.

Most schemes name the call that draws the same (`Scheme.pytorch`): its names are replaced by the
scheme's own numbers. In all lines `W` stands for the weight, or for one gate of it.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

from initviz.lab import script_formula
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import LSUV, OwnFormula, Place, Scheme
from initviz.lab.initialisers.truncated import KERAS_CUT, truncated_std
from initviz.lab.places import places

Lines = list[str]
T = TypeVar("T")

#: What the function of a formula is called; that of a second one is numbered.
FORMULA = "formula"
#: How long a line of a script may be.
WIDTH = 88


@dataclass(frozen=True)
class Site:
    """A weight that is drawn, and the scheme that draws it, in the order of drawing."""

    place: Place
    scheme: Scheme
    #: A residual branch that is set to 0 after it was drawn.
    starts_at_zero: bool = False


def sites(experiment: Experiment) -> list[Site]:
    """Every weight of an experiment's network, in the order in which they are drawn."""
    network, plans = experiment.network, experiment.hidden
    found: list[Site] = []
    *hidden, output = places(experiment)
    for index, (plan, place) in enumerate(zip(plans, hidden, strict=True)):
        is_branch = index > 0 and network.has_branches and plan.width == plans[index - 1].width
        found.append(Site(place, plan.scheme, is_branch and plan.scheme.zero_branches))
        if network.is_recurrent:
            shape = (place.shape[0], plan.width)
            back = replace(place, shape=shape, role="recurrent", activation=plan.activation)
            found.append(Site(back, plan.scheme))
    return [*found, Site(output, experiment.output_scheme)]


# -- weights ------------------------------------------------------------------------------------


def draws(site: Site) -> Lines:
    """The lines that draw a weight and its bias; `LAYER` stands for the layer."""
    scheme, place = site.scheme, site.place
    piece = scheme.piece(place)
    lines = _WRITERS.get(scheme.name, _by_pytorch)(scheme, piece)
    formula = plain(scheme.formula) if scheme.name != "formula" else f"W = {_one_line(scheme)}"
    if piece.gates < place.gates:
        block = [f"for gate in LAYER.weight.chunk({place.gates}):"]
        block += [f"    {_in(line, 'gate')}" for line in lines]
    else:
        block = [_in(line, "LAYER.weight") for line in lines]
    zeroed = ["LAYER.weight.zero_()", "LAYER.bias.zero_()"] if site.starts_at_zero else []
    if zeroed:
        zeroed.insert(0, "# It adds nothing at first, and was drawn for the layers after it.")
    return [f"# {scheme.label}: {formula}", *block, *_biases(scheme, place), *zeroed]


def _one_line(scheme: Scheme) -> str:
    assert isinstance(scheme, OwnFormula)
    return " ".join(scheme.expression.split())


def _in(line: str, weight: str) -> str:
    return re.sub(r"\bW\b", weight, line)


def _by_pytorch(scheme: Scheme, place: Place) -> Lines:
    """The call that the scheme itself names."""
    return [_filled(scheme.pytorch, _values(scheme, place))]


def _values(scheme: Scheme, place: Place) -> dict[str, Any]:
    values = {name: getattr(scheme, name) for name in type(scheme).model_fields}
    gain_at = getattr(scheme, "gain_at", None)
    return values | ({"gain": gain_at(place)} if gain_at else {})


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """A call such as `nn.init.xavier_uniform_(w, gain)` with its names replaced by values.

    What is the function's own default is left out; a generator is given where it takes one.
    """

    class Filling(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            if node.id == "w":
                return ast.Name("W")
            return ast.parse(repr(values[node.id]), mode="eval").body if node.id in values else node

        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            return _with_names(node)

    return ast.unparse(Filling().visit(ast.parse(text, mode="eval")))


def _with_names(node: ast.Call) -> ast.Call:
    from torch.nn import init

    if not isinstance(node.func, ast.Attribute) or not hasattr(init, node.func.attr):
        return node
    parameters = inspect.signature(getattr(init, node.func.attr)).parameters
    given = dict(zip(parameters, node.args, strict=False))
    given |= {str(keyword.arg): keyword.value for keyword in node.keywords}
    first = [
        given[name] for name, p in parameters.items() if name in given and p.default is p.empty
    ]
    named = [
        ast.keyword(name, value)
        for name, value in given.items()
        if (default := parameters[name].default) is not inspect.Parameter.empty
        and ast.unparse(value) != repr(default)
        and ast.unparse(value) != repr(float(default) if isinstance(default, int) else default)
    ]
    if "generator" in parameters:
        named.append(ast.keyword("generator", ast.Name("generator")))
    return ast.Call(node.func, first, named)


#: A fan of `W`, as `initialisers.scaled.fan_of` takes it.
_FANS = {
    "fan_in": "W[0].numel()",
    "fan_out": "W[:, 0].numel()",
    "fan_avg": "(W[0].numel() + W[:, 0].numel()) / 2",
}
_FILLS = {
    "normal": "nn.init.normal_(W, std=std, generator=generator)",
    "uniform": "nn.init.uniform_(W, -math.sqrt(3) * std, math.sqrt(3) * std, generator=generator)",
    "truncated": ("nn.init.trunc_normal_(W, std=std, a=-2 * std, b=2 * std, generator=generator)"),
}


def _by_variance(scheme: Any, _place: Place) -> Lines:
    """Var W = scale / fan."""
    scale = scheme.scale if hasattr(scheme, "scale") else 2.0 / (1 + scheme.slope**2)
    if scale == 0:
        return ["nn.init.zeros_(W)"]
    lines = [f"std = math.sqrt({scale!r} / ({_FANS[scheme.mode]}))"]
    if scheme.mode != "fan_avg":
        lines = [f"std = math.sqrt({scale!r} / {_FANS[scheme.mode]})"]
    if scheme.shape() == "truncated":
        lines.append(
            f"std /= {truncated_std(KERAS_CUT)!r}  # of which the cut leaves the std above"
        )
    return [*lines, _FILLS[scheme.shape()]]


def _he(scheme: Any, place: Place) -> Lines:
    return (_by_variance if scheme.mode == "fan_avg" else _by_pytorch)(scheme, place)


def _truncated(scheme: Any, place: Place) -> Lines:
    bound = scheme.weight_support(place)[1]
    if scheme.std == 0:
        return ["nn.init.zeros_(W)"]
    if scheme.name != "truncated_normal" or scheme.cut_in == "absolute":
        return _by_pytorch(scheme, place)
    return [
        _filled("nn.init.trunc_normal_(w, std=s, a=-b, b=b)", {"s": bound / scheme.cut, "b": bound})
    ]


def _centre(place: Place) -> str:
    """The tap of a kernel at a unit's own position."""
    middle = "".join(f", {size // 2}" for size in place.shape[2:])
    return f"W[:, :{middle}]"


def _delta_orthogonal(scheme: Any, place: Place) -> Lines:
    if len(place.shape) == 2:
        return [_filled("nn.init.orthogonal_(w, gain)", _values(scheme, place))]
    call = _filled("nn.init.orthogonal_(w, gain)", _values(scheme, place))
    return ["nn.init.zeros_(W)", _in(call, _centre(place))]


def _identity(scheme: Any, place: Place) -> Lines:
    if len(place.shape) > 2:
        return ["nn.init.zeros_(W)", f"{_centre(place)}.fill_diagonal_({scheme.scale()!r})"]
    return ["nn.init.eye_(W)" + (f".mul_({scheme.scale()!r})" if scheme.scale() != 1 else "")]


def _dirac(scheme: Any, place: Place) -> Lines:
    return ["nn.init.dirac_(W)"] if len(place.shape) > 2 else _identity(scheme, place)


def _sparse(scheme: Any, place: Place) -> Lines:
    zeros = math.ceil(scheme.sparsity * place.shape[0])
    return [
        f"nn.init.normal_(W, std={scheme.std!r}, generator=generator)",
        "for column in W.flatten(1).T:",
        f"    column[torch.randperm(len(column), generator=generator)[:{zeros}]] = 0.0",
    ]


def _lsuv(_scheme: Any, _place: Place) -> Lines:
    return ["nn.init.orthogonal_(W, generator=generator)"]


def _pytorch_default(_scheme: Any, place: Place) -> Lines:
    if not place.cell:
        return ["nn.init.kaiming_uniform_(W, a=math.sqrt(5), generator=generator)"]
    bound = f"1 / math.sqrt({place.units})"
    return [f"nn.init.uniform_(W, -{bound}, {bound}, generator=generator)"]


def _keras_default(_scheme: Any, place: Place) -> Lines:
    name = "orthogonal_" if place.role == "recurrent" else "xavier_uniform_"
    return [f"nn.init.{name}(W, generator=generator)"]


def _formula(scheme: Any, _place: Place) -> Lines:
    return [script_formula.call(FORMULA, scheme)]


_WRITERS: dict[str, Callable[[Any, Place], Lines]] = {
    "he_uniform": _he,
    "he_normal": _he,
    "truncated_normal": _truncated,
    "keras.truncated_normal": _truncated,
    "delta_orthogonal": _delta_orthogonal,
    "identity": _identity,
    "dirac": _dirac,
    "sparse": _sparse,
    "lsuv": _lsuv,
    "pytorch_default": _pytorch_default,
    "keras_default": _keras_default,
    "formula": _formula,
    **dict.fromkeys(
        (
            "variance_scaling",
            "keras.variance_scaling",
            "keras.glorot_normal",
            "keras.he_normal",
            "keras.lecun_normal",
        ),
        _by_variance,
    ),
}


# -- biases -------------------------------------------------------------------------------------


def _biases(scheme: Scheme, place: Place) -> Lines:
    """What `Scheme.draw_bias` does."""
    feeds, how = place.role == "feed", scheme.bias_distribution
    shift = scheme.bias if feeds else 0.0
    lines = [f"nn.init.constant_(LAYER.bias, {shift!r})" if shift else "nn.init.zeros_(LAYER.bias)"]
    bound = ""
    if how == "scheme" and scheme.own_bias_bound(place) > 0:
        bound = f"1 / math.sqrt({place.units if place.cell else 'LAYER.weight[0].numel()'})"
    elif how == "uniform" and feeds and scheme.bias_spread > 0:
        bound = f"{math.sqrt(3.0) * scheme.bias_spread!r}"
    if bound:
        lines = [f"nn.init.uniform_(LAYER.bias, -{bound}, {bound}, generator=generator)"]
    elif how == "normal" and feeds:
        lines = [f"nn.init.normal_(LAYER.bias, std={scheme.bias_spread!r}, generator=generator)"]
    is_drawn = "generator" in lines[0]
    if shift and is_drawn:
        lines.append(f"LAYER.bias += {shift!r}")
    forget = scheme.forget_bias + (scheme.own_forget_bias() if how == "scheme" else 0.0)
    if forget and feeds and place.cell == "lstm":
        lines.append(f"LAYER.bias.chunk(4)[1].add_({forget!r})  # the forget gate's")
    return lines


# -- all of them --------------------------------------------------------------------------------


def initialisation(experiment: Experiment) -> Lines:
    """The functions of a script that initialise `network`."""
    found = sites(experiment)
    formulas = list(dict.fromkeys(s.scheme for s in found if isinstance(s.scheme, OwnFormula)))
    lines: Lines = []
    for number, scheme in enumerate(formulas):
        pieces = [scheme.piece(site.place) for site in found if site.scheme == scheme]
        lines += [*script_formula.definition(_name(number), scheme, pieces), "", ""]
    is_lsuv = any(_limits(site) for site in found if site.place.role == "feed")
    kinds = "(nn.Linear, nn.Conv2d)" if experiment.network.architecture == "cnn" else "nn.Linear"
    body = _loops(experiment, [_named(site, formulas) for site in found])
    lines += [
        "@torch.no_grad()",
        f"def initialise(network, {'inputs, ' if is_lsuv else ''}generator):",
        '    """Fill every weight and bias, input side first."""',
    ]
    if not experiment.network.is_recurrent:
        lines.append(f"    layers = [m for m in network.modules() if isinstance(m, {kinds})]")
    lines += [f"    {line}" for line in body]
    if is_lsuv:
        lines += [f"    {line}" for line in _adjusting(experiment, found)]
    return [*_LSUV, "", "", *lines] if is_lsuv else lines


def _name(number: int) -> str:
    return f"{FORMULA}_{number + 1}" if number else FORMULA


def _named(site: Site, formulas: list[OwnFormula]) -> tuple[str, ...]:
    """The lines that draw a weight, with the name of the function that its formula has."""
    lines = draws(site)
    if isinstance(site.scheme, OwnFormula):
        name = _name(formulas.index(site.scheme))
        lines[1:] = [re.sub(rf"\b{FORMULA}\(", f"{name}(", line) for line in lines[1:]]
    return tuple(lines)


def _loops(experiment: Experiment, texts: list[tuple[str, ...]]) -> Lines:
    """One loop for all neighbours that are drawn by the same lines."""
    if not experiment.network.is_recurrent:
        return _grouped(texts, "layers", "layer")
    *hidden, last = texts
    cells = [_of_cell(*pair) for pair in zip(hidden[::2], hidden[1::2], strict=True)]
    output = [line.replace("LAYER", "network.output") for line in last]
    numbered = [f"number = {len(cells) + 1}"] if _is_numbered(output) else []
    return [*_grouped(cells, "network.cells", "cell"), *numbered, *output]


def _of_cell(feed: tuple[str, ...], back: tuple[str, ...]) -> tuple[str, ...]:
    """The two halves of a recurrent layer's weight are drawn each for itself."""
    return (
        "feed, back = (part.contiguous() for part in LAYER.weight.split(LAYER.sizes, 1))",
        *(line.replace("LAYER.weight", "feed") for line in feed),
        *(
            line.replace("LAYER.weight", "back").replace("LAYER.bias", "LAYER.back_bias")
            for line in back
            if line != feed[0]  # what the scheme is stands there already
        ),
        "LAYER.weight.copy_(torch.cat([feed, back], 1))",
    )


def _is_numbered(lines: Iterable[str]) -> bool:
    """Whether the number of the layer is asked for."""
    return any(re.search(r"\bnumber\b", line) for line in lines)


def _grouped(texts: Sequence[tuple[str, ...]], name: str, variable: str) -> Lines:
    lines: Lines = []
    for text, start, part in _neighbours(texts, name):
        if _is_numbered(text):
            lines.append(f"for number, {variable} in enumerate({part}, {start + 1}):")
        else:
            lines.append(f"for {variable} in {part}:")
        lines += [f"    {line.replace('LAYER', variable)}" for line in text]
    return lines


def _neighbours(texts: Sequence[T], name: str) -> Iterator[tuple[T, int, str]]:
    """Each run of equal texts: the text, where it starts, and that part of the list `name`."""
    at = 0
    for text, group in groupby(texts):
        end = at + len(list(group))
        part = f"[{at or ''}:{end if end < len(texts) else ''}]"
        yield text, at, name if part == "[:]" else name + part
        at = end


# -- by the data --------------------------------------------------------------------------------

_LSUV = '''
def rescaling(layer, linear, weight, tolerance, most):
    """LSUV: before a layer is used, divide its weight until the variance of W x + b is 1."""

    def rescale(_layer, inputs):
        for _ in range(most):
            variance = linear(*inputs).double().var(correction=0).item()
            if not 0 < variance < math.inf or abs(variance - 1.0) < tolerance:
                return
            weight.div_(math.sqrt(variance))

    return layer.register_forward_pre_hook(rescale)
'''.strip().splitlines()
_OF_LAYER = "rescaling({layer}, {layer}.forward, {layer}.weight, {limits})"
_OF_CELL = "rescaling({layer}, {layer}.feed, {layer}.weight[:, : {layer}.sizes[0]], {limits})"


def _adjusting(experiment: Experiment, found: list[Site]) -> Lines:
    """One pass over the first samples in which each layer is rescaled before it is used."""
    limits = [_limits(site) for site in found if site.place.role == "feed"]
    recurrent = experiment.network.is_recurrent
    output = limits.pop() if recurrent else ""
    name, variable, of = ("network.cells", "cell", _OF_CELL) if recurrent else _LAYERS
    hooks: Lines = []
    for limit, _, part in _neighbours(limits, name):
        if limit:
            hooked = of.format(layer=variable, limits=limit)
            hooks += [f"for {variable} in {part}:", f"    hooks.append({hooked})"]
    if output:
        hooked = _OF_LAYER.format(layer="network.output", limits=output)
        hooks += [f"hooks.append({hooked})"]
    return [
        "# One pass, without dropout, in which each layer is rescaled before it is used.",
        "hooks = []",
        *hooks,
        "network.eval()",
        "network(inputs)",
        "network.train()",
        "for hook in hooks:",
        "    hook.remove()",
    ]


_LAYERS = ("layers", "layer", _OF_LAYER)


def _limits(site: Site) -> str:
    """Tolerance and number of rescalings of a weight; empty where it stays as drawn."""
    scheme = site.scheme
    if not isinstance(scheme, LSUV) or site.starts_at_zero:
        return ""
    return f"{scheme.tolerance!r}, {scheme.max_iterations}"


# -- formulas in words ----------------------------------------------------------------------------

_SIGNS = {
    r"\\mathcal\{(\w)\}": r"\1",
    r"\\mathrm\{([^}]*)\}": r"\1",
    r"\\sim": "~",
    r"\\pm": "±",
    r"\\sigma": "σ",
    r"\\top": "T",
    r"\\quad": " ",
    r"\\[,; ]": " ",
    r"W_\{ij\}": "W",
    r"_\{(\w+)\}": r"_\1",
    r"\^2(?=\\frac)": "² · ",
    r"\^2": "²",
    r"\^T": "ᵀ",
}
_NESTED = {
    r"\\frac\{([^{}]*)\}\{([^{}]*)\}": lambda m: f"{_bracketed(m[1])} / {_bracketed(m[2])}",
    r"\\sqrt\{(\w+)\}": lambda m: f"√{m[1]}",
    r"\\sqrt\{([^{}]*)\}": lambda m: f"√({m[1]})",
}


def _bracketed(text: str) -> str:
    return f"({text})" if re.search(r"[ +]", text.strip()) else text


def plain(formula: str) -> str:
    """A formula of a scheme's, from LaTeX to a line of text."""
    for pattern, sign in _SIGNS.items():
        formula = re.sub(pattern, sign, formula)
    before = ""
    while before != formula:
        before = formula
        for pattern, written in _NESTED.items():
            formula = re.sub(pattern, written, formula)
    return " ".join(formula.split())
