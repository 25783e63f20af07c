"""What all panels share: drawing, options, exact values, and the ways out of the program."""

import csv
import io

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QFrame, QLabel, QToolButton, QWidget
from shiboken6 import isValid

from initviz.ui.layout import DEFAULT
from initviz.ui.panels import CATALOGUE, PANELS, canvas
from initviz.ui.panels.base import GROUPS
from initviz.ui.panels.drawing import Weight, width_of
from initviz.ui.theme import LIGHT, THEMES

BY_NAME = {kind.name: kind for kind in PANELS}
#: Those that show what was recorded: the others are found out or asked for first.
RECORDED = pytest.mark.parametrize(
    "kind",
    [k for k in PANELS if k.name not in ("phase_map", "seeds") and not k.needs_analyst],
    ids=lambda kind: kind.name,
    indirect=True,
)


@pytest.fixture(params=PANELS, ids=BY_NAME)
def kind(request):
    return request.param


@pytest.fixture
def two_lanes(record, lane):
    glorot = record(steps=range(12), times=12, initialiser__scheme="glorot_normal")
    return [lane(record(steps=range(12), times=12)), lane(glorot, index=1, label="Glorot")]


def _inks(image):
    """How many different colours there are."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return len(np.unique(np.frombuffer(image.constBits(), dtype=np.uint32)))


def test_every_panel_is_offered_once_under_a_heading_that_there_is():
    assert list(BY_NAME) == list(CATALOGUE)
    assert {kind.group for kind in PANELS} <= set(GROUPS)
    assert set(DEFAULT.panels) <= set(BY_NAME)


def test_a_panel_says_what_it_is(kind, make_panel):
    panel = make_panel(kind)
    assert panel.objectName() == f"panel.{kind.name}"
    assert panel.accessibleName() == kind.title
    assert len(kind.how_to_read) > 100


def test_a_title_gives_way_to_its_short_form_before_it_is_cut(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes, size=(900, 240))
    panel.show()
    headline = panel.header.findChild(QWidget, "headline")

    def shown_in(title):
        headline.resize(1 + round(width_of(title, LIGHT.title, Weight.DemiBold)), 20)
        return headline.shown_title, headline.toolTip().startswith(kind.title)

    short = kind.short_title or kind.title
    assert shown_in(kind.title) == (kind.title, False)
    assert shown_in(short) == (short, short != kind.title)
    assert headline.accessibleName() == kind.title


def test_no_two_panels_have_one_short_title():
    shown = [kind.short_title or kind.title for kind in PANELS]
    assert len(set(shown)) == len(shown)


def test_the_panels_that_move_fastest_are_drawn_most_often():
    quick = {kind.name for kind in PANELS if kind.every == 2}
    assert quick >= {"gradient_magnitude", "gradient_through_time", "activation_histograms"}
    assert all(kind.every <= 6 for kind in PANELS)


def test_a_panel_draws_when_it_is_shown(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    assert not panel.has_drawn
    panel.show()
    QApplication.processEvents()
    assert panel.has_drawn
    assert _inks(panel.grab().toImage()) > 20


def test_a_panel_without_data_is_empty_and_harmless(kind, make_panel, tmp_path):
    panel = make_panel(kind)
    panel.show()
    QApplication.processEvents()
    assert not panel.has_drawn
    assert panel.values_at(QPointF(100, 100)) == ""
    QGuiApplication.clipboard().setText("before")
    panel.copy_values()
    panel.copy_picture()
    assert QGuiApplication.clipboard().text() == "before"
    with pytest.raises(ValueError, match="nothing to save"):
        panel.save(tmp_path / "panel.png")


def test_a_hidden_panel_does_not_read(kind, make_panel, two_lanes, monkeypatch):
    reads = []
    monkeypatch.setattr(kind, "read", lambda self, real=kind.read: (reads.append(1), real(self)))
    panel = make_panel(kind, two_lanes)
    panel.show_data(two_lanes)
    assert reads == []
    panel.show()
    assert reads == [1]
    panel.hide()
    panel.show_data(two_lanes)
    assert reads == [1]


def test_the_backdrop_is_kept_from_one_redraw_to_the_next(kind, make_panel, two_lanes, monkeypatch):
    painted = []
    real = kind.draw_backdrop
    monkeypatch.setattr(
        kind, "draw_backdrop", lambda self, *args: (painted.append(1), real(self, *args))
    )
    panel = make_panel(kind, two_lanes)
    panel.show()
    for _ in range(3):
        panel.show_data(two_lanes)
        QApplication.processEvents()
    assert painted == [1]
    panel.set_theme(THEMES["dark"])
    QApplication.processEvents()
    assert painted == [1, 1]


@pytest.mark.parametrize("size", [(240, 180), (280, 220), (1900, 1000)])
@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_a_panel_draws_at_any_size_in_any_theme(kind, make_panel, record, lane, size, theme):
    panel = make_panel(kind, [lane(record(steps=range(2)))], size)
    panel.set_theme(theme)
    panel.show()
    QApplication.processEvents()
    image = panel.grab().toImage()
    assert panel.has_drawn
    assert image.size() == panel.size()
    assert _inks(image) > 10


@pytest.mark.parametrize("layers", [1, 2, 1000])
def test_a_panel_draws_at_any_depth(kind, make_panel, record, lane, layers):
    panel = make_panel(kind, [lane(record(layers, steps=range(2)))])
    panel.show()
    QApplication.processEvents()
    assert panel.has_drawn
    assert _inks(panel.grab().toImage()) > 10


@RECORDED
def test_four_lanes_show_their_letters(kind, make_panel, record, lane, words):
    lanes = [lane(record(steps=range(3), times=3), index=i, label="x") for i in range(4)]
    panel = make_panel(kind, lanes)
    found = words(panel)
    if kind.picks_lane:
        buttons = [b.text() for b in panel.findChildren(QToolButton) if b.text() in tuple("ABCD")]
        assert buttons == ["A", "B", "C", "D"]
    else:
        assert set("ABCD") <= {text[:1] for text in found}


@pytest.mark.parametrize("lost", ["nan", "inf", "0"])
def test_a_broken_run_is_drawn_and_not_a_fault(kind, make_panel, record, lane, lost):
    value = float(lost)
    panel = make_panel(
        kind,
        [
            lane(
                record(
                    steps=range(5),
                    signal=lambda layers, step: np.full(layers + 1, value),
                    weights=lambda layers, step: np.full(layers + 1, value),
                    loss=lambda step: value,
                    times=6,
                    state=lambda times, step: np.full(times, value),
                )
            )
        ],
    )
    panel.show()
    QApplication.processEvents()
    assert panel.has_drawn


# -- options ---------------------------------------------------------------------------------------


def test_every_option_can_be_chosen_and_is_announced(kind, make_panel, two_lanes, qtbot):
    panel = make_panel(kind, two_lanes)
    panel.show()
    for option in kind.options:
        assert panel.option(option.key) == option.default
        for value in [*option.choices, option.default]:
            if panel.option(option.key) != value:
                with qtbot.waitSignal(panel.option_changed) as signal:
                    panel.set_option(option.key, value)
                assert signal.args == [option.key, value]
            QApplication.processEvents()
            assert panel.chosen[option.key] == value


def test_an_option_that_is_not_there_is_refused(kind, make_panel):
    panel = make_panel(kind)
    with pytest.raises(KeyError, match="colour"):
        panel.set_option("colour", "pink")
    with pytest.raises(KeyError, match="pink"):
        panel.set_option(kind.options[0].key, "pink")


def test_the_menu_chooses(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.show()
    button = panel.findChild(QToolButton, f"panel.{kind.name}.options")
    actions = {action.text(): action for action in button.menu().actions()}
    option = kind.options[0]
    value, label = list(option.choices.items())[1]
    actions[label].trigger()
    assert panel.option(option.key) == value
    assert label in button.accessibleName()
    panel.set_option(option.key, option.default)
    assert actions[option.choices[option.default]].isChecked()
    assert not actions[label].isChecked()


def test_the_buttons_can_be_reached_and_have_names(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.show()
    for name in ("options", "help", "export"):
        button = panel.findChild(QToolButton, f"panel.{kind.name}.{name}")
        assert button.accessibleName()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_how_to_read_opens_and_closes(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.show()
    button = panel.findChild(QToolButton, f"panel.{kind.name}.help")
    for close in (lambda note: QTest.keyClick(note, Qt.Key.Key_Escape), lambda _: button.click()):
        button.click()
        note = panel.findChild(QFrame, "how_to_read")
        assert note.findChild(QLabel).text() == kind.how_to_read
        assert panel.rect().left() <= note.x()
        close(note)
        assert not (isValid(note) and note.isVisible())


# -- values ----------------------------------------------------------------------------------------


@RECORDED
def test_exact_values_are_told_on_the_chart_and_nowhere_else(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.show()
    assert panel.values_at(QPointF(-500, -500)) == ""
    points = [QPointF(x, y) for x in range(60, 500, 40) for y in range(60, 400, 40)]
    assert len({panel.values_at(point) for point in points} - {""}) > 3


@RECORDED
def test_the_pointer_brings_up_the_values_within_the_window(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.show()
    chart = panel.findChild(canvas.Canvas)
    for at in (QPoint(3, 3), chart.rect().center()):
        QTest.mouseMove(chart, at)
        QApplication.processEvents()
    readout = panel.findChild(QLabel, "readout")
    assert readout.isVisible()
    assert readout.text() == panel.values_at(QPointF(chart.rect().center()))
    assert panel.rect().contains(readout.geometry())
    QTest.mouseMove(chart, QPoint(3, 3))
    QApplication.processEvents()
    assert not readout.isVisible()


# -- out of the program ----------------------------------------------------------------------------


@RECORDED
def test_the_table_holds_every_number_that_is_shown(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.catch_up()
    header, rows = panel.table()
    assert header[0] == "lane"
    assert all(len(row) == len(header) for row in rows)
    assert {row[0] for row in rows} == ({"A"} if kind.picks_lane else {"A", "B"})


def test_copied_values_are_csv(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.copy_values()
    rows = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    header, wanted = panel.table()
    assert rows[0] == list(header)
    assert len(rows) == len(wanted) + 1


def test_a_copied_picture_is_the_whole_panel_at_twice_its_size(kind, make_panel, two_lanes):
    panel = make_panel(kind, two_lanes)
    panel.copy_picture()
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (1280, 1040)
    assert _inks(image) > 20


@pytest.mark.parametrize("ending", ["png", "svg", "csv", "PNG"])
def test_a_panel_that_was_never_shown_can_be_saved(kind, make_panel, two_lanes, tmp_path, ending):
    path = tmp_path / f"panel.{ending}"
    make_panel(kind, two_lanes).save(path)
    if ending.lower() == "png":
        assert _inks(QImage(str(path))) > 20
    elif ending == "svg":
        text = path.read_text("utf-8")
        assert kind.title in text
        assert "Inter" in text
    else:
        assert path.read_text("utf-8").startswith("lane,")


def test_another_ending_is_refused(kind, make_panel, two_lanes, tmp_path):
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf, \.csv"):
        make_panel(kind, two_lanes).save(tmp_path / "panel.bmp")


def test_a_save_that_fails_is_told_in_a_sentence(kind, make_panel, two_lanes, tmp_path, qtbot):
    panel = make_panel(kind, two_lanes)
    with qtbot.waitSignal(panel.failed) as signal:
        panel._save_to(str(tmp_path / "no" / "such" / "panel.png"))
    assert kind.title in signal.args[0]


def test_the_menu_saves_where_the_dialog_says(kind, make_panel, two_lanes, tmp_path):
    panel = make_panel(kind, two_lanes)
    panel.show()
    menu = panel.findChild(QToolButton, f"panel.{kind.name}.export").menu()
    next(a for a in menu.actions() if a.text().startswith("Save as CSV")).trigger()
    dialog = panel.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "out.csv"))
    dialog.close()
    assert (tmp_path / "out.csv").exists()
