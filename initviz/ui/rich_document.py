"""Markdown with formulas as a document that Qt lays out.

The text is put into the document piece by piece and never as HTML: markup in a text is shown as it
is written, a link is its words, a picture its description. Nothing is loaded and nothing opened.

What goes beyond Markdown: a formula between dollars stands on the line of the text; a strong single
letter A to D takes the colour of that lane; a quote that begins with **Mistake.** or **Note.** is a
box with a bar and the word.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QPainter,
    QPalette,
    QTextCursor,
    QTextDocument,
    QTextFrame,
    QTextOption,
)

from initviz.ui import theme as themes
from initviz.ui.formula_object import FORMULA, HANG, OBJECT, STRUT, Formulas, Written, share_of
from initviz.ui.markdown import parse
from initviz.ui.rich_builder import BOX, CALLOUTS, CODE, INDENT, QUOTE, Builder, Setting


class RichDocument(QTextDocument):
    """A text, laid out at a width: a word that is wider is broken, a formula made smaller."""

    def __init__(self, markdown: str, setting: Setting, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setUndoRedoEnabled(False)
        self.setDocumentMargin(0)
        edge = self.rootFrame().frameFormat()
        edge.setBottomMargin(round(HANG * setting.size))  # a formula may hang there
        self.rootFrame().setFrameFormat(edge)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setDefaultTextOption(option)
        self.setDefaultFont(themes.font(setting.size, setting.weight))
        self.setIndentWidth(INDENT * setting.size)
        self.setting = setting
        self._formulas = Formulas(self)
        self.documentLayout().registerHandler(FORMULA, self._formulas)
        Builder(self, setting).build(parse(markdown))

    def height_at(self, width: float) -> float:
        """Lay the text out at a width; returns its height. Both in pixels."""
        if self.textWidth() != width:
            self.setTextWidth(width)
        return self.size().height()

    @property
    def smallest(self) -> float:
        """The size of the smallest letters: a formula that is too wide is made smaller."""
        shares = (
            share_of(self, Written.of(form.toCharFormat()))
            for form in self.allFormats()
            if form.objectType() == FORMULA
        )
        return self.setting.size * min(shares, default=1.0)

    @property
    def too_wide(self) -> bool:
        """Whether a word, or the least width of a table, goes beyond the width."""
        return self.size().width() > self.textWidth() + 0.5

    def paint(self, painter: QPainter, area: QRectF | None = None) -> None:
        """Draw boxes and text with the top left corner at the painter's origin."""
        self.paint_boxes(painter)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, QColor(self.setting.ink))
        if area is not None:
            context.clip = area
        self.documentLayout().draw(painter, context)

    def paint_boxes(self, painter: QPainter) -> None:
        """Draw what lies behind the text."""
        for frame in _frames(self.rootFrame()):
            kind = frame.format().property(BOX)
            if kind:
                self._paint_box(painter, self._box_of(frame), str(kind))

    def boxes(self) -> Iterator[tuple[str, QRectF]]:
        """The boxes behind the text: "Mistake.", "Note.", "quote" or "code", and where."""
        for frame in _frames(self.rootFrame()):
            kind = frame.format().property(BOX)
            if kind:
                yield str(kind), self._box_of(frame)

    def selected_text(self, cursor: QTextCursor) -> str:
        """What is selected, formulas as LaTeX between dollars."""
        pieces = []
        for position in range(cursor.selectionStart(), cursor.selectionEnd()):
            letter = self.characterAt(position)
            if letter == OBJECT:
                at = QTextCursor(self)
                at.setPosition(position + 1)
                pieces.append(Written.of(at.charFormat()).source)
            elif letter != STRUT:
                pieces.append("\n" if letter in "\u2028\u2029\ufdd0\ufdd1" else letter)
        return "".join(pieces)

    def _box_of(self, frame: QTextFrame) -> QRectF:
        """Qt measures a table from its first cell's text, and counts its margins as its own."""
        rect, form = self.documentLayout().frameBoundingRect(frame), frame.frameFormat()
        cell = frame.firstCursorPosition().currentTable().cellAt(0, 0).format().toTableCellFormat()
        rect.translate(-cell.leftPadding(), -cell.topPadding())
        return rect.adjusted(0, 0, -form.leftMargin(), -form.topMargin() - form.bottomMargin())

    def _paint_box(self, painter: QPainter, box: QRectF, kind: str) -> None:
        theme = self.setting.theme
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if kind != QUOTE:
            painter.setBrush(QColor(theme.note))
            painter.drawRoundedRect(box, theme.radius / 2, theme.radius / 2)
        if kind != CODE:
            bar = QRectF(box.left(), box.top(), max(3.0, 0.2 * self.setting.size), box.height())
            painter.setBrush(QColor(getattr(theme, CALLOUTS.get(kind, "control_border"))))
            painter.drawRoundedRect(bar, bar.width() / 2, bar.width() / 2)
        painter.restore()


def _frames(frame: QTextFrame) -> Iterator[QTextFrame]:
    for child in frame.childFrames():
        yield child
        yield from _frames(child)
