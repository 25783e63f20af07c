"""The script that an experiment is written as repeats the run, without initviz."""

import math
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
import torch

from initviz.lab.activations import ACTIVATIONS
from initviz.lab.experiment import Experiment
from initviz.lab.initialisers import SCHEMES
from initviz.lab.initialisers.own_formula import evaluate
from initviz.lab.optimisers import OPTIMISERS
from initviz.lab.recording import Environment
from initviz.lab.script import script, write_script
from initviz.lab.script_weights import plain
from initviz.lab.training import train

LOSSES = 10
SMALL = {"hidden_layers": 3, "width": 12}
SEQUENCES = {"data": "digit_rows"}


@pytest.fixture(autouse=True)
def _defaults():
    """A script sets what holds for its whole process: here that is the tests' own."""
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(1)


def experiment(network=None, training=None, initialiser=None, layers=(), run=None, **others):
    small = SMALL | (network or {})
    recurrent = small.get("architecture") in ("rnn", "lstm", "gru")
    data = {
        "network": small,
        "training": (SEQUENCES if recurrent else {}) | (training or {}),
        "initialiser": initialiser or {"scheme": "glorot_normal"},
        "layers": list(layers),
        "run": {"device": "cpu"} | (run or {}),
    }
    return Experiment.from_dict(data | others)


def measured(of):
    return [snapshot.scalars["loss"] for snapshot in train(of, last=LOSSES - 1, probed=False)]


def scripted(of, folder):
    path = folder / "run.py"
    write_script(of, path)
    return runpy.run_path(str(path))["main"](LOSSES)


def check(of, folder):
    # A loss of NaN is one that diverged: it must do so at the same step.
    expected = pytest.approx(measured(of), rel=1e-6, abs=1e-6, nan_ok=True)
    assert scripted(of, folder) == expected


# -- every part of an experiment ------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "rnn", "lstm", "gru"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_every_architecture_is_repeated(architecture, activation, tmp_path):
    check(experiment({"architecture": architecture, "activation": activation}), tmp_path)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("architecture", ["mlp", "cnn", "lstm"])
def test_every_scheme_is_repeated(scheme, architecture, tmp_path):
    check(experiment({"architecture": architecture}, initialiser={"scheme": scheme}), tmp_path)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_repeated(activation, tmp_path):
    check(experiment({"activation": activation, "slope": 0.2}), tmp_path)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9, "weight_decay": 0.01}])
def test_every_optimiser_is_repeated(optimiser, settings, tmp_path):
    check(experiment(training={"optimiser": optimiser, "nesterov": True, **settings}), tmp_path)


@pytest.mark.parametrize(
    "data", ["digits", "digit_rows", "recall", "moons", "circles", "spirals", "blobs"]
)
@pytest.mark.parametrize("scaling", ["standardised", "unit", "raw"])
def test_every_set_of_data_is_repeated(data, scaling, tmp_path):
    check(experiment(training={"data": data, "scaling": scaling, "sequence_length": 9}), tmp_path)


