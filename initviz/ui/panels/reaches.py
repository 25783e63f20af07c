"""How far from 0 the histograms of a run have reached: for axes that grow and never shrink.

An axis depends on the run and on the step that is looked at, and on nothing that was looked at
before: a replay draws what the live run drew.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from initviz.lab.recording import Recording
from initviz.lab.snapshot import Histogram
from initviz.ui.panels.axes import LADDER, Floats

#: The share of a layer's values that may lie beyond a range for all, where they are far out.
BEYOND = 0.01
#: Far out is so many times as far as the others.
_FAR_OUT = 2.0
#: A layer's own range is wider than its widest histogram by this, as batches differ.
_ROOM = 1.25
#: It looks back over so many lookouts, which is the last 40 % of a long run, and to step 0.
_BACK = 8


def _lookouts(last: float) -> tuple[int, ...]:
    steps = [*range(21)]
    while steps[-1] < last:
        steps.append(round(steps[-1] * 1.07) + 1)
    return tuple(steps)


#: The steps at which one looks how far the histograms reach.
LOOKOUTS = _lookouts(1e15)


def reaches(histogram: Histogram) -> Floats:
    """How far from 0 the values of each layer go (2, L): without a few far-out ones, and all.

    0 where there is no number, or all are 0.
    """
    counts = histogram.counts.astype(np.float64)
    share = np.cumsum(counts, axis=1)
    total = share[:, -1]
    low, high = histogram.low, histogram.high
    # A layer of equal values has one full bin; around 0 its width means nothing.
    nothing = (total == 0) | ((low == -high) & (counts.max(axis=1) == total))
    share /= np.maximum(total, 1.0)[:, None]
    width = (high - low) / counts.shape[1]
    first = low + width * np.argmax(share > BEYOND / 2, axis=1)
    last = low + width * (np.argmax(share >= 1 - BEYOND / 2, axis=1) + 1)
    most = np.maximum(np.abs(first), np.abs(last))
    every = np.maximum(np.abs(low), np.abs(high))
    found = np.stack([np.where(every > _FAR_OUT * most, most, every), every])
    found[:, nothing] = 0.0
    return np.where(np.isfinite(found), found, 0.0)


def steps_up(values: Floats) -> Floats:
    """The smallest round numbers that are at least `values` (≥ 0); 0 stays 0."""
    known = np.where(values > 0, values, 1.0)
    scale = 10.0 ** np.floor(np.log10(known))
    ladder = np.array(LADDER)
    place = np.searchsorted(ladder, known / scale * (1 - 1e-9))
    return np.where(values > 0, ladder[np.minimum(place, len(ladder) - 1)] * scale, 0.0)


class Reaches:
    """How far the histograms `name` of a run reached at the lookouts up to any step."""

    def __init__(self, recording: Recording, name: str) -> None:
        self.recording = recording
        self._name = name
        self._nothing = np.zeros((2, len(recording.layers)))
        self._seen_at = -1  # the step of the histogram that was looked at last
        self._each: list[Floats] = []  # at each of LOOKOUTS (2, L)
        self._farthest: list[Floats] = []  # up to each of them

    def _until(self, step: int) -> int:
        """How many of the lookouts count at `step`; all of them are known then."""
        # What is still to come is not known yet, whatever step is asked for.
        wanted = bisect_right(LOOKOUTS, min(step, self.recording.last_step))
        while len(self._each) < wanted:
            self._look()
        return wanted

    def _look(self) -> None:
        found = self.recording.latest_histogram(self._name, LOOKOUTS[len(self._each)])
        now = self._each[-1] if self._each else self._nothing
        if found is not None and found[0] != self._seen_at:
            self._seen_at, histogram = found
            now = reaches(histogram)
        self._each.append(now)
        self._farthest.append(np.maximum(self._farthest[-1], now) if self._farthest else now)

    def common(self, step: int, now: Floats, layers: int) -> float:
        """The end of one range for the first `layers` layers; `now` is what they reach at `step`.

        What has just burst the range beyond all measure widens it at once.
        """
        until = self._until(step)
        known = self._farthest[until - 1] if until else self._nothing
        farthest = float(steps_up(known[0, :layers]).max(initial=0.0))
        needed = float(steps_up(now[0, :layers]).max(initial=0.0))
        return farthest if needed <= 1.25 * farthest else needed

    def own(self, step: int, now: Floats) -> Floats:
        """The end of a range of its own for each layer (L,): of step 0, and of late."""
        until = self._until(step)
        known = np.stack(
            [
                self._nothing,
                *self._each[: min(until, 1)],
                *self._each[max(until - _BACK, 0) : until],
            ]
        )
        farthest = steps_up(_ROOM * known.max(axis=0)[1])
        return np.where(now[1] <= farthest, farthest, steps_up(now[1]))
