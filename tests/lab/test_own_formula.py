"""Formulas of one's own: what they draw, what is announced, and that nothing else can happen."""

import builtins
import math
import os
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import OwnFormula, Place
from initviz.lab.initialisers.own_formula import MAX_DRAWS, MAX_LENGTH, evaluate, read
from initviz.lab.places import places

PLACE = Place((300, 200), "hidden 2", layer=2, depth=5, width=77)


def _drawn(expression, place=PLACE, seed=0, **parameters):
    weight = torch.full(place.shape, torch.nan, dtype=torch.float64)
    scheme = OwnFormula(expression=expression, **parameters)
    scheme.draw(weight, place, torch.Generator().manual_seed(seed))
    return weight


def _value(expression, place=PLACE, parameter=0.1):
    """What an expression is that draws nothing."""
    quantity = evaluate(expression, parameter, place)
    assert not quantity.is_drawn
    return quantity.mean


# -- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2 + 3 * 4", 14),
        ("2 * (3 + 4)", 14),
        ("2 - 3 - 4", -5),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("+3 / 2", 1.5),
        ("1e-3 + .5 + 2.", 2.501),
        ("sqrt(2 / fan_in)", math.sqrt(2 / 200)),
        ("fan_in + 1000 * fan_out", 300_200),
        ("layer / depth * width", 2 / 5 * 77),
        ("exp(1) - e", 0),
        ("log(e ** 2)", 2),
        ("abs(-3) + abs(3)", 6),
        ("min(3, 1, 2) + max(3, 1, 2) * 10", 31),
        ("sin(pi / 2) + cos(0) + tanh(0)", 2),
        ("zeros() + ones() + constant(3)", 4),
        ("1 if layer == 2 else 5", 1),
        ("1 if layer != 2 else 5", 5),
        ("1 if 1 < layer <= 2 and not depth >= 7 else 5", 1),
        ("1 if layer > 2 or depth < 5 else 5", 5),
        ("a * 2", 0.2),
        (" \n  1 +\n\t2 \n", 3),
    ],
)
def test_numbers_are_what_python_would_make_of_them(expression, expected):
    assert _value(expression) == pytest.approx(expected, abs=1e-15)


numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
sums = st.recursive(
    numbers.map(lambda x: f"({x})"),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda x: f"(-{x})"),
        inner.map(lambda x: f"tanh({x})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
    ),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(sums.filter(lambda text: len(text) <= MAX_LENGTH))
def test_any_sum_is_what_python_would_make_of_it(text):
    assert _value(text) == eval(text, {"tanh": math.tanh, "max": max})


# -- draws --------------------------------------------------------------------------------------

KNOWN = [
    "normal(0, sqrt(2 / fan_in))",
    "normal()",
    "normal(3, 0.5)",
    "uniform(-a, a)",
    "uniform()",
    "truncated_normal(1, 2)",
    "0.5 * orthogonal() + 0.01",
    "orthogonal(2) / -4",
    "normal() + normal()",
    "normal() - normal()",
    "normal(1, 2) * normal(3, 4)",
    "-(normal(1, 2) * uniform(1, 2) + 3) / 4 - orthogonal()",
    "abs(uniform(1, 2)) * 2",
    "normal(0, 1) if layer == 2 else 0",
    "0.25",
]
#: Mean and spread are not worked out for these, but where they lie is.
UNKNOWN = [
    "abs(normal())",
    "max(normal(), 0)",
    "min(uniform(), 0.5, uniform(0.2, 3))",
    "exp(normal())",
    "log(uniform(0.5, 2))",
    "sqrt(uniform(1, 4))",
    "tanh(normal())",
    "sin(normal()) + 1",
    "cos(normal())",
    "normal() ** 2",
    "uniform(-2, 3) ** 3",
    "uniform(1, 2) ** -1.5",
    "2 ** normal()",
    "uniform(1, 2) ** uniform(-1, 1)",
    "1 / uniform(1, 2)",
    "1 / normal()",
    "normal() ** -1",
]


@pytest.mark.parametrize("expression", KNOWN)
def test_mean_and_spread_of_sums_and_products_are_announced_exactly(expression):
    scheme, weight = OwnFormula(expression=expression), _drawn(expression).numpy()
    mean, std = scheme.weight_mean(PLACE), scheme.weight_std(PLACE)
    error = 12 * std / math.sqrt(weight.size)
    assert weight.mean() == pytest.approx(mean, abs=error + 1e-15)
    assert weight.std() == pytest.approx(std, abs=error + 1e-15)


