"""The packages for Windows: a setup program (Inno Setup), and an archive to run from anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import about

SCRIPT = about.ROOT / "packaging" / "windows" / "initviz.iss"


def pack(frozen: Path, folder: Path, out: Path) -> list[Path]:
    """Make the portable archive and, where Inno Setup is installed, the setup program."""
    name = f"initviz-{about.version()}-windows-x86_64"
    # One folder with the program's name, so that nothing is strewn about.
    archive = shutil.make_archive(str(out / name), "zip", frozen.parent, frozen.name)
    compiler = find_compiler()
    if compiler is None:
        print("Inno Setup (iscc) was not found: only the archive is made", flush=True)
        return [Path(archive)]
    subprocess.run(setup_command(compiler, frozen, folder, out, f"{name}-setup"), check=True)
    return [Path(archive), out / f"{name}-setup.exe"]


def find_compiler() -> str | None:
    """Inno Setup's compiler, which puts itself on no path."""
    usual = Path(os.environ.get("PROGRAMFILES(X86)", ""), "Inno Setup 6", "ISCC.exe")
    return shutil.which("iscc") or (str(usual) if usual.exists() else None)


def setup_command(compiler: str, frozen: Path, folder: Path, out: Path, name: str) -> list[str]:
    """The call of Inno Setup; the script takes paths and version from it."""
    given = {
        "Version": about.version(),
        "Source": str(frozen),
        "Icon": str(folder / "icons" / "initviz.ico"),
        "Out": str(out),
        "Name": name,
    }
    return [compiler, "/Qp", *(f"/D{key}={value}" for key, value in given.items()), str(SCRIPT)]
