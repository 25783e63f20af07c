"""The wheel and the sdist: built, and tried as they arrive."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import initviz
from initviz import resources

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow

#: Prints where the resources are looked for, and the names of all that is there.
LOOK = """
import initviz
from initviz import resources
root = resources.path("icons", "initviz.svg").parent.parent
print(root)
for path in sorted(root.rglob("*")):
    if path.is_file() and "__pycache__" not in path.parts:
        print(path.relative_to(root).as_posix())
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder with the wheel and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return folder


def build(source, folder, *what):
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), *what]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def looked_up(command, folder):
    """Run LOOK; return the root of the resources, and what is in it."""
    done = subprocess.run(
        [*command, "-c", LOOK], cwd=folder, check=True, capture_output=True, text=True
    )
    root, *names = done.stdout.splitlines()
    return Path(root), names


@pytest.fixture(scope="module")
def shipped():
    """Return the names of all resources, as this checkout finds them."""
    root = resources.path("icons", "initviz.svg").parent.parent
    assert root == ROOT / "initviz" / "resources"
    files = (path for path in root.rglob("*") if path.is_file())
    return sorted(p.relative_to(root).as_posix() for p in files if "__pycache__" not in p.parts)


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Return an environment that holds the wheel, as pipx would make it.

    What initviz needs is borrowed from this environment, for downloading it takes minutes.
    """
    home = tmp_path_factory.mktemp("pipx") / "initviz"
    venv.create(home, with_pip=False, symlinks=sys.platform != "win32")
    scheme = {"base": str(home), "platbase": str(home)}
    site, scripts = (Path(sysconfig.get_path(n, "venv", scheme)) for n in ("purelib", "scripts"))
    python = scripts / Path(sys.executable).name
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    (wheel,) = built.glob("*.whl")
    options = ["--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *options, str(wheel)], check=True)
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python, scripts / "initviz"


def test_an_installed_wheel_finds_every_resource(installed, shipped, tmp_path):
    python, _ = installed
    root, names = looked_up([str(python)], tmp_path)
    assert root.is_relative_to(python.parent.parent)  # its own, not those of the checkout
    assert names == shipped


def test_the_command_that_a_wheel_installs_works(installed, tmp_path):
    _, command = installed
    said = {}
    for option in ("--version", "--smoke-test"):
        done = subprocess.run(
            [str(command), option], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said[option] = done.stdout
    assert said["--version"].startswith(f"initviz {initviz.__version__}\n")
    assert said["--smoke-test"] == "smoke test passed\n"


def test_an_unpacked_sdist_finds_every_resource(built, shipped, tmp_path):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (top,) = tmp_path.iterdir()
    root, names = looked_up([sys.executable], top)
    assert root == top / "initviz" / "resources"
    assert names == shipped
    for name in ("dev.py", "packaging/bundle.py", "packaging/initviz.spec", "docs", "tests"):
        assert (top / name).exists()


def test_a_wheel_of_the_sdist_is_that_of_the_checkout(built, tmp_path):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (top,) = tmp_path.iterdir()
    build(top, tmp_path / "again", "--target", "wheel")
    (one,), (two,) = built.glob("*.whl"), (tmp_path / "again").glob("*.whl")
    assert zipfile.ZipFile(one).namelist() == zipfile.ZipFile(two).namelist()


def test_a_wheel_brings_the_licences(built):
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    licences = [name.split("/licenses/")[1] for name in names if "/licenses/" in name]
    assert licences == ["LICENSE", "initviz/resources/fonts/OFL.txt"]
