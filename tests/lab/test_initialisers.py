"""Every scheme: what it draws against what it says, and against torch.nn.init bit for bit."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import init

from initviz.lab.initialisers import ALIASES, SCHEMES
from initviz.lab.initialisers.place import Place

#: Further parameters under which each scheme is tested, beside its defaults.
VARIANTS = {
    "constant": [{"value": -1.5}],
    "uniform": [{"a": 0.0, "b": 1.0}, {"a": -3.0, "b": -3.0}],
    "normal": [{"std": 2.5}, {"std": 0.0}],
    "glorot_normal": [{"gain": 5 / 3}],
    "glorot_uniform": [{"gain": 5 / 3}],
    "he_normal": [{"mode": "fan_out"}, {"slope": 0.5}],
    "he_uniform": [{"mode": "fan_out"}, {"slope": 0.5}],
    "orthogonal": [{"gain": 1.5}],
}
CASES = [
    pytest.param(SCHEMES[name](**parameters), id=f"{name}-{parameters}")
    for name in SCHEMES
    for parameters in [{}, *VARIANTS.get(name, [])]
]
each_case = pytest.mark.parametrize("scheme", CASES)
#: (fan_out, fan_in), large enough to measure a standard deviation.
shapes = st.tuples(st.integers(1, 250), st.integers(1, 250)).filter(lambda s: math.prod(s) > 500)
each_shape = settings(derandomize=True, max_examples=20)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _drawn(scheme, shape, dtype=torch.float64, seed=0):
    weight = torch.full(shape, torch.nan, dtype=dtype)
    scheme.draw(weight, Place(shape), _generator(seed))
    return weight


@each_case
@each_shape
@given(shape=shapes, seed=st.integers(0, 2**31))
def test_the_drawn_weights_have_the_mean_and_the_std_that_are_announced(scheme, shape, seed):
    weight = _drawn(scheme, shape, seed=seed).numpy()
    mean, std = scheme.weight_mean(Place(shape)), scheme.weight_std(Place(shape))
    # Six standard errors: σ/√N of the mean, and σ √((κ − 1) / 4N), κ at most 3, of the std.
    error = 6 * std / math.sqrt(weight.size)
    assert weight.mean() == pytest.approx(mean, abs=error + 1e-15)
    spread = math.sqrt(np.mean((weight - mean) ** 2))
    assert spread == pytest.approx(std, abs=error / math.sqrt(2) + 1e-15)


@each_case
@each_shape
@given(shape=shapes, seed=st.integers(0, 2**31))
def test_every_drawn_weight_lies_in_the_support(scheme, shape, seed):
    weight = _drawn(scheme, shape, seed=seed).numpy()
    low, high = scheme.weight_support(Place(shape))
    slack = 1e-12 * max(abs(low), abs(high)) if math.isfinite(low) else 0.0
    assert low - slack <= weight.min()
    assert weight.max() <= high + slack


@pytest.mark.parametrize(
    "scheme", [case for case in CASES if "uniform" in case.id or "default" in case.id]
)
def test_a_uniform_scheme_fills_its_support(scheme):
    shape = (300, 300)
    low, high = scheme.weight_support(Place(shape))
    weight = _drawn(scheme, shape).numpy()
    assert weight.min() <= low + 0.001 * (high - low)
    assert weight.max() >= high - 0.001 * (high - low)


@each_case
@each_shape
@given(shape=shapes, seed=st.integers(0, 2**31))
def test_sigma_w_is_the_length_of_a_row(scheme, shape, seed):
    weight = _drawn(scheme, shape, seed=seed).numpy()
    length = math.sqrt(np.mean(np.sum(weight**2, axis=1)))
    error = 6 / math.sqrt(weight.size)
    assert scheme.sigma_w(Place(shape)) == pytest.approx(length, rel=error, abs=1e-15)


@each_case
def test_the_same_seed_draws_the_same_and_another_seed_another(scheme):
    shape = (20, 30)
    assert torch.equal(_drawn(scheme, shape), _drawn(scheme, shape))
    if scheme.weight_std(Place(shape)) > 0:
        assert not torch.equal(_drawn(scheme, shape), _drawn(scheme, shape, seed=1))


@each_case
def test_the_bias_has_the_mean_and_the_std_that_are_announced(scheme):
    shifted = type(scheme)(**{**scheme.model_dump(), "bias": 0.25})
    bias = torch.full((20_000,), torch.nan, dtype=torch.float64)
    shifted.draw_bias(bias, 50, _generator())
    std = shifted.bias_std(50)
    error = 5 * std / math.sqrt(20_000)
    assert bias.mean().item() == pytest.approx(0.25, abs=error + 1e-15)
    assert bias.std().item() == pytest.approx(std, abs=error + 1e-15)


@each_case
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)], ids=str)
def test_one_unit_is_enough(scheme, shape):
    assert torch.isfinite(_drawn(scheme, shape, torch.float32)).all()


def _kaiming(function, **how):
    return lambda w, g: function(w, nonlinearity="leaky_relu", generator=g, **how)


#: What torch.nn.init calls the same draw: (scheme, its parameters, torch's call).
BY_TORCH = [
    ("zeros", {}, lambda w, g: init.zeros_(w)),
    ("constant", {"value": 0.3}, lambda w, g: init.constant_(w, 0.3)),
    ("uniform", {"a": 0.0, "b": 1.0}, lambda w, g: init.uniform_(w, generator=g)),
    ("normal", {"std": 0.7}, lambda w, g: init.normal_(w, std=0.7, generator=g)),
    ("xavier_uniform", {"gain": 1.3}, lambda w, g: init.xavier_uniform_(w, 1.3, generator=g)),
    ("xavier_uniform_", {}, lambda w, g: init.xavier_uniform_(w, generator=g)),
    ("xavier_normal", {"gain": 1.3}, lambda w, g: init.xavier_normal_(w, 1.3, generator=g)),
    ("xavier_normal_", {}, lambda w, g: init.xavier_normal_(w, generator=g)),
    ("kaiming_uniform", {}, _kaiming(init.kaiming_uniform_)),
    ("kaiming_uniform_", {"slope": 0.2}, _kaiming(init.kaiming_uniform_, a=0.2)),
    ("kaiming_uniform", {"mode": "fan_out"}, _kaiming(init.kaiming_uniform_, mode="fan_out")),
    ("kaiming_normal", {}, _kaiming(init.kaiming_normal_)),
    ("kaiming_normal_", {"slope": 0.2}, _kaiming(init.kaiming_normal_, a=0.2)),
    ("kaiming_normal", {"mode": "fan_out"}, _kaiming(init.kaiming_normal_, mode="fan_out")),
    (
        "lecun_normal",
        {},
        lambda w, g: init.kaiming_normal_(w, nonlinearity="linear", generator=g),
    ),
    (
        "lecun_uniform",
        {},
        lambda w, g: init.kaiming_uniform_(w, nonlinearity="linear", generator=g),
    ),
    ("orthogonal", {"gain": 1.2}, lambda w, g: init.orthogonal_(w, 1.2, generator=g)),
]


@pytest.mark.parametrize(
    ("name", "parameters", "by_torch"), BY_TORCH, ids=[f"{n}-{p}" for n, p, _ in BY_TORCH]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(100, 64), (10, 100), (1, 3), (37, 61), (8, 4, 3, 3)], ids=str)
def test_torchs_names_draw_what_torch_draws_bit_for_bit(name, parameters, by_torch, dtype, shape):
    expected = torch.empty(shape, dtype=dtype)
    by_torch(expected, _generator(3))
    scheme = SCHEMES[ALIASES.get(name, name)](**parameters)
    assert torch.equal(_drawn(scheme, shape, dtype, seed=3), expected)


@pytest.mark.parametrize("fan_in", [1, 7, 64, 1000])
def test_pytorchs_default_draws_what_a_linear_layer_draws_bit_for_bit(fan_in):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        layer = nn.Linear(fan_in, 40)
    scheme, generator = SCHEMES["pytorch_default"](), _generator(5)
    weight, bias = torch.empty(40, fan_in), torch.empty(40)
    scheme.draw(weight, generator)
    scheme.draw_bias(bias, fan_in, generator)
    assert torch.equal(weight, layer.weight.detach())
    assert torch.equal(bias, layer.bias.detach())


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (60, 60)], ids=str)
def test_orthogonal_has_equal_singular_values(shape):
    values = np.linalg.svd(_drawn(SCHEMES["orthogonal"](gain=1.5), shape).numpy(), compute_uv=False)
    np.testing.assert_allclose(values, 1.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "expected"), [((5, 7), (7, 5)), ((5, 7, 3), (21, 15)), ((5, 7, 3, 2), (42, 30))]
)
def test_fans_are_those_of_pytorch_and_keras(shape, expected):
    assert fans(shape) == expected == init._calculate_fan_in_and_fan_out(torch.empty(shape))


def test_the_named_schemes_at_100_inputs():
    sigma = {name: scheme().weight_std(100, 100) for name, scheme in SCHEMES.items()}
    assert sigma["glorot_normal"] == pytest.approx(0.1)
    assert sigma["he_normal"] == pytest.approx(0.1414, abs=1e-4)
    assert sigma["lecun_normal"] == pytest.approx(0.1)
    assert sigma["pytorch_default"] ** 2 == pytest.approx(1 / 300)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_an_entry_can_be_shown(scheme):
    assert scheme.label
    assert "W" in scheme.formula
    assert scheme.source
    assert scheme().scheme == scheme.name


def test_names_and_aliases_do_not_collide():
    assert not set(ALIASES) & set(SCHEMES)
    assert len(ALIASES) == sum(len(scheme.names) for scheme in SCHEMES.values())
