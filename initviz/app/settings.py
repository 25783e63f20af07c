"""The person's settings, in a small TOML file in the place that the platform has for them.

Reading never fails: a file that is damaged is left aside, and a value that makes no sense is
dropped, each with a line in the log. Writing replaces the file in one move.
"""

from __future__ import annotations

import base64
import logging
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.ui.layout import MOST_IN_ROW, Layout, Row
from initviz.ui.window_state import THEME_CHOICES, WindowState

log = logging.getLogger(__name__)

#: The file is small; one larger than this is not ours.
MAX_BYTES = 1_000_000


def default_path() -> Path:
    """Where the settings lie on this platform."""
    return Path(platformdirs.user_config_dir("initviz", appauthor=False)) / "settings.toml"


def recordings_folder(settings_file: Path) -> Path:
    """Where running lanes are kept in case of a crash: beside settings that are not the usual."""
    if settings_file != default_path():
        return settings_file.parent / "recordings"
    return Path(platformdirs.user_data_dir("initviz", appauthor=False)) / "recordings"


def load(path: Path) -> WindowState:
    """The settings in a file; what is missing or makes no sense is as at the first start."""
    state = WindowState()
    for key, value in _table(path).items():
        if key not in _READERS:
            log.info("settings: %s is not known; dropped", key)
            continue
        try:
            state = replace(state, **{key: _READERS[key](value)})
        except ValueError as error:
            log.info("settings: %s = %.80r %s; dropped", key, value, error)
    return state


def save(state: WindowState, path: Path) -> None:
    """Write the settings. A disk that refuses is logged: it must not keep the window open."""
    data: dict[str, Any] = {
        "theme": state.theme,
        "speed": 0.0 if state.speed is None else state.speed,
        "folder": state.folder,
        "geometry": base64.b64encode(state.geometry).decode("ascii"),
        "splitters": {name: list(sizes) for name, sizes in state.splitters.items()},
        "options": {panel: dict(chosen) for panel, chosen in state.options.items()},
        "thresholds": state.thresholds.different(),
        "recent": list(state.recent),
        "has_seen_tour": state.has_seen_tour,
        "layout": [
            {"panels": list(row.panels), "widths": list(row.widths), "height": height}
            for row, height in zip(state.layout.rows, state.layout.heights, strict=True)
        ],
    }
    draft = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(tomli_w.dumps(data), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        log.info("settings: not written: %s", error)


def _table(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.info("settings: %s cannot be read: %s", path, error)
        return {}


# -- one reader for each key: the value that stands, or ValueError ----------------------------


def _theme(value: object) -> str:
    if not isinstance(value, str) or value not in THEME_CHOICES:
        raise ValueError(f"is none of {', '.join(THEME_CHOICES)}")
    return value


def _speed(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
        raise ValueError("is no number from 0 to 1e6")
    return float(value) or None


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("is no text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 100:
        raise ValueError("is no list of texts")
    return tuple(map(_text, value))


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def _bytes(value: object) -> bytes:
    return base64.b64decode(_text(value), validate=True)


def _splitters(value: object) -> Mapping[str, tuple[int, ...]]:
    if not isinstance(value, dict):
        raise ValueError("is no table")
    return {name: _sizes(sizes) for name, sizes in value.items()}


def _sizes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(
        type(size) is int and 0 <= size <= 100_000 for size in value
    ):
        raise ValueError("is no list of sizes")
    return tuple(value)


def _options(value: object) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
        raise ValueError("is no table of tables")
    return {panel: {k: _text(v) for k, v in chosen.items()} for panel, chosen in value.items()}


def _thresholds(value: object) -> Thresholds:
    """The thresholds that a person has changed; one that makes no sense is as it comes."""
    if not isinstance(value, dict):
        raise ValueError("is no table")
    thresholds = DEFAULTS
    for name, number in value.items():
        try:
            thresholds = thresholds.with_threshold(name, _number(number))
        except KeyError:
            log.info("settings: thresholds.%.80s is not known; dropped", name)
        except ValueError as error:
            log.info("settings: thresholds.%s = %.80r %s; dropped", name, number, error)
    return thresholds


def _layout(value: object) -> Layout:
    """The rows of panels; a panel that is not known, or stands there twice, is left out."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError("is no list of rows")
    seen: set[str] = set()
    rows, heights = [], []
    for table in value:
        row = _row(table, seen)
        if row is not None:
            rows.append(row)
            heights.append(_size(table.get("height", 1)))
    if value and not rows:
        raise ValueError("has no panel that is known")
    return Layout(tuple(rows), tuple(heights))


def _row(table: Mapping[str, object], seen: set[str]) -> Row | None:
    """A row of the layout; `seen` are the panels of those above, to which its own are added."""
    from initviz.ui.board import KINDS

    names = table.get("panels")
    if not isinstance(names, list):
        raise ValueError("has a row without panels")
    widths = table.get("widths", [1] * len(names))
    if not isinstance(widths, list) or len(widths) != len(names):
        raise ValueError("has a row with another number of widths than panels")
    kept = []
    for name, width in zip(map(_text, names), map(_size, widths), strict=True):
        if name not in KINDS or name in seen:
            why = "stands there twice" if name in seen else "is not known"
            log.info("settings: layout: the panel %.80r %s; dropped", name, why)
            continue
        seen.add(name)
        kept.append((name, width))
    if len(kept) > MOST_IN_ROW:
        raise ValueError(f"has a row of more than {MOST_IN_ROW} panels")
    return Row(*map(tuple, zip(*kept, strict=True))) if kept else None


def _size(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 100_000:
        raise ValueError("has a size that is none")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        raise ValueError("is no number")
    return float(value)


_READERS: dict[str, Callable[[object], Any]] = {
    "theme": _theme,
    "speed": _speed,
    "folder": _text,
    "geometry": _bytes,
    "splitters": _splitters,
    "options": _options,
    "thresholds": _thresholds,
    "layout": _layout,
    "recent": _texts,
    "has_seen_tour": _yes_or_no,
}
