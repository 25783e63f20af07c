"""An experiment as text: to the clipboard, and back by pasting or dropping."""

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QGuiApplication

from initviz.lab.experiment import Experiment
from initviz.ui import clipboard

OWN = Experiment().with_values(
    {
        "title": "Μικρά βάρη",
        "network.width": 12,
        "initialiser.scheme": "formula",
        "initialiser.expression": "normal(0, 1 / fan_in)",
    }
)


def text_of(text):
    data = QMimeData()
    data.setText(text)
    return data


def files(*paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def test_what_was_copied_is_pasted(qapp):
    clipboard.copy_experiment(OWN)
    assert clipboard.paste_experiment() == OWN
    text = QGuiApplication.clipboard().text()
    assert text.startswith("# An experiment of initviz")
    assert 'title = "Μικρά βάρη"' in text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\n\n  " + text.rstrip(),
    ],
)
def test_what_other_programs_do_to_a_text_is_no_matter(change):
    data = text_of(change(OWN.to_toml()))
    assert clipboard.experiment_from_mime(data) == OWN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no text on the clipboard"),
        (" \n\t", "no text on the clipboard"),
        ("# nothing else\n", "holds no setting"),
        ("see you tomorrow", "not valid TOML"),
        ("[network]\nwidht = 3", "network.widht.*did you mean 'width'"),
        ("[network]\nwidth = -3", "network.width = -3"),
        ("version = 99", "newer than this program"),
        ("a" * 2_000_000, "2000000 characters"),
        ("title = \x001", "not valid TOML"),
    ],
)
def test_what_is_no_experiment_is_answered_in_a_sentence(text, words):
    with pytest.raises(ValueError, match=words) as error:
        clipboard.experiment_from_mime(text_of(text))
    assert "\n" not in str(error.value)


def test_a_picture_is_no_text():
    data = QMimeData()
    data.setData("image/png", b"\x89PNG")
    with pytest.raises(ValueError, match="no text"):
        clipboard.experiment_from_mime(data)


def test_a_file_that_is_dropped_is_read(tmp_path):
    path = tmp_path / "own experiment.toml"
    path.write_text(OWN.to_toml(), encoding="utf-8")
    assert clipboard.experiment_from_mime(files(path)) == OWN


def test_files_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.toml"):
        clipboard.experiment_from_mime(files(tmp_path / "gone.toml"))
    with pytest.raises(ValueError, match="one file"):
        clipboard.experiment_from_mime(files(tmp_path / "a.toml", tmp_path / "b.toml"))
    elsewhere = QMimeData()
    elsewhere.setUrls([QUrl("https://example.org/a.toml")])
    with pytest.raises(ValueError, match="of this machine"):
        clipboard.experiment_from_mime(elsewhere)


def test_texts_are_told_from_files(tmp_path):
    assert clipboard.holds_text(text_of("a"))
    assert not clipboard.holds_text(files(tmp_path / "a.toml"))
    assert not clipboard.holds_text(QMimeData())
