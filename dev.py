"""Start or check initviz from a checkout, with nothing but Python.

    python3 dev.py run [arguments of initviz ...]
    python3 dev.py test [--slow] [arguments of pytest ...]
    python3 dev.py bundle [--only-folder | --only-pack] [--folder FOLDER] [--out FOLDER]

All make an environment, install initviz and what it needs into it, and, on Debian and its
relatives, the system libraries that Qt opens. A second start finds all that done and begins at
once.

`run` starts the program. `test` runs ruff (rules and format), mypy, the import contracts and
pytest, all of them even where one fails; --slow adds the tests marked slow. `bundle` makes the
packages that need no Python, for the platform that it runs on, and writes them to dist:
packaging/README.md. The environment of `run` and `test` is `.venv`, that of `bundle` lies in build.
"""

# This file is read by old Pythons too, if only to say that they are too old: nothing above
# that check may use newer syntax, and nothing outside the standard library is imported.

import ctypes
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)


def too_old(version):
    """Return the sentence for a Python older than initviz can use, or an empty string."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    asked, found = (".".join(str(part) for part in v[:2]) for v in (OLDEST, version))
    return "initviz needs Python %s or newer, and this is Python %s." % (asked, found)  # noqa: UP031


if too_old(sys.version_info):
    sys.exit(too_old(sys.version_info))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "initviz-stamp.json"
LOG = VENV / "initviz-install.log"

# What Qt opens at run time and no wheel brings: library -> package of Debian's family.
LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libfontconfig.so.1": "libfontconfig1",
}
# A virtual screen, for the one test that wants a real window system.
TEST_COMMANDS = {"xvfb-run": "xvfb", "xauth": "xauth"}

# The packages that people install are built in an environment of its own, and for the CPU: with
# CUDA each would be larger by gigabytes.
BUNDLE_VENV = ROOT / "build" / "bundle-venv"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
FOR_CPU = "import sys, torch; sys.exit(torch.version.cuda is not None)"
# What packs on Linux: command -> package of Debian's family.
BUNDLE_COMMANDS = {"strip": "binutils", "readelf": "binutils", "xz": "xz-utils", "dpkg-deb": "dpkg"}

# What an editable install is made from once, unlike the rest of initviz.
INSTALLED_FROM = ["pyproject.toml", "dev.py", "hatch_build.py"]
INSTALLED_FROM += ["initviz/lab/statistics/kernels.c"]

# What has to be found in a `.venv` that is called whole.
RUN_MODULES = ["initviz", "numpy", "torch", "PySide6", "shiboken6"]
RUN_MODULES += ["pydantic", "tomli_w", "platformdirs", "rich", "simpleeval"]
RUN_MODULES += ["markdown_it", "mdit_py_plugins", "ziamath", "latex2mathml"]
TEST_MODULES = ["pytest", "pytestqt", "xdist", "hypothesis", "scipy", "psutil", "PIL"]
TEST_MODULES += ["mpmath", "av", "mypy", "ruff", "importlinter", "pyqtgraph", "hatchling"]


# Two processes, each with its half of the tests in their order; `-n 0` undoes it.
SIDE_BY_SIDE = ["-n", "2", "--dist", "worksteal"]


class SetupError(Exception):
    """Something that a person has to mend; its text is the one sentence they are told."""


def say(sentence: str) -> None:
    """Print a line at once, whatever standard output is."""
    print(sentence, flush=True)


# ---------------------------------------------------------------- system libraries


def opens(library: str) -> bool:
    """Tell whether the dynamic linker finds *library* and what that one needs in turn."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(what: str) -> list[str]:
    """Return Debian's names of the system packages that *what* ("run" or "test") lacks."""
    if not sys.platform.startswith("linux"):
        return []
    packages = [package for library, package in LIBRARIES.items() if not opens(library)]
    if what == "test" and may_use_apt():
        packages += [p for command, p in TEST_COMMANDS.items() if not shutil.which(command)]
    return packages


def may_use_apt() -> bool:
    """Tell whether this is Debian or a relative."""
    return shutil.which("apt-get") is not None


