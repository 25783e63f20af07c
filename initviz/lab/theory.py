"""Mean-field theory of wide networks: the maps of one layer, and what they say of an experiment."""

from initviz.lab.mean_field import (
    chi,
    critical_sigma_w,
    fixed_point,
    gain,
    moments,
)
from initviz.lab.prediction import Prediction, predict

__all__ = [
    "Prediction",
    "chi",
    "critical_sigma_w",
    "fixed_point",
    "gain",
    "moments",
    "predict",
]
