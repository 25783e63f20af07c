"""What the window wants to be told at its next start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.ui.layout import DEFAULT, Layout

#: The looks that a person can choose to stay with; "system" is light or dark as the desktop is.
THEME_CHOICES = ("light", "dark", "system")


@dataclass(frozen=True)
class WindowState:
    """How a person has arranged the window. Everything has a value to start with.

    `theme` is one of `THEME_CHOICES`. `speed` is in steps a second, None for as fast as it
    goes. `geometry` is Qt's own, `splitters` maps the name of each splitter to its sizes, and
    `options` each panel to its chosen options. `thresholds` are those of the diagnosis, `layout`
    is that of the panels. `recent` are the paths of the files that were open, the newest first.
    `has_seen_tour` tells whether the window was explained once.
    """

    theme: str = "light"
    speed: float | None = None
    folder: str = ""
    geometry: bytes = b""
    splitters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    thresholds: Thresholds = DEFAULTS
    layout: Layout = DEFAULT
    recent: tuple[str, ...] = ()
    has_seen_tour: bool = False
