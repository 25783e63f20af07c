"""A form of which only a part can be changed: for scenes to play with, and for challenges."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton, QWidget

from initviz.lab.experiment import Experiment
from initviz.ui.limits import Limits, covers

LAYERED = Experiment().with_layer("hidden 2")


def control(form, key):
    """The control of a setting as a person sees it; None where there is none to see."""
    found = [w for w in form.findChildren(QWidget, key) if w.isVisibleTo(form)]
    assert len(found) <= 1, key
    return found[0] if found else None


def keys_shown(form):
    keys = [field.key for field in form.experiment.fields()]
    return {key for key in keys if control(form, key)}


def unfold_all(form):
    for more in form.findChildren(QToolButton):
        if more.objectName().endswith(".more"):
            more.setChecked(True)


def test_a_locked_setting_is_shown_but_cannot_be_changed_and_its_tooltip_says_why(form):
    form.set_limits(["network.width"], reason="The width stays.")

    width, depth = control(form, "network.width"), control(form, "network.hidden_layers")
    assert not width.isEnabled()
    assert "The width stays." in width.toolTip()
    assert "The width stays." in width.accessibleDescription()
    assert depth.isEnabled()
    assert "stays" not in depth.toolTip()


def test_a_locked_number_has_a_locked_slider_that_keeps_its_own_name(form):
    form.set_limits(["network.width"])

    slider = control(form, "network.width.slider")
    assert not slider.isEnabled()
    assert slider.accessibleName() == "Width, slider"


def test_keys_pressed_on_a_locked_setting_change_nothing(form):
    heard = []
    form.changed.connect(lambda experiment, _: heard.append(experiment))
    form.set_limits(["network.width"])

    slider = control(form, "network.width.slider")
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(form.focusWidget() or slider, Qt.Key.Key_Right)

    assert form.experiment == Experiment()
    assert not [one for one in heard if one.network != Experiment().network]


def test_a_pattern_locks_a_whole_section_with_what_is_folded_away(form):
    unfold_all(form)
    form.set_limits(["training.*"])

    for key in keys_shown(form):
        assert control(form, key).isEnabled() != key.startswith("training."), key


def test_where_some_settings_are_free_all_others_are_locked(form):
    unfold_all(form)
    form.set_limits(free=["initialiser.*", "network.dropout"])

    for key in keys_shown(form):
        is_free = key.startswith("initialiser.") or key == "network.dropout"
        assert control(form, key).isEnabled() == is_free, key


def test_parameters_of_a_scheme_chosen_later_are_as_free_as_their_section(form):
    form.set_limits(free=["initialiser.*"])
    box = control(form, "initialiser.scheme")
    box.setCurrentIndex(box.findData("uniform"))

    assert control(form, "initialiser.a").isEnabled()

    form.set_limits(free=["network.*"])

    assert not control(form, "initialiser.a").isEnabled()


def test_a_hidden_setting_is_not_to_be_seen_and_keeps_its_value(form):
    form.set_limits(hidden=["network.activation"])

    assert control(form, "network.activation") is None
    assert form.experiment == Experiment()


def test_a_section_of_which_all_is_hidden_has_no_heading_left(form):
    unfold_all(form)
    form.set_limits(hidden=["training.*"])

    assert not [key for key in keys_shown(form) if key.startswith("training.")]
    assert control(form, "training.more") is None
    assert control(form, "run.seed") is not None


def test_without_limits_the_form_is_as_it_was_made(form):
    unfold_all(form)
    shown = keys_shown(form)
    tips = {key: control(form, key).toolTip() for key in shown}

    form.set_limits(["network.*"], ["training.*"], free=["run.seed"])
    form.set_limits()

    assert keys_shown(form) == shown
    for key in shown:
        assert control(form, key).isEnabled(), key
        assert control(form, key).toolTip() == tips[key], key


def test_limits_outlive_the_next_experiment(form):
    form.set_limits(["network.width"], ["network.activation"])
    form.set_experiment(Experiment.from_dict({"network": {"width": 7, "architecture": "cnn"}}))

    assert not control(form, "network.width").isEnabled()
    assert control(form, "network.activation") is None


def test_locked_layers_can_be_neither_added_nor_removed(form):
    form.set_experiment(LAYERED)
    unfold_all(form)
    assert control(form, "layers.0.remove").isEnabled()

    form.set_limits(["layers.*"], reason="The layers stay.")

    assert not control(form, "layers.add").isEnabled()
    assert "The layers stay." in control(form, "layers.add").toolTip()
    assert not control(form, "layers.0.remove").isEnabled()
    assert not control(form, "layers.0.width").isEnabled()


def test_hidden_layers_that_differ_stay_hidden_when_the_rest_is_unfolded(form):
    form.set_limits(hidden=["layers.*"])
    unfold_all(form)

    assert control(form, "layers.add") is None


@pytest.mark.parametrize(
    ("pattern", "key", "is_covered"),
    [
        ("network.width", "network.width", True),
        ("network.width", "network.width_of_all", False),
        ("network.*", "network.width", True),
        ("network.*", "networks.width", False),
        ("layers.*", "layers.0.initialiser.std", True),
        ("*", "network.width", False),
    ],
)
def test_a_pattern_covers_a_key_or_a_section(pattern, key, is_covered):
    assert covers([pattern], key) is is_covered


def test_what_is_free_is_locked_all_the_same_where_that_is_said():
    assert Limits(locked=["network.width"], free=["network.*"]).locks("network.width")
    assert not Limits(locked=["network.width"], free=["network.*"]).locks("network.dropout")
