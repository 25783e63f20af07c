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

from initviz.lab.recording import Recording, Track
from initviz.lab.snapshot import Floats
from initviz.lab.wording import apart, layer, number, numbers, share

#: Weights whose gradient is smaller than this times the signal gradient at the output cannot learn:
#: at a learning rate of 0.1 it takes them millions of steps to change by 1, and Adam, which divides
#: the gradient's size out, meets its ε = 10⁻⁸ there.
STARVED = 1e-6


class Moment:
    """A recording at one step: the newest measurements at or before it."""

    def __init__(self, recording: Recording, step: int) -> None:
        self.recording = recording
        self.step = step
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
    def signal_ratio(self) -> float:
        """‖∂L/∂z‖ of the first hidden layer over that of the last; NaN where both are 0."""
        signal = self.layers("signal_gradient_norm")
        with np.errstate(all="ignore"):
            return float(signal[0] / signal[-2])


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
        f"`{number(threshold, 4)}` times as much.{where}",
    )


# -- identical ------------------------------------------------------------------------------------


def identical(moment: Moment, threshold: float) -> Symptom | None:
    """The fewest distinct units that a hidden layer has, against that share of its width."""
    width = moment.experiment.network.width
    distinct = moment.hidden("distinct_units")
    few = np.flatnonzero(distinct <= threshold * width)
    if width < 2 or not len(few):
        return None
    worst = int(few[np.argmin(distinct[few])])
    count = int(distinct[worst])
    where = layer(moment.names[worst]).capitalize()
    if len(few) == moment.depth > 1 and np.all(distinct == count):
        where = f"Each of the {moment.depth} hidden layers"
    copies = "all the others are its copies" if count == 1 else "the others are copies"
    return _symptom(
        moment.names[worst],
        float(count),
        threshold * width,
        f"{where} has `{count}` distinct unit{'s' if count > 1 else ''} of `{width}`, {copies}. "
        "Rule: at most half.",
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
    rule = f"Rule: below `{number(threshold)}`"
    if len(zeros):
        where = _layers(zeros, moment)
        text = f"The signal gradient of {where} is `exactly 0`. {rule} of layer {moment.depth}'s."
        return _symptom(moment.names[0], ratio, threshold, f"{text} {_learning(moment)}")
    return _symptom(
        moment.names[0],
        ratio,
        threshold,
        f"The signal gradient of layer 1 is `{apart(ratio, threshold, number, 2)}` of layer "
        f"{moment.depth}'s. {rule}. {_learning(moment)}\n{_per_layer(moment)}",
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
        f"gradient at the output. Rule: below `{number(threshold)}`. {_learning(moment)}",
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
        f"{moment.depth}'s. Rule: over `{number(threshold)}`.\n{_per_layer(moment)}",
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
        f"Rule: over `{number(threshold)}`.",
    )


def _starving(moment: Moment, threshold: float = STARVED) -> Floats:
    """Which layers' weights cannot learn (H + 1,)."""
    output = moment.layers("signal_gradient_norm")[-1]
    return np.asarray(moment.layers("weight_gradient_norm") < threshold * output)


def _learning(moment: Moment) -> str:
    """A sentence on which layers' weights can learn."""
    starved = _starving(moment)
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
        f"under `5 %` of its maximum. Rule: over `{share(threshold)}`.{grows}",
    )


def dead(moment: Moment, threshold: float) -> Symptom | None:
    """The largest share of dead units in a hidden layer."""
    shares = moment.hidden("dead_fraction")
    worst = _highest(shares)
    if worst is None or not shares[worst] > threshold:
        return None
    value = float(shares[worst])
    return _symptom(
        moment.names[worst],
        value,
        threshold,
        f"`{apart(value, threshold, share, 0)}` of the units of {layer(moment.names[worst])} are "
        f"inactive on every probe sample. Rule: over `{share(threshold)}`.",
    )


# -- healthy --------------------------------------------------------------------------------------


def healthy(moment: Moment, threshold: float) -> Symptom | None:
    """What no rule objects to, in the numbers that the rules look at."""
    signal = moment.layers("signal_gradient_norm")
    if np.isnan(signal).all():
        return None
    if signal[-1] == 0:
        text = "∂L/∂z is `exactly 0` at the output: nothing is left to learn from this batch"
        return _symptom(None, 0.0, threshold, "; ".join([text, *_shares(moment)]) + ".")
    if moment.depth == 1:
        ratio = float(signal[0] / signal[1])
        text = f"The hidden layer gets `{number(ratio)}` of the output layer's signal"
    else:
        ratio = moment.signal_ratio
        text = f"Layer 1 gets `{number(ratio)}` of layer {moment.depth}'s signal"
    return _symptom(None, ratio, threshold, "; ".join([text, *_shares(moment)]) + ".")


def _shares(moment: Moment) -> list[str]:
    texts = []
    for quantity, word in (("saturated_fraction", "saturated"), ("dead_fraction", "dead")):
        shares = moment.hidden(quantity)
        worst = _highest(shares)
        if worst is not None:
            texts.append(f"{_at_most(float(shares[worst]))} {word}")
    distinct = moment.hidden("distinct_units")
    if not np.isnan(distinct).all():
        width = moment.experiment.network.width
        texts.append(f"`{int(np.nanmin(distinct))}` of `{width}` units distinct")
    return texts


def _at_most(value: float) -> str:
    """The largest share as text; a small one does not read as none."""
    if value == 0:
        return "`0 %`"
    return f"at most `{share(value)}`" if value >= 0.005 else "under `1 %`"
