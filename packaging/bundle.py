"""Freeze initviz into a folder that needs no Python, and pack that for this platform.

    python3 dev.py bundle [--folder build/bundle] [--out dist] [--only-folder | --only-pack]

`dev.py` runs this with the Python of an environment that holds PyInstaller and what initviz needs.
The folder is made afresh: frozen, rid of what nothing opens, stripped, and described by three
files beside it: `files.txt` (every file and its size), `sizes.md` (what takes the room) and
`origins.json` (where each file came from). The licence file goes into the folder itself.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

import about
import elf
import licences
import pack_linux
import pack_macos
import pack_windows
import pictures

ROOT = about.ROOT
HERE = ROOT / "packaging"

#: Where the frozen program lies in the folder of the build.
PROGRAM = Path("dist", "initviz")
#: Left to the system, for they read its files or talk to its drivers and have to fit those; the
#: package depends on them, and packaging/debian/depends.toml says by which name.
OF_THE_SYSTEM = (
    *("libX11.so.*", "libX11-xcb.so.*", "libXext.so.*", "libXrender.so.*", "libXau.so.*"),
    *("libXdmcp.so.*", "libbsd.so.*", "libmd.so.*", "libxcb.so.*", "libxkbcommon*.so.*"),
    *("libwayland-*.so.*", "libGL.so.*", "libEGL.so.*", "libOpenGL.so.*", "libdrm.so.*"),
    *("libfontconfig.so.*", "libfreetype.so.*", "libexpat.so.*"),
)
#: Where libraries lie that are there only because others need them.
SHARED_FOLDERS = (".", "PySide6/Qt/lib")
#: What is rid of the names for the debugger.
STRIPPED = (
    *("torch/*.so", "torch/lib/*.so*", "torch/bin/*", "PySide6/Qt/lib/*.so*"),
    *("libpython3*.so*", "python3*/lib-dynload/*.so"),
)
#: Opened by name where the program begins.
BY_NAME = "libpython3*.so*"


def main(arguments: list[str] | None = None) -> int:
    """Build and pack; print the sizes."""
    asked = _parser().parse_args(arguments)
    folder = asked.folder.resolve()
    if not asked.only_pack:
        make_folder(folder)
    if not asked.only_folder:
        asked.out.mkdir(parents=True, exist_ok=True)
        for made in packer().pack(folder / PROGRAM, folder, asked.out.resolve()):
            print(f"{made} ({made.stat().st_size / 1e6:.1f} MB)", flush=True)
    return 0


def make_folder(folder: Path) -> None:
    """Freeze the program, take out what nothing opens, and describe what stays."""
    frozen = freeze(folder)
    origins = read_origins(folder, frozen)
    if sys.platform.startswith("linux"):
        drop_unreached(frozen)
        strip(frozen)
        for path in elf.files(frozen):
            elf.forget_folders(path)
    (folder / "origins.json").write_text(json.dumps(origins, indent=1), encoding="utf-8")
    written = licences.write(frozen, folder)
    print(f"{written} lists what is bundled", flush=True)
    describe(frozen, folder)


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="dev.py bundle", description=__doc__.splitlines()[0])
    made.add_argument("--folder", type=Path, default=ROOT / "build" / "bundle", metavar="FOLDER")
    made.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    part = made.add_mutually_exclusive_group()
    part.add_argument("--only-folder", action="store_true", help="freeze, but pack nothing")
    part.add_argument("--only-pack", action="store_true", help="pack what was frozen before")
    return made


def packer() -> ModuleType:
    """What makes of the folder that which people of this platform install."""
    return {"win32": pack_windows, "darwin": pack_macos}.get(sys.platform, pack_linux)


def freeze(folder: Path) -> Path:
    """Run PyInstaller; return the folder with the program."""
    for part in ("dist", "work", "icons"):
        shutil.rmtree(folder / part, ignore_errors=True)
    pictures.draw_all(about.ICON, folder / "icons")
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
    command += ["--distpath", str(folder / "dist"), "--workpath", str(folder / "work")]
    # With a seed the bytecode of two builds is the same too.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([*command, str(HERE / "initviz.spec")], cwd=ROOT, env=environment, check=True)
    return folder / PROGRAM


def read_origins(folder: Path, frozen: Path) -> dict[str, dict[str, str]]:
    """Where everything came from: {"files": {file in the bundle: source}, "modules": {…}}."""
    work = folder / "work" / "initviz"
    inside = frozen / "_internal"
    files = {}
    for name, source, _ in _contents(work / "COLLECT-00.toc"):
        place = inside / name if (inside / name).is_file() else frozen / name
        files[place.relative_to(frozen).as_posix()] = source
    modules = {name: source for name, source, _ in _contents(work / "PYZ-00.toc")}
    return {"files": files, "modules": modules}


def _contents(path: Path) -> Iterable[tuple[str, str, str]]:
    """The entries of one of PyInstaller's tables of contents, which are Python literals."""
    found = ast.literal_eval(path.read_text(encoding="utf-8"))
    tables = (part for part in found if isinstance(part, list) and part)
    for table in tables:
        if all(isinstance(entry, tuple) and len(entry) == 3 for entry in table):
            yield from table


