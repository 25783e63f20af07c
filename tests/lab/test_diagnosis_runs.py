"""The rules on real runs of what they are for."""

import pytest

from initviz.lab.diagnosis import on_early_stop
from initviz.lab.experiment import Experiment
from initviz.lab.training import run


def _experiment(**settings):
    experiment = Experiment()
    for key, value in settings.items():
        experiment = experiment.with_value(key.replace("__", "."), value)
    return experiment


def _found(steps=0, **settings):
    return {f.kind: f for f in run(_experiment(**settings), steps).findings()}


UNIFORM = {
    "initialiser__scheme": "uniform",
    "initialiser__b": 1.0,
    "initialiser__a": 0.0,
    "training__scaling": "unit",
}


def test_small_tanh_weights_vanish_and_starve_every_layer():
    found = _found(initialiser__std=0.01)
    assert list(found) == ["vanishing"]
    assert 1e-10 < found["vanishing"].value < 1e-8
    assert "no layer's weights can learn" in found["vanishing"].message
    assert "Each layer passes back 0.10 of what it gets" in found["vanishing"].message


def test_following_the_remedy_heals_it():
    sick = _experiment(initialiser__std=0.01)
    (finding,) = run(sick, 0).findings()
    for key, value in finding.remedy_settings.items():
        sick = sick.with_value(key, value)
    assert [f.kind for f in run(sick, 50).findings()] == ["healthy"]


def test_small_sigmoid_weights_starve_the_first_layers_alone():
    message = _found(network__activation="sigmoid")["vanishing"].message
    assert "The weights of layers 1–6 cannot learn." in message


