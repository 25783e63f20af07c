"""A form in a window of its own, and how a person's hands are put on it."""

from PySide6.QtWidgets import QWidget


def control(form, key):
    """The control of this key that can be seen."""
    return next(w for w in form.findChildren(QWidget, key) if w.isVisibleTo(form))


def choose(form, key, value):
    """Choose a value of a list."""
    box = control(form, key)
    box.setCurrentIndex(box.findData(value))
