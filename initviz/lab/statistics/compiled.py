"""Statistics on the CPU in C: the kernels of kernels.c, where they were compiled.

Installing compiles them (hatch_build.py) where there is a compiler. Without them everything works
and gives the same numbers, by NumPy.
"""

from __future__ import annotations

import ctypes
import math
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from initviz.lab.quantities import BINS
from initviz.lab.statistics.host import (
    NARROW,
    SHARE,
    WIDE,
    Description,
    HistogramRows,
    HostStatistics,
)

LIBRARY = Path(__file__).with_name("kernels.so.1")
#: A variance this much smaller than the second moment loses digits to cancellation, in float64.
_CANCELS = 1e-9
_NO_LIMIT = math.nan
#: What `describe` says it has done.
_IS_GOOD, _IS_COUNTED = 1, 2


def host_statistics() -> HostStatistics:
    """The quickest statistics that there are for the CPU."""
    library = load(LIBRARY)
    return HostStatistics() if library is None else CompiledStatistics(library)


@cache
def load(path: Path) -> ctypes.PyDLL | None:
    """The kernels of a library, None where there is none."""
    try:
        # A call takes microseconds: letting go of the interpreter for it would take longer.
        library = ctypes.PyDLL(str(path))
    except OSError:
        return None
    values, size, number = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_double
    limit, integer = ctypes.c_float, ctypes.c_int
    for name, result, arguments in (
        ("norm", number, (values, size)),
        ("distance", number, (values, values, size)),
        ("change", number, (values, values, size, limit)),
        ("passed", integer, (values, size, values, size, values, size, number, values)),
        ("dependence", integer, (values, size, size, number, values, values)),
        ("share_outside", number, (values, size, limit, limit)),
        (
            "describe",
            integer,
            (values, size, number, integer, number, number, number, values, values),
        ),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class CompiledStatistics(HostStatistics):
    """`HostStatistics` of float32 values in their order; of others as NumPy does it."""

    def __init__(self, library: ctypes.PyDLL) -> None:
        super().__init__()
        self._library = library
        self._found = (ctypes.c_double * 5)()
        self._columns: dict[int, ctypes.Array[ctypes.c_double]] = {}

    def norm(self, x: Tensor) -> float:
        if not _is_plain(x):
            return super().norm(x)
        found: float = self._library.norm(x.data_ptr(), x.numel())
        return found

    def distance(self, x: Tensor, y: Tensor) -> float:
        if not (_is_plain(x) and _is_plain(y)):
            return super().distance(x, y)
        found: float = self._library.distance(x.data_ptr(), y.data_ptr(), x.numel())
        return found

    def change(self, x: Tensor, gradient: Tensor, step_size: float) -> float:
        if not (_is_plain(x) and _is_plain(gradient)):
            return super().change(x, gradient, step_size)
        found: float = self._library.change(x.data_ptr(), gradient.data_ptr(), x.numel(), step_size)
        return found

    def passed(
        self, z: Tensor, a: Tensor, weight: Tensor
    ) -> tuple[float, float, float, float, float]:
        if not (_is_plain(z) and _is_plain(a) and _is_plain(weight)):
            return super().passed(z, a, weight)
        found, layer = self._found, (z.data_ptr(), z.numel(), a.data_ptr(), a.numel())
        is_exact = self._library.passed(*layer, weight.data_ptr(), weight.numel(), _CANCELS, found)
        z_mean, z_std, a_mean, a_std, norm = found
        return (z_mean, z_std, a_mean, a_std, norm) if is_exact else super().passed(z, a, weight)

    def dependence(self, x: Tensor) -> tuple[float, float]:
        if not _is_plain(x):
            return super().dependence(x)
        rows, found = len(x), self._found
        columns = x.numel() // rows
        scratch = self._columns.get(columns)
        if scratch is None:
            scratch = self._columns[columns] = (ctypes.c_double * (2 * columns))()
        is_exact = self._library.dependence(x.data_ptr(), rows, columns, _CANCELS, scratch, found)
        return (found[0], found[1]) if is_exact else super().dependence(x)

    def share_outside(self, x: Tensor, limits: tuple[float, float]) -> float:
        if not _is_plain(x):
            return super().share_outside(x, limits)
        found: float = self._library.share_outside(x.data_ptr(), x.numel(), *limits)
        return found

    def share_at_most(self, x: Tensor, limit: float) -> float:
        if not _is_plain(x):
            return super().share_at_most(x, limit)
        return self.share_outside(x, (limit, _NO_LIMIT))

    def describe(self, x: Tensor, rows: HistogramRows, index: int) -> Description:
        if not _is_plain(x):
            return super().describe(x, rows, index)
        values, found, room = (x.data_ptr(), x.numel()), self._found, rows.address(index)
        done = self._library.describe(*values, _CANCELS, BINS, NARROW, SHARE, WIDE, found, room)
        mean, std, norm, low, high = found
        if done & _IS_COUNTED:
            rows.limit(index, low, high)
        else:
            self.count(x, rows, index)
        return (mean, std, norm) if done & _IS_GOOD else (*self.moments(x), norm)


def _is_plain(x: Tensor) -> bool:
    """Whether its values are float32 and lie one after the other."""
    return x.dtype is torch.float32 and x.is_contiguous()
