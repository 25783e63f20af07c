"""The packages for Linux: a .deb for Debian's family, and an archive that runs from anywhere.

Both hold the same folder. The package adds what a desktop wants to know of a program.
"""

from __future__ import annotations

import gzip
import os
import platform
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

import about
import elf
import pictures

DEBIAN = about.ROOT / "packaging" / "debian"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
#: Where the folder lies once installed; a link in /usr/bin leads there.
HOME = "usr/lib/initviz"
#: Debian's tools ask for these names.
MAINTAINER = ("DEBFULLNAME", "initviz contributors"), ("DEBEMAIL", "initviz@packages.invalid")
#: Files of packaging/debian, and where they go. Of each @VERSION@ and @DATE@ are filled in.
PLACES = {
    "initviz.desktop": "usr/share/applications/initviz.desktop",
    "initviz.xml": "usr/share/mime/packages/initviz.xml",
    "org.initviz.initviz.metainfo.xml": "usr/share/metainfo/org.initviz.initviz.metainfo.xml",
    "copyright": "usr/share/doc/initviz/copyright",
    "lintian-overrides": "usr/share/lintian/overrides/initviz",
    "changelog": "usr/share/doc/initviz/changelog.gz",
    "initviz.1": "usr/share/man/man1/initviz.1.gz",
}
#: How archives are compressed: the same for both, and as little memory as a small computer has.
XZ = "-6"


def pack(frozen: Path, folder: Path, out: Path) -> list[Path]:
    """Make both packages of the frozen program; returns their paths."""
    set_modes(frozen)
    return [make_deb(frozen, folder, out), make_archive(frozen, folder, out)]


def set_modes(frozen: Path) -> None:
    """Let everybody read all, and run what is a program; whatever the umask was."""
    programs = {path for path in elf.files(frozen) if ".so" not in path.name}
    for path in (frozen, *frozen.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in programs else 0o644)


def written() -> float:
    """The time (seconds) that files get: of the commit, so that two builds have the same."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return float(told)
    asked = subprocess.run(
        ["git", "log", "-1", "--format=%ct"],
        cwd=about.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return float(asked.stdout) if asked.returncode == 0 else time.time()


# ---------------------------------------------------------------- the archive


def make_archive(frozen: Path, folder: Path, out: Path) -> Path:
    """A .tar.xz of one folder, with the desktop's files beside the program to take by hand."""
    name = f"initviz-{about.version()}-linux-{platform.machine()}"
    top = _fresh(folder / "archive") / name
    shutil.copytree(frozen, top, symlinks=True, copy_function=os.link)
    share = top / "share"
    _write_places(top, {k: v for k, v in PLACES.items() if v.startswith("usr/share/man")})
    _write_places(top, {k: v for k, v in PLACES.items() if "share/mime" in v or ".desktop" in v})
    shutil.move(top / "usr" / "share", share)
    (top / "usr").rmdir()
    _icons(share)
    made = out / f"{name}.tar.xz"
    options = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner"]
    command = [
        "tar",
        *options,
        f"--mtime=@{written():.0f}",
        "-C",
        str(top.parent),
        "-cf",
        "-",
        name,
    ]
    with made.open("wb") as stream, subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        subprocess.run(["xz", XZ, "-T2", "-c"], stdin=tar.stdout, stdout=stream, check=True)
    if tar.returncode != 0:
        raise OSError(f"tar could not write {made}")
    shutil.rmtree(top.parent)
    return made


# ---------------------------------------------------------------- the package


def make_deb(frozen: Path, folder: Path, out: Path) -> Path:
    """A .deb whose every file belongs to root."""
    root = _fresh(folder / "deb")
    home = root / HOME
    home.parent.mkdir(parents=True)
    shutil.copytree(frozen, home, symlinks=True, copy_function=os.link)
    (root / "usr" / "bin").mkdir()
    (root / "usr" / "bin" / "initviz").symlink_to("../lib/initviz/initviz")
    _write_places(root, PLACES)
    _icons(root / "usr" / "share")
    _write_control(root, frozen)
    architecture = ARCHITECTURES[platform.machine()]
    made = out / f"initviz_{about.version()}_{architecture}.deb"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": f"{written():.0f}"}
    options = ["--root-owner-group", "-Zxz", f"-z{XZ[1:]}", "--threads-max=2"]
    command = ["dpkg-deb", *options, "--build", str(root), str(made)]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(root)
    return made


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write_places(root: Path, places: dict[str, str]) -> None:
    """Write files of packaging/debian where the system looks for them."""
    for name, place in places.items():
        data = filled(name).encode()
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)
        path.chmod(0o644)