@pytest.mark.parametrize(
    ("network", "training"),
    [
        ({"normalisation": "batch"}, {}),
        ({"normalisation": "layer", "normalisation_place": "after"}, {}),
        ({"normalisation": "batch", "architecture": "cnn", "kernel_size": 5}, {}),
        ({"normalisation": "layer", "architecture": "cnn", "padding": "zeros"}, {}),
        ({"architecture": "cnn", "kernel_size": 1}, {}),
        ({"residual": True}, {}),
        ({"residual": True, "branch_scale": 0.3, "normalisation": "batch", "dropout": 0.2}, {}),
        ({"residual": True, "architecture": "cnn", "dropout": 0.1}, {}),
        ({"dropout": 0.5}, {}),
        ({"dropout": 0.3, "architecture": "gru"}, {}),
        ({"hidden_layers": 1}, {}),
        ({"hidden_layers": 1, "architecture": "lstm", "dropout": 0.3}, {}),
        ({"activation": "identity", "residual": True}, {}),
        ({}, {"loss": "mse"}),
        ({}, {"warmup_steps": 5}),
        ({}, {"clip_norm": 0.1}),
        ({}, {"clip_norm": 1e6, "warmup_steps": 3, "optimiser": "adam"}),
        ({}, {"batch_size": 1000}),
        ({}, {"batch_size": 4000}),
        ({}, {"learning_rate": 1e4}),
    ],
    ids=str,
)
def test_every_setting_is_repeated(network, training, tmp_path):
    check(experiment(network, training), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "initialiser",
    [
        {"scheme": "normal", "std": 0.0},
        {"scheme": "glorot_uniform", "gain": 1.7},
        {"scheme": "glorot_normal", "gain_from": "theory"},
        {"scheme": "orthogonal", "gain_from": "theory"},
        {"scheme": "identity", "gain": 0.5},
        {"scheme": "delta_orthogonal", "gain": 0.5},
        {"scheme": "he_normal", "mode": "fan_avg", "slope": 0.3},
        {"scheme": "he_uniform", "mode": "fan_out", "slope": 0.3},
        {"scheme": "variance_scaling", "scale": 0.0},
        {"scheme": "variance_scaling", "mode": "fan_avg", "distribution": "uniform"},
        {"scheme": "keras.variance_scaling", "mode": "fan_out", "distribution": "normal"},
        {"scheme": "truncated_normal", "std": 0.5, "cut": 0.3},
        {"scheme": "truncated_normal", "std": 0.5, "cut_in": "sigmas"},
        {"scheme": "truncated_normal", "std": 0.5, "cut_in": "sigmas", "corrected": True},
        {"scheme": "truncated_normal", "std": 0.0},
        {"scheme": "sparse", "sparsity": 0.5, "std": 0.3},
        {"scheme": "lsuv", "tolerance": 0.0, "max_iterations": 3},
        {"scheme": "normal", "bias": 0.2},
        {"scheme": "normal", "bias_distribution": "normal", "bias": 0.2, "bias_spread": 0.3},
        {"scheme": "pytorch_default", "bias_distribution": "uniform"},
        {"scheme": "pytorch_default", "bias_distribution": "constant", "bias": -0.1},
        {"scheme": "pytorch_default", "bias": -0.1},
        {"scheme": "keras_default", "forget_bias": 0.5},
    ],
    ids=str,
)
@pytest.mark.parametrize("architecture", ["mlp", "cnn", "lstm"])
def test_every_parameter_of_a_scheme_is_repeated(initialiser, architecture, tmp_path):
    check(experiment({"architecture": architecture}, initialiser=initialiser), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "expression",
    [
        "normal()",
        "uniform(-a, a) / sqrt(fan_in)",
        "0.5 * orthogonal() + 0.01",
        "truncated_normal(0.1, 1 / sqrt(fan_out))",
        "truncated_normal(0.1, 0 if layer == 2 else 0.1)",
        "normal(0, sqrt(2 / fan_in)) if layer < depth else 0.01",
        "0.1 if layer > 1 and width == 12 else uniform(-0.1, 0.1)",
        "min(normal(0, 0.1), 0.05, uniform(0, 1))",
        "max(0.001 * layer, e ** -4)",
        "0.1 * tanh(normal()) * abs(uniform(-1, 1)) ** 0.5",
        "sqrt(0.01 if layer > 2 else abs(normal(0, 0.01)))",
        "(constant(2) ** -layer) * normal() * cos(pi / layer)",
        "0.1 * (not layer > 1) + zeros()",
        "log(ones() + uniform(0, 0.1))",
    ],
)
@pytest.mark.parametrize("architecture", ["mlp", "gru"])
def test_every_formula_is_repeated(expression, architecture, tmp_path):
    initialiser = {"scheme": "formula", "expression": expression, "parameter": 0.7}
    check(experiment({"architecture": architecture}, initialiser=initialiser), tmp_path)


def test_writing_a_formula_leaves_it_as_it_was():
    initialiser = {"scheme": "formula", "expression": "tanh(pi * normal())"}
    of = experiment(initialiser=initialiser)
    text = script(of)
    assert script(of) == text
    evaluate.cache_clear()  # so that it is walked once more
    assert len(measured(of)) == LOSSES


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "lstm"])
@pytest.mark.parametrize("residual", [True, False])
def test_layers_of_their_own_are_repeated(architecture, residual, tmp_path):
    layers = [
        {"name": "hidden 2", "width": 7, "initialiser": {"scheme": "lsuv"}},
        {"name": "hidden 3", "activation": "relu"},
        {"name": "hidden 4", "activation": "prelu"},
        {"name": "hidden 9", "width": 5},
        {"name": "hidden 5", "initialiser": {"scheme": "formula", "expression": "normal() / 9"}},
        {"name": "output", "initialiser": {"scheme": "formula", "expression": "layer * normal()"}},
    ]
    network = {"architecture": architecture, "hidden_layers": 5, "residual": residual}
    check(experiment(network, layers=layers), tmp_path)


@pytest.mark.parametrize("initialiser", ["he_normal", "lsuv", "orthogonal"])
def test_branches_that_start_at_zero_are_repeated(initialiser, tmp_path):
    zero = {"scheme": initialiser, "zero_branches": True}
    check(experiment({"residual": True}, initialiser=zero), tmp_path)


