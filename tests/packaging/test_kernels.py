"""The kernels in C: compiled while initviz is installed, and done without where that fails."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
STATISTICS = ROOT / "initviz" / "lab" / "statistics"

needs_compiler = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("cc") is None, reason="there is no C compiler"
)


@pytest.fixture(scope="module")
def hook():
    """Return hatch_build.py as a module."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the source and a library that is older than it."""
    shutil.copy(STATISTICS / "kernels.c", tmp_path)
    (tmp_path / "kernels.so.1").write_bytes(b"older")
    return tmp_path


@needs_compiler
def test_two_compilations_give_the_same_bytes_and_leave_nothing_else(hook, folder):
    assert hook.compile_kernels(folder) == ""
    first = (folder / "kernels.so.1").read_bytes()
    assert hook.compile_kernels(folder) == ""
    assert (folder / "kernels.so.1").read_bytes() == first != b"older"
    assert sorted(path.name for path in folder.iterdir()) == ["kernels.c", "kernels.so.1"]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is compiled there")
@pytest.mark.parametrize(
    ("compiler", "sentence"),
    [
        ("no-such-compiler", "there is no C compiler (no-such-compiler)"),
        ("false", "false failed: "),
    ],
)
def test_without_a_working_compiler_an_older_library_goes(
    hook, folder, monkeypatch, compiler, sentence
):
    monkeypatch.setenv("CC", compiler)
    assert hook.compile_kernels(folder) == sentence
    assert [path.name for path in folder.iterdir()] == ["kernels.c"]


@needs_compiler
def test_the_source_gives_no_warning(tmp_path):
    options = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O3", "-fno-math-errno", "-c"]
    command = ["cc", *options, str(STATISTICS / "kernels.c"), "-o", str(tmp_path / "kernels.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("compiler", [pytest.param("cc", marks=needs_compiler), "no-such-compiler"])
def test_a_wheel_is_for_one_platform_only_with_the_kernels(tmp_path, compiler):
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.so*")
    shutil.copytree(ROOT / "initviz", tmp_path / "initviz", ignore=ignored)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    environment = {**os.environ, "CC": compiler}
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    has_kernels = "initviz/lab/statistics/kernels.so.1" in names
    assert has_kernels == (compiler == "cc")
    assert wheel.name.endswith("-py3-none-any.whl") == (not has_kernels)
    assert "initviz/lab/statistics/kernels.c" in names
