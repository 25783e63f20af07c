"""The packages for Linux, made of a program of a few bytes."""

import configparser
import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import elf
import pack_linux
import pytest

LINUX = pytest.mark.skipif(
    not (sys.platform.startswith("linux") and shutil.which("dpkg-deb") and shutil.which("readelf")),
    reason="Linux, with Debian's tools",
)
MIME = {"": "http://www.freedesktop.org/standards/shared-mime-info"}


@pytest.fixture
def frozen(tmp_path):
    """Lay out a frozen program: something that runs, a module, a file, a link."""
    root = tmp_path / "dist" / "initviz"
    inside = root / "_internal"
    inside.mkdir(parents=True)
    shutil.copy("/bin/true", root / "initviz")
    shutil.copy("/bin/true", inside / "module.so")
    (root / "LICENCES.txt").write_text("the licences")
    (root / "LICENCES.txt").chmod(0o600)
    (inside / "link.so").symlink_to("module.so")
    return root


@pytest.fixture
def entry(folder):
    """Return the desktop entry's one section."""
    read = configparser.ConfigParser(interpolation=None)
    read.optionxform = str
    read.read(folder / "debian" / "initviz.desktop", encoding="utf-8")
    return read["Desktop Entry"]


# ---------------------------------------------------------------- what the desktop is told


def test_only_recordings_are_taken_by_the_desktop(entry):
    # Who claims a kind of file and is alone with it becomes its default, and Markdown is not ours;
    # an entry that takes a file stands under "Open with" for every kind anyway.
    assert entry["MimeType"].split(";") == ["application/x-initviz", ""]
    assert entry["Exec"] == "initviz %f"


def test_the_desktop_entry_and_the_window_belong_together(entry):
    main = (pack_linux.about.ROOT / "initviz" / "app" / "main.py").read_text(encoding="utf-8")
    assert f'setDesktopFileName("{entry["StartupWMClass"]}")' in main
    assert entry["Terminal"] == "false"


def test_a_recording_is_known_by_its_name_and_by_its_first_bytes(folder):
    from initviz.lab.files.format import APPLICATION_ID, MAGIC

    kind = ET.parse(folder / "debian" / "initviz.xml").getroot().find("mime-type", MIME)
    assert kind.get("type") == "application/x-initviz"
    assert [glob.get("pattern") for glob in kind.findall("glob", MIME)] == ["*.initviz"]
    outer = kind.find("magic/match", MIME)
    inner = outer.find("match", MIME)
    assert MAGIC.startswith(outer.get("value").encode())
    assert int(inner.get("value"), 16) == APPLICATION_ID
    assert inner.get("offset") == "68"


@pytest.mark.skipif(not shutil.which("appstreamcli"), reason="appstreamcli")
def test_what_software_centres_show_is_valid(tmp_path):
    name = "org.initviz.initviz.metainfo.xml"
    (tmp_path / name).write_text(pack_linux.filled(name), encoding="utf-8")
    told = subprocess.run(
        ["appstreamcli", "validate", "--no-net", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout


def test_the_manual_names_every_command_and_option():
    from initviz.app.command_line import _USAGE

    manual = pack_linux.filled("initviz.1").replace("\\-", "-")
    words = {word.strip("[]") for word in _USAGE.split()} - {"initviz", "|"}
    for word in {w for w in words if w.islower() or w.startswith("--")}:
        assert word in manual, word


# ---------------------------------------------------------------- what it depends on


def test_the_system_gives_the_screen_and_nothing_else():
    libraries = ["libc.so.6", "libm.so.6", "libGL.so.1", "libxcb.so.1", "libX11.so.6"]
    depends = pack_linux.dependencies(libraries, (2, 35))
    assert depends == ["libc6 (>= 2.35)", "libgl1", "libx11-6", "libxcb1"]


def test_a_library_that_no_package_is_known_for_stops_the_build():
    with pytest.raises(ValueError, match=r"libgtk-3\.so\.0"):
        pack_linux.dependencies(["libc.so.6", "libgtk-3.so.0"], (2, 35))


def test_the_maintainer_is_as_debians_tools_are_told(monkeypatch):
    monkeypatch.setenv("DEBFULLNAME", "Ada Example")
    monkeypatch.setenv("DEBEMAIL", "ada@example.org")
    assert "Maintainer: Ada Example <ada@example.org>\n" in pack_linux.control(1, [])


# ---------------------------------------------------------------- the packages


def contents(deb, tmp_path):
    """Unpack what a package installs; return the folder and the list with owners and modes."""
    out = tmp_path / "installed"
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(out)], check=True)
    listed = subprocess.run(
        ["dpkg-deb", "--contents", str(deb)], capture_output=True, text=True, check=True
    )
    return out, listed.stdout.splitlines()


