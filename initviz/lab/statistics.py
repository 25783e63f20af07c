"""Statistics of many layers that neither underflow nor overflow.

Two ways to the same numbers:

* `HostStatistics` on the CPU: one layer at a time, by BLAS dot products on zero-copy NumPy views,
  which cost a fraction of what torch's own reductions do. The quick way is taken only where its
  rounding stays below about 1e-5; otherwise the values are shifted, or float64 takes over.
* `DeviceStatistics` on a GPU: all layers of one shape in one stack, rescaled by their largest
  value, so that nothing waits for the device until everything crosses at once.

The values of a layer are a matrix: (samples, units), or (fan_out, fan_in) for weights. They may
lie in memory in any order. On the CPU only `dependence` needs a matrix: what is pooled over all
values may have any shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.lab.quantities import BINS
from initviz.lab.snapshot import Counts, Floats, Histogram

Array = NDArray[Any]


# -- CPU ------------------------------------------------------------------------------------

#: Between these, a float32 sum of squares has lost nothing to underflow or overflow.
#: By the bytes of a value: this is looked up too often for a dtype's slow hash.
_SAFE = {4: (1e-27, 1e37), 8: (1e-280, 1e300)}
#: Longer sums are taken in pieces of this length: the longer, the more does float32 round away.
_PIECE = 1 << 20
#: A variance this much smaller than the second moment loses digits to cancellation.
_CANCELS = 0.1
#: A range of values narrower or wider than this is divided in float64.
_NARROW, _WIDE = 1e-30, 1e37
#: The greatest value of a layer belongs into the last bin, not behind it.
_BELOW_BINS = BINS * (1.0 - 1e-6)


class HostStatistics:
    """Statistics of one layer at a time, on the memory of its own tensors.

    It keeps scratch arrays, one for each shape, because making them anew costs as much as using
    them.
    """

    def __init__(self) -> None:
        self._ones: dict[tuple[int, int], Array] = {}
        self._scratch: dict[tuple[int, ...], _Scratch] = {}

    def norm(self, x: Array) -> float:
        """The Frobenius norm."""
        squares = _dot(x, x)
        low, high = _SAFE[x.itemsize]
        return math.sqrt(squares) if low < squares < high else _exact_norm(x)

    def moments(self, x: Array) -> tuple[float, float]:
        """Mean and standard deviation over all values."""
        low, high = _SAFE[x.itemsize]
        second, total = _dot(x, x), _dot(x, self._ones_of(x, x.size))
        mean = total / x.size
        variance = second / x.size - mean * mean
        if low < second < high and variance * x.size > _CANCELS * second:
            return mean, math.sqrt(variance)
        if not math.isfinite(total):
            mean = float(x.astype(np.float64).mean())
        return mean, _shifted_std(x, mean)

    def dependence(self, x: Array) -> tuple[float, float]:
        """How much the values still depend on the sample: (unit std, mean cosine).

        The first is the root mean square over units of the standard deviation over samples, the
        second the mean cosine between the vectors of two different samples; there vectors of
        length 0 are left out, and it is NaN where fewer than two are left.
        """
        ones = self._ones_of(x, len(x))
        low, high = _SAFE[x.itemsize]
        second, sums = _dot(x, x), ones @ x
        is_safe = low < second < high
        variance = second - _dot(sums, sums) / len(x)
        if is_safe and variance > _CANCELS * second:
            unit_std = math.sqrt(variance / x.size)
        else:
            unit_std = _shifted_unit_std(x, sums / len(x), ones)
        squares = np.einsum("ij,ij->i", x, x)
        if not (is_safe and squares.min() > low):
            x, squares = _scaled_rows(x)
        return unit_std, _mean_cosine(x, squares)

    def share_outside(self, x: Array, limits: tuple[float, float]) -> float:
        """Share of values at or beyond one of the limits; NaN with a NaN."""
        low, high = limits
        outside = float(np.count_nonzero(x <= low) + np.count_nonzero(x >= high)) / x.size
        return math.nan if self._has_nan(x) else outside

    def share_at_most(self, x: Array, limit: float) -> float:
        """Share of values at or below the limit; NaN with a NaN."""
        at_most = float(np.count_nonzero(x <= limit)) / x.size
        return math.nan if self._has_nan(x) else at_most

    def _has_nan(self, x: Array) -> bool:
        # A sum is finite where nothing is NaN or infinite, and costs half as much as a look.
        total = _dot(x, self._ones_of(x, x.size))
        return not math.isfinite(total) and bool(np.isnan(x).any())

    def histogram(self, x: Array) -> Bins:
        """Counts in `BINS` bins from the least to the greatest finite value."""
        low, high = float(x.min()), float(x.max())
        # A range near the resolution of the values, or one that float32 cannot divide by.
        if not max(_NARROW, 1e-4 * max(-low, high)) < high - low < _WIDE:
            return _careful_histogram(x)
        scratch = self._scratch_of(x)
        scaled = np.subtract(x, low, out=scratch.scaled)
        np.multiply(scaled, _BELOW_BINS / (high - low), out=scaled)
        # As bytes, torch counts them at half a nanosecond a value; NumPy needs three times that.
        np.copyto(scratch.bins, scaled, casting="unsafe")
        return Bins(torch.bincount(scratch.flat, minlength=BINS).numpy(), low, high)

    def _ones_of(self, x: Array, size: int) -> Array:
        ones = self._ones.get((size, x.itemsize))
        if ones is None:
            ones = self._ones[size, x.itemsize] = np.ones(size, dtype=x.dtype)
        return ones

    def _scratch_of(self, x: Array) -> _Scratch:
        key = (x.itemsize, *x.shape)
        scratch = self._scratch.get(key)
        if scratch is None:
            scratch = self._scratch[key] = _Scratch.like(x)
        return scratch


class Bins(NamedTuple):
    """The histogram of one layer: counts (bins,), range, and NaN and infinite values."""

    counts: Array
    low: float
    high: float
    nan: int = 0
    infinite: int = 0


def joined(layers: Sequence[Bins]) -> Histogram:
    """The histograms of all layers as one value."""
    outside = [(0, 0, layer.nan, layer.infinite) for layer in layers]
    return Histogram(
        np.array([layer.counts for layer in layers], dtype=np.int32),
        np.array([layer.low for layer in layers]),
        np.array([layer.high for layer in layers]),
        np.array(outside, dtype=np.int32),
    )


@dataclass(frozen=True)
class _Scratch:
    """Room to turn the values of one layer into bin numbers; `flat` shares memory with `bins`."""

    scaled: Array
    bins: NDArray[np.uint8]
    flat: Tensor

    @staticmethod
    def like(x: Array) -> _Scratch:
        bins = np.empty(x.shape, dtype=np.uint8)
        return _Scratch(np.empty_like(x), bins, torch.from_numpy(bins).view(-1))


def view(tensor: Tensor) -> Array:
    """The tensor's own memory as an array, without its history."""
    array: Array = tensor.detach().numpy()
    return array


