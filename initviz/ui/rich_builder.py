"""Puts Markdown into a document that Qt lays out, piece by piece and never as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode
from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextListFormat,
    QTextTable,
    QTextTableCellFormat,
    QTextTableFormat,
)

from initviz.ui import theme as themes
from initviz.ui.formula_object import OBJECT, STRUT, formula_format
from initviz.ui.markdown import is_note
from initviz.ui.theme import Theme

LANES = "ABCD"
#: A list's indent, in sizes.
INDENT = 1.35
#: The property of a table that is a box: "Mistake.", "Note.", `QUOTE` or `CODE`.
BOX = int(QTextFormat.Property.UserProperty) + 20
QUOTE, CODE = "quote", "code"
#: Quotes that are boxes, by their first strong words: the theme's colour of the bar and the word.
CALLOUTS: dict[str, str] = {"Mistake.": "danger", "Note.": "accent"}
#: Spaces where no line ends: in "88 %", "σ = 0.1" and "layer 1", and before a last number.
_TOGETHER = re.compile(
    r"(?<=\d) (?=%)|(?<=\S) (?=[=≈<>≤≥] \S)|(?<= [=≈<>≤≥]) (?=\S)|(?<=[\u00a0][=≈<>≤≥]) (?=\S)"
    r"|(?<=\b[Ll]ayer) (?=\d)|(?<=\b[Ss]tep) (?=\d)|(?<=\b[Ll]ecture) (?=\d)|(?<=\bhidden) (?=\d)"
    r"|(?<=\b1 in) (?=\d)|(?<=\b1) (?=in \d)|(?<=\w) (?=[−\d.,]{1,5}[.?!:]?$)"
)
#: A run of so many letters right beside a formula is kept on its line.
_RUN = 12
_PERCENT = QTextLength.Type.PercentageLength


@dataclass(frozen=True)
class Setting:
    """How a text is set: its look, the size of its letters and the distance of its lines."""

    theme: Theme
    size: float  # pixels
    spacing: float = 1.42  # from line to line, in sizes
    weight: QFont.Weight = QFont.Weight.Normal
    soft: bool = False  # in the quieter ink
    tracking: float = 0.0  # more room between the letters, in sizes; large titles want less

    @property
    def ink(self) -> str:
        """The colour of the text."""
        return self.theme.ink_soft if self.soft else self.theme.ink

    @property
    def gap(self) -> float:
        """Between two paragraphs, in pixels."""
        return 0.78 * self.size * self.spacing / 1.42


class Builder:
    """Writes a Markdown tree into a document."""

    def __init__(self, document: QTextDocument, setting: Setting) -> None:
        self._setting = setting
        self._theme = setting.theme
        self._cursor = QTextCursor(document)
        self._char = self._letters(setting.weight)
        self._unused = True  # the block where the cursor stands has nothing in it yet
        self._first = True  # what comes next begins the document, or a box
        self._above: QTextTable | None = None  # the table right above
        self._indent = 0
        self._inset = 0.0  # what boxes and lists take of the width
        self._outside: list[tuple[int, float]] = []  # indent and inset around the open boxes

    def build(self, root: SyntaxTreeNode) -> None:
        """Write everything."""
        self._cursor.beginEditBlock()
        self._blocks(root)
        self._cursor.endEditBlock()

    # ------------------------------------------------------------ blocks

    def _blocks(self, node: SyntaxTreeNode) -> None:
        for child in node.children:
            _BLOCKS.get(child.type, Builder._plain)(self, child)

    def _block(self, gap: float | None = None) -> QTextBlockFormat:
        """Begin a block; returns its format, to be changed and set again."""
        form = QTextBlockFormat()
        setting = self._setting
        form.setLineHeight(
            round(setting.spacing * setting.size),
            QTextBlockFormat.LineHeightTypes.MinimumHeight.value,
        )
        form.setTopMargin(0 if self._first else round(setting.gap if gap is None else gap))
        form.setIndent(self._indent)
        if self._above is not None:  # Qt keeps no distance from a table to the block below it
            table = self._above.format()
            table.setBottomMargin(form.topMargin())
            self._above.setFormat(table)
            self._above = None
        if self._unused:
            self._cursor.setBlockFormat(form)
            if not (self._first and self._outside):  # there it would replace the cell's own
                self._cursor.setBlockCharFormat(self._char)
        else:
            self._cursor.insertBlock(form, self._char)
        self._unused = self._first = False
        return form

    def _paragraph(self, node: SyntaxTreeNode) -> None:
        self._block()
        self._inline(node)

    def _heading(self, node: SyntaxTreeNode) -> None:
        level = int(node.tag[1:])
        self._block(1.3 * self._setting.gap)
        before, self._char = self._char, QTextCharFormat(self._char)
        size = self._setting.size * {1: 1.5, 2: 1.25}.get(level, 1.0)
        self._char.setFont(themes.font(size, QFont.Weight.Bold))
        self._inline(node)
        self._char = before

    def _plain(self, node: SyntaxTreeNode) -> None:
        """What has no form of its own is shown as it is written, except notes."""
        if is_note(node):
            return
        self._block()
        self._write(node.content.strip("\n"))

    def _math(self, node: SyntaxTreeNode) -> None:
        form = self._block()
        form.setLineHeight(0, QTextBlockFormat.LineHeightTypes.SingleHeight.value)
        self._cursor.setBlockFormat(form)
        self._formula(node.content, display=True, alone=True)

    def _rule(self, _node: SyntaxTreeNode) -> None:
        form = self._block()
        form.setProperty(
            QTextFormat.Property.BlockTrailingHorizontalRulerWidth.value,
            QTextLength(_PERCENT, 100),
        )
        form.setBackground(QColor(self._theme.control_border))
        self._cursor.setBlockFormat(form)

    def _list(self, node: SyntaxTreeNode) -> None:
        form = QTextListFormat()
        ordered = node.type == "ordered_list"
        form.setStyle(
            QTextListFormat.Style.ListDecimal if ordered else QTextListFormat.Style.ListDisc
        )
        form.setIndent(self._indent + 1)
        if ordered:
            form.setStart(int(node.attrs.get("start", 1)))
        made = None
        self._inset += INDENT * self._setting.size
        before, self._indent = self._indent, 0  # the list's own indent holds for its items
        for item in node.children:
            self._block(0.35 * self._setting.gap if made is not None else 0.6 * self._setting.gap)
            if made is None:
                made = self._cursor.createList(form)
            else:
                made.add(self._cursor.block())
            self._item(item, form.indent())
        self._inset -= INDENT * self._setting.size
        self._indent = before

    def _item(self, item: SyntaxTreeNode, indent: int) -> None:
        """The first paragraph follows the sign; what else there is stands below, indented."""
        children = list(item.children)
        if children and children[0].type == "paragraph":
            self._inline(children.pop(0))
        self._indent = indent
        for child in children:
            _BLOCKS.get(child.type, Builder._plain)(self, child)
        self._indent = 0

    def _quote(self, node: SyntaxTreeNode) -> None:
        kind = _kind_of(node)
        size = self._setting.size
        table = self._open_box(kind, 0.75 * size, 0.0 if kind == QUOTE else 0.5 * size)
        self._blocks(node)
        self._leave(table)

    def _code(self, node: SyntaxTreeNode) -> None:
        size = self._setting.size
        table = self._open_box(CODE, 0.6 * size, 0.5 * size)
        for line in node.content.rstrip("\n").split("\n"):
            self._block(0)
            self._write(line.replace("\t", "    ").replace(" ", "\u00a0"))
        self._leave(table)

    # ------------------------------------------------------------ boxes and tables

    def _open_box(self, kind: str, left: float, around: float) -> QTextTable:
        """Begin a box with so much air, in pixels, and go into it."""
        form = QTextTableFormat()
        form.setProperty(BOX, kind)
        form.setWidth(QTextLength(_PERCENT, 100))
        table = self._table_at_cursor(1, 1, form)
        padding = QTextTableCellFormat()
        padding.merge(self._char)
        padding.setLeftPadding(left)
        padding.setRightPadding(around)
        # The first line has its air above it already.
        padding.setTopPadding(max(0.0, around - 0.15 * self._setting.size))
        padding.setBottomPadding(around)
        cell = table.cellAt(0, 0)
        cell.setFormat(padding)
        self._enter(cell.firstCursorPosition(), inset=left + around, indent=0)
        return table

    def _enter(self, inside: QTextCursor, inset: float, indent: int) -> None:
        """Go on inside a table; `_leave` comes back."""
        self._outside.append((self._indent, self._inset))
        self._cursor = inside
        self._indent, self._inset = indent, self._inset + inset
        self._above = None
        self._unused = self._first = True

    def _leave(self, table: QTextTable) -> None:
        """Go on behind a table."""
        self._indent, self._inset = self._outside.pop()
        self._cursor = table.lastCursorPosition()
        self._cursor.movePosition(QTextCursor.MoveOperation.NextCharacter)
        self._unused = True
        self._first = False
        self._above = table

    def _table_at_cursor(self, rows: int, columns: int, form: QTextTableFormat) -> QTextTable:
        form.setBorder(0)
        form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_None)
        form.setCellSpacing(0)
        form.setCellPadding(0)
        form.setTopMargin(0 if self._first else round(self._setting.gap))
        form.setLeftMargin(self._indent * INDENT * self._setting.size)
        if not self._unused:
            self._cursor.insertBlock(QTextBlockFormat(), self._char)
        return self._cursor.insertTable(rows, columns, form)

    def _table(self, node: SyntaxTreeNode) -> None:
        rows = [row for part in node.children for row in part.children]
        columns = len(rows[0].children)
        table = self._table_at_cursor(len(rows), columns, QTextTableFormat())
        self._enter(self._cursor, inset=0, indent=0)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row.children):
                last = (i == len(rows) - 1, j == columns - 1)
                self._cell(table, (i, j), cell, last)
        self._leave(table)

    def _cell(
        self,
        table: QTextTable,
        place: tuple[int, int],
        node: SyntaxTreeNode,
        last: tuple[bool, bool],
    ) -> None:
        """One cell, with a rule below it unless it is in the last row."""
        size = self._setting.size
        head = node.type == "th"
        form = QTextTableCellFormat()
        form.merge(self._char)
        form.setTopPadding(0.05 * size)
        form.setBottomPadding(0.25 * size)
        form.setRightPadding(0 if last[1] else 0.8 * size)
        if not last[0]:
            form.setBottomBorder(2 if head else 1)
            form.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            form.setBottomBorderBrush(QBrush(QColor(self._theme.control_border)))
        cell = table.cellAt(*place)
        cell.setFormat(form)
        self._cursor = cell.firstCursorPosition()
        self._unused = self._first = True
        block = self._block()
        style = str(node.attrs.get("style", ""))
        side = style.removeprefix("text-align:")
        block.setAlignment(_SIDES.get(side, Qt.AlignmentFlag.AlignLeft))
        self._cursor.setBlockFormat(block)
        before = self._char
        if head:
            self._char = self._letters(QFont.Weight.DemiBold)
        self._inline(node)
        self._char = before

    # ------------------------------------------------------------ words

    def _letters(self, weight: QFont.Weight) -> QTextCharFormat:
        form = QTextCharFormat()
        font = themes.font(self._setting.size, weight)
        font.setLetterSpacing(
            QFont.SpacingType.AbsoluteSpacing, self._setting.tracking * self._setting.size
        )
        form.setFont(font)
        form.setForeground(QColor(self._setting.ink))
        return form

    def _inline(self, node: SyntaxTreeNode) -> None:
        children = [child for child in node.children if child.type != "text" or child.content]
        texts = [_finer(child.content) if child.type == "text" else "" for child in children]
        for index, child in enumerate(children):
            if child.type in _MATH_WORDS:
                before = after = ""
                if index:
                    texts[index - 1], before = _split(texts[index - 1], _TAIL)
                if index + 1 < len(children):
                    texts[index + 1], after = _split(texts[index + 1], _HEAD)
                texts[index] = f"{before}\0{after}"
        if all(child.type in _MATH_WORDS for child in children):
            self._write(STRUT)
        for child, text in zip(children, texts, strict=True):
            if child.type in _MATH_WORDS:
                self._formula(child.content, child.type != "math_inline", text.split("\0"))
            elif child.type == "text":
                self._write(text)
            else:
                _WORDS.get(child.type, Builder._verbatim)(self, child)

    def _write(self, text: str) -> None:
        self._cursor.insertText(text, self._char)

    def _verbatim(self, node: SyntaxTreeNode) -> None:
        """What has no form of its own is shown as it is written, except notes."""
        if not is_note(node):
            self._write(node.content)

    def _soft_break(self, _node: SyntaxTreeNode) -> None:
        self._write(" ")

    def _hard_break(self, _node: SyntaxTreeNode) -> None:
        self._write("\u2028")

    def _styled(self, node: SyntaxTreeNode, change: Callable[[QTextCharFormat], None]) -> None:
        before, self._char = self._char, QTextCharFormat(self._char)
        change(self._char)
        if node.type == "code_inline":
            self._write(node.content)
        else:
            self._inline(node)
        self._char = before

    def _strong(self, node: SyntaxTreeNode) -> None:
        words = _words(node)

        def change(form: QTextCharFormat) -> None:
            form.setFontWeight(QFont.Weight.Bold)
            if len(words) == 1 and words in LANES:
                form.setForeground(QColor(self._theme.lane_text[LANES.index(words)]))
            elif words in CALLOUTS and _opens_a_quote(node):
                form.setForeground(QColor(getattr(self._theme, CALLOUTS[words])))

        self._styled(node, change)

    def _emphasis(self, node: SyntaxTreeNode) -> None:
        self._styled(node, lambda form: form.setFontItalic(True))

    def _code_words(self, node: SyntaxTreeNode) -> None:
        self._styled(node, lambda form: form.setBackground(QColor(self._theme.note)))

    def _link(self, node: SyntaxTreeNode) -> None:
        self._inline(node)

    def _picture(self, node: SyntaxTreeNode) -> None:
        self._write(_words(node))

    def _formula(
        self, latex: str, display: bool, beside: Sequence[str] = ("", ""), alone: bool = False
    ) -> None:
        try:
            form = formula_format(self._char, latex, display, beside, self._inset, alone)
        except ValueError:
            # Lectures are checked before they are shown; elsewhere the source is better than a gap.
            self._write(f"{beside[0]}${latex.strip()}${beside[1]}")
            return
        self._cursor.insertText(OBJECT, form)


def _kind_of(quote: SyntaxTreeNode) -> str:
    """What a quote is: "Mistake.", "Note." or `QUOTE`."""
    for node in quote.walk():
        if node.type == "strong" and _words(node) in CALLOUTS:
            return _words(node)
        if node.content.strip() and node.type != "inline":
            break
    return QUOTE


def _opens_a_quote(node: SyntaxTreeNode) -> bool:
    above = node.parent
    while above is not None and above.type != "blockquote":
        above = above.parent
    return above is not None and _kind_of(above) in CALLOUTS


def _words(node: SyntaxTreeNode) -> str:
    return node.content or "".join(_words(child) for child in node.children)


def _finer(text: str) -> str:
    """What a keyboard lacks: what belongs together stays on a line, an apostrophe is curved."""
    text = _TOGETHER.sub("\u00a0", text).replace("/∂", "/\u2060∂")
    return re.sub(r"(?<=\w)'", "’", text)


def _split(text: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    """A text without the run of letters at its end or beginning, and that run."""
    found = pattern.search(text)
    if found is None or len(found[0]) > _RUN:
        return text, ""
    return text[: found.start()] + text[found.end() :], found[0]


_HEAD, _TAIL = re.compile(r"^\S+"), re.compile(r"\S+$")
_MATH_WORDS = ("math_inline", "math_inline_double")

_SIDES: dict[str, Qt.AlignmentFlag] = {
    "right": Qt.AlignmentFlag.AlignRight,
    "center": Qt.AlignmentFlag.AlignHCenter,
}

_BLOCKS: dict[str, Callable[[Builder, SyntaxTreeNode], None]] = {
    "paragraph": Builder._paragraph,
    "heading": Builder._heading,
    "bullet_list": Builder._list,
    "ordered_list": Builder._list,
    "blockquote": Builder._quote,
    "fence": Builder._code,
    "code_block": Builder._code,
    "table": Builder._table,
    "math_block": Builder._math,
    "hr": Builder._rule,
}

_WORDS: dict[str, Callable[[Builder, SyntaxTreeNode], None]] = {
    "inline": Builder._inline,
    "softbreak": Builder._soft_break,
    "hardbreak": Builder._hard_break,
    "strong": Builder._strong,
    "em": Builder._emphasis,
    "code_inline": Builder._code_words,
    "link": Builder._link,
    "image": Builder._picture,
}
