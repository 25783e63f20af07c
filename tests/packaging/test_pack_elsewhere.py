"""What is made on Windows and macOS: as far as it can be read without them."""

import plistlib
import re
from pathlib import Path

import pack_macos
import pack_windows
import pytest


@pytest.fixture
def script(folder):
    """Return the script of the setup program."""
    return (folder / "windows" / "initviz.iss").read_text(encoding="utf-8")


@pytest.fixture
def plist(folder):
    """Return what macOS is told of the program."""
    return plistlib.loads((folder / "macos" / "Info.plist").read_bytes())


def test_the_setup_program_asks_for_no_administrator(script):
    assert "PrivilegesRequired=lowest" in script
    roots = re.findall(r"^Root: (\w+);", script, re.MULTILINE)
    assert roots
    assert set(roots) <= {"HKA", "HKCU"}


def test_on_windows_only_recordings_are_ours(script):
    lines = [line for line in script.splitlines() if line.startswith("Root: HKA")]
    owners = [line for line in lines if r"Classes\." in line and "OpenWithProgids" not in line]
    assert owners
    assert all(r'Classes\.initviz"' in line for line in owners)
    offered = "\n".join(line for line in lines if "OpenWithProgids" in line)
    assert r"Classes\.md\OpenWithProgids" in offered


def test_the_setup_program_is_told_all_that_its_script_asks_for(script):
    command = pack_windows.setup_command("iscc", Path("f"), Path("b"), Path("o"), "name")
    given = {word[2:].split("=")[0] for word in command if word.startswith("/D")}
    assert set(re.findall(r"\{#(\w+)\}", script)) == given
    assert command[-1].endswith("initviz.iss")


def test_on_macos_recordings_are_ours_and_lectures_are_offered(plist):
    ranks = {
        kind["CFBundleTypeName"]: kind["LSHandlerRank"] for kind in plist["CFBundleDocumentTypes"]
    }
    assert ranks == {
        "initviz recording": "Owner",
        "Lecture": "Alternate",
        "Experiment": "Alternate",
    }
    (declared,) = plist["UTExportedTypeDeclarations"]
    assert declared["UTTypeTagSpecification"]["public.filename-extension"] == ["initviz"]
    assert declared["UTTypeIdentifier"] in plist["CFBundleDocumentTypes"][0]["LSItemContentTypes"]


def test_the_entitlements_can_be_read(folder):
    told = plistlib.loads((folder / "macos" / "entitlements.plist").read_bytes())
    assert all(value is True for value in told.values())


def test_without_a_certificate_the_signature_is_ad_hoc():
    command = pack_macos.sign_command(Path("initviz.app"), "-")
    assert command[command.index("--sign") + 1] == "-"
    assert "--timestamp" not in command
    assert "--timestamp" in pack_macos.sign_command(Path("initviz.app"), "Somebody (TEAM)")
