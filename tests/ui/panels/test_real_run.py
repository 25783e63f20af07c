"""The panels over what training really measures."""

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from initviz.lab.experiment import Experiment
from initviz.lab.training import run
from initviz.ui.panels import PANELS
from initviz.ui.panels.gradient_magnitude import GradientMagnitude


@pytest.fixture(scope="module")
def small_weights():
    return run(Experiment().with_value("initialiser.std", 0.01), steps=5)


@pytest.mark.parametrize(
    "kind",
    # The others are asked for, or found out, rather than recorded.
    [k for k in PANELS if k.name not in ("phase_map", "seeds") and not k.needs_analyst],
    ids=lambda kind: kind.name,
)
def test_every_panel_follows_a_run_step_by_step(kind, make_panel, lane, small_weights):
    panel = make_panel(kind)
    panel.show()
    pictures = []
    for step in range(6):
        panel.show_data([lane(small_weights, step)])
        QApplication.processEvents()
        pictures.append(panel.grab().toImage())
    assert panel.has_drawn
    assert any(picture != pictures[0] for picture in pictures[1:])


def test_the_signal_of_small_tanh_weights_falls_tenfold_a_layer(make_panel, lane, small_weights):
    panel = make_panel(GradientMagnitude, [lane(small_weights, 0)])
    panel.catch_up()
    header, rows = panel.table()
    signal = [dict(zip(header, row, strict=True)) for row in rows]
    exponents = [row["log10 of what is drawn"] for row in signal if row["gradient"] == "signal"]
    assert len(exponents) == 10
    assert np.diff(exponents) == pytest.approx(np.ones(9), abs=0.3)
    assert -10 < exponents[0] < -8
