"""What an expectation can be about: one table entry for each subject.

A subject is a number, words, or a row with one number for each layer or each step of a sequence;
of a row a *selector* makes one number. `docs/lectures.md` has the same table for people, and a
test holds the two together: a new subject is one more entry here and a line there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.quantities import QUANTITIES, SCALARS, TIME_QUANTITIES
from initviz.lab.recording import Recording
from initviz.lab.snapshot import Floats

#: A number, or words of which any one may be meant; no words and NaN say "there is none".
Reading = float | tuple[str, ...]


@dataclass(frozen=True)
class View:
    """A recording looked at, at a step."""

    recording: Recording
    step: int

    @property
    def experiment(self) -> Experiment:
        """What the recording is of."""
        return self.recording.experiment


Row = Literal["layers", "times", ""]


@dataclass(frozen=True)
class Subject:
    """One entry. `row` says whether a selector is needed: per layer, per time step, or none.

    `unit` is what may stand behind a number: "%" for shares, "steps", "units" or nothing. Where
    `words` is not empty, the subject has words instead of numbers, and these are the known ones
    ("…" among them: others too).
    """

    name: str
    definition: str
    read: Callable[[View], Any]
    row: Row = ""
    unit: str = ""
    words: tuple[str, ...] = ()


# -- readers ----------------------------------------------------------------------------------


def _layers(name: str) -> Callable[[View], Floats]:
    return lambda view: view.recording.latest(name, view.step)[1]


def _times(name: str) -> Callable[[View], Floats]:
    return lambda view: view.recording.latest_time(name, view.step)[1]


def _scalar(name: str) -> Callable[[View], float]:
    return lambda view: view.recording.latest_scalar(name, view.step)


def _newest_weights(view: View) -> int:
    """The newest step, at or before the view's, whose weights are kept; −1 if there is none."""
    kept = view.recording.checkpoint_steps
    has_start = len(kept) > 0 and kept[0] == 0
    return int(kept[kept <= view.step].max(initial=-1)) if has_start else -1


def _weight_change(view: View) -> Floats:
    """‖W − W₀‖ / ‖W₀‖ of each layer."""
    recording, step = view.recording, _newest_weights(view)
    if step < 0:
        return np.full(len(recording.layers), np.nan)
    found = []
    for layer in recording.layers:
        start = np.asarray(recording.weights(layer, 0), dtype=np.float64)
        change = np.asarray(recording.weights(layer, step), dtype=np.float64) - start
        with np.errstate(all="ignore"):
            found.append(np.linalg.norm(change) / np.linalg.norm(start))
    return np.array(found)


def _weight(measure: Callable[[Floats], Any]) -> Callable[[View], Floats]:
    """A measure of the entries of each layer's W at the newest step that is kept."""

    def read(view: View) -> Floats:
        recording, step = view.recording, _newest_weights(view)
        if step < 0:
            return np.full(len(recording.layers), np.nan)
        with np.errstate(all="ignore"):
            return np.array([measure(recording.weights(n, step)) for n in recording.layers])

    return read


def _findings(view: View) -> tuple[str, ...]:
    return tuple(finding.kind for finding in view.recording.findings(view.step))


def finding_layer(kind: str) -> Callable[[View], tuple[str, ...]]:
    """The layers that the findings of this kind name."""

    def read(view: View) -> tuple[str, ...]:
        findings = view.recording.findings(view.step)
        return tuple(f.layer or "all" for f in findings if f.kind == kind)

    return read


def finding_step(kind: str) -> Callable[[View], float]:
    """The first kept step at which the diagnosis has a finding of this kind; NaN if none has."""

    def read(view: View) -> float:
        recording = view.recording
        for step in recording.track("signal_gradient_norm").steps:
            if step > view.step:
                break
            if any(f.kind == kind for f in recording.findings(int(step))):
                return float(step)
        return math.nan

    return read


def _diverged_step(view: View) -> float:
    """The first step at which the loss or a gradient is not finite; NaN while all are."""
    recording = view.recording
    tracks = [recording.scalar_track("loss"), *map(recording.track, _MUST_BE_FINITE)]
    found = []
    for track in tracks:
        kept = track.steps <= view.step
        bad = ~np.isfinite(track.values[kept]).all(axis=1)
        if bad.any():
            found.append(int(track.steps[kept][bad][0]))
    return float(min(found)) if found else math.nan


