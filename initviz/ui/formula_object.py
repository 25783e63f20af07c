"""Formulas on the lines of a document that Qt lays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtSvg import QSvgRenderer

from initviz.lab.lectures import mathematics

#: The letters of formulas against those of the text: their font is smaller at the same size.
MATH = 1.12
#: So far below the letters, in sizes of the text, a formula may hang without room of its own: the
#: line below has as much air above its letters.
HANG = 0.2
#: What stands in a document for a formula.
OBJECT = "\ufffc"
#: A letter without width, which gives a line of formulas the height of the text.
STRUT = "\u200b"
#: The type of the formats of formulas.
FORMULA = int(QTextFormat.ObjectTypes.UserObject) + 1

_USER = int(QTextFormat.Property.UserProperty)
_LATEX, _DISPLAY, _SIZE, _COLOUR, _INSET, _BEFORE, _AFTER, _ALONE = range(_USER + 1, _USER + 9)


@dataclass(frozen=True)
class Written:
    """A formula in a text, with what stands right before and after it.

    Qt may end a line on either side of an object, so that a full stop could begin one: letters that
    touch the formula are drawn with it.
    """

    latex: str
    formula: mathematics.Formula
    before: str
    after: str
    font: QFont
    colour: str
    inset: float
    centred: bool
    alone: bool

    @classmethod
    def of(cls, form: QTextCharFormat) -> Written:
        """What a format stands for."""
        latex, colour = str(form.property(_LATEX)), str(form.property(_COLOUR))
        size, display = form.doubleProperty(_SIZE), form.boolProperty(_DISPLAY)
        return cls(
            latex=latex,
            formula=mathematics.svg(latex, size, colour, display),
            before=form.stringProperty(_BEFORE),
            after=form.stringProperty(_AFTER),
            font=form.font(),
            colour=colour,
            inset=form.doubleProperty(_INSET),
            centred=form.verticalAlignment() == QTextCharFormat.VerticalAlignment.AlignMiddle,
            alone=form.boolProperty(_ALONE),
        )

    @property
    def source(self) -> str:
        """As it was written."""
        return f"{self.before}${self.latex.strip()}${self.after}"

    @property
    def left(self) -> float:
        """Where the formula begins."""
        return QFontMetricsF(self.font).horizontalAdvance(self.before)

    @property
    def width(self) -> float:
        """Of everything."""
        after = QFontMetricsF(self.font).horizontalAdvance(self.after)
        return self.left + self.formula.width + after

    # Qt knows two ways to put an object on a line: standing on the baseline, or with its middle
    # half an x-height above it. The first wastes no room and serves formulas that hang hardly
    # deeper than letters, which then reach below their own rectangle; the others get room both
    # sides.
    # A formula alone on its line needs no line of a text to stand on, and takes what it is high.

    def room(self, share: float) -> float:
        """The height to ask for, where everything is drawn at `share` of its size."""
        ascent, descent = self.formula.ascent * share, self.formula.descent * share
        if self.alone:
            return ascent + descent
        if not self.centred:
            return ascent
        half_x = QFontMetrics(self.font).xHeight() / 2
        return max(2 * ascent - half_x, 2 * descent + half_x)

    def above(self, room: float) -> float:
        """How much of that height lies above the baseline."""
        if self.alone:
            return room * self.formula.ascent / self.formula.height
        return (room + QFontMetrics(self.font).xHeight() / 2) / 2 if self.centred else room


class Formulas(QPyTextObject):
    """Tells a document how large its formulas are, and draws them."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._renderers: dict[bytes, QSvgRenderer] = {}

    def intrinsicSize(  # noqa: N802
        self, doc: QTextDocument, _position: int, form: QTextFormat
    ) -> QSizeF:
        """The room that a formula takes on its line."""
        written = Written.of(form.toCharFormat())
        share = share_of(doc, written)
        return QSizeF(written.width * share, written.room(share))

    def drawObject(  # noqa: N802
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        doc: QTextDocument,
        _position: int,
        form: QTextFormat,
    ) -> None:
        """Draw a formula with its baseline on that of the text."""
        written = Written.of(form.toCharFormat())
        formula, share = written.formula, share_of(doc, written)
        baseline = rect.top() + written.above(rect.height())
        painter.save()
        painter.translate(rect.left(), _on_a_pixel(painter, baseline))
        painter.scale(share, share)
        painter.setFont(written.font)
        painter.setPen(QColor(written.colour))
        painter.drawText(QPointF(0, 0), written.before)
        painter.drawText(QPointF(written.left + formula.width, 0), written.after)
        target = QRectF(written.left, -formula.ascent, formula.width, formula.height)
        self._renderer(formula.svg).render(painter, target)
        painter.restore()

    def _renderer(self, svg: bytes) -> QSvgRenderer:
        if svg not in self._renderers:
            self._renderers[svg] = QSvgRenderer(QByteArray(svg), self)
        return self._renderers[svg]


def _on_a_pixel(painter: QPainter, y: float) -> float:
    """The nearest y on a whole pixel of the device, where letters stand too."""
    there, scale = painter.deviceTransform(), painter.deviceTransform().m22()
    return (round(there.map(QPointF(0, y)).y()) - there.map(QPointF(0, 0)).y()) / scale


def share_of(doc: QTextDocument, written: Written) -> float:
    """By how much a formula is scaled so that it fits the width."""
    if doc.textWidth() <= 0:
        return 1.0
    return min(1.0, max(doc.textWidth() - written.inset, 1.0) / written.width)


def formula_format(
    letters: QTextCharFormat,
    latex: str,
    display: bool,
    beside: Sequence[str] = ("", ""),
    inset: float = 0.0,
    alone: bool = False,
) -> QTextCharFormat:
    """The format with which `OBJECT` is a formula among such letters.

    `beside` is what is drawn right before and after it; `inset` how many pixels of the document's
    width it cannot have; `alone` whether it has a line for itself.

    Raises:
        ValueError: where it is no formula.
    """
    size, colour = MATH * letters.font().pixelSize(), letters.foreground().color().name()
    formula = mathematics.svg(latex, size, colour, display)
    form = QTextCharFormat(letters)
    form.setObjectType(FORMULA)
    for key, value in {
        _LATEX: latex,
        _DISPLAY: display,
        _SIZE: size,
        _COLOUR: colour,
        _INSET: inset,
        _BEFORE: beside[0],
        _AFTER: beside[1],
        _ALONE: alone,
    }.items():
        form.setProperty(key, value)
    hang = HANG * letters.font().pixelSize() + mathematics.MARGIN * size
    if not alone and formula.descent > QFontMetricsF(form.font()).descent() + hang:
        form.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
    return form