def _dot(x: Array, y: Array) -> float:
    """The sum of the products of all values."""
    if x.size <= _PIECE:
        return float(np.vdot(x, y))
    x, y = x.ravel(), y.ravel()
    ends = range(0, x.size, _PIECE)
    return sum(float(np.vdot(x[i : i + _PIECE], y[i : i + _PIECE])) for i in ends)


def _exact_norm(x: Array) -> float:
    largest = float(np.abs(x).max()) if x.size else 0.0
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    scaled = x.astype(np.float64) / largest
    return largest * math.sqrt(_dot(scaled, scaled))


def _shifted_std(x: Array, mean: float) -> float:
    shifted = x - x.dtype.type(mean)
    second = _dot(shifted, shifted)
    low, high = _SAFE[x.itemsize]
    if low < second < high:
        rest = float(np.add.reduce(shifted, axis=None)) / x.size
        return math.sqrt(max(second / x.size - rest * rest, 0.0))
    scale = float(np.abs(x).max())
    if scale == 0.0 or not math.isfinite(scale):
        return 0.0 if scale == 0.0 else math.nan
    return scale * float(np.std(x.astype(np.float64) / scale))


def _shifted_unit_std(x: Array, means: Array, ones: Array) -> float:
    shifted = x - means
    second, sums = _dot(shifted, shifted), ones @ shifted
    low, high = _SAFE[x.itemsize]
    if low < second < high:
        variance = second - _dot(sums, sums) / len(x)
        return math.sqrt(max(variance, 0.0) / x.size)
    scale = float(np.abs(x).max())
    if scale == 0.0 or not math.isfinite(scale):
        return 0.0 if scale == 0.0 else math.nan
    spread = (x.astype(np.float64) / scale).std(axis=0)
    return scale * math.sqrt(float(np.mean(spread * spread)))


