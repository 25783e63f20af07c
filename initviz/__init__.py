"""initviz: a laboratory for the weight initialisation of neural networks.

Three names are all that a notebook needs::

    from initviz import Experiment, run, load

They are looked up when first asked for, so that ``import initviz`` stays cheap: it loads
neither torch nor NumPy nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from initviz.lab.experiment import Experiment
    from initviz.lab.recording import load
    from initviz.lab.training import run

__version__ = "0.1.0"

__all__ = ["Experiment", "__version__", "load", "run"]

_HOME = {
    "Experiment": "initviz.lab.experiment",
    "load": "initviz.lab.recording",
    "run": "initviz.lab.training",
}


def __getattr__(name: str) -> Any:
    """Import the room that holds *name* on its first use, and keep what was found."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the lazy names beside the loaded ones."""
    return sorted({*globals(), *_HOME})
