"""Every statistic against the slow, obvious way: by NumPy, compiled, and in device stacks."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from initviz.lab.quantities import BINS
from initviz.lab.snapshot import Histogram
from initviz.lab.statistics.compiled import LIBRARY, CompiledStatistics, host_statistics, load
from initviz.lab.statistics.device import DeviceStatistics, histogram_from_device
from initviz.lab.statistics.host import HistogramRows, HostStatistics

Array = NDArray[Any]
DEVICE = DeviceStatistics()
HOSTS = {"NumPy": HostStatistics(), "best": host_statistics()}
needs_c = pytest.mark.skipif(type(HOSTS["best"]) is HostStatistics, reason="not compiled")
each_host = pytest.mark.parametrize("host", HOSTS.values(), ids=list(HOSTS))
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
ON_HOST: dict[str, Callable[[HostStatistics, torch.Tensor], float]] = {
    "norm": lambda host, x: host.norm(x),
    "mean": lambda host, x: described(host, x)[0],
    "std": lambda host, x: described(host, x)[1],
    "norm, described": lambda host, x: described(host, x)[2],
    "mean, passed": lambda host, x: host.passed(torch.ones(2), x, torch.ones(2))[2],
    "std, passed": lambda host, x: host.passed(x, torch.ones(2), torch.ones(2))[1],
    "norm, passed": lambda host, x: host.passed(torch.ones(2), torch.ones(2), x)[4],
    "unit_std": lambda host, x: host.dependence(x)[0],
    "mean_cosine": lambda host, x: host.dependence(x)[1],
    "share_outside": lambda host, x: host.share_outside(x, (-1.0, 0.5)),
    "share_at_most": lambda host, x: host.share_at_most(x, 0.0),
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


@each_host
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("statistic", list(ON_HOST))
@pytest.mark.parametrize("case", list(CASES))
def test_statistic_on_the_host_is_the_obvious_one(
    case: str, statistic: str, dtype: type, host: HostStatistics
) -> None:
    x = CASES[case].astype(dtype)
    exact, slack = expected(statistic, x.astype(np.float64))
    with np.errstate(all="ignore"):
        found = ON_HOST[statistic](host, torch.from_numpy(x))
    assert found == pytest.approx(exact, rel=1e-4, abs=slack, nan_ok=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("statistic", list(REFERENCES))
@pytest.mark.parametrize("case", list(CASES))
def test_statistic_on_a_device_is_the_obvious_one(case: str, statistic: str, dtype: type) -> None:
    x = CASES[case].astype(dtype)
    exact, slack = expected(statistic, x.astype(np.float64))
    # Beside another shape, so that stacks are put back into order.
    other = torch.ones(3, 5, dtype=torch.from_numpy(x).dtype)
    found = ON_DEVICE[statistic]([other, torch.from_numpy(x)])[1].item()
    assert found == pytest.approx(exact, rel=1e-4, abs=10 * slack, nan_ok=True)


def expected(statistic: str, x: Array) -> tuple[float, float]:
    """The obvious value, and how far from it a value may be beside a share of itself."""
    statistic = statistic.split(",")[0]
    # A mean is known to a share of the values that it sums, a spread to a share of itself.
    slack = {"mean": 1e-6 * x_max(x), "mean_cosine": 1e-6}.get(statistic, 0.0)
    slack = 1e-9 * x_max(x) if statistic in ("std", "unit_std") else slack
    return REFERENCES[statistic](x), slack


def described(host: HostStatistics, x: torch.Tensor) -> tuple[float, float, float]:
    """Mean, standard deviation and norm."""
    return host.describe(x, HistogramRows(1), 0)


def counted(host: HostStatistics, *layers: torch.Tensor) -> Histogram:
    """The histograms of these layers."""
    rows = HistogramRows(len(layers))
    for index, layer in enumerate(layers):
        host.describe(layer, rows, index)
    return rows.histogram()


def every_histogram(x: Array) -> list[Histogram]:
    """That of the values in all ways."""
    tensor = torch.from_numpy(x)
    with np.errstate(all="ignore"):
        on_hosts = [counted(host, tensor) for host in HOSTS.values()]
    packed = DEVICE.histogram([tensor]).double().numpy()
    return [*on_hosts, histogram_from_device(packed)]


@pytest.mark.parametrize("case", list(CASES))
def test_histogram_counts_every_value_once_within_its_range(case: str) -> None:
    x = CASES[case].astype(np.float32)
    for found in every_histogram(x):
        assert found.counts.shape == (1, BINS)
        assert found.counts.sum() == x.size
        assert found.outside.sum() == 0
        assert found.edges[0, 0] <= x.min()
        assert x.max() <= found.edges[0, -1]
        exact, _ = np.histogram(x.astype(np.float64), found.edges[0])
        # A value within rounding of an edge may be counted on its other side.
        assert np.abs(np.cumsum(exact) - np.cumsum(found.counts[0])).max() <= x.size / 100


@needs_c
@given(
    shape=st.tuples(st.integers(1, 70), st.integers(1, 40)),
    exponent=st.integers(-25, 20),
    shift=st.sampled_from([0.0, 1.0, -300.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_c_and_numpy_count_the_same_histogram(
    shape: tuple[int, int], exponent: int, shift: float, seed: int
) -> None:
    values = np.random.default_rng(seed).standard_normal(shape) * 10.0**exponent + shift
    x = torch.tensor(values, dtype=torch.float32)
    one, two = (counted(host, x) for host in HOSTS.values())
    assert one.counts.tolist() == two.counts.tolist()
    assert one.edges.tolist() == two.edges.tolist()


@needs_c
@given(
    size=st.integers(1, 5000),
    exponent=st.integers(-30, 18),
    shift=st.sampled_from([0.0, 0.5, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_c_gives_the_moments_and_norms_of_float64(
    size: int, exponent: int, shift: float, seed: int
) -> None:
    values = np.random.default_rng(seed).standard_normal(size) * 10.0**exponent + shift
    x = torch.tensor(values, dtype=torch.float32)
    wide, host = x.double().numpy(), HOSTS["best"]
    scale = x_max(wide)
    assert host.norm(x) == pytest.approx(scale * np.linalg.norm(wide / scale), rel=1e-6)
    mean, std, norm = described(host, x)
    assert norm == host.norm(x)
    assert mean == pytest.approx(scale * np.mean(wide / scale), rel=1e-6, abs=1e-6 * scale)
    assert std == pytest.approx(scale * np.std(wide / scale), rel=1e-4, abs=1e-7 * scale)


@each_host
def test_a_change_is_what_plain_gradient_descent_changes(host: HostStatistics) -> None:
    generator = torch.Generator().manual_seed(0)
    for size in (1e-9, 1e-6, 1e-3, 1.0):
        before = torch.randn(40, 33, generator=generator)
        gradient = size * torch.randn(40, 33, generator=generator)
        after = before.clone()
        parameter = torch.nn.Parameter(after)
        parameter.grad = gradient
        torch.optim.SGD([parameter], lr=0.03).step()
        changed = (parameter.detach().double() - before.double()).norm().item()
        assert host.change(before, gradient, 0.03) == pytest.approx(changed, rel=1e-4)
        assert host.distance(parameter.detach(), before) == pytest.approx(changed, rel=1e-4)


@each_host
@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_make_moments_undefined(strange: float, host: HostStatistics) -> None:
    x = NORMAL.astype(np.float32)
    x[3, 4] = strange
    tensor = torch.from_numpy(x)
    with np.errstate(all="ignore"):
        assert not math.isfinite(described(host, tensor)[1])
        assert not math.isfinite(host.norm(tensor))
        assert not math.isfinite(host.dependence(tensor)[0])
    assert not math.isfinite(DEVICE.norm([tensor]).item())
    is_nan = bool(np.isnan(strange))
    assert math.isnan(host.share_at_most(tensor, 0.0)) == is_nan
    assert math.isnan(host.share_outside(tensor, (-1.0, 1.0))) == is_nan
    assert math.isnan(DEVICE.share_at_most([tensor], [0.0]).item()) == is_nan


@pytest.mark.parametrize("place", [(0, 0), (3, 4), (-1, -1)])
@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_counted(strange: float, place: tuple[int, int]) -> None:
    x = NORMAL.astype(np.float32)
    x[place] = strange
    for found in every_histogram(x):
        assert found.counts.sum() == x.size - 1
        assert found.outside[0].tolist() == [0, 0, int(np.isnan(strange)), int(np.isinf(strange))]


def test_a_histogram_of_nothing_finite_is_empty_and_says_so() -> None:
    for found in every_histogram(np.full((4, 4), np.nan, dtype=np.float32)):
        assert found.counts.sum() == 0
        assert found.outside[0].tolist() == [0, 0, 16, 0]
        assert (np.diff(found.edges) > 0).all()


def test_share_is_undefined_on_a_device_for_a_layer_without_a_limit() -> None:
    layers = [torch.ones(2, 2), torch.ones(2, 2)]
    assert np.isnan(DEVICE.share_at_most(layers, [None, 1.0]).numpy()).tolist() == [True, False]


def views(x: Array) -> list[torch.Tensor]:
    """Tensors whose values do not lie one after the other, as float32 and float64."""
    tensor = torch.from_numpy(x)
    orders = [tensor, tensor.permute(2, 0, 3, 1), tensor[:, :, ::2], tensor[:1].expand(x.shape)]
    return [order.to(dtype) for order in orders for dtype in (torch.float32, torch.float64)]


@each_host
@pytest.mark.parametrize("name", ["norm", "mean", "std", "share_outside", "share_at_most"])
def test_what_is_pooled_is_the_same_in_any_shape_and_order_in_memory(
    name: str, host: HostStatistics
) -> None:
    for values in views(np.random.default_rng(1).standard_normal((5, 4, 6, 3))):
        exact = REFERENCES[name](values.double().numpy().copy())
        # Single precision, where NumPy sums it.
        rel = 1e-12 if values.dtype == torch.float64 else 1e-5
        assert ON_HOST[name](host, values) == pytest.approx(exact, rel=rel)


@each_host
def test_a_histogram_is_the_same_in_any_order_in_memory(host: HostStatistics) -> None:
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((5, 4, 6, 3))).float()
    expected = counted(host, x).counts.tolist()
    assert counted(host, x.permute(3, 1, 0, 2)).counts.tolist() == expected


@each_host
@pytest.mark.parametrize("strange", [1.0, np.nan, np.inf])
def test_sums_of_millions_of_float32_values_are_exact_to_a_hundred_thousandth(
    strange: float, host: HostStatistics
) -> None:
    x = (np.random.default_rng(1).standard_normal((100, 100_000)) + 3.0).astype(np.float32)
    x[50, 7], x[99, 9] = strange, -strange
    wide, tensor = x.astype(np.float64), torch.from_numpy(x)
    with np.errstate(all="ignore"):
        mean, std, norm = described(host, tensor)
        found = [norm, mean, std, host.dependence(tensor)[0]]
        exact = [
            np.linalg.norm(wide),
            wide.mean(),
            wide.std(),
            math.sqrt(wide.var(axis=0).mean()),
        ]
    if math.isfinite(strange):
        assert found == pytest.approx(exact, rel=1e-5)
    assert np.isfinite(found).tolist() == np.isfinite(exact).tolist()


@each_host
def test_a_layer_without_values_is_an_error_and_no_crash(host: HostStatistics) -> None:
    with pytest.raises(ValueError, match="zero-size"):
        described(host, torch.empty(0, 4))


@each_host
def test_each_layer_is_counted_in_its_own_row(host: HostStatistics) -> None:
    rows = HistogramRows(3)
    strange = torch.tensor([[math.nan, math.inf, 1.0, 2.0]])
    with np.errstate(all="ignore"):
        host.describe(strange, rows, 2)
    host.describe(torch.tensor([[-1.0, 3.0, 3.0]]), rows, 0)
    found = rows.histogram()
    assert [row.nonzero()[0].tolist() for row in found.counts] == [[0, BINS - 1], [], [0, BINS - 1]]
    assert found.counts.sum(axis=1).tolist() == [3, 0, 2]
    assert found.edges[:, [0, -1]].tolist() == [[-1.0, 3.0], [0.0, 1.0], [1.0, 2.0]]
    assert found.outside.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]


def test_what_was_installed_with_a_compiler_measures_in_c() -> None:
    if sys.platform == "win32" or shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    assert LIBRARY.exists()
    assert isinstance(host_statistics(), CompiledStatistics)


def test_without_the_kernels_numpy_measures(tmp_path: Path) -> None:
    assert load(tmp_path / LIBRARY.name) is None
    (tmp_path / "damaged.so").write_bytes(b"not a library")
    assert load(tmp_path / "damaged.so") is None
