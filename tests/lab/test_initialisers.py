"""Every scheme: what it draws against what it says it draws, at places of every kind."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import init

from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import ALIASES, SCHEMES, Place
from initviz.lab.places import places
from initviz.lab.theory import gain

#: Further parameters under which each scheme is tested, beside its defaults.
VARIANTS = {
    "constant": [{"value": -1.5}],
    "uniform": [{"a": 0.0, "b": 1.0}, {"a": -3.0, "b": -3.0}],
    "normal": [{"std": 2.5}, {"std": 0.0}],
    "truncated_normal": [
        {"std": 1.0},
        {"std": 3.0, "cut": 1.0},
        {"std": 0.5, "cut_in": "sigmas"},
        {"std": 0.5, "cut": 0.8, "cut_in": "sigmas", "corrected": True},
        {"std": 0.0},
    ],
    "glorot_normal": [{"gain": 5 / 3}, {"gain_from": "theory"}],
    "glorot_uniform": [{"gain": 5 / 3}],
    "he_normal": [{"mode": "fan_out"}, {"mode": "fan_avg"}, {"slope": 0.5}],
    "he_uniform": [{"mode": "fan_out"}, {"mode": "fan_avg"}, {"slope": 0.5}],
    "variance_scaling": [
        {"scale": 2.0, "mode": mode, "distribution": distribution}
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("normal", "uniform", "truncated")
    ],
    "orthogonal": [{"gain": 1.5}, {"gain_from": "theory"}],
    "delta_orthogonal": [{"gain": 1.5}],
    "identity": [{"gain": 0.5}],
    "sparse": [{"sparsity": 0.25, "std": 1.0}, {"sparsity": 1.0}, {"sparsity": 0.0}],
    "keras.random_normal": [{"std": 1.0}],
    "keras.truncated_normal": [{"std": 1.0}],
    "keras.orthogonal": [{"gain": 1.5}],
    "keras.variance_scaling": [{"mode": "fan_out", "distribution": "uniform"}],
    "formula": [
        {"expression": "uniform(-a, a)", "parameter": 0.3},
        {"expression": "0.5 * orthogonal() + 0.01"},
        {"expression": "normal(1, 2) * uniform() - truncated_normal() / 3"},
        {"expression": "0.25"},
    ],
}
CASES = [
    pytest.param(SCHEMES[name](**parameters), id=f"{name}-{parameters}")
    for name in SCHEMES
    for parameters in [{}, *VARIANTS.get(name, [])]
]
each_case = pytest.mark.parametrize("scheme", CASES)


@st.composite
def _places(draw):
    """A place of any kind, large enough to measure a standard deviation."""
    kind = draw(st.sampled_from(["dense", "convolution", "rnn", "lstm", "gru"]))
    outs, ins = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    activation = draw(st.sampled_from(["identity", "tanh", "relu"]))
    if kind == "dense":
        shape, how = (outs, ins), {}
    elif kind == "convolution":
        side = draw(st.sampled_from([1, 3, 5]))
        shape, how = (max(outs, ins), min(outs, ins), side, side), {}
    else:
        gates = {"rnn": 1, "lstm": 4, "gru": 3}[kind]
        role = draw(st.sampled_from(["feed", "recurrent"]))
        ins = outs if role == "recurrent" else ins
        shape, how = (gates * outs, ins), {"gates": gates, "cell": kind, "role": role}
    place = Place(shape, "hidden 2", 2, 3, outs, activation=activation, **how)
    return place if place.size > 500 else Place((40, 30))


each_place = settings(derandomize=True, max_examples=25, deadline=None)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _drawn(scheme, place, dtype=torch.float64, seed=0):
    weight = torch.full(place.shape, torch.nan, dtype=dtype)
    draw = scheme.draw if place.gates == 1 else scheme.draw_gates
    draw(weight, place, _generator(seed))
    return weight


@each_case
@each_place
@given(place=_places(), seed=st.integers(0, 2**31))
def test_the_drawn_weights_have_the_mean_and_the_std_that_are_announced(scheme, place, seed):
    weight = _drawn(scheme, place, seed=seed).numpy()
    mean, std = scheme.weight_mean(place), scheme.weight_std(place)
    if math.isnan(std):
        assert scheme.is_data_dependent
        return
    # Six standard errors: σ/√N of the mean, and σ √((κ − 1) / 4N), κ at most 3, of the std; of
    # sparse weights fewer count, and products of draws have longer tails.
    thin = {"sparse": 10.0, "formula": 3.0}.get(scheme.name, 1.0)
    error = 6 * std * math.sqrt(thin / weight.size)
    assert weight.mean() == pytest.approx(mean, abs=error + 1e-15)
    spread = math.sqrt(np.mean((weight - mean) ** 2))
    assert spread == pytest.approx(std, abs=error / math.sqrt(2) + 1e-15)


@each_case
@each_place
@given(place=_places(), seed=st.integers(0, 2**31))
def test_every_drawn_weight_lies_in_the_support(scheme, place, seed):
    weight = _drawn(scheme, place, seed=seed).numpy()
    low, high = scheme.weight_support(place)
    slack = 1e-12 * max(abs(low), abs(high)) if math.isfinite(low) else 0.0
    assert low - slack <= weight.min()
    assert weight.max() <= high + slack


FILLING = ("uniform", "default", "truncated")


@pytest.mark.parametrize(
    "scheme", [case for case in CASES if any(word in case.id for word in FILLING)]
)
def test_a_bounded_scheme_fills_its_support(scheme):
    place = Place((300, 300))
    low, high = scheme.weight_support(place)
    weight = _drawn(scheme, place).numpy()
    if high > 6 * scheme.weight_std(place):
        return  # a cut so far out that nothing comes near it
    assert weight.min() <= low + 0.01 * (high - low)
    assert weight.max() >= high - 0.01 * (high - low)


@each_case
def test_sigma_w_is_the_length_of_a_row(scheme):
    place = Place((300, 200), activation="tanh")
    weight = _drawn(scheme, place).numpy()
    length = math.sqrt(np.mean(np.sum(weight**2, axis=1)))
    announced = scheme.sigma_w(place)
    if scheme.is_data_dependent:
        assert math.isnan(announced)
    else:
        assert announced == pytest.approx(length, rel=0.05, abs=1e-15)


@each_case
def test_the_same_seed_draws_the_same_and_another_seed_another(scheme):
    place = Place((20, 30))
    assert torch.equal(_drawn(scheme, place), _drawn(scheme, place))
    is_random = scheme.weight_std(place) != 0 and scheme.name not in ("identity", "dirac")
    if is_random:
        assert not torch.equal(_drawn(scheme, place), _drawn(scheme, place, seed=1))


@each_case
def test_no_scheme_touches_the_global_generator(scheme):
    before = torch.random.get_rng_state()
    _drawn(scheme, Place((20, 30)))
    assert torch.equal(torch.random.get_rng_state(), before)


@each_case
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (1, 1, 3, 3)], ids=str)
def test_one_unit_is_enough(scheme, shape):
    assert torch.isfinite(_drawn(scheme, Place(shape), torch.float32)).all()


#: What draws all gates of a weight together, as the library does whose name it bears.
WHOLE = {
    "pytorch_default",
    "keras_default",
    "keras.glorot_normal",
    "keras.glorot_uniform",
    "keras.he_normal",
    "keras.lecun_normal",
    "keras.orthogonal",
    "keras.variance_scaling",
}


@each_case
def test_a_gate_is_drawn_as_a_layer_of_its_own_but_in_a_default(scheme):
    place = Place((4 * 30, 20), gates=4, cell="lstm")
    generator, expected = _generator(), torch.empty(place.shape)
    whole = scheme.name in WHOLE
    for block in expected.split(120 if whole else 30):
        scheme.draw(block, place if whole else place.one_gate(), generator)
    assert torch.equal(_drawn(scheme, place, torch.float32), expected)


# -- the structure of structured weights --------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (60, 60), (12, 4, 3, 3)], ids=str)
@pytest.mark.parametrize("name", ["orthogonal", "keras.orthogonal", "lsuv"])
def test_orthogonal_weights_have_equal_singular_values(name, shape):
    parameters, value = ({}, 1.0) if name == "lsuv" else ({"gain": 1.5}, 1.5)
    weight = _drawn(SCHEMES[name](**parameters), Place(shape)).flatten(1)
    values = np.linalg.svd(weight.numpy(), compute_uv=False)
    np.testing.assert_allclose(values, value, rtol=1e-12)


@pytest.mark.parametrize("shape", [(8, 8, 3, 3), (9, 4, 5, 5), (5, 2, 7)], ids=str)
def test_delta_orthogonal_is_orthogonal_in_the_middle_and_zero_elsewhere(shape):
    weight = _drawn(SCHEMES["delta_orthogonal"](gain=1.5), Place(shape))
    middle = (..., *(size // 2 for size in shape[2:]))
    matrix = weight[middle].clone()
    np.testing.assert_allclose(matrix.T @ matrix, 2.25 * np.eye(shape[1]), atol=1e-12)
    weight[middle] = 0.0
    assert not weight.any()


def test_delta_orthogonal_of_a_plain_layer_is_orthogonal():
    place = Place((30, 40))
    delta, plain = SCHEMES["delta_orthogonal"](), SCHEMES["orthogonal"]()
    assert torch.equal(_drawn(delta, place), _drawn(plain, place))


def test_delta_orthogonal_says_what_to_change_where_there_are_fewer_channels_out():
    with pytest.raises(ValueError, match=r"hidden 3: .* 4 out and 8 in: make .* at least 8 wide"):
        _drawn(SCHEMES["delta_orthogonal"](), Place((4, 8, 3, 3), "hidden 3"))


@pytest.mark.parametrize("name", ["identity", "dirac"])
@pytest.mark.parametrize("shape", [(6, 6), (3, 5), (5, 3)], ids=str)
def test_identity_hands_on_as_many_inputs_as_possible(name, shape):
    expected = init.eye_(torch.empty(shape, dtype=torch.float64))
    assert torch.equal(_drawn(SCHEMES[name](), Place(shape)), expected)


@pytest.mark.parametrize("shape", [(20, 30), (20, 4, 3, 3)], ids=str)
@pytest.mark.parametrize("sparsity", [0.0, 0.31, 0.9, 1.0])
def test_sparse_leaves_the_same_number_of_units_to_every_input(sparsity, shape):
    weight = _drawn(SCHEMES["sparse"](sparsity=sparsity), Place(shape)).flatten(1)
    zeros = (weight == 0).sum(dim=0)
    assert (zeros == math.ceil(sparsity * 20)).all()


def test_identity_in_an_lstm_is_one_for_each_gate():
    place = Place((4 * 5, 5), role="recurrent", gates=4, cell="lstm")
    assert torch.equal(_drawn(SCHEMES["identity"](), place), torch.eye(5).double().repeat(4, 1))


# -- gains --------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "selu", "identity"])
def test_the_gain_from_theory_is_that_of_the_activation_that_is_read(activation):
    place = Place((50, 50), activation=activation)
    for name in ("glorot_normal", "orthogonal", "delta_orthogonal", "keras.orthogonal"):
        scheme = SCHEMES[name](gain=7.0, gain_from="theory")
        assert scheme.sigma_w(place) == pytest.approx(gain(activation), rel=1e-12)


def test_the_first_layer_reads_data_and_needs_no_gain():
    experiment = Experiment.from_toml(
        '[network]\nactivation = "leaky_relu"\nslope = 0.5\nhidden_layers = 2\n'
        '[initialiser]\nscheme = "orthogonal"\ngain_from = "theory"\n'
        '[[layers]]\nname = "hidden 2"\nactivation = "tanh"'
    )
    gains = [experiment.initialiser.gain_at(place) for place in places(experiment)]
    assert gains == pytest.approx([1.0, math.sqrt(2 / 1.25), gain("tanh")])


# -- biases -------------------------------------------------------------------------------------

BIASED = [
    {},
    {"bias": 0.25},
    {"bias": 0.25, "bias_distribution": "constant"},
    {"bias": -0.5, "bias_distribution": "normal", "bias_spread": 0.7},
    {"bias": 0.5, "bias_distribution": "uniform", "bias_spread": 0.7},
    {"bias": 0.1, "forget_bias": 2.0},
]
BIAS_PLACES = [
    Place((40_000, 50)),
    Place((40_000, 50), gates=4, cell="lstm"),
    Place((40_000, 10_000), role="recurrent", gates=4, cell="lstm"),
    Place((30_000, 50), gates=3, cell="gru"),
    Place((30_000, 50), cell="rnn"),
]


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("parameters", BIASED, ids=str)
def test_the_bias_has_the_mean_and_the_std_that_are_announced(name, parameters):
    scheme = SCHEMES[name](**parameters)
    for place in BIAS_PLACES:
        bias = torch.full((place.shape[0],), torch.nan, dtype=torch.float64)
        scheme.draw_bias(bias, place, _generator())
        mean, std = scheme.bias_mean(place), scheme.bias_std(place)
        error = 5 * std / math.sqrt(len(bias))
        assert bias.mean().item() == pytest.approx(mean, abs=error + 1e-12)
        assert bias.std(correction=0).item() == pytest.approx(std, abs=error + 1e-12)


def test_drawn_biases_have_the_distribution_that_is_chosen():
    bias = torch.empty(50_000, dtype=torch.float64)
    place = Place((50_000, 3))
    SCHEMES["normal"](bias_distribution="uniform", bias_spread=1.0).draw_bias(
        bias, place, _generator()
    )
    assert bias.abs().max().item() == pytest.approx(math.sqrt(3), rel=1e-3)
    assert (bias**4).mean().item() == pytest.approx(9 / 5, rel=0.03)
    SCHEMES["normal"](bias_distribution="normal", bias_spread=1.0).draw_bias(
        bias, place, _generator()
    )
    assert (bias**4).mean().item() == pytest.approx(3.0, rel=0.05)


def test_the_forget_bias_goes_to_the_forget_gate_of_an_lstm_alone():
    scheme = SCHEMES["zeros"](bias=0.5, forget_bias=2.0)
    bias = torch.empty(20)
    scheme.draw_bias(bias, Place((20, 3), gates=4, cell="lstm"), _generator())
    assert bias.tolist() == [0.5] * 5 + [2.5] * 5 + [0.5] * 10
    scheme.draw_bias(bias, Place((20, 5), role="recurrent", gates=4, cell="lstm"), _generator())
    assert bias.tolist() == [0.0] * 20
    scheme.draw_bias(bias, Place((20, 3)), _generator())
    assert bias.tolist() == [0.5] * 20


def test_a_bias_of_pytorchs_default_can_be_chosen_instead():
    scheme = SCHEMES["pytorch_default"](bias_distribution="constant")
    for role in ("feed", "recurrent"):
        bias = torch.full((20,), torch.nan)
        scheme.draw_bias(bias, Place((20, 5), role=role, gates=4, cell="lstm"), _generator())
        assert bias.tolist() == [0.0] * 20


# -- the table ----------------------------------------------------------------------------------


def test_the_named_schemes_at_100_inputs():
    place = Place((100, 100))
    sigma = {name: scheme().weight_std(place) for name, scheme in SCHEMES.items()}
    assert sigma["glorot_normal"] == pytest.approx(0.1)
    assert sigma["he_normal"] == pytest.approx(0.1414, abs=1e-4)
    assert sigma["lecun_normal"] == pytest.approx(0.1)
    assert sigma["pytorch_default"] ** 2 == pytest.approx(1 / 300)
    assert sigma["inverse_sqrt_uniform"] ** 2 == pytest.approx(1 / 300)
    assert sigma["keras.truncated_normal"] == pytest.approx(0.05 * 0.8796256610342398)
    assert sigma["formula"] == pytest.approx(0.1414, abs=1e-4)


@pytest.mark.parametrize(
    ("shape", "expected"), [((5, 7), (7, 5)), ((5, 7, 3), (21, 15)), ((5, 7, 3, 2), (42, 30))]
)
def test_fans_are_those_of_pytorch_and_keras(shape, expected):
    place = Place(shape)
    assert (place.fan_in, place.fan_out) == expected
    assert expected == init._calculate_fan_in_and_fan_out(torch.empty(shape))


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_an_entry_can_be_shown(scheme):
    assert scheme.label
    assert len(scheme.label) <= 24
    assert "W" in scheme.formula
    assert scheme.source
    assert scheme().scheme == scheme.name


def test_labels_differ():
    labels = [scheme.label for scheme in SCHEMES.values()]
    assert len(set(labels)) == len(labels)


def test_names_and_aliases_do_not_collide():
    assert not set(ALIASES) & set(SCHEMES)
    assert len(ALIASES) == sum(len(scheme.names) for scheme in SCHEMES.values())


def test_settings_without_effect_are_hidden():
    def visible(toml):
        return {f.key.split(".")[1] for f in Experiment.from_toml(toml).fields() if f.is_visible}

    plain = visible("")
    assert not {"bias_spread", "forget_bias", "zero_branches"} & plain
    assert "bias_spread" in visible('[initialiser]\nbias_distribution = "normal"')
    assert "zero_branches" in visible("[network]\nresidual = true")
    lstm = '[network]\narchitecture = "lstm"\n[training]\ndata = "recall"'
    assert "forget_bias" in visible(lstm)
    assert "gain" in visible('[initialiser]\nscheme = "orthogonal"')
    assert "gain" not in visible('[initialiser]\nscheme = "orthogonal"\ngain_from = "theory"')
    assert "corrected" not in visible('[initialiser]\nscheme = "truncated_normal"')
    assert "corrected" in visible('[initialiser]\nscheme = "truncated_normal"\ncut_in = "sigmas"')
    assert "parameter" not in visible('[initialiser]\nscheme = "formula"')
    assert "parameter" in visible('[initialiser]\nscheme = "formula"\nexpression = "a * normal()"')
