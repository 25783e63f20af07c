"""What libraries say of themselves."""

import shutil
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
