"""Whether a formula can be set, told from its MathML: fast however hostile, and without a window.

The library that draws formulas needs twice the time for each further level of nesting, so that
it cannot be asked itself about what a stranger wrote.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from functools import lru_cache

#: A formula that fits on a slide is shorter and less nested than this.
MOST_CHARACTERS, MOST_LEVELS = 600, 6

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
    return _nesting(_ESCAPED.sub("", latex)) or _structure(latex)


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
    for element in root.iter():
        name, text = element.tag.rpartition("}")[2], (element.text or "").strip()
        if text.startswith("\\"):
            return f"{text[:40]} is no command that is known"
        if len(element) != _PARTS.get(name, len(element)):
            return "a command lacks an argument"
    return ""


def _in_words(name: str) -> str:
    """A sentence from the name of an error: "DoubleSuperscriptsError" says it all."""
    if name == "NoAvailableTokensError":
        return "it ends where something should follow"
    words = re.findall(r"[A-Z][a-z]+", name.removesuffix("Error"))
    if len(words) < 2 or name == "ParseError":
        return "a sign stands where it means nothing"
    return " ".join(words).lower()
