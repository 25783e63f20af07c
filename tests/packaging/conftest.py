"""The modules of packaging/ are scripts beside each other, and are imported as such."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# Behind everything else, so that it hides nothing: there is a package of the name "packaging".
sys.path.append(str(ROOT / "packaging"))


@pytest.fixture
def folder():
    """Return the folder of what makes packages."""
    return ROOT / "packaging"
