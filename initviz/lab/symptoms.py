"""The symptoms that the diagnosis looks for: how each is computed, and how it is put into words.

A symptom is a function of a recording at one step and of a threshold. It gives what it found, or
None where all is well or nothing was measured: NaN trips nothing, but a number that *became* NaN
or infinite is a symptom of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.recording import Recording, Track
from initviz.lab.snapshot import Floats
from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.lab.wording import apart, exact, exact_share, layer, number, numbers, share

#: Where z is smaller than this (root mean square), φ is as good as linear, or constant.
COLLAPSED = 1e-3
#: Activations whose std over samples is less than this share of their size tell no input apart.
BLIND = 1e-3
#: Below this loss next to nothing is left to learn.
LEARNT = 1e-6


class Moment:
    """A recording at one step, the newest measurements at or before it, and a person's limits."""

    def __init__(self, recording: Recording, step: int, thresholds: Thresholds = DEFAULTS) -> None:
        self.recording = recording
        self.step = step
        self.thresholds = thresholds
        self.names = recording.layers
        self.experiment = recording.experiment

    def layers(self, quantity: str) -> Floats:
        """(H + 1,), the output layer last."""
        return self.recording.latest(quantity, self.step)[1]

    def hidden(self, quantity: str) -> Floats:
        """(H,)."""
        return self.layers(quantity)[:-1]

    @property
    def depth(self) -> int:
        """How many hidden layers there are."""
        return len(self.names) - 1

    @property
    def widths(self) -> NDArray[np.int64]:
        """Units in each hidden layer (H,)."""
        return np.array([plan.width for plan in self.recording.plans])

    @property
    def units(self) -> str:
        """What the units of a layer are called."""
        return "channels" if self.experiment.network.architecture == "cnn" else "units"

    @property
    def signal_ratio(self) -> float:
        """‖∂L/∂z‖ of the first hidden layer over that of the last; NaN where both are 0."""
        signal = self.layers("signal_gradient_norm")
        return _ratio(signal[0], signal[-2])

    def over_time(self, quantity: str) -> Floats:
        """(T,), the first time step first; empty where nothing runs along time."""
        if not self.experiment.network.is_recurrent or not self.recording.times:
            return np.empty(0)
        return self.recording.latest_time(quantity, self.step)[1]

    def time_ratio(self, quantity: str = "state_gradient_norm") -> float:
        """That of the first time step over that of the last; NaN where not measured, or both 0."""
        values = self.over_time(quantity)
        return _ratio(values[0], values[-1]) if len(values) > 1 else math.nan


def _ratio(first: float, last: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float64(first) / np.float64(last))


@dataclass(frozen=True)
class Symptom:
    """The layer to look at, the number held against `threshold`, and the message.

    `numbers` are the parts of the message that are measured or are limits.
    """

    layer: str | None
    value: float
    threshold: float
    message: str
    numbers: tuple[str, ...] = ()


def _symptom(name: str | None, value: float, threshold: float, text: str) -> Symptom:
    """A symptom whose message is `text`, in which backquotes enclose the numbers."""
    parts = text.split("`")
    return Symptom(name, value, threshold, "".join(parts), tuple(parts[1::2]))


# -- diverged -------------------------------------------------------------------------------------

#: In the order in which one step computes them: forwards through the layers, then back.
_FORWARDS = (("weight_norm", "W"), ("preactivation_mean", "z"), ("preactivation_std", "z"))
_BACKWARDS = (("signal_gradient_norm", "∂L/∂z"), ("weight_gradient_norm", "∂L/∂W"))


def not_finite(moment: Moment, threshold: float) -> Symptom | None:
    """The first number that stopped being finite, and the step at which it did."""
    recording = moment.recording
    tracks = {q: recording.track(q) for q, _ in (*_FORWARDS, *_BACKWARDS)}
    begins = [
        _bad_since(t, moment.step) for t in (*tracks.values(), recording.scalar_track("loss"))
    ]
    since = min((step for step in begins if step is not None), default=None)
    if since is None:
        return None
    found = _first_not_finite(moment, since)
    if found is None:
        loss = recording.latest_scalar("loss", since)
        what = "not a number (NaN)" if math.isnan(loss) else "infinite"
        return _symptom(None, loss, threshold, f"Since step `{since}` the loss is {what}.")
    name, symbol, value = found
    return _symptom(
        name,
        value,
        threshold,
        f"Since step `{since}` numbers are no longer finite; the first was {symbol} in "
        f"{layer(name)}.",
    )


