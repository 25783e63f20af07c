"""Where the frozen program begins: what it sets before anything is loaded."""

import os
import sys

import entry
import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
LIBRARIES = ("LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG")


@pytest.fixture
def made_ready(monkeypatch):
    """Return what the environment says, of what is asked for, once all is made ready."""

    def made_ready(names, **before):
        for name in (*LOCALE, *LIBRARIES):
            monkeypatch.setenv(name, "")  # so that it is put back
            monkeypatch.delenv(name)
        for name, value in before.items():
            monkeypatch.setenv(name, value)
        entry.make_ready()
        return {name: os.environ[name] for name in names if name in os.environ}

    return made_ready


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"LC_CTYPE": "C.UTF-8"}),
        ({"LANG": "C"}, {"LANG": "C", "LC_CTYPE": "C.UTF-8"}),
        ({"LC_ALL": "POSIX"}, {"LC_ALL": "C.UTF-8"}),
        ({"LANG": "de_DE.UTF-8"}, {"LANG": "de_DE.UTF-8"}),
        ({"LANG": "C", "LC_CTYPE": "en_GB.UTF-8"}, {"LANG": "C", "LC_CTYPE": "en_GB.UTF-8"}),
        ({"LANG": "C", "LC_ALL": "fr_FR.UTF-8"}, {"LANG": "C", "LC_ALL": "fr_FR.UTF-8"}),
    ],
)
def test_text_is_utf8_where_no_language_is_chosen(made_ready, before, after):
    assert made_ready(LOCALE, **before) == after


def test_what_is_started_in_turn_finds_the_systems_libraries(made_ready):
    ours = {"LD_LIBRARY_PATH": "/usr/lib/initviz/_internal"}
    assert made_ready(LIBRARIES, **ours) == {}
    assert made_ready(LIBRARIES, **ours, LD_LIBRARY_PATH_ORIG="/opt/lib") == {
        "LD_LIBRARY_PATH": "/opt/lib"
    }
