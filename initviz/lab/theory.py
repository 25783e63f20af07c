"""Mean-field theory of wide networks: the maps of one layer, and what they say of an experiment."""

from initviz.lab.correlation import (
    DepthScales,
    correlation_fixed_point,
    correlation_map,
    correlation_slope,
    depth_scales,
    pair_moments,
)
from initviz.lab.criticality import (
    Phase,
    chi_map,
    critical_line,
    critical_sigma_w,
    phase,
)
from initviz.lab.known_rates import Rate, known_rate
from initviz.lab.mean_field import (
    chi,
    fixed_point,
    fluctuations,
    gain,
    is_stable,
    length_map,
    length_slope,
    moments,
)
from initviz.lab.prediction import Prediction, predict

__all__ = [
    "DepthScales",
    "Phase",
    "Prediction",
    "Rate",
    "chi",
    "chi_map",
    "correlation_fixed_point",
    "correlation_map",
    "correlation_slope",
    "critical_line",
    "critical_sigma_w",
    "depth_scales",
    "fixed_point",
    "fluctuations",
    "gain",
    "is_stable",
    "known_rate",
    "length_map",
    "length_slope",
    "moments",
    "pair_moments",
    "phase",
    "predict",
]
