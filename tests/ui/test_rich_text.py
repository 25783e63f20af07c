"""Markdown with formulas: legible, on the line, and nothing but text."""

import re
import subprocess
import sys

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QTextCursor, QTextFormat
from PySide6.QtWidgets import QApplication

from initviz.lab.lectures import mathematics
from initviz.ui import theme
from initviz.ui.markdown import plain
from initviz.ui.rich_builder import Setting
from initviz.ui.rich_document import RichDocument
from initviz.ui.rich_text import RichText
from initviz.ui.theme import LIGHT, PROJECTOR

SIZE = 26.0
SETTING = Setting(PROJECTOR, SIZE)
EVERYTHING = r"""A **strong** word, *emphasis*, `code`, $x$ and **A** against **B**.

$$\frac{\partial L}{\partial W} = \delta\, x^\top$$

> **Mistake.** It is said to be 2.5. It is 0.25.

After the box.

> **Note.** One.
>
> Two.

> A plain quote.

1. one
2. two, which is long enough that it needs a second line at this width
   - inside

| scheme | variance |
|---|--:|
| He | $\frac{2}{n}$ |

```
w = 0.01 * z
```

The end.
"""


@pytest.fixture(autouse=True)
def _fonts(qapp):
    theme.load_fonts()


def document(markdown, width=520.0, setting=SETTING):
    made = RichDocument(markdown, setting)
    made.height_at(width)
    return made


def picture(made, ratio=1):
    """A document on white, with 20 pixels of air around it, at 1 or 2 pixels per pixel."""
    size = made.size()
    image = QImage(
        round((size.width() + 40) * ratio),
        round((size.height() + 40) * ratio),
        QImage.Format.Format_RGB32,
    )
    image.setDevicePixelRatio(ratio)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.translate(20, 20)
    made.paint(painter)
    painter.end()
    return image


def darkness(image):
    """For each row, how dark each pixel is, 0 to 255."""
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    rows, step = bytes(grey.constBits()), grey.bytesPerLine()
    return [
        [255 - value for value in rows[y * step : y * step + grey.width()]]
        for y in range(grey.height())
    ]


def groups(image):
    """The inked runs of columns, from the left, with the lowest inked row of each."""
    rows = darkness(image)
    lowest = [
        max((y for y, row in enumerate(rows) if row[x] > 128), default=-1)
        for x in range(image.width())
    ]
    found, current = [], []
    for value in [*lowest, -1]:
        if value >= 0:
            current.append(value)
        elif current:
            found.append(max(current))
            current = []
    return found


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("size", [18.0, 26.0, 50.0])
@pytest.mark.parametrize(
    ("markdown", "place"),  # of the formula's H among the runs of ink
    [
        (r"H $\mathrm{H}$ H", 1),
        (r"H $\mathrm{H}\!\!\frac{1}{2}$ H", None),  # hangs low: room on both sides
        (r"H $\mathrm{H}^{2}$ H", 1),  # reaches high
        (r"H $\sum_{i=1}^{n}$ $\mathrm{H}$ H", -2),
        ("| $\\mathrm{H}$ | H |\n|---|---|", 0),  # a formula alone in its cell
    ],
)
def test_a_formula_stands_on_the_line_of_the_text(markdown, place, size, ratio):
    image = picture(document(markdown, 900, Setting(PROJECTOR, size)), ratio)
    bottoms = groups(image)
    text = bottoms[-1]
    formula = _bottom_of_second_group(image) if place is None else bottoms[place]
    assert abs(formula - text) <= 1


def _bottom_of_second_group(image):
    """The bottom of the stem that begins the second group."""
    rows = darkness(image)
    inked = [any(row[x] > 128 for row in rows) for x in range(image.width())]
    starts = [x for x in range(1, image.width()) if inked[x] and not inked[x - 1]]
    x = starts[1] + 1
    return max(y for y, row in enumerate(rows) if row[x] > 128)


def test_a_formula_is_sharp_on_a_display_of_twice_the_pixels():
    made = document(r"$$\frac{\partial L}{\partial W} = \delta x$$")
    fine = picture(made, ratio=2)
    coarse = picture(made).scaled(fine.size())

    def blurred(image):
        """The share of the inked pixels that are neither dark nor light."""
        values = [value for row in darkness(image) for value in row if value > 16]
        return sum(value < 180 for value in values) / len(values)

    assert blurred(fine) < 0.75 * blurred(coarse)


