"""The package for macOS: an .app in a .dmg, signed as far as there is a certificate.

Without the name of one in INITVIZ_SIGNING_IDENTITY the signature is ad hoc: it runs where it was
made, and elsewhere after a right click and Open.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import about

ENTITLEMENTS = about.ROOT / "packaging" / "macos" / "entitlements.plist"


def pack(frozen: Path, folder: Path, out: Path) -> list[Path]:
    """Sign the .app beside the frozen folder and make the disk image of it."""
    app = frozen.parent / "initviz.app"
    # The licence file was made after PyInstaller had put the .app together.
    shutil.copyfile(frozen / "LICENCES.txt", app / "Contents" / "Resources" / "LICENCES.txt")
    identity = os.environ.get("INITVIZ_SIGNING_IDENTITY") or "-"
    subprocess.run(sign_command(app, identity), check=True)
    subprocess.run(["codesign", "--verify", "--deep", "--strict", str(app)], check=True)
    made = out / f"initviz-{about.version()}-macos-{platform.machine()}.dmg"
    stage = folder / "dmg"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    shutil.copytree(app, stage / app.name, symlinks=True)
    (stage / "Applications").symlink_to("/Applications")
    subprocess.run(image_command(stage, made), check=True)
    shutil.rmtree(stage)
    return [made]


def sign_command(app: Path, identity: str) -> list[str]:
    """The call that signs all that is in the .app; "-" is the ad hoc signature."""
    command = ["codesign", "--force", "--deep", "--sign", identity]
    command += ["--entitlements", str(ENTITLEMENTS)]
    if identity != "-":  # what Apple's notary asks for
        command += ["--options", "runtime", "--timestamp"]
    return [*command, str(app)]


def image_command(stage: Path, made: Path) -> list[str]:
    """The call that makes a compressed disk image of a folder."""
    return [
        *("hdiutil", "create", "-volname", "initviz", "-srcfolder", str(stage)),
        *("-ov", "-format", "ULFO", str(made)),
    ]
