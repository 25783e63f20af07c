"""The proof of a remedy: the same run before and after it, and what the change is in numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Literal

import numpy as np

from initviz.lab.diagnosis import Finding, diagnose
from initviz.lab.experiment import Experiment
from initviz.lab.recording import Recording
from initviz.lab.remedies import Advice
from initviz.lab.symptoms import Moment
from initviz.lab.thresholds import DEFAULTS, Thresholds
from initviz.lab.training import new_recording, train
from initviz.lab.wording import number, share

Progress = Callable[[int, int], None]
Verdict = Literal["cured", "not cured", "nothing to cure"]


class Cancelled(Exception):  # noqa: N818 (nothing went wrong)
    """The trial was cancelled before it was over."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What a remedy did: both runs, a sentence that compares them, and whether it cured.

    It cured if the finding stood before and stands no more, neither where it was first seen nor at
    the end, and nothing else has come in its place. Where the finding did not show in so few steps,
    there was nothing to cure.
    """

    advice: Advice
    before: Recording
    after: Recording
    sentence: str
    verdict: Verdict

    @property
    def cured(self) -> bool:
        """Whether the finding is gone."""
        return self.verdict == "cured"


def try_remedy(
    experiment: Experiment,
    remedy: Finding | Advice,
    steps: int = 100,
    cancel: Event | None = None,
    progress: Progress | None = None,
    rules: Thresholds = DEFAULTS,
) -> Trial:
    """Train the experiment with and without a remedy, from the same seed, and compare.

    Args:
        experiment: the run that something was found in.
        remedy: what to try, or a finding whose first remedy is tried. Of an advice alone, what it
            is to cure is the first thing found in the run without it.
        steps: how many updates each of the two runs makes; neither ends sooner by itself.
        cancel: checked between steps.
        progress: told after every step how many of how many are done.
        rules: the thresholds under which the finding counts as cured.

    Raises:
        Cancelled: if `cancel` was set before the end.
        ValueError: if the remedy is not allowed in this experiment, or nothing is to be changed.
    """
    finding, advice = (remedy, remedy.advice) if isinstance(remedy, Finding) else (None, remedy)
    if not advice.settings:
        raise ValueError("there is nothing to try: the advice changes no setting")
    whole = {"training.length": 0, "training.early_stopping": False}
    told = _Told(2 * (steps + 1), progress)
    before, after = (
        _train(run.with_values(whole), steps, cancel, told)
        for run in (experiment, advice.apply(experiment))
    )
    return _judge(advice, finding, before, after, rules)


class _Told:
    """Counts the steps of both runs."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def one_more(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def _train(experiment: Experiment, steps: int, cancel: Event | None, told: _Told) -> Recording:
    recording = new_recording(experiment)
    for snapshot in train(experiment, cancel, last=steps):
        recording.append(snapshot)
        told.one_more()
    if recording.last_step < steps:
        raise Cancelled
    return recording


# -- what came of it ------------------------------------------------------------------------------


def _judge(
    advice: Advice,
    finding: Finding | None,
    before: Recording,
    after: Recording,
    rules: Thresholds,
) -> Trial:
    steps = before.last_step
    losses = tuple(run.latest_scalar("loss", steps) for run in (after, before))
    loss = f"the loss is {number(losses[0], 3)} instead of {number(losses[1], 3)}"
    seen, at = _seen(finding, before, rules)
    if seen is None:
        what = f"“{finding.label}”" if finding else "anything amiss"
        sentence = (
            f"Within {steps} steps the run does not show {what}, so that nothing is proved; with "
            f"{advice.name} {loss}."
        )
        return Trial(advice, before, after, sentence + _once(before), "nothing to cure")
    sick = {f.kind: f for step in (at, steps) for f in diagnose(before, step, rules)}
    left = {f.kind: f for step in (at, steps) for f in diagnose(after, step, rules)}
    left.pop("healthy", None)
    cured = seen.kind not in left and left.keys() <= sick.keys()
    change = _change(seen, Moment(before, at, rules), Moment(after, at, rules))
    sentence = f"With {advice.name}{change} after {steps} steps {loss}."
    for words, kinds in (
        ("Still found", left.keys() & sick.keys()),
        ("Found instead", left.keys() - sick.keys()),
    ):
        if kinds:
            found = (f.label.lower() for kind, f in left.items() if kind in kinds)
            sentence += f" {words}: {', '.join(found)}."
    verdict: Verdict = "cured" if cured else "not cured"
    return Trial(advice, before, after, sentence + _once(before), verdict)


