"""Files that travel with the program: icons, fonts, data sets, lectures, presets.

They are found in a checkout, an installed wheel and a frozen program alike, because in all
three they lie beside this module (docs/decisions/0003).
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def path(*parts: str) -> Path:
    """Return the path of a resource, e.g. ``path("data", "digits.npz")``.

    A name that does not exist raises FileNotFoundError, which tells a broken package apart
    from a wrong call: parts may not lead outside this directory (ValueError).
    """
    root = Path(str(files(__name__)))
    found = root.joinpath(*parts)
    if not found.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{'/'.join(parts)!r} is outside the resources")
    if not found.exists():
        raise FileNotFoundError(f"the resource {'/'.join(parts)!r} is missing from {root}")
    return found
