"""Statistics on a GPU: all layers of one shape in one stack, so that nothing waits for the device.

Values are divided by their largest, so that squares neither underflow nor overflow, and everything
crosses at once at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from initviz.lab.quantities import BINS
from initviz.lab.snapshot import Counts, Floats, Histogram


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
