"""The licence file: everything that is bundled, and nothing unseen."""

import json
import re
import tomllib
from pathlib import Path

import licences
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent
RESOURCES = ROOT / "initviz" / "resources"


@pytest.fixture(scope="module")
def catalogue():
    """Return a catalogue of this environment, which is read once."""
    return licences.Catalogue()


@pytest.fixture
def build(tmp_path):
    """Return what makes a bundle of files with their sources, and its licence file."""
    frozen = tmp_path / "dist" / "initviz"
    frozen.mkdir(parents=True)

    def build(files, modules=()):
        for name in files:
            (frozen / name).parent.mkdir(parents=True, exist_ok=True)
            (frozen / name).touch()
        origins = {"files": files, "modules": dict(modules)}
        (tmp_path / "origins.json").write_text(json.dumps(origins))
        return licences.write(frozen, tmp_path).read_text(encoding="utf-8")

    return build


def test_a_file_counts_for_whom_it_came_with(build):
    text = build(
        {
            "_internal/numpy/_core/x.so": np.__file__,
            "_internal/initviz/resources/fonts/Inter-Bold.otf": "anywhere",
            "_internal/initviz/resources/icons/initviz.svg": str(RESOURCES / "icons/initviz.svg"),
            "_internal/PySide6/Qt/lib/libQt6Core.so.6": "anywhere",
        },
        {"re": re.__file__},
    )
    head = text.split("=====")[0]
    for line in (
        rf"\* numpy {re.escape(np.__version__)}: BSD-3-Clause",
        r"\* Inter \(font\): OFL-1\.1",
        r"\* Qt [\d.]+: LGPL-3\.0-only",
        r"\* Python 3\.\d+\.\d+: PSF-2\.0",
        r"\* initviz [\d.]+: MIT",
    ):
        assert re.search(line, head), line
    for words in ("GNU LESSER GENERAL PUBLIC LICENSE", "SIL OPEN FONT LICENSE", "PYTHON SOFTWARE"):
        assert words in text


def test_a_text_that_two_share_stands_there_once(build):
    text = build({"_internal/ziamath/fonts/a.ttf": "x", "_internal/initviz/resources/fonts/b": "x"})
    assert text.count("SIL OPEN FONT LICENSE Version 1.1") == 1
    assert "STIX Two Math (font): OFL.txt" in text
    assert "Inter (font): OFL.txt" in text


def test_a_file_that_nobody_knows_stops_the_build(build, tmp_path):
    stranger = tmp_path / "stranger.so"
    with pytest.raises(licences.UnaccountedError, match=r"_internal/stranger\.so"):
        build({"_internal/stranger.so": str(stranger)})


def test_a_file_without_an_origin_stops_the_build(build):
    with pytest.raises(licences.UnaccountedError, match=r"_internal/unheard\.of"):
        build({"_internal/unheard.of": ""})


def test_a_module_that_nobody_knows_stops_the_build(build, tmp_path):
    with pytest.raises(licences.UnaccountedError, match="module strange"):
        build({}, {"strange": str(tmp_path / "strange.py")})


def test_every_dependency_says_its_licence_and_brings_its_text(catalogue):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for line in project["project"]["dependencies"]:
        part = catalogue._distribution(re.split(r"[<>=]", line)[0])
        assert part.licence
        assert part.texts


def test_every_font_and_data_file_of_ours_has_a_licence_of_its_own(catalogue):
    for folder in ("fonts", "data"):
        for path in (RESOURCES / folder).iterdir():
            before = set(catalogue.found)
            name = f"_internal/initviz/resources/{folder}/{path.name}"
            assert catalogue.count_file(name, str(path))
            assert "initviz" not in set(catalogue.found) - before


def test_every_text_that_the_table_names_is_there(folder):
    table = tomllib.loads((folder / "licences" / "components.toml").read_text(encoding="utf-8"))
    for part in (*table["part"], *table["distribution"].values()):
        for name in part.get("texts", ()):
            assert len(licences._shipped(name)[1]) > 300


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Files: *\nLicense: MIT\n", "MIT"),
        (
            "Files: *\nLicense: LGPL-2.1+\n\nLicense: GPL-2+\n",
            "LGPL-2.1+, and others for parts of its source",
        ),
        ("This package was debianised by hand.", "as its text below says"),
    ],
)
def test_the_licence_of_a_debian_package_is_that_of_most_of_it(text, licence):
    assert licences.debian_licence(text) == licence