def administrator() -> list[str] | None:
    """Return what to write before a command that changes the system, or None where we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["sudo", "-n"]
    return None


def apt_commands(prefix: list[str], packages: list[str]) -> list[list[str]]:
    """Return the two commands that install *packages* without asking anything."""
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]
    wait = ["-o", "DPkg::Lock::Timeout=120"]
    return [
        [*apt, *wait, "update"],
        [*apt, *wait, "install", "--yes", "--no-install-recommends", *packages],
    ]


def by_hand(packages: list[str]) -> str:
    """Return the command that a person types instead."""
    return "sudo apt-get update && sudo apt-get install " + " ".join(packages)


def install_packages(packages: list[str]) -> str:
    """Install system packages; return "" or the sentence about what a person has to do."""
    names = ", ".join(packages)
    if not may_use_apt():
        return f"Qt needs system libraries that are missing here (on Debian: {names})."
    prefix = administrator()
    if prefix is None:
        return f"System packages are missing; please run: {by_hand(packages)}"
    say(f"Installing system packages: {names}")
    for command in apt_commands(prefix, packages):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode != 0:
        return f"The system packages could not be installed; please try: {by_hand(packages)}"
    return ""


def provide_libraries(what: str, given_up: list[str]) -> list[str]:
    """Install the system libraries that *what* lacks; return those that stay missing.

    What could not be had the last time (*given_up*) is named again but not tried again.
    """
    missing = missing_packages(what)
    if not missing:
        return []
    if set(missing) <= set(given_up):
        say(f"System packages are still missing: {' '.join(missing)}")
        return missing
    sentence = install_packages(missing)
    if sentence:
        say(sentence)
    return missing_packages(what)


# ---------------------------------------------------------------- the environment


def venv_python(venv: Path = VENV, platform: str = sys.platform) -> Path:
    """Return the interpreter of *venv*."""
    return venv / ("Scripts/python.exe" if platform == "win32" else "bin/python")


def venv_script(name: str, venv: Path = VENV, platform: str = sys.platform) -> Path:
    """Return a command that a package put into *venv*."""
    return venv / (f"Scripts/{name}.exe" if platform == "win32" else f"bin/{name}")


def fingerprint(root: Path = ROOT, version: str = sys.version) -> str:
    """Return a hash of all that decides what `.venv` has to hold."""
    digest = hashlib.sha256()
    sources = [(root / name).read_bytes() for name in INSTALLED_FROM]
    for part in (*sources, version.encode(), str(root).encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def read_stamp() -> dict[str, list[str] | str]:
    """Return what the last install that ended well wrote down, or an empty dictionary."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(wanted: set[str], given_up: list[str]) -> None:
    """Write down, in one move, what is installed now."""
    stamp = {"fingerprint": fingerprint(), "installed": sorted(wanted), "given_up": given_up}
    draft = STAMP.with_suffix(".tmp")
    draft.write_text(json.dumps(stamp), encoding="utf-8")
    draft.replace(STAMP)


def is_fresh(stamp: dict[str, list[str] | str], what: str, now: str) -> bool:
    """Tell whether *stamp* says that *what* is installed as the files ask for it now."""
    return stamp.get("fingerprint") == now and what in stamp.get("installed", [])


def is_whole(what: str) -> bool:
    """Tell whether `.venv` starts, is of this Python, and finds every module."""
    names = RUN_MODULES + (TEST_MODULES if what == "test" else [])
    code = (
        "import sys, importlib.util as u;"
        f"sys.exit(sys.version != {sys.version!r} or None in map(u.find_spec, {names!r}))"
    )
    return succeeds([str(venv_python()), "-I", "-c", code])


def has_pip() -> bool:
    """Tell whether `.venv` is of this Python and can be installed into."""
    code = f"import sys, pip; sys.exit(sys.version != {sys.version!r})"
    return succeeds([str(venv_python()), "-I", "-c", code])