@pytest.mark.parametrize("follows", [".", ",", ")", "th", "-th"])
def test_what_touches_a_formula_never_begins_a_line(follows):
    markdown = f"One word ($n${follows} and more words"
    for width in range(60, 400, 7):
        made = document(markdown, width)
        layout = made.firstBlock().layout()
        text = made.toPlainText()
        starts = [text[layout.lineAt(i).textStart()] for i in range(layout.lineCount())]
        assert not {follows[0], "("} & set(starts)
    cursor = QTextCursor(made)
    cursor.select(QTextCursor.SelectionType.Document)
    assert made.selected_text(cursor) == markdown


def test_a_formula_that_is_too_wide_is_made_smaller_and_not_cut_off():
    wide = document("$$" + " + ".join(f"x_{{{i}}}" for i in range(20)) + "$$", 300)
    assert wide.size().width() <= 300
    assert wide.smallest < SIZE
    assert _inked_right(picture(wide)) <= 20 + 300
    assert document("$$x_1$$", 300).smallest == SIZE


def _inked_right(image):
    return max(x for row in darkness(image) for x, value in enumerate(row) if value > 16)


def test_what_is_no_formula_is_shown_as_it_is_written():
    assert document(r"So $\unheard x$, then.").toPlainText() == r"So $\unheard x$, then."


def test_formulas_take_the_ink_of_their_text():
    quiet = Setting(PROJECTOR, SIZE, soft=True)
    inks = {
        min(
            (image.pixelColor(x, y).lightness(), image.pixelColor(x, y).name())
            for x in range(image.width())
            for y in range(image.height())
        )[1]
        for setting in (SETTING, quiet)
        for image in [picture(document(r"$$\blacksquare$$", setting=setting))]
    }
    assert inks == {PROJECTOR.ink, PROJECTOR.ink_soft}


# ---------------------------------------------------------------- text


def test_a_strong_letter_has_the_colour_of_its_lane_and_other_strong_words_the_ink():
    made = document("**A** and **B**, **E**, **AB**, **strong**; A.")
    inks = {
        word: (form.foreground().color().name(), form.fontWeight())
        for word, form in _fragments(made)
    }
    bold = QFont.Weight.Bold
    assert inks["A"] == (PROJECTOR.lane_text[0], bold)
    assert inks["B"] == (PROJECTOR.lane_text[1], bold)
    for word in ("E", "AB", "strong"):
        assert inks[word] == (PROJECTOR.ink, bold)
    assert inks["; A."][0] == PROJECTOR.ink


def _fragments(made):
    block = made.begin()
    while block.isValid():
        for fragment in _iterate(block):
            yield fragment.text(), fragment.charFormat()
        block = block.next()


def _iterate(block):
    iterator = block.begin()
    while not iterator.atEnd():
        yield iterator.fragment()
        iterator += 1


def test_boxes_hold_their_own_text_and_no_other():
    made = document(EVERYTHING)
    boxes = list(made.boxes())
    assert [kind for kind, _ in boxes] == ["Mistake.", "Note.", "quote", "code"]
    inside = [
        ["Mistake. It is said to be 2.5. It is 0.25."],
        ["Note. One.", "Two."],
        ["A plain quote."],
        ["w = 0.01 * z"],
    ]
    for (_, box), words in zip(boxes, inside, strict=True):
        assert _blocks_in(made, box) == words
        assert box.left() >= -0.5
        assert box.right() <= 520.5


def _blocks_in(made, box):
    found, block = [], made.begin()
    while block.isValid():
        area = made.documentLayout().blockBoundingRect(block)
        if block.text() and area.intersects(box.adjusted(0, 1, 0, -1)):
            assert box.top() <= area.top()
            assert area.bottom() <= box.bottom() + 0.5
            found.append(block.text().replace("\u00a0", " "))
        block = block.next()
    return found


def test_a_mistake_is_told_by_its_word_and_its_bar():
    made = document("> **Mistake.** Wrong.")
    (_, box), *_ = made.boxes()
    image = picture(made)
    bar = image.pixelColor(QPoint(22, round(20 + box.center().y())))
    assert bar.name() == PROJECTOR.danger
    words = dict(_fragments(made))
    assert words["Mistake."].foreground().color().name() == PROJECTOR.danger


