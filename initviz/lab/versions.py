"""Which versions of what everything here was measured with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import initviz

#: What initviz stands on: how it is called, and the package that is asked. Importing them only to
#: ask would take seconds.
PARTS = (("PyTorch", "torch"), ("NumPy", "numpy"), ("Qt", "PySide6-Essentials"))


def versions() -> dict[str, str]:
    """The version of everything that decides what is measured or drawn, initviz first."""
    found = {"initviz": initviz.__version__, "Python": platform.python_version()}
    for name, package in PARTS:
        try:
            found[name] = version(package)
        except PackageNotFoundError:  # a frozen program knows only what was packed for it
            found[name] = "of unknown version"
    return found


def device_text() -> str:
    """What `device = "auto"` trains on here, and how the CPU measures. It imports PyTorch."""
    from initviz.lab.experiment import Experiment
    from initviz.lab.statistics.compiled import LIBRARY, load
    from initviz.lab.training import environment

    here = environment(Experiment())
    threads = f"{here.threads} thread{'s' if here.threads != 1 else ''}"
    return f"{here.device}, {threads}; statistics {'in C' if load(LIBRARY) else 'by NumPy'}"
