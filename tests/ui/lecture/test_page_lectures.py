"""Every scene of every shipped lecture fits its page, and every formula can be drawn."""

import pytest
from PySide6.QtCore import QByteArray, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from initviz.lab.lectures import (
    mathematics,
    read_challenge,
    read_lecture,
    shipped,
    shipped_challenges,
)
from initviz.ui import theme
from initviz.ui.lecture.page import Page
from initviz.ui.markdown import parse

#: What a window of that size leaves for the page: a little under a third of its
#: width, and all but the footer.
SIZES = {"1920x1080": QSize(605, 990), "1280x720": QSize(403, 648)}
LECTURES = {path.stem: path for path in shipped()}


@pytest.fixture(autouse=True)
def _fonts(qapp):
    theme.load_fonts()


@pytest.fixture(params=LECTURES.values(), ids=LECTURES)
def lecture(request):
    return read_lecture(request.param)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_every_stop_of_a_shipped_lecture_fits_the_page(lecture, size, qtbot):
    page = Page()
    qtbot.addWidget(page)
    page.resize(size)
    too_long = []
    for stop in lecture.stops:
        scene = lecture.scenes[stop.scene]
        beat = scene.beats[stop.beat]
        page.show_text(scene.title, [b.text for b in scene.beats[: stop.beat + 1]])
        page.show_question(beat.question, 1 if stop.answered else None, stop.answered)
        if page.overflows:
            answered = ", answered" if stop.answered else ""
            too_long.append(f"{scene.title}: beat {stop.beat + 1}{answered}")
    assert too_long == []


def texts_of_lecture(lecture):
    """Everything that a lecture shows."""
    for scene in lecture.scenes:
        yield scene.title
        for beat in scene.beats:
            yield beat.text
            question = beat.question
            if question is not None:
                yield from (question.ask, question.because, *question.choices)


def formulas(texts):
    """The formulas of Markdown texts, and whether each is displayed."""
    for text in texts:
        for node in parse(text).walk():
            if node.type.startswith("math"):
                yield node.content, node.type != "math_inline"


def test_every_formula_of_a_shipped_lecture_is_drawn_whole(lecture):
    assert_drawn_whole(formulas(texts_of_lecture(lecture)))


@pytest.mark.parametrize("path", shipped_challenges(), ids=lambda path: path.stem)
def test_every_formula_of_a_shipped_challenge_is_drawn_whole(path):
    challenge = read_challenge(path)
    assert_drawn_whole(formulas((challenge.title, challenge.text, *challenge.hints)))


def assert_drawn_whole(found):
    for latex, display in dict.fromkeys(found):
        formula = mathematics.svg(latex, 40.0, "#000000", display)
        assert ink_inside(formula), latex


def ink_inside(formula):
    """Whether a formula has ink, and none within a pixel of the border of its box or beyond."""
    image = QImage(
        round(formula.width) + 20, round(formula.height) + 20, QImage.Format.Format_Grayscale8
    )
    image.fill(QColor("white"))
    painter = QPainter(image)
    area = QRectF(10, 10, formula.width, formula.height)
    QSvgRenderer(QByteArray(formula.svg)).render(painter, area)
    painter.end()
    inner = area.adjusted(1, 1, -1, -1).toAlignedRect()
    rows, step = bytes(image.constBits()), image.bytesPerLine()
    dark = {
        (index % step, index // step)
        for index, value in enumerate(rows)
        if value < 200 and index % step < image.width()
    }
    return bool(dark) and all(inner.contains(x, y) for x, y in dark)