_MUST_BE_FINITE = ("signal_gradient_norm", "weight_gradient_norm", "preactivation_std")


def _stopped_step(view: View) -> float:
    recording = view.recording
    return float(recording.last_step) if recording.stopped else math.nan


def _stopped_reason(view: View) -> tuple[str, ...]:
    return (view.recording.stopped,) if view.recording.stopped else ()


def _starved(view: View) -> tuple[str, ...]:
    from initviz.lab.diagnosis import on_early_stop

    text = on_early_stop(view.recording)
    if not text:
        return ()
    return (
        ("starved",)
        if "it starves" in text
        else ("converged",)
        if "has converged" in text
        else ("open",)
    )


def _class_entropy(view: View) -> float:
    """The loss of always answering with the classes' frequencies, over the training part."""
    return _entropy(view.experiment.training, view.experiment.run.seed)


@lru_cache(maxsize=16)
def _entropy(training: Any, seed: int) -> float:
    from initviz.lab import datasets

    labels = datasets.load(training, datasets.generator(seed)).train_labels
    shares = np.bincount(np.asarray(labels)) / len(labels)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def _data(measure: Callable[[Any], int]) -> Callable[[View], float]:
    """A number of the data as they are drawn for the experiment."""

    def read(view: View) -> float:
        from initviz.lab import datasets

        training = view.experiment.training
        return float(measure(datasets.load(training, datasets.generator(view.experiment.run.seed))))

    return read


def _sequence_steps(data: Any) -> int:
    from initviz.lab.places import sequence_shape

    return int(sequence_shape(data.shape)[0])


def _entry(view: View) -> Any:
    return ACTIVATIONS[view.experiment.network.activation]


def _largest_slope(view: View) -> float:
    z = np.linspace(-8.0, 8.0, 160_001)
    return float(np.abs(_entry(view).derivative(z, view.experiment.network.slope)).max())


def _slope_at_zero(view: View) -> float:
    slope = view.experiment.network.slope
    return float(_entry(view).derivative(np.zeros(1), slope)[0])


def _sigmas(view: View) -> tuple[float, float]:
    """σ_w of the second hidden layer (the first one reads the data), and σ_b."""
    from initviz.lab.drawn_layers import standings

    layers = list(standings(view.experiment))
    at = layers[min(1, len(layers) - 1)]
    return float(at.scheme.sigma_w(at.place)), float(at.scheme.bias_std(at.place))


def _theory(function: Callable[[str, float, float], Any]) -> Callable[[View], float]:
    """A number of mean-field theory, from φ, σ_w and σ_b of the experiment.

    NaN where theory has none, or the scheme fits its weights to the data.
    """

    def read(view: View) -> float:
        sigmas = _sigmas(view)
        if not all(map(math.isfinite, sigmas)):
            return math.nan
        found = function(view.experiment.network.activation, *sigmas)
        return math.nan if found is None else float(found)

    return read


def _gain(activation: str, _sigma_w: float, _sigma_b: float) -> Any:
    from initviz.lab import theory

    return theory.gain(activation)


def _critical(activation: str, _sigma_w: float, sigma_b: float) -> Any:
    from initviz.lab import theory

    return theory.critical_sigma_w(activation, sigma_b)


def _fixed_point(activation: str, sigma_w: float, sigma_b: float) -> Any:
    from initviz.lab import theory

    return theory.fixed_point(activation, sigma_w, sigma_b)


def _chi(activation: str, sigma_w: float, sigma_b: float) -> Any:
    """χ₁ at the fixed point; where there is none, at q = 1 (it is the same at every q there)."""
    from initviz.lab import theory

    q = theory.fixed_point(activation, sigma_w, sigma_b)
    return theory.chi(activation, sigma_w, 1.0 if q is None else q)


def _prediction(name: str) -> Callable[[View], Floats]:
    """A row of the prediction at step 0; the output layer, of which it says nothing, is NaN."""

    def read(view: View) -> Floats:
        from initviz.lab import theory

        return np.append(getattr(theory.predict(view.experiment), name), np.nan)

    return read


