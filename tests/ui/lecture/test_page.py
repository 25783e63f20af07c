"""The text column: everything is whole, legible and can be answered."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QEnterEvent, QMouseEvent
from PySide6.QtWidgets import QApplication

from initviz.lab.lectures import Question
from initviz.ui import theme
from initviz.ui.lecture.page import SMALLEST, Page
from initviz.ui.theme import DARK, LIGHT, PROJECTOR, THEMES

TITLE = "Small weights silence the signal, both ways"
PARTS = (
    "Forward, each tanh layer keeps a tenth of the activations. Backward, a tenth of the gradient.",
    r"$$\delta^1 = \Big[\prod_l \varphi'(z^l)\, W^{l+1\top}\Big]\, \delta^{10}$$",
    "Nine layers down, layer 1 of **A** hears **one part in 900 million**.",
)
QUESTION = Question(
    ask="And with Glorot?",
    choices=("as little", "a thousand times more, $10^3$", "nearly all of it"),
    answer=3,
    because=r"The variance is kept: $n\sigma^2 = 1$.",
)
SKETCH = Question(ask="Guess **B**.", sketch="gradient_magnitude", lane="B", because="So it is.")
LONG = "A sentence that says little and takes its time to say it, as sentences do. "
#: What a window of 1920 × 1080, and one of 1280 × 720, leave for the page.
LARGE, SMALL = QSize(605, 990), QSize(403, 648)


@pytest.fixture(autouse=True)
def _fonts(qapp):
    theme.load_fonts()


@pytest.fixture
def page(qtbot):
    made = Page()
    qtbot.addWidget(made)
    made.resize(LARGE)
    return made


def place(widget, page):
    """Where a piece is on the page."""
    return QRect(widget.mapTo(page, QPoint(0, 0)), widget.size())


def assert_whole(page):
    """Every piece lies on the page, below the one before, and holds all of its text."""
    above = 0
    for piece in page.pieces():
        area = place(piece, page)
        assert area.top() >= above
        assert area.left() >= 0
        assert area.right() < page.width()
        assert area.bottom() < page.height()
        above = area.bottom()
    heading, *texts = (piece for piece in page.pieces() if piece is not page.question_box)
    for text in (heading, *texts):
        assert text.rich_document.textWidth() == text.width()
        assert text.rich_document.size().height() <= text.height()
        assert not text.rich_document.too_wide
    if not page.question_box.isHidden():
        assert_box_is_whole(page.question_box)


def assert_box_is_whole(box):
    bottom = 0
    for choice in box.choices:
        assert choice.y() >= bottom
        bottom = choice.geometry().bottom()
        assert box.rect().contains(choice.geometry())
        assert choice.rich_document.size().height() <= choice.height()
    for document in box.documents():
        assert not document.too_wide
    for child in box.children():
        if child.isWidgetType() and not child.isHidden():
            assert box.rect().contains(child.geometry())


# ---------------------------------------------------------------- layout


@pytest.mark.parametrize("size", [LARGE, SMALL, QSize(320, 640), QSize(1200, 2000)])
@pytest.mark.parametrize("answered", [False, True])
def test_a_scene_is_whole_at_every_size(page, size, answered):
    page.show_text(TITLE, PARTS, {"A": "normal, std 0.01"})
    page.show_question(QUESTION, 2 if answered else None, answered)
    page.show()
    page.resize(size)
    assert not page.overflows
    assert_whole(page)
    assert page.shown_parts[-1] == PARTS[-1]


def test_the_newest_beats_are_shown_and_the_older_make_room(page):
    parts = [f"Part {number}. " + 3 * LONG for number in range(8)]
    for end in range(1, len(parts) + 1):
        page.show_text(TITLE, parts[:end])
        shown = page.shown_parts
        assert shown == tuple(parts[end - len(shown) : end])
        assert not page.overflows
        assert_whole(page)
    assert 1 < len(page.shown_parts) < len(parts)
    page.show_text(TITLE, parts[:2])
    assert page.shown_parts == tuple(parts[:2])


def test_a_question_takes_the_room_of_older_beats_and_never_of_the_newest(page):
    parts = [f"Part {number}. " + LONG for number in range(8)]
    page.show_text(TITLE, parts)
    before = len(page.shown_parts)
    page.show_question(QUESTION)
    assert 1 <= len(page.shown_parts) < before
    assert page.shown_parts[-1] == parts[-1]
    assert_whole(page)
    page.show_question(None)
    assert len(page.shown_parts) == before


def test_a_beat_that_only_asks_does_without_the_text_before_it_where_room_is_short(page):
    page.show_text(TITLE, [26 * LONG, ""])
    assert page.shown_parts == (26 * LONG,)
    page.show_question(QUESTION, 2, answered=True)
    assert page.shown_parts == ()
    assert not page.overflows
    assert_whole(page)
    page.show_text(TITLE, [2 * LONG, ""])
    assert page.shown_parts == (2 * LONG,)
    assert_whole(page)


def test_empty_parts_take_no_room(page):
    page.show_text(TITLE, ["", "Text.", "  "])
    assert page.shown_parts == ("Text.",)


@pytest.mark.parametrize(
    ("size", "body", "title"), [(LARGE, 28, 50), (SMALL, 18, 32), (QSize(320, 640), 18, 26)]
)
def test_letters_are_as_large_as_the_projector_needs(page, size, body, title):
    page.resize(size)
    page.show_text(TITLE, PARTS)
    heading, *texts = page.pieces()
    assert heading.setting.size >= title
    assert {text.setting.size for text in texts} == {body}


def test_a_long_beat_becomes_smaller_before_it_scrolls(page):
    page.show_text(TITLE, ["First.", 20 * LONG])
    assert not page.overflows
    assert SMALLEST <= page.pieces()[-1].setting.size < 28
    assert page.shown_parts[-1] == 20 * LONG
    assert_whole(page)


def test_what_is_far_too_long_scrolls_and_says_so(page, qtbot):
    page.show_text(TITLE, [60 * LONG])
    page.show()
    more = page.findChild(type(page._more))
    assert page.overflows
    assert page.pieces()[1].setting.size == SMALLEST
    assert more.isVisible()
    assert not page.scroll_back()
    tops = [place(page.pieces()[1], page).top()]
    while page.scroll_on():
        tops.append(place(page.pieces()[1], page).top())
    assert len(tops) > 1
    assert tops == sorted(tops, reverse=True)
    assert not more.isVisible()
    assert place(page.pieces()[1], page).bottom() < page.height()  # the last line is in sight
    assert page.scroll_back()
    page.show_text(TITLE, PARTS)
    assert not page.overflows
    assert not more.isVisible()
    assert not page.scroll_on()
    assert_whole(page)


def test_a_formula_that_would_have_to_be_too_small_is_told(page):
    def sum_of(terms):
        return "$$" + " + ".join(f"x_{{{i}}}" for i in range(terms)) + "$$"

    page.show_text(TITLE, [sum_of(4)])
    assert not page.overflows
    page.show_text(TITLE, [sum_of(40)])
    assert page.overflows


# ---------------------------------------------------------------- questions


@pytest.fixture
def asking(page, qtbot):
    page.show_text(TITLE, PARTS)
    page.show_question(QUESTION)
    page.show()
    qtbot.waitExposed(page)
    return page


def test_a_click_on_a_choice_answers(asking, qtbot):
    for number, choice in enumerate(asking.question_box.choices, start=1):
        with qtbot.waitSignal(asking.answered) as caught:
            qtbot.mouseClick(choice, Qt.MouseButton.LeftButton)
        assert caught.args == [number]


def test_a_digit_answers_and_others_do_not(asking, qtbot):
    heard = []
    asking.answered.connect(heard.append)
    for key in ("1", "3", "4", "0", "x"):
        qtbot.keyClicks(asking, key)
    assert heard == [1, 3]


def test_tab_reaches_the_choices_and_space_answers(asking, qtbot):
    first, second, _ = asking.question_box.choices
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    assert second.hasFocus()
    with qtbot.waitSignal(asking.answered) as caught:
        qtbot.keyClick(second, Qt.Key.Key_Space)
    assert caught.args == [2]


def test_a_click_takes_no_keys_from_the_lecture(asking, qtbot):
    asking.setFocus()
    before = asking.focusWidget()
    qtbot.mouseClick(asking.question_box.choices[0], Qt.MouseButton.LeftButton)
    for text in asking.pieces()[:-1]:
        qtbot.mouseClick(text.viewport(), Qt.MouseButton.LeftButton)
        assert not text.hasFocus()
    assert asking.focusWidget() is before


@pytest.mark.parametrize(
    ("chosen", "marks"),
    [
        (2, ["", "✗ your answer", "✓ right"]),
        (3, ["", "", "✓ your answer, and right"]),
        (None, ["", "", "✓ right"]),
    ],
)
def test_the_answer_is_marked_in_words_with_its_reason(asking, qtbot, chosen, marks):
    heard = []
    asking.answered.connect(heard.append)
    asking.show_question(QUESTION, chosen, answered=True)
    shown = [
        choice.rich_document.toPlainText().replace("\u00a0", " ")
        for choice in asking.question_box.choices
    ]
    for text, mark in zip(shown, marks, strict=True):
        assert text.endswith(mark)
        assert ("✓" in text or "✗" in text) == bool(mark)
    assert r"The variance is kept: n\sigma^2 = 1." in asking.accessibleDescription()
    for choice in asking.question_box.choices:
        qtbot.mouseClick(choice, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(asking, "1")
    assert heard == []
    assert_whole(asking)


def test_the_reason_is_not_shown_before_the_answer(asking):
    assert "variance" not in asking.accessibleDescription()
    asking.show_question(QUESTION, 1, answered=True)
    asking.show_question(QUESTION)
    assert "variance" not in asking.accessibleDescription()
    assert "right" not in asking.accessibleDescription()
    assert asking.question_box.open


def test_a_sketch_has_no_choices_and_says_what_to_do(page):
    page.show_text(TITLE, PARTS)
    page.show_question(SKETCH)
    assert page.question_box.choices == ()
    assert "Draw your curve" in page.accessibleDescription()
    assert_whole(page)
    page.show_question(SKETCH, None, answered=True)
    assert "So it is." in page.accessibleDescription()
    assert "Draw your curve" not in page.accessibleDescription()


def test_how_far_off_a_sketch_was_is_said_with_the_answer(page):
    page.show_text(TITLE, PARTS)
    page.show_question(SKETCH, None, answered=True)
    page.say_of_sketch("within a factor of 30 on average")
    said = page.accessibleDescription()
    assert "Your sketch: within a factor of 30 on average." in said
    assert "So it is." in said
    assert_whole(page)
    page.show_question(SKETCH)
    assert "factor" not in page.accessibleDescription()


def test_a_choice_that_comes_up_under_the_pointer_is_not_pointed_at_until_it_moves(asking):
    first = asking.question_box.choices[0]
    asking.grab()
    alike = first.grab().toImage()

    def send(choice, kind, x):
        at = QPointF(x, choice.height() / 2)
        everywhere = choice.mapToGlobal(at)
        if kind is QEvent.Type.Enter:
            event = QEnterEvent(at, at, everywhere)
        else:
            none = Qt.MouseButton.NoButton
            event = QMouseEvent(kind, at, everywhere, none, none, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(choice, event)

    send(first, QEvent.Type.Enter, 20)
    send(first, QEvent.Type.MouseMove, 20)
    assert first.grab().toImage() == alike
    send(first, QEvent.Type.MouseMove, 21)
    assert first.grab().toImage() != alike
    QApplication.sendEvent(first, QEvent(QEvent.Type.Leave))
    assert first.grab().toImage() == alike


def test_another_question_replaces_the_choices(asking):
    asking.show_question(replace(QUESTION, choices=("yes", "no"), answer=1))
    assert [choice.accessibleName() for choice in asking.question_box.choices] == [
        "1: yes",
        "2: no",
    ]


# ---------------------------------------------------------------- for who listens


def test_the_page_is_named_and_described(asking):
    asking.show_text(TITLE, PARTS, {"A": "normal, std 0.01", "B": "Glorot normal"})
    assert asking.objectName() == "lecture.page"
    assert asking.accessibleName()
    lines = asking.accessibleDescription().split("\n")
    assert lines[0] == TITLE
    assert PARTS[0] in lines
    assert PARTS[1].strip("$") in lines
    assert "Predict first. And with Glorot?" in lines
    assert "2: a thousand times more, 10^3" in lines
    assert lines[-1] == "Lanes: A: normal, std 0.01; B: Glorot normal."


# ---------------------------------------------------------------- colours


def _luminance(colour):
    shares = [channel / 255 for channel in theme.channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(first, second):
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)
def test_every_text_colour_can_be_read_on_what_it_stands_on(look):
    texts = (look.ink, look.ink_soft, look.danger, look.accent, *look.lane_text)
    for text in texts:
        for ground in (look.surface, look.note):
            assert _contrast(text, ground) >= 4.5, (text, ground)


@pytest.mark.parametrize("look", [LIGHT, DARK, PROJECTOR])
def test_the_ground_and_the_ink_are_the_theme_s(page, look):
    page.set_theme(look)
    page.show_text(TITLE, PARTS)
    image = page.grab().toImage()
    assert image.pixelColor(2, 2).name() == look.surface
    names = {image.pixelColor(x, y).name() for x in range(60, 400, 1) for y in range(60, 120)}
    assert look.ink in names
