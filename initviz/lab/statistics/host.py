"""Statistics on the CPU, by BLAS dot products on zero-copy NumPy views.

These cost a fraction of what torch's own reductions do. The quick way is taken only where its
rounding stays below about 1e-5; otherwise the values are shifted, or float64 takes over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.lab.quantities import BINS
from initviz.lab.snapshot import Histogram

Array = NDArray[Any]
#: Mean, standard deviation, Frobenius norm.
Description = tuple[float, float, float]

#: Between these, a float32 sum of squares has lost nothing to underflow or overflow.
#: By the bytes of a value: this is looked up too often for a dtype's slow hash.
_SAFE = {4: (1e-27, 1e37), 8: (1e-280, 1e300)}
#: Longer sums are taken in pieces of this length: the longer, the more does float32 round away.
_PIECE = 1 << 20
#: A variance this much smaller than the second moment loses digits to cancellation.
_CANCELS = 0.1
#: A range narrower than the first, than the second's share of its values, or wider than the third
#: is divided in float64.
NARROW, SHARE, WIDE = 1e-30, 1e-4, 1e37
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

    def norm(self, x: Tensor) -> float:
        """The Frobenius norm."""
        return _norm(view(x))

    def distance(self, x: Tensor, y: Tensor) -> float:
        """The Frobenius norm of x − y."""
        return _norm(np.subtract(view(x), view(y)))

    def change(self, x: Tensor, gradient: Tensor, step_size: float) -> float:
        """The Frobenius norm of (x − step_size · gradient) − x, with the rounding of both."""
        before = view(x)
        after = before - before.dtype.type(step_size) * view(gradient)
        return _norm(np.subtract(after, before, out=after))

    def moments(self, x: Tensor) -> tuple[float, float]:
        """Mean and standard deviation over all values."""
        values = view(x)
        low, high = _SAFE[values.itemsize]
        second, total = _dot(values, values), _dot(values, self._ones_of(values, values.size))
        mean = total / values.size
        variance = second / values.size - mean * mean
        if low < second < high and variance * values.size > _CANCELS * second:
            return mean, math.sqrt(variance)
        if not math.isfinite(total):
            mean = float(values.astype(np.float64).mean())
        return mean, _shifted_std(values, mean)

    def passed(
        self, z: Tensor, a: Tensor, weight: Tensor
    ) -> tuple[float, float, float, float, float]:
        """What every measured pass asks of a layer: the moments of z and of a, the norm of W."""
        return *self.moments(z), *self.moments(a), self.norm(weight)

    def dependence(self, x: Tensor) -> tuple[float, float]:
        """How much the values still depend on the sample: (unit std, mean cosine).

        The first is the root mean square over units of the standard deviation over samples, the
        second the mean cosine between the vectors of two different samples; there vectors of
        length 0 are left out, and it is NaN where fewer than two are left.
        """
        rows = view(x).reshape(len(x), -1)
        ones = self._ones_of(rows, len(rows))
        low, high = _SAFE[rows.itemsize]
        second, sums = _dot(rows, rows), ones @ rows
        is_safe = low < second < high
        variance = second - _dot(sums, sums) / len(rows)
        if is_safe and variance > _CANCELS * second:
            unit_std = math.sqrt(variance / rows.size)
        else:
            unit_std = _shifted_unit_std(rows, sums / len(rows), ones)
        squares = np.einsum("ij,ij->i", rows, rows)
        if not (is_safe and squares.min() > low):
            rows, squares = _scaled_rows(rows)
        return unit_std, _mean_cosine(rows, squares)

    def share_outside(self, x: Tensor, limits: tuple[float, float]) -> float:
        """Share of values at or beyond one of the limits; NaN with a NaN."""
        values, (low, high) = view(x), limits
        outside = np.count_nonzero(values <= low) + np.count_nonzero(values >= high)
        return math.nan if self._has_nan(values) else float(outside) / values.size

    def share_at_most(self, x: Tensor, limit: float) -> float:
        """Share of values at or below the limit; NaN with a NaN."""
        values = view(x)
        at_most = float(np.count_nonzero(values <= limit)) / values.size
        return math.nan if self._has_nan(values) else at_most

    def _has_nan(self, values: Array) -> bool:
        # A sum is finite where nothing is NaN or infinite, and costs half as much as a look.
        total = _dot(values, self._ones_of(values, values.size))
        return not math.isfinite(total) and bool(np.isnan(values).any())

    def describe(self, x: Tensor, rows: HistogramRows, index: int) -> Description:
        """Mean, standard deviation and norm of a layer; its histogram goes into its row."""
        self.count(x, rows, index)
        return *self.moments(x), self.norm(x)

    def count(self, x: Tensor, rows: HistogramRows, index: int) -> None:
        """Count the histogram of a layer, in bins from its least to its greatest finite value."""
        values = view(x)
        low, high = float(values.min()), float(values.max())
        # A range near the resolution of the values, or one that float32 cannot divide by.
        if not max(NARROW, SHARE * max(-low, high)) < high - low < WIDE:
            _count_with_care(values, rows, index)
            return
        scratch = self._scratch_of(values)
        scaled = np.subtract(values, low, out=scratch.scaled)
        np.multiply(scaled, _BELOW_BINS / (high - low), out=scaled)
        # As bytes, torch counts them at half a nanosecond a value; NumPy needs three times that.
        np.copyto(scratch.bins, scaled, casting="unsafe")
        rows.counts[index] = torch.bincount(scratch.flat, minlength=BINS).numpy()
        rows.limit(index, low, high)

    def _ones_of(self, values: Array, size: int) -> Array:
        ones = self._ones.get((size, values.itemsize))
        if ones is None:
            ones = self._ones[size, values.itemsize] = np.ones(size, dtype=values.dtype)
        return ones

    def _scratch_of(self, values: Array) -> _Scratch:
        key = (values.itemsize, *values.shape)
        scratch = self._scratch.get(key)
        if scratch is None:
            scratch = self._scratch[key] = _Scratch.like(values)
        return scratch


class HistogramRows:
    """The histograms of all layers, while they are counted one by one."""

    def __init__(self, layers: int) -> None:
        self.counts = np.zeros((layers, BINS), dtype=np.int32)
        self._low, self._high = np.zeros(layers), np.ones(layers)
        self._outside = np.zeros((layers, 4), dtype=np.int32)
        self._address = self.counts.ctypes.data

    def address(self, index: int) -> int:
        """Where in memory the counts of a layer lie."""
        return self._address + index * BINS * self.counts.itemsize

    def limit(self, index: int, low: float, high: float) -> None:
        """The bins of a layer reach from `low` to `high`."""
        self._low[index], self._high[index] = low, high

    def leave_out(self, index: int, nan: int, infinite: int) -> None:
        """So many values of a layer are in no bin."""
        self._outside[index] = 0, 0, nan, infinite

    def histogram(self) -> Histogram:
        """All of them; a layer that was not counted is empty."""
        return Histogram(self.counts, self._low, self._high, self._outside)


def view(tensor: Tensor) -> Array:
    """The tensor's own memory as an array, without its history."""
    array: Array = tensor.detach().numpy()
    return array