def _seen(
    finding: Finding | None, before: Recording, rules: Thresholds
) -> tuple[Finding | None, int]:
    """The finding as it stands in the run without the remedy, and at which step it does."""
    for step in (0, before.last_step):
        for other in diagnose(before, step, rules):
            if other.kind != "healthy" and (finding is None or other.kind == finding.kind):
                return other, step
    return None, 0


def _once(before: Recording) -> str:
    """One run is not the rule."""
    return f" One run each, seed {before.experiment.run.seed}."


@dataclass(frozen=True)
class _Measure:
    """The number that a finding is about: what it is called, how large it is, and of what."""

    subject: str
    value: Callable[[Moment], float]
    shown: Callable[[float], str] = number
    of: Callable[[Moment], str] = lambda _: ""


def _change(finding: Finding, before: Moment, after: Moment) -> str:
    """How that number differs between the two runs, up to the next part of a sentence."""
    measure = _MEASURES.get(finding.label)
    if measure is None:
        return ","
    old, new = measure.value(before), measure.value(after)
    if math.isnan(old) or math.isnan(new):
        return ","
    left, right = measure.of(before), measure.of(after)
    first = measure.shown(old) + (left if left != right else "")
    second = measure.shown(new) + right
    if measure.shown(old) == measure.shown(new):
        return f" {measure.subject} stays at {measure.shown(new)}{right if left == right else ''};"
    verb = "rises" if new > old else "falls"
    return f" {measure.subject} {verb} from {first} to {second};"


def _signal(moment: Moment) -> float:
    signal = moment.layers("signal_gradient_norm")
    # Nothing of nothing is nothing, where the output has an error to pass back.
    return 0.0 if signal[0] == 0 and signal[-1] > 0 else moment.signal_ratio


def _of_last_layer(moment: Moment) -> str:
    return f" of layer {moment.depth}'s"


def _of_last_time(moment: Moment) -> str:
    return f" of time step {len(moment.over_time('state_gradient_norm'))}'s"


def _weights(moment: Moment) -> float:
    gradients, signal = (moment.layers(f"{name}_gradient_norm") for name in ("weight", "signal"))
    with np.errstate(all="ignore"):
        return float(gradients[:-1].max() / signal[-1])


def _outputs(moment: Moment) -> float:
    return math.hypot(*(moment.layers(f"preactivation_{of}")[-1] for of in ("mean", "std")))


def _largest(quantity: str) -> Callable[[Moment], float]:
    # NaN: φ has no such side any more.
    return lambda moment: float(np.nan_to_num(moment.hidden(quantity)).max())


def _distinct(moment: Moment) -> float:
    return float(moment.hidden("distinct_units").min())


_MEASURES = {
    "Vanishing signal": _Measure("the signal gradient of layer 1", _signal, of=_of_last_layer),
    "Exploding signal": _Measure("the signal gradient of layer 1", _signal, of=_of_last_layer),
    "Vanishing through time": _Measure(
        "the gradient of the state at time step 1", Moment.time_ratio, of=_of_last_time
    ),
    "Exploding through time": _Measure(
        "the gradient of the state at time step 1", Moment.time_ratio, of=_of_last_time
    ),
    "Starved weights": _Measure(
        "the largest weight gradient of a hidden layer",
        _weights,
        of=lambda _: " of the signal gradient at the output",
    ),
    "Exploding outputs": _Measure("the size of the outputs", _outputs),
    "Saturated": _Measure(
        "the largest saturated share of a layer", _largest("saturated_fraction"), share
    ),
    "Dead units": _Measure("the largest dead share of a layer", _largest("dead_fraction"), share),
    "Identical units": _Measure(
        "the smallest number of distinct units in a layer", _distinct, lambda n: f"{n:.0f}"
    ),
}