def _mean_cosine(x: Array, squares: Array) -> float:
    """Over the rows of x, whose squared lengths are given and not 0."""
    if len(squares) < 2:
        return math.nan
    total = (1.0 / np.sqrt(squares)) @ x
    pairs = len(squares) * (len(squares) - 1)
    # Rounding may leave a whisker above 1 where all vectors are the same.
    return min((_dot(total, total) - len(squares)) / pairs, 1.0)


def _scaled_rows(x: Array) -> tuple[Array, Array]:
    """The rows that are not 0, in float64 and divided by their largest value; their squares."""
    wide = x.astype(np.float64)
    largest = np.abs(wide).max(axis=1)
    rows = wide[largest > 0] / largest[largest > 0, None]
    return rows, np.einsum("ij,ij->i", rows, rows)


def _careful_histogram(x: Array) -> Bins:
    """For layers with NaN, infinity, one single value, or a range that float32 cannot divide."""
    values = x.astype(np.float64).ravel()
    finite = values[np.isfinite(values)]
    nan, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    if finite.size == 0:
        return Bins(np.zeros(BINS, dtype=np.int64), 0.0, 1.0, nan, infinite)
    low, high = float(finite.min()), float(finite.max())
    if not high - low > abs(low) * 1e-12:
        half = max(abs(low) * 1e-3, 1e-12)
        low, high = low - half, high + half
    scale = max(abs(low), abs(high))
    counts, _ = np.histogram(finite / scale, BINS, (low / scale, high / scale))
    return Bins(counts, low, high, nan, infinite)


# -- GPU ------------------------------------------------------------------------------------