def filled(name: str) -> str:
    """The text of a file of packaging/debian, for this version."""
    text = (DEBIAN / name).read_text(encoding="utf-8")
    now = time.gmtime(written())
    values = {
        "@VERSION@": about.version(),
        "@DATE@": time.strftime("%Y-%m-%d", now),
        "@RFC_DATE@": time.strftime("%a, %d %b %Y %H:%M:%S +0000", now),
        "@MAINTAINER@": maintainer(),
    }
    for sign, value in values.items():
        text = text.replace(sign, value)
    return text


def _icons(share: Path) -> None:
    """The icon in the usual sizes, and as a drawing."""
    for size, picture in pictures.draw(about.ICON, list(pictures.SIZES)).items():
        path = share / "icons" / "hicolor" / f"{size}x{size}" / "apps" / "initviz.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(picture)
    drawing = share / "icons" / "hicolor" / "scalable" / "apps" / "initviz.svg"
    drawing.parent.mkdir(parents=True)
    shutil.copyfile(about.ICON, drawing)


def _write_control(root: Path, frozen: Path) -> None:
    """DEBIAN/control and the check sums."""
    folder = root / "DEBIAN"
    size = sum(p.lstat().st_size for p in root.rglob("*") if not p.is_dir()) // 1024
    depends = dependencies(elf.outside(frozen), elf.c_library(elf.files(frozen)))
    folder.mkdir(mode=0o755)
    (folder / "control").write_text(control(size, depends), encoding="utf-8")
    files = sorted(p for p in root.rglob("*") if p.is_file() and folder not in p.parents)
    listed = subprocess.run(
        ["md5sum", *(str(p.relative_to(root)) for p in files if not p.is_symlink())],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "md5sums").write_text(listed.stdout, encoding="utf-8")


def control(size: int, depends: Iterable[str]) -> str:
    """The text of DEBIAN/control for an installed size in KiB."""
    return f"""\
Package: initviz
Version: {about.version()}
Architecture: {ARCHITECTURES[platform.machine()]}
Maintainer: {maintainer()}
Installed-Size: {size}
Depends: {", ".join(depends)}
Section: education
Priority: optional
Description: laboratory for the weight initialisation of neural networks
 Choose layers, activation and initialiser, train, and watch the gradients and
 activations of every layer as they come. initviz shows why gradients vanish or
 explode, why units saturate, die or stay identical, and what heals them, with
 the value and the rule behind every verdict.
 .
 Lectures for the lecture hall, in which every claim is measured, and challenges
 to solve come with it. It works without a network.
 .
 The package brings its own Python, Qt and PyTorch (for the CPU).
"""


def maintainer() -> str:
    """Who made the package, as Debian's tools are told it."""
    name, address = (os.environ.get(variable, usual) for variable, usual in MAINTAINER)
    return f"{name} <{address}>"


def dependencies(libraries: Iterable[str], c_library: tuple[int, int]) -> list[str]:
    """The packages that hold what the bundle leaves to the system.

    Raises:
        ValueError: for a library that no package is known for.
    """
    table = tomllib.loads((DEBIAN / "depends.toml").read_text(encoding="utf-8"))
    base = table.pop("c_library")
    packages = {library: name for part in table.values() for library, name in part.items()}
    wanted = set(libraries) - set(base["files"])
    if wanted - packages.keys():
        missing = ", ".join(sorted(wanted - packages.keys()))
        raise ValueError(f"neither bundled nor named in debian/depends.toml: {missing}")
    first = f"{base['package']} (>= {c_library[0]}.{c_library[1]})"
    return [first, *sorted({packages[library] for library in wanted})]
