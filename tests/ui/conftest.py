"""What several tests of the form need."""

import pytest

from initviz.lab.experiment import Experiment
from initviz.ui.form import ExperimentForm
from initviz.ui.theme import LIGHT


@pytest.fixture
def form(qtbot):
    """The form of the default experiment, on the screen."""
    made = ExperimentForm(Experiment())
    made.set_theme(LIGHT)
    qtbot.addWidget(made)
    made.resize(300, 700)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def changes(form):
    """The experiments that the form has announced so far."""
    heard = []
    form.changed.connect(lambda experiment, dragged: heard.append(experiment))
    return heard
