"""Whether a formula can be set, told from its MathML: fast however hostile, and without a window.

The library that draws formulas needs twice the time for each further level of nesting, so that
it cannot be asked itself about what a stranger wrote. What is found well here can be drawn by
`mathematics`: nothing is left to be found out in front of an audience.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from functools import lru_cache

#: A formula that fits on a slide is shorter and less nested than this, and has fewer signs.
MOST_CHARACTERS, MOST_LEVELS, MOST_SIGNS = 600, 6, 200
#: No space in it is wider, in ems.
MOST_SPACE = 10.0

#: Commands that a formula must not use, and why.
_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        ("newcommand", "renewcommand", "def", "newenvironment", "DeclareMathOperator"),
        "defines commands",
    ),
    **dict.fromkeys(("color", "textcolor", "colorbox", "fcolorbox"), "sets colours"),
    **dict.fromkeys(("href", "url"), "makes a link"),
    **dict.fromkeys(("tag", "label", "ref", "eqref"), "numbers formulas"),
    "style": "changes how it is drawn",
}

#: How many parts an element of MathML has.
_PARTS: Mapping[str, int] = {
    "mfrac": 2,
    "mroot": 2,
    "msub": 2,
    "msup": 2,
    "munder": 2,
    "mover": 2,
    "msubsup": 3,
    "munderover": 3,
}
#: What ziamath changes in a formula before it is read.
_AS_DRAWN = ((r"{aligned}", r"{align*}"), (r"\mathrm{", r"\mathrm {"), ("||", "‖"))
_COMMAND = re.compile(r"\\([A-Za-z]+)")
#: Arrows that the library cannot stretch beside a formula.
_UNSTRETCHED = re.compile(r"\\(?:left|right|middle)\s*\\(?:up|down)arrow\b")
#: Elements that are seen although no letter is in them.
_DRAWN = frozenset({"mfrac", "msqrt", "mroot", "menclose"})
#: Letters that the font is known to have, so that it need not be asked: ASCII, Latin, Greek, and
#: the usual operators and arrows, primes and script capitals.
_USUAL = re.compile(
    r"[\x20-\x7e\xa0-\xff\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u2016\u2026\u2032\u2033\u2190-\u2199\u2200-\u22ff\U0001d4a9\U0001d4b0\s]*"
)
_LENGTH = re.compile(r"(-?[\d.]+)(em|ex|mu|pt|px|cm|mm|in)?")
#: How many ems a unit is, at the most.
_EMS: Mapping[str | None, float] = {
    "em": 1.0,
    "ex": 0.6,
    "mu": 0.06,
    "pt": 0.1,
    "px": 0.1,
    "cm": 3.0,
    "mm": 0.3,
    "in": 8.0,
}
#: What the errors of latex2mathml mean, by the names of their classes.
_MEANINGS: Mapping[str, str] = {
    "MissingSuperScriptOrSubscriptError": "nothing follows a ^ or a _",
    "DoubleSubscriptsError": "two subscripts stand at one place: write {…}",
    "DoubleSuperscriptsError": "two superscripts stand at one place: write {…}",
    "ExtraLeftOrMissingRightError": r"a \left has no \right",
    "MissingEndError": r"a \begin has no \end",
    "NumeratorNotFoundError": "a fraction has no numerator",
    "DenominatorNotFoundError": "a fraction has no denominator",
    "LimitsMustFollowMathOperatorError": r"\limits must follow an operator",
    "NoAvailableTokensError": "something is missing at its end",
    "ParseError": "an & or another sign stands where it has no meaning",
}
_ESCAPED = re.compile(r"\\[{}\\]")
_OPENS = re.compile(r"\{|\\left\b|\\begin\b")
_CLOSES = re.compile(r"\}|\\right\b|\\end\b")
_LEVELS = re.compile(rf"(?P<opens>{_OPENS.pattern})|(?P<closes>{_CLOSES.pattern})")


@lru_cache(maxsize=2048)
def fault(latex: str) -> str:
    """What is wrong with a formula in LaTeX, as the end of a sentence; "" if nothing is."""
    if not latex:
        return "it is empty"
    if len(latex) > MOST_CHARACTERS:
        return f"it has {len(latex)} characters, at most {MOST_CHARACTERS} are allowed"
    return _refused(latex) or _nesting(_ESCAPED.sub("", latex)) or _structure(latex)


def _refused(latex: str) -> str:
    commands = _COMMAND.findall(latex)
    for command in commands:
        if command in _REFUSED:
            return rf"\{command} is not allowed: it {_REFUSED[command]}"
    if commands.count("begin") != commands.count("end"):
        return r"\begin and \end must come in pairs"
    if _UNSTRETCHED.search(latex):
        return "an arrow that points one way cannot stand beside a formula as a bracket"
    return ""


def _nesting(latex: str) -> str:
    level = deepest = braces = 0
    for found in _LEVELS.finditer(latex):
        step = 1 if found["opens"] else -1
        level += step
        deepest = max(deepest, level)
        if found[0] in "{}":
            braces += step
        if braces < 0:
            return "a } has no {"
    if braces:
        return "a { has no }"
    if deepest > MOST_LEVELS:
        return f"it is nested {deepest} deep, at most {MOST_LEVELS} levels of {{…}} are allowed"
    return ""


def _structure(latex: str) -> str:
    from latex2mathml import converter

    for old, new in _AS_DRAWN:
        latex = latex.replace(old, new)
    try:
        root = ET.fromstring(converter.convert(latex))
    except Exception as error:  # noqa: BLE001 (the library has dozens of its own, without a base)
        return _in_words(type(error).__name__)
    signs, is_seen = "", False
    for element in root.iter():
        name, text = element.tag.rpartition("}")[2], (element.text or "").strip()
        if text.startswith("\\"):
            return f"the command {text[:40]} is not known"
        if len(element) != _PARTS.get(name, len(element)):
            return "a command lacks an argument"
        if name == "mspace" and _ems(element.get("width", "")) > MOST_SPACE:
            return f"it has a space wider than {MOST_SPACE:.0f} letters"
        signs += text
        is_seen = is_seen or name in _DRAWN
    return _signs(signs) or ("" if is_seen or signs.strip() else "nothing is drawn")


def _signs(signs: str) -> str:
    """What is wrong with all letters of a formula together; the font is asked about rare ones."""
    if len(signs) > MOST_SIGNS:
        return f"it has {len(signs)} signs, at most {MOST_SIGNS} are allowed"
    if _USUAL.fullmatch(signs):
        return ""
    from initviz.lab.lectures.mathematics import has_sign

    rare = (letter for letter in signs if not _USUAL.fullmatch(letter) and not letter.isspace())
    missing = next((letter for letter in rare if not has_sign(letter)), "")
    return f"the font has no sign for {missing!r}" if missing else ""


def _ems(length: str) -> float:
    """A length in ems, at the most; a number without a unit may be any."""
    found = _LENGTH.fullmatch(length.strip())
    return abs(float(found[1])) * _EMS.get(found[2], 1.0) if found else 0.0


def _in_words(error: str) -> str:
    """What an error of the library means, by the name of its class."""
    return _MEANINGS.get(error, "a sign stands where it means nothing")