def _bad_since(track: Track, step: int) -> int | None:
    """The step at which the rows up to `step` stopped being finite, if the newest one is not."""
    rows = track.row_before(step) + 1
    if rows == 0 or np.isfinite(track.values[rows - 1]).all():
        return None
    good = np.flatnonzero(np.isfinite(track.values[:rows]).all(axis=1))
    return int(track.steps[good[-1] + 1 if len(good) else 0])


def _first_not_finite(moment: Moment, step: int) -> tuple[str, str, float] | None:
    """(layer, symbol, value) of the first such number in the order of computation at `step`."""
    forwards = [(i, q) for i in range(moment.depth + 1) for q in _FORWARDS]
    backwards = [(i, q) for i in reversed(range(moment.depth + 1)) for q in _BACKWARDS]
    for index, (quantity, symbol) in (*forwards, *backwards):
        measured, row = moment.recording.latest(quantity, step)
        if measured == step and not math.isfinite(row[index]):
            return moment.names[index], symbol, float(row[index])
    return None


def run_away(moment: Moment, threshold: float) -> Symptom | None:
    """A loss that is still finite but has left all measure."""
    start = moment.recording.latest_scalar("loss", 0)
    loss = moment.recording.latest_scalar("loss", moment.step)
    if not (start > 0 and loss > threshold * start):
        return None
    first, row = moment.recording.latest("preactivation_std", 0)
    with np.errstate(all="ignore"):
        grown = np.flatnonzero(moment.layers("preactivation_std") > threshold * row)
    name = moment.names[grown[0]] if first == 0 and len(grown) else None
    where = f" {layer(name).capitalize()} is the first whose z has grown as much." if name else ""
    return _symptom(
        name,
        loss,
        threshold * start,
        f"The loss is `{number(loss)}`; at step 0 it was `{number(start)}`. Rule: over "
        f"`{exact(threshold)}` times as much.{where}",
    )


# -- identical ------------------------------------------------------------------------------------


def identical(moment: Moment, threshold: float) -> Symptom | None:
    """The fewest distinct units that a hidden layer has, against that share of its width."""
    distinct, widths = moment.hidden("distinct_units"), moment.widths
    few = np.flatnonzero((distinct <= threshold * widths) & (widths > 1))
    if not len(few):
        return None
    worst = int(few[np.argmin(distinct[few] / widths[few])])
    count, width = int(distinct[worst]), int(widths[worst])
    where = layer(moment.names[worst]).capitalize()
    alike = np.all(distinct == count) and np.all(widths == width)
    if len(few) == moment.depth > 1 and alike:
        where = f"Each of the {moment.depth} hidden layers"
    copies = "all the others are its copies" if count == 1 else "the others are copies"
    units = moment.units.removesuffix("s") if count == 1 else moment.units
    return _symptom(
        moment.names[worst],
        float(count),
        threshold * width,
        f"{where} has `{count}` distinct {units} of `{width}`, {copies}. "
        f"Rule: at most `{exact_share(threshold)}`.",
    )


# -- vanishing and exploding ----------------------------------------------------------------------


