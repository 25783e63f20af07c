"""Markdown as a tree, and as bare words."""

from __future__ import annotations

from markdown_it.tree import SyntaxTreeNode

from initviz.lab.lectures.markdown import reader


def parse(text: str) -> SyntaxTreeNode:
    """The tree of a text, as lectures are read."""
    return SyntaxTreeNode(reader().parse(text))


def is_note(node: SyntaxTreeNode) -> bool:
    """Whether it is a comment: a note for the presenter, which nobody else sees."""
    return node.type.startswith("html") and node.content.lstrip().startswith("<!--")


def plain(text: str) -> str:
    """The words of a text for who listens: a line per paragraph, formulas as their LaTeX."""
    lines = (_line(block) for block in parse(text).walk() if block.type in _LINES)
    return "\n".join(line for line in lines if line)


_LINES = ("inline", "math_block", "fence", "code_block", "html_block")
_BETWEEN = {"softbreak": " ", "hardbreak": " "}


def _line(node: SyntaxTreeNode) -> str:
    if is_note(node):
        return ""
    if not node.children:
        return _BETWEEN.get(node.type, node.content.strip("\n"))
    return "".join(_line(child) for child in node.children)
