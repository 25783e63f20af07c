"""What of a frozen program stays, and what is told of it."""

import tomllib
from fnmatch import fnmatchcase

import bundle
import elf
import pytest


@pytest.fixture
def frozen(tmp_path, monkeypatch):
    """Lay out a folder as PyInstaller does; return what lays a library that needs others."""
    needs = {}

    def lay(name, *needed):
        path = tmp_path / "dist" / "initviz" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x7fELF")
        needs[path.resolve()] = set(needed)
        return path

    monkeypatch.setattr(
        elf, "needed", lambda paths: {p.resolve(): needs[p.resolve()] for p in paths}
    )
    lay.root = tmp_path / "dist" / "initviz"
    return lay


def test_a_library_stays_as_long_as_something_needs_it(frozen):
    frozen("_internal/PySide6/QtGui.so", "libQt6Gui.so.6")
    gui = frozen("_internal/PySide6/Qt/lib/libQt6Gui.so.6", "libglib.so.0")
    glib = frozen("_internal/libglib.so.0", "libpcre.so.0", "libc.so.6")
    pcre = frozen("_internal/libpcre.so.0")
    gtk = frozen("_internal/libgtk.so.3", "libpango.so.0")
    pango = frozen("_internal/libpango.so.0", "libglib.so.0")
    assert bundle.drop_unreached(frozen.root) == ["libgtk.so.3", "libpango.so.0"]
    assert gui.exists()
    assert glib.exists()
    assert pcre.exists()
    assert not gtk.exists()
    assert not pango.exists()


def test_a_link_goes_with_what_it_leads_to(frozen):
    target = frozen("_internal/PySide6/Qt/lib/libQt6EglFs.so.6")
    link = frozen.root / "_internal" / "libQt6EglFs.so.6"
    link.symlink_to("PySide6/Qt/lib/libQt6EglFs.so.6")
    kept = frozen("_internal/libkept.so.1")
    frozen("_internal/numpy/module.so", "libkept.so.1")
    assert bundle.drop_unreached(frozen.root) == ["libQt6EglFs.so.6"]
    assert not target.exists()
    assert not link.is_symlink()
    assert kept.exists()


def test_what_reads_the_systems_files_is_left_to_the_system(frozen):
    frozen("_internal/plugin/libqxcb.so", "libxkbcommon.so.0", "libxcb-cursor.so.0")
    system = frozen("_internal/libxkbcommon.so.0", "libown.so.1")
    only_its = frozen("_internal/libown.so.1")
    ours = frozen("_internal/libxcb-cursor.so.0", "libxcb.so.1")
    bundle.drop_unreached(frozen.root)
    assert not system.exists()
    assert not only_its.exists()
    assert ours.exists()


def test_python_itself_stays_though_nothing_names_it(frozen):
    python = frozen("_internal/libpython3.11.so.1.0", "libm.so.6")
    assert bundle.drop_unreached(frozen.root) == []
    assert python.exists()


def test_every_library_that_a_package_is_named_for_is_left_out(folder):
    table = tomllib.loads((folder / "debian" / "depends.toml").read_text(encoding="utf-8"))
    table.pop("c_library")
    for library in {name for part in table.values() for name in part}:
        assert any(fnmatchcase(library, pattern) for pattern in bundle.OF_THE_SYSTEM), library


def test_the_origin_of_each_file_and_module_is_read(tmp_path):
    frozen = tmp_path / "dist" / "initviz"
    (frozen / "_internal" / "initviz").mkdir(parents=True)  # called like the program
    (frozen / "_internal" / "libx.so").touch()
    (frozen / "initviz").touch()
    work = tmp_path / "work" / "initviz"
    work.mkdir(parents=True)
    files = [("libx.so", "/lib/libx.so", "BINARY"), ("initviz", "/w/initviz", "EXECUTABLE")]
    (work / "COLLECT-00.toc").write_text(repr((files,)))
    (work / "PYZ-00.toc").write_text(repr(("PYZ-00.pyz", [("a.b", "/s/a/b.py", "PYMODULE")])))
    assert bundle.read_origins(tmp_path, frozen) == {
        "files": {"_internal/libx.so": "/lib/libx.so", "initviz": "/w/initviz"},
        "modules": {"a.b": "/s/a/b.py"},
    }


def test_the_table_of_sizes_adds_up_and_begins_with_the_largest():
    table = bundle.size_table(
        {
            "_internal/torch/lib/libtorch_cpu.so": 3_000_000,
            "_internal/PySide6/Qt/lib/libQt6Gui.so.6": 1_500_000,
            "_internal/PySide6/QtGui.abi3.so": 500_000,
            "_internal/unheard.of": 10,
        }
    )
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert rows[0] == ["| PyTorch: libtorch_cpu", "3.0 |"]
    assert rows[1] == ["| Qt and PySide6", "2.0 |"]
    assert rows[2][0] == "| other"
    assert rows[-1] == ["| **all**", "**5.0** |"]


def test_files_and_sizes_are_written_in_order_and_links_weigh_nothing(tmp_path, capsys):
    frozen = tmp_path / "frozen"
    (frozen / "_internal").mkdir(parents=True)
    (frozen / "_internal" / "b.so").write_bytes(b"12345")
    (frozen / "_internal" / "a.so").symlink_to("b.so")
    (frozen / "initviz").write_bytes(b"1")
    bundle.describe(frozen, tmp_path)
    listed = (tmp_path / "files.txt").read_text().splitlines()
    assert listed == ["_internal/a.so\t0", "_internal/b.so\t5", "initviz\t1"]
    assert "**all**" in capsys.readouterr().out
