"""Colours, fonts and sizes of the window: the only module that holds any.

A `Theme` is a frozen value that widgets are given with `set_theme`; there is no current theme to
ask for. `apply` makes the application look like one: Fusion, a palette and one style sheet.

What a widget is, the style sheet learns from its dynamic property `role`; see `_SHEET`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from initviz import resources

FAMILY = "Inter"
#: Of a display on which nothing is to be seen, whatever the theme.
BLACKOUT = "#000000"
WEIGHTS = ("Regular", "Medium", "SemiBold", "Bold")
#: The pixel size of a system font at which the sizes below are right as they are.
USUAL_SYSTEM_FONT = 13
#: The lines of the display that the lecture's sizes are meant for.
_LECTURE_LINES = 1080


@dataclass(frozen=True)
class Theme:
    """One look. Colours are "#rrggbb"; sizes are device-independent pixels.

    Text colours have a contrast of at least 4.5 : 1 on what they stand on, marks at least 3 : 1.
    """

    name: str
    dark: bool
    window: str  # the ground between the cards
    surface: str  # cards, bars, menus
    border: str  # around cards
    control_border: str  # around buttons and fields
    field: str  # inside fields
    note: str  # ground of formulas, quiet boxes and pills
    ink: str
    ink_soft: str
    grid: str
    axis: str  # reference lines, arrows, the position in time
    accent: str
    on_accent: str
    danger: str
    healthy_band: str
    healthy_text: str  # on the band
    blank: str  # where there is nothing to show
    lanes: tuple[str, str, str, str]
    lane_text: tuple[str, str, str, str]
    vanishing: str
    healthy: str
    exploding: str
    #: Anchors of the heat map, low to high, for 10⁻¹⁴ to 1 and for 1 to 10⁴.
    heat_below: tuple[str, ...]
    heat_above: tuple[str, ...]
    text: int = 13
    label: int = 12  # in the panels
    small: int = 11  # in the panels, where room is short
    title: int = 14  # of a panel
    mark: float = 11.5  # diameter
    line: float = 2.0
    radius: int = 8
    gap: int = 12

    def scaled(self, factor: float) -> Theme:
        """The same look with all sizes multiplied."""
        return replace(
            self,
            text=round(self.text * factor),
            label=round(self.label * factor),
            small=round(self.small * factor),
            title=round(self.title * factor),
            mark=self.mark * factor,
            line=self.line * factor,
            radius=round(self.radius * factor),
            gap=round(self.gap * factor),
        )


# Viridis at equal distances: even in lightness, safe for colour-blind viewers.
_VIRIDIS = (
    *("#440154", "#482878", "#3e4989", "#31688e", "#26828e"),
    *("#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"),
)
# From there through the colour of "exploding" to a red that is lighter than any of the blues.
_BEYOND = ("#fde725", "#feb02c", "#fe6100", "#c23a16")

LIGHT = Theme(
    name="light",
    dark=False,
    window="#f4f5f7",
    surface="#ffffff",
    border="#dfe3e8",
    control_border="#d3d8de",
    field="#ffffff",
    note="#f6f8fa",
    ink="#1b1f24",
    ink_soft="#616a76",
    grid="#eef1f4",
    axis="#616a76",
    accent="#0072b2",
    on_accent="#ffffff",
    danger="#b3261e",
    healthy_band="#eef3ef",
    healthy_text="#4a6b55",
    blank="#e3e7eb",
    lanes=("#0072b2", "#d55e00", "#00855f", "#7a4fa3"),
    lane_text=("#0072b2", "#b65000", "#007f5b", "#7a4fa3"),
    vanishing="#648fff",
    healthy="#808080",
    exploding="#fe6100",
    heat_below=_VIRIDIS,
    heat_above=_BEYOND,
)

DARK = replace(
    LIGHT,
    name="dark",
    dark=True,
    window="#14171b",
    surface="#1c2025",
    border="#31373f",
    control_border="#444c56",
    field="#14171b",
    note="#262b32",
    ink="#e8ebef",
    ink_soft="#a4adb8",
    grid="#2a2f36",
    axis="#a4adb8",
    accent="#5cb3e6",
    on_accent="#14171b",
    danger="#ff8a80",
    healthy_band="#202b27",
    healthy_text="#9dc0ab",
    blank="#343a42",
    lanes=("#5cb3e6", "#f58b45", "#3dbe94", "#b592dd"),
    lane_text=("#5cb3e6", "#f58b45", "#3dbe94", "#b592dd"),
)

PROJECTOR = replace(
    LIGHT,
    name="projector",
    ink_soft="#4a525c",
    axis="#4a525c",
    grid="#e3e7eb",
    text=18,
    label=24,
    small=24,
    title=26,
    mark=24.0,
    line=4.0,
    radius=10,
    gap=16,
)

# As large as on a display of 1080 lines; `lecture` fits it to others.
_LECTURE = replace(PROJECTOR, name="lecture", window=LIGHT.surface, text=26, small=20, title=28)

THEMES: dict[str, Theme] = {theme.name: theme for theme in (LIGHT, DARK, PROJECTOR)}


def lecture(height: int) -> Theme:
    """The look of a lecture on a display of so many lines: light, and large enough for a hall.

    Labels and marks are at least 24 px and nothing is below 18 px; beyond 1080 lines everything
    grows with the display, below them only running text and titles shrink.
    """
    if height > _LECTURE_LINES:
        return _LECTURE.scaled(height / _LECTURE_LINES)
    share = max(height, 1) / _LECTURE_LINES
    return replace(
        _LECTURE,
        text=max(round(share * _LECTURE.text), 18),
        small=max(round(share * _LECTURE.small), 18),
        title=max(round(share * _LECTURE.title), _LECTURE.label),
    )


@lru_cache(maxsize=512)
def mix(first: str, second: str, share: float) -> str:
    """The colour `share` of the way from `first` to `second`."""
    pairs = zip(channels(first), channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def font(pixels: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Inter at a size in pixels, with figures of equal width."""
    made = QFont(FAMILY)
    made.setPixelSize(max(1, round(pixels)))
    made.setWeight(weight)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def load_fonts() -> None:
    """Make Inter known to Qt; needs a QApplication.

    Raises:
        FileNotFoundError: if a font file is missing.
        RuntimeError: if Qt cannot read one.
    """
    for weight in WEIGHTS:
        path = resources.path("fonts", f"{FAMILY}-{weight}.otf")
        if QFontDatabase.addApplicationFont(str(path)) < 0:
            raise RuntimeError(f"the font {path} cannot be read")