@LINUX
def test_a_package_installs_the_program_and_what_a_desktop_wants(frozen, tmp_path, qapp):
    pack_linux.set_modes(frozen)
    deb = pack_linux.make_deb(frozen, tmp_path, tmp_path)
    root, listed = contents(deb, tmp_path)
    assert (root / "usr" / "bin" / "initviz").resolve() == root / "usr/lib/initviz/initviz"
    assert (root / "usr/lib/initviz/_internal/link.so").is_symlink()
    for place in (*pack_linux.PLACES.values(), "usr/share/icons/hicolor/scalable/apps/initviz.svg"):
        assert (root / place).stat().st_size > 50, place
    for size in pack_linux.pictures.SIZES:
        icon = root / f"usr/share/icons/hicolor/{size}x{size}/apps/initviz.png"
        assert icon.read_bytes().startswith(b"\x89PNG")
    assert all(line.split()[1] == "root/root" for line in listed)
    modes = {line.split()[5]: line.split()[0] for line in listed}
    assert modes["./usr/lib/initviz/initviz"] == "-rwxr-xr-x"
    assert modes["./usr/lib/initviz/_internal/module.so"] == "-rw-r--r--"
    assert modes["./usr/lib/initviz/LICENCES.txt"] == "-rw-r--r--"


@LINUX
def test_a_package_says_what_it_is_and_the_sums_of_its_files(frozen, tmp_path, qapp):
    deb = pack_linux.make_deb(frozen, tmp_path, tmp_path)
    told = subprocess.run(
        ["dpkg-deb", "--field", str(deb)], capture_output=True, text=True, check=True
    ).stdout
    assert "Package: initviz\n" in told
    assert "Depends: libc6 (>= 2." in told
    root, _ = contents(deb, tmp_path)
    subprocess.run(["dpkg-deb", "--control", str(deb), str(tmp_path / "c")], check=True)
    subprocess.run(
        ["md5sum", "--quiet", "--check", str(tmp_path / "c" / "md5sums")], cwd=root, check=True
    )
    listed = (tmp_path / "c" / "md5sums").read_text()
    files = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink()]
    assert len(listed.splitlines()) == len(files)


@LINUX
def test_two_packages_of_one_program_are_the_same(frozen, tmp_path, monkeypatch, qapp):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = pack_linux.make_deb(frozen, tmp_path, tmp_path).read_bytes()
    for path in frozen.rglob("*"):
        if not path.is_symlink():
            os.utime(path)
    assert pack_linux.make_deb(frozen, tmp_path, tmp_path).read_bytes() == first


@LINUX
def test_the_archive_is_one_folder_that_runs_where_it_lies(frozen, tmp_path, qapp):
    pack_linux.set_modes(frozen)
    made = pack_linux.make_archive(frozen, tmp_path, tmp_path)
    with tarfile.open(made) as archive:
        archive.extractall(tmp_path / "elsewhere", filter="data")
    (top,) = (tmp_path / "elsewhere").iterdir()
    assert top.name in made.name
    subprocess.run([top / "initviz"], check=True)
    assert (top / "share/icons/hicolor/48x48/apps/initviz.png").exists()
    assert (top / "share/applications/initviz.desktop").exists()
    manual = gzip.decompress((top / "share/man/man1/initviz.1.gz").read_bytes())
    assert manual.startswith(b".TH INITVIZ 1")


@LINUX
def test_what_is_left_to_the_system_is_found(frozen):
    assert elf.outside(frozen) <= {"libc.so.6"}
    assert "module.so" not in elf.outside(frozen)
    assert Path(frozen / "initviz") in elf.files(frozen)