@pytest.mark.parametrize("expression", [*KNOWN, *UNKNOWN])
def test_every_drawn_weight_lies_in_the_support(expression):
    low, high = OwnFormula(expression=expression).weight_support(PLACE)
    weight = _drawn(expression)
    assert low - 1e-12 <= weight.min()
    assert weight.max() <= high + 1e-12


@pytest.mark.parametrize("expression", UNKNOWN)
def test_what_is_not_worked_out_is_not_announced(expression):
    scheme = OwnFormula(expression=expression)
    assert math.isnan(scheme.weight_std(PLACE))
    assert math.isnan(scheme.weight_mean(PLACE))


@pytest.mark.parametrize(
    ("expression", "function"),
    [
        ("abs({})", np.abs),
        ("exp({})", np.exp),
        ("tanh({})", np.tanh),
        ("sin({})", np.sin),
        ("cos({})", np.cos),
        ("{} ** 2", np.square),
        ("max({}, 0)", lambda x: np.maximum(x, 0)),
        ("min(0.5, {})", lambda x: np.minimum(x, 0.5)),
        ("2 ** {}", np.exp2),
        ("1 / {}", lambda x: 1 / x),
        ("3 - {} / 2", lambda x: 3 - x / 2),
        ("sqrt(abs({}))", lambda x: np.sqrt(np.abs(x))),
        ("log(abs({}))", lambda x: np.log(np.abs(x))),
    ],
)
def test_a_function_of_a_draw_acts_on_every_entry(expression, function):
    plain = _drawn("normal()").numpy()
    np.testing.assert_allclose(
        _drawn(expression.format("normal()")).numpy(), function(plain), rtol=1e-12, atol=1e-12
    )


def test_two_draws_are_independent():
    assert _drawn("normal() - normal()").std().item() == pytest.approx(math.sqrt(2), rel=0.02)


def test_each_gate_is_drawn_for_itself():
    place = Place((4 * 20, 20), gates=4, role="recurrent", cell="lstm")
    weight = torch.empty(place.shape, dtype=torch.float64)
    OwnFormula(expression="orthogonal()").draw_gates(weight, place, torch.Generator())
    for gate in weight.chunk(4):
        np.testing.assert_allclose(gate.T @ gate, np.eye(20), atol=1e-12)
    scheme = OwnFormula(expression="normal(0, 1 / fan_out)")
    assert scheme.weight_std(place) == 1 / 20


def test_the_formula_survives_a_file():
    text = "normal(0, 1) if layer == 1 else 0.5 * orthogonal()"
    experiment = Experiment().with_values(
        {"initialiser.scheme": "formula", "initialiser.expression": text}
    )
    assert Experiment.from_toml(experiment.to_toml()).initialiser.expression == text


# -- mistakes -----------------------------------------------------------------------------------

MISTAKES = {
    "": ["nothing is written", "allowed are", "fan_in", "normal()"],
    "   ": ["nothing is written"],
    "normal(0, fanin)": ["unknown name 'fanin' at character 11", "did you mean 'fan_in'?"],
    "nromal()": ["'nromal' at character 1", "did you mean 'normal'?"],
    "2 ^ 3": ["'^' at character 3", "**"],
    "2 × 3": ["'×' at character 3", "write *"],
    "normal(0, 1": ["no formula, at character 7"],
    "1 +": ["no formula", "allowed are"],
    "normal(0 1)": ["no formula, at character 8"],
    "2 3": ["no formula"],
    "2fan_in": ["something is missing before 'fan_in' at character 2"],
    "1 // 2": ["character 1 is not allowed"],
    "1, 2": ["character 1 is not allowed"],
    "normal": ["normal at character 1 is a function", "normal(…)"],
    "pi(2)": ["what is called at character 1 is no function"],
    "normal()()": ["no function"],
    "normal(1, 2, 3)": ["normal() at character 1 takes 0 to 2 values"],
    "1 + sqrt()": ["sqrt() at character 5 takes 1 values"],
    "min(1)": ["min() at character 1 takes 2 to 10"],
    "normal(0, -1)": ["standard deviation in normal() is -1"],
    "uniform(2, 1)": ["uniform(2, 1)", "not be above"],
    "uniform(-1e31, 1)": ["uniform() is given -1e+31", "1e+30"],
    "1 / 0": ["1 / 0 divides by 0"],
    "normal() / 0": ["divides by 0"],
    "1 / (0 * normal())": ["divides by 0"],
    "log(0)": ["log(0) is not a number"],
    "log(-1)": ["log(-1) is not a number"],
    "sqrt(-1)": ["sqrt(-1) is not a number"],
    "(-1) ** 0.5": ["-1 ** 0.5 is not a number"],
    "exp(1000)": ["exp(1000) is too large"],
    "1e308 * 10": ["1e+308 * 10 is too large"],
    "1e999": ["the number at character 1 is too large"],
    "log(normal())": ["log() is given something that can be negative", "abs()"],
    "sqrt(uniform(-1, 1))": ["sqrt() is given something that can be negative"],
    "normal() ** 0.5": ["needs a whole number"],
    "normal() ** normal()": ["needs a whole number"],
    "normal(normal(), 1)": ["what normal() is given must be a number"],
    "1 if normal() else 2": ["a condition must be a number"],
    "1 if normal() > 0 else 2": ["what is compared must be a number"],
    " + ".join(["normal()"] * (MAX_DRAWS + 1)): ["11 draws are too many: at most 10"],
}