def test_a_chaotic_run_is_repeated_bit_for_bit(tmp_path):
    of = experiment(
        {"architecture": "rnn", "width": 30},
        {"data": "recall", "sequence_length": 30, "learning_rate": 0.5},
        {"scheme": "normal", "std": 0.3},
    )
    assert scripted(of, tmp_path) == measured(of)


@pytest.mark.parametrize("architecture", ["mlp", "gru"])
def test_double_precision_and_another_seed_are_repeated(architecture, tmp_path):
    of = experiment(
        {"architecture": architecture, "dropout": 0.1},
        {"loss": "mse", "clip_norm": 0.01},
        {"scheme": "formula", "expression": "max(normal(0, 0.1), 0.01)"},
        run={"seed": 12345, "precision": "float64"},
    )
    assert scripted(of, tmp_path) == pytest.approx(measured(of), rel=1e-12)


# -- data of one's own ---------------------------------------------------------------------------


def test_a_file_of_ones_own_lies_beside_the_script(tmp_path):
    rng = np.random.default_rng(0)
    own = tmp_path / "own.npz"
    features = rng.normal(5.0, 2.0, (60, 6))
    features[:, 2] = 0.1  # never changes, and its mean is rounded
    np.savez(own, X=features, y=rng.integers(0, 3, 60))
    of = experiment(training={"data": "file", "path": str(own), "batch_size": 20})
    expected = measured(of)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    written = write_script(of, folder / "my run.py")
    own.unlink()
    assert [path.name for path in written] == ["my run.py", "my run-data.npz"]
    losses = runpy.run_path(str(written[0]))["main"](LOSSES)
    assert losses == pytest.approx(expected, rel=1e-6)


def test_images_of_ones_own_are_read_by_convolutions(tmp_path):
    rng = np.random.default_rng(0)
    own = tmp_path / "own.npz"
    images = rng.integers(0, 255, (50, 6, 5), dtype=np.uint8)
    np.savez(own, images=images, labels=rng.integers(0, 2, 50))
    training = {"data": "file", "path": str(own), "scaling": "unit", "batch_size": 10}
    check(experiment({"architecture": "cnn"}, training), tmp_path)


def test_a_file_that_is_gone_is_named(tmp_path):
    of = experiment(training={"data": "file", "path": str(tmp_path / "gone.npz")})
    with pytest.raises(ValueError, match=r"gone\.npz"):
        write_script(of, tmp_path / "run.py")
    assert not list(tmp_path.iterdir())


# -- as a program ------------------------------------------------------------------------------


