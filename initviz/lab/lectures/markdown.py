"""A lecture's text cut into pieces: headings, rules, blocks of settings, notes and prose.

Blocks are found by markdown-it; inline text is looked at only where it could hold a formula, a
comment or something that is not shown, so that no text, however hostile, takes long.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from initviz.lab.lectures import formulas
from initviz.lab.lectures.values import LineError
from initviz.lab.settings import shown

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: A paragraph is what fits on a slide; beyond this it is no text.
MOST_CHARACTERS = 5000
#: What may stand behind ``` for a block that is read and not shown.
KINDS = ("toml lecture", "toml scene", "toml action", "toml question", "toml challenge", "expect")

Kind = Literal["title", "heading", "rule", "block", "note", "prose"]


@dataclass(frozen=True)
class Piece:
    """A piece of the text, at its line (from 1).

    Of a block, `info` says what kind it is, e.g. "toml scene", and `line` is the first one inside.
    """

    kind: Kind
    text: str
    line: int
    info: str = ""

    @property
    def starts(self) -> int:
        """The line at which it begins: of a block, that of its fence."""
        return self.line - (self.kind == "block")


@lru_cache(maxsize=1)
def reader() -> MarkdownIt:
    """Markdown as lectures are written in: CommonMark, tables, and formulas between dollars.

    The player parses prose with this one too, so that both see the same formulas.
    """
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    return (
        MarkdownIt("commonmark")
        .enable("table")
        .use(dollarmath_plugin, allow_space=False, allow_labels=False, double_inline=True)
    )


def pieces(text: str) -> tuple[Piece, ...]:
    """The text in pieces, in order.

    Raises:
        LineError: for what is no part of a lecture, or a formula that cannot be set.
    """
    lines = text.split("\n")
    return tuple(_pieces(_blocks(text), lines))


def check_prose(text: str, line: int) -> None:
    """Refuse a short Markdown text, such as an answer, that holds what a lecture cannot.

    Raises:
        LineError: with `line`.
    """
    for token in _blocks(text):
        try:
            _check(token)
        except LineError as fault:
            raise LineError(line, fault.sentence) from None


def _blocks(text: str) -> list[Token]:
    """The block tokens: their inline text is not parsed yet."""
    markdown = reader()
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_core.block import block
    from markdown_it.rules_core.normalize import normalize

    state = StateCore(text, markdown, {})
    normalize(state)
    block(state)
    return state.tokens


def _pieces(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[Piece]:
    index = 0
    while index < len(tokens):
        token = tokens[index]
        end = index + 1
        while token.nesting == 1 and (tokens[end - 1].level, tokens[end - 1].nesting) != (
            token.level,
            -1,
        ):
            end += 1  # up to the token that closes it: what is inside lies at higher levels
        group = tokens[index:end]
        index = end
        first, last = token.map or (0, 0)
        for part in group:
            _check(part)
        yield from _piece(group, "\n".join(lines[first:last]), first + 1)


def _piece(group: Sequence[Token], text: str, line: int) -> Iterator[Piece]:
    token = group[0]
    if token.type == "heading_open":
        yield from _heading(group, text, line)
    elif token.type == "hr":
        yield Piece("rule", "", line)
    elif token.type == "fence" and _is_block(token, line):
        yield Piece("block", token.content, line + 1, _info(token))
    elif token.type == "html_block":
        yield Piece("note", _comment(token.content, line), line)
    else:
        notes = [c for part in group for c in _comments(part)]
        for note in notes:
            text = text.replace(note, "")
            yield Piece("note", note[4:-3].strip(), line)
        yield Piece("prose", text, line)


def _heading(group: Sequence[Token], text: str, line: int) -> Iterator[Piece]:
    token, title = group[0], group[1].content.strip()
    if token.markup in ("-", "="):
        under = "---" if token.markup == "-" else "==="
        raise LineError(
            line + text.rstrip().count("\n"),
            f"a line of {under} right under a text makes it a heading: between two beats leave an "
            "empty line before ---, and write headings with # or ##",
        )
    if token.tag not in ("h1", "h2"):
        yield Piece("prose", text, line)
        return
    if not title:
        raise LineError(line, "a heading without words: # the lecture's title, ## a scene's")
    if len(title) > 200:
        raise LineError(line, f"a heading of {len(title)} characters: at most 200")
    yield Piece("title" if token.tag == "h1" else "heading", title, line)


def _info(token: Token) -> str:
    return " ".join(token.info.split())


def _is_block(token: Token, line: int) -> bool:
    """Whether a fence is a block to be read; any other one is shown as it stands."""
    info = _info(token)
    if info in KINDS:
        return True
    # ```text is a listing, ```expects a slip.
    near = difflib.get_close_matches(info.lower(), KINDS, n=1, cutoff=0.75)
    if near or info.lower().startswith("toml "):
        meant = f" (did you mean '{near[0]}'?)" if near else ""
        raise LineError(
            line, f"```{shown(info)[1:-1]} is no block{meant}; allowed are {', '.join(KINDS)}"
        )
    return False


def _comment(content: str, line: int) -> str:
    found = re.fullmatch(r"\s*<!--(.*?)-->\s*", content, re.DOTALL)
    if found and "<!--" not in found[1]:
        return found[1].strip()
    if content.lstrip().startswith("<!--") and "-->" not in content:
        raise LineError(line, "a comment <!-- that does not end: notes end with -->")
    if re.fullmatch(r"\s*(<!--.*?-->\s*)+", content, re.DOTALL):
        return "\n\n".join(n.strip() for n in re.findall(r"<!--(.*?)-->", content, re.DOTALL))
    raise LineError(
        line, "HTML is not shown: only notes for the presenter, <!-- … -->, on lines alone"
    )


def _comments(token: Token) -> list[str]:
    return [
        child.content
        for child in token.children or []
        if child.type == "html_inline" and child.content.startswith("<!--")
    ]


# -- what prose may hold ----------------------------------------------------------------------


def _check(token: Token) -> None:
    """Refuse what a lecture cannot show; inline text is parsed here, where it must be."""
    line = (token.map or (0, 0))[0] + 1
    if token.type == "fence" and token.level and _is_block(token, line):
        raise LineError(
            line, f"a ```{_info(token)} block stands at the margin, not in a list or quote"
        )
    if token.type == "html_block" and token.level:
        _comment(token.content, line)
    if token.type in ("math_block", "math_block_label"):
        _check_formula(token.content, line)
    if token.type != "inline":
        return
    if len(token.content) > MOST_CHARACTERS:
        raise LineError(
            line, f"a paragraph of {len(token.content)} characters: at most {MOST_CHARACTERS}"
        )
    if not any(sign in token.content for sign in "<$!"):
        return
    markdown = reader()
    token.children = []
    markdown.inline.parse(token.content, markdown, {}, token.children)
    for child in token.children:
        _check_inline(child, line + _lines_before(token.content, child.content))


def _lines_before(text: str, part: str) -> int:
    at = text.find(part) if part.strip() else -1
    return text.count("\n", 0, at) if at > 0 else 0


def _check_inline(token: Token, line: int) -> None:
    if token.type.startswith("math_inline"):
        _check_formula(token.content, line)
    elif token.type == "html_inline" and not token.content.startswith("<!--"):
        raise LineError(
            line,
            f"HTML is not shown: {shown(token.content)[1:-1]}; a sign < is written in `code` or in "
            "a formula $…$",
        )
    elif token.type == "image":
        raise LineError(line, "pictures are not shown: a scene's panels are its pictures")


def _short(latex: str) -> str:
    return latex if len(latex) <= 60 else f"{latex[:60]}…"


def _check_formula(latex: str, line: int) -> None:
    why = formulas.fault(latex.strip())
    if why:
        raise LineError(line, f"the formula {_short(latex.strip())} cannot be set: {why}")