@pytest.mark.parametrize("expression", MISTAKES, ids=lambda text: repr(text[:30]))
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(expression):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the sentence is checked below)
        Experiment.from_dict({"initialiser": {"scheme": "formula", "expression": expression}})
    message = str(caught.value)
    assert message.startswith("initialiser.expression: ")
    for part in MISTAKES[expression]:
        assert part in message
    assert len(message.splitlines()) == 1
    assert len(message) < 500


def test_the_parameter_counts_when_the_formula_is_checked():
    with pytest.raises(ValueError, match=r"^initialiser\.expression: uniform"):
        Experiment.from_dict(
            {"initialiser": {"scheme": "formula", "expression": "uniform(0, a)", "parameter": -1.0}}
        )


def test_a_formula_that_fails_in_one_layer_says_in_which():
    scheme = OwnFormula(expression="normal(0, abs(1 / (layer - 3)))")
    place = Place((3, 4), "hidden 3", layer=3, depth=5)
    with pytest.raises(ValueError, match=r"^hidden 3: the formula .*: 1 / 0 divides by 0$"):
        scheme.draw(torch.empty(3, 4), place, torch.Generator())
    assert math.isnan(scheme.weight_std(place))
    assert math.isnan(scheme.weight_mean(place))
    assert scheme.weight_support(place) == (-math.inf, math.inf)


ONLY_HERE = "normal(0, sqrt(2 / (fan_in - 8)))"


def test_a_formula_need_suit_no_other_network_than_its_own():
    experiment = Experiment.from_toml(
        f'[network]\nwidth = 16\n[initialiser]\nscheme = "formula"\nexpression = "{ONLY_HERE}"'
    )
    assert Experiment.from_toml(experiment.to_toml()) == experiment
    stds = [experiment.initialiser.weight_std(place) for place in places(experiment)]
    assert stds == pytest.approx([math.sqrt(2 / 56)] + 10 * [0.5])


