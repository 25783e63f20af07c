"""Every entry of the table against PyTorch, and its limits against their definition."""

import math

import numpy as np
import pytest
import torch

from initviz.lab.activations import ACTIVATIONS, ALIASES

SLOPE = 0.3125  # a float32 too: the parameter of PReLU starts as one
EXTREMES = [0.0, 1e-300, 1e-12, 0.1, 1.0, 6.0, 20.5, 30.0, 100.0, 750.0, 1e4]
POINTS = np.unique([*np.linspace(-12, 12, 4001), *EXTREMES, *(-x for x in EXTREMES)])
SATURATING = [entry for entry in ACTIVATIONS.values() if entry.saturated is not None]
SWITCHING = [entry for entry in ACTIVATIONS.values() if entry.inactive is not None]

each = pytest.mark.parametrize("entry", ACTIVATIONS.values(), ids=ACTIVATIONS)


def _named(entries):
    return pytest.mark.parametrize("entry", entries, ids=[entry.name for entry in entries])


def _by_torch(entry):
    z = torch.tensor(POINTS, requires_grad=True)
    a = entry.module(SLOPE).double()(z)
    (slope,) = torch.autograd.grad(a.sum(), z)
    return a.detach().numpy(), slope.numpy()


@each
def test_the_function_is_what_the_module_computes(entry):
    expected, _ = _by_torch(entry)
    np.testing.assert_allclose(entry.function(POINTS, SLOPE), expected, rtol=1e-13, atol=1e-15)


@each
def test_the_derivative_is_what_autograd_computes(entry):
    _, expected = _by_torch(entry)
    np.testing.assert_allclose(entry.derivative(POINTS, SLOPE), expected, rtol=1e-12, atol=1e-15)


@each
def test_no_value_overflows_or_is_invalid(entry):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(entry.function(POINTS, SLOPE)).all()
        assert np.isfinite(entry.derivative(POINTS, SLOPE)).all()


@each
def test_the_derivative_bends_sharply_at_the_kinks_and_nowhere_else(entry):
    grid, h = np.arange(-800, 801) / 100, 1e-6
    before, here, after = (entry.derivative(grid + d, SLOPE) for d in (-h, 0.0, h))
    # A smooth slope bends by about h² = 1e-12 here, that of ELU by h at its kink, ReLU's by 1.
    bends = np.abs(after - 2 * here + before)
    assert set(grid[bends > 0.01 * h]) == set(entry.kinks)


@each
def test_the_parameter_matters_only_where_it_is_declared(entry):
    same = np.array_equal(entry.function(POINTS, 0.1), entry.function(POINTS, 0.7))
    assert same != entry.has_slope


@_named(SATURATING)
def test_saturated_is_where_the_slope_is_below_5_percent_of_its_maximum(entry):
    """At the limits of a hard activation too: there PyTorch passes nothing back."""
    low, high = entry.saturated
    active = -math.inf if entry.inactive is None else entry.inactive  # then the upper side only
    z = POINTS[active < POINTS]
    slopes = np.abs(entry.derivative(z, SLOPE))
    np.testing.assert_array_equal(slopes < 0.05 * slopes.max(), (z <= low) | (z >= high))
    for limit, away in ((low, -1e-9), (high, 1e-9)):
        if math.isfinite(limit):
            inside, beyond = np.abs(entry.derivative(np.array([limit - away, limit + away]), SLOPE))
            assert beyond < 0.05 * slopes.max() <= inside * (1 + 1e-6)


@_named(SWITCHING)
def test_inactive_is_where_the_slope_is_0_on_everything_below(entry):
    z, slopes = POINTS, entry.derivative(POINTS, SLOPE)
    np.testing.assert_array_equal(slopes[z <= entry.inactive], 0.0)
    assert slopes[z > entry.inactive][0] != 0.0


def test_the_notions_apply_to_the_activations_that_the_design_names():
    bounded = {"sigmoid", "tanh", "softsign", "hardtanh", "relu6"}
    assert {entry.name for entry in SATURATING} == bounded & set(ACTIVATIONS)
    assert {entry.name for entry in SWITCHING} == {"relu", "relu6"} & set(ACTIVATIONS)


def test_known_limits():
    assert ACTIVATIONS["tanh"].saturated[1] == pytest.approx(math.atanh(math.sqrt(0.95)))
    s = 1 / (1 + math.exp(-ACTIVATIONS["sigmoid"].saturated[1]))
    assert s * (1 - s) == pytest.approx(0.05 / 4)
    assert 1 / (1 + ACTIVATIONS["softsign"].saturated[1]) ** 2 == pytest.approx(0.05)
    assert ACTIVATIONS["hardtanh"].saturated == (-1.0, 1.0)
    assert ACTIVATIONS["relu6"].saturated == (-math.inf, 6.0)
    assert ACTIVATIONS["relu6"].inactive == 0.0


@each
def test_at_its_kinks_the_derivative_is_what_autograd_passes_back(entry):
    for dtype in (torch.float32, torch.float64):
        z = torch.tensor([-1.0, 0.0, -0.0, 1.0, 6.0], dtype=dtype, requires_grad=True)
        entry.module(SLOPE).to(dtype)(z).sum().backward()
        ours = entry.derivative(z.detach().double().numpy(), SLOPE)
        np.testing.assert_allclose(ours, z.grad, rtol=1e-6, atol=5e-8)


def test_every_module_has_a_class_of_its_own():
    names = [type(entry.module(SLOPE)).__name__ for entry in ACTIVATIONS.values()]
    assert len(set(names)) == len(ACTIVATIONS)


def test_only_the_slope_of_prelu_is_learned_one_for_a_layer():
    for name, entry in ACTIVATIONS.items():
        learned = [p.tolist() for p in entry.module(SLOPE).parameters()]
        assert learned == ([[SLOPE]] if name == "prelu" else [])


@pytest.mark.parametrize("name", [e.name for e in ACTIVATIONS.values() if e.period])
def test_a_period_is_one(name):
    entry = ACTIVATIONS[name]
    z = np.linspace(-3, 3, 101)
    moved = entry.function(z + entry.period, SLOPE)
    np.testing.assert_allclose(moved, entry.function(z, SLOPE), atol=1e-14)


@each
def test_an_entry_can_be_shown(entry):
    assert entry.label
    assert entry.formula.startswith(r"\varphi(z) =")
    assert entry.derivative_formula.startswith(r"\varphi'(z) =")
    assert entry.source


def test_names_and_aliases_do_not_collide():
    assert not set(ALIASES) & set(ACTIVATIONS)
    assert set(ALIASES.values()) <= set(ACTIVATIONS)
    assert len(ALIASES) == sum(len(entry.aliases) for entry in ACTIVATIONS.values())
