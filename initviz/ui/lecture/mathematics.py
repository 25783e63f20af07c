"""LaTeX formulas as SVG, drawn by ziamath: see docs/decisions/0012-formulas.md.

There is no Qt here, so that a lecture can be checked without it. ziamath is imported by the first
formula. Formulas come from files that people share: what they may say and how much is limited, and
whatever goes wrong in the libraries becomes one ValueError with a sentence.
"""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ziamath.zmath import Latex

#: A formula of more characters is refused: layouts take time that grows with them.
LONGEST = 1_000
#: A formula wider or higher than so many ems is refused.
LARGEST = 200.0

#: Each formula is drawn once at this size; a picture of lines can be scaled without loss.
_EM = 100.0
#: What stands for the colour in that one drawing.
_INK = "#010203"
#: Air around the ink, in ems: enough that no smoothed edge is cut off.
MARGIN = 0.08

#: Commands that a formula must not use, and why.
_REFUSED: dict[str, str] = {
    **dict.fromkeys(
        ("newcommand", "renewcommand", "def", "newenvironment", "DeclareMathOperator"),
        "defines commands",
    ),
    **dict.fromkeys(("color", "textcolor", "colorbox", "fcolorbox"), "sets colours"),
    **dict.fromkeys(("href", "url"), "makes a link"),
    **dict.fromkeys(("tag", "label", "ref", "eqref"), "numbers formulas"),
}

#: What the errors of latex2mathml mean, by the names of their classes.
_MEANINGS: dict[str, str] = {
    "MissingSuperScriptOrSubscriptError": "nothing follows a ^ or a _",
    "DoubleSubscriptsError": "two subscripts stand at one place: write {…}",
    "DoubleSuperscriptsError": "two superscripts stand at one place: write {…}",
    "ExtraLeftOrMissingRightError": r"a \left has no \right",
    "MissingEndError": r"a \begin has no \end",
    "NumeratorNotFoundError": "a fraction has no numerator",
    "DenominatorNotFoundError": "a fraction has no denominator",
    "LimitsMustFollowMathOperatorError": r"\limits must follow an operator",
    "NoAvailableTokensError": "something is missing at its end",
    "RecursionError": "it is nested too deeply",
    "ParseError": "an & or another sign stands where it has no meaning",
}

_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Formula:
    """A drawn formula. Lengths are in pixels at the size that was asked for.

    The picture is `width` wide and `ascent` + `descent` high, some air around the ink included; the
    baseline lies `ascent` below its top.
    """

    svg: bytes
    width: float
    ascent: float
    descent: float

    @property
    def height(self) -> float:
        """Of the whole picture."""
        return self.ascent + self.descent


@dataclass(frozen=True)
class _Drawing:
    """A formula at `_EM`, in `_INK`: the marks, and the box of their ink (y grows downwards)."""

    marks: str
    left: float
    top: float
    right: float
    bottom: float


@lru_cache(maxsize=512)
def svg(latex: str, size: float, colour: str, display: bool) -> Formula:
    r"""A formula as an SVG picture.

    `latex` is what stands between the dollars; `size` the size of its letters in pixels; `colour`
    is "#rrggbb"; `display` as in $$…$$: tall fractions, limits above and below.

    Raises:
        ValueError: where it is no formula, in a sentence that says why.
    """
    drawing = _draw(latex.strip(), display)
    margin = MARGIN * _EM
    left, top = drawing.left - margin, drawing.top - margin
    width, height = drawing.right + margin - left, drawing.bottom + margin - top
    scale = size / _EM
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg"'
        f' width="{width * scale:.3f}" height="{height * scale:.3f}"'
        f' viewBox="{left:.3f} {top:.3f} {width:.3f} {height:.3f}">'
        f"{drawing.marks.replace(_INK, colour)}</svg>"
    )
    return Formula(text.encode(), width * scale, -top * scale, (top + height) * scale)


def check(latex: str) -> None:
    """See whether a formula can be drawn.

    Raises:
        ValueError: where it cannot, in a sentence that says why.
    """
    _draw(latex.strip(), display=True)


