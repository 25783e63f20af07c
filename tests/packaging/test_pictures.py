"""The icon in sizes and formats."""

import struct

import about
import pictures
import pytest
from PySide6.QtGui import QImage

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, qapp):
    """Return the folder with all that is drawn."""
    folder = tmp_path_factory.mktemp("icons")
    pictures.draw_all(about.ICON, folder)
    return folder


@pytest.mark.parametrize("size", pictures.SIZES)
def test_every_size_is_drawn_at_that_size(drawn, size):
    image = QImage(str(drawn / f"{size}.png"))
    assert (image.width(), image.height()) == (size, size)
    assert image.pixelColor(0, 0).alpha() == 0  # round corners
    assert image.pixelColor(size // 2, size // 2).alpha() == 255


def test_windows_icon_holds_every_size_where_its_table_says(drawn):
    data = (drawn / "initviz.ico").read_bytes()
    reserved, kind, count = struct.unpack_from("<HHH", data)
    assert (reserved, kind, count) == (0, 1, len(pictures.ICO_SIZES))
    for row, size in enumerate(pictures.ICO_SIZES):
        width, *_, length, place = struct.unpack_from("<BBBBHHII", data, 6 + 16 * row)
        assert width == size % 256
        assert QImage.fromData(data[place : place + length]).width() == size


def test_apples_icon_is_a_chain_of_pictures(drawn):
    data = (drawn / "initviz.icns").read_bytes()
    assert data[:4] == b"icns"
    assert struct.unpack_from(">I", data, 4)[0] == len(data)
    place, found = 8, {}
    while place < len(data):
        name, length = struct.unpack_from(">4sI", data, place)
        found[name] = QImage.fromData(data[place + 8 : place + length]).width()
        place += length
    assert found == pictures.ICNS_SIZES


@pytest.mark.qt_log_ignore("^Cannot read file", extend=True)
def test_what_is_no_drawing_is_refused(tmp_path, qapp):
    wrong = tmp_path / "wrong.svg"
    wrong.write_text("<svg")
    with pytest.raises(ValueError, match=r"wrong\.svg is no drawing"):
        pictures.draw(wrong, [16])