# ---------------------------------------------------------------- what is not needed


def drop_unreached(frozen: Path) -> list[str]:
    """Delete the libraries of the system, and those that nothing in the bundle needs.

    Returns the names of those that were deleted. A library is kept if it lies where only those
    look who load it by name (a module, a plugin), or if one that is kept needs it.
    """
    inside = frozen / "_internal"
    shared = [path for place in SHARED_FOLDERS for path in (inside / place).glob("*.so*")]
    gone = [path for path in shared if any(map(path.match, OF_THE_SYSTEM))]
    kept = [path for path in shared if path not in gone]
    roots = [path for path in elf.files(frozen) if path not in shared or path.match(BY_NAME)]
    needs = elf.needed([*roots, *(path for path in kept if not path.is_symlink())])
    reached = elf.reached(roots, {path.name: path.resolve() for path in kept}, needs)
    gone += [path for path in kept if path.resolve() not in reached]
    for path in gone:
        path.unlink()
    return sorted({path.name for path in gone})


def strip(frozen: Path) -> None:
    """Take the names for the debugger out of PyTorch, Qt and Python.

    Never out of NumPy: its BLAS does not survive it.
    """
    for path in sorted(path for name in STRIPPED for path in (frozen / "_internal").glob(name)):
        if not path.is_symlink():
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=True)


# ---------------------------------------------------------------- what is there


def describe(frozen: Path, folder: Path) -> None:
    """Write the list of files and the table of sizes."""
    files = sorted(path for path in frozen.rglob("*") if path.is_file() or path.is_symlink())
    lines = [f"{path.relative_to(frozen).as_posix()}\t{_size(path)}" for path in files]
    (folder / "files.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = size_table({path.relative_to(frozen).as_posix(): _size(path) for path in files})
    (folder / "sizes.md").write_text(table, encoding="utf-8")
    print(table, flush=True)


def _size(path: Path) -> int:
    return 0 if path.is_symlink() else path.stat().st_size


#: What the rows of the size table hold: the first pattern that a file matches counts, and a star
#: stands for folders too.
PARTS = (
    ("PyTorch: libtorch_cpu", "*/torch/lib/libtorch_cpu*"),
    ("PyTorch: the rest", "*/torch/*"),
    ("Qt: ICU", "*/libicu*"),
    ("Qt and PySide6", "*/PySide6/*"),
    ("Qt and PySide6", "*/shiboken6/*"),
    ("NumPy", "*/numpy*"),
    ("Python: the interpreter", "*/libpython*"),
    ("Python: modules in C", "*/lib-dynload/*"),
    ("Python: modules in C", "*/base_library.zip"),
    ("pydantic", "*/pydantic*"),
    ("lectures, fonts and data of initviz", "_internal/initviz/*"),
    ("formulas: fonts and tables", "*/zia*"),
    ("formulas: fonts and tables", "*/latex2mathml*"),
    ("libraries of the system", "_internal/lib*.so*"),
    ("the licence file", "LICENCES.txt"),
    ("all modules in Python, compressed", "initviz*"),
)


def size_table(sizes: dict[str, int]) -> str:
    """What takes the room, the largest first, as a Markdown table in MB."""
    rows: Counter[str] = Counter()
    for name, size in sizes.items():
        rows[part_of(name)] += size
    lines = ["| part | MB |", "|---|---:|"]
    lines += [f"| {part} | {size / 1e6:.1f} |" for part, size in rows.most_common()]
    return "\n".join([*lines, f"| **all** | **{sum(sizes.values()) / 1e6:.1f}** |", ""])


def part_of(name: str) -> str:
    """The row of the size table for a file of the bundle."""
    return next((part for part, pattern in PARTS if fnmatchcase(name, pattern)), "other")


if __name__ == "__main__":
    sys.exit(main())
