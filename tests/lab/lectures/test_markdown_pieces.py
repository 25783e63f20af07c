"""The text of a lecture falls into pieces, each said once and whole."""

import pytest

from initviz.lab.lectures.markdown import pieces

LIST = "- one\n- two\n  - three\n- four"
TABLE = "| a | b |\n|---|---|\n| $1$ | 2 |\n| 3 | $4$ |"
NUMBERED = "1. first\n\n   more of it\n\n2. second"
QUOTE = "> **Mistake.** One.\n>\n> - two\n> - three"


@pytest.mark.parametrize("block", [LIST, TABLE, NUMBERED, QUOTE])
def test_a_block_of_several_parts_is_one_piece(block):
    found = pieces(f"# Title\n\nBefore.\n\n{block}\n\nAfter.\n")

    assert [piece.kind for piece in found] == ["title", "prose", "prose", "prose"]
    assert [piece.text.strip() for piece in found[1:]] == ["Before.", block, "After."]
