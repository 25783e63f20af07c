"""How signal and gradient pass through drawn layers at step 0, in mean-field theory (NumPy only).

For samples a and b the covariance of z goes forward by K ↦ σ_w² E φ(z_a) φ(z_b) + σ_b², and the
product of gradients g = ∂L/∂z goes backward by G ↦ G σ_w² E φ′(z_a) φ′(z_b), where σ_w² is
n Var W with the fan-in n. A residual layer z ↦ z + α (W φ(z) + b) adds to K, and multiplies G by
1 + α² σ_w² E φ′ φ′. In a circular convolution the same holds of every position, on average over
the positions that a unit sees.

Sources: Poole et al. 2016, Schoenholz et al. 2017, Xiao et al. 2018 (convolutions), Yang &
Schoenholz 2017 (residual), Hanin 2018 (fluctuations).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from initviz.lab.drawn_layers import DrawnLayer
from initviz.lab.gaussian_batch import Expectations, expectations
from initviz.lab.typical_batch import TypicalBatch

Array = NDArray[np.float64]

#: Logits of a variance above this give probabilities of 0 and 1.
_DECIDED = 1e8
#: Random logits that are looked at, for all classes together.
_DRAWS = 640
_ENORMOUS = 1e300


@dataclass
class Course:
    """What is found layer by layer, input side first (H numbers each).

    `log_signals` and `log_weight_gradients` are logarithms of squared norms, up to a constant.
    """

    second_moments: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    stds: list[float] = field(default_factory=list)
    log_signals: list[float] = field(default_factory=list)
    log_weight_gradients: list[float] = field(default_factory=list)
    expectations: list[Expectations] = field(default_factory=list)

    def add(self, mean: float, lengths: Array, found: Expectations) -> None:
        """One more layer: z has this mean and the variances `lengths`."""
        with np.errstate(over="ignore"):
            self.second_moments.append(float(np.mean(lengths)) + mean**2)
        average = float(np.mean(found.mean))
        self.means.append(average)
        self.stds.append(math.sqrt(max(float(np.mean(found.second)) - average**2, 0.0)))
        self.expectations.append(found)


# -- fully connected ----------------------------------------------------------------------------


def through_fully_connected(
    layers: Sequence[DrawnLayer],
    output: DrawnLayer,
    batch: TypicalBatch,
    *,
    slope: float,
    classes: int,
    loss: str,
) -> Course:
    """Everything at the hidden `layers`, for a batch like `batch` and the gradient of `loss`."""
    course = Course()
    below, slopes = [batch.products], []
    mean, lengths, correlations = 0.0, np.zeros(0), batch.products
    for layer in layers:
        if layer.branch is None:
            mean = layer.bias_mean
            lengths, correlations = _plain(layer, below[-1])
        else:
            mean += layer.branch * layer.bias_mean
            lengths, correlations = _with_branch(layer, below[-1], lengths, correlations)
        found = expectations(layer.activation, slope, mean, np.sqrt(np.minimum(lengths, _ENORMOUS)))
        course.add(mean, lengths, found)
        products = found.products(correlations)
        below.append(products[0])
        slopes.append(products[1])
    gradients = output_gradients(output, below[-1], batch, classes, loss)
    _backwards(course, [*layers, output], below, slopes, gradients, batch)
    return course


def _plain(layer: DrawnLayer, products: Array) -> tuple[Array, Array]:
    """Variances (M,) and correlations (M, M) of z = W φ + b, from E φ_a φ_b."""
    # σ_w² is left out of the correlations, as it may be beyond what squares can hold.
    spread = products + layer.bias_std**2 / layer.weight_scale
    with np.errstate(over="ignore"):
        return layer.weight_scale * np.diagonal(spread), _correlations(spread)


def _with_branch(
    layer: DrawnLayer, products: Array, lengths: Array, correlations: Array
) -> tuple[Array, Array]:
    """Variances and correlations of z + α (W φ + b), from those of z."""
    stds = np.sqrt(np.minimum(lengths, _ENORMOUS))
    added = layer.weight_scale * products + layer.bias_std**2
    with np.errstate(over="ignore"):
        covariance = np.minimum(
            correlations * np.outer(stds, stds) + layer.branch_squared * added, _ENORMOUS
        )
    return np.diagonal(covariance), _correlations(covariance)


def _correlations(covariance: Array) -> Array:
    stds = np.sqrt(np.diagonal(covariance))
    stds = np.where(stds > 0, stds, 1.0)
    found = np.clip(covariance / stds[:, None] / stds, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return found


def _backwards(
    course: Course,
    layers: Sequence[DrawnLayer],
    below: Sequence[Array],
    slopes: Sequence[Array],
    gradients: Array,
    batch: TypicalBatch,
) -> None:
    """Fill in the gradients, from the products of those at the output, (M, M)."""
    logarithm = 0.0
    signals, weights = [], []
    for index in reversed(range(len(slopes))):
        layer, above = layers[index], layers[index + 1]
        gradients = gradients * above.slope_factor(slopes[index])
        size = float(np.mean(np.diagonal(gradients)))
        gradients = gradients / (size or 1.0)
        logarithm += log(size)
        signals.append(logarithm)
        largest = float(np.max(np.diagonal(below[index]))) or 1.0
        pairs = batch.mean_over_pairs(gradients * (below[index] / largest))
        inputs = math.log(layer.fan_in) + log(layer.branch_squared) + math.log(largest)
        weights.append(logarithm + inputs + log(pairs))
    course.log_signals = signals[::-1]
    course.log_weight_gradients = weights[::-1]


def output_gradients(
    output: DrawnLayer, products: Array, batch: TypicalBatch, classes: int, loss: str
) -> Array:
    """E δ_a · δ_b (M, M) of the gradients δ at the logits, up to a constant.

    Logits are Gaussian and independent of the labels, so that E p · y = 1/C for probabilities p.
    """
    with np.errstate(over="ignore"):
        covariance = output.weight_scale * products + output.bias_std**2
        covariance = np.clip(covariance, -_ENORMOUS, _ENORMOUS)
    same = batch.same.astype(np.float64)
    if loss == "mse":
        mean = output.bias_mean
        mixed: Array = classes * (covariance + mean**2) - 2.0 * mean + same
        return mixed
    largest = float(np.max(np.diagonal(covariance)))
    if largest > _DECIDED:
        covariance = covariance * (_DECIDED / largest)
    probabilities = _softmax(_draw(covariance, classes))
    agreement = np.einsum("rca,rcb->ab", probabilities, probabilities) / len(probabilities)
    found: Array = agreement - 2.0 / classes + same
    return found


def _draw(covariance: Array, classes: int) -> Array:
    """Logits (draws, C, M) of this covariance, the same ones every time."""
    # Samples that have become alike make it singular, up to rounding and interpolation.
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    shape = (max(_DRAWS // classes, 8), classes, len(root))
    normal = np.random.default_rng(0).standard_normal(shape)
    logits: Array = np.einsum("rcn,mn->rcm", normal, root)
    return logits


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


# -- convolutional ------------------------------------------------------------------------------


def through_convolutions(
    layers: Sequence[DrawnLayer], batch: TypicalBatch, *, slope: float
) -> Course:
    """The same for circular convolutions whose last activations are averaged over positions.

    Weight gradients are left out (NaN): they need the covariances between all positions.
    """
    course = Course()
    incoming, mean, lengths = batch.energies, 0.0, np.zeros(0)
    for layer in layers:
        with np.errstate(over="ignore"):
            arrived = layer.weight_scale * _seen(incoming, layer.kernel_size) + layer.bias_std**2
            if layer.branch is None:
                mean, lengths = layer.bias_mean, arrived
            else:
                mean += layer.branch * layer.bias_mean
                lengths = lengths + layer.branch_squared * arrived
        found = expectations(layer.activation, slope, mean, np.sqrt(np.minimum(lengths, _ENORMOUS)))
        course.add(mean, lengths, found)
        incoming = found.second
    logarithm, signals = 0.0, []
    gradients = course.expectations[-1].slope_second
    for index in reversed(range(len(layers))):
        if index + 1 < len(layers):
            above, slopes = layers[index + 1], course.expectations[index].slope_second
            through = above.branch_squared * above.weight_scale * slopes
            passed = through * _seen(gradients, above.kernel_size)
            gradients = passed if above.branch is None else gradients + passed
        size = float(np.mean(gradients))
        gradients = gradients / (size or 1.0)
        logarithm += log(size)
        signals.append(logarithm)
    course.log_signals = signals[::-1]
    course.log_weight_gradients = [math.nan] * len(layers)
    return course


def _seen(images: Array, kernel_size: int) -> Array:
    """The mean over the k × k positions around each one, (…, height, width), round the edge."""
    reach = range(-(kernel_size // 2), kernel_size // 2 + 1)
    for axis in (-2, -1):
        images = sum((np.roll(images, shift, axis) for shift in reach), np.zeros_like(images))
        images = images / kernel_size
    return images


# -- fluctuations -------------------------------------------------------------------------------


def signal_variances(course: Course, layers: Sequence[DrawnLayer]) -> list[float]:
    """Var ln(‖∂L/∂z‖² / that of the last hidden layer), over draws of the weights, of one sample.

    A layer adds κ/n, κ = 3 E φ′⁴/(E φ′²)² − 1 (5 for ReLU).
    """
    variance, found = 0.0, [0.0]
    for index in reversed(range(len(layers) - 1)):
        expected, above = course.expectations[index], layers[index + 1]
        fourth = float(np.mean(expected.slope_fourth))
        # Where φ is flat everywhere no gradient is left that could fluctuate.
        kappa = 3.0 * fourth - 1.0 if math.isfinite(fourth) else 0.0
        if above.branch is not None:
            factor = float(np.mean(above.slope_factor(expected.slope_second)))
            through = factor - 1.0
            kappa = (4.0 * through + through**2 * kappa) / factor**2
        variance += kappa / layers[index].width
        found.append(variance)
    return found[::-1]


def log(x: float) -> float:
    """Ln x, −∞ at 0."""
    return math.log(x) if x > 0 else -math.inf
