"""The icon in the sizes and formats that desktops want, drawn by Qt from the one SVG."""

from __future__ import annotations

import os
import struct
from pathlib import Path

SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
#: Of Windows: sizes in one file.
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
#: Of macOS: the name of each picture, and how large it is.
ICNS_SIZES = {b"icp4": 16, b"icp5": 32, b"ic07": 128, b"ic08": 256, b"ic09": 512}


def draw_all(svg: Path, folder: Path) -> None:
    """Write N.png for every size, initviz.ico and initviz.icns."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = draw(svg, sorted({*SIZES, *ICO_SIZES, *ICNS_SIZES.values()}))
    for size in SIZES:
        (folder / f"{size}.png").write_bytes(pictures[size])
    (folder / "initviz.ico").write_bytes(ico({size: pictures[size] for size in ICO_SIZES}))
    named = {name: pictures[size] for name, size in ICNS_SIZES.items()}
    (folder / "initviz.icns").write_bytes(icns(named))


def draw(svg: Path, sizes: list[int]) -> dict[int, bytes]:
    """The drawing as PNG, square and transparent, in every size (pixels)."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
    from PySide6.QtGui import QGuiApplication, QImage, QImageWriter, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    renderer = QSvgRenderer(str(svg))
    if not renderer.isValid():
        raise ValueError(f"{svg} is no drawing that Qt can read")
    found = {}
    for size in sizes:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        kept = QByteArray()
        buffer = QBuffer(kept)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        QImageWriter(buffer, QByteArray(b"png")).write(image)
        buffer.close()
        found[size] = bytes(kept.data())
    del application
    return found


def ico(pictures: dict[int, bytes]) -> bytes:
    """Windows' container of PNGs: a head, a table of sizes and places, the pictures."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    table, body, place = b"", b"", len(head) + 16 * len(pictures)
    for size, picture in sorted(pictures.items()):
        side = size % 256  # 256 is written as 0
        table += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), place)
        body += picture
        place += len(picture)
    return head + table + body


def icns(pictures: dict[bytes, bytes]) -> bytes:
    """Apple's container of PNGs: after a head, each with its name and its length."""
    body = b"".join(
        name + struct.pack(">I", 8 + len(picture)) + picture for name, picture in pictures.items()
    )
    return b"icns" + struct.pack(">I", 8 + len(body)) + body
