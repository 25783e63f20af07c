"""dev.py: its pure parts, without a network and without touching the real `.venv`."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


@pytest.fixture
def dev(monkeypatch, tmp_path):
    """Load dev.py as a module that looks at an empty directory."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    venv.mkdir()
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "STAMP", venv / "stamp.json")
    monkeypatch.setattr(module, "LOG", venv / "install.log")
    monkeypatch.setattr(module, "BUNDLE_VENV", tmp_path / "build" / "bundle-venv")
    monkeypatch.setattr(module, "venv_python", lambda _venv=None: Path(sys.executable))
    return module


@pytest.fixture
def apt(dev, monkeypatch):
    """Pretend that this is Debian; return the commands that would have changed it."""
    ran = []
    monkeypatch.setattr(dev, "may_use_apt", lambda: True)
    monkeypatch.setattr(dev, "administrator", lambda: ["sudo", "-n"])

    def run(command, **_):
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(dev.subprocess, "run", run)
    return ran


# ---------------------------------------------------------------- the Python that starts it


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 9), (3, 10, 14)])
def test_an_older_python_gets_one_sentence(dev, version):
    sentence = dev.too_old(version)
    assert sentence == (
        f"initviz needs Python 3.11 or newer, and this is Python {version[0]}.{version[1]}."
    )


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 1), (4, 0)])
def test_a_newer_python_gets_none(dev, version):
    assert dev.too_old(version) == ""