@lru_cache(maxsize=512)
def _draw(latex: str, display: bool) -> _Drawing:
    """Raises ValueError."""
    _refuse(latex)
    drawn = _typeset(latex, display)
    _see_that_all_is_known(latex, drawn)
    return _measured(latex, drawn.svgxml())


def _refuse(latex: str) -> None:
    """Turn down what the libraries would take and should not."""
    if not latex:
        raise ValueError("a formula is empty")
    if len(latex) > LONGEST:
        raise ValueError(
            f"a formula has {len(latex)} characters; at most {LONGEST} are allowed:"
            f" {_shortened(latex)}"
        )
    commands = _COMMAND.findall(latex)
    for command in commands:
        if command in _REFUSED:
            raise _fault(latex, rf"\{command} is not allowed: it {_REFUSED[command]}")
    if commands.count("begin") != commands.count("end"):
        raise _fault(latex, r"\begin and \end must come in pairs")
    depth = 0
    for brace in re.findall(r"[{}]", _COMMAND.sub("", latex)):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            raise _fault(latex, "a } has no {")
    if depth:
        raise _fault(latex, "a { has no }")


def _typeset(latex: str, display: bool) -> Latex:
    """Raises ValueError."""
    library = _library()
    try:
        return library(latex, size=_EM, color=_INK, inline=not display)
    # The two libraries raise bare exceptions, failed assertions and whatever their own slips give.
    except Exception as error:
        meaning = _MEANINGS.get(type(error).__name__, "it cannot be read")
        raise _fault(latex, meaning) from error


@cache
def _library() -> type[Latex]:
    """ziamath, made to write each glyph where it stands: Qt draws SVG 1.2 Tiny."""
    with warnings.catch_warnings():
        # On Python 3.11 and 3.12 it opens its font in a way that was called deprecated then.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath.config import config
        from ziamath.zmath import Latex

    config.svg2 = False
    return Latex


def _see_that_all_is_known(latex: str, drawn: Latex) -> None:
    """An unknown command would be spelt out, and a missing letter drawn as an empty box."""
    for element in drawn.mathml.iter():
        text = (element.text or "").strip()
        if len(text) > 1 and text.startswith("\\"):
            raise _fault(latex, f"the command {text} is not known")
        for letter in text:
            if not letter.isspace() and not drawn.font.glyphindex(letter):
                raise _fault(latex, f"there is no sign for {letter!r}")


def _measured(latex: str, picture: ET.Element) -> _Drawing:
    """The box of what is really inked: the library's own is too wide under accents."""
    marks = [mark for mark in picture.iter() if mark.tag not in ("svg", "g")]
    boxes = [box for mark in marks if (box := _box(latex, mark)) is not None]
    if not boxes:
        raise _fault(latex, "nothing is drawn")
    left, top, right, bottom = (
        choose(values)
        for choose, values in zip((min, min, max, max), zip(*boxes, strict=True), strict=True)
    )
    if max(right - left, bottom - top) > LARGEST * _EM:
        raise _fault(latex, f"it is larger than {LARGEST:.0f} letters")
    text = "".join(ET.tostring(mark, encoding="unicode") for mark in picture)
    return _Drawing(text, left, top, right, bottom)


def _box(latex: str, mark: ET.Element) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of a path or a bar; None for one without extent."""
    half = float(mark.get("stroke-width", 0)) / 2
    if mark.tag == "rect":
        x, y, width, height = (float(mark.get(key, 0)) for key in ("x", "y", "width", "height"))
        return x - half, y - half, x + width + half, y + height + half
    if mark.tag != "path":
        raise _fault(latex, "it draws what is not supported here")
    # A curve lies within its control points, and these drawings have no relative coordinates.
    numbers = [float(number) for number in _NUMBER.findall(mark.get("d", ""))]
    if not numbers:
        return None
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs) - half, min(ys) - half, max(xs) + half, max(ys) + half


def _fault(latex: str, reason: str) -> ValueError:
    return ValueError(f"the formula ${_shortened(latex)}$: {reason}")


def _shortened(latex: str) -> str:
    line = " ".join(latex.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
