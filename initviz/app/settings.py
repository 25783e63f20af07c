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

from initviz.ui.window_state import THEME_CHOICES, WindowState

log = logging.getLogger(__name__)

#: The file is small; one larger than this is not ours.
MAX_BYTES = 1_000_000


def default_path() -> Path:
    """Where the settings lie on this platform."""
    return Path(platformdirs.user_config_dir("initviz", appauthor=False)) / "settings.toml"


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


_READERS: dict[str, Callable[[object], Any]] = {
    "theme": _theme,
    "speed": _speed,
    "folder": _text,
    "geometry": _bytes,
    "splitters": _splitters,
    "options": _options,
}
