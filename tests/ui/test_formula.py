"""Formulas as rich text."""

import pytest

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.initialisers import SCHEMES
from initviz.ui.formula import html


@pytest.mark.parametrize("name", list(SCHEMES))
def test_the_formula_of_every_scheme_can_be_written(name):
    text = html(SCHEMES[name].formula)
    assert "\\" not in text
    assert text.count("(") == text.count(")")


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_the_formulas_of_every_activation_can_be_written(name):
    for formula in (ACTIVATIONS[name].formula, ACTIVATIONS[name].derivative_formula):
        assert "\\" not in html(formula)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"W_{ij} \sim \mathcal{N}(0, \sigma^2)", "W<sub>ij</sub> ~ <i>N</i>(0, σ<sup>2</sup>)"),
        (r"\frac{1}{n_{in}}", "1 / n<sub>in</sub>"),
        (r"\frac{a + b}{2}", "(a + b) / 2"),
        (r"\sqrt{x}", "√x"),
        (r"\sqrt{x + 1}", "√(x + 1)"),
        (r"e^{-z} - 1", "e<sup>−z</sup> − 1"),
        (r"z < 0", "z &lt; 0"),
        (r"\tanh(\log(1 + e^z))", "tanh(log(1 + e<sup>z</sup>))"),
        (r"\cos z", "cos z"),
    ],
)
def test_a_formula_is_written_as_a_person_would(formula, expected):
    assert html(formula) == expected


@pytest.mark.parametrize("formula", [r"\unheard", "{a", "a}", r"\frac{a}"])
def test_what_is_not_known_is_refused(formula):
    with pytest.raises(ValueError, match="formula"):
        html(formula)