def system_scale() -> float:
    """By how much the system's font is larger than usual, 1 to 2."""
    # Not the application's font: that is ours, once a first window has opened.
    general = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    pixels = QFontInfo(general).pixelSize()
    return min(max(pixels / USUAL_SYSTEM_FONT, 1.0), 2.0)


def apply(app: QApplication, theme: Theme) -> None:
    """Make the whole application look like `theme`."""
    app.setStyle("Fusion")
    scheme = Qt.ColorScheme.Dark if theme.dark else Qt.ColorScheme.Light
    app.styleHints().setColorScheme(scheme)
    app.setPalette(palette(theme))
    app.setFont(font(theme.text))
    app.setStyleSheet(style_sheet(theme))


def palette(theme: Theme) -> QPalette:
    """The colours that Fusion draws with."""
    made = QPalette()
    role = QPalette.ColorRole
    for which, colour in {
        role.Window: theme.window,
        role.WindowText: theme.ink,
        role.Base: theme.field,
        role.AlternateBase: theme.note,
        role.Text: theme.ink,
        role.PlaceholderText: theme.ink_soft,
        role.Button: theme.surface,
        role.ButtonText: theme.ink,
        role.BrightText: theme.danger,
        role.ToolTipBase: theme.ink,
        role.ToolTipText: theme.surface,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.Accent: theme.accent,
        role.Mid: theme.border,
    }.items():
        made.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText, role.Highlight):
        off = mix(theme.ink_soft, theme.surface, 0.35)
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(off))
    return made


