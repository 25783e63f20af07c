"""What the parser lets through can be drawn, and the rest is refused without drawing it."""

import subprocess
import sys

import pytest

from initviz.lab.lectures import formulas, mathematics

GOOD = (
    r"\delta^l = \varphi'(z^l) \odot (W^{l+1})^T \delta^{l+1}",
    r"\begin{cases} 1 & z > 0 \\ 0 & z < 0 \end{cases}",
    r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
    r"\mathbb{E}\,\hat y \in \mathcal{N}(0, \sigma^2)",
    r"\frac{}{}",
    r"\{x\} \left\{ y \right.",
    "W" * formulas.MOST_SIGNS,
    r"x\hspace{10em}x",
    r"\\".join("x" * 100),
    r"\frac{\frac{\frac{\frac{1}{2}}{3}}{4}}{5}",
)
BAD = (
    "",
    r"\def\a{x}",
    r"\color{red} x",
    r"\href{https://example.org}{x}",
    r"\tag{1} x",
    r"\style{x}{y}",
    r"\left\uparrow x \right.",
    r"\,",
    "✗",
    "W" * (formulas.MOST_SIGNS + 1),
    r"x\hspace{1000px}x",
)


@pytest.mark.parametrize("display", [False, True])
@pytest.mark.parametrize("latex", GOOD)
def test_a_formula_without_a_fault_can_be_drawn(latex, display):
    assert formulas.fault(latex) == ""
    assert mathematics.svg(latex, 20.0, "#112233", display).width > 0


@pytest.mark.parametrize("latex", BAD)
def test_both_refuse_the_same(latex):
    assert formulas.fault(latex)
    with pytest.raises(ValueError, match="the formula"):
        mathematics.check(latex)


def test_the_usual_letters_need_no_asking_and_are_in_the_font():
    usual = [
        chr(code)
        for code in (*range(0x21, 0x2300), *range(0x1D400, 0x1D500))
        if formulas._USUAL.fullmatch(chr(code))
    ]
    assert len(usual) > 400
    assert [one for one in usual if not one.isspace() and not mathematics.has_sign(one)] == []


def test_a_minus_that_is_a_sign_stands_close_to_its_number():
    def width(latex):
        return mathematics.svg(latex, 100.0, "#000000", False).width

    assert width("a=-b") < width("a=b-c") - width("a=b") + width("a=b") - 10


def test_reading_a_lecture_loads_nothing_that_draws():
    code = (
        "import sys; from initviz.lab.lectures import read_lecture, shipped;"
        "[read_lecture(path) for path in shipped()]; assert 'ziamath' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
