"""Panels as PDF: a page of lines and letters."""

import re
import zlib

import pytest
from PySide6.QtWidgets import QMenu

from initviz.ui.panels import PANELS
from initviz.ui.panels.export import ENDINGS, to_pdf
from initviz.ui.panels.loss import Loss

STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)


def streams(pdf):
    """What the page is drawn by, unpacked."""
    found = []
    for packed in STREAM.findall(pdf):
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return b"\n".join(found)


def test_a_page_is_as_large_as_the_panel(make_panel, record, lane):
    panel = make_panel(Loss, [lane(record(steps=range(5)))], size=(640, 480))
    pdf = to_pdf(panel)
    assert pdf.startswith(b"%PDF-")
    assert b"%%EOF" in pdf[-8:]
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert [float(side) for side in box.groups()] == [480.0, 360.0]  # points of 640 × 480 pixels
    assert pdf.count(b"/Type /Page\n") == 1


@pytest.mark.parametrize(
    "kind", [kind for kind in PANELS if kind.name in ("loss", "gradient_magnitude")]
)
def test_it_is_drawn_by_lines_and_letters(kind, make_panel, record, lane):
    panel = make_panel(kind, [lane(record(steps=range(5)))])
    pdf = to_pdf(panel)
    assert b"/Subtype /Image" not in pdf
    assert b"/FontFile" in pdf
    page = streams(pdf)
    assert len(re.findall(rb"\bTj\b|\bTJ\b", page)) >= len(panel.title.split())  # letters
    assert len(re.findall(rb" [lc]\n", page)) > 10  # lines


def test_the_panel_fills_the_page(make_panel, record, lane):
    panel = make_panel(Loss, [lane(record(steps=range(5)))], size=(640, 480))
    page = streams(to_pdf(panel))
    scales = [float(scale) for scale in re.findall(rb"([\d.]+) 0 0 -?[\d.]+ \S+ \S+ cm", page)]
    width, height = re.search(rb"0 0 (\d+) (\d+) re", page).groups()
    assert (int(width), int(height)) == (640, 480)
    assert scales[0] * scales[1] == pytest.approx(0.75)  # points for a pixel


def test_it_holds_what_was_measured(make_panel, record, lane):
    few, many = (streams(to_pdf(make_panel(Loss, [lane(record(steps=range(n)))]))) for n in (2, 50))
    assert len(many) > len(few) + 500


def test_the_menu_offers_it(make_panel, record, lane, tmp_path):
    panel = make_panel(Loss, [lane(record(steps=range(5)))])
    texts = [a.text() for menu in panel.findChildren(QMenu) for a in menu.actions()]
    assert "Save as PDF…" in texts
    path = tmp_path / "loss.PDF"
    panel.save(path)
    assert path.read_bytes().startswith(b"%PDF-")


def test_another_ending_is_answered_with_those_there_are(make_panel, record, lane, tmp_path):
    panel = make_panel(Loss, [lane(record(steps=range(5)))])
    assert ENDINGS == (".png", ".svg", ".pdf", ".csv")
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf, \.csv"):
        panel.save(tmp_path / "loss.jpg")
