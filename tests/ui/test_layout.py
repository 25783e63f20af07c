"""The layout of the board as a value: what is done to it leaves it whole, and can be taken back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QUndoStack

from initviz.ui.layout import DEFAULT, LEAST, MOST_IN_ROW, WHOLE, Layout, Row, shares
from initviz.ui.layout_history import ChangeLayout

NAMES = [f"p{i}" for i in range(14)]
FIVE = Layout((Row(("p0", "p1")), Row(("p2", "p3", "p4"))), (600, 400))

names = st.sampled_from(NAMES)
changes = st.one_of(
    st.tuples(st.just("added"), names),
    st.tuples(st.just("removed"), names),
    st.tuples(st.just("moved"), names, st.sampled_from(["left", "right", "up", "down"])),
    st.tuples(st.just("put"), names, names, st.sampled_from(["left", "right", "above", "below"])),
    st.tuples(st.just("widened"), names, st.integers(-1200, 1200)),
    st.tuples(st.just("heightened"), names, st.integers(-1200, 1200)),
)


def apply(layout, change):
    """The layout after a change; a panel that is not there cannot be moved."""
    method, *arguments = change
    needed = arguments[:2] if method == "put" else arguments[:1]
    if method not in ("added", "removed") and not set(needed) <= set(layout.panels):
        return layout
    return getattr(layout, method)(*arguments)


def rows(layout):
    return [list(row.panels) for row in layout.rows]


def check(layout):
    """That it is as a layout has to be."""
    assert len(set(layout.panels)) == len(layout.panels)
    assert all(1 <= len(row.panels) <= MOST_IN_ROW for row in layout.rows)
    for sizes, parts in [
        (layout.heights, layout.rows),
        *((row.widths, row.panels) for row in layout.rows),
    ]:
        assert len(sizes) == len(parts)
        assert sum(sizes) == (WHOLE if parts else 0)
        assert all(size >= LEAST for size in sizes)


@settings(derandomize=True, max_examples=200)
@given(st.lists(changes, max_size=25))
def test_whatever_is_done_leaves_a_whole_layout_and_can_be_taken_back(done):
    now, stack = [FIVE], QUndoStack()
    stack.setUndoLimit(0)
    for change in done:
        before, after = now[0], apply(now[0], change)
        check(after)
        kept = set(before.panels) - ({change[1]} if change[0] == "removed" else set())
        assert kept <= set(after.panels)
        if after != before:
            stack.push(ChangeLayout(before, after, lambda to: now.__setitem__(0, to), str))
        assert now[0] == after
    last = now[0]
    for _ in range(stack.count()):
        stack.undo()
    assert now[0] == FIVE
    for _ in range(stack.count()):
        stack.redo()
    assert now[0] == last


@settings(derandomize=True)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_shares_are_together_the_whole_and_stay_as_they_are(sizes):
    found = shares(sizes)
    assert sum(found) == WHOLE
    assert min(found) >= LEAST
    assert shares(found) == found


@pytest.mark.parametrize(
    ("name", "to", "wanted"),
    [
        ("p0", "right", [["p1", "p0"], ["p2", "p3", "p4"]]),
        ("p0", "left", [["p0", "p1"], ["p2", "p3", "p4"]]),
        ("p1", "down", [["p0"], ["p2", "p1", "p3", "p4"]]),
        ("p4", "up", [["p0", "p1", "p4"], ["p2", "p3"]]),
        ("p0", "up", [["p0"], ["p1"], ["p2", "p3", "p4"]]),
        ("p2", "down", [["p0", "p1"], ["p3", "p4"], ["p2"]]),
    ],
)
def test_a_panel_moves_by_one_place(name, to, wanted):
    assert rows(FIVE.moved(name, to)) == wanted


def test_a_panel_that_moves_into_a_full_row_changes_places():
    full = Layout((Row(("a", "b", "c", "d")), Row(("e", "f"))))
    assert rows(full.moved("f", "up")) == [["a", "f", "c", "d"], ["e", "b"]]
    assert rows(full.put("e", "c", "right")) == [["a", "b", "e", "d"], ["c", "f"]]


@pytest.mark.parametrize(
    ("name", "beside", "side", "wanted"),
    [
        ("p0", "p3", "left", [["p1"], ["p2", "p0", "p3", "p4"]]),
        ("p0", "p3", "right", [["p1"], ["p2", "p3", "p0", "p4"]]),
        ("p4", "p2", "left", [["p0", "p1"], ["p4", "p2", "p3"]]),
        ("p2", "p4", "right", [["p0", "p1"], ["p3", "p4", "p2"]]),
        ("p2", "p3", "left", [["p0", "p1"], ["p2", "p3", "p4"]]),
        ("p4", "p0", "above", [["p4"], ["p0", "p1"], ["p2", "p3"]]),
        ("p4", "p2", "below", [["p0", "p1"], ["p2", "p3"], ["p4"]]),
        ("p4", "p4", "below", [["p0", "p1"], ["p2", "p3", "p4"]]),
    ],
)
def test_a_panel_is_put_beside_another(name, beside, side, wanted):
    assert rows(FIVE.put(name, beside, side)) == wanted


def test_a_row_of_one_takes_its_height_along():
    three = Layout((Row(("a",)), Row(("b",)), Row(("c",))), (200, 300, 500))
    moved = three.put("a", "c", "below")
    assert rows(moved) == [["b"], ["c"], ["a"]]
    assert moved.heights == (300, 500, 200)


def test_new_panels_fill_rows_of_three_and_then_of_four():
    layout = FIVE
    for name in NAMES[5:12]:
        layout = layout.added(name)
    assert [len(row.panels) for row in layout.rows] == [4, 4, 4]
    assert [len(row.panels) for row in FIVE.added("p5").added("p6").rows] == [3, 3, 1]
    assert rows(layout.added("p12"))[3] == ["p12"]
    assert rows(Layout().added("p0")) == [["p0"]]


def test_widths_go_with_their_panels():
    wide = FIVE.widened("p0", 200)
    assert wide.rows[0].widths == (700, 300)
    assert wide.moved("p0", "right").rows[0] == Row(("p1", "p0"), (300, 700))
    assert wide.heightened("p0", -100).heights == (500, 500)


def test_what_is_not_known_is_left_out():
    assert rows(FIVE.only({"p1", "p3", "p4"})) == [["p1"], ["p3", "p4"]]
    assert FIVE.only(()) == Layout()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Row(()),
        lambda: Row(("a", "b", "c", "d", "e")),
        lambda: Row(("a", "b"), (1, 2, 3)),
        lambda: Layout((Row(("a",)), Row(("a",)))),
        lambda: Layout((Row(("a",)),), (1, 2)),
    ],
)
def test_a_layout_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"panel|row"):
        wrong()


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (FIVE.added("p9"), "new panel “P9”"),
        (FIVE.removed("p0"), "removal of “P0”"),
        (FIVE.moved("p0", "right"), "move of a panel"),
        (FIVE.widened("p0", 100), "sizes of the panels"),
        (DEFAULT, "reset of the layout"),
    ],
)
def test_undo_says_what_it_takes_back(after, words):
    assert ChangeLayout(FIVE, after, lambda _: None, str.upper).text() == words


def test_what_belongs_to_one_drag_is_taken_back_at_once():
    now, stack = [FIVE], QUndoStack()

    def change(after, gesture):
        stack.push(ChangeLayout(now[0], after, lambda to: now.__setitem__(0, to), str, gesture))

    for gesture in ("drag 1", "drag 1", "drag 2"):
        change(now[0].widened("p0", 40), gesture)
    assert stack.count() == 2
    stack.undo()
    assert now[0].rows[0].widths == (580, 420)
    stack.undo()
    assert now[0] == FIVE
