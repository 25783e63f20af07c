"""The licence file of a bundle: every component that is really in it, with its licence and text.

A file or module of the bundle that no component accounts for is an error, so that nothing can be
packed unseen.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, partial
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Any

import about

HERE = about.ROOT / "packaging" / "licences"
NAME = "LICENCES.txt"
#: Made by PyInstaller while it runs: part of what starts the program.
MADE_BY = "pyinstaller"
_RULE = "=" * 79


class UnaccountedError(Exception):
    """Something is bundled and nobody knows its licence."""


@dataclass
class Component:
    """Something that is bundled; `texts` are (title, text)."""

    name: str
    version: str
    licence: str
    texts: list[tuple[str, str]]
    note: str = ""
    items: int = field(default=0)


def write(frozen: Path, folder: Path) -> Path:
    """Write the licence file of the bundle into it; returns its path.

    `folder` holds `origins.json` as packaging/bundle.py writes it.

    Raises:
        UnaccountedError: naming what no component accounts for.
    """
    origins = json.loads((folder / "origins.json").read_text(encoding="utf-8"))
    path = frozen / NAME
    path.unlink(missing_ok=True)
    path.write_text(as_text(components(frozen, origins)), encoding="utf-8")
    return path


def components(frozen: Path, origins: Mapping[str, Mapping[str, str]]) -> list[Component]:
    """Every component of the bundle, by name."""
    catalogue = Catalogue()
    lost = []
    for path in sorted(frozen.rglob("*")):
        name = path.relative_to(frozen).as_posix()
        if path.is_symlink() or not path.is_file() or name == NAME:
            continue
        if not catalogue.count_file(name, origins["files"].get(name, "")):
            lost.append(name)
    for name, source in origins["modules"].items():
        if source not in {"", "-"} and not catalogue.count_source(source):
            lost.append(f"module {name} ({source})")
    if lost:
        raise UnaccountedError("nobody knows the licence of: " + ", ".join(lost))
    return sorted(catalogue.found.values(), key=lambda part: part.name.lower())


def as_text(found: Iterable[Component]) -> str:
    """The licence file: a list, then every text, each once."""
    parts = list(found)
    lines = [
        "initviz is packed together with the following components. Each keeps its own licence;",
        "the texts follow below the list.",
        "",
    ]
    for part in parts:
        lines.append(f"* {part.name} {part.version}".rstrip() + f": {part.licence}")
        lines += [f"  {part.note}"] if part.note else []
    texts: dict[str, list[str]] = {}
    for part in parts:
        for title, text in part.texts:
            texts.setdefault(text.strip(), []).append(f"{part.name}: {title}")
    for text, titles in texts.items():
        lines += ["", _RULE, *titles, _RULE, "", text]
    return "\n".join(lines) + "\n"


class Catalogue:
    """Finds the component of each file, and counts what belongs to each."""

    def __init__(self, table: Path = HERE / "components.toml") -> None:
        told = tomllib.loads(table.read_text(encoding="utf-8"))
        self._parts = told["part"]
        self._told = told["distribution"]
        self._owners = _owners()
        self._standard = (Path(sys.base_prefix).resolve(), *_framework())
        self.found: dict[str, Component] = {}

    def count_file(self, name: str, source: str) -> bool:
        """Tell whether the component of a file of the bundle is known, and count it."""
        for part in self._parts:
            if any(fnmatchcase(name, pattern) for pattern in part["files"]):
                self._count(part["name"], partial(self._part, part))
                return True
        return bool(source) and self.count_source(source)

    def count_source(self, source: str) -> bool:
        """The same for what was packed from a path of this machine."""
        path = Path(source)
        owner = self._owners.get(path) or self._owners.get(path.resolve())
        if owner is None:
            owner = self._elsewhere(path)
        if owner is None:
            return self._count_system(path)
        ours = {"initviz": _initviz, "python": _python}
        self._count(owner, ours.get(owner) or partial(self._distribution, owner))
        return True

    def _elsewhere(self, path: Path) -> str | None:
        """What owns a path that no distribution lists."""
        place = path.resolve()
        if any(place.is_relative_to(about.ROOT / name) for name in ("initviz", "packaging")):
            return "initviz"
        if place.name == "base_library.zip" or "lib-dynload" in place.parts:
            return "python"
        if {"PyInstaller", "_pyinstaller_hooks_contrib"} & set(place.parts):
            return MADE_BY
        if place.parent.name == "initviz" and place.parent.parent.name == "work":
            return MADE_BY
        if "site-packages" not in place.parts and any(map(place.is_relative_to, self._standard)):
            return "python"
        return None

    def _count(self, key: str, make: Callable[[], Component]) -> None:
        if key not in self.found:
            self.found[key] = make()
        self.found[key].items += 1

    def _count_system(self, path: Path) -> bool:
        package = _debian_package(path)
        if package:
            self._count(package, partial(_debian, package))
        return bool(package)

    def _part(self, part: Mapping[str, Any]) -> Component:
        version = _version(part.get("version_of", ""))
        texts = [_shipped(name) for name in part.get("texts", ())]
        return Component(part["name"], version, part["licence"], texts, part.get("note", ""))

    def _distribution(self, name: str) -> Component:
        dist, told = distribution(name), self._told.get(_key(name), {})
        texts = [*_texts_of(dist), *map(_shipped, told.get("texts", ()))]
        licence = told.get("licence") or licence_of(dist)
        if not texts or not licence:
            raise UnaccountedError(f"{name} says no licence: add it to components.toml")
        return Component(told.get("name", dist.name), dist.version, licence, texts)


# ---------------------------------------------------------------- Python's packages


def _owners() -> dict[Path, str]:
    """The distribution of each file that one lists."""
    found = {}
    for dist in distributions():
        name = _key(dist.name)
        for file in dist.files or ():
            if file.suffix != ".pyc":
                place = Path(str(dist.locate_file(file)))
                found[place] = found[place.resolve()] = name
    return found


def _key(name: str) -> str:
    """A distribution's name as everybody writes it alike."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(dist: Distribution) -> str:
    """What a distribution says its licence is: an expression, a word, or a classifier."""
    said = _said(dist, "License-Expression")
    word = _said(dist, "License").strip()
    if not said and word and "\n" not in word and word != "UNKNOWN":
        said = word
    if not said:
        classifiers = dist.metadata.get_all("Classifier") or []
        said = ", ".join(c.split(" :: ")[-1] for c in classifiers if c.startswith("License :: "))
    return said.removesuffix(" License")


