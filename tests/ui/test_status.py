"""What a lane is called."""

import pytest

from initviz.lab.experiment import Experiment
from initviz.ui.status import lane_label


@pytest.mark.parametrize(
    ("scheme", "label"),
    [
        ("scheme = 'normal'\nstd = 0.35", "normal, std 0.35"),
        ("scheme = 'glorot_normal'", "Glorot normal"),
        ("scheme = 'orthogonal'\ngain = 2", "orthogonal, gain 2"),
        ("scheme = 'uniform'\na = 0\nb = 1", "uniform, a 0, b 1"),
        ("scheme = 'zeros'", "zeros"),
        ("scheme = 'he_normal'\nbias = 0.1", "He normal, bias 0.1"),
    ],
)
def test_a_lane_is_called_by_what_tells_it_from_others(scheme, label):
    assert lane_label(Experiment.from_toml(f"[initialiser]\n{scheme}\n")) == label