def _scheme(method: str) -> Callable[[View], Floats]:
    """What the scheme says of each layer's weight before it is drawn."""

    def read(view: View) -> Floats:
        from initviz.lab.drawn_layers import standings

        return np.array([getattr(at.scheme, method)(at.place) for at in standings(view.experiment)])

    return read


def _fan(name: str) -> Callable[[View], Floats]:
    def read(view: View) -> Floats:
        from initviz.lab.places import places

        return np.array([float(getattr(place, name)) for place in places(view.experiment)])

    return read


# -- the table --------------------------------------------------------------------------------

_PERCENT = frozenset(
    {
        "saturated_fraction",
        "inactive_fraction",
        "dead_fraction",
        "accuracy",
        "test_accuracy",
        "update_ratio",
    }
)
KINDS = ("vanishing", "exploding", "saturated", "dead", "identical", "diverged", "healthy")


def _unit(name: str) -> str:
    return "%" if name in _PERCENT else "units" if name == "distinct_units" else ""


SUBJECTS: Mapping[str, Subject] = {
    entry.name: entry
    for entry in (
        Subject("finding", "The kinds that the diagnosis finds.", _findings, words=KINDS),
        *(
            Subject(
                f"finding.{kind}.layer",
                "The layer that the finding names.",
                finding_layer(kind),
                words=("all", "output", "hidden 1", "…"),
            )
            for kind in KINDS
        ),
        *(
            Subject(
                f"finding.{kind}.step",
                "The first step at which the diagnosis has it.",
                finding_step(kind),
                unit="steps",
            )
            for kind in KINDS
        ),
        *(
            Subject(name, entry.definition, _scalar(name), unit=_unit(name))
            for name, entry in SCALARS.items()
        ),
        *(
            Subject(name, entry.definition, _layers(name), "layers", _unit(name))
            for name, entry in QUANTITIES.items()
        ),
        *(
            Subject(name, entry.definition, _times(name), "times")
            for name, entry in TIME_QUANTITIES.items()
        ),
        Subject(
            "weight_change",
            "‖W − W₀‖ / ‖W₀‖, W₀ being W at step 0.",
            _weight_change,
            "layers",
            "%",
        ),
        Subject("weight_mean", "Mean of the entries of W.", _weight(np.mean), "layers"),
        Subject(
            "weight_largest",
            "Largest |w| among the entries of W.",
            _weight(lambda w: np.abs(w).max()),
            "layers",
        ),
        Subject(
            "diverged.step",
            "The first step at which the loss or a gradient is no finite number.",
            _diverged_step,
            unit="steps",
        ),
        Subject(
            "diverged.layer",
            "The first layer whose numbers were not finite then.",
            finding_layer("diverged"),
            words=("all", "output", "hidden 1", "…"),
        ),
        Subject(
            "stopped.step",
            "The step at which training ended by itself.",
            _stopped_step,
            unit="steps",
        ),
        Subject("stopped.reason", "Why it did.", _stopped_reason, words=("early",)),
        Subject(
            "stopped.verdict",
            "What early stopping means by the diagnosis.",
            _starved,
            words=("starved", "converged", "open"),
        ),
        Subject(
            "class_entropy",
            "Entropy, in nats, of the classes' frequencies in the training part.",
            _class_entropy,
        ),
        Subject("classes", "How many classes the data have.", _data(lambda d: d.classes)),
        Subject(
            "samples",
            "How many samples there are to train on.",
            _data(lambda d: len(d.train_inputs)),
        ),
        Subject("inputs", "How many numbers a sample has.", _data(lambda d: math.prod(d.shape))),
        Subject("sequence.steps", "How many steps a sequence has.", _data(_sequence_steps)),
        Subject(
            "activation.largest_slope", "The largest |φ′(z)| for z from −8 to 8.", _largest_slope
        ),
        Subject("activation.slope_at_zero", "φ′(0).", _slope_at_zero),
        Subject("theory.gain", "1 / √E φ(Z)².", _theory(_gain)),
        Subject("theory.chi", "χ₁ at the fixed point of σ_w and σ_b, in hidden 2.", _theory(_chi)),
        Subject("theory.critical_sigma_w", "σ_w with χ₁ = 1.", _theory(_critical)),
        Subject("theory.fixed_point", "q*, the limit of the length map.", _theory(_fixed_point)),
        Subject("theory.sigma_w", "σ_w of the scheme in hidden 2.", lambda view: _sigmas(view)[0]),
        Subject("theory.sigma_b", "σ_b of the scheme in hidden 2.", lambda view: _sigmas(view)[1]),
        Subject(
            "theory.signal_gradient_ratio",
            "‖∂L/∂z‖ relative to the last hidden layer, predicted at step 0.",
            _prediction("signal_gradient_ratio"),
            "layers",
        ),
        Subject(
            "theory.activation_std",
            "Standard deviation of a, predicted at step 0.",
            _prediction("activation_std"),
            "layers",
        ),
        Subject(
            "theory.band",
            "The factor within which two of three networks keep to the predicted ratio.",
            _prediction("band"),
            "layers",
        ),
        Subject(
            "initialiser.std",
            "The standard deviation of an entry of W by the scheme.",
            _scheme("weight_std"),
            "layers",
        ),
        Subject(
            "initialiser.mean",
            "The mean of an entry of W by the scheme.",
            _scheme("weight_mean"),
            "layers",
        ),
        Subject(
            "initialiser.bias_std",
            "The standard deviation of a bias by the scheme.",
            _scheme("bias_std"),
            "layers",
        ),
        Subject("initialiser.fan_in", "Inputs of a unit.", _fan("fan_in"), "layers"),
        Subject("initialiser.fan_out", "Units that an input reaches.", _fan("fan_out"), "layers"),
    )
}


