"""The direction between the rooms, at run time: what may load what.

The import contracts in pyproject.toml say the same about the text of the modules. Here a fresh
interpreter imports them, so that an import inside a function or through a third package counts too.
"""

import importlib.util
import json
import subprocess
import sys

import pytest

QT = ("PySide6", "shiboken6", "pyqtgraph")
WINDOWS = ("PySide6.QtGui", "PySide6.QtWidgets", "PySide6.QtSvg", "pyqtgraph")

IMPORT_ROOM = """
import importlib, json, pkgutil, sys

room, blocked = json.loads(sys.argv[1])

class Wall:
    def find_spec(self, name, path=None, target=None):
        if any(name == b or name.startswith(b + ".") for b in blocked):
            raise ImportError(f"{name} may not be imported from {room}")

sys.meta_path.insert(0, Wall())

def fail(name):
    raise

package = importlib.import_module(room)
names = [m.name for m in pkgutil.walk_packages(package.__path__, room + ".", onerror=fail)]
for name in names:
    importlib.import_module(name)
print(json.dumps({"imported": names, "loaded": sorted(sys.modules)}))
"""


def interpret(code, *arguments):
    """Run *code* in a fresh interpreter; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def import_room(room, blocked):
    """Import every module of a room with others blocked; return what that loaded."""
    if not importlib.util.find_spec(room):
        pytest.skip(f"{room} does not exist yet")
    return json.loads(interpret(IMPORT_ROOM, json.dumps([room, blocked])))


def test_lab_needs_no_qt():
    seen = import_room("initviz.lab", QT)
    assert not [name for name in seen["loaded"] if name.split(".")[0] in QT]


def test_session_needs_no_window():
    seen = import_room("initviz.session", WINDOWS)
    assert not [name for name in seen["loaded"] if name.startswith(WINDOWS)]


def test_the_wall_is_a_wall():
    with pytest.raises(AssertionError, match=r"wave may not be imported from initviz\.resources"):
        interpret(
            IMPORT_ROOM + "\nimport wave",
            json.dumps(["initviz.resources", ["wave"]]),
        )


def test_import_initviz_is_cheap():
    code = "import sys, json, initviz; dir(initviz); print(json.dumps(sorted(sys.modules)))"
    loaded = {name.split(".")[0] for name in json.loads(interpret(code))}
    assert not loaded & {*QT, "torch", "numpy", "pydantic", "rich", "platformdirs"}


def test_lazy_names():
    import initviz

    assert {"Experiment", "run", "load"} <= set(dir(initviz))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        initviz.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "parts",
    [
        ("fonts", "Inter-Regular.otf"),
        ("fonts", "OFL.txt"),
        ("data", "digits.npz"),
        ("icons", "initviz.svg"),
    ],
)
def test_resources_are_found(parts):
    from initviz import resources

    assert resources.path(*parts).is_file()


def test_resources_that_are_not_there():
    from initviz import resources

    with pytest.raises(FileNotFoundError, match=r"'icons/nothing\.svg' is missing"):
        resources.path("icons", "nothing.svg")
    with pytest.raises(ValueError, match="outside the resources"):
        resources.path("..", "__init__.py")
