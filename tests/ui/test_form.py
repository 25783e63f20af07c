"""The experiment form: made from fields, one control for each, honest about mistakes."""

from typing import Annotated

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QSlider, QToolButton, QWidget

from initviz.lab.experiment import Experiment
from initviz.lab.settings import Part, Setting, fields_of
from initviz.ui.controls import CheckBox, ComboBox, NumberBox, WholeBox
from initviz.ui.form import ExperimentForm

ALL_KEYS = [field.key for field in Experiment().fields()]
DEFAULT = Experiment()


@pytest.fixture
def changes(form):
    """What the form has announced so far."""
    heard = []
    form.changed.connect(lambda experiment, dragged: heard.append((experiment, dragged)))
    return heard


def control(form, key):
    found = form.findChildren(QWidget, key)
    assert len([w for w in found if w.isVisibleTo(form)]) == 1, key
    return next(w for w in found if w.isVisibleTo(form))


def unfold_all(form):
    for more in form.findChildren(QToolButton):
        more.setChecked(True)


def error_shown(form, key):
    labels = [w for w in form.row(key).findChildren(QLabel) if w.property("role") == "error"]
    return "".join(label.text() for label in labels if label.isVisibleTo(form))


@pytest.mark.parametrize("key", ALL_KEYS)
def test_every_visible_field_has_a_named_control_and_every_other_has_none(form, key):
    unfold_all(form)
    field = next(field for field in DEFAULT.fields() if field.key == key)
    if not field.is_visible:
        assert form.findChild(QWidget, key) is None
        return
    found = control(form, key)
    assert found.accessibleName() == field.setting.label
    assert found.toolTip()
    assert found.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_new_field_needs_no_widget_code(qtbot):
    class Kitchen(Part):
        heat: Annotated[float, Setting("Heat", usual=(0.0, 9.0))] = 2.0
        lid: Annotated[bool, Setting("Lid")] = False
        dish: Annotated[str, Setting("Dish")] = "soup"

    class Stew:
        """Says of itself what an experiment says."""

        def __init__(self, kitchen):
            self.kitchen = kitchen

        def fields(self):
            return tuple(fields_of(self.kitchen, "kitchen"))

        def with_value(self, key, value):
            return Stew(self.kitchen.model_copy(update={key.split(".")[1]: value}))

    form = ExperimentForm(Stew(Kitchen()))
    qtbot.addWidget(form)
    heard = []
    form.changed.connect(lambda stew, _: heard.append(stew.kitchen))
    form.findChild(NumberBox, "kitchen.heat").setValue(4.5)
    form.findChild(CheckBox, "kitchen.lid").click()
    form.findChild(QWidget, "kitchen.dish").setText("curry")
    form.findChild(QWidget, "kitchen.dish").editingFinished.emit()
    assert heard[-1] == Kitchen(heat=4.5, lid=True, dish="curry")
    assert "KITCHEN" in [label.text() for label in form.findChildren(QLabel)]


def test_a_choice_is_announced_at_once(form, changes):
    box = control(form, "network.activation")
    box.setCurrentIndex(box.findData("relu"))
    assert changes == [(DEFAULT.with_value("network.activation", "relu"), "")]


def test_a_flag_is_announced_at_once(form, changes):
    unfold_all(form)
    QTest.mouseClick(control(form, "network.residual"), Qt.MouseButton.LeftButton)
    assert changes == [(DEFAULT.with_value("network.residual", True), "")]


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("network.hidden_layers", "25", 25),
        ("network.width", "4096", 4096),
        ("initialiser.std", "1e-3", 0.001),
        ("initialiser.std", "0,5", 0.5),
        ("training.learning_rate", "1e30", 1e30),
        ("run.seed", "123456", 123456),
    ],
)
def test_an_exact_value_can_be_typed(form, changes, key, typed, value):
    box = control(form, key)
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert [e for e, _ in changes] == [DEFAULT.with_value(key, value)]
    assert float(box.text()) == value


def test_letters_cannot_be_typed_into_a_number(form, changes):
    box = control(form, "network.width")
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "abc")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert changes == []
    assert box.text() == "100"


def test_a_bad_value_is_told_under_the_field_and_the_last_good_one_stays(form, changes):
    box = control(form, "network.width")
    box.setValue(5000)
    said = error_shown(form, "network.width")
    assert said == "Width 5000 is not allowed: a whole number from 1 to 4096."
    assert box.text() == "5000"
    assert box.accessibleDescription() == said
    assert changes == []
    assert form.experiment == DEFAULT
    box.setValue(50)
    assert error_shown(form, "network.width") == ""
    assert changes == [(DEFAULT.with_value("network.width", 50), "")]


