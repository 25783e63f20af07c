"""Data of one's own: the path, what the file holds, and what is wrong with it."""

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QWidget

from initviz.lab.experiment import Experiment
from initviz.ui.data_preview import DataPreview, invitation, shape_text, short
from tests.ui.forms import choose, control

DEFAULT = Experiment()


@pytest.fixture
def table(tmp_path):
    """A small CSV file of three classes."""
    path = tmp_path / "flowers.csv"
    lines = [f"{k}.5,{i},{'abc'[k]}" for k in range(3) for i in range(8)]
    path.write_text("length,width,kind\n" + "\n".join(lines))
    return path


def type_path(form, path):
    box = control(form, "training.path")
    box.setFocus()
    box.setText(str(path))
    QTest.keyClick(box, Qt.Key.Key_Return)


def told(form):
    """What stands under the path, without invisible breaks."""
    labels = form.findChild(DataPreview).findChildren(QLabel)
    seen = [label.text() for label in labels if label.isVisibleTo(form)]
    return " ".join(seen).replace("\u200b", "")


def with_file(path):
    return DEFAULT.with_values({"training.data": "file", "training.path": str(path)})


def test_without_a_file_nothing_is_seen_of_paths(form):
    assert not form.findChildren(QWidget, "training.path")
    assert not form.findChild(DataPreview).isVisibleTo(form)


def test_until_a_file_is_chosen_the_last_data_stay(form, changes):
    choose(form, "training.data", "file")
    assert "Choose a .csv or .npz file" in told(form)
    assert changes == []
    control(form, "network.width").setValue(50)
    assert changes == []
    choose(form, "training.data", "moons")
    assert changes == [DEFAULT.with_values({"network.width": 50, "training.data": "moons"})]
    assert not form.findChild(DataPreview).isVisibleTo(form)


def test_a_file_is_read_and_shown_before_it_is_used(qtbot, form, changes, table):
    choose(form, "training.data", "file")
    type_path(form, table)
    qtbot.waitUntil(lambda: changes != [])
    assert changes == [with_file(table)]
    text = told(form)
    for word in ("24 samples", "2 features", "3 classes: a, b, c", "length", "kind", "0.5"):
        assert word in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,y\n1,2,x\n3,four,y\n", "line 3"),
        ("", "flowers.csv"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_and_nothing_is_trained(
    qtbot, form, changes, table, content, said
):
    table.write_text(content * 6)
    choose(form, "training.data", "file")
    type_path(form, table)
    qtbot.waitUntil(lambda: said in told(form))
    assert control(form, "training.path.again").isVisibleTo(form)
    assert changes == []


def test_a_file_that_was_mended_can_be_read_again(qtbot, form, changes, table):
    good = table.read_text()
    table.write_text(good.replace("0.5", "half", 1))
    choose(form, "training.data", "file")
    type_path(form, table)
    qtbot.waitUntil(lambda: "half" in told(form))
    table.write_text(good)
    control(form, "training.path.again").click()
    qtbot.waitUntil(lambda: changes == [with_file(table)])
    assert "24 samples" in told(form)


def test_a_missing_file_is_named(qtbot, form, changes, tmp_path):
    choose(form, "training.data", "file")
    type_path(form, tmp_path / "nowhere.csv")
    qtbot.waitUntil(lambda: "nowhere.csv" in told(form))
    assert changes == []


def test_data_that_the_network_cannot_read_are_refused_with_the_reason(qtbot, form, changes, table):
    form.set_experiment(DEFAULT.with_value("network.architecture", "cnn"))
    choose(form, "training.data", "file")
    type_path(form, table)
    qtbot.waitUntil(lambda: "images" in told(form))
    assert changes == []


def test_a_file_can_be_dropped_on_the_line(qtbot, form, changes, table):
    choose(form, "training.data", "file")
    row = form.row("training.path")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(table))])
    drop = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    row.dropEvent(drop)
    assert drop.isAccepted()
    qtbot.waitUntil(lambda: changes == [with_file(table)])
    assert control(form, "training.path").text() == str(table)


@pytest.mark.parametrize(
    ("data", "mode"),
    [("file", QFileDialog.FileMode.ExistingFile), ("mnist", QFileDialog.FileMode.Directory)],
)
def test_browse_asks_for_a_file_or_a_folder(qtbot, form, data, mode):
    choose(form, "training.data", data)
    control(form, "training.path.browse").click()
    dialog = form.findChild(QFileDialog, "data_dialog")
    assert dialog.fileMode() == mode
    dialog.reject()


def test_what_is_chosen_in_the_dialog_is_used(qtbot, form, changes, table):
    choose(form, "training.data", "file")
    control(form, "training.path.browse").click()
    dialog = form.findChild(QFileDialog, "data_dialog")
    dialog.fileSelected.emit(str(table))
    dialog.reject()
    qtbot.waitUntil(lambda: changes == [with_file(table)])


def test_images_are_seen_as_images(qtbot, form, tmp_path):
    images = np.zeros((20, 1, 6, 6))
    images[:, :, 2:4, 2:4] = 255
    path = tmp_path / "squares.npz"
    np.savez(path, X=images, y=np.arange(20) % 2)
    choose(form, "training.data", "file")
    type_path(form, path)
    qtbot.waitUntil(lambda: "20 samples" in told(form))
    strip = control(form, "data_preview.pictures")
    qtbot.waitUntil(lambda: not strip.size().isEmpty())
    seen = strip.grab().toImage()
    colours = {
        seen.pixelColor(x, y).name() for x in range(seen.width()) for y in range(seen.height())
    }
    assert {"#000000", "#ffffff"} <= colours


def test_every_control_of_a_path_has_a_name(form):
    choose(form, "training.data", "file")
    for key in ("training.path", "training.path.browse"):
        found = control(form, key)
        assert found.accessibleName()
        assert found.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_shown_experiment_with_a_bad_file_is_told_and_not_announced(qtbot, form, changes, table):
    table.write_text("nonsense")
    form.set_experiment(with_file(table))
    qtbot.waitUntil(lambda: "flowers.csv" in told(form))
    assert changes == []


def test_long_names_are_cut_and_shapes_are_in_words():
    assert short("a very long name of a class") == "a very long…"
    assert shape_text((3, 32, 32)) == "32 × 32 pixels in 3 channels"
    assert shape_text((1, 8, 8)) == "8 × 8 pixels"
    assert shape_text((8, 4)) == "8 steps of 4"
    assert shape_text((1,)) == "1 feature"
    assert "folder" in invitation(DEFAULT.training.model_copy(update={"data": "mnist"}))