def vanishing(moment: Moment, threshold: float) -> Symptom | None:
    """‖∂L/∂z‖ of the first hidden layer over the last, or nothing at all that comes back."""
    signal = moment.layers("signal_gradient_norm")
    if not signal[-1] > 0:
        return None
    zeros = np.flatnonzero(signal[:-1] == 0)
    if len(zeros) == moment.depth:
        text = (
            f"No gradient comes back to any hidden layer: ∂L/∂z is `exactly 0` in {_all(moment)}."
        )
        return _symptom(moment.names[0], 0.0, threshold, f"{text} {_learning(moment)}")
    ratio = moment.signal_ratio
    if not ratio < threshold:
        return None
    rule = f"Rule: below `{exact(threshold)}`"
    if len(zeros):
        where = _layers(zeros, moment)
        text = f"The signal gradient of {where} is `exactly 0`. {rule} of layer {moment.depth}'s."
        return _symptom(moment.names[0], ratio, threshold, f"{text} {_learning(moment)}")
    return _symptom(
        moment.names[0],
        ratio,
        threshold,
        f"The signal gradient of layer 1 is `{apart(ratio, threshold, number, 2)}` of layer "
        f"{moment.depth}'s. {rule}. {_learning(moment)}\n{_per_layer(moment)}{_unseen(moment)}",
    )


def starved(moment: Moment, threshold: float) -> Symptom | None:
    """No hidden layer's weights can learn, whatever the signal does between the layers."""
    if not _starving(moment, threshold)[:-1].all():
        return None
    gradient = moment.layers("weight_gradient_norm")
    worst = int(np.argmin(gradient[:-1]))
    most = float(gradient[:-1].max() / moment.layers("signal_gradient_norm")[-1])
    return _symptom(
        moment.names[worst],
        most,
        threshold,
        f"The weight gradient of every hidden layer is at most `{number(most)}` of the signal "
        f"gradient at the output. Rule: below `{exact(threshold)}`. {_learning(moment)}"
        f"{_unseen(moment)}",
    )


def exploding(moment: Moment, threshold: float) -> Symptom | None:
    """‖∂L/∂z‖ of the first hidden layer over the last."""
    ratio = moment.signal_ratio
    if not ratio > threshold:
        return None
    return _symptom(
        moment.names[0],
        ratio,
        threshold,
        f"The signal gradient of layer 1 is `{apart(ratio, threshold, number, 2)}` times layer "
        f"{moment.depth}'s. Rule: over `{exact(threshold)}`.\n{_per_layer(moment)}",
    )


def exploding_output(moment: Moment, threshold: float) -> Symptom | None:
    """The root mean square of the outputs."""
    mean, std = (moment.layers(f"preactivation_{what}")[-1] for what in ("mean", "std"))
    size = math.hypot(mean, std)
    if not size > threshold:
        return None
    return _symptom(
        moment.names[-1],
        size,
        threshold,
        f"The outputs are of size `{apart(size, threshold, number, 2)}` (root mean square of z). "
        f"Rule: over `{exact(threshold)}`.",
    )


def _starving(moment: Moment, threshold: float) -> Floats:
    """Which layers' weights cannot learn (H + 1,)."""
    output = moment.layers("signal_gradient_norm")[-1]
    return np.asarray(moment.layers("weight_gradient_norm") < threshold * output)


def _learning(moment: Moment) -> str:
    """A sentence on which layers' weights can learn."""
    starved = _starving(moment, moment.thresholds.starved)
    if starved.all():
        if not moment.layers("weight_gradient_norm").any():
            return "Every weight gradient is exactly 0 too: only the output's biases can learn."
        return "The activations shrink too, so no layer's weights can learn."
    if starved[:-1].all():
        return "Only the output layer's weights can learn."
    if starved.any():
        return f"The weights of {_layers(np.flatnonzero(starved), moment)} cannot learn."
    return "The weights of every layer still get a gradient."


def _per_layer(moment: Moment) -> str:
    """How the signal changes from one layer to the one before, on geometric average."""
    factor = moment.signal_ratio ** (1.0 / (moment.depth - 1))
    of = "of" if factor < 1 else "times"
    return f"Each layer passes back `{number(factor)}` {of} what it gets, on average."