@pytest.mark.parametrize(
    ("activation", "scheme"),
    [("tanh", "glorot_normal"), ("relu", "he_normal"), ("selu", "lecun_normal")],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_start_that_suits_the_activation_is_healthy(activation, scheme, seed):
    settings = {"network__activation": activation, "initialiser__scheme": scheme}
    assert list(_found(run__seed=seed, **settings)) == ["healthy"]


def test_he_is_healthy_at_thirty_layers():
    settings = {"network__activation": "relu", "initialiser__scheme": "he_normal"}
    assert list(_found(network__hidden_layers=30, network__width=128, **settings)) == ["healthy"]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_zeros_are_identical_and_only_the_output_bias_learns(activation):
    found = _found(initialiser__scheme="zeros", network__activation=activation)
    assert list(found)[:2] == ["identical", "vanishing"]
    assert found["identical"].value == 1.0
    assert "only the output's biases can learn" in found["vanishing"].message


def test_a_constant_start_stays_identical():
    found = _found(5, initialiser__scheme="constant", run__precision="float64")
    assert next(iter(found)) == "identical"


def test_relu_weights_of_std_1_explode():
    found = _found(initialiser__std=1.0, network__activation="relu")
    assert list(found) == ["exploding"]
    assert found["exploding"].value > 1e6


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_positive_weights_saturate_and_so_vanish(activation):
    found = _found(network__activation=activation, **UNIFORM)
    assert list(found) == ["vanishing", "saturated"]
    assert found["saturated"].value == 1.0
    assert "exactly 0" in found["vanishing"].message


def test_positive_relu_weights_explode():
    assert list(_found(network__activation="relu", **UNIFORM)) == ["exploding"]


def test_large_centred_tanh_weights_explode_although_saturated():
    assert list(_found(initialiser__std=0.35)) == ["exploding", "saturated"]


@pytest.mark.parametrize(
    ("activation", "scheme"), [("relu", "he_normal"), ("tanh", "glorot_normal")]
)
def test_a_huge_learning_rate_diverges_and_the_layer_is_named(activation, scheme):
    found = _found(
        3,
        training__learning_rate=1e30,
        network__activation=activation,
        initialiser__scheme=scheme,
    )
    assert list(found) == ["diverged"]
    assert found["diverged"].layer in ("hidden 1", "hidden 2")
    assert found["diverged"].remedy == "Try a learning rate of 0.01."


def test_weights_beyond_float32_diverge_at_step_0():
    found = _found(initialiser__std=1e30, network__activation="relu")
    assert list(found) == ["diverged"]
    assert "Since step 0" in found["diverged"].message
    assert found["diverged"].remedy == "Try He normal."


def test_a_tall_stack_of_default_relu_layers_vanishes():
    found = _found(
        network__hidden_layers=20,
        network__activation="relu",
        initialiser__scheme="pytorch_default",
    )
    assert found["vanishing"].value < 1e-6
    assert found["vanishing"].remedy_settings == {"initialiser.scheme": "he_normal"}


# -- through time --------------------------------------------------------------------------------


def _recall(architecture, times=30, **settings):
    return Experiment().with_values(
        {
            "network.architecture": architecture,
            "network.hidden_layers": 1,
            "network.width": 16,
            "training.data": "recall",
            "training.sequence_length": times,
            "training.batch_size": 16,
            **{key.replace("__", "."): value for key, value in settings.items()},
        }
    )


def test_small_recurrent_weights_forget():
    (finding,) = run(_recall("rnn", initialiser__std=0.1), 0).findings()
    assert (finding.kind, finding.label) == ("vanishing", "Vanishing through time")
    assert finding.layer == "hidden 1"
    recording = run(_recall("rnn", initialiser__std=0.1), 0)
    states = recording.latest_time("state_gradient_norm", 0)[1]
    assert finding.value == pytest.approx(states[0] / states[-1])
    assert "at the first of 30 time steps. Rule: below 10⁻³." in finding.message
    assert "Each time step passes back" in finding.message


def test_a_state_gradient_that_underflows_is_called_exactly_0():
    (finding,) = run(_recall("rnn", 100, initialiser__std=0.01), 0).findings()
    assert "is exactly 0 at the first " in finding.message
    assert finding.value == 0.0
    assert not finding.message.endswith("\n")


def test_large_recurrent_weights_explode_through_time():
    found = {
        f.kind: f
        for f in run(_recall("rnn", initialiser__std=0.6, network__activation="relu"), 0).findings()
    }
    finding = found["exploding"]
    assert finding.label == "Exploding through time"
    assert finding.value > 100
    names = [advice.name for advice in finding.remedies]
    assert "gradients clipped at 1" in names
    assert "orthogonal weights" in names
    assert "the gradient stays" in finding.why


def test_of_an_lstm_the_cell_is_told_too():
    recording = run(_recall("lstm", 50), 0)
    (finding,) = recording.findings()
    cells = recording.latest_time("cell_gradient_norm", 0)[1]
    assert "That of the cell, ‖∂L/∂c‖, falls to " in finding.message
    assert cells[0] / cells[-1] < 1e-8
    assert "PyTorch's default has no forget-gate bias of 1" in finding.why


def test_an_lstm_that_remembers_is_healthy():
    remembers = _recall("lstm", 50, initialiser__scheme="orthogonal", initialiser__forget_bias=2.3)
    (finding,) = run(remembers, 0).findings()
    assert finding.kind == "healthy"
    assert finding.message.startswith("The first of 50 time steps gets ")


# -- early stopping --------------------------------------------------------------------------------


def _stopped(**settings):
    patient = {"training__early_stopping": True, "training__patience": 30}
    small = {"training__data": "blobs", "network__width": 16}
    return run(_experiment(**patient, **small, **settings), 3000)


def test_a_loss_that_stands_still_because_it_starves_is_no_convergence():
    recording = _stopped(initialiser__std=0.01)
    assert recording.stopped == "early"
    sentence = on_early_stop(recording)
    assert sentence.startswith(
        "Stopped early because the loss stood still: the network has not converged, it starves. "
        "The signal gradient of layer 1 is "
    )
    assert sentence.endswith(".")


def test_zeros_starve_however_even_they_are():
    recording = _stopped(initialiser__scheme="zeros", network__hidden_layers=2)
    assert "it starves. Each of the 2 hidden layers has 1 distinct unit" in on_early_stop(recording)


def test_a_loss_that_fell_and_stands_still_has_converged():
    recording = _stopped(
        initialiser__scheme="glorot_normal", network__hidden_layers=2, training__learning_rate=0.5
    )
    assert recording.stopped == "early"
    assert on_early_stop(recording).startswith(
        "Stopped early: the loss has not fallen for 30 steps, after it fell from "
    )
    assert on_early_stop(recording).endswith(": the network has converged.")


def test_a_rate_of_next_to_nothing_is_neither_starved_nor_converged():
    recording = _stopped(initialiser__scheme="glorot_normal", training__learning_rate=1e-9)
    sentence = on_early_stop(recording)
    assert "nothing starves, but little was learnt either" in sentence
    assert "converged" not in sentence


def test_a_run_that_diverged_is_told_as_such():
    recording = _stopped(initialiser__scheme="glorot_normal", training__learning_rate=1e30)
    assert recording.stopped == "early"
    assert "has diverged" in on_early_stop(recording)


def test_a_run_that_was_not_stopped_has_nothing_to_explain():
    assert on_early_stop(run(_experiment(), 1)) == ""


def test_what_the_layers_are_to_be_is_found_out_once_for_a_recording(monkeypatch):
    """It is asked for at every diagnosis, and those are many a second."""
    recording, asked, hidden = run(_experiment(initialiser__std=0.01), 3), [], Experiment.hidden

    def counted(experiment):
        asked.append(experiment)
        return hidden.fget(experiment)

    for step in (0, 3):  # what can be done about it is found out once for an experiment
        recording.findings(step)
    monkeypatch.setattr(Experiment, "hidden", property(counted))
    for step in range(4):
        assert "vanishing" in [finding.kind for finding in recording.findings(step)]
    assert asked == []
    assert [plan.width for plan in recording.plans] == [100] * 10
