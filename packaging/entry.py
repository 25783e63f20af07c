"""Where the frozen program begins."""

import os
import sys


def make_ready() -> None:
    """Set what has to be set before anything is loaded that reads it."""
    if not sys.platform.startswith("linux"):
        return
    # Our own libraries are found already; what we start in turn has to find the system's.
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    # Where no language is chosen, Qt wants it to be said that text is UTF-8. Outside of a frozen
    # program Python says so itself (PEP 538).
    chosen = [name for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)]
    deciding = chosen[0] if chosen else "LC_CTYPE"
    if os.environ.get(deciding, "C") in {"C", "POSIX"}:
        os.environ["LC_CTYPE" if deciding == "LANG" else deciding] = "C.UTF-8"


if __name__ == "__main__":
    make_ready()
    from initviz.app.main import main

    sys.exit(main())