def test_a_rule_between_two_fields_is_told_too(form):
    unfold_all(form)
    box = control(form, "network.normalisation")
    box.setCurrentIndex(box.findData("batch"))
    control(form, "training.batch_size").setValue(1)
    assert "at least 2" in error_shown(form, "training.batch_size")


def test_fields_come_and_go_with_the_values_of_others(form):
    assert form.findChild(QWidget, "network.slope") is None
    box = control(form, "network.activation")
    box.setCurrentIndex(box.findData("leaky_relu"))
    assert control(form, "network.slope").isVisibleTo(form)
    box.setCurrentIndex(box.findData("tanh"))
    assert not [w for w in form.findChildren(QWidget, "network.slope") if w.isVisibleTo(form)]


def test_a_scheme_brings_its_own_parameters_and_other_rows_stay(form):
    width, scheme = control(form, "network.width"), control(form, "initialiser.scheme")
    scheme.setCurrentIndex(scheme.findData("uniform"))
    assert control(form, "initialiser.a").isVisibleTo(form)
    assert not [w for w in form.findChildren(QWidget, "initialiser.std") if w.isVisibleTo(form)]
    assert control(form, "network.width") is width


def test_advanced_settings_are_folded_until_asked_for(form):
    more = form.findChild(QToolButton, "network.more")
    dropout = form.findChild(QWidget, "network.dropout")
    assert not dropout.isVisibleTo(form)
    more.click()
    assert dropout.isVisibleTo(form)
    more.click()
    assert not dropout.isVisibleTo(form)


def test_what_is_set_from_outside_is_shown_and_not_announced(form, changes):
    other = DEFAULT.with_value("network.width", 37).with_value("initialiser.scheme", "he_normal")
    form.set_experiment(other)
    assert control(form, "network.width").value() == 37
    assert control(form, "initialiser.scheme").currentData() == "he_normal"
    assert form.experiment == other
    assert changes == []


def slider_of(form, key):
    return form.findChild(QSlider, f"{key}.slider")


def test_a_drag_announces_few_experiments_and_the_last_one_for_certain(qtbot, form, changes):
    slider = slider_of(form, "initialiser.std")
    start = slider.handle_centre().toPoint()
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for x in range(1, 61):
        QTest.mouseMove(slider, start + QPoint(x, 0))
    dragged_to = control(form, "initialiser.std").value()
    assert dragged_to > DEFAULT.initialiser.std
    assert len(changes) <= 2
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start + QPoint(60, 0))
    assert changes[-1] == (DEFAULT.with_value("initialiser.std", dragged_to), "initialiser.std")
    assert len(changes) <= 3


def test_while_a_drag_rests_its_value_is_announced(qtbot, form, changes):
    slider = slider_of(form, "network.width")
    start = slider.handle_centre().toPoint()
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(slider, start + QPoint(40, 0))
    qtbot.waitUntil(lambda: len(changes) == 1)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start + QPoint(40, 0))
    assert len(changes) == 1


def test_a_click_on_the_groove_moves_the_slider_there(form, changes):
    slider = slider_of(form, "network.hidden_layers")
    at = QPoint(slider.width() - 8, slider.height() // 2)
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=at)
    assert changes[-1][0].network.hidden_layers >= 29


def wheel(form, widget):
    """Turn the wheel once, as the window system would tell it."""
    form.ensureWidgetVisible(widget)
    at = QPointF(widget.mapTo(form, widget.rect().center()))
    QTest.wheelEvent(form.windowHandle(), at, QPoint(0, -120))


@pytest.mark.parametrize(
    "key",
    ["network.activation", "network.width", "initialiser.std", "network.hidden_layers.slider"],
)
def test_the_wheel_over_an_unfocused_control_scrolls_the_form(qtbot, form, changes, key):
    form.resize(300, 300)
    qtbot.waitUntil(lambda: form.verticalScrollBar().maximum() > 0)
    target = form.findChild(QWidget, key)
    form.ensureWidgetVisible(target)
    before = form.verticalScrollBar().value()
    wheel(form, target)
    assert changes == []
    assert form.verticalScrollBar().value() > before


def test_the_wheel_over_a_focused_slider_changes_it(form, changes):
    slider = slider_of(form, "network.hidden_layers")
    slider.setFocus()
    wheel(form, slider)
    assert changes[-1][0].network.hidden_layers < 10


def test_tab_goes_down_the_form(form):
    form.findChild(QWidget, "initialiser.scheme").setFocus()
    visited = []
    for _ in range(30):
        visited.append(QApplication.focusWidget().objectName())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    wanted = ["initialiser.scheme", "initialiser.std", "network.activation"]
    wanted += ["network.hidden_layers", "network.width", "training.data", "run.seed"]
    assert [name for name in visited if name in wanted][: len(wanted)] == wanted


def test_tab_still_goes_down_after_rows_were_replaced(form):
    box = control(form, "network.activation")
    box.setCurrentIndex(box.findData("leaky_relu"))
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Tab)
    assert QApplication.focusWidget().objectName() == "network.slope"