@dataclass(frozen=True)
class _Scratch:
    """Room to turn the values of one layer into bin numbers; `flat` shares memory with `bins`."""

    scaled: Array
    bins: NDArray[np.uint8]
    flat: Tensor

    @staticmethod
    def like(values: Array) -> _Scratch:
        bins = np.empty(values.shape, dtype=np.uint8)
        return _Scratch(np.empty_like(values), bins, torch.from_numpy(bins).view(-1))


def _norm(x: Array) -> float:
    squares = _dot(x, x)
    low, high = _SAFE[x.itemsize]
    return math.sqrt(squares) if low < squares < high else _exact_norm(x)


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


def _count_with_care(x: Array, rows: HistogramRows, index: int) -> None:
    """For layers with NaN, infinity, one single value, or a range that float32 cannot divide."""
    values = x.astype(np.float64).ravel()
    finite = values[np.isfinite(values)]
    rows.leave_out(index, int(np.isnan(values).sum()), int(np.isinf(values).sum()))
    if finite.size == 0:
        return
    low, high = float(finite.min()), float(finite.max())
    if not high - low > abs(low) * 1e-12:
        half = max(abs(low) * 1e-3, 1e-12)
        low, high = low - half, high + half
    scale = max(abs(low), abs(high))
    rows.counts[index], _ = np.histogram(finite / scale, BINS, (low / scale, high / scale))
    rows.limit(index, low, high)
