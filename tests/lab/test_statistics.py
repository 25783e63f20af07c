"""Every statistic against the slow, obvious way, on the CPU and in device stacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from initviz.lab.quantities import BINS
from initviz.lab.statistics import (
    DeviceStatistics,
    HostStatistics,
    histogram_from_device,
    joined,
)

Array = NDArray[Any]
HOST, DEVICE = HostStatistics(), DeviceStatistics()
RNG = np.random.default_rng(0)
NORMAL = RNG.standard_normal((64, 30))

CASES = {
    "normal": NORMAL,
    "tiny, squares underflow float32": NORMAL * 1e-27,
    "huge, squares overflow float32": NORMAL * 1e25,
    "mean much larger than spread": 0.5 + 1e-4 * NORMAL,
    "units differ, samples hardly": RNG.standard_normal((1, 30)) + 1e-5 * NORMAL,
    "all the same": np.full((64, 30), 0.3),
    "all zero": np.zeros((64, 30)),
    "one large value": np.where(NORMAL.max() == NORMAL, 1e6, NORMAL),
    "half zero": np.maximum(NORMAL, 0.0),
    "one sample": NORMAL[:1],
}


def reference_norm(x: Array) -> float:
    return math.sqrt(math.fsum(v * v for v in (x / x_max(x)).ravel())) * x_max(x)


def x_max(x: Array) -> float:
    return float(np.abs(x).max()) or 1.0


def reference_unit_std(x: Array) -> float:
    scale = x_max(x)
    return scale * math.sqrt(np.mean([np.var(column / scale) for column in x.T]))


def reference_cosine(x: Array) -> float:
    rows = [row / np.abs(row).max() for row in x if np.abs(row).max() > 0]
    rows = [row / np.linalg.norm(row) for row in rows]
    pairs = [a @ b for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
    return float(np.mean(pairs)) if pairs else math.nan


REFERENCES: dict[str, Callable[[Array], float]] = {
    "norm": reference_norm,
    "mean": lambda x: float(np.mean(x)),
    "std": lambda x: x_max(x) * float(np.std(x / x_max(x))),
    "unit_std": reference_unit_std,
    "mean_cosine": reference_cosine,
    "share_outside": lambda x: float(np.mean((x <= -1.0) | (x >= 0.5))),
    "share_at_most": lambda x: float(np.mean(x <= 0.0)),
}
ON_HOST: dict[str, Callable[[Array], float]] = {
    "norm": HOST.norm,
    "mean": lambda x: HOST.moments(x)[0],
    "std": lambda x: HOST.moments(x)[1],
    "unit_std": lambda x: HOST.dependence(x)[0],
    "mean_cosine": lambda x: HOST.dependence(x)[1],
    "share_outside": lambda x: HOST.share_outside(x, (-1.0, 0.5)),
    "share_at_most": lambda x: HOST.share_at_most(x, 0.0),
}
ON_DEVICE: dict[str, Callable[[list[torch.Tensor]], torch.Tensor]] = {
    "norm": DEVICE.norm,
    "mean": lambda x: DEVICE.moments(x)[0],
    "std": lambda x: DEVICE.moments(x)[1],
    "unit_std": lambda x: DEVICE.dependence(x)[0],
    "mean_cosine": lambda x: DEVICE.dependence(x)[1],
    "share_outside": lambda x: DEVICE.share_outside(x, [(-1.0, 0.5)] * len(x)),
    "share_at_most": lambda x: DEVICE.share_at_most(x, [0.0] * len(x)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("statistic", list(REFERENCES))
@pytest.mark.parametrize("case", list(CASES))
def test_statistic_is_the_obvious_one(case: str, statistic: str, dtype: type) -> None:
    x = CASES[case].astype(dtype)
    exact = REFERENCES[statistic](x.astype(np.float64))
    # A mean is known to a share of the values that it sums, a spread to a share of itself.
    slack = 1e-6 * x_max(x.astype(np.float64)) if statistic == "mean" else 0.0
    slack = 1e-6 if statistic == "mean_cosine" else slack
    if statistic in ("std", "unit_std"):
        slack = 1e-9 * x_max(x.astype(np.float64))
    with np.errstate(all="ignore"):
        host = ON_HOST[statistic](x)
    # Beside another shape, so that stacks are put back into order.
    other = torch.ones(3, 5, dtype=torch.from_numpy(x).dtype)
    device = ON_DEVICE[statistic]([other, torch.from_numpy(x)])[1].item()
    assert host == pytest.approx(exact, rel=1e-4, abs=slack, nan_ok=True)
    assert device == pytest.approx(exact, rel=1e-4, abs=10 * slack, nan_ok=True)


@pytest.mark.parametrize("case", list(CASES))
def test_histogram_counts_every_value_once_within_its_range(case: str) -> None:
    x = CASES[case].astype(np.float32)
    host = joined([HOST.histogram(x)])
    device = histogram_from_device(DEVICE.histogram([torch.from_numpy(x)]).double().numpy())
    for found in (host, device):
        assert found.counts.shape == (1, BINS)
        assert found.counts.sum() == x.size
        assert found.outside.sum() == 0
        assert found.edges[0, 0] <= x.min()
        assert x.max() <= found.edges[0, -1]
        exact, _ = np.histogram(x.astype(np.float64), found.edges[0])
        # A value within rounding of an edge may be counted on its other side.
        assert np.abs(np.cumsum(exact) - np.cumsum(found.counts[0])).max() <= x.size / 100


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_counted_and_make_moments_undefined(strange: float) -> None:
    x = NORMAL.astype(np.float32)
    x[3, 4] = strange
    with np.errstate(all="ignore"):
        host = joined([HOST.histogram(x)])
        assert not math.isfinite(HOST.moments(x)[1])
        assert not math.isfinite(HOST.norm(x))
        assert not math.isfinite(HOST.dependence(x)[0])
    device = histogram_from_device(DEVICE.histogram([torch.from_numpy(x)]).double().numpy())
    for found in (host, device):
        assert found.counts.sum() == x.size - 1
        assert found.outside[0].tolist() == [0, 0, int(np.isnan(strange)), int(np.isinf(strange))]
    assert not math.isfinite(DEVICE.norm([torch.from_numpy(x)]).item())
    assert math.isnan(HOST.share_at_most(x, 0.0)) == bool(np.isnan(strange))
    assert math.isnan(DEVICE.share_at_most([torch.from_numpy(x)], [0.0]).item()) == bool(
        np.isnan(strange)
    )


def test_a_histogram_of_nothing_finite_is_empty_and_says_so() -> None:
    x = np.full((4, 4), np.nan, dtype=np.float32)
    host = joined([HOST.histogram(x)])
    device = histogram_from_device(DEVICE.histogram([torch.from_numpy(x)]).double().numpy())
    for found in (host, device):
        assert found.counts.sum() == 0
        assert found.outside[0].tolist() == [0, 0, 16, 0]
        assert (np.diff(found.edges) > 0).all()


def test_share_is_undefined_on_a_device_for_a_layer_without_a_limit() -> None:
    layers = [torch.ones(2, 2), torch.ones(2, 2)]
    assert np.isnan(DEVICE.share_at_most(layers, [None, 1.0]).numpy()).tolist() == [True, False]


@pytest.mark.parametrize("name", ["norm", "mean", "std", "share_outside", "share_at_most"])
def test_what_is_pooled_is_the_same_in_any_shape_and_order_in_memory(name: str) -> None:
    x = np.random.default_rng(1).standard_normal((5, 4, 6, 3))
    for values in (x, x.transpose(2, 0, 3, 1), x[::-1, :, ::2], np.broadcast_to(x[:1], x.shape)):
        assert ON_HOST[name](values) == pytest.approx(REFERENCES[name](np.array(values)), rel=1e-12)


def test_a_histogram_is_the_same_in_any_order_in_memory() -> None:
    x = np.random.default_rng(1).standard_normal((5, 4, 6, 3))
    expected = HOST.histogram(x).counts
    for values in (x.transpose(3, 1, 0, 2), np.asfortranarray(x)):
        assert HOST.histogram(values).counts.tolist() == expected.tolist()


@pytest.mark.parametrize("strange", [1.0, np.nan, np.inf])
def test_sums_of_millions_of_float32_values_are_exact_to_a_hundred_thousandth(
    strange: float,
) -> None:
    x = (np.random.default_rng(1).standard_normal((100, 100_000)) + 3.0).astype(np.float32)
    x[50, 7], x[99, 9] = strange, -strange
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        found = [HOST.norm(x), *HOST.moments(x), HOST.dependence(x)[0]]
        expected = [
            np.linalg.norm(wide),
            wide.mean(),
            wide.std(),
            math.sqrt(wide.var(axis=0).mean()),
        ]
    if math.isfinite(strange):
        assert found == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(found).tolist() == np.isfinite(expected).tolist()