def test_each_kind_of_field_has_its_kind_of_control(form):
    unfold_all(form)
    kinds = {
        "initialiser.scheme": ComboBox,
        "network.width": WholeBox,
        "initialiser.std": NumberBox,
        "network.residual": CheckBox,
    }
    assert {key: type(control(form, key)) for key in kinds} == kinds


# -- texts that can be wrong -----------------------------------------------------------------------


@pytest.fixture
def formula(form):
    """A form with a formula of one's own; its field."""
    form.set_experiment(DEFAULT.with_value("initialiser.scheme", "formula"))
    return control(form, "initialiser.expression")


def type_text(box, text):
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def test_enter_applies_a_formula(form, formula, changes):
    type_text(formula, "0.5 * orthogonal()")
    assert [e.initialiser.expression for e, _ in changes] == ["0.5 * orthogonal()"]


def test_a_wrong_formula_is_told_and_training_keeps_the_last_good_one(form, formula, changes):
    before = form.experiment
    type_text(formula, "normal(0, sqr(2))")
    assert "sqr" in error_shown(form, "initialiser.expression")
    assert "initialiser." not in error_shown(form, "initialiser.expression")
    assert changes == []
    assert form.experiment == before


def test_a_wrong_formula_stays_to_be_mended_while_others_change(form, formula, changes):
    type_text(formula, "normal(0, sqr(2))")
    control(form, "network.width").setValue(50)
    assert formula.text() == "normal(0, sqr(2))"
    assert error_shown(form, "initialiser.expression")
    assert [e.network.width for e, _ in changes] == [50]
    type_text(formula, "normal(0, sqrt(2))")
    assert not error_shown(form, "initialiser.expression")
    assert changes[-1][0].initialiser.expression == "normal(0, sqrt(2))"


def test_the_text_that_stands_takes_its_error_away(form, formula):
    good = formula.text()
    type_text(formula, "((")
    assert error_shown(form, "initialiser.expression")
    type_text(formula, good)
    assert not error_shown(form, "initialiser.expression")


def test_another_experiment_takes_the_wrong_text_away(form, formula):
    type_text(formula, "((")
    form.set_experiment(form.experiment.with_value("network.width", 7))
    assert formula.text() == form.experiment.initialiser.expression
    assert not error_shown(form, "initialiser.expression")


def test_settings_are_called_by_their_labels_in_an_error(form):
    form.set_experiment(DEFAULT.with_value("training.data", "moons"))
    box = control(form, "network.architecture")
    box.setCurrentIndex(box.findData("cnn"))
    said = error_shown(form, "network.architecture")
    assert said.startswith("Architecture 'cnn' is not allowed with Data 'moons'")
    assert "training." not in said


# -- long lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("hen", "he_normal"),
        ("he_u", "he_uniform"),
        ("glorot u", "glorot_uniform"),
        ("keras", "keras_default"),
        ("delta", "delta_orthogonal"),
        ("own", "formula"),
        ("variance", "variance_scaling"),
        ("cun", "lecun_normal"),
    ],
)
def test_typing_finds_an_entry_by_its_words(form, changes, typed, found):
    box = control(form, "initialiser.scheme")
    box.setFocus()
    for letter in typed:
        box.view().keyboardSearch(letter)
    assert box.view().currentIndex().data(Qt.ItemDataRole.UserRole) == found


def test_typing_chooses_in_a_closed_list(form, changes):
    box = control(form, "initialiser.scheme")
    box.setFocus()
    QTest.keyClicks(box, "hen")
    assert box.currentData() == "he_normal"
    assert changes[-1][0].initialiser.name == "he_normal"


def test_the_same_letter_goes_from_one_entry_to_the_next(form):
    box = control(form, "network.activation")
    box.setFocus()
    seen = []
    for _ in range(4):
        QTest.keyClicks(box, "r")
        seen.append(box.currentData())
    assert seen == ["relu", "relu6", "relu", "relu6"]


def test_what_fits_nothing_changes_nothing(form, changes):
    box = control(form, "initialiser.scheme")
    box.setFocus()
    QTest.keyClicks(box, "qqxz")
    assert changes == []


def test_what_imitates_a_library_stands_apart(form):
    box = control(form, "initialiser.scheme")
    lines = [row for row in range(box.count()) if not box.itemText(row)]
    first = next(row for row in range(box.count()) if str(box.itemData(row)).startswith("keras."))
    assert lines == [first - 1]
    assert box.findData("keras.he_normal") > first


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_list_opens_wide_enough_for_its_entries(form, qtbot):
    box = control(form, "training.data")
    box.showPopup()
    assert box.view().width() >= box.view().sizeHintForColumn(0)
    box.hidePopup()