# -- selectors --------------------------------------------------------------------------------


def over(above: float, below: float) -> float:
    """A ratio as floating point has it: infinite over 0, NaN for 0 over 0."""
    with np.errstate(all="ignore"):
        return float(np.float64(above) / np.float64(below))


Selector = Callable[[Floats], float]


def _factor(row: Floats) -> float:
    """The (n − 1)-th root of the first over the last (n,); NaN for one number, or below 0."""
    ratio = over(row[0], row[-1])
    return ratio ** (1.0 / (len(row) - 1)) if len(row) > 1 and ratio >= 0 else math.nan


#: What makes one number of a row; "hidden" where the output layer is left out.
SELECTORS: Mapping[str, tuple[str, Selector]] = {
    "first": ("the first hidden layer", lambda row: float(row[0])),
    "last": ("the last hidden layer", lambda row: float(row[-1])),
    "first_over_last": ("the first hidden layer over the last", lambda row: over(row[0], row[-1])),
    "last_over_first": ("the last hidden layer over the first", lambda row: over(row[-1], row[0])),
    "min": ("the least of the hidden layers", lambda row: float(row.min())),
    "max": ("the largest of the hidden layers", lambda row: float(row.max())),
    "mean": ("their mean", lambda row: float(row.mean())),
    "median": ("their median", lambda row: float(np.median(row))),
    "max_over_min": ("the largest over the least", lambda row: over(row.max(), row.min())),
    "mean_factor": ("the factor from each to the one before it, on geometric average", _factor),
}
#: The same with the output layer, as "all_max".
WITH_OUTPUT = ("min", "max", "mean", "median", "max_over_min")
_PLACE = {"layers": re.compile(r"hidden_([1-9]\d{0,3})"), "times": re.compile(r"t_([1-9]\d{0,3})")}


def selector_names(row: Row) -> tuple[str, ...]:
    """The selectors that a row of this kind has, as they are listed for people."""
    if row == "times":
        return (*SELECTORS, "t_1", "t_2", "…")
    return (*SELECTORS, "output", "hidden_1", "hidden_2", "…", *(f"all_{n}" for n in WITH_OUTPUT))


def select(row: Row, name: str) -> Selector | None:
    """The function that makes one number of a row (n,): None for an unknown name.

    Of layers the output layer is the last number.
    """
    if name in SELECTORS:
        chosen = SELECTORS[name][1]
        return chosen if row == "times" else lambda values: chosen(values[:-1])
    place = _PLACE[row].fullmatch(name)
    if place:
        index, most = int(place[1]) - 1, 1 if row == "layers" else 0
        return lambda values: float(values[index]) if index < len(values) - most else math.nan
    if row == "layers" and name == "output":
        return lambda values: float(values[-1])
    if row == "layers" and name.removeprefix("all_") in WITH_OUTPUT and name.startswith("all_"):
        return SELECTORS[name.removeprefix("all_")][1]
    return None