def test_it_runs_alone_where_initviz_is_not(tmp_path):
    of = experiment(training={"length": LOSSES})
    write_script(of, tmp_path / "run.py")
    code = (
        "import runpy, sys; sys.modules['initviz'] = None;"
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, "run.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    losses = [float(number) for number in re.findall(r"loss (\S+)", done.stdout)]
    assert losses == pytest.approx(measured(of), rel=1e-6)
    assert "test accuracy" in done.stdout


def test_it_ends_with_the_test_accuracy_of_the_run(tmp_path, capsys):
    of = experiment({"normalisation": "batch", "dropout": 0.2})
    *_, last = train(of, last=LOSSES)
    scripted(of, tmp_path)
    assert f"test accuracy {last.scalars['test_accuracy']:.1%}" in capsys.readouterr().out


def test_the_usual_script_fits_on_a_page():
    lines = script(Experiment()).splitlines()
    assert len([line for line in lines if line]) <= 80
    assert all(len(line) <= 88 for line in lines if not line.startswith("DIGITS = "))


@pytest.mark.parametrize(
    "of",
    [
        experiment({"architecture": "lstm", "dropout": 0.1}, initialiser={"scheme": "lsuv"}),
        experiment({"architecture": "cnn", "residual": True, "normalisation": "batch"}),
        experiment(initialiser={"scheme": "formula", "expression": "max(uniform(), sqrt(2))"}),
        experiment(training={"warmup_steps": 9, "momentum": 0.9, "nesterov": True, "loss": "mse"}),
    ],
    ids=["lstm", "cnn", "formula", "training"],
)
def test_it_imports_and_defines_nothing_that_it_does_not_use(of, tmp_path):
    path = tmp_path / "run.py"
    write_script(of, path)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F,E7,E9,I", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    text = path.read_text()
    assert all(len(line) <= 100 for line in text.splitlines() if not line.startswith("DIGITS"))
    for name in re.findall(r"^(?:class|    def|def) (\w+)", text, re.M):
        if name not in ("__init__", "forward"):
            assert len(re.findall(rf"\b{name}\b", text)) > 1, name


def test_what_is_not_asked_for_is_not_in_it():
    text = script(experiment(training={"data": "moons"}))
    for word in ("Dropout", "clip", "warm", "BatchNorm", "Residual", "weight_decay", "DIGITS"):
        assert word not in text


def test_it_goes_on_for_as_long_as_the_experiment():
    assert "def main(steps=100):" in script(experiment())
    assert "def main(steps=250):" in script(experiment(training={"length": 250}))
    epochs = {"length": 2, "unit": "epochs", "data": "moons"}
    assert "def main(steps=50):" in script(experiment(training=epochs))


def test_it_says_that_early_stopping_is_left_out():
    assert "stopped early" in script(experiment(training={"early_stopping": True}))


def test_it_is_written_for_the_device_and_the_threads_of_the_run():
    text = script(experiment({"dropout": 0.1}), Environment("NVIDIA H200", 4, {"torch": "2.9"}))
    assert "torch.set_num_threads(4)" in text
    assert 'torch.Generator("cuda").manual_seed(DROPOUT)' in text
    assert 'network.to("cuda")' in text
    assert "On NVIDIA H200 with PyTorch 2.9" in text
    assert "fused" not in script(experiment(), Environment("MPS", 4))


@pytest.mark.parametrize(
    "title", ['"""\nraise SystemExit(1)\n"""', "a\\", 'end"', "\x00\u2028\rimport os", "'" * 9]
)
def test_a_title_from_anywhere_stays_a_title(title, tmp_path):
    of = experiment(training={"data": "blobs"}, title=title)
    path = tmp_path / "run.py"
    write_script(of, path)
    namespace = runpy.run_path(str(path))
    assert "hidden layers" in namespace["__doc__"]
    assert "os" not in namespace
    assert len(namespace["__doc__"].splitlines()) == 5


def test_formulas_are_written_in_plain_text():
    for scheme in SCHEMES.values():
        assert not re.search(r"[\\{}]", plain(scheme.formula))
    assert plain(SCHEMES["he_normal"].formula) == "W ~ N(0, 2 / ((1 + s²) n_fan))"
    assert plain(SCHEMES["lecun_uniform"].formula) == "W ~ U(±√(3 / n_in))"


# -- settings drawn at random ---------------------------------------------------------------------


def _drawn(seed):
    rng = np.random.default_rng(seed)

    def one(*values):
        return values[rng.integers(len(values))]

    architecture = one("mlp", "cnn", "rnn", "lstm", "gru")
    network = {
        "architecture": architecture,
        "activation": one(*ACTIVATIONS),
        "hidden_layers": int(rng.integers(1, 6)),
        "width": int(rng.integers(2, 20)),
        "normalisation": one("none", "batch", "layer"),
        "normalisation_place": one("before", "after"),
        "residual": one(True, False),
        "branch_scale": one(1.0, 0.5),
        "dropout": one(0.0, 0.2),
        "padding": one("circular", "zeros"),
    }
    training = {
        "data": {"mlp": one("moons", "digits", "recall"), "cnn": "digits"}.get(
            architecture, one("digit_rows", "recall", "digits")
        ),
        "sequence_length": int(rng.integers(2, 20)),
        "optimiser": one(*OPTIMISERS),
        "loss": one("cross_entropy", "mse"),
        "scaling": one("standardised", "unit", "raw"),
        "warmup_steps": one(0, 4),
        "weight_decay": one(0.0, 0.1),
        "momentum": one(0.0, 0.9),
    }
    initialiser = {
        "scheme": one(*(name for name in SCHEMES if name != "delta_orthogonal")),
        "bias_distribution": one("scheme", "constant", "normal", "uniform"),
        "bias": one(0.0, 0.1),
        "zero_branches": one(True, False),
        "forget_bias": one(0.0, 1.0),
    }
    layers = [{"name": "hidden 2", "width": 4}] if one(True, False) else []
    return experiment(network, training, initialiser, layers, {"seed": int(rng.integers(1000))})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100))
def test_whatever_is_drawn_is_repeated(seed, tmp_path):
    check(_drawn(seed), tmp_path)


def test_a_diverged_loss_is_nan_at_the_same_step(tmp_path):
    of = experiment({"activation": "relu"}, {"learning_rate": 1e20})
    losses = measured(of)
    assert any(math.isnan(loss) for loss in losses)
    assert [math.isnan(x) for x in scripted(of, tmp_path)] == [math.isnan(x) for x in losses]
