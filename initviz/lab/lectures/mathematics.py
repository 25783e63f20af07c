"""LaTeX formulas as SVG, drawn by ziamath: see docs/decisions/0012-formulas.md.

ziamath is imported by the first formula. What a formula may say, and how much, is for `formulas` to
tell, which does not need it; whatever that lets through can be drawn. Should the libraries stumble
all the same, that is one ValueError with a sentence.
"""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING

from initviz.lab.lectures import formulas

if TYPE_CHECKING:
    from ziamath.zmath import Math

#: A formula wider or higher than so many ems is refused; `formulas` lets none through.
LARGEST = 600.0

#: Each formula is drawn once at this size; a picture of lines can be scaled without loss.
_EM = 100.0
#: What stands for the colour in that one drawing; the library passes any word on.
_INK = "ink-of-the-formula"
#: Air around the ink, in ems: enough that no smoothed edge is cut off.
MARGIN = 0.08

#: Signs of numbers, and what stands before one: else it is between two terms.
_SIGNS = frozenset("−-+±∓")
_BEFORE_SIGNS = frozenset("=≈≃≅∼<>≤≥≪≫≠≔→←↦∝∈,;:([{|‖·×/")
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
    why = formulas.fault(latex)
    if why:
        raise _fault(latex, why)
    return _measured(latex, _typeset(latex, display).svgxml())


def has_sign(letter: str) -> bool:
    """Whether the font has a letter; one that it lacks would be drawn as an empty box."""
    return bool(_library().Math.fromlatex("x").font.glyphindex(letter))


def _typeset(latex: str, display: bool) -> Math:
    """Raises ValueError."""
    library = _library()
    try:
        root = ET.fromstring(library.tex2mml(latex, inline=not display))
        root.set("mathcolor", _INK)
        _bind_signs(root)
        drawn: Math = library.Math(root, size=_EM)
    # The two libraries raise bare exceptions, failed assertions and whatever their own slips give.
    except Exception as error:
        raise _fault(latex, "it cannot be drawn") from error
    return drawn


def _bind_signs(root: ET.Element) -> None:
    """A minus after a relation, a comma or a bracket is a sign, and stands close to its number."""
    for row in root.iter():
        for before, part in pairwise(row):
            is_sign = part.tag.endswith("}mo") and part.text in _SIGNS
            if is_sign and before.tag.endswith("}mo") and before.text in _BEFORE_SIGNS:
                part.set("form", "prefix")


@cache
def _library() -> ModuleType:
    """ziamath, made to write each glyph where it stands: Qt draws SVG 1.2 Tiny."""
    with warnings.catch_warnings():
        # On Python 3.11 and 3.12 it opens its font in a way that was called deprecated then.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath import zmath
        from ziamath.config import config

    config.svg2 = False
    return zmath


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