@pytest.mark.parametrize("width", [180.0, 340.0, 520.0, 900.0])
def test_nothing_leaves_the_width(width):
    made = document(EVERYTHING + "\n\n" + "Incomprehensibilities" * 4, width)
    assert not made.too_wide
    assert _inked_right(picture(made)) <= 20 + width


def test_markup_links_and_pictures_are_only_text():
    made = document(
        "<b>bold</b> [a link](https://example.org) <https://example.org> "
        "![a picture](https://example.org/a.png)\n\n"
        '<script>alert("x")</script>\n\n<img src="file:///etc/hostname">'
    )
    assert made.toPlainText().split("\n") == [
        "<b>bold</b> a link https://example.org a picture",
        '<script>alert("x")</script>',
        '<img src="file:///etc/hostname">',
    ]
    for form in made.allFormats():
        assert not form.isImageFormat()
        assert not form.toCharFormat().isAnchor()
        assert not form.hasProperty(QTextFormat.Property.ImageName.value)


def test_notes_for_the_presenter_are_not_shown():
    text = "Shown <!-- hidden --> too.\n\n<!-- hidden -->\n\nEnd."
    assert "hidden" not in document(text).toPlainText()
    assert "hidden" not in plain(text)


def test_columns_are_aligned_as_they_say():
    made = document("| a | b |\n|---|--:|\n| left | right |")
    sides = {}
    block = made.begin()
    while block.isValid():
        sides[block.text()] = block.blockFormat().alignment()
        block = block.next()
    assert sides["left"] == Qt.AlignmentFlag.AlignLeft
    assert sides["right"] == Qt.AlignmentFlag.AlignRight


def test_who_listens_hears_every_word_and_the_latex_of_formulas():
    words = plain(EVERYTHING)
    for expected in (
        "A strong word, emphasis, code, x and A against B.",
        r"\frac{\partial L}{\partial W} = \delta\, x^\top",
        "Mistake. It is said to be 2.5. It is 0.25.",
        "w = 0.01 * z",
    ):
        assert expected in words.split("\n")


# ---------------------------------------------------------------- the widget


@pytest.fixture
def text(qtbot):
    made = RichText(SETTING, EVERYTHING)
    qtbot.addWidget(made)
    return made


def test_the_widget_is_as_high_as_its_text(text):
    for width in (300, 520, 700):
        text.resize(width, text.heightForWidth(width))
        text.show()
        assert text.viewport().size() == text.size()
        assert text.verticalScrollBar().maximum() == 0
        assert text.rich_document.size().height() <= text.height()


def test_the_widget_shows_what_the_document_is(text):
    text.resize(520, text.heightForWidth(520))
    image = text.grab().toImage()
    grounds = {image.pixelColor(0, y).name() for y in range(image.height())}
    assert {PROJECTOR.danger, PROJECTOR.accent} <= grounds  # the bars of the two boxes


def test_copying_gives_words_and_latex(text):
    text.set_markdown("So $x^2$ and **A**.\n\nNew line")
    text.selectAll()
    text.copy()
    assert QApplication.clipboard().text() == "So $x^2$ and A.\nNew line"


def test_it_can_be_selected_but_not_changed(text, qtbot):
    before = text.toPlainText()
    text.show()
    text.setFocus()
    qtbot.keyClicks(text, "typed")
    assert text.toPlainText() == before
    assert text.textInteractionFlags() == Qt.TextInteractionFlag.TextSelectableByMouse


def test_another_theme_changes_the_colours_and_not_the_size(text):
    text.set_theme(LIGHT)
    assert text.setting == Setting(LIGHT, SIZE)
    assert text.rich_document.setting.theme is LIGHT


def test_the_text_is_its_name_for_who_listens(text):
    text.set_markdown("Only $y$.")
    assert text.accessibleName() == "Only y."


# ---------------------------------------------------------------- formulas as pictures


