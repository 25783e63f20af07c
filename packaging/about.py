"""What the packages say of initviz: where the checkout is, and which version it holds."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ICON = ROOT / "initviz" / "resources" / "icons" / "initviz.svg"


def version() -> str:
    """The version in the source, which need not be installed for that."""
    source = (ROOT / "initviz" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    if not found:
        raise ValueError("initviz/__init__.py names no version")
    return found[1]