def succeeds(command: list[str]) -> bool:
    """Run a command in silence; tell whether it ended well."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_venv(venv: Path | None = None) -> None:
    """Make an environment afresh, by default `.venv`."""
    venv = venv or VENV
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        sentence = install_packages([package])
        if sentence:
            raise SetupError(
                f"This Python cannot make environments ({package} is missing). {sentence}"
            )
    say(f"Making the environment {venv.name}")
    base = getattr(sys, "_base_executable", None) or sys.executable
    done = subprocess.run(
        [base, "-m", "venv", "--clear", str(venv)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise SetupError(f"The environment {venv} could not be made: {' '.join(last)}")


def pip_command(wanted: set[str]) -> list[str]:
    """Return the command that installs initviz, editable, with what it needs."""
    target = f"{ROOT}[dev]" if "test" in wanted else str(ROOT)
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    return [str(venv_python()), "-m", "pip", "install", *options, "--editable", target]


def progress(line: str) -> str:
    """Return what is worth showing of one line of pip's output, or an empty string."""
    found = re.match(r"\s*Downloading (?:\S*/)?([^\s/]+?)-\d\S* \(([\d.]+) ([MG]B)\)", line)
    if found and (found[3] == "GB" or float(found[2]) >= 5):
        return f"  downloading {found[1]}, {found[2]} {found[3]}"
    if line.startswith("Installing collected packages:"):
        return f"  installing {line.count(',') + 1} packages"
    return ""


def announce() -> None:
    """Say before the first download how much it will be."""
    if sys.platform.startswith("linux"):
        say(
            "Installing what initviz needs. The first start downloads about 3 GB, for PyTorch "
            "comes with CUDA; with PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu "
            "set it is about 0.4 GB."
        )
    else:
        say("Installing what initviz needs. The first start downloads about 0.4 GB.")


def pip_install(wanted: set[str]) -> None:
    """Install into `.venv`."""
    run_pip(pip_command(wanted), LOG)