def style_sheet(theme: Theme) -> str:
    """The one style sheet, with this theme's colours and sizes in it."""
    values = {f.name: getattr(theme, f.name) for f in fields(theme)}
    unit = theme.text / LIGHT.text
    lengths = {f"px{n}": f"{max(1, round(n * unit))}px" for n in (1, 2, 3, 4, 5, 6, 8, 9, 10, 12)}
    more = {
        "hover": mix(theme.surface, theme.ink, 0.05),
        "pressed": mix(theme.surface, theme.ink, 0.10),
        "primary_hover": mix(theme.ink, theme.surface, 0.18),
        "track": theme.blank,
        "knob": f"{round(8 * unit)}px",
        "half_knob": f"{round(10 * unit)}px",
        "heading": f"{round(11.5 * unit)}px",
    }
    return _SHEET.format(**values, **lengths, **more)


# Roles: card, readout (exact values beside the pointer), bar (a strip of the window), primary (the
# one main button), flat (a button in a header), pill, note (a quiet box), title, subtitle, heading
# (above a group), soft, label, value, error, brand, small (a button in a card), lines (what shows
# between strips), ground, choice (something to choose, as large as a card), tour (what explains the
# window). Lengths px1 … px12 grow with the size of text.
_SHEET = """
* {{ font-family: "Inter"; font-size: {text}px; }}
QMainWindow, QDialog {{ background: {window}; }}
QFrame[role="card"] {{
    background: {surface}; border: 1px solid {border}; border-radius: {radius}px;
}}
QFrame[role="card"]:focus {{ border-color: {accent}; }}
QFrame[role="tour"] {{
    background: {surface}; border: 2px solid {accent}; border-radius: {radius}px;
}}
*[role="bar"] {{ background: {surface}; border: 0; }}
QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {title}px; font-weight: 600; color: {ink}; }}
QLabel[role="subtitle"] {{ font-size: {label}px; color: {ink_soft}; }}
QLabel[role="heading"] {{
    font-size: {heading}; font-weight: 600; color: {ink_soft}; letter-spacing: 0.6px;
}}
QLabel[role="brand"] {{ font-size: {title}px; font-weight: 700; color: {ink}; }}
QLabel[role="soft"], QLabel[role="label"] {{ color: {ink_soft}; }}
QLabel[role="label"] {{ font-size: {label}px; }}
QLabel[role="error"] {{ color: {danger}; }}
QLabel[role="pill"] {{
    background: {note}; color: {ink_soft}; border-radius: {px10}; padding: {px4} {px9};
}}
QLabel[role="note"], QFrame[role="note"] {{
    background: {note}; color: {ink_soft}; border: 0; border-radius: {px6}; padding: {px8};
}}
QPushButton {{
    background: {surface}; color: {ink}; border: 1px solid {control_border};
    border-radius: {px6}; padding: {px6} {px12}; font-weight: 500;
}}
QPushButton:hover {{ background: {hover}; }}
QPushButton:pressed, QPushButton:checked {{ background: {pressed}; }}
QPushButton:focus {{ border: 2px solid {accent}; padding: {px5} {px10}; }}
QPushButton[role="primary"] {{ background: {ink}; color: {surface}; border-color: {ink}; }}
QPushButton[role="primary"]:hover {{ background: {primary_hover}; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {accent}; }}
QPushButton[role="choice"] {{ border-color: {border}; border-radius: {radius}px; padding: 0; }}
QPushButton[role="choice"]:focus {{ border: 2px solid {accent}; padding: 0; }}
QLabel[role="choice"] {{ font-weight: 600; color: {ink}; }}
QPushButton[role="small"] {{ padding: {px3} {px9}; }}
QPushButton[role="small"]:focus {{ padding: {px2} {px8}; }}
QPushButton:disabled {{ color: {control_border}; }}
QToolButton[role="flat"] {{
    background: transparent; color: {ink_soft}; border: 1px solid transparent;
    border-radius: {px4}; padding: {px1} {px3}; font-size: {label}px;
}}
QToolButton[role="flat"]:hover {{ background: {hover}; color: {ink}; }}
QToolButton[role="flat"]:pressed, QToolButton[role="flat"]:checked {{
    background: {pressed}; color: {ink};
}}
QToolButton[role="flat"]:focus {{ border: 1px solid {accent}; }}
QToolButton[role="flat"]::menu-indicator {{ image: none; width: 0; }}
QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox {{
    background: {field}; color: {ink}; border: 1px solid {control_border};
    border-radius: {px6}; padding: {px6} {px10};
    selection-background-color: {accent}; selection-color: {on_accent};
}}
QLineEdit:focus, QPlainTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {{
    border: 1px solid {accent};
}}
QAbstractSpinBox[role="value"] {{
    background: transparent; border: 1px solid transparent; border-radius: {px4};
    padding: 0 {px3}; font-weight: 600;
}}
QAbstractSpinBox[role="value"]::up-button, QAbstractSpinBox[role="value"]::down-button {{
    width: 0; height: 0; border: 0;
}}
QAbstractSpinBox[role="value"]:hover {{ border-color: {control_border}; }}
QAbstractSpinBox[role="value"]:focus {{ border-color: {accent}; background: {field}; }}
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {{
    background: {note}; color: {ink_soft}; border-color: {border};
}}
QAbstractSpinBox[role="value"]:disabled {{
    background: transparent; color: {ink_soft}; border-color: transparent;
}}
QComboBox::drop-down {{ border: 0; width: {px12}; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{
    background: {surface}; color: {ink}; border: 1px solid {control_border};
    selection-background-color: {accent}; selection-color: {on_accent}; outline: 0;
}}
QComboBox QAbstractItemView::item {{ padding: {px2} {px8}; }}
QSlider::groove:horizontal {{
    height: {px4}; background: {track}; border-radius: {px2}; margin: 0;
}}
QSlider::sub-page:horizontal {{ background: {accent}; border-radius: {px2}; }}
QSlider::handle:horizontal {{
    background: {surface}; border: 2px solid {accent};
    width: {px10}; height: {px10}; margin: -{px5} 0; border-radius: {px6};
}}
QSlider::handle:horizontal:focus {{ background: {accent}; }}
QSlider::sub-page:horizontal:disabled {{ background: {track}; }}
QSplitter::handle {{ background: transparent; image: none; }}
*[role="lines"], QSplitter[role="lines"]::handle {{ background: {border}; }}
*[role="ground"] {{ background: {window}; }}
QMenuBar {{ background: {surface}; color: {ink}; }}
QMenuBar::item {{ background: transparent; padding: {px4} {px8}; }}
QMenuBar::item:selected {{ background: {pressed}; }}
QMenu {{
    background: {surface}; color: {ink}; border: 1px solid {control_border}; padding: {px4};
}}
QMenu::item {{ padding: {px5} {px12} {px5} {px10}; border-radius: {px4}; }}
QMenu::item:selected {{ background: {accent}; color: {on_accent}; }}
QMenu::item:disabled {{ color: {ink_soft}; }}
QMenu::separator {{ height: 1px; background: {border}; margin: {px4} {px6}; }}
QMenu::indicator {{ width: {px12}; height: {px12}; margin-left: {px6}; }}
QToolTip, QLabel[role="readout"] {{
    background: {ink}; color: {surface}; border: 0; padding: {px6} {px8}; font-size: {label}px;
}}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: 0; }}
QScrollBar:vertical {{ background: transparent; width: {px8}; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {px8}; margin: 0; }}
QScrollBar::handle {{ background: {control_border}; border-radius: {px4}; }}
QScrollBar::handle:vertical {{ min-height: 24px; }}
QScrollBar::handle:horizontal {{ min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
