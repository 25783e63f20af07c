"""The Export menu: what it offers, and what it writes."""

import json
import runpy

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QVBoxLayout, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.training import run
from initviz.ui import theme
from initviz.ui.behind import Behind
from initviz.ui.exporting import Exports
from initviz.ui.messages import Messages
from initviz.ui.panels.base import Shown
from initviz.ui.panels.loss import Loss
from initviz.ui.panels.update_ratio import UpdateRatio


@pytest.fixture(scope="module")
def recording():
    settings = {
        "title": "Moons & more",
        "network.hidden_layers": 2,
        "network.width": 6,
        "training.data": "moons",
        "run.device": "cpu",
    }
    return run(Experiment().with_values(settings), 12)


@pytest.fixture
def window(qtbot):
    theme.load_fonts()
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def make_exports(window, recording, tmp_path):
    def make(*, recorded=True, kinds=(Loss, UpdateRatio)):
        panels = [kind(window) for kind in kinds]
        lanes = [Shown("A", 0, "a", recording, 12)] if recorded else []
        return Exports(
            window,
            Messages(window),
            experiment=lambda: recording.experiment,
            recording=lambda: recording if recorded else None,
            behind=Behind(QVBoxLayout(), window),
            panels=lambda: panels,
            shown=lambda: lanes,
            folder=str(tmp_path),
        )

    return make


def offered(menu):
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def trouble(window):
    return window.findChild(QMessageBox, "error_box")


def test_the_menu_offers_everything(make_exports):
    menu = make_exports().menu()
    assert offered(menu) == [
        "Run as a table…",
        "PyTorch script…",
        "Copy experiment as text",
        "Timeline as a film",
    ]
    assert all(action.isEnabled() for action in menu.actions())
    films = menu.findChild(QMenu, "menu.film")
    assert offered(films) == ["All panels…", f"{Loss.title}…", f"{UpdateRatio.title}…"]


def test_before_step_0_only_the_experiment_can_be_exported(make_exports):
    menu = make_exports(recorded=False).menu()
    enabled = {action.text(): action.isEnabled() for action in menu.actions()}
    assert enabled["PyTorch script…"]
    assert not enabled["Run as a table…"]
    assert not enabled["Timeline as a film"]


def test_the_run_is_saved_where_the_dialog_says(make_exports, window, recording, tmp_path):
    exports = make_exports()
    exports.ask_for_run()
    dialog = window.findChild(QFileDialog, "export_file")
    assert dialog.nameFilters() == ["CSV (*.csv)", "JSON (*.json)", "NumPy (*.npz)"]
    assert dialog.selectedFiles() == [str(tmp_path / "moons-more.csv")]
    dialog.filterSelected.emit("JSON (*.json)")
    assert dialog.defaultSuffix() == "json"
    folder = tmp_path / "there"
    folder.mkdir()
    dialog.fileSelected.emit(str(folder / "run.json"))
    dialog.reject()
    data = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert data["scalars"]["loss"]["values"] == recording.scalar("loss").tolist()
    assert exports.folder == str(folder)


def test_the_script_is_saved_and_repeats_the_run(make_exports, window, recording, tmp_path):
    make_exports().ask_for_script()
    dialog = window.findChild(QFileDialog, "export_file")
    dialog.fileSelected.emit(str(tmp_path / "run.py"))
    dialog.reject()
    losses = runpy.run_path(str(tmp_path / "run.py"))["main"](10)
    assert losses == pytest.approx(recording.scalar("loss")[:10].tolist(), rel=1e-6)


def test_the_experiment_is_copied(make_exports, recording):
    make_exports().copy()
    assert Experiment.from_toml(QGuiApplication.clipboard().text()) == recording.experiment


def test_a_film_asks_where_it_goes(make_exports, window):
    pytest.importorskip("av")
    exports = make_exports()
    menu = exports.menu()
    menu.findChild(QMenu, "menu.film").actions()[-1].trigger()
    dialog = window.findChild(QFileDialog, "film_file")
    assert dialog.selectedFiles()[0].endswith("update_ratio.mp4")
    dialog.reject()


@pytest.mark.parametrize("save", ["save_run", "save_script"])
def test_a_disk_that_refuses_is_told(save, make_exports, window, tmp_path):
    exports = make_exports()
    getattr(exports, save)(tmp_path / "nowhere" / "run.csv")
    box = trouble(window)
    assert "was not saved" in box.text()
    assert "No such file or directory" in box.informativeText()
    assert exports.folder == str(tmp_path)
    box.done(0)


def test_a_name_of_another_kind_is_told(make_exports, window, tmp_path):
    make_exports().save_run(tmp_path / "run.xlsx")
    box = trouble(window)
    assert "run.xlsx ends with none of .csv, .json, .npz" in box.informativeText()
    box.done(0)
    assert not list(tmp_path.iterdir())