OUTPUT = """
[[layers]]
name = "output"
[layers.initialiser]
scheme = "formula"
expression = "normal(0, log(fan_out) - 3)"
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f'[network]\nwidth = 8\n[initialiser]\nscheme = "formula"\nexpression = "{ONLY_HERE}"',
            "initialiser.expression: hidden 2: 2 / 0 divides by 0",
        ),
        (
            OUTPUT,
            "layers.0.initialiser.expression: output: the standard deviation in normal() is",
        ),
    ],
)
def test_a_formula_that_fails_in_this_network_is_refused_with_its_field_and_layer(text, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the sentence is checked below)
        Experiment.from_toml(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("expression", ["exp(exp(5 + normal(0, 9)))", "1e300 * normal()"])
def test_what_is_not_finite_is_refused_when_it_is_drawn(expression):
    with pytest.raises(ValueError, match=r"^hidden 2: the formula "):
        OwnFormula(expression=expression).draw(torch.empty(30, 40), PLACE, torch.Generator())


# -- hostile texts ------------------------------------------------------------------------------

HOSTILE = [
    "().__class__.__bases__[0].__subclasses__()",
    "fan_in.__class__",
    "normal.__globals__",
    "normal().__class__.__mro__",
    "(1).real",
    "1 .real",
    "1..real",
    "1.0.__class__",
    "fan_in.real",
    "normal().storage()",
    "__import__('os').system('touch /tmp/hacked')",
    "__builtins__",
    "__class__",
    "_",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "print(1)",
    "getattr(normal, 'x')",
    "globals()",
    "type(1)",
    "breakpoint()",
    "9**9**9**9",
    "9**9**9",
    "10**308 * 10**308",
    "(9**99)**(9**9)",
    "2**(2**(2**(2**(2**(2**2)))))",
    "-9.0**9.0**9.0",
    "exp(exp(exp(exp(9))))",
    "[x for x in (1, 2)]",
    "[1][0]",
    "{1: 2}",
    "{1, 2}",
    "(x for x in range(9))",
    "sum(i for i in range(10**9))",
    "lambda: 1",
    "(lambda: normal())()",
    "'a' * 10**9",
    '"a" * 999999999',
    "b'x' * 9",
    "'%s' % 1",
    "f'{1}'",
    'f"{__import__(1)}"',
    "(x := 1)",
    "x = 1",
    "fan_in = 3",
    "1; 2",
    "import os",
    "del fan_in",
    "yield 1",
    "await normal()",
    "async",
    "normal(*[1])",
    "normal(*e)",
    "normal(**e)",
    "normal(mean=1)",
    "...",
    "None",
    "True",
    "1j",
    "1_000",
    "0x10",
    "0b1",
    "007",
    "1 @ 1",
    "1 & 1",
    "1 | 1",
    "~1",
    "1 << 99999999",
    "1 >> 1",
    "5 % 3",
    "1 is 1",
    "1 in (1,)",
    "1if 1else 2",
    "# comment",
    "1 # comment",
    "1 \\\n + 1",
    "normal(0,\x001)",
    "\x00",
    "\ufeff1",
    "1\u2028+ 1",
    "ｎormal()",
    "fan＿in",
    "ｅval(1)",
    "nοrmal()",
    "２ + 2",
    "√2",
    "π",
    "\ud800",
    "\U0001f600",
    "9" * 400,
    "9" * MAX_LENGTH,
    "1e" + "9" * 400,
    "0." + "9" * 400 + "e" + "9" * 40,
    "(" * 200 + "1" + ")" * 200,
    "(" * MAX_LENGTH,
    "-" * 400 + "1",
    "not " * 100 + "1",
    "abs(" * 90 + "1" + ")" * 90,
    "1" + "+1" * 240,
    "1" + "**1" * 160,
    "normal()" + "+normal()" * 50,
    "max(" + ",".join(["1"] * 200) + ")",
    "1" * 10_000_000,
    "(" * 10_000_000,
    "normal(" + " " * 10_000_000 + ")",
    "a" * 10_000_000,
    "\n" * 10_000_000,
    "é" * 10_000_000,
]


@pytest.fixture
def nothing_runs(monkeypatch):
    """Everything through which a text could do something is an alarm."""

    def alarm(*args, **kwargs):
        raise AssertionError("a formula reached what it must not reach")

    for name in ("eval", "exec", "input", "breakpoint"):
        monkeypatch.setattr(builtins, name, alarm)
    monkeypatch.setattr(os, "system", alarm)
    monkeypatch.setattr(os, "popen", alarm)


def _refused(expression):
    """How long it took to refuse an expression in an experiment."""
    read.cache_clear()
    start = time.perf_counter()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the sentence is checked below)
        Experiment.from_dict({"initialiser": {"scheme": "formula", "expression": expression}})
    seconds = time.perf_counter() - start
    message = str(caught.value)
    assert message.startswith("initialiser.expression")
    assert len(message) < 500
    assert len(message.splitlines()) == 1
    return seconds


@pytest.mark.parametrize("expression", HOSTILE, ids=lambda text: ascii(text[:30]))
def test_a_hostile_text_is_refused_within_50_ms_and_nothing_runs(expression, nothing_runs):
    _refused("warm up")
    # The best of three: another program may have had the processor.
    assert min(_refused(expression) for _ in range(3)) < 0.05


def test_the_evaluator_alone_refuses_a_long_text_before_reading_it():
    start = time.perf_counter()
    with pytest.raises(ValueError, match="10000000 characters are too many: at most 500"):
        read("1" * 10_000_000)
    assert time.perf_counter() - start < 0.05


WORDS = (
    "normal uniform orthogonal sqrt log fan_in layer a e if else and not ( ) ( ) , + - * / ** < "
    "== 1 0 2.5 1e9 . _ [ ] ' : = lambda for in __class__"
)
words = st.sampled_from(WORDS.split())
texts = st.lists(words, max_size=25).map(" ".join) | st.text(max_size=60)


@settings(derandomize=True, max_examples=500, deadline=None)
@given(texts)
def test_any_text_is_a_formula_or_one_sentence(text):
    place = Place((4, 5), layer=1, depth=2)
    try:
        std = OwnFormula(expression=text).weight_std(place)
        weight = _drawn(text, place)
    except ValueError:
        return  # pydantic's error before there is a scheme, a sentence when it is drawn
    assert weight.isfinite().all()
    assert std >= 0 or math.isnan(std)


@pytest.mark.parametrize("expression", ["1 if 1 else " * 40 + "1", "0" + "<1" * 240])
def test_what_is_long_but_harmless_is_evaluated_at_once(expression):
    start = time.perf_counter()
    OwnFormula(expression=expression)
    assert time.perf_counter() - start < 0.05
