"""What was drawn live at a step is drawn again, pixel by pixel, from the file that was kept of it.

Panels over time show the whole run and a line at the step looked at: theirs are the pictures of
going back in the live run, at its end. All others show nothing of what comes after the step.

Left out are panels that find out by themselves what they show, from whole weights that are kept of
some steps only, and the seeds, which are asked for and not recorded.
"""

import pytest

from initviz.lab.experiment import Experiment
from initviz.lab.network_settings import layer_names
from initviz.lab.recording import Recording, load
from initviz.lab.training import environment, train
from initviz.ui.panels import PANELS
from initviz.ui.panels.base import Shown
from initviz.ui.panels.export import to_image

LAST = 130
SIZE = (640, 520)
KEPT = (0, 1, 7, 40, 117, LAST)  # not everything is measured at step 117
SMALL = Experiment().with_values(
    {"network.hidden_layers": 4, "network.width": 16, "initialiser.std": 0.01}
)
RECURRENT = Experiment().with_values(
    {
        "network.architecture": "lstm",
        "network.hidden_layers": 2,
        "network.width": 8,
        "training.data": "digit_rows",
    }
)
#: What runs side by side; lanes differ in their activation, their depth and their letter's gap.
SESSIONS = {
    "one lane": {"A": SMALL},
    "two lanes": {
        "A": SMALL,
        "C": SMALL.with_values({"network.activation": "relu", "network.hidden_layers": 7}),
    },
    "one lane along time": {"A": RECURRENT},
    "two lanes along time": {"A": RECURRENT, "B": RECURRENT.with_value("run.seed", 1)},
}
OVER_TIME = {"gradient_over_time", "activation_over_time", "update_ratio", "loss"}
RECORDED = [kind for kind in PANELS if not kind.needs_analyst and kind.name != "seeds"]


def shown(recordings, step):
    """What a window hands to its panels."""
    return [
        Shown(letter, "ABCD".index(letter), f"lane {letter}", recording, step)
        for letter, recording in recordings.items()
    ]


def pictures_of(panel, recordings, step):
    panel.show_data(shown(recordings, step))
    return to_image(panel)


@pytest.fixture(scope="module", params=SESSIONS)
def session(request, qapp, tmp_path_factory, _fonts):
    """Pictures of all panels as they were while the lanes were trained, and what was kept."""
    experiments = SESSIONS[request.param]
    runs = {letter: train(experiment, last=LAST) for letter, experiment in experiments.items()}
    recordings = {
        letter: Recording(one, layer_names(one.network), environment(one))
        for letter, one in experiments.items()
    }
    panels, pictures = {}, {}
    for step in range(LAST + 1):
        for letter, run in runs.items():
            recordings[letter].append(next(run))
        now = shown(recordings, step)
        for kind in (kind for kind in RECORDED if kind.suits(now)):
            if kind.name not in panels:
                panels[kind.name] = kind()
                panels[kind.name].resize(*SIZE)
            panels[kind.name].show_data(now)
            panels[kind.name].catch_up()
            if step in KEPT and kind.name not in OVER_TIME:
                pictures[kind.name, step] = to_image(panels[kind.name])
    for name in panels.keys() & OVER_TIME:
        for step in KEPT:
            pictures[name, step] = pictures_of(panels[name], recordings, step)
    folder = tmp_path_factory.mktemp("replay")
    for letter, recording in recordings.items():
        recording.save(folder / f"{letter}.initviz")
    for panel in panels.values():
        panel.stop()
        panel.deleteLater()
    return pictures, {letter: load(folder / f"{letter}.initviz") for letter in experiments}


@pytest.mark.slow
def test_a_loaded_recording_draws_what_the_live_run_drew_at_that_step(session, make_panel):
    pictures, loaded = session
    differing = []
    for kind in (kind for kind in RECORDED if (kind.name, LAST) in pictures):
        panel = make_panel(kind, size=SIZE)
        for step in (*KEPT, *reversed(KEPT)):
            if pictures_of(panel, loaded, step) != pictures[kind.name, step]:
                differing.append((kind.name, step))
    assert not differing


@pytest.mark.slow
def test_the_pictures_of_different_steps_differ(session):
    pictures, _loaded = session
    still = {"phase_map"}  # it shows how the network starts
    for name in {name for name, _ in pictures} - still:
        assert pictures[name, 1] != pictures[name, LAST], name
