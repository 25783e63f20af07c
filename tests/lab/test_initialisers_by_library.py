"""Schemes against the libraries whose names they bear.

PyTorch's names: bit for bit against `torch.nn.init` and PyTorch's layers. Keras's names: mean,
standard deviation, support and distribution (Kolmogorov–Smirnov) against its published formulas,
written out here once more.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import init

from initviz.lab.initialisers import ALIASES, SCHEMES, Place
from initviz.lab.initialisers.truncated import truncated_std


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _scheme(name, **parameters):
    return SCHEMES[ALIASES.get(name, name)](**parameters)


def _drawn(scheme, place, dtype=torch.float64, seed=0):
    weight = torch.full(place.shape, torch.nan, dtype=dtype)
    draw = scheme.draw if place.gates == 1 else scheme.draw_gates
    draw(weight, place, _generator(seed))
    return weight


def _leaky(function, **how):
    return lambda w, g: function(w, nonlinearity="leaky_relu", generator=g, **how)


def _linear(function, **how):
    return lambda w, g: function(w, nonlinearity="linear", generator=g, **how)


def _truncated(**how):
    return lambda w, g: init.trunc_normal_(w, generator=g, **how)


#: What torch.nn.init calls the same draw: (scheme, its parameters, torch's call).
BY_TORCH = [
    ("zeros_", {}, lambda w, g: init.zeros_(w)),
    ("constant_", {"value": 0.3}, lambda w, g: init.constant_(w, 0.3)),
    ("uniform_", {"a": 0.0, "b": 1.0}, lambda w, g: init.uniform_(w, generator=g)),
    ("normal_", {"std": 0.7}, lambda w, g: init.normal_(w, std=0.7, generator=g)),
    ("truncated_normal", {"std": 1.0}, _truncated()),
    ("trunc_normal_", {"std": 0.02}, _truncated(std=0.02)),
    ("trunc_normal_", {"std": 3.0, "cut": 0.5}, _truncated(std=3.0, a=-0.5, b=0.5)),
    (
        "truncated_normal",
        {"std": 0.3, "cut": 1.5, "cut_in": "sigmas"},
        _truncated(std=0.3, a=-0.45, b=0.45),
    ),
    ("xavier_uniform", {"gain": 1.3}, lambda w, g: init.xavier_uniform_(w, 1.3, generator=g)),
    ("xavier_uniform_", {}, lambda w, g: init.xavier_uniform_(w, generator=g)),
    ("xavier_normal", {"gain": 1.3}, lambda w, g: init.xavier_normal_(w, 1.3, generator=g)),
    ("xavier_normal_", {}, lambda w, g: init.xavier_normal_(w, generator=g)),
    ("kaiming_uniform", {}, _leaky(init.kaiming_uniform_)),
    ("kaiming_uniform_", {"slope": 0.2}, _leaky(init.kaiming_uniform_, a=0.2)),
    ("kaiming_uniform", {"mode": "fan_out"}, _leaky(init.kaiming_uniform_, mode="fan_out")),
    ("kaiming_normal", {}, _leaky(init.kaiming_normal_)),
    ("kaiming_normal_", {"slope": 0.2}, _leaky(init.kaiming_normal_, a=0.2)),
    ("kaiming_normal", {"mode": "fan_out"}, _leaky(init.kaiming_normal_, mode="fan_out")),
    ("lecun_normal", {}, _linear(init.kaiming_normal_)),
    ("lecun_uniform", {}, _linear(init.kaiming_uniform_)),
    ("inverse_sqrt_uniform", {}, _leaky(init.kaiming_uniform_, a=math.sqrt(5))),
    ("orthogonal_", {"gain": 1.2}, lambda w, g: init.orthogonal_(w, 1.2, generator=g)),
    ("lsuv", {}, lambda w, g: init.orthogonal_(w, generator=g)),
    (
        "formula",
        {"expression": "normal(0, 0.3) + uniform(-1, 1)"},
        lambda w, g: w.copy_(
            torch.empty_like(w).normal_(0, 0.3, generator=g)
            + torch.empty_like(w).uniform_(-1, 1, generator=g)
        ),
    ),
    (
        "formula",
        {"expression": "truncated_normal(0, 0.3)"},
        _truncated(std=0.3, a=-0.6, b=0.6),
    ),
    (
        "formula",
        {"expression": "0.5 * orthogonal()"},
        lambda w, g: init.orthogonal_(w, generator=g).mul_(0.5),
    ),
]
each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@pytest.mark.parametrize(
    ("name", "parameters", "by_torch"), BY_TORCH, ids=[f"{n}-{p}" for n, p, _ in BY_TORCH]
)
@each_dtype
@pytest.mark.parametrize("shape", [(100, 64), (10, 100), (1, 3), (37, 61), (8, 4, 3, 3)], ids=str)
def test_torchs_names_draw_what_torch_draws_bit_for_bit(name, parameters, by_torch, dtype, shape):
    expected = torch.empty(shape, dtype=dtype)
    by_torch(expected, _generator(3))
    assert torch.equal(_drawn(_scheme(name, **parameters), Place(shape), dtype, 3), expected)


@each_dtype
@pytest.mark.parametrize("shape", [(40, 30), (5, 9)], ids=str)
def test_sparse_draws_what_torch_draws_from_the_same_state(dtype, shape):
    expected = torch.empty(shape, dtype=dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)  # sparse_ picks its rows by the global generator
        init.sparse_(expected, 0.3, std=0.5)
    scheme = _scheme("sparse_", sparsity=0.3, std=0.5)
    assert torch.equal(_drawn(scheme, Place(shape), dtype, seed=3), expected)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)], ids=str)
def test_eye_draws_what_torch_draws(shape):
    expected = init.eye_(torch.empty(shape, dtype=torch.float64))
    assert torch.equal(_drawn(_scheme("eye_"), Place(shape)), expected)


@pytest.mark.parametrize("shape", [(4, 4, 3), (3, 5, 3, 3), (5, 3, 4, 5), (2, 2, 3, 3, 3)], ids=str)
@pytest.mark.parametrize("name", ["dirac_", "identity"])
def test_dirac_draws_what_torch_draws(shape, name):
    expected = init.dirac_(torch.empty(shape, dtype=torch.float64))
    assert torch.equal(_drawn(_scheme(name), Place(shape)), expected)


def _made(build):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Linear(1, 40),
        lambda: nn.Linear(7, 40),
        lambda: nn.Linear(1000, 40),
        lambda: nn.Conv2d(3, 8, 5),
        lambda: nn.Conv2d(1, 4, 3),
    ],
)
def test_pytorchs_default_draws_what_its_layers_draw_bit_for_bit(build):
    layer = _made(build)
    scheme, generator = _scheme("pytorch_default"), _generator(5)
    weight, bias = torch.empty_like(layer.weight), torch.empty_like(layer.bias)
    place = Place(tuple(weight.shape))
    with torch.no_grad():
        scheme.draw(weight, place, generator)
        scheme.draw_bias(bias, place, generator)
    assert torch.equal(weight, layer.weight)
    assert torch.equal(bias, layer.bias)


@pytest.mark.parametrize(
    ("cell", "build"),
    [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)],
)
def test_pytorchs_default_draws_every_tensor_of_a_recurrent_layer_bit_for_bit(cell, build):
    layer = _made(lambda: build(6, 10))
    scheme, generator = _scheme("pytorch_default"), _generator(5)
    gates = layer.weight_ih_l0.shape[0] // 10
    feed = Place((gates * 10, 6), gates=gates, cell=cell)
    again = Place((gates * 10, 10), role="recurrent", gates=gates, cell=cell)
    # The order in which PyTorch's layer draws its four tensors.
    for expected, place, draw in (
        (layer.weight_ih_l0, feed, scheme.draw_gates),
        (layer.weight_hh_l0, again, scheme.draw_gates),
        (layer.bias_ih_l0, feed, scheme.draw_bias),
        (layer.bias_hh_l0, again, scheme.draw_bias),
    ):
        drawn = torch.empty_like(expected.detach())
        draw(drawn, place, generator)
        assert torch.equal(drawn, expected.detach())


def test_pytorchs_default_scales_a_recurrent_layer_by_its_width():
    place = Place((40, 90), gates=4, cell="lstm")
    scheme = _scheme("pytorch_default")
    assert scheme.weight_std(place) == pytest.approx(1 / math.sqrt(30))
    assert scheme.bias_std(place) == pytest.approx(1 / math.sqrt(30))
    assert scheme.weight_support(place) == pytest.approx((-1 / math.sqrt(10), 1 / math.sqrt(10)))


# -- Keras --------------------------------------------------------------------------------------

#: Keras divides by this where it truncates and scales by the fans.
KERAS_CORRECTION = 0.87962566103423978


def _normal(std):
    return stats.norm(0, std)


def _uniform(bound):
    return stats.uniform(-bound, 2 * bound)


def _cut(std):
    return stats.truncnorm(-2, 2, 0, std)


def _corrected(variance):
    return _cut(math.sqrt(variance) / KERAS_CORRECTION)


#: name, parameters, and the distribution that Keras publishes, given fan_in and fan_out.
BY_KERAS = [
    ("keras.glorot_normal", {}, lambda i, o: _corrected(2 / (i + o))),
    ("keras.glorot_uniform", {}, lambda i, o: _uniform(math.sqrt(6 / (i + o)))),
    ("keras.he_normal", {}, lambda i, o: _corrected(2 / i)),
    ("keras.he_uniform", {}, lambda i, o: _uniform(math.sqrt(6 / i))),
    ("keras.lecun_normal", {}, lambda i, o: _corrected(1 / i)),
    ("keras.lecun_uniform", {}, lambda i, o: _uniform(math.sqrt(3 / i))),
    ("keras.truncated_normal", {}, lambda i, o: _cut(0.05)),
    ("keras.truncated_normal", {"std": 2.0}, lambda i, o: _cut(2.0)),
    ("keras.random_normal", {}, lambda i, o: _normal(0.05)),
    ("keras.random_uniform", {}, lambda i, o: _uniform(0.05)),
    ("keras.variance_scaling", {}, lambda i, o: _corrected(1 / i)),
    (
        "keras.variance_scaling",
        {"scale": 3.0, "mode": "fan_out", "distribution": "truncated_normal"},
        lambda i, o: _corrected(3 / o),
    ),
    (
        "keras.variance_scaling",
        {"scale": 3.0, "mode": "fan_avg", "distribution": "untruncated_normal"},
        lambda i, o: _normal(math.sqrt(6 / (i + o))),
    ),
    (
        "keras.variance_scaling",
        {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"},
        lambda i, o: _uniform(math.sqrt(9 / o)),
    ),
    ("keras_default", {}, lambda i, o: _uniform(math.sqrt(6 / (i + o)))),
    (
        "truncated_normal",
        {"std": 0.05, "cut_in": "sigmas", "corrected": True},
        lambda i, o: _corrected(0.05**2),
    ),
]


@pytest.mark.parametrize(
    ("name", "parameters", "published"), BY_KERAS, ids=[f"{n}-{p}" for n, p, _ in BY_KERAS]
)
@pytest.mark.parametrize("shape", [(150, 400), (400, 150), (40, 30, 5, 5)], ids=str)
def test_kerass_names_draw_kerass_distribution(name, parameters, published, shape):
    scheme, place = _scheme(name, **parameters), Place(shape)
    expected = published(place.fan_in, place.fan_out)
    weight = _drawn(scheme, place).numpy().ravel()
    low, high = expected.support()
    assert scheme.weight_std(place) == pytest.approx(expected.std(), rel=1e-12)
    assert scheme.weight_support(place) == pytest.approx((low, high), rel=1e-12)
    assert low <= weight.min()
    assert weight.max() <= high
    # The greatest distance of the distribution functions; 1.95 / √N is left once in a thousand.
    distance = stats.kstest(weight, expected.cdf).statistic
    assert distance < 1.95 / math.sqrt(weight.size)


def test_the_test_of_a_distribution_tells_a_truncated_from_an_untruncated_one():
    place = Place((150, 400))
    ours = _drawn(_scheme("he_normal"), place).numpy().ravel()
    distance = stats.kstest(ours, _corrected(2 / 400).cdf).statistic
    assert distance > 2 * 1.95 / math.sqrt(ours.size)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_kerass_default_scales_the_whole_kernel_of_a_recurrent_layer(cell):
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    scheme = _scheme("keras_default")
    feed = Place((gates * 50, 30), gates=gates, cell=cell)
    again = Place((gates * 50, 50), role="recurrent", gates=gates, cell=cell)
    weight = _drawn(scheme, feed)
    bound = math.sqrt(6 / (30 + gates * 50))
    assert weight.abs().max().item() == pytest.approx(bound, rel=5e-3)
    recurrent = _drawn(scheme, again)
    np.testing.assert_allclose(recurrent.T @ recurrent, np.eye(50), atol=1e-12)


def test_kerass_default_opens_the_forget_gate_and_leaves_the_other_biases_0():
    scheme = _scheme("keras_default")
    bias = torch.full((20,), torch.nan)
    scheme.draw_bias(bias, Place((20, 3), gates=4, cell="lstm"), _generator())
    assert bias.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10
    scheme.draw_bias(bias, Place((20, 3)), _generator())
    assert not bias.any()


@pytest.mark.parametrize("alias", [alias for alias in ALIASES if alias.startswith("keras.")])
def test_a_keras_name_is_an_alias_only_where_the_gates_make_no_difference(alias):
    scheme = _scheme(alias)
    place = Place((4 * 30, 20), gates=4, cell="lstm")
    whole = Place((4 * 30, 20))
    assert scheme.weight_std(place) == scheme.weight_std(whole)


@pytest.mark.parametrize("cut", [1e-4, 0.0099, 0.0101, 0.5, 2.0, 5.0, 40.0])
def test_the_std_of_a_truncated_normal_is_exact(cut):
    # scipy loses digits for small cuts; there it is U(±cut) up to terms in cut².
    expected = stats.truncnorm(-cut, cut).std() if cut > 0.1 else cut / math.sqrt(3)
    assert truncated_std(cut) == pytest.approx(expected, rel=1e-12 if cut > 0.1 else cut**2)


def test_the_correction_is_kerass():
    assert truncated_std(2.0) == pytest.approx(KERAS_CORRECTION, rel=1e-14)