def run_pip(command: list[str], log: Path) -> None:
    """Install, showing the long steps; pip's own words go into a log."""
    lines: list[str] = []
    pip = subprocess.Popen(
        command,
        env={**os.environ, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        with pip:
            for line in pip.stdout or ():
                lines.append(line)
                if progress(line):
                    say(progress(line))
    finally:
        log.write_text("".join(lines), encoding="utf-8")
    if pip.returncode != 0:
        raise SetupError(f"pip could not install what initviz needs: {cause(lines)} (see {log})")


def cause(lines: list[str]) -> str:
    """Return the last error that pip named."""
    errors = [line for line in lines if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else "it gave no reason"


def provide(what: str) -> None:
    """Make everything ready for *what*; do nothing where it already is."""
    stamp = read_stamp()
    fresh = is_fresh(stamp, what, fingerprint()) and is_whole(what)
    wanted = {"run", what, *stamp.get("installed", [])}
    before = [str(name) for name in stamp.get("given_up", [])] if fresh else []
    given_up = sorted({*before, *provide_libraries(what, before)})
    if not fresh:
        STAMP.unlink(missing_ok=True)
        install(wanted, what)
    if not fresh or given_up != before:
        write_stamp(wanted, given_up)


def install(wanted: set[str], what: str) -> None:
    """Bring `.venv` to what is wanted, from nothing where what is there is broken."""
    if not has_pip():
        make_venv()
    if not is_whole("run"):
        announce()
    else:
        say("Bringing .venv up to date")
    pip_install(wanted)
    if is_whole(what):
        return
    make_venv()
    pip_install(wanted)
    if not is_whole(what):
        raise SetupError(f"{VENV} stays incomplete after a fresh install; see {LOG}")


# ---------------------------------------------------------------- what packages are built in


def bundle_pip_commands() -> list[list[str]]:
    """Return the commands that install what packages are built with and from.

    PyTorch comes first and alone: its own index is asked for nothing else.
    """
    options = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    options += ["--constraint", str(CONSTRAINTS)]
    install = [str(venv_python(BUNDLE_VENV)), "-m", "pip", "install", *options]
    index = ["--extra-index-url", CPU_INDEX] if sys.platform.startswith("linux") else []
    return [
        [*install, *index, "--no-deps", "torch"],
        [*install, "--editable", str(ROOT), "pyinstaller"],
    ]


def bundle_fingerprint() -> str:
    """Return a hash of all that decides what the environment of `bundle` has to hold."""
    digest = hashlib.sha256(fingerprint().encode())
    digest.update(CONSTRAINTS.read_bytes())
    return digest.hexdigest()


def provide_bundle() -> None:
    """Make everything ready for `bundle`; do nothing where it already is."""
    if sys.platform.startswith("linux"):
        missing = sorted({p for c, p in BUNDLE_COMMANDS.items() if not shutil.which(c)})
        if missing:
            raise SetupError(f"Packing needs programs that are missing: {by_hand(missing)}")
    # What Qt needs has to be here to be packed.
    provide_libraries("run", [])
    stamp = BUNDLE_VENV / "initviz-stamp"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == bundle_fingerprint():
        return
    BUNDLE_VENV.parent.mkdir(exist_ok=True)
    make_venv(BUNDLE_VENV)
    for command in bundle_pip_commands():
        run_pip(command, BUNDLE_VENV / "initviz-install.log")
    if not succeeds([str(venv_python(BUNDLE_VENV)), "-c", FOR_CPU]):
        raise SetupError(f"PyTorch came with CUDA, not for the CPU alone ({CPU_INDEX})")
    stamp.write_text(bundle_fingerprint(), encoding="utf-8")


# ---------------------------------------------------------------- the commands


def bundle(arguments: list[str]) -> int:
    """Make the packages for this platform."""
    provide_bundle()
    command = [str(venv_python(BUNDLE_VENV)), str(ROOT / "packaging" / "bundle.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def run(arguments: list[str]) -> int:
    """Become the program."""
    provide("run")
    command = [str(venv_python()), "-m", "initviz", *arguments]
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode


def checks(arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Return the checks in their order, as (name, command)."""
    python = str(venv_python())
    slow = "--slow" in arguments
    rest = [argument for argument in arguments if argument != "--slow"]
    chosen = [] if slow else ["-m", "not slow"]
    return [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("mypy", [python, "-m", "mypy"]),
        ("imports", [str(venv_script("lint-imports")), "--no-logo"]),
        ("pytest", [python, "-m", "pytest", *SIDE_BY_SIDE, *chosen, *rest]),
    ]


def check(name: str, command: list[str]) -> tuple[bool, float]:
    """Run one check; show what it said if it failed, and pytest as it goes."""
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    started = time.monotonic()
    live = name == "pytest"
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=None if live else subprocess.PIPE,
        stderr=None if live else subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0 and not live:
        say(done.stdout.rstrip())
    return done.returncode == 0, time.monotonic() - started


def test(arguments: list[str]) -> int:
    """Run every check, say how each went, and fail if any did."""
    provide("test")
    lines, failed = [], 0
    for name, command in checks(arguments):
        passed, seconds = check(name, command)
        failed += not passed
        lines.append(f"{'ok    ' if passed else 'FAILED'}  {name:<12}{seconds:7.1f} s")
        if name != "pytest":
            say(lines[-1])
    say("\n" + "\n".join(lines))
    return 1 if failed else 0


def main(arguments: list[str]) -> int:
    """Run the command that *arguments* name."""
    commands = {"run": run, "test": test, "bundle": bundle}
    asked, rest = (arguments[0] if arguments else "", arguments[1:])
    help_words = {"-h", "--help"}
    if asked in help_words or (asked in {"test", "bundle"} and help_words & set(rest)):
        say((__doc__ or "").strip())
        return 0
    if asked not in commands:
        print(
            f"dev.py: say `run`, `test` or `bundle`, not {asked!r}.\n\n{__doc__}", file=sys.stderr
        )
        return 2
    try:
        return commands[asked](rest)
    except SetupError as trouble:
        print(f"dev.py: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dev.py: interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