class DeviceStatistics:
    """Statistics of all layers at once, where they are: one number for each layer (L,).

    As `HostStatistics`; where a layer has no limit (None), its share is NaN.
    """

    def norm(self, layers: Sequence[Tensor]) -> Tensor:
        return _stacked(layers, lambda x, scale: scale * x.square().sum((1, 2)).sqrt())

    def moments(self, layers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        means = _stacked(layers, lambda x, scale: scale * x.mean((1, 2)))
        return means, _stacked(layers, lambda x, scale: scale * _spread(x, (1, 2)).sqrt())

    def dependence(self, layers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        stds = _stacked(layers, lambda x, scale: scale * _spread(x, (1,)).mean(1).sqrt())
        return stds, _stacked(layers, lambda x, _: _stacked_cosine(x))

    def share_outside(
        self, layers: Sequence[Tensor], limits: Sequence[tuple[float, float] | None]
    ) -> Tensor:
        low = _limits(layers, [limit[0] if limit else math.nan for limit in limits])
        high = _limits(layers, [limit[1] if limit else math.nan for limit in limits])
        return _by_shape(
            layers, lambda x, i: _stacked_share(x, (x <= low[i]) | (x >= high[i]), low[i])
        )

    def share_at_most(self, layers: Sequence[Tensor], limits: Sequence[float | None]) -> Tensor:
        limit = _limits(layers, [math.nan if bound is None else bound for bound in limits])
        return _by_shape(layers, lambda x, i: _stacked_share(x, x <= limit[i], limit[i]))

    def histogram(self, layers: Sequence[Tensor]) -> Tensor:
        """(L, BINS + 4): counts, then NaN and infinite counts, then the range."""
        return _by_shape(layers, lambda x, _: _stacked_histogram(x))


def _limits(layers: Sequence[Tensor], limits: Sequence[float]) -> Tensor:
    return torch.tensor(limits, dtype=layers[0].dtype, device=layers[0].device)[:, None, None]


def _by_shape(layers: Sequence[Tensor], statistic: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """`statistic` of the stack of each shape (and which layers it holds), in layer order."""
    groups: dict[torch.Size, list[int]] = {}
    for index, layer in enumerate(layers):
        groups.setdefault(layer.shape, []).append(index)
    results = []
    for group in groups.values():
        stack = torch.stack([layers[i].detach() for i in group])
        results.append(statistic(stack, torch.tensor(group, device=stack.device)))
    order = torch.tensor([i for group in groups.values() for i in group])
    return torch.cat(results)[torch.argsort(order).to(results[0].device)]


def _stacked(layers: Sequence[Tensor], statistic: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """A statistic of (x / scale, scale), where scale is each layer's largest absolute value."""

    def scaled(stack: Tensor, _which: Tensor) -> Tensor:
        scale = stack.abs().amax((1, 2))
        divisor = torch.where(scale > 0, scale, torch.ones_like(scale))
        return statistic(stack / divisor[:, None, None], divisor)

    return _by_shape(layers, scaled)


def _spread(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The variance over `dims`, after a shift by the mean, so that nothing cancels."""
    shifted = x - x.mean(dims, keepdim=True)
    return (shifted.square().mean(dims) - shifted.mean(dims).square()).clamp_min(0.0)


def _stacked_cosine(x: Tensor) -> Tensor:
    largest = x.abs().amax(2, keepdim=True)
    rows = x / torch.where(largest > 0, largest, torch.ones_like(largest))
    lengths = rows.square().sum(2, keepdim=True).sqrt()
    unit = torch.where(lengths > 0, rows / lengths, torch.zeros_like(rows))
    count = (lengths != 0).sum((1, 2)).to(x.dtype)
    total = unit.sum(1).square().sum(1)
    return torch.where(
        count > 1, ((total - count) / (count * (count - 1))).clamp_max(1.0), torch.nan
    )


def _stacked_share(stack: Tensor, counted: Tensor, limit: Tensor) -> Tensor:
    """The share of `counted`, NaN where a layer has no limit or a NaN among its values."""
    undefined = stack.isnan().flatten(1).any(1) | limit.flatten().isnan()
    return torch.where(undefined, torch.nan, counted.to(stack.dtype).mean((1, 2)))


def _stacked_histogram(stack: Tensor) -> Tensor:
    values = stack.flatten(1)
    finite = values.isfinite()
    low = torch.where(finite, values, torch.inf).amin(1)
    high = torch.where(finite, values, -torch.inf).amax(1)
    single = ~(high - low > low.abs() * 1e-12)
    half = (low.abs() * 1e-3).clamp_min(1e-12)
    low, high = torch.where(single, low - half, low), torch.where(single, high + half, high)
    share = (values - low[:, None]) / (high - low)[:, None]
    bins = (share * BINS).nan_to_num(0.0).clamp(0, BINS - 1).long()
    # Counted as whole numbers: float32 stops counting at 2²⁴.
    counts = torch.zeros(len(stack), BINS, dtype=torch.int32, device=stack.device)
    counts.scatter_add_(1, bins, finite.to(torch.int32))
    nan, infinite = values.isnan().sum(1), values.isinf().sum(1)
    rest = torch.stack([nan.to(stack.dtype), infinite.to(stack.dtype), low, high], 1)
    return torch.cat([counts.to(stack.dtype), rest], 1)


def histogram_from_device(packed: Floats) -> Histogram:
    """The histograms that `DeviceStatistics.histogram` packed, after they crossed."""
    counts: Counts = packed[:, :BINS].astype(np.int32)
    outside = np.zeros((len(packed), 4), dtype=np.int32)
    outside[:, 2:] = packed[:, BINS : BINS + 2]
    empty = ~np.isfinite(packed[:, BINS + 2])
    low = np.where(empty, 0.0, packed[:, BINS + 2])
    high = np.where(empty, 1.0, packed[:, BINS + 3])
    return Histogram(counts, low, high, outside)
