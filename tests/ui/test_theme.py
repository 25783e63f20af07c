"""The themes: legible, complete, and the only home of colours."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QFontInfo, QPalette, QRawFont
from PySide6.QtWidgets import QLabel, QPushButton

from initviz import ui
from initviz.ui import theme
from initviz.ui.panels import highlight, theory_ghosts
from initviz.ui.theme import DARK, LIGHT, PROJECTOR, THEMES

TEXT, MARK = 4.5, 3.0
#: All that are worn: those of the window, and the lecture's on displays of so many lines.
LINES = (600, 720, 900, 1080, 1440, 2160)
LOOKS = {**THEMES, **{f"lecture {lines}": theme.lecture(lines) for lines in LINES}}


def _luminance(colour):
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first, second):
    """The contrast ratio of WCAG 2: 1 to 21."""
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(params=LOOKS.values(), ids=LOOKS)
def look(request):
    return request.param


@pytest.fixture
def app(qapp):
    """The application, given back as it was."""
    before = qapp.style().objectName(), qapp.palette(), qapp.font()
    yield qapp
    qapp.setStyleSheet("")
    qapp.setStyle(before[0])
    qapp.setPalette(before[1])
    qapp.setFont(before[2])


def test_contrast_is_measured_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("ink", ("window", "surface", "field", "note", "healthy_band")),
        ("ink_soft", ("window", "surface", "field", "note")),
        ("danger", ("surface", "window")),
        ("healthy_text", ("healthy_band",)),
        ("on_accent", ("accent",)),
        ("surface", ("ink",)),  # tooltips and the main button
        ("accent", ("surface",)),
    ],
)
def test_text_can_be_read(look, ink, grounds):
    for ground in grounds:
        ratio = contrast(getattr(look, ink), getattr(look, ground))
        assert ratio >= TEXT, (ink, ground, round(ratio, 2))


def test_the_text_of_a_lane_can_be_read(look):
    for colour in look.lane_text:
        for ground in (look.surface, look.note):
            assert contrast(colour, ground) >= TEXT, (colour, ground)


def test_marks_can_be_seen(look):
    marks = {*look.lanes, look.vanishing, look.healthy, look.exploding, look.axis, look.accent}
    for colour in marks:
        assert contrast(colour, look.surface) >= MARK, colour
    for colour in look.lanes:
        assert contrast(colour, look.healthy_band) >= MARK, colour


def test_marks_can_be_seen_on_every_ground_that_a_chart_has(look):
    bands = [theme.mix(look.surface, colour, theory_ghosts.STRENGTH) for colour in look.lanes]
    plain = (look.surface, look.healthy_band)
    shaded = [theme.mix(ground, look.ink, highlight.STRENGTH) for ground in plain]
    for ground in (*plain, *bands, *shaded):
        for colour in (*look.lanes, look.ink, look.axis):
            assert contrast(colour, ground) >= MARK, (colour, ground)


def test_words_can_be_read_where_a_layer_is_marked(look):
    shaded = theme.mix(look.surface, look.ink, highlight.STRENGTH)
    for colour in (look.ink, look.ink_soft):
        assert contrast(colour, shaded) >= TEXT


def test_lanes_and_verdicts_on_light_are_those_that_everyone_can_tell_apart():
    assert LIGHT.lanes == ("#0072b2", "#d55e00", "#00855f", "#7a4fa3")
    for look in THEMES.values():
        assert (look.vanishing, look.healthy, look.exploding) == ("#648fff", "#808080", "#fe6100")


def test_every_colour_is_six_digits(look):
    for field in fields(look):
        value = getattr(look, field.name)
        for colour in value if isinstance(value, tuple) else (value,):
            if isinstance(colour, str) and field.name != "name":
                assert re.fullmatch(r"#[0-9a-f]{6}", colour), (field.name, colour)


def test_the_heat_map_is_one_from_end_to_end(look):
    assert look.heat_below[-1] == look.heat_above[0]
    rise = [_luminance(colour) for colour in look.heat_below]
    assert rise == sorted(rise)
    darkest_above = min(_luminance(colour) for colour in look.heat_above)
    assert darkest_above > 2 * _luminance(look.heat_below[0])


def test_a_projector_shows_everything_large():
    assert min(PROJECTOR.label, PROJECTOR.small, PROJECTOR.title, PROJECTOR.mark) >= 24
    assert PROJECTOR.text >= 18
    assert PROJECTOR.line >= 2 * LIGHT.line


@pytest.mark.parametrize("lines", LINES)
def test_a_lecture_is_large_on_every_display_and_light(lines):
    look = theme.lecture(lines)
    assert min(look.label, look.mark, look.title) >= 24
    assert min(look.text, look.small) >= 18
    assert look.line >= 2 * LIGHT.line
    assert not look.dark


def test_a_lecture_grows_with_a_display_beyond_full_hd_and_is_the_same_below():
    full, twice = theme.lecture(1080), theme.lecture(2160)
    for name in ("text", "label", "small", "title", "mark", "line", "gap"):
        assert getattr(twice, name) == 2 * getattr(full, name)
    assert (full.label, full.text, full.title) == (24, 26, 28)
    assert theme.lecture(720).label == full.label


def test_a_theme_grows_with_the_system_font():
    grown = LIGHT.scaled(1.5)
    assert (grown.text, grown.label, grown.line) == (20, 18, 3.0)
    assert grown.ink == LIGHT.ink


def test_mixing_goes_from_one_colour_to_the_other():
    assert theme.mix("#000000", "#ffffff", 0.0) == "#000000"
    assert theme.mix("#000000", "#ffffff", 1.0) == "#ffffff"
    assert theme.mix("#102030", "#305070", 0.5) == "#203850"


@pytest.mark.parametrize("weight", [400, 500, 600, 700])
def test_inter_is_there_in_every_weight(qapp, weight):
    theme.load_fonts()
    info = QFontInfo(theme.font(13, QFont.Weight(weight)))
    assert info.family().startswith(theme.FAMILY)
    assert info.pixelSize() == 13
    assert abs(info.weight() - weight) < 100


def test_inter_has_all_signs_that_the_panels_write(qapp):
    theme.load_fonts()
    raw = QRawFont.fromFont(theme.font(13))
    signs = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻−×·∂σφ∞≤≥←→…“”▼▲●■′α"
    missing = [sign for sign in signs if not raw.supportsCharacter(ord(sign))]
    assert not missing


def test_a_missing_font_is_an_error(qapp, monkeypatch):
    monkeypatch.setattr(theme, "WEIGHTS", ("Nowhere",))
    with pytest.raises(FileNotFoundError, match="Nowhere"):
        theme.load_fonts()


def test_a_theme_is_applied_to_widgets_that_stand_already(app, qtbot, look):
    """Qt's complaints about a style sheet would fail this test."""
    label, button = QLabel("text"), QPushButton("press")
    for widget in (label, button):
        qtbot.addWidget(widget)
        widget.show()
    button.setProperty("role", "primary")
    theme.apply(app, look)
    assert app.palette().color(QPalette.ColorRole.Window).name() == look.window
    assert app.palette().color(QPalette.ColorRole.Highlight).name() == look.accent
    assert QFontInfo(label.font()).pixelSize() == look.text
    assert app.style().objectName().lower() in ("fusion", "")
    shades = {button.grab().toImage().pixelColor(x, button.height() // 2).name() for x in (8, 9)}
    assert look.ink in shades


def test_the_style_sheet_has_no_gaps(look):
    sheet = theme.style_sheet(look)
    assert "{{" not in sheet
    assert sheet.count("{") == sheet.count("}")
    assert "None" not in sheet


def test_colours_live_in_the_theme_alone():
    root = Path(ui.__file__).parent
    coloured = [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*.py"))
        if path.name != "theme.py"
        and re.search(
            r"[\"'#(]#[0-9a-fA-F]{3,8}\b|GlobalColor\.(?!transparent)\w+", path.read_text("utf-8")
        )
    ]
    assert coloured == []


def test_dark_is_dark_and_the_others_are_light():
    assert _luminance(DARK.surface) < 0.1 < _luminance(LIGHT.surface)
    assert DARK.dark
    assert not any(look.dark for look in (LIGHT, PROJECTOR))


def test_the_scale_is_the_systems_also_after_a_theme_was_worn(qapp):
    before = theme.system_scale()
    theme.apply(qapp, theme.PROJECTOR)
    assert theme.system_scale() == before
