"""Where schemes and lanes stand on the phase map: σ_w and σ_b of an experiment's hidden layers."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from initviz.lab import datasets
from initviz.lab.activations import ACTIVATIONS
from initviz.lab.datasets import DATASETS, Description
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES, Scheme
from initviz.lab.initialisers.place import Place
from initviz.lab.mean_field import CENTRED
from initviz.lab.places import places
from initviz.lab.recording import Recording
from initviz.lab.settings import Value
from initviz.ui.scale import rounded

#: A formula of one's own is whatever it says: it has no place that one could know it by.
_NO_PLACE = ("formula",)
#: Points that are closer than this are the same.
_NEAR = 1e-6
_KERAS = "Keras: "

Point = tuple[float, float]


@dataclass(frozen=True)
class Pin:
    """The schemes (their labels) that stand at one point, what is used most first."""

    sigma_w: float
    sigma_b: float
    labels: tuple[str, ...]
    rank: int  # of the first one in the table of schemes

    @property
    def point(self) -> Point:
        """(σ_w, σ_b)."""
        return self.sigma_w, self.sigma_b

    @property
    def is_of_a_library(self) -> bool:
        """Whether only a library's spelling of a scheme stands there."""
        return all(label.startswith(_KERAS) for label in self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels in short: a family once, and Keras's spelling of the same not at all."""
        families = [_family(label) for label in self.labels]
        own = {family.lower() for family in families}
        kept = [f for f in families if f.removeprefix(_KERAS).lower() not in own - {f.lower()}]
        return tuple(dict.fromkeys(kept))


@dataclass(frozen=True)
class Standing:
    """Where an experiment stands: its hidden layers' σ_w and σ_b, as its own scheme gives them.

    NaN where that is not known before it is drawn. `unlike` says in what the layers are not those
    that the map is for, empty where they are; `notes` are sentences for whoever wants to know.
    """

    sigma_w: float
    sigma_b: float
    unlike: str = ""
    notes: tuple[str, ...] = ()

    @property
    def point(self) -> Point:
        """(σ_w, σ_b)."""
        return self.sigma_w, self.sigma_b


# -- places ---------------------------------------------------------------------------------------


def inner_places(recording: Recording) -> tuple[Place, ...]:
    """The hidden weights that σ_w is of: from layer 2 on, if there is one.

    Of recurrent layers, those that the step before goes through.
    """
    experiment = recording.experiment
    *hidden, _ = places(experiment, _description(recording))
    if experiment.network.is_recurrent:
        return tuple(_recurrent(place) for place in hidden)
    return tuple(hidden[1:] or hidden)


def _recurrent(place: Place) -> Place:
    rows = place.shape[0]
    return replace(place, shape=(rows, rows // place.gates), role="recurrent")


def _description(recording: Recording) -> Description:
    """What the network reads. Files are not opened for it: they may be gone, or others by now."""
    experiment = recording.experiment
    training, network = experiment.training, experiment.network
    if not DATASETS[training.data].needs_path:
        return datasets.describe(training)
    first, width = experiment.hidden[0], experiment.network.width
    steps = recording.weight_steps
    columns = recording.weights(first.name, int(steps[0])).shape[1] if len(steps) else width
    if network.architecture == "cnn":
        return Description((max(columns // network.kernel_size**2, 1), 1, 1), 1)
    if network.is_recurrent:
        return Description((1, max(columns - first.width, 1)), 1)
    return Description((columns,), 1)


def _point(scheme: Scheme, place: Place) -> Point:
    """(σ_w, σ_b) of one weight: the roots of fan_in · E w² and of E b²."""
    feed = _biases_of(place)
    bias = math.hypot(scheme.bias_mean(feed), scheme.bias_std(feed))
    return scheme.sigma_w(scheme.piece(place)), bias


def _biases_of(place: Place) -> Place:
    """The place whose biases count: of a recurrent layer, without the forget gate's shift."""
    return replace(place.one_gate(), role="feed", cell="")


# -- pins -----------------------------------------------------------------------------------------


def pins(place: Place) -> tuple[Pin, ...]:
    """Every scheme that draws centred random weights, where it stands with its defaults."""
    found: list[Pin] = []
    for rank, (name, kind) in enumerate(SCHEMES.items()):
        scheme = kind()
        if name in _NO_PLACE or not _is_random(scheme, place):
            continue
        sigma_w, sigma_b = _point(scheme, place)
        near = next((pin for pin in found if _are_near((sigma_w, sigma_b), pin)), None)
        if near is None:
            found.append(Pin(sigma_w, sigma_b, (kind.label,), rank))
        else:
            found[found.index(near)] = replace(near, labels=(*near.labels, kind.label))
    return tuple(sorted(found, key=lambda pin: (pin.sigma_w, pin.sigma_b)))


def _is_random(scheme: Scheme, place: Place) -> bool:
    """Whether the weights are drawn around 0, with a spread that is known before."""
    piece = scheme.piece(place)
    std, mean = scheme.weight_std(piece), scheme.weight_mean(piece)
    return math.isfinite(std) and std > 0 and _is_centred(mean, std, piece)


def _is_centred(mean: float, std: float, place: Place) -> bool:
    return abs(mean) * math.sqrt(place.fan_in) <= CENTRED * std


def _are_near(point: Point, pin: Pin) -> bool:
    scale = max(pin.sigma_w, 1e-300)
    return abs(point[0] - pin.sigma_w) <= _NEAR * scale and abs(point[1] - pin.sigma_b) <= _NEAR


def _family(label: str) -> str:
    """The label without "normal" or "uniform" where there are both; else the whole of it."""
    stem, _, kind = label.rpartition(" ")
    labels = {entry.label.lower() for entry in SCHEMES.values()}
    bare = stem.removeprefix(_KERAS).lower()
    both = {f"{bare} normal", f"{bare} uniform"} <= labels
    return stem if both and kind in ("normal", "uniform") else label


# -- lanes ----------------------------------------------------------------------------------------


def standing(recording: Recording) -> Standing:
    """Where a lane's hidden layers stand; layers with a scheme of their own do not count."""
    experiment = recording.experiment
    found = inner_places(recording)
    own = {layer.name for layer in experiment.layers if layer.initialiser is not None}
    common = [place for place in found if place.name not in own] or list(found)
    points = [_point(experiment.initialiser, place) for place in common]
    (sigma_w, sigma_b), times = Counter(points).most_common(1)[0]
    notes = []
    if math.isnan(sigma_w):
        sigma_w = _measured(recording, common[-1])
        notes.append("σ_w as it was drawn: this scheme cannot be known before.")
    if times < len(points):
        notes.append(f"So in {times} of {len(points)} layers: their widths differ.")
    if notes_of_layers := _differing(experiment, {place.name for place in found}):
        notes.append(notes_of_layers)
    unlike = _unlike(experiment, common[-1])
    return Standing(sigma_w, sigma_b, unlike, tuple(notes))


def _measured(recording: Recording, place: Place) -> float:
    """σ_w of the weights that were drawn; NaN where they are not kept."""
    if not len(recording.weight_steps):
        return math.nan
    weight = recording.weights(place.name, int(recording.weight_steps[0]))
    drawn = weight[:, -place.fan_in :].astype(np.float64)  # what the step before goes through
    return math.sqrt(place.fan_in * float(np.mean(drawn * drawn)))


def _differing(experiment: Experiment, inner: set[str]) -> str:
    """Which layers have a scheme or an activation of their own, in a sentence."""
    layers = [layer for layer in experiment.layers if layer.name in inner]
    names = [layer.name for layer in layers if layer.initialiser or layer.activation]
    if not names:
        return ""
    which = ", ".join(names) if len(names) <= 3 else f"{len(names)} layers"
    verb = "has" if len(names) == 1 else "have"
    return f"{which} {verb} settings of {'its' if len(names) == 1 else 'their'} own."


def _unlike(experiment: Experiment, place: Place) -> str:
    """In what these layers are not the plain random ones that the map is for; empty if they are."""
    network, scheme = experiment.network, experiment.initialiser
    piece = scheme.piece(place)
    mean, std = scheme.weight_mean(piece), scheme.weight_std(piece)
    reasons = (
        (network.is_recurrent, "is recurrent"),
        (network.is_normalised, "is normalised"),
        (network.has_branches, "has residual connections"),
        (network.dropout > 0, "has dropout"),
        (not math.isnan(mean) and not _is_centred(mean, std, piece), "has weights not around 0"),
        (scheme.bias_mean(_biases_of(place)) != 0, "has biases not around 0"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def activation_of(experiment: Experiment) -> tuple[str, float]:
    """The activation, and its slope; 0 where it has none."""
    name = experiment.network.activation
    return name, experiment.network.slope if ACTIVATIONS[name].has_slope else 0.0


def placed(recording: Recording, point: Point) -> Experiment:
    """The experiment with its layers at this point, and all else as it is.

    A single σ does where all layers read as many numbers; elsewhere each gets σ_w² / fan_in.
    """
    sigma_w, sigma_b = point
    experiment = recording.experiment
    *hidden, output = places(experiment, _description(recording))
    scale = (*hidden, output, *inner_places(recording))
    fans = {place.fan_in for place in scale}
    biases: dict[str, Value] = {"bias": 0.0, "bias_distribution": "scheme"}
    if sigma_b > 0:
        biases = {"bias": 0.0, "bias_distribution": "normal", "bias_spread": sigma_b}
    weights: dict[str, Value]
    if len(fans) == 1:
        weights = {"scheme": "normal", "std": rounded(sigma_w / math.sqrt(fans.pop()), 6)}
    else:
        weights = {
            "scheme": "variance_scaling",
            "scale": rounded(sigma_w**2, 6),
            "mode": "fan_in",
            "distribution": "normal",
        }
    settings = {**weights, **biases}
    return experiment.with_values({f"initialiser.{key}": v for key, v in settings.items()})