def test_an_older_python_can_read_the_sentence():
    text = (ROOT / "dev.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 7))


def test_an_older_python_ends_with_the_sentence():
    code = (
        "import runpy, sys; sys.version_info = (3, 8, 10);"
        f"runpy.run_path({str(ROOT / 'dev.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "initviz needs Python 3.11 or newer, and this is Python 3.8.\n"


def test_only_the_standard_library():
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


# ---------------------------------------------------------------- stamp


def test_the_fingerprint_follows_every_part(dev, tmp_path):
    def fingerprint(pyproject="a", script="b", kernels="c", version="3.11", root="x"):
        for name in dev.INSTALLED_FROM:
            (tmp_path / root / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / root / name).write_text("")
        (tmp_path / root / "pyproject.toml").write_text(pyproject)
        (tmp_path / root / "dev.py").write_text(script)
        (tmp_path / root / "initviz/lab/statistics/kernels.c").write_text(kernels)
        return dev.fingerprint(tmp_path / root, version)

    seen = [
        fingerprint(),
        fingerprint(pyproject="ab", script=""),
        fingerprint(script="c"),
        fingerprint(kernels="d"),
        fingerprint(version="3.12"),
        fingerprint(root="y"),
    ]
    assert len(set(seen)) == len(seen)
    assert fingerprint() == seen[0]


def test_a_stamp_is_read_as_written(dev):
    dev.write_stamp({"run", "test"}, ["libegl1"])
    stamp = dev.read_stamp()
    assert stamp["given_up"] == ["libegl1"]
    assert dev.is_fresh(stamp, "run", dev.fingerprint())
    assert dev.is_fresh(stamp, "test", dev.fingerprint())
    assert not dev.is_fresh(stamp, "test", "another fingerprint")


def test_run_alone_is_not_enough_for_test(dev):
    dev.write_stamp({"run"}, [])
    assert not dev.is_fresh(dev.read_stamp(), "test", dev.fingerprint())


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"run"', "\x00"])
def test_a_damaged_stamp_is_none(dev, text):
    if text is not None:
        dev.STAMP.write_text(text)
    assert dev.read_stamp() == {}


# ---------------------------------------------------------------- provide


@pytest.fixture
def quiet(dev, monkeypatch):
    """Replace everything that changes something; return the list of what was asked."""
    asked = []
    monkeypatch.setattr(dev, "missing_packages", lambda what: [])
    monkeypatch.setattr(dev, "has_pip", lambda: True)
    monkeypatch.setattr(dev, "is_whole", lambda what: True)
    monkeypatch.setattr(dev, "make_venv", lambda: asked.append("venv"))
    monkeypatch.setattr(dev, "pip_install", lambda wanted: asked.append(sorted(wanted)))
    return asked


def test_a_second_start_does_nothing(dev, quiet):
    dev.provide("run")
    dev.provide("run")
    assert quiet == [["run"]]


def test_test_after_run_adds_and_run_after_test_does_not(dev, quiet):
    dev.provide("run")
    dev.provide("test")
    dev.provide("run")
    assert quiet == [["run"], ["run", "test"]]


def test_test_serves_run_too(dev, quiet):
    dev.provide("test")
    dev.provide("run")
    assert quiet == [["run", "test"]]


def test_an_interrupted_install_leaves_no_stamp(dev, quiet, monkeypatch):
    dev.provide("run")
    monkeypatch.setattr(dev, "fingerprint", lambda: "changed")

    def interrupted(wanted):
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "pip_install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dev.provide("run")
    assert not dev.STAMP.exists()


def test_a_broken_environment_is_rebuilt(dev, quiet, monkeypatch):
    dev.provide("run")
    monkeypatch.setattr(dev, "has_pip", lambda: False)
    monkeypatch.setattr(dev, "is_whole", lambda what: "venv" in quiet)
    dev.provide("run")
    assert quiet == [["run"], "venv", ["run"]]


def test_an_environment_that_pip_cannot_mend_is_rebuilt(dev, quiet, monkeypatch):
    monkeypatch.setattr(dev, "is_whole", lambda what: "venv" in quiet)
    dev.provide("test")
    assert quiet == [["run", "test"], "venv", ["run", "test"]]


def test_an_environment_that_stays_broken_is_one_sentence(dev, quiet, monkeypatch, capsys):
    monkeypatch.setattr(dev, "is_whole", lambda what: False)
    assert dev.main(["run"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not dev.STAMP.exists()


def test_a_missing_interpreter_is_a_broken_environment(dev, monkeypatch):
    monkeypatch.setattr(dev, "venv_python", lambda: dev.VENV / "bin" / "python")
    assert not dev.has_pip()
    assert not dev.is_whole("run")


def test_this_environment_is_whole(dev):
    assert dev.is_whole("run")
    assert dev.is_whole("test")


# ---------------------------------------------------------------- pip


def test_the_dev_extra_belongs_to_test_alone(dev):
    assert dev.pip_command({"run"})[-1] == str(ROOT)
    assert dev.pip_command({"run", "test"})[-1] == f"{ROOT}[dev]"
    assert dev.pip_command({"run"})[1:4] == ["-m", "pip", "install"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  Downloading torch-2.9.0-cp311-x86_64.whl (900.1 MB)", "  downloading torch, 900.1 MB"),
        ("Downloading a_b-1-py3-none-any.whl (1.2 GB)", "  downloading a_b, 1.2 GB"),
        ("Downloading rich-15.0.0-py3-none-any.whl (310 kB)", ""),
        ("Downloading scipy-1.17-cp311.whl (4.9 MB)", ""),
        ("Installing collected packages: a, b, c", "  installing 3 packages"),
        ("Collecting torch", ""),
        ("", ""),
    ],
)
def test_only_long_steps_are_shown(dev, line, shown):
    assert dev.progress(line) == shown


def test_a_failing_pip_is_one_sentence_and_leaves_its_log(dev, monkeypatch, capsys):
    code = "print('ERROR: first'); print('ERROR: no such package'); raise SystemExit(1)"
    monkeypatch.setattr(dev, "missing_packages", lambda what: [])
    monkeypatch.setattr(dev, "pip_command", lambda wanted: [sys.executable, "-c", code])
    assert dev.main(["run"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "no such package" in said
    assert "ERROR: first" in dev.LOG.read_text()
    assert not dev.STAMP.exists()


# ---------------------------------------------------------------- system libraries


@LINUX
def test_libraries_are_looked_up(dev):
    assert dev.opens("libc.so.6")
    assert not dev.opens("libno-such-thing.so.7")


@LINUX
def test_missing_libraries_are_named_by_package(dev, monkeypatch):
    monkeypatch.setattr(dev, "opens", lambda library: library != "libxcb-cursor.so.0")
    assert dev.missing_packages("run") == ["libxcb-cursor0"]


@LINUX
def test_a_virtual_screen_is_for_tests_alone(dev, monkeypatch):
    monkeypatch.setattr(dev, "opens", lambda library: True)
    monkeypatch.setattr(dev.shutil, "which", lambda name: name if name == "apt-get" else None)
    assert dev.missing_packages("run") == []
    assert dev.missing_packages("test") == ["xvfb", "xauth"]


def test_other_systems_need_none(dev, monkeypatch):
    monkeypatch.setattr(dev.sys, "platform", "darwin")
    assert dev.missing_packages("test") == []


def test_apt_updates_first_and_asks_nothing(dev, apt):
    assert dev.install_packages(["libegl1", "libgl1"]) == ""
    update, install = apt
    assert update[-1] == "update"
    assert install[:2] == ["sudo", "-n"]
    assert "DEBIAN_FRONTEND=noninteractive" in install
    assert install[-2:] == ["libegl1", "libgl1"]


def test_where_it_may_not_it_says_the_command(dev, apt, monkeypatch):
    monkeypatch.setattr(dev, "administrator", lambda: None)
    sentence = dev.install_packages(["libegl1"])
    assert sentence.endswith("sudo apt-get update && sudo apt-get install libegl1")
    assert not apt


def test_without_apt_it_names_the_packages(dev, apt, monkeypatch):
    monkeypatch.setattr(dev, "may_use_apt", lambda: False)
    assert "libegl1" in dev.install_packages(["libegl1"])
    assert not apt


def test_missing_libraries_do_not_stop_the_start(dev, quiet, monkeypatch, capsys):
    tries = []
    monkeypatch.setattr(dev, "missing_packages", lambda what: ["libegl1"])
    monkeypatch.setattr(dev, "install_packages", lambda names: tries.append(names) or "By hand.")
    dev.provide("run")
    dev.provide("run")
    assert tries == [["libegl1"]]  # named again the second time, but not tried again
    said = capsys.readouterr().out
    assert "By hand." in said
    assert "still missing: libegl1" in said
    assert json.loads(dev.STAMP.read_text())["given_up"] == ["libegl1"]


def test_a_python_that_makes_no_environments(dev, monkeypatch):
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(dev, "install_packages", lambda names: "please run: " + " ".join(names))
    name = f"python3.{sys.version_info[1]}-venv"
    with pytest.raises(dev.SetupError, match=f"please run: {name}"):
        dev.make_venv()


# ---------------------------------------------------------------- commands


def test_paths_in_the_environment(monkeypatch):
    spec = importlib.util.spec_from_file_location("dev_paths", ROOT / "dev.py")
    dev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dev)
    venv = Path("v")
    assert dev.venv_python(venv, "linux") == venv / "bin" / "python"
    assert dev.venv_python(venv, "win32") == venv / "Scripts" / "python.exe"
    assert dev.venv_script("lint-imports", venv, "darwin") == venv / "bin" / "lint-imports"
    assert dev.venv_script("x", venv, "win32") == venv / "Scripts" / "x.exe"


@pytest.fixture
def bundling(dev, monkeypatch):
    """Replace what changes something; return the list of what was asked."""
    asked = []

    def make(venv):
        asked.append("venv")
        venv.mkdir(exist_ok=True)

    monkeypatch.setattr(dev, "missing_packages", lambda what: [])
    monkeypatch.setattr(dev.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(dev, "make_venv", make)
    monkeypatch.setattr(dev, "run_pip", lambda command, log: asked.append("pip"))
    monkeypatch.setattr(dev, "succeeds", lambda command: True)
    return asked


def test_packages_are_built_in_an_environment_of_their_own(dev, bundling):
    dev.provide_bundle()
    dev.provide_bundle()
    assert bundling == ["venv", "pip", "pip"]  # the second time it was there
    assert not dev.STAMP.exists()


@LINUX
def test_pytorchs_index_is_asked_for_pytorch_alone(dev):
    first, second = dev.bundle_pip_commands()
    assert first[-4:] == ["--extra-index-url", dev.CPU_INDEX, "--no-deps", "torch"]
    assert dev.CPU_INDEX not in second
    assert all(str(dev.CONSTRAINTS) in command for command in (first, second))


def test_other_constraints_make_it_anew(dev, bundling, monkeypatch, tmp_path):
    constraints = tmp_path / "constraints.txt"
    monkeypatch.setattr(dev, "CONSTRAINTS", constraints)
    for text in ("torch==1", "torch==1", "torch==2"):
        constraints.write_text(text)
        dev.provide_bundle()
    assert bundling == 2 * ["venv", "pip", "pip"]


def test_packages_are_never_built_with_cuda(dev, bundling, monkeypatch, capsys):
    monkeypatch.setattr(dev, "succeeds", lambda command: command[-1] != dev.FOR_CPU)
    assert dev.main(["bundle"]) == 1
    assert "PyTorch came with CUDA" in capsys.readouterr().err
    assert not (dev.BUNDLE_VENV / "initviz-stamp").exists()


@LINUX
def test_a_missing_packing_program_is_named_by_its_package(dev, bundling, monkeypatch, capsys):
    monkeypatch.setattr(dev.shutil, "which", lambda name: None if name == "strip" else name)
    assert dev.main(["bundle"]) == 1
    assert capsys.readouterr().err.rstrip().endswith("apt-get install binutils")
    assert not bundling


def test_bundle_passes_its_arguments_on(dev, bundling, monkeypatch):
    ran = []

    def run(command, **_):
        ran.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(dev.subprocess, "run", run)
    assert dev.main(["bundle", "--only-folder"]) == 3
    assert ran[-1][1:] == [str(ROOT / "packaging" / "bundle.py"), "--only-folder"]


def test_what_packages_are_built_from_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {re.split(r"[<>=]", line)[0] for line in project["project"]["dependencies"]}
    text = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8")
    pinned = {line.split("==")[0].replace("_", "-") for line in text.splitlines() if "==" in line}
    assert {*wanted, "pyinstaller"} <= pinned


def test_slow_is_ours_and_the_rest_is_pytests(dev):
    pytest_line = dict(dev.checks(["-k", "theory"]))["pytest"]
    assert pytest_line[-4:] == ["-m", "not slow", "-k", "theory"]
    slow = dict(dev.checks(["--slow", "-x"]))["pytest"]
    assert "not slow" not in slow
    assert "--slow" not in slow
    assert slow[-1] == "-x"


def test_all_checks_run_and_one_failure_fails(dev, monkeypatch, capsys):
    good, bad = ([sys.executable, "-c", f"print('told'); raise SystemExit({n})"] for n in (0, 1))
    monkeypatch.setattr(dev, "provide", lambda what: None)
    monkeypatch.setattr(dev, "checks", lambda rest: [("one", bad), ("two", good)])
    assert dev.test([]) == 1
    said = capsys.readouterr().out
    assert said.count("told") == 1  # only of the one that failed
    assert "FAILED  one" in said
    assert "ok      two" in said
    monkeypatch.setattr(dev, "checks", lambda rest: [("two", good)])
    assert dev.test([]) == 0


@pytest.mark.skipif(os.name != "posix", reason="exec is POSIX")
def test_run_becomes_the_program(dev, monkeypatch):
    became = []
    monkeypatch.setattr(dev, "provide", lambda what: None)
    monkeypatch.setattr(dev.os, "execv", lambda path, command: became.append(command))
    monkeypatch.setattr(dev.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0))
    dev.main(["run", "run", "a file.toml", "--steps", "3"])
    assert became == [[sys.executable, "-m", "initviz", "run", "a file.toml", "--steps", "3"]]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["test", "--help"], ["bundle", "-h"]])
def test_help(dev, arguments, capsys):
    assert dev.main(arguments) == 0
    assert "python3 dev.py run" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["frob"]])
def test_a_wrong_command(dev, arguments, capsys):
    assert dev.main(arguments) == 2
    assert "say `run`, `test` or `bundle`" in capsys.readouterr().err


# ---------------------------------------------------------------- pyproject.toml


def test_the_two_lists_of_development_tools_are_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["optional-dependencies"]["dev"] == project["dependency-groups"]["dev"]