def _said(dist: Distribution, key: str) -> str:
    found: list[str] = dist.metadata.get_all(key) or [""]
    return found[0]


_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)


def _texts_of(dist: Distribution) -> list[tuple[str, str]]:
    """The licence files that a distribution brought with it."""
    found = []
    for file in sorted(dist.files or ()):
        inside = file.parts[0].endswith(".dist-info")
        if inside and ("licenses" in file.parts or _LICENCE_FILE.match(file.name)):
            path = Path(str(dist.locate_file(file)))
            title = "/".join(part for part in file.parts[1:] if part != "licenses")
            found.append((title, path.read_text(encoding="utf-8", errors="replace")))
    return found


def _version(name: str) -> str:
    try:
        return distribution(name).version if name else ""
    except PackageNotFoundError:
        return ""


# ---------------------------------------------------------------- what is no package


def _shipped(name: str) -> tuple[str, str]:
    """A text that stands beside components.toml, or in initviz's resources."""
    resources = about.ROOT / "initviz" / "resources"
    path = HERE / name.replace("{resources}", str(resources))
    return path.name, path.read_text(encoding="utf-8")


def _initviz() -> Component:
    text = (about.ROOT / "LICENSE").read_text(encoding="utf-8")
    return Component("initviz", about.version(), "MIT", [("LICENSE", text)])


def _python() -> Component:
    version = ".".join(map(str, sys.version_info[:3]))
    library = Path(sys.base_prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    for place in (library / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE.txt"):
        if place.exists():
            text = place.read_text(encoding="utf-8")
            return Component("Python", version, "PSF-2.0", [("LICENSE.txt", text)])
    package = _debian_package(library / "os.py")
    if not package:
        raise UnaccountedError(f"this Python came without its licence (no {library}/LICENSE.txt)")
    return Component("Python", version, "PSF-2.0", _debian(package).texts)


def _framework() -> list[Path]:
    """On macOS Python may be a framework, whose library lies beside the prefix."""
    return [path for path in Path(sys.base_prefix).resolve().parents if path.suffix == ".framework"]


@cache
def _debian_package(path: Path) -> str:
    """The Debian package that a file belongs to, or an empty string."""
    for name in dict.fromkeys((str(path), str(path.resolve()), f"/usr{path}")):
        for query in (name, name.removeprefix("/usr")):
            try:
                asked = subprocess.run(
                    ["dpkg-query", "--search", query], capture_output=True, text=True, check=False
                )
            except OSError:  # no Debian
                return ""
            if asked.returncode == 0:
                return asked.stdout.split(":")[0]
    return ""


def _debian(package: str) -> Component:
    """A library that came from a Debian package, as its copyright file says."""
    version = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}\\n", package],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")[0]
    path = Path("/usr/share/doc", package, "copyright")
    text = path.read_text(encoding="utf-8", errors="replace")
    texts = [("copyright", text)]
    for name in sorted(set(re.findall(r"/usr/share/common-licenses/([\w.+-]*\w)", text))):
        common = Path("/usr/share/common-licenses", name)
        texts.append((common.resolve().name, common.read_text(encoding="utf-8", errors="replace")))
    return Component(f"{package} (Debian)", version, debian_licence(text), texts)


def debian_licence(text: str) -> str:
    """The licence of most of it, by its short name, where a copyright file has that."""
    found: list[str] = re.findall(r"^License:[ \t]*(\S.*)$", text, re.MULTILINE)
    if not found:
        return "as its text below says"
    others = ", and others for parts of its source" if len(set(found)) > 1 else ""
    return found[0].strip() + others


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), Path(sys.argv[2])))
