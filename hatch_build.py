"""Compile the kernels of the statistics while initviz is installed, where there is a C compiler.

Where there is none, or it fails, initviz is installed without them: it works, and measuring takes
longer. A wheel that holds them is one for this platform. `CC` names another compiler than `cc`.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("initviz", "lab", "statistics")
SOURCE = "kernels.c"
#: Named so that nobody takes it for a module of Python's, which ends in .so.
LIBRARY = "kernels.so.1"
OPTIONS = ("-O3", "-shared", "-fPIC", "-fno-math-errno")


class KernelsHook(BuildHookInterface[Any]):
    """Puts the library beside its source, whence an editable install loads it too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tell the wheel what came of it; `version` is "editable" or "standard"."""
        sentence = compile_kernels(Path(self.root) / FOLDER)
        if sentence:
            self.app.display_warning(f"initviz will measure by NumPy, which is slower: {sentence}")
            return
        build_data["artifacts"].append((FOLDER / LIBRARY).as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{wheel_platform()}"


def compile_kernels(folder: Path) -> str:
    """Compile in this folder; return "" or the sentence about why that was not possible."""
    sentence = _compile(folder)
    if sentence:
        (folder / LIBRARY).unlink(missing_ok=True)  # an older one may not fit what calls it
    return sentence


def _compile(folder: Path) -> str:
    if sys.platform == "win32":
        return "no compiler has been tried on Windows"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if not compiler or shutil.which(compiler[0]) is None:
        return f"there is no C compiler ({' '.join(compiler)})"
    draft = folder / f"{LIBRARY}.{os.getpid()}"
    # The source is named without its folder, so that the same source gives the same bytes.
    command = [*compiler, *OPTIONS, SOURCE, "-o", draft.name, "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        draft.unlink(missing_ok=True)
        return f"{compiler[0]} failed: {done.stderr.strip()[:500]}"
    draft.replace(folder / LIBRARY)
    return ""


def wheel_platform() -> str:
    """The platform of a wheel as its name tells it; compilers build for this machine alone."""
    name = sysconfig.get_platform().replace("universal2", platform.machine())
    return name.replace("-", "_").replace(".", "_")
