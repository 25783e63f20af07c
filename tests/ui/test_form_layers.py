"""The layers that differ: groups of settings that come, change and go with the experiment."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget

from initviz.lab.experiment import MAX_LAYERS, Experiment
from initviz.ui.history import describe_experiments
from initviz.ui.layers_section import LayersSection, next_layer
from tests.ui.forms import choose, control

DEFAULT = Experiment()
TWO = DEFAULT.with_layer("output").with_layer("hidden 3")


def unfold(form):
    form.findChild(QToolButton, "network.more").setChecked(True)


def section(form):
    return form.findChild(LayersSection)


def test_without_such_layers_nothing_is_seen_of_them_until_more_is_asked_for(form):
    assert not section(form).isVisibleTo(form)
    unfold(form)
    assert control(form, "layers.add").isVisibleTo(form)


def test_groups_are_seen_without_asking(form):
    form.set_experiment(TWO)
    assert section(form).isVisibleTo(form)
    assert control(form, "layers.0.name").currentText() == "Output layer"
    assert control(form, "layers.1.name").currentText() == "Layer 3"


def test_a_layer_is_added_changed_and_removed(form, changes):
    unfold(form)
    control(form, "layers.add").click()
    assert changes[-1] == DEFAULT.with_layer("output")
    assert QApplication.focusWidget().objectName() == "layers.0.name"
    choose(form, "layers.0.name", "hidden 10")
    choose(form, "layers.0.activation", "relu")
    choose(form, "layers.0.initialiser.scheme", "he_normal")
    control(form, "layers.0.width").setValue(64)
    wanted = DEFAULT.with_layer("hidden 10").with_values(
        {
            "layers.0.activation": "relu",
            "layers.0.initialiser.scheme": "he_normal",
            "layers.0.width": 64,
        }
    )
    assert changes[-1] == wanted
    control(form, "layers.0.remove").click()
    assert changes[-1] == DEFAULT
    assert not [w for w in form.findChildren(QWidget, "layers.0.name") if w.isVisibleTo(form)]


def test_the_schemes_parameters_stand_in_the_group(form, changes):
    form.set_experiment(DEFAULT.with_layer("hidden 2"))
    choose(form, "layers.0.initialiser.scheme", "uniform")
    control(form, "layers.0.initialiser.a").setValue(-0.5)
    assert changes[-1].layers[0].initialiser.a == -0.5
    assert changes[-1].initialiser == DEFAULT.initialiser
    choose(form, "layers.0.initialiser.scheme", "")
    assert changes[-1] == DEFAULT.with_layer("hidden 2")


def test_removing_the_first_leaves_the_second(form, changes):
    form.set_experiment(TWO.with_value("layers.1.width", 7))
    control(form, "layers.0.remove").click()
    assert changes == [DEFAULT.with_layer("hidden 3").with_value("layers.0.width", 7)]
    assert control(form, "layers.0.name").currentData() == "hidden 3"
    assert control(form, "layers.0.width").value() == 7


def test_a_name_can_be_taken_only_once(form):
    form.set_experiment(TWO)
    box = control(form, "layers.1.name")
    names = [box.itemData(row) for row in range(box.count())]
    assert "output" not in names
    assert names == [f"hidden {number}" for number in range(1, 11)]


def test_the_output_layer_has_no_width_and_no_activation(form):
    form.set_experiment(TWO)
    assert not form.findChildren(QWidget, "layers.0.width")
    assert not form.findChildren(QWidget, "layers.0.activation")


def test_a_width_as_the_others_is_said_in_words(form, changes):
    form.set_experiment(TWO)
    box = control(form, "layers.1.width")
    assert box.text() == "as the others"
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "32")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert changes[-1].layers[1].width == 32
    box.selectAll()
    QTest.keyClicks(box, "0")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert changes[-1].layers[1].width == 0
    assert box.text() == "as the others"


def test_a_layer_that_the_network_is_too_shallow_for_says_so(form):
    def shown():
        texts = [label for label in section(form).findChildren(QLabel) if label.isVisibleTo(form)]
        return " ".join(label.text() for label in texts)

    form.set_experiment(TWO)
    assert "without effect" not in shown()
    form.set_experiment(TWO.with_value("network.hidden_layers", 2))
    assert "The network has no layer 3: without effect." in shown()
    assert control(form, "layers.1.name").currentData() == "hidden 3"


def test_a_bad_width_is_told_in_the_group(form, changes):
    form.set_experiment(TWO)
    control(form, "layers.1.width").setValue(5000)
    errors = [w for w in form.row("layers.1.width").findChildren(QLabel) if w.property("role")]
    assert "Width 5000 is not allowed: a whole number from 0 to 4096." in [e.text() for e in errors]
    assert changes == []


def test_every_control_has_a_name_and_is_reached_by_tab_in_order(form):
    form.set_experiment(TWO)
    wanted = ["layers.add", "layers.0.name", "layers.0.remove", "layers.0.initialiser.scheme"]
    wanted += ["layers.1.name", "layers.1.remove", "layers.1.width", "layers.1.activation"]
    assert all(control(form, key).accessibleName() for key in wanted)
    control(form, "layers.add").setFocus()
    visited = []
    for _ in range(12):
        visited.append(QApplication.focusWidget().objectName())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert [name for name in visited if name in wanted] == wanted
    name = control(form, "layers.0.remove").accessibleName()
    assert name == "Remove the settings of the output layer"


def test_adding_and_removing_can_be_taken_back(form, changes):
    unfold(form)
    control(form, "layers.add").click()
    assert describe_experiments(DEFAULT, changes[-1]) == "change of a layer that differs"
    form.set_experiment(DEFAULT)  # what undo does
    assert not section(form).removers()
    form.set_experiment(changes[-1])
    assert control(form, "layers.0.name").currentData() == "output"
    assert len(changes) == 1


def test_no_more_layers_are_added_than_there_are(form):
    shallow = DEFAULT.with_value("network.hidden_layers", 1)
    assert next_layer(shallow) == "output"
    both = shallow.with_layer("output").with_layer("hidden 1")
    assert next_layer(both) is None
    form.set_experiment(both)
    assert not control(form, "layers.add").isEnabled()


def test_no_more_layers_are_added_than_an_experiment_may_have():
    deep = DEFAULT.with_value("network.hidden_layers", 200)
    names = [{"name": f"hidden {number}"} for number in range(1, MAX_LAYERS + 1)]
    full = Experiment.from_dict({**deep.to_dict(), "layers": names})
    assert next_layer(full) is None


def test_the_form_is_never_wider_than_it_may_be(form, qtbot):
    widest = TWO.with_values(
        {
            "layers.0.initialiser.scheme": "normal",
            "layers.1.initialiser.scheme": "variance_scaling",
            "training.data": "file",
        }
    )
    form.set_experiment(widest)
    for more in form.findChildren(QToolButton):
        if more.isCheckable():
            more.setChecked(True)
    form.resize(256, 700)
    qtbot.wait(1)
    assert form.widget().width() <= form.viewport().width()
