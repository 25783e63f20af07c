r"""The formulas of the registries, written in a little LaTeX, as rich text.

Only what the formulas use is known: sub- and superscripts, \frac, \sqrt, \mathcal, \mathrm, and
the names in `SYMBOLS`. Fractions are written on one line, so that a formula stands in a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import escape

SYMBOLS: dict[str, str] = {
    "sim": " ~ ",
    "pm": "±",
    "leq": " ≤ ",
    "geq": " ≥ ",
    "cdot": "·",
    "times": "×",
    "varphi": "φ",
    "phi": "ϕ",
    "Phi": "Φ",
    "sigma": "σ",
    "lambda": "λ",
    "alpha": "α",
    "top": "⊤",
    "tanh": "tanh ",
    "sin": "sin ",
    "cos": "cos ",
    "exp": "exp ",
    "ln": "ln ",
    "max": "max",
    "min": "min",
    "log": "log ",
    "quad": " &nbsp; ",
    ",": " ",
    " ": " ",
}

#: What reads better once the pieces stand side by side: patterns and what they become.
_SPACING = (
    (r"(?:(?<=[\w)])|(?<=</su[bp]>))−", " − "),  # the minus between two terms, not a sign
    (r"(</sup>)(\d)", r"\1·\2"),
    (r" +<sup>", "<sup>"),
    (r"\b(tanh|sin|cos|log|ln|exp) \(", r"\1("),
    (r" {2,}", " "),
)

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_']|\s+|.")


@cache
def html(formula: str) -> str:
    """A formula as rich text.

    Raises:
        ValueError: for a command that is not known, or a brace that is not closed.
    """
    tokens = [token for token in _TOKEN.findall(formula) if not token.isspace()]
    reader = iter(tokens)
    text = "".join(_pieces(reader, closing=False))
    for pattern, replacement in _SPACING:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def _pieces(tokens: Iterator[str], closing: bool) -> Iterator[str]:
    """What stands up to the end, or up to the closing brace."""
    for token in tokens:
        if token == "}":
            if closing:
                return
            raise ValueError("a brace too many in a formula")
        yield _piece(token, tokens)
    if closing:
        raise ValueError("a brace is not closed in a formula")


def _piece(token: str, tokens: Iterator[str]) -> str:
    if token == "{":
        return "".join(_pieces(tokens, closing=True))
    if token in ("^", "_"):
        tag = "sup" if token == "^" else "sub"
        return f"<{tag}>{_argument(tokens).strip()}</{tag}>"
    if not token.startswith("\\"):
        return {"'": "′", "-": "−"}.get(token, _spaced(token))
    name = token[1:]
    if name == "frac":
        above, below = _argument(tokens), _argument(tokens)
        return f"{_grouped(above)} / {_grouped(below)}"
    if name == "sqrt":
        return f"√{_grouped(_argument(tokens))}"
    if name == "mathcal":
        return f"<i>{_argument(tokens)}</i>"
    if name == "mathrm":
        return f" {_argument(tokens)} "
    if name not in SYMBOLS:
        raise ValueError(f"the formula command {token} is not known")
    return SYMBOLS[name]


def _argument(tokens: Iterator[str]) -> str:
    token = next(tokens, None)
    if token is None:
        raise ValueError("a formula ends too early")
    return _piece(token, tokens)


def _spaced(token: str) -> str:
    if token in "=+<>":
        return f" {escape(token)} "
    return ", " if token == "," else escape(token)


def _grouped(text: str) -> str:
    """In parentheses, unless it is one word or number, with or without an index."""
    plain = re.sub(r"<su[bp]>[^<]*</su[bp]>", "", text).strip()
    return text.strip() if re.fullmatch(r"√?\w+", plain) else f"({text.strip()})"