SAMPLE = (
    "x",
    r"\hat{y}",
    r"\sqrt{\frac{2}{n_\mathrm{in} + n_\mathrm{out}}}",
    r"\left[\prod_{l=1}^{9} \varphi'(z^l)\, W^{l+1\top}\right] \delta^{10}",
    r"\begin{aligned} a &= b \\ c &= d + e \end{aligned}",
    r"\begin{cases} z & z > 0 \\ 0 & \text{otherwise} \end{cases}",
    r"\underbrace{a + b}_{n}",
    r"\overline{x} \le \|W\|_F \approx 1.1 \times 10^{-9}",
    r"\mathcal{N}(0, \sigma^2),\ \mathbb{E}\,\varphi(z)^2,\ \operatorname{Var}",
)


@pytest.mark.parametrize("display", [False, True])
@pytest.mark.parametrize("latex", SAMPLE)
def test_a_formula_has_ink_and_none_at_the_border_of_its_box(latex, display):
    assert_whole(latex, display)


def assert_whole(latex, display):
    """Shared with the test of all shipped lectures."""
    from PySide6.QtCore import QByteArray
    from PySide6.QtSvg import QSvgRenderer

    formula = mathematics.svg(latex, 60.0, "#1b1f24", display)
    width, height = -int(-formula.width // 1), -int(-formula.height // 1)
    image = QImage(width + 40, height + 40, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    area = QRectF(20, 20, formula.width, formula.height)
    QSvgRenderer(QByteArray(formula.svg)).render(painter, area)
    painter.end()
    inked = [
        (x, y) for y, row in enumerate(darkness(image)) for x, value in enumerate(row) if value > 40
    ]
    assert inked, latex
    xs, ys = zip(*inked, strict=True)
    assert min(xs) > 20, latex
    assert min(ys) > 20, latex
    assert max(xs) < 20 + width - 1, latex
    assert max(ys) < 20 + height - 1, latex


def test_a_formula_grows_with_its_size_and_has_its_colour():
    small = mathematics.svg(r"\frac12", 20.0, "#112233", True)
    large = mathematics.svg(r"\frac12", 40.0, "#445566", True)
    assert large.width == pytest.approx(2 * small.width)
    assert large.ascent == pytest.approx(2 * small.ascent)
    assert large.descent == pytest.approx(2 * small.descent)
    assert b"#445566" in large.svg
    assert b"#112233" not in large.svg


def test_limits_stand_above_and_below_only_where_there_is_room():
    beside = mathematics.svg(r"\sum_{i=1}^n x", 26.0, "#000000", False)
    above = mathematics.svg(r"\sum_{i=1}^n x", 26.0, "#000000", True)
    assert above.height > beside.height


@pytest.mark.parametrize(
    ("latex", "why"),
    [
        ("", "empty"),
        (" ", "empty"),
        (r"\unheard{x}", r"\\unheard is not known"),
        ("{x", "{ has no }"),
        ("x}", "} has no {"),
        (r"\frac{a}", "lacks an argument|missing|denominator"),
        ("x^", "nothing follows"),
        ("x_1_2", "two subscripts"),
        (r"\left( x", r"\\left has no \\right"),
        (r"\begin{matrix} 1", r"\\begin and \\end"),
        ("a & b", "& or another sign"),
        ("中", "no sign for '中'"),
        (r"\,", "nothing is drawn"),
        (r"\def\a{x}\a", r"\\def is not allowed: it defines commands"),
        (r"\color{red} x", "sets colours"),
        (r"\href{https://example.org}{x}", "makes a link"),
        (r"x \tag{1}", "numbers formulas"),
        (r"x\hspace{100000px}x", "a space wider than 10"),
        ("x" * 601, "601 characters"),
        ("{" * 40 + "x" + "}" * 40, "nested 40 deep"),
    ],
)
def test_what_is_wrong_with_a_formula_is_said_in_one_line(latex, why):
    with pytest.raises(ValueError, match=why) as caught:
        mathematics.check(latex)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_escaped_braces_are_signs():
    mathematics.check(r"\{x\} \left\{ y \right.")


def test_the_memory_for_formulas_has_an_end():
    assert mathematics.svg.cache_info().maxsize


def test_the_library_is_not_loaded_before_the_first_formula():
    script = (
        "import sys, initviz.ui.lecture.page, initviz.ui.rich_text;"
        "print('ziamath' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert re.fullmatch(r"False False\s*", done.stdout)