def _unseen(moment: Moment) -> str:
    """A sentence where a layer sees next to nothing, which is the opposite of saturation."""
    mean, std = (moment.hidden(f"preactivation_{what}") for what in ("mean", "std"))
    small = _least(np.hypot(mean, std), COLLAPSED)
    if small is not None:
        saturates = ACTIVATIONS[moment.recording.plans[small].activation].saturated is not None
        where = layer(moment.names[small])
        what = "is not saturated there, it sees" if saturates else "sees"
        size = f"has std `{number(std[small])}`" if std[small] else "is `exactly 0`"
        return f" z of {where} {size}: φ {what} next to nothing."
    mean, std = (moment.hidden(f"activation_{what}") for what in ("mean", "std"))
    with np.errstate(all="ignore"):
        spread = moment.hidden("sample_std") / np.hypot(mean, std)
    blind = _least(spread, BLIND)
    if blind is None:
        return ""
    where = layer(moment.names[blind])
    if spread[blind] == 0:
        return f" The activations of {where} are `the same` for every sample."
    return (
        f" From sample to sample the activations of {where} differ by `{number(spread[blind])}` "
        "of their size: they say next to nothing of the input."
    )


def _least(values: Floats, limit: float) -> int | None:
    """Where the smallest value is, if it is below `limit`."""
    below = np.flatnonzero(values < limit)
    return int(below[np.argmin(values[below])]) if len(below) else None


def _layers(indices: NDArray[np.intp], moment: Moment) -> str:
    """Layers by index, the output layer last: "layers 1–6 and 9"."""
    hidden = [int(index) + 1 for index in indices if index < moment.depth]
    plural = "s" if len(hidden) > 1 else ""
    parts = [f"layer{plural} {numbers(hidden)}"] if hidden else []
    if len(hidden) < len(indices):
        parts.append("the output layer")
    return " and ".join(parts)


def _all(moment: Moment) -> str:
    return f"all {moment.depth}" if moment.depth > 1 else "the one that there is"


# -- through time ---------------------------------------------------------------------------------


def vanishing_through_time(moment: Moment, threshold: float) -> Symptom | None:
    """‖∂L/∂h_t‖ at the first time step over the last."""
    states = moment.over_time("state_gradient_norm")
    if len(states) < 2 or not states[-1] > 0:
        return None
    ratio = moment.time_ratio()
    if not ratio < threshold:
        return None
    zeros = int(np.count_nonzero(states == 0))
    what = f"`{apart(ratio, threshold, number, 2)}` of the last's" if ratio else "`exactly 0`"
    first = f"the first `{zeros}`" if zeros > 1 else "the first"
    return _symptom(
        moment.names[-2],
        ratio,
        threshold,
        f"Through time the gradient of the state, ‖∂L/∂h‖, is {what} at {first} of "
        f"`{len(states)}` time steps. Rule: below `{exact(threshold)}`. What stands there cannot "
        f"be learnt from.\n{_per_time(moment)}{_cell(moment)}".rstrip(),
    )


def exploding_through_time(moment: Moment, threshold: float) -> Symptom | None:
    """‖∂L/∂h_t‖ at the first time step over the last."""
    ratio = moment.time_ratio()
    if not ratio > threshold:
        return None
    times = len(moment.over_time("state_gradient_norm"))
    return _symptom(
        moment.names[-2],
        ratio,
        threshold,
        f"Through time the gradient of the state, ‖∂L/∂h‖, is "
        f"`{apart(ratio, threshold, number, 2)}` times the last's at the first of `{times}` time "
        f"steps. Rule: over `{exact(threshold)}`.\n{_per_time(moment)}{_cell(moment)}",
    )


def _per_time(moment: Moment) -> str:
    """How the state's gradient changes from one time step to the one before, on average."""
    ratio = moment.time_ratio()
    if not 0 < ratio < math.inf:
        return ""
    factor = ratio ** (1.0 / (len(moment.over_time("state_gradient_norm")) - 1))
    of = "of" if factor < 1 else "times"
    return f"Each time step passes back `{number(factor)}` {of} what it gets, on average."


def _cell(moment: Moment) -> str:
    """What the gradient of an LSTM's cell does; its own way back is through the forget gates."""
    if moment.experiment.network.architecture != "lstm":
        return ""
    ratio = moment.time_ratio("cell_gradient_norm")
    if math.isnan(ratio):
        return ""
    verb = "falls" if ratio < 1 else "grows"
    return f" That of the cell, ‖∂L/∂c‖, {verb} to `{number(ratio)}` of the last's."


