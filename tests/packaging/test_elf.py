"""What libraries say of themselves."""

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import elf
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not shutil.which("readelf"), reason="Linux, readelf"
)

NUMPY = Path(np.__file__).parent


def test_what_a_library_needs_is_read_from_it():
    library = next((NUMPY / "_core").glob("_multiarray_umath*.so"))
    needed = elf.needed([library])[library.resolve()]
    assert "libc.so.6" in needed
    assert any("openblas" in name for name in needed)


def test_the_c_library_is_the_newest_that_one_of_them_asks_for():
    libraries = sorted((NUMPY / "_core").glob("*.so"))
    oldest = elf.c_library(libraries)
    assert (2, 2) <= oldest <= (2, 99)
    assert oldest == max(elf.c_library([library]) for library in libraries)


def test_only_programs_and_libraries_are_listed(tmp_path):
    (tmp_path / "notes.so").write_text("no library")
    (tmp_path / "lib.so").write_bytes(b"\x7fELF...")
    (tmp_path / "link.so").symlink_to("lib.so")
    assert elf.files(tmp_path) == [tmp_path / "lib.so"]


def test_what_is_needed_is_followed_to_its_end(tmp_path):
    a, b, c, d = (tmp_path / name for name in "abcd")
    needs = {a: {"b"}, b: {"c", "elsewhere"}, c: {"a"}, d: set()}
    libraries = {path.name: path for path in (b, c, d)}
    assert elf.reached([a], libraries, needs) == {a, b, c}


def test_no_library_looks_in_a_folder_of_the_builders(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler")
    source, library = tmp_path / "a.c", tmp_path / "liba.so"
    source.write_text("int a(void) { return 7; }")
    looks = "-Wl,-rpath,/home/somebody/build/lib:$ORIGIN"
    subprocess.run([compiler, "-shared", "-fPIC", looks, "-o", library, source], check=True)
    size = library.stat().st_size
    assert elf.forget_folders(library) == ["/home/somebody/build/lib:$ORIGIN"]
    assert elf.forget_folders(library) == []
    assert library.stat().st_size == size
    said = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True)
    assert re.findall(r"R(?:UN)?PATH.*\[(.*)\]", said.stdout) == ["$ORIGIN"]
    assert ctypes.CDLL(str(library)).a() == 7


def test_a_library_that_looks_beside_itself_is_left_alone():
    library = next((NUMPY / "_core").glob("_multiarray_umath*.so"))
    before = library.read_bytes()
    assert elf.forget_folders(library) == []
    assert library.read_bytes() == before