# -- saturated and dead ---------------------------------------------------------------------------


def _highest(values: Floats) -> int | None:
    """Where the largest value is, if there is any but NaN."""
    return None if np.isnan(values).all() else int(np.nanargmax(values))


def saturated(moment: Moment, threshold: float) -> Symptom | None:
    """The largest share of (sample, unit) on the flat parts of φ in a hidden layer."""
    shares = moment.hidden("saturated_fraction")
    worst = _highest(shares)
    if worst is None or not shares[worst] > threshold:
        return None
    ratio = moment.signal_ratio
    grows = f" The rest carries a gradient that grows `{number(ratio)} ×`." if ratio > 1 else ""
    value = float(shares[worst])
    return _symptom(
        moment.names[worst],
        value,
        threshold,
        f"`{apart(value, threshold, share, 0)}` of {layer(moment.names[worst])} lies where φ′ is "
        f"under `5 %` of its maximum. Rule: over `{exact_share(threshold)}`.{grows}",
    )


def dead(moment: Moment, threshold: float) -> Symptom | None:
    """The largest share of dead units in a hidden layer."""
    shares = moment.hidden("dead_fraction")
    worst = _highest(shares)
    if worst is None or not shares[worst] > threshold:
        return None
    value = float(shares[worst])
    where = ", at every position" if moment.units == "channels" else ""
    return _symptom(
        moment.names[worst],
        value,
        threshold,
        f"`{apart(value, threshold, share, 0)}` of the {moment.units} of "
        f"{layer(moment.names[worst])} are inactive on every probe sample{where}. "
        f"Rule: over `{exact_share(threshold)}`.",
    )


# -- healthy --------------------------------------------------------------------------------------


def healthy(moment: Moment, _threshold: float) -> Symptom | None:
    """What no rule objects to, in the numbers that the rules look at."""
    signal = moment.layers("signal_gradient_norm")
    if np.isnan(signal).all():
        return None
    ratio, text = _reached(moment, signal)
    return _symptom(
        None, ratio, moment.thresholds.vanishing, "; ".join([text, *_shares(moment)]) + "."
    )


def _reached(moment: Moment, signal: Floats) -> tuple[float, str]:
    """How much of the signal reaches the first layer, or that hardly any is left: (ratio, text)."""
    loss = moment.recording.latest_scalar("loss", moment.step)
    if signal[-1] == 0:
        return 0.0, "∂L/∂z is `exactly 0` at the output: nothing is left to learn from this batch"
    if 0 <= loss < LEARNT:
        text = f"The loss is `{number(loss)}`: next to nothing is left to learn from this batch"
        return moment.signal_ratio, text
    time = moment.time_ratio()
    if not math.isnan(time):
        times = len(moment.over_time("state_gradient_norm"))
        text = f"The first of `{times}` time steps gets `{number(time)}` of the last one's signal"
        return time, text
    if moment.depth == 1:
        ratio = _ratio(signal[0], signal[1])
        return ratio, f"The hidden layer gets `{number(ratio)}` of the output layer's signal"
    ratio = moment.signal_ratio
    return ratio, f"Layer 1 gets `{number(ratio)}` of layer {moment.depth}'s signal"


def _shares(moment: Moment) -> list[str]:
    texts = []
    for quantity, word in (("saturated_fraction", "saturated"), ("dead_fraction", "dead")):
        shares = moment.hidden(quantity)
        worst = _highest(shares)
        if worst is not None:
            texts.append(f"{_at_most(float(shares[worst]))} {word}")
    distinct = moment.hidden("distinct_units")
    if not np.isnan(distinct).all():
        fewest = int(np.nanargmin(distinct / moment.widths))
        of = f"`{int(distinct[fewest])}` of `{moment.widths[fewest]}`"
        texts.append(f"{of} {moment.units} distinct")
    return texts


def _at_most(value: float) -> str:
    """The largest share as text; a small one does not read as none."""
    if value == 0:
        return "`0 %`"
    return f"at most `{share(value)}`" if value >= 0.005 else "under `1 %`"
